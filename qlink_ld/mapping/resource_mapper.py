"""Maps the records of one kind of page, with their children and what they name on other pages."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson

from qlink_ld.errors import UnreadableData
from qlink_ld.mapping import batch as batches
from qlink_ld.mapping.account import shorten
from qlink_ld.mapping.batch import Batch, Draft, Mapped
from qlink_ld.mapping.context import compile_context
from qlink_ld.mapping.depth import why_too_deep
from qlink_ld.mapping.documents import (
    NOTHING,
    Document,
    Entry,
    JsonObject,
    mentions,
    read_path,
    shared_iri,
    skipped,
    why_left_out,
)
from qlink_ld.mapping.joins import Joiner
from qlink_ld.mapping.lift import OxigraphLifter
from qlink_ld.mapping.paths import is_made
from qlink_ld.mapping.prepare import Preparer
from qlink_ld.mapping.specs import ChildSpec, JoinSpec, ResourceSpec
from qlink_ld.mapping.steps import CopiedKey
from qlink_ld.mapping.writers import CODE, PARENT, SELF, DocumentWriter, TripleWriter, Writer
from qlink_ld.model import Issue, Refusal
from qlink_ld.namespaces import SOURCE, course_urn, encode_segment

if TYPE_CHECKING:
    from qlink_ld.mapping.records import JsonMapper

_RECORD = f"{SOURCE}record"  # from the node of a joined record to the IRI of the record itself, for rules


class ResourceMapper:
    """Maps the records of one resource."""

    def __init__(
        self, mapper: "JsonMapper", resource: ResourceSpec, by_resource: Mapping[str, Sequence[Document]]
    ) -> None:
        self.mapper = mapper
        self.spec = resource
        self.account = mapper.account
        self.context = compile_context(resource.context)
        self.triples = TripleWriter(self.context, mapper.is_read)
        self.lifter = OxigraphLifter(resource.context) if self.context.partial or mapper.by_processor else None
        writer: Writer[Any] = self.triples if self.lifter is None else DocumentWriter()
        self.preparer: Preparer[Any] = Preparer(
            mapper.mapping,
            resource,
            self.context,
            writer,
            self.account,
            mapper.is_read,
            mapper.institution_iri,
            mapper.course_iri,
            mapper.language,
        )
        self.child_steps = self.preparer.scope_steps(resource.children.key) if resource.children else None
        self.known_to_children = self.child_steps.context.terms if self.child_steps is not None else {}
        self.children = _by_parent(mapper, by_resource, resource.children)
        self.parts = _by_parent(mapper, by_resource, resource.parts)
        inherited = (*resource.children.inherit, *resource.children.default) if resource.children else ()
        copied = (*inherited, *resource.missing, resource.page_parent or "")
        self.joiner = Joiner(mapper.mapping.joins.values(), mapper.lookup, self.account, resource.name, copied)
        self.template = writer.template(self.record_members())
        self.child_template = writer.template(self.child_members())
        self.seen: set[str] = set()
        self.left_out: set[str] = set()  # ids of records that are not wanted
        self.refused: set[str] = set()  # ids of records that cannot be mapped
        self.own: str | None = None  # the id of the record of the institution itself, where there are several

    def map(self, documents: Sequence[Document]) -> Iterator[list[Mapped]]:
        """Map the records of these pages, batch by batch."""
        batch = Batch()
        refused: list[Mapped] = []
        self.find_own(documents)
        for document in documents:
            for entry in self.mapper.read_entries(document, self.spec):
                refusal = self.add(batch, entry, document.parent)
                if refusal is not None:
                    refused.append(refusal)
                if len(batch.drafts) >= batches.SIZE:
                    yield [*self.mapper.finish(batch, self.triples.take_ruled()), *refused]
                    batch, refused = Batch(), []
        if batch.drafts or refused:
            yield [*self.mapper.finish(batch, self.triples.take_ruled()), *refused]
        self.report_orphans()

    def add(self, batch: Batch, entry: Entry, page_parent: str | None) -> Refusal | None:
        """Add one record to the batch, or say why not."""
        record, position = entry.record, entry.position
        if not isinstance(record, dict):
            return self.refuse("record-unreadable", "is not a JSON object", shorten(record), entry, record)
        key = record.get(self.spec.identifier)
        if not isinstance(key, str) or not key.strip():
            return self.refuse_nameless(entry, key)
        if not self.is_wanted(entry, key):
            return None
        self.seen.add(key)
        if too_deep := why_too_deep([record, *entry.children]):
            self.refused.add(key)
            return self.refuse("record-unreadable", f"cannot be mapped: {too_deep}", key, entry)
        if self.spec.page_parent and page_parent and self.spec.page_parent not in record:
            entry = replace(entry, record={**record, CopiedKey(self.spec.page_parent): page_parent})
        iri = self.mapper.institution_iri if self.spec.institution else self.mapper.course_iri(self.spec.name, key)
        shared: list[tuple[JoinSpec, str]] = []
        mark, counted = self.triples.mark(), self.account.mark() if self.lifter is not None else None
        try:
            instances = self.write(entry, key, iri, shared)
            written = self.triples.take()
            for join, source_id in shared:
                self.share(batch, join, source_id)
        except (UnreadableData, RecursionError) as error:
            self.triples.undo(mark)
            self.refused.add(key)
            if counted is not None:  # what a processor of JSON-LD does not take is seen last
                self.account.go_back(counted)
            return self.refuse("record-unreadable", f"cannot be mapped: {error}", key, replace(entry, record=record))
        for join in self.joiner.always if not batch.drafts else ():
            for source_id in self.mapper.lookup.ids(join):
                self.share(batch, join, source_id)
        draft = Draft(iri, key, position, written, 0 if self.spec.institution else 1, len(instances))
        batch.drafts.append(draft)
        batch.owners[f"<{iri}"] = draft
        for instance in instances:
            batch.owners[f"<{instance}"] = draft
        return None

    def refuse_nameless(self, entry: Entry, key: object) -> Refusal | None:
        """Refuse a record without usable identifier, unless the mapping does not want it anyway."""
        if self.is_left_out(entry, None):
            return None
        blank = key is None or isinstance(key, str)
        found = "has no identifier" if blank else f"has {shorten(key)} as identifier, which is not a text"
        if not blank and self.mapper.mapping.body is not None:
            found += " (the mapping can allow it: number_ids = true under [document])"
        return self.refuse(
            "record-without-identifier", f"{found} ('{self.spec.identifier}')", "" if blank else shorten(key), entry
        )

    def is_wanted(self, entry: Entry, key: str) -> bool:
        """Whether a record is to be mapped: the mapping wants it, and it is the first with its identifier."""
        if self.is_left_out(entry, key):
            return False
        if key in self.seen:
            self.note_repeated([entry.record, *entry.children], key, entry.position)
            return False
        return True

    def is_left_out(self, entry: Entry, key: str | None) -> bool:
        """Whether the mapping does not want a record, with or without usable identifier."""
        reason = why_left_out(entry.record, self.spec)
        if not reason and self.own is not None and key != self.own:
            reason = "it is not the institution that runs the source"
        if reason:
            self.account.count(self.spec.name, "*", "ignored", [entry.record, *entry.children], reason)
            self.left_out.update(() if key is None else (key,))
        return bool(reason)

    def note_repeated(self, record: list[Any], key: str, position: str) -> None:
        """An earlier record had the same identifier: to be expected of this resource, or a mistake."""
        if self.spec.repeats:
            self.account.count(self.spec.name, "*", "ignored", record, "the same record was read on an earlier page")
            return
        self.account.drop(self.spec.name, "*", record, "an earlier record has the same identifier")
        self.account.report(
            "record-repeated",
            f"An identifier of '{self.spec.name}' occurs more than once; the first record counts.",
            field=f"{self.spec.name}.{self.spec.identifier}",
            value=key,
            position=position,
        )

    def find_own(self, documents: Sequence[Document]) -> None:
        """Of several records that describe an institution, choose the one that runs the source, by its SCHAC code."""
        if not self.spec.institution:
            return
        found: dict[str, JsonObject] = {}
        for document in documents:
            for entry in self.mapper.read_entries(document, self.spec, quiet=True):
                record = entry.record
                key = record.get(self.spec.identifier) if isinstance(record, dict) else None
                if isinstance(key, str) and key.strip() and not why_left_out(record, self.spec):
                    found.setdefault(key, record)
        if len(found) < 2:
            return
        own = [key for key, record in found.items() if self.mapper.schac and mentions(record, self.mapper.schac)]
        self.own = own[0] if own else next(iter(found))
        if len(own) != 1:
            self.account.report(
                "institution-unclear",
                f"{len(found)} records of '{self.spec.name}' could describe the institution, and its SCHAC code is in "
                f"{len(own) or 'none'} of them; the first one is taken.",
                field=self.spec.name,
                value=self.own,
            )

    def refuse(self, code: str, reason: str, key: str, entry: Entry, value: object = None) -> Refusal:
        """Return a refusal, and report it; all that the record says is dropped."""
        message = f"A record of '{self.spec.name}' {reason}; it is refused."
        position = entry.position
        self.account.drop(self.spec.name, "*", [entry.record, *entry.children], f"the record is refused: {code}")
        text = shorten(value) if value is not None else None
        self.account.report(
            code, message, field=self.spec.name, value=text, record=key or None, position=position, severity="violation"
        )
        issue = Issue(code, message, "violation", self.account.source, key or None, None, text, position)
        return Refusal(key, position, issue, 0 if self.spec.institution else 1)

    def write(self, entry: Entry, key: str, iri: str, shared: list[tuple[JoinSpec, str]]) -> list[str]:
        """Write a record with its children; return the IRIs of its instances."""
        children = self.read_children(key, entry, iri)
        record, held = self.joiner.join(self.without_made(entry.record), shared, "")
        for name, value in self.spec.missing.items():
            if record.get(name) in NOTHING:
                record[CopiedKey(name)] = value
        if self.spec.parts and key in self.parts:
            own = record.get(self.spec.parts.key)
            record[self.spec.parts.key] = [*self.read_parts(key), *(own if isinstance(own, list) else [own])]
        if children and self.spec.children:
            for name in self.spec.children.inherit:
                record.pop(name, None)
        writer = self.preparer.writer
        if self.spec.language:
            self.preparer.use_language(record.get(self.spec.language))
        node = self.preparer.prepare(record, iri)
        code = course_urn(self.mapper.schac, self.mapper.local_id(self.spec.name, key)) if self.mapper.schac else ""
        writer.fill(node, self.template, iri, "", code)
        for predicate, target in held:
            writer.held_link(node, predicate, target)
        instances: list[str] = []
        if not self.spec.institution:
            step = self.preparer.steps[self.spec.children.key] if self.spec.children else None
            for child in children:
                if step is not None:
                    instance, child_node = self.write_child(child, iri, shared)
                    instances.append(instance)
                    writer.child(node, step.plan, child_node)
        if self.lifter is not None:
            self.triples.add(self.lifter.lift(node))
        return instances

    def without_made(self, record: JsonObject) -> JsonObject:
        """Return a record without an identifier that was made of other members, unless the context wants it."""
        made = is_made(record, self.spec.identifier_parts) and self.spec.identifier not in self.context.terms
        return {name: value for name, value in record.items() if name != self.spec.identifier} if made else record

    def record_members(self) -> JsonObject:
        """What each record says besides its own: classes, constants, who offers it, its QualityLink identifier."""
        out: JsonObject = {"@type": list(self.spec.classes), **self.spec.constants}
        if self.spec.institution:
            return out
        out["dcterms:publisher"] = self.mapper.institution_iri
        if self.mapper.schac:
            out["owl:sameAs"] = CODE
            out["adms:identifier"] = {
                "@id": f"{SELF}#courseIdentifier",
                "@type": ["elm:Identifier"],
                "skos:notation": CODE,
                "elm:schemeName": "uniqueCourseId",
            }
        return out

    def child_members(self) -> JsonObject:
        """What each child says besides its own: classes, what it is an instance of, who provides it."""
        return {
            "@type": list(self.spec.children.classes if self.spec.children else ()),
            "elm:learningAchievementSpecification": PARENT,
            "elm:providedBy": self.mapper.institution_iri,
        }

    def read_children(self, key: str, entry: Entry, iri: str) -> list[JsonObject]:
        """Return the usable children of a record, each with what it inherits."""
        spec, record = self.spec.children, entry.record
        if spec is None or (key not in self.children and not entry.children):
            return []
        found: dict[str, JsonObject] = {}
        listed = (
            child
            for document in self.children.get(key, ())
            for child in self.mapper.read_records(document, spec.records)
        )
        for child in (*entry.children, *listed):
            if self.is_usable(child, found, iri, entry.position):
                found[child[spec.identifier]] = child
        path = f"{spec.key}."
        for child in found.values():
            for name in spec.omit_equal:
                value = child.get(name)
                if value not in NOTHING and value == record.get(name):
                    self.account.count(
                        self.spec.name, path + name, "ignored", child.pop(name), "as in its specification"
                    )
        for name in (*spec.inherit, *spec.default):
            value = record.get(name)
            heirs = [child for child in found.values() if child.get(name) in NOTHING]
            for number, child in enumerate(heirs) if value not in NOTHING else ():  # counted where it is first used
                child[name if number == 0 and name in spec.inherit else CopiedKey(name)] = value
            if found and not heirs and name in spec.inherit:
                self.account.count(self.spec.name, name, "ignored", value, f"each of '{spec.key}' states its own")
        return list(found.values())

    def is_usable(self, child: object, known: Mapping[str, JsonObject], parent: str, position: str) -> bool:
        """Whether an entry in a page of children can be mapped; if not, that is reported."""
        spec = self.spec.children
        if spec is None:
            return False
        source_id = child.get(spec.identifier) if isinstance(child, dict) else None
        if isinstance(child, dict) and (state := skipped(child, spec.skip)):
            self.account.count(self.spec.name, f"{spec.key}.*", "ignored", child, f"not loaded: {state}")
            return False
        code, message, lost = "", "", child if source_id is None else source_id
        if too_deep := why_too_deep(child):
            code, lost = "instance-unreadable", child
            message = f"An entry of '{spec.resource}' cannot be mapped: {too_deep}; it is left out."
        elif not isinstance(source_id, str) or not source_id.strip():
            code = "instance-without-identifier"
            message = f"An entry of '{spec.resource}' has no usable '{spec.identifier}'; it is left out."
        elif source_id in known:
            code = "instance-repeated"
            message = f"An identifier of '{spec.resource}' occurs more than once in one list; the first entry counts."
        if code:
            self.account.drop(self.spec.name, spec.key, child, code)
            self.account.report(
                code,
                message,
                field=f"{spec.resource}.{spec.identifier}",
                value=lost,
                record=parent,
                position=position,
                severity="warning" if code == "instance-repeated" else "violation",
            )
        return not code

    def report_orphans(self) -> None:
        """Pages of children or parts whose record is not among the records: they have nowhere to go."""
        for spec, pages in ((self.spec.children, self.children), (self.spec.parts, self.parts)):
            for key in sorted(pages.keys() - (self.seen - self.refused)) if spec else ():
                for document in pages[key]:
                    records = self.mapper.read_records(document, spec.records) if spec else []
                    if not records or spec is None:
                        continue
                    if key in self.refused:
                        self.account.drop(self.spec.name, f"{spec.key}.*", records, "its record is refused")
                        continue
                    if key in self.left_out:
                        reason = f"its record in '{self.spec.name}' is not loaded"
                        self.account.count(self.spec.name, f"{spec.key}.*", "ignored", records, reason)
                        continue
                    self.account.drop(self.spec.name, spec.key, records, f"no such record in '{self.spec.name}'")
                    if spec.parent:
                        self.report_lost_children(spec, records, key, document.position)
                        continue
                    self.account.report(
                        "page-without-parent",
                        f"A page of '{spec.resource}' belongs to a record that is not in '{self.spec.name}'; "
                        "its entries are left out.",
                        field=spec.resource,
                        value=key,
                        position=document.position,
                    )

    def report_lost_children(self, spec: ChildSpec, children: list[Any], parent: str, position: str) -> None:
        """Entries of a flat list that name a record which does not exist, or none."""
        for child in children:
            if isinstance(child, dict) and skipped(child, spec.skip):
                continue
            source_id = child.get(spec.identifier) if isinstance(child, dict) else None
            named = f"names a record that is not in '{self.spec.name}'" if parent else "names no record"
            self.account.report(
                "instance-without-parent" if parent else "instance-without-reference",
                f"An entry of '{spec.resource}' {named} ('{spec.parent}'); it is left out.",
                field=f"{spec.resource}.{spec.parent}",
                value=parent or child,
                record=source_id if isinstance(source_id, str) else None,
                position=position,
            )

    def read_parts(self, key: str) -> list[JsonObject]:
        """Return a record's parts, which are references to other records."""
        spec = self.spec.parts
        if spec is None:
            return []
        return [part for document in self.parts[key] for part in self.mapper.read_records(document, spec.records)]

    def write_child(self, child: JsonObject, parent: str, shared: list[tuple[JoinSpec, str]]) -> tuple[str, Any]:
        """Write a usable child; return its IRI and node."""
        spec = self.spec.children
        iri = f"{parent}/instances/{encode_segment(child[spec.identifier] if spec else '')}"
        child, held = self.joiner.join(child, shared, f"{spec.key}." if spec else "")
        made = spec and (spec.numbered or is_made(child, spec.identifier_parts))
        if spec and made and spec.identifier not in self.known_to_children:
            child.pop(spec.identifier, None)  # made by us, of others which are accounted for
        if self.spec.language and child.get(self.spec.language) not in NOTHING:
            self.preparer.use_language(child[self.spec.language])
        node = self.preparer.prepare(child, iri, self.child_steps)
        self.preparer.writer.fill(node, self.child_template, iri, parent, "")
        for predicate, target in held:
            self.preparer.writer.held_link(node, predicate, target)
        return iri, node

    def share(self, batch: Batch, join: JoinSpec, source_id: str) -> None:
        """Give the rules a record that several name, once a batch."""
        iri = shared_iri(join, source_id)
        found = self.mapper.lookup.find(join, source_id)
        key = join.into or join.key
        steps = self.preparer.steps[key].steps
        if iri in batch.shared or found is None or steps is None:
            return
        batch.shared.add(iri)
        if self.spec.language:
            self.preparer.use_language(found.get(self.spec.language))
        node = self.preparer.prepare(self.mapper.lookup.take(join, source_id, found), iri, steps)
        if self.mapper.is_read(_RECORD) and any(r.name == join.resource for r in self.mapper.mapping.resources):
            self.preparer.writer.held_link(node, _RECORD, self.mapper.course_iri(join.resource, source_id))
        if self.lifter is not None:
            self.triples.add(self.lifter.lift({"@id": SOURCE + "batch", key: [node]}))
        self.triples.take()


