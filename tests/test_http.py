"""The client for providers' servers, against real servers on loopback."""

import email.utils
import gzip
import logging
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

import pytest
import trustme
from pytest_httpserver import HTTPServer
from werkzeug import Request as WebRequest
from werkzeug import Response as WebResponse

from qlink_ld.config import HarvestSettings
from qlink_ld.errors import SourceRefused, SourceUnavailable, UnusableResponse
from qlink_ld.guarded_transport import describe_private
from qlink_ld.http import ProviderClient, read_file_url, usable_headers
from qlink_ld.model import DataSource

LOCAL = HarvestSettings(timeout_s=5, allow_private_addresses=True, max_response_bytes=100_000)


@pytest.fixture(scope="module")
def running() -> Iterator[HTTPServer]:
    with HTTPServer(host="127.0.0.1", port=0, threaded=True) as server:
        yield server


@pytest.fixture
def server(running: HTTPServer) -> HTTPServer:
    running.clear()
    return running


@pytest.fixture
def client() -> Iterator[ProviderClient]:
    with ProviderClient(LOCAL, backoff_s=0.01) as client:
        yield client


def asked(server: HTTPServer) -> list[WebRequest]:
    return [request for request, _ in server.log]


class RawServer:
    """Answers every connection with the chunks it was given, `pause_s` apart, then closes it."""

    def __init__(self, *chunks: bytes, pause_s: float = 0.0) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}/"
        self.connections = 0
        self._chunks, self._pause_s = chunks, pause_s
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self._thread.join(10)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            with connection:
                connection.recv(65536)
                try:
                    for chunk in self._chunks:
                        connection.sendall(chunk)
                        time.sleep(self._pause_s)
                except OSError:
                    continue


# --- what is sent


def test_user_agent_accept_headers_and_query_parameters_go_with_every_request(
    server: HTTPServer, client: ProviderClient
) -> None:
    server.expect_request("/list").respond_with_data("a", content_type="Text/Turtle; charset=utf-8")
    source = DataSource(
        "s", "elm", server.url_for("/"), headers={"X-Key": "k"}, query_parameters={"consumer": "x", "pageNumber": "3"}
    )
    for page in ("1", "2"):
        response = client.get(
            server.url_for("/list?a=b%20c&PAGENUMBER=9"),
            params={"pageNumber": page},
            source=source,
            accept="text/turtle",
        )
    assert response.media_type == "text/turtle"
    assert response.body == b"a"
    assert response.url == server.url_for("/list?a=b%20c")  # nothing of the source's parameters: they may be secret
    for number, request in enumerate(asked(server), 1):
        assert request.query_string.decode() == f"a=b%20c&consumer=x&pageNumber={number}"
        assert request.headers["X-Key"] == "k"
        assert request.headers["Accept"] == "text/turtle"
        assert request.headers["User-Agent"] == LOCAL.user_agent


def test_headers_that_would_break_the_request_are_not_sent() -> None:
    good, problems = usable_headers(
        {"X-Good": " v ", "HOST": "x", "Content-Length": "9", "transfer-encoding": "chunked", "X-A": "b\r\nX-Evil: 1"}
    )
    assert good == {"X-Good": "v"}
    assert len(problems) == 4
    assert "Evil" not in " ".join(problems)


def test_user_and_password_of_an_address_are_sent_but_never_shown(server: HTTPServer, client: ProviderClient) -> None:
    server.expect_request("/a").respond_with_data("x")
    response = client.get(server.url_for("/a").replace("//", "//me:hush@"))
    assert asked(server)[0].authorization is not None
    assert "hush" not in response.url


