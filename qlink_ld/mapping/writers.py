"""Two writers for prepared records: JSON-LD for any processor, or the triples that a processor would lift from it.

`DocumentWriter` builds plain JSON-LD: every node has an `@id`, every value is clean. `TripleWriter` writes N-Triples at
once by the compiled context, several times as fast; tests prove that pyoxigraph lifts the document to the same triples.

Source: JSON-LD 1.1 API §5.1 (expansion), §8.2 (object to RDF conversion).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import orjson

from qlink_ld.mapping.context import Context, Term
from qlink_ld.mapping.folder import NodeSpec
from qlink_ld.mapping.lift import lift_members, lift_node, write_number
from qlink_ld.namespaces import XSD
from qlink_ld.ntriples import NEEDS_ESCAPE, escape, write_literal

JsonObject = dict[str, Any]
Node = TypeVar("Node")
_STRING = f"{XSD}string"  # RDF 1.1: a literal without datatype and language is one
SELF, PARENT, CODE = "urn:x-self:", "urn:x-parent:", "urn:x-code:"  # in templates
HELD = "<urn:qlink-ld:"  # start of every term of the holding and the issue namespace


class Writer(Protocol[Node]):
    """Takes what preparation finds. `plan` is made once per key; the others take it back."""

    def plan(self, key: str, term: Term, scope: Context, spec: NodeSpec, *, held: bool) -> Any:  # noqa: ANN401
        """Return what the writer wants to know again when it writes values of this key."""

    def node(self, iri: str) -> Node:
        """Begin a node."""

    def nest(self, node: Node, key: str) -> Node:
        """Begin a group of members that are the node's own."""

    def text(self, node: Node, plan: Any, text: str, language: str) -> None:  # noqa: ANN401
        """A text with its language."""

    def literal(self, node: Node, plan: Any, text: str) -> None:  # noqa: ANN401
        """A value in the lexical form of the key's datatype."""

    def scalar(self, node: Node, plan: Any, value: str | float) -> None:  # noqa: ANN401
        """A plain JSON value."""

    def code(self, node: Node, plan: Any, code: str) -> None:  # noqa: ANN401
        """A code of the key's value table."""

    def iri(self, node: Node, plan: Any, iri: str) -> None:  # noqa: ANN401
        """An absolute IRI."""

    def child(self, node: Node, plan: Any, child: Node) -> None:  # noqa: ANN401
        """A finished node, with the classes and constants of its key."""

    def document(self, node: Node, plan: Any, document: JsonObject) -> None:  # noqa: ANN401
        """A node given as JSON-LD."""

    def held(self, node: Node, predicate: str, text: str) -> None:
        """A value for the rules only."""

    def raw(self, node: Node, key: str, value: Any) -> None:  # noqa: ANN401
        """A member that only a JSON-LD processor understands."""

    def template(self, document: JsonObject) -> Any:  # noqa: ANN401
        """Return further members of nodes, given as JSON-LD in which `SELF` stands for the node's IRI.

        `PARENT` and `CODE` stand for what `fill` is given.
        """

    def fill(self, node: Node, template: Any, iri: str, parent: str, code: str) -> None:  # noqa: ANN401
        """Add the members of a template."""

    def held_link(self, node: Node, predicate: str, iri: str) -> None:
        """A link for the rules only."""


@dataclass(slots=True)
class _DocumentPlan:
    key: str
    text: str  # the keys of value objects in this place
    language: str
    classes: list[str]
    constants: JsonObject


