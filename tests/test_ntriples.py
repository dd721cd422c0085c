"""N-Triples as text: the same bytes as Oxigraph writes, whatever the characters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyoxigraph import Literal, NamedNode, RdfFormat, Triple, parse, serialize

from qlink_ld.ntriples import sort_lines, to_quads, to_triples, write_iri, write_literal, write_triples

S, P = NamedNode("urn:s"), NamedNode("urn:p")
GRAPH = "http://localhost:8080/graphs/institutions/A"
# What may be in a literal: all of Unicode but surrogates, which are no characters.
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
TAG = st.from_regex(r"[a-z]{2,3}(-[A-Z]{2})?", fullmatch=True)


def oxigraph(literal: Literal) -> str:
    data = serialize([Triple(S, P, literal)], format=RdfFormat.N_TRIPLES)
    assert data is not None
    return data.decode().removeprefix("<urn:s> <urn:p> ").removesuffix(" .\n")


@pytest.mark.parametrize(
    "codes",
    [range(0x300), range(0x2000, 0x2100), range(0xFDC0, 0xFE00), range(0xFFF0, 0x10010), range(0x1FFF0, 0x20000)],
)
def test_every_character_is_escaped_as_oxigraph_does(codes: range) -> None:
    for code in codes:
        assert write_literal(f"a{chr(code)}b") == oxigraph(Literal(f"a{chr(code)}b")), hex(code)


@given(TEXT)
def test_any_text_is_written_as_oxigraph_does(text: str) -> None:
    assert write_literal(text) == oxigraph(Literal(text))


@given(TEXT, TAG)
def test_language_and_datatype_are_kept(text: str, tag: str) -> None:
    assert write_literal(text, tag) == f"{oxigraph(Literal(text))}@{tag}"
    assert write_literal(text, None, "urn:d") == oxigraph(Literal(text, datatype=NamedNode("urn:d")))


@given(st.lists(TEXT))
def test_triples_become_sorted_distinct_lines_and_come_back(texts: list[str]) -> None:
    triples = [Triple(S, P, Literal(text)) for text in texts]
    lines = write_triples(triples)
    assert lines == sort_lines(lines * 2) == "".join(sorted({f"{line}\n" for line in lines.split("\n")[:-1]}))
    assert {quad.triple for quad in parse(lines.encode(), format=RdfFormat.N_TRIPLES)} == set(triples)
    assert lines.count("\n") == len(set(texts))


@given(st.lists(TEXT))
def test_triples_become_quads_of_a_graph_and_back(texts: list[str]) -> None:
    lines = write_triples(Triple(S, P, Literal(text)) for text in texts)
    quads = to_quads(lines, GRAPH)
    assert {quad.graph_name for quad in parse(quads.encode(), format=RdfFormat.N_QUADS)} <= {NamedNode(GRAPH)}
    assert {quad.triple for quad in parse(quads.encode(), format=RdfFormat.N_QUADS)} == {
        quad.triple for quad in parse(lines.encode(), format=RdfFormat.N_TRIPLES)
    }
    assert to_triples(quads, GRAPH) == lines


def test_the_order_is_that_of_bytes() -> None:
    texts = ["z", "é", "\u4e00", "\ufffd", "\U0001f600", "A", "", " "]
    lines = sort_lines("".join(f"{write_literal(text)}\n" for text in texts)).encode().split(b"\n")[:-1]
    assert lines == sorted(lines)


def test_an_iri_stands_in_angle_brackets() -> None:
    assert write_iri("urn:x") == str(NamedNode("urn:x"))
