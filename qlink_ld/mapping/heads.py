"""Which IRI has a learning opportunity of an ELM file: the one its source gave, else one made from code or content.

Source: DESIGN §3. A learning opportunity without IRI is named by its own code, if no other in the file has the same, or
by what it says. An instance without IRI is named below its specification, because two courses may have instances that
say the same.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from qlink_ld.mapping.rdf_terms import Node, is_blank, is_iri, is_literal, read_value
from qlink_ld.mapping.skolem import Description, Skolemiser
from qlink_ld.namespaces import ADMS, SKOS, Iris, encode_segment

_IDENTIFIER, _NOTATION = f"{ADMS}identifier", f"{SKOS}notation"


class Heads:
    """Names the specifications and instances of one file.

    Args:
        skolemiser: hashes what blank nodes say.
        iris: mints IRIs.
        institution: whose file it is.
        specifications: all specifications in it.
        owner: the specification of each instance that has one.
    """

    def __init__(
        self,
        skolemiser: Skolemiser,
        iris: Iris,
        institution: str,
        description: Description,
        specifications: Sequence[Node],
        owner: Mapping[Node, Node],
    ) -> None:
        self.skolemiser = skolemiser
        self._iris = iris
        self._institution = institution
        self._description = description
        self._owner = owner
        self._names: dict[Node, Node] = {}
        self._codes: dict[Node, frozenset[str]] = {}
        blank = [*(node for node in specifications if is_blank(node)), *owner]
        self._uses = Counter((owner.get(node), self.find_code(node)) for node in blank)

    def name(self, node: Node) -> Node:
        """Return the IRI of a specification or instance.

        Raises:
            UnreadableData: it is nested too deep to be read.
        """
        if is_iri(node):
            return node
        if node not in self._names:
            self._names[node] = f"<{self._make(node)}>"
        return self._names[node]

    def _make(self, node: Node) -> str:
        owner, code = self._owner.get(node), self.find_code(node)
        is_own = code is not None and self._uses[owner, code] == 1
        local = code if code is not None and is_own else self.skolemiser.hash(node)
        if owner is None:
            return self._iris.course(self._institution, local)
        base = self.name(owner)[1:-1]
        if is_blank(owner):
            return f"{base}/instances/{encode_segment(local)}"
        return f"{base}{'/' if '#' in base else '#'}learningOpportunity-{encode_segment(local)}"

    def find_code(self, node: Node) -> str | None:
        """Return the first of a node's codes, None if it has none."""
        return min(self.find_codes(node), default=None)

    def find_codes(self, node: Node) -> frozenset[str]:
        """Return the codes of a node's identifiers."""
        known = self._codes.get(node)
        if known is None:
            known = self._codes[node] = frozenset(
                code
                for predicate, identifier in self._description.get(node, ())
                if predicate == _IDENTIFIER
                for p, value in self._description.get(identifier, ())
                if p == _NOTATION and is_literal(value) and (code := read_value(value)).strip()
            )
        return known
