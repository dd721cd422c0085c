"""The serialisation of a body: what it certainly is wins, then what is stated, then the address, then its look."""

import gzip

import orjson
import pytest
from pyoxigraph import RdfFormat

from qlink_ld.errors import UnreadableData
from qlink_ld.mapping.rdf_format import check_json_depth, detect_format, read_root, read_text, unpack

U = "https://x.example/data"
RDF_XML = b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/>'
TURTLE, JSON, XML = RdfFormat.TURTLE, RdfFormat.JSON_LD, RdfFormat.RDF_XML
NT, NQ, TRIG = RdfFormat.N_TRIPLES, RdfFormat.N_QUADS, RdfFormat.TRIG


@pytest.mark.parametrize(
    ("body", "media_type", "url", "override", "expected"),
    [
        # stated
        (b"x", "text/turtle", U, None, TURTLE),
        (b"x", "Text/Turtle; charset=utf-8", U, None, TURTLE),
        (b"x", "application/x-turtle", U, None, TURTLE),
        (b"x", "text/n3", U, None, TURTLE),
        (b"x", "application/rdf+xml", U, None, XML),
        (b"x", "application/json", U, None, JSON),
        (b"x", "application/n-triples", U, None, NT),
        (b"x", "text/x-nquads", U, None, NQ),
        (b"x", "application/trig", U, None, TRIG),
        (b"x", "text/turtle", U, "application/n-triples", NT),
        (b"x", "text/turtle", U, "nonsense", TURTLE),
        # certain
        (b"{}", "text/turtle", U, None, JSON),
        (b'{"@id": "urn:x:a"}', "text/html", U, None, JSON),
        (b" \n{}", None, U, None, JSON),
        (b"[]", None, U, None, JSON),
        (b'[{"@id": "urn:x:a"}]', "text/plain", f"{U}.ttl", None, JSON),
        (RDF_XML, "text/turtle", U, None, XML),
        (RDF_XML, "application/octet-stream", f"{U}.ttl", None, XML),
        (b"<?xml version='1.0'?><!-- a --><!DOCTYPE rdf:RDF [<!ENTITY a 'b'>]>" + RDF_XML, None, U, None, XML),
        (b"<urn:a> <urn:b> <urn:c> .", "application/rdf+xml", f"{U}.nt", None, NT),
        (b"@prefix ex: <x:> .", "application/ld+json", U, None, TURTLE),
        # the address
        (b"x", "text/plain", f"{U}.ttl?x=1", None, TURTLE),
        (b"x", None, f"{U}.RDF", None, XML),
        (b"x", "application/octet-stream", f"{U}.trig", None, TRIG),
        (b"x", "application/gzip", f"{U}.nq.gz", None, NQ),
        # its look
        (b"@prefix ex: <x:> .", None, U, None, TURTLE),
        (b"PREFIX ex: <x:>", "text/plain", U, None, TURTLE),
        (b"# comment\n<a> <b> <c> .", None, U, None, TURTLE),
        (b"<urn:a> <urn:b> <urn:c> .", None, U, None, TURTLE),
        (b"<https://x.example/a> <urn:b> 'c' .", None, U, None, TURTLE),
        (b"[] a <urn:c> .", None, U, None, TURTLE),
        (b"[ a <urn:c> ] .", None, U, None, TURTLE),
        (b'<urn:a> <urn:b> "c \\" d"@en <urn:g> .\n', "text/plain", U, None, NQ),
        (b"@prefix g: <x:> .\ng:a { <urn:a> <urn:b> <urn:c> }", None, U, None, TRIG),
        (b"GRAPH <urn:g> { <urn:a> <urn:b> <urn:c> }", None, U, None, TRIG),
    ],
)  # fmt: skip
def test_formats(body: bytes, media_type: str | None, url: str, override: str | None, expected: RdfFormat) -> None:
    assert detect_format(body, media_type, url, override) == expected


