"""Small real HTTP/1.1 servers on loopback: keep-alive, HEAD, ETag and Last-Modified with 304."""

import contextlib
import logging
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime, parsedate_to_datetime
from hashlib import blake2b
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qsl

log = logging.getLogger(__name__)

_IDLE_TIMEOUT_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request is answered with."""

    body: bytes
    media_type: str
    status: int = 200
    last_modified: datetime | None = None  # UTC
    headers: Mapping[str, str] = field(default_factory=dict)  # further ones


@dataclass(frozen=True, slots=True)
class Seen:
    """A request that was answered."""

    method: str
    path: str  # as sent, without the query
    conditional: bool
    status: int
    sent_bytes: int  # of the body


Respond = Callable[[str, Mapping[str, str]], Answer]  # path as sent, query parameters → answer


class LoopbackServer:
    """An HTTP server in daemon threads on a port of 127.0.0.1; it runs from its creation until `stop()`.

    Args:
        respond: answers GET and HEAD requests; called from several threads at once.
        name: for logs.
        port: is taken if it is free; 0 or an occupied one: any.
        watch: told of each request after it was answered; called from several threads at once.
    """

    def __init__(
        self, respond: Respond, name: str, port: int = 0, watch: Callable[[Seen], object] | None = None
    ) -> None:
        self._server = _bind(respond, port)
        self._server.watch = watch
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name=f"demo-{name}", daemon=True
        )
        self._thread.start()
        log.debug("server=%s url=%s started", name, self.url)

    @property
    def request_count(self) -> int:
        """How many requests were answered so far."""
        return self._server.request_count

    def stop(self) -> None:
        """Close the port and all connections."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _bind(respond: Respond, port: int) -> "_Server":
    if port:
        with contextlib.suppress(OSError):
            return _Server(respond, port)
    return _Server(respond, 0)


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # so that server_close() waits for the connections, which it has shut down
    request_queue_size = 128

    def __init__(self, respond: Respond, port: int) -> None:
        self.respond = respond
        self.watch: Callable[[Seen], object] | None = None
        self.request_count = 0
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", port), _Handler)

    def count_request(self) -> None:
        with self._lock:
            self.request_count += 1

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 (as in socketserver)
        with self._lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401 (as in socketserver)
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        with self._lock:
            connections = tuple(self._connections)
        for connection in connections:
            with contextlib.suppress(OSError):  # the other side was faster
                connection.shutdown(socket.SHUT_RDWR)
        super().server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401, ARG002 (as in socketserver)
        log.debug("connection from %s ended early: %r", client_address, sys.exception())


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    server_version = "qlink-ld-demo"
    sys_version = ""
    timeout = _IDLE_TIMEOUT_S
    wbufsize = -1  # one write per answer
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def _answer(self, *, with_body: bool) -> None:
        self.server.count_request()
        path, _, query = self.path.partition("?")
        answer = self.server.respond(path, dict(parse_qsl(query, keep_blank_values=True)))
        etag = f'"{blake2b(answer.body, digest_size=12).hexdigest()}"'
        status = 304 if answer.status == 200 and self._is_known(answer, etag) else answer.status
        self.send_response(status)
        if answer.status == 200:
            self.send_header("ETag", etag)
            if answer.last_modified:
                self.send_header("Last-Modified", format_datetime(answer.last_modified, usegmt=True))
        if status != 304:
            self.send_header("Content-Type", answer.media_type)
            self.send_header("Content-Length", str(len(answer.body)))
            for name, value in answer.headers.items():
                self.send_header(name, value)
        self.end_headers()
        sent = answer.body if with_body and status != 304 else b""
        self.wfile.write(sent)
        if self.server.watch is not None:
            conditional = "If-None-Match" in self.headers or "If-Modified-Since" in self.headers
            self.server.watch(Seen(self.command, path, conditional, status, len(sent)))

    def _is_known(self, answer: Answer, etag: str) -> bool:
        """Say whether the client has this already (RFC 9110 §13.1: If-None-Match goes before If-Modified-Since)."""
        if known := self.headers.get("If-None-Match"):
            return etag in known or known.strip() == "*"
        since = self.headers.get("If-Modified-Since")
        if not since or answer.last_modified is None:
            return False
        try:
            return answer.last_modified <= parsedate_to_datetime(since)
        except (TypeError, ValueError):  # not a date: the condition is to be ignored
            return False

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (as in http.server)
        log.debug(format, *args)


def not_found(path: str) -> Answer:
    """Return the answer of a file server that has nothing at this path."""
    return Answer(f"nothing at {path}\n".encode(), "text/plain; charset=utf-8", 404)
