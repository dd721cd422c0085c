"""The downloads: JSON-LD holds the same quads as N-Quads, and everything is the sum of its parts."""

import gzip
import io
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyoxigraph import Literal, NamedNode, Quad, RdfFormat, Triple, parse

from qlink_ld.errors import PublishError
from qlink_ld.ntriples import write_triples
from qlink_ld.publish import dumps
from qlink_ld.publish.graph_file import GraphFile, write_graph

GRAPH = "https://a.example/graphs/institutions/AA"
XSD = "http://www.w3.org/2001/XMLSchema#"
IRI = st.sampled_from(["https://a.example/s", "skos:Concept", "urn:x:y", "https://a.example/é?q#f", "mailto:a@b.c"])
TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
LITERAL = st.one_of(
    st.builds(Literal, TEXT),
    st.builds(lambda text, tag: Literal(text, language=tag), TEXT, st.sampled_from(["en", "de-at", "zh-hant"])),
    st.builds(
        lambda text, name: Literal(text, datatype=NamedNode(name)),
        st.sampled_from(["1", "01", "1.0", "1.50", "1e0", "1.5E0", "true", "0", "NaN", "", '{"a": 1}', "2026-09-01"]),
        st.sampled_from([
            *(f"{XSD}{kind}" for kind in ("integer", "decimal", "double", "boolean", "date", "string")),
            "http://www.w3.org/1999/02/22-rdf-syntax-ns#JSON",
            "https://a.example/type",
        ]),
    ),
)  # fmt: skip
TRIPLE = st.builds(Triple, IRI.map(NamedNode), IRI.map(NamedNode), st.one_of(IRI.map(NamedNode), LITERAL))


def write(folder: Path, triples: list[Triple], name: str = "AA") -> tuple[GraphFile, Path]:
    folder.mkdir(exist_ok=True)
    graph = write_graph(folder / f"{name}.nq.gz", GRAPH, iter([write_triples(triples)]))
    target = folder / f"{name}.jsonld.gz"
    target.unlink(missing_ok=True)
    dumps.write_jsonld(graph.path, graph.sha256, target)
    return graph, target


def read(file: Path, kind: RdfFormat) -> set[Quad]:
    return set(parse(io.BytesIO(gzip.decompress(file.read_bytes())), kind))


@settings(max_examples=60, deadline=None)
@given(triples=st.lists(TRIPLE, max_size=8))
def test_jsonld_parses_to_the_same_quads(triples: list[Triple], tmp_path_factory: pytest.TempPathFactory) -> None:
    graph, jsonld = write(tmp_path_factory.getbasetemp() / "jsonld", triples)
    assert read(jsonld, RdfFormat.JSON_LD) == read(graph.path, RdfFormat.N_QUADS)


def make_triples(count: int) -> list[Triple]:
    return [
        Triple(NamedNode(f"https://a.example/{i}"), NamedNode("https://a.example/p"), Literal(f"{i}" * 50))
        for i in range(count)
    ]


def test_whole_dataset_is_the_concatenation_of_its_graphs(tmp_path: Path) -> None:
    parts = [write(tmp_path, make_triples(count), f"G{count}") for count in (0, 3, 0, 20_000, 1)]
    nquads, jsonld = tmp_path / "all.nq.gz", tmp_path / "all.jsonld.gz"
    hashes = list(dumps.concatenate_nquads([graph.path for graph, _ in parts], nquads))
    assert len(hashes) == len(list(dumps.concatenate_jsonld([file for _, file in parts], jsonld))) == len(parts)
    assert gzip.decompress(nquads.read_bytes()) == b"".join(gzip.decompress(g.path.read_bytes()) for g, _ in parts)
    assert isinstance(json.loads(gzip.decompress(jsonld.read_bytes())), list)
    assert read(jsonld, RdfFormat.JSON_LD) == read(nquads, RdfFormat.N_QUADS)


def test_a_dataset_of_empty_graphs_is_an_empty_array(tmp_path: Path) -> None:
    parts = [write(tmp_path, [], name)[1] for name in ("a", "b")]
    list(dumps.concatenate_jsonld(parts, tmp_path / "all.jsonld.gz"))
    assert json.loads(gzip.decompress((tmp_path / "all.jsonld.gz").read_bytes())) == []
    assert json.loads(gzip.decompress(parts[0].read_bytes())) == []


def test_a_graph_that_is_not_what_was_written_is_refused(tmp_path: Path) -> None:
    graph, _ = write(tmp_path, make_triples(3))
    with pytest.raises(PublishError, match=r"AA\.nq\.gz is not what was written"):
        dumps.write_jsonld(graph.path, "0" * 64, tmp_path / "x.jsonld.gz")


def test_a_graph_that_does_not_parse_is_named(tmp_path: Path) -> None:
    graph = write_graph(tmp_path / "AA.nq.gz", GRAPH, iter(["<not an iri> <https://a.example/p> <https://a.e/o> .\n"]))
    with pytest.raises(PublishError, match=r"AA\.nq\.gz holds what is not N-Quads"):
        dumps.write_jsonld(graph.path, graph.sha256, tmp_path / "x.jsonld.gz")


@pytest.mark.parametrize("tail", ["", "all", "../escape", "institutions/..", "institutions//x"])
def test_graphs_without_a_name_of_this_deployment_are_refused(tail: str) -> None:
    with pytest.raises(PublishError, match="cannot be published"):
        dumps.dump_name(f"https://a.example/graphs/{tail}", "https://a.example/")
    with pytest.raises(PublishError, match="cannot be published"):
        dumps.dump_name("https://b.example/graphs/registry", "https://a.example/")
