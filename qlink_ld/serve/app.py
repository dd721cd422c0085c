"""How is a deployment served? A Flask application over one data directory; importing this has no effects."""

import atexit
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Flask, Response, request
from flask.typing import ResponseReturnValue

from qlink_ld.config import Config
from qlink_ld.errors import StoreUnusable
from qlink_ld.namespaces import PREFIXES
from qlink_ld.serve import catalogue, downloads, graphs, home, keys, operations, reports, sparql, things
from qlink_ld.serve.describe import is_described
from qlink_ld.serve.problems import register_errors
from qlink_ld.serve.release import Releases
from qlink_ld.serve.site import KEY, Site, release
from qlink_ld.serve.site import site as current_site
from qlink_ld.serve.workers import QueryPool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_FOLDER = Path(__file__).resolve().parent
_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Content-Location, Content-Profile, ETag, Link, Qlink-Release, Retry-After",
}
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, HEAD, POST, OPTIONS",
    "Access-Control-Allow-Headers": "Accept, Accept-Language, Accept-Profile, Content-Type, If-None-Match, Range",
    "Access-Control-Max-Age": "86400",
}
# Pages need no script at all, so none is allowed; whatever a source smuggles into a text stays text.
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)


def create_app(config: Config) -> Flask:
    """Make the application for a deployment.

    Query workers start with the first query, in the process that answers it, and end with that process.
    `close_app` ends them earlier.

    Args:
        config: `data_dir` holds the releases; a release that is published later is read without a restart.
    """
    app = Flask("qlink_ld.serve", template_folder=str(_FOLDER / "templates"), static_folder=None)
    app.url_map.merge_slashes = False  # an empty segment is part of an IRI
    app.url_map.strict_slashes = False
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True, "autoescape": True}
    releases = Releases(config.data_dir)
    site = Site(config, releases, QueryPool(config.sparql, releases))
    app.extensions[KEY] = site
    app.config["MAX_CONTENT_LENGTH"] = 4 * config.sparql.max_query_bytes + 64 * 1024
    app.config["MAX_FORM_MEMORY_SIZE"] = app.config["MAX_CONTENT_LENGTH"]
    for module in (home, things, sparql, graphs, downloads, reports, catalogue, keys, operations):
        app.register_blueprint(module.blueprint)
    app.add_url_rule("/static/style.css", "style", _send_style)
    register_errors(app)
    app.before_request(_answer_preflight)
    app.after_request(_add_headers)
    app.context_processor(lambda: _template_values(site))
    app.wsgi_app = _mount(app.wsgi_app, site.root)  # type: ignore[method-assign,assignment]
    atexit.register(site.pool.close)
    return app


def close_app(app: Flask) -> None:
    """End the query workers of an application."""
    site: Site = app.extensions[KEY]
    site.pool.close()


def _mount(inner: "WSGIApplication", root: str) -> "Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]":
    """Let the application live under the path of its base IRI, whether or not a proxy takes that path away."""
    prefix = root.rstrip("/")

    def outer(environment: "WSGIEnvironment", start_response: "StartResponse") -> "Iterable[bytes]":
        path = environment.get("PATH_INFO", "")
        if prefix and path.startswith(f"{prefix}/"):
            environment["PATH_INFO"] = path[len(prefix) :]
            environment["SCRIPT_NAME"] = environment.get("SCRIPT_NAME", "") + prefix
        return inner(environment, start_response)

    return outer


def _send_style() -> Response:
    response = Response((_FOLDER / "static" / "style.css").read_bytes(), content_type="text/css; charset=utf-8")
    response.headers["Cache-Control"] = "public, max-age=3600"
    response.add_etag()
    response.make_conditional(request)
    return response


def _answer_preflight() -> ResponseReturnValue | None:
    """Answer a CORS preflight; every path takes the same."""
    if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
        return Response(status=204, headers=_PREFLIGHT)
    return None


def _add_headers(response: Response) -> Response:
    response.headers.extend(_CORS)
    if request.method == "OPTIONS":
        for name, value in _PREFLIGHT.items():
            response.headers[name] = value
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "strict-origin-when-cross-origin"
    if response.mimetype == "text/html":
        response.headers["Content-Security-Policy"] = _POLICY
    return response


def _shorten(iri: str) -> str:
    """Write an IRI as a prefixed name if one of the usual prefixes fits."""
    for prefix, namespace in PREFIXES.items():
        local = iri[len(namespace) :]
        if iri.startswith(namespace) and local.isidentifier():
            return f"{prefix}:{local}"
    return iri


def _find_page(iri: str) -> str:
    """Return where to read about an IRI: here if anything is published about it, else at its own address."""
    address = current_site().page(iri)
    if iri.startswith(current_site().base) or is_described(release().store, iri):
        return address
    return current_site().href(iri) or address


def _template_values(site: Site) -> dict[str, object]:
    """Give every template what the frame of a page needs."""
    try:
        data = release()
        about = {"id": data.id, "created": data.created or data.id}
    except StoreUnusable:
        about = None
    return {
        "site": site,
        "root": site.root,
        "base": site.base,
        "host": urlsplit(site.base).netloc,
        "page": _find_page,
        "href": site.href,
        "shorten": _shorten,
        "about": about,
    }
