"""What does an XML document say, as JSON? Elements become objects that a mapping folder can name.

The root element is the value itself, so paths start below it; of a SOAP envelope it is what the body holds. A name is
the local name, behind a declared prefix and `_` where the mapping wants two namespaces kept apart. Repeated elements
are lists. Attributes are members; an element with attributes and text has its text under `value`.

What strangers send is untrusted: no DTD is read, no entity is expanded, nothing is fetched (DESIGN §6).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from qlink_ld.errors import UnreadableData
from qlink_ld.mapping.reading import Located, Notes, ReadDocument
from qlink_ld.mapping.xml_repair import parse_leniently
from qlink_ld.mapping.xml_text import XHTML, read_markup, split_name

MAX_DEPTH = 100  # deeper is an attack or a mistake: the deepest known export (U-GOV, in a SOAP envelope) has 14 levels
MAX_BYTES = 512 * 1024 * 1024  # as a tree it is several times as much
_HEAD_BYTES = 1024 * 1024
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_XML = "http://www.w3.org/XML/1998/namespace"
_SOAP = ("http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope")  # 1.1, 1.2
_SKIPPED = frozenset(  # they say how to read the document, and nothing of what it describes
    f"{{{_XSI}}}{name}" for name in ("nil", "schemaLocation", "noNamespaceSchemaLocation")
) | {f"{{{_XML}}}space"}
_WHITESPACE = ("trim", "collapse", "paragraphs", "keep")
_BLANK_LINES = re.compile(r"\n\s*\n")


@dataclass(frozen=True, slots=True)
class XmlOptions:
    """How XML becomes JSON. The members of the same names in `[document]`.

    Attributes:
        encoding: what the bytes are in, whatever the document declares.
        prefixes: prefix → namespace: names in it become `prefix_name`.
        attribute_prefix: stands before the name of an attribute. An attribute that has the name of a child element, or
            of the text, gets `_` in front, as often as it takes.
        text: the member that holds the text of an element with attributes.
        lists: names of elements that are lists even if there is one.
        texts: names of elements whose content is one text, with what markup it has.
        markup: of texts with markup: False for plain text with line breaks where blocks end, True for the markup.
        whitespace: `trim` the ends; `collapse` runs of white space inside as well; the same but for blank lines, which
            end `paragraphs`; `keep` it.
    """

    encoding: str | None = None
    prefixes: Mapping[str, str] = field(default_factory=dict)
    attribute_prefix: str = ""
    text: str = "value"
    lists: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()
    markup: bool = False
    whitespace: str = "trim"

    def __post_init__(self) -> None:
        """Take what TOML has: lists.

        Raises:
            ValueError: an unknown way to treat white space.
        """
        object.__setattr__(self, "lists", frozenset(self.lists))
        object.__setattr__(self, "texts", frozenset(self.texts))
        if self.whitespace not in _WHITESPACE:
            raise ValueError(f"'whitespace' is '{self.whitespace}'; allowed: {', '.join(_WHITESPACE)}")


def read_xml(body: bytes, options: XmlOptions | None = None, *, url: str = "the document") -> ReadDocument:
    """Read an XML document as a JSON value.

    Args:
        body: as received.
        options: see `XmlOptions`.
        url: where it came from, for messages.

    Returns:
        The root element (for SOAP: the only element of the body, or the body itself): an object, or a text if it has
        no more. Objects are `Located`: they know their line. `xsi:nil` is None, an empty element an empty text.

    Raises:
        UnreadableData: not well-formed, a DTD that declares entities, too deep or too large, a SOAP fault, a web page.
    """
    options = options or XmlOptions()
    notes = Notes()
    root = _unwrap(_parse(body, options, notes, url), url)
    return ReadDocument(_Reader(options, notes, url).read(root), notes.all())


def read_root_name(body: bytes) -> str | None:
    """Return the root element's name as `{namespace}name`, of a SOAP envelope that of its content.

    Cheap: reads no further than to that element. None if it is no XML.
    """
    if not body.lstrip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n").startswith(b"<"):
        return None
    parser = etree.XMLPullParser(
        events=("start",), resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    try:
        for start in range(0, min(len(body), _HEAD_BYTES), 4096):
            parser.feed(body[start : start + 4096])
            for _, element in parser.read_events():
                if not _is_wrapper(element):
                    return str(element.tag)
    except etree.XMLSyntaxError:
        return None
    return None


def _is_wrapper(element: etree._Element) -> bool:
    """Whether it is a SOAP envelope, its body, or anything in its header."""
    names = [split_name(part) for part in (element, *element.iterancestors())]
    inside = [local for namespace, local in names if namespace in _SOAP]
    return len(inside) == len(names) or "Header" in inside


def _parse(body: bytes, options: XmlOptions, notes: Notes, url: str) -> etree._Element:
    if len(body) > MAX_BYTES:
        raise UnreadableData(f"{url}: larger than {MAX_BYTES // 1024**2} MB; send it in several documents")
    try:
        root = parse_leniently(body, options.encoding, notes)
    except ValueError as error:
        raise UnreadableData(f"{url}: not XML that can be read: {error}") from error
    if split_name(root)[1].lower() == "html":
        raise UnreadableData(f"{url}: this is a web page, not data in XML; check the address")
    return root


def _unwrap(root: etree._Element, url: str) -> etree._Element:
    """Return what a SOAP envelope holds; any other root is the document itself."""
    namespace, local = split_name(root)
    if namespace not in _SOAP or local != "Envelope":
        return root
    body = root.find(f"{{{namespace}}}Body")
    if body is None:
        raise UnreadableData(f"{url}: a SOAP envelope without a body")
    fault = body.find(f"{{{namespace}}}Fault")
    if fault is not None:
        told = " ".join(" ".join(str(text) for text in fault.itertext()).split())
        raise UnreadableData(
            f"{url} line {fault.sourceline}: the server answered with a SOAP fault: "
            f"{told[:500] or 'without a reason'}. Ask the provider."
        )
    inside = list(body)
    return inside[0] if len(inside) == 1 else body


class _Reader:
    """Turns elements into JSON values."""

    def __init__(self, options: XmlOptions, notes: Notes, url: str) -> None:
        self.options = options
        self.notes = notes
        self.url = url
        self.prefixes = {namespace: prefix for prefix, namespace in options.prefixes.items()}
        self.names: dict[str, str] = {}

    def name(self, tag: str) -> str:
        """Return the member that `{namespace}local` becomes."""
        known = self.names.get(tag)
        if known is None:
            namespace, _, local = tag[1:].rpartition("}") if tag[0] == "{" else ("", "", tag.rpartition(":")[2])
            prefix = self.prefixes.get(namespace)
            known = self.names[tag] = f"{prefix}_{local}" if prefix else local
        return known

    def read(self, element: etree._Element, depth: int = 1) -> Any:  # noqa: ANN401 (JSON)
        """Return an element as a JSON value: text, object, or None where it is nil."""
        if depth > MAX_DEPTH:
            raise UnreadableData(f"{self.url} line {element.sourceline}: nested deeper than {MAX_DEPTH} elements")
        nil = element.get(f"{{{_XSI}}}nil") if element.attrib else None
        if nil is not None and nil.strip() in ("true", "1"):
            return None
        members: Located | None = None
        text = None
        if self.is_text(element):
            text = read_markup(element, keep=self.options.markup) if len(element) else self.text(element)
        else:
            members = self.children(element, depth)
        if element.attrib:
            members = self.attributes(element, members, with_text=text is not None)
        if members is None:
            return text
        if text:
            members[self.options.text] = text
        return members

    def is_text(self, element: etree._Element) -> bool:
        """Whether an element holds one text: no elements, text between its elements, or XHTML."""
        if not len(element) or self.name(str(element.tag)) in self.options.texts:
            return True
        if element.text and not element.text.isspace():
            return True
        return any(
            (child.tail and not child.tail.isspace()) or str(child.tag).startswith(f"{{{XHTML}}}") for child in element
        )

    def text(self, element: etree._Element) -> str:
        text = element.text or ""
        mode = self.options.whitespace
        if mode == "collapse":
            return " ".join(text.split())
        if mode == "paragraphs":
            paragraphs = (" ".join(part.split()) for part in _BLANK_LINES.split(text))
            return "\n\n".join(part for part in paragraphs if part)
        if mode == "keep" or (element.attrib and element.get(f"{{{_XML}}}space") == "preserve"):
            return text
        return text.strip()

    def children(self, element: etree._Element, depth: int) -> Located:
        """Return the children as members; those of the same name as a list."""
        members = Located(None, element.sourceline or 0)
        lists: dict[str, list[Any]] = {}
        tags: dict[str, str] = {}
        for child in element:
            tag = str(child.tag)
            name = self.name(tag)
            value = self.read(child, depth + 1)
            first = tags.setdefault(name, tag)
            if first != tag:
                self.notes.add(
                    "namespaces-share-name",
                    f"'{first}' and '{tag}' have the same name here and are read as one list; "
                    "give one of the namespaces a prefix in the mapping ([document.prefixes]).",
                    child.sourceline,
                )
            if name in lists:
                lists[name].append(value)
            elif name in members:
                lists[name] = members[name] = [members[name], value]
            elif name in self.options.lists:
                lists[name] = members[name] = [value]
            else:
                members[name] = value
        return members

    def attributes(self, element: etree._Element, members: Located | None, *, with_text: bool) -> Located | None:
        """Add the attributes to the members that there are; None if there are neither."""
        taken = set(members or ())
        if with_text:
            taken.add(self.options.text)
        out = Located(None, element.sourceline or 0)
        for tag, value in element.attrib.items():
            if tag in _SKIPPED:
                continue
            name = f"{self.options.attribute_prefix}{self.name(str(tag))}"
            while name in taken or name in out:
                name = f"_{name}"
            out[name] = str(value)
        if members is None and not out:
            return None
        out.update(members or {})
        return out
