"""How fast, and in how much memory, against plain loops on rdflib and pySHACL, all in this one process run.

    python tests/benchmarks/run.py [--courses 10000]          # OOAPI 5, and what comes after it
    python tests/benchmarks/run.py --formats [NAME…]          # conversion of every format and version, or of these

The workload is the demo's generator: OOAPI 5 courses in two languages with two offerings each. Absolute numbers depend
on the machine and its neighbours; the ratios are what counts.

* conversion: pages in memory → one sorted N-Triples text per course with its instances, by `mappings/ooapi-5/`;
* graph file: the same, sorted into the institution's N-Quads file as `run` does;
* rdflib, same mapping: for each course, rdflib's JSON-LD parser with the same context, then the same CONSTRUCT rules;
* rdflib, hand-written: for each course, `Graph.add` of the main fields only, nothing checked or computed, serialised;
* validation: the records in batches through `shacl` and through pySHACL, with the bundled shapes.
"""

import argparse
import logging
import resource
import tempfile
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
import rdflib
from catalogues import make_catalogues
from formats import print_formats
from rdflib.plugins.sparql import prepareQuery

from qlink_ld.demo.courses import generate_courses, generate_offerings
from qlink_ld.mapping import Account, Document, JsonMapper, load_mapping
from qlink_ld.model import Institution, Record
from qlink_ld.namespaces import ADMS, DCTERMS, ELM, QL, RDF, SKOS, Iris
from qlink_ld.publish.graph_file import write_graph
from qlink_ld.publish.quad_sorter import QuadSorter
from qlink_ld.registry.describe import describe_institution
from qlink_ld.validate.engine import load_engine
from qlink_ld.validate.records import RecordValidator

INSTITUTION = Institution(id="XA0001", name="Benchmark University", schac="bench.example")
IRIS = Iris("http://localhost:8080/")
PAGE_SIZE = 250
SAMPLE = 40  # courses that the slow baselines get; their speed does not depend on the number
BATCH = 300


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--courses", type=int, default=10_000)
    parser.add_argument("--formats", nargs="*", metavar="NAME", help="such as 'OEAPI 6'; all, if none is named")
    arguments = parser.parse_args()
    count = arguments.courses
    if arguments.formats is not None:
        if unknown := set(arguments.formats) - make_catalogues().keys():
            parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(make_catalogues())}")
        print_formats(arguments.formats or make_catalogues(), count)
        return
    logging.getLogger("rdflib.term").setLevel(logging.CRITICAL)  # it logs a traceback for each unbound expression
    documents = make_documents(count)
    load_mapping("ooapi-5")
    print(f"{count} courses with two offerings each; {datetime.now(UTC):%Y-%m-%d %H:%M} UTC")
    before = peak_mb()

    started = time.perf_counter()
    triples = sum(record.ntriples.count("\n") for record in convert(documents))
    conversion = count / (time.perf_counter() - started)
    print(f"conversion              {conversion:10,.0f} courses/s  {triples / count:6.1f} triples per course")

    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        with QuadSorter(Path(folder)) as sorter:
            for record in convert(documents):
                sorter.add(record.ntriples)
            graph = write_graph(Path(folder) / "g.nq.gz", IRIS.institution_graph(INSTITUTION.id), sorter.merge())
        written = count / (time.perf_counter() - started)
    print(f"with sorted graph file  {written:10,.0f} courses/s  {graph.triples:,} quads")
    print(f"peak memory             {peak_mb():10,.0f} MB  ({before:,.0f} MB of it before: libraries and input pages)")

    slow = rate(rdflib_mapping, documents)
    print(f"rdflib, same mapping    {slow:10,.1f} courses/s  conversion is {conversion / slow:,.0f} times as fast")
    plain = rate(rdflib_by_hand, documents)
    print(f"rdflib, hand-written    {plain:10,.1f} courses/s  conversion is {conversion / plain:,.1f} times as fast")

    sample = list(islice(convert(documents), 5 * BATCH))
    fast = validate("shacl", sample)
    reference = validate("pyshacl", sample[:SAMPLE])
    print(f"validation, shacl       {fast:10,.0f} records/s")
    print(f"validation, pySHACL     {reference:10,.1f} records/s  shacl is {fast / reference:,.0f} times as fast")


def make_documents(count: int) -> list[Document]:
    """Pages of courses, and one page of offerings for each course, as bytes."""
    documents = []
    courses = generate_courses(count)
    while page := list(islice(courses, PAGE_SIZE)):
        documents.append(_document("courses", page, None))
        documents += [_document("course-offerings", generate_offerings(c, 2), c["courseId"]) for c in page]
    return documents


