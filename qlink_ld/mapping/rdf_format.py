"""Which RDF serialisation a body is, and its text: what servers say is often wrong, what the body looks like is not.

Real servers send Turtle as `text/plain`, JSON-LD as `application/json`, RDF/XML as `text/xml` and anything as
`application/octet-stream`; files are compressed, begin with a byte order mark, or are in an older encoding. JSON and
XML are known by their first characters, whatever is said about them. Among Turtle and its relatives, which look alike,
the manifest's word counts, then the server's, then the address.

Source: QualityLink Data Exchange, static ELM file (E-01 to E-03, E-06); the W3C's media types.
"""

import codecs
import gzip
import io
import re
import zlib
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import urlsplit

import orjson
from pyoxigraph import RdfFormat

from qlink_ld.errors import UnreadableData
from qlink_ld.namespaces import RDF

_MEDIA_TYPES = {
    "application/ld+json": RdfFormat.JSON_LD,
    "application/json": RdfFormat.JSON_LD,
    "application/vc": RdfFormat.JSON_LD,
    "application/vc+ld+json": RdfFormat.JSON_LD,
    "application/n-quads": RdfFormat.N_QUADS,
    "application/n-triples": RdfFormat.N_TRIPLES,
    "application/rdf+xml": RdfFormat.RDF_XML,
    "application/trig": RdfFormat.TRIG,
    "application/x-trig": RdfFormat.TRIG,
    "application/turtle": RdfFormat.TURTLE,
    "application/x-turtle": RdfFormat.TURTLE,
    "application/xml": RdfFormat.RDF_XML,
    "text/n3": RdfFormat.TURTLE,  # before 2011 the type of Turtle; rules and formulae of Notation3 do not parse
    "text/rdf+n3": RdfFormat.TURTLE,
    "text/turtle": RdfFormat.TURTLE,
    "text/x-nquads": RdfFormat.N_QUADS,
    "text/xml": RdfFormat.RDF_XML,
}
_SUFFIXES = {
    ".json": RdfFormat.JSON_LD,
    ".jsonld": RdfFormat.JSON_LD,
    ".n3": RdfFormat.TURTLE,
    ".nq": RdfFormat.N_QUADS,
    ".nt": RdfFormat.N_TRIPLES,
    ".owl": RdfFormat.RDF_XML,
    ".rdf": RdfFormat.RDF_XML,
    ".trig": RdfFormat.TRIG,
    ".ttl": RdfFormat.TURTLE,
    ".xml": RdfFormat.RDF_XML,
}
_TEXTS = frozenset((RdfFormat.N_QUADS, RdfFormat.N_TRIPLES, RdfFormat.TRIG, RdfFormat.TURTLE))
_BOMS = (  # the longer ones first: UTF-32 little-endian begins like UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NO_DATA = {  # what other files begin with
    b"PK\x03\x04": "a ZIP archive, or a spreadsheet or text document; publish the RDF file in it",
    b"%PDF": "a PDF document",
    b"\xd0\xcf\x11\xe0": "an old office document",
    b"BZh": "compressed with bzip2; compress with gzip or not at all",
    b"\xfd7zXZ": "compressed with xz; compress with gzip or not at all",
}
_XML_DECLARATION = re.compile(rb"<\?xml[^>]*?\bencoding\s*=\s*[\"']([\w.:-]+)[\"'][^>]*\?>", re.ASCII)
_XML_SKIPPED = re.compile(rb"\s*(?:<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^\[>]*(?:\[.*?\]\s*)?>)", re.DOTALL | re.IGNORECASE)
_XML_ROOT = re.compile(rb"\s*<([A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*)(?=[\s/>])([^>]*)>", re.DOTALL)
_HTML = re.compile(rb"<(!doctype\s+html|html)\b", re.IGNORECASE)
_TERM = rb"(?:<[^>\s]*>|_:[^\s<>\"]+)"
_TEXT = rb"\"(?:[^\"\\\n]|\\.)*\"(?:@[\w-]+|\^\^<[^>\s]*>)?"
_N_QUAD = re.compile(  # subject, predicate, object, graph
    rb"^\s*%s\s*<[^>\s]*>\s*(?:%s|%s)\s*%s\s*\.\s*$" % (_TERM, _TERM, _TEXT, _TERM), re.MULTILINE
)
_DIRECTIVE = re.compile(rb"^\s*(?:@prefix|@base|prefix\s+[\w.-]*:|base\s*<|#|<[^>\s]+>\s|_:|\[)", re.IGNORECASE)
_GRAPH = re.compile(rb"^\s*(?:graph\s+\S+\s*\{|\{|(?:<[^>\s]*>|[\w-]*:[\w-]*)\s*\{)", re.IGNORECASE | re.MULTILINE)
_HEAD_BYTES = 65_536
MAX_UNPACKED_BYTES = 512 * 1024 * 1024  # as many as an answer may have by default
MAX_JSON_DEPTH = 100  # JSON-LD of learning opportunities nests about ten levels; parsers crash on thousands


