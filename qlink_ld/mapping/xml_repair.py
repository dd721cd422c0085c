"""Parses XML safely: strictly first, then with the slips repaired that real servers make, and noted.

One character that XML does not allow must not cost the courses of its document.
"""

import re
from html.entities import html5

from lxml import etree

from qlink_ld.mapping.reading import Notes, decode_text

_DECLARATION = re.compile(r"^\s*<\?xml\b[^>]*\?>", re.ASCII)
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0 §2.2
_FORBIDDEN_REFERENCE = re.compile(r"&#(?:x([0-9a-fA-F]+)|([0-9]+));")
_AMPERSAND = re.compile(r"<!\[CDATA\[.*?\]\]>|<!--.*?-->|&(#?\w*;?)", re.DOTALL)
_OWN = frozenset({"amp;", "lt;", "gt;", "quot;", "apos;"})  # XML 1.0 §4.6


class _NotWellFormed(ValueError):
    """What the parser says, and where."""

    def __init__(self, message: str, line: int | None) -> None:
        super().__init__(message)
        self.line = line


def parse_leniently(body: bytes, encoding: str | None, notes: Notes) -> etree._Element:
    """Return the root element.

    Repaired and noted: another encoding than declared, characters that XML does not allow, the names of HTML's
    characters (`&nbsp;`) and bare ampersands. Not repaired: tags that do not match, a document that was cut.

    Raises:
        ValueError: not well-formed (the message has line and column of the strict parser), or a DTD declares entities.
    """
    try:
        return _parse(body, encoding)
    except _NotWellFormed as error:
        strict = error
    except LookupError:
        raise ValueError(f"'{encoding}' is not the name of an encoding") from None
    if not body.strip():
        raise ValueError("it is empty")
    guesses = Notes()
    text = decode_text(body, encoding, guesses)
    repaired, repairs = _repair(_DECLARATION.sub("", text))
    try:
        root = _parse(repaired.encode(), "utf-8")
    except _NotWellFormed:
        raise strict from None
    said = guesses.all()
    if said and not repairs:
        repairs = ["it is not in the encoding that it declares"]
    for note in said:
        notes.add(note.code, note.message, note.line)
    notes.add(
        "document-repaired",
        f"The document is not well-formed XML and was repaired: {', '.join(repairs) or strict}.",
        strict.line,
        str(strict),
    )
    return root


def _parse(body: bytes, encoding: str | None) -> etree._Element:
    parser = etree.XMLParser(
        encoding=encoding,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,  # libxml2's own limits on depth, text size and amplification stay on
        remove_comments=True,
        remove_pis=True,
        strip_cdata=True,
    )
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise _NotWellFormed(str(error.msg), error.lineno) from error
    dtd = root.getroottree().docinfo.internalDTD
    if dtd is not None and any(dtd.iterentities()):
        raise ValueError("its DTD declares entities, which are not expanded; write the characters themselves")
    for entity in root.iter(etree.Entity):  # a DTD elsewhere may declare it
        raise _NotWellFormed(f"Entity '{entity.text}' is declared nowhere, line {entity.sourceline}", entity.sourceline)
    return root


def _repair(text: str) -> tuple[str, list[str]]:
    """Repair what can be, and say what was."""
    repairs: list[str] = []
    text, count = _FORBIDDEN.subn("\ufffd", text)
    if count:
        repairs.append(f"{count} characters that XML does not allow")
    found: dict[str, int] = {}

    def write(match: re.Match[str]) -> str:
        whole, name = match[0], match[1]
        if name is None or name in _OWN:
            return whole
        if name.startswith("#") and (reference := _FORBIDDEN_REFERENCE.fullmatch(whole)):
            code = int(reference[1], 16) if reference[1] else int(reference[2])
            if code <= 0x10FFFF and not _FORBIDDEN.match(chr(code)):
                return whole
            found["references to characters that XML does not allow"] = 1
            return "\ufffd"
        if name in html5 and name.endswith(";"):
            found["names of characters that only HTML knows"] = 1
            return "".join(f"&#{ord(character)};" for character in html5[name])
        found["ampersands that are not written &amp;"] = 1
        return f"&amp;{name}"

    text = _AMPERSAND.sub(write, text)
    return text, [*repairs, *found]
