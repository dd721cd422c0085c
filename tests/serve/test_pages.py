"""The first page, the catalogue, reports, example queries, and what operators and crawlers read."""

import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pyoxigraph import RdfFormat, parse

HTML = {"Accept": "text/html"}


def test_home_counts_what_is_published(client: FlaskClient) -> None:
    page = client.get("/", headers=HTML).text
    counts = dict(re.findall(r"<dt>([^<]+)</dt><dd>([^<]+)</dd>", page))
    assert counts["Institutions"] == "2"
    assert counts["Learning opportunities"] == "6"
    assert counts["Instances"] == "1"
    assert counts["Languages of instruction"] == "4"
    assert "ECIU University" in page
    assert "Data as of" in page


def test_counts_come_from_the_store_if_the_release_lists_none(
    tmp_path: Path, publish: Callable[..., Path], make_app: Callable[..., Flask]
) -> None:
    kind = "<http://data.quality-link.eu/ontology/v1#LearningOpportunitySpecification>"
    graph = "<http://localhost:8080/graphs/institutions/X1>"
    line = f"<http://e/{{}}> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> {{}} {graph} .\n"
    nquads = "".join(line.format(number, kind) for number in range(3))
    publish(tmp_path, "20260101T000000Z", nquads, graphs={}, quads=None)
    page = make_app(tmp_path).test_client().get("/", headers=HTML).text
    counts = dict(re.findall(r"<dt>([^<]+)</dt><dd>([^<]+)</dd>", page))
    assert counts["Learning opportunities"] == "3"
    assert counts["Statements"] == "3"


def test_catalogue_finds_titles_in_any_language(client: FlaskClient) -> None:
    def found(query: str) -> list[str]:
        page = client.get(f"/catalogue{query}", headers={**HTML, "Accept-Language": "en"}).text
        return re.findall(r'<li><a href="([^"]+)"><span', page.partition('class="hits"')[2])

    assert len(found("")) == 6
    assert found("?q=odprti") == ["/courses/NL0028/INF-101"]
    assert found("?q=OPEN%20linked") == ["/courses/NL0028/INF-101"]
    assert found("?q=%C3%BCbung") == ["/courses/NL0028/2024%2F25%20%C3%9Cbung"]
    assert found("?q=nothing") == []
    assert len(found("?institution=SI0001")) == 2
    assert len(found("?language=http://publications.europa.eu/resource/authority/language/SLV")) == 2
    assert found("?page=99999999") == []


@pytest.mark.parametrize("words", ['"', "\\", '") } #', "'", "\n", '\\")) } INSERT', "<script>", "\u0000", "?x"])
def test_catalogue_takes_any_words(client: FlaskClient, words: str) -> None:
    response = client.get(
        "/catalogue", query_string={"q": words, "institution": words, "language": words, "page": words}
    )
    assert response.status_code == 200
    assert "<script>" not in response.text


def test_catalogue_has_pages(tmp_path: Path, publish: Callable[..., Path], make_app: Callable[..., Flask]) -> None:
    graph = "<http://localhost:8080/graphs/institutions/X1>"
    kind = "<http://data.quality-link.eu/ontology/v1#LearningOpportunitySpecification>"
    lines = "".join(
        f"<http://e/{n}> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> {kind} {graph} .\n"
        f'<http://e/{n}> <http://purl.org/dc/terms/title> "Course {n:03}"@en {graph} .\n'
        for n in range(60)
    )
    publish(tmp_path, "20260101T000000Z", lines)
    client = make_app(tmp_path).test_client()
    first = client.get("/catalogue?q=course").text
    assert "Course 000" in first
    assert "Course 025" not in first
    assert 'rel="prev"' not in first
    address = re.findall(r'href="([^"]+)" rel="next"', first)[0].replace("&amp;", "&")
    second = client.get(address).text
    assert "Course 025" in second
    third = client.get("/catalogue?q=course&page=3").text
    assert "Course 059" in third
    assert 'rel="next"' not in third


def test_reports_say_what_was_refused_and_why(client: FlaskClient) -> None:
    assert "University of Ljubljana" in client.get("/reports/", headers=HTML).text
    page = client.get("/reports/NL0028", headers=HTML).text
    for words in ("Give the course a title.", "unmapped-value", "<dd>5</dd>", "<dd>4</dd>", "<dd>1</dd>"):
        assert words in page
    turtle = client.get("/reports/NL0028", headers={"Accept": "text/turtle"})
    assert list(parse(turtle.data, RdfFormat.TURTLE))
    assert client.get("/reports/NL0028.nt").mimetype == "application/n-triples"
    assert client.get("/reports/XX").status_code == 404
    assert client.get("/reports/SI0001", headers=HTML).status_code == 200
    assert client.get("/reports/SI0001", headers={"Accept": "text/turtle"}).status_code == 404


