"""Gives blank nodes IRIs made from what they say, so that the same data always has the same IRIs. Source: DESIGN §2.

A blank node is named after the record that holds it, the property that leads to it and a hash of its content; renaming
blank nodes or reordering a file changes nothing, and a new sibling does not rename the others. Nodes that refer to each
other in circles are told apart by colour refinement (Weisfeiler and Leman): the hash of a node takes in those of the
nodes it refers to, round after round, until no more of them differ. Nodes that say exactly the same become one. Unlike
RDFC-1.0, which takes exponential time where somebody wants it to, this is bounded.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from qlink_ld.errors import UnreadableData
from qlink_ld.mapping.rdf_terms import Node, Statement, is_blank
from qlink_ld.namespaces import encode_segment

Description = Mapping[Node, Sequence[Statement]]  # subject → (predicate, object)
_MAX_DEPTH = 100
_MAX_CIRCLE_STEPS = 2_000_000  # rounds times statements: no honest file comes near
_HASH_LENGTH = 12


class Skolemiser:
    """Names the blank nodes of one graph.

    Raises:
        UnreadableData: blank nodes refer to each other in circles that would take too long.
    """

    def __init__(self, description: Description) -> None:
        self._description = description
        self._hashes: dict[Node, str] = {}
        for circle in _find_circles(description):  # those that others lead to come first
            self._colour(circle)

    def name(self, node: Node, record: str, predicate: str) -> Node:
        """Return the IRI of a blank node below the record `record`, reached through `predicate`."""
        return f"<{record}{'/' if '#' in record else '#'}{_local_name(predicate)}-{self.hash(node)}>"

    def hash(self, node: Node) -> str:
        """Return the hash of what a blank node says.

        Raises:
            UnreadableData: nested deeper than 100 levels.
        """
        return self._hash(node, 0)[:_HASH_LENGTH]

    def _hash(self, node: Node, depth: int) -> str:
        if node in self._hashes:
            return self._hashes[node]
        if depth > _MAX_DEPTH:
            raise UnreadableData(f"blank nodes are nested deeper than {_MAX_DEPTH} levels")
        digest = _digest(
            f"{predicate} {self._hash(value, depth + 1) if value[0] == '_' else value}"
            for predicate, value in self._description.get(node, ())
        )
        self._hashes[node] = digest
        return digest

    def _colour(self, circle: list[Node]) -> None:
        """Hash nodes that refer to each other."""
        inside = set(circle)
        fixed = {
            node: _digest(
                f"{predicate} {self._hash(value, 0) if is_blank(value) else value}"
                for predicate, value in self._description[node]
                if value not in inside
            )
            for node in circle
        }
        links = {node: [(p, v) for p, v in self._description[node] if v in inside] for node in circle}
        size = sum(map(len, links.values()))
        colours, different, steps = fixed, 0, 0
        while len(set(colours.values())) > different:
            different = len(set(colours.values()))
            steps += size
            if steps > _MAX_CIRCLE_STEPS:
                raise UnreadableData(f"{len(circle)} blank nodes refer to each other in circles; give them IRIs")
            colours = {
                node: _digest([fixed[node], *(f"{predicate} {colours[value]}" for predicate, value in links[node])])
                for node in circle
            }
        self._hashes.update(colours)


@lru_cache(maxsize=1024)
def _local_name(predicate: str) -> str:
    return encode_segment(predicate.replace("#", "/").rpartition("/")[2])


def _digest(parts: Iterator[str] | list[str]) -> str:
    return hashlib.sha256("\n".join(sorted(parts)).encode()).hexdigest()


def _find_circles(description: Description) -> Iterator[list[Node]]:
    """Yield the groups of blank nodes that lead to each other: strongly connected components (Tarjan 1972)."""
    links = {
        node: found
        for node, statements in description.items()
        if node[0] == "_" and (found := [value for _, value in statements if value[0] == "_"])
    }
    links = {node: inner for node, values in links.items() if (inner := [v for v in values if v in links])}
    order: dict[Node, int] = {}
    for start in links:
        if start not in order:
            yield from _walk(start, links, order)


def _walk(start: Node, links: Mapping[Node, list[Node]], order: dict[Node, int]) -> Iterator[list[Node]]:
    """Yield the circles that can be reached from a node and were not seen before."""
    lowest: dict[Node, int] = {}
    stack: list[Node] = []
    path: list[tuple[Node, Iterator[Node]]] = []
    entering: Node | None = start
    while entering is not None or path:
        if entering is not None:
            order[entering] = lowest[entering] = len(order)
            stack.append(entering)
            path.append((entering, iter(links.get(entering, ()))))
        node, following = path[-1]
        entering = None
        for value in following:
            if value not in order:
                entering = value
                break
            if value in lowest:  # still on the stack
                lowest[node] = min(lowest[node], order[value])
        if entering is not None:
            continue
        path.pop()
        if path:
            lowest[path[-1][0]] = min(lowest[path[-1][0]], lowest[node])
        if lowest[node] == order[node]:
            group: list[Node] = []
            while not group or group[-1] != node:
                group.append(stack.pop())
                del lowest[group[-1]]
            if len(group) > 1 or node in links.get(node, ()):
                yield group
