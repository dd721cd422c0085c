"""N-Triples and N-Quads as text: the form in which triples travel between rooms. Source: RDF 1.1 N-Triples, N-Quads.

A line is `subject predicate object .` plus a line feed. Inside terms a line feed is always escaped, so lines can be
split, sorted, compared and given a graph without parsing. UTF-8 byte order and Python's string order are the same.
"""

import re
from collections.abc import Iterable

from pyoxigraph import RdfFormat, Triple, serialize


def write_iri(iri: str) -> str:
    """Return an IRI in angle brackets. The caller guarantees that it is valid."""
    return f"<{iri}>"


def write_literal(text: str, language: str | None = None, datatype: str | None = None) -> str:
    """Return a literal with the characters escaped that canonical N-Triples escapes."""
    escaped = escape(text) if NEEDS_ESCAPE(text) else text
    if language:
        return f'"{escaped}"@{language}'
    return f'"{escaped}"^^<{datatype}>' if datatype else f'"{escaped}"'


NEEDS_ESCAPE = re.compile(r'[\\"\x00-\x1f\x7f\ufffe\uffff]').search

# Oxigraph's serializer escapes the same characters: both writers must give the same bytes.
_ESCAPES = {
    ord("\\"): "\\\\",
    ord('"'): '\\"',
    ord("\n"): "\\n",
    ord("\r"): "\\r",
    ord("\t"): "\\t",
    ord("\b"): "\\b",
    ord("\f"): "\\f",
    **{code: f"\\u{code:04X}" for code in (*range(8), 0x0B, *range(0x0E, 0x20), 0x7F, 0xFFFE, 0xFFFF)},
}


def escape(text: str) -> str:
    """Return a literal's text with those characters escaped that `NEEDS_ESCAPE` finds."""
    return text.translate(_ESCAPES)


_ESCAPED = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))")
_UNESCAPES = {"t": "\t", "n": "\n", "r": "\r", "b": "\b", "f": "\f"}


def read_literal(term: str) -> str:
    """Return the text of a literal in N-Triples syntax, without its language or datatype."""
    inner = term[1 : term.rfind('"')]
    if "\\" not in inner:
        return inner
    return _ESCAPED.sub(lambda m: chr(int(m[1] or m[2], 16)) if m[1] or m[2] else _UNESCAPES.get(m[3], m[3]), inner)


def write_triples(triples: Iterable[Triple]) -> str:
    """Serialise to sorted, distinct N-Triples lines."""
    data = serialize(triples, format=RdfFormat.N_TRIPLES)
    return sort_lines(data.decode() if data else "")


def sort_lines(text: str) -> str:
    """Sort lines by their bytes and drop repetitions."""
    lines = set(text.split("\n"))
    lines.discard("")
    return "".join(f"{line}\n" for line in sorted(lines))


def to_quads(ntriples: str, graph: str) -> str:
    """Put triples into a named graph. The order of sorted lines stays."""
    return ntriples.replace(" .\n", f" <{graph}> .\n")


def to_triples(nquads: str, graph: str) -> str:
    """Take quads of one named graph out of it."""
    return nquads.replace(f" <{graph}> .\n", " .\n")
