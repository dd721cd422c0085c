"""How is the service itself? `/health` and `/metrics` for operators, `/robots.txt` and `/sitemap.xml` for crawlers."""

import os
from datetime import UTC, datetime
from itertools import islice
from xml.sax.saxutils import escape

import orjson
from flask import Blueprint, Response, request
from pyoxigraph import NamedNode
from werkzeug.exceptions import NotFound

from qlink_ld.errors import StoreUnusable
from qlink_ld.namespaces import RDF
from qlink_ld.serve.describe import SPECIFICATION
from qlink_ld.serve.release import OpenRelease
from qlink_ld.serve.site import add_release_headers, keep, make_etag, not_modified, release, site
from qlink_ld.serve.things import statistics

blueprint = Blueprint("operations", __name__)

_SITEMAP_ADDRESSES = 50_000  # sitemaps.org: no more in one file
_SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"


@blueprint.get("/health")
def show_health() -> Response:
    """Say whether there is a release to read, and which: 200 or 503."""
    try:
        data = release()
    except StoreUnusable as error:
        status = 503
        body: dict[str, str | None] = {"status": "no data", "detail": str(error)}
    else:
        body, status = {"status": "ok", "release": data.id, "created": data.created}, 200
        target = site().config.data_dir / "current"
        if target.is_symlink() and target.readlink().name != data.id:
            body["status"] = "degraded"
            body["detail"] = f"release {target.readlink().name} is damaged; an older one is read"
    response = Response(orjson.dumps(body), status, content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get("/metrics")
def show_metrics() -> Response:
    """Answer with measurements of this process in the text format of Prometheus."""
    pool = site().pool
    lines = [
        "# HELP qlink_ld_queries_total Queries by outcome, since this process started.",
        "# TYPE qlink_ld_queries_total counter",
        *(
            f'qlink_ld_queries_total{{outcome="{outcome}"}} {count}'
            for outcome, count in sorted(pool.outcomes.copy().items())
        ),
        "# HELP qlink_ld_query_workers Query workers and waiting queries by state.",
        "# TYPE qlink_ld_query_workers gauge",
        *(f'qlink_ld_query_workers{{state="{state}"}} {n}' for state, n in pool.count_workers().items()),
    ]
    try:
        data = release()
    except StoreUnusable:
        lines += ["# TYPE qlink_ld_release_usable gauge", "qlink_ld_release_usable 0"]
    else:
        lines += ["# TYPE qlink_ld_release_usable gauge", "qlink_ld_release_usable 1", *_measure_release(data)]
    response = Response("\n".join(lines) + "\n", content_type="text/plain; version=0.0.4; charset=utf-8")
    response.headers["Cache-Control"] = "no-store"
    return response


def _measure_release(data: OpenRelease) -> list[str]:
    counts = statistics()
    lines = [
        "# HELP qlink_ld_release_info The release that is read.",
        "# TYPE qlink_ld_release_info gauge",
        f'qlink_ld_release_info{{release="{data.id}",process="{os.getpid()}"}} 1',
        "# HELP qlink_ld_quads Statements in the release.",
        "# TYPE qlink_ld_quads gauge",
        f"qlink_ld_quads {counts.quads}",
    ]
    if data.created:
        moment = datetime.fromisoformat(data.created)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        lines += [
            "# HELP qlink_ld_release_created_timestamp_seconds When the release was made.",
            "# TYPE qlink_ld_release_created_timestamp_seconds gauge",
            f"qlink_ld_release_created_timestamp_seconds {moment.timestamp():.0f}",
        ]
    lines += [
        "# HELP qlink_ld_learning_opportunities Published specifications per institution.",
        "# TYPE qlink_ld_learning_opportunities gauge",
    ]
    lines += [
        f'qlink_ld_learning_opportunities{{institution="{count.id}"}} {count.specifications}'
        for count in counts.institutions
    ]
    return lines


@blueprint.get("/robots.txt")
def show_robots() -> Response:
    """Say what crawlers may read: the pages and files, not the queries."""
    root = site().root
    lines = ["User-agent: *", f"Disallow: {root}sparql", f"Disallow: {root}catalogue?", f"Disallow: {root}resource"]
    lines += [f"Sitemap: {site().base}sitemap.xml"]
    return Response("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


def _list_addresses(data: OpenRelease) -> list[str]:
    """Return the IRIs of ours that have pages, sorted."""
    base = site().base
    found = {base, *(base + path for path in ("catalogue", "queries/", "downloads/", "reports/", "sparql"))}
    for count in statistics().institutions:
        found |= {site().config.iris.institution(count.id)}
    for quad in data.store.quads_for_pattern(None, NamedNode(f"{RDF}type"), NamedNode(SPECIFICATION), None):
        if isinstance(quad.subject, NamedNode) and quad.subject.value.startswith(f"{base}courses/"):
            found.add(quad.subject.value)
    return sorted(found)


@blueprint.get("/sitemap.xml")
def show_sitemap() -> Response:
    """List our pages; beyond 50,000 an index of lists (`?page=N`)."""
    page = request.args.get("page", 0, type=int)
    etag = make_etag("sitemap", page)
    response = not_modified(etag)
    if response is None:
        addresses: list[str] = keep("addresses", _list_addresses)
        pages = -(-len(addresses) // _SITEMAP_ADDRESSES)
        if page < 0 or page > pages:
            raise NotFound(f"the sitemap has {pages} parts")
        if pages > 1 and page == 0:
            entries = "".join(
                f"<sitemap><loc>{site().base}sitemap.xml?page={number}</loc></sitemap>\n"
                for number in range(1, pages + 1)
            )
            body = f'<sitemapindex xmlns="{_SITEMAP}">\n{entries}</sitemapindex>\n'
        else:
            start = (max(page, 1) - 1) * _SITEMAP_ADDRESSES
            part = islice(addresses, start, start + _SITEMAP_ADDRESSES)
            entries = "".join(f"<url><loc>{escape(address)}</loc></url>\n" for address in part)
            body = f'<urlset xmlns="{_SITEMAP}">\n{entries}</urlset>\n'
        response = Response(f'<?xml version="1.0" encoding="UTF-8"?>\n{body}', content_type="application/xml")
    return add_release_headers(response, etag, max_age_s=3600)
