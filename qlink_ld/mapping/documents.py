"""Pages of a JSON source and what is looked up in them, before anything is mapped."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from qlink_ld.mapping.specs import JoinSpec, ResourceSpec
from qlink_ld.model import Page
from qlink_ld.namespaces import SOURCE, encode_segment

NOTHING: tuple[object, ...] = (None, "", [])  # JSON values that say nothing

JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """One record of a page: where it is, what it says, and the children that it holds itself."""

    position: str
    record: Any
    children: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """One page to be mapped: what it holds, whose children it lists, and its bytes.

    `find`, where it is given, finds the page's records in place of the path of a mapping; it is told to be quiet where
    it is not the first to ask.
    """

    resource: str
    position: str
    read: Callable[[], bytes]
    parent: str | None = None
    find: Callable[[bool], Iterable[Entry]] | None = None


def make_document(page: Page) -> Document:
    """Return a snapshot's page as a document; its bytes are read when they are wanted."""
    return Document(page.resource, page.url, page.read, page.parent)


def read_path(value: Any, path: str) -> Any:  # noqa: ANN401 (JSON)
    """Return the member at a dotted path, None if there is none."""
    for part in path.split(".") if path else ():
        value = value.get(part) if isinstance(value, dict) else None
    return value


def take_members(found: JsonObject, join: JoinSpec) -> JsonObject:
    """Return the wanted members of a joined record; one at a dotted path has its last name."""
    taken = {path.rpartition(".")[2]: read_path(found, path) for path in join.take}
    return {name: value for name, value in taken.items() if value is not None}


def leave_members(found: JsonObject, taken: Iterable[str]) -> JsonObject:
    """Return a joined record without the members that are taken from it."""
    rest = dict(found)
    for path in taken:
        *outer, last = path.split(".")
        inner = rest
        for name in outer:
            if not isinstance(inner.get(name), dict):
                break
            inner[name] = inner = dict(inner[name])
        else:
            inner.pop(last, None)
    return rest


def mentions(value: object, code: str) -> bool:
    """Whether a text in a JSON value is this code, alone or at the end of a URN."""
    if isinstance(value, dict | list):
        return any(mentions(part, code) for part in (value.values() if isinstance(value, dict) else value))
    text = value.strip().lower() if isinstance(value, str) else ""
    return text == code.lower() or text.endswith(f":{code.lower()}")


def why_left_out(record: JsonObject, spec: ResourceSpec) -> str:
    """Why the mapping does not want a record; empty if it does."""
    if any(record.get(name) != value for name, value in spec.only.items()):
        only = ", ".join(f"{name} {value}" for name, value in spec.only.items())
        return f"only records with {only} are mapped"
    if has := next((name for name in spec.without if record.get(name) not in NOTHING), None):
        return f"only records without {has} are mapped"
    state = skipped(record, spec.skip)
    return f"not loaded: {state}" if state else ""


def skipped(record: JsonObject, skip: Mapping[str, tuple[Any, ...]]) -> str:
    """Why a record is not loaded, as `recordStatus deleted`; empty if it is."""
    for path, values in skip.items():
        found = read_path(record, path)
        if found is not None and found in values:
            return f"{path} {found}"
    return ""


def as_list(value: object) -> list[Any]:
    """Return a value as a list: none, one or several."""
    return value if isinstance(value, list) else [] if value is None else [value]


def shared_iri(join: JoinSpec, source_id: str) -> str:
    """The node that stands for a joined record in the rules' store."""
    return f"{SOURCE}node:{join.resource}:{encode_segment(source_id)}"
