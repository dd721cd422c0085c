"""Walks institutions through the rooms: harvest → mapping → enrich → validate → publish.

Each institution is processed in a process of its own: what a stranger sent can end that process and nothing else. Its
result is files (graph, refused records, report), each replaced as a whole; `reports/{id}.json` comes last and holds the
digest of everything that the result depends on, so that a killed run is simply done again and an unchanged source is
not. At the end the graphs of all institutions become a release, if any of them changed.
"""

import hashlib
import logging
import multiprocessing
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import orjson
from pyoxigraph import RdfFormat, parse, serialize

from qlink_ld import __version__
from qlink_ld.config import Config
from qlink_ld.enrich.ownership import check_ownership
from qlink_ld.errors import HarvestError, QlinkError, StoreUnusable
from qlink_ld.harvest.snapshot import load_latest_snapshot
from qlink_ld.harvest.source import harvest_source
from qlink_ld.mapping import Account, find_mapping, map_snapshot
from qlink_ld.model import (
    DataSource,
    HarvestReport,
    Institution,
    Issue,
    Record,
    Refusal,
    Result,
    Snapshot,
    Verdict,
    canonical_json,
)
from qlink_ld.namespaces import DCTERMS, PREFIXES, RDFS
from qlink_ld.ntriples import write_literal, write_triples
from qlink_ld.publish.graph_file import GraphFile, write_graph
from qlink_ld.publish.gzip_text import write_atomically
from qlink_ld.publish.quad_sorter import QuadSorter
from qlink_ld.publish.release import build_release, current_release
from qlink_ld.registry.describe import describe_institution, describe_registry
from qlink_ld.resources import find_resource_dir
from qlink_ld.store import Release
from qlink_ld.validate.engine import load_engine
from qlink_ld.validate.records import RecordValidator, collect_types, refuse_orphans
from qlink_ld.validate.report import summarise
from qlink_ld.validate.report_graph import build_report_graph
from qlink_ld.validate.shape_files import bundled_shapes
from qlink_ld.vocabularies import vocabulary_files

log = logging.getLogger(__name__)

OnProgress = Callable[[str, str, int, int | None], None]  # institution, stage, done, of how many
_KEPT_RESULTS = 50_000  # SHACL results that are kept one by one for the report; all are counted
_KEPT_ISSUES = 200  # in release.json


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What a run did. `release` is None if nothing changed."""

    reports: tuple[HarvestReport, ...]
    release: Release | None
    seconds: float

    @property
    def complete(self) -> bool:
        """True if every institution was harvested and may be published."""
        return all(report.status in ("published", "unchanged") and not report.error for report in self.reports)


@dataclass(frozen=True, slots=True)
class _Files:
    """Where an institution's results are. Source: DESIGN §6."""

    graph: Path
    refused: Path
    report: Path
    state: Path

    @classmethod
    def of(cls, data_dir: Path, institution: str) -> "_Files":
        return cls(
            data_dir / "graphs" / f"{institution}.nq.gz",
            data_dir / "refused" / f"{institution}.nq.gz",
            data_dir / "reports" / f"{institution}.ttl",
            data_dir / "reports" / f"{institution}.json",
        )


def run(
    config: Config,
    institutions: Sequence[str] = (),
    *,
    offline: bool = False,
    full: bool = False,
    workers: int = 2,
    on_progress: OnProgress | None = None,
    on_report: Callable[[HarvestReport], None] | None = None,
) -> RunSummary:
    """Harvest, map, validate and publish.

    Args:
        config: the deployment.
        institutions: ids of those to process, none for all; the others keep what they have.
        offline: map the latest snapshots again instead of visiting the sources.
        full: map and publish even if nothing changed.
        workers: institutions processed at the same time.
        on_progress: told how far an institution is; called from several threads.
        on_report: told of each institution when it is done; called from several threads.

    Raises:
        ConfigurationError: an unknown institution.
        PublishError: the release could not be made; the last one stays.
    """
    started = time.monotonic()
    chosen = [config.institution(name) for name in institutions] or list(config.institutions)
    config.data_dir.mkdir(parents=True, exist_ok=True)

    def process(institution: Institution) -> HarvestReport:
        report = _run_apart(config, institution, offline, full, on_progress)
        _log(report)
        if on_report is not None:
            on_report(report)
        return report

    with ThreadPoolExecutor(max_workers=max(1, workers), thread_name_prefix="institution") as pool:
        reports = tuple(pool.map(process, chosen))
    release = publish(config, full=full)
    return RunSummary(reports, release, time.monotonic() - started)


