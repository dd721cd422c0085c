"""Does each record conform? Batches of records go through the engine in one call, results come back to their records.

What SHACL must see besides the records is added here: types of known concepts (profile 0.4.0: an unknown code is then a
class violation), subclass axioms, and what the caller gives of the institution and the registry.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from qlink_ld.model import Record, Result, Verdict
from qlink_ld.namespaces import ELM, QL, RDF, SKOS
from qlink_ld.validate.engine import ShaclEngine, sort_results
from qlink_ld.validate.shape_files import subclass_axioms
from qlink_ld.vocabularies import type_concepts

_TYPE = f"<{RDF}type>"
_SUBJECTS = re.compile(r"^(\S+) ", re.MULTILINE)
_OBJECT_IRIS = re.compile(r" (<[^>\"]*>) \.$", re.MULTILINE)
_TYPE_LINES = re.compile(rf"^(<[^>]*>) {re.escape(_TYPE)} (<[^>]*>) \.$", re.MULTILINE)
# ESCO has some 14,000 skills, which are not bundled: an IRI of that form is taken for one.
_ESCO_SKILL = re.compile(r"<http://data\.europa\.eu/esco/skill/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}>")
_INSTANCE_OF = re.compile(rf"^(\S+) <{re.escape(ELM)}learningAchievementSpecification> (<[^>]*>) \.$", re.MULTILINE)

_TOGETHER = 100  # records in one call of the engine: more do not fit the processor's caches and are slower

# What records say of one another: the classes that the profile asks for at the other end of such a link.
_LINKED_CLASSES = frozenset(
    f"<{name}>"
    for name in (
        f"{QL}LearningOpportunitySpecification",
        f"{QL}LearningOpportunityInstance",
        f"{QL}LearningOpportunitySpecificationReference",
        f"{QL}LearningOpportunityInstanceReference",
        f"{ELM}LearningAchievementSpecification",
        f"{ELM}LearningOpportunity",
        f"{ELM}Qualification",
    )
)


class RecordValidator:
    """Judges records of one institution with one engine. Not for several threads at once.

    Args:
        engine: what checks.
        context: N-Triples that describe the institution and what else the registry knows. Results about these nodes
            belong to no record: see `context_results`.
    """

    def __init__(self, engine: ShaclEngine, context: str) -> None:
        self._engine = engine
        self._context = add_context(context)
        # What is wrong with the context by itself is nobody else's fault, even where a record repeats it.
        self._context_results = frozenset(engine.validate(self._context))
        self._context_subjects = frozenset(_SUBJECTS.findall(self._context))

    @property
    def context_results(self) -> tuple[Result, ...]:
        """What is wrong with the institution's own description; it refuses no record."""
        return sort_results(self._context_results)

    def judge(self, records: Sequence[Record], known: Mapping[str, str] | None = None) -> list[Verdict]:
        """Validate a batch of records.

        A result belongs to each record that describes its focus node. A violation anywhere in a record refuses the
        whole record: the learning opportunity with all its instances, so that no published link points to nothing.

        Args:
            records: the batch.
            known: types of nodes in other batches to which these records may point, as `collect_types` makes them.
                Those nodes themselves are not judged here.

        Returns:
            One verdict per record, in order.

        Raises:
            ValidationError: the engine failed.
        """
        verdicts: list[Verdict] = []
        for start in range(0, len(records), _TOGETHER):
            verdicts += self._judge_together(records[start : start + _TOGETHER], known)
        return verdicts

    def _judge_together(self, records: Sequence[Record], known: Mapping[str, str] | None) -> list[Verdict]:
        texts = [record.ntriples for record in records]
        outside = _select_known("".join(texts), known) if known else {}
        # One copy of the batch, not several: much of the time here is moving text.
        data = "".join((*texts, self._context, type_concepts(*texts), _type_skills(*texts), *outside.values()))
        results = self._engine.validate(data)
        if not results:
            return [Verdict(record) for record in records]
        results = tuple(result for result in results if result not in self._context_results)
        focus_nodes = {result.focus_node for result in results} - outside.keys()
        owners = _find_owners(records, focus_nodes, self._context_subjects)
        by_record: dict[int, list[Result]] = defaultdict(list)
        for result in results:
            for index in owners.get(result.focus_node, ()):
                by_record[index].append(replace(result, record=records[index].iri))
        return [Verdict(record, tuple(by_record.get(index, ()))) for index, record in enumerate(records)]


