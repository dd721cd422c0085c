"""Static ELM files: the same records from every serialisation, order and naming; nothing bad escapes."""

import random
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pyoxigraph import BlankNode, Dataset, NamedNode, Quad, RdfFormat, Triple, parse, serialize

from qlink_ld.demo.elm_files import make_json_ld, make_turtle
from qlink_ld.errors import UnreadableData
from qlink_ld.mapping import Account, load_mapping
from qlink_ld.mapping.elm import ElmMapper, compact, normalise_iri, read_rdf
from qlink_ld.model import DataSource, Institution, Record, Refusal
from qlink_ld.namespaces import Iris

SNB = "http://data.europa.eu/snb/model/"
URL = "https://source.example/elm"
PREFIXES = """@prefix ql: <http://data.quality-link.eu/ontology/v1#> .
@prefix elm: <http://data.europa.eu/snb/model/ontology/> .
@prefix dcterms: <http://purl.org/dc/terms/> .
@prefix adms: <http://www.w3.org/ns/adms#> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix ex: <https://ex.example/> .
"""
MapFile = Callable[..., tuple[list[Record], list[Refusal], Account]]


@pytest.fixture
def map_file(institution: Institution, iris: Iris) -> MapFile:
    def run(body: bytes | str, media_type: str = "text/turtle") -> tuple[list[Record], list[Refusal], Account]:
        data = (PREFIXES + body).encode() if isinstance(body, str) else body
        account = Account("elm")
        mapper = ElmMapper(load_mapping("elm"), institution, iris, account, date(2025, 10, 1))
        batches = list(mapper.map_file(data, DataSource("elm", "elm", URL), media_type, URL))
        entries = [entry for batch in batches for entry in batch]
        return (
            [entry for entry in entries if isinstance(entry, Record)],
            [entry for entry in entries if isinstance(entry, Refusal)],
            account,
        )

    return run


@pytest.mark.parametrize(
    ("iri", "expected"),
    [
        (f"{SNB}elm/Note", f"{SNB}ontology/Note"),
        ("https://data.europa.eu/snb/model/elm/Note", f"{SNB}ontology/Note"),
        ("https://data.europa.eu/snb/model/ontology/Note", f"{SNB}ontology/Note"),
        (f"{SNB[:-1]}#Note", f"{SNB}ontology/Note"),
        ("https://data.europa.eu/snb/model#Note", f"{SNB}ontology/Note"),
        (f"{SNB}elm", f"{SNB}ontology"),
        (f"{SNB}ap/loq-constraints/X", f"{SNB}application-profile/loq-constraints/X"),
        ("https://data.europa.eu/snb/model/ap/loq-constraints/X", f"{SNB}application-profile/loq-constraints/X"),
        (f"{SNB}ontology/Note", f"{SNB}ontology/Note"),
        (f"{SNB}w3c/vc/X", f"{SNB}w3c/vc/X"),
        (f"{SNB}elmo/X", f"{SNB}elmo/X"),
        ("http://data.europa.eu/snb/eqf/6", "http://data.europa.eu/snb/eqf/6"),
        ("https://example.org/http://data.europa.eu/snb/model/elm/", "https://example.org/http://data.europa.eu/snb/model/elm/"),
    ],
)  # fmt: skip
def test_namespaces_of_all_versions_become_that_of_3_3(iri: str, expected: str) -> None:
    assert normalise_iri(iri) == expected


def test_namespaces_are_normalised_in_every_position(map_file: MapFile) -> None:
    old = f"{SNB}elm/"
    records, _, _ = map_file(f"<{old}thing> a <{old}LearningAchievementSpecification> ; <{old}isPartOf> <{old}other> .")
    assert old not in records[0].ntriples
    assert records[0].iri == f"{SNB}ontology/thing"


@pytest.mark.parametrize("make", [make_turtle, make_json_ld])
def test_every_serialisation_gives_the_same_records(map_file: MapFile, make: Callable[[], bytes]) -> None:
    is_turtle = make is make_turtle
    form = RdfFormat.TURTLE if is_turtle else RdfFormat.JSON_LD
    triples = [quad.triple for quad in parse(make(), format=form, base_iri=URL)]
    expected, _, told = map_file(make(), "text/turtle" if is_turtle else "application/ld+json")
    assert len(expected) > 15
    others = [
        (RdfFormat.TURTLE, "text/turtle"),
        (RdfFormat.N_TRIPLES, "application/n-triples"),
        (RdfFormat.RDF_XML, "application/rdf+xml"),
        (RdfFormat.JSON_LD, "application/ld+json"),
    ]
    for other, media_type in others:
        data: Any = triples if other != RdfFormat.JSON_LD else [Quad(t.subject, t.predicate, t.object) for t in triples]
        records, _, account = map_file(serialize(data, format=other) or b"", media_type)
        assert records == expected
        assert account.issues == told.issues
        assert [(f.path, f.outcome, f.count) for f in account.fields] == [
            (f.path, f.outcome, f.count) for f in told.fields
        ]


