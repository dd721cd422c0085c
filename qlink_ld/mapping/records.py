"""Maps the pages of a JSON source to records in ELM, batch by batch.

prepare (structure, clean values) → lift (JSON-LD context) → construct (SPARQL rules) → one `Record` per learning
opportunity with its instances. One record that cannot be mapped is refused with its reason and costs no other.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Any

import orjson

from qlink_ld.errors import UnreadableData
from qlink_ld.mapping.account import Account, Counter, shorten
from qlink_ld.mapping.construct import RUN, RuleRunner
from qlink_ld.mapping.context import compile_context
from qlink_ld.mapping.folder import ChildSpec, JoinSpec, MappingFolder, ResourceSpec
from qlink_ld.mapping.lift import OxigraphLifter
from qlink_ld.mapping.prepare import Preparer
from qlink_ld.mapping.writers import CODE, HELD, PARENT, SELF, DocumentWriter, TripleWriter, Writer
from qlink_ld.model import Institution, Issue, Page, Record, Refusal
from qlink_ld.namespaces import ISSUE, SOURCE, XSD, Iris, course_urn, encode_segment
from qlink_ld.ntriples import read_literal, write_literal
from qlink_ld.provider_json import read_json

BATCH_SIZE = 500  # records; a store per batch keeps memory flat
_ISSUE = f"<{ISSUE}"
_RECORD = f"{SOURCE}record"  # from the node of a joined record to the IRI of the record itself, for rules
_NOTHING: tuple[object, ...] = (None, "", [])  # JSON values that say nothing

JsonObject = dict[str, Any]
Mapped = Record | Refusal


@dataclass(slots=True)
class _Draft:
    """A record on its way through a batch."""

    iri: str
    key: str
    position: str
    lines: list[str]  # N-Triples, in any order
    opportunities: int
    instances: int


@dataclass(slots=True)
class _Batch:
    drafts: list[_Draft] = field(default_factory=list)
    owners: dict[str, _Draft] = field(default_factory=dict)  # subject without fragment, without its closing bracket
    shared: set[str] = field(default_factory=set)


class JsonMapper:
    """Maps one source of JSON records.

    Args:
        mapping: the mapping folder.
        institution: whose source it is.
        iris: mints IRIs.
        account: takes counts and issues; read it when all batches are done.
        harvested_on: the day that decides which records are active.
        default_language: BCP 47 tag of texts that carry none.
        by_processor: let pyoxigraph process the JSON-LD contexts, as it does where a context needs more than is
            compiled; slower, the same triples.
    """

    def __init__(
        self,
        mapping: MappingFolder,
        institution: Institution,
        iris: Iris,
        account: Account,
        harvested_on: date,
        default_language: str | None = None,
        *,
        by_processor: bool = False,
    ) -> None:
        self.mapping = mapping
        self.institution = institution
        self.by_processor = by_processor
        self.account = account
        self._iris = iris
        self.institution_iri = iris.institution(institution.id)
        self.schac = institution.schac
        self.language = default_language
        self._runner = RuleRunner(mapping.rules, mapping.common_rules)
        self._is_read: dict[str, bool] = {}
        self._run_facts, self._fact_predicates = write_run_facts(institution, iris, harvested_on, default_language)
        self._clashes: dict[str, frozenset[str]] = {}
        self._joined: dict[str, dict[str, JsonObject]] = {}

    def map_pages(self, pages: Sequence[Page]) -> Iterator[list[Mapped]]:
        """Map all pages of a snapshot, in batches of up to `BATCH_SIZE` records, in the order of the pages."""
        return self.map_documents([_document(page) for page in pages])

    def map_documents(self, documents: Sequence["Document"]) -> Iterator[list[Mapped]]:
        """Map documents: see `map_pages`."""
        by_resource: dict[str, list[Document]] = {}
        for document in documents:
            by_resource.setdefault(document.resource, []).append(document)
        self._report_unknown_resources(by_resource)
        self._joined = {
            join.resource: self._index(join, by_resource.get(join.resource, ())) for join in self.mapping.joins.values()
        }
        self._clashes = self._find_clashes(by_resource)
        for resource in self.mapping.resources:
            if resource.name in by_resource:
                yield from _Resource(self, resource, by_resource).map(by_resource[resource.name])

    # What is true for the whole source ---------------------------------------------------------------------------

    def _report_unknown_resources(self, by_resource: Mapping[str, object]) -> None:
        used = {r.name for r in self.mapping.resources} | {j.resource for j in self.mapping.joins.values()}
        used |= {c.resource for r in self.mapping.resources for c in (r.children, r.parts) if c}
        for name in sorted(by_resource.keys() - used):
            reason = self.mapping.ignore_resources.get(name)
            if reason is None:
                self.account.report(
                    "resource-unmapped", f"The mapping '{self.mapping.name}' says nothing of '{name}'.", field=name
                )

    def _index(self, join: JoinSpec, documents: Sequence["Document"]) -> dict[str, JsonObject]:
        found: dict[str, JsonObject] = {}
        resource = next((r for r in self.mapping.resources if r.name == join.resource), None)
        records = join.records if join.records is not None else resource.records if resource else "items"
        single = resource is None or resource.single
        for document in documents:
            for record in self.read_records(document, records, single=single):
                if isinstance(record, dict) and isinstance(record.get(join.identifier), str):
                    found.setdefault(record[join.identifier], record)
        return found

    def _find_clashes(self, by_resource: Mapping[str, Sequence["Document"]]) -> dict[str, frozenset[str]]:
        """Ids that an earlier resource uses too: nothing in OOAPI says that a course and a programme differ in id."""
        resources = [r for r in self.mapping.resources if not r.institution and r.name in by_resource]
        if len(resources) < 2:
            return {}
        seen: set[str] = set()
        clashes: dict[str, frozenset[str]] = {}
        for resource in resources:
            ids = {
                record[resource.identifier]
                for document in by_resource[resource.name]
                for record in self.read_records(
                    document, resource.records, keyed_by=resource.keyed_by, single=resource.single, quiet=True
                )
                if isinstance(record, dict) and isinstance(record.get(resource.identifier), str)
            }
            clashes[resource.name] = frozenset(ids & seen)
            seen |= ids
        return clashes

    def course_iri(self, resource: str, source_id: str) -> str:
        """Mint the IRI of a learning opportunity; an id that an earlier resource uses too carries its resource."""
        return self._iris.course(self.institution.id, self.local_id(resource, source_id))

    def local_id(self, resource: str, source_id: str) -> str:
        """Return the id that is unique within the institution."""
        return f"{resource}:{source_id}" if source_id in self._clashes.get(resource, ()) else source_id

    def joined(self, join: JoinSpec, source_id: object) -> JsonObject | None:
        """Return the record that an id stands for."""
        return self._joined[join.resource].get(source_id) if isinstance(source_id, str) else None

    def joined_ids(self, join: JoinSpec) -> list[str]:
        """Return the ids of all records of a join's resource."""
        return list(self._joined[join.resource])

    def remember(self, join: JoinSpec, source_id: str, record: JsonObject) -> None:
        """Keep a record that was embedded where others have its id."""
        self._joined[join.resource].setdefault(source_id, record)

    def is_read(self, predicate: str) -> bool:
        """Whether some rule reads triples with this predicate."""
        known = self._is_read.get(predicate)
        if known is None:
            known = self._is_read[predicate] = self._runner.reads_predicate(predicate)
        return known

    def read_records(
        self,
        document: "Document",
        path: str,
        *,
        keyed_by: str | None = None,
        single: bool = False,
        quiet: bool = False,
    ) -> list[Any]:
        """Return the list of records in a page; a page that cannot be read is reported and empty."""
        try:
            found = read_json(document.read()).value
        except ValueError as error:
            if not quiet:
                self.account.report(
                    "page-unreadable",
                    f"A page of '{document.resource}' is not JSON ({error}); its records are missing. "
                    "Check what the server answers at this address.",
                    field=document.resource,
                    position=document.position,
                    severity="violation",
                )
            return []
        if isinstance(found, list) and (found or not path):
            return found  # some servers leave the envelope out
        if isinstance(found, dict) and not path and isinstance(found.get(document.resource), list):
            return list(found[document.resource])  # others put one around, with the resource's name
        found = read_path(found, path)
        if isinstance(found, list):
            return found
        if isinstance(found, dict) and keyed_by:
            return [{keyed_by: k, **v} if isinstance(v, dict) else v for k, v in found.items()]
        if isinstance(found, dict) and (single or not path):
            return [found]
        if not quiet:
            self.account.report(
                "page-without-records",
                f"A page of '{document.resource}' has no list '{path}'; its records are missing.",
                field=document.resource,
                position=document.position,
                severity="violation",
            )
        return []

    # A batch -----------------------------------------------------------------------------------------------------

    def finish(self, batch: _Batch, triples: str, predicates: set[str]) -> list[Record]:
        """Run the rules over a batch and hand out its records."""
        if not batch.drafts:
            return []
        said: list[tuple[str, str, _Draft | None]] = []
        for line in self._runner.run(self._run_facts + triples, predicates | self._fact_predicates):
            subject, predicate, value = line.split(" ", 2)
            draft = batch.owners.get(subject.partition("#")[0].removesuffix(">"))
            if predicate.startswith(_ISSUE):
                said.append((predicate, value, draft))
            elif draft is not None and not (
                subject.startswith(HELD) or predicate.startswith(HELD) or value.startswith(HELD)
            ):
                draft.lines.append(f"{line} .\n")
        if said:  # in the order of the source: rules find their solutions in any order
            order = {id(draft): number for number, draft in enumerate(batch.drafts)}
            for predicate, value, draft in sorted(said, key=lambda s: (order.get(id(s[2]), -1), s[0], s[1])):
                self._report(predicate, value, draft)
        return [_finish_draft(draft) for draft in batch.drafts]

    def _report(self, predicate: str, value: str, draft: _Draft | None) -> None:
        """`?record issue:unmapped-value "field=value"`: what a rule has to say."""
        code = predicate[len(_ISSUE) : -1]
        text = read_literal(value)
        name, _, found = text.partition("=")
        messages = {
            "unmapped-value": f"'{name}' has a value that the mapping does not know; it is left out.",
            "padded-value": f"'{name}' lost its leading zero; it is read with it. Write all digits.",
            "ambiguous-value": f"'{name}' can mean several things; it is left out.",
        }
        self.account.report(
            code,
            messages.get(code, text),
            field=name if found else None,
            value=found or None,
            record=draft.iri if draft else None,
            position=draft.position if draft else None,
        )


