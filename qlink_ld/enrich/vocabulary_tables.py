"""Writes a vocabulary table as SKOS: `python -m qlink_ld.enrich.vocabulary_tables TABLES FOLDER`.

A table is tab-separated with a header line: `iri`, `code`, `label_en`, `broader`, and for some vocabularies further
codes (`iso639_1`, `iso639_3`, `iso639_2b`, `iso3166_1_alpha2`). One `.tsv` becomes one `.ttl`: concepts with their
English label, each code as a `skos:notation`, and the broader concept. Output is sorted, so that a change reads as a
difference.
"""

import csv
from pathlib import Path

import click

from qlink_ld.namespaces import SKOS
from qlink_ld.ntriples import write_literal

# The concept scheme of each table. Source: EU Vocabularies, Publications Office of the EU.
_AUTHORITY = ("country", "currency", "file-type", "language")
_SPECIAL = {
    "nqf": "http://data.europa.eu/snb/qdr/25831c2",
    "note-topic": "http://data.europa.eu/snb/learningOpportunity-topics",
}
# Codes that ISO has withdrawn and that systems still write. Source: the lists of changes of ISO 639-1 and 639-2; the
# preferred values of the IANA Language Subtag Registry. Serbo-Croatian (sh) has none.
_WITHDRAWN = {
    "language": {
        "HEB": ("iw",),
        "HRV": ("scr",),
        "IND": ("in",),
        "JAV": ("jw",),
        "RON": ("mo", "mol"),
        "SRP": ("scc",),
        "YID": ("ji",),
    }
}
_CODES = ("code", "iso639_1", "iso639_3", "iso639_2b", "iso3166_1_alpha2")


def scheme_iri(name: str) -> str:
    """Return the IRI of the concept scheme behind the table `name`."""
    if name in _AUTHORITY:
        return f"http://publications.europa.eu/resource/authority/{name}"
    return _SPECIAL.get(name, f"http://data.europa.eu/snb/{name}/25831c2")


def write_vocabulary(table: Path) -> str:
    """Return the SKOS Turtle of one table.

    Raises:
        KeyError: a column is missing.
    """
    scheme = scheme_iri(table.stem)
    out = [
        f"# {table.stem}: concepts of {scheme}",
        "# Source: EU Vocabularies (Publications Office of the European Union, DG EMPL), reuse with attribution.",
        "# Made by qlink_ld.enrich.vocabulary_tables from a table of codes and labels; see README.md beside this file.",
        f"@prefix skos: <{SKOS}> .",
        "",
        f"<{scheme}> a skos:ConceptScheme .",
    ]
    with table.open(encoding="utf-8", newline="") as lines:
        rows = sorted(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE), key=lambda row: row["iri"])
    for row in rows:
        codes = list(dict.fromkeys(row[column] for column in _CODES if row.get(column)))
        codes += _WITHDRAWN.get(table.stem, {}).get(row["code"], ())
        parts = [
            "a skos:Concept",
            f"skos:inScheme <{scheme}>",
            f"skos:prefLabel {write_literal(row['label_en'], 'en')}",
            "skos:notation " + ", ".join(write_literal(code) for code in codes),
        ]
        if row["broader"]:
            parts.append(f"skos:broader <{row['broader']}>")
        out.append(f"<{row['iri']}> " + " ; ".join(parts) + " .")
    return "\n".join(out) + "\n"


@click.command()
@click.argument("tables", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def main(tables: Path, folder: Path) -> None:
    """Write every table of TABLES as SKOS into FOLDER."""
    for table in sorted(tables.glob("*.tsv")):
        (folder / f"{table.stem}.ttl").write_text(write_vocabulary(table), encoding="utf-8")


if __name__ == "__main__":
    main()
