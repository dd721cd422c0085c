"""The commands `discover` and `manifest check`: where is a manifest, and is it right? Source: DESIGN §7."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import click

from qlink_ld.commands import GOOD, NO, NOTHING, with_config
from qlink_ld.errors import ConfigurationError

if TYPE_CHECKING:
    from qlink_ld.config import Config
    from qlink_ld.discovery import Discovery, Manifest
    from qlink_ld.model import DataSource, Institution, Issue


@click.command("discover")
@click.argument("name", metavar="DOMAIN|INSTITUTION")
@click.option("--json", "as_json", is_flag=True, help="Print probes, manifest and sources as JSON.")
@with_config
def discover_command(config: "Config", name: str, as_json: bool) -> int:
    """Look for the manifest of a DOMAIN, or of an INSTITUTION of the configuration.

    Shows each place that was asked, what came of it and what to do about it, then the manifest with its sources.
    Exit code 0: found and right; 1: none, or one with faults; 3: nobody answered.
    """
    from qlink_ld.discovery import search_manifest

    institution = _find_institution(config, name)
    if institution.sources:
        click.echo(f"the configuration gives the sources of {name}: `run` does not look for a manifest", err=True)
    discovery = search_manifest(institution, config.harvest, config.discovery)
    if as_json:
        _print_json(_describe_discovery(discovery, institution))
    else:
        _print_discovery(discovery)
    manifest = discovery.manifest
    if manifest is None:
        tried = [probe for probe in discovery.probes if probe.mechanism != "domain"]
        nobody = bool(tried) and all(probe.outcome in _silent() for probe in tried)
        return NOTHING if nobody else NO
    return GOOD if manifest.valid and manifest.sources else NO


@click.group("manifest")
def manifest_group() -> None:
    """Check manifests before they are published."""


@manifest_group.command("check")
@click.argument("source", metavar="FILE|URL")
@click.option("--institution", "institution_id", help="Compare `meta` with this institution of the configuration.")
@click.option("--json", "as_json", is_flag=True, help="Print findings and sources as JSON.")
@with_config
def check_command(config: "Config", source: str, institution_id: str | None, as_json: bool) -> int:
    """Check a manifest, a FILE or URL, and say in which line what is to be corrected.

    Exit code 0: right, perhaps with warnings; 1: it, or a source of it, cannot be used.
    """
    from qlink_ld.discovery import check_meta, judge_manifest
    from qlink_ld.pipeline.registry import apply_registry

    institution = apply_registry(config).config.institution(institution_id) if institution_id is not None else None
    body, place = _read(config, source)
    manifest = judge_manifest(body, place)
    if institution is not None:
        manifest = replace(manifest, issues=(*manifest.issues, *check_meta(manifest, institution)))
    if as_json:
        _print_json({"valid": manifest.valid, **_describe_manifest(manifest)})
    else:
        _print_manifest(manifest)
    return GOOD if manifest.valid else NO


def _silent() -> frozenset[str]:
    """Outcomes of probes to which nobody answered."""
    from qlink_ld.discovery.fetch import TRANSIENT

    return TRANSIENT - {"server-error"} | {"no-host"}


def _find_institution(config: "Config", name: str) -> "Institution":
    """Return the institution of the configuration with that id or SCHAC code, of the registers, or with this domain.

    Raises:
        ConfigurationError: neither.
    """
    from qlink_ld.discovery.domains import to_ascii
    from qlink_ld.model import Institution
    from qlink_ld.pipeline.registry import apply_registry, find_imported

    for institution in apply_registry(config).config.institutions:
        if name in (institution.id, institution.schac, *institution.previous_schac):
            return institution
    if (imported := find_imported(config, name)) is not None:
        return imported
    host = urlsplit(name if "://" in name else f"//{name}").hostname or ""
    domain = to_ascii(host)
    if not domain or ("." not in domain and ":" not in domain and domain != "localhost"):
        known = ", ".join(institution.id for institution in config.institutions) or "none"
        raise ConfigurationError(
            f"'{name}' is neither a domain nor an institution of the configuration; it has: {known}"
        )
    return Institution(id=domain, name=domain, website=name)


def _read(config: "Config", source: str) -> tuple[bytes, str]:
    """Read a file or an address that the operator named; return its content and its name.

    Raises:
        ConfigurationError: the file cannot be read.
        HarvestError: the address cannot be fetched.
    """
    from qlink_ld.discovery.fetch import ATTEMPTS
    from qlink_ld.discovery.manifest import MAX_BYTES
    from qlink_ld.discovery.name_servers import NameServers
    from qlink_ld.http import ProviderClient

    if urlsplit(source).scheme in ("http", "https"):
        settings = replace(
            config.harvest,
            allow_private_addresses=True,  # the operator typed this address
            timeout_s=min(config.harvest.timeout_s, config.discovery.timeout_s),
        )
        with ProviderClient(settings, resolve=NameServers(config.discovery).find_addresses) as client:
            answer = client.get(source, attempts=ATTEMPTS, max_bytes=MAX_BYTES)
        return answer.body, answer.url
    path = Path(url2pathname(urlsplit(source).path) if source.startswith("file:") else source)
    try:
        with path.open("rb") as stream:
            return stream.read(MAX_BYTES + 1), str(path)
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}; give a file or an address") from error


# As text ------------------------------------------------------------------------------------------------------------


def _print_discovery(discovery: "Discovery") -> None:
    for probe in discovery.probes:
        click.echo(f"{probe.mechanism:<11} {probe.outcome:<20} {probe.url or probe.domain}")
        click.echo(f"{'':<32} {probe.message} [{probe.seconds:.2f} s]")
        if probe.advice:
            click.echo(f"{'':<32} → {probe.advice}")
    manifest = discovery.manifest
    if not discovery.probes:
        click.echo("no probe: the institution has neither a schac code nor a website; add one to the configuration")
    if manifest is None:
        click.echo(
            "no manifest found. Publish one at https://DOMAIN/.well-known/quality-link-manifest.json, "
            'or name its address in a TXT record of the domain: "v=qldiscover1; m=https://…"'
        )
        return
    click.echo(f"manifest: {manifest.url} ({manifest.syntax})")
    _print_sources(manifest)
    _print_issues(discovery.issues)


def _print_manifest(manifest: "Manifest") -> None:
    verdict = "valid" if manifest.valid else "not valid"
    click.echo(f"{manifest.url}: {verdict}" + (f", {manifest.syntax}" if manifest.syntax else ""))
    _print_sources(manifest)
    _print_issues(manifest.issues)


def _print_sources(manifest: "Manifest") -> None:
    for source in manifest.sources:
        version = f" {source.version}" if source.version else ""
        access = source.auth.type if source.auth.type != "none" else "open"
        name = f"  {source.name}" if source.name else ""
        click.echo(
            f"  source {source.id}: {source.type}{version}, {source.path}, access: {access}, "
            f"every {source.refresh_h:g} h{name}"
        )


def _print_issues(issues: "Iterable[Issue]") -> None:
    for issue in issues:
        found = f" (found: {issue.value})" if issue.value else ""
        click.echo(f"  {issue.severity}: {issue.message}{found}")


# As JSON ------------------------------------------------------------------------------------------------------------


def _print_json(table: Mapping[str, Any]) -> None:
    import orjson

    click.echo(orjson.dumps(table, option=orjson.OPT_INDENT_2).decode())


def _describe_discovery(discovery: "Discovery", institution: "Institution") -> dict[str, Any]:
    from dataclasses import asdict

    manifest = discovery.manifest
    return {
        "institution": institution.id,
        "found": manifest is not None,
        "probes": [asdict(probe) for probe in discovery.probes],
        "manifest": _describe_manifest(manifest, discovery.issues) if manifest else None,
    }


def _describe_manifest(manifest: "Manifest", issues: "Iterable[Issue] | None" = None) -> dict[str, Any]:
    return {
        "url": manifest.url,
        "syntax": manifest.syntax or None,
        "meta": dict(manifest.meta),
        "sources": [_describe_source(source) for source in manifest.sources],
        "issues": [_describe_issue(issue) for issue in (manifest.issues if issues is None else issues)],
    }


def _describe_source(source: "DataSource") -> dict[str, Any]:
    """A source without what may be secret: of headers and query parameters the names only."""
    auth = source.auth
    access = {"field": auth.header, "token_endpoint": auth.token_endpoint, "scope": auth.scope, "alg": auth.alg}
    return {
        "id": source.id,
        "type": source.type,
        "version": source.version,
        "path": source.path,
        "name": source.name,
        "contentType": source.content_type,
        "pageSize": source.page_size,
        "refresh": source.refresh_h,
        "headers": sorted(source.headers),
        "queryParameters": sorted(source.query_parameters),
        "auth": {"type": auth.type, **{key: value for key, value in access.items() if value is not None}},
    }


def _describe_issue(issue: "Issue") -> dict[str, Any]:
    line, column = _line_and_column(issue.position)
    return {
        "severity": issue.severity,
        "code": issue.code,
        "message": issue.message,
        "key": issue.field,
        "line": line,
        "column": column,
        "value": issue.value,
    }


def _line_and_column(position: str | None) -> tuple[int | None, int | None]:
    parts = (position or "").rsplit(":", 2)
    if len(parts) == 3 and parts[1].isdecimal() and parts[2].isdecimal():
        return int(parts[1]), int(parts[2])
    return None, None
