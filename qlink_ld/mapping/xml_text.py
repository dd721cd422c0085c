"""Texts with markup inside, such as descriptions in XHTML: as plain text, or with their markup."""

import re
from copy import deepcopy

from lxml import etree

XHTML = "http://www.w3.org/1999/xhtml"
_BLOCKS = frozenset(
    {"address", "article", "aside", "blockquote", "dd", "div", "dl", "dt", "figure", "footer", "form", "h1", "h2", "h3"}
    | {"h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "p", "para", "pre", "section", "table", "tr", "ul"}
)
_SILENT = frozenset({"head", "script", "style", "template"})
_BLANKS = re.compile(r"[ \t\r\n\f]+")


def split_name(element: etree._Element) -> tuple[str, str]:
    """Return the namespace and the local name of an element; a prefix that is declared nowhere is left out."""
    namespace, _, local = str(element.tag).removeprefix("{").rpartition("}")
    return namespace, local.rpartition(":")[2]


def read_markup(element: etree._Element, *, keep: bool) -> str:
    """Return the content of an element as one text.

    Args:
        element: it has elements inside.
        keep: keep the markup, without the namespaces' declarations; else plain text, with a line break where a block
            (paragraph, heading, list item) ends and `- ` before list items.
    """
    if keep:
        return _write_markup(element)
    parts: list[str] = []
    _gather(element, parts)
    lines = ("".join(parts)).split("\n")
    return "\n".join(line for line in (_BLANKS.sub(" ", line).strip() for line in lines) if line)


def _gather(element: etree._Element, parts: list[str]) -> None:
    name = split_name(element)[1].lower()
    if name in _SILENT:
        return
    block = name in _BLOCKS
    if block:
        parts.append("\n- " if name == "li" else "\n")
    if name == "br":
        parts.append("\n")
    parts.append(_one_line(element.text))
    for child in element:
        _gather(child, parts)
        parts.append(_one_line(child.tail))
    if block:
        parts.append("\n")


def _one_line(text: str | None) -> str:
    """White space in markup is blanks: only blocks break lines."""
    return _BLANKS.sub(" ", text) if text else ""


def _write_markup(element: etree._Element) -> str:
    copy = deepcopy(element)
    copy.tail = None
    for inner in copy.iter():
        if isinstance(inner.tag, str):
            inner.tag = split_name(inner)[1]
    etree.cleanup_namespaces(copy)
    written = etree.tostring(copy, encoding="unicode", with_tail=False)
    start, end = written.index(">") + 1, written.rindex("</")
    return written[start:end].strip()
