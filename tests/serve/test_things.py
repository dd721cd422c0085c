"""Courses, instances, institutions, alliances and foreign IRIs, for people and for machines."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pyoxigraph import NamedNode, RdfFormat, Triple, parse
from rdflib import Graph

from qlink_ld.namespaces import ELM, ELM_OLD, RDF

BASE = "http://localhost:8080/"
COURSE = "/courses/NL0028/INF-101"
HTML = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
FORMATS = {
    "ttl": ("text/turtle", RdfFormat.TURTLE),
    "nt": ("application/n-triples", RdfFormat.N_TRIPLES),
    "jsonld": ("application/ld+json", RdfFormat.JSON_LD),
    "rdf": ("application/rdf+xml", RdfFormat.RDF_XML),
}


def read(client: FlaskClient, path: str, suffix: str = "nt", **headers: str) -> set[Triple]:
    media_type, form = FORMATS[suffix]
    response = client.get(path, headers={"Accept": media_type, **headers})
    assert response.status_code == 200, response.text
    assert response.mimetype == media_type
    return {quad.triple for quad in parse(response.data, form)}


@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated")  # rdflib's own JSON-LD parser uses it
@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_by_accept_suffix_and_parameter_is_the_same(client: FlaskClient, suffix: str) -> None:
    media_type, form = FORMATS[suffix]
    triples = read(client, COURSE, suffix)
    assert triples == read(client, COURSE)
    for path in (
        f"{COURSE}.{suffix}",
        f"{COURSE}?_mediatype={quote(media_type, safe='')}",
        f"{COURSE}?format={suffix}",
    ):
        response = client.get(path, headers=HTML)
        assert response.mimetype == media_type
        assert {quad.triple for quad in parse(response.data, form)} == triples
    rdflib_name = {"ttl": "turtle", "jsonld": "json-ld", "rdf": "xml"}.get(suffix, suffix)
    data = client.get(f"{COURSE}.{suffix}").data
    assert len(Graph().parse(data=data, format=rdflib_name)) == len(triples)


def test_description_holds_nested_nodes_instances_and_provider_but_no_other_things(client: FlaskClient) -> None:
    subjects = {t.subject.value for t in read(client, COURSE) if isinstance(t.subject, NamedNode)}
    iri = f"{BASE}courses/NL0028/INF-101"
    assert {iri, f"{iri}#credit", f"{iri}#learningOutcome/10", f"{iri}/instances/2026-1"} <= subjects
    assert f"{iri}/instances/2026-1#temporal" in subjects
    provider = f"{BASE}institutions/NL0028"
    assert provider in subjects  # so that the description conforms by itself
    assert all(subject.startswith((iri, provider)) for subject in subjects)
    assert not any("isMemberOf" in str(triple) for triple in read(client, COURSE))
    assert not any("void#inDataset" in str(triple) for triple in read(client, COURSE))  # that is in its report


def test_instance_has_its_own_page_without_the_course(client: FlaskClient) -> None:
    path = f"{COURSE}/instances/2026-1"
    subjects = {t.subject.value for t in read(client, path) if isinstance(t.subject, NamedNode)}
    own = (f"{BASE}courses/NL0028/INF-101/instances/2026-1", f"{BASE}institutions/NL0028")
    assert all(subject.startswith(own) for subject in subjects)
    page = client.get(path, headers=HTML)
    assert "Semester 1" in page.text
    assert "Linked open data" in page.text


@pytest.mark.parametrize(
    "path",
    [
        "/courses/NL0028/2024%2F25%20%C3%9Cbung",
        "/courses/NL0028/2024%2f25%20%c3%9cbung",
        "/courses/NL0028/2024%2F25%20Übung",
        "/courses/%4EL0028/2024%2F25%20%C3%9Cbung",
    ],
)
def test_percent_encoded_ids_are_found_however_they_are_spelled(client: FlaskClient, path: str) -> None:
    iri = f"{BASE}courses/NL0028/2024%2F25%20%C3%9Cbung"
    assert any(triple.subject == NamedNode(iri) for triple in read(client, path))
    assert client.get(f"{path}.ttl").mimetype == "text/turtle"
    assert "Übung" in client.get(path, headers=HTML).text


def test_slash_that_is_not_encoded_is_another_course(client: FlaskClient) -> None:
    assert client.get("/courses/NL0028/2024/25%20%C3%9Cbung").status_code == 404


def test_id_that_ends_like_a_suffix_is_found_before_the_suffix(client: FlaskClient) -> None:
    page = client.get("/courses/NL0028/notes.ttl", headers=HTML)
    assert page.mimetype == "text/html"
    assert "Course whose id looks like a file" in page.text
    assert "looks like a file" in client.get("/courses/NL0028/notes.ttl.ttl").text
    assert "looks like a file" not in client.get("/courses/NL0028/notes.nt").text


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        (f"{COURSE}.nt?_profile=elm-3.2", {}),
        (f"{COURSE}.nt?_profile={quote(ELM_OLD, safe='')}", {}),
        (COURSE, {"Accept": "application/n-triples", "Accept-Profile": f"<{ELM_OLD}>"}),
        (COURSE, {"Accept": "application/n-triples", "Accept-Profile": f"<{ELM}>;q=0.4, <{ELM_OLD}>;q=0.9"}),
    ],
)
def test_older_namespace_on_request(client: FlaskClient, path: str, headers: dict[str, str]) -> None:
    response = client.get(path, headers=headers)
    assert ELM_OLD in response.text
    assert ELM not in response.text
    assert response.headers["Content-Profile"] == f"<{ELM_OLD}>"
    assert {"accept", "accept-profile"} <= {name.strip().lower() for name in response.headers["Vary"].split(",")}
    assert response.text.count("\n") == client.get(f"{COURSE}.nt").text.count("\n")


def test_newest_namespace_by_default_and_for_unknown_wishes(client: FlaskClient) -> None:
    for headers in ({}, {"Accept-Profile": "<http://e/unknown>"}, {"Accept-Profile": f"<{ELM}>"}):
        response = client.get(f"{COURSE}.nt", headers=headers)
        assert ELM_OLD not in response.text
        assert response.headers["Content-Profile"] == f"<{ELM}>"
    assert client.get(f"{COURSE}.nt?_profile=elm-9").status_code == 400


def test_page_shows_what_a_student_needs(client: FlaskClient) -> None:
    page = client.get(COURSE, headers=HTML).text
    for words in (
        *(
            "Linked open data",
            "Gekoppelde open data",
            "Povezani odprti podatki",
            "5 ECTS",
            "Level 7",
            "Software and app",
        ),
        *("English", "Dutch", "Explain RDF", "Write SPARQL", "Semester 1", "2026-09-01", "2027-01-31", "2026-08-31"),
        *("Online", "Enschede", "University of Twente", 'href="https://utwente.example/inf-101"'),
    ):
        assert words in page
    assert page.index("Explain RDF") < page.index("Write SPARQL")  # outcome 2 before outcome 10
    assert 'lang="nl"' in page


def test_reader_gets_the_title_in_own_language(client: FlaskClient) -> None:
    def title(language: str) -> str:
        page = client.get(COURSE, headers={**HTML, "Accept-Language": language}).text
        return page.partition("<h1")[2].partition("</h1>")[0].partition(">")[2]

    assert title("nl-BE, en;q=0.5") == "Gekoppelde open data"
    assert title("sl") == "Povezani odprti podatki"
    assert title("ja") == "Linked open data"
    response = client.get(COURSE, headers={**HTML, "Accept-Language": "nl"})
    assert "Accept-Language" in response.headers["Vary"]
    assert response.headers["ETag"] != client.get(COURSE, headers=HTML).headers["ETag"]


def test_text_of_a_source_stays_text(client: FlaskClient) -> None:
    response = client.get(COURSE, headers=HTML)
    assert "<script" not in response.text
    assert "&lt;script&gt;" in response.text
    assert 'href="javascript:' not in response.text
    assert "javascript:alert(1)" in response.text


def test_links_lead_to_every_format(client: FlaskClient) -> None:
    response = client.get(COURSE, headers=HTML)
    links = response.headers.getlist("Link")
    assert len([link for link in links if 'rel="alternate"' in link]) == 5
    for suffix in FORMATS:
        assert f'<{COURSE}.{suffix}>; rel="alternate"' in ", ".join(links)
        assert f'href="{COURSE}.{suffix}"' in response.text


def test_unchanged_page_is_304(client: FlaskClient) -> None:
    etag = client.get(f"{COURSE}.ttl").headers["ETag"]
    again = client.get(f"{COURSE}.ttl", headers={"If-None-Match": etag})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == etag
    assert client.get(f"{COURSE}.nt", headers={"If-None-Match": etag}).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/courses/NL0028/unknown",
        "/courses/NL0028/unknown.ttl",
        "/courses/NL0028//INF-101",
        "/courses/XX/1",
        "/institutions/XX",
        "/alliances/XX",
        "/courses/NL0028/%00%FF%",
        "/resource?iri=http%3A%2F%2Fnowhere.example%2F",
        "/resource?iri=not%20an%20iri",
        "/courses/NL0028/a%3E%20b",
    ],
)
def test_unknown_things_are_404_for_people_and_machines(client: FlaskClient, path: str) -> None:
    response = client.get(path, headers={"Accept": "text/turtle"})
    assert response.status_code == 404
    assert response.content_type == "application/problem+json"
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    page = client.get(path, headers=HTML)
    assert (page.status_code, page.mimetype) == (404, "text/html")


def test_format_that_does_not_exist_is_406(client: FlaskClient) -> None:
    assert client.get(COURSE, headers={"Accept": "image/png"}).status_code == 406
    assert client.get(f"{COURSE}?_mediatype=pdf").status_code == 406


@pytest.mark.parametrize("iri", ["http://course.are.cool/123", "urn:schac:courseId:uni-lj.si:123"])
def test_foreign_iris_resolve(client: FlaskClient, iri: str) -> None:
    path = f"/resource?iri={quote(iri, safe='')}"
    assert any(triple.subject == NamedNode(iri) for triple in read(client, path))
    page = client.get(path, headers=HTML)
    assert page.status_code == 200
    assert "University of Ljubljana" in page.text  # names no publisher: whoever runs the source offers it
    old = client.get(f"{path}&_mediatype=turtle&_profile=elm-3.2")
    assert f"<{ELM}" not in old.text
    assert client.get("/resource").status_code == 400


def test_helper_nodes_under_foreign_iris_belong_to_the_course(client: FlaskClient) -> None:
    triples = read(client, "/resource?iri=http%3A%2F%2Fcourse.are.cool%2F123")
    outcome = NamedNode("http://course.are.cool/123/outcome")
    assert Triple(outcome, NamedNode(f"{RDF}type"), NamedNode(f"{ELM}LearningOutcome")) in triples


def test_concepts_can_be_looked_up(client: FlaskClient) -> None:
    page = client.get("/resource?iri=http%3A%2F%2Fdata.europa.eu%2Fsnb%2Feqf%2F7", headers=HTML)
    assert "Level 7" in page.text


def test_institution_and_alliance_pages(client: FlaskClient) -> None:
    page = client.get("/institutions/NL0028", headers=HTML).text
    for words in ("University of Twente", "ECIU University", "Linked open data", "NL0028", "deqar"):
        assert words in page
    names = client.get("/institutions/SI0001", headers={**HTML, "Accept-Language": "sl"}).text
    assert '<h1 lang="sl">Univerza v Ljubljani</h1>' in names
    page = client.get("/alliances/INT6006", headers=HTML).text
    assert "2 members, 6 learning opportunities" in page
    assert read(client, "/alliances/INT6006")
    assert read(client, "/institutions/NL0028", "jsonld")


def test_c_12_a_former_schac_code_leads_to_the_institution(client: FlaskClient) -> None:
    answer = client.get("/institutions/old.example")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/institutions/NL0028")


def test_institution_of_courses_leads_to_the_catalogue(client: FlaskClient) -> None:
    for path in ("/courses/NL0028", "/courses/NL0028/"):
        assert client.get(path).headers["Location"] == "/catalogue?institution=NL0028"
    assert client.get("/courses/").headers["Location"] == "/catalogue"
    assert client.get("/institutions/").status_code == 303


def test_base_iri_with_a_path_is_served_with_and_without_it(
    tmp_path: Path, publish: Callable[..., Path], make_app: Callable[..., Flask]
) -> None:
    from qlink_ld.config import Config
    from qlink_ld.serve.app import close_app, create_app

    base = "https://e.example/data/"
    iri = f"{base}courses/X1/a%2Fb"
    kind = "<http://data.quality-link.eu/ontology/v1#LearningOpportunitySpecification>"
    publish(tmp_path, "20260101T000000Z", f"<{iri}> <{RDF}type> {kind} <{base}graphs/institutions/X1> .\n")
    app = create_app(Config(base_iri=base, data_dir=tmp_path))
    client = app.test_client()
    for path in ("/data/courses/X1/a%2Fb", "/courses/X1/a%2Fb"):
        response = client.get(path, headers=HTML)
        assert response.status_code == 200, path
        assert 'href="/data/courses/X1/a%2Fb.ttl"' in response.text
        assert 'href="/data/static/style.css"' in response.text
    assert client.get("/data/static/style.css").status_code == 200
    close_app(app)
