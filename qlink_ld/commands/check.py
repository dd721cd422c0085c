"""The command `check`: would this source be published? A dry run for data stewards. Source: DESIGN §7."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

import click

from qlink_ld.commands import GOOD, NO, NOTHING, in_own_process, with_config
from qlink_ld.errors import ConfigurationError, UnknownMapping

if TYPE_CHECKING:
    from qlink_ld.config import Config
    from qlink_ld.model import DataSource, Institution
    from qlink_ld.pipeline.check import Check

TYPES = ("elm", "ooapi", "edu-api", "occapi", "json", "xml", "csv")  # DESIGN §8
_MISSING = frozenset({"harvest-stopped", "page-failed", "page-unreadable", "page-without-records", "paging-endless"})


@click.command("check")
@click.argument("source", metavar="URL|FILE")
@click.option("--type", "kind", type=click.Choice(TYPES), help="What it is [default: found out].")
@click.option("--version", help="Of the format, as 5 or 6.0 [default: found out].")
@click.option("--mapping", help="Name of a bundled mapping, or a folder; for json, xml and csv.")
@click.option("--institution", "institution_id", help="Whose source it is: an id of the configuration.")
@click.option("--schac", help="SCHAC code of the institution, as utwente.nl, if it is not in the configuration.")
@click.option("--header", "headers", multiple=True, metavar="NAME=VALUE", help="For access; may be repeated.")
@click.option("--sample", type=click.IntRange(1), help="So many records of each kind [default: 50]. Files: all.")
@click.option("--all", "everything", is_flag=True, help="Look at everything, not at a sample.")
@click.option("--shapes", multiple=True, type=click.Path(dir_okay=False, path_type=Path), help="Not the bundled ones.")
@click.option("--engine", type=click.Choice(["shacl", "pyshacl"]), help="[default: as configured, else shacl]")
@click.option("--report", "form", type=click.Choice(["text", "json", "ttl"]), default="text", show_default=True)
@in_own_process
@with_config
def check_source_command(
    config: "Config",
    source: str,
    kind: str | None,
    version: str | None,
    mapping: str | None,
    institution_id: str | None,
    schac: str | None,
    headers: tuple[str, ...],
    sample: int | None,
    everything: bool,
    shapes: tuple[Path, ...],
    engine: Literal["shacl", "pyshacl"] | None,
    form: str,
) -> int:
    """Try a whole source, a URL or FILE: what is in it, what would be published, what refused, and why.

    Harvests a sample, maps and validates it, and reports. Publishes nothing and writes nothing into the data folder.
    Exit code 0: all of it would be published; 1: not all; 2: wrong use; 3: nothing could be had.
    """
    from qlink_ld.pipeline.check import DEFAULT_SAMPLE, check_source
    from qlink_ld.pipeline.check_report import render_json, render_text, render_turtle
    from qlink_ld.progress import ProgressBars

    if everything and sample:
        raise ConfigurationError("--sample and --all exclude each other: give one of them")
    institution = _find_institution(config, institution_id, schac)
    wanted = _describe_source(institution, source, kind, version, mapping, _read_headers(headers))
    settings = config.validation
    config = replace(
        config,
        validation=replace(settings, engine=engine or settings.engine, shapes=shapes or settings.shapes),
        # The operator typed this address: private networks are theirs to name.
        harvest=replace(config.harvest, allow_private_addresses=True),
    )
    _check_shapes(config)
    complete = _complete(config, institution, wanted)
    with ProgressBars() as bars:
        check = check_source(
            config,
            institution,
            complete,
            sample=None if everything else sample or DEFAULT_SAMPLE,
            owned=bool(institution_id or schac),
            recognised=complete.type != wanted.type,
            on_progress=lambda stage, done, total: bars.update(institution.id, stage, done, total),
        )
    render = {"text": render_text, "json": render_json, "ttl": render_turtle}[form]
    click.echo(render(check), nl=False)
    if check.report is None and form == "ttl":
        click.echo(f"Error: {check.error}", err=True)
    return _judge(check)


def _judge(check: "Check") -> int:
    report = check.report
    if report is None or not report.harvested:
        return NOTHING
    lost = any(issue.code in _MISSING or issue.severity == "violation" for issue in report.issues)
    return NO if report.refused or lost or check.looks_like is not None else GOOD


def _find_institution(config: "Config", institution_id: str | None, schac: str | None) -> "Institution":
    """The configured institution, else one that is known by its code, or by nothing at all."""
    from qlink_ld.model import Institution
    from qlink_ld.pipeline.registry import apply_registry

    config = apply_registry(config).config
    if institution_id is not None and (not schac or any(known.id == institution_id for known in config.institutions)):
        institution = config.institution(institution_id)
        return replace(institution, schac=schac or institution.schac, minimum_records=0)
    name = institution_id or schac or "local"
    return Institution(
        id=name, name=name if institution_id or schac else "an institution that was not named", schac=schac
    )


def _describe_source(
    institution: "Institution",
    address: str,
    kind: str | None,
    version: str | None,
    mapping: str | None,
    headers: dict[str, str],
) -> "DataSource":
    """The source as it would stand in the configuration; what it has there already counts, too."""
    from qlink_ld.model import DataSource

    path = address
    if urlsplit(address).scheme not in ("http", "https", "file"):
        file = Path(address)
        if not file.is_file():
            raise ConfigurationError(f"{address}: neither a file nor an address; an address begins with https://")
        path = file.absolute().as_uri()
    known = next((source for source in institution.sources if source.path == path), None)
    if mapping is not None and Path(mapping).is_dir():
        mapping = str(Path(mapping).absolute())
    base = known or DataSource(id=kind or "source", type=kind or "", path=path)
    return replace(
        base,
        type=kind or base.type,
        version=version or (base.version if not kind or kind == base.type else None),
        mapping=mapping or base.mapping,
        headers={**base.headers, **headers},
    )


def _read_headers(texts: tuple[str, ...]) -> dict[str, str]:
    headers = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise ConfigurationError("--header wants NAME=VALUE, as --header 'X-API-Key=secret'")
        headers[name.strip()] = value.strip()
    return headers


def _check_shapes(config: "Config") -> None:
    from qlink_ld.pipeline.run import check_shapes

    check_shapes(config)


def _complete(config: "Config", institution: "Institution", source: "DataSource") -> "DataSource":
    """Find out type and version where they were not said.

    Raises:
        ConfigurationError: it is a file of no standard format, or a version that cannot be found out.
    """
    from qlink_ld.mapping import find_mapping, load_mapping
    from qlink_ld.pipeline.recognise import own_type, recognise

    if source.mapping and not source.type:
        kind = load_mapping(source.mapping).source_type
        return replace(source, type=kind, id=kind)
    if source.type:
        try:
            find_mapping(source)
        except UnknownMapping:
            if source.version:
                raise
        else:
            return source
    found = recognise(config, institution, source)
    if found is not None and found.type and source.type in ("", found.type):
        click.echo(f"{source.path} looks like {found.name}, and is checked as that", err=True)
        return replace(source, type=found.type, version=found.version, id=found.type)
    if found is not None and not found.type:
        (body,) = found.resources
        raise ConfigurationError(
            f"{source.path} is {body} of no standard format: say how it is read, with --type {own_type(found)} "
            "--mapping FOLDER (see mappings/README.md)"
        )
    if not source.type:  # whatever reading it as a file says is what is wrong with the address
        return replace(source, type="elm", id="elm")
    hint = f"it looks like {found.name}" if found is not None else "nothing that can be read was found there"
    raise ConfigurationError(
        f"{source.path}: which version of {source.type} is it? None is stated, and {hint}. Say it with --version"
    )