def test_order_and_labels_of_a_file_change_nothing(map_file: MapFile) -> None:
    body = """
    [] a ql:LearningOpportunitySpecification ; dcterms:title "A"@en ;
      elm:learningOpportunity _:i, [ a ql:LearningOpportunityInstance ] .
    _:i a ql:LearningOpportunityInstance ; elm:learningAchievementSpecification ex:b, ex:c .
    ex:b a ql:LearningOpportunitySpecification ; elm:additionalNote _:n . ex:c a ql:LearningOpportunitySpecification .
    _:n a elm:Note ; elm:order _:m . _:m elm:order _:n .
    """
    triples = [quad.triple for quad in parse((PREFIXES + body).encode(), format=RdfFormat.TURTLE)]
    expected = map_file(body)
    for seed in range(8):
        dice = random.Random(seed)
        labels: dict[str, str] = {}

        def label(node: object, dice: random.Random = dice, labels: dict[str, str] = labels) -> object:
            if isinstance(node, BlankNode):
                return BlankNode(labels.setdefault(node.value, f"l{dice.getrandbits(40)}"))
            return node

        other = [Triple(label(t.subject), t.predicate, label(t.object)) for t in triples]  # type: ignore[arg-type]
        dice.shuffle(other)
        records, refusals, account = map_file(
            serialize(other, format=RdfFormat.N_TRIPLES) or b"", "application/n-triples"
        )
        assert (records, refusals, account.issues) == (expected[0], expected[1], expected[2].issues)
        assert account.fields == expected[2].fields


def test_instances_that_say_the_same_stay_apart(map_file: MapFile) -> None:
    same = "elm:learningOpportunity [ a ql:LearningOpportunityInstance ; adms:identifier [ skos:notation '1' ] ]"
    records, _, _ = map_file(
        f"ex:a a ql:LearningOpportunitySpecification ; {same} . ex:b a ql:LearningOpportunitySpecification ; {same} ."
        f"[] a ql:LearningOpportunitySpecification ; adms:identifier [ skos:notation '1' ] ; {same} ."
    )
    lines = "".join(record.ntriples for record in records).split("\n")
    links = [line.split(" ")[2] for line in lines if "ontology/learningOpportunity>" in line]
    assert sorted(links) == [
        "<https://ex.example/a#learningOpportunity-1>",
        "<https://ex.example/b#learningOpportunity-1>",
        "<https://example.org/courses/NL0028/1/instances/1>",
    ]


def test_courses_without_iri_share_a_code_but_not_an_iri(map_file: MapFile) -> None:
    records, _, _ = map_file(
        "[] a ql:LearningOpportunitySpecification ; dcterms:title 'A' ; adms:identifier [ skos:notation '1' ] ."
        "[] a ql:LearningOpportunitySpecification ; dcterms:title 'B' ; adms:identifier [ skos:notation '1' ] ."
    )
    assert len({record.iri for record in records}) == 2


def test_orphan_instances_are_records_without_a_specification(map_file: MapFile) -> None:
    records, _, _ = map_file(
        "ex:i a ql:LearningOpportunityInstance ; elm:learningAchievementSpecification ex:elsewhere ."
    )
    assert [(record.opportunities, record.instances) for record in records] == [(0, 1)]


def test_texts_with_unusual_line_ends_stay_whole(map_file: MapFile) -> None:
    text = "a\u2028b\u0085c\x1cd\x0be\rf"
    records, _, _ = map_file(
        f'ex:a a ql:LearningOpportunitySpecification ; dcterms:title "{text!s}"@en .'.replace("\r", "\\r")
    )
    (title,) = [
        quad.object.value
        for quad in parse(records[0].ntriples.encode(), format=RdfFormat.N_TRIPLES)
        if quad.predicate.value.endswith("title")
    ]
    assert title == text


def test_too_deep_a_record_costs_no_other(map_file: MapFile) -> None:
    deep = "elm:hasPart [ " * 150 + "elm:category 'x'" + " ]" * 150
    nameless = f"[] a ql:LearningOpportunitySpecification ; {deep} ."
    records, refusals, account = map_file(
        f"ex:bad a ql:LearningOpportunitySpecification ; {deep} . "
        f"ex:good a ql:LearningOpportunitySpecification . {nameless}"
    )
    assert [record.iri for record in records] == ["https://ex.example/good"]
    assert sorted(refusal.key for refusal in refusals) == [
        "(a learning opportunity without IRI)",
        "https://ex.example/bad",
    ]
    unreadable = [issue for issue in account.issues if issue.code == "record-unreadable"]
    assert [issue.severity for issue in unreadable] == ["violation"] * len(unreadable)
    assert sum(issue.count for issue in unreadable) == 2


def test_what_belongs_to_no_learning_opportunity_is_counted_as_unmapped(map_file: MapFile) -> None:
    records, _, account = map_file("ex:a dcterms:title 'Somebody', 'else' .")
    assert records == []
    assert [(use.path, use.outcome, use.count) for use in account.fields] == [("dcterms:title", "unmapped", 2)]


def test_each_statement_of_a_file_is_accounted_for(map_file: MapFile) -> None:
    _, _, account = map_file(make_turtle())
    assert sum(use.count for use in account.fields) == len(list(parse(make_turtle(), format=RdfFormat.TURTLE)))