def test_secrets_of_the_query_reach_neither_log_nor_message(
    server: HTTPServer, client: ProviderClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    server.expect_request("/a").respond_with_data("x", status=503)
    source = DataSource("s", "elm", server.url_for("/a"), query_parameters={"key": "hush"}, headers={"X-K": "hush"})
    with pytest.raises(SourceUnavailable) as caught:
        client.get(source.path, source=source)
    ours = "".join(r.getMessage() for r in caplog.records if r.name != "werkzeug")  # the test server logs, too
    assert "attempt 2 of 4" in ours
    assert "hush" not in str(caught.value) + ours


def test_cookies_are_not_kept(server: HTTPServer, client: ProviderClient) -> None:
    server.expect_request("/a").respond_with_data("x", headers={"Set-Cookie": "a=b"})
    client.get(server.url_for("/a"))
    client.get(server.url_for("/a"))
    assert "Cookie" not in asked(server)[1].headers


def test_proxies_of_the_environment_are_not_used(server: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9/")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9/")
    server.expect_request("/a").respond_with_data("x")
    with ProviderClient(LOCAL) as client:
        assert client.get(server.url_for("/a")).body == b"x"


# --- where it may go


NOT_PUBLIC = """
127.0.0.1 ::1 10.1.2.3 192.168.0.1 172.16.0.9 169.254.169.254 fe80::1 fe80::1%eth0 fd00::1 0.0.0.0 :: 100.64.0.1
::ffff:127.0.0.1 2002:7f00:1:: 64:ff9b::a00:1 224.0.0.1 192.0.2.1
"""


@pytest.mark.parametrize("address", NOT_PUBLIC.split())
def test_addresses_that_are_not_public_are_recognised(address: str) -> None:
    assert describe_private(address)


@pytest.mark.parametrize("address", ["145.100.1.1", "2001:610:188::1", "::ffff:145.100.1.1", "64:ff9b::9164:101"])
def test_public_addresses_are_recognised(address: str) -> None:
    assert describe_private(address) is None


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "[::1]", "[::ffff:127.0.0.1]"])
def test_loopback_is_refused_unless_allowed(server: HTTPServer, host: str) -> None:
    with ProviderClient(HarvestSettings(timeout_s=5)) as client, pytest.raises(SourceRefused) as caught:
        client.get(f"http://{host}:{server.port}/")
    assert "allow_private_addresses" in str(caught.value)
    assert f"http://{host}:{server.port}/" in str(caught.value)
    assert not server.log


def test_one_private_address_among_public_ones_is_enough_to_refuse() -> None:
    with (
        ProviderClient(HarvestSettings(timeout_s=5), resolve=lambda *_: ["145.100.1.1", "10.0.0.1"]) as client,
        pytest.raises(SourceRefused, match=r"10\.0\.0\.1"),
    ):
        client.get("http://provider.example/")


def test_the_connection_goes_to_the_address_that_was_checked(server: HTTPServer) -> None:
    server.expect_request("/a").respond_with_data("x")
    questions: list[str] = []

    def rebind(host: str, port: int, timeout_s: float) -> Sequence[str]:
        questions.append(host)
        return ["127.0.0.1"] if len(questions) == 1 else ["192.0.2.1"]

    with ProviderClient(LOCAL, resolve=rebind) as client:
        client.get(f"http://provider.example:{server.port}/a")
    assert questions == ["provider.example"]  # nobody asked again
    assert asked(server)[0].headers["Host"] == f"provider.example:{server.port}"


def test_the_next_address_is_tried_when_one_does_not_answer(server: HTTPServer) -> None:
    server.expect_request("/a").respond_with_data("x")
    with ProviderClient(LOCAL, resolve=lambda *_: ["127.0.0.2", "127.0.0.1"], attempts=1) as client:
        assert client.get(f"http://provider.example:{server.port}/a").status == 200


def test_tls_is_checked_against_the_name_not_the_address(tmp_path: Path) -> None:
    authority = trustme.CA()
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("provider.example").configure_cert(serving)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    with HTTPServer(host="127.0.0.1", port=0, ssl_context=serving) as secure:
        secure.expect_request("/a").respond_with_data("x")
        with ProviderClient(LOCAL, resolve=lambda *_: ["127.0.0.1"], ssl_context=trusting, backoff_s=0.01) as client:
            assert client.get(f"https://provider.example:{secure.port}/a").body == b"x"
            with pytest.raises(SourceUnavailable, match="certificate"):
                client.get(f"https://other.example:{secure.port}/a", attempts=1)


def test_unknown_host_is_said_at_once(client: ProviderClient) -> None:
    with pytest.raises(SourceUnavailable, match=r"no host .*check the address"):
        client.get("http://does-not-exist.invalid/")


@pytest.mark.parametrize("url", ["ftp://a.example/", "file:///etc/hosts", "http://", "x", "http://a:b/", "http://[::1"])
def test_only_http_addresses_are_fetched(client: ProviderClient, url: str) -> None:
    with pytest.raises(SourceRefused):
        client.get(url)


# --- redirects


def redirect(server: HTTPServer, path: str, location: str, status: int = 302) -> None:
    server.expect_request(path).respond_with_data("", status=status, headers={"Location": location})


