"""Walks through what a mapping's contexts and `mapping.toml` say of one resource, by the steps that records go by."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from qlink_ld.mapping.account import Account
from qlink_ld.mapping.context import KEYWORDS, Context, Term, compile_context, is_table
from qlink_ld.mapping.context_files import find_term_files
from qlink_ld.mapping.specs import MappingFolder, ResourceSpec
from qlink_ld.mapping.steps import Kind, Step, StepMaker, Steps
from qlink_ld.mapping.writers import DocumentWriter
from qlink_ld.namespaces import ADMS, DCTERMS, ELM, OWL, QL, RDF, RDFS, SKOS

How = Literal["context", "rule", "folder", "configuration", "kept", "ignored"]
ANY_FIELD = ""  # not the source says it, but the mapping or the configuration
_TYPE = f"{RDF}type"
_NO_FIELDS = KEYWORDS - {"@nest"}
_REFERENCE = f"{QL}LearningOpportunitySpecificationReference"
_IDENTIFIER = f"{ELM}Identifier"


class Add(Protocol):
    """Takes what is found: see `lineage.Lineage`."""

    def __call__(self, iri: str, name: str, how: How, file: Path, classes: Sequence[str] = ()) -> None:
        """Note that a property of nodes of these classes gets its values from a field, as a file says."""


@dataclass(slots=True)
class Place:
    """A kind of node that a walk through a mapping came to."""

    resource: str
    path: str
    steps: Steps[Any]
    classes: tuple[str, ...]
    terms: dict[str, tuple[Term, Path]]  # keys that mean something here for the first time
    only: Path | None = None  # rules are for what this file says: the others' keys are not for institutions


def walk_resource(mapping: MappingFolder, resource: ResourceSpec, add: Add) -> list[Place]:
    """Note where the properties of a resource's nodes come from; return the kinds of nodes that were met."""
    walk = _Walk(mapping, resource, add)
    walk.trace()
    return walk.places