def test_what_nothing_tells_is_refused_with_a_way_out() -> None:
    with pytest.raises(UnreadableData, match=r"x\.example/data: neither the server \(no type\).*set 'content_type'"):
        detect_format(b"hello", None, U)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<!DOCTYPE html><title>Login</title>", "a web page, not a file of RDF"),
        (b"<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'/>", "a web page"),
        (b"<?xml version='1.0'?><feed xmlns='urn:x:feed'/>", r"root element is \{urn:x:feed\}feed; map it as .*'xml'"),
        (b"<courses><course/></courses>", "XML that is not RDF/XML: its root element is courses"),
        (b"PK\x03\x04...", "a ZIP archive, or a spreadsheet"),
        (b"%PDF-1.7", "a PDF document"),
    ],
)
def test_other_files_are_named_for_what_they_are(body: bytes, words: str) -> None:
    with pytest.raises(UnreadableData, match=words):
        detect_format(body, "text/turtle", U)


def test_roots_of_xml_have_their_namespaces() -> None:
    assert read_root(b"<?xml version='1.0'?>\n<a:Courses xmlns:a='urn:x:loq' x='1'>") == ("urn:x:loq", "Courses")
    assert read_root(b'<Courses xmlns="urn:x:loq">') == ("urn:x:loq", "Courses")
    assert read_root(b"<!-- <b> --><Courses>") == ("", "Courses")
    assert read_root(b"<urn:a> <urn:b> <urn:c> .") is None


def test_gzip_is_unpacked_whatever_the_address() -> None:
    text = read_text(
        gzip.compress(b"<urn:a> <urn:b> 'c' .") + gzip.compress(b" # two"), "application/gzip", f"{U}.ttl.gz"
    )
    assert (text.body, text.form) == (b"<urn:a> <urn:b> 'c' . # two", TURTLE)
    with pytest.raises(UnreadableData, match="gzip file that is cut off or damaged"):
        unpack(gzip.compress(b"x" * 1000)[:-9], U)


def test_a_gzip_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qlink_ld.mapping.rdf_format.MAX_UNPACKED_BYTES", 1000)
    with pytest.raises(UnreadableData, match="unpacks to more than 1,000 bytes"):
        unpack(gzip.compress(b"x" * 100_000), U)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "iso-8859-1"])
def test_encodings_become_utf_8(encoding: str) -> None:
    declared = encoding.removesuffix("-sig")
    xml = f'<?xml version="1.0" encoding="{declared}" standalone="yes"?>\n{RDF_XML.decode()}<!-- é -->'
    text = read_text(xml.encode(encoding), "application/xml", U)
    assert text.form == XML
    assert text.body.decode().endswith("<!-- é -->")
    assert text.body.startswith(b"<?xml")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_byte_order_marks_are_no_text(encoding: str) -> None:
    mark = "\ufeff" if encoding.endswith("-le") else ""
    assert (
        read_text(f"{mark}<urn:a> <urn:b> 'é' .".encode(encoding), "text/turtle", U).body
        == "<urn:a> <urn:b> 'é' .".encode()
    )
    assert read_text(f'{mark}{{"@id": "urn:x:a"}}'.encode(encoding), None, U).form == JSON


def test_bytes_that_are_not_in_their_encoding_are_refused() -> None:
    with pytest.raises(UnreadableData, match=r"is not in the encoding utf-16.*publish it in UTF-8"):
        read_text(b"\xff\xfe\x00", "text/turtle", U)
    with pytest.raises(UnreadableData, match="is not in the encoding klingon"):
        read_text(b"<?xml version='1.0' encoding='klingon'?>" + RDF_XML, None, U)


@pytest.mark.parametrize(
    ("body", "media_type", "stated"),
    [
        (RDF_XML, "text/turtle", "text/turtle"),
        (b"{}", "text/turtle; charset=utf-8", "text/turtle; charset=utf-8"),
        (b"<urn:a> <urn:b> <urn:c> .", "application/rdf+xml", "application/rdf+xml"),
        (b"{}", "text/plain", None),
        (b"{}", "application/json", None),
        (b"<urn:a> <urn:b> <urn:c> .", "application/n-triples", None),
    ],
)
def test_content_types_that_are_wrong_are_remembered(body: bytes, media_type: str, stated: str | None) -> None:
    assert read_text(body, media_type, U).stated == stated


def test_json_may_nest_a_hundred_levels() -> None:
    check_json_depth(orjson.loads(b"[" * 99 + b"]" * 99), U)
    for depth in (101, 500):
        with pytest.raises(UnreadableData, match="nested deeper than 100 levels"):
            check_json_depth(orjson.loads(b"[" * depth + b"]" * depth), U)