def _by_parent(
    mapper: "JsonMapper", by_resource: Mapping[str, Sequence[Document]], spec: ChildSpec | None
) -> dict[str, list[Document]]:
    """Which pages of children belong to which record: as the pages say, or as each child says."""
    found: dict[str, list[Document]] = {}
    for document in by_resource.get(spec.resource, ()) if spec else ():
        if spec is None or spec.parent is None or document.parent is not None:
            found.setdefault(document.parent or "", []).append(document)
            continue
        by_id: dict[str, list[Any]] = {}
        for child in mapper.read_records(document, spec.records):
            parent = read_path(child, spec.parent)
            by_id.setdefault(parent if isinstance(parent, str) else "", []).append(child)
        for parent, children in by_id.items():
            found.setdefault(parent, []).append(_document_of(document, children))
    return found


def _document_of(document: Document, children: list[Any]) -> Document:
    """Return some of a document's records as one of their own."""
    as_they_are = replace(document, find=lambda _quiet: [Entry(document.position, child) for child in children])
    if document.find is not None:
        return as_they_are
    try:
        body = orjson.dumps(children)  # pages of an API wait as bytes, which takes less room
    except orjson.JSONEncodeError:  # one of them is nested too deeply: it is left out when its turn comes
        return as_they_are
    return Document(document.resource, document.position, partial(bytes, body))
