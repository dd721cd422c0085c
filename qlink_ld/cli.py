"""The command `qlink-ld`. Results on stdout, messages and progress on stderr. Source: DESIGN §7 (contract).

Exit codes: 0 good; 1 the answer is no (does not conform, some sources failed); 2 wrong use or configuration; 3 nothing
could be done.
"""

import contextlib
import functools
import gzip
import logging
import os
import sys
import zlib
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit
from urllib.request import url2pathname

import click

from qlink_ld import __version__
from qlink_ld.commands import GOOD, NO, NOTHING, WRONG_USE, in_own_process, with_config
from qlink_ld.commands.check import check_source_command
from qlink_ld.commands.discovery import discover_command, manifest_group
from qlink_ld.commands.keys import keys_group
from qlink_ld.commands.lineage import lineage_command
from qlink_ld.commands.registry import registry_group
from qlink_ld.errors import ConfigurationError, QlinkError, UnreadableData, ValidationError

if TYPE_CHECKING:
    from qlink_ld.config import Config
    from qlink_ld.http import Response
    from qlink_ld.model import HarvestReport, Institution
    from qlink_ld.pipeline import RunSummary

log = logging.getLogger("qlink_ld")

CONVERT_SUFFIXES = (".nq", ".ttl", ".jsonld", ".nt", ".rdf")  # DESIGN §7


class _ReaderGone(Exception):
    """Whoever reads stdout has read enough, as `head` does."""