def test_every_example_query_runs_from_its_page(client: FlaskClient) -> None:
    page = client.get("/queries/", headers=HTML).text
    links = [link.replace("&amp;", "&") for link in re.findall(r'class="button" href="([^"]+)"', page)]
    assert len(links) >= 10
    for link in links:
        answer = client.get(link)
        assert answer.status_code == 200, link
        assert answer.mimetype == "application/sparql-results+json"
    name = "courses-per-language"
    assert client.get(f"/queries/{name}.rq").mimetype == "application/sparql-query"
    assert "Purpose" in client.get(f"/queries/{name}").text
    assert client.get("/queries/nothing").status_code == 404


def test_health_names_the_release(client: FlaskClient) -> None:
    assert client.get("/health").json == {
        "status": "ok",
        "release": "20260301T100000Z",
        "created": "2026-03-01T10:00:00Z",
    }


def test_health_tells_of_a_damaged_release(
    tmp_path: Path, publish: Callable[..., Path], make_app: Callable[..., Flask]
) -> None:
    for day in (1, 2):
        bad = publish(tmp_path, f"2026010{day}T000000Z", "<http://e/s> <http://e/p> <http://e/o> <http://e/g> .\n")
    (bad / "dumps" / "all.nq.gz").write_bytes(b"")
    health = make_app(tmp_path).test_client().get("/health")
    assert health.status_code == 200
    assert (health.json or {})["status"] == "degraded"
    assert (health.json or {})["release"] == "20260101T000000Z"


def test_metrics_are_in_the_format_of_prometheus(client: FlaskClient) -> None:
    client.get("/sparql?query=ASK%7B%7D")
    text = client.get("/metrics").text
    for line in text.splitlines():
        assert re.fullmatch(r'# (HELP|TYPE) .+|[a-z_]+(\{([a-z]+="[^"]*",?)+\})? [0-9.e+]+', line), line
    assert 'qlink_ld_queries_total{outcome="complete"}' in text
    assert 'qlink_ld_learning_opportunities{institution="NL0028"} 4' in text
    assert "qlink_ld_release_created_timestamp_seconds 1772359200" in text


def test_sitemap_lists_pages_that_answer(client: FlaskClient) -> None:
    tree = ElementTree.fromstring(client.get("/sitemap.xml").data)
    addresses = [element.text or "" for element in tree.iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")]
    assert "http://localhost:8080/courses/NL0028/2024%2F25%20%C3%9Cbung" in addresses
    for address in addresses:
        assert client.get(address.removeprefix("http://localhost:8080"), headers=HTML).status_code == 200, address
    assert "Sitemap: http://localhost:8080/sitemap.xml" in client.get("/robots.txt").text
    assert client.get("/sitemap.xml?page=7").status_code == 404


def test_every_link_on_the_pages_answers(client: FlaskClient) -> None:
    seen: set[str] = set()
    todo = ["/", "/courses/NL0028/INF-101", "/alliances/INT6006", "/resource?iri=http%3A%2F%2Fcourse.are.cool%2F123"]
    while todo and len(seen) < 150:
        path = todo.pop().replace("&amp;", "&").partition("#")[0]
        if path in seen or not path.startswith("/") or path.startswith("/sparql?"):
            continue
        seen.add(path)
        response = client.get(path, headers={"Accept": "text/html,*/*;q=0.1"}, follow_redirects=True, buffered=True)
        not_in_sample = path.startswith("/downloads/latest/institutions/SI0001")
        assert response.status_code == 200 or not_in_sample, path
        if response.mimetype == "text/html":
            assert "<main" in response.text
            assert response.text.count("<h1") == 1, path
            todo += re.findall(r'href="([^"]+)"', response.text)
    assert len(seen) > 40


def test_style_is_served_and_pages_allow_no_script(client: FlaskClient) -> None:
    assert client.get("/static/style.css").mimetype == "text/css"
    response = client.get("/", headers=HTML)
    assert "script-src" not in response.headers["Content-Security-Policy"]
    assert "'unsafe" not in response.headers["Content-Security-Policy"]
    assert "<script" not in response.text
    assert response.headers["X-Content-Type-Options"] == "nosniff"
