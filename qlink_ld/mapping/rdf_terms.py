"""Terms of RDF as text in N-Triples syntax: `<iri>`, `_:label`, `"text"@en`.

A file has a hundred terms for each of its records. As text they are hashed once, compared by their address and written
as they are; objects of a library for each took ten times as long. Predicates are plain IRIs, without brackets.

Source: RDF 1.1 N-Triples.
"""

from pyoxigraph import BlankNode

from qlink_ld.ntriples import read_literal

Node = str  # `<iri>` or `_:label`
Statement = tuple[str, str]  # predicate, object
Triple = tuple[str, str, str]  # subject, predicate, object


def is_iri(term: str) -> bool:
    """Whether a term is an IRI."""
    return term[0] == "<"


def is_blank(term: str) -> bool:
    """Whether a term is a blank node."""
    return term[0] == "_"


def is_literal(term: str) -> bool:
    """Whether a term is a literal."""
    return term[0] == '"'


def read_value(term: str) -> str:
    """Return the text of a literal, the IRI of an IRI, the label of a blank node."""
    kind = term[0]
    if kind == "<":
        return term[1:-1]
    return read_literal(term) if kind == '"' else term[2:]


def new_blank() -> Node:
    """Return a blank node that no file has."""
    return str(BlankNode())
