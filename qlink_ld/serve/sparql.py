"""How are queries asked? SPARQL 1.1 Protocol at `/sparql`; for browsers a form, with results as a table.

Source: SPARQL 1.1 Protocol (W3C, 2013) §2.1. There is no update operation here.
"""

from dataclasses import dataclass
from typing import Any

import orjson
from flask import Blueprint, Response, g, render_template, request
from pyoxigraph import RdfFormat, serialize
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest, NotAcceptable, UnsupportedMediaType

from qlink_ld.errors import QlinkError, QueryRefused
from qlink_ld.namespaces import PREFIXES
from qlink_ld.serve.describe import used_prefixes
from qlink_ld.serve.example_queries import list_queries
from qlink_ld.serve.formats import (
    GRAPH_FORMATS,
    HTML,
    JSONLD,
    NTRIPLES,
    RDFXML,
    RESULTS_FORMATS,
    RESULTS_JSON,
    TURTLE,
    Format,
    choose_format,
    find_format,
    negotiate,
    prefers_html,
    require_format,
)
from qlink_ld.serve.problems import answer_error, problem_response
from qlink_ld.serve.query_text import QueryOutline, check_query
from qlink_ld.serve.service_description import SD, describe_service
from qlink_ld.serve.site import add_release_headers, client_name, make_etag, not_modified, release, site
from qlink_ld.serve.worker import QueryRequest
from qlink_ld.serve.workers import Answer

blueprint = Blueprint("sparql", __name__)

_PAGE_ROWS = 1000
_PAGE_BYTES = 4 * 1024 * 1024
_RDF = {TURTLE: RdfFormat.TURTLE, NTRIPLES: RdfFormat.N_TRIPLES, JSONLD: RdfFormat.JSON_LD, RDFXML: RdfFormat.RDF_XML}


@dataclass(frozen=True, slots=True)
class _Asked:
    """A query as it came: by GET, in a form, or as the body."""

    text: str
    default_graphs: tuple[str, ...]
    named_graphs: tuple[str, ...]


@blueprint.get("/sparql")
def get_sparql() -> Response:
    """Answer a query; without one, the form for browsers and the Service Description for machines."""
    if "update" in request.args:
        raise _no_update()
    if "query" not in request.args:
        return _describe_service()
    return _answer(_read_asked(request.args))


@blueprint.post("/sparql")
def post_sparql() -> Response:
    """Answer a query that comes in a form, or as the body of the request."""
    kind = request.mimetype
    limit = site().config.sparql.max_query_bytes
    if (request.content_length or 0) > 4 * limit:  # percent-encoding makes three bytes of one
        raise QueryRefused(f"the request is larger than a query of {limit} bytes can be")
    if kind == "application/sparql-query":
        try:
            text = request.get_data().decode("utf-8")
        except UnicodeDecodeError as error:
            raise BadRequest(f"the query is not UTF-8 (byte {error.start})") from error
        return _answer(_read_asked(request.args, text))
    if kind == "application/x-www-form-urlencoded":
        if "update" in request.form or "update" in request.args:
            raise _no_update()
        if "query" not in request.form:
            raise BadRequest("the form has no field 'query'")
        return _answer(_read_asked(request.form))
    if kind == "application/sparql-update":
        raise _no_update()
    raise UnsupportedMediaType(
        "send a query as application/sparql-query, or in a form as application/x-www-form-urlencoded, "
        f"not as {kind or 'nothing'}"
    )


def _no_update() -> QueryRefused:
    return QueryRefused(
        "this endpoint has no update operation: what is published changes by harvesting its sources. Ask with 'query'"
    )


def _read_asked(values: MultiDict[str, str], text: str | None = None) -> _Asked:
    if text is None:
        texts = values.getlist("query")
        if len(texts) != 1:
            raise BadRequest("the request has more than one 'query': send each on its own")  # Protocol §2.1.1
        text = texts[0]
    return _Asked(text, tuple(values.getlist("default-graph-uri")), tuple(values.getlist("named-graph-uri")))


def _wanted(offers: tuple[Format, ...]) -> Format | None:
    named = request.values.get("_mediatype") or request.values.get("format")
    return find_format(named, offers) if named else negotiate(request.headers.get("Accept"), offers)


def _wants_page(outline: QueryOutline) -> bool:
    """True if the answer is read in a browser and no format was chosen in the form."""
    named = request.values.get("_mediatype") or request.values.get("format")
    if named:
        return find_format(named, (HTML,)) is HTML
    offers = GRAPH_FORMATS if outline.form in ("CONSTRUCT", "DESCRIBE") else RESULTS_FORMATS
    return prefers_html(request) and negotiate(request.headers.get("Accept"), (HTML, *offers)) is HTML


