"""Where may a stranger's URL lead to? An httpx transport that connects only to addresses it has checked itself.

A name is resolved once, every address of the answer is checked, and the connection goes to a checked address, never to
the name: a DNS server that changes its answer between check and use (DNS rebinding) gains nothing. TLS still speaks of
the name (SNI and certificate). One clock bounds everything that a request does on the network; the time-outs of httpx
bound single reads, so a server that sends a byte now and then would hold a request for ever.

Source: DESIGN §10; Data Source Discovery requirement D-16.
"""

import functools
import ipaddress
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

import httpcore
import httpx

from qlink_ld.errors import SourceRefused

Resolver = Callable[[str, int, float], Sequence[str]]  # host, port, seconds → addresses as text
Judge = Callable[[str], str | None]  # address → why it is not public, or None

CONNECT_TIMEOUT_S = 10.0  # per address, so that a dead IPv6 route leaves time for IPv4
_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: an IPv4 address in its last 32 bits


class UnknownHost(httpcore.ConnectError):
    """The name has no address: trying again at once is of no use."""


def resolve_host(host: str, port: int, timeout_s: float) -> list[str]:
    """Return the addresses of a host, in the order in which the system prefers them.

    The system's resolver cannot be interrupted; it runs in a thread that is left behind at the time-out.

    Raises:
        UnknownHost: the name does not exist or has no address.
        httpcore.ConnectError: the resolver failed for now.
        httpcore.ConnectTimeout: no answer within `timeout_s`.
    """
    answers: queue.SimpleQueue[list[str] | OSError] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            answers.put(error if isinstance(error, OSError) else socket.gaierror(socket.EAI_NONAME, str(error)))
        else:
            answers.put(list(dict.fromkeys(str(entry[4][0]) for entry in found)))

    threading.Thread(target=look_up, name="resolve", daemon=True).start()
    try:
        answer = answers.get(timeout=timeout_s)
    except queue.Empty:
        raise httpcore.ConnectTimeout(f"the name server did not answer for {host} within {timeout_s:.1f} s") from None
    if isinstance(answer, OSError):
        if answer.errno == socket.EAI_AGAIN:
            raise httpcore.ConnectError(f"the name {host} could not be looked up for now") from answer
        raise UnknownHost(f"there is no host {host}") from answer
    return answer


def describe_private(address: str) -> str | None:
    """Say why an address is not on the public internet, or None if it is.

    An IPv4 address inside an IPv6 one (mapped, 6to4, Teredo, NAT64) is judged by itself.

    Source: IANA Special-Purpose Address Registries, as Python's `ipaddress` has them.
    """
    ip = ipaddress.ip_address(address)
    for inner in _embedded(ip):
        if reason := describe_private(str(inner)):
            return reason
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        return None  # judged above; the mapped range itself is never "global"
    if ip.is_loopback:
        return "loopback"
    if ip.is_link_local:
        return "link-local"
    if ip.is_multicast:
        return "multicast"
    if ip.is_unspecified or not ip.is_global:
        return "private or reserved"
    return None


def allow_ranges(judge: Judge, ranges: Iterable[str]) -> Judge:
    """Return a judge that has nothing against addresses in these ranges and leaves the others to `judge`."""
    allowed = [ipaddress.ip_network(text) for text in ranges]

    def describe(address: str) -> str | None:
        ip = ipaddress.ip_address(address)
        return None if any(ip in network for network in allowed) else judge(address)

    return describe


def _embedded(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> Iterator[ipaddress.IPv4Address]:
    if isinstance(ip, ipaddress.IPv4Address):
        return
    if ip.ipv4_mapped is not None:
        yield ip.ipv4_mapped
    if ip.sixtofour is not None:
        yield ip.sixtofour
    if ip.teredo is not None:
        yield from ip.teredo
    if ip in _NAT64:
        yield ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)


