"""Takes one institution from its sources to files: graph, refused records, report."""

import hashlib
import logging
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import lru_cache
from pathlib import Path

from qlink_ld import __version__
from qlink_ld.config import Config
from qlink_ld.mapping import find_mapping
from qlink_ld.model import DataSource, HarvestReport, Institution, Issue, Snapshot, canonical_json
from qlink_ld.pipeline.discover import find_sources
from qlink_ld.pipeline.lineage import keep_lineages
from qlink_ld.pipeline.records import RecordWork
from qlink_ld.pipeline.state import (
    InstitutionFiles,
    is_whole,
    load_state,
    store_failure,
    store_hold,
    store_result,
)
from qlink_ld.pipeline.visits import NoSource, OnStage, Pace, visit_sources
from qlink_ld.publish.graph_file import write_graph
from qlink_ld.resources import find_resource_dir
from qlink_ld.validate.report import summarise
from qlink_ld.validate.shape_files import bundled_shapes

log = logging.getLogger(__name__)


def process_institution(
    config: Config,
    institution: Institution,
    *,
    offline: bool = False,
    full: bool = False,
    pace: Pace = "now",
    on_progress: OnStage | None = None,
) -> HarvestReport:
    """Harvest, map and validate one institution; write its graph, refused records and report.

    Returns:
        What happened; `held` leaves the last good graph in place.

    Raises:
        QlinkError: nothing could be done for this institution; its last good graph stays.
    """
    started = time.monotonic()
    progress = on_progress or (lambda _stage, _done, _total: None)
    files = InstitutionFiles.of(config.data_dir, institution.id)
    previous = load_state(config, institution.id)
    found = find_sources(config, institution, offline, previous)
    if found.failure:
        return store_failure(config, institution, found.failure, time.monotonic() - started, found.probes, found.issues)
    institution = replace(institution, sources=found.sources)
    try:
        snapshots, issues = visit_sources(config, institution, progress, offline=offline, full=full, pace=pace)
    except NoSource as error:
        if not found.probes:
            raise
        why = (*found.issues, *error.issues)
        return store_failure(config, institution, str(error), time.monotonic() - started, found.probes, why)
    digest = _digest(config, institution, snapshots, (*found.issues, *issues))
    if previous and previous.digest == digest and not full and is_whole(files, previous):
        return replace(previous, status="unchanged", seconds=time.monotonic() - started, probes=found.probes)
    work = RecordWork(config, institution, lambda done: progress("convert", done, None))
    work.map_and_judge(snapshots)
    all_issues = (*found.issues, *issues, *(issue for snapshot in snapshots for issue in snapshot.issues), *work.issues)
    report = replace(describe_harvest(institution, snapshots, work, all_issues), digest=digest, probes=found.probes)
    report = replace(report, sources=keep_lineages(config, snapshots, report.sources))
    complete = (
        found.complete and not issues and not work.unreadable and all(snapshot.complete for snapshot in snapshots)
    )
    reason = _reason_to_hold(institution, report, complete, previous)
    graph_iri = config.iris.institution_graph(institution.id)
    write_graph(files.refused, graph_iri, work.refused.merge())
    if reason:
        message = f"held: {reason}; the last good graph stays. Check the source, or change the limit and run again"
        issue = Issue("harvest-held", message, "violation")
        seconds = time.monotonic() - started
        held = replace(report, status="held", error=message, issues=(*all_issues, issue), seconds=seconds)
        return store_hold(config, held, work.results, previous)
    graph = write_graph(files.next_graph, graph_iri, work.published.merge())
    report = replace(
        report,
        triples=graph.triples,
        graph_sha256=graph.sha256,
        result_counts=tuple(summarise(work.results)),
        seconds=time.monotonic() - started,
    )
    store_result(files, report, work.results, config)
    return report


def describe_harvest(
    institution: Institution, snapshots: Sequence[Snapshot], work: RecordWork, issues: Sequence[Issue]
) -> HarvestReport:
    """Say what harvesting and judging brought, as far as it is known before anything is published."""
    return HarvestReport(
        institution=institution.id,
        name=institution.name,
        status="published",
        harvested=work.harvested,
        published=work.accepted,
        refused=work.rejected,
        instances=work.instances,
        warnings=work.severities["warning"] + sum(issue.count for issue in issues if issue.severity != "info"),
        harvested_at=max(s.fetched_at for s in snapshots).strftime("%Y-%m-%dT%H:%M:%SZ"),
        sources=tuple(_describe_source(source) for source in institution.sources),
        issues=tuple(issues),
        fields=tuple(field for account in work.accounts for field in account.fields),
    )


def _describe_source(source: DataSource) -> dict[str, object]:
    """A source as reports name it: where and what, nothing secret."""
    return {"id": source.id, "url": source.path, "type": source.type, "version": source.version}


def _reason_to_hold(
    institution: Institution, report: HarvestReport, complete: bool, previous: HarvestReport | None
) -> str | None:
    """Why this harvest must not replace what is published; None if it may. Source: DESIGN §2, principle 3."""
    if report.harvested < institution.minimum_records:
        return f"{report.harvested} records, fewer than minimum_records = {institution.minimum_records}"
    before = previous.published if previous and previous.graph_sha256 else 0
    if before and report.published < before * (1 - institution.maximum_fall):
        return (
            f"{report.published} publishable records after {before} before, a fall of more than "
            f"{institution.maximum_fall:.0%} (maximum_fall)"
        )
    if not complete and report.published < before:
        return f"the harvest is incomplete and has {report.published} publishable records after {before} before"
    return None


def _digest(config: Config, institution: Institution, snapshots: Sequence[Snapshot], issues: Sequence[Issue]) -> str:
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
        # Whether a course is active depends on the day, but a new day alone does not make unchanged data new.
        "snapshots": [(snapshot.source.id, snapshot.digest, snapshot.complete) for snapshot in snapshots],
        # A source that begins to fail, or ceases to, changes the report even if its snapshot is the same.
        "failed": [(issue.code, issue.source, issue.field) for issue in issues],
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
