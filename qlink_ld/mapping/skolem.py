"""Gives blank nodes IRIs made from what they say, so that the same data always has the same IRIs. Source: DESIGN §2.

A blank node is named after the record that holds it, the property that leads to it and a hash of its content; renaming
blank nodes or reordering a file changes nothing, and a new sibling does not rename the others. Nodes that refer to each
other in a circle have no content of their own to go by: RDFC-1.0 labels break the tie.
"""

import hashlib
from collections.abc import Mapping, Sequence

from pyoxigraph import BlankNode, CanonicalizationAlgorithm, Dataset, Literal, NamedNode, Quad, Triple

from qlink_ld.errors import UnreadableData
from qlink_ld.namespaces import encode_segment

Node = NamedNode | BlankNode
Description = Mapping[Node, Sequence[tuple[NamedNode, "Node | Literal"]]]  # subject → (predicate, object)
_MAX_DEPTH = 100
_HASH_LENGTH = 12


class Skolemiser:
    """Names the blank nodes of one graph; circles among them have been canonicalised (`canonicalise_circles`)."""

    def __init__(self, description: Description) -> None:
        self._description = description
        self._hashes: dict[BlankNode, str] = {}

    def name(self, node: BlankNode, record: str, predicate: str) -> NamedNode:
        """Return the IRI of a blank node below the record `record`, reached through `predicate`."""
        local = predicate.replace("#", "/").rpartition("/")[2]
        separator = "/" if "#" in record else "#"
        return NamedNode(f"{record}{separator}{encode_segment(local)}-{self.hash(node)}")

    def hash(self, node: BlankNode) -> str:
        """Return the hash of what a blank node says.

        Raises:
            UnreadableData: nested deeper than 100 levels.
        """
        return self._hash(node, ())[:_HASH_LENGTH]

    def _hash(self, node: BlankNode, above: tuple[BlankNode, ...]) -> str:
        if node in self._hashes:
            return self._hashes[node]
        if node in above:
            return f"circle {node.value}"
        if len(above) > _MAX_DEPTH:
            raise UnreadableData(f"blank nodes are nested deeper than {_MAX_DEPTH} levels")
        parts = sorted(
            f"{predicate.value} {self._hash(value, (*above, node)) if isinstance(value, BlankNode) else value}"
            for predicate, value in self._description.get(node, ())
        )
        digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()
        self._hashes[node] = digest
        return digest


def canonicalise_circles(triples: Sequence[Triple], description: Description) -> Sequence[Triple]:
    """Return the triples, with RDFC-1.0 labels if some blank nodes refer to each other in a circle."""
    if not _has_circle(description):
        return triples
    dataset = Dataset(Quad(t.subject, t.predicate, t.object) for t in triples)
    dataset.canonicalize(CanonicalizationAlgorithm.RDFC_1_0)
    return sorted((quad.triple for quad in dataset), key=str)


def _has_circle(description: Description) -> bool:
    done: set[Node] = set()
    for start in description:
        if not isinstance(start, BlankNode) or start in done:
            continue
        path: set[Node] = set()
        pending: list[tuple[Node, bool]] = [(start, False)]
        while pending:
            node, leaving = pending.pop()
            if leaving:
                path.discard(node)
                done.add(node)
            elif node in path:
                return True
            elif node not in done:
                path.add(node)
                pending.append((node, True))
                pending.extend((v, False) for _, v in description.get(node, ()) if isinstance(v, BlankNode))
    return False
