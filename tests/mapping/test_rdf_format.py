"""The serialisation of a body: what is stated wins, then the address, then the look of it."""

import pytest
from pyoxigraph import RdfFormat

from qlink_ld.errors import UnreadableData
from qlink_ld.mapping.rdf_format import check_json_depth, detect_format

U = "https://x.example/data"


@pytest.mark.parametrize(
    ("body", "media_type", "url", "override", "expected"),
    [
        (b"", "text/turtle", U, None, RdfFormat.TURTLE),
        (b"", "Text/Turtle; charset=utf-8", U, None, RdfFormat.TURTLE),
        (b"", "application/rdf+xml", U, None, RdfFormat.RDF_XML),
        (b"", "application/json", U, None, RdfFormat.JSON_LD),
        (b"", "application/n-triples", U, None, RdfFormat.N_TRIPLES),
        (b"{}", "text/turtle", U, "application/ld+json", RdfFormat.JSON_LD),
        (b"{}", "text/turtle", U, "nonsense", RdfFormat.TURTLE),
        (b"", "text/plain", f"{U}.ttl?x=1", None, RdfFormat.TURTLE),
        (b"", None, f"{U}.RDF", None, RdfFormat.RDF_XML),
        (b"", "application/octet-stream", f"{U}.jsonld", None, RdfFormat.JSON_LD),
        (b" \n{}", None, U, None, RdfFormat.JSON_LD),
        (b"[]", None, U, None, RdfFormat.JSON_LD),
        (b"\xef\xbb\xbf<?xml version='1.0'?>", None, U, None, RdfFormat.RDF_XML),
        (b"<rdf:RDF xmlns:rdf=''>", None, U, None, RdfFormat.RDF_XML),
        (b"@prefix ex: <x> .", None, U, None, RdfFormat.TURTLE),
        (b"PREFIX ex: <x>", "text/plain", U, None, RdfFormat.TURTLE),
        (b"# comment", None, U, None, RdfFormat.TURTLE),
        (b"<urn:a> <urn:b> <urn:c> .", None, U, None, RdfFormat.TURTLE),
    ],
)
def test_formats(body: bytes, media_type: str | None, url: str, override: str | None, expected: RdfFormat) -> None:
    assert detect_format(body, media_type, url, override) == expected


def test_what_nothing_tells_is_refused_with_a_way_out() -> None:
    with pytest.raises(UnreadableData, match=r"x\.example/data: neither the server \(no type\).*set 'content_type'"):
        detect_format(b"hello", None, U)


def test_json_may_nest_a_hundred_levels() -> None:
    check_json_depth(b"[" * 99 + b"]" * 99, U)
    for depth in (101, 500):
        with pytest.raises(UnreadableData, match="nested deeper than 100 levels"):
            check_json_depth(b"[" * depth + b"]" * depth, U)
    for body in (b"[" * 100_000, b"{", b'{"a":' * 50_000):
        with pytest.raises(UnreadableData, match="not JSON"):
            check_json_depth(body, U)
