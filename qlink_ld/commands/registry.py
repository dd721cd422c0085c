"""The commands `registry import|list|show`: which institutions exist, as the registers say. Source: DESIGN §7."""

from typing import TYPE_CHECKING, Any

import click

from qlink_ld.commands import GOOD, NO, with_config
from qlink_ld.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from qlink_ld.config import Config
    from qlink_ld.model import Issue
    from qlink_ld.registry.known import Registry
    from qlink_ld.registry.merge import Entry

_SHOWN_ISSUES = 20


@click.group("registry")
def registry_group() -> None:
    """Import what registers know of institutions: codes, names, websites, places, groups."""


@registry_group.command("import")
@click.argument("register", type=click.Choice(["deqar", "ewp", "hei-api"]))
@click.argument("source", required=False, metavar="[FILE|URL]")
@click.option("--force", is_flag=True, help="Keep it even if it has far fewer institutions than the last import.")
@click.option("--json", "as_json", is_flag=True, help="Print what was imported, and what was left out, as JSON.")
@with_config
def import_command(config: "Config", register: str, source: str | None, force: bool, as_json: bool) -> int:
    """Import a REGISTER from its own address, or from a FILE or URL.

    deqar is the list of education providers of the Database of External Quality Assurance Results; ewp the catalogue of
    the Erasmus Without Paper Registry; hei-api the HEI API of the European University Foundation. The next `run`
    describes their institutions in the registry graph, and adds what they know to those of the configuration.

    Exit code 0: imported; 1: imported, with entries left out or from an earlier answer; 3: not, the last one stays.
    """
    from qlink_ld.registry.imports import import_register

    result = import_register(register, source, config.data_dir, config.harvest, force=force)
    made = result.made
    for url, why in result.stale:
        click.echo(f"{url}: {why}; its answer of an earlier time was used", err=True)
    if as_json:
        from dataclasses import asdict

        stale = [{"url": url, "reason": why} for url, why in result.stale]
        issues = [_describe_issue(issue) for issue in result.issues]
        _print_json({**asdict(made), "changed": result.changed, "stale": stale, "issues": issues})
    else:
        _print_issues(result.issues)
        news = "" if result.changed else ", the same as last time"
        click.echo(
            f"{register}: {made.records} institutions and other providers{news}, {made.left_out} entries left out"
        )
    return NO if made.left_out or result.stale else GOOD


@registry_group.command("list")
@click.option("--country", help="Only those in this country, such as NLD or NL.")
@click.option("--conflicts", is_flag=True, help="Only identifiers that several institutions share.")
@click.option("--json", "as_json", is_flag=True, help="Print everything known of each as JSON.")
@with_config
def list_command(config: "Config", country: str | None, conflicts: bool, as_json: bool) -> int:
    """List what was imported: the registers' institutions, brought together by their identifiers.

    Exit code 1: identifiers are shared, or nothing was imported.
    """
    from qlink_ld.registry.shelf import load_imports
    from qlink_ld.registry.values import read_country

    registry = _load(config)
    if country is not None and read_country(country) is None:
        raise ConfigurationError(f"'{country}' is no code of a country; use one such as NLD or NL")
    code = read_country(country)
    entries = [entry for entry in registry.entries if code is None or entry.country == code]
    if as_json:
        _print_json(
            {
                "imports": [_as_table(made) for made in load_imports(config.data_dir)],
                "entries": [] if conflicts else [_describe_entry(entry) for entry in entries],
                "conflicts": [_describe_issue(issue) for issue in registry.issues],
            }
        )
    else:
        for entry in [] if conflicts else entries:
            click.echo(f"{entry.id:<16} {_state(entry):<22} {entry.country or '':<4} {entry.name.text}")
        for issue in registry.issues:
            click.echo(f"{issue.severity}: {issue.message}", err=not conflicts)
        for made in load_imports(config.data_dir):
            click.echo(f"{made.register}: {made.records} of {made.imported_at}, from {made.source}", err=True)
    return NO if registry.issues or not registry.entries else GOOD


@registry_group.command("show")
@click.argument("name", metavar="ID")
@click.option("--json", "as_json", is_flag=True)
@with_config
def show_command(config: "Config", name: str, as_json: bool) -> int:
    """Show one institution, by its OrgReg or DEQARINST id, SCHAC code (also a former one), PIC, Erasmus code or ROR id.

    Exit code 1: nothing is known by that.
    """
    registry = _load(config)
    configured = next((i.schac for i in config.institutions if i.id == name and i.schac), None)
    entry = registry.find_name(name) or (registry.find_name(configured) if configured else None)
    if entry is None:
        click.echo(f"no imported register knows '{name}'; import one with: qlink-ld registry import deqar", err=True)
        return NO
    if as_json:
        _print_json(_describe_entry(entry))
        return GOOD
    table = _describe_entry(entry)
    for key in ("id", "state", "name", "country", "website"):
        click.echo(f"{key:<14} {table[key] or '-'}")
    for scheme, codes in entry.codes.items():
        click.echo(f"{scheme:<14} {', '.join(codes)}")
    for language, text in entry.legal_names.items():
        click.echo(f"{'legal name':<14} {text} [{language}]")
    for other in entry.other_names:
        click.echo(f"{'other name':<14} {other.text} [{other.language}]")
    for iri in entry.same_as:
        click.echo(f"{'same as':<14} {iri}")
    click.echo(f"{'registers':<14} {', '.join(record.register for record in entry.records)}")
    return GOOD


def _load(config: "Config") -> "Registry":
    from qlink_ld.registry.known import load_registry

    return load_registry(config.data_dir)


def _state(entry: "Entry") -> str:
    if entry.closed:
        return f"closed {entry.closed}"
    if not entry.is_institution:
        return "other organisation"
    return "recognised" if entry.is_recognised else "institution"


def _describe_entry(entry: "Entry") -> dict[str, Any]:
    return {
        "id": entry.id,
        "state": _state(entry),
        "name": entry.name.text,
        "country": entry.country,
        "website": entry.website,
        "recognised": entry.is_recognised,
        "identifiers": {scheme: list(codes) for scheme, codes in entry.codes.items()},
        "legal_names": entry.legal_names,
        "same_as": list(entry.same_as),
        "closed": entry.closed,
        "records": [_as_table(record) for record in entry.records],
    }


def _describe_issue(issue: "Issue") -> dict[str, Any]:
    return {name: value for name, value in _as_table(issue).items() if value is not None}


def _as_table(value: Any) -> dict[str, Any]:  # noqa: ANN401 (one of our dataclasses)
    from dataclasses import asdict

    return asdict(value)


def _print_issues(issues: "Iterable[Issue]") -> None:
    """The first of each kind; `--json` has all."""
    shown: dict[str, int] = {}
    for issue in issues:
        shown[issue.code] = shown.get(issue.code, 0) + 1
        if shown[issue.code] <= _SHOWN_ISSUES:
            place = f" [{issue.position}]" if issue.position else ""
            click.echo(f"{issue.severity}: {issue.message}{place}", err=True)
    for code, count in shown.items():
        if count > _SHOWN_ISSUES:
            click.echo(f"… and {count - _SHOWN_ISSUES} more of {code}; --json has all", err=True)


def _print_json(table: dict[str, Any]) -> None:
    import orjson

    click.echo(orjson.dumps(table, option=orjson.OPT_INDENT_2).decode())