def test_redirects_inside_the_origin_keep_headers_and_parameters(server: HTTPServer, client: ProviderClient) -> None:
    redirect(server, "/a", "/b?page=1", 301)
    server.expect_request("/b").respond_with_data("x")
    source = DataSource("s", "elm", server.url_for("/a"), headers={"X-K": "v"}, query_parameters={"q": "1"})
    assert client.get(source.path, source=source).url == server.url_for("/b?page=1")
    assert asked(server)[1].headers["X-K"] == "v"
    assert dict(asked(server)[1].args) == {"page": "1", "q": "1"}


def test_redirects_to_another_origin_lose_headers_and_parameters(server: HTTPServer, client: ProviderClient) -> None:
    redirect(server, "/a", f"http://localhost:{server.port}/b")
    server.expect_request("/b").respond_with_data("x")
    source = DataSource(
        "s", "elm", server.url_for("/a").replace("//", "//me:pw@"), headers={"X-K": "v"}, query_parameters={"q": "1"}
    )
    client.get(source.path.replace("localhost", "127.0.0.1"), source=source)
    first, second = asked(server)
    assert first.headers["X-K"] == "v"
    assert "X-K" not in second.headers
    assert "Authorization" not in second.headers
    assert not second.args


def test_a_redirect_to_a_private_address_is_refused(server: HTTPServer) -> None:
    """127.0.0.1 plays the public internet here; 10.0.0.7 is what `inside.example` resolves to."""
    redirect(server, "/a", "http://inside.example/secret")
    with (
        ProviderClient(
            HarvestSettings(timeout_s=5),
            resolve=lambda host, *_: ["10.0.0.7"] if host == "inside.example" else ["127.0.0.1"],
            judge=lambda address: None if address == "127.0.0.1" else describe_private(address),
        ) as client,
        pytest.raises(SourceRefused, match=r"http://inside\.example/secret.*private.* 10\.0\.0\.7"),
    ):
        client.get(f"http://provider.example:{server.port}/a")
    assert len(server.log) == 1


def test_five_redirects_are_followed_and_six_are_not(server: HTTPServer, client: ProviderClient) -> None:
    for number in range(6):
        redirect(server, f"/{number}", f"/{number + 1}")
    server.expect_request("/6").respond_with_data("x")
    assert client.get(server.url_for("/1")).body == b"x"
    with pytest.raises(SourceRefused, match="more than 5 redirects"):
        client.get(server.url_for("/0"))


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://a.example/", "http://[::1", "gopher:x"])
def test_redirects_leave_http_for_nothing(client: ProviderClient, location: str) -> None:
    head = f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
    with RawServer(head.encode()) as server, pytest.raises(SourceRefused, match="redirects to"):
        client.get(server.url)


def test_a_redirect_to_nowhere_is_said(server: HTTPServer, client: ProviderClient) -> None:
    server.expect_request("/a").respond_with_data("", status=302)
    with pytest.raises(UnusableResponse, match="redirects without saying where to"):
        client.get(server.url_for("/a"))


# --- for how long, how much


