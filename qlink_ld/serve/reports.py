"""How was each institution harvested and validated? A table from release.json, and the report graph as RDF."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, render_template, request
from werkzeug.exceptions import NotFound

from qlink_ld.namespaces import PREFIXES
from qlink_ld.serve.formats import GRAPH_FORMATS, HTML, PAGE_FORMATS, choose_format, find_format
from qlink_ld.serve.graphs import answer_graph
from qlink_ld.serve.release import tables
from qlink_ld.serve.site import add_release_headers, make_etag, not_modified, release, site
from qlink_ld.serve.statistics import InstitutionCount
from qlink_ld.serve.things import statistics

blueprint = Blueprint("reports", __name__)


@blueprint.get("/reports/")
@blueprint.get("/reports")
def list_reports() -> Response:
    """Show one line per institution: harvested, published, refused, warnings."""
    etag = make_etag("reports")
    response = not_modified(etag) or Response(render_template("reports.html", institutions=statistics().institutions))
    return add_release_headers(response, etag)


@blueprint.get("/reports/<name>")
def show_report(name: str) -> Response:
    """Show an institution's report as a page, or its report graph as RDF."""
    graph = site().config.iris.report_graph(name)
    count = next((entry for entry in statistics().institutions if entry.id == name), None)
    if count is None and graph not in release().graphs:
        stem, _, suffix = name.rpartition(".")
        named = find_format(suffix, GRAPH_FORMATS)
        if named is None or not stem:
            raise NotFound(f"there is no report of an institution '{name}'; {site().base}reports/ lists them")
        return answer_graph(site().config.iris.report_graph(stem), named)
    if choose_format(request, PAGE_FORMATS) is not HTML:
        return answer_graph(graph, None)
    etag = make_etag("report", name)
    response = not_modified(etag)
    if response is None:
        count = count or InstitutionCount(name, name, 0, 0, "", "", {})
        response = Response(
            render_template(
                "report.html", count=count, graph=graph if graph in release().graphs else None, **_read_info(count.info)
            )
        )
    response.vary.add("Accept")
    return add_release_headers(response, etag)


def _read_info(info: Mapping[str, Any]) -> dict[str, object]:
    """Take the tables out of a harvest report as release.json has it; a missing one is empty."""
    return {
        "probes": tables(info.get("probes")),
        "sources": tables(info.get("sources")),
        "issues": tables(info.get("issues")),
        "results": [_read_result(entry) for entry in tables(info.get("result_counts"))],
        "fields": tables(info.get("fields")),
    }


def _read_result(entry: Mapping[str, Any]) -> dict[str, object]:
    """One kind of result, with its property and its example as people read them."""
    path = str(entry.get("path") or "").strip("<>")
    prefix = next((name for name, namespace in PREFIXES.items() if path.startswith(namespace)), None)
    value = str(entry.get("value") or "")
    return {
        **entry,
        "property": f"{prefix}:{path[len(PREFIXES[prefix]) :]}" if prefix else path,
        "example": str(entry.get("focus_node") or "").strip("<>"),
        "found": value.strip("<>") if value.startswith("<") else value,
    }