@dataclass(frozen=True, slots=True)
class RdfText:
    """A body that can be parsed: UTF-8 without byte order mark, and what it is.

    Attributes:
        body: the text.
        form: its serialisation.
        stated: what the server or the manifest said, where that is certainly wrong.
    """

    body: bytes
    form: RdfFormat
    stated: str | None = None


def read_text(body: bytes, media_type: str | None, url: str, override: str | None = None) -> RdfText:
    """Unpack a body and find out its serialisation.

    Args:
        body: as received.
        media_type: `Content-Type` of the answer, with or without parameters.
        url: where it came from.
        override: `contentType` of the manifest.

    Raises:
        UnreadableData: it is no RDF, or nothing says which; the message has the address and what to do.
    """
    body = to_utf8(unpack(body, url), url)
    form = detect_format(body, media_type, url, override)
    said = override or media_type
    known = _read_media_type(said)
    return RdfText(body, form, said if known and not _agree(known, form) else None)


def unpack(body: bytes, url: str) -> bytes:
    """Return what is in a gzip file; anything else as it is.

    Raises:
        UnreadableData: the file is cut off or damaged, or there are more than `MAX_UNPACKED_BYTES` in it.
    """
    if not body.startswith(b"\x1f\x8b"):
        return body
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(body)) as packed:
            content = packed.read(MAX_UNPACKED_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableData(f"{url}: a gzip file that is cut off or damaged: {error}; publish it anew") from error
    if len(content) > MAX_UNPACKED_BYTES:
        raise UnreadableData(f"{url}: unpacks to more than {MAX_UNPACKED_BYTES:,} bytes; split the file")
    return content


def to_utf8(body: bytes, url: str) -> bytes:
    """Return a text as UTF-8 without byte order mark; XML may declare its encoding.

    Raises:
        UnreadableData: it is not in the encoding that it says.
    """
    if body.startswith(codecs.BOM_UTF8):
        return body[len(codecs.BOM_UTF8) :].lstrip()
    encoding = next((name for bom, name in _BOMS if body.startswith(bom)), "")
    body = body.lstrip() if not encoding else body
    declaration = _XML_DECLARATION.match(body[:512])
    if not encoding and declaration:
        encoding = declaration[1].decode("ascii")
    try:
        if not encoding or codecs.lookup(encoding).name in ("utf-8", "ascii"):
            return body
        text = body.decode(encoding).lstrip("\ufeff").encode()
    except (LookupError, UnicodeError) as error:
        raise UnreadableData(f"{url}: is not in the encoding {encoding}: {error}; publish it in UTF-8") from error
    return _XML_DECLARATION.sub(b'<?xml version="1.0" encoding="UTF-8"?>', text, count=1)


def detect_format(body: bytes, media_type: str | None, url: str, override: str | None = None) -> RdfFormat:
    """Return the serialisation: what the body certainly is, the manifest's word, the server's, the address, its look.

    Args:
        body: UTF-8.
        media_type: see `read_text`.
        url: see `read_text`.
        override: see `read_text`.

    Raises:
        UnreadableData: it is no RDF, or nothing says which.
    """
    _refuse_others(body, url)
    certain = _look(body)
    if certain is not None:
        return certain
    suffix = PurePosixPath(urlsplit(url).path.lower().removesuffix(".gz")).suffix
    hints = [_read_media_type(override), _read_media_type(media_type), _SUFFIXES.get(suffix)]
    if not body.strip():
        return next((hint for hint in hints if hint), RdfFormat.TURTLE)
    if form := next((hint for hint in hints if hint in _TEXTS), None):
        return form
    if _N_QUAD.search(body[:_HEAD_BYTES]):
        return RdfFormat.N_QUADS
    if _DIRECTIVE.match(body) or _GRAPH.match(body):
        return RdfFormat.TRIG if _GRAPH.search(body[:_HEAD_BYTES]) else RdfFormat.TURTLE
    if form := next((hint for hint in hints if hint), None):
        return form  # its parser says what is wrong
    raise UnreadableData(
        f"{url}: neither the server ({media_type or 'no type'}) nor the content says which RDF serialisation it is; "
        "set 'content_type' to text/turtle, application/rdf+xml, application/ld+json or application/n-triples"
    )


def read_root(body: bytes) -> tuple[str, str] | None:
    """Return namespace and local name of the root element of XML in UTF-8; None if it is no XML."""
    start = 0
    while skipped := _XML_SKIPPED.match(body, start):
        start = skipped.end()
    root = _XML_ROOT.match(body, start)
    if root is None or not (start or b"xmlns" in root[3] or b"</" + root[2] in body):
        return None
    prefix, name, attributes = (part.decode(errors="replace") for part in (root[1] or b"", root[2], root[3]))
    declared = f"xmlns:{prefix[:-1]}" if prefix else "xmlns"
    found = re.search(rf"(?:^|\s){re.escape(declared)}\s*=\s*[\"']([^\"']*)[\"']", attributes)
    return (found[1] if found else ""), name


def _read_media_type(stated: str | None) -> RdfFormat | None:
    return _MEDIA_TYPES.get(stated.partition(";")[0].strip().lower()) if stated else None


def _agree(stated: RdfFormat, form: RdfFormat) -> bool:
    return stated == form or (stated in _TEXTS and form in _TEXTS)


def _look(body: bytes) -> RdfFormat | None:
    """What a body certainly is: JSON or XML; None for all the others."""
    start = body[:4096].lstrip()
    after = start[1:].lstrip()[:1]
    if start[:1] == b"{" and after in (b'"', b"}", b""):
        return RdfFormat.JSON_LD
    if start[:1] == b"[" and (
        after in (b"{", b"[", b'"', b"") or (after == b"]" and len(body) < 64 and _is_json(body))
    ):
        return RdfFormat.JSON_LD
    return RdfFormat.RDF_XML if start[:1] == b"<" and read_root(body) is not None else None


def _is_json(body: bytes) -> bool:
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    return True


def _refuse_others(body: bytes, url: str) -> None:
    """Say what a body is that is no RDF.

    Raises:
        UnreadableData: it is one of these.
    """
    start = body[:_HEAD_BYTES].lstrip()
    if what := next((what for begin, what in _NO_DATA.items() if start.startswith(begin)), None):
        raise UnreadableData(f"{url}: is {what}; the source must lead to a file of RDF")
    root = read_root(body) if start[:1] == b"<" else None
    if _HTML.match(start) or (root and root[1].lower() == "html"):
        raise UnreadableData(
            f"{url}: a web page, not a file of RDF (often a login page); check the address of the source"
        )
    if root and RDF.encode() not in body[:_HEAD_BYTES]:
        name = f"{{{root[0]}}}{root[1]}" if root[0] else root[1]
        raise UnreadableData(
            f"{url}: XML that is not RDF/XML: its root element is {name}; map it as a source of type 'xml'"
        )


def check_json_depth(document: object, url: str) -> None:
    """Refuse JSON that nests deeper than `MAX_JSON_DEPTH`, before a recursive parser sees it.

    Raises:
        UnreadableData: too deep.
    """
    level = [document]
    for _ in range(MAX_JSON_DEPTH):
        parents = [value for value in level if isinstance(value, dict | list)]
        if not parents:
            return
        level = [child for value in parents for child in (value.values() if isinstance(value, dict) else value)]
    raise UnreadableData(f"{url}: nested deeper than {MAX_JSON_DEPTH} levels; this is no learning opportunity data")
