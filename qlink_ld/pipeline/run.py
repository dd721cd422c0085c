"""A run: every institution, several at a time, then the release."""

import fcntl
import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyoxigraph import RdfFormat, parse

from qlink_ld.config import Config
from qlink_ld.errors import ConfigurationError, PublishError, StoreUnusable, ValidationError
from qlink_ld.model import HarvestReport, Institution
from qlink_ld.ntriples import write_triples
from qlink_ld.pipeline.apart import Children, OnProgress
from qlink_ld.pipeline.lineage import read_lineages
from qlink_ld.pipeline.registry import KnownInstitutions, apply_registry, describe_all
from qlink_ld.pipeline.state import InstitutionFiles, load_state, read_report_graph
from qlink_ld.publish.graph_file import GraphFile
from qlink_ld.publish.release import build_release, current_release
from qlink_ld.store import Release
from qlink_ld.validate.engine import load_engine
from qlink_ld.validate.report_graph import describe_report_terms
from qlink_ld.vocabularies import vocabulary_files

if TYPE_CHECKING:
    from qlink_ld.pipeline.visits import Pace

log = logging.getLogger(__name__)

_KEPT_ISSUES = 200  # in release.json
_LOCK = ".run.lock"


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What a run did. `release` is None if nothing changed.

    `silent` counts imported institutions that were looked at because of `[registry] harvest`, and publish nothing.
    """

    reports: tuple[HarvestReport, ...]
    release: Release | None
    seconds: float
    silent: int = 0

    @property
    def complete(self) -> bool:
        """True if every institution was harvested and may be published."""
        return all(report.status in ("published", "unchanged") and not report.error for report in self.reports)


def run(
    config: Config,
    institutions: Sequence[str] = (),
    *,
    offline: bool = False,
    full: bool = False,
    due: bool = False,
    workers: int = 2,
    on_progress: OnProgress | None = None,
    on_report: Callable[[HarvestReport], None] | None = None,
) -> RunSummary:
    """Harvest, map, validate and publish.

    Args:
        config: the deployment.
        institutions: ids of those to process, none for all; the others keep what they have.
        offline: map the latest snapshots again instead of visiting the sources.
        full: ask for everything, map and publish even if nothing changed.
        due: on schedule: visit only sources whose hours since the last visit have passed, 24 unless they say otherwise.
            Without it, sources that say how often they want to be visited are, and all others now; institutions that
            are named, and with `full` all, are visited in any case.
        workers: institutions processed at the same time.
        on_progress: told how far an institution is; called from several threads.
        on_report: told of each institution when it is done; called from several threads.

    Raises:
        ConfigurationError: an unknown institution, or shapes that cannot be used.
        PublishError: the release could not be made, the last one stays; or another run is at work.
    """
    started = time.monotonic()
    known = apply_registry(config)
    chosen = [known.config.institution(name) for name in dict.fromkeys(institutions)] or list(known.config.institutions)
    check_shapes(config)
    for message in known.messages:
        log.warning("%s", message)

    pace: Pace = "due" if due else "now" if institutions or full else "stated"

    def process(institution: Institution) -> HarvestReport:
        report = children.process(known.config, institution, offline, full, on_progress, pace)
        _log(report)
        if on_report is not None and not _is_silent(report, known):
            on_report(report)
        return report

    with _only_run(config.data_dir):
        children = Children()
        pool = ThreadPoolExecutor(max_workers=max(1, workers), thread_name_prefix="institution")
        try:
            reports = tuple(pool.map(process, chosen))
        except BaseException:  # Ctrl+C above all: nobody should have to wait for a source that is slow
            children.stop()
            raise
        finally:
            pool.shutdown(cancel_futures=True)
        release = publish(config, known, full=full)
    told = tuple(report for report in reports if not _is_silent(report, known))
    return RunSummary(told, release, time.monotonic() - started, len(reports) - len(told))


def publish(config: Config, known: KnownInstitutions | None = None, *, full: bool = False) -> Release | None:
    """Make a release of the graphs that the institutions have now; None if the current one is the same.

    Args:
        config: the deployment.
        known: the same with what the imported registers know; None looks for it.
        full: make a release in any case.

    Raises:
        PublishError: the release could not be made; the last one stays.
        RegistryError: an import of a register is damaged.
    """
    iris = config.iris
    known = known or apply_registry(config)
    states = [(institution, load_state(config, institution.id)) for institution in known.config.institutions]
    graphs, extra = [], {}
    for institution, report in states:
        if report is None or _is_silent(report, known):
            continue
        files = InstitutionFiles.of(config.data_dir, institution.id)
        extra[iris.report_graph(institution.id)] = read_report_graph(files)
        if report.graph_sha256 and files.graph.is_file():
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
    if not graphs and not _has_release(config.data_dir):
        return None
    volatile = frozenset(extra)
    registry = describe_all(config, known)
    if isinstance(registry, str):
        extra[iris.registry_graph] = registry
    else:
        graphs.append(registry)
    extra[iris.vocabularies_graph] = _vocabularies() + describe_report_terms()
    if lineages := read_lineages(config, [report for _, report in states]):
        extra[iris.mappings_graph] = lineages
    return build_release(
        config.data_dir,
        config.base_iri,
        graphs,
        extra,
        [_summary(report) for _, report in states if report is not None and not _is_silent(report, known)],
        [asdict(alliance) for alliance in config.alliances],
        volatile=volatile,
        full=full,
    )


def check_shapes(config: Config) -> None:
    """See that the configured shapes can be used, before anybody is visited.

    Raises:
        ConfigurationError: they cannot; the message names the file.
    """
    if config.validation.shapes:
        try:
            load_engine(config.validation.engine, config.validation.shapes)
        except ValidationError as error:
            raise ConfigurationError(str(error)) from error


@contextmanager
def _only_run(data_dir: Path) -> Iterator[None]:
    """Be the only run in this data directory: two would take each other's files away.

    Raises:
        PublishError: another run is at work, or the directory cannot be written.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(data_dir / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise PublishError(
            f"{data_dir} cannot be written: {error.strerror}; choose another --data folder or correct its permissions"
        ) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise PublishError(f"another run is at work in {data_dir}; start this one when it has finished") from error
        yield
    finally:
        os.close(descriptor)  # also frees the lock


def _summary(report: HarvestReport) -> dict[str, Any]:
    """A report as it goes into release.json."""
    table = asdict(report)
    lost = [use for use in table["fields"] if use["outcome"] in ("unmapped", "dropped")]
    table["fields"] = sorted(lost, key=lambda use: -int(use["count"]))[:_KEPT_ISSUES]
    table["issues"] = table["issues"][:_KEPT_ISSUES]
    table["result_counts"] = table["result_counts"][:_KEPT_ISSUES]
    return table


def _is_silent(report: HarvestReport, known: KnownInstitutions) -> bool:
    """True of an institution that nobody configured, and that has nothing to harvest: most have no manifest yet."""
    return report.institution in known.imported and report.status == "failed" and not report.graph_sha256


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


@lru_cache(maxsize=1)
def _vocabularies() -> str:
    return write_triples(
        quad.triple for file in vocabulary_files() for quad in parse(path=file, format=RdfFormat.TURTLE)
    )
