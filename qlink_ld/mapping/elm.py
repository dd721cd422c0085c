"""Maps a static ELM file to records.

Namespaces of ELM 3.0 to 3.2 become 3.3's in every position; the institution's own IRIs become the registry's; blank
nodes get IRIs; each specification takes its instances and nested nodes along, and refers to other specifications. Then
the common rules run. Whatever else is in the file is told, and what it says of persons is not read.

Source: profile 0.4.0 (§2 normalisation rule, §3), DESIGN §2 and §3, QualityLink Data Exchange (static ELM files; T-08,
personal data).
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date

from pyoxigraph import BlankNode, Literal, NamedNode, Triple

from qlink_ld.errors import UnreadableData
from qlink_ld.mapping import batch as batches
from qlink_ld.mapping.account import Account, Counter, Outcome
from qlink_ld.mapping.batch import Mapped, publishable
from qlink_ld.mapping.collector import collector_paused
from qlink_ld.mapping.construct import RuleRunner
from qlink_ld.mapping.folder import MappingFolder, load_mapping
from qlink_ld.mapping.graph_document import find_rooted_name, write_json_ld
from qlink_ld.mapping.heads import Heads
from qlink_ld.mapping.own_nodes import AGENTS, OwnNodes
from qlink_ld.mapping.part_references import REFERENCES, PartReferences
from qlink_ld.mapping.rdf_format import unpack
from qlink_ld.mapping.rdf_forms import Former, compact, normalise_iri
from qlink_ld.mapping.rdf_graph import Graph, describe
from qlink_ld.mapping.rdf_reader import Reading, read_triples
from qlink_ld.mapping.rdf_spec import read_rdf_spec
from qlink_ld.mapping.records import write_run_facts
from qlink_ld.mapping.skolem import Node, Skolemiser
from qlink_ld.mapping.values import DAY_END_READERS, READERS
from qlink_ld.model import DataSource, Institution, Issue, Record, Refusal
from qlink_ld.namespaces import ELM, ISSUE, QL, RDF, ROV, SKOS, SOURCE, Iris
from qlink_ld.ntriples import read_literal, sort_lines, write_triples
from qlink_ld.vocabularies import known_concepts

__all__ = ["ElmMapper", "compact", "normalise_iri", "read_rdf"]

_TYPE = f"{RDF}type"
_ISSUE = f"<{ISSUE}"
_SPECIFICATIONS = frozenset(
    (f"{QL}LearningOpportunitySpecification", f"{ELM}LearningAchievementSpecification", f"{ELM}Qualification")
)
_INSTANCES = frozenset((f"{QL}LearningOpportunityInstance", f"{ELM}LearningOpportunity"))
_SCHEME = frozenset((f"{SKOS}ConceptScheme",))
_NAMES = frozenset((f"{ROV}legalName", f"{SKOS}prefLabel"))
_NONE: frozenset[str] = frozenset()
_WRONG_URN = "urn:schac:courseId:"
_UNREAD = "no learning opportunity leads to it"
_UNDEFINED = "no JSON-LD context defines it"
_PERSONAL = "personal data, which is never read"


def read_rdf(body: bytes, media_type: str | None, url: str) -> str:
    """Return any RDF as sorted N-Triples in the terms of ELM 3.3, with the classes of QualityLink; blank nodes stay.

    XML that is a graph (see `graph_document`) is RDF as well.

    Raises:
        UnreadableData: unknown serialisation, or a syntax error.
    """
    out: list[Triple] = []
    body = unpack(body, url)
    if name := find_rooted_name(body):
        body, media_type = write_json_ld(body, load_mapping(name), Account("document"), url), "application/ld+json"
    spec = read_rdf_spec(load_mapping("elm").folder)
    for triple in read_triples(body, media_type, url, spec).triples:
        subject, value = triple.subject, triple.object
        if isinstance(subject, NamedNode):
            subject = NamedNode(normalise_iri(subject.value))
        if isinstance(value, NamedNode):
            value = NamedNode(normalise_iri(value.value))
        predicate = NamedNode(normalise_iri(triple.predicate.value))
        out.append(Triple(subject, predicate, value))
        if predicate.value == _TYPE and isinstance(value, NamedNode):
            kind = (
                "Specification" if value.value in _SPECIFICATIONS else "Instance" if value.value in _INSTANCES else ""
            )
            if kind:
                out.append(Triple(subject, predicate, NamedNode(f"{QL}LearningOpportunity{kind}")))
    return write_triples(out)


class ElmMapper:
    """Maps one static ELM file. The parameters are those of `JsonMapper`."""

    def __init__(
        self, mapping: MappingFolder, institution: Institution, iris: Iris, account: Account, harvested_on: date
    ) -> None:
        self.mapping = mapping
        self.institution = institution
        self.account = account
        self._spec = read_rdf_spec(mapping.folder)
        self._iris = iris
        self._own = NamedNode(iris.institution(institution.id))
        self._runner = RuleRunner(mapping.rules, mapping.common_rules)
        self._facts = write_run_facts(institution, iris, harvested_on, None)
        self._counters: dict[tuple[str, Outcome, str], Counter] = {}
        self._made: set[BlankNode] = set()
        self._personal: set[Node] = set()
        self._about_own: set[Node] = set()  # what the file's description of the institution leads to

    def map_file(self, body: bytes, source: DataSource, media_type: str | None, url: str) -> Iterator[list[Mapped]]:
        """Map the bytes of a file, in batches of up to `batches.SIZE` records sorted by IRI.

        Raises:
            UnreadableData: it cannot be parsed; the message has the position.
        """
        with collector_paused():
            reading = read_triples(body, media_type, url, self._spec, source.content_type)
            refused = list(self._tell(reading, url))
            former = Former(self._spec, frozenset(self.mapping.elm_terms), self.account, source.default_language)
            triples: Sequence[Triple] = former.form(reading.triples)
            self._made = former.made
            graph = describe(self._alias(triples, describe(triples)), self.account)
        if refused:
            yield refused
        yield from self._cut(graph, url)

    # Reading -----------------------------------------------------------------------------------------------------

    def _tell(self, reading: Reading, url: str) -> Iterator[Mapped]:
        """Report what was wrong with a file; yield a refusal for each entry that could not be read."""
        for problem in reading.problems.values():
            self.account.report(problem.code, problem.message, value=problem.value, position=url)
        for predicate, value in reading.lost:
            self.account.drop("data", compact(normalise_iri(predicate)), value, "it has an IRI that is none")
        for place, reason in reading.refused:
            yield self._refuse(place, f"{url} {place}", reason)

    def _alias(self, triples: Sequence[Triple], graph: Graph) -> list[Triple]:
        """Put the registry's IRI in place of what the file calls the institution; its units speak for it."""
        finder = OwnNodes(self.institution, self._own, graph.description)
        own = finder.find()
        self._about_own = graph.reach({*own, self._own})
        units = finder.find_units({*own, self._own})
        described = {self._own, *own}
        shared = {  # such as the campus, which is the place of its courses too
            value for node, statements in graph.description.items() if node not in described for _, value in statements
        }
        for node in list(described):
            described |= {v for _, v in graph.description.get(node, ()) if isinstance(v, BlankNode) and v not in shared}
        out = []
        for triple in triples:
            subject, value = triple.subject, triple.object
            if subject in described:
                self._count(triple.predicate.value, value, "ignored", "the registry describes the institution")
            elif subject in units:
                reason = "the registry describes the institution, not its units"
                self._count(triple.predicate.value, value, "ignored", reason)
            elif value in own:
                out.append(Triple(subject, triple.predicate, self._own))
            elif value in units and triple.predicate.value in AGENTS:
                out.append(Triple(subject, triple.predicate, self._own))
                names = [v for p, v in graph.description[value] if p.value in _NAMES]  # type: ignore[index]  # in `units`: a node
                out += self._note(subject, names)  # type: ignore[arg-type]  # no quoted triple, see `describe`
            else:
                out.append(triple)
        return out

    def _note(self, subject: Node, names: list[Node | Literal]) -> list[Triple]:
        """Return a note with the name of the unit, if it has one."""
        if not names:
            return []
        note = BlankNode()
        self._made.add(note)
        return [
            Triple(subject, NamedNode(f"{ELM}additionalNote"), note),
            Triple(note, NamedNode(_TYPE), NamedNode(f"{ELM}Note")),
            *(Triple(note, NamedNode(f"{ELM}noteLiteral"), name) for name in names),
        ]

    def _count(
        self, predicate: str, value: object, outcome: Outcome, reason: str = "", *, example: str | None = None
    ) -> None:
        counter = self._counters.get((predicate, outcome, reason))
        if counter is None:
            counter = self.account.open("data", compact(predicate), outcome, reason)
            self._counters[predicate, outcome, reason] = counter
        if counter.count:  # the first value is the example
            counter.count += 1
            return
        text = value.value if isinstance(value, NamedNode | Literal) else "(a node without IRI)"
        counter.add(text if example is None else example)

    # Cutting into records ----------------------------------------------------------------------------------------

    def _cut(self, graph: Graph, url: str) -> Iterator[list[Mapped]]:
        specifications = graph.of_type(_SPECIFICATIONS)
        whole = set(specifications)
        instances = [node for node in graph.of_type(_INSTANCES) if node not in whole]
        whole.update(instances)
        owner = self._assign(graph, specifications, instances)
        self._personal = self._find_personal(graph)
        members: dict[Node, list[Node]] = defaultdict(list)
        for instance in instances:
            members[owner.get(instance, instance)].append(instance)
        skolemiser = Skolemiser(graph.description)
        names = Heads(skolemiser, self._iris, self.institution.id, graph.description, specifications, owner)
        parts = PartReferences(self.institution, self._own, names, graph.description, specifications, self.account)
        used: set[Node] = set()
        batch: list[Mapped] = []
        for kind in (specifications, [i for i in instances if i not in owner]):
            for iri, head in self._sort(kind, names, url, batch):
                nodes = [head, *(m for m in members.get(head, ()) if m != head)]
                is_specification = kind is specifications
                try:
                    lines = self._write(graph, nodes, whole, names, parts, used)
                    if is_specification:
                        lines |= set(parts.identify(head, names.name(head)))
                except UnreadableData as error:
                    batch.append(self._refuse(iri, url, str(error)))
                    continue
                if iri.startswith(_WRONG_URN):
                    self.account.report(
                        "course-identifier-form",
                        "Course identifiers have the form urn:schac:uniqueCourseId:…; this one is kept as it is.",
                        value=iri,
                    )
                text = "".join(sorted(lines))
                batch.append(Record(iri, iri, text, url, int(is_specification), len(nodes) - is_specification))
                if len(batch) >= batches.SIZE:
                    yield self._finish(batch)
                    batch = []
        if batch:
            yield self._finish(batch)
        self._report_unattached(graph, used)

    def _find_personal(self, graph: Graph) -> set[Node]:
        """Nodes that say something of a person, by their class or by what leads to them."""
        found: set[Node] = set(graph.of_type(self._spec.personal))
        for statements in graph.description.values():
            found |= {
                value
                for predicate, value in statements
                if predicate.value in self._spec.personal_values and not isinstance(value, Literal)
            }
        return found

    def _sort(self, heads: list[Node], names: Heads, url: str, batch: list[Mapped]) -> list[tuple[str, Node]]:
        """Return heads with their IRIs, sorted by these; those that cannot be named go to the batch as refusals."""
        named = []
        for head in heads:
            try:
                named.append((names.name(head).value, head))
            except UnreadableData as error:
                batch.append(self._refuse("(a learning opportunity without IRI)", url, str(error)))
        return sorted(named, key=lambda pair: (pair[0], str(pair[1])))

    def _assign(self, graph: Graph, specifications: list[Node], instances: list[Node]) -> dict[Node, Node]:
        """Which specification each instance belongs to; instances of specifications that the file lacks are alone."""
        known, kinds = set(specifications), set(instances)
        owner: dict[Node, Node] = {}
        for instance in instances:
            for predicate, value in sorted(graph.description[instance], key=str):
                if predicate.value == f"{ELM}learningAchievementSpecification" and value in known:
                    owner.setdefault(instance, value)  # type: ignore[arg-type]  # in `known`, so no literal
        for specification in specifications:
            for predicate, value in graph.description[specification]:
                if predicate.value == f"{ELM}learningOpportunity" and value in kinds:
                    owner.setdefault(value, specification)  # type: ignore[arg-type]  # in `kinds`, so no literal
        return owner

    def _write(
        self, graph: Graph, heads: list[Node], whole: set[Node], names: Heads, parts: PartReferences, used: set[Node]
    ) -> set[str]:
        """Write the heads and all that is nested in them; other specifications and instances stay links or references.

        A blank node is named below the nearest node with an IRI that leads to it: what describes a university is the
        same in each of its courses.
        """
        lines: set[str] = set()
        first = names.name(heads[0]).value
        pending = [(head, names.name(head), first) for head in heads]
        seen: set[tuple[Node, str]] = set()
        while pending:
            node, name, above = pending.pop()
            if (node, name.value) in seen:
                continue
            seen.add((node, name.value))
            is_first = node not in used and node not in self._made  # what several records hold is counted once
            used.add(node)
            if graph.types.get(node, _NONE) & REFERENCES:
                lines |= set(parts.complete(node, str(name)))
            subject = str(name)
            for property_, value in graph.description.get(node, ()):
                predicate = property_.value
                reason = self._reason_to_omit(predicate, value)
                if is_first:
                    outcome: Outcome = ("unmapped" if reason == _UNDEFINED else "ignored") if reason else "mapped"
                    example = "(not shown)" if reason == _PERSONAL else None
                    self._count(predicate, value, outcome, reason, example=example)
                if reason:
                    continue
                if predicate in self._spec.parts and not isinstance(value, Literal) and node in heads:
                    reference = parts.refer(name, predicate, value)
                    if reference is not None:
                        lines.update(reference)
                        continue
                if isinstance(value, Literal | NamedNode):
                    target = self._retype(predicate, value)
                elif value in whole:
                    target = names.name(value)
                else:
                    target = names.skolemiser.name(value, above, predicate)
                nested = not isinstance(value, Literal) and value in graph.description and value not in whole
                if nested and isinstance(target, NamedNode) and target.value not in known_concepts():
                    base = above if isinstance(value, BlankNode) else target.value
                    pending.append((value, target, base))  # type: ignore[arg-type]  # `nested`: both are nodes
                lines.add(f"{subject} <{predicate}> {target} .\n")
        return lines

    def _reason_to_omit(self, predicate: str, value: Node | Literal) -> str:
        """Why a statement is left out; empty if it is not."""
        if not isinstance(value, Literal):
            if value in self._personal:
                return _PERSONAL
            if value.value.startswith(SOURCE):
                return _UNDEFINED
        return _UNDEFINED if predicate.startswith(SOURCE) else self.mapping.drop.get(predicate, "")

    def _retype(self, predicate: str, value: NamedNode | Literal) -> NamedNode | Literal:
        """Give a literal the datatype that the mapping wants for its property, if its text allows that."""
        datatype = self.mapping.datatypes.get(predicate)
        if datatype is None or isinstance(value, NamedNode):
            return value
        readers = DAY_END_READERS if predicate in self._spec.day_end else READERS
        text = readers[datatype](value.value)
        return value if text is None else Literal(text, datatype=NamedNode(datatype))

    def _finish(self, batch: list[Mapped]) -> list[Mapped]:
        """Run the common rules over a batch."""
        records = [entry for entry in batch if isinstance(entry, Record)]
        wanted = {predicate: list(lines) for predicate, lines in self._facts.items()}
        owners: dict[str, str] = {}
        for record in records:
            for line in record.ntriples.split("\n")[:-1]:  # not splitlines: texts hold other kinds of line ends
                subject, predicate, _ = line.split(" ", 2)
                owners.setdefault(subject, record.iri)
                if self._runner.reads_predicate(predicate[1:-1]):
                    wanted.setdefault(predicate[1:-1], []).append(f"{line}\n")
        made: dict[str, list[str]] = defaultdict(list)
        said: set[tuple[str, str, str]] = set()
        for line in self._runner.run(wanted):
            subject, predicate, value = line.split(" ", 2)
            if predicate.startswith(_ISSUE):
                said.add((owners.get(subject, ""), predicate[len(_ISSUE) : -1], read_literal(value[:-3])))
            elif subject in owners and publishable(line):
                made[owners[subject]].append(line)
        for iri, code, text in sorted(said):
            self.account.report(code, text, record=iri or None)
        return [
            entry
            if isinstance(entry, Refusal) or entry.iri not in made
            else replace(entry, ntriples=sort_lines(entry.ntriples + "".join(made[entry.iri])))
            for entry in batch
        ]

    def _refuse(self, key: str, url: str, reason: str) -> Refusal:
        message = f"A record cannot be mapped: {reason}; it is refused."
        self.account.report("record-unreadable", message, record=key, position=url, severity="violation")
        return Refusal(key, url, Issue("record-unreadable", message, "violation", self.account.source, key))

    def _report_unattached(self, graph: Graph, used: set[Node]) -> None:
        """Nodes that no learning opportunity leads to: nothing in the profile says what they are for."""
        private = graph.reach(self._personal) - used
        known = known_concepts()
        for node, statements in graph.description.items():
            if node in used:
                continue
            types = graph.types.get(node, _NONE)
            is_vocabulary = bool(types & _SCHEME) or (isinstance(node, NamedNode) and node.value in known)
            for predicate, value in statements:
                if value in self._personal:
                    self._count(predicate.value, value, "ignored", _PERSONAL, example="(not shown)")
                elif is_vocabulary:
                    self._count(predicate.value, value, "ignored", "the vocabulary describes it")
                elif node in private:
                    self._count(predicate.value, value, "ignored", _PERSONAL, example="(not shown)")
                elif node in self._about_own:
                    self._count(predicate.value, value, "ignored", "the registry describes the institution")
                else:
                    self._count(predicate.value, value, "unmapped", _UNREAD)
            hidden = is_vocabulary or node in private or node in self._about_own or node in self._made
            if not hidden:
                kinds = ", ".join(sorted(compact(kind) for kind in types)) or "no class"
                self.account.report(
                    "not-a-learning-opportunity",
                    f"Things of a class ({kinds}) that no learning opportunity leads to are left out.",
                    value=node.value if isinstance(node, NamedNode) else None,
                )
