"""Maps a static ELM file to records.

Namespaces of ELM 3.0 to 3.2 become 3.3's in every position; the institution's own IRIs become the registry's; blank
nodes get IRIs; each specification takes its instances and nested nodes along, and refers to other specifications. Then
the common rules run. Whatever else is in the file is told, and what it says of persons is not read.

Source: profile 0.4.0 (§2 normalisation rule, §3), DESIGN §2 and §3, QualityLink Data Exchange (static ELM files; T-08,
personal data).
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date

from qlink_ld.errors import UnreadableData
from qlink_ld.mapping import batch as batches
from qlink_ld.mapping.account import Account
from qlink_ld.mapping.batch import OWN, Draft, Mapped, finish_draft, publishable
from qlink_ld.mapping.collector import collect_between, collector_paused
from qlink_ld.mapping.construct import RuleRunner
from qlink_ld.mapping.folder import MappingFolder, load_mapping
from qlink_ld.mapping.graph_document import find_rooted_name, write_json_ld
from qlink_ld.mapping.heads import Heads
from qlink_ld.mapping.own_nodes import AGENTS, OwnNodes
from qlink_ld.mapping.part_references import PartReferences
from qlink_ld.mapping.rdf_format import unpack
from qlink_ld.mapping.rdf_forms import Former, compact, normalise_iri
from qlink_ld.mapping.rdf_graph import Graph, describe
from qlink_ld.mapping.rdf_reader import Reading, read_triples
from qlink_ld.mapping.rdf_spec import read_rdf_spec
from qlink_ld.mapping.rdf_terms import Node, Triple, is_blank, is_iri, new_blank
from qlink_ld.mapping.rdf_uses import PERSONAL, Uses
from qlink_ld.mapping.rdf_writer import RdfBatch, RdfWriter
from qlink_ld.mapping.records import write_run_facts
from qlink_ld.mapping.skolem import Skolemiser
from qlink_ld.model import DataSource, Institution, Issue, Refusal
from qlink_ld.namespaces import ELM, ISSUE, QL, RDF, ROV, SKOS, Iris
from qlink_ld.ntriples import read_literal
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
_OF, _OFFERS = f"{ELM}learningAchievementSpecification", f"{ELM}learningOpportunity"
_WRONG_URN = "urn:schac:courseId:"
_UNREAD = "no learning opportunity leads to it"


def read_rdf(body: bytes, media_type: str | None, url: str) -> str:
    """Return any RDF as sorted N-Triples in the terms of ELM 3.3, with the classes of QualityLink; blank nodes stay.

    XML that is a graph (see `graph_document`) is RDF as well.

    Raises:
        UnreadableData: unknown serialisation, or a syntax error.
    """
    body = unpack(body, url)
    if name := find_rooted_name(body):
        body, media_type = write_json_ld(body, load_mapping(name), Account("document"), url), "application/ld+json"
    spec = read_rdf_spec(load_mapping("elm").folder)
    reading = read_triples(body, media_type, url, spec)
    lines = {f"{triple} .\n" for triple in reading.quoted}
    for subject, predicate, value in reading.triples:
        subject, predicate, value = _normalise(subject), normalise_iri(predicate), _normalise(value)  # noqa: PLW2901
        lines.add(f"{subject} <{predicate}> {value} .\n")
        if predicate == _TYPE and is_iri(value):
            kind = (
                "Specification" if value[1:-1] in _SPECIFICATIONS else "Instance" if value[1:-1] in _INSTANCES else ""
            )
            if kind:
                lines.add(f"{subject} <{_TYPE}> <{QL}LearningOpportunity{kind}> .\n")
    return "".join(sorted(lines))


def _normalise(term: str) -> str:
    return f"<{normalise_iri(term[1:-1])}>" if is_iri(term) else term


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
        self._own = f"<{iris.institution(institution.id)}>"
        self._runner = RuleRunner(mapping.rules, mapping.common_rules)
        self._facts = write_run_facts(institution, iris, harvested_on, None)
        self._uses = Uses(account)
        self._made: set[Node] = set()
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
            triples, reading.triples = reading.triples, []
            graph = describe(former.form(triples))
            del triples, reading
            self._made = former.made
            self._alias(graph)
            graph.sort()
        if refused:
            yield refused
        yield from collect_between(self._cut(graph, url))

    # Reading -----------------------------------------------------------------------------------------------------

    def _tell(self, reading: Reading, url: str) -> Iterator[Mapped]:
        """Report what was wrong with a file; yield a refusal for each entry that could not be read."""
        for problem in reading.problems.values():
            self.account.report(problem.code, problem.message, value=problem.value, position=url)
        for predicate, value in reading.lost:
            self.account.drop("data", compact(normalise_iri(predicate)), value, "it has an IRI that is none")
        for triple in reading.quoted:
            self.account.report("quoted-triple", "A quoted triple (RDF 1.2) is left out.", value=triple)
        for place, reason in reading.refused:
            yield self._refuse(place, f"{url} {place}", reason)

    def _alias(self, graph: Graph) -> None:
        """Put the registry's IRI in place of what the file calls the institution; its units speak for it."""
        finder = OwnNodes(self.institution, self._own, graph)
        own = finder.find()
        units = finder.find_units({*own, self._own})
        if not own and not units and self._own not in graph.description:
            return
        self._about_own = graph.reach({self._own, *own})
        described = self._find_described(graph, {self._own, *own})
        names = {unit: [v for p, v in graph.description.get(unit, ()) if p in _NAMES] for unit in units}
        for nodes, reason in (
            (described, "the registry describes the institution"),
            (units - described, "the registry describes the institution, not its units"),
        ):
            for node in sorted(nodes):
                for predicate, value in graph.description.get(node, ()):
                    self._uses.count(predicate, value, "ignored", reason)
                graph.remove(node)
        notes: list[Triple] = []
        renamed = own | units
        for subject, statements in graph.description.items():
            for number, (predicate, value) in enumerate(statements):
                if value not in renamed or (value not in own and predicate not in AGENTS):
                    continue
                statements[number] = (predicate, self._own)
                if value not in own:
                    notes += self._note(subject, names[value])
        graph.add(notes)

    def _find_described(self, graph: Graph, own: set[Node]) -> set[Node]:
        """Return the nodes of the institution, and those that only they lead to."""
        below = {v for node in own for _, v in graph.description.get(node, ()) if is_blank(v)}
        if not below:
            return own
        shared = {  # such as the campus, which is the place of its courses too
            value
            for node, statements in graph.description.items()
            if node not in own
            for _, value in statements
            if value in below
        }
        return own | (below - shared)

    def _note(self, subject: Node, names: list[str]) -> list[Triple]:
        """Return a note with the name of the unit, if it has one."""
        if not names:
            return []
        note = new_blank()
        self._made.add(note)
        return [
            (subject, f"{ELM}additionalNote", note),
            (note, _TYPE, f"<{ELM}Note>"),
            *((note, f"{ELM}noteLiteral", name) for name in names),
        ]

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
        writer = RdfWriter(self.mapping, self._spec, self._runner, graph, names, parts, self._uses)
        writer.leave_out(self._personal, self._made)
        batch = RdfBatch()
        for kind in (specifications, [i for i in instances if i not in owner]):
            for iri, head in self._sort(kind, names, url, batch):
                nodes = [head, *(m for m in members.get(head, ()) if m != head)]
                is_specification = kind is specifications
                try:
                    written = writer.write(nodes, whole)
                    if is_specification:
                        writer.add_lines(written, parts.identify(head, names.name(head)))
                except UnreadableData as error:
                    batch.entries.append(self._refuse(iri, url, str(error)))
                    continue
                if iri.startswith(_WRONG_URN):
                    self.account.report(
                        "course-identifier-form",
                        "Course identifiers have the form urn:schac:uniqueCourseId:…; this one is kept as it is.",
                        value=iri,
                    )
                count = len(nodes) - is_specification
                batch.add(Draft(iri, iri, url, written.lines, int(is_specification), count), written)
                if len(batch.entries) >= batches.SIZE:
                    yield self._finish(batch)
                    batch = RdfBatch()
        if batch.entries:
            yield self._finish(batch)
        self._report_unattached(graph, writer.used)

    def _find_personal(self, graph: Graph) -> set[Node]:
        """Nodes that say something of a person, by their class or by what leads to them."""
        found: set[Node] = set(graph.of_type(self._spec.personal))
        leads = self._spec.personal_values
        for statements in graph.description.values() if leads else ():
            found.update(value for predicate, value in statements if predicate in leads and value[0] != '"')
        return found

    def _sort(self, heads: list[Node], names: Heads, url: str, batch: RdfBatch) -> list[tuple[str, Node]]:
        """Return heads with their IRIs, sorted by these; those that cannot be named go to the batch as refusals."""
        named = []
        for head in heads:
            try:
                named.append((names.name(head)[1:-1], head))
            except UnreadableData as error:
                batch.entries.append(self._refuse("(a learning opportunity without IRI)", url, str(error)))
        return sorted(named)

    def _assign(self, graph: Graph, specifications: list[Node], instances: list[Node]) -> dict[Node, Node]:
        """Which specification each instance belongs to; instances of specifications that the file lacks are alone."""
        known, kinds = set(specifications), set(instances)
        owner: dict[Node, Node] = {}
        for instance in instances:
            for predicate, value in graph.description.get(instance, ()):
                if predicate == _OF and value in known:
                    owner.setdefault(instance, value)
        for specification in specifications:
            for predicate, value in graph.description.get(specification, ()):
                if predicate == _OFFERS and value in kinds:
                    owner.setdefault(value, specification)
        return owner

    def _finish(self, batch: RdfBatch) -> list[Mapped]:
        """Run the common rules over a batch."""
        wanted = batch.ruled
        for predicate, facts in self._facts.items():
            wanted.setdefault(predicate, []).extend(facts)
        said: set[tuple[str, str, str]] = set()
        for line in self._runner.run(wanted):
            subject, predicate, value = line.split(" ", 2)
            owner = batch.owners.get(subject)
            if predicate.startswith(_ISSUE):
                said.add((owner.iri if owner else "", predicate[len(_ISSUE) : -1], read_literal(value[:-3])))
            elif owner is not None and (OWN not in line or publishable(line)):
                owner.lines.append(line)
        for iri, code, text in sorted(said):
            self.account.report(code, text, record=iri or None)
        return [entry if isinstance(entry, Refusal) else finish_draft(entry) for entry in batch.entries]

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
            is_vocabulary = bool(types & _SCHEME) or (is_iri(node) and node[1:-1] in known)
            for predicate, value in statements:
                if value in self._personal:
                    self._uses.count(predicate, value, "ignored", PERSONAL)
                elif is_vocabulary:
                    self._uses.count(predicate, value, "ignored", "the vocabulary describes it")
                elif node in private:
                    self._uses.count(predicate, value, "ignored", PERSONAL)
                elif node in self._about_own:
                    self._uses.count(predicate, value, "ignored", "the registry describes the institution")
                else:
                    self._uses.count(predicate, value, "unmapped", _UNREAD)
            hidden = is_vocabulary or node in private or node in self._about_own or node in self._made
            if not hidden:
                kinds = ", ".join(sorted(compact(kind) for kind in types)) or "no class"
                self.account.report(
                    "not-a-learning-opportunity",
                    f"Things of a class ({kinds}) that no learning opportunity leads to are left out.",
                    value=node[1:-1] if is_iri(node) else None,
                )
