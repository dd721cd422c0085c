"""Static ELM files as a manifest announces them, served with the types that real servers state."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest
from pyoxigraph import RdfFormat, parse, serialize
from pytest_httpserver import HTTPServer

from qlink_ld.namespaces import ELM, ELM_OLD, QL

from .conftest import write_courses

TURTLE, XML, JSON_LD, TRIPLES = RdfFormat.TURTLE, RdfFormat.RDF_XML, RdfFormat.JSON_LD, RdfFormat.N_TRIPLES
# Requirement, serialisation, what the server says, what the manifest says, address.
FILES: tuple[tuple[str, RdfFormat, str, str | None, str], ...] = (
    ("e01", XML, "application/rdf+xml", None, "/a"),
    ("e01", TURTLE, "text/turtle", None, "/b"),
    ("e01", JSON_LD, "application/ld+json", None, "/c"),
    ("e02", TURTLE, "application/octet-stream", "text/turtle", "/d"),
    ("e02", TRIPLES, "text/html", "application/n-triples", "/e"),
    ("e03", TURTLE, "text/turtle; charset=utf-8", None, "/f"),
    ("e03", XML, "application/xml", None, "/g"),
    ("e03", XML, "text/xml; charset=UTF-8", None, "/h"),
    ("e03", JSON_LD, "application/json", None, "/i"),
    ("e03", TURTLE, "application/octet-stream", None, "/j.ttl"),
    ("e03", XML, "application/octet-stream", None, "/k.rdf"),
    ("e03", TURTLE, "text/plain", None, "/l"),
    ("e03", JSON_LD, "", None, "/m"),
)


def announce(server: HTTPServer, *sources: Mapping[str, object]) -> None:
    entries = [{"type": "elm", "version": "3.3", **source} for source in sources]
    body = orjson.dumps({"sources": entries})
    server.expect_request("/.well-known/quality-link-manifest").respond_with_data(body)


def university(deployment: Any, server: HTTPServer) -> None:
    deployment.add("UNI", settings=f'website = "{server.url_for("/")}"')


@pytest.fixture
def serialised() -> Any:
    def run(key: str, form: RdfFormat) -> bytes:
        triples = (quad.triple for quad in parse(write_courses([key]).encode(), format=TURTLE))
        return serialize(triples, format=form) or b""

    return run


def test_e_01_e_02_e_03_every_serialisation_is_read_whatever_its_type(
    deployment: Any, httpserver: HTTPServer, serialised: Any
) -> None:
    sources = []
    for number, (_, form, said, override, path) in enumerate(FILES):
        httpserver.expect_request(path).respond_with_data(serialised(f"c{number}", form), content_type=said)
        stated = {"contentType": override} if override else {}
        sources.append({"id": f"s{number}", "path": httpserver.url_for(path), **stated})
    announce(httpserver, *sources)
    university(deployment, httpserver)
    report = deployment.report("UNI")
    assert report.status == "published", report.error
    graph = deployment.graph("UNI")
    lost = [file for number, file in enumerate(FILES) if f"<https://courses.example/c{number}> " not in graph]
    assert not lost
    assert report.published == len(FILES)


def test_e_04_records_are_judged_by_the_shapes_of_specifications(deployment: Any, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/x").respond_with_data(write_courses([1], faulty=[2]), content_type="text/turtle")
    announce(httpserver, {"path": httpserver.url_for("/x")})
    university(deployment, httpserver)
    report = deployment.report("UNI")
    assert (report.published, report.refused) == (1, 1)
    (kind,) = [count for count in report.result_counts if count["severity"] == "violation"]
    assert kind["path"] == f"<{ELM}EQFLevel>"
    assert "LearningOpportunitySpecification" in str(kind["shape"])


def test_e_05_remote_contexts_are_never_fetched(deployment: Any, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/context").respond_with_json({"@context": {"title": "http://purl.org/dc/terms/title"}})
    course = {
        "@context": httpserver.url_for("/context"),
        "@id": "https://courses.example/1",
        "@type": f"{QL}LearningOpportunitySpecification",
        "title": "Graphs",
    }
    httpserver.expect_request("/x").respond_with_json(course)
    announce(httpserver, {"path": httpserver.url_for("/x")})
    university(deployment, httpserver)
    report = deployment.report("UNI")
    assert "/context" not in [request.path for request, _ in httpserver.log]
    said = " ".join([report.error or "", *(issue.message for issue in report.issues)])
    assert "context" in said


def test_e_06_both_namespaces_are_read_and_become_one(deployment: Any, httpserver: HTTPServer) -> None:
    old = write_courses(["old"]).replace(ELM, ELM_OLD)
    assert ELM_OLD in old
    httpserver.expect_request("/old").respond_with_data(old, content_type="text/turtle")
    httpserver.expect_request("/new").respond_with_data(write_courses(["new"]), content_type="text/turtle")
    announce(
        httpserver,
        {"id": "old", "version": "3.1", "path": httpserver.url_for("/old")},
        {"id": "new", "path": httpserver.url_for("/new")},
    )
    university(deployment, httpserver)
    report = deployment.report("UNI")
    assert (report.status, report.published) == ("published", 2)
    assert ELM_OLD not in deployment.graph("UNI")


def test_e_06_the_xml_form_is_told_from_rdf_xml_and_converted(
    deployment: Any, httpserver: HTTPServer, shared: Path
) -> None:
    (sample,) = (shared / "samples/elm-xsd").glob("*.xml")
    httpserver.expect_request("/x").respond_with_data(sample.read_bytes(), content_type="application/rdf+xml")
    announce(httpserver, {"path": httpserver.url_for("/x")})
    university(deployment, httpserver)
    report = deployment.report("UNI")
    assert report.harvested > 0
    assert "source-failed" not in {issue.code for issue in report.issues}