def publish(config: Config, *, full: bool = False) -> Release | None:
    """Make a release of the graphs that the institutions have now; None if the current one is the same.

    Raises:
        PublishError: the release could not be made; the last one stays.
    """
    iris = config.iris
    states = [(i, _load_report(_Files.of(config.data_dir, i.id).state)) for i in config.institutions]
    graphs, extra = [], {}
    for institution, report in states:
        files = _Files.of(config.data_dir, institution.id)
        if report is None or not report.graph_sha256 or not files.graph.is_file():
            continue
        graphs.append(
            GraphFile(
                files.graph,
                iris.institution_graph(institution.id),
                report.triples,
                report.graph_sha256,
                report.published,
                report.instances,
            )
        )
    for institution, report in states:
        if report is not None:
            extra[iris.report_graph(institution.id)] = _read_turtle(_Files.of(config.data_dir, institution.id).report)
    if not graphs and not _has_release(config.data_dir):
        return None
    volatile = frozenset(extra)
    extra[iris.registry_graph] = describe_registry(config.institutions, config.alliances, iris)
    extra[iris.vocabularies_graph] = _vocabularies()
    return build_release(
        config.data_dir,
        config.base_iri,
        graphs,
        extra,
        [_summary(report) for _, report in states if report is not None],
        [asdict(alliance) for alliance in config.alliances],
        volatile=volatile,
        full=full,
    )


# One institution, in a process of its own --------------------------------------------------------------------------


