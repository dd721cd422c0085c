"""What does the EWP registry know? The institutions of its catalogue, with names, former SCHAC codes and other codes.

The catalogue is read piece by piece: it also holds every host and API of the network, which nobody here needs. No DTD
is read, no entity expanded, nothing fetched.

Source: EWP Registry API, `catalogue-v1.xml`.
"""

from io import BytesIO
from typing import Final

from lxml import etree

from qlink_ld.registry.identifiers import SCHAC, read_domain
from qlink_ld.registry.reading import Reading
from qlink_ld.registry.record import Name, RegistryRecord
from qlink_ld.registry.values import read_language, read_text

REGISTER: Final = "ewp"
NAMESPACE: Final = "https://github.com/erasmus-without-paper/ewp-specs-api-registry/tree/stable-v1"
_ROOT: Final = f"{{{NAMESPACE}}}catalogue"
_HEI: Final = f"{{{NAMESPACE}}}hei"
_INSTITUTIONS: Final = f"{{{NAMESPACE}}}institutions"
_NAME: Final = f"{{{NAMESPACE}}}name"
_OTHER_ID: Final = f"{{{NAMESPACE}}}other-id"
_LANGUAGE: Final = "{http://www.w3.org/XML/1998/namespace}lang"


def read_catalogue(reading: Reading, body: bytes, position: str) -> int:
    """Read the institutions of the catalogue into `reading`; what cannot be used is reported and left out.

    Returns:
        How many institutions there were.

    Raises:
        ValueError: not XML, or not the catalogue; the message has the line.
    """
    count = 0
    try:
        parser = etree.iterparse(
            BytesIO(body),
            events=("start", "end"),
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=False,
        )
        _, root = next(iter(parser))
        if root.tag != _ROOT:
            raise ValueError(f"{position} is no EWP catalogue: its root element is {root.tag!r}, not {_ROOT}")
        for event, element in parser:
            if event == "start":
                continue
            parent = element.getparent()
            if element.tag == _HEI and parent is not None and parent.tag == _INSTITUTIONS:
                count += 1
                _read_hei(reading, element, f"{position}, line {element.sourceline}")
                element.clear()
            elif parent is not None and parent.tag not in (_HEI, _INSTITUTIONS):
                element.clear()  # hosts and APIs
                while element.getprevious() is not None:
                    del parent[0]
    except (etree.XMLSyntaxError, StopIteration) as error:
        raise ValueError(f"{position} is not XML: {getattr(error, 'msg', None) or 'it is empty'}") from error
    return count


def _read_hei(reading: Reading, element: etree._Element, position: str) -> None:
    stated = read_text(element.get("id"))
    key = read_domain(stated) if stated else None
    if key is None:
        reading.leave_out(stated, position, "has no SCHAC code as its id")
        return
    names = tuple(
        dict.fromkeys(
            Name(text, read_language(child.get(_LANGUAGE)))
            for child in element.iterchildren(_NAME)
            if (text := read_text(child.text))
        )
    )
    if not names:
        reading.leave_out(key, position, "has no name")
        return
    codes = [(child.get("type"), read_text(child.text)) for child in element.iterchildren(_OTHER_ID)]
    identifiers = reading.read_identifiers(key, position, [(SCHAC, key), *codes])
    reading.add(RegistryRecord(REGISTER, key, identifiers, names), position)
