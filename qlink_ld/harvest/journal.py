"""What did a visit get before it was cut off? Its pages, and a line about each of them in a journal beside them."""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from qlink_ld.harvest.remembered import RememberedPage

log = logging.getLogger(__name__)

PARTIAL = ".partial-"  # how the folder of a visit that is not finished begins
_JOURNAL = "pages.jsonl"


class Journal:
    """Notes each page as it comes. The first line says of which source, and when.

    Args:
        folder: of the visit.
        about: type, version and address of the source.
        started: UTC time.
    """

    def __init__(self, folder: Path, about: Mapping[str, Any], started: datetime) -> None:
        self._file = folder / _JOURNAL
        self._stream = self._file.open("ab")
        self.add({"source": about, "started": started.isoformat()})

    def add(self, line: Mapping[str, Any]) -> None:
        """Write a line; a crash of the process does not lose it."""
        self._stream.write(orjson.dumps(line) + b"\n")
        self._stream.flush()

    def close(self) -> None:
        """Close the file; closing it again does nothing."""
        self._stream.close()

    def remove(self) -> None:
        """Remove the journal: the visit is finished."""
        self.close()
        self._file.unlink()


def find_cut_visit(folder: Path, about: Mapping[str, Any], now: datetime, resume_h: float) -> Path | None:
    """Return the folder of the latest visit that was cut off and whose pages can be used; None if there is none.

    Args:
        folder: of a source's snapshots.
        about: type, version and address of the source; those of the visit must be the same.
        now: UTC time.
        resume_h: how old the visit may be, in hours.
    """
    found = []
    for journal in folder.glob(f"{PARTIAL}*/{_JOURNAL}"):
        try:
            with journal.open("rb") as stream:
                head = orjson.loads(stream.readline())
                started = datetime.fromisoformat(head["started"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.info("%s cannot be read (%s); nothing goes on from there", journal, error)
            continue
        if head.get("source") == dict(about) and timedelta() <= now - started <= timedelta(hours=resume_h):
            found.append((started, journal.parent))
    return max(found)[1] if found else None


def read_journal(folder: Path) -> list[dict[str, Any]]:
    """Return the lines about pages; a last one that was cut off is left out."""
    pages = []
    for line in (folder / _JOURNAL).read_bytes().splitlines()[1:]:
        try:
            pages.append(orjson.loads(line))
        except orjson.JSONDecodeError:
            break
    return pages


def read_remembered(page: Mapping[str, Any], folder: Path, *, fresh: bool = False) -> RememberedPage:
    """Return what a journal or a snapshot says of a page."""
    return RememberedPage(
        asked=page.get("asked") or page["url"],
        url=page["url"],
        status=page["status"],
        media_type=page.get("media_type"),
        headers=page.get("headers", {}),
        sha256=page["sha256"],
        file=folder / page["file"],
        fresh=fresh,
    )
