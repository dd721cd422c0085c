"""From the bytes of a page to a JSON value, be they JSON, XML or a table: `[document]` of a mapping says how."""

from dataclasses import dataclass, field

from qlink_ld.errors import UnreadableData
from qlink_ld.mapping.reading import Note, ReadDocument
from qlink_ld.mapping.table_document import TableOptions, read_table
from qlink_ld.mapping.xml_document import XmlOptions, read_xml
from qlink_ld.provider_json import read_json

BESPOKE_TYPES = ("json", "xml", "csv")  # source types without a standard mapping: DESIGN §8


@dataclass(frozen=True, slots=True)
class BodySpec:
    """How the bytes of a document are read. The members of `[document]`.

    Attributes:
        type: `json`, `xml` or `csv`, which includes spreadsheets.
        number_ids: identifiers that are numbers in the document are used as text.
        xml: see `XmlOptions`.
        table: see `TableOptions`.
    """

    type: str
    number_ids: bool = False
    xml: XmlOptions = field(default_factory=XmlOptions)
    table: TableOptions = field(default_factory=TableOptions)


def read_body(body: bytes, spec: BodySpec, url: str) -> ReadDocument:
    """Read a document as a JSON value.

    Args:
        body: as received.
        spec: how to read it.
        url: where it came from, for messages.

    Raises:
        UnreadableData: it is not what the mapping says; the message has the position.
    """
    if spec.type == "xml":
        return read_xml(body, spec.xml, url=url)
    if spec.type == "csv":
        return read_table(body, spec.table, url=url)
    try:
        read = read_json(body)
    except ValueError as error:
        raise UnreadableData(f"{url}: not JSON: {error}; check the address, and the 'type' of the mapping") from error
    forgiven = f"The document is not strictly JSON ({read.forgiven}); it was read anyway."
    return ReadDocument(read.value, (Note("json-forgiven", forgiven),) if read.forgiven else ())
