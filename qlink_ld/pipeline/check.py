"""A dry run of one source: what is there, what would be published, what refused, and why. Publishes nothing.

It is a real run of harvest, mapping and validation, with a sample of the source instead of all of it, in a folder that
is gone afterwards. Source: DESIGN §7.
"""

import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from qlink_ld.config import Config
from qlink_ld.errors import HarvestError, SourceUnavailable, UnreadableData
from qlink_ld.harvest.source import harvest_source
from qlink_ld.mapping import find_mapping
from qlink_ld.model import DataSource, HarvestReport, Institution, Issue, Refusal, Result, Snapshot, Verdict
from qlink_ld.pipeline.institution import describe_harvest
from qlink_ld.pipeline.recognise import Kind, count_entries, recognise
from qlink_ld.pipeline.records import RecordWork
from qlink_ld.validate.catalogue import ShapeCatalogue
from qlink_ld.validate.engine import load_engine
from qlink_ld.validate.messages import shorten_term
from qlink_ld.validate.report import find_titles, summarise
from qlink_ld.validate.report_graph import build_report_graph

DEFAULT_SAMPLE = 50  # records of each kind: enough to see most kinds of mistake, and a matter of seconds

OnStage = Callable[[str, int, int | None], None]  # stage, done, of how many


@dataclass(frozen=True, slots=True)
class Found:
    """One kind of page that the source has. `total`: about so many records, where a sample was taken."""

    resource: str
    pages: int
    size_bytes: int
    records: int | None  # None: the pages are no lists
    sampled: bool = False
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of violation or warning: what it says, how many records have it, and one of them."""

    severity: str
    message: str
    field: str  # for people; empty if it is about the record as a whole
    path: str | None  # property, in N-Triples syntax
    records: int
    key: str  # of the example, at the source
    iri: str | None
    title: str | None
    position: str
    value: str | None


@dataclass(frozen=True, slots=True)
class Check:
    """What a dry run found. Without a report nothing could be had, and `error` says why.

    `refusals` and `warnings`: commonest first. `graph`: the report as it would be published, N-Triples.
    """

    institution: Institution
    source: DataSource
    mapping: str  # its title
    found: tuple[Found, ...] = ()
    report: HarvestReport | None = None
    refusals: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()
    error: str | None = None
    looks_like: Kind | None = None
    graph: str = ""

    @property
    def sampled(self) -> bool:
        """True if the source has more than was looked at."""
        return any(entry.sampled for entry in self.found)


def check_source(
    config: Config,
    institution: Institution,
    source: DataSource,
    *,
    sample: int | None = DEFAULT_SAMPLE,
    owned: bool = True,
    recognised: bool = False,
    on_progress: OnStage | None = None,
) -> Check:
    """Harvest a sample of a source, map and judge it, and report; write nothing that stays.

    Args:
        config: the deployment; its data directory is neither read nor written.
        institution: whose source it is.
        source: where and what. Where that does not fit what is there, `looks_like` says what would.
        sample: about so many records of each kind, None for all.
        owned: whether it is known whose source it is, so that records of somebody else count as refused.
        recognised: whether type and version were found out, so that there is no need to doubt them.
        on_progress: told how far it is.

    Raises:
        ConfigurationError: shapes that cannot be used.
        UnknownMapping, BrokenMapping: there is no mapping for such a source, or it cannot be used.
    """
    progress = on_progress or (lambda _stage, _done, _total: None)
    institution = replace(institution, sources=(source,))
    check = Check(institution, source, find_mapping(source).title)
    with tempfile.TemporaryDirectory(prefix="qlink-check-") as folder:
        config = replace(config, data_dir=Path(folder), access=replace(config.access, keys=config.keys_dir))
        try:
            snapshot = harvest_source(
                institution,
                source,
                config.harvest,
                config.data_dir,
                sample=sample,
                on_progress=lambda done, total: progress("harvest", done, total),
            )
            check = replace(check, found=_describe_pages(snapshot))
            check = _judge(config, check, snapshot, owned, progress)
        except (HarvestError, UnreadableData) as error:
            check = replace(check, error=str(error))
            if isinstance(error, SourceUnavailable):
                return check
        if not recognised and _is_odd(check):
            stated = Kind(source.type, source.version, frozenset(entry.resource for entry in check.found))
            check = replace(check, looks_like=recognise(config, institution, source, stated))
    return check


def _judge(config: Config, check: Check, snapshot: Snapshot, owned: bool, progress: OnStage) -> Check:
    catalogue = load_engine(config.validation.engine, config.validation.shapes).shapes
    watcher = _Findings(catalogue)
    work = RecordWork(
        config, check.institution, lambda done: progress("convert", done, None), watcher=watcher, owned=owned
    )
    work.map_and_judge([snapshot])
    issues = [issue for issue in (*snapshot.issues, *work.issues) if not _is_of_sample(issue, check)]
    report = describe_harvest(check.institution, [snapshot], work, issues)
    outside = tuple(f"no such record in '{entry.resource}'" for entry in check.found if entry.sampled)
    report = replace(
        report,
        fields=tuple(
            replace(use, outcome="mapped", reason="the record that it names is not in the sample")
            if use.outcome == "dropped" and use.reason.startswith(outside)
            else use
            for use in report.fields
        ),
        result_counts=tuple(summarise(work.results)),
    )
    return replace(
        check,
        report=report,
        refusals=watcher.find(refused=True),
        warnings=watcher.find(refused=False),
        graph=build_report_graph(report, work.results, config.iris),
    )


class _Findings:
    """Counts what is said of records, and keeps the first example of each kind."""

    def __init__(self, catalogue: ShapeCatalogue) -> None:
        self._catalogue = catalogue
        self._found: dict[tuple[str, str, str | None, bool], Finding] = {}
        self._counts: Counter[tuple[str, str, str | None, bool]] = Counter()

    def note_verdict(self, verdict: Verdict, *, accepted: bool) -> None:
        record, told = verdict.record, set()
        for result in verdict.results:
            kind = (result.severity, result.message, result.path, result.severity == "violation" and not accepted)
            if kind in told:
                continue
            told.add(kind)
            self._counts[kind] += 1
            if kind not in self._found:
                title = find_titles(record.ntriples, [record.iri]).get(record.iri)
                field, value = self._name(result), _shown_value(result)
                self._found[kind] = Finding(
                    *kind[:2], field, result.path, 0, record.key, record.iri, title, record.position, value
                )

    def note_refusal(self, refusal: Refusal) -> None:
        issue = refusal.issue
        kind = ("violation", issue.message, None, True)
        self._counts[kind] += 1
        self._found.setdefault(
            kind, Finding(*kind[:2], "", None, 0, refusal.key, None, None, refusal.position, issue.value)
        )

    def find(self, *, refused: bool) -> tuple[Finding, ...]:
        """Return why records are refused, or else what is wrong with those that are not; commonest first."""
        chosen = [
            replace(self._found[kind], records=count)
            for kind, count in self._counts.items()
            if kind[3] == refused and kind[0] != "info"
        ]
        return tuple(sorted(chosen, key=lambda finding: (-finding.records, finding.message)))

    def _name(self, result: Result) -> str:
        name = self._catalogue.describe_field(result).name
        return name or (shorten_term(result.path) if result.path else "")


def _shown_value(result: Result) -> str | None:
    return None if result.value in (None, result.focus_node) else shorten_term(result.value)


def _describe_pages(snapshot: Snapshot) -> tuple[Found, ...]:
    sampled = {issue.field: issue.value for issue in snapshot.issues if issue.code == "list-sampled"}
    found = []
    for resource in dict.fromkeys(page.resource for page in snapshot.pages):
        pages = [page for page in snapshot.pages if page.resource == resource]
        counts = [count_entries(page) for page in pages]
        total = sampled.get(resource)
        found.append(
            Found(
                resource,
                len(pages),
                sum(page.size_bytes for page in pages),
                None if None in counts else sum(count or 0 for count in counts),
                resource in sampled,
                int(total) if total else None,
            )
        )
    return tuple(found)


def _is_of_sample(issue: Issue, check: Check) -> bool:
    """Whether an issue only says that a sample is not everything."""
    if issue.code == "list-sampled":
        return True
    return check.sampled and issue.code in ("instance-without-parent", "page-without-parent")


def _is_odd(check: Check) -> bool:
    """Whether the source may be of another type or version than was stated."""
    report = check.report
    if report is None:
        return "credentials" not in (check.error or "")
    return not report.harvested or any(issue.code == "resource-absent" for issue in report.issues)
