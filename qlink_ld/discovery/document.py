"""Is it JSON or YAML? Decided by the content, never by the media type.

Source: Data Source Discovery requirements D-08 and M-15.
"""

import codecs

from qlink_ld.discovery.json_document import read_json_document
from qlink_ld.discovery.located import Document, DocumentError, Items, Place, Slip, Table
from qlink_ld.discovery.yaml_document import read_yaml_document

MAX_BYTES = 1024 * 1024  # M-15
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


def read_document(body: bytes) -> Document:
    """Read a manifest's text, as JSON, then as YAML.

    Raises:
        DocumentError: neither; the message is that of the syntax which the text looks like.
    """
    if len(body) > MAX_BYTES:
        raise DocumentError(f"{len(body):,} bytes, and a manifest has at most {MAX_BYTES:,}")
    text = _decode(body)
    start = text.lstrip()[:1]
    if not start:
        raise DocumentError("the file is empty")
    if start == "<":
        raise DocumentError("a web page or XML; is it behind a login, or an error page with status 200?")
    try:
        return read_json_document(text)
    except DocumentError as error:
        not_json = error
    try:
        document = read_yaml_document(text)
    except DocumentError as not_yaml:
        if start in ("{", "["):
            raise DocumentError(f"not valid JSON: {not_json}", not_json.place) from not_yaml
        raise DocumentError(f"not valid YAML: {not_yaml}", not_yaml.place) from not_yaml
    if isinstance(document.root, Table | Items) and start in ("{", "["):
        message = f"not valid JSON, though it can be read as YAML: {not_json}; other aggregators may refuse it"
        slip = Slip("json-invalid", message, not_json.place or Place(1, 1))
        return Document(document.root, document.syntax, (slip, *document.slips))
    return document


def _decode(body: bytes) -> str:
    encoding = "utf-8"
    for mark, name in _MARKS:
        if body.startswith(mark):
            body, encoding = body[len(mark) :], name
            break
    try:
        return body.decode(encoding)
    except UnicodeDecodeError as error:
        line = body[: error.start].count(b"\n") + 1
        raise DocumentError("not UTF-8 text; save it as UTF-8", Place(line, 1)) from error
