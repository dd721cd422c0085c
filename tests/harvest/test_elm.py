"""Static ELM files, over HTTP and from the operator's disk."""

import gzip
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from qlink_ld.config import HarvestSettings
from qlink_ld.errors import HarvestError, SourceRefused, SourceUnavailable, UnusableResponse
from qlink_ld.harvest import harvest_source, load_latest_snapshot
from qlink_ld.model import DataSource, Institution

LOCAL = HarvestSettings(timeout_s=5, allow_private_addresses=True, max_response_bytes=100_000)
AT0002 = Institution("AT0002", "University of Vienna")
TURTLE = b'<https://x.example/1> <http://purl.org/dc/terms/title> "Analysis"@en .\n'


def test_a_file_is_one_page_as_received(server: HTTPServer, tmp_path: Path) -> None:
    server.expect_request("/elm.ttl").respond_with_data(
        gzip.compress(TURTLE), content_type="text/turtle; charset=utf-8", headers={"Content-Encoding": "gzip"}
    )
    source = DataSource("elm", "elm", server.url_for("/elm.ttl"), version="3.3", headers={"X-K": "v", "Host": "evil"})
    progress: list[tuple[int, int | None]] = []
    snapshot = harvest_source(AT0002, source, LOCAL, tmp_path, on_progress=lambda *step: progress.append(step))
    (page,) = snapshot.pages
    assert (page.resource, page.parent, page.media_type, page.read()) == ("data", None, "text/turtle", TURTLE)
    assert snapshot.complete
    assert [issue.code for issue in snapshot.issues] == ["header-ignored"]
    assert progress == [(1, 1)]
    assert snapshot.fetched_at.tzinfo is UTC
    request = server.log[0][0]
    assert "text/turtle" in request.headers["Accept"]
    assert request.headers["X-K"] == "v"


def test_the_same_file_again_is_unchanged(server: HTTPServer, tmp_path: Path) -> None:
    server.expect_request("/elm.ttl").respond_with_data(TURTLE)
    source = DataSource("elm", "elm", server.url_for("/elm.ttl"))
    first = harvest_source(AT0002, source, LOCAL, tmp_path, datetime(2026, 1, 1, tzinfo=UTC))
    second = harvest_source(AT0002, source, LOCAL, tmp_path, datetime(2026, 1, 2, tzinfo=UTC))
    assert (first.unchanged, second.unchanged) == (False, True)
    assert second.directory == first.directory == tmp_path / "snapshots/AT0002/elm/20260101T000000.000000Z"


def test_a_file_of_the_operator_is_read_from_disk(tmp_path: Path) -> None:
    file = tmp_path / "courses 1.ttl"
    file.write_bytes(TURTLE)
    snapshot = harvest_source(AT0002, DataSource("elm", "elm", file.as_uri()), HarvestSettings(), tmp_path / "data")
    assert snapshot.pages[0].read() == TURTLE
    assert snapshot.pages[0].url == file.as_uri()


def test_the_sample_of_the_pilot_is_kept_byte_by_byte(shared: Path, tmp_path: Path) -> None:
    file = shared / "samples/elm/AT0002.ttl"
    snapshot = harvest_source(AT0002, DataSource("elm", "elm", file.as_uri()), HarvestSettings(), tmp_path)
    assert snapshot.pages[0].read() == file.read_bytes()


def test_a_missing_file_is_named_and_the_last_snapshot_stays(tmp_path: Path) -> None:
    file = tmp_path / "courses.ttl"
    source = DataSource("elm", "elm", file.as_uri())
    file.write_bytes(TURTLE)
    first = harvest_source(AT0002, source, LOCAL, tmp_path / "data")
    file.unlink()
    with pytest.raises(SourceUnavailable, match=r"cannot read .*courses\.ttl: No such file or directory; check `path`"):
        harvest_source(AT0002, source, LOCAL, tmp_path / "data")
    assert load_latest_snapshot(tmp_path / "data", "AT0002", source) == first


@pytest.mark.parametrize("body", [b"", b" \r\n\t"])
def test_an_empty_answer_is_no_data(server: HTTPServer, tmp_path: Path, body: bytes) -> None:
    server.expect_request("/elm.ttl").respond_with_data(body)
    with pytest.raises(UnusableResponse, match=r"elm\.ttl: answered 200 with nothing in it"):
        harvest_source(AT0002, DataSource("elm", "elm", server.url_for("/elm.ttl")), LOCAL, tmp_path)


@pytest.mark.parametrize(
    "body",
    [
        b"<!DOCTYPE html><title>Login</title>",
        b"\xef\xbb\xbf\n<html lang=en>",
        b'<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC "x">',
    ],
)
def test_a_login_page_is_no_data_whatever_its_type(server: HTTPServer, tmp_path: Path, body: bytes) -> None:
    server.expect_request("/elm.ttl").respond_with_data(body, content_type="text/turtle")
    with pytest.raises(UnusableResponse, match="a web page"):
        harvest_source(AT0002, DataSource("elm", "elm", server.url_for("/elm.ttl")), LOCAL, tmp_path)


def test_a_missing_address_is_refused_with_advice(server: HTTPServer, tmp_path: Path) -> None:
    server.expect_request("/elm.ttl").respond_with_data("no", status=404)
    with pytest.raises(SourceRefused, match="check `path`"):
        harvest_source(AT0002, DataSource("elm", "elm", server.url_for("/elm.ttl")), LOCAL, tmp_path)


def test_types_that_nobody_harvests_are_named(tmp_path: Path) -> None:
    with pytest.raises(HarvestError, match=r"source 'x' of AT0002: the type 'soap' cannot be harvested"):
        harvest_source(AT0002, DataSource("x", "soap", "https://a.example/"), LOCAL, tmp_path)