class DocumentWriter:
    """Builds JSON-LD documents; a node is its JSON object."""

    def plan(self, key: str, term: Term, scope: Context, spec: NodeSpec, *, held: bool) -> _DocumentPlan:  # noqa: ARG002
        """See `Writer`."""
        aliases = {t.iri: k for k, t in scope.terms.items() if t is not None}
        text, language = aliases.get("@value", "@value"), aliases.get("@language", "@language")
        return _DocumentPlan(key, text, language, list(spec.classes), dict(spec.constants))

    def node(self, iri: str) -> JsonObject:
        """See `Writer`."""
        return {"@id": iri}

    def nest(self, node: JsonObject, key: str) -> JsonObject:
        """See `Writer`."""
        inner: JsonObject = node.setdefault(key, {})
        return inner

    def text(self, node: JsonObject, plan: _DocumentPlan, text: str, language: str) -> None:
        """See `Writer`."""
        node.setdefault(plan.key, []).append({plan.text: text, plan.language: language})

    def literal(self, node: JsonObject, plan: _DocumentPlan, text: str) -> None:
        """See `Writer`."""
        node.setdefault(plan.key, []).append(text)

    def scalar(self, node: JsonObject, plan: _DocumentPlan, value: str | float) -> None:
        """See `Writer`."""
        node.setdefault(plan.key, []).append(value)

    code = literal
    iri = literal

    def child(self, node: JsonObject, plan: _DocumentPlan, child: JsonObject) -> None:
        """See `Writer`."""
        if plan.classes:
            child["@type"] = plan.classes
        child.update(plan.constants)
        node.setdefault(plan.key, []).append(child)

    def document(self, node: JsonObject, plan: _DocumentPlan, document: JsonObject) -> None:
        """See `Writer`."""
        node.setdefault(plan.key, []).append(document)

    def held(self, node: JsonObject, predicate: str, text: str) -> None:
        """See `Writer`."""
        node.setdefault(predicate, []).append(text)

    def raw(self, node: JsonObject, key: str, value: Any) -> None:  # noqa: ANN401 (JSON)
        """See `Writer`."""
        node[key] = value

    def template(self, document: JsonObject) -> bytes:
        """See `Writer`."""
        return orjson.dumps(document)

    def fill(self, node: JsonObject, template: bytes, iri: str, parent: str, code: str) -> None:
        """See `Writer`."""
        text = template.decode().replace(SELF, iri).replace(PARENT, parent).replace(CODE, code)
        for key, value in orjson.loads(text).items():
            known = node.get(key, [])
            known = known if isinstance(known, list) else [known]
            node[key] = [*known, *(value if isinstance(value, list) else [value])]

    def held_link(self, node: JsonObject, predicate: str, iri: str) -> None:
        """See `Writer`."""
        node.setdefault(predicate, []).append({"@id": iri})


@dataclass(slots=True)
class _TriplePlan:
    predicate: str
    head: str  # ` <predicate> `
    tail: str  # what follows the closing quote of a literal
    codes: dict[str, str]  # code → object
    rests: list[str]  # what a child's classes and constants say, without the child
    reverse: bool
    scope: Context
    published: bool
    ruled: bool
    language: str | None
    type: str | None


@dataclass(slots=True)
class _Template:
    published: list[str]
    ruled: dict[str, list[str]]


