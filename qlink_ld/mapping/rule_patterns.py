"""What a rule makes out of what: read from its SPARQL algebra, for telling where a property comes from.

A chain is the way from a record or node to a value: the predicates of the patterns that lead there, as
(`source:studyLoad`, `source:value`).
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from itertools import product
from pathlib import Path as File
from typing import Any

from rdflib.namespace import RDF
from rdflib.paths import AlternativePath, InvPath, MulPath, Path, SequencePath
from rdflib.plugins.sparql.parserutils import CompValue
from rdflib.term import Node, URIRef, Variable

from qlink_ld.mapping.rules import VOCABULARY, parse_rule, remember

Chain = tuple[str, ...]  # predicates, from the start of the pattern
Triple = tuple[Any, Any, Any]
_MAX_CHAINS = 64  # of one variable; rules have a handful


@dataclass(frozen=True, slots=True)
class Made:
    """A kind of triple that a rule constructs.

    Attributes:
        property: its predicate.
        classes: of its subject, as far as the rule says.
        value: what its object is, if that is fixed.
        sources: chains to what its object is made of; where that is nothing that the source says, to all that the rule
            looks at.
        conditions: chains to all else that the rule looks at.
    """

    property: str
    classes: tuple[str, ...]
    value: str | None
    sources: tuple[Chain, ...]
    conditions: tuple[Chain, ...]


@lru_cache(maxsize=512)
def read_rule(file: File) -> tuple[Made, ...]:
    """Read what a rule makes; the file was checked when its mapping was loaded."""
    text = file.read_text(encoding="utf-8")
    found = remember("made", text, lambda: [asdict(made) for made in _Reader(parse_rule(text)).read()])
    return tuple(
        Made(
            entry["property"],
            tuple(entry["classes"]),
            entry["value"],
            tuple(map(tuple, entry["sources"])),
            tuple(map(tuple, entry["conditions"])),
        )
        for entry in found
    )


@dataclass(slots=True)
class _Reader:
    algebra: Any
    patterns: list[Triple] = field(default_factory=list)
    bound: dict[Variable, set[Variable]] = field(default_factory=dict)
    values: dict[Variable, list[URIRef]] = field(default_factory=dict)  # IRIs that VALUES gives to a variable

    def read(self) -> Iterator[Made]:
        self._gather(self.algebra.p)
        classes: dict[Any, list[str]] = {}
        for subject, predicate, value in (*self.algebra.template, *self.patterns):
            if predicate == RDF.type:
                classes.setdefault(subject, []).extend(map(str, self._iris(value)))
        everything = self._everything()
        seen = set()
        for subject, predicate, value in self.algebra.template:
            sources = tuple(sorted(self._chains(value))) if isinstance(value, Variable) else ()
            sources = tuple(chain for chain in sources if chain) or everything
            fixed = None if isinstance(value, Variable) else str(value)
            rest = tuple(chain for chain in everything if chain not in sources)
            for iri in self._iris(predicate):
                made = Made(str(iri), tuple(dict.fromkeys(classes.get(subject, ()))), fixed, sources, rest)
                if made not in seen:
                    seen.add(made)
                    yield made

    def _iris(self, term: Any) -> list[URIRef]:  # noqa: ANN401 (rdflib's terms)
        """The IRI that a term is, or those that a variable can be."""
        return [term] if isinstance(term, URIRef) else self.values.get(term, [])

    def _everything(self) -> tuple[Chain, ...]:
        """All chains of the rule that no other goes on from."""
        ends = {
            (*start, *way)
            for subject, predicate, _ in self.patterns
            for start in self._chains(subject) or {()}
            for way in _ways(predicate)
        }
        return tuple(sorted(c for c in ends if not any(other != c and other[: len(c)] == c for other in ends)))

    def _chains(self, term: Any, above: frozenset[Any] = frozenset()) -> set[Chain]:  # noqa: ANN401 (rdflib's terms)
        """The chains that lead to a variable; an empty one where a pattern starts."""
        if not isinstance(term, Variable) or term in above:
            return set()
        above = above | {term}
        found: set[Chain] = set()
        for subject, predicate, value in self.patterns:
            if value == term:
                starts = self._chains(subject, above) or {()}
                found |= {(*start, *way) for start, way in product(starts, _ways(predicate))}
        for other in self.bound.get(term, ()):
            found |= self._chains(other, above)
        return set(sorted(found)[:_MAX_CHAINS])

    def _gather(self, part: Any) -> None:  # noqa: ANN401 (rdflib's algebra)
        """Collect all patterns, and which variables others are computed from."""
        if isinstance(part, CompValue):
            if isinstance(part.get("term"), URIRef) and part.term.startswith(VOCABULARY):
                self._look_up(part)
                return
            self._gather_triples(part.get("triples") or ())
            if part.name == "Extend":
                self.bound.setdefault(part.var, set()).update(_variables(part.expr))
            elif isinstance(part.get("res"), Variable):  # an aggregate
                self.bound.setdefault(part.res, set()).update(_variables(part.vars))
            elif part.name == "values":
                self._gather_values(part.res)
            for key, value in part.items():
                if key not in ("_vars", "triples"):
                    self._gather(value)
        elif isinstance(part, Iterable) and not isinstance(part, Node | str | Path):
            for value in part:
                self._gather(value)

    def _gather_values(self, rows: Iterable[Any]) -> None:
        for variable, value in (pair for row in rows for pair in row.items()):
            if isinstance(value, URIRef) and value not in self.values.setdefault(variable, []):
                self.values[variable].append(value)

    def _look_up(self, part: CompValue) -> None:
        """Patterns on a vocabulary: a concept and its code or label are made of each other."""
        inner = _Reader(self.algebra)
        inner._gather(part.p)
        for subject, _, value in inner.patterns:
            if isinstance(subject, Variable) and isinstance(value, Variable):
                self.bound.setdefault(subject, set()).add(value)
                self.bound.setdefault(value, set()).add(subject)

    def _gather_triples(self, triples: Iterable[Any]) -> None:
        """Triples come as (s, p, o) or, inside EXISTS, as flat lists of s, p, o, s, p, o."""
        parts = list(triples)
        if parts and all(isinstance(part, Node | Path) for part in parts):
            self.patterns += zip(parts[::3], parts[1::3], parts[2::3], strict=True)
            return
        for part in parts:
            if isinstance(part, list | tuple):
                self._gather_triples(part)


def _variables(part: Any) -> set[Variable]:  # noqa: ANN401 (rdflib's algebra)
    if isinstance(part, Variable):
        return {part}
    if isinstance(part, CompValue):
        return {v for key, value in part.items() if key != "_vars" for v in _variables(value)}
    if isinstance(part, Iterable) and not isinstance(part, Node | str | Path):
        return {v for value in part for v in _variables(value)}
    return set()


def _ways(predicate: Any) -> list[Chain]:  # noqa: ANN401 (rdflib's terms)
    """The chains that a predicate or a property path stands for."""
    if isinstance(predicate, URIRef):
        return [(str(predicate),)]
    if isinstance(predicate, SequencePath):
        return [tuple(p for part in parts for p in part) for parts in product(*map(_ways, predicate.args))]
    if isinstance(predicate, AlternativePath):
        return [way for part in predicate.args for way in _ways(part)]
    if isinstance(predicate, MulPath):
        return _ways(predicate.path)
    if isinstance(predicate, InvPath):
        return []
    return []
