"""Course identifiers in what is published: from each API record, and as an ELM file states them."""

import json
from datetime import UTC, datetime

import pytest
from pyoxigraph import Literal, NamedNode, RdfFormat, Store

from qlink_ld.convert import Conversion, convert_document
from qlink_ld.model import Institution
from qlink_ld.namespaces import ADMS, ELM, OWL, QL, SKOS, Iris, course_urn
from qlink_ld.registry.describe import describe_institution

IRIS = Iris("https://courses.example.eu/")
UNI = Institution("XX0001", "X", schac="Uni-X.example")
NOW = datetime(2026, 5, 1, tzinfo=UTC)
TURTLE = """\
@prefix adms: <http://www.w3.org/ns/adms#> .
@prefix dcterms: <http://purl.org/dc/terms/> .
@prefix elm: <http://data.europa.eu/snb/model/ontology/> .
@prefix ql: <http://data.quality-link.eu/ontology/v1#> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
<%s> a ql:LearningOpportunitySpecification ; dcterms:title "Graphs"@en ; adms:identifier <%s#i> .
<%s#i> a elm:Identifier ; skos:notation "%s" .
"""


def convert(body: str, media_type: str, mapping: str) -> Conversion:
    return convert_document(body.encode(), media_type, "https://a.example/x", mapping, UNI, IRIS, NOW)


def convert_file(iri: str, code: str) -> tuple[Conversion, Store]:
    done = convert(TURTLE % (iri, iri, iri, code), "text/turtle", "elm")
    return done, load(done)


def load(done: Conversion) -> Store:
    store = Store()
    store.load(done.ntriples.encode(), format=RdfFormat.N_TRIPLES)
    return store


def same_as(store: Store) -> set[str]:
    return {str(quad.object) for quad in store.quads_for_pattern(None, NamedNode(f"{OWL}sameAs"), None)}


def notations(store: Store) -> set[str]:
    values = (quad.object for quad in store.quads_for_pattern(None, NamedNode(f"{SKOS}notation"), None))
    return {value.value for value in values if isinstance(value, Literal)}


def test_c_01_an_institution_has_its_schac_code_and_its_orgreg_id() -> None:
    store = Store()
    store.load(describe_institution(UNI, (), IRIS).encode(), format=RdfFormat.N_TRIPLES)
    assert notations(store) == {"XX0001", "uni-x.example"}


def test_c_02_c_05_a_course_has_the_identifier_and_its_offering_has_not() -> None:
    offering = {"offeringId": "O1", "offeringType": "course", "name": [{"language": "en", "value": "Autumn"}]}
    course = {"courseId": "A/B:1", "name": [{"language": "en", "value": "Graphs"}], "offerings": [offering]}
    store = load(convert(json.dumps({"items": [course]}), "application/json", "ooapi-5"))
    urn = "urn:schac:uniqueCourseId:uni-x.example:A%2FB%3A1"
    subjects = {str(q.subject) for q in store.quads_for_pattern(None, NamedNode(f"{OWL}sameAs"), NamedNode(urn))}
    assert subjects == {f"<{IRIS.course('XX0001', 'A/B:1')}>"}
    assert urn in notations(store)
    kind = NamedNode(f"{QL}LearningOpportunitySpecification")
    assert {str(q.subject) for q in store.quads_for_pattern(None, None, kind)} == subjects


@pytest.mark.parametrize(
    "stated", ["urn:schac:uniqueCourseId:uni-x.example:INF-1", "did:web:uni-x.example:courseId:INF-1"]
)
def test_c_06_a_file_may_state_either_form(stated: str) -> None:
    done, store = convert_file("https://courses.example/1", stated)
    assert same_as(store) == {f"<{course_urn('uni-x.example', 'INF-1')}>"}
    assert not [issue for issue in done.issues if issue.code.startswith("course-identifier")]


def test_c_09_the_form_of_published_samples_is_accepted_with_a_warning_and_never_produced() -> None:
    done, store = convert_file("urn:schac:courseId:uni-x.example:INF-1", "INF-1")
    assert [issue.severity for issue in done.issues if issue.code == "course-identifier-form"] == ["warning"]
    assert done.records == 1
    assert same_as(store) == {"<urn:schac:uniqueCourseId:uni-x.example:INF-1>"}


def test_c_11_the_schac_code_of_somebody_else_is_reported_and_kept() -> None:
    stated = "urn:schac:uniqueCourseId:uni-y.example:INF-1"
    done, store = convert_file("https://courses.example/1", stated)
    (issue,) = [issue for issue in done.issues if issue.code == "course-identifier-foreign"]
    assert issue.value == stated
    assert same_as(store) == {f"<{stated}>"}
    assert stated in notations(store)


def test_identifiers_are_elm_identifiers() -> None:
    _, store = convert_file("https://courses.example/1", "INF-1")
    identifiers = {q.object for q in store.quads_for_pattern(None, NamedNode(f"{ADMS}identifier"), None)}
    for identifier in identifiers:
        assert not isinstance(identifier, Literal)
        assert list(store.quads_for_pattern(identifier, None, NamedNode(f"{ELM}Identifier")))
    assert len(identifiers) == 2
