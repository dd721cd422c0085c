"""An institution without configured sources is harvested by the manifest on its own website."""

from typing import Any

import orjson
from pytest_httpserver import HTTPServer

from .conftest import write_courses


def announce(server: HTTPServer) -> None:
    manifest = {"sources": [{"id": "elm", "type": "elm", "version": "3.3", "path": server.url_for("/courses.ttl")}]}
    path = "/.well-known/quality-link-manifest"
    server.expect_request(path).respond_with_data(orjson.dumps(manifest), content_type="application/json")
    server.expect_request("/courses.ttl").respond_with_data(write_courses([1, 2, 3]), content_type="text/turtle")


def test_sources_come_from_the_manifest(deployment: Any, httpserver: HTTPServer) -> None:
    announce(httpserver)
    deployment.add("UNI", settings=f'website = "{httpserver.url_for("/")}"')
    report = deployment.report("UNI")
    assert (report.status, report.published) == ("published", 3)
    assert [source["id"] for source in report.sources] == ["elm"]


def test_offline_uses_the_sources_of_last_time(deployment: Any, httpserver: HTTPServer) -> None:
    announce(httpserver)
    deployment.add("UNI", settings=f'website = "{httpserver.url_for("/")}"')
    deployment.run()
    asked = len(httpserver.log)
    (report,) = deployment.run(offline=True, full=True).reports
    assert (report.status, report.published) == ("published", 3)
    assert len(httpserver.log) == asked


def test_no_manifest_says_where_it_was_looked_for(deployment: Any, httpserver: HTTPServer) -> None:
    deployment.add("UNI", settings=f'website = "{httpserver.url_for("/")}"')
    report = deployment.report("UNI")
    assert report.status == "failed"
    assert httpserver.url_for("/.well-known/quality-link-manifest") in (report.error or "")
