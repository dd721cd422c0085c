"""What belongs to one thing's description? Its own statements, those of its nested nodes, and a course's instances."""

from collections.abc import Iterable, Mapping

from pyoxigraph import DefaultGraph, Literal, NamedNode, RdfFormat, Store, Triple, serialize

from qlink_ld.namespaces import ELM, FOAF, PREFIXES, QL, RDF, SKOS
from qlink_ld.serve.datatypes import restore_datatypes
from qlink_ld.serve.elm_versions import OLD, Profile, to_old_triples
from qlink_ld.serve.formats import JSONLD, NTRIPLES, RDFXML, TURTLE, Format

_RDF_FORMATS = {
    TURTLE: RdfFormat.TURTLE,
    NTRIPLES: RdfFormat.N_TRIPLES,
    JSONLD: RdfFormat.JSON_LD,
    RDFXML: RdfFormat.RDF_XML,
}
_MAX_NODES = 5000  # a course has tens; this bounds what a strange source can make of one
_TYPE = NamedNode(f"{RDF}type")
_MEMBERSHIP = NamedNode(f"{QL}isMemberOf")
SPECIFICATION = f"{QL}LearningOpportunitySpecification"
INSTANCE = f"{QL}LearningOpportunityInstance"
INSTITUTION = f"{QL}HigherEducationInstitution"
ALLIANCE = f"{QL}EuropeanUniversityAlliance"
# A node of one of these types is a thing of its own: a description links to it and ends there.
_OWN_PAGE = frozenset(
    (
        SPECIFICATION,
        INSTANCE,
        INSTITUTION,
        ALLIANCE,
        f"{QL}GroupOfHEIs",
        f"{ELM}LearningAchievementSpecification",
        f"{ELM}LearningOpportunity",
        f"{ELM}Qualification",
        f"{ELM}Organisation",
        f"{ELM}Group",
        f"{SKOS}Concept",
        f"{SKOS}ConceptScheme",
    )
)

Values = dict[str, list[NamedNode | Literal]]


class Description:
    """The statements about one thing, by subject and predicate; order is that of the store, repetitions are gone."""

    def __init__(self, iri: str, triples: list[Triple], graphs: tuple[str, ...] = ()) -> None:
        self.iri = iri
        self.triples = triples
        self.graphs = graphs  # that speak of the thing itself
        self.subjects: dict[str, Values] = {}
        for triple in triples:
            if isinstance(triple.subject, NamedNode) and isinstance(triple.object, NamedNode | Literal):
                values = self.subjects.setdefault(triple.subject.value, {})
                values.setdefault(triple.predicate.value, []).append(triple.object)

    def __bool__(self) -> bool:
        return bool(self.triples)

    def values(self, subject: str, *path: str) -> list[NamedNode | Literal]:
        """Return the values at the end of a path of predicates."""
        found: list[NamedNode | Literal] = [NamedNode(subject)]
        for predicate in path:
            found = [
                value
                for node in found
                if isinstance(node, NamedNode)
                for value in self.subjects.get(node.value, {}).get(predicate, [])
            ]
        return found

    def literals(self, subject: str, *path: str) -> list[Literal]:
        """Return the literals at the end of a path."""
        return [value for value in self.values(subject, *path) if isinstance(value, Literal)]

    def iris(self, subject: str, *path: str) -> list[str]:
        """Return the IRIs at the end of a path."""
        return [value.value for value in self.values(subject, *path) if isinstance(value, NamedNode)]

    def types(self, subject: str | None = None) -> set[str]:
        """Return the types of a node; of the thing itself if none is given."""
        return set(self.iris(self.iri if subject is None else subject, f"{RDF}type"))

    def serialize(self, form: Format, profile: Profile) -> bytes:
        """Write it as RDF in the ELM version that the reader asked for."""
        old = profile is OLD
        triples = list(restore_datatypes(self.triples))
        triples = list(to_old_triples(triples)) if old else triples
        prefixes = used_prefixes(triples, {**PREFIXES, "elm": profile.elm})
        return serialize(triples, format=_RDF_FORMATS[form], prefixes=prefixes) or b""


