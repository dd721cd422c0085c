"""Ways through a document: from its root, through objects and lists, to records and to what surrounds them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

Path = tuple[str, ...]
Trail = tuple[tuple[str, Any], ...]  # the key and the object of each level, from the root to the record

EACH = "*"  # in a path: each member of an object, whatever its name
MAX_LISTS = 16  # lists in lists; deeper is an attack or a mistake


class Found(NamedTuple):
    """A value at the end of a path."""

    value: Any
    trail: Trail
    place: str  # as `departments.math.courses[3]`, counted from 1


def split_path(path: str | Sequence[str]) -> Path:
    """Return the names in a dotted path; a path given as a list of names may have dots in them."""
    return tuple(path.split(".")) if isinstance(path, str) and path else tuple(path)


def walk(value: Any, path: Path) -> Iterator[Found]:  # noqa: ANN401 (JSON)
    """Find what is at a path: one thing, several where lists or `*` are on the way or at the end, or nothing."""
    return _walk(value, path, 0, (("", value),), "", 0)


def _walk(value: Any, path: Path, index: int, trail: Trail, place: str, lists: int) -> Iterator[Found]:  # noqa: ANN401
    if isinstance(value, list) and lists < MAX_LISTS:
        for number, item in enumerate(value, 1):
            here = (*trail[:-1], (trail[-1][0], item))
            yield from _walk(item, path, index, here, f"{place}[{number}]", lists + 1)
    elif index == len(path):
        yield Found(value, trail, place)
    elif isinstance(value, dict):
        name = path[index]
        for key in value if name == EACH else (name,) if name in value else ():
            below = f"{place}.{key}" if place else key
            yield from _walk(value[key], path, index + 1, (*trail, (key, value[key])), below, 0)


def leads_somewhere(value: Any, path: Path) -> bool:  # noqa: ANN401 (JSON)
    """Whether anything is at a path, if only an empty list."""
    if not path:
        return value is not None
    if isinstance(value, list):
        return any(leads_somewhere(item, path) for item in value if isinstance(item, dict))
    if not isinstance(value, dict):
        return False
    return any(leads_somewhere(value[key], path[1:]) for key in value if path[0] in (EACH, key))


def read_members(value: Any, path: Path) -> Any:  # noqa: ANN401 (JSON)
    """Return what is at a path: the value, a list of values if lists are on the way, None if there is nothing."""
    for index, name in enumerate(path):
        if isinstance(value, list):
            found = [read_members(item, path[index:]) for item in value]
            return [item for item in found if item is not None] or None
        value = value.get(name) if isinstance(value, dict) else None
    return value


def is_made(record: dict[str, Any], parts: tuple[Path, ...]) -> bool:
    """Whether a record's identifier was made of these parts: a member of its own may have a dot in its name, too."""
    return bool(parts) and all(read_members(record, part) is not None for part in parts)


def remove(value: Any, path: Path) -> Any:  # noqa: ANN401 (JSON)
    """Return the value without what is at a path; what stays is shared with the original."""
    if isinstance(value, list):
        return [remove(item, path) for item in value]
    if not isinstance(value, dict) or not path:
        return value
    rest = path[1:]
    return {
        key: remove(member, rest) if path[0] in (EACH, key) else member
        for key, member in value.items()
        if rest or path[0] not in (EACH, key)
    }


@dataclass(frozen=True, slots=True)
class OuterPath:
    """Where a value is that surrounds records: how far down their path, and which way from there."""

    level: int  # index in the trail
    rest: Path
    is_key: bool = False  # the name under which the way went on, not what is there

    def read(self, trail: Trail) -> Any:  # noqa: ANN401 (JSON)
        """Return the value for the record at the end of this trail, None if there is none."""
        if self.level >= len(trail):
            return None
        key, value = trail[self.level]
        return key if self.is_key else read_members(value, self.rest)


def find_outer(records: Path, outer: Path) -> OuterPath:
    """Relate a path to the way to the records.

    It begins with a name on that way and follows it as long as both agree, from where they agree longest, nearest to
    the records; what is left leads down from there. One that begins with another name starts at the root. Where it ends
    with the `*` that the way has as well, it is the name that stands there.
    """
    best, shared = 0, 0
    for start in range(len(records)):
        same = 0
        while same < len(outer) and start + same < len(records) and outer[same] == records[start + same]:
            same += 1
        if same and same >= shared:
            best, shared = start, same
    rest = outer[shared:]
    return OuterPath(best + shared, rest, is_key=bool(shared) and not rest and outer[-1] == EACH)
