"""SPARQL 1.1 Protocol, Service Description, errors and CORS of `/sparql`."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pyoxigraph import (
    QueryBoolean,
    QueryResultsFormat,
    QuerySolutions,
    RdfFormat,
    parse,
    parse_query_results,
)
from rdflib import Graph
from werkzeug.test import TestResponse

BASE = "http://localhost:8080/"
TITLES = "SELECT ?course ?title { ?course <http://purl.org/dc/terms/title> ?title }"
ASK_COOL = "ASK { <http://course.are.cool/123> ?p ?o }"
TWENTE, LJUBLJANA = f"{BASE}graphs/institutions/NL0028", f"{BASE}graphs/institutions/SI0001"
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


def ask(client: FlaskClient, query: str, **parameters: str | list[str]) -> bool:
    response = client.get("/sparql", query_string={"query": query, **parameters})
    assert response.status_code == 200, response.text
    return bool(response.json["boolean"]) if response.json else False


def post(client: FlaskClient, form: dict[str, str], **headers: str) -> TestResponse:
    return client.post("/sparql", data=form, headers=headers)


def test_get_and_both_posts_give_the_same(client: FlaskClient) -> None:
    by_get = client.get("/sparql", query_string={"query": TITLES})
    by_form = client.post("/sparql", data={"query": TITLES})
    by_body = client.post("/sparql", data=TITLES, content_type="application/sparql-query")
    with_charset = client.post("/sparql", data=TITLES, content_type="application/sparql-query; charset=UTF-8")
    assert by_get.status_code == 200
    assert by_get.data == by_form.data == by_body.data == with_charset.data
    assert len((by_get.json or {})["results"]["bindings"]) > 5


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("application/sparql-results+json", QueryResultsFormat.JSON),
        ("application/sparql-results+xml", QueryResultsFormat.XML),
        ("text/tab-separated-values", QueryResultsFormat.TSV),
    ],
)
def test_tables_parse_back_in_every_format(client: FlaskClient, accept: str, form: QueryResultsFormat) -> None:
    response = client.get("/sparql", query_string={"query": TITLES}, headers={"Accept": accept})
    assert response.mimetype == accept
    results = parse_query_results(response.data, form)
    assert isinstance(results, QuerySolutions)
    assert any('"Übung"@de' in str(solution["title"]) for solution in results)
    if form is not QueryResultsFormat.TSV:
        response = client.get("/sparql", query_string={"query": ASK_COOL}, headers={"Accept": accept})
        truth = parse_query_results(response.data, form)
        assert isinstance(truth, QueryBoolean)
        assert bool(truth)


def test_csv_has_a_row_per_solution(client: FlaskClient) -> None:
    response = client.get("/sparql", query_string={"query": TITLES}, headers={"Accept": "text/csv"})
    assert response.content_type == "text/csv; charset=utf-8"
    lines = response.text.split("\r\n")
    assert lines[0] == "course,title"
    assert f"{BASE}courses/NL0028/2024%2F25%20%C3%9Cbung,Übung" in lines


@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated")  # rdflib's own JSON-LD parser uses it
@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("text/turtle", RdfFormat.TURTLE),
        ("application/n-triples", RdfFormat.N_TRIPLES),
        ("application/ld+json", RdfFormat.JSON_LD),
        ("application/rdf+xml", RdfFormat.RDF_XML),
    ],
)
def test_triples_parse_back_in_every_format(client: FlaskClient, accept: str, form: RdfFormat) -> None:
    query = f"CONSTRUCT WHERE {{ <{BASE}courses/NL0028/INF-101> ?p ?o }}"
    response = client.get("/sparql", query_string={"query": query}, headers={"Accept": accept})
    assert response.mimetype == accept
    triples = {quad.triple for quad in parse(response.data, form)}
    expected = client.get("/sparql", query_string={"query": query, "format": "nt"})
    assert triples == {quad.triple for quad in parse(expected.data, RdfFormat.N_TRIPLES)}
    assert len(triples) > 15
    names = {"text/turtle": "turtle", "application/n-triples": "nt", "application/ld+json": "json-ld"}
    assert len(Graph().parse(data=response.data, format=names.get(accept, "xml"))) == len(triples)


def test_describe_gives_triples(client: FlaskClient) -> None:
    response = client.get("/sparql", query_string={"query": "DESCRIBE <http://course.are.cool/123>"})
    assert response.mimetype == "text/turtle"
    assert "Cool course" in response.text


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("csv", "text/csv"),
        ("xml", "application/sparql-results+xml"),
        ("application/sparql-results+xml", "application/sparql-results+xml"),
        ("json", "application/sparql-results+json"),
    ],
)
def test_parameter_wins_over_accept(client: FlaskClient, name: str, media_type: str) -> None:
    for parameter in ("format", "_mediatype"):
        response = client.get("/sparql", query_string={"query": TITLES, parameter: name}, headers=BROWSER)
        assert response.mimetype == media_type


def test_quality_decides(client: FlaskClient) -> None:
    accept = "application/sparql-results+json;q=0.2, text/csv;q=0.3, image/png"
    assert client.get("/sparql", query_string={"query": TITLES}, headers={"Accept": accept}).mimetype == "text/csv"


@pytest.mark.parametrize(
    ("query", "accept"),
    [
        (TITLES, "image/png"),
        (TITLES, "text/turtle"),
        ("CONSTRUCT WHERE { ?s ?p ?o }", "text/csv"),
        ("PREFIX construct: <http://e/> " + TITLES, "text/turtle"),
    ],
)
def test_406_when_nothing_fits(client: FlaskClient, query: str, accept: str) -> None:
    response = client.get("/sparql", query_string={"query": query}, headers={"Accept": accept})
    assert response.status_code == 406
    assert "text/" in (response.json or {})["detail"]


def test_default_graph_is_the_union_and_can_be_chosen(client: FlaskClient) -> None:
    assert ask(client, ASK_COOL)
    assert not ask(client, ASK_COOL, **{"default-graph-uri": TWENTE})
    assert ask(client, ASK_COOL, **{"default-graph-uri": [TWENTE, LJUBLJANA]})
    assert not ask(client, ASK_COOL, **{"named-graph-uri": LJUBLJANA})  # then the default graph is empty
    named = "ASK { GRAPH ?g { <http://course.are.cool/123> ?p ?o } }"
    assert ask(client, named)
    assert ask(client, named, **{"named-graph-uri": [TWENTE, LJUBLJANA]})
    assert not ask(client, named, **{"named-graph-uri": TWENTE})
    assert not ask(client, named, **{"default-graph-uri": LJUBLJANA})


def test_dataset_of_the_protocol_wins_over_that_of_the_query(client: FlaskClient) -> None:
    query = f"ASK FROM <{TWENTE}> {{ <http://course.are.cool/123> ?p ?o }}"
    assert not ask(client, query)
    assert ask(client, query, **{"default-graph-uri": LJUBLJANA})


def test_dataset_comes_with_both_posts(client: FlaskClient) -> None:
    by_form = client.post("/sparql", data={"query": ASK_COOL, "default-graph-uri": TWENTE})
    address = f"/sparql?default-graph-uri={quote(TWENTE, safe='')}"
    by_body = client.post(address, data=ASK_COOL, content_type="application/sparql-query")
    assert (by_form.json or {})["boolean"] is False
    assert (by_body.json or {})["boolean"] is False


@pytest.mark.parametrize("method", ["get", "form", "body"])
def test_syntax_error_gives_the_position(client: FlaskClient, method: str) -> None:
    query = "SELECT *\nWHERE { ?s ?p }"
    if method == "get":
        response = client.get("/sparql", query_string={"query": query})
    elif method == "form":
        response = client.post("/sparql", data={"query": query})
    else:
        response = client.post("/sparql", data=query, content_type="application/sparql-query")
    assert response.status_code == 400
    assert response.content_type == "application/problem+json"
    problem = response.json or {}
    assert problem["type"] == "urn:qlink-ld:problem:query-syntax"
    assert problem["status"] == 400
    assert problem["detail"].startswith("line 2, column ")
    assert response.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize(
    "send",
    [
        lambda c: c.get("/sparql", query_string={"update": "CLEAR ALL"}),
        lambda c: c.get("/sparql", query_string={"query": "CLEAR ALL"}),
        lambda c: c.post("/sparql", data={"update": "CLEAR ALL"}),
        lambda c: c.post("/sparql", data={"query": "PREFIX e: <http://e/> INSERT DATA { e:a e:b e:c }"}),
        lambda c: c.post("/sparql", data="DROP ALL", content_type="application/sparql-update"),
        lambda c: c.post("/sparql?update=CLEAR%20ALL", data={"query": TITLES}),
        lambda c: c.post("/sparql", data="LOAD <http://127.0.0.1/>", content_type="application/sparql-query"),
    ],
)
def test_updates_are_refused_in_clear_words(client: FlaskClient, send: Callable[[FlaskClient], TestResponse]) -> None:
    response = send(client)
    assert response.status_code == 400
    assert "harvesting" in (response.json or {})["detail"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_are_not_allowed(client: FlaskClient, method: str) -> None:
    response = client.open("/sparql", method=method)
    assert response.status_code == 405
    assert "GET" in response.headers["Allow"]
    assert response.headers["Access-Control-Allow-Origin"] == "*"


def test_broken_requests_are_400_or_415(client: FlaskClient) -> None:
    assert client.post("/sparql", data={"other": "x"}).status_code == 400
    assert client.get(f"/sparql?query={quote(TITLES)}&query={quote(TITLES)}").status_code == 400
    assert client.post("/sparql", data="x", content_type="text/plain").status_code == 415
    assert client.post("/sparql", data=b"\xff", content_type="application/sparql-query").status_code == 400
    assert client.get("/sparql", query_string={"query": ""}).status_code == 400
    deep = "SELECT * " + "{" * 300 + "}" * 300
    assert client.get("/sparql", query_string={"query": deep}).status_code == 400
    long = TITLES + " #" + "x" * 300_000
    assert client.post("/sparql", data={"query": long}).status_code == 400
    assert client.post("/sparql", data={"query": "x" * 3_000_000}).status_code in (400, 413)
    bad_graph = client.get("/sparql", query_string={"query": TITLES, "default-graph-uri": "no IRI"})
    assert bad_graph.status_code == 400


def test_service_is_refused_though_the_other_server_would_answer(client: FlaskClient) -> None:
    response = client.get("/sparql", query_string={"query": "SELECT * { SERVICE <http://127.0.0.1:1/> { ?s ?p ?o } }"})
    assert response.status_code == 400
    assert "SERVICE http://127.0.0.1:1/ is refused" in (response.json or {})["detail"]


def test_preflight_and_options_allow_every_origin(client: FlaskClient) -> None:
    for path in ("/sparql", "/", "/courses/NL0028/INF-101", "/nowhere"):
        response = client.options(
            path, headers={"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}
        )
        assert response.status_code == 204
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert "POST" in response.headers["Access-Control-Allow-Methods"]
        assert "Content-Type" in response.headers["Access-Control-Allow-Headers"]
    assert client.options("/sparql").headers["Access-Control-Allow-Origin"] == "*"


def test_answer_is_kept_by_release_query_and_type(client: FlaskClient) -> None:
    first = client.get("/sparql", query_string={"query": TITLES})
    etag = first.headers["ETag"]
    again = client.get("/sparql", query_string={"query": TITLES}, headers={"If-None-Match": etag})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["Access-Control-Allow-Origin"] == "*"
    assert client.get("/sparql", query_string={"query": TITLES, "format": "csv"}).headers["ETag"] != etag
    assert client.get("/sparql", query_string={"query": TITLES + " "}).headers["ETag"] != etag
    assert "Accept" in first.headers["Vary"]
    assert first.headers["Qlink-Release"] == "20260301T100000Z"
    assert first.headers["Last-Modified"] == "Sun, 01 Mar 2026 10:00:00 GMT"
    volatile = client.get("/sparql", query_string={"query": "SELECT (NOW() AS ?n) {}"})
    assert "ETag" not in volatile.headers
    assert volatile.headers["Cache-Control"] == "no-store"


def test_head_has_the_headers_of_get(client: FlaskClient) -> None:
    response = client.head("/sparql", query_string={"query": TITLES})
    assert response.status_code == 200
    assert response.data == b""
    assert response.mimetype == "application/sparql-results+json"


def test_service_description_declares_union_graph_and_all_graphs(client: FlaskClient) -> None:
    response = client.get("/sparql", headers={"Accept": "text/turtle"})
    graph = Graph().parse(data=response.data, format="turtle")
    query = """
        PREFIX sd: <http://www.w3.org/ns/sparql-service-description#> PREFIX void: <http://rdfs.org/ns/void#>
        SELECT ?name ?triples {
          ?service sd:endpoint <http://localhost:8080/sparql> ; sd:feature sd:UnionDefaultGraph ;
            sd:supportedLanguage sd:SPARQL11Query ; sd:defaultDataset ?dataset .
          ?dataset sd:namedGraph ?named . ?named sd:name ?name ; sd:graph/void:triples ?triples }"""
    names = {str(row[0]) for row in graph.query(query)}  # type: ignore[index]
    assert {TWENTE, LJUBLJANA, f"{BASE}graphs/registry"} <= names
    assert client.get("/sparql").mimetype == "text/turtle"
    assert client.get("/sparql", headers={"Accept": "application/rdf+xml"}).mimetype == "application/rdf+xml"
    assert client.get("/sparql", headers={"Accept": "image/png"}).status_code == 406


def test_browser_gets_a_form_and_results_as_a_table(client: FlaskClient) -> None:
    form = client.get("/sparql", headers=BROWSER)
    assert form.mimetype == "text/html"
    assert "<textarea" in form.text
    page = client.get("/sparql", query_string={"query": TITLES + " LIMIT 3"}, headers=BROWSER)
    assert page.status_code == 200
    assert "3 rows." in page.text
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    wrong = client.get("/sparql", query_string={"query": "SELECT <script>"}, headers=BROWSER)
    assert wrong.status_code == 400
    assert "<script>" not in wrong.text
    assert "line 1, column" in wrong.text
    triples = client.get("/sparql", query_string={"query": "CONSTRUCT WHERE { ?s ?p ?o } LIMIT 1"}, headers=BROWSER)
    assert triples.mimetype == "text/html"
    yes = client.get("/sparql", query_string={"query": ASK_COOL}, headers=BROWSER)
    assert "Yes" in yes.text


def test_deadline_gives_504_with_a_way_out(large_data: Path, make_app: Callable[..., Flask]) -> None:
    client = make_app(large_data, timeout_s=0.5, workers=1).test_client()
    response = client.get("/sparql", query_string={"query": "SELECT * { ?a ?b ?c . ?d ?e ?f } ORDER BY ?c ?f"})
    assert response.status_code == 504
    problem = response.json or {}
    assert "0.5 s" in problem["detail"]
    assert problem["downloads"] == "/downloads/"
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    page = client.get(
        "/sparql", query_string={"query": "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f }"}, headers=BROWSER
    )
    assert page.status_code == 504
    assert page.mimetype == "text/html"


def test_nothing_published_gives_503(tmp_path: Path, make_app: Callable[..., Flask]) -> None:
    client = make_app(tmp_path).test_client()
    for path in ("/", "/sparql?query=ASK%7B%7D", "/sparql", "/graphs", "/downloads/", "/reports/", "/courses/a/b"):
        response = client.get(path)
        assert response.status_code == 503, path
        assert "Retry-After" in response.headers
        assert client.get(path, headers=BROWSER).mimetype == "text/html"
    assert client.get("/health").status_code == 503
    assert "qlink_ld_release_usable 0" in client.get("/metrics").text


def test_t_07_too_many_queries_give_429_or_503_with_retry_after(
    large_data: Path, make_app: Callable[..., Flask]
) -> None:
    app = make_app(large_data, workers=1, timeout_s=1.5, max_wait_s=0.2)
    endless = {"query": "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"}
    deadline = time.monotonic() + 30  # the worker may need longer to start than a query may wait for it
    while app.test_client().get("/sparql?query=ASK%7B%7D").status_code != 200:
        assert time.monotonic() < deadline

    def send(peer: str) -> TestResponse:
        return app.test_client().post("/sparql", data=endless, environ_base={"REMOTE_ADDR": peer})

    with ThreadPoolExecutor() as threads:
        first = threads.submit(send, "192.0.2.1")
        time.sleep(0.3)
        same, other = threads.submit(send, "192.0.2.1"), threads.submit(send, "192.0.2.2")
        assert same.result().status_code == 429
        assert other.result().status_code == 503
        assert first.result().status_code == 504
    for answer in (same.result(), other.result()):
        assert int(answer.headers["Retry-After"]) > 0
        assert (answer.json or {})["downloads"] == "/downloads/"
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
