"""Finds the records of documents that hold several kinds of them: a university's own JSON, XML or table.

Each kind becomes a `Document` of its own, so that what follows is the same as for the pages of an API. A record takes
with it what the mapping wants of its surroundings, and hands out the children that it holds.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from qlink_ld.mapping.account import Account
from qlink_ld.mapping.body import BodySpec, read_body
from qlink_ld.mapping.documents import NOTHING, Document, Entry, JsonObject, as_list
from qlink_ld.mapping.paths import (
    Found,
    OuterPath,
    Path,
    Trail,
    leads_somewhere,
    read_members,
    remove,
    split_path,
    walk,
)
from qlink_ld.mapping.reading import Located
from qlink_ld.mapping.specs import ChildSpec, JoinSpec, MappingFolder, ResourceSpec
from qlink_ld.mapping.steps import CopiedKey
from qlink_ld.mapping.surroundings import count_surroundings

KEPT_BYTES = 32 * 1024 * 1024  # of documents whose values are kept; as values they are several times as much


class Bodies:
    """The values of documents: each is parsed once, as long as there are not too many."""

    def __init__(self, spec: BodySpec, account: Account, on_first: Callable[[Document, Any], None]) -> None:
        self._spec = spec
        self._account = account
        self._on_first = on_first  # told of each document once
        self._kept: OrderedDict[int, tuple[Any, int]] = OrderedDict()
        self._told: set[int] = set()

    def read(self, number: int, document: Document) -> Any:  # noqa: ANN401 (JSON)
        """Return the value of a document, which must not be changed.

        Raises:
            UnreadableData: it cannot be read.
        """
        if number in self._kept:
            self._kept.move_to_end(number)
            return self._kept[number][0]
        body = document.read()
        read = read_body(body, self._spec, document.position)
        self._kept[number] = (read.value, len(body))
        while len(self._kept) > 1 and sum(size for _, size in self._kept.values()) > KEPT_BYTES:
            self._kept.popitem(last=False)
        if number not in self._told:
            self._told.add(number)
            for note in read.notes:
                position = f"{document.position} line {note.line}" if note.line else document.position
                for _ in range(note.count):
                    self._account.report(note.code, note.message, value=note.value, position=position)
            self._on_first(document, read.value)
        return read.value


class Selector:
    """Makes documents of one kind of records each from the pages of a source.

    Args:
        mapping: one with a `body`.
        account: takes what is noticed.
    """

    def __init__(self, mapping: MappingFolder, body: BodySpec, account: Account) -> None:
        self._mapping = mapping
        self._body = body
        self._account = account
        self._bodies = Bodies(body, account, self._count_surroundings)
        self._ids = {*mapping.joins, *mapping.references}  # members that hold identifiers of other records
        self._merged: dict[str, list[Entry]] = {}

    def select(self, documents: Sequence[Document]) -> list[Document]:
        """Return the documents that the mapping knows, by kinds of records, and those that are none of its pages."""
        pages: dict[str, list[tuple[int, Document]]] = {}
        for number, document in enumerate(documents):
            pages.setdefault(document.resource, []).append((number, document))
        lists = self._lists()
        wanted = {spec.page for spec in lists.values()}
        out = [document for document in documents if document.resource not in wanted]
        for name, spec in lists.items():
            found = pages.get(spec.page or "", [])
            if isinstance(spec, ResourceSpec) and spec.merge and found:
                out.append(replace(found[0][1], resource=name, find=partial(self._find_merged, spec, found)))
                continue
            out += (
                replace(page, resource=name, find=partial(self._find, name, spec, number, page))
                for number, page in found
            )
        return out

    def _lists(self) -> dict[str, ResourceSpec | ChildSpec | JoinSpec]:
        """The kinds of records, by name; what a resource says of one counts, not what a join says."""
        joins = [join for join in self._mapping.joins.values() if join.records is not None and join.page]
        lists: dict[str, ResourceSpec | ChildSpec | JoinSpec] = {join.resource: join for join in joins}
        for resource in self._mapping.resources:
            lists |= {spec.resource: spec for spec in (resource.children, resource.parts) if spec and spec.page}
        return lists | {resource.name: resource for resource in self._mapping.resources if resource.page}

    def _count_surroundings(self, document: Document, value: Any) -> None:  # noqa: ANN401 (JSON)
        """Account for what stands beside the records."""
        read: list[Path] = []
        for spec in self._lists().values():
            path = spec.path if isinstance(spec, ResourceSpec) else split_path(spec.records or "")
            outer = {} if isinstance(spec, JoinSpec) else spec.outer
            read += [path, *(path[: way.level] + way.rest for way in outer.values() if not way.is_key)]
        count_surroundings(value, read, self._mapping.ignore, self._account, document.resource)

    # Records -----------------------------------------------------------------------------------------------------

    def _find(
        self, name: str, spec: ResourceSpec | ChildSpec | JoinSpec, number: int, document: Document, quiet: bool
    ) -> Iterator[Entry]:
        value = self._bodies.read(number, document)
        path = spec.path if isinstance(spec, ResourceSpec) else split_path(spec.records or "")
        if not quiet and not leads_somewhere(value, path):
            self._account.report(
                "page-without-records",
                f"There is nothing at '{'.'.join(path)}', where '{name}' should be; its records are missing.",
                field=name,
                position=document.position,
                severity="violation",
            )
        if isinstance(spec, JoinSpec):
            for found in walk(value, path):
                yield Entry(_position(document, found), self._with_ids(found.value, spec.identifier, ()))
            return
        numbers = 0
        for found in _by_key(walk(value, path), spec.keyed_by):
            record = _take_outer(found.value, spec.outer, found.trail)
            children: list[Any] = []
            if isinstance(record, dict):
                if isinstance(spec, ResourceSpec) and spec.children:
                    record, children = self._take_children(record, spec.children)
                    children = _number(children, spec.children)
                elif isinstance(spec, ChildSpec) and spec.numbered:
                    numbers += 1
                    record = {**record, spec.identifier: str(numbers)}
                record = self._with_ids(record, spec.identifier, spec.identifier_parts)
                if isinstance(spec, ChildSpec) and spec.parent in record and self._body.number_ids:
                    record[spec.parent] = _write_id(record[spec.parent])
            yield Entry(_position(document, found), record, tuple(children))

    def _find_merged(
        self, spec: ResourceSpec, documents: Iterable[tuple[int, Document]], quiet: bool
    ) -> Iterator[Entry]:
        """The records of all pages; what has the same identifier is one."""
        if spec.name not in self._merged:
            entries = [e for number, page in documents for e in self._find(spec.name, spec, number, page, quiet)]
            self._merged[spec.name] = list(self._merge(entries, spec))
        yield from self._merged[spec.name]

    def _merge(self, entries: Iterable[Entry], spec: ResourceSpec) -> Iterator[Entry]:
        merged: dict[str, Entry] = {}
        for entry in entries:
            key = entry.record.get(spec.identifier) if isinstance(entry.record, dict) else None
            if not isinstance(key, str) or not key.strip():
                yield entry  # refused later, with its reason
            elif key not in merged:
                merged[key] = replace(entry, record=dict(entry.record))
            else:
                first = merged[key]
                self._add(first.record, entry.record, spec)
                merged[key] = replace(first, children=(*first.children, *entry.children))
        for entry in merged.values():
            children = entry.children
            if spec.children and spec.children.numbered:
                children = tuple(_number(list(children), spec.children))
            yield replace(entry, children=children)

    def _add(self, record: JsonObject, other: JsonObject, spec: ResourceSpec) -> None:
        """Add to a record what another one with the same identifier says."""
        for name, value in other.items():
            known = record.get(name)
            if value in NOTHING:
                continue
            if known in NOTHING:
                record[name] = value
            elif name in spec.collect:
                have = as_list(known)
                record[name] = [*have, *(item for item in as_list(value) if item not in have)]
            elif name != spec.identifier:
                same = value == known
                reason = "the same as in the record's first part" if same else "the record's first part says otherwise"
                self._account.count(spec.name, name, "ignored", value, reason)
                if not same:
                    self._account.report(
                        "record-differs",
                        f"Parts of a record of '{spec.name}' differ in '{name}'; the first one counts.",
                        field=f"{spec.name}.{name}",
                        value=value,
                        record=record[spec.identifier],
                    )

    # Children ----------------------------------------------------------------------------------------------------

    def _take_children(self, record: JsonObject, spec: ChildSpec) -> tuple[JsonObject, list[Any]]:
        """Return a record without the children that it holds, and these."""
        children: list[Any] = []
        if spec.within is not None:
            for found in _by_key(walk(record, spec.within), spec.keyed_by):
                child = _take_outer(found.value, spec.outer, found.trail)
                if isinstance(child, dict) and any(
                    child.get(own) != record.get(its) for own, its in spec.match.items()
                ):
                    continue
                children.append(child)
            record = remove(record, spec.within)
        if spec.members:
            own = {name: record[name] for name in spec.members if record.get(name) not in NOTHING}
            if own and all(read_members(record, part) not in NOTHING for part in _parts(spec)):
                copies = {CopiedKey(name): record[name] for name in spec.copies if record.get(name) not in NOTHING}
                children.append({**own, **copies})
                record = {name: value for name, value in record.items() if name not in spec.members}
        return record, [
            self._with_ids(child, spec.identifier, spec.identifier_parts) if isinstance(child, dict) else child
            for child in children
            if child not in NOTHING
        ]

    # Identifiers -------------------------------------------------------------------------------------------------

    def _with_ids(self, record: Any, identifier: str, parts: tuple[Path, ...]) -> Any:  # noqa: ANN401 (JSON)
        """Return a copy of a record whose identifiers are what others can name it by."""
        if not isinstance(record, dict):
            return record
        record = dict(record)
        if parts and identifier not in record:
            texts = [_write_id(read_members(record, part)) for part in parts]
            if all(isinstance(text, str) and text.strip() for text in texts):
                record[identifier] = "-".join(map(str, texts))
        if self._body.number_ids:
            for name in {identifier, *self._ids} & record.keys():
                record[name] = _write_ids(record[name])
        return record


def _by_key(found: Iterable[Found], keyed_by: str | None) -> Iterator[Found]:
    """What is found, or what is in it by key."""
    for place in found:
        if keyed_by is None:
            yield place
        elif isinstance(place.value, dict):
            for key, value in place.value.items():
                for item in value if isinstance(value, list) else (value,):
                    member = _with_key(item, key, keyed_by) if isinstance(item, dict) else item
                    where = f"{place.place}.{key}" if place.place else key
                    yield Found(member, (*place.trail, (key, item)), where)
        else:
            yield place


def _with_key(item: JsonObject, key: str, keyed_by: str) -> JsonObject:
    """Return an object with the key that it stands under, unless it says that itself."""
    own = item.get(keyed_by)
    members = {keyed_by: key, **item} if own not in NOTHING else {**item, keyed_by: key}
    return Located(members, item.line if isinstance(item, Located) else 0)


def _take_outer(record: Any, outer: Mapping[str, OuterPath], trail: Trail) -> Any:  # noqa: ANN401 (JSON)
    """Return a record with the members that it takes from its surroundings; its own come first."""
    if not outer or not isinstance(record, dict):
        return record
    taken = {name: way.read(trail) for name, way in outer.items() if record.get(name) in NOTHING}
    return {**record, **{name: value for name, value in taken.items() if value is not None}}


def _parts(spec: ChildSpec) -> tuple[Path, ...]:
    """The members that make a child's identifier: a row without one of them describes no child."""
    return spec.identifier_parts or (() if spec.numbered else ((spec.identifier,),))


def _number(children: list[Any], spec: ChildSpec) -> list[Any]:
    """Give children without an identifier their place in the list."""
    if not spec.numbered:
        return children
    return [{**c, spec.identifier: str(n)} if isinstance(c, dict) else c for n, c in enumerate(children, 1)]


def _position(document: Document, found: Found) -> str:
    """Where a record is: the line if it is known, else the way to it."""
    line = found.trail[-1][1].line if isinstance(found.trail[-1][1], Located) else 0
    if line:
        return f"{document.position} line {line}"
    if found.place.startswith("["):
        return f"{document.position} item {found.place[1:].replace(']', '', 1)}"
    return f"{document.position} at {found.place}" if found.place else document.position


def _write_ids(value: Any) -> Any:  # noqa: ANN401 (JSON)
    return [_write_id(item) for item in value] if isinstance(value, list) else _write_id(value)


def _write_id(value: Any) -> Any:  # noqa: ANN401 (JSON)
    """Return a number as the text that identifies: 101.0, as a spreadsheet has it, is 101."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