def write_run_facts(
    institution: Institution, iris: Iris, harvested_on: date, language: str | None
) -> tuple[str, frozenset[str]]:
    """Return what is true for the whole source, as N-Triples for the rules, and the predicates in it."""
    facts = {
        f"{SOURCE}institution": f"<{iris.institution(institution.id)}>",
        f"{SOURCE}harvestedOn": write_literal(harvested_on.isoformat(), None, f"{XSD}date"),
        f"{SOURCE}language": write_literal(language or "und"),
    }
    if institution.schac:
        facts[f"{SOURCE}schac"] = write_literal(institution.schac.lower())
    return "".join(f"<{RUN}> <{p}> {o} .\n" for p, o in facts.items()), frozenset(facts)


def read_path(value: Any, path: str) -> Any:  # noqa: ANN401 (JSON)
    """Return the member at a dotted path, None if there is none."""
    for part in path.split(".") if path else ():
        value = value.get(part) if isinstance(value, dict) else None
    return value


def publishable(line: str) -> bool:
    """Whether a triple has no term of the holding or the issue namespace."""
    return not any(term.startswith(HELD) for term in line.split(" ", 2))


def _finish_draft(draft: _Draft) -> Record:
    return Record(
        iri=draft.iri,
        key=draft.key,
        ntriples="".join(sorted(set(draft.lines))),
        position=draft.position,
        opportunities=draft.opportunities,
        instances=draft.instances,
    )


