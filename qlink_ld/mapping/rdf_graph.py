"""A file's triples by subject, with what its nodes are."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pyoxigraph import BlankNode, Literal, NamedNode, Triple

from qlink_ld.mapping.account import Account
from qlink_ld.mapping.skolem import Node
from qlink_ld.namespaces import RDF

_TYPE = NamedNode(f"{RDF}type")


@dataclass(slots=True)
class Graph:
    """Statements about each node, sorted by property and value whatever their order was in the file."""

    description: dict[Node, list[tuple[NamedNode, Node | Literal]]] = field(default_factory=lambda: defaultdict(list))
    types: dict[Node, set[str]] = field(default_factory=lambda: defaultdict(set))

    def of_type(self, classes: frozenset[str]) -> list[Node]:
        """Return the nodes of these classes, sorted."""
        return sorted((node for node, types in self.types.items() if types & classes), key=str)

    def reach(self, starts: Iterable[Node]) -> set[Node]:
        """Return the nodes that one can come to from these, which are among them."""
        found: set[Node] = set()
        pending = list(starts)
        while pending:
            node = pending.pop()
            if node not in found:
                found.add(node)
                pending += [v for _, v in self.description.get(node, ()) if not isinstance(v, Literal)]
        return found


def describe(triples: Sequence[Triple], account: Account | None = None) -> Graph:
    """Group triples by their subjects. Quoted triples are left out.

    With an account, which is told of these, statements are sorted too: that takes longer than the rest.
    """
    graph = Graph()
    description, types = graph.description, graph.types
    for triple in triples:
        subject, value = triple.subject, triple.object
        if isinstance(subject, Triple) or isinstance(value, Triple):
            if account is not None:
                account.report("quoted-triple", "A quoted triple (RDF 1.2) is left out.", value=str(triple))
            continue
        predicate = triple.predicate
        description[subject].append((predicate, value))
        if predicate == _TYPE and isinstance(value, NamedNode):
            types[subject].add(value.value)
    for statements in description.values() if account is not None else ():
        statements.sort(key=lambda s: (s[0].value, "" if isinstance(s[1], BlankNode) else str(s[1])))
    return graph