def collect_types(records: Iterable[Record]) -> dict[str, str]:
    """Return which nodes of these records others may point to, with their types.

    Returns:
        IRI in N-Triples syntax → N-Triples lines with its types: learning opportunities, instances, references.
    """
    types: dict[str, str] = {}
    for record in records:
        for subject, kind in _TYPE_LINES.findall(record.ntriples):
            if kind in _LINKED_CLASSES:
                types[subject] = f"{types.get(subject, '')}{subject} {_TYPE} {kind} .\n"
    return types


def refuse_orphans(verdicts: Iterable[Verdict], refused: frozenset[str] | set[str]) -> list[Verdict]:
    """Refuse instances whose learning opportunity is in another record that was refused (DESIGN §5).

    Args:
        verdicts: of instances that travel apart from their learning opportunity (`Record.opportunities` is 0).
        refused: IRIs of the learning opportunities that were refused, as of `Record.iri`.

    Returns:
        The verdicts, those of orphans with a violation more.
    """
    judged = []
    for verdict in verdicts:
        orphaned = tuple(
            Result(
                focus_node=instance,
                path=f"<{ELM}learningAchievementSpecification>",
                component="ClassConstraintComponent",
                severity="violation",
                value=specification,
                message="The learning opportunity of this offering was refused. Correct that one first; its results "
                "are in the same report (elm:learningAchievementSpecification).",
                shape="<urn:qlink-ld:shapes:LearningOpportunityInstance-specification-kind>",
                record=verdict.record.iri,
            )
            for instance, specification in _INSTANCE_OF.findall(verdict.record.ntriples)
            if specification[1:-1] in refused
        )
        judged.append(Verdict(verdict.record, sort_results(verdict.results + orphaned)) if orphaned else verdict)
    return judged


def validate_data(ntriples: str, engine: ShaclEngine) -> tuple[Result, ...]:
    """Validate any RDF, given as N-Triples, with the same context as records but without an institution's.

    Results about a blank node name in `Result.record` the nearest node with an IRI that leads to it.

    Raises:
        ValidationError: the data is not N-Triples, or the engine failed.
    """
    results = engine.validate(add_context(ntriples))
    blank = {result.focus_node for result in results if result.focus_node.startswith("_:")}
    if not blank:
        return results
    owners = _find_named_owners(ntriples, blank)
    return tuple(replace(r, record=owners[r.focus_node]) if r.focus_node in owners else r for r in results)


def add_context(ntriples: str) -> str:
    """Return the data with types of the known concepts that it mentions and with the subclass axioms."""
    return "".join((ntriples, type_concepts(ntriples), _type_skills(ntriples), subclass_axioms()))


def _type_skills(*parts: str) -> str:
    skills = {skill for part in parts if "/esco/skill/" in part for skill in _ESCO_SKILL.findall(part)}
    return "".join(f"{skill} {_TYPE} <{SKOS}Concept> .\n" for skill in sorted(skills))


def _select_known(batch: str, known: Mapping[str, str]) -> dict[str, str]:
    """Return the types of those outside nodes to which the batch points and which it does not describe."""
    mentioned = set(_OBJECT_IRIS.findall(batch)) & known.keys()
    return {node: known[node] for node in mentioned.difference(_SUBJECTS.findall(batch))} if mentioned else {}


def _find_owners(
    records: Sequence[Record], focus_nodes: set[str], context_subjects: frozenset[str]
) -> dict[str, list[int]]:
    """Return for each focus node the indexes of the records that describe it.

    A node that nobody describes (a value that `sh:targetObjectsOf` made a focus node) belongs to those that mention it.
    """
    owners: dict[str, list[int]] = defaultdict(list)
    for index, record in enumerate(records):
        for subject in focus_nodes.intersection(_SUBJECTS.findall(record.ntriples)):
            owners[subject].append(index)
    for node in focus_nodes - owners.keys() - context_subjects:
        mention = f" {node} .\n"
        owners[node] = [index for index, record in enumerate(records) if mention in record.ntriples]
    return owners


def _find_named_owners(ntriples: str, blank_nodes: set[str]) -> dict[str, str]:
    """Return for each blank node the IRI of a named node from which links lead to it."""
    parents: dict[str, str] = {}
    for line in ntriples.split("\n"):
        subject, _, rest = line.partition(" ")
        target = rest.removesuffix(" .").rpartition(" ")[2]
        if target.startswith("_:") and target not in parents:
            parents[target] = subject
    owners: dict[str, str] = {}
    for node in blank_nodes:
        seen = {node}
        current = parents.get(node)
        while current is not None and current.startswith("_:") and current not in seen:
            seen.add(current)
            current = parents.get(current)
        if current is not None and current.startswith("<"):
            owners[node] = current[1:-1]
    return owners
