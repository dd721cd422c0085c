"""Lifts JSON-LD to RDF: small documents by a compiled context, any document by pyoxigraph.

`OxigraphLifter` serves contexts that need more of JSON-LD than `context.py` compiles, and proves in tests that what
`TripleWriter` writes is what the context means.

Source: JSON-LD 1.1 API §5.1 (expansion), §8.2 (object to RDF conversion).
"""

from collections.abc import Sequence
from typing import Any

import orjson
from pyoxigraph import BlankNode, DefaultGraph, RdfFormat, parse, serialize

from qlink_ld.errors import UnreadableData
from qlink_ld.mapping.context import Context, Term, is_table
from qlink_ld.namespaces import RDF, XSD
from qlink_ld.ntriples import write_literal

_TYPE = f"<{RDF}type>"
_DOUBLE = f"{XSD}double"
_STRING = f"{XSD}string"  # RDF 1.1: a literal without datatype and language is one

JsonObject = dict[str, Any]


class OxigraphLifter:
    """Lets pyoxigraph process the context; it loads no remote contexts.

    Value tables (languages: thousands of codes) are cut to the codes that a document mentions, because pyoxigraph reads
    the whole context anew for each document.
    """

    def __init__(self, context: Any) -> None:  # noqa: ANN401 (JSON)
        self._context = context

    def lift(self, document: JsonObject) -> list[str]:
        """Return the triples `<s> <p> o` of one prepared record, in no particular order.

        Raises:
            UnreadableData: the record is no JSON-LD.
        """
        mentioned = _strings(document)
        context = _cut_tables(self._context, mentioned)
        data = orjson.dumps({"@context": context, **document})
        try:
            quads = list(parse(data, format=RdfFormat.JSON_LD))
        except SyntaxError as error:
            raise UnreadableData(f"the record is not JSON-LD: {error.msg}") from error
        for quad in quads:
            if isinstance(quad.subject, BlankNode) or isinstance(quad.object, BlankNode):
                raise UnreadableData("a node of the record has no identity; declare its key under [nodes]")
            if quad.graph_name != DefaultGraph():
                raise UnreadableData("the context must not make named graphs")
        text = serialize((quad.triple for quad in quads), format=RdfFormat.N_TRIPLES)
        return [line[:-2] for line in text.decode().split("\n") if line] if text else []


def _strings(document: object) -> set[str]:
    """All keys and texts of a document, and what could be a prefix in them."""
    found: set[str] = set()
    pending = [document]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            pending.extend(item.values())
            pending.extend(item.keys())
        elif isinstance(item, list):
            pending.extend(item)
        elif isinstance(item, str):
            found |= {item, item.partition(":")[0]}
    return found


def _cut_tables(context: Any, mentioned: set[str]) -> Any:  # noqa: ANN401 (JSON)
    """Return a context whose scoped value tables hold only the codes that are mentioned."""
    if isinstance(context, list):
        return [_cut_tables(part, mentioned) for part in context]
    if not isinstance(context, dict):
        return context
    return {
        key: {**value, "@context": _cut(value["@context"], mentioned)}
        if isinstance(value, dict) and "@context" in value
        else value
        for key, value in context.items()
    }


def _cut(scoped: Any, mentioned: set[str]) -> Any:  # noqa: ANN401 (JSON)
    if not is_table(scoped):
        return _cut_tables(scoped, mentioned)
    parts = scoped if isinstance(scoped, list) else [scoped]
    return [{code: part[code] for code in mentioned & part.keys()} for part in parts]


def lift_node(node: JsonObject, context: Context, lines: list[str]) -> str:
    """Append the triples of a node; return the node in N-Triples syntax."""
    subject = f"<{node['@id']}>"
    lift_members(node, subject, context, lines)
    return subject


def lift_members(node: JsonObject, subject: str, context: Context, lines: list[str]) -> None:
    """Append the triples of a node's members, without their final " ."."""
    terms = context.terms
    for key, value in node.items():
        if key == "@id":
            continue
        term = terms[key] if key in terms else context.find_term(key)
        if term is None or value is None:
            continue
        iri = term.iri
        if iri[0] == "@":
            if iri == "@type":
                _lift_types(value, subject, context, lines)
            elif iri == "@nest":
                for part in value if isinstance(value, list) else [value]:
                    lift_members(part, subject, context, lines)
            continue
        scope = context.scope(key) if term.scoped is not None else context
        values = value if isinstance(value, list) else (value,)
        if term.reverse:
            lines.extend(f"{lift_node(item, scope, lines)} <{iri}> {subject}" for item in values)
            continue
        for item in values:
            lifted = _lift_value(item, term, scope, lines)
            if lifted is not None:
                lines.append(f"{subject} <{iri}> {lifted}")


def _lift_types(value: str | Sequence[str], subject: str, context: Context, lines: list[str]) -> None:
    names = [value] if isinstance(value, str) else value
    lines.extend(f"{subject} {_TYPE} <{iri}>" for iri in map(context.expand, names) if iri)


def _lift_value(value: object, term: Term, context: Context, lines: list[str]) -> str | None:
    if isinstance(value, str):
        kind = term.type
        if kind is None:
            return write_literal(value, context.language if term.language is None else term.language)
        if kind == "@vocab":
            iri = context.expand(value)
            return None if iri is None else f"<{iri}>"
        if kind == "@id":
            prefix, colon, suffix = value.partition(":")
            base = context.prefixes.get(prefix) if colon else None
            return f"<{value if base is None or suffix.startswith('//') else base + suffix}>"
        return write_literal(value, None, None if kind == _STRING else kind)
    if isinstance(value, dict):
        return _lift_object(value, context, lines)
    if isinstance(value, bool | int | float):
        return write_number(value, term.type)
    return None


def _lift_object(value: JsonObject, context: Context, lines: list[str]) -> str | None:
    if "@id" in value:
        return lift_node(value, context, lines)
    text: object = None
    language: str | None = None
    datatype: str | None = None
    for key, member in value.items():
        term = context.find_term(key)
        if term is None:
            continue
        if term.iri == "@value":
            text = member
        elif term.iri == "@language":
            language = member
        elif term.iri == "@type":
            datatype = context.expand(member)
    if isinstance(text, bool | int | float):
        return write_number(text, datatype)
    datatype = None if datatype == _STRING else datatype
    return write_literal(text, language and language.lower(), datatype) if isinstance(text, str) else None


def write_number(value: bool | float, datatype: str | None) -> str:
    """Return a JSON number or boolean as a literal (JSON-LD 1.1 API §8.2.2)."""
    datatype = None if datatype in ("@id", "@vocab") else datatype
    if datatype == _STRING:
        return write_number(value, None).rpartition("^^")[0]
    if isinstance(value, bool):
        return write_literal("true" if value else "false", None, datatype or f"{XSD}boolean")
    if isinstance(value, int) or (value.is_integer() and abs(value) < 1e21):
        if datatype != _DOUBLE:
            return write_literal(str(int(value)), None, datatype or f"{XSD}integer")
        value = float(value)
    mantissa, _, exponent = f"{value:.15E}".partition("E")
    mantissa = mantissa.rstrip("0")
    mantissa += "0" if mantissa.endswith(".") else ""
    return write_literal(f"{mantissa}E{int(exponent)}", None, datatype or _DOUBLE)
