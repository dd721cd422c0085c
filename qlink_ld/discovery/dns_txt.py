"""Which TXT records of a domain announce a manifest, and where is it?

Source: QualityLink Data Source Discovery, §DNS; requirements D-02 to D-05.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

VERSION: Final = "v=qldiscover1"


@dataclass(frozen=True, slots=True)
class Announcement:
    """A record that announces a manifest; `url` is None if it does not say where."""

    record: str
    url: str | None


def read_announcements(records: Iterable[str]) -> tuple[Announcement, ...]:
    """Return the records whose first tag is exactly `v=qldiscover1`, sorted and each once; others are not ours.

    Tags are separated by `;` with optional spaces; of a repeated tag the first counts.
    """
    return tuple(_read(record) for record in sorted(set(records)) if _tags(record)[0] == VERSION)


def _tags(record: str) -> list[str]:
    return [tag.strip() for tag in record.split(";")]


def _read(record: str) -> Announcement:
    for tag in _tags(record)[1:]:
        name, separator, value = tag.partition("=")
        if separator and name.strip() == "m" and value.strip():
            return Announcement(record, value.strip())
    return Announcement(record, None)
