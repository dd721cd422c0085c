"""When was a source last visited, and what is known of its server? `visit.json` beside the snapshots of a source.

Source: Data Source Discovery, `refresh` (requirements M-08, I-01); Data Exchange E-07: a source whose answers have no
validators is visited less often.
"""

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

log = logging.getLogger(__name__)

FILE = "visit.json"


@dataclass(frozen=True, slots=True)
class VisitState:
    """What a finished visit leaves for the next one."""

    visited_at: datetime  # UTC
    complete: bool
    full_at: datetime  # UTC; when everything was last asked for without conditions
    validators: bool = False  # some answer had an ETag or a Last-Modified
    ignoring: tuple[str, ...] = ()  # addresses that are sent again though they have not changed
    absent: Mapping[str, str] = field(default_factory=dict)  # addresses where nothing is → HTTP date of that answer
    filter_refused: bool = False  # the server does not take the filter that we know

    def is_due(self, now: datetime, refresh_h: float, without_validators_h: float) -> bool:
        """Whether a source is to be visited again on schedule.

        Args:
            now: UTC time.
            refresh_h: hours between visits, as the source wants it.
            without_validators_h: at least so many hours for one whose server cannot say that nothing has changed.
        """
        hours = refresh_h if self.validators else max(refresh_h, without_validators_h)
        return not self.complete or now < self.visited_at or now - self.visited_at >= timedelta(hours=hours)


def load_visit_state(folder: Path) -> VisitState | None:
    """Return the state of a source from the folder of its snapshots; None if it was never visited."""
    try:
        table: dict[str, Any] = orjson.loads((folder / FILE).read_bytes())
        return VisitState(
            visited_at=datetime.fromisoformat(table["visited_at"]),
            complete=bool(table["complete"]),
            full_at=datetime.fromisoformat(table["full_at"]),
            validators=bool(table["validators"]),
            ignoring=tuple(table["ignoring"]),
            absent=dict(table.get("absent", {})),
            filter_refused=bool(table.get("filter_refused", False)),
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.warning("%s cannot be read (%s); the source is visited as if for the first time", folder / FILE, error)
        return None


def store_visit_state(folder: Path, state: VisitState) -> None:
    """Write the state; a crash leaves the old one or the new one."""
    waiting = folder / f".{FILE}"
    waiting.write_bytes(orjson.dumps(asdict(state), option=orjson.OPT_APPEND_NEWLINE))
    waiting.replace(folder / FILE)