def _run_apart(
    config: Config, institution: Institution, offline: bool, full: bool, on_progress: OnProgress | None
) -> HarvestReport:
    """Process an institution in a child process; a crash there is this institution's failure only."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["qlink_ld.pipeline"])
    receiver, sender = context.Pipe(duplex=False)
    started = time.monotonic()
    child = context.Process(
        target=_process_institution, args=(config, institution, offline, full, sender), name=institution.id
    )
    child.start()
    sender.close()
    report: HarvestReport | None = None
    try:
        while True:
            message = receiver.recv()
            if isinstance(message, HarvestReport):
                report = message
            elif on_progress is not None:
                on_progress(institution.id, *message)
    except EOFError:
        pass
    finally:
        receiver.close()
        child.join()
    if report is not None:
        return report
    code = child.exitcode or 0
    how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
    return _fail(
        config,
        institution,
        f"{institution.id}: the process that read its data {how}; its last good graph stays. "
        "The data may be hostile or too large: look at the latest snapshot",
        time.monotonic() - started,
    )


def _process_institution(
    config: Config, institution: Institution, offline: bool, full: bool, sender: Connection
) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    started = time.monotonic()
    try:
        report = process_institution(
            config,
            institution,
            offline=offline,
            full=full,
            on_progress=lambda stage, done, total: sender.send((stage, done, total)),
        )
    except QlinkError as error:
        report = _fail(config, institution, str(error), time.monotonic() - started)
    except Exception as error:  # the boundary between institutions: whatever it is, it must not cost another
        log.exception("%s: unexpected error", institution.id)
        message = f"{institution.id}: unexpected {type(error).__name__}: {error}; please report this error"
        report = _fail(config, institution, message, time.monotonic() - started)
    sender.send(report)
    sender.close()


def process_institution(
    config: Config,
    institution: Institution,
    *,
    offline: bool = False,
    full: bool = False,
    on_progress: Callable[[str, int, int | None], None] | None = None,
) -> HarvestReport:
    """Harvest, map and validate one institution; write its graph, refused records and report.

    Returns:
        What happened; `held` and `failed` leave the last good graph in place.

    Raises:
        QlinkError: nothing could be done for this institution.
    """
    started = time.monotonic()
    progress = on_progress or (lambda _stage, _done, _total: None)
    files = _Files.of(config.data_dir, institution.id)
    previous = _load_report(files.state)
    snapshots, issues = _harvest(config, institution, offline, progress)
    digest = _digest(config, institution, snapshots)
    if previous and previous.digest == digest and previous.graph_sha256 and files.graph.is_file() and not full:
        return replace(previous, status="unchanged", seconds=time.monotonic() - started)
    work = _Work(config, institution, progress)
    work.map_and_judge(snapshots)
    report = HarvestReport(
        institution=institution.id,
        name=institution.name,
        status="published",
        harvested=work.harvested,
        harvested_at=max(s.fetched_at for s in snapshots).strftime("%Y-%m-%dT%H:%M:%SZ"),
        digest=digest,
        issues=(*issues, *(i for s in snapshots for i in s.issues), *work.issues),
        fields=tuple(field for account in work.accounts for field in account.fields),
    )
    complete = not issues and all(snapshot.complete for snapshot in snapshots)
    if reason := _reason_to_hold(institution, report.harvested, work.accepted, complete, previous):
        return _hold(config, files, report, reason, previous, time.monotonic() - started)
    return work.publish(files, report, started)


def _harvest(
    config: Config, institution: Institution, offline: bool, progress: Callable[[str, int, int | None], None]
) -> tuple[list[Snapshot], list[Issue]]:
    """Visit every source; one that fails is reported, and its last snapshot is used.

    Raises:
        HarvestError: no source gave anything, now or before.
    """
    if not institution.sources:
        raise HarvestError(
            f"{institution.id}: it has no source; add [[institution.source]] with type and path to the configuration"
        )
    snapshots: list[Snapshot] = []
    issues: list[Issue] = []
    for source in institution.sources:
        try:
            find_mapping(source)
            if offline:
                snapshot = _load_snapshot(config.data_dir, institution, source)
            else:
                snapshot = harvest_source(
                    institution,
                    source,
                    config.harvest,
                    config.data_dir,
                    on_progress=lambda done, total: progress("harvest", done, total),
                )
        except QlinkError as error:
            log.warning("%s: source %s failed: %s", institution.id, source.id, error)
            issues.append(Issue("source-failed", str(error), "violation", source.id, position=source.path))
            old = load_latest_snapshot(config.data_dir, institution.id, source)
            if old is not None:
                snapshots.append(old)
            continue
        snapshots.append(snapshot)
    if not snapshots or (len(issues) == len(institution.sources)):
        raise HarvestError("; ".join(issue.message for issue in issues))
    return snapshots, issues


def _load_snapshot(data_dir: Path, institution: Institution, source: DataSource) -> Snapshot:
    snapshot = load_latest_snapshot(data_dir, institution.id, source)
    if snapshot is None:
        raise HarvestError(
            f"{institution.id}: there is no snapshot of source '{source.id}'; run once without --offline"
        )
    return snapshot


class _Work:
    """Maps and judges the records of one institution; keeps them sorted on disk, not in memory."""

    def __init__(
        self, config: Config, institution: Institution, progress: Callable[[str, int, int | None], None]
    ) -> None:
        self.config = config
        self.institution = institution
        self.progress = progress
        self.description = describe_institution(institution, config.alliances, config.iris)
        engine = load_engine(config.validation.engine, config.validation.shapes)
        self.validator = RecordValidator(engine, self.description)
        self.publish_all = "publish" in (institution.on_violation, config.validation.on_violation)
        self.published = QuadSorter(config.data_dir)
        self.refused = QuadSorter(config.data_dir)
        self.published.add(self.description)
        self.accounts: list[Account] = []
        self.results: list[Result] = list(self.validator.context_results)
        self.harvested = self.accepted = self.rejected = self.instances = 0
        self.severities: Counter[str] = Counter(result.severity for result in self.results)
        self._seen: set[str] = set()
        self._doubles: list[Issue] = []

    @property
    def issues(self) -> list[Issue]:
        return [*(issue for account in self.accounts for issue in account.issues), *self._doubles]

    def map_and_judge(self, snapshots: Sequence[Snapshot]) -> None:
        """Every record of every source: published, or refused with its reasons."""
        orphans: list[Record] = []
        known: dict[str, str] = {}
        refused: set[str] = set()
        for snapshot in snapshots:
            account = Account(snapshot.source.id)
            self.accounts.append(account)
            mapping = find_mapping(snapshot.source)
            for batch in map_snapshot(snapshot, mapping, self.institution, self.config.iris, account):
                records = [entry for entry in batch if isinstance(entry, Record)]
                for refusal in batch:
                    if isinstance(refusal, Refusal):
                        self._refuse_unmapped(refusal)
                if not mapping.resources:  # records of a file point to each other
                    known.update(collect_types(records))
                    orphans += [r for r in records if not r.opportunities and r.instances]
                    records = [r for r in records if r.opportunities or not r.instances]
                for verdict in self._judge(self._first_only(records), known):
                    if not self._settle(verdict):
                        refused.add(verdict.record.iri)
                self.progress("convert", self.harvested, None)
        for verdict in refuse_orphans(self._judge(self._first_only(orphans), known), refused):
            self._settle(verdict)

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
        own = self.config.iris.institution(self.institution.id)
        for verdict in self.validator.judge(records, known or None):
            foreign = check_ownership(verdict.record, own)
            yield Verdict(verdict.record, (*verdict.results, *foreign)) if foreign else verdict

    def _settle(self, verdict: Verdict) -> bool:
        """Publish or refuse a record; return whether it conforms."""
        record = verdict.record
        self.harvested += record.opportunities
        self.severities.update(result.severity for result in verdict.results)
        if len(self.results) < _KEPT_RESULTS:
            self.results += verdict.results
        if verdict.conforms or self.publish_all:
            self.published.add(record.ntriples)
            self.accepted += record.opportunities
            self.instances += record.instances
        else:
            self.refused.add(record.ntriples)
            self.rejected += record.opportunities
        return verdict.conforms

    def _refuse_unmapped(self, refusal: Refusal) -> None:
        """A record without triples of its own: its place among the refused says why."""
        self.harvested += 1
        self.rejected += 1
        iri = f"<{self.config.iris.report_graph(self.institution.id)}#refused-{_short(refusal.position + refusal.key)}>"
        comment = write_literal(refusal.issue.message, "en")
        self.refused.add(
            f"{iri} <{DCTERMS}identifier> {write_literal(refusal.key)} .\n"
            f"{iri} <{DCTERMS}source> {write_literal(refusal.position)} .\n"
            f"{iri} <{RDFS}comment> {comment} .\n"
        )

    def publish(self, files: _Files, report: HarvestReport, started: float) -> HarvestReport:
        """Write graph, refused records and report, the state last."""
        iris = self.config.iris
        graph = write_graph(files.graph, iris.institution_graph(self.institution.id), self.published.merge())
        write_graph(files.refused, iris.institution_graph(self.institution.id), self.refused.merge())
        warnings = self.severities["warning"] + sum(i.count for i in report.issues if i.severity != "info")
        report = replace(
            report,
            published=self.accepted,
            refused=self.rejected,
            instances=self.instances,
            warnings=warnings,
            triples=graph.triples,
            graph_sha256=graph.sha256,
            sources=tuple(_describe_source(source) for source in self.institution.sources),
            result_counts=tuple(summarise(self.results)),
            seconds=time.monotonic() - started,
        )
        _write_report(files, report, build_report_graph(report, self.results, iris))
        return report


def _describe_source(source: DataSource) -> dict[str, object]:
    """A source as reports name it: where and what, nothing secret."""
    return {"id": source.id, "url": source.path, "type": source.type, "version": source.version}


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


# What decides -------------------------------------------------------------------------------------------------------


def _reason_to_hold(
    institution: Institution, harvested: int, accepted: int, complete: bool, previous: HarvestReport | None
) -> str | None:
    """Why this harvest must not replace what is published; None if it may. Source: DESIGN §2, principle 3."""
    if harvested < institution.minimum_records:
        return f"{harvested} records, fewer than minimum_records = {institution.minimum_records}"
    before = previous.published if previous and previous.graph_sha256 else 0
    if before and accepted < before * (1 - institution.maximum_fall):
        return (
            f"{accepted} publishable records after {before} before, a fall of more than "
            f"{institution.maximum_fall:.0%} (maximum_fall)"
        )
    if not complete and accepted < before:
        return f"the harvest is incomplete and has {accepted} publishable records after {before} before"
    return None


def _digest(config: Config, institution: Institution, snapshots: Sequence[Snapshot]) -> str:
    """Hash all that the result depends on."""
    shapes = config.validation.shapes or bundled_shapes()
    parts = {
        "software": __version__,
        "base_iri": config.base_iri,
        "institution": asdict(replace(institution, minimum_records=0, maximum_fall=0.0)),
        "alliances": [asdict(alliance) for alliance in config.alliances if institution.id in alliance.members],
        "validation": asdict(config.validation),
        "shapes": [_hash_file(file) for file in shapes],
        "mappings": _hash_mappings(tuple(find_mapping(snapshot.source).folder for snapshot in snapshots)),
        "snapshots": [(snapshot.source.id, snapshot.digest, snapshot.complete) for snapshot in snapshots],
        # Whether a course is active depends on the day, but a new day alone does not make unchanged data new.
    }
    return hashlib.sha256(canonical_json(parts).encode()).hexdigest()


@lru_cache(maxsize=8)
def _hash_mappings(folders: tuple[Path, ...]) -> str:
    common = find_resource_dir("mappings")
    files = [
        file
        for folder in (*folders, common / "common", common / "vocabularies")
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    ]
    return hashlib.sha256("".join(_hash_file(file) for file in files).encode()).hexdigest()


def _hash_file(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


# Reports ------------------------------------------------------------------------------------------------------------


def _fail(config: Config, institution: Institution, message: str, seconds: float) -> HarvestReport:
    """Report that nothing could be done; what is published stays, with its counts."""
    files = _Files.of(config.data_dir, institution.id)
    issue = Issue("harvest-failed", message, "violation")
    report = HarvestReport(institution.id, institution.name, "failed", error=message, issues=(issue,), seconds=seconds)
    return _keep_published(config, files, report, _load_report(files.state))


def _hold(
    config: Config,
    files: _Files,
    report: HarvestReport,
    reason: str,
    previous: HarvestReport | None,
    seconds: float,
) -> HarvestReport:
    message = f"held: {reason}; the last good graph stays. Check the source, or change the limit and run again"
    issue = Issue("harvest-held", message, "violation")
    held = replace(report, status="held", error=message, issues=(*report.issues, issue), seconds=seconds)
    return _keep_published(config, files, held, previous)


def _keep_published(
    config: Config, files: _Files, report: HarvestReport, previous: HarvestReport | None
) -> HarvestReport:
    """Store a report about a harvest that changed nothing; no digest, so that the next run tries again."""
    if previous is not None:
        report = replace(
            report,
            published=previous.published,
            refused=previous.refused,
            instances=previous.instances,
            triples=previous.triples,
            graph_sha256=previous.graph_sha256,
            sources=previous.sources,
        )
    report = replace(report, digest="")
    _write_report(files, report, build_report_graph(report, (), config.iris))
    return report


def _write_report(files: _Files, report: HarvestReport, graph: str) -> None:
    turtle = serialize(
        (quad.triple for quad in parse(graph.encode(), format=RdfFormat.N_TRIPLES)),
        format=RdfFormat.TURTLE,
        prefixes=PREFIXES,
    )
    with write_atomically(files.report) as stream:
        stream.write(turtle or b"")
    with write_atomically(files.state) as stream:
        stream.write(orjson.dumps(asdict(report), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def _load_report(file: Path) -> HarvestReport | None:
    """Read what was stored of the last run; None if there is nothing, or nothing that this version understands."""
    try:
        table: dict[str, Any] = orjson.loads(file.read_bytes())
        table["issues"] = tuple(Issue(**issue) for issue in table.get("issues", ()))
        table["fields"] = ()
        table["sources"] = tuple(table.get("sources", ()))
        table["result_counts"] = tuple(table.get("result_counts", ()))
        return HarvestReport(**table)
    except (OSError, TypeError, ValueError):
        return None


def _summary(report: HarvestReport) -> dict[str, Any]:
    """A report as it goes into release.json."""
    table = asdict(report)
    del table["fields"]
    table["issues"] = table["issues"][:_KEPT_ISSUES]
    table["result_counts"] = table["result_counts"][:_KEPT_ISSUES]
    return table


def _log(report: HarvestReport) -> None:
    log.info(
        "institution=%s status=%s harvested=%d published=%d refused=%d warnings=%d seconds=%.1f",
        report.institution,
        report.status,
        report.harvested,
        report.published,
        report.refused,
        report.warnings,
        report.seconds,
    )


def _has_release(data_dir: Path) -> bool:
    try:
        current_release(data_dir)
    except StoreUnusable:
        return False
    return True


def _read_turtle(file: Path) -> str:
    try:
        return write_triples(quad.triple for quad in parse(path=file, format=RdfFormat.TURTLE))
    except (OSError, SyntaxError):
        return ""


@lru_cache(maxsize=1)
def _vocabularies() -> str:
    return write_triples(
        quad.triple for file in vocabulary_files() for quad in parse(path=file, format=RdfFormat.TURTLE)
    )
