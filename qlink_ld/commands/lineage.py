"""The command `lineage`: where does a property come from, what becomes of a field? Asks a mapping, not a release."""

import json
import shutil
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from qlink_ld.commands import GOOD, NO
from qlink_ld.errors import ConfigurationError
from qlink_ld.namespaces import PREFIXES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qlink_ld.mapping.lineage import Lineage


@click.command("lineage")
@click.argument("mapping")
@click.option("--property", "property_name", metavar="IRI", help="Where it comes from; dcterms:title or a whole IRI.")
@click.option("--class", "class_name", metavar="IRI", help="With --property: on nodes of this class.")
@click.option("--field", help="What becomes of it: studyLoad, or courses.studyLoad.value.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def lineage_command(
    mapping: str, property_name: str | None, class_name: str | None, field: str | None, as_json: bool
) -> int:
    """Say which field of the source each property comes from, and which file of MAPPING says so.

    MAPPING is the name of a bundled mapping, or a folder. Exit code 1 if nothing is found.
    """
    from qlink_ld.mapping.lineage import trace_mapping

    if class_name and not property_name:
        raise ConfigurationError("--class goes with --property")
    lineages = trace_mapping(mapping)
    found = lineages.entries
    if property_name:
        found = lineages.of_property(expand(property_name), expand(class_name) if class_name else None)
    if field:
        of_field = set(lineages.of_field(field))
        found = tuple(entry for entry in found if entry in of_field) if property_name else lineages.of_field(field)
    if as_json:
        click.echo(json.dumps([asdict(entry) for entry in found], ensure_ascii=False, indent=2))
    else:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        click.echo(render_lineages(found, width=width) if found else "", nl=False)
        click.echo(f"{len(found)} found in the mapping '{lineages.mapping.name}'", err=True)
    return GOOD if found else NO


def render_lineages(entries: "Sequence[Lineage]", *, width: int | None) -> str:
    """Return a table of lineages: property, field, how, file."""
    from qlink_ld.commands.account import make_table, write_table

    table = make_table(width)
    for name in ("property", "of class", "field", "how", "file"):
        table.add_column(name, overflow="fold")
    for entry in entries:
        how = f"{entry.how}, as a condition" if entry.condition else entry.how
        how = f"{how}: {entry.reason}" if entry.reason else how
        classes = " ".join(map(compact, entry.classes))
        table.add_row(compact(entry.property), classes, compact_field(entry.field), how, entry.file)
    return write_table(table, width)


def compact(iri: str) -> str:
    """Write an IRI with its prefix."""
    for prefix, namespace in PREFIXES.items():
        if iri.startswith(namespace):
            return f"{prefix}:{iri[len(namespace) :]}"
    return iri


def compact_field(name: str) -> str:
    """Write a field; where it is a predicate of RDF, with its prefix."""
    resource, dot, path = name.partition(".")
    return f"{resource}{dot}{compact(path)}" if "://" in path else name


def expand(name: str) -> str:
    """Return the IRI that a compact one stands for, as `dcterms:title`; others as they are."""
    prefix, colon, local = name.partition(":")
    return f"{PREFIXES[prefix]}{local}" if colon and prefix in PREFIXES else name
