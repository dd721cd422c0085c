"""What validation found, for people and for machines: text, JSON, and the W3C's validation report as Turtle."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from pyoxigraph import BlankNode, Literal, NamedNode, RdfFormat, Triple, parse, serialize

from qlink_ld.model import Result, Severity
from qlink_ld.namespaces import DCTERMS, PREFIXES, RDF, SH, XSD
from qlink_ld.validate.catalogue import ShapeCatalogue
from qlink_ld.validate.messages import read_literal, shorten_term

_SEVERITY_ORDER: tuple[Severity, ...] = ("violation", "warning", "info")
_PLURALS: dict[Severity, str] = {"violation": "violations", "warning": "warnings", "info": "hints"}
_LABELS: dict[Severity, str] = {"violation": "violation", "warning": "warning", "info": "hint"}
_TITLE = re.compile(rf'^<([^>]*)> <{re.escape(DCTERMS)}title> (".*) \.$', re.MULTILINE)


def summarise(results: Iterable[Result]) -> tuple[dict[str, object], ...]:
    """Count results of one kind together, commonest first.

    Returns:
        One dictionary per shape, path, component, severity and message, with `count` and one example: `focus_node`,
        `value`, `record`. All values are text, None or numbers, so that it can be written as JSON.
    """
    examples: dict[tuple[str, str, str, str, str], Result] = {}
    counts: Counter[tuple[str, str, str, str, str]] = Counter()
    for result in results:
        key = (result.shape or "", result.path or "", result.component, result.severity, result.message)
        counts[key] += 1
        first = examples.get(key)
        if first is None or (result.focus_node, result.value or "") < (first.focus_node, first.value or ""):
            examples[key] = result
    return tuple(
        {
            "shape": examples[key].shape,
            "path": examples[key].path,
            "component": examples[key].component,
            "severity": examples[key].severity,
            "message": examples[key].message,
            "count": count,
            "focus_node": examples[key].focus_node,
            "value": examples[key].value,
            "record": examples[key].record,
        }
        for key, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    )


def count_severities(results: Iterable[Result]) -> dict[Severity, int]:
    """Return how many violations, warnings and infos there are."""
    counts = Counter(result.severity for result in results)
    return {severity: counts[severity] for severity in _SEVERITY_ORDER}


def find_titles(ntriples: str, nodes: Iterable[str]) -> dict[str, str]:
    """Return a title (English if there is one) of each of these IRIs that has one in the data."""
    wanted = set(nodes)
    titles: dict[str, tuple[tuple[bool, str], str]] = {}
    for subject, term in _TITLE.findall(ntriples):
        if subject in wanted:
            literal = read_literal(term)
            rank = (not (literal.language or "").startswith("en"), literal.language or "")
            if subject not in titles or rank < titles[subject][0]:
                titles[subject] = (rank, literal.value)
    return {subject: title for subject, (_, title) in titles.items()}


def render_text(results: Sequence[Result], shapes: ShapeCatalogue, data: str = "", limit: int | None = None) -> str:
    """Write results for a data steward: which record, which field, what was found, what to do.

    Args:
        results: of records (`Verdict.results`) or of any data.
        shapes: of the engine that made the results; gives fields their names.
        data: N-Triples in which the titles of records are looked up; may be empty.
        limit: at most so many records in detail; None for all. The counts are always whole.

    Returns:
        Text that ends with a line feed. Records with violations come first.
    """
    groups: dict[str, list[Result]] = {}
    for result in results:
        groups.setdefault(_record_of(result), []).append(result)
    titles = find_titles(data, groups)
    ordered = sorted(groups.items(), key=lambda item: (_SEVERITY_ORDER.index(_worst(item[1])), item[0]))
    lines: list[str] = []
    for record, found in ordered[:limit]:
        lines.append(f"{record}  “{titles[record]}”" if record in titles else record)
        for result in sorted(found, key=lambda r: (_SEVERITY_ORDER.index(r.severity), r.focus_node, r.path or "")):
            lines += _write_result(result, record, shapes)
        lines.append("")
    if limit is not None and len(ordered) > limit:
        lines += [f"… and {len(ordered) - limit} more with results.", ""]
    lines.append(_conclude(results, ordered))
    return "\n".join(lines) + "\n"


def _write_result(result: Result, record: str, shapes: ShapeCatalogue) -> Iterator[str]:
    name = shapes.describe_field(result).name or (shorten_term(result.path) if result.path else "")
    yield f"  {_LABELS[result.severity]}: {f'{name}: ' if name else ''}{result.message}"
    if result.value is not None and result.value != result.focus_node:
        yield f"    found: {shorten_term(result.value)}"
    if result.focus_node not in {f"<{record}>", record}:
        yield f"    at: {shorten_term(result.focus_node)}"


def _conclude(results: Sequence[Result], groups: Sequence[tuple[str, Sequence[Result]]]) -> str:
    counts = count_severities(results)
    parts = [
        f"{count} {_LABELS[severity] if count == 1 else _PLURALS[severity]}"
        for severity, count in counts.items()
        if count
    ]
    if not parts:
        return "Conforms: nothing to correct."
    where = f" in {len(groups)} {'record' if len(groups) == 1 else 'records'}"
    return f"{'Does not conform' if counts['violation'] else 'Conforms'}: {', '.join(parts)}{where}."


def _record_of(result: Result) -> str:
    return result.record or result.focus_node.removeprefix("<").removesuffix(">")


def _worst(results: Sequence[Result]) -> Severity:
    return min((result.severity for result in results), key=_SEVERITY_ORDER.index)


def render_json(results: Sequence[Result], shapes: ShapeCatalogue, data: str = "") -> str:
    """Write results as a JSON document: `conforms`, `counts`, `summary` (see `summarise`) and all `results`.

    Terms are in N-Triples syntax; `record` is an IRI, `field` the name of the property for people.
    """
    titles = find_titles(data, {_record_of(result) for result in results})
    document: Mapping[str, object] = {
        "conforms": all(result.severity != "violation" for result in results),
        "counts": count_severities(results),
        "summary": summarise(results),
        "results": [
            {
                "record": _record_of(result),
                "title": titles.get(_record_of(result)),
                "focus_node": result.focus_node,
                "field": shapes.describe_field(result).name or None,
                "path": result.path,
                "value": result.value,
                "severity": result.severity,
                "component": result.component,
                "message": result.message,
                "shape": result.shape,
            }
            for result in results
        ],
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def render_turtle(results: Sequence[Result]) -> str:
    """Write results as a `sh:ValidationReport` in Turtle. Source: SHACL §3.6, Validation Report.

    `sh:resultPath` is given for properties; a compound path would need the shapes' own nodes and is left out.
    """
    report = BlankNode("report")
    conforms = "false" if any(result.severity == "violation" for result in results) else "true"
    triples = [
        Triple(report, NamedNode(f"{RDF}type"), NamedNode(f"{SH}ValidationReport")),
        Triple(report, NamedNode(f"{SH}conforms"), Literal(conforms, datatype=NamedNode(f"{XSD}boolean"))),
    ]
    for number, result in enumerate(results, 1):
        node = BlankNode(f"result{number}")
        triples.append(Triple(report, NamedNode(f"{SH}result"), node))
        triples += describe_result(node, result)
    data = serialize(triples, format=RdfFormat.TURTLE, prefixes=PREFIXES)
    return (data or b"").decode()


def describe_result(node: NamedNode | BlankNode, result: Result) -> list[Triple]:
    """Return one result as RDF. Source: SHACL §3.6.2, Validation Result."""
    properties: list[tuple[str, NamedNode | BlankNode | Literal]] = [
        (f"{RDF}type", NamedNode(f"{SH}ValidationResult")),
        (f"{SH}focusNode", read_term(result.focus_node)),
        (f"{SH}resultSeverity", severity_term(result.severity)),
        (f"{SH}sourceConstraintComponent", NamedNode(f"{SH}{result.component}")),
        (f"{SH}resultMessage", Literal(result.message, language="en")),
    ]
    if result.path is not None and result.path.startswith("<"):
        properties.append((f"{SH}resultPath", read_term(result.path)))
    if result.value is not None:
        properties.append((f"{SH}value", read_term(result.value)))
    if result.shape is not None:
        properties.append((f"{SH}sourceShape", read_term(result.shape)))
    return [Triple(node, NamedNode(predicate), value) for predicate, value in properties]


def severity_term(severity: Severity) -> NamedNode:
    """Return SHACL's IRI of a severity."""
    return NamedNode(f"{SH}{severity.capitalize()}")


def read_term(term: str) -> NamedNode | BlankNode | Literal:
    """Parse one term in N-Triples syntax."""
    quad = next(iter(parse(f"<urn:s> <urn:p> {term} .\n".encode(), format=RdfFormat.N_TRIPLES)))
    node = quad.object
    if not isinstance(node, NamedNode | BlankNode | Literal):
        raise TypeError(f"not a term of RDF 1.1: {term}")
    return node
