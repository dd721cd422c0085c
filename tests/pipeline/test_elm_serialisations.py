"""ELM files as real servers send them: every serialisation, with right, wrong and missing content types, over HTTP."""

import gzip
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyoxigraph import Quad, RdfFormat, parse, serialize
from pytest_httpserver import HTTPServer

from qlink_ld.config import HarvestSettings
from qlink_ld.errors import QlinkError
from qlink_ld.harvest import harvest_source
from qlink_ld.mapping import Account, find_mapping, map_snapshot
from qlink_ld.model import DataSource, Institution, Record
from qlink_ld.namespaces import Iris

LOCAL = HarvestSettings(timeout_s=5, allow_private_addresses=True)
TWENTE = Institution("NL0028", "University of Twente", schac="utwente.nl", website="https://www.utwente.nl")
TURTLE = """@prefix elm: <http://data.europa.eu/snb/model/elm/> .
@prefix dcterms: <http://purl.org/dc/terms/> .
@prefix adms: <http://www.w3.org/ns/adms#> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .

<https://www.utwente.nl/courses/é> a elm:LearningAchievementSpecification ;
  dcterms:title "Café, Straße, 数学"@en, "Café"@nl ;
  adms:identifier [ a elm:Identifier ; skos:notation "MATH-1" ] ;
  elm:learningOpportunity [ a elm:LearningOpportunity ; dcterms:description "First \\"run\\"\\nof all"@en ] .
""".encode()
_TRIPLES = [quad.triple for quad in parse(TURTLE, format=RdfFormat.TURTLE)]
_QUADS = [Quad(t.subject, t.predicate, t.object) for t in _TRIPLES]


def write(form: RdfFormat) -> bytes:
    return serialize(_QUADS if form == RdfFormat.JSON_LD else _TRIPLES, format=form) or b""


N_TRIPLES, RDF_XML, JSON_LD = map(write, (RdfFormat.N_TRIPLES, RdfFormat.RDF_XML, RdfFormat.JSON_LD))
N_QUADS = N_TRIPLES.replace(b" .\n", b" <urn:x:graph> .\n")
TRIG = b"@prefix x: <urn:x:> .\nx:graph {\n" + N_TRIPLES + b"}\n"
XML_LATIN = b'<?xml version="1.0" encoding="ISO-8859-15"?>' + RDF_XML.partition(b"?>")[2].decode().replace(
    "数学", "&#25968;&#23398;"
).encode("iso-8859-15")
SOURCES = [  # body, path, content type of the server, of the manifest
    (TURTLE, "elm.ttl", "text/turtle; charset=utf-8", None),
    (TURTLE, "elm.ttl", "text/plain", None),
    (TURTLE, "elm", "text/plain; charset=utf-8", None),
    (TURTLE, "elm", "application/octet-stream", "text/turtle"),
    (TURTLE, "elm", "application/rdf+xml", None),
    (TURTLE, "elm.xml", "text/xml", None),
    (TURTLE, "elm", "text/n3", None),
    (b"\xef\xbb\xbf" + TURTLE, "elm.ttl", "text/turtle", None),
    (TURTLE.decode().encode("utf-16"), "elm.ttl", "text/turtle", None),
    (gzip.compress(TURTLE), "elm.ttl.gz", "application/gzip", None),
    (gzip.compress(TURTLE), "elm", "application/octet-stream", None),
    (TRIG, "elm.trig", "application/trig", None),
    (TRIG, "elm", "text/turtle", None),
    (TRIG, "elm", "application/octet-stream", None),
    (N_TRIPLES, "elm.nt", "application/n-triples", None),
    (N_TRIPLES, "elm", "text/plain", None),
    (N_QUADS, "elm.nq", "application/n-quads", None),
    (N_QUADS, "elm", "text/plain", None),
    (gzip.compress(N_QUADS), "elm.nq.gz", "application/x-gzip", None),
    (RDF_XML, "elm.rdf", "application/rdf+xml", None),
    (RDF_XML, "elm", "text/xml; charset=utf-8", None),
    (RDF_XML, "elm.xml", "application/xml", None),
    (RDF_XML, "elm", "text/html", None),
    (RDF_XML, "elm.ttl", "text/turtle", None),
    (b"\xef\xbb\xbf" + RDF_XML, "elm", "text/plain", None),
    (XML_LATIN, "elm.rdf", "application/rdf+xml", None),
    (JSON_LD, "elm.jsonld", "application/ld+json", None),
    (JSON_LD, "elm", 'application/ld+json; profile="http://www.w3.org/ns/json-ld#expanded"', None),
    (JSON_LD, "elm.json", "application/json", None),
    (JSON_LD, "elm", "text/plain", None),
    (JSON_LD, "elm.ttl", "application/octet-stream", "application/ld+json"),
    (b"\xef\xbb\xbf\n" + JSON_LD, "elm", "application/json", None),
    (gzip.compress(JSON_LD), "elm.jsonld.gz", "application/gzip", None),
]


