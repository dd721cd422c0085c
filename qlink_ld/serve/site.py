"""What every route needs: the configuration, the current release, the query pool, addresses, answers with an ETag."""

import hashlib
import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, cast
from urllib.parse import quote, unquote, urlsplit

from flask import Response, current_app, g, request

from qlink_ld import __version__
from qlink_ld.config import Config
from qlink_ld.serve.release import OpenRelease, Releases
from qlink_ld.serve.workers import QueryPool

KEY = "qlink_ld"


@dataclass(slots=True)
class Site:
    """The parts of one serving process."""

    config: Config
    releases: Releases
    pool: QueryPool

    @property
    def base(self) -> str:
        """The base IRI, ending with a slash."""
        return self.config.base_iri

    @property
    def root(self) -> str:
        """The path of the base IRI, ending with a slash: what addresses on pages start with."""
        return urlsplit(self.config.base_iri).path or "/"

    def href(self, iri: str) -> str | None:
        """Return an address that a page may link to: ours as a path, others if they are http(s); else None."""
        if iri.startswith(self.base):
            return self.root + iri[len(self.base) :]
        return iri if urlsplit(iri).scheme.lower() in ("http", "https") else None

    def page(self, iri: str) -> str:
        """Return the address of our page about any IRI."""
        if iri.startswith(self.base):
            return self.root + iri[len(self.base) :]
        return f"{self.root}resource?iri={quote(iri, safe='')}"


def site() -> Site:
    """Return the site of the application that is answering."""
    return cast("Site", current_app.extensions[KEY])


def release() -> OpenRelease:
    """Return the release that this request reads: the same from its start to its end.

    Raises:
        StoreUnusable: there is none.
    """
    if "release" not in g:
        g.release = site().releases.current()
    return cast("OpenRelease", g.release)


def client_name() -> str:
    """Return who asks, for the limit per client.

    X-Forwarded-For is believed only if the peer is this machine or in a private network: our own reverse proxy.
    """
    peer = request.remote_addr or ""
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return peer
    forwarded = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    return forwarded if forwarded and (address.is_loopback or address.is_private) else peer


def raw_segments() -> list[str]:
    """Return the decoded segments of the request's path below the base, split before decoding.

    `PATH_INFO` is decoded, so that `%2F` in a source's id looks like a separator; servers keep the path as it came.
    """
    raw = str(request.environ.get("RAW_URI") or request.environ.get("REQUEST_URI") or "")
    if raw.startswith(("http://", "https://")):  # absolute form, RFC 9112 §3.2.2
        raw = "/" + raw.split("/", 3)[3] if raw.count("/") > 2 else "/"
    path = raw.partition("?")[0].partition("#")[0] or quote(request.path)
    root = site().root
    path = path[len(root) :] if path.startswith(root) else path.removeprefix("/")
    # WSGI hands bytes over as Latin-1; a client may send unescaped UTF-8.
    path = path.encode("latin-1", "ignore").decode("utf-8", "replace") if not path.isascii() else path
    return [unquote(segment) for segment in path.split("/")]


def make_etag(*parts: object) -> str:
    """Return an ETag for this release and whatever else the answer depends on."""
    digest = hashlib.sha256(
        "\0".join(str(part) for part in (__version__, release().id, *parts)).encode("utf-8", "surrogatepass")
    )
    return digest.hexdigest()[:32]


def not_modified(etag: str) -> Response | None:
    """Return a 304 if the reader has this already."""
    if not request.if_none_match.contains_weak(etag):
        return None
    response = Response(status=304)
    response.set_etag(etag)
    return response


def add_release_headers(response: Response, etag: str | None = None, max_age_s: int = 60) -> Response:
    """Say which release an answer comes from and how long it may be kept."""
    data = release()
    response.headers["Qlink-Release"] = data.id
    if data.created and (moment := _parse_time(data.created)):
        response.headers["Last-Modified"] = format_datetime(moment, usegmt=True)
    if etag:
        response.set_etag(etag)
    response.headers.setdefault("Cache-Control", f"public, max-age={max_age_s}, must-revalidate")
    return response


def _parse_time(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def keep(name: str, compute: Any) -> Any:  # noqa: ANN401 (the caller knows what it keeps)
    """Compute something once per release and keep it with the release."""
    data = release()
    if name not in data.kept:
        with data.lock:
            if name not in data.kept:
                data.kept[name] = compute(data)
    return data.kept[name]
