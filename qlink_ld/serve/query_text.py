"""What kind of query is it, before anything runs it? A linear look at its tokens, without a parser.

Parsers recurse and strangers' queries end them (DESIGN §6), so this is what the serving process itself may do with a
query. It is a guide (form, dataset clause, nesting), no guard: whether a query calls other servers is judged by
`service_calls.py` in the worker, and the worker has no network.
"""

import re
from dataclasses import dataclass
from typing import Final

from qlink_ld.errors import QueryRefused

UPDATE_FORMS: Final = frozenset(("INSERT", "DELETE", "LOAD", "CLEAR", "DROP", "CREATE", "ADD", "MOVE", "COPY", "WITH"))
QUERY_FORMS: Final = frozenset(("SELECT", "ASK", "CONSTRUCT", "DESCRIBE"))
# Their answers differ from call to call: nothing may be cached.
_VOLATILE: Final = frozenset(("NOW", "RAND", "UUID", "STRUUID", "BNODE"))

# SPARQL 1.1 §19.8. Possessive quantifiers keep it linear.
_TOKEN = re.compile(
    r"""
    (?P<comment>\#[^\r\n]*+)
  | (?P<iri><(?:[^<>"{}|^`\\\x00-\x20]|\\u[0-9A-Fa-f]{4}|\\U[0-9A-Fa-f]{8})*+>)
  | (?P<string>'{3}(?:[^'\\]|\\.|'(?!''))*+'{3}|"{3}(?:[^"\\]|\\.|"(?!""))*+"{3}
      |'(?:[^'\\\r\n]|\\.)*+'|"(?:[^"\\\r\n]|\\.)*+")
  | (?P<variable>[?$]\w++)
  | (?P<language>@[A-Za-z]++(?:-\w++)*+)
  | (?P<name>(?:[^\W\d_][\w.\-]*+)?:(?:[\w.:\-]|%[0-9A-Fa-f]{2}|\\.)*+)
  | (?P<word>[^\W\d]\w*+)
  | (?P<bracket>[(){}\[\]])
  | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\u([0-9A-Fa-f]{4})|\\U([0-9A-Fa-f]{8})")


@dataclass(frozen=True, slots=True)
class QueryOutline:
    """What a query looks like from outside."""

    form: str | None  # SELECT, ASK, CONSTRUCT, DESCRIBE, or an update's; None: neither
    has_dataset: bool  # it has a FROM clause of its own
    volatile: bool  # it asks for the time or for chance
    depth: int  # of brackets inside brackets

    @property
    def is_update(self) -> bool:
        """True if the text is a SPARQL Update request."""
        return self.form in UPDATE_FORMS


def unescape_codepoints(text: str) -> str:
    r"""Replace `\uXXXX` and `\UXXXXXXXX` as SPARQL 1.1 §19.2 wants it before parsing. Impossible ones stay."""

    def replace(match: re.Match[str]) -> str:
        code = int(match[1] or match[2], 16)
        return chr(code) if code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF else match[0]

    return _ESCAPE.sub(replace, text)


def outline_query(text: str) -> QueryOutline:
    """Look at a query's tokens. Takes time linear in its length and no stack."""
    form: str | None = None
    has_dataset = volatile = False
    depth = deepest = 0
    prologue: str | None = None
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup
        if kind == "bracket":
            depth += 1 if match[0] in "({[" else -1
            deepest = max(deepest, depth)
        elif kind == "word":
            word = match[0].upper()
            if word in ("PREFIX", "BASE") and form is None and prologue is None:
                prologue = word
            elif form is None and word in QUERY_FORMS | UPDATE_FORMS:
                form = word
            elif word == "FROM":
                has_dataset = True
            elif word in _VOLATILE:
                volatile = True
        elif kind == "iri":
            prologue = None
    return QueryOutline(form, has_dataset, volatile, deepest)


def check_query(text: str, max_bytes: int, max_depth: int) -> QueryOutline:
    """Outline a query and refuse what this endpoint never runs.

    Raises:
        QueryRefused: too long, nested too deeply, or an update.
    """
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > max_bytes:
        raise QueryRefused(
            f"the query has {size} bytes, this endpoint reads {max_bytes}: "
            "move long lists of values into several queries, or download the data"
        )
    outline = outline_query(text)
    if outline.is_update:
        raise QueryRefused(
            f"this is a SPARQL Update ({outline.form}), and this endpoint only answers queries: "
            "what is published changes by harvesting its sources"
        )
    if outline.depth > max_depth:
        raise QueryRefused(f"the query nests {outline.depth} brackets, this endpoint allows {max_depth}: simplify it")
    return outline
