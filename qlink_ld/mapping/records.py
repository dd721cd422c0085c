"""Maps the pages of a JSON source to records in ELM, batch by batch.

prepare (structure, clean values) → lift (JSON-LD context) → construct (SPARQL rules) → one `Record` per learning
opportunity with its instances. One record that cannot be mapped is refused with its reason and costs no other.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date
from typing import Any

from qlink_ld.mapping.account import Account
from qlink_ld.mapping.batch import OWN, Batch, Draft, Mapped, finish_draft, publishable
from qlink_ld.mapping.collector import collect_between
from qlink_ld.mapping.construct import RUN, RuleRunner
from qlink_ld.mapping.documents import Document, Entry, make_document, read_path
from qlink_ld.mapping.joins import Lookup
from qlink_ld.mapping.resource_mapper import ResourceMapper
from qlink_ld.mapping.selection import Selector
from qlink_ld.mapping.specs import JoinSpec, MappingFolder, ResourceSpec
from qlink_ld.model import Institution, Page, Record
from qlink_ld.namespaces import ISSUE, SOURCE, XSD, Iris
from qlink_ld.ntriples import read_literal, write_literal
from qlink_ld.provider_json import read_json

_ISSUE = f"<{ISSUE}"


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
        self._run_facts = write_run_facts(institution, iris, harvested_on, default_language)
        self._clashes: dict[str, frozenset[str]] = {}
        self.lookup = Lookup(mapping, account, lambda _join: ())

    def map_pages(self, pages: Sequence[Page]) -> Iterator[list[Mapped]]:
        """Map all pages of a snapshot, in batches of up to `batch.SIZE` records, in the order of the pages."""
        return self.map_documents([make_document(page) for page in pages])

    def map_documents(self, documents: Sequence[Document]) -> Iterator[list[Mapped]]:
        """Map documents: see `map_pages`.

        Raises:
            UnreadableData: a document with all kinds of records in it cannot be read.
        """
        if self.mapping.body is not None:
            documents = Selector(self.mapping, self.mapping.body, self.account).select(documents)
        by_resource: dict[str, list[Document]] = {}
        for document in documents:
            by_resource.setdefault(document.resource, []).append(document)
        self._report_unknown_resources(by_resource)
        self.lookup = Lookup(
            self.mapping, self.account, lambda join: self._read_joined(join, by_resource.get(join.resource, ()))
        )
        self._clashes = self._find_clashes(by_resource)
        for resource in self.mapping.resources:
            kinds = {resource.name, *(spec.resource for spec in (resource.children, resource.parts) if spec)}
            if not kinds.isdisjoint(by_resource):
                mapper = ResourceMapper(self, resource, by_resource)
                yield from collect_between(mapper.map(by_resource.get(resource.name, ())))
        self.lookup.count_unused()

    # What is true for the whole source ---------------------------------------------------------------------------

    def _report_unknown_resources(self, by_resource: Mapping[str, Sequence[Document]]) -> None:
        used = {r.name for r in self.mapping.resources} | {j.resource for j in self.mapping.joins.values()}
        used |= {c.resource for r in self.mapping.resources for c in (r.children, r.parts) if c}
        for name in sorted(by_resource.keys() - used):
            reason = self.mapping.ignore_resources.get(name)
            for document in by_resource[name]:
                with suppress(ValueError):  # not JSON: no leaves
                    found = read_json(document.read()).value
                    self.account.count(name, "*", "ignored" if reason else "unmapped", found, reason or "")
            if reason is None:
                self.account.report(
                    "resource-unmapped", f"The mapping '{self.mapping.name}' says nothing of '{name}'.", field=name
                )

    def _read_joined(self, join: JoinSpec, documents: Sequence[Document]) -> Iterator[Entry]:
        """Read the records that ids stand for."""
        resource = next((r for r in self.mapping.resources if r.name == join.resource), None)
        records = join.records if join.records is not None else resource.records if resource else "items"
        single = resource is None or resource.single
        for document in documents:
            yield from self._entries(document, records, single=single)

    def _find_clashes(self, by_resource: Mapping[str, Sequence[Document]]) -> dict[str, frozenset[str]]:
        """Ids that an earlier resource uses too: nothing in OOAPI says that a course and a programme differ in id."""
        resources = [r for r in self.mapping.resources if not r.institution and r.name in by_resource]
        if len(resources) < 2:
            return {}
        seen: set[str] = set()
        clashes: dict[str, frozenset[str]] = {}
        for resource in resources:
            ids = {
                entry.record[resource.identifier]
                for document in by_resource[resource.name]
                for entry in self.read_entries(document, resource, quiet=True)
                if isinstance(entry.record, dict) and isinstance(entry.record.get(resource.identifier), str)
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

    def is_read(self, predicate: str) -> bool:
        """Whether some rule reads triples with this predicate."""
        known = self._is_read.get(predicate)
        if known is None:
            known = self._is_read[predicate] = self._runner.reads_predicate(predicate)
        return known

    def read_entries(self, document: Document, resource: ResourceSpec, *, quiet: bool = False) -> Iterable[Entry]:
        """Return the records in a page, each with its position; see `read_records`."""
        return self._entries(
            document, resource.records, keyed_by=resource.keyed_by, single=resource.single, quiet=quiet
        )

    def _entries(
        self, document: Document, path: str, *, keyed_by: str | None = None, single: bool = False, quiet: bool = False
    ) -> Iterable[Entry]:
        if document.find is not None:
            return document.find(quiet)
        records = self.read_records(document, path, keyed_by=keyed_by, single=single, quiet=quiet)
        return (Entry(f"{document.position} item {index + 1}", record) for index, record in enumerate(records))

    def read_records(
        self,
        document: Document,
        path: str,
        *,
        keyed_by: str | None = None,
        single: bool = False,
        quiet: bool = False,
    ) -> list[Any]:
        """Return the list of records in a page; a page that cannot be read is reported and empty."""
        if document.find is not None:
            return [entry.record for entry in document.find(quiet)]
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

    def finish(self, batch: Batch, triples: dict[str, list[str]]) -> list[Record]:
        """Run the rules over a batch and hand out its records."""
        if not batch.drafts:
            return []
        for predicate, lines in self._run_facts.items():
            triples.setdefault(predicate, []).extend(lines)
        said: list[tuple[str, str, Draft | None]] = []
        for line in self._runner.run(triples):
            if OWN in line:
                _, predicate, value = line[:-3].split(" ", 2)
                if predicate.startswith(_ISSUE):
                    said.append((predicate, value, batch.find_owner(line)))
                if not publishable(line):
                    continue
            draft = batch.find_owner(line)
            if draft is not None:
                draft.lines.append(line)
        if said:  # in the order of the source: rules find their solutions in any order
            order = {id(draft): number for number, draft in enumerate(batch.drafts)}
            for predicate, value, draft in sorted(said, key=lambda s: (order.get(id(s[2]), -1), s[0], s[1])):
                self._report(predicate, value, draft)
        return [finish_draft(draft) for draft in batch.drafts]

    def _report(self, predicate: str, value: str, draft: Draft | None) -> None:
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
) -> dict[str, list[str]]:
    """Return what is true for the whole source: predicate → lines of N-Triples for the rules."""
    facts = {
        f"{SOURCE}institution": f"<{iris.institution(institution.id)}>",
        f"{SOURCE}harvestedOn": write_literal(harvested_on.isoformat(), None, f"{XSD}date"),
        f"{SOURCE}language": write_literal(language or "und"),
    }
    if institution.schac:
        facts[f"{SOURCE}schac"] = write_literal(institution.schac.lower())
    return {p: [f"<{RUN}> <{p}> {o} .\n"] for p, o in facts.items()}
