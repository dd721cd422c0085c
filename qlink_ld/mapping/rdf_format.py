"""Which serialisation a body is. Source: QualityLink Data Exchange, static ELM file (E-01 to E-03)."""

from pathlib import PurePosixPath
from urllib.parse import urlsplit

import orjson
from pyoxigraph import RdfFormat

from qlink_ld.errors import UnreadableData

_MEDIA_TYPES = {
    "application/ld+json": RdfFormat.JSON_LD,
    "application/json": RdfFormat.JSON_LD,
    "application/n-quads": RdfFormat.N_QUADS,
    "application/n-triples": RdfFormat.N_TRIPLES,
    "application/rdf+xml": RdfFormat.RDF_XML,
    "application/xml": RdfFormat.RDF_XML,
    "application/x-turtle": RdfFormat.TURTLE,
    "text/turtle": RdfFormat.TURTLE,
    "text/xml": RdfFormat.RDF_XML,
}
_SUFFIXES = {
    ".json": RdfFormat.JSON_LD,
    ".jsonld": RdfFormat.JSON_LD,
    ".nq": RdfFormat.N_QUADS,
    ".nt": RdfFormat.N_TRIPLES,
    ".rdf": RdfFormat.RDF_XML,
    ".trig": RdfFormat.TRIG,
    ".ttl": RdfFormat.TURTLE,
    ".xml": RdfFormat.RDF_XML,
}
MAX_JSON_DEPTH = 100  # JSON-LD of learning opportunities nests about ten levels; parsers crash on thousands


def detect_format(body: bytes, media_type: str | None, url: str, override: str | None = None) -> RdfFormat:
    """Return the serialisation: the manifest's word, the server's, the address's suffix, or a look at the body.

    Args:
        body: as received.
        media_type: `Content-Type` of the answer, with or without parameters.
        url: where it came from.
        override: `contentType` of the manifest.

    Raises:
        UnreadableData: nothing says what it is.
    """
    for stated in (override, media_type):
        if stated and (found := _MEDIA_TYPES.get(stated.partition(";")[0].strip().lower())):
            return found
    if found := _SUFFIXES.get(PurePosixPath(urlsplit(url).path).suffix.lower()):
        return found
    start = body[:2048].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start[:1] in (b"{", b"["):
        return RdfFormat.JSON_LD
    if b"<rdf:RDF" in start or start.startswith(b"<?xml"):
        return RdfFormat.RDF_XML
    if start.startswith((b"@prefix", b"@base", b"PREFIX", b"BASE", b"#", b"<")):
        return RdfFormat.TURTLE
    raise UnreadableData(
        f"{url}: neither the server ({media_type or 'no type'}) nor the content says which RDF serialisation it is; "
        "set 'content_type' to text/turtle, application/rdf+xml, application/ld+json or application/n-triples"
    )


def check_json_depth(body: bytes, url: str) -> None:
    """Refuse JSON that nests deeper than `MAX_JSON_DEPTH`, before a recursive parser sees it.

    Raises:
        UnreadableData: too deep, or not JSON.
    """
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise UnreadableData(f"{url}: not JSON: {error}; ask the provider for valid JSON-LD") from error
    level = [document]
    for _ in range(MAX_JSON_DEPTH):
        parents = [value for value in level if isinstance(value, dict | list)]
        if not parents:
            return
        level = [child for value in parents for child in (value.values() if isinstance(value, dict) else value)]
    raise UnreadableData(f"{url}: nested deeper than {MAX_JSON_DEPTH} levels; this is no learning opportunity data")
