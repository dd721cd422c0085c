"""Graph Store Protocol, read only."""

from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from pyoxigraph import RdfFormat, parse

from qlink_ld.namespaces import ELM, ELM_OLD

BASE = "http://localhost:8080/"
GRAPH = f"{BASE}graphs/institutions/SI0001"


def test_graph_dereferences_and_is_named_by_parameter(client: FlaskClient) -> None:
    direct = client.get("/graphs/institutions/SI0001", headers={"Accept": "application/n-triples"})
    indirect = client.get(f"/graphs?graph={quote(GRAPH, safe='')}", headers={"Accept": "application/n-triples"})
    suffix = client.get("/graphs/institutions/SI0001.nt")
    assert direct.status_code == 200
    assert sorted(direct.text.splitlines()) == sorted(indirect.text.splitlines()) == sorted(suffix.text.splitlines())
    assert len(direct.text.splitlines()) == 9
    assert client.get("/graphs/institutions/SI0001").mimetype == "text/turtle"


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("text/turtle", RdfFormat.TURTLE),
        ("application/ld+json", RdfFormat.JSON_LD),
        ("application/rdf+xml", RdfFormat.RDF_XML),
    ],
)
def test_graph_parses_back_in_every_format(client: FlaskClient, accept: str, form: RdfFormat) -> None:
    response = client.get("/graphs/institutions/SI0001", headers={"Accept": accept})
    assert len(list(parse(response.data, form))) == 9


def test_graph_in_the_older_namespace(client: FlaskClient) -> None:
    response = client.get("/graphs/institutions/NL0028?_profile=elm-3.2")
    assert ELM_OLD in response.text
    assert ELM not in response.text
    assert response.headers["Content-Profile"] == f"<{ELM_OLD}>"


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", ["/graphs/institutions/SI0001", "/graphs?graph=http://e/", "/graphs?default"])
def test_graphs_are_read_only(client: FlaskClient, method: str, path: str) -> None:
    response = client.open(path, method=method, data="<a:a> <a:b> <a:c> .", content_type="text/turtle")
    assert response.status_code == 405
    assert response.headers["Allow"] == "GET, HEAD, OPTIONS"


def test_list_and_unknown_graphs(client: FlaskClient) -> None:
    assert GRAPH in client.get("/graphs").text.splitlines()
    assert "SI0001" in client.get("/graphs", headers={"Accept": "text/html"}).text
    assert client.get("/graphs/institutions/XX").status_code == 404
    assert client.get("/graphs?graph=http://e/").status_code == 404
    assert client.get("/graphs?graph=no%20iri").status_code == 404
    assert client.get("/graphs?default").status_code == 400


def test_graph_has_an_etag(client: FlaskClient) -> None:
    etag = client.get("/graphs/registry").headers["ETag"]
    assert client.get("/graphs/registry", headers={"If-None-Match": etag}).status_code == 304


def test_void_is_the_description_graph(client: FlaskClient) -> None:
    response = client.get("/.well-known/void", headers={"Accept": "text/turtle"})
    assert "void#dataset" in response.text