def test_a_server_that_trickles_is_cut_off_at_the_deadline() -> None:
    settings = HarvestSettings(timeout_s=0.4, allow_private_addresses=True)
    body = [b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", *([b"x"] * 200)]
    with RawServer(*body, pause_s=0.05) as slow, ProviderClient(settings, backoff_s=0.01) as client:
        started = time.monotonic()
        with pytest.raises(SourceUnavailable, match=r"timeout_s = 0\.4"):
            client.get(slow.url)
        assert time.monotonic() - started < 1
        assert slow.connections == 1  # a slow server is not asked again


def test_headers_that_trickle_are_cut_off_too() -> None:
    settings = HarvestSettings(timeout_s=0.4, allow_private_addresses=True)
    head = [b"HTTP/1.1 200 OK\r\n", *([b"X-A: b\r\n"] * 200)]
    with RawServer(*head, pause_s=0.05) as slow, ProviderClient(settings) as client:
        started = time.monotonic()
        with pytest.raises(SourceUnavailable, match="timeout_s"):
            client.get(slow.url)
        assert time.monotonic() - started < 1


def test_a_slow_name_server_is_cut_off_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def look_up(*_: object, **__: object) -> list[object]:
        over.wait(5)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with ProviderClient(HarvestSettings(timeout_s=0.2)) as client, pytest.raises(SourceUnavailable, match="timeout_s"):
        client.get("http://provider.example/")
    over.set()


@pytest.mark.parametrize("declared", [True, False])
def test_too_large_bodies_are_refused(declared: bool) -> None:
    size = LOCAL.max_response_bytes + 1
    head = b"HTTP/1.1 200 OK\r\n" + (f"Content-Length: {size}\r\n".encode() if declared else b"") + b"\r\n"
    with RawServer(head, b"x" * size) as large, ProviderClient(LOCAL) as client:
        with pytest.raises(UnusableResponse, match=r"limit of 100,000 bytes; raise max_response_bytes"):
            client.get(large.url)
        assert large.connections == 1


def test_a_body_of_exactly_the_limit_is_read(server: HTTPServer, client: ProviderClient) -> None:
    server.expect_request("/a").respond_with_data("x" * LOCAL.max_response_bytes)
    assert len(client.get(server.url_for("/a")).body) == LOCAL.max_response_bytes


def test_the_limit_counts_decompressed_bytes(server: HTTPServer, client: ProviderClient) -> None:
    bomb = gzip.compress(b"0" * 200_000_000, 1)
    server.expect_request("/a").respond_with_data(bomb, headers={"Content-Encoding": "gzip"})
    with pytest.raises(UnusableResponse, match="max_response_bytes"):
        client.get(server.url_for("/a"), max_bytes=900_000)


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(b"ab" * 20_000) + gzip.compress(b"ab" * 5_000)),
        ("x-gzip", gzip.compress(b"ab" * 25_000)),
        ("deflate", zlib.compress(b"ab" * 25_000)),
    ],
)
def test_compressed_bodies_are_read(server: HTTPServer, client: ProviderClient, encoding: str, body: bytes) -> None:
    server.expect_request("/a").respond_with_data(body, headers={"Content-Encoding": encoding})
    assert client.get(server.url_for("/a")).body == b"ab" * 25_000


@pytest.mark.parametrize(("encoding", "body"), [("br", b"x"), ("gzip, gzip", b"x"), ("gzip", b"not gzip at all")])
def test_encodings_that_were_not_asked_for_are_refused(
    server: HTTPServer, client: ProviderClient, encoding: str, body: bytes
) -> None:
    server.expect_request("/a").respond_with_data(body, headers={"Content-Encoding": encoding})
    with pytest.raises(UnusableResponse, match=r"says gzip, but is not|Content-Encoding"):
        client.get(server.url_for("/a"))


# --- again and again


def test_a_server_that_asks_for_patience_gets_it(server: HTTPServer, client: ProviderClient) -> None:
    server.expect_ordered_request("/a").respond_with_data("", status=503, headers={"Retry-After": "1"})
    server.expect_ordered_request("/a").respond_with_data("", status=429)
    server.expect_ordered_request("/a").respond_with_data("good")
    started = time.monotonic()
    assert client.get(server.url_for("/a")).body == b"good"
    assert time.monotonic() - started >= 1


def test_the_pause_that_one_answer_asks_for_holds_for_all_requests_to_the_host(
    server: HTTPServer, client: ProviderClient
) -> None:
    busy = threading.Event()
    times: list[float] = []

    def answer(request: WebRequest) -> WebResponse:
        times.append(time.monotonic())
        if not busy.is_set():
            busy.set()
            return WebResponse("", 429, {"Retry-After": "1"})
        return WebResponse("good")

    server.expect_request("/a").respond_with_handler(answer)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(client.get, server.url_for("/a"))
        busy.wait(2)
        time.sleep(0.1)
        second = pool.submit(client.get, server.url_for("/a"))
        assert first.result().body == second.result().body == b"good"
    assert times[1] - times[0] > 0.9


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_a_server_that_asks_for_too_much_patience_is_left_alone(
    server: HTTPServer, client: ProviderClient, form: str
) -> None:
    in_an_hour = datetime.now(UTC) + timedelta(hours=1)
    when = "3600" if form == "seconds" else email.utils.format_datetime(in_an_hour, True)
    server.expect_request("/a").respond_with_data("", status=503, headers={"Retry-After": when})
    with pytest.raises(SourceUnavailable, match=r"come back in 3[56]\d\d s"):
        client.get(server.url_for("/a"))
    assert len(server.log) == 1


