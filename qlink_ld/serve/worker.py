"""One query worker: a process that opens a release read-only and answers queries over a pipe, one after the other.

Started by `workers.py` as `python -m qlink_ld.serve.worker`. Every message is a head of five bytes and a body:

=====  ==========================================================================================
head   body
=====  ==========================================================================================
`R`    worker → pool, once: ready. JSON `{"network": bool}`
`Q`    pool → worker: a query. JSON, see `QueryRequest`
`H`    worker → pool: it runs; JSON `{"kind": "bindings" | "boolean" | "graph", "format": name}`
`D`    worker → pool: a piece of the result
`E`    worker → pool: the result is complete; JSON `{"bytes": n}`
`X`    worker → pool: it failed; JSON `{"error": name of the error class, "message": text}`
=====  ==========================================================================================

A result without its `E` is not a result: the worker was killed, crashed, or ran out of memory.
"""

import argparse
import logging
import os
import re
import signal
import struct
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import BinaryIO, Final

import orjson
from pyoxigraph import (
    NamedNode,
    QueryBoolean,
    QueryResultsFormat,
    QuerySolutions,
    QueryTriples,
    RdfFormat,
    Store,
    serialize,
)

from qlink_ld.errors import QlinkError, QueryFailed, QueryFormatUnacceptable, QueryRefused, QuerySyntaxError
from qlink_ld.namespaces import PREFIXES
from qlink_ld.serve.confine import die_with_parent, drop_network, limit_memory
from qlink_ld.serve.datatypes import restore_datatypes
from qlink_ld.serve.elm_versions import OLD, to_old_triples
from qlink_ld.serve.query_text import outline_query
from qlink_ld.serve.service_calls import refuse_service_calls

log = logging.getLogger(__name__)

HEAD: Final = struct.Struct(">cI")
_CHUNK_BYTES = 64 * 1024
_STACK_BYTES = 256 * 1024 * 1024  # Oxigraph recurses: 2,000 nested sub-selects end a thread of 8 MB

RESULTS_FORMATS: Final = {
    "json": QueryResultsFormat.JSON,
    "xml": QueryResultsFormat.XML,
    "csv": QueryResultsFormat.CSV,
    "tsv": QueryResultsFormat.TSV,
}
GRAPH_FORMATS: Final = {
    "turtle": RdfFormat.TURTLE,
    "ntriples": RdfFormat.N_TRIPLES,
    "jsonld": RdfFormat.JSON_LD,
    "rdfxml": RdfFormat.RDF_XML,
}


@dataclass(frozen=True, slots=True)
class QueryRequest:
    """A query and how to answer it. `results`, `graph`: format for bindings and for triples; None: not acceptable."""

    text: str
    results: str | None = "json"
    graph: str | None = "turtle"
    default_graphs: tuple[str, ...] = ()  # SPARQL 1.1 Protocol: default-graph-uri
    named_graphs: tuple[str, ...] = ()  # named-graph-uri
    profile: str = ""  # "elm-3.2": triples in the older namespace
    max_result_bytes: int = 0  # 0: as configured
    service_allow: tuple[str, ...] = ()
    deadline_s: float = 30.0  # the worker ends itself a little later, should nobody else do it

    def to_json(self) -> bytes:
        """Serialise for the pipe."""
        return orjson.dumps(asdict(self))

    @classmethod
    def from_json(cls, data: bytes) -> "QueryRequest":
        """Read what `to_json` wrote."""
        table = orjson.loads(data)
        for key in ("default_graphs", "named_graphs", "service_allow"):
            table[key] = tuple(table[key])
        return cls(**table)


class _ResultWriter:
    """Collects a result into pieces, passes them on, and stops one that is too large."""

    def __init__(self, send: Callable[[bytes, bytes], None], max_bytes: int) -> None:
        self._send = send
        self._max_bytes = max_bytes
        self._piece = bytearray()
        self.size_bytes = 0
        self.too_large = False

    def write(self, data: bytes) -> int:
        self.size_bytes += len(data)
        if self.size_bytes > self._max_bytes:
            self.too_large = True
            raise OSError("result too large")
        self._piece += data
        if len(self._piece) >= _CHUNK_BYTES:
            self.send_piece()
        return len(data)

    def flush(self) -> None:
        """Oxigraph flushes when it pleases; pieces stay large."""

    def send_piece(self) -> None:
        """Pass on what has been collected."""
        if self._piece:
            self._send(b"D", bytes(self._piece))
            self._piece.clear()


def parse_error(error: SyntaxError) -> QuerySyntaxError:
    """Say in words where Oxigraph's parser stopped; `line:column` start at 1."""
    found = re.match(r"error at (\d+):(\d+): (.*)", str(error), re.DOTALL)
    if not found:
        return QuerySyntaxError(f"the query is not SPARQL 1.1: {error}")
    return QuerySyntaxError(f"line {found[1]}, column {found[2]}: the query is not SPARQL 1.1 here: {found[3]}")


def _graph_nodes(iris: tuple[str, ...]) -> list[NamedNode]:
    try:
        return [NamedNode(iri) for iri in iris]
    except ValueError as error:
        raise QueryRefused(f"a graph of the request is not an absolute IRI: {error}") from error


