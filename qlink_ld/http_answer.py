"""What may an answer of a provider's server be? Its body, never larger than allowed, and what its status means.

Source: RFC 9110 §15; Data Exchange, requirements A-21 and I-10.
"""

import email.utils
import zlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpcore

from qlink_ld.errors import AccessRefused, SourceRefused, SourceUnavailable, UnusableResponse
from qlink_ld.model import DataSource

_RETRIED = frozenset({429, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Response:
    """One answer. `body` is decompressed; addresses are without what may be secret in them."""

    url: str  # that answered
    status: int
    headers: Mapping[str, str]  # names in lower case
    media_type: str | None  # lower case, without parameters
    body: bytes
    asked: str = ""  # the address before redirects; empty for a file
    stored: Path | None = None  # where a snapshot has the same body already


class Retry(Exception):
    """This attempt failed, another one may not. Never leaves `http.py`."""

    def __init__(self, reason: str, after_s: float | None = None, *, once: bool = False) -> None:
        super().__init__(reason)
        self.after_s, self.once = after_s, once  # once: a second attempt may help, a third one does not


def check_status(
    response: Response, shown: str, answers: Collection[int], source: DataSource | None = None
) -> Response:
    """Return an answer with status 2xx or one of `answers`; `shown` is the address that was asked, without secrets.

    Raises:
        Retry: another attempt may succeed.
        SourceUnavailable, SourceRefused, AccessRefused: it will not.
    """
    status = response.status
    if 200 <= status < 300 or status in answers:
        return response
    scheme = source.auth.type if source else "none"
    place = shown if response.url == shown else f"{shown} (redirected to {response.url})"
    if status in _RETRIED:
        raise Retry(f"the server answered {status}", _retry_after(response.headers.get("retry-after")))
    if status == 500:  # a deadlock, a cold start; or a record that the server always fails on
        raise Retry("the server answered 500, an error of its own", once=True)
    if status >= 500:
        raise SourceUnavailable(f"{place}: the server answered {status}, an error of its own; try later or tell them")
    if scheme != "none" and status in (400, 401, 403):
        raise _describe_denial(status, scheme, place)
    if status in (401, 403):
        raise SourceRefused(
            f"{place}: the server answered {status}: it wants credentials, or not us; ask the provider, "
            "or set `headers` of the source"
        )
    if status in (404, 410):
        raise SourceRefused(f"{place}: the server answered {status}: nothing is there; check `path` of the source")
    raise SourceRefused(f"{place}: the server answered {status}; ask the provider")


def _describe_denial(status: int, scheme: str, place: str) -> SourceRefused:
    """Say why a request with credentials or a signature was not accepted. Source: Data Exchange, requirement A-21."""
    if status == 400 and scheme != "httpsig":
        return SourceRefused(f"{place}: the server answered 400; ask the provider")
    code, reason = {
        400: ("auth-malformed", "it cannot read our signature (Signature-Input, Signature)"),
        401: ("auth-required", f"it does not take our {scheme} as an authentication"),
        403: ("auth-refused", f"it knows us by {scheme}, or does not, and will not let us in"),
    }[status]
    return AccessRefused(code, f"{place}: the server answered {status}: {reason}; ask the provider")


def _retry_after(value: str | None) -> float | None:
    """Read `Retry-After`, seconds or a date, as seconds from now. Source: RFC 9110 §10.2.3."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def too_large(place: str, limit: int) -> UnusableResponse:
    """Return the error for a body of more than `limit` bytes."""
    return UnusableResponse(
        f"{place}: larger than the limit of {limit:,} bytes; raise max_response_bytes in [harvest] if that is right"
    )


def read_body(chunks: Iterable[bytes], headers: Mapping[str, str], limit: int, shown: str) -> bytes:
    """Return the whole body, decompressed, never holding much more than `limit` bytes of it."""
    encoding = headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip", "deflate"):
        raise UnusableResponse(f"{shown}: sent with Content-Encoding {encoding}, we asked for gzip; ask the provider")
    declared = headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise too_large(shown, limit)
    body = bytearray()
    if encoding in ("", "identity"):
        for chunk in chunks:
            body += chunk
            if len(body) > limit:
                raise too_large(shown, limit)
        return bytes(body)
    inflater = zlib.decompressobj(47)  # finds out whether gzip or zlib
    try:
        for chunk in chunks:
            rest = chunk
            while rest:
                if inflater.eof:  # a further gzip member
                    inflater = zlib.decompressobj(47)
                body += inflater.decompress(rest, limit + 1 - len(body))
                if len(body) > limit:
                    raise too_large(shown, limit)
                rest = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
    except zlib.error as error:
        raise UnusableResponse(f"{shown}: says {encoding}, but is not; ask the provider ({error})") from error
    if not inflater.eof and (body or declared not in ("", "0")):
        raise httpcore.RemoteProtocolError("the compressed body was cut")
    return bytes(body)
