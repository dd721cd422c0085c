"""How do we speak with providers' servers? Politely, for a bounded time, and only where it is allowed.

`ProviderClient.get` is one GET with everything that a harvester may forget: addresses are checked before connecting
(`guarded_transport.py`), redirects are followed hop by hop, the whole request has a deadline, the body a size limit
after decompression, and a server that asks for patience gets it.

Source: DESIGN §8 and §10; Data Source Discovery requirements M-09 to M-11 and D-16; Data Exchange I-10.
"""

import email.utils
import http.cookiejar
import logging
import random
import re
import ssl
import threading
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit
from urllib.request import url2pathname

import httpcore
import httpx

from qlink_ld.config import HarvestSettings
from qlink_ld.errors import AccessRefused, SourceRefused, SourceUnavailable, UnusableResponse
from qlink_ld.guarded_transport import (
    Clock,
    GuardedTransport,
    Judge,
    Resolver,
    UnknownHost,
    allow_ranges,
    describe_private,
    resolve_host,
)
from qlink_ld.http_answer import Response, Retry, check_status, read_body, too_large
from qlink_ld.model import Auth, DataSource
from qlink_ld.request_slots import RequestSlots
from qlink_ld.request_url import build_url, hide_secrets, next_hop

log = logging.getLogger(__name__)

__all__ = ["MAX_REDIRECTS", "Authorize", "ProviderClient", "Response", "read_file_url", "usable_headers"]
MAX_REDIRECTS = 5  # Data Source Discovery, requirement D-16
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_READ_BYTES = 65536
_MAX_FORM_ANSWER = 1024 * 1024  # bytes; what answers a form is a token
_NETWORK_ERRORS = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException)
# Ours alone: the framing of the message, and what would break the guards (the encoding, the connection).
_RESERVED_HEADERS = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "cookie",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


# Says how requests to a source are made acceptable, None if it is open; raises AccessRefused if they cannot be.
Authorize = Callable[[DataSource, "ProviderClient"], httpx.Auth | None]


class _Gate:
    """How many requests a host gets at once, and from when on."""

    def __init__(self, slots: int) -> None:
        self.slots, self.not_before = threading.BoundedSemaphore(slots), 0.0  # of time.monotonic()


@dataclass(frozen=True, slots=True)
class _Request:
    """What is asked for, at whichever address it turns out to be."""

    method: str
    url: str
    headers: Mapping[str, str]  # go everywhere
    source: DataSource | None  # its headers, query parameters and authorization stay at its origin
    auth: httpx.Auth | None
    max_bytes: int

    @property
    def secrets(self) -> frozenset[str]:
        """Names of query parameters that nobody is shown."""
        return frozenset(self.source.query_parameters if self.source else ())


