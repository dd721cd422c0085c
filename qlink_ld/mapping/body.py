"""From the bytes of a page to a JSON value, be they JSON, XML or a table: `[document]` of a mapping says how."""

from dataclasses import dataclass, field

from qlink_ld.errors import UnreadableData
from qlink_ld.mapping.rdf_format import unpack
from qlink_ld.mapping.reading import Notes, ReadDocument, decode_text
from qlink_ld.mapping.table_document import TableOptions, read_table
from qlink_ld.mapping.xml_document import XmlOptions, read_xml
from qlink_ld.provider_json import ReadJson, read_json

BESPOKE_TYPES = ("json", "xml", "csv")  # source types without a standard mapping: DESIGN §8


@dataclass(frozen=True, slots=True)
class BodySpec:
    """How the bytes of a document are read. The members of `[document]`.

    Attributes:
        type: `json`, `xml` or `csv`, which includes spreadsheets.
        number_ids: identifiers that are numbers in the document are used as text.
        encoding: of JSON, if not UTF-8.
        xml: see `XmlOptions`.
        table: see `TableOptions`.
    """

    type: str
    number_ids: bool = False
    encoding: str | None = None
    xml: XmlOptions = field(default_factory=XmlOptions)
    table: TableOptions = field(default_factory=TableOptions)


def read_body(body: bytes, spec: BodySpec, url: str) -> ReadDocument:
    """Read a document as a JSON value.

    Args:
        body: as received; what is in it, if it is a gzip file.
        spec: how to read it.
        url: where it came from, for messages.

    Raises:
        UnreadableData: it is not what the mapping says; the message has the position.
    """
    body = unpack(body, url)
    if spec.type == "xml":
        return read_xml(body, spec.xml, url=url)
    if spec.type == "csv":
        return read_table(body, spec.table, url=url)
    notes = Notes()
    try:
        read = _read_json(body, spec.encoding, notes)
    except ValueError as error:
        raise UnreadableData(f"{url}: not JSON: {error}; check the address, and the 'type' of the mapping") from error
    if read.forgiven:
        notes.add("json-forgiven", f"The document is not strictly JSON ({read.forgiven}); it was read anyway.")
    return ReadDocument(read.value, notes.all())


def _read_json(body: bytes, encoding: str | None, notes: Notes) -> ReadJson:
    """Read JSON in UTF-8, as it must be, or in another encoding that is declared or can be told from the bytes."""
    if encoding is not None:
        return read_json(decode_text(body, encoding, notes).encode())
    try:
        body.decode()
    except UnicodeDecodeError:
        return read_json(decode_text(body, None, notes).encode())
    return read_json(body)
