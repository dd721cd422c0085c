"""What are the bytes of a document, by their looks? Servers often say nothing of use, or something wrong."""

import re
from typing import Final, Literal

import orjson

Kind = Literal["json", "xml", "html", "spreadsheet", "text"]

MEDIA_TYPES: Final = {  # what servers call them; suffixes such as +json and +xml are looked at besides
    "application/json": "json",
    "text/json": "json",
    "application/xml": "xml",
    "text/xml": "xml",
    "text/csv": "csv",
    "text/tab-separated-values": "csv",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "csv",
    "application/vnd.ms-excel": "csv",
    "application/vnd.oasis.opendocument.spreadsheet": "csv",
}
NAMES: Final = {
    "json": "JSON",
    "xml": "XML",
    "html": "a web page",
    "spreadsheet": "a spreadsheet",
    "text": "plain text, or a table",
}
_START_BYTES = 4096
_PAGE = re.compile(rb"<(!doctype\s+html|html)[\s>]", re.IGNORECASE)
_PROLOGUES = (b"<?", b"<!--")


def detect_kind(body: bytes) -> Kind:
    """Return what a document looks like: by its first bytes, and for JSON that might be a table, by parsing it."""
    if body.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")):  # ZIP, OLE: .xlsx and .ods, .xls
        return "spreadsheet"
    start = body[:_START_BYTES].replace(b"\x00", b"")  # UTF-16 is as good as ASCII here
    start = start.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    if start.startswith(b"<"):
        return "html" if _is_page(start) else "xml"
    if start[:1] in (b"{", b"["):
        after = start[1:].lstrip()[:1]
        if after in (b'"', b"{", b"}", b"[", b"]", b"") or _is_json(body):
            return "json"
    return "text"


def explain_contradiction(body: bytes, kind: str) -> str | None:
    """Say in plain words why a body cannot be what a source of type json, xml or csv should send; None if it can.

    What is plain text may be broken JSON or XML: its reader says where.
    """
    found = detect_kind(body)
    fits = {"json": ("json", "text"), "xml": ("xml", "text"), "csv": ("spreadsheet", "text")}[kind]
    if found in fits:
        return None
    if found == "html":
        return "a web page (often a login page), not data; check the address"
    own = "csv" if found == "spreadsheet" else found
    return f'this is {NAMES[found]}, not what type = "{kind}" stands for; check the address, or set type = "{own}"'


def named_kind(media_type: str | None) -> str | None:
    """Return the type of source that a media type stands for: json, xml, csv, or None if it says nothing of use."""
    name = (media_type or "").partition(";")[0].strip().lower()
    if name.endswith("+json"):
        return "json"
    return "xml" if name.endswith("+xml") else MEDIA_TYPES.get(name)


def _is_page(start: bytes) -> bool:
    """Whether the first element or the doctype is that of HTML."""
    while start.startswith(_PROLOGUES):
        start = start.partition(b"-->" if start.startswith(b"<!--") else b">")[2].lstrip()
    return _PAGE.match(start) is not None


def _is_json(body: bytes) -> bool:
    try:
        orjson.loads(body.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError:
        return False
    return True
