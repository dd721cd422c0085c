"""Where does a property come from, and what becomes of a field? Read from the mapping folder itself.

What a mapping says is read the way that preparing records reads it: the same steps, for every key that its contexts
define; and the rules' own patterns lead from what they construct back to these keys. So nothing is kept by hand.

A field is `resource.path`: `courses.studyLoad.value`, `courses.offerings.startDate`. A key that a context defines for a
record may also be met deeper in it, where no other context says otherwise; `Lineages.of_class` finds it there too.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from qlink_ld.mapping.context import Context, Term
from qlink_ld.mapping.folder import load_mapping
from qlink_ld.mapping.lineage_walk import ANY_FIELD, How, Place, walk_resource
from qlink_ld.mapping.rule_patterns import Chain, Made, read_rule
from qlink_ld.mapping.specs import MappingFolder
from qlink_ld.mapping.steps import Steps
from qlink_ld.namespaces import ELM, ISSUE, SOURCE

_HELD = ("urn:qlink-ld:",)
_FACTS = frozenset(
    f"{SOURCE}{name}" for name in ("institution", "harvestedOn", "language", "schac", "record")
)  # a run's


@dataclass(frozen=True, slots=True, order=True)
class Lineage:
    """One way in which a property gets its values.

    Attributes:
        property: the IRI of a published property; empty for a field that is ignored.
        field: of the source, as `courses.studyLoad.value`; empty for what the source does not say.
        how: `context` (a term), `rule` (SPARQL), `folder` (mapping.toml: classes, constants, identifiers),
            `configuration` (the institution's), `kept` (RDF as it is), `ignored`.
        file: that says so, relative to the folder that holds the mapping folders: `common/rules/credits.rq`.
        classes: IRIs of the classes of the node that has the property, as far as they are certain.
        reason: why it is ignored.
        condition: the rule only looks at the field, to decide.
    """

    property: str
    field: str
    how: How
    file: str
    classes: tuple[str, ...] = ()
    reason: str = ""
    condition: bool = False


class Lineages:
    """All lineages of one mapping."""

    def __init__(self, mapping: MappingFolder, entries: Iterable[Lineage], places: Sequence[Place]) -> None:
        self.mapping = mapping
        self.entries = tuple(sorted(set(entries)))
        self._places = places

    def of_property(self, iri: str, class_iri: str | None = None) -> tuple[Lineage, ...]:
        """Return how a property gets its values; of one class, if any is said to be of that class.

        Args:
            iri: of the property.
            class_iri: of the node that has it.
        """
        found = tuple(e for e in self.entries if e.property == iri and not e.condition)
        if self.mapping.is_graph and iri not in self.mapping.drop:  # RDF is kept, whatever it says
            kept = Lineage(iri, f"data.{iri}", "kept", _relative(self.mapping, self.mapping.folder / "mapping.toml"))
            found = tuple(sorted({*found, kept}))
        return (class_iri and self.of_class(class_iri, iri)) or found

    def of_class(self, class_iri: str, iri: str) -> tuple[Lineage, ...]:
        """Return how a property of the nodes of a class gets its values, at any depth of a record.

        This is the way from a SHACL result, with its focus node's class and its path, back to the source.
        """
        sure = [e for e in self.entries if e.property == iri and class_iri in e.classes and not e.condition]
        deeper = [
            Lineage(iri, f"{place.resource}.{place.path}{key}", "context", _relative(self.mapping, file), (class_iri,))
            for place in self._places
            if class_iri in place.classes and place.path
            for key, (term, file) in _visible(place, self._places).items()
            if term.iri == iri
        ]
        unsure = [e for e in self.entries if e.property == iri and not e.classes and not e.condition]
        return tuple(sorted({*sure, *(() if sure else deeper), *(() if sure or deeper else unsure)}))

    def of_field(self, name: str) -> tuple[Lineage, ...]:
        """Return what becomes of a field: given by its key, a part of its path, or its whole path in a source."""
        inside = [e for e in self.entries if e.field and f".{name}." in f".{e.field}."]
        if inside:
            return tuple(inside)
        parts = name.split(".")
        return tuple(e for e in self.entries if e.field and _is_part(e.field.split("."), parts))


def _is_part(known: Sequence[str], asked: Sequence[str]) -> bool:
    """Whether a path as asked for, as `courses.offerings.priceInformation.amount`, ends in a known, shorter one."""
    rest = iter(asked)
    return known[-1] == asked[-1] and all(part in rest for part in known)


def _visible(place: Place, places: Sequence[Place]) -> dict[str, tuple[Term, Path]]:
    """The terms that a node's members may be, its own and those around it."""
    found: dict[str, tuple[Term, Path]] = {}
    for other in places:
        if other.resource == place.resource and place.path.startswith(other.path):
            found |= other.terms
    return {key: value for key, value in found.items() if place.steps.context.terms.get(key) is value[0]}


@lru_cache(maxsize=32)
def trace_mapping(name: str) -> Lineages:
    """Return the lineages of a mapping, by its bundled name or folder.

    Raises:
        UnknownMapping, BrokenMapping: it cannot be used.
    """
    return _Tracer(load_mapping(name)).trace()


def find_sources(mapping: str, class_iri: str, property_iri: str) -> tuple[Lineage, ...]:
    """Return the fields and files that a property of a class of nodes comes from.

    Args:
        mapping: a bundled name or a folder.
        class_iri: of the focus node of a SHACL result, say.
        property_iri: its path.
    """
    return trace_mapping(mapping).of_property(property_iri, class_iri)


@dataclass(slots=True)
class _Tracer:
    mapping: MappingFolder
    entries: list[Lineage] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    held: dict[str, set[str]] = field(default_factory=dict)  # terms that only rules see → fields

    def trace(self) -> Lineages:
        mapping = self.mapping
        for resource in mapping.resources:
            self.places += walk_resource(mapping, resource, self.add)
        for key, reason in mapping.ignore.items():
            self.add("", key, "ignored", mapping.folder / "mapping.toml", reason=reason)
        if mapping.is_graph:
            self._trace_graph()
        for rules in (mapping.rules, mapping.common_rules):
            for rule in rules:
                for made in read_rule(rule.file):
                    self._trace_rule(made, rule.file)
        if mapping.then is not None:
            after = trace_mapping(mapping.then)
            self.entries += [e for e in after.entries if e.how in ("rule", "folder", "configuration", "kept")]
        return Lineages(mapping, self.entries, self.places)

    def add(
        self, iri: str, name: str, how: How, file: Path, classes: Sequence[str] = (), reason: str = "", *,
        condition: bool = False,
    ) -> None:  # fmt: skip
        """Note one lineage; terms that only rules see are kept for these."""
        if iri.startswith(SOURCE):
            self.held.setdefault(iri, set()).add(name)
        if not iri.startswith(_HELD):
            place = _relative(self.mapping, file)
            self.entries.append(Lineage(iri, name, how, place, tuple(classes), reason, condition))

    def _trace_graph(self) -> None:
        """RDF: each property is kept as the source states it."""
        file = self.mapping.folder / "mapping.toml"
        for iri, reason in self.mapping.drop.items():
            self.add("", f"data.{iri}", "ignored", file, reason=reason)
        for iri in self.mapping.datatypes:
            self.add(iri, f"data.{iri}", "kept", file)
        for name in self.mapping.elm_terms:
            if name[:1].islower() or name in ("EQFLevel", "NQFLevel", "ISCEDFCode"):
                self.add(f"{ELM}{name}", f"data.{ELM}{name}", "kept", file)

    # Rules -------------------------------------------------------------------------------------------------------

    def _trace_rule(self, made: Made, file: Path) -> None:
        if made.property.startswith(ISSUE):
            return
        sources = {name for chain in made.sources for name in self._fields(chain)}
        conditions = {name for chain in made.conditions for name in self._fields(chain)} - sources
        for name in sorted(sources) or [ANY_FIELD]:
            self.add(made.property, name, "rule", file, made.classes)
        for name in sorted(conditions):
            self.add(made.property, name, "rule", file, made.classes, condition=True)

    def _fields(self, chain: Chain) -> set[str]:
        """The fields that a chain of predicates leads to."""
        found = {name for place in self.places for name in self._walk(place, chain)}
        found = found or {name for place in self.places for name in self._guess(place, chain)}
        if found:
            return found
        last = chain[-1]
        named = self.held.get(last, set()) | {e.field for e in self.entries if e.property == last and not e.condition}
        if not named and self.mapping.is_graph and not last.startswith(_HELD):
            named = {f"data.{last}"}
        return {name for name in named if name}

    def _walk(self, place: Place, chain: Chain) -> Iterator[str]:
        first, *rest = chain
        for key, (term, file) in place.terms.items():
            if term.iri == first and place.only in (None, file):
                yield from self._descend(place, place.steps, f"{place.resource}.{place.path}{key}", key, rest)

    def _guess(self, place: Place, chain: Chain) -> Iterator[str]:
        """Keys without a term are in the holding namespace under their own name."""
        first, *rest = chain
        key = first.removeprefix(SOURCE)
        if first.startswith(SOURCE) and first not in _FACTS and not place.path and place.only is None:
            yield from self._descend(place, place.steps, f"{place.resource}.{key}", key, rest)

    def _descend(self, place: Place, steps: Steps[Any], name: str, key: str, rest: Sequence[str]) -> Iterator[str]:
        if not rest:
            yield name
            return
        inner = steps[key].steps
        if inner is None:
            return
        for inner_key, term in inner.context.terms.items():
            if term is not None and term.iri == rest[0]:
                yield from self._descend(place, inner, f"{name}.{inner_key}", inner_key, rest[1:])
        if rest[0].startswith(SOURCE) and not _has(inner.context, rest[0]):
            inner_key = rest[0][len(SOURCE) :]
            yield from self._descend(place, inner, f"{name}.{inner_key}", inner_key, rest[1:])


def _has(context: Context, iri: str) -> bool:
    return any(term is not None and term.iri == iri for term in context.terms.values())


def _relative(mapping: MappingFolder, file: Path) -> str:
    """A file's name as people know it: from the folder that holds the mapping folders on."""
    for above in (mapping.folder.resolve().parent, *file.resolve().parents):
        if file.resolve().is_relative_to(above) and (above / "common").is_dir():
            return file.resolve().relative_to(above).as_posix()
    return f"{file.parent.name}/{file.name}"
