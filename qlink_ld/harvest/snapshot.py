"""What did a source say, and when? Raw pages on disk, as they were received, each folder whole or not there.

A snapshot is written under a temporary name, flushed to the disk, then renamed:

    {data_dir}/snapshots/{institution}/{source}/20261123T162235.123456Z/
        snapshot.json           where each page came from, its headers and hash; what went wrong
        courses-00001.zst       the body as received, compressed

What a visit that was cut off has got stays under its temporary name, with a journal of its pages, so that the next
one need not ask for them again.

Source: DESIGN §6; Data Exchange I-11 (raw responses are kept, so that mappings can be run again without the network).
"""

import contextlib
import dataclasses
import hashlib
import logging
import os
import re
import shutil
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import orjson
import zstandard

from qlink_ld.errors import HarvestError
from qlink_ld.harvest.journal import PARTIAL, Journal, find_cut_visit, read_journal, read_remembered
from qlink_ld.harvest.remembered import RememberedPage
from qlink_ld.http import Response
from qlink_ld.model import DataSource, Issue, Page, Snapshot
from qlink_ld.request_url import hide_secrets

log = logging.getLogger(__name__)

DESCRIPTION = "snapshot.json"
FORMAT = 1  # of snapshot.json; a higher one was written by a later version
_TIME = "%Y%m%dT%H%M%S.%fZ"
_FINISHED = re.compile(r"\d{8}T\d{6}\.\d{6}Z")
_KEPT_HEADERS = ("content-type", "date", "etag", "last-modified", "link", "x-total-count")
_Order = tuple[int, int, int]  # resource, parent, page: where a page stands among all of the snapshot


@dataclass(frozen=True, slots=True)
class _StoredPage:
    order: _Order
    resource: str
    parent: str | None
    url: str
    status: int
    media_type: str | None
    headers: dict[str, str]
    sha256: str
    size_bytes: int
    file: str
    stored_bytes: int
    asked: str | None = None  # if another address than `url`


