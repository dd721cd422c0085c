"""A file's triples by subject, with what its nodes are."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from qlink_ld.mapping.rdf_terms import Node, Statement, Triple
from qlink_ld.namespaces import RDF

_TYPE = f"{RDF}type"


@dataclass(slots=True)
class Graph:
    """Statements about each node, and the classes of each, as plain IRIs."""

    description: dict[Node, list[Statement]] = field(default_factory=dict)
    types: dict[Node, set[str]] = field(default_factory=dict)

    def of_type(self, classes: frozenset[str]) -> list[Node]:
        """Return the nodes of these classes, sorted."""
        return sorted(node for node, types in self.types.items() if not types.isdisjoint(classes))

    def reach(self, starts: Iterable[Node]) -> set[Node]:
        """Return the nodes that one can come to from these, which are among them."""
        found: set[Node] = set()
        pending = list(starts)
        while pending:
            node = pending.pop()
            if node not in found:
                found.add(node)
                pending += [value for _, value in self.description.get(node, ()) if value[0] != '"']
        return found

    def add(self, triples: Iterable[Triple]) -> None:
        """Add triples."""
        description, types = self.description, self.types
        for subject, predicate, value in triples:
            statements = description.get(subject)
            if statements is None:
                statements = description[subject] = []
            statements.append((predicate, value))
            if predicate == _TYPE and value[0] == "<":
                types.setdefault(subject, set()).add(value[1:-1])

    def remove(self, node: Node) -> None:
        """Forget what is said about a node."""
        self.description.pop(node, None)
        self.types.pop(node, None)

    def sort(self) -> None:
        """Sort statements by property and value, whatever their order was in the file."""
        for statements in self.description.values():
            if len(statements) > 1:
                statements.sort(key=_order)


def _order(statement: Statement) -> Statement:
    """Blank nodes have labels that mean nothing."""
    return statement if statement[1][0] != "_" else (statement[0], "")


def describe(triples: Iterable[Triple]) -> Graph:
    """Group triples by their subjects."""
    graph = Graph()
    graph.add(triples)
    return graph
