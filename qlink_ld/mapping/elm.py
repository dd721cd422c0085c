"""Maps a static ELM file to records.

Namespaces of ELM 3.0 to 3.2 become 3.3's in every position; the institution's own IRIs become the registry's; blank
nodes get IRIs; each specification takes its instances and nested nodes along. Then the common rules run.

Source: profile 0.4.0 (§2 normalisation rule, §3), DESIGN §2 and §3, QualityLink Data Exchange (static ELM files).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from pyoxigraph import BlankNode, Literal, NamedNode, RdfFormat, Triple, parse

from qlink_ld.errors import UnreadableData
from qlink_ld.mapping import batch as batches
from qlink_ld.mapping.account import Account, Counter
from qlink_ld.mapping.batch import Mapped, publishable
from qlink_ld.mapping.construct import RuleRunner
from qlink_ld.mapping.folder import MappingFolder
from qlink_ld.mapping.heads import Heads
from qlink_ld.mapping.rdf_format import check_json_depth, detect_format
from qlink_ld.mapping.records import write_run_facts
from qlink_ld.mapping.skolem import Node, Skolemiser
from qlink_ld.mapping.values import READERS
from qlink_ld.model import DataSource, Institution, Issue, Record, Refusal
from qlink_ld.namespaces import ADMS, ELM, ELM_OLD, PREFIXES, QL, RDF, SKOS, Iris
from qlink_ld.ntriples import sort_lines, write_triples

_TYPE = f"{RDF}type"
_SPECIFICATIONS = frozenset(
    (f"{QL}LearningOpportunitySpecification", f"{ELM}LearningAchievementSpecification", f"{ELM}Qualification")
)
_INSTANCES = frozenset((f"{QL}LearningOpportunityInstance", f"{ELM}LearningOpportunity"))
_INSTITUTION_IDS = (f"{QL}OrgReg", f"{QL}Schac")
_OLD_PROFILES = "http://data.europa.eu/snb/model/ap/"
_PROFILES = "http://data.europa.eu/snb/model/application-profile/"
_DRAFT = ("http://data.europa.eu/snb/model#", "https://data.europa.eu/snb/model#")
_WRONG_URN = "urn:schac:courseId:"

Description = dict[Node, list[tuple[NamedNode, "Node | Literal"]]]


def normalise_iri(iri: str) -> str:
    """Rewrite an IRI of ELM 3.0 to 3.2 to ELM 3.3; others stay. Source: profile 0.4.0, normalisation rule."""
    if not iri.startswith(("http://data.europa.eu/snb/model", "https://data.europa.eu/snb/model")):
        return iri
    plain = "http://" + iri.partition("://")[2]
    if plain.startswith(ELM_OLD) or plain == ELM_OLD[:-1]:
        return ELM + plain[len(ELM_OLD) :] if plain != ELM_OLD[:-1] else ELM[:-1]
    if plain.startswith(_OLD_PROFILES):
        return _PROFILES + plain[len(_OLD_PROFILES) :]
    for draft in _DRAFT:
        if iri.startswith(draft):
            return ELM + iri[len(draft) :]
    return plain if plain.startswith((ELM, _PROFILES)) else iri


def parse_rdf(body: bytes, form: RdfFormat, url: str) -> list[Triple]:
    """Parse a body; named graphs, where the serialisation has them, are read as one.

    Raises:
        UnreadableData: it is not that; the message has the line.
    """
    if form == RdfFormat.JSON_LD:
        check_json_depth(body, url)
    try:
        return [quad.triple for quad in parse(body, format=form, base_iri=url)]
    except SyntaxError as error:
        place = f":{error.lineno}" if error.lineno else ""
        hint = "correct the file, or ask its provider to"
        if "context" in str(error.msg).lower():
            hint = "remote JSON-LD contexts are never fetched: embed the context in the file"
        raise UnreadableData(f"{url}{place}: not valid {form.name}: {error.msg}; {hint}") from error
    except (ValueError, OSError) as error:
        raise UnreadableData(f"{url}: cannot be read as {form.name}: {error}") from error


def read_rdf(body: bytes, media_type: str | None, url: str) -> str:
    """Return any RDF as sorted N-Triples in the terms of ELM 3.3, with the classes of QualityLink; blank nodes stay.

    Raises:
        UnreadableData: unknown serialisation, or a syntax error.
    """
    out: list[Triple] = []
    for triple in parse_rdf(body, detect_format(body, media_type, url), url):
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


@dataclass(slots=True)
class _Graph:
    """A file's triples, by subject, and what its nodes are."""

    description: Description = field(default_factory=lambda: defaultdict(list))
    types: dict[Node, set[str]] = field(default_factory=lambda: defaultdict(set))

    def of_type(self, classes: frozenset[str]) -> list[Node]:
        return sorted((node for node, types in self.types.items() if types & classes), key=str)


