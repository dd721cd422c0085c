"""The report graph of an institution: how it was harvested and validated, as RDF that anybody can query.

Vocabularies: SHACL for results, DQV for counts, PROV for the harvest. What they have no term for (issues, the use of a
source's fields) is in a small vocabulary of our own, which `describe_report_terms` documents. Nodes get IRIs from their
content, so that the same facts give the same lines and two reports differ where their facts do. How long a run took is
not in it, for the same reason.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from pyoxigraph import BlankNode, Literal, NamedNode, Triple

from qlink_ld.model import FieldUse, HarvestReport, Issue, Probe, Result, canonical_json
from qlink_ld.namespaces import DCTERMS, DQV, PROV, RDF, RDFS, REPORT, SH, SKOS, XSD, Iris
from qlink_ld.ntriples import write_triples
from qlink_ld.validate.engine import sort_results
from qlink_ld.validate.report import describe_result, read_term, severity_term, summarise

DEFAULT_MAX_RESULTS: Final = 10_000  # results in full; beyond, only their counts by kind

_METRICS: Final[dict[str, tuple[str, str]]] = {
    "harvested": ("learning opportunities harvested", "How many learning opportunities the sources gave."),
    "published": ("learning opportunities published", "How many learning opportunities are in the published graph."),
    "refused": ("learning opportunities refused", "How many were not published, since they do not conform."),
    "instances": ("instances published", "How many instances (offerings) are in the published graph."),
    "violations": ("violations", "How many SHACL results of the severity violation there are."),
    "warnings": ("warnings", "How many warnings there are, of validation and of harvesting and mapping."),
}
_CLASSES: Final[dict[str, tuple[str, str]]] = {
    "Issue": ("issue", "Something that was noticed while harvesting or mapping, for the data steward."),
    "Probe": ("probe", "A place where a manifest was looked for, and what came of it."),
    "FieldUse": ("use of a field", "How often a field of the source was seen, and what became of it."),
    "ResultCount": ("number of results", "How many SHACL results of one kind there are, with an example."),
}
_PROPERTIES: Final[dict[str, tuple[str, str]]] = {
    "issue": ("issue", "An issue of this report."),
    "fieldUse": ("use of a field", "The use of a field, in this report."),
    "resultCount": ("number of results", "The number of results of one kind, in this report."),
    "status": ("status", "How the harvest ended: published, unchanged, held or failed."),
    "error": ("error", "Why the harvest failed or was held."),
    "code": ("code", "The kind of issue, as a stable word."),
    "source": ("source", "The data source of the institution, by its id."),
    "record": ("record", "The record that this is about: its IRI, or its key at the source."),
    "field": ("field", "The path of a field in the source's records."),
    "value": ("value", "An example of the value."),
    "position": ("position", "Where it is in the source."),
    "count": ("count", "How often it occurred."),
    "resource": ("resource", "The kind of record of the source that has the field."),
    "outcome": ("outcome", "What became of the field: mapped, ignored, unmapped or dropped; or of a probe."),
    "reason": ("reason", "Why the field was ignored or dropped."),
    "probe": ("probe", "A place where the institution's manifest was looked for, for this harvest."),
    "order": ("order", "The number of a probe in the search, from 1."),
    "mechanism": ("mechanism", "How it was looked for: dns-txt, well-known, or configured."),
    "domain": ("domain", "The domain of the institution that was asked."),
    "advice": ("advice", "What to do about the outcome of a probe."),
    "omittedResults": ("omitted results", "How many results are counted but not described one by one."),
}

_Term = NamedNode | BlankNode | Literal


def build_report_graph(
    report: HarvestReport,
    results: Sequence[Result],
    iris: Iris,
    *,
    max_results: int | None = DEFAULT_MAX_RESULTS,
) -> str:
    """Describe one harvest of one institution.

    Args:
        report: what the pipeline says of the harvest. Of each of `sources` the keys `id`, `url` (or `path`), `type`,
            `version` and `digest` (or `sha256`) are used if they are there.
        results: all SHACL results of its records and its own description.
        iris: mints the IRIs of the deployment.
        max_results: so many results are described one by one, violations first; None for all. The number of the
            others is stated, and all are in the counts by kind.

    Returns:
        Sorted N-Triples without blank nodes, for the named graph `iris.report_graph(report.institution)`.
    """
    graph = iris.report_graph(report.institution)
    published = NamedNode(iris.institution_graph(report.institution))
    harvest, validation = NamedNode(f"{graph}#harvest"), NamedNode(f"{graph}#validation")
    triples: list[Triple] = []

    def state(subject: NamedNode, predicate: str, *values: _Term | None) -> None:
        triples.extend(Triple(subject, NamedNode(predicate), value) for value in values if value is not None)

    institution = NamedNode(iris.institution(report.institution))
    state(validation, f"{RDF}type", NamedNode(f"{SH}ValidationReport"))
    state(validation, f"{SH}conforms", _boolean(all(result.severity != "violation" for result in results)))
    state(validation, f"{DCTERMS}subject", institution)
    state(validation, f"{PROV}wasGeneratedBy", harvest)
    state(harvest, f"{RDF}type", NamedNode(f"{PROV}Activity"))
    state(harvest, f"{RDFS}label", Literal(f"Harvest of {report.name}", language="en"))
    state(harvest, f"{PROV}endedAtTime", _date_time(report.harvested_at))
    state(harvest, f"{PROV}generated", published, validation)
    state(harvest, f"{REPORT}status", Literal(report.status))
    state(harvest, f"{REPORT}error", _text(report.error))
    triples += _describe_probes(graph, harvest, report.probes)
    triples += _describe_sources(graph, harvest, report.sources)
    triples += _describe_measurements(graph, published, report, results)
    triples += _describe_results(graph, validation, results, max_results)
    triples += _describe_issues(graph, harvest, report.issues)
    triples += _describe_fields(graph, harvest, report.fields)
    return write_triples(_without_blank_nodes(triples, graph))


def describe_report_terms() -> str:
    """Return, as sorted N-Triples, what the terms of our own in report graphs mean: metrics, classes, properties."""
    triples: list[Triple] = []
    for kind, terms in (
        (f"{DQV}Metric", _METRICS),
        (f"{RDFS}Class", _CLASSES),
        (f"{RDF}Property", _PROPERTIES),
    ):
        for name, (label, definition) in terms.items():
            term = NamedNode(f"{REPORT}{name}")
            triples.append(Triple(term, NamedNode(f"{RDF}type"), NamedNode(kind)))
            triples.append(Triple(term, NamedNode(f"{RDFS}label"), Literal(label, language="en")))
            triples.append(Triple(term, NamedNode(f"{SKOS}definition"), Literal(definition, language="en")))
            if kind == f"{DQV}Metric":
                triples.append(Triple(term, NamedNode(f"{DQV}expectedDataType"), NamedNode(f"{XSD}integer")))
    return write_triples(triples)


def _describe_probes(graph: str, harvest: NamedNode, probes: Iterable[Probe]) -> list[Triple]:
    """Say how the manifest was looked for; when is in the JSON report only, so that the same search is the same RDF."""
    triples: list[Triple] = []
    for number, probe in enumerate(probes, 1):
        node = _mint(graph, "probe", number, probe.mechanism, probe.domain, probe.url, probe.outcome, probe.message)
        triples += _describe(
            node,
            (f"{RDF}type", NamedNode(f"{REPORT}Probe")),
            (f"{REPORT}order", _integer(number)),
            (f"{REPORT}mechanism", Literal(probe.mechanism)),
            (f"{REPORT}domain", _text(probe.domain)),
            (f"{PROV}atLocation", _link(probe.url)),
            (f"{REPORT}outcome", Literal(probe.outcome)),
            (f"{DCTERMS}description", Literal(probe.message, language="en")),
            (f"{REPORT}advice", Literal(probe.advice, language="en") if probe.advice else None),
        )
        triples.append(Triple(harvest, NamedNode(f"{REPORT}probe"), node))
    return triples


def _describe_sources(graph: str, harvest: NamedNode, sources: Iterable[Mapping[str, object]]) -> list[Triple]:
    triples: list[Triple] = []
    for source in sources:
        identifier = str(source.get("id", ""))
        url = str(source.get("url") or source.get("path") or "")
        node = _mint(graph, "source", identifier, url)
        triples += _describe(
            node,
            (f"{RDF}type", NamedNode(f"{PROV}Entity")),
            (f"{DCTERMS}identifier", _text(identifier)),
            (f"{PROV}atLocation", _link(url)),
            (f"{DCTERMS}type", _text(source.get("type"))),
            (f"{DCTERMS}hasVersion", _text(source.get("version"))),
            (f"{DCTERMS}description", _text(source.get("digest") or source.get("sha256"), "SHA-256 {}")),
        )
        triples.append(Triple(harvest, NamedNode(f"{PROV}used"), node))
    return triples


def _describe_measurements(
    graph: str, published: NamedNode, report: HarvestReport, results: Iterable[Result]
) -> list[Triple]:
    values = {
        "harvested": report.harvested,
        "published": report.published,
        "refused": report.refused,
        "instances": report.instances,
        "violations": sum(result.severity == "violation" for result in results),
        "warnings": report.warnings,
    }
    triples: list[Triple] = []
    for name, value in values.items():
        node = NamedNode(f"{graph}#measurement-{name}")
        triples += _describe(
            node,
            (f"{RDF}type", NamedNode(f"{DQV}QualityMeasurement")),
            (f"{DQV}isMeasurementOf", NamedNode(f"{REPORT}{name}")),
            (f"{DQV}computedOn", published),
            (f"{DQV}value", _integer(value)),
        )
        triples.append(Triple(published, NamedNode(f"{DQV}hasQualityMeasurement"), node))
    return triples


def _describe_results(
    graph: str, validation: NamedNode, results: Sequence[Result], max_results: int | None
) -> list[Triple]:
    triples: list[Triple] = []
    ordered = sorted(sort_results(results), key=lambda result: result.severity != "violation")
    for result in ordered[:max_results]:
        node = _mint(graph, "result", *(getattr(result, name) for name in Result.__slots__))
        triples += describe_result(node, result)
        triples += _describe(node, (f"{REPORT}record", _link(result.record)))
        triples.append(Triple(validation, NamedNode(f"{SH}result"), node))
    if max_results is not None and len(results) > max_results:
        triples += _describe(validation, (f"{REPORT}omittedResults", _integer(len(results) - max_results)))
    for kind in summarise(results):
        node = _mint(graph, "count", *(kind[key] for key in ("shape", "path", "component", "severity", "message")))
        path, shape = str(kind["path"] or ""), kind["shape"]
        triples += _describe(
            node,
            (f"{RDF}type", NamedNode(f"{REPORT}ResultCount")),
            (f"{SH}resultPath", read_term(path) if path.startswith("<") else None),
            (f"{SH}sourceShape", read_term(str(shape)) if shape else None),
            (f"{SH}sourceConstraintComponent", NamedNode(f"{SH}{kind['component']}")),
            (f"{SH}resultSeverity", NamedNode(f"{SH}{str(kind['severity']).capitalize()}")),
            (f"{SH}resultMessage", Literal(str(kind["message"]), language="en")),
            (f"{SH}focusNode", read_term(str(kind["focus_node"]))),
            (f"{REPORT}count", _integer(int(str(kind["count"])))),
        )
        triples.append(Triple(validation, NamedNode(f"{REPORT}resultCount"), node))
    return triples


def _describe_issues(graph: str, harvest: NamedNode, issues: Iterable[Issue]) -> list[Triple]:
    triples: list[Triple] = []
    for issue in issues:
        node = _mint(graph, "issue", *(getattr(issue, name) for name in Issue.__slots__))
        triples += _describe(
            node,
            (f"{RDF}type", NamedNode(f"{REPORT}Issue")),
            (f"{REPORT}code", Literal(issue.code)),
            (f"{DCTERMS}description", Literal(issue.message, language="en")),
            (f"{SH}resultSeverity", severity_term(issue.severity)),
            (f"{REPORT}source", _text(issue.source)),
            (f"{REPORT}record", _link(issue.record)),
            (f"{REPORT}field", _text(issue.field)),
            (f"{REPORT}value", _text(issue.value)),
            (f"{REPORT}position", _text(issue.position)),
            (f"{REPORT}count", _integer(issue.count)),
        )
        triples.append(Triple(harvest, NamedNode(f"{REPORT}issue"), node))
    return triples


def _describe_fields(graph: str, harvest: NamedNode, fields: Iterable[FieldUse]) -> list[Triple]:
    triples: list[Triple] = []
    for use in fields:
        node = _mint(graph, "field", use.source, use.resource, use.path, use.outcome, use.reason)
        triples += _describe(
            node,
            (f"{RDF}type", NamedNode(f"{REPORT}FieldUse")),
            (f"{REPORT}source", _text(use.source)),
            (f"{REPORT}resource", Literal(use.resource)),
            (f"{REPORT}field", Literal(use.path)),
            (f"{REPORT}outcome", Literal(use.outcome)),
            (f"{REPORT}count", _integer(use.count)),
            (f"{REPORT}reason", _text(use.reason)),
            (f"{REPORT}value", _text(use.example)),
        )
        triples.append(Triple(harvest, NamedNode(f"{REPORT}fieldUse"), node))
    return triples


def _describe(subject: NamedNode, *statements: tuple[str, _Term | None]) -> list[Triple]:
    return [Triple(subject, NamedNode(predicate), value) for predicate, value in statements if value is not None]


def _mint(graph: str, kind: str, *content: object) -> NamedNode:
    """Return an IRI of the report graph that depends on the content only."""
    digest = hashlib.sha256(canonical_json(content).encode()).hexdigest()
    return NamedNode(f"{graph}#{kind}-{digest[:20]}")


def _text(value: object, form: str = "{}") -> Literal | None:
    return None if value is None or value == "" else Literal(form.format(value))


def _link(value: str | None) -> NamedNode | Literal | None:
    """Return an IRI as such, anything else as text; nothing for nothing."""
    if not value:
        return None
    try:
        return NamedNode(value)
    except ValueError:
        return Literal(value)


def _integer(value: int) -> Literal:
    return Literal(str(value), datatype=NamedNode(f"{XSD}integer"))


def _boolean(value: bool) -> Literal:
    return Literal("true" if value else "false", datatype=NamedNode(f"{XSD}boolean"))


def _date_time(value: str | None) -> Literal | None:
    return Literal(value, datatype=NamedNode(f"{XSD}dateTime")) if value else None


def _without_blank_nodes(triples: Iterable[Triple], graph: str) -> list[Triple]:
    """Give blank nodes of the validated data, which published records never hold, IRIs of the report."""
    return [
        Triple(triple.subject, triple.predicate, NamedNode(f"{graph}#blank-{triple.object.value}"))
        if isinstance(triple.object, BlankNode)
        else triple
        for triple in triples
    ]