def _document(resource_name: str, items: Sequence[Any], parent: str | None) -> Document:
    body = orjson.dumps({"pageSize": PAGE_SIZE, "hasNextPage": False, "items": items})
    return Document(resource_name, "benchmark", lambda: body, parent)


def convert(documents: Sequence[Document]) -> Iterable[Record]:
    mapper = JsonMapper(load_mapping("ooapi-5"), INSTITUTION, IRIS, Account("bench"), date(2026, 11, 23))
    for batch in mapper.map_documents(documents):
        for entry in batch:
            if not isinstance(entry, Record):
                raise SystemExit(f"the benchmark's own data was refused: {entry}")
            yield entry


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def read_courses(documents: Sequence[Document], count: int) -> list[dict[str, Any]]:
    """The first courses, each with its offerings inside."""
    offerings = {d.parent: d for d in documents if d.resource == "course-offerings"}
    courses: list[dict[str, Any]] = orjson.loads(documents[0].read())["items"][:count]
    for course in courses:
        course["offerings"] = orjson.loads(offerings[course["courseId"]].read())["items"]
    return courses


def rate(loop: Any, documents: Sequence[Document]) -> float:
    courses = read_courses(documents, SAMPLE)
    started = time.perf_counter()
    loop(courses)
    return len(courses) / (time.perf_counter() - started)


def rdflib_mapping(courses: list[dict[str, Any]]) -> None:
    """The same context and rules, run by rdflib course by course."""
    mapping = load_mapping("ooapi-5")
    context = next(resource.context for resource in mapping.resources if resource.name == "courses")
    rules = [prepareQuery(rule.text) for rule in (*mapping.rules, *mapping.common_rules)]
    for course in courses:
        iri = IRIS.course(INSTITUTION.id, course["courseId"])
        offerings = [{**o, "@id": f"{iri}/instances/{o['offeringId']}"} for o in course["offerings"]]
        document = {"@context": context, **course, "@id": iri, "offerings": offerings}
        graph = rdflib.Graph()
        graph.parse(data=orjson.dumps(document), format="json-ld")
        out = rdflib.Graph()
        out += graph
        for rule in rules:
            out += graph.query(rule).graph or rdflib.Graph()
        sorted(out.serialize(format="nt").splitlines())


def rdflib_by_hand(courses: list[dict[str, Any]]) -> None:
    """The main fields, added one by one: what a script without a mapping would do."""
    elm, dcterms, adms, skos, ql = (rdflib.Namespace(n) for n in (ELM, DCTERMS, ADMS, SKOS, QL))
    kind = rdflib.URIRef(f"{RDF}type")
    for course in courses:
        graph = rdflib.Graph()
        subject = rdflib.URIRef(IRIS.course(INSTITUTION.id, course["courseId"]))
        graph.add((subject, kind, ql.LearningOpportunitySpecification))
        for key, predicate in (("name", dcterms.title), ("description", dcterms.description)):
            for text in course[key]:
                graph.add((subject, predicate, rdflib.Literal(text["value"], lang=text["language"])))
        for key in ("courseId", "abbreviation", "primaryCode"):
            value = course[key]
            node = rdflib.URIRef(f"{subject}#{key}")
            graph.add((subject, adms.identifier, node))
            graph.add((node, kind, elm.Identifier))
            graph.add((node, skos.notation, rdflib.Literal(value["code"] if isinstance(value, dict) else value)))
        for index, outcome in enumerate(course["learningOutcomes"]):
            node = rdflib.URIRef(f"{subject}#learningOutcomes-{index}")
            graph.add((subject, elm.learningOutcome, node))
            graph.add((node, kind, elm.LearningOutcome))
            for text in outcome:
                graph.add((node, dcterms.title, rdflib.Literal(text["value"], lang=text["language"])))
        for offering in course["offerings"]:
            instance = rdflib.URIRef(f"{subject}/instances/{offering['offeringId']}")
            graph.add((subject, elm.learningOpportunity, instance))
            graph.add((instance, kind, ql.LearningOpportunityInstance))
            graph.add((instance, elm.learningAchievementSpecification, subject))
            for key in ("startDate", "endDate", "maxNumberStudents"):
                if key in offering:
                    graph.add((instance, elm[key], rdflib.Literal(offering[key])))
            for text in offering["name"]:
                graph.add((instance, dcterms.title, rdflib.Literal(text["value"], lang=text["language"])))
        sorted(graph.serialize(format="nt").splitlines())


def validate(engine: str, records: Sequence[Record]) -> float:
    validator = RecordValidator(load_engine(engine), describe_institution(INSTITUTION, (), IRIS))
    started = time.perf_counter()
    for start in range(0, len(records), BATCH):
        validator.judge(records[start : start + BATCH])
    return len(records) / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
