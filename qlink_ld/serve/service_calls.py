"""Does a query call other servers (SERVICE)? Judged so that a doubt counts as yes. Runs in the query worker.

Oxigraph's grammar has no tokens: `SERVICE:x{…}`, `trueSERVICE<…>{…}` and `FILTER(?x<'a>')SERVICE<…>{…}` are calls, so
no look at the text alone is safe. A query that does not hold the word, before or after its code point escapes are
resolved, calls nothing. One that does is parsed with rdflib; what rdflib cannot parse is refused.
"""

from collections.abc import Iterable
from typing import Any

from qlink_ld.errors import QueryRefused, QuerySyntaxError
from qlink_ld.serve.query_text import unescape_codepoints

_WORD = "service"


def refuse_service_calls(text: str, allowed: Iterable[str] = ()) -> None:
    """Refuse a query that calls a server which is not allowed.

    Args:
        text: the query.
        allowed: IRIs of SPARQL services that the operator lets queries call (`[sparql] service_allow`).

    Raises:
        QueryRefused: a SERVICE clause with another IRI or a variable.
        QuerySyntaxError: the word SERVICE is in it, and it is not plain SPARQL 1.1.
    """
    if _WORD not in text.lower() and _WORD not in unescape_codepoints(text).lower():
        return
    services = _find_services(text)
    permitted = frozenset(allowed)
    for service in services:
        if service not in permitted:
            raise QueryRefused(
                f"SERVICE {service} is refused: this endpoint asks no other server. "
                "Ask both and join the answers at your side, or download the data"
            )


def _find_services(text: str) -> list[str]:
    """Return the IRI of each SERVICE clause, and `?name` of each that has a variable."""
    # Imported here: few queries need it, and every worker would pay for it.
    from pyparsing import ParseBaseException, ParseResults
    from rdflib.plugins.sparql.parser import parseQuery
    from rdflib.plugins.sparql.parserutils import CompValue

    try:
        tree = parseQuery(text)
    except ParseBaseException as error:
        raise QuerySyntaxError(
            f"line {error.lineno}, column {error.column}: the query holds the word SERVICE and is not plain "
            f"SPARQL 1.1, so it cannot be checked ({error.msg})"
        ) from error
    except Exception as error:  # rdflib raises bare Exception, KeyError, RecursionError…: all mean "not checked"
        raise QuerySyntaxError(
            f"the query holds the word SERVICE and cannot be checked ({type(error).__name__}: {error})"
        ) from error
    found: list[str] = []
    todo: list[Any] = [tree]
    while todo:
        item = todo.pop()
        if isinstance(item, CompValue):
            if item.name == "ServiceGraphPattern":
                found.append(_write_service(item.term))
            todo.extend(item.values())
        elif isinstance(item, list | tuple | ParseResults):
            todo.extend(item)
    return found


def _write_service(term: Any) -> str:  # noqa: ANN401 (rdflib's trees are untyped)
    """Return an IRI as it is, anything else as the query writes it: that is in no list of allowed IRIs."""
    from rdflib.term import URIRef, Variable

    if isinstance(term, URIRef):
        return str(term)
    if isinstance(term, Variable):
        return f"?{term}"
    return f"{getattr(term, 'prefix', None) or ''}:{getattr(term, 'localname', None) or ''} (write its full IRI)"