def describe(store: Store, iri: str, hidden_graphs: tuple[str, ...] = ()) -> Description:
    """Collect the statements about a thing.

    Followed are nested nodes (`{iri}#…`), nodes of helper classes under any IRI, the instances of a specification and
    the references to members, and of a course its institution; not other courses and concepts: those have pages of
    their own.

    Args:
        store: the release's store.
        iri: an absolute IRI.
        hidden_graphs: prefixes of graph IRIs whose statements are not about the thing itself (reports).
    """
    try:
        root = NamedNode(iri)
    except ValueError:
        return Description(iri, [])
    found: dict[Triple, None] = {}
    graphs: set[str] = set()
    todo, seen = [root], {root}
    while todo and len(seen) < _MAX_NODES:
        subject = todo.pop(0)
        own: list[Triple] = []
        for quad in store.quads_for_pattern(subject, None, None, None):
            graph = quad.graph_name
            if not isinstance(graph, DefaultGraph) and graph.value.startswith(hidden_graphs):
                continue
            own.append(quad.triple)
            if subject == root and not isinstance(graph, DefaultGraph):
                graphs.add(graph.value)
        if not _belongs(root, subject, own, found):
            continue
        for triple in sorted(own, key=str):
            if triple.predicate == _MEMBERSHIP and subject != root:
                continue  # the institution's alliances are on its own page
            found.setdefault(triple)
            value = triple.object
            if isinstance(value, NamedNode) and value not in seen and triple.predicate != _TYPE:
                seen.add(value)
                todo.append(value)
    return Description(iri, list(found), tuple(sorted(graphs)))


def _belongs(root: NamedNode, node: NamedNode, own: list[Triple], found: dict[Triple, None]) -> bool:
    if node == root or node.value.startswith(f"{root.value}#"):
        return True
    types = {t.object.value for t in own if t.predicate == _TYPE and isinstance(t.object, NamedNode)}
    if INSTITUTION in types:  # who offers it: without this a course does not conform by itself
        return (
            Triple(root, _TYPE, NamedNode(SPECIFICATION)) in found or Triple(root, _TYPE, NamedNode(INSTANCE)) in found
        )
    if INSTANCE in types or f"{ELM}LearningOpportunity" in types:
        return Triple(root, NamedNode(f"{ELM}learningOpportunity"), node) in found
    return bool(own) and not types & _OWN_PAGE


def is_described(store: Store, iri: str) -> bool:
    """True if any statement is about this IRI."""
    try:
        node = NamedNode(iri)
    except ValueError:
        return False
    return next(iter(store.quads_for_pattern(node, None, None, None)), None) is not None


def used_prefixes(triples: Iterable[Triple], prefixes: Mapping[str, str]) -> dict[str, str]:
    """Return the prefixes that are of use for these triples."""
    iris = {
        term.value if isinstance(term, NamedNode) else term.datatype.value
        for triple in triples
        for term in (triple.subject, triple.predicate, triple.object)
        if isinstance(term, NamedNode | Literal)
    }
    return {prefix: iri for prefix, iri in prefixes.items() if any(used.startswith(iri) for used in iris)}


def find_labels(store: Store, iri: str) -> list[Literal]:
    """Return the names of a concept, an institution or a course: SKOS labels, legal names, titles, names."""
    found: list[Literal] = []
    try:
        node = NamedNode(iri)
    except ValueError:
        return found
    for predicate in _LABELS:
        for quad in store.quads_for_pattern(node, predicate, None, None):
            if isinstance(quad.object, Literal) and quad.object not in found:
                found.append(quad.object)
        if found:
            break
    return found


_LABELS = tuple(
    NamedNode(iri)
    for iri in (
        "http://purl.org/dc/terms/title",
        f"{SKOS}prefLabel",
        "http://www.w3.org/ns/regorg#legalName",
        f"{FOAF}name",
        "http://www.w3.org/2000/01/rdf-schema#label",
    )
)