class ProviderClient:
    """GETs from providers' servers. Safe to use from several threads; close it, or use it in a `with` statement.

    Args:
        settings: time and size limits, requests at once per host, allowed addresses, User-Agent.
        attempts: how often a request is made before it counts as failed.
        backoff_s: pause after the first failure; doubled after each further one, with jitter.
        max_wait_s: longest `Retry-After` that is waited for.
        resolve: turns a host name into addresses.
        judge: says which addresses are not public; asked unless `allow_private_addresses` is set.
        ssl_context: None takes the usual certificate authorities (and SSL_CERT_FILE).
        authorize: what sources with access control are asked with; without it, they are refused.
        slots: folder of the limits that hold for all processes together; None: they hold for this client only.
    """

    def __init__(
        self,
        settings: HarvestSettings,
        *,
        attempts: int = 4,
        backoff_s: float = 0.5,
        max_wait_s: float = 120.0,
        resolve: Resolver = resolve_host,
        judge: Judge = describe_private,
        ssl_context: ssl.SSLContext | None = None,
        authorize: Authorize | None = None,
        slots: Path | None = None,
    ) -> None:
        self.settings = settings
        self._slots = RequestSlots(slots, settings.concurrency_per_host, settings.concurrency) if slots else None
        self._authorize = authorize
        self._auths: dict[Auth, httpx.Auth | None] = {}
        self._attempts = attempts
        self._backoff_s = backoff_s
        self._max_wait_s = max_wait_s
        self._clock = Clock()
        self._gates: dict[str, _Gate] = {}
        self._gates_lock = threading.Lock()
        self._closed = threading.Event()
        logging.getLogger("httpx").addFilter(_hide_request_line)  # the same function is added only once
        self._client = httpx.Client(
            transport=GuardedTransport(
                self._clock,
                connections=4 * settings.concurrency_per_host,
                resolve=resolve,
                judge=None if settings.allow_private_addresses else allow_ranges(judge, settings.allow_addresses),
                ssl_context=ssl_context,
            ),
            trust_env=False,
            follow_redirects=False,
            timeout=settings.timeout_s,
            headers={"User-Agent": settings.user_agent, "Accept-Encoding": "gzip"},
            cookies=http.cookiejar.CookieJar(http.cookiejar.DefaultCookiePolicy(allowed_domains=[])),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections and wake requests that wait for another attempt; they fail."""
        self._closed.set()
        self._client.close()
        if self._slots is not None:
            self._slots.close()

    def get(
        self,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        accept: str = "*/*",
        source: DataSource | None = None,
        answers: Collection[int] = (),
        attempts: int | None = None,
        max_bytes: int | None = None,
        conditions: Mapping[str, str] | None = None,
    ) -> Response:
        """Fetch one resource; return the answer, with status 2xx or one of `answers`.

        Args:
            url: an http(s) address; a query that it has is kept.
            params: our own query parameters; they win over the source's and over those in `url`.
            accept: media types wanted.
            source: its `headers` and `query_parameters` go with the request, and with redirects inside the same origin.
            answers: status codes besides 2xx that are returned instead of raised.
            attempts: overrides the client's.
            max_bytes: overrides `max_response_bytes`.
            conditions: headers such as If-None-Match; with them, a 304 is an answer.

        Raises:
            SourceUnavailable: no connection, deadline passed, or 429 or 5xx after all attempts. Try later.
            SourceRefused: 4xx, address or redirect that is not allowed. Ask the provider.
            UnusableResponse: too large, an encoding that was not asked for, or a redirect to nowhere.
        """
        limit = self.settings.max_response_bytes if max_bytes is None else max_bytes
        request = self._prepare("GET", url, params, {"Accept": accept, **(conditions or {})}, source, limit)
        return self._ask(request, {*answers, 304} if conditions else answers, attempts or self._attempts)

    def head(
        self,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        accept: str = "*/*",
        source: DataSource | None = None,
    ) -> Response:
        """Ask for the headers of a resource: see `get`. The body is empty."""
        return self._ask(self._prepare("HEAD", url, params, {"Accept": accept}, source, 0), (), self._attempts)

    def _prepare(
        self,
        method: str,
        url: str,
        params: Mapping[str, str] | None,
        headers: Mapping[str, str],
        source: DataSource | None,
        max_bytes: int,
    ) -> _Request:
        target = build_url(url, params or {}, source.query_parameters if source else {})
        return _Request(method, target, headers, source, self._auth(source) if source else None, max_bytes)

    def _ask(self, request: _Request, answers: Collection[int], attempts: int) -> Response:
        """Make a request, again as often as it is worth it."""
        shown = hide_secrets(request.url, request.secrets)
        gate, host, slots = self._gate(request.url), _host(request.url), self._slots
        for attempt in range(1, attempts + 1):
            self._wait(gate.not_before - time.monotonic(), shown)
            self._wait(slots.pause_left_s(host) if slots else 0.0, shown)
            try:
                with gate.slots, slots.hold(host, self._closed) if slots else nullcontext():
                    response = self._follow(request)
                    return replace(check_status(response, shown, answers, request.source), asked=shown)
            except Retry as retry:
                if attempt == attempts or (retry.once and attempt > 1):
                    tried = f"{retry} ({attempt} attempts)" if attempt > 1 else str(retry)
                    raise SourceUnavailable(f"{shown}: {tried}; try again later") from retry.__cause__
                pause = self._backoff_s * 2 ** (attempt - 1) * random.uniform(0.5, 1.0)  # noqa: S311 (jitter)
                if retry.after_s is not None:
                    if retry.after_s > self._max_wait_s:
                        raise SourceUnavailable(
                            f"{shown}: {retry} and asks to come back in {retry.after_s:.0f} s; try again then"
                        ) from None
                    gate.not_before = max(gate.not_before, time.monotonic() + retry.after_s)
                    if slots:
                        slots.pause(host, retry.after_s)
                    pause = min(pause, 1.0)
                log.info("%s: %s; attempt %d of %d follows", shown, retry, attempt + 1, attempts)
                self._wait(pause, shown)
        raise AssertionError("unreachable: the last attempt returns or raises")  # pragma: no cover

    def post_form(self, url: str, form: str, *, headers: Mapping[str, str], answers: Collection[int] = ()) -> Response:
        """Send a form, as a part of the request that needs its answer and is tried again with it; return the answer.

        Args:
            url: an http(s) address; redirects are not followed, because a form may hold a secret.
            form: form-encoded pairs.
            headers: besides our usual ones.
            answers: status codes besides 2xx that are returned instead of raised.

        Raises:
            Retry: for the request that needs the answer.
            SourceUnavailable, SourceRefused, UnusableResponse: as for `get`.
        """
        shown = hide_secrets(build_url(url, {}, {}), ())
        ends_at = self._clock.ends_at
        self._clock.ends_at = min(ends_at, time.monotonic() + self.settings.timeout_s)
        sent = {"Content-Type": "application/x-www-form-urlencoded", **headers}
        try:
            answer = self._client.send(self._client.build_request("POST", url, content=form, headers=sent), stream=True)
            try:
                return check_status(self._read(answer, shown, _MAX_FORM_ANSWER), shown, answers)
            finally:
                answer.close()
        except Retry as retry:
            raise Retry(f"{shown}: {retry}", retry.after_s, once=retry.once) from retry.__cause__
        except _NETWORK_ERRORS as error:
            raise Retry(f"{shown}: the connection failed: {str(error) or type(error).__name__}") from error
        finally:
            self._clock.ends_at = ends_at

    def _auth(self, source: DataSource) -> httpx.Auth | None:
        """Return what requests to a source are made acceptable with; made once, because it may hold a token."""
        if source.auth.type == "none":
            return None
        if self._authorize is None:
            raise AccessRefused("auth-unsupported", f"source '{source.id}' wants {source.auth.type}; not asked without")
        with self._gates_lock:
            if source.auth not in self._auths:
                self._auths[source.auth] = self._authorize(source, self)
            return self._auths[source.auth]

    def _gate(self, url: str) -> _Gate:
        with self._gates_lock:
            return self._gates.setdefault(_host(url), _Gate(max(1, self.settings.concurrency_per_host)))

    def _wait(self, seconds: float, shown: str) -> None:
        if (seconds > 0 and self._closed.wait(seconds)) or self._closed.is_set():
            raise SourceUnavailable(f"{shown}: given up because the harvest was stopped")

    def _follow(self, request: _Request) -> Response:
        """Make one attempt: at most `MAX_REDIRECTS` hops within one deadline."""
        source, secrets = request.source, request.secrets
        own = usable_headers(source.headers)[0] if source else {}
        self._clock.ends_at = time.monotonic() + self.settings.timeout_s
        current, same_origin = request.url, True
        try:
            for _ in range(MAX_REDIRECTS + 1):
                shown = hide_secrets(current, secrets)
                headers = {**request.headers, **(own if same_origin else {})}
                answer = self._send(request.method, current, headers, request.auth if same_origin else None, shown)
                try:
                    if answer.status_code not in _REDIRECTS:
                        return self._read(answer, shown, request.max_bytes, has_body=request.method != "HEAD")
                    location = answer.headers.get("location", "").strip()
                    if not location:
                        raise UnusableResponse(f"{shown}: redirects without saying where to; ask the provider")
                    extra = source.query_parameters if source and same_origin else {}
                    try:
                        current, same = next_hop(current, location, extra)
                    except SourceRefused as refusal:
                        raise SourceRefused(f"{shown} redirects to {refusal}") from None
                    same_origin = same_origin and same
                finally:
                    answer.close()
        except _NETWORK_ERRORS as error:
            shown = hide_secrets(current, secrets)
            if time.monotonic() >= self._clock.ends_at:
                raise SourceUnavailable(
                    f"{shown}: no complete answer within timeout_s = {self.settings.timeout_s:g} s; try again later, "
                    "or raise timeout_s in [harvest]"
                ) from error
            if isinstance(error, UnknownHost):
                raise SourceUnavailable(f"{shown}: {error}; check the address, or try again later") from error
            raise Retry(f"the connection failed: {str(error) or type(error).__name__}") from error
        finally:
            self._clock.ends_at = float("inf")
        shown = hide_secrets(request.url, secrets)
        raise SourceRefused(f"{shown}: more than {MAX_REDIRECTS} redirects; ask the provider")

    def _send(
        self, method: str, url: str, headers: Mapping[str, str], auth: httpx.Auth | None, shown: str
    ) -> httpx.Response:
        encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
        try:
            request = self._client.build_request(method, url, headers=encoded)
        except httpx.InvalidURL as error:
            raise SourceRefused(f"{shown}: not an address that can be fetched ({error}); correct it") from error
        try:
            return self._exchange(request, auth)
        except (httpx.InvalidURL, httpx.RemoteProtocolError) as error:  # httpx looks at `Location`, too
            raise SourceRefused(f"{shown} redirects to an address that is none; ask the provider") from error
        except AccessRefused:
            raise
        except SourceRefused as refusal:
            raise SourceRefused(f"{shown}: {refusal}") from None

    def _exchange(self, request: httpx.Request, auth: httpx.Auth | None) -> httpx.Response:
        """Send a request, again as often as its authorization wants; httpx would read what is refused without limit."""
        if auth is None:
            return self._client.send(request, stream=True)
        flow = auth.sync_auth_flow(request)
        request = next(flow)
        while True:
            answer = self._client.send(request, stream=True)
            try:
                request = flow.send(answer)
            except StopIteration:
                return answer
            except BaseException:
                answer.close()
                raise
            answer.close()

    @staticmethod
    def _read(answer: httpx.Response, shown: str, max_bytes: int, *, has_body: bool = True) -> Response:
        headers = {name.lower(): value for name, value in answer.headers.items()}
        content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        body = b""
        if has_body and answer.status_code != 304:
            body = read_body(answer.iter_raw(_READ_BYTES), headers, max_bytes, shown)
        return Response(shown, answer.status_code, headers, content_type or None, body)


def read_file_url(url: str, max_bytes: int) -> Response:
    """Read a `file:` URL that the operator gave; never one from a manifest or a redirect.

    Raises:
        SourceUnavailable: no such file, or it cannot be read.
        UnusableResponse: not a regular file, or larger than `max_bytes`.
    """
    parts = urlsplit(url)
    path = Path(url2pathname(parts.path))
    if parts.netloc not in ("", "localhost") or not path.is_absolute():
        raise SourceRefused(f"{url}: write a file's address as file:///folder/file.ttl, or give its path")
    try:
        if path.exists() and not path.is_file():
            raise UnusableResponse(f"{path} is not a file; give the path of one file")
        size = path.stat().st_size
        if size > max_bytes:
            raise too_large(str(path), max_bytes)
        body = path.read_bytes()
    except OSError as error:
        raise SourceUnavailable(f"cannot read {path}: {error.strerror}; check `path` of the source") from error
    changed = email.utils.format_datetime(datetime.fromtimestamp(int(path.stat().st_mtime), UTC), usegmt=True)
    return Response(url, 200, {"last-modified": changed}, None, body)


def _host(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2].lower()


def usable_headers(headers: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Sort a source's headers into those that are sent and messages about those that are not.

    Source: Data Source Discovery, requirement M-10.
    """
    good, problems = {}, []
    for name, value in headers.items():
        if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
            problems.append(f"{name!r} is not the name of a header; it is not sent")
        elif name.lower() in _RESERVED_HEADERS:
            problems.append(f"the header {name} is ours to set; the one of the source is not sent")
        elif any((ord(char) < 32 and char != "\t") or ord(char) == 127 for char in value):
            problems.append(f"the value of the header {name} has a line break or control character; it is not sent")
        else:
            good[name] = value.strip()
    return good, tuple(problems)


def _hide_request_line(record: logging.LogRecord) -> bool:
    """Drop the line that httpx logs per request: it holds the whole URL, and a query parameter may be a secret."""
    return not str(record.msg).startswith("HTTP Request:")