class _Cli(click.Group):
    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 (click's)
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:  # click would make exit code 1 of it, which means "no" here
            raise _ReaderGone from error


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line; ends the process with one of the exit codes above."""
    try:
        code = cli.main(args=list(arguments) if arguments is not None else None, standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("stopped", err=True)
        sys.exit(NOTHING)
    except click.ClickException as error:
        error.show()
        sys.exit(WRONG_USE)
    except QlinkError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(error.exit_code)
    except _ReaderGone:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left to be written goes nowhere
        sys.exit(GOOD)
    except OSError as error:
        click.echo(f"Error: {error.filename or 'the system'}: {error.strerror or error}", err=True)
        sys.exit(NOTHING)
    sys.exit(code if isinstance(code, int) else GOOD)


@click.group(cls=_Cli, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="qlink-ld")
@click.option("-v", "--verbose", count=True, help="Log what happens, one line per institution; twice for details.")
def cli(verbose: int) -> None:
    """Harvest European course data, map it to the European Learning Model, validate it, publish it over SPARQL."""
    level = (logging.WARNING, logging.INFO, logging.DEBUG)[min(verbose, 2)]
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    log.setLevel(level)


cli.add_command(check_source_command)
cli.add_command(discover_command)
cli.add_command(manifest_group)
cli.add_command(keys_group)
cli.add_command(lineage_command)
cli.add_command(registry_group)

# run, serve, demo ---------------------------------------------------------------------------------------------------


@cli.command("run")
@click.argument("institutions", nargs=-1)
@click.option("--offline", is_flag=True, help="Map the latest snapshots again; visit nobody.")
@click.option("--full", is_flag=True, help="Do everything, changed or not.")
@click.option("--due", is_flag=True, help="Visit only what is due, every 24 hours unless a source says otherwise.")
@click.option("--workers", type=click.IntRange(1, 64), default=2, show_default=True, help="Institutions at a time.")
@click.option("--json", "as_json", is_flag=True, help="Print the reports as JSON.")
@with_config
def run_command(
    config: "Config", institutions: tuple[str, ...], offline: bool, full: bool, due: bool, workers: int, as_json: bool
) -> int:
    """Harvest, map, validate and publish all INSTITUTIONs, or those named.

    Prints one line per institution. What does not change is not published again; what fails keeps its last good graph.
    """
    if not config.institutions and config.registry.harvest == "configured":
        raise ConfigurationError("the configuration names no [[institution]]; see the README for an example")
    summary = _run(config, institutions, offline=offline, full=full, due=due, workers=workers, as_json=as_json)
    return _judge(summary)


def _run(
    config: "Config",
    institutions: Sequence[str] = (),
    *,
    offline: bool = False,
    full: bool = False,
    due: bool = False,
    workers: int = 2,
    as_json: bool = False,
) -> "RunSummary":
    """Run and print: one line per institution as soon as it is done, then what it all comes to."""
    from qlink_ld.pipeline import run
    from qlink_ld.progress import ProgressBars

    with ProgressBars() as bars:

        def show(report: "HarvestReport") -> None:
            bars.finish(report.institution)
            # Whoever reads stdout may stop reading; that must not cost the release.
            with bars.set_aside(), contextlib.suppress(BrokenPipeError):
                if not as_json:
                    click.echo(_line(report))
                for message in _messages(report):
                    click.echo(f"{report.institution}: {message.removeprefix(f'{report.institution}: ')}", err=True)

        summary = run(
            config,
            institutions,
            offline=offline,
            full=full,
            due=due,
            workers=workers,
            on_progress=bars.update,
            on_report=show,
        )
    if as_json:
        import orjson

        table = {
            "institutions": [asdict(report) for report in summary.reports],
            "release": summary.release.id if summary.release else None,
            "seconds": round(summary.seconds, 3),
        }
        click.echo(orjson.dumps(table, option=orjson.OPT_INDENT_2).decode())
    else:
        from qlink_ld.commands.account import print_account

        _print_summary(summary)
        if any(report.status != "unchanged" for report in summary.reports):
            print_account((report.institution, use) for report in summary.reports for use in report.fields)
    return summary


def _messages(report: "HarvestReport") -> list[str]:
    """Why an institution was not harvested as it should be: its failure, or those of single sources."""
    if report.error:
        return [report.error]
    return [issue.message for issue in report.issues if issue.code in ("source-failed", "source-unreadable")]


def _print_summary(summary: "RunSummary") -> None:
    """What it all comes to."""
    total = functools.partial(_total, summary.reports)
    release = f"release {summary.release.id}" if summary.release else "nothing changed, no new release"
    click.echo(
        f"{len(summary.reports)} institutions{_silent(summary)}: {total('published')} learning opportunities "
        f"published with {total('instances')} instances, {total('refused')} refused, {total('warnings')} warnings; "
        f"{release}; {summary.seconds:.1f} s"
    )


def _silent(summary: "RunSummary") -> str:
    return f" (and {summary.silent} imported ones without a manifest)" if summary.silent else ""


def _total(reports: "Sequence[HarvestReport]", name: str) -> int:
    return sum(int(getattr(report, name)) for report in reports)


def _line(report: "HarvestReport") -> str:
    return (
        f"{report.institution:<12} {report.status:<10} harvested={report.harvested} published={report.published} "
        f"refused={report.refused} warnings={report.warnings} seconds={report.seconds:.1f}  {report.name}"
    )


def _judge(summary: "RunSummary") -> int:
    if all(report.status == "failed" for report in summary.reports):
        return NOTHING
    faults = any(report.error or report.refused or report.status in ("failed", "held") for report in summary.reports)
    broken = any(issue.severity == "violation" for report in summary.reports for issue in report.issues)
    return NO if faults or broken else GOOD


@cli.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at; 0.0.0.0 for all.")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True)
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Serving processes.")
@with_config
def serve_command(config: "Config", host: str, port: int, workers: int) -> None:
    """Serve pages, SPARQL endpoint and downloads of the current release."""
    from qlink_ld.serve.server import serve
    from qlink_ld.store import open_release

    open_release(config.data_dir)
    serve(config, host, port, workers, on_ready=lambda address: click.echo(f"Serving {address}", err=True))


@cli.command("demo")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True)
@click.option("--data", "data_dir", type=click.Path(file_okay=False, path_type=Path), default=Path("demo-data"))
@click.option("--once", is_flag=True, help="Stop after publishing, without serving.")
@click.option("--scale", type=click.IntRange(1), help="So many generated learning opportunities, for load.")
@click.option("--workers", type=click.IntRange(1, 64), default=2, show_default=True, help="Institutions at a time.")
def demo_command(port: int, data_dir: Path, once: bool, scale: int | None, workers: int) -> int:
    """Start sample universities on this machine, harvest them over HTTP, publish, and serve the result.

    The data folder (default: demo-data) can be used by every other command with --data.
    """
    from qlink_ld.config import load_config
    from qlink_ld.demo.apart import running_providers

    if not once:
        from qlink_ld.serve.server import find_port, serve

        port = find_port("127.0.0.1", port)  # before the work, not after it
    data_dir = data_dir.absolute()
    file = data_dir / "qlink.toml"
    with running_providers(file, f"http://localhost:{port}/", scale=scale):
        config = load_config(file, data_dir)
        summary = _run(config, workers=workers)
        code = _judge(summary)
        if once or code == NOTHING:
            return code
        serve(config, "127.0.0.1", port, 1, on_ready=_greet)
    return GOOD


def _greet(address: str) -> None:
    click.echo(f"Serving {address} — try {address}sparql, or stop with Ctrl+C", err=True)


# convert, validate, query -------------------------------------------------------------------------------------------


@cli.command("convert")
@click.argument("source")
@click.option("--mapping", "mapping_name", required=True, help="Name of a bundled mapping, or a folder.")
@click.option("--institution", "institution_id", help="Whose data it is; its id goes into the IRIs [default: local].")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="File; format by its suffix.")
@in_own_process
@with_config
def convert_command(
    config: "Config", source: str, mapping_name: str, institution_id: str | None, output: Path | None
) -> int:
    """Map a FILE or URL to ELM without publishing; print N-Quads, or write .nq .ttl .jsonld .nt .rdf."""
    from qlink_ld.commands.account import print_account
    from qlink_ld.convert import convert_document, write_output

    if output is not None and output.suffix not in CONVERT_SUFFIXES:
        raise ConfigurationError(f"{output}: unknown suffix; use one of {', '.join(CONVERT_SUFFIXES)}")
    response = _read(config, source)
    institution = _find_institution(config, institution_id)
    result = convert_document(
        response.body, response.media_type, response.url, mapping_name, institution, config.iris, _today()
    )
    data = write_output(result.ntriples, config.iris.institution_graph(institution.id), output)
    if output is None:
        sys.stdout.buffer.write(data)
    else:
        output.write_bytes(data)
    for issue in result.issues:
        example = f" (for example {issue.value!r})" if issue.value else ""
        click.echo(f"{issue.severity}: {issue.message}{example} [{issue.count}×]", err=True)
    print_account(("", use) for use in result.fields)
    click.echo(f"{result.records} records mapped, {result.refused} refused", err=True)
    return NO if result.refused or not result.records else GOOD


@cli.command("validate")
@click.argument("source")
@click.option(
    "--shapes", multiple=True, type=click.Path(dir_okay=False, path_type=Path), help="Instead of the bundled ones."
)
@click.option("--engine", type=click.Choice(["shacl", "pyshacl"]), help="[default: as configured, else shacl]")
@click.option("--report", "form", type=click.Choice(["text", "json", "ttl"]), default="text", show_default=True)
@in_own_process
@with_config
def validate_command(config: "Config", source: str, shapes: tuple[Path, ...], engine: str | None, form: str) -> int:
    """Check a FILE or URL with RDF against the profile. Exit code 1 if it does not conform."""
    from qlink_ld.mapping.elm import read_rdf
    from qlink_ld.validate.engine import load_engine
    from qlink_ld.validate.records import validate_data
    from qlink_ld.validate.report import render_json, render_text, render_turtle

    response = _read(config, source)
    data = read_rdf(response.body, response.media_type, response.url)
    if not data:
        raise UnreadableData(f"{source}: there is no RDF in it, so there is nothing to validate")
    try:
        checker = load_engine(engine or config.validation.engine, shapes or config.validation.shapes)
    except ValidationError as error:  # the operator named these shapes
        raise ConfigurationError(str(error)) from error
    results = validate_data(data, checker)
    if form == "ttl":
        text = render_turtle(results)
    elif form == "json":
        text = render_json(results, checker.shapes, data)
    else:
        text = render_text(results, checker.shapes, data)
    click.echo(text, nl=not text.endswith("\n"))
    return NO if any(result.severity == "violation" for result in results) else GOOD


@cli.command("query")
@click.argument("query", type=click.File(encoding="utf-8"), metavar="FILE.rq|-")
@click.option("--format", "format_name", help="json xml csv tsv, or turtle ntriples jsonld rdfxml for triples.")
@with_config
def query_command(config: "Config", query: Any, format_name: str | None) -> None:  # noqa: ANN401 (a text stream)
    """Run a SPARQL query on the current release; the union of all named graphs is its default graph."""
    from qlink_ld.serve.run import run_query

    try:
        text = query.read()
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{query.name}: not UTF-8 text: {error.reason}") from error
    run_query(config.data_dir, text, sys.stdout.buffer, format_name=format_name, settings=config.sparql)
    sys.stdout.buffer.flush()


# release ------------------------------------------------------------------------------------------------------------


@cli.group("release")
def release_group() -> None:
    """List releases, go back to one, remove old ones."""


@release_group.command("list")
@with_config
def release_list(config: "Config") -> None:
    """Print the releases, newest first; the current one is marked."""
    from qlink_ld.errors import StoreUnusable
    from qlink_ld.publish.release import current_release, list_releases

    try:
        current = current_release(config.data_dir).id
    except StoreUnusable:
        current = ""
    for release in list_releases(config.data_dir):
        mark = "current" if release.id == current else ""
        click.echo(f"{release.id}  {release.info.get('quads', 0):>12} quads  {mark}".rstrip())


@release_group.command("rollback")
@click.argument("release_id", metavar="ID")
@with_config
def release_rollback(config: "Config", release_id: str) -> None:
    """Let readers see the release ID again."""
    from qlink_ld.publish.release import rollback

    click.echo(f"current is now {rollback(config.data_dir, release_id).id}")


@release_group.command("prune")
@click.option("--keep", type=click.IntRange(1), default=3, show_default=True)
@with_config
def release_prune(config: "Config", keep: int) -> None:
    """Remove all but the newest releases; never the current one."""
    from qlink_ld.publish.release import prune

    removed = prune(config.data_dir, keep)
    click.echo(f"removed {', '.join(removed)}" if removed else "nothing to remove")


# Helpers ------------------------------------------------------------------------------------------------------------


def _read(config: "Config", source: str) -> "Response":
    """Read what the operator named: a file, or an address."""
    from qlink_ld.http import ProviderClient, Response

    if urlsplit(source).scheme in ("http", "https"):
        # The operator typed this address: private networks are theirs to name.
        with ProviderClient(replace(config.harvest, allow_private_addresses=True)) as client:
            return client.get(source)
    path = Path(url2pathname(urlsplit(source).path) if source.startswith("file:") else source)
    try:
        body = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from error
    if path.suffix == ".gz":
        try:
            body, path = gzip.decompress(body), path.with_suffix("")
        except (OSError, EOFError, zlib.error) as error:
            raise UnreadableData(f"{path}: not a whole gzip file: {error}") from error
    return Response(url=path.absolute().as_uri(), status=200, headers={}, media_type=None, body=body)


def _find_institution(config: "Config", institution_id: str | None) -> "Institution":
    """The configured institution, else one of that id that is known by nothing else."""
    from qlink_ld.model import Institution
    from qlink_ld.pipeline.registry import apply_registry

    for institution in apply_registry(config).config.institutions:
        if institution.id == institution_id:
            return institution
    name = institution_id or "local"
    return Institution(id=name, name=name)


def _today() -> datetime:
    return datetime.now(UTC)
