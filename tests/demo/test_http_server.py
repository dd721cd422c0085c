import socket
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpx
import pytest

from qlink_ld.demo.http_server import Answer, LoopbackServer, not_found

CHANGED = datetime(2026, 8, 20, 9, 30, tzinfo=UTC)


def respond(path: str, query: Mapping[str, str]) -> Answer:
    if path == "/file":
        return Answer(b"content", "text/plain", last_modified=CHANGED)
    if path == "/echo":
        return Answer(repr(dict(query)).encode(), "text/plain")
    return not_found(path)


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    running = LoopbackServer(respond, "test")
    yield running
    running.stop()


def test_one_connection_serves_many_requests(server: LoopbackServer) -> None:
    with socket.create_connection(("127.0.0.1", urlsplit(server.url).port)) as connection:
        for number in range(3):
            connection.sendall(f"GET /echo?n={number} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            assert connection.recv(4096).endswith(f"{{'n': '{number}'}}".encode())
    assert server.request_count == 3


def test_head_has_the_headers_of_get_and_no_body(server: LoopbackServer) -> None:
    get, head = httpx.get(f"{server.url}/file"), httpx.head(f"{server.url}/file")
    assert head.content == b""
    for name in ("Content-Length", "Content-Type", "ETag", "Last-Modified"):
        assert head.headers[name] == get.headers[name]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"If-Modified-Since": "Thu, 20 Aug 2026 09:30:00 GMT"}, 304),
        ({"If-Modified-Since": "Thu, 20 Aug 2026 09:29:59 GMT"}, 200),
        ({"If-Modified-Since": "not a date"}, 200),
        ({"If-None-Match": '"other"', "If-Modified-Since": "Thu, 20 Aug 2026 09:30:00 GMT"}, 200),
        ({"If-None-Match": "*"}, 304),
    ],
)
def test_conditions_are_honoured(server: LoopbackServer, headers: dict[str, str], status: int) -> None:
    assert httpx.get(f"{server.url}/file", headers=headers).status_code == status


def test_a_known_etag_is_not_sent_again(server: LoopbackServer) -> None:
    etag = httpx.get(f"{server.url}/echo").headers["ETag"]
    assert httpx.get(f"{server.url}/echo", headers={"If-None-Match": etag}).status_code == 304
    assert httpx.get(f"{server.url}/echo?n=1", headers={"If-None-Match": etag}).status_code == 200


def test_missing_files_are_404_without_etag(server: LoopbackServer) -> None:
    answer = httpx.get(f"{server.url}/other")
    assert (answer.status_code, answer.text) == (404, "nothing at /other\n")
    assert "ETag" not in answer.headers


def test_other_methods_are_not_implemented(server: LoopbackServer) -> None:
    assert httpx.post(f"{server.url}/file").status_code == 501