def answer(store: Store, request: QueryRequest, send: Callable[[bytes, bytes], None]) -> None:
    """Run one query and send its result.

    Raises:
        QuerySyntaxError: not SPARQL 1.1.
        QueryRefused: SERVICE, a graph name that is no IRI, a result that is too large or in no acceptable format.
        QueryFailed: the store could not be read.
    """
    refuse_service_calls(request.text, request.service_allow)
    given = bool(request.default_graphs or request.named_graphs)
    try:
        results = store.query(
            request.text,
            # Oxigraph's union flag overrides FROM, so only a query without a dataset of its own gets it.
            use_default_graph_as_union=not given and not outline_query(request.text).has_dataset,
            default_graph=_graph_nodes(request.default_graphs) if given else None,  # type: ignore[arg-type]
            named_graphs=_graph_nodes(request.named_graphs) if given else None,  # type: ignore[arg-type]
        )
    except SyntaxError as error:
        raise parse_error(error) from error
    writer = _ResultWriter(send, request.max_result_bytes)
    try:
        _write_results(results, request, send, writer)
    except OSError as error:
        if writer.too_large:
            raise QueryRefused(
                f"the result is larger than the limit of {request.max_result_bytes} bytes: "
                "ask for less (LIMIT, fewer variables), or download the data"
            ) from error
        raise QueryFailed(f"the query could not be finished: {error}") from error
    writer.send_piece()
    send(b"E", orjson.dumps({"bytes": writer.size_bytes}))


def _write_results(
    results: QuerySolutions | QueryBoolean | QueryTriples,
    request: QueryRequest,
    send: Callable[[bytes, bytes], None],
    output: _ResultWriter,
) -> None:
    if isinstance(results, QueryTriples):
        if request.graph is None:
            raise QueryFormatUnacceptable("the query makes triples: ask for one of " + ", ".join(GRAPH_FORMATS))
        send(b"H", orjson.dumps({"kind": "graph", "format": request.graph}))
        triples = restore_datatypes(results)
        triples = to_old_triples(triples) if request.profile == OLD.name else triples
        prefixes = PREFIXES if request.profile != OLD.name else {**PREFIXES, "elm": OLD.elm}
        serialize(triples, output, GRAPH_FORMATS[request.graph], prefixes=prefixes)  # type: ignore[arg-type]
        return
    if request.results is None:
        raise QueryFormatUnacceptable("the query makes a table: ask for one of " + ", ".join(RESULTS_FORMATS))
    kind = "boolean" if isinstance(results, QueryBoolean) else "bindings"
    send(b"H", orjson.dumps({"kind": kind, "format": request.results}))
    results.serialize(output, format=RESULTS_FORMATS[request.results])  # type: ignore[arg-type]


def _read_exactly(source: BinaryIO, size: int) -> bytes | None:
    data = source.read(size)
    return data if len(data) == size else None


def serve_queries(store: Store, source: BinaryIO, send: Callable[[bytes, bytes], None]) -> None:
    """Answer queries until the pipe ends."""
    while head := _read_exactly(source, HEAD.size):
        _, size = HEAD.unpack(head)
        body = _read_exactly(source, size)
        if body is None:
            return
        request = QueryRequest.from_json(body)
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, request.deadline_s + 5)
        try:
            answer(store, request, send)
        except QlinkError as error:
            send(b"X", orjson.dumps({"error": type(error).__name__, "message": str(error)}))
        except MemoryError:
            send(
                b"X", orjson.dumps({"error": "QueryFailed", "message": "the query needs more memory than it may have"})
            )
        finally:
            if hasattr(signal, "setitimer"):
                signal.setitimer(signal.ITIMER_REAL, 0)


def main() -> None:
    """Run one worker; arguments are for `workers.py` only."""
    parser = argparse.ArgumentParser(description="Answers queries of qlink-ld's serving process over a pipe.")
    parser.add_argument("--store", required=True)
    parser.add_argument("--memory-bytes", type=int, required=True)
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--network", action="store_true")
    options = parser.parse_args()
    die_with_parent(options.parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which ends its workers
    output = os.dup(1)
    os.dup2(2, 1)  # whatever a library prints must not get into the protocol
    has_network = options.network or not drop_network()
    limit_memory(options.memory_bytes)
    try:
        store = Store.read_only(options.store)
    except OSError as error:
        _send_all(output, b"X", orjson.dumps({"error": "StoreUnusable", "message": f"{options.store}: {error}"}))
        sys.exit(1)
    source = os.fdopen(os.dup(0), "rb")
    # The main thread's stack is as the system gives it; a thread's can be chosen.
    threading.stack_size(_STACK_BYTES)
    thread = threading.Thread(
        target=serve_queries, args=(store, source, lambda head, body: _send_all(output, head, body)), daemon=True
    )
    thread.start()
    _send_all(output, b"R", orjson.dumps({"network": has_network}))  # now that nothing can fail any more
    thread.join()


def _send_all(descriptor: int, head: bytes, body: bytes) -> None:
    data = memoryview(HEAD.pack(head, len(body)) + body)
    try:
        while data:
            data = data[os.write(descriptor, data) :]
    except BrokenPipeError:
        os._exit(0)  # nobody reads any more


if __name__ == "__main__":
    main()
