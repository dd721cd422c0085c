"""RDF in every serialisation gives the same triples; single terms that are wrong cost nothing else."""

import orjson
import pytest
from pyoxigraph import BlankNode, Literal, NamedNode, RdfFormat, Triple, serialize

from qlink_ld.errors import UnreadableData
from qlink_ld.mapping.rdf_reader import Reading, read_triples
from qlink_ld.mapping.rdf_spec import RdfSpec
from qlink_ld.mapping.rdf_terms import Triple as TextTriple

U = "https://x.example/data"
A, B = NamedNode("https://x.example/a"), NamedNode("https://x.example/b")


def read(body: bytes | str, media_type: str | None = None) -> Reading:
    return read_triples(body.encode() if isinstance(body, str) else body, media_type, U, RdfSpec())


def text(*triples: Triple) -> list[TextTriple]:
    return [(str(t.subject), t.predicate.value, str(t.object)) for t in triples]


def told(reading: Reading) -> list[tuple[str, str]]:
    return [(problem.code, problem.value) for problem in reading.problems.values()]


def test_named_graphs_are_read_as_one_and_repetitions_once() -> None:
    reading = read("GRAPH <urn:x:g> { <a> <b> 'c' } GRAPH <urn:x:h> { <a> <b> 'c' . <a> <b> 'd' }", "application/trig")
    assert reading.triples == text(Triple(A, B, Literal("c")), Triple(A, B, Literal("d")))


def test_trig_that_is_served_as_turtle_is_read() -> None:
    assert len(read("@prefix g: <urn:x:> .\ng:a { <a> <b> <c> }", "text/turtle").triples) == 1


@pytest.mark.parametrize("form", [RdfFormat.TURTLE, RdfFormat.N_TRIPLES, RdfFormat.RDF_XML])
def test_what_was_written_is_read(form: RdfFormat) -> None:
    predicate = NamedNode("https://x.example/ns#p")
    triples = [Triple(A, predicate, Literal("x", language="sr-cyrl")), Triple(A, predicate, BlankNode("b"))]
    reading = read(serialize(triples, format=form) or b"")
    assert {value[:2] for _, _, value in reading.triples} == {'"x', "_:"}
    assert told(reading) == []


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("EN", "en"),
        ("en-GB", "en-gb"),
        ("eng", "en"),
        ("dut", "nl"),
        ("iw", "he"),
        ("sr-Latn", "sr-latn"),
        ("und", "und"),
    ],
)
def test_language_tags_get_their_canonical_form(tag: str, expected: str) -> None:
    for body in (
        f"<a> <b> 'x'@{tag} .",
        f'<https://x.example/a> <https://x.example/b> "x"@{tag} .\n',
        f'{{"@id": "a", "https://x.example/b": {{"@value": "x", "@language": "{tag}"}}}}',
        (
            '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:x="https://x.example/">'
            f'<rdf:Description rdf:about="a"><x:b xml:lang="{tag}">x</x:b></rdf:Description></rdf:RDF>'
        ),
    ):
        reading = read(body)
        assert reading.triples == text(Triple(A, B, Literal("x", language=expected))), body
        assert told(reading) == []


@pytest.mark.parametrize("tag", ["english", "xx", "e", "toolonglanguage", "en-toolongsubtag"])
def test_a_tag_that_is_none_costs_the_tag_only(tag: str) -> None:
    for body in (
        f"<a> <b> 'x'@{tag} .",
        f'{{"@id": "a", "https://x.example/b": {{"@value": "x", "@language": "{tag}"}}}}',
    ):
        reading = read(body)
        assert reading.triples == text(Triple(A, B, Literal("x")))
        assert told(reading) == [("language-tag-invalid", tag)]


def test_tags_with_an_underscore_are_mended_in_turtle() -> None:
    reading = read("<a> <b> 'x'@en_GB .\n<a> <b> \"mail me@en_GB\" .", "text/turtle")
    assert reading.triples == text(Triple(A, B, Literal("x", language="en-gb")), Triple(A, B, Literal("mail me@en_GB")))
    assert told(reading) == [("language-tag-mended", "en_GB")]


@pytest.mark.parametrize(
    "body",
    [
        "<a> <b> <https://x.example/c d{e}> . <https://[> <b> 'lost' . <a> <b> <https://[> . <a> <b> 'kept' .",
        """[{"@id": "a", "https://x.example/b": [{"@id": "https://x.example/c d{e}"}, {"@id": "https://["}, "kept"]},
            {"@id": "https://[", "https://x.example/b": "lost"}]""",
        (
            '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:x="https://x.example/">'
            '<rdf:Description rdf:about="a"><x:b rdf:resource="https://x.example/c d{e}"/><x:b>kept</x:b>'
            '<x:b rdf:resource="https://["/></rdf:Description>'
            '<rdf:Description rdf:about="https://["><x:b>lost</x:b></rdf:Description></rdf:RDF>'
        ),
    ],
    ids=["Turtle", "JSON-LD", "RDF/XML"],
)
def test_iris_that_are_none_are_mended_or_cost_their_statement_only(body: str) -> None:
    reading = read(body)
    assert sorted(reading.triples) == sorted(
        text(Triple(A, B, NamedNode("https://x.example/c%20d%7Be%7D")), Triple(A, B, Literal("kept")))
    )
    assert sorted(code for code, _ in told(reading)) == ["iri-invalid", "iri-mended"]
    assert sorted(reading.lost) == [("https://x.example/b", '"lost"'), ("https://x.example/b", "<https://[>")]


def test_a_wrong_content_type_is_told() -> None:
    assert told(read("<a> <b> 'c' .", "application/rdf+xml")) == [("content-type-wrong", "application/rdf+xml")]
    assert told(read("<a> <b> 'c' .", "text/plain")) == []


@pytest.mark.parametrize(
    ("body", "media_type", "words"),
    [
        ("<a> <b> 'c' .\n<a> <b>", "text/turtle", r"data:2: not valid Turtle"),
        ("<a> <b> <c> <d> <e> .", "application/n-quads", "data:1: not valid N-Quads"),
        ("<a> <b> 'c'", "text/turtle", "not valid Turtle"),
    ],
)
def test_a_file_that_is_cut_off_is_refused_whole(body: str, media_type: str, words: str) -> None:
    with pytest.raises(UnreadableData, match=words):
        read(body, media_type)


def test_quoted_triples_are_left_out_and_kept_for_the_report() -> None:
    reading = read("<a> <b> <<( <a> <b> 'c' )>> , 'd' .", "text/turtle")
    assert reading.triples == text(Triple(A, B, Literal("d")))
    assert len(reading.quoted) == 1


@pytest.mark.parametrize("part", ["c> <d", 'c" <d', "c\nd", "c .\n<e", "<", ">"])
def test_an_iri_cannot_pass_for_several_terms(part: str) -> None:
    for key in ("@id", "@type"):
        entry = {"@id": "a", "https://x.example/b": [{key: f"https://x.example/{part}"}, "kept"]}
        reading = read(orjson.dumps([entry]), "application/ld+json")
        assert text(Triple(A, B, Literal("kept")))[0] in reading.triples
        for subject, predicate, value in reading.triples:
            assert subject == str(A) or subject.startswith("_:")
            assert predicate in (B.value, "http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
            assert value[0] != "<" or value == str(NamedNode(value[1:-1]))
