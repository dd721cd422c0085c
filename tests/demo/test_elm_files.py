import json
from collections import Counter

import pytest
from pyoxigraph import BlankNode, Literal, NamedNode, Quad, RdfFormat, Triple, parse, serialize

from qlink_ld.demo.elm_files import make_json_ld, make_n_triples, make_rdf_xml, make_turtle
from qlink_ld.demo.sample_universities import load_catalogue
from qlink_ld.demo.teaching import read_teaching
from qlink_ld.demo.universities import NORDHAIN, THALASSIA, VALEMARE
from qlink_ld.model import Result
from qlink_ld.namespaces import DCTERMS, ELM, ELM_OLD, QL, RDF, XSD
from qlink_ld.validate.engine import load_engine
from qlink_ld.validate.records import validate_data

SITE = "https://www.uthalassia.example"


@pytest.fixture(scope="module")
def turtle() -> list[Quad]:
    return list(parse(make_turtle(), format=RdfFormat.TURTLE))


@pytest.fixture(scope="module")
def json_ld() -> list[Quad]:
    return list(parse(make_json_ld(), format=RdfFormat.JSON_LD))


@pytest.fixture(scope="module")
def results(turtle: list[Quad], json_ld: list[Quad]) -> tuple[Result, ...]:
    """What our shapes say of both files together, the old namespace and types written in the new way."""

    def renew(quad: Quad) -> list[Triple]:
        parts = [
            NamedNode(term.value.replace(ELM_OLD, ELM)) if isinstance(term, NamedNode) else term
            for term in (quad.subject, quad.predicate, quad.object)
        ]
        triples = [Triple(*parts)]  # type: ignore[arg-type]
        for old, new in (
            ("LearningAchievementSpecification", "LearningOpportunitySpecification"),
            ("LearningOpportunity", "LearningOpportunityInstance"),
        ):
            if parts[2] == NamedNode(ELM + old):
                triples.append(Triple(parts[0], parts[1], NamedNode(QL + new)))  # type: ignore[arg-type]
        return triples

    triples = [triple for quad in (*turtle, *json_ld) for triple in renew(quad)]
    data = serialize(triples, format=RdfFormat.N_TRIPLES)
    assert data is not None
    return validate_data(data.decode(), load_engine("shacl"))


def test_files_are_the_same_every_time() -> None:
    assert make_turtle() == make_turtle()
    assert make_json_ld() == make_json_ld()


def test_turtle_is_elm_3_3_without_blank_nodes(turtle: list[Quad]) -> None:
    assert not any(isinstance(term, BlankNode) for quad in turtle for term in (quad.subject, quad.object))
    assert not any(ELM_OLD in str(quad) for quad in turtle)


def test_json_ld_is_elm_3_1_with_blank_nodes(json_ld: list[Quad]) -> None:
    assert sum(isinstance(quad.subject, BlankNode) for quad in json_ld) > 100
    assert not any(ELM in str(quad) for quad in json_ld)
    assert "@graph" in json.loads(make_json_ld())


def test_files_hold_the_learning_opportunities_that_are_announced(turtle: list[Quad], json_ld: list[Quad]) -> None:
    kinds = Counter(
        quad.object.value
        for quad in (*turtle, *json_ld)
        if quad.predicate.value == f"{RDF}type" and isinstance(quad.object, NamedNode)
    )
    assert kinds[f"{QL}LearningOpportunitySpecification"] == 39
    assert kinds[f"{ELM_OLD}LearningAchievementSpecification"] == 18
    assert kinds[f"{QL}LearningOpportunityInstance"] == 63
    assert kinds[f"{ELM_OLD}LearningOpportunity"] == 30


def test_only_the_documented_records_violate_the_profile(results: tuple[Result, ...]) -> None:
    violations = [(r.focus_node, r.path, r.component) for r in results if r.severity == "violation"]
    assert sorted(violations, key=str) == [
        (f"<{SITE}/courses/DEMO-DATE>", f"<{DCTERMS}modified>", "DatatypeConstraintComponent"),
        (f"<{SITE}/courses/DEMO-FOREIGN>", f"<{DCTERMS}publisher>", "ClassConstraintComponent"),
        (f"<{SITE}/courses/DEMO-NO-EQF>", f"<{ELM}EQFLevel>", "MinCountConstraintComponent"),
    ]


def test_conforming_records_leave_nothing_to_recommend(results: tuple[Result, ...]) -> None:
    assert [r for r in results if r.severity != "violation"] == []


def test_the_foreign_course_names_the_other_university(turtle: list[Quad]) -> None:
    publishers = Counter(
        quad.object.value
        for quad in turtle
        if quad.predicate.value == f"{DCTERMS}publisher" and isinstance(quad.object, NamedNode)
    )
    assert publishers == {THALASSIA.organisation_iri: 38, NORDHAIN.organisation_iri: 1}


def test_the_wrong_date_is_a_date(turtle: list[Quad]) -> None:
    wrong = Literal("2026-05-04", datatype=NamedNode(f"{XSD}date"))
    assert [str(quad.subject) for quad in turtle if quad.object == wrong] == [f"<{SITE}/courses/DEMO-DATE>"]


def test_rdf_xml_and_n_triples_of_any_catalogue_conform() -> None:
    teaching = read_teaching(VALEMARE, load_catalogue(VALEMARE, "valemare", generated=16))
    xml = make_rdf_xml(teaching, teaching.programmes)
    lines = make_n_triples(teaching, teaching.courses)
    assert xml.startswith(b"<?xml")
    assert b"<rdf:RDF" in xml[:200]
    triples = [quad.triple for quad in parse(xml, format=RdfFormat.RDF_XML)]
    assert len(list(parse(lines, format=RdfFormat.N_TRIPLES))) == len(lines.splitlines())
    kinds = Counter(
        triple.object.value.partition("#")[2]
        for triple in (*triples, *(quad.triple for quad in parse(lines, format=RdfFormat.N_TRIPLES)))
        if triple.predicate.value == f"{RDF}type" and isinstance(triple.object, NamedNode)
    )
    assert kinds["LearningOpportunitySpecification"] == len(teaching.courses) + len(teaching.programmes)
    assert kinds["LearningOpportunitySpecificationReference"] == 4
    data = serialize(triples, format=RdfFormat.N_TRIPLES)
    assert data is not None
    results = validate_data(data.decode() + lines.decode(), load_engine("shacl"))
    assert [result for result in results if result.severity == "violation"] == []