class ElmMapper:
    """Maps one static ELM file. The parameters are those of `JsonMapper`."""

    def __init__(
        self, mapping: MappingFolder, institution: Institution, iris: Iris, account: Account, harvested_on: date
    ) -> None:
        self.mapping = mapping
        self.institution = institution
        self.account = account
        self._iris = iris
        self._own = NamedNode(iris.institution(institution.id))
        self._runner = RuleRunner(mapping.rules, mapping.common_rules)
        self._facts = write_run_facts(institution, iris, harvested_on, None)
        self._terms: dict[str, NamedNode] = {}
        self._counters: dict[str, Counter] = {}
        self._known_terms = frozenset(mapping.elm_terms)

    def map_file(self, body: bytes, source: DataSource, media_type: str | None, url: str) -> Iterator[list[Mapped]]:
        """Map the bytes of a file, in batches of up to `batches.SIZE` records sorted by IRI.

        Raises:
            UnreadableData: it cannot be parsed; the message has the position.
        """
        form = detect_format(body, media_type, url, source.content_type)
        triples: Sequence[Triple] = [self._normalise(triple) for triple in parse_rdf(body, form, url)]
        graph = self._describe(triples)
        graph = self._describe(self._alias(triples, graph))
        yield from self._cut(graph, url)

    # Reading -----------------------------------------------------------------------------------------------------

    def _normalise(self, triple: Triple) -> Triple:
        subject, value = triple.subject, triple.object
        return Triple(
            self._term(subject) if isinstance(subject, NamedNode) else subject,
            self._term(triple.predicate),
            self._term(value) if isinstance(value, NamedNode) else value,
        )

    def _term(self, node: NamedNode) -> NamedNode:
        found = self._terms.get(node.value)
        if found is None:
            iri = normalise_iri(node.value)
            found = self._terms[node.value] = node if iri == node.value else NamedNode(iri)
            if iri.startswith(ELM) and iri[len(ELM) :] not in self._known_terms:
                self.account.report(
                    "unknown-elm-term", "A term in ELM's namespace is not in ELM 3.3; it is kept.", value=iri
                )
            if iri != node.value and node.value.startswith((*_DRAFT, "https:")):
                self.account.report(
                    "draft-namespace", "Terms of an ELM draft are taken for those of ELM 3.3.", value=node.value
                )
        return found

    def _describe(self, triples: Iterable[Triple]) -> _Graph:
        graph = _Graph()
        for triple in triples:
            subject, value = triple.subject, triple.object
            if isinstance(subject, Triple) or isinstance(value, Triple):
                self.account.report("quoted-triple", "A quoted triple (RDF 1.2) is left out.", value=str(triple))
                continue
            graph.description[subject].append((triple.predicate, value))
            if triple.predicate.value == _TYPE and isinstance(value, NamedNode):
                graph.types[subject].add(value.value)
        for statements in graph.description.values():  # whatever their order was in the file
            statements.sort(key=lambda s: (s[0].value, "" if isinstance(s[1], BlankNode) else str(s[1])))
        return graph

    def _alias(self, triples: Sequence[Triple], graph: _Graph) -> list[Triple]:
        """Put the registry's IRI in place of every IRI that the file uses for the institution itself."""
        own = set(self.institution.same_as) | {node.value for node in self._find_own(graph)}
        own.discard(self._own.value)
        described: set[Node] = {self._own, *(NamedNode(iri) for iri in own)}
        for node in list(described):
            described |= {v for _, v in graph.description.get(node, ()) if isinstance(v, BlankNode)}
        out = []
        for triple in triples:
            subject, value = triple.subject, triple.object
            if subject in described:
                self._count(triple, "ignored", "the registry describes the institution")
                continue
            if isinstance(value, NamedNode) and value.value in own:
                out.append(Triple(subject, triple.predicate, self._own))
            else:
                out.append(triple)
        return out

    def _find_own(self, graph: _Graph) -> Iterator[NamedNode]:
        """Nodes that carry the institution's OrgReg or SCHAC identifier."""
        codes = {self.institution.id, (self.institution.schac or self.institution.id).lower()}
        for node, statements in graph.description.items():
            if not isinstance(node, NamedNode):
                continue
            for predicate, value in statements:
                if predicate.value != f"{ADMS}identifier" or isinstance(value, Literal):
                    continue
                known = {p.value: v.value for p, v in graph.description.get(value, ())}
                if known.get(f"{ELM}schemeId") in _INSTITUTION_IDS and known.get(f"{SKOS}notation") in codes:
                    yield node

    def _count(self, triple: Triple, outcome: str, reason: str = "") -> None:
        predicate = triple.predicate.value
        key = f"{outcome} {predicate} {reason}"
        counter = self._counters.get(key)
        if counter is None:
            kind = "ignored" if outcome == "ignored" else "unmapped" if outcome == "unmapped" else "mapped"
            counter = self._counters[key] = self.account.open("data", compact(predicate), kind, reason)  # type: ignore[arg-type]
        counter.add(triple.object.value if isinstance(triple.object, NamedNode | Literal) else "(a node without IRI)")

    # Cutting into records ----------------------------------------------------------------------------------------

    def _cut(self, graph: _Graph, url: str) -> Iterator[list[Mapped]]:
        specifications = graph.of_type(_SPECIFICATIONS)
        instances = [node for node in graph.of_type(_INSTANCES) if node not in set(specifications)]
        whole = set(specifications) | set(instances)
        owner = self._assign(graph, specifications, instances)
        members: dict[Node, list[Node]] = defaultdict(list)
        for instance in instances:
            members[owner.get(instance, instance)].append(instance)
        skolemiser = Skolemiser(graph.description)
        names = Heads(skolemiser, self._iris, self.institution.id, graph.description, specifications, owner)
        used: set[Node] = set()
        batch: list[Mapped] = []
        for kind in (specifications, [i for i in instances if i not in owner]):
            for iri, head in self._sort(kind, names, url, batch):
                nodes = [head, *(m for m in members.get(head, ()) if m != head)]
                try:
                    lines = self._write(graph, nodes, whole, names, used)
                except UnreadableData as error:
                    batch.append(self._refuse(iri, url, str(error)))
                    continue
                if iri.startswith(_WRONG_URN):
                    self.account.report(
                        "course-identifier-form",
                        "Course identifiers have the form urn:schac:uniqueCourseId:…; this one is kept as it is.",
                        value=iri,
                    )
                is_specification = kind is specifications
                batch.append(Record(iri, iri, lines, url, int(is_specification), len(nodes) - is_specification))
                if len(batch) >= batches.SIZE:
                    yield self._finish(batch)
                    batch = []
        if batch:
            yield self._finish(batch)
        self._report_unattached(graph, used)

    def _sort(self, heads: list[Node], names: Heads, url: str, batch: list[Mapped]) -> list[tuple[str, Node]]:
        """Return heads with their IRIs, sorted by these; those that cannot be named go to the batch as refusals."""
        named = []
        for head in heads:
            try:
                named.append((names.name(head).value, head))
            except UnreadableData as error:
                batch.append(self._refuse("(a learning opportunity without IRI)", url, str(error)))
        return sorted(named, key=lambda pair: (pair[0], str(pair[1])))

    def _assign(self, graph: _Graph, specifications: list[Node], instances: list[Node]) -> dict[Node, Node]:
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

    def _write(self, graph: _Graph, heads: list[Node], whole: set[Node], names: Heads, used: set[Node]) -> str:
        """Write the heads and all that is nested in them; other specifications and instances stay links.

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
            is_first = node not in used  # what several records hold is counted once
            used.add(node)
            for predicate, value in graph.description.get(node, ()):
                triple = Triple(node, predicate, value)
                reason = self.mapping.drop.get(predicate.value, "")
                if is_first:
                    self._count(triple, "ignored" if reason else "mapped", reason)
                if reason:
                    continue
                if isinstance(value, Literal | NamedNode):
                    target = self._retype(predicate.value, value)
                elif value in whole:
                    target = names.name(value)
                else:
                    target = names.skolemiser.name(value, above, predicate.value)
                nested = isinstance(target, NamedNode) and not isinstance(value, Literal) and value not in whole
                if nested and value in graph.description:
                    base = above if isinstance(value, BlankNode) else target.value
                    pending.append((value, target, base))  # type: ignore[arg-type]  # `nested`: both are nodes
                lines.add(f"{name} {predicate} {target} .\n")
        return "".join(sorted(lines))

    def _retype(self, predicate: str, value: NamedNode | Literal) -> NamedNode | Literal:
        """Give a literal the datatype that the mapping wants for its property, if its text allows that."""
        datatype = self.mapping.datatypes.get(predicate)
        if datatype is None or isinstance(value, NamedNode):
            return value
        text = READERS[datatype](value.value)
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
        for line in self._runner.run(wanted):
            subject = line.split(" ", 1)[0]
            if subject in owners and publishable(line):
                made[owners[subject]].append(line)
        return [
            entry
            if isinstance(entry, Refusal) or entry.iri not in made
            else Record(
                entry.iri,
                entry.key,
                sort_lines(entry.ntriples + "".join(made[entry.iri])),
                entry.position,
                entry.opportunities,
                entry.instances,
            )
            for entry in batch
        ]

    def _refuse(self, key: str, url: str, reason: str) -> Refusal:
        message = f"A record cannot be mapped: {reason}; it is refused."
        self.account.report("record-unreadable", message, record=key, position=url, severity="violation")
        return Refusal(key, url, Issue("record-unreadable", message, "violation", self.account.source, key))

    def _report_unattached(self, graph: _Graph, used: set[Node]) -> None:
        """Nodes that no learning opportunity leads to: nothing in the profile says what they are for."""
        for node, statements in graph.description.items():
            if node in used:
                continue
            for predicate, value in statements:
                self._count(Triple(node, predicate, value), "unmapped", "no learning opportunity leads to it")


def compact(iri: str) -> str:
    """Write an IRI with its prefix, for reports."""
    for prefix, namespace in PREFIXES.items():
        if iri.startswith(namespace):
            return f"{prefix}:{iri[len(namespace) :]}"
    return iri
