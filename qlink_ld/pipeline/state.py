"""What is known of an institution between runs: its files, and the report of its last harvest.

The graph and the state must say the same, or a release could not be made of them. So a new graph waits beside the old
one until the state that names its hash is written; whoever reads the state then lets it take its place, or removes it.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import orjson
from pyoxigraph import RdfFormat, parse, serialize

from qlink_ld.config import Config
from qlink_ld.errors import PublishError
from qlink_ld.model import FieldUse, HarvestReport, Institution, Issue, Probe, Result
from qlink_ld.namespaces import PREFIXES
from qlink_ld.ntriples import sort_lines, write_triples
from qlink_ld.publish.graph_file import read_graph
from qlink_ld.publish.gzip_text import read_verified_lines, sync_directory, write_atomically
from qlink_ld.validate.report import summarise
from qlink_ld.validate.report_graph import build_report_graph

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class InstitutionFiles:
    """Where an institution's results are. Source: DESIGN §6."""

    graph: Path
    next_graph: Path  # until the state is written
    refused: Path
    report: Path
    state: Path

    @classmethod
    def of(cls, data_dir: Path, institution: str) -> "InstitutionFiles":
        """Return the files of one institution."""
        graphs, reports = data_dir / "graphs", data_dir / "reports"
        return cls(
            graphs / f"{institution}.nq.gz",
            graphs / f".{institution}.next.nq.gz",
            data_dir / "refused" / f"{institution}.nq.gz",
            reports / f"{institution}.ttl",
            reports / f"{institution}.json",
        )


def load_state(config: Config, institution: str) -> HarvestReport | None:
    """Read what was stored of the last run, after finishing what a killed run left undone.

    Returns:
        The report; None if there is none, or none that this version understands.
    """
    files = InstitutionFiles.of(config.data_dir, institution)
    report = _read_state(files.state)
    if files.next_graph.is_file():
        _settle(files, config.iris.institution_graph(institution), report)
    return report


def is_whole(files: InstitutionFiles, report: HarvestReport) -> bool:
    """Say whether the graph on disk is the one that the report is about."""
    if not report.graph_sha256:
        return False
    try:
        for _ in read_verified_lines(files.graph, report.graph_sha256):
            pass
    except PublishError as error:
        log.warning("%s: %s", report.institution, error)
        return False
    return True


def store_result(files: InstitutionFiles, report: HarvestReport, results: Sequence[Result], config: Config) -> None:
    """Store a report whose graph waits as `files.next_graph`, and let the graph take its place.

    Raises:
        PublishError: a file cannot be written.
    """
    _write_report(files, report, build_report_graph(report, results, config.iris))
    files.next_graph.replace(files.graph)
    sync_directory(files.graph.parent)


def store_hold(
    config: Config, report: HarvestReport, results: Sequence[Result], previous: HarvestReport | None
) -> HarvestReport:
    """Store what a held harvest brought and why it is held; what is published stays, with its counts.

    Returns:
        The report with the counts of what is published. It has no digest, so that the next run tries again.
    """
    report = _with_published(replace(report, result_counts=tuple(summarise(results))), previous)
    files = InstitutionFiles.of(config.data_dir, report.institution)
    _write_report(files, report, build_report_graph(report, results, config.iris))
    return report


def store_failure(
    config: Config,
    institution: Institution,
    message: str,
    seconds: float,
    probes: tuple[Probe, ...] = (),
    issues: tuple[Issue, ...] = (),
) -> HarvestReport:
    """Store that nothing could be done; what is published and refused stays, with its counts and reasons.

    Returns:
        The report. It has no digest, so that the next run tries again.
    """
    files = InstitutionFiles.of(config.data_dir, institution.id)
    previous = load_state(config, institution.id)
    issue = Issue("harvest-failed", message, "violation")
    report = HarvestReport(
        institution.id,
        institution.name,
        "failed",
        error=message,
        issues=(*issues, issue),
        seconds=seconds,
        probes=probes,
    )
    if previous is not None:
        report = replace(report, refused=previous.refused, result_counts=previous.result_counts)
    report = _with_published(report, previous)
    graph = config.iris.report_graph(institution.id)
    _write_report(files, report, _keep_reasons(files, graph, build_report_graph(report, (), config.iris)))
    return report


def read_report_graph(files: InstitutionFiles) -> str:
    """Return the N-Triples of an institution's report; nothing if there is none."""
    try:
        return write_triples(quad.triple for quad in parse(path=files.report, format=RdfFormat.TURTLE))
    except (OSError, SyntaxError):
        return ""


def _read_state(file: Path) -> HarvestReport | None:
    try:
        table: dict[str, Any] = orjson.loads(file.read_bytes())
        table["issues"] = tuple(Issue(**issue) for issue in table.get("issues", ()))
        table["fields"] = tuple(FieldUse(**use) for use in table.get("fields", ()))
        table["probes"] = tuple(Probe(**probe) for probe in table.get("probes", ()))
        table["sources"] = _tables(table, "sources")
        table["result_counts"] = _tables(table, "result_counts")
        return HarvestReport(**table)
    except (OSError, TypeError, ValueError, AttributeError):
        return None


def _tables(table: Mapping[str, Any], name: str) -> tuple[Mapping[str, object], ...]:
    return tuple(table.get(name, ()))


def _settle(files: InstitutionFiles, graph: str, report: HarvestReport | None) -> None:
    """Let the waiting graph take its place if the state is about it; else it is from a run that did not finish."""
    try:
        waiting = read_graph(files.next_graph, graph)
    except PublishError:
        files.next_graph.unlink(missing_ok=True)
        return
    if report is not None and report.graph_sha256 == waiting.sha256:
        files.next_graph.replace(files.graph)
        sync_directory(files.graph.parent)
    else:
        files.next_graph.unlink(missing_ok=True)


def _with_published(report: HarvestReport, previous: HarvestReport | None) -> HarvestReport:
    if previous is not None:
        report = replace(
            report,
            published=previous.published,
            instances=previous.instances,
            triples=previous.triples,
            graph_sha256=previous.graph_sha256,
            sources=previous.sources,
        )
    return replace(report, digest="")


def _keep_reasons(files: InstitutionFiles, graph: str, new: str) -> str:
    """Keep the validation results of the last report: they say why records are in the refused file."""
    kept = tuple(f"<{graph}#{part}" for part in ("validation>", "result-", "count-"))
    old = [line for line in _lines(read_report_graph(files)) if line.startswith(kept)]
    if not old:
        return new
    return sort_lines("\n".join([*old, *(line for line in _lines(new) if not line.startswith(kept))]))


def _lines(text: str) -> list[str]:
    return text.split("\n")  # not splitlines: texts hold other kinds of line ends


def _write_report(files: InstitutionFiles, report: HarvestReport, graph: str) -> None:
    turtle = serialize(
        (quad.triple for quad in parse(graph.encode(), format=RdfFormat.N_TRIPLES)),
        format=RdfFormat.TURTLE,
        prefixes=PREFIXES,
    )
    with write_atomically(files.report) as stream:
        stream.write(turtle or b"")
    with write_atomically(files.state) as stream:
        stream.write(orjson.dumps(asdict(report), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
