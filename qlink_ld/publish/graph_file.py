"""One named graph as a file: `{data_dir}/graphs/{institution}.nq.gz` and its sisters in `refused/`.

Sorted, distinct N-Quads without blank nodes, compressed without name and time: the same triples give the same bytes,
and a difference of two of them is a merge. Source: DESIGN §2 (deterministic output), §6.
"""

import hashlib
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from operator import lt
from pathlib import Path

from qlink_ld.errors import PublishError
from qlink_ld.namespaces import QL, RDF
from qlink_ld.ntriples import to_quads, to_triples
from qlink_ld.publish.equal_values import EqualValues
from qlink_ld.publish.gzip_text import GzipWriter, read_lines, write_atomically

log = logging.getLogger(__name__)

SPECIFICATION = f"{QL}LearningOpportunitySpecification"
INSTANCE = f"{QL}LearningOpportunityInstance"
_SPECIFICATION_END = f" <{RDF}type> <{SPECIFICATION}> .\n"
_INSTANCE_END = f" <{RDF}type> <{INSTANCE}> .\n"
_BLANK_NODE = re.compile(r"^_:.*| _:[^ \"<>]+ \.$", re.MULTILINE)
_LINE_END = " .\n"


@dataclass(frozen=True, slots=True)
class GraphFile:
    """A named graph on disk. `sha256` is that of the uncompressed N-Quads."""

    path: Path
    graph: str
    triples: int
    sha256: str
    specifications: int = 0  # distinct learning opportunity specifications
    instances: int = 0  # distinct learning opportunity instances


def write_graph(file: Path, graph_iri: str, chunks: Iterator[str]) -> GraphFile:
    """Write a graph: whole and durable under its name, or not at all (then what was there before stays).

    Args:
        file: `….nq.gz`; its folder is made.
        graph_iri: the named graph.
        chunks: whole N-Triples lines which, over all chunks, are sorted by bytes and distinct (`QuadSorter.merge`).
            Of several spellings of one value of one property the first is written (see `equal_values`).

    Raises:
        PublishError: lines out of order or repeated, a blank node, something that is not N-Triples lines, or the disk.
    """
    scan = _Scan(graph_iri, str(file))
    values = EqualValues()
    with write_atomically(file) as stream:
        writer = GzipWriter(stream)
        for chunk in chunks:
            try:
                text = values.drop(chunk)
            except SyntaxError as exc:
                raise PublishError(f"{file}: not N-Triples: {exc}") from exc
            if text:
                writer.write(scan.add(text))
        writer.close()
    if values.dropped:
        log.warning("%s: %d values were not published, because they repeat another spelling", file, values.dropped)
    return scan.result(file)


def read_graph(file: Path, graph_iri: str) -> GraphFile:
    """Read a graph's file through, checking it like `write_graph`.

    Raises:
        PublishError: missing, damaged, or not what `write_graph` writes for this graph.
    """
    scan = _Scan(graph_iri, str(file))
    graph_end = f" <{graph_iri}> .\n"
    for data in read_lines(file):
        text = data.decode()
        if text.count(graph_end) != text.count("\n"):
            raise PublishError(f"{file} holds quads that are not of the graph <{graph_iri}>; run its institution again")
        scan.add(to_triples(text, graph_iri))
    return scan.result(file)


class _Scan:
    """Checks and counts a graph's lines as they pass."""

    def __init__(self, graph_iri: str, name: str) -> None:
        self._graph = graph_iri
        self._name = name
        self._hash = hashlib.sha256()
        self._last = ""
        self._triples = self._specifications = self._instances = 0

    def add(self, chunk: str) -> bytes:
        """Take whole lines of N-Triples; return them as N-Quads of the graph."""
        count = chunk.count("\n")
        if chunk[-1] != "\n" or chunk.count(_LINE_END) != count:
            raise PublishError(f"{self._name}: not whole N-Triples lines: {self._example(chunk)}")
        lines = chunk.split("\n")
        lines.pop()
        if self._last >= lines[0] or not all(map(lt, lines, islice(lines, 1, None))):
            wrong = next(line for before, line in zip([self._last, *lines], lines, strict=False) if before >= line)
            raise PublishError(f"{self._name}: triples are not sorted and distinct at {wrong[:200]}")
        if "_:" in chunk and (blank := _BLANK_NODE.search(chunk)):
            start = chunk.rfind("\n", 0, blank.start() + 1) + 1
            raise PublishError(
                f"{self._name}: a blank node cannot be published: {chunk[start : chunk.index(chr(10), start)][:200]}; "
                "the mapping has to give it an IRI"
            )
        self._last = lines[-1]
        self._triples += count
        self._specifications += chunk.count(_SPECIFICATION_END)
        self._instances += chunk.count(_INSTANCE_END)
        data = to_quads(chunk, self._graph).encode()
        self._hash.update(data)
        return data

    def result(self, file: Path) -> GraphFile:
        """Return what was counted."""
        return GraphFile(
            file, self._graph, self._triples, self._hash.hexdigest(), self._specifications, self._instances
        )

    @staticmethod
    def _example(chunk: str) -> str:
        return next((line[:200] for line in chunk.split("\n") if line and not line.endswith(" .")), chunk[-200:])
