"""Writes learning opportunities of a graph as lines of N-Triples, each with what is nested in it.

Other specifications and instances stay links or become references. A blank node is named below the nearest node with an
IRI that leads to it: what describes a university is the same in each of its courses.
"""

from collections.abc import Callable, Collection, Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from qlink_ld.mapping.account import Outcome
from qlink_ld.mapping.batch import Draft
from qlink_ld.mapping.construct import RuleRunner
from qlink_ld.mapping.heads import Heads
from qlink_ld.mapping.part_references import REFERENCES, PartReferences
from qlink_ld.mapping.rdf_graph import Graph
from qlink_ld.mapping.rdf_spec import RdfSpec
from qlink_ld.mapping.rdf_terms import Node
from qlink_ld.mapping.rdf_uses import PERSONAL, Uses
from qlink_ld.mapping.specs import MappingFolder
from qlink_ld.mapping.values import DAY_END_READERS, READERS
from qlink_ld.model import Refusal
from qlink_ld.namespaces import SOURCE, XSD
from qlink_ld.ntriples import read_literal, write_literal
from qlink_ld.vocabularies import known_concepts

_STRING = f"{XSD}string"
_HELD = f"<{SOURCE}"
_NONE: frozenset[str] = frozenset()
_UNDEFINED = "no JSON-LD context defines it"
_OUTCOMES: dict[str, Outcome] = {"": "mapped", _UNDEFINED: "unmapped"}


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is done with the statements of one property. `omit` is why they are left out."""

    omit: str
    read: Callable[[object], str | None] | None
    datatype: str | None
    is_part: bool
    is_ruled: bool


@dataclass(slots=True)
class Written:
    """A learning opportunity with all that is nested in it: its lines, those of them that rules read, its subjects."""

    lines: list[str] = field(default_factory=list)
    ruled: list[tuple[str, str]] = field(default_factory=list)  # predicate, line
    subjects: list[Node] = field(default_factory=list)


@dataclass(slots=True)
class RdfBatch:
    """Records that go through the rules together."""

    entries: list[Draft | Refusal] = field(default_factory=list)
    ruled: dict[str, list[str]] = field(default_factory=dict)  # predicate → lines that rules read
    owners: dict[Node, Draft] = field(default_factory=dict)  # the first record that each subject is in

    def add(self, draft: Draft, written: Written) -> None:
        """Add a record."""
        self.entries.append(draft)
        for predicate, line in written.ruled:
            self.ruled.setdefault(predicate, []).append(line)
        for subject in written.subjects:
            self.owners.setdefault(subject, draft)


class RdfWriter:
    """Writes the learning opportunities of one graph.

    Args:
        mapping: what it leaves out, and which datatypes it wants.
        spec: what it says of RDF files.
        runner: knows which predicates the rules read.
        graph: what the file says.
        names: gives learning opportunities and blank nodes their IRIs.
        parts: writes references to other learning opportunities.
        uses: counts the statements, each once.

    Attributes:
        used: the nodes that were written.
    """

    def __init__(
        self,
        mapping: MappingFolder,
        spec: RdfSpec,
        runner: RuleRunner,
        graph: Graph,
        names: Heads,
        parts: PartReferences,
        uses: Uses,
    ) -> None:
        self.used: set[Node] = set()
        self._mapping = mapping
        self._spec = spec
        self._runner = runner
        self._graph = graph
        self._names = names
        self._parts = parts
        self._uses = uses
        self._plans: dict[str, _Plan] = {}
        self._known = known_concepts()
        self._personal: AbstractSet[Node] = _NONE
        self._made: AbstractSet[Node] = _NONE

    def leave_out(self, personal: AbstractSet[Node], made: AbstractSet[Node]) -> None:
        """Write nothing of nodes that say something of a person; do not count nodes that the file has not."""
        self._personal = personal
        self._made = made

    def write(self, heads: list[Node], whole: Collection[Node]) -> Written:
        """Write learning opportunities, and all that is nested in them.

        Args:
            heads: a specification with its instances, or an instance alone.
            whole: all specifications and instances of the graph.

        Raises:
            UnreadableData: blank nodes are nested too deeply.
        """
        written, used = Written(), self.used
        types, description = self._graph.types, self._graph.description
        first = self._names.name(heads[0])[1:-1]
        pending = [(head, self._names.name(head), first) for head in heads]
        seen: set[tuple[Node, Node]] = set()
        while pending:
            node, subject, above = pending.pop()
            if (node, subject) in seen:
                continue
            seen.add((node, subject))
            is_first = node not in used and node not in self._made  # what several records hold is counted once
            used.add(node)
            if not types.get(node, _NONE).isdisjoint(REFERENCES):
                self.add_lines(written, self._parts.complete(node, subject))
            written.subjects.append(subject)
            for predicate, value in description.get(node, ()):
                plan = self._plans.get(predicate) or self._plan(predicate)
                reason = plan.omit if value[0] == '"' else self._reason_to_omit(plan, value)
                if is_first:
                    self._uses.count(predicate, value, _OUTCOMES.get(reason, "ignored"), reason)
                if reason:
                    continue
                if value[0] == '"':
                    target = value if plan.read is None else _retype(value, plan.read, plan.datatype)
                elif plan.is_part and node in heads and self._refer(written, subject, predicate, value):
                    continue
                else:
                    target = self._name(value, above, predicate, whole)
                    if value in description and value not in whole and target[1:-1] not in self._known:
                        pending.append((value, target, above if value[0] == "_" else target[1:-1]))
                line = f"{subject} <{predicate}> {target} .\n"
                written.lines.append(line)
                if plan.is_ruled:
                    written.ruled.append((predicate, line))
        return written

    def add_lines(self, written: Written, lines: Iterable[str]) -> None:
        """Add lines that were made, not read."""
        for line in lines:
            subject, predicate, _ = line.split(" ", 2)
            written.lines.append(line)
            written.subjects.append(subject)
            if self._runner.reads_predicate(predicate[1:-1]):
                written.ruled.append((predicate[1:-1], line))

    def _plan(self, predicate: str) -> _Plan:
        """Decide what is done with the statements of a property."""
        datatype = self._mapping.datatypes.get(predicate)
        readers = DAY_END_READERS if predicate in self._spec.day_end else READERS
        plan = self._plans[predicate] = _Plan(
            omit=_UNDEFINED if predicate.startswith(SOURCE) else self._mapping.drop.get(predicate, ""),
            read=readers[datatype] if datatype is not None else None,
            datatype=None if datatype == _STRING else datatype,
            is_part=predicate in self._spec.parts,
            is_ruled=self._runner.reads_predicate(predicate),
        )
        return plan

    def _reason_to_omit(self, plan: _Plan, value: Node) -> str:
        """Why a statement about a node is left out; empty if it is not."""
        if value in self._personal:
            return PERSONAL
        return _UNDEFINED if value.startswith(_HELD) else plan.omit

    def _refer(self, written: Written, subject: Node, predicate: str, value: Node) -> bool:
        """Put a reference in place of a link, if there should be one."""
        reference = self._parts.refer(subject, predicate, value)
        if reference is None:
            return False
        self.add_lines(written, reference)
        return True

    def _name(self, value: Node, above: str, predicate: str, whole: Collection[Node]) -> Node:
        """Return the IRI of a node."""
        if value[0] == "<":
            return value
        if value in whole:
            return self._names.name(value)
        return self._names.skolemiser.name(value, above, predicate)


def _retype(literal: str, read: Callable[[object], str | None], datatype: str | None) -> str:
    """Give a literal the datatype that the mapping wants for its property, if its text allows that."""
    text = read(read_literal(literal))
    return literal if text is None else write_literal(text, None, datatype)