def test_quoted_triples_are_reported(map_file: MapFile) -> None:
    body = b'<urn:x:a> <urn:x:p> <<( <urn:x:s> <urn:x:p> "o" )>> .'
    records, _, account = map_file(body, "application/n-triples")
    assert records == []
    assert [issue.code for issue in account.issues] == ["quoted-triple"]


@pytest.mark.parametrize(
    ("body", "media_type", "words"),
    [
        (b"@prefix ex: <urn:x:> .\nex:a ex:b ex:c .\nex:a ex:b .", "text/turtle", r"elm:3: not valid Turtle"),
        (b"<rdf:RDF", "application/rdf+xml", r"source\.example/elm.*not valid RDF/XML"),
        (b"<urn:a> <urn:b>", "application/n-triples", "not valid N-Triples"),
        (b"{", "application/ld+json", "not JSON"),
        (b'{"@id": 5}', "application/ld+json", "not valid JSON-LD"),
        (
            b'{"@context": "https://schema.example/c.jsonld", "@id": "urn:x:a", "b": "c"}',
            "application/ld+json",
            "names the JSON-LD context https://schema.example/c.jsonld, and contexts are never fetched; put its terms",
        ),
        (b"\xfa\x00", "text/turtle", "not valid Turtle"),
        (b"[" * 100_000, "application/ld+json", "not JSON"),
        (b'{"a":' * 50_000, "application/ld+json", "not JSON"),
        (b'{"@id": "urn:x:a"}\n{"@id": "urn:x:b"}\n', "application/ld+json", "one JSON document on each line"),
        (b"@prefix x: <urn:x:> .\n{ ?a x:p ?b } => { ?b x:p ?a } .", "text/n3", "elm:2: not valid Turtle.*Notation3"),
    ],
)  # fmt: skip
def test_what_cannot_be_parsed_says_where_and_what_to_do(
    map_file: MapFile, body: bytes, media_type: str, words: str
) -> None:
    with pytest.raises(UnreadableData, match=words):
        map_file(body, media_type)


def test_the_official_example_becomes_three_records(map_file: MapFile, shared: Path) -> None:
    records, refusals, account = map_file((shared / "samples/elm/AT0002.ttl").read_bytes())
    assert refusals == []
    assert [(record.iri, record.opportunities, record.instances) for record in records] == [
        ("http://course.are.cool/123", 1, 0),
        ("urn:schac:courseId:uni-lj.si:123", 1, 0),
        ("http://data.quality-link.eu/examples/learning-opportunity/4711/sose2025", 0, 1),
    ]
    assert [issue.code for issue in account.issues] == ["course-identifier-form"]
    dataset = Dataset(
        Quad(q.subject, q.predicate, q.object)
        for record in records
        for q in parse(record.ntriples.encode(), format=RdfFormat.N_TRIPLES)
    )
    assert f"{SNB}elm/" not in "".join(record.ntriples for record in records)
    assert not any(isinstance(term, BlankNode) for quad in dataset for term in (quad.subject, quad.object))
    outcomes = {str(q.object) for q in dataset if q.predicate == NamedNode(f"{SNB}ontology/learningOutcome")}
    assert len(outcomes) == 4
    assert {use.outcome for use in account.fields} == {"mapped"}
    narrow = NamedNode("http://data.quality-link.eu/ontology/v1#ISCEDFNarrowField")
    assert {str(q.object) for q in dataset if q.predicate == narrow} == {"<http://data.europa.eu/snb/isced-f/061>"}


def test_rdf_for_validation_is_in_terms_of_3_3_with_the_profile_s_classes() -> None:
    body = f"<urn:x:a> a <{SNB}elm/Qualification> ; <{SNB}elm/note> [ a <{SNB}elm/Note> ] .".encode()
    text = read_rdf(body, "text/turtle", URL)
    assert "LearningOpportunitySpecification" in text
    assert f"{SNB}elm/" not in text
    assert "_:" in text


def test_iris_are_compacted_for_reports() -> None:
    assert compact(f"{SNB}ontology/Note") == "elm:Note"
    assert compact("https://ex.example/x") == "https://ex.example/x"


def test_what_the_description_of_the_institution_leads_to_is_no_stray(map_file: MapFile) -> None:
    records, _, account = map_file(
        """ex:course a elm:LearningAchievementSpecification ; dcterms:title "Logic"@en ; dcterms:publisher ex:us .
        ex:us a ql:HigherEducationInstitution ; elm:location ex:place ;
          adms:identifier [ a ql:SchacIdentifier ; elm:schemeId ql:Schac ; skos:notation "utwente.nl" ] .
        ex:place a dcterms:Location ; elm:address ex:address .
        ex:address a elm:Address ; elm:fullAddress ex:note .
        ex:stray a elm:Note ."""
    )
    assert len(records) == 1
    strays = [issue.value for issue in account.issues if issue.code == "not-a-learning-opportunity"]
    assert strays == ["https://ex.example/stray"]
    assert {use.reason for use in account.fields if "elm:address" in use.path} == {
        "the registry describes the institution"
    }
