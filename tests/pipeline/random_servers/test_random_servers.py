"""Servers whose every answer is random, yet allowed: harvested to the end, no record lost, every refusal explained."""

import gzip
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import orjson
import pytest
from pyoxigraph import NamedNode, RdfFormat, parse

from qlink_ld.config import Config, HarvestSettings
from qlink_ld.harvest import load_latest_snapshot
from qlink_ld.mapping import find_mapping
from qlink_ld.mapping.documents import skipped, why_left_out
from qlink_ld.model import DataSource, HarvestReport, Institution, Snapshot
from qlink_ld.namespaces import QL, RDF, SH
from qlink_ld.pipeline import process_institution, run

StartServer = Callable[..., Any]


@dataclass(frozen=True)
class Format:
    """A published OpenAPI file, and the source that speaks as it says."""

    file: str
    type: str
    version: str
    prefix: str
    path: str = ""


FORMATS = [
    Format("ooapi-v5", "ooapi", "5", "/ooapi/v5"),
    Format("oeapi-v6", "ooapi", "6", "/oeapi/v6"),
    Format("occapi-v1", "occapi", "1", "/occapi/v1", "/hei/utwente.nl"),
    Format("occapi-v2", "occapi", "2", "/occapi/v2", "/hei/utwente.nl"),
]
# Others can be tried with QLINKTEST_SEEDS="100 101 102".
SEEDS = tuple(int(seed) for seed in os.environ.get("QLINKTEST_SEEDS", "1 2 8").split())
each_format = pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.file)


def make_institution(form: Format, url: str, seed: int) -> Institution:
    source = DataSource("api", form.type, url + form.path, form.version)
    return Institution(
        id=f"XX{seed:04}{form.file}",
        name="Random",
        schac="utwente.nl",
        sources=(source,),
        on_violation="publish" if seed % 2 else "refuse",  # so that strange records are also published
    )


def make_config(data_dir: Path, *institutions: Institution) -> Config:
    return Config(
        data_dir=data_dir,
        institutions=institutions,
        harvest=HarvestSettings(timeout_s=10, allow_private_addresses=True),
    )


def read_graph(config: Config, folder: str, institution: Institution) -> str:
    return gzip.decompress((config.data_dir / folder / f"{institution.id}.nq.gz").read_bytes()).decode()


def find_typed(graph: str, kind: str) -> set[str]:
    return set(re.findall(rf"^(\S+) <{RDF}type> <{QL}{kind}> ", graph, re.MULTILINE))


def entries(snapshot: Snapshot, resource: str, path: str) -> Iterator[tuple[str, str | None, Any]]:
    """Yield what the server sent as this kind of record, with its place and whose list it was in."""
    for page in snapshot.pages:
        if page.resource == resource:
            content = orjson.loads(page.read())
            found = content[path] if path else content
            for number, entry in enumerate(found if isinstance(found, list) else [found], 1):
                yield f"{page.url} {number}", page.parent, entry


def usable(key: object) -> bool:
    return isinstance(key, str) and bool(key.strip())


def count_expected(snapshot: Snapshot) -> Counter[str]:
    """Count by hand what must become of each entry that the server sent."""
    expected: Counter[str] = Counter()
    places: set[str] = set()
    for resource in find_mapping(snapshot.source).resources:
        if resource.institution:
            continue
        known: set[str] = set()
        for place, _, record in entries(snapshot, resource.name, resource.records):
            key = record.get(resource.identifier)
            if why_left_out(record, resource):
                expected["left out"] += 1
            elif not usable(key):
                expected["record"] += 1
                expected["nameless"] += 1
                expected["nameless again"] += place in places
                places.add(place)
            elif key in known:
                expected["repeated"] += not resource.repeats
            else:
                known.add(key)
                expected["record"] += 1
        if resource.children is not None:
            expected += count_children(snapshot, resource.children, known)
    return expected


def count_children(snapshot: Snapshot, children: Any, known: set[str]) -> Counter[str]:
    """Count what must become of each child; `known`: the records that have some."""
    expected: Counter[str] = Counter()
    seen: set[tuple[str | None, str]] = set()
    for _, parent, child in entries(snapshot, children.resource, children.records):
        key = child.get(children.identifier)
        if parent not in known:
            expected["child without record"] += 1
        elif skipped(child, children.skip):
            expected["child left out"] += 1
        elif not usable(key):
            expected["nameless child"] += 1
        elif (parent, key) in seen:
            expected["repeated child"] += 1
        else:
            seen.add((parent, key))
            expected["child"] += 1
    return expected


