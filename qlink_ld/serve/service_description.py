"""What can this endpoint do, and which graphs does it have? SPARQL 1.1 Service Description, as triples."""

from pyoxigraph import Literal, NamedNode, Triple

from qlink_ld.namespaces import RDF, VOID, XSD
from qlink_ld.serve.release import OpenRelease

SD = "http://www.w3.org/ns/sparql-service-description#"
_FORMATS = "http://www.w3.org/ns/formats/"


def describe_service(release: OpenRelease, base: str) -> list[Triple]:
    """Return the description of `{base}sparql`. Its nodes have IRIs with fragments, so that it has no blank nodes."""
    service = f"{base}sparql"
    triples: list[Triple] = []

    def add(subject: str, predicate: str, value: NamedNode | Literal) -> None:
        triples.append(Triple(NamedNode(subject), NamedNode(predicate), value))

    dataset, default = f"{service}#dataset", f"{service}#default-graph"
    add(service, f"{RDF}type", NamedNode(f"{SD}Service"))
    add(service, f"{SD}endpoint", NamedNode(service))
    add(service, f"{SD}supportedLanguage", NamedNode(f"{SD}SPARQL11Query"))
    add(service, f"{SD}feature", NamedNode(f"{SD}UnionDefaultGraph"))
    for name in (
        *("SPARQL_Results_JSON", "SPARQL_Results_XML", "SPARQL_Results_CSV", "SPARQL_Results_TSV"),
        *("Turtle", "N-Triples", "JSON-LD", "RDF_XML"),
    ):
        add(service, f"{SD}resultFormat", NamedNode(_FORMATS + name))
    add(service, f"{SD}defaultDataset", NamedNode(dataset))
    add(service, f"{SD}availableGraphs", NamedNode(dataset))
    add(dataset, f"{RDF}type", NamedNode(f"{SD}Dataset"))
    add(dataset, f"{RDF}type", NamedNode(f"{SD}GraphCollection"))
    add(dataset, f"{SD}defaultGraph", NamedNode(default))
    add(default, f"{RDF}type", NamedNode(f"{SD}Graph"))
    if isinstance(quads := release.info.get("quads"), int):
        add(default, f"{VOID}triples", Literal(str(quads), datatype=NamedNode(f"{XSD}integer")))
    for number, (iri, entry) in enumerate(release.graphs.items(), 1):
        named, graph = f"{service}#named-graph-{number}", f"{service}#graph-{number}"
        add(dataset, f"{SD}namedGraph", NamedNode(named))
        add(named, f"{RDF}type", NamedNode(f"{SD}NamedGraph"))
        add(named, f"{SD}name", NamedNode(iri))
        add(named, f"{SD}graph", NamedNode(graph))
        add(graph, f"{RDF}type", NamedNode(f"{SD}Graph"))
        if isinstance(count := entry.get("triples"), int):
            add(graph, f"{VOID}triples", Literal(str(count), datatype=NamedNode(f"{XSD}integer")))
    return triples
