"""Maps and judges the records of one institution: each is published, or refused with its reasons."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from qlink_ld.config import Config
from qlink_ld.enrich.links import LinkBook
from qlink_ld.enrich.ownership import check_ownership, keep_indicators
from qlink_ld.errors import UnreadableData
from qlink_ld.mapping import Account, find_mapping, map_snapshot
from qlink_ld.model import Institution, Issue, Record, Refusal, Result, Snapshot, Verdict
from qlink_ld.namespaces import DCTERMS, ELM, RDFS
from qlink_ld.ntriples import write_literal
from qlink_ld.publish.quad_sorter import QuadSorter
from qlink_ld.registry.describe import describe_institution
from qlink_ld.validate.engine import load_engine
from qlink_ld.validate.records import RecordValidator, collect_types, refuse_orphans

PROVIDER_PATHS = (f"<{DCTERMS}publisher>", f"<{ELM}providedBy>")
_KEPT_RESULTS = 50_000  # SHACL results that are kept one by one for the report; all are counted


class Watcher(Protocol):
    """Is told of each record when it is settled."""

    def note_verdict(self, verdict: Verdict, *, accepted: bool) -> None:
        """A record was judged."""

    def note_refusal(self, refusal: Refusal) -> None:
        """A record could not be mapped."""


class RecordWork:
    """Walks the records of one institution from mapping to their verdict; keeps them sorted on disk, not in memory.

    Args:
        config: the deployment.
        institution: whose records they are.
        on_progress: told now and then how many learning opportunities were found so far.
        watcher: told of each record.
        owned: whether records must be the institution's own; False where it is not known whose they are, so that
            nothing can be said of the institutions that they name.

    Attributes:
        published: what goes into the graph, with the institution's own description.
        refused: what does not.
        results: SHACL results, up to 50,000 of them; `severities` counts all.
        harvested: learning opportunities found; accepted and rejected add up to it.
        instances: those that are published.
        unreadable: sources that could not be mapped at all.
    """

    def __init__(
        self,
        config: Config,
        institution: Institution,
        on_progress: Callable[[int], None],
        *,
        watcher: Watcher | None = None,
        owned: bool = True,
    ) -> None:
        self.config = config
        self.institution = institution
        self._on_progress = on_progress
        self._watcher = watcher
        self._owned = owned
        description = describe_institution(institution, config.alliances, config.iris)
        engine = load_engine(config.validation.engine, config.validation.shapes)
        self._speaks_for = self._find_wards()
        wards = "".join(describe_institution(ward, config.alliances, config.iris) for ward in self._speaks_for)
        self._validator = RecordValidator(engine, description + wards)
        self._publish_all = "publish" in (institution.on_violation, config.validation.on_violation)
        self.published = QuadSorter(config.data_dir)
        self.refused = QuadSorter(config.data_dir)
        self.published.add(description)
        self.accounts: list[Account] = []
        self.results: list[Result] = list(self._validator.context_results)
        self.harvested = self.accepted = self.rejected = self.instances = 0
        self.severities: Counter[str] = Counter(result.severity for result in self.results)
        self.unreadable: list[Issue] = []
        self._known: dict[str, str] = {}
        self._orphans: list[Record] = []
        self._refused_iris: set[str] = set()
        self._seen: set[str] = set()
        self._links = LinkBook(config.iris.institution(institution.id))
        self._doubles: list[Issue] = []
        self._not_allowed: Issue | None = None

    def _find_wards(self) -> list[Institution]:
        """The other institutions whose learning opportunities this one may publish (T-01, T-03)."""
        everybody = self.institution.role == "authoritative-source"
        return [
            other
            for other in self.config.institutions
            if other.id != self.institution.id and (everybody or other.id in self.institution.speaks_for)
        ]

    @property
    def issues(self) -> list[Issue]:
        """What mapping noticed."""
        noticed = (issue for account in self.accounts for issue in account.issues)
        trust = [self._not_allowed] if self._not_allowed else []
        return [*self.unreadable, *noticed, *self._doubles, *trust]

    def map_and_judge(self, snapshots: Sequence[Snapshot]) -> None:
        """Settle every record of every source; a source that cannot be read costs the others nothing.

        Raises:
            UnreadableData: no source can be read.
        """
        for snapshot in snapshots:
            try:
                self._map_source(snapshot)
            except UnreadableData as error:
                source = snapshot.source
                self.unreadable.append(
                    Issue("source-unreadable", str(error), "violation", source.id, position=source.path)
                )
        if len(self.unreadable) == len(snapshots):
            raise UnreadableData("; ".join(issue.message for issue in self.unreadable))
        for verdict in refuse_orphans(self._judge(self._first_only(self._orphans), self._known), self._refused_iris):
            self._settle(verdict)
        for links in self._links.complete():
            self.published.add(links)

    def _map_source(self, snapshot: Snapshot) -> None:
        account = Account(snapshot.source.id)
        self.accounts.append(account)
        mapping = find_mapping(snapshot.source)
        for batch in map_snapshot(snapshot, mapping, self.institution, self.config.iris, account):
            records = [entry for entry in batch if isinstance(entry, Record)]
            for refusal in batch:
                if isinstance(refusal, Refusal):
                    self._refuse_unmapped(refusal)
            if self.institution.role == "third-party":
                records = [kept for record in records if (kept := self._cut_to_indicators(record)) is not None]
            if mapping.is_graph:  # records of a file point to each other
                self._known.update(collect_types(records))
                self._orphans += [r for r in records if not r.opportunities and r.instances]
                records = [r for r in records if r.opportunities or not r.instances]
            for verdict in self._judge(self._first_only(records), self._known):
                if not self._settle(verdict):
                    self._refused_iris.add(verdict.record.iri)
            self._on_progress(self.harvested)

    def _cut_to_indicators(self, record: Record) -> Record | None:
        """Leave of a third party's record what it may state; the rest is refused (T-04)."""
        kept, rest = keep_indicators(record, self.institution.indicators)
        if rest:
            self.refused.add(rest)
            message = (
                "A third party may state agreed indicators only; its other statements are refused. Name the properties "
                "in `indicators` of the institution if they are agreed."
            )
            count = rest.count("\n") + (self._not_allowed.count if self._not_allowed else 0)
            first = self._not_allowed or Issue("statement-not-allowed", message, "info", record=record.iri)
            self._not_allowed = replace(first, count=count)
        return kept

    def _first_only(self, records: list[Record]) -> list[Record]:
        """Two sources may describe the same thing: the first one counts, the other is reported."""
        out = []
        for record in records:
            if record.iri in self._seen and record.opportunities + record.instances:
                message = "A learning opportunity is described by two sources or twice in one; the first one counts."
                self._doubles.append(
                    Issue("record-repeated", message, "warning", record=record.iri, position=record.position)
                )
                continue
            self._seen.add(record.iri)
            out.append(record)
        return out

    def _judge(self, records: list[Record], known: Mapping[str, str]) -> Iterator[Verdict]:
        if not records:
            return
        iris = self.config.iris
        own, wards = iris.institution(self.institution.id), [iris.institution(w.id) for w in self._speaks_for]
        for verdict in self._validator.judge(records, known or None):
            if not self._owned:
                yield Verdict(verdict.record, tuple(found for found in verdict.results if not _is_of_provider(found)))
                continue
            if self.institution.role == "authoritative-source":
                yield verdict
                continue
            foreign = check_ownership(verdict.record, own, wards)
            yield Verdict(verdict.record, (*verdict.results, *foreign)) if foreign else verdict

    def _settle(self, verdict: Verdict) -> bool:
        """Publish or refuse a record; return whether it is published."""
        record = verdict.record
        self.harvested += record.opportunities
        self.severities.update(result.severity for result in verdict.results)
        if len(self.results) < _KEPT_RESULTS:
            self.results += verdict.results
        accepted = verdict.conforms or self._publish_all
        if self._watcher is not None:
            self._watcher.note_verdict(verdict, accepted=accepted)
        if accepted:
            self.published.add(record.ntriples)
            self._links.add(record)
            self.accepted += record.opportunities
            self.instances += record.instances
        else:
            self.refused.add(record.ntriples)
            self.rejected += record.opportunities
        return accepted

    def _refuse_unmapped(self, refusal: Refusal) -> None:
        """A record without triples of its own: its place among the refused says why."""
        self.harvested += refusal.opportunities
        self.rejected += refusal.opportunities
        if self._watcher is not None:
            self._watcher.note_refusal(refusal)
        place = hashlib.sha256((refusal.position + refusal.key).encode()).hexdigest()[:12]
        iri = f"<{self.config.iris.report_graph(self.institution.id)}#refused-{place}>"
        named = f"{iri} <{DCTERMS}identifier> {write_literal(refusal.key)} .\n" if refusal.key else ""
        self.refused.add(
            f"{named}{iri} <{DCTERMS}source> {write_literal(refusal.position)} .\n"
            f"{iri} <{RDFS}comment> {write_literal(refusal.issue.message, 'en')} .\n"
        )


def _is_of_provider(result: Result) -> bool:
    """Whether a result says that somebody named by IRI is not known as an institution."""
    return result.path in PROVIDER_PATHS and result.value is not None and result.value.startswith("<")
