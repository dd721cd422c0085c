"""The command line's contract: exit codes, results on stdout, one clear message on stderr, never a traceback."""

import gzip
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pyoxigraph import RdfFormat, parse

from qlink_ld import __version__
from qlink_ld.config import load_config
from qlink_ld.demo.http_server import Answer, LoopbackServer
from qlink_ld.pipeline import run

COURSE = """\
@prefix adms: <http://www.w3.org/ns/adms#> .
@prefix dcterms: <http://purl.org/dc/terms/> .
@prefix elm: <http://data.europa.eu/snb/model/elm/> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .

<https://a.example/c1> a elm:LearningAchievementSpecification ;
  dcterms:title "Graphs"@en ;
  dcterms:publisher <http://localhost:8080/institutions/A> ;
  dcterms:language <http://publications.europa.eu/resource/authority/language/ENG> ;
  elm:ISCEDFCode <http://data.europa.eu/snb/isced-f/0613> ;
  elm:EQFLevel <http://data.europa.eu/snb/eqf/6> ;
  adms:identifier [ a elm:Identifier ; skos:notation "c1" ] ;
  elm:learningOutcome [ a elm:LearningOutcome ; dcterms:title "Walks graphs"@en ] .
"""
# Quoted triples in quoted triples end the parser's process: its recursion has no limit.
CRASH = "<u:s> <u:p> " + "<<( <u:s> <u:p> " * 20_000 + '"1"' + " )>>" * 20_000 + " .\n"
FILES = {
    "good.ttl": COURSE,
    "syntax.ttl": "@prefix a: <http://a/> .\n\na:b a:c ;\n",
    "crash.nt": CRASH,
    "page.json": '{"items": [\n  {"courseId": ',
    "other.json": '{"items": [{"id": 1}]}',
    "bom.json": '\ufeff{"courseId": "1", "name": [{"language": "en", "value": "Tab\tin text"}]}',
    "empty.ttl": "",
    "shapes.ttl": "@prefix sh: <http://www.w3.org/ns/shacl#> .\n<u:s> a sh:NodeShape ; sh:property [\n",
    "noshapes.ttl": "<u:s> <u:p> <u:o> .\n",
    "unknown.toml": '[[institution]]\nid = "A"\nname = "B"\n\n  [[institution.source]]\n  type = "elm"\n  url = "x"\n',
    "empty.toml": "",
    "mapping.toml": '[[institution]]\nid = "A"\nname = "B"\nsource = [{ type = "csv", mapping = "nix", path = "x" }]\n',
    "select.rq": "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }",
    "syntax.rq": "SELECT * {\n  ?s ?p\n}",
    "update.rq": "DELETE WHERE { ?s ?p ?o }",
    "service.rq": "SELECT * { SERVICE <http://example.com/> { ?s ?p ?o } }",
    "latin.rq": "latin",
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files good and bad, and `data/` with a release of one course."""
    folder = tmp_path_factory.mktemp("cli")
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "latin.rq").write_bytes('SELECT * { ?s ?p "é" }'.encode("latin-1"))
    (folder / "good.ttl.gz").write_bytes(gzip.compress(COURSE.encode()))
    (folder / "cut.ttl.gz").write_bytes(gzip.compress(COURSE.encode())[:-30])
    (folder / "with space.ttl").write_text(COURSE)
    (folder / "folder.ttl").mkdir()
    good = folder / "good.toml"
    good.write_text(
        '[[institution]]\nid = "A"\nname = "University A"\n[[institution.source]]\ntype = "elm"\npath = "good.ttl"\n'
    )
    assert run(load_config(good, folder / "data", {})).release is not None
    return folder


def qlink(folder: Path, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "qlink_ld", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=60, cwd=folder)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    def respond(path: str, _query: object) -> Answer:
        if path == "/good":
            return Answer(COURSE.encode(), "text/turtle")
        return Answer(b"not here", "text/plain", 404)

    server = LoopbackServer(respond, "cli")
    yield server.url
    server.stop()


# What is typed, the exit code, and what the message says.
BAD_INPUT = (
    ("run -c missing.toml", 2, "cannot read the configuration missing.toml: No such file or directory"),
    ("run -c unknown.toml", 2, "unknown.toml:7: unknown key 'url'; allowed here: auth, content_type,"),
    ("run -c empty.toml", 2, "the configuration names no [[institution]]; see the README"),
    ("run -c good.toml B", 2, "institution 'B' is not in the configuration; it has: A"),
    ("run -c mapping.toml --data new", 3, "A: unknown mapping 'nix': no file "),
    ("convert missing.ttl --mapping elm", 2, "cannot read missing.ttl: No such file or directory"),
    ("convert folder.ttl --mapping elm", 2, "cannot read folder.ttl: Is a directory"),
    ("convert good.ttl --mapping nix", 2, "unknown mapping 'nix'"),
    ("convert good.ttl --mapping elm -o out.xlsx", 2, "out.xlsx: unknown suffix; use one of .nq, .ttl, .jsonld"),
    ("convert good.ttl --mapping elm -o no/out.nq", 3, "no/out.nq: No such file or directory"),
    ("convert syntax.ttl --mapping elm", 3, "syntax.ttl:3: not valid Turtle: "),
    ("convert page.json --mapping ooapi-5", 3, "page.json: not JSON: unexpected end of data: line 2 column 16"),
    ("convert other.json --mapping ooapi-5", 3, "no record has an identifier that the mapping 'ooapi-5' knows"),
    ("convert crash.nt --mapping elm", 3, "crash.nt: the process that read it was ended by SIGSEGV"),
    ("convert cut.ttl.gz --mapping elm", 3, "cut.ttl.gz: not a whole gzip file"),
    ("convert http://127.0.0.1:9/x.ttl --mapping elm", 3, "Connection refused"),
    ("validate missing.ttl", 2, "cannot read missing.ttl"),
    ("validate syntax.ttl", 3, "syntax.ttl:3: not valid Turtle: "),
    ("validate empty.ttl", 3, "empty.ttl: there is no RDF in it, so there is nothing to validate"),
    ("validate crash.nt", 3, "crash.nt: the process that read it was ended by SIGSEGV"),
    ("validate good.ttl --shapes missing.ttl", 2, "shapes file missing.ttl cannot be read: No such file"),
    ("validate good.ttl --shapes shapes.ttl", 2, "shapes file shapes.ttl:"),
    ("validate good.ttl --shapes noshapes.ttl", 2, "no SHACL shapes in noshapes.ttl"),
    ("query syntax.rq --data data", 2, "line 3, column 2: the query is not SPARQL 1.1 here"),
    ("query update.rq --data data", 2, "this is a SPARQL Update (DELETE)"),
    ("query service.rq --data data", 2, "SERVICE"),
    ("query latin.rq --data data", 2, "latin.rq: not UTF-8 text"),
    ("query select.rq --data data --format turtle", 2, "the query makes a table: ask for one of json,"),
    ("query select.rq --data data --format excel", 2, "unknown format 'excel'; known: json"),
    ("query select.rq --data new", 3, "nothing is published in "),
    ("serve --data new", 3, "nothing is published in "),
    ("release rollback 20000101T000000Z --data data", 3, "there is no release '20000101T000000Z'"),
)


@pytest.fixture(scope="module")
def answers(folder: Path) -> dict[str, subprocess.CompletedProcess[str]]:
    """What every command of `BAD_INPUT` does, several at a time."""
    with ThreadPoolExecutor(4) as pool:
        done = pool.map(lambda command: qlink(folder, *command.split()), [command for command, _, _ in BAD_INPUT])
        return dict(zip([command for command, _, _ in BAD_INPUT], done, strict=True))


@pytest.mark.parametrize(("command", "code", "message"), BAD_INPUT, ids=[command for command, _, _ in BAD_INPUT])
def test_bad_input_is_one_clear_message(
    folder: Path, answers: dict[str, subprocess.CompletedProcess[str]], command: str, code: int, message: str
) -> None:
    done = answers[command]
    assert done.returncode == code, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("Error: ") or code == 3
    if not command.startswith("run -c mapping"):
        assert done.stdout == ""
    assert not (folder / "new" / "current").exists()


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("run -c folder.ttl", "File 'folder.ttl' is a directory"),
        ("query missing.rq --data data", "'missing.rq': No such file or directory"),
        ("query select.rq --data good.ttl", "Directory 'good.ttl' is a file"),
        ("frobnicate", "No such command 'frobnicate'"),
        ("convert good.ttl", "Missing option '--mapping'"),
        ("validate good.ttl --engine jena", "'jena' is not one of 'shacl', 'pyshacl'"),
        ("serve --port 70000", "70000 is not in the range"),
        ("demo --scale 0 --once", "0 is not in the range x>=1"),
    ],
)
def test_wrong_use_is_exit_code_2_and_names_the_help(folder: Path, command: str, message: str) -> None:
    done = qlink(folder, *command.split())
    assert (done.returncode, done.stdout) == (2, "")
    assert "--help' for help." in done.stderr
    assert message in done.stderr


def test_a_port_in_use_is_named(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = qlink(folder, "serve", "--data", "data", "--port", str(port))
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert f"cannot listen at 127.0.0.1:{port} (Address already in use)" in done.stderr


@pytest.mark.parametrize("source", ["good.ttl.gz", "URI", "SERVER"])
def test_every_way_to_name_a_source_gives_the_same_quads(folder: Path, server: str, source: str) -> None:
    address = {"URI": (folder / "with space.ttl").as_uri(), "SERVER": f"{server}/good"}.get(source, source)
    done = qlink(folder, "convert", address, "--mapping", "elm", "--institution", "A")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (0, "1 records mapped, 0 refused")
    quads = list(parse(done.stdout.encode(), format=RdfFormat.N_QUADS))
    assert {str(quad.graph_name) for quad in quads} == {"<http://localhost:8080/graphs/institutions/A>"}
    assert done.stdout.splitlines() == sorted(set(done.stdout.splitlines()))
    assert "/model/elm/" not in done.stdout  # ELM 3.3, whatever came


def test_the_format_follows_the_suffix(folder: Path) -> None:
    triples = []
    for suffix, form in (("ttl", RdfFormat.TURTLE), ("nq", RdfFormat.N_QUADS)):
        done = qlink(folder, "convert", "good.ttl", "--mapping", "elm", "--institution", "A", "-o", f"out.{suffix}")
        assert (done.returncode, done.stdout) == (0, "")
        triples.append({quad.triple for quad in parse(path=folder / f"out.{suffix}", format=form)})
    assert triples[0] == triples[1]


def test_what_servers_get_wrong_in_json_is_forgiven_here_too(folder: Path) -> None:
    done = qlink(folder, "convert", "bom.json", "--mapping", "ooapi-5")
    assert done.returncode == 0
    assert '"Tab\\tin text"@en' in done.stdout


def test_validation_is_yes_no_and_in_every_form(folder: Path) -> None:
    poor = folder / "poor.ttl"
    poor.write_text(COURSE.replace("elm:EQFLevel <http://data.europa.eu/snb/eqf/6> ;", ""))
    for engine in ("shacl", "pyshacl"):
        done = qlink(folder, "validate", "poor.ttl", "--engine", engine, "--report", "json")
        assert done.returncode == 1
        report = json.loads(done.stdout)
        assert report["conforms"] is False
        assert any("has no EQF level" in result["message"] for result in report["results"])
    text = qlink(folder, "validate", "poor.ttl").stdout
    assert "https://a.example/c1  “Graphs”\n  violation: EQF level: " in text
    turtle = qlink(folder, "validate", "poor.ttl", "--report", "ttl").stdout
    assert list(parse(turtle.encode(), format=RdfFormat.TURTLE))


def test_own_shapes_replace_the_bundled_ones(folder: Path) -> None:
    shapes = folder / "own.ttl"
    shapes.write_text(
        "@prefix sh: <http://www.w3.org/ns/shacl#> .\n@prefix dcterms: <http://purl.org/dc/terms/> .\n"
        "<u:shape> a sh:NodeShape ; sh:targetSubjectsOf dcterms:title ; sh:property [ sh:path dcterms:creator ; "
        'sh:minCount 1 ; sh:message "Who made it?" ] .\n'
    )
    done = qlink(folder, "validate", "good.ttl", "--shapes", "own.ttl")
    assert done.returncode == 1
    assert "Who made it?" in done.stdout


def test_queries_come_from_files_and_stdin_in_every_format(folder: Path) -> None:
    counted = qlink(folder, "query", "select.rq", "--data", "data", "--format", "csv")
    assert (counted.returncode, counted.stderr) == (0, "")
    assert int(counted.stdout.split()[1]) > 40_000  # the vocabularies are published as well
    ask = "SELECT ?t { <https://a.example/c1> <http://purl.org/dc/terms/title> ?t }"
    answer = qlink(folder, "query", "-", "--data", "data", stdin=ask)
    assert json.loads(answer.stdout)["results"]["bindings"] == [
        {"t": {"type": "literal", "value": "Graphs", "xml:lang": "en"}}
    ]
    graph = qlink(
        folder, "query", "-", "--data", "data", "--format", "ntriples", stdin="DESCRIBE <https://a.example/c1>"
    )
    assert list(parse(graph.stdout.encode(), format=RdfFormat.N_TRIPLES))


def test_stdout_may_be_closed_early(folder: Path) -> None:
    query = "SELECT ?s ?p ?o { ?s ?p ?o }"
    command = f"'{sys.executable}' -m qlink_ld query - --data data --format csv | head -n 1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], input=query, capture_output=True, text=True, timeout=60, cwd=folder)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "s,p,o", "")


def test_the_log_goes_to_stderr_when_asked_for(folder: Path) -> None:
    done = qlink(folder, "-v", "run", "-c", "good.toml", "--data", "logged")
    assert done.returncode == 0
    assert "institution=A stage=harvest source=elm pages=1 " in done.stderr
    assert "institution=A status=published harvested=1 published=1 " in done.stderr
    assert "INFO" not in done.stdout


def test_help_and_version_are_answers(folder: Path) -> None:
    assert qlink(folder, "--version").stdout == f"qlink-ld, version {__version__}\n"
    for command in ("run", "serve", "demo", "convert", "validate", "query", "release"):
        done = qlink(folder, command, "--help")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith(f"Usage: python -m qlink_ld {command} ")
