"""One document becomes ELM: whatever shape a page has, with everything that a steward should know."""

import gzip
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from pyoxigraph import RdfFormat, parse

from qlink_ld.convert import Conversion, convert_document, write_output
from qlink_ld.errors import UnknownMapping, UnreadableData
from qlink_ld.model import Institution
from qlink_ld.namespaces import DCTERMS, Iris

IRIS = Iris("http://localhost:8080/")
GRAPH = IRIS.institution_graph("NL0001")
COURSE = {
    "courseId": "c1",
    "name": [{"language": "en", "value": "Graphs"}, {"language": "nl", "value": "Grafen"}],
    "level": "lifelong",
    "colour": "red",
}


def convert(document: object, mapping: str = "ooapi-5") -> Conversion:
    body = document if isinstance(document, bytes) else orjson.dumps(document)
    institution = Institution("NL0001", "A school", schac="a.example")
    now = datetime(2026, 11, 1, tzinfo=UTC)
    return convert_document(body, None, "file:///page", mapping, institution, IRIS, now)


@pytest.mark.parametrize(
    "document",
    [
        COURSE,
        [COURSE],
        {"items": [COURSE]},
        {"pageNumber": 1, "items": [COURSE]},
        b"\xef\xbb\xbf" + orjson.dumps(COURSE),
    ],
    ids=["record", "list", "items", "page", "byte order mark"],
)
def test_a_record_a_list_and_a_page_say_the_same(document: object) -> None:
    assert convert(document) == convert({"items": [COURSE]})


def test_a_resource_of_json_api_is_known_by_its_type() -> None:
    programme = {"type": "programme", "id": "P1", "attributes": {"eqfLevelProvided": 6}}
    single, listed = convert({"data": programme}, "occapi-2"), convert({"data": [programme]}, "occapi-2")
    assert single == listed == convert(programme, "occapi-2")
    assert "eqf/6" in single.ntriples


def test_all_languages_are_kept_and_all_fields_accounted_for() -> None:
    result = convert(COURSE)
    assert (result.records, result.refused) == (1, 0)
    iri = IRIS.course("NL0001", "c1")
    for text in ('"Graphs"@en', '"Grafen"@nl'):
        assert f"<{iri}> <{DCTERMS}title> {text} .\n" in result.ntriples
    assert {use.path: use.outcome for use in result.fields}["colour"] == "unmapped"
    assert [(issue.code, issue.value) for issue in result.issues] == [("unmapped-value", "lifelong")]


def test_a_faulty_record_costs_itself_only() -> None:
    result = convert({"items": [COURSE, {"courseId": 5, "name": []}, {**COURSE, "courseId": "c2"}]})
    assert (result.records, result.refused) == (2, 1)


def test_what_the_mapping_is_not_for_is_named() -> None:
    with pytest.raises(UnreadableData, match=r"file:///page: not JSON: .*; the mapping 'ooapi-5' is for JSON"):
        convert(b"<xml/>")
    with pytest.raises(UnreadableData, match="no record has an identifier that the mapping 'ooapi-5' knows: courseId"):
        convert({"items": [{"id": 1}]})
    for document in (b"null", b"5", b"[]", b"{}", b'{"items": null}', b'[null, 5, "x"]'):
        with pytest.raises(UnreadableData):
            convert(document)
    with pytest.raises(UnknownMapping, match="unknown mapping 'nix'"):
        convert(COURSE, "nix")


@pytest.mark.parametrize("suffix", [".nq", ".nt", ".ttl", ".rdf", ".jsonld"])
def test_every_format_holds_the_same_triples(suffix: str) -> None:
    ntriples = convert(COURSE).ntriples
    expected = {quad.triple for quad in parse(ntriples.encode(), format=RdfFormat.N_TRIPLES)}
    form = RdfFormat.from_extension(suffix[1:])
    assert form is not None
    data = write_output(ntriples, GRAPH, Path(f"out{suffix}"))
    assert {quad.triple for quad in parse(data, format=form)} == expected
    assert data == write_output(ntriples, GRAPH, Path(f"out{suffix}"))


def test_nothing_becomes_empty_files_that_can_be_read() -> None:
    for suffix in (".nq", ".nt", ".ttl", ".rdf", ".jsonld"):
        form = RdfFormat.from_extension(suffix[1:])
        assert form is not None
        assert list(parse(write_output("", GRAPH, Path(f"out{suffix}")), format=form)) == []


def test_all_texts_of_the_samples_are_in_the_output(shared: Path) -> None:
    """Each text in any language is in the output, or its field is ignored with a reason or reported."""
    for name in ("courses", "course", "programs"):
        body = (shared / "samples" / "ooapi-v5" / f"{name}.json").read_bytes()
        result = convert(body)
        assert result.records == 1
        literals = {
            (quad.object.value, quad.object.language)
            for quad in parse(result.ntriples.encode(), format=RdfFormat.N_TRIPLES)
            if hasattr(quad.object, "language")
        }
        values = {value for value, _ in literals}
        for text in _texts(orjson.loads(body)):
            assert any(text.strip() in value for value in values), text
        assert [use.path for use in result.fields if use.outcome == "unmapped"] == []


def _texts(value: object) -> list[str]:
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    if isinstance(value, dict):
        if set(value) == {"language", "value"}:
            return [str(value["value"])]
        return [text for item in value.values() for text in _texts(item)]
    return []


def test_a_document_of_an_own_format_is_converted_whole() -> None:
    text = "Código;Designação;Turma;Ano;Avaliada\nA1;Álgebra;T1;2025;S\nA1;Álgebra;T2;2025;S\n"
    result = convert(text.encode("windows-1252"), "example-csv")
    assert (result.records, result.refused) == (1, 0)
    assert '"Álgebra"@pt' in result.ntriples
    assert f"<{IRIS.course('NL0001', 'A1')}/instances/2025-T2>" in result.ntriples
    with pytest.raises(UnreadableData, match='this is JSON, not what type = "csv" stands for'):
        convert({"a": 1}, "example-csv")
    with pytest.raises(UnreadableData, match="file:///page: not JSON"):
        convert(b"a;b", "example-json")


def test_a_packed_document_is_unpacked() -> None:
    document = {"courses": {"A": {"title_en": "Graphs"}}, "programmes": []}
    assert convert(gzip.compress(orjson.dumps(document)), "example-json") == convert(document, "example-json")