def _answer(asked: _Asked) -> Response:
    settings = site().config.sparql
    outline = check_query(asked.text, settings.max_query_bytes, settings.max_query_depth)
    if _wants_page(outline):
        return _answer_page(asked)
    results, graph = _wanted(RESULTS_FORMATS), _wanted(GRAPH_FORMATS)
    fitting = {"SELECT": results, "ASK": results, "CONSTRUCT": graph, "DESCRIBE": graph}
    if (results is None and graph is None) or (outline.form in fitting and fitting[outline.form] is None):
        offers = GRAPH_FORMATS if outline.form in ("CONSTRUCT", "DESCRIBE") else RESULTS_FORMATS
        raise NotAcceptable("the result is available as " + ", ".join(offer.media_type for offer in offers))
    cacheable = not outline.volatile
    etag = make_etag("sparql", asked, results and results.name, graph and graph.name)
    response = not_modified(etag) if cacheable else None
    if response is None:
        answer = site().pool.run(_make_request(asked, results, graph), client_name())
        if answer.release_id != release().id:  # `current` was switched since this request came
            g.pop("release", None)
            etag = make_etag("sparql", asked, results and results.name, graph and graph.name)
            cacheable = cacheable and answer.release_id == release().id
        form = next(f for f in (*RESULTS_FORMATS, *GRAPH_FORMATS) if f.name == answer.format and f in (results, graph))
        response = _stream(answer, form)
    response.vary.add("Accept")
    if not cacheable:
        response.headers["Cache-Control"] = "no-store"
    return add_release_headers(response, etag if cacheable else None)


def _make_request(
    asked: _Asked, results: Format | None, graph: Format | None, max_result_bytes: int = 0
) -> QueryRequest:
    return QueryRequest(
        asked.text,
        results.name if results else None,
        graph.name if graph else None,
        asked.default_graphs,
        asked.named_graphs,
        max_result_bytes=max_result_bytes,
    )


class _Stream:
    """Gives a result to the server piece by piece. An error in the middle ends the connection, not the result."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._pieces = answer.read()

    def __iter__(self) -> "_Stream":
        return self

    def __next__(self) -> bytes:
        return next(self._pieces)

    def close(self) -> None:
        """Called by the server when the reader has it all, or has gone."""
        self._answer.close()


def _stream(answer: Answer, form: Format) -> Response:
    if answer.body is not None:
        return Response(answer.body, content_type=form.content_type)
    return Response(_Stream(answer), content_type=form.content_type, direct_passthrough=True)


def stream_query(asked_request: QueryRequest, form: Format) -> Response:
    """Run a query of ours in the pool and stream what it makes."""
    return _stream(site().pool.run(asked_request, client_name()), form)


def _answer_page(asked: _Asked) -> Response:
    """Show a query's result below the form."""
    values: dict[str, Any] = {
        "query": asked.text,
        "error": None,
        "columns": [],
        "rows": [],
        "text": None,
        "truth": None,
    }
    status = 200
    try:
        answer = site().pool.run(_make_request(asked, RESULTS_JSON, TURTLE, _PAGE_BYTES), client_name())
        body = b"".join(answer.read())
    except QlinkError as error:
        status = answer_error(error).status_code
        values["error"] = str(error)
        if isinstance(error, QueryRefused) and "limit of" in str(error):
            values["error"] = "The result is too large for a page. Choose a format below to download it."
    else:
        if answer.kind == "graph":
            values["text"] = body.decode()
        elif answer.kind == "boolean":
            values["truth"] = orjson.loads(body)["boolean"]
        else:
            table = orjson.loads(body)
            values["columns"] = _column_order(table["head"]["vars"], asked.text)
            values["rows"] = table["results"]["bindings"]
    rows = values.pop("rows")
    response = Response(
        render_template(
            "sparql.html",
            **values,
            rows=rows[:_PAGE_ROWS],
            row_count=len(rows),
            examples=list_queries(),
            asked=asked,
        ),
        status,
    )
    response.vary.add("Accept")
    return add_release_headers(response)


def _column_order(names: list[str], text: str) -> list[str]:
    """Put columns in the order in which the query names them; Oxigraph gives those of `SELECT *` by name."""
    return sorted(names, key=lambda name: text.find(f"?{name}") if f"?{name}" in text else len(text))


def _describe_service() -> Response:
    if prefers_html(request) and choose_format(request, (HTML, *GRAPH_FORMATS)) is HTML:
        page = render_template("sparql.html", query=None, examples=list_queries(), columns=[], rows=[], asked=None)
        response = Response(page)
        response.vary.add("Accept")
        return add_release_headers(response)
    form = require_format(request, GRAPH_FORMATS)
    etag = make_etag("service-description", form.name)
    response = not_modified(etag) or Response(
        _serialize_description(form),
        content_type=form.content_type,
    )
    response.vary.add("Accept")
    return add_release_headers(response, etag)


def _serialize_description(form: Format) -> bytes:
    triples = describe_service(release(), site().base)
    return serialize(triples, format=_RDF[form], prefixes=used_prefixes(triples, {**PREFIXES, "sd": SD})) or b""


@blueprint.route("/sparql", methods=["PUT", "DELETE", "PATCH"])
def refuse_method() -> Response:
    """Say that this is read only."""
    return problem_response(
        405, "method-not-allowed", "Method Not Allowed", "ask with GET or POST", {"Allow": "GET, HEAD, POST, OPTIONS"}
    )
