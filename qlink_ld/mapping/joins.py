"""Ids that stand for records of another resource: what such a record says is put in the id's place.

`Lookup` keeps the records of a source that ids can stand for. `Joiner` replaces the ids in the records of one resource,
and keeps the books: a record that several look up is counted where it is first used, one that nobody names is ignored.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from qlink_ld.mapping.account import Account, Counter
from qlink_ld.mapping.depth import why_too_deep
from qlink_ld.mapping.documents import NOTHING, Entry, JsonObject, as_list, leave_members, shared_iri, take_members
from qlink_ld.mapping.specs import JoinSpec, MappingFolder
from qlink_ld.mapping.steps import CopiedKey, CopiedObject
from qlink_ld.namespaces import SOURCE


class Lookup:
    """The records of one source that ids stand for.

    Args:
        mapping: names the joins.
        account: takes what is counted and noticed.
        read_entries: reads the records of a join's resource.
    """

    def __init__(
        self, mapping: MappingFolder, account: Account, read_entries: Callable[[JoinSpec], Iterable[Entry]]
    ) -> None:
        self._account = account
        self._own = {resource.name for resource in mapping.resources}  # these are counted as records of their own
        self._found: dict[str, dict[str, JsonObject]] = {}
        # Records whose leaves are not counted yet, and whether they have a page, or came embedded in another record.
        self._uncounted: dict[tuple[str, str], bool] = {}
        for join in mapping.joins.values():
            if join.resource not in self._found:
                self._found[join.resource] = {}
                for entry in read_entries(join):
                    self._add(join, entry)

    def _add(self, join: JoinSpec, entry: Entry) -> None:
        record, known = entry.record, self._found[join.resource]
        source_id = record.get(join.identifier) if isinstance(record, dict) else None
        is_own = join.resource in self._own
        reason = why_too_deep(record)
        if not isinstance(source_id, str):
            reason = f"it has no usable '{join.identifier}'"
        elif source_id in known:
            if not is_own:
                self._account.count(join.resource, "*", "ignored", record, "an earlier record has the same identifier")
            return
        elif not reason:
            known[source_id] = record
            if not is_own:
                self._uncounted[join.resource, source_id] = True
        if reason and not is_own:
            self._account.drop(join.resource, "*", record, reason)
            self._account.report(
                "reference-unusable",
                f"A record of '{join.resource}' cannot be looked up: {reason}.",
                field=f"{join.resource}.{join.identifier}",
                value=record if source_id is None else source_id,
                position=entry.position,
            )

    def find(self, join: JoinSpec, source_id: object) -> JsonObject | None:
        """Return the record that an id stands for."""
        return self._found[join.resource].get(source_id) if isinstance(source_id, str) else None

    def ids(self, join: JoinSpec) -> list[str]:
        """Return the ids of all records of a join's resource."""
        return list(self._found[join.resource])

    def remember(self, join: JoinSpec, source_id: str, record: JsonObject, *, copied: bool) -> bool:
        """Keep a record that was embedded where others have its id; return whether it was not known yet."""
        known = self._found[join.resource]
        if source_id in known:
            return False
        known[source_id] = record
        if not copied:
            self._uncounted[join.resource, source_id] = False
        return True

    def take(self, join: JoinSpec, source_id: str, record: JsonObject) -> JsonObject:
        """Return the wanted members of a record; as a copy that is counted elsewhere, if it was taken before."""
        members = take_members(record, join)
        has_page = self._uncounted.pop((join.resource, source_id), None)
        if has_page is None:
            return CopiedObject(members)
        if has_page:
            for name, rest in leave_members(record, join.take).items():
                self._account.count(join.resource, name, "ignored", rest, "not taken over from the record")
        return members

    def count_unused(self) -> None:
        """Count the records that nothing named."""
        for (resource, source_id), has_page in self._uncounted.items():
            if has_page:
                record = self._found[resource][source_id]
                self._account.count(resource, "*", "ignored", record, "nothing that is mapped names it")


