"""How is a whole named graph read? By its own IRI, or as the SPARQL 1.1 Graph Store HTTP Protocol says; read only."""

from urllib.parse import quote

from flask import Blueprint, Response, render_template, request
from werkzeug.exceptions import BadRequest, NotFound

from qlink_ld.namespaces import encode_segment
from qlink_ld.serve.elm_versions import PROFILES
from qlink_ld.serve.formats import (
    GRAPH_FORMATS,
    HTML,
    Format,
    choose_profile,
    find_format,
    prefers_html,
    require_format,
)
from qlink_ld.serve.problems import problem_response
from qlink_ld.serve.site import add_release_headers, make_etag, not_modified, raw_segments, release, site
from qlink_ld.serve.sparql import stream_query
from qlink_ld.serve.worker import QueryRequest

blueprint = Blueprint("graphs", __name__)

_ALLOW = {"Allow": "GET, HEAD, OPTIONS"}
_WRITES = ("PUT", "POST", "DELETE", "PATCH")


@blueprint.get("/graphs")
@blueprint.get("/graphs/")
def show_graphs() -> Response:
    """Answer with the graph of `?graph=IRI` (indirect identification), or with the list of graphs."""
    if "default" in request.args:
        raise BadRequest("the default graph is the union of all: download it from /downloads/latest/all.nq.gz")
    if iri := request.args.get("graph"):
        return answer_graph(iri, None)
    graphs = release().graphs
    if prefers_html(request):
        response = Response(render_template("graphs.html", graphs=graphs))
    else:
        response = Response("".join(f"{iri}\n" for iri in graphs), content_type="text/uri-list; charset=utf-8")
    response.vary.add("Accept")
    return add_release_headers(response)


@blueprint.get("/graphs/<path:path>")
def show_graph(path: str) -> Response:  # noqa: ARG001 (decoded by the server; the raw path is taken)
    """Answer with the graph whose IRI this is."""
    segments = raw_segments()
    iri = site().base + "/".join(map(encode_segment, segments))
    if iri in release().graphs:
        return answer_graph(iri, None)
    stem, _, suffix = iri.rpartition(".")
    named = find_format(suffix, GRAPH_FORMATS)
    return answer_graph(stem if named and stem in release().graphs else iri, named)


@blueprint.route("/graphs", methods=_WRITES)
@blueprint.route("/graphs/", methods=_WRITES)
@blueprint.route("/graphs/<path:path>", methods=_WRITES)
def refuse_write(path: str = "") -> Response:  # noqa: ARG001
    """Say that graphs change by harvesting only."""
    return problem_response(
        405, "method-not-allowed", "Method Not Allowed", "graphs are read only: they change when sources do", _ALLOW
    )


def answer_graph(iri: str, named: Format | None) -> Response:
    """Stream all triples of a graph in the format and the ELM version that the reader asked for."""
    if iri not in release().graphs:
        raise NotFound(f"there is no graph <{iri}>; {site().base}graphs lists them")
    profile = choose_profile(request)
    if profile is None:
        raise BadRequest("unknown profile; known: " + ", ".join(known.name for known in PROFILES))
    # A browser cannot show a graph: it gets the one offer that it can at least display, by its wish for anything.
    form = named or require_format(request, (*GRAPH_FORMATS, HTML) if prefers_html(request) else GRAPH_FORMATS)
    if form is HTML:
        form = GRAPH_FORMATS[0]
    etag = make_etag("graph", iri, form.name, profile.name)
    response = not_modified(etag)
    if response is None:
        text = "CONSTRUCT { ?s ?p ?o } WHERE { ?s ?p ?o }"
        query = QueryRequest(text, None, form.name, (iri,), profile=profile.name)
        response = stream_query(query, form)
    response.vary.update(("Accept", "Accept-Profile"))
    response.headers["Content-Profile"] = f"<{profile.iri}>"
    response.headers.add("Link", f'<{profile.iri}>; rel="profile"')
    response.headers["Content-Location"] = f"{site().root}graphs?graph={quote(iri, safe='')}"
    return add_release_headers(response, etag)


@blueprint.get("/.well-known/void")
def show_description() -> Response:
    """Answer with the description of the dataset (VoID, DCAT)."""
    return answer_graph(site().config.iris.description_graph, None)
