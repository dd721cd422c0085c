"""Files in a university's own form, over HTTP and from the operator's disk."""

from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from qlink_ld.config import HarvestSettings
from qlink_ld.errors import SourceUnavailable, UnusableResponse
from qlink_ld.harvest.snapshot import load_latest_snapshot
from qlink_ld.harvest.source import harvest_source
from qlink_ld.model import DataSource, Institution

LOCAL = HarvestSettings(timeout_s=5, allow_private_addresses=True, max_response_bytes=100_000)
LAKESIDE = Institution("XX0001", "Lakeside University")
BODIES = {
    "json": b'{"INF1": {"title": "Logic"}}',
    "xml": b"<courses><course/></courses>",
    "csv": b"code;title\n1;Logic\n",
}


@pytest.mark.parametrize("kind", BODIES)
def test_a_file_is_one_page_as_received(server: HTTPServer, tmp_path: Path, kind: str) -> None:
    server.expect_request("/courses").respond_with_data(BODIES[kind], content_type="application/octet-stream")
    snapshot = harvest_source(LAKESIDE, DataSource("own", kind, server.url_for("/courses")), LOCAL, tmp_path)
    (page,) = snapshot.pages
    assert (page.resource, page.read(), snapshot.complete, snapshot.issues) == ("data", BODIES[kind], True, ())
    assert kind in server.log[0][0].headers["Accept"]


def test_a_file_of_the_operator_is_read_from_disk_and_again_unchanged(tmp_path: Path) -> None:
    file = tmp_path / "courses.csv"
    file.write_bytes(BODIES["csv"])
    source = DataSource("own", "csv", file.as_uri())
    first = harvest_source(LAKESIDE, source, LOCAL, tmp_path)
    second = harvest_source(LAKESIDE, source, LOCAL, tmp_path)
    assert (first.unchanged, second.unchanged) == (False, True)
    with pytest.raises(SourceUnavailable, match="No such file"):
        harvest_source(LAKESIDE, DataSource("own", "csv", (tmp_path / "absent.csv").as_uri()), LOCAL, tmp_path)


@pytest.mark.parametrize(
    ("kind", "body", "words"),
    [
        ("json", BODIES["xml"], 'this is XML, not what type = "json" stands for; .* set type = "xml"'),
        ("csv", BODIES["json"], 'this is JSON, not what type = "csv" stands for; .* set type = "json"'),
        ("csv", b"[1, 2]", "this is JSON"),
        ("xml", b"PK\x03\x04rest", 'this is a spreadsheet, .* set type = "csv"'),
        ("xml", b"\xef\xbb\xbf<?xml version='1.0'?><!-- x --><!DOCTYPE HTML><html>", "a web page"),
        ("json", b"<html><body>Please log in", "a web page"),
        ("json", b" \n", "answered 200 with nothing in it"),
    ],
)
def test_what_is_plainly_of_another_type_leaves_the_snapshot_before(
    server: HTTPServer, tmp_path: Path, kind: str, body: bytes, words: str
) -> None:
    source = DataSource("own", kind, server.url_for("/courses"))
    server.expect_oneshot_request("/courses").respond_with_data(BODIES[kind])
    good = harvest_source(LAKESIDE, source, LOCAL, tmp_path)
    server.expect_request("/courses").respond_with_data(body)
    with pytest.raises(UnusableResponse, match=words):
        harvest_source(LAKESIDE, source, LOCAL, tmp_path)
    kept = load_latest_snapshot(tmp_path, LAKESIDE.id, source)
    assert kept is not None
    assert kept.digest == good.digest


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("json", "[]".encode("utf-16")),
        ("csv", b"[Code];Title\n1;x\n"),
        ("xml", b"<?xml version='1.0'?>\n<html-courses/>"),
    ],
)
def test_what_only_looks_odd_is_taken(server: HTTPServer, tmp_path: Path, kind: str, body: bytes) -> None:
    server.expect_request("/courses").respond_with_data(body)
    assert harvest_source(LAKESIDE, DataSource("own", kind, server.url_for("/courses")), LOCAL, tmp_path).complete


def test_a_content_type_of_another_kind_is_told(server: HTTPServer, tmp_path: Path) -> None:
    server.expect_request("/courses").respond_with_data(BODIES["json"], content_type="text/csv; charset=utf-8")
    source = DataSource("own", "json", server.url_for("/courses"))
    snapshot = harvest_source(LAKESIDE, source, LOCAL, tmp_path)
    (issue,) = snapshot.issues
    assert (issue.code, issue.severity) == ("content-type-differs", "info")
    assert "called text/csv" in issue.message
