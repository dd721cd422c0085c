"""Conversion of one catalogue in each format: records and triples a second of one core, memory, ratio to rdflib.

Each format is measured in a process of its own, so that its peak of memory is its own. Times are CPU time of that
process, the best of several runs: neighbours on the machine count as little as possible. The baseline, rdflib with the
same context and the same rules, runs in the same process.
"""

import logging
import multiprocessing
import resource
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from multiprocessing.connection import Connection
from typing import Any

import orjson
import rdflib
from catalogues import Catalogue, make_catalogues
from rdflib.plugins.sparql import prepareQuery

from qlink_ld.mapping import Account, Document, JsonMapper, MappingFolder, load_mapping
from qlink_ld.mapping.documents import read_path
from qlink_ld.mapping.elm import ElmMapper
from qlink_ld.mapping.folder import ResourceSpec
from qlink_ld.model import DataSource, Institution, Record
from qlink_ld.namespaces import Iris

INSTITUTION = Institution(
    id="XA0001", name="Benchmark University", schac="bench.example", same_as=("https://bench.example/#university",)
)
IRIS = Iris("http://localhost:8080/")
TODAY = date(2026, 11, 23)
GOAL_RECORDS = 3000  # learning opportunities with their instances, a second of one core
GOAL_MB = 300
SAMPLE = 8  # records that rdflib gets; its speed does not depend on the number
RUNS = 3


@dataclass(frozen=True, slots=True)
class Measurement:
    """What was measured for one format. `before_mb`: libraries and input; `peak_mb` is with them."""

    records_s: float
    triples_s: float
    before_mb: float
    peak_mb: float
    rdflib_records_s: float


def print_formats(names: Iterable[str], count: int) -> None:
    """Print a line for each format: what it does, and whether it reaches the goal."""
    print(
        f"{count} courses with two offerings each, where the format has them; one core, CPU time, best of {RUNS} runs"
    )
    print("format           records/s  triples/s   peak MB (before)   rdflib: records/s   times   goal")
    for name in names:
        m = measure_apart(name, count)
        missed = (
            [f"{m.records_s / GOAL_RECORDS:.0%} of {GOAL_RECORDS:,} records/s"] if m.records_s < GOAL_RECORDS else []
        )
        missed += [f"more than {GOAL_MB} MB"] if m.peak_mb > GOAL_MB else []
        print(
            f"{name:15} {m.records_s:10,.0f} {m.triples_s:10,.0f} {m.peak_mb:9,.0f} ({m.before_mb:,.0f}) "
            f"{m.rdflib_records_s:18,.1f} {m.records_s / m.rdflib_records_s:11,.0f}   {'; '.join(missed) or 'reached'}",
            flush=True,
        )


def measure_apart(name: str, count: int) -> Measurement:
    """Measure a format in a new process."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_send, args=(theirs, name, count))
    process.start()
    theirs.close()
    try:
        found: Measurement = ours.recv()
    except EOFError:
        raise SystemExit(f"the benchmark of {name} failed; see above") from None
    process.join()
    return found


def _send(pipe: Connection, name: str, count: int) -> None:
    logging.getLogger("rdflib.term").setLevel(logging.CRITICAL)  # it logs a traceback for each unbound expression
    pipe.send(measure(name, count))


def measure(name: str, count: int) -> Measurement:
    """Measure a format in this process."""
    catalogue = make_catalogues()[name](count)
    mapping = load_mapping(catalogue.mapping)
    before = _peak_mb()
    best = float("inf")
    for _ in range(RUNS):
        records = triples = 0
        started = time.process_time()
        for record in convert(catalogue):
            records += record.opportunities
            triples += record.ntriples.count("\n")
        best = min(best, time.process_time() - started)
    peak = _peak_mb()
    small = make_catalogues()[name](SAMPLE)
    started = time.process_time()
    if mapping.resources:
        _rdflib_json(small, mapping)
    else:
        _rdflib_graph(small, mapping)
    slow = SAMPLE / (time.process_time() - started)
    return Measurement(records / best, triples / best, before, peak, slow)


def convert(catalogue: Catalogue) -> Iterator[Record]:
    """Map a catalogue, as `run` does with the pages of a snapshot."""
    mapping, account = load_mapping(catalogue.mapping), Account("bench")
    if mapping.resources:
        batches = JsonMapper(mapping, INSTITUTION, IRIS, account, TODAY).map_documents(catalogue.documents)
    else:
        [document] = catalogue.documents
        source = DataSource("bench", "elm", document.position)
        mapper = ElmMapper(mapping, INSTITUTION, IRIS, account, TODAY)
        batches = mapper.map_file(document.read(), source, catalogue.media_type, document.position)
    for batch in batches:
        for entry in batch:
            if not isinstance(entry, Record):
                raise SystemExit(f"the benchmark's own data was refused: {entry}")
            yield entry


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


# rdflib --------------------------------------------------------------------------------------------------------------


def _rdflib_json(catalogue: Catalogue, mapping: MappingFolder) -> None:
    """Record by record: rdflib's JSON-LD parser with the same context, then the same rules."""
    spec = next(r for r in mapping.resources if r.name == catalogue.documents[0].resource)
    rules = _prepare(mapping)
    for record in _read(catalogue.documents, spec.name, spec.records)[:SAMPLE]:
        iri = IRIS.course(INSTITUTION.id, record[spec.identifier])
        node = {"@context": spec.context, **record, "@id": iri}
        if spec.children:
            key = spec.children.identifier
            children = _children(catalogue.documents, spec, record[spec.identifier])
            node[spec.children.key] = [{**child, "@id": f"{iri}/instances/{child[key]}"} for child in children]
        graph = rdflib.Graph()
        graph.parse(data=orjson.dumps(node), format="json-ld")
        _construct(graph, rules)


def _rdflib_graph(catalogue: Catalogue, mapping: MappingFolder) -> None:
    """The file: rdflib's parser, then the same rules."""
    graph = rdflib.Graph()
    graph.parse(data=catalogue.documents[0].read(), format=catalogue.media_type)
    _construct(graph, _prepare(mapping))


def _prepare(mapping: MappingFolder) -> list[Any]:
    return [prepareQuery(rule.text) for rule in (*mapping.rules, *mapping.common_rules)]


def _construct(graph: rdflib.Graph, rules: Sequence[Any]) -> None:
    out, dataset = rdflib.Graph(), rdflib.Dataset()
    out += graph
    for triple in graph:
        dataset.add(triple)
    for rule in rules:  # without the vocabularies that some look things up in: a little less work than ours
        out += dataset.query(rule).graph or rdflib.Graph()
    sorted(out.serialize(format="nt").splitlines())


def _read(documents: Sequence[Document], name: str, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for document in documents:
        if document.resource == name:
            records = read_path(orjson.loads(document.read()), path)
            found += records if isinstance(records, list) else [records]
    return found


def _children(documents: Sequence[Document], spec: ResourceSpec, key: str) -> list[dict[str, Any]]:
    if spec.children is None:
        return []
    name, path, parent = spec.children.resource, spec.children.records, spec.children.parent
    if parent is None:
        return _read([document for document in documents if document.parent == key], name, path)
    return [child for child in _read(documents, name, path) if read_path(child, parent) == key]