class Clock(threading.local):
    """When the request of this thread must be over. Each thread does one request at a time."""

    ends_at: float = float("inf")  # of time.monotonic()

    def limit(self, timeout_s: float | None) -> float:
        """Return the seconds that may be waited: the time-out or what is left of the request, the shorter.

        Raises:
            httpcore.ReadTimeout: nothing is left.
        """
        left = self.ends_at - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("the time for the whole request is over")
        return left if timeout_s is None else min(left, timeout_s)


class _BoundedStream(httpcore.NetworkStream):
    """A connection whose every wait ends with the request's time."""

    def __init__(self, stream: httpcore.NetworkStream, clock: Clock) -> None:
        self._stream = stream
        self._clock = clock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._clock.limit(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._clock.limit(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        secured = self._stream.start_tls(ssl_context, server_hostname, self._clock.limit(timeout))
        return _BoundedStream(secured, self._clock)

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)


class _CheckedBackend(httpcore.NetworkBackend):
    """Makes TCP connections to checked addresses only."""

    def __init__(self, resolve: Resolver, judge: Judge | None, clock: Clock) -> None:
        self._resolve = resolve
        self._judge = judge
        self._clock = clock
        self._tcp = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = self._resolve(host.strip("[]"), port, self._clock.limit(timeout))
        if not addresses:
            raise UnknownHost(f"there is no host {host}")
        if self._judge is not None:
            for address in addresses:
                if reason := self._judge(address):
                    raise SourceRefused(
                        f"{host} has the {reason} address {address}, which is not harvested; "
                        "if this is your own server, set allow_private_addresses = true in [harvest]"
                    )
        for number, address in enumerate(addresses, 1):
            wait = min(self._clock.limit(timeout), CONNECT_TIMEOUT_S)
            try:
                stream = self._tcp.connect_tcp(address, port, wait, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if number == len(addresses):
                    raise
            else:
                return _BoundedStream(stream, self._clock)
        raise AssertionError("unreachable: the last address returns or raises")  # pragma: no cover


class _Body(httpx.SyncByteStream):
    def __init__(self, stream: Iterable[bytes], close: Callable[[], None]) -> None:
        self._stream = stream
        self._close = close

    def __iter__(self) -> Iterator[bytes]:
        yield from self._stream

    def close(self) -> None:
        self._close()


@functools.cache
def _usual_authorities() -> ssl.SSLContext:
    """Read the certificate authorities once per process: it takes some 30 ms."""
    return httpx.create_ssl_context()


class GuardedTransport(httpx.BaseTransport):
    """A transport for `httpx.Client`; HTTP/1.1, kept-alive connections, no proxies.

    Errors of the network leave it as `httpcore` raises them; an address that is not allowed as `SourceRefused`.

    Args:
        clock: set its `ends_at` before each request.
        connections: how many are kept open for the next request.
        resolve: turns a name into addresses.
        judge: says which addresses are refused; None refuses none.
        ssl_context: None takes the usual authorities, and those of the variables SSL_CERT_FILE and SSL_CERT_DIR.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        connections: int,
        resolve: Resolver = resolve_host,
        judge: Judge | None = describe_private,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=ssl_context or _usual_authorities(),
            max_connections=None,
            max_keepalive_connections=connections,
            keepalive_expiry=15.0,
            network_backend=_CheckedBackend(resolve, judge, clock),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; redirects are the caller's."""
        assert isinstance(request.stream, httpx.SyncByteStream)  # noqa: S101 (narrows the type)
        answer = self._pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(
                    scheme=request.url.raw_scheme,
                    host=request.url.raw_host,
                    port=request.url.port,
                    target=request.url.raw_path,
                ),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        assert isinstance(answer.stream, Iterable)  # noqa: S101 (narrows the type)
        return httpx.Response(
            answer.status,
            headers=answer.headers,
            stream=_Body(answer.stream, answer.close),
            extensions=answer.extensions,
        )

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()
