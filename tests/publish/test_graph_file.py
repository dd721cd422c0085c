"""Graphs as files: the same triples, the same bytes."""

import gzip
import hashlib
import subprocess
from pathlib import Path

import pytest

from qlink_ld.errors import PublishError
from qlink_ld.namespaces import QL, RDF
from qlink_ld.publish.graph_file import GraphFile, read_graph, write_graph

GRAPH = "https://a.example/graphs/institutions/XX0001"
COURSE = f"<https://a.example/c> <{RDF}type> <{QL}LearningOpportunitySpecification> .\n"
INSTANCE = f"<https://a.example/c/i> <{RDF}type> <{QL}LearningOpportunityInstance> .\n"
TITLE = '<https://a.example/c> <https://a.example/title> "a _:b .\\n <x> _:c ."@en .\n'


def test_quads_counts_and_hash_are_those_of_the_content(tmp_path: Path) -> None:
    text = "".join(sorted([INSTANCE, COURSE, TITLE]))
    result = write_graph(tmp_path / "graphs" / "XX0001.nq.gz", GRAPH, iter([text]))
    content = gzip.decompress(result.path.read_bytes())
    assert content.decode() == text.replace(" .\n", f" <{GRAPH}> .\n")
    assert result == GraphFile(result.path, GRAPH, 3, hashlib.sha256(content).hexdigest(), 1, 1)
    assert read_graph(result.path, GRAPH) == result


def test_chunks_do_not_change_a_byte(tmp_path: Path) -> None:
    lines = sorted([INSTANCE, COURSE, *(TITLE.replace("title", f"title{k}") for k in range(30_000))])
    one = write_graph(tmp_path / "one.nq.gz", GRAPH, iter(["".join(lines)]))
    many = write_graph(tmp_path / "many.nq.gz", GRAPH, iter(["", *lines, ""]))
    assert one.path.read_bytes() == many.path.read_bytes()
    assert one.sha256 == many.sha256
    assert one.path.read_bytes()[3:8] == bytes(5)  # neither a name nor a time


def test_an_empty_graph_is_a_file_too(tmp_path: Path) -> None:
    result = write_graph(tmp_path / "empty.nq.gz", GRAPH, iter([]))
    assert (result.triples, gzip.decompress(result.path.read_bytes())) == (0, b"")
    assert read_graph(result.path, GRAPH) == result


def test_gunzip_reads_it(tmp_path: Path) -> None:
    result = write_graph(tmp_path / "a.nq.gz", GRAPH, iter([COURSE]))
    subprocess.run(["gzip", "-t", result.path], check=True)


@pytest.mark.parametrize(
    ("chunks", "message"),
    [
        (["_:b <https://a.example/p> <https://a.example/o> .\n"], "blank node"),
        ([COURSE, "<https://b.example/s> <https://a.example/p> _:b .\n"], "blank node.*b.example"),
        ([COURSE, INSTANCE], "not sorted and distinct.*"),
        ([COURSE + INSTANCE], "not sorted and distinct"),
        ([COURSE + COURSE], "not sorted and distinct"),
        ([COURSE, COURSE], "not sorted and distinct"),
        ([COURSE[:-1]], "not whole N-Triples lines"),
        (["<https://a.example/s>\n"], "not whole N-Triples lines"),
    ],
)
def test_what_must_not_be_published_is_refused_and_the_last_file_stays(
    tmp_path: Path, chunks: list[str], message: str
) -> None:
    file = tmp_path / "XX0001.nq.gz"
    write_graph(file, GRAPH, iter([TITLE]))
    before = file.read_bytes()
    with pytest.raises(PublishError, match=message):
        write_graph(file, GRAPH, iter(chunks))
    assert file.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == [file.name]


def test_what_a_killed_writer_left_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / ".a.nq.gz.partial").write_bytes(b"half")
    write_graph(tmp_path / "a.nq.gz", GRAPH, iter([COURSE]))
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.nq.gz"]


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    file = write_graph(tmp_path / "a.nq.gz", GRAPH, iter([COURSE])).path
    whole = file.read_bytes()
    for damaged in (whole[:-5], whole[:20], b"no gzip", whole[:25] + b"\xff\xff" + whole[27:]):
        file.write_bytes(damaged)
        with pytest.raises(PublishError, match=r"a\.nq\.gz"):
            read_graph(file, GRAPH)


def test_quads_of_another_graph_are_noticed(tmp_path: Path) -> None:
    file = write_graph(tmp_path / "a.nq.gz", GRAPH, iter([COURSE])).path
    with pytest.raises(PublishError, match="not of the graph"):
        read_graph(file, f"{GRAPH}2")


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "graphs").write_text("a file where a folder should be")
    with pytest.raises(PublishError, match="graphs"):
        write_graph(tmp_path / "graphs" / "a.nq.gz", GRAPH, iter([COURSE]))