@pytest.fixture(scope="module")
def running() -> Iterator[HTTPServer]:
    with HTTPServer(host="127.0.0.1", port=0, threaded=True) as server:
        yield server


@pytest.fixture
def server(running: HTTPServer) -> HTTPServer:
    running.clear()
    return running


def harvest(server: HTTPServer, folder: Path, path: str, override: str | None = None) -> str:
    """Harvest and map; return the N-Triples."""
    source = DataSource("elm", "elm", server.url_for(f"/{path}"), version="3.1", content_type=override)
    snapshot = harvest_source(TWENTE, source, LOCAL, folder, datetime(2026, 10, 1, tzinfo=UTC))
    iris = Iris("https://example.org/")
    batches = map_snapshot(snapshot, find_mapping(source), TWENTE, iris, Account("elm"))
    return "".join(entry.ntriples for batch in batches for entry in batch if isinstance(entry, Record))


@pytest.mark.parametrize(
    ("body", "path", "media_type", "override"),
    SOURCES,
    ids=[f"{number}-{path}-{kind.partition(';')[0]}" for number, (_, path, kind, _) in enumerate(SOURCES)],
)
def test_every_form_gives_the_same_records(
    server: HTTPServer, tmp_path: Path, body: bytes, path: str, media_type: str, override: str | None
) -> None:
    server.expect_request(f"/{path}").respond_with_data(body, content_type=media_type)
    server.expect_request("/plain.ttl").respond_with_data(TURTLE, content_type="text/turtle")
    found = harvest(server, tmp_path, path, override)
    assert found == harvest(server, tmp_path / "plain", "plain.ttl")
    assert '"Café, Straße, 数学"@en' in found


@pytest.mark.parametrize(
    ("body", "media_type", "words"),
    [
        (b"<!doctype html><p>Please log in", "text/turtle", "a web page"),
        (b"<courses><course/></courses>", "application/xml", "XML that is not RDF/XML: its root element is courses"),
        (b'{"@id": "urn:x:a"}\n{"@id": "urn:x:b"}', "application/x-ndjson", "one JSON document on each line"),
        (b"{ ?a <urn:x:p> ?b } => { ?b <urn:x:p> ?a } .", "text/n3", "rules and formulae of Notation3 are no RDF"),
        (b'{"@context": "https://x.example/c", "a": "b"}', "application/ld+json", "context https://x.example/c, and"),
        (gzip.compress(TURTLE)[:-20], "application/gzip", "cut off or damaged"),
        (b"PK\x03\x04", "application/zip", "a ZIP archive"),
        (b"code;title\n1;Algebra\n", "text/csv", "which RDF serialisation it is; set 'content_type'"),
    ],
)
def test_what_is_no_rdf_is_named(server: HTTPServer, tmp_path: Path, body: bytes, media_type: str, words: str) -> None:
    server.expect_request("/elm").respond_with_data(body, content_type=media_type)
    with pytest.raises(QlinkError, match=rf"127\.0\.0\.1:\d+/elm.*{words}"):
        harvest(server, tmp_path, "elm")


def test_convert_reads_addresses_and_files_in_the_same_forms(server: HTTPServer, tmp_path: Path) -> None:
    settings = '[harvest]\nallow_private_addresses = true\n[[institution]]\nid = "NL0028"\nname = "Twente"\n'
    (tmp_path / "qlink.toml").write_text(settings)
    outputs = set()
    for body, name in ((gzip.compress(TURTLE), "a.ttl.gz"), (RDF_XML, "a"), (JSON_LD, "a.txt"), (N_QUADS, "a.dat")):
        server.expect_request(f"/{name}").respond_with_data(body, content_type="application/octet-stream")
        (tmp_path / name).write_bytes(body)
        where = name if body is RDF_XML or body is N_QUADS else server.url_for(f"/{name}")
        command = [sys.executable, "-m", "qlink_ld", "convert", where, "--mapping", "elm", "--institution", "NL0028"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=tmp_path)
        assert done.returncode == 0, (where, done.stderr)
        outputs.add(done.stdout)
    assert len(outputs) == 1
    assert "MATH-1" in outputs.pop()