def test_attempts_end(server: HTTPServer, client: ProviderClient) -> None:
    server.expect_request("/a").respond_with_data("", status=502)
    with pytest.raises(SourceUnavailable, match=r"502 \(4 attempts\); try again later"):
        client.get(server.url_for("/a"))
    assert len(server.log) == 4


def test_a_body_that_is_cut_is_asked_for_again(client: ProviderClient) -> None:
    with RawServer(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nxxx") as dying:
        with pytest.raises(SourceUnavailable, match="the connection failed"):
            client.get(dying.url)
        assert dying.connections == 4


def test_a_compressed_body_that_is_cut_is_not_taken_for_whole(client: ProviderClient) -> None:
    half = gzip.compress(bytes(range(256)) * 100)[:150]
    with (
        RawServer(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + half) as dying,
        pytest.raises(SourceUnavailable, match="cut"),
    ):
        client.get(dying.url)


def test_a_refused_connection_is_unavailable(client: ProviderClient) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with pytest.raises(SourceUnavailable, match=rf"http://127\.0\.0\.1:{port}/a.*\(4 attempts\)"):
        client.get(f"http://127.0.0.1:{port}/a")


def test_closing_the_client_ends_waiting_requests(server: HTTPServer) -> None:
    server.expect_request("/a").respond_with_data("", status=503, headers={"Retry-After": "60"})
    with ProviderClient(LOCAL) as client, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.get, server.url_for("/a"))
        while not server.log:
            time.sleep(0.01)
        client.close()
        with pytest.raises(SourceUnavailable, match="stopped"):
            waiting.result(5)


def test_no_host_gets_more_requests_at_once_than_allowed(server: HTTPServer) -> None:
    lock, running, most = threading.Lock(), 0, 0

    def answer(request: WebRequest) -> WebResponse:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.05)
        with lock:
            running -= 1
        return WebResponse("x")

    server.expect_request("/a").respond_with_handler(answer)
    settings = HarvestSettings(timeout_s=5, allow_private_addresses=True, concurrency_per_host=3)
    with ProviderClient(settings) as client, ThreadPoolExecutor(9) as pool:
        list(pool.map(lambda _: client.get(server.url_for("/a")), range(9)))
    assert most == 3


# --- what the status means


@pytest.mark.parametrize(
    ("status", "error", "says"),
    [
        (401, SourceRefused, "credentials"),
        (403, SourceRefused, "credentials"),
        (404, SourceRefused, "check `path`"),
        (400, SourceRefused, "ask the provider"),
        (501, SourceUnavailable, "an error of its own"),
    ],
)
def test_refusals_say_what_to_do(
    server: HTTPServer, client: ProviderClient, status: int, error: type[Exception], says: str
) -> None:
    server.expect_request("/a").respond_with_data("no", status=status)
    with pytest.raises(error, match=says) as caught:
        client.get(server.url_for("/a"))
    assert server.url_for("/a") in str(caught.value)
    assert len(server.log) == 1


def test_an_error_of_the_server_is_asked_for_twice(server: HTTPServer, client: ProviderClient) -> None:
    server.expect_request("/a").respond_with_data("no", status=500)
    with pytest.raises(SourceUnavailable, match=r"500, an error of its own \(2 attempts\)"):
        client.get(server.url_for("/a"))
    assert len(server.log) == 2


def test_expected_statuses_are_answers(server: HTTPServer, client: ProviderClient) -> None:
    server.expect_request("/a").respond_with_data("no", status=404)
    assert client.get(server.url_for("/a"), answers={404}).status == 404


# --- files


def test_files_of_the_operator_are_read(tmp_path: Path) -> None:
    file = tmp_path / "my data.ttl"
    file.write_bytes(b"x")
    response = read_file_url(file.as_uri(), 10)
    assert (response.status, response.body, response.url) == (200, b"x", file.as_uri())


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match=r"missing\.ttl: No such file.*check `path`"):
        read_file_url((tmp_path / "missing.ttl").as_uri(), 10)
    with pytest.raises(UnusableResponse, match="not a file"):
        read_file_url(tmp_path.as_uri(), 10)
    with pytest.raises(UnusableResponse, match="not a file"):
        read_file_url("file:///dev/zero", 10)
    (tmp_path / "large").write_bytes(b"x" * 11)
    with pytest.raises(UnusableResponse, match="max_response_bytes"):
        read_file_url((tmp_path / "large").as_uri(), 10)
    with pytest.raises(SourceRefused, match="file:///"):
        read_file_url("file://server/share", 10)