class SnapshotWriter:
    """Collects the pages of one visit. Pages may be added from several threads.

    Use it in a `with` statement. Two runs must not visit the same source at once.

    Attributes:
        folder: where the source's snapshots are.
        remembered: pages that are on disk: those of the latest snapshot, and those of a visit that was cut off.

    Args:
        data_dir: the deployment's data directory.
        institution: id of the institution, the name of a folder.
        source: the source that is visited; its id is the name of a folder.
        now: UTC time of the visit.
        resume_h: for how long the pages of a visit that was cut off can be used, in hours.

    Raises:
        HarvestError: the folder cannot be made.
    """

    def __init__(
        self, data_dir: Path, institution: str, source: DataSource, now: datetime, resume_h: float = 0.0
    ) -> None:
        self._institution = institution
        self._source = source
        self._fetched_at = now.astimezone(UTC)
        self.folder = source_folder(data_dir, institution, source)
        self._pages: list[_StoredPage] = []
        self._lock = threading.Lock()
        about = {"type": source.type, "version": source.version, "path": hide_secrets(source.path, ())}
        with _writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            self._cut = find_cut_visit(self.folder, about, self._fetched_at, resume_h)
            self._remove_partial(except_for=self._cut)
            self._partial = self.folder / f"{PARTIAL}{self._fetched_at.strftime(_TIME)}-{os.getpid()}"
            self._partial.mkdir()
            self._journal = Journal(self._partial, about, self._fetched_at)
        self.remembered = self._remember()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._journal.close()
        if self._partial.is_dir() and self._pages:  # cut off: the next visit goes on from here
            self._remove_partial(except_for=self._partial)
        elif self._partial.is_dir():
            shutil.rmtree(self._partial, ignore_errors=True)
        else:
            self._remove_partial()

    def _remember(self) -> list[RememberedPage]:
        latest = _load_latest(self.folder, self._institution, self._source)
        pages = []
        if latest is not None:
            described = orjson.loads((latest.directory / DESCRIPTION).read_bytes())["pages"]
            pages = [read_remembered(page, latest.directory) for page in described]
        if self._cut is not None:
            resumed = [read_remembered(page, self._cut, fresh=True) for page in read_journal(self._cut)]
            log.info("%s: going on with %d pages of a visit that was cut off", self.folder, len(resumed))
            pages += resumed
        return pages

    def _remove_partial(self, except_for: Path | None = None) -> None:
        for entry in self.folder.iterdir():
            if entry.name.startswith(PARTIAL) and entry != except_for:
                log.info("removing %s, left behind by a run that was ended", entry)
                shutil.rmtree(entry, ignore_errors=True)

    def add(self, resource: str, response: Response, *, parent: str | None = None, order: _Order = (0, 0, 1)) -> None:
        """Keep one response.

        Args:
            resource: what the page holds: "courses", "course-offerings", "data", …
            response: the answer as received.
            parent: source id of the record whose children the page lists.
            order: numbers of resource, parent and page; no two pages of a snapshot share them.
        """
        number = f"{order[1]:06d}-{order[2]:05d}" if parent is not None else f"{order[2]:05d}"
        file = f"{resource}-{number}.zst"
        with _writing(self._partial):
            stored_bytes = _store(response, self._partial / file)
        page = _StoredPage(
            order=order,
            resource=resource,
            parent=parent,
            url=response.url,
            status=response.status,
            media_type=response.media_type,
            headers=_keep_headers(response, self._source),
            sha256=hashlib.sha256(response.body).hexdigest(),
            size_bytes=len(response.body),
            file=file,
            stored_bytes=stored_bytes,
            asked=response.asked if response.asked != response.url else None,
        )
        with self._lock, _writing(self._partial):
            self._pages.append(page)
            self._journal.add(_drop_empty({**dataclasses.asdict(page), "order": None}))

    def finish(self, *, complete: bool, issues: Sequence[Issue], keep: int, renew: bool = False) -> Snapshot:
        """Make the snapshot final, unless it says the same as the latest one; then that one stays the latest.

        Args:
            complete: False if a page could not be had.
            issues: what a data steward should know about this visit.
            keep: how many snapshots of the source stay on disk, at least 1; the newest complete one always stays.
            renew: the latest one is damaged; this one takes its place even if it says the same.

        Returns:
            The new snapshot, or the latest one with `unchanged` set and the issues of this visit.
        """
        self._journal.close()
        pages = sorted(self._pages, key=lambda page: page.order)
        digest = _digest(pages)
        latest = _load_latest(self.folder, self._institution, self._source)
        if latest is not None and latest.digest == digest and latest.complete == complete and not renew:
            shutil.rmtree(self._partial, ignore_errors=True)
            _retain(self.folder, keep)
            return replace(latest, unchanged=True, issues=tuple(issues))
        description = {
            "format": FORMAT,
            "institution": self._institution,
            "source": {
                "id": self._source.id,
                "type": self._source.type,
                "version": self._source.version,
                "path": hide_secrets(self._source.path, ()),
            },
            "fetched_at": self._fetched_at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "complete": complete,
            "digest": digest,
            "issues": [_drop_empty(dataclasses.asdict(issue)) for issue in issues],
            "pages": [_drop_empty({**dataclasses.asdict(page), "order": None}) for page in pages],
        }
        with _writing(self._partial):
            self._journal.remove()
            (self._partial / DESCRIPTION).write_bytes(orjson.dumps(description, option=orjson.OPT_INDENT_2))
            for page in pages:
                _flush(self._partial / page.file)
            _flush(self._partial / DESCRIPTION)
            _flush(self._partial)
            final = self.folder / _next_name(self.folder, self._fetched_at)
            self._partial.rename(final)
            _flush(self.folder)
        _retain(self.folder, keep)
        return _read_snapshot(final, self._institution, self._source)


def load_latest_snapshot(data_dir: Path, institution_id: str, source: DataSource) -> Snapshot | None:
    """Return the newest readable snapshot of a source, or None if there is none.

    A damaged snapshot is passed over with a warning in the log, and so is one of another source type or another major
    version: the source's configuration changed, and today's mapping would not fit yesterday's pages.
    """
    return _load_latest(source_folder(data_dir, institution_id, source), institution_id, source)


def major_version(version: str | None) -> str | None:
    """Return "5" of "5", "5.0", "v5.1"; None if there is no number in front."""
    found = re.match(r"\s*[vV]?(\d+)", version or "")
    return found[1] if found else None


def source_folder(data_dir: Path, institution: str, source: DataSource) -> Path:
    """Return where the snapshots of a source are.

    Raises:
        HarvestError: an id that cannot be the name of a folder.
    """
    for name in (institution, source.id):
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
            raise HarvestError(f"{name!r} cannot be the name of a folder; use letters, digits, . _ - in ids")
    return data_dir / "snapshots" / institution / source.id


