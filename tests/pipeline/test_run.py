"""A run: what one institution's fault costs the others (nothing), and what becomes the release."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from qlink_ld.demo.http_server import Answer, LoopbackServer
from qlink_ld.errors import ConfigurationError, PublishError
from qlink_ld.namespaces import QL
from qlink_ld.pipeline import run

Courses = Callable[..., str]


def test_bad_sources_cost_the_others_nothing(deployment: Any, courses: Courses) -> None:
    """Each kind of bad source in one run: one message each, the good institution is published, exit code 1."""

    def respond(path: str, _query: Any) -> Answer:
        if path.startswith("/broken"):
            return Answer(b'{"items": [', "application/json")
        return Answer(b"gone fishing", "text/plain", 404)

    deployment.write("good.ttl", courses(range(3)))
    deployment.write("syntax.ttl", courses(range(2)) + '<https://x.example/> <https://x.example/p> "open\n')
    # Quoted triples in quoted triples end the parser's process: its recursion has no limit.
    deployment.write("crash.nt", "<u:s> <u:p> " + "<<( <u:s> <u:p> " * 20_000 + '"1"' + " )>>" * 20_000 + " .\n")
    (deployment.folder / "folder").mkdir()
    server = LoopbackServer(respond, "bad")
    try:
        deployment.add("GOOD", "good.ttl")
        deployment.add("MISSING", "missing.ttl")
        deployment.add("SYNTAX", "syntax.ttl")
        deployment.add("CRASH", "crash.nt")
        deployment.add("FOLDER", "folder")
        deployment.add("NOTJSON", f'type = "ooapi"\nversion = "5"\npath = "{server.url}/broken"')
        deployment.add("GONE", f'type = "elm"\npath = "{server.url}/gone.ttl"')
        deployment.add("DOWN", 'type = "elm"\npath = "http://127.0.0.1:9/elm.ttl"')
        deployment.add("MAPPING", 'type = "json"\nmapping = "no-such"\npath = "good.ttl"')
        deployment.add("VERSION", 'type = "ooapi"\nversion = 9\npath = "http://127.0.0.1:9/"')
        deployment.add("TYPE", 'type = "occapi"\nversion = 3\npath = "http://127.0.0.1:9/"')
        deployment.add("NONE")
        done = deployment.command("run", "--workers", "4")
    finally:
        server.stop()
    assert done.returncode == 1
    lines = {line.split()[0]: line for line in done.stdout.splitlines()[:-1]}
    assert lines.keys() == deployment.institutions.keys()
    assert lines.pop("GOOD").split()[1:4] == ["published", "harvested=3", "published=3"]
    assert all(line.split()[1] == "failed" for line in lines.values())
    assert deployment.released() == {"GOOD": 3}
    messages = dict(line.split(": ", 1) for line in done.stderr.splitlines())
    assert len(messages) == len(done.stderr.splitlines()) == len(lines)  # one each, no traceback
    expected = {
        "MISSING": "missing.ttl: No such file or directory; check `path` of the source",
        "SYNTAX": "syntax.ttl:23: not valid Turtle: ",
        "CRASH": "the process that read its data was ended by SIGSEGV",
        "FOLDER": "folder is not a file; give the path of one file",
        "NOTJSON": "/broken/courses?pageNumber=1&pageSize=250: not JSON: unexpected end of data: line 1 column 12",
        "GONE": "/gone.ttl",
        "DOWN": "http://127.0.0.1:9/elm.ttl",
        "MAPPING": "unknown mapping 'no-such'",
        "VERSION": "no mapping for sources of type 'ooapi', version 9; bundled are: ",
        "TYPE": "no mapping for sources of type 'occapi', version 3; bundled are: ",
        "NONE": "give its sources in the configuration as [[institution.source]]",
    }
    assert messages.keys() == expected.keys()
    for name, message in expected.items():
        assert message in messages[name]
        report = (deployment.data / "reports" / f"{name}.ttl").read_text()
        assert '"failed"' in report


def test_nothing_at_all_is_exit_code_3(deployment: Any) -> None:
    deployment.add("A", "missing.ttl")
    done = deployment.command("run")
    assert done.returncode == 3
    assert "nothing changed, no new release" in done.stdout
    assert not (deployment.data / "current").exists()


def test_a_good_run_is_exit_code_0_and_says_when_nothing_changed(deployment: Any, courses: Courses) -> None:
    deployment.write("a.ttl", courses(range(3)))
    deployment.add("A", "a.ttl")
    first = deployment.command("run")
    assert (first.returncode, first.stderr) == (0, "")
    second = deployment.command("run", "--json")
    table = orjson.loads(second.stdout)
    assert (second.returncode, second.stderr, table["release"]) == (0, "", None)
    assert table["institutions"][0]["status"] == "unchanged"
    assert len(deployment.releases()) == 1


def test_only_named_institutions_are_visited_and_the_others_stay(deployment: Any, courses: Courses) -> None:
    for name in ("A", "B"):
        deployment.write(f"{name}.ttl", courses([f"{name}{number}" for number in range(3)]))
        deployment.add(name, f"{name}.ttl")
    deployment.run()
    for name in ("A", "B"):
        deployment.write(f"{name}.ttl", courses([f"{name}{number}" for number in range(4)]))
    summary = deployment.run("B", "B")
    assert [report.institution for report in summary.reports] == ["B"]
    assert deployment.released() == {"A": 3, "B": 4}


def test_a_removed_institution_leaves_the_release(deployment: Any, courses: Courses) -> None:
    for name in ("A", "B"):
        deployment.write(f"{name}.ttl", courses([f"{name}{number}" for number in range(3)]))
        deployment.add(name, f"{name}.ttl")
    deployment.run()
    assert deployment.released() == {"A": 3, "B": 3}
    del deployment.institutions["B"]
    summary = deployment.run()
    assert summary.release is not None
    assert deployment.released() == {"A": 3}
    assert not any("/B" in graph for graph in summary.release.info["graphs"])


def test_an_unknown_institution_is_refused_before_anything_happens(deployment: Any) -> None:
    deployment.add("A", "a.ttl")
    with pytest.raises(ConfigurationError, match="'B' is not in the configuration; it has: A"):
        deployment.run("A", "B")
    assert not deployment.data.exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("@prefix sh: <http://www.w3.org/ns/shacl#> .\n<u:s> sh:path ;\n", "own.ttl:2 is not valid RDF"),
        ("<u:s> <u:p> <u:o> .", "no SHACL shapes in"),
        (None, "own.ttl cannot be read: No such file"),
    ],
)
def test_shapes_that_cannot_be_used_are_refused_before_anybody_is_visited(
    deployment: Any, text: str | None, message: str
) -> None:
    if text is not None:
        deployment.write("own.ttl", text)
    deployment.head += '[validation]\nshapes = ["own.ttl"]\n'
    deployment.add("A", "a.ttl")
    done = deployment.command("run")
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert not deployment.data.exists()


def test_two_runs_in_one_folder_are_refused(deployment: Any, courses: Courses) -> None:
    """The second one says so at once, and may come when the first is done."""
    deployment.write("a.ttl", courses(range(3)))
    deployment.add("A", "a.ttl")
    config = deployment.config()

    def run_again(_report: object) -> None:
        with pytest.raises(PublishError, match="another run is at work in"):
            run(config)

    assert run(config, on_report=run_again).release is not None
    assert run(config).release is None


def test_progress_is_told_in_stages(deployment: Any, courses: Courses) -> None:
    deployment.write("a.ttl", courses(range(3)))
    deployment.add("A", "a.ttl")
    told: list[tuple[str, str, int, int | None]] = []
    run(deployment.config(), on_progress=lambda *stage: told.append(stage))
    assert told == [("A", "harvest", 1, 1), ("A", "convert", 3, None)]


def test_a_folder_that_cannot_be_written_is_named(deployment: Any, courses: Courses) -> None:
    deployment.write("a.ttl", courses(range(3)))
    deployment.add("A", "a.ttl")
    deployment.write("data", "a file where the folder should be")
    with pytest.raises(PublishError, match="data cannot be written: File exists; choose another --data folder"):
        deployment.run()


# Real payloads -------------------------------------------------------------------------------------------------------


def serve_samples(folder: Path) -> Callable[[str, Any], Answer]:
    """The sample payloads of OOAPI 5, as the API whose answers they are."""

    def respond(path: str, query: Any) -> Answer:
        parts = [part for part in path.removeprefix("/ooapi/v5").split("/") if part]
        name = {0: "service", 1: parts[0] if parts else "", 2: "course"}.get(len(parts), "")
        if len(parts) == 3:
            name = f"{parts[0].removesuffix('s')}-{parts[2]}"
        file = folder / f"{name}.json"
        if not file.is_file():
            return Answer(b'{"status": "404", "title": "not here"}', "application/problem+json", 404)
        page = orjson.loads(file.read_bytes())
        if "items" in page and int(query.get("pageNumber", 1)) > page["totalPages"]:
            page["items"] = []
        return Answer(orjson.dumps(page), "application/json")

    return respond


AT0002_REASONS = (
    "This learning opportunity has no identifier.",
    "This learning opportunity has no EQF level.",
    "The language of this learning opportunity is not in the EU language list.",
    "The language of this offering is not in the EU language list.",
    "The learning opportunity of this offering is not described in the data as a learning opportunity.",
)


def test_real_payloads_are_harvested_and_judged(deployment: Any, shared: Path) -> None:
    samples = shared / "samples"
    server = LoopbackServer(serve_samples(samples / "ooapi-v5"), "samples")
    (deployment.folder / "AT0002.ttl").symlink_to(samples / "elm" / "AT0002.ttl")
    try:
        ooapi = f'type = "ooapi"\nversion = "5.0"\npath = "{server.url}/ooapi/v5/"\nofferings_since = 2019-01-01'
        deployment.add("NL0001", ooapi, settings='schac = "sample.nl"')
        deployment.add("AT0001", "AT0002.ttl", settings='schac = "sample.at"')
        elm = f'type = "elm"\nversion = "3.1"\npath = "{(samples / "elm" / "AT0002.ttl").as_uri()}"'
        deployment.add("AT0002", elm, settings='on_violation = "publish"')
        done = deployment.command("run")
    finally:
        server.stop()
    assert done.returncode == 1
    assert done.stderr == ""
    lines = {line.split()[0]: line for line in done.stdout.splitlines()}
    assert " harvested=2 published=2 refused=0 " in lines["NL0001"]
    assert " harvested=2 published=0 refused=2 " in lines["AT0001"]
    assert " harvested=2 published=2 refused=0 " in lines["AT0002"]
    assert (deployment.count("AT0001"), deployment.count("AT0001", "refused")) == (0, 2)
    assert f" <{QL}LearningOpportunityInstance> " in deployment.graph("AT0001", "refused")
    for name in ("AT0001", "AT0002"):
        report = (deployment.data / "reports" / f"{name}.ttl").read_text()
        for reason in AT0002_REASONS:
            assert reason in report
    assert "was refused" not in (deployment.data / "reports" / "AT0002.ttl").read_text()
    assert deployment.released() == {"NL0001": 2, "AT0001": 0, "AT0002": 2}

    deployment.head += '[validation]\non_violation = "publish"\n'  # the same for everybody
    assert {r.institution: r.published for r in deployment.run("AT0001", offline=True).reports} == {"AT0001": 2}
