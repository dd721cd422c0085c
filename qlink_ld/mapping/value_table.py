"""Tables of codes in a mapping folder: CSV (`code,iri,label`) or SKOS in Turtle, for a university's own codes."""

import csv
from collections.abc import Iterator
from pathlib import Path

from pyoxigraph import Literal, NamedNode, RdfFormat, parse

from qlink_ld.errors import BrokenMapping
from qlink_ld.mapping.values import read_iri
from qlink_ld.namespaces import RDF, SKOS

SUFFIXES = (".csv", ".ttl")
_DELIMITERS = ",;\t"


def load_table(file: Path) -> dict[str, str | None]:
    """Read a table: each code, and the IRI of the concept that it stands for; None if it stands for none.

    Raises:
        BrokenMapping: the file cannot be used; the message names it and, where there is one, the line.
    """
    try:
        table = dict(_read_csv(file) if file.suffix == ".csv" else _read_skos(file))
    except OSError as error:
        raise BrokenMapping(f"{file}: cannot read this table of codes: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BrokenMapping(f"{file}: not UTF-8 text; save it as UTF-8") from error
    if not table:
        raise BrokenMapping(f"{file}: there is no code in it")
    return table


def _read_csv(file: Path) -> Iterator[tuple[str, str | None]]:
    """The rows of a CSV file with the columns `code` and `iri`; others, such as `label`, are for its readers."""
    with file.open(encoding="utf-8-sig", newline="") as lines:
        head = lines.readline()
        delimiter = max(_DELIMITERS, key=head.count)
        names = [name.strip().lower() for name in next(csv.reader([head], delimiter=delimiter), [])]
        for name in ("code", "iri"):
            if name not in names:
                raise BrokenMapping(f"{file}:1: there is no column '{name}'; the first line is 'code,iri,label'")
        seen: dict[str, int] = {}
        rows = csv.reader(lines, delimiter=delimiter, strict=True)
        try:
            for row in rows:
                line = rows.line_num + 1
                cells = dict(zip(names, (cell.strip() for cell in row), strict=False))
                if not any(cells.values()):
                    continue
                yield _check(file, line, cells.get("code", ""), cells.get("iri", ""), seen)
        except csv.Error as error:
            raise BrokenMapping(f"{file}:{rows.line_num + 1}: not CSV: {error}") from error


def _check(file: Path, line: int, code: str, iri: str, seen: dict[str, int]) -> tuple[str, str | None]:
    if not code:
        raise BrokenMapping(f"{file}:{line}: there is no code")
    if code.startswith("@"):
        raise BrokenMapping(f"{file}:{line}: the code '{code}' begins with @, which no code can")
    if code in seen:
        raise BrokenMapping(f"{file}:{line}: the code '{code}' is in line {seen[code]} already")
    seen[code] = line
    if iri and ("://" not in iri or read_iri(iri) != iri):
        raise BrokenMapping(f"{file}:{line}: '{iri}' is not an IRI; write it whole, as http://data.europa.eu/snb/eqf/6")
    return code, iri or None


def _read_skos(file: Path) -> dict[str, str | None]:
    """The notations of a SKOS file: each stands for what its concept matches exactly, or for the concept itself."""
    notations: dict[str, set[str]] = {}
    matches: dict[str, set[str]] = {}
    concepts: set[str] = set()
    try:
        for quad in parse(file.read_bytes(), format=RdfFormat.TURTLE, base_iri=file.as_uri()):
            subject, predicate, value = quad.subject, quad.predicate.value, quad.object
            if not isinstance(subject, NamedNode):
                raise BrokenMapping(f"{file}: {subject} is a blank node; give each concept an IRI")
            if predicate == f"{SKOS}notation" and isinstance(value, Literal):
                notations.setdefault(value.value, set()).add(subject.value)
            elif predicate == f"{SKOS}exactMatch" and isinstance(value, NamedNode):
                matches.setdefault(subject.value, set()).add(value.value)
            elif predicate == f"{RDF}type" and isinstance(value, NamedNode) and value.value == f"{SKOS}Concept":
                concepts.add(subject.value)
    except SyntaxError as error:
        raise BrokenMapping(f"{file}:{error.lineno or 1}: not Turtle: {error.msg}") from error
    for concept in sorted(concepts - {each for found in notations.values() for each in found}):
        raise BrokenMapping(f"{file}: the concept <{concept}> has no skos:notation, so no code stands for it")
    table: dict[str, str | None] = {}
    for code, found in sorted(notations.items()):
        targets = {target for concept in found for target in matches.get(concept, {concept})}
        if len(targets) > 1:
            several = ", ".join(f"<{target}>" for target in sorted(targets))
            raise BrokenMapping(f"{file}: the code '{code}' stands for several concepts: {several}")
        table[code] = targets.pop()
    return table
