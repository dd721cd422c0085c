"""What shapes say to people: names, descriptions and messages, found by the shape of a result."""

from collections import defaultdict
from dataclasses import dataclass

from pyoxigraph import BlankNode, Literal, NamedNode, RdfFormat, parse

from qlink_ld.model import Result
from qlink_ld.namespaces import SH


@dataclass(frozen=True, slots=True)
class ShapeText:
    """What one shape says: `sh:name`, `sh:description`, `sh:message` in English, else in its first language."""

    name: str = ""
    description: str = ""
    message: str = ""


class ShapeCatalogue:
    """The texts of all shapes of one engine. Terms are in N-Triples syntax.

    Args:
        ntriples: the shapes graph.
    """

    def __init__(self, ntriples: str) -> None:
        self._literals: dict[str, dict[str, list[Literal]]] = defaultdict(lambda: defaultdict(list))
        self._children: dict[str, list[str]] = defaultdict(list)
        self._parent: dict[str, str] = {}
        self._path: dict[str, str] = {}
        for quad in parse(ntriples.encode(), format=RdfFormat.N_TRIPLES):
            subject, predicate, value = str(quad.subject), quad.predicate.value, quad.object
            if isinstance(value, Literal):
                self._literals[subject][predicate].append(value)
            elif predicate == f"{SH}property" and isinstance(value, NamedNode | BlankNode):
                self._children[subject].append(str(value))
                self._parent.setdefault(str(value), subject)
            elif predicate == f"{SH}path" and isinstance(value, NamedNode):
                self._path[subject] = str(value)
        self.english_messages = frozenset(
            message.value
            for literals in self._literals.values()
            for message in literals.get(f"{SH}message", ())
            if (message.language or "en").startswith("en")
        )

    def find_named(self, shape: str) -> str | None:
        """Return the nearest shape with an IRI, going up along `sh:property`; None if there is none."""
        seen: set[str] = set()
        current: str | None = shape
        while current is not None and not current.startswith("<"):
            if current in seen:
                return None
            seen.add(current)
            current = self._parent.get(current)
        return current

    def describe(self, shape: str) -> ShapeText:
        """Return what a shape says; empty texts where it says nothing."""
        literals = self._literals.get(shape, {})
        return ShapeText(*(_preferred(literals.get(f"{SH}{key}", [])) for key in ("name", "description", "message")))

    def describe_field(self, result: Result) -> ShapeText:
        """Return what is said of the field that a result is about.

        A result names its nearest shape with an IRI. Where that is a node shape (property shapes without IRI), its
        property shape for the same path is looked up.
        """
        if result.shape is None:
            return ShapeText()
        if result.path is None or result.shape in self._path:
            return self.describe(result.shape)
        texts = (self.describe(child) for child in self._children[result.shape] if self._path.get(child) == result.path)
        return next((text for text in texts if text.name or text.description), ShapeText())


def _preferred(literals: list[Literal]) -> str:
    ranked = sorted(literals, key=lambda text: (not (text.language or "en").startswith("en"), text.language or ""))
    return ranked[0].value if ranked else ""