@dataclass(frozen=True, slots=True)
class Document:
    """One page to be mapped: what it holds, whose children it lists, and its bytes."""

    resource: str
    position: str
    read: Callable[[], bytes]
    parent: str | None = None


def _document(page: Page) -> Document:
    return Document(page.resource, page.url, page.read, page.parent)


class _Resource:
    """Maps the records of one resource."""

    def __init__(
        self, mapper: JsonMapper, resource: ResourceSpec, by_resource: Mapping[str, Sequence[Document]]
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
        self.children = _by_parent(mapper, by_resource, resource.children)
        self.parts = _by_parent(mapper, by_resource, resource.parts)
        self.shared_joins = [join for join in mapper.mapping.joins.values() if join.shared]
        self.always_joins = [join for join in self.shared_joins if join.always]
        self.plain_joins = [join for join in mapper.mapping.joins.values() if not join.shared]
        self.template = writer.template(self.record_members())
        self.child_template = writer.template(self.child_members())
        self.seen: set[str] = set()
        self.left_out: set[str] = set()  # ids of records that are not wanted
        self.own: str | None = None  # the id of the record of the institution itself, where there are several
        self.join_counters: dict[str, Counter] = {}

    def map(self, documents: Sequence[Document]) -> Iterator[list[Mapped]]:
        batch = _Batch()
        refused: list[Mapped] = []
        self.find_own(documents)
        for document in documents:
            records = self.mapper.read_records(
                document, self.spec.records, keyed_by=self.spec.keyed_by, single=self.spec.single
            )
            for index, record in enumerate(records):
                if self.spec.page_parent and document.parent and isinstance(record, dict):
                    record.setdefault(self.spec.page_parent, document.parent)
                position = f"{document.position} item {index + 1}"
                refusal = self.add(batch, record, position)
                if refusal is not None:
                    refused.append(refusal)
                if len(batch.drafts) >= BATCH_SIZE:
                    yield [*self.mapper.finish(batch, *self.triples.take_ruled()), *refused]
                    batch, refused = _Batch(), []
        if batch.drafts or refused:
            yield [*self.mapper.finish(batch, *self.triples.take_ruled()), *refused]
        self.report_orphans()

    def add(self, batch: _Batch, record: object, position: str) -> Refusal | None:
        """Add one record to the batch, or say why not."""
        key = record.get(self.spec.identifier) if isinstance(record, dict) else None
        if not isinstance(record, dict):
            return self.refuse("record-unreadable", "is not a JSON object", shorten(record), position, record)
        if not isinstance(key, str) or not key.strip():
            blank = key is None or isinstance(key, str)
            found = "has no identifier" if blank else f"has {shorten(key)} as identifier, which is not a text"
            return self.refuse(
                "record-without-identifier", f"{found} ('{self.spec.identifier}')", shorten(key), position
            )
        reason = why_left_out(record, self.spec)
        if not reason and self.own is not None and key != self.own:
            reason = "it is not the institution that runs the source"
        if reason:
            self.account.count(self.spec.name, "*", "ignored", record, reason)
            self.left_out.add(key)
            return None
        if key in self.seen:
            self.note_repeated(record, key, position)
            return None
        self.seen.add(key)
        iri = self.mapper.institution_iri if self.spec.institution else self.mapper.course_iri(self.spec.name, key)
        shared: list[tuple[JoinSpec, str]] = []
        ruled = len(self.triples.ruled)
        try:
            instances = self.write(record, key, iri, position, shared)
            written = self.triples.take()
            for join, source_id in shared:
                self.share(batch, join, source_id)
        except (UnreadableData, RecursionError) as error:
            self.triples.take()
            del self.triples.ruled[ruled:]
            return self.refuse("record-unreadable", f"cannot be mapped: {error}", key, position)
        for join in self.always_joins if not batch.drafts else ():
            for source_id in self.mapper.joined_ids(join):
                self.share(batch, join, source_id)
        draft = _Draft(iri, key, position, written, 0 if self.spec.institution else 1, len(instances))
        batch.drafts.append(draft)
        batch.owners[f"<{iri}"] = draft
        for instance in instances:
            batch.owners[f"<{instance}"] = draft
        return None

    def note_repeated(self, record: JsonObject, key: str, position: str) -> None:
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
            for record in self.mapper.read_records(document, self.spec.records, single=self.spec.single, quiet=True):
                key = record.get(self.spec.identifier) if isinstance(record, dict) else None
                if isinstance(key, str) and not why_left_out(record, self.spec):
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

    def refuse(self, code: str, reason: str, key: str, position: str, value: object = None) -> Refusal:
        """Return a refusal, and report it."""
        message = f"A record of '{self.spec.name}' {reason}; it is refused."
        text = shorten(value) if value is not None else None
        self.account.report(
            code, message, field=self.spec.name, value=text, record=key, position=position, severity="violation"
        )
        return Refusal(key, position, Issue(code, message, "violation", self.account.source, key, None, text, position))

    def write(
        self, record: JsonObject, key: str, iri: str, position: str, shared: list[tuple[JoinSpec, str]]
    ) -> list[str]:
        """Write a record with its children; return the IRIs of its instances."""
        children = self.read_children(key, record, iri, position)
        record, held = self.join(record, shared, "")
        for name, value in self.spec.missing.items():
            if record.get(name) in _NOTHING:
                record[name] = value
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

    def read_children(self, key: str, record: JsonObject, iri: str, position: str) -> list[JsonObject]:
        """Return the usable children of a record, each with what it inherits."""
        spec = self.spec.children
        if spec is None or key not in self.children:
            return []
        found: dict[str, JsonObject] = {}
        for document in self.children[key]:
            for child in self.mapper.read_records(document, spec.records):
                if self.is_usable(child, found, iri, position):
                    found[child[spec.identifier]] = child
        path = f"{spec.key}."
        for child in found.values():
            for name in spec.omit_equal:
                value = child.get(name)
                if value not in _NOTHING and value == record.get(name):
                    self.account.count(
                        self.spec.name, path + name, "ignored", child.pop(name), "as in its specification"
                    )
        for name in (*spec.inherit, *spec.default):
            value = record.get(name)
            heirs = [child for child in found.values() if child.get(name) in _NOTHING]
            for child in heirs if value not in _NOTHING else ():
                child[name] = value
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
        code, message = "", ""
        if not isinstance(source_id, str) or not source_id.strip():
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
                value=child if source_id is None else source_id,
                record=parent,
                position=position,
                severity="warning" if code == "instance-repeated" else "violation",
            )
        return not code

    def report_orphans(self) -> None:
        """Pages of children or parts whose record is not among the records: they have nowhere to go."""
        for spec, pages in ((self.spec.children, self.children), (self.spec.parts, self.parts)):
            for key in sorted(pages.keys() - self.seen) if spec else ():
                for document in pages[key]:
                    records = self.mapper.read_records(document, spec.records) if spec else []
                    if not records or spec is None:
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
        child, held = self.join(child, shared, f"{spec.key}." if spec else "")
        if self.spec.language and child.get(self.spec.language) not in _NOTHING:
            self.preparer.use_language(child[self.spec.language])
        node = self.preparer.prepare(child, iri, self.child_steps)
        self.preparer.writer.fill(node, self.child_template, iri, parent, "")
        for predicate, target in held:
            self.preparer.writer.held_link(node, predicate, target)
        return iri, node

    def join(
        self, record: JsonObject, shared: list[tuple[JoinSpec, str]], path: str
    ) -> tuple[JsonObject, list[tuple[str, str]]]:
        """Put the records behind ids in their place; return the record, and its links to shared nodes.

        `path` leads to the record in the source. The id is a leaf of its own; what an expanded object holds beyond what
        the mapping takes is ignored.
        """
        record = dict(record)
        held: list[tuple[str, str]] = []
        for join in self.plain_joins:
            value = record.get(join.key)
            if value in _NOTHING:
                continue
            del record[join.key]
            into = join.into or join.key
            beside = [entry for entry in _as_list(record.get(into)) if entry not in _NOTHING]
            known = [entry.get(join.identifier) for entry in beside if isinstance(entry, dict)]
            taken: list[JsonObject] = []
            for item in value if isinstance(value, list) else (value,):
                if item in known or (beside and not isinstance(value, list)):  # the server put the record beside its id
                    self.count_joined(join, item, path)
                    continue
                found = item if isinstance(item, dict) else self.mapper.joined(join, item)
                if found is None:
                    self.account.drop(self.spec.name, path + join.key, item, f"no such record in '{join.resource}'")
                    continue
                taken.append({name: found[name] for name in join.take if name in found})
                self.count_joined(join, item, path)
            if taken:
                record[into] = [*beside, *taken] if isinstance(value, list) else taken[0]
        for join in self.shared_joins:
            value = record.pop(join.key, None)
            if value in _NOTHING:
                continue
            source_id = value.get(join.identifier) if isinstance(value, dict) else value
            if isinstance(value, dict) and isinstance(source_id, str):
                self.mapper.remember(join, source_id, value)
            if isinstance(source_id, str) and self.mapper.joined(join, source_id) is not None:
                held.append((SOURCE + (join.into or join.key), shared_iri(join, source_id)))
                shared.append((join, source_id))
                self.count_joined(join, value, path)
            else:
                self.account.drop(self.spec.name, path + join.key, value, f"no such record in '{join.resource}'")
        return record, held

    def count_joined(self, join: JoinSpec, value: object, path: str) -> None:
        """Account for an id, or for those members of an expanded object that are not taken over."""
        counter = self.join_counters.get(path + join.key)
        if counter is None:
            counter = self.account.open(self.spec.name, path + join.key, "mapped")
            self.join_counters[path + join.key] = counter
        if not isinstance(value, dict):
            counter.add(value)
            return
        rest = {name: member for name, member in value.items() if name not in join.take}
        self.account.count(self.spec.name, path + join.key, "ignored", rest, "not taken over from the other record")

    def share(self, batch: _Batch, join: JoinSpec, source_id: str) -> None:
        """Give the rules a record that several name, once a batch."""
        iri = shared_iri(join, source_id)
        found = self.mapper.joined(join, source_id)
        key = join.into or join.key
        steps = self.preparer.steps[key].steps
        if iri in batch.shared or found is None or steps is None:
            return
        batch.shared.add(iri)
        if self.spec.language:
            self.preparer.use_language(found.get(self.spec.language))
        node = self.preparer.prepare(_take(found, join), iri, steps)
        if self.mapper.is_read(_RECORD) and any(r.name == join.resource for r in self.mapper.mapping.resources):
            self.preparer.writer.held_link(node, _RECORD, self.mapper.course_iri(join.resource, source_id))
        if self.lifter is not None:
            self.triples.add(self.lifter.lift({"@id": SOURCE + "batch", key: [node]}))
        self.triples.take()


def _take(found: JsonObject, join: JoinSpec) -> JsonObject:
    """Return the wanted members of a joined record; one at a dotted path has its last name."""
    taken = {path.rpartition(".")[2]: read_path(found, path) for path in join.take}
    return {name: value for name, value in taken.items() if value is not None}


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
    if has := next((name for name in spec.without if record.get(name) not in _NOTHING), None):
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


def _as_list(value: object) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def shared_iri(join: JoinSpec, source_id: str) -> str:
    """The node that stands for a joined record in the rules' store."""
    return f"{SOURCE}node:{join.resource}:{encode_segment(source_id)}"


def _by_parent(
    mapper: JsonMapper, by_resource: Mapping[str, Sequence[Document]], spec: ChildSpec | None
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
            body = orjson.dumps(children)
            found.setdefault(parent, []).append(Document(document.resource, document.position, partial(bytes, body)))
    return found
