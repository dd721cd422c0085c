"""Content negotiation: quality, specificity, aliases."""

import pytest

from qlink_ld.serve.formats import (
    GRAPH_FORMATS,
    PAGE_FORMATS,
    RESULTS_FORMATS,
    find_format,
    negotiate,
)


@pytest.mark.parametrize(
    ("accept", "name"),
    [
        (None, "turtle"),
        ("", "turtle"),
        ("*/*", "turtle"),
        ("application/ld+json", "jsonld"),
        ('application/ld+json;profile="http://www.w3.org/ns/json-ld#compacted"', "jsonld"),
        ("text/turtle;q=0.5, application/rdf+xml;q=0.9", "rdfxml"),
        ("text/turtle;q=0, */*;q=0.1", "jsonld"),
        ("application/xml, application/n-triples;q=0.9", "rdfxml"),
        ("application/*", "jsonld"),
        ("APPLICATION/RDF+XML", "rdfxml"),
        ("image/png, application/n-triples;q=0.001", "ntriples"),
        ("image/png", None),
        ("text/html", None),
        ("text/turtle;q=0", None),
    ],
)
def test_graph_formats_by_accept(accept: str | None, name: str | None) -> None:
    chosen = negotiate(accept, GRAPH_FORMATS)
    assert (chosen.name if chosen else None) == name


def test_browser_gets_a_page() -> None:
    accept = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
    chosen = negotiate(accept, PAGE_FORMATS)
    assert chosen is not None
    assert chosen.name == "html"


def test_rdflib_and_sparqlwrapper_get_data() -> None:
    rdflib = "text/turtle, application/rdf+xml, application/n-triples;q=0.9, text/html;q=0.5, */*;q=0.1"
    chosen = negotiate(rdflib, PAGE_FORMATS)
    assert chosen is not None
    assert chosen.name == "turtle"
    wrapper = "application/sparql-results+json,application/json,text/javascript,application/javascript"
    chosen = negotiate(wrapper, RESULTS_FORMATS)
    assert chosen is not None
    assert chosen.name == "json"


def test_names_suffixes_and_media_types_name_a_format() -> None:
    for name in (
        "json",
        "srj",
        "application/sparql-results+json",
        "application/sparql-results json",
        "application/json",
    ):
        found = find_format(name, RESULTS_FORMATS)
        assert found is not None
        assert found.name == "json"
    assert find_format("ttl", RESULTS_FORMATS) is None
