"""The report graph: RDF without blank nodes, the same for the same facts, queryable."""

from dataclasses import replace

import pytest
from pyoxigraph import RdfFormat, Store

from qlink_ld.model import FieldUse, HarvestReport, Issue, Probe, Result, Severity
from qlink_ld.namespaces import DCTERMS, DQV, PROV, REPORT, SH, Iris
from qlink_ld.validate.report import summarise
from qlink_ld.validate.report_graph import build_report_graph, describe_report_terms

IRIS = Iris("https://courses.example.eu/")
GRAPH = "https://courses.example.eu/graphs/reports/NL0028"
_SEVERITIES: tuple[Severity, ...] = ("warning", "warning", "violation")
RESULTS = tuple(
    Result(
        f"<https://courses.example.eu/courses/NL0028/{number}>",
        f"<{DCTERMS}title>",
        "MinCountConstraintComponent",
        severity,
        '"x\\n"@en' if number == 1 else None,
        f"A {severity}.",
        "<urn:qlink-ld:shapes:LearningOpportunitySpecification-title-required>",
        f"https://courses.example.eu/courses/NL0028/{number}",
    )
    for number, severity in enumerate(_SEVERITIES)
)
HARVEST = HarvestReport(
    "NL0028",
    "University of Twente",
    "published",
    harvested=150,
    published=149,
    refused=1,
    instances=300,
    warnings=3,
    seconds=1.5,
    harvested_at="2026-05-01T12:00:00Z",
    sources=({"id": "ooapi", "url": "https://api.utwente.nl/v5/", "type": "ooapi", "version": "5", "digest": "ab"},),
    issues=(Issue("page-unreadable", "Page 3 is not JSON. Ask the provider.", position="page 3", record="INF 1"),),
    fields=(
        FieldUse("courses", "studyLoad.value", "mapped", 150),
        FieldUse("courses", "ext.x", "unmapped", 2, "", "7"),
    ),
)


@pytest.fixture
def store() -> Store:
    store = Store()
    store.load(build_report_graph(HARVEST, RESULTS, IRIS).encode(), format=RdfFormat.N_TRIPLES)
    return store


def _ask(store: Store, pattern: str) -> bool:
    prefixes = f"PREFIX sh: <{SH}> PREFIX dqv: <{DQV}> PREFIX prov: <{PROV}> PREFIX r: <{REPORT}> PREFIX d: <{DCTERMS}>"
    return bool(store.query(f"{prefixes} ASK {{ {pattern} }}"))


def test_it_is_sorted_and_without_blank_nodes() -> None:
    text = build_report_graph(HARVEST, RESULTS, IRIS)
    lines = text.splitlines()
    assert lines == sorted(set(lines))
    assert all(line.startswith("<") and "_:" not in line for line in lines)


def test_same_facts_same_bytes_whatever_the_order_and_the_time_that_it_took() -> None:
    again = build_report_graph(replace(HARVEST, seconds=99.0), tuple(reversed(RESULTS)), IRIS)
    assert again == build_report_graph(HARVEST, RESULTS, IRIS)


def test_one_more_issue_adds_lines_and_changes_none() -> None:
    before = set(build_report_graph(HARVEST, RESULTS, IRIS).splitlines())
    issues = (Issue("other", "Something else."), *HARVEST.issues)
    assert before < set(build_report_graph(replace(HARVEST, issues=issues), RESULTS, IRIS).splitlines())


def test_results_are_a_validation_report_about_the_institution(store: Store) -> None:
    assert _ask(
        store,
        f"<{GRAPH}#validation> a sh:ValidationReport ; sh:conforms false ;"
        " d:subject <https://courses.example.eu/institutions/NL0028> ; sh:result ?r ."
        " ?r sh:focusNode <https://courses.example.eu/courses/NL0028/2> ; sh:resultSeverity sh:Violation ;"
        " sh:sourceConstraintComponent sh:MinCountConstraintComponent ; sh:resultPath d:title ;"
        ' sh:resultMessage "A violation."@en ; r:record <https://courses.example.eu/courses/NL0028/2>',
    )
    assert _ask(store, '?r sh:value "x\\n"@en')


def test_counts_are_measurements_of_the_published_graph(store: Store) -> None:
    graph = "<https://courses.example.eu/graphs/institutions/NL0028>"
    for name, value in {"harvested": 150, "published": 149, "refused": 1, "violations": 1, "warnings": 3}.items():
        assert _ask(
            store,
            f"{graph} dqv:hasQualityMeasurement ?m . ?m a dqv:QualityMeasurement ; dqv:isMeasurementOf r:{name} ;"
            f" dqv:computedOn {graph} ; dqv:value {value}",
        ), name