class Joiner:
    """Replaces the ids in the records of one resource, and in their children.

    Args:
        joins: of the mapping.
        lookup: the records that ids stand for.
        account: takes what is counted.
        resource: the name of the resource.
        copied: keys that may be copies, counted elsewhere.
    """

    def __init__(
        self, joins: Iterable[JoinSpec], lookup: Lookup, account: Account, resource: str, copied: Iterable[str]
    ) -> None:
        joins = list(joins)
        self.plain = [join for join in joins if not join.shared]
        self.shared = [join for join in joins if join.shared]
        self.always = [join for join in self.shared if join.always]
        self._lookup = lookup
        self._account = account
        self._resource = resource
        self._copied = frozenset(copied) & {join.key for join in joins}
        self._counters: dict[str, Counter] = {}

    def join(
        self, record: JsonObject, shared: list[tuple[JoinSpec, str]], path: str
    ) -> tuple[JsonObject, list[tuple[str, str]]]:
        """Put the records behind ids in their place; return the record, and its links to shared nodes.

        `path` leads to the record in the source. The id is a leaf of its own; what an expanded object holds beyond what
        the mapping takes is ignored.
        """
        record = dict(record)
        held: list[tuple[str, str]] = []
        for join in self.plain:
            value, copied = self._take_value(record, join)
            if value not in NOTHING:
                self._embed(record, join, value, path, copied=copied)
        for join in self.shared:
            value, copied = self._take_value(record, join)
            if value in NOTHING:
                continue
            source_id = value.get(join.identifier) if isinstance(value, dict) else value
            is_new = False
            if isinstance(value, dict) and isinstance(source_id, str):
                is_new = self._lookup.remember(join, source_id, value, copied=copied)
            if isinstance(source_id, str) and self._lookup.find(join, source_id) is not None:
                held.append((SOURCE + (join.into or join.key), shared_iri(join, source_id)))
                shared.append((join, source_id))
                self._count(join, value, path, join.take if is_new else (), copied=copied)
            else:
                self._drop(join, value, path, copied=copied)
        return record, held

    def _embed(self, record: JsonObject, join: JoinSpec, value: Any, path: str, *, copied: bool) -> None:  # noqa: ANN401 (JSON)
        """Put what an id, or each id of a list, stands for into the record."""
        into = join.into or join.key
        beside = [entry for entry in as_list(record.get(into)) if entry not in NOTHING]
        known = [entry.get(join.identifier) for entry in beside if isinstance(entry, dict)]
        taken: list[JsonObject] = []
        for item in value if isinstance(value, list) else (value,):
            if item in known or (beside and not isinstance(value, list)):  # the server put the record beside its id
                self._count(join, item, path, (), copied=copied)
                continue
            found = item if isinstance(item, dict) else self._lookup.find(join, item)
            if found is None:
                self._drop(join, item, path, copied=copied)
                continue
            if not isinstance(item, dict):
                members = self._lookup.take(join, item, found)
            elif copied:
                members = CopiedObject(take_members(found, join))
            else:
                members = take_members(found, join)
            taken.append(members)
            self._count(join, item, path, join.take, copied=copied)
        if taken:
            record[into] = [*beside, *taken] if isinstance(value, list) else taken[0]

    def _take_value(self, record: JsonObject, join: JoinSpec) -> tuple[Any, bool]:
        """Take what stands for another record out of this one; return it, and whether it was counted elsewhere."""
        value = record.pop(join.key, None)
        if value in NOTHING and join.key in self._copied:
            return record.pop(CopiedKey(join.key), None), True
        return value, False

    def _drop(self, join: JoinSpec, value: object, path: str, *, copied: bool) -> None:
        """Account for an id that stands for nothing."""
        if not copied:
            self._account.drop(self._resource, path + join.key, value, f"no such record in '{join.resource}'")

    def _count(self, join: JoinSpec, value: object, path: str, taken: Sequence[str], *, copied: bool) -> None:
        """Account for an id, or for those members of an expanded object that are not taken from it."""
        if copied:
            return
        if isinstance(value, dict):
            rest = leave_members(value, taken)
            reason = "not taken over from the other record" if taken else "the same record was read elsewhere"
            self._account.count(self._resource, path + join.key, "ignored", rest, reason)
            return
        counter = self._counters.get(path + join.key)
        if counter is None:
            counter = self._counters[path + join.key] = self._account.open(self._resource, path + join.key, "mapped")
        counter.add(value)
