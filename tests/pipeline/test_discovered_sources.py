"""An institution without configured sources is harvested by its manifest; how that was found is in its report."""

from collections.abc import Mapping
from typing import Any

import orjson
import pytest
from pytest_httpserver import HTTPServer

from qlink_ld.pipeline.state import load_state
from qlink_ld.serve.app import close_app, create_app

from .conftest import write_courses

FIRST = "/.well-known/quality-link-manifest"


def announce(server: HTTPServer, path: str = FIRST, *more: Mapping[str, object], **keys: object) -> None:
    sources = [{"id": "elm", "type": "elm", "version": "3.3", "path": server.url_for("/courses.ttl")}, *more]
    server.expect_request(path).respond_with_data(orjson.dumps({"sources": sources, **keys}))
    server.expect_request("/courses.ttl").respond_with_data(write_courses([1, 2, 3]), content_type="text/turtle")


@pytest.fixture
def university(deployment: Any, httpserver: HTTPServer) -> str:
    """The id of an institution that is known by its website only; it is its own web server."""
    deployment.add("UNI", settings=f'website = "{httpserver.url_for("/")}"')
    return "UNI"


def test_sources_come_from_the_manifest(deployment: Any, httpserver: HTTPServer, university: str) -> None:
    announce(httpserver)
    report = deployment.report(university)
    assert (report.status, report.published) == ("published", 3)
    assert [source["id"] for source in report.sources] == ["elm"]


def test_d_15_the_probes_are_in_every_kind_of_report(deployment: Any, httpserver: HTTPServer, university: str) -> None:
    announce(httpserver, f"{FIRST}.json")
    httpserver.expect_request(FIRST).respond_with_data("<html>", content_type="text/html")
    done = deployment.command("run", "--json")
    assert done.returncode == 0, done.stderr
    (report,) = orjson.loads(done.stdout)["institutions"]
    assert [probe["outcome"] for probe in report["probes"]] == ["not-a-manifest", "found"]
    assert all(probe["at"] and probe["message"] for probe in report["probes"])
    stored = load_state(deployment.config(), university)
    assert stored is not None
    assert [probe.url for probe in stored.probes] == [probe["url"] for probe in report["probes"]]
    assert "well-known" in (deployment.data / "reports" / f"{university}.ttl").read_text()
    app = create_app(deployment.config())
    page = app.test_client().get(f"/reports/{university}", headers={"Accept": "text/html"})
    close_app(app)
    assert "How the manifest was looked for" in page.text
    assert httpserver.url_for(f"{FIRST}.json") in page.text
    (again,) = deployment.run().reports
    assert again.status == "unchanged"
    assert [probe.outcome for probe in again.probes] == ["not-a-manifest", "found"]
    assert again.probes[0].at > stored.probes[0].at


def test_d_15_a_search_in_vain_is_in_the_report_of_the_failure(deployment: Any, university: str) -> None:
    report = deployment.report(university)
    assert report.status == "failed"
    stored = load_state(deployment.config(), university)
    assert stored is not None
    assert [probe.outcome for probe in stored.probes][:3] == ["server-error"] * 3
    assert all(probe.url in (report.error or "") for probe in report.probes)


def test_probes_stay_in_the_report_when_the_sources_fail(
    deployment: Any, httpserver: HTTPServer, university: str
) -> None:
    sources = [{"id": "elm", "type": "elm", "version": "3.3", "path": httpserver.url_for("/gone.ttl")}]
    httpserver.expect_request(FIRST).respond_with_data(orjson.dumps({"sources": sources}))
    httpserver.expect_request("/gone.ttl").respond_with_data("", status=404)
    report = deployment.report(university)
    assert report.status == "failed"
    assert [probe.outcome for probe in report.probes] == ["found"]


def test_what_is_wrong_in_a_manifest_is_in_the_report(deployment: Any, httpserver: HTTPServer, university: str) -> None:
    announce(httpserver, FIRST, {"type": "soap", "path": "https://a.example/"}, colour="blue")
    report = deployment.report(university)
    assert (report.status, report.published) == ("published", 3)
    assert {issue.code for issue in report.issues} >= {"source-type-unknown", "key-unknown"}
    assert deployment.command("run").returncode == 1  # a source is left out


def test_a_source_that_a_manifest_spoils_keeps_its_records(
    deployment: Any, httpserver: HTTPServer, university: str
) -> None:
    other = {"id": "more", "type": "elm", "version": "3.3", "path": httpserver.url_for("/more.ttl")}
    httpserver.expect_request("/more.ttl").respond_with_data(write_courses([4]), content_type="text/turtle")
    announce(httpserver, FIRST, other)
    assert deployment.report(university).published == 4
    httpserver.clear()
    announce(httpserver, FIRST, {**other, "path": "htp://wrong"})
    report = deployment.report(university)
    assert (report.status, report.published) == ("held", 4)


def test_offline_uses_the_sources_of_last_time(deployment: Any, httpserver: HTTPServer, university: str) -> None:
    announce(httpserver)
    deployment.run()
    asked = len(httpserver.log)
    (report,) = deployment.run(offline=True, full=True).reports
    assert (report.status, report.published) == ("published", 3)
    assert len(httpserver.log) == asked


def test_d_18_a_manifest_by_hand_is_used_without_a_search(deployment: Any, httpserver: HTTPServer) -> None:
    announce(httpserver, "/by-hand.json")
    deployment.add("A", settings=f'schac = "uni-x.example"\nmanifest = "{httpserver.url_for("/by-hand.json")}"')
    report = deployment.report("A")
    assert (report.status, report.published) == ("published", 3)
    assert [(probe.mechanism, probe.outcome) for probe in report.probes] == [("configured", "found")]


def test_d_18_a_manifest_can_be_a_file_but_names_addresses_only(deployment: Any) -> None:
    deployment.write("courses.ttl", write_courses([1]))  # there it is, but only a configuration may name a file
    deployment.write(
        "m.yaml", f"sources:\n  - type: elm\n    version: 3.3\n    path: {deployment.folder}/courses.ttl\n"
    )
    deployment.add("A", settings='manifest = "m.yaml"')
    report = deployment.report("A")
    assert report.status == "failed"
    assert "line 4, `sources[0].path`: must be a whole address" in (report.error or "")