def test_the_harvest_is_an_activity_with_its_sources(store: Store) -> None:
    assert _ask(
        store,
        f'<{GRAPH}#harvest> a prov:Activity ; prov:endedAtTime ?at ; r:status "published" ; prov:used ?source ;'
        " prov:generated <https://courses.example.eu/graphs/institutions/NL0028> ."
        ' ?source prov:atLocation <https://api.utwente.nl/v5/> ; d:identifier "ooapi" ; d:hasVersion "5"',
    )


def test_issues_and_fields_are_told(store: Store) -> None:
    assert _ask(
        store,
        '?h r:issue ?i . ?i r:code "page-unreadable" ; r:position "page 3" ; r:record "INF 1" ; r:count 1 ;'
        ' d:description "Page 3 is not JSON. Ask the provider."@en ; sh:resultSeverity sh:Warning',
    )
    assert _ask(store, '?h r:fieldUse ?f . ?f r:field "ext.x" ; r:outcome "unmapped" ; r:count 2 ; r:value "7"')


def test_beyond_the_limit_results_are_counted_and_the_rest_is_stated() -> None:
    store = Store()
    text = build_report_graph(HARVEST, RESULTS, IRIS, max_results=1)
    store.load(text.encode(), format=RdfFormat.N_TRIPLES)
    assert _ask(store, "?v r:omittedResults 2 ; sh:result ?r . ?r sh:resultSeverity sh:Violation")
    assert not _ask(store, "?v sh:result ?r . ?r sh:resultSeverity sh:Warning")
    assert _ask(store, "?v r:resultCount ?c . ?c r:count 2 ; sh:resultSeverity sh:Warning ; sh:resultPath d:title")


def test_a_conforming_harvest_without_anything_is_a_report_too() -> None:
    text = build_report_graph(HarvestReport("NL0028", 'Name "x"', "failed", error="Nobody answered."), (), IRIS)
    store = Store()
    store.load(text.encode(), format=RdfFormat.N_TRIPLES)
    assert _ask(store, f'<{GRAPH}#validation> sh:conforms true . <{GRAPH}#harvest> r:error "Nobody answered."')


def test_blank_nodes_of_validated_data_get_iris_of_the_report() -> None:
    result = replace(RESULTS[0], focus_node="_:b1", value="_:b2", path="(<urn:a>/<urn:b>)")
    text = build_report_graph(HARVEST, [result], IRIS)
    assert f"<{GRAPH}#blank-b1>" in text
    assert f"<{GRAPH}#blank-b2>" in text
    assert "_:b" not in text


def test_every_term_of_our_own_is_described(store: Store) -> None:
    described = Store()
    described.load(describe_report_terms().encode(), format=RdfFormat.N_TRIPLES)
    everything = build_report_graph(
        replace(
            HARVEST,
            error="x",
            issues=(Issue("c", "m", source="s", record="r", field="f", value="v", position="p"),),
            fields=(FieldUse("r", "p", "ignored", 1, "reason", "example"),),
            probes=(Probe("d", "dns-txt", "dns:d?type=TXT", "no-record", "m", "a"),),
        ),
        RESULTS,
        IRIS,
        max_results=0,
    )
    used = {word for line in everything.splitlines() for word in line.split() if word.startswith(f"<{REPORT}")}
    terms = {str(quad.subject) for quad in described}
    assert used <= terms
    assert terms - used == set()
    assert summarise(RESULTS)[0]["count"] == 2


def test_d_15_probes_are_in_the_graph_in_their_order() -> None:
    domain = "uni-x.example"
    probes = (
        Probe(
            domain, "dns-txt", f"dns:{domain}?type=TXT", "no-record", "the domain has no TXT record", at="2026-05-01"
        ),
        Probe(
            domain, "well-known", f"https://{domain}/m", "forbidden", "it wants credentials", "let everybody read it"
        ),
    )
    text = build_report_graph(replace(HARVEST, probes=probes), RESULTS, IRIS)
    store = Store()
    store.load(text.encode(), format=RdfFormat.N_TRIPLES)
    assert _ask(
        store,
        '?harvest r:probe ?one, ?two . ?one r:order 1 ; r:mechanism "dns-txt" ; r:outcome "no-record" ; '
        f'prov:atLocation <dns:{domain}?type=TXT> . ?two r:order 2 ; r:domain "{domain}" ; '
        f'd:description "it wants credentials"@en ; r:advice "let everybody read it"@en',
    )
    later = tuple(replace(probe, at="2027-01-01", seconds=5.0) for probe in probes)
    assert build_report_graph(replace(HARVEST, probes=later), RESULTS, IRIS) == text