class TripleWriter:
    """Writes N-Triples; a node is its IRI in angle brackets.

    Attributes:
        published: N-Triples lines for the record, in any order.
        ruled: N-Triples lines for the rules, by predicate.
    """

    def __init__(self, context: Context, is_read: Callable[[str], bool]) -> None:
        self.published: list[str] = []
        self.ruled: defaultdict[str, list[str]] = defaultdict(list)
        self._context = context
        self._is_read = is_read

    def take(self) -> list[str]:
        """Return what was written for the record, and begin the next."""
        published, self.published = self.published, []
        return published

    def take_ruled(self) -> dict[str, list[str]]:
        """Return what was written for the rules since the last call, by predicate."""
        ruled, self.ruled = self.ruled, defaultdict(list)
        return ruled

    def mark(self) -> dict[str, int]:
        """Return how much was written for the rules."""
        return {predicate: len(lines) for predicate, lines in self.ruled.items()}

    def undo(self, mark: Mapping[str, int]) -> None:
        """Forget what was written for the rules since the mark, and what was written for the record."""
        self.published = []
        for predicate, lines in self.ruled.items():
            del lines[mark.get(predicate, 0) :]

    def plan(self, key: str, term: Term, scope: Context, spec: NodeSpec, *, held: bool) -> _TriplePlan:  # noqa: ARG002
        """See `Writer`."""
        language = scope.language if term.language is None else term.language
        lines: list[str] = []
        constants: JsonObject = {"@type": list(spec.classes), **spec.constants}
        lift_members(constants, "", scope, lines)
        codes = {}
        if term.type == "@vocab" and isinstance(term.scoped, dict | list):
            codes = {code: f"<{t.iri}> .\n" for code, t in scope.terms.items() if t is not None}
        typed = bool(term.type) and not str(term.type).startswith("@")
        datatype = f"^^<{term.type}>" if typed and term.type != _STRING else ""
        return _TriplePlan(
            predicate=term.iri,
            head=f" <{term.iri}> ",
            tail=f'"{datatype} .\n' if typed or not language else f'"@{language} .\n',
            codes=codes,
            rests=[f"{line} .\n" for line in lines],
            reverse=term.reverse,
            scope=scope,
            published=not held,
            ruled=self._is_read(term.iri),
            language=language,
            type=term.type,
        )

    def node(self, iri: str) -> str:
        """See `Writer`."""
        return f"<{iri}>"

    def nest(self, node: str, key: str) -> str:  # noqa: ARG002 (see Writer)
        """See `Writer`."""
        return node

    def text(self, node: str, plan: _TriplePlan, text: str, language: str) -> None:
        """See `Writer`."""
        if NEEDS_ESCAPE(text):
            text = escape(text)
        line = f'{node}{plan.head}"{text}"@{language} .\n'
        if plan.published:
            self.published.append(line)
        if plan.ruled:
            self.ruled[plan.predicate].append(line)

    def literal(self, node: str, plan: _TriplePlan, text: str) -> None:
        """See `Writer`."""
        if NEEDS_ESCAPE(text):
            text = escape(text)
        line = f'{node}{plan.head}"{text}{plan.tail}'
        if plan.published:
            self.published.append(line)
        if plan.ruled:
            self.ruled[plan.predicate].append(line)

    def scalar(self, node: str, plan: _TriplePlan, value: str | float) -> None:
        """See `Writer`."""
        if isinstance(value, str):
            self.literal(node, plan, value)
        else:
            self._put(f"{node}{plan.head}{write_number(value, plan.type)} .\n", plan)

    def code(self, node: str, plan: _TriplePlan, code: str) -> None:
        """See `Writer`."""
        self._put(f"{node}{plan.head}{plan.codes[code]}", plan)

    def iri(self, node: str, plan: _TriplePlan, iri: str) -> None:
        """See `Writer`."""
        self._put(f"{node}{plan.head}<{iri}> .\n", plan)

    def child(self, node: str, plan: _TriplePlan, child: str) -> None:
        """See `Writer`."""
        link = f"{child}{plan.head}{node} .\n" if plan.reverse else f"{node}{plan.head}{child} .\n"
        if plan.ruled:
            self.ruled[plan.predicate].append(link)
        if plan.published:
            self.published.append(link)
            self.published += [child + rest for rest in plan.rests]

    def document(self, node: str, plan: _TriplePlan, document: JsonObject) -> None:
        """See `Writer`."""
        lines: list[str] = []
        child = lift_node(document, plan.scope, lines)
        lines.append(f"{child}{plan.head}{node}" if plan.reverse else f"{node}{plan.head}{child}")
        self.add(lines, published=plan.published)

    def held(self, node: str, predicate: str, text: str) -> None:
        """See `Writer`."""
        self.ruled[predicate].append(f"{node} <{predicate}> {write_literal(text)} .\n")

    def raw(self, node: str, key: str, value: Any) -> None:  # noqa: ANN401 (JSON)
        """Never called: contexts with such members are for `DocumentWriter`."""
        raise TypeError(f"{node} {key} {value!r}: this context needs a JSON-LD processor")

    def template(self, document: JsonObject) -> _Template:
        """See `Writer`."""
        lines: list[str] = []
        lift_members(document, f"<{SELF}>", self._context, lines)
        self.add(lines)
        return _Template(self.take(), self.take_ruled())

    def fill(self, node: str, template: _Template, iri: str, parent: str, code: str) -> None:  # noqa: ARG002 (see Writer)
        """See `Writer`."""
        self.published += [
            line.replace(SELF, iri).replace(PARENT, parent).replace(CODE, code) for line in template.published
        ]
        for predicate, lines in template.ruled.items():
            self.ruled[predicate] += [
                line.replace(SELF, iri).replace(PARENT, parent).replace(CODE, code) for line in lines
            ]

    def held_link(self, node: str, predicate: str, iri: str) -> None:
        """See `Writer`."""
        self.ruled[predicate].append(f"{node} <{predicate}> <{iri}> .\n")

    def add(self, lines: Iterable[str], *, published: bool = True) -> None:
        """Sort lifted lines, without their final " .": to the record, to the rules, or both."""
        for line in lines:
            subject, predicate, value = line.split(" ", 2)
            if self._is_read(predicate[1:-1]):
                self.ruled[predicate[1:-1]].append(f"{line} .\n")
            if published and not (subject.startswith(HELD) or predicate.startswith(HELD) or value.startswith(HELD)):
                self.published.append(f"{line} .\n")

    def _put(self, line: str, plan: _TriplePlan) -> None:
        if plan.published:
            self.published.append(line)
        if plan.ruled:
            self.ruled[plan.predicate].append(line)