def _load_latest(folder: Path, institution: str, source: DataSource) -> Snapshot | None:
    for directory in reversed(_finished(folder)):
        try:
            snapshot = _read_snapshot(directory, institution, source)
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.warning("snapshot %s is damaged and passed over: %s", directory, error)
        else:
            stored = snapshot.source
            if stored.type == source.type and major_version(stored.version) == major_version(source.version):
                return replace(snapshot, source=source)
            log.info("snapshot %s is of %s %s and passed over", directory, stored.type, stored.version)
    return None


def _read_snapshot(directory: Path, institution: str, source: DataSource) -> Snapshot:
    """Read `snapshot.json` and see that its files are there; `source` has the type and version of the snapshot."""
    description: dict[str, Any] = orjson.loads((directory / DESCRIPTION).read_bytes())
    if description["format"] != FORMAT:
        raise ValueError(f"format {description['format']} of {DESCRIPTION} is not known; it needs a later version")
    pages = []
    for page in description["pages"]:
        file = directory / page["file"]
        if file.parent != directory or file.stat().st_size != page["stored_bytes"]:
            raise ValueError(f"{file.name} is not what was written")
        pages.append(
            Page(
                resource=page["resource"],
                file=file,
                url=page["url"],
                status=page["status"],
                media_type=page.get("media_type"),
                sha256=page["sha256"],
                size_bytes=page["size_bytes"],
                parent=page.get("parent"),
            )
        )
    return Snapshot(
        institution=institution,
        source=replace(source, type=description["source"]["type"], version=description["source"]["version"]),
        directory=directory,
        fetched_at=datetime.fromisoformat(description["fetched_at"]),
        pages=tuple(pages),
        complete=description["complete"],
        issues=tuple(Issue(**issue) for issue in description["issues"]),
        digest=description["digest"],
    )


def _digest(pages: Sequence[_StoredPage]) -> str:
    """Hash what was said, not when or in which order it was asked."""
    entries = sorted((page.resource, page.parent or "", page.order[2], page.sha256) for page in pages)
    return hashlib.sha256(orjson.dumps(entries)).hexdigest()


def _next_name(folder: Path, fetched_at: datetime) -> str:
    """Name a snapshot after its time, and after every other one even if the clock was set back."""
    name = fetched_at.strftime(_TIME)
    earlier = _finished(folder)
    if earlier and earlier[-1].name >= name:
        last = datetime.strptime(earlier[-1].name, _TIME).replace(tzinfo=UTC)
        name = (last + timedelta(microseconds=1)).strftime(_TIME)
    return name


def _finished(folder: Path) -> list[Path]:
    """List the finished snapshots, oldest first."""
    if not folder.is_dir():
        return []
    return sorted(entry for entry in folder.iterdir() if _FINISHED.fullmatch(entry.name) and entry.is_dir())


def _retain(folder: Path, keep: int) -> None:
    """Remove all but the newest snapshots; the newest complete one stays even if failing visits followed."""
    finished = _finished(folder)
    old = finished[: -max(1, keep)]
    if old and not any(_is_complete(directory) for directory in finished[-max(1, keep) :]):
        last_good = next((directory for directory in reversed(old) if _is_complete(directory)), None)
        old = [directory for directory in old if directory != last_good]
    for directory in old:
        doomed = directory.with_name(PARTIAL + directory.name)  # a removal that is interrupted leaves no half snapshot
        with _writing(directory):
            directory.rename(doomed)
        shutil.rmtree(doomed, ignore_errors=True)


def _is_complete(directory: Path) -> bool:
    try:
        return bool(orjson.loads((directory / DESCRIPTION).read_bytes())["complete"])
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _store(response: Response, file: Path) -> int:
    """Write a body, compressed; one that is on disk already is only linked. Return the size of the file in bytes."""
    if response.stored is not None:
        try:
            os.link(response.stored, file)
        except OSError:
            log.debug("%s cannot be linked; it is written again", response.stored)
        else:
            return file.stat().st_size
    stored = zstandard.ZstdCompressor(write_checksum=True).compress(response.body)
    return file.write_bytes(stored)


def _keep_headers(response: Response, source: DataSource) -> dict[str, str]:
    """Return the headers that the next visit needs; addresses in them without what may be secret."""
    kept = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    if "link" in kept:
        kept["link"] = re.sub(r"<([^>]*)>", lambda found: f"<{_hide(found[1], source)}>", kept["link"])
    return kept


def _hide(url: str, source: DataSource) -> str:
    try:
        return hide_secrets(url, source.query_parameters)
    except ValueError:  # no address
        return ""


def _drop_empty(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _flush(path: Path) -> None:
    """Wait until a file or folder is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _writing(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise HarvestError(
            f"cannot write the snapshot {place}: {error.strerror}; free space or correct its permissions"
        ) from error