def check_nothing_is_lost(config: Config, institution: Institution, report: HarvestReport) -> None:
    (source,) = institution.sources
    snapshot = load_latest_snapshot(config.data_dir, institution.id, source)
    assert snapshot is not None
    expected = count_expected(snapshot)
    issues: Counter[str] = Counter()
    for issue in report.issues:
        issues[issue.code] += issue.count
        assert issue.message
    published = read_graph(config, "graphs", institution)
    refused = read_graph(config, "refused", institution)
    records = [find_typed(graph, "LearningOpportunitySpecification") for graph in (published, refused)]
    assert report.error is None
    assert report.harvested == expected["record"]
    assert report.harvested == report.published + report.refused
    assert len(records[0]) == report.published
    nameless = set(re.findall(r"^(\S+#refused-\S+) ", refused, re.MULTILINE))
    # Units may share the address of their lists: what is refused there twice is one entry of the refused file.
    assert len(records[1]) + len(nameless) == report.refused - expected["nameless again"]
    assert issues["record-repeated"] == expected["repeated"]
    assert issues["record-without-identifier"] >= expected["nameless"]
    instances = [find_typed(graph, "LearningOpportunityInstance") for graph in (published, refused)]
    assert len(instances[0]) == report.instances
    assert len(instances[0] | instances[1]) == expected["child"]
    assert issues["instance-without-identifier"] == expected["nameless child"]
    assert issues["instance-repeated"] == expected["repeated child"]
    assert all(use.reason for use in report.fields if use.outcome in ("ignored", "dropped"))
    check_refusals_are_explained(config, institution, records[1], refused)


def check_refusals_are_explained(config: Config, institution: Institution, records: set[str], refused: str) -> None:
    """Each refused record has a violation in the report, at itself or at a node that belongs to it."""
    report = parse(path=config.data_dir / "reports" / f"{institution.id}.ttl", format=RdfFormat.TURTLE)
    triples = [(quad.subject, quad.predicate.value, quad.object) for quad in report]
    violations = {s for s, p, o in triples if p == f"{SH}resultSeverity" and o == NamedNode(f"{SH}Violation")}
    focus = {str(o) for s, p, o in triples if p == f"{SH}focusNode" and s in violations}
    parts = tuple(node.rstrip(">") for node in focus)
    for record in records:
        own = record.rstrip(">")
        assert any(part == own or part.startswith((f"{own}#", f"{own}/")) for part in parts), record
    for name in re.findall(r"^(\S+#refused-\S+) ", refused, re.MULTILINE):
        assert f"\n{name} <http://www.w3.org/2000/01/rdf-schema#comment> " in f"\n{refused}"


@each_format
@pytest.mark.parametrize("seed", SEEDS)
def test_no_record_of_a_random_server_is_lost_and_every_refusal_is_explained(
    random_server: StartServer, tmp_path: Path, form: Format, seed: int
) -> None:
    server = random_server(form.file, form.prefix, seed)
    institution = make_institution(form, server.url, seed)
    config = make_config(tmp_path, institution)
    report = process_institution(config, institution)
    assert report.status == "published"
    assert server.requests < 3000
    check_nothing_is_lost(config, institution, report)
    graph = read_graph(config, "graphs", institution)
    again = process_institution(config, institution, offline=True, full=True)
    assert (again.harvested, again.graph_sha256) == (report.harvested, report.graph_sha256)
    assert read_graph(config, "graphs", institution) == graph


@each_format
def test_what_a_failing_server_gave_is_not_lost_and_what_it_did_not_give_is_said(
    random_server: StartServer, tmp_path: Path, form: Format
) -> None:
    server = random_server(form.file, form.prefix, 8, faults=0.25)
    institution = make_institution(form, server.url, 8)
    config = make_config(tmp_path, institution)
    report = process_institution(config, institution)
    check_nothing_is_lost(config, institution, report)
    told = {issue.code for issue in report.issues}
    assert told & {"page-failed", "page-unreadable", "single-absent"}


def test_random_servers_become_a_release(random_server: StartServer, tmp_path: Path) -> None:
    institutions = [make_institution(form, random_server(form.file, form.prefix, 13).url, 13) for form in FORMATS]
    summary = run(make_config(tmp_path, *institutions))
    assert [report.error for report in summary.reports] == [None] * len(FORMATS)
    assert summary.release is not None
    assert sum(report.published for report in summary.reports) > 10


@each_format
def test_random_data_is_what_the_published_schema_allows(
    documents: Mapping[str, Any], random_server: StartServer, form: Format
) -> None:
    server = random_server(form.file, form.prefix, 1)
    document = _as_json_schema(documents[form.file])
    id_ = "3f2b6c1e-0000-4000-8000-000000000000"
    paths = {
        "ooapi": (
            "/courses",
            "/programs",
            "/programmes",
            f"/courses/{id_}/offerings",
            f"/courses/{id_}/course-offerings",
        ),
        "occapi": ("/hei/utwente.nl", "/hei/utwente.nl/course", "/hei/utwente.nl/programme/1"),
    }[form.type]
    checked = 0
    for path in paths:
        found = server.find_schema(form.prefix + path)
        if found is None:
            continue
        validator = jsonschema.Draft202012Validator({**document, **_as_json_schema(found[1])})
        for number in range(5):
            validator.validate(server.make(form.prefix + path, f"pageNumber={number}"))
            checked += 1
    assert checked >= 15


def _as_json_schema(schema: Any) -> Any:
    """Put right what the files have that is no JSON Schema: a type that is null without quotes, the type float."""
    if isinstance(schema, list):
        return [_as_json_schema(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    out = {key: _as_json_schema(value) for key, value in schema.items()}
    if isinstance(out.get("type"), list):
        out["type"] = ["null" if kind is None else kind for kind in out["type"]]
    elif out.get("type") == "float":
        out["type"] = "number"
    return out