class _Walk:
    """Walks through what the contexts say of one resource."""

    def __init__(self, mapping: MappingFolder, resource: ResourceSpec, add: Add) -> None:
        self.resource = resource
        self.places: list[Place] = []
        self._add = add
        handlers: dict[Kind, Any] = dict.fromkeys(
            ("count", "opaque", "references", "nest", "nodes", "texts", "codes", "iris", "typed", "scalar"), _no_handler
        )
        reads = [rule.reads for rule in (*mapping.rules, *mapping.common_rules)]
        self._maker: StepMaker[Any] = StepMaker(
            mapping,
            resource,
            DocumentWriter(),
            Account("lineage"),
            lambda iri: any(read is None or iri in read for read in reads),
            handlers,
        )
        self._nodes = {**mapping.nodes, **resource.nodes}
        self._toml = mapping.folder / "mapping.toml"
        self._files = find_term_files(resource.context_file) if resource.context_file is not None else {}
        self._children = {other.children.key for other in mapping.resources if other.children}
        self._values = {spec.value for spec in self._nodes.values() if spec is not None and spec.value is not None}
        self._context = compile_context(resource.context)

    def trace(self) -> None:
        resource, add = self.resource, self._add
        classes = _expand(self._context, resource.classes)
        self._constants(resource.classes, resource.constants, "", classes)
        own = f"{resource.name}.{resource.identifier}"
        if not resource.institution:
            add(f"{DCTERMS}publisher", ANY_FIELD, "configuration", self._toml, classes)
            add(f"{OWL}sameAs", own, "folder", self._toml, classes)
            add(f"{ADMS}identifier", own, "folder", self._toml, classes)
            self._identifier(own)
        steps = self._maker.start(self._context)
        self._visit(steps, "", classes, (), {})
        for spec in (resource.children,) if resource.children else ():
            inner = self._maker.scope(steps, spec.key)
            of_child = _expand(self._context, spec.classes)
            self._constants(spec.classes, {}, f"{spec.key}.", of_child)
            listed = f"{spec.resource}.{spec.identifier}"
            add(f"{ELM}learningAchievementSpecification", listed, "folder", self._toml, of_child)
            add(f"{ELM}providedBy", ANY_FIELD, "configuration", self._toml, of_child)
            self._visit(inner, f"{spec.key}.", of_child, (spec.key,), self._context.terms)

    def _constants(
        self, classes: Sequence[str], constants: Mapping[str, Any], path: str, of_node: Sequence[str]
    ) -> None:
        name = f"{self.resource.name}.{path}".rstrip(".") if path else ANY_FIELD
        if classes:
            self._add(_TYPE, name, "folder", self._toml, of_node)
        for key in constants:
            iri = self._context.expand(key)
            if iri is not None:
                self._add(iri, name, "folder", self._toml, of_node)

    def _identifier(self, name: str) -> None:
        for iri in (_TYPE, f"{SKOS}notation", f"{ELM}schemeName"):
            self._add(iri, name, "folder", self._toml, (_IDENTIFIER,))

    def _visit(
        self,
        steps: Steps[Any],
        path: str,
        classes: Sequence[str],
        scopes: tuple[str, ...],
        around: Mapping[str, Term | None],
    ) -> None:
        """Note what the keys mean that are defined in this place and not around it."""
        only = self.resource.context_file if self.resource.institution else None
        place = Place(self.resource.name, path, steps, tuple(classes), {}, only)
        self.places.append(place)
        for key, term in steps.context.terms.items():
            if term is None or key in steps.context.prefixes or term is around.get(key) or term.iri in _NO_FIELDS:
                continue
            if self.resource.institution and key in self._children:
                continue  # the context goes on from that of courses
            place.terms[key] = (term, self._files.get((*scopes, key), self._toml))
        for key, (term, file) in place.terms.items():
            into = steps.gathers.get(key)
            if into is not None and into in steps:
                self._key(steps[into].steps or steps, key, path, self._classes(path, into), scopes, file, term)
            elif into is not None:
                gathering = steps[into]
                self._key(gathering.steps or steps, key, path, self._classes(path, into), scopes, file, term)
            elif not self._gathers(path, key):
                self._key(steps, key, path, () if key in self._values else classes, scopes, file, term)
        for key in place.terms:
            self._gathering(steps, key, path, classes, place.terms[key])

    def _gathers(self, path: str, key: str) -> bool:
        spec = self._nodes.get(f"{path}{key}", self._nodes.get(key))
        return spec is not None and bool(spec.members)

    def _classes(self, path: str, key: str) -> tuple[str, ...]:
        spec = self._nodes.get(f"{path}{key}", self._nodes.get(key))
        return _expand(self._context, spec.classes) if spec is not None else ()

    def _gathering(
        self, steps: Steps[Any], key: str, path: str, classes: Sequence[str], said: tuple[Term, Path]
    ) -> None:
        """A node that gathers members of the record: it comes from each of them."""
        spec = self._nodes.get(f"{path}{key}", self._nodes.get(key))
        if spec is None or not spec.members:
            return
        term, file = said
        inner = self._classes(path, key)
        for member in spec.members:
            name = f"{self.resource.name}.{path}{member}"
            self._add(term.iri, name, "context", file, classes)
            self._add(_TYPE, name, "folder", self._toml, inner)
        if term.scoped is not None and steps[key].steps is not None:
            self._inside(steps[key], f"{path}", inner, (*_scopes(path), key), steps.context.terms)

    def _key(
        self,
        steps: Steps[Any],
        key: str,
        path: str,
        classes: Sequence[str],
        scopes: tuple[str, ...],
        file: Path,
        term: Term,
    ) -> None:
        step = steps[key]
        name = f"{self.resource.name}.{path}{key}"
        if step.kind == "count":
            return
        if term.iri != "@nest":
            self._add(term.iri, name, "context", file, classes)
        if step.kind == "references":
            self._reference(name)
        elif step.kind == "nodes":
            self._node(step, name, f"{path}{key}.")
        if self.resource.children and name == f"{self.resource.name}.{self.resource.children.key}":
            return  # visited as what they are
        of_node = _expand(self._context, step.spec.classes)
        table = term.type == "@vocab" and is_table(term.scoped or {})
        if step.steps is not None and step.kind in ("nodes", "scalar", "nest") and not table:
            inner_classes = classes if step.kind == "nest" else of_node
            self._inside(step, f"{path}{key}.", inner_classes, (*scopes, key), steps.context.terms)

    def _inside(
        self, step: Step[Any], path: str, classes: Sequence[str], scopes: tuple[str, ...], around: Mapping[str, Any]
    ) -> None:
        if step.steps is not None and path.count(".") < len(scopes) + 2:
            self._visit(step.steps, path, classes, scopes, around)

    def _node(self, step: Step[Any], name: str, path: str) -> None:
        """A node's class, constants, and what a bare value is of it."""
        of_node = _expand(self._context, step.spec.classes)
        self._constants(step.spec.classes, step.spec.constants, path, of_node)
        if step.spec.value is not None and step.steps is not None:
            term = step.steps.context.find_term(step.spec.value)
            if term is not None:
                file = self._files.get((step.key, step.spec.value), self._files.get((step.spec.value,), self._toml))
                self._add(term.iri, name, "context", file, of_node)

    def _reference(self, name: str) -> None:
        for iri in (_TYPE, f"{ELM}providedBy", f"{RDFS}seeAlso", f"{ADMS}identifier"):
            self._add(iri, name, "folder", self._toml, (_REFERENCE,))
        self._identifier(name)


def _scopes(path: str) -> tuple[str, ...]:
    return tuple(part for part in path.split(".") if part)


def _no_handler(*_: object) -> int:
    return 0


def _expand(context: Context, names: Iterable[str]) -> tuple[str, ...]:
    return tuple(iri for iri in (context.expand(name) for name in names) if iri)
