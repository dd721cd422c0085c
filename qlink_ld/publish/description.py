"""The dataset's description of itself: VoID and DCAT, graph `{base}graphs/description`.

Sources: VoID (W3C Interest Group Note, 2011), DCAT 3 (W3C Recommendation, 2024), licence of the dataset: QualityLink
Data Sources and Access Policy (CC BY-NC 4.0). It only speaks of addresses that stay (`downloads/latest/…`), so that it
differs little from release to release.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from urllib.parse import unquote

from qlink_ld.namespaces import DCAT, DCTERMS, ELM, FOAF, QL, RDF, VOID, XSD
from qlink_ld.ntriples import sort_lines, write_iri, write_literal
from qlink_ld.publish.graph_file import INSTANCE, SPECIFICATION, GraphFile

LICENCE: Final = "https://creativecommons.org/licenses/by-nc/4.0/"
TITLE: Final = "Courses of European higher education as linked data"
ABSTRACT: Final = (
    "Learning opportunities of European universities and their instances in the European Learning Model (ELM 3.3), "
    "harvested from the universities' own sources, one named graph per institution."
)
_MEDIA_TYPES = "https://www.iana.org/assignments/media-types/"
_GZIP = f"{_MEDIA_TYPES}application/gzip"
_FORMATS = {".nq.gz": "application/n-quads", ".jsonld.gz": "application/ld+json"}
_FEATURES = ("Turtle", "N-Triples", "RDF_XML", "JSON-LD", "N-Quads")  # of W3C's format IRIs


def describe_dataset(
    base_iri: str,
    release_id: str,
    issued: datetime,
    modified: datetime,
    graphs: Sequence[GraphFile],
    names: Mapping[str, str],
    dump_sizes: Mapping[str, int],
) -> str:
    """Describe the dataset as sorted N-Triples.

    Args:
        base_iri: of the deployment, ends with a slash.
        release_id: the release that is described, the dataset's version.
        issued: when the first release was made (UTC).
        modified: when this one was made (UTC).
        graphs: all named graphs but the description itself.
        names: names of institutions by id.
        dump_sizes: size in bytes of each dump by its path, as `institutions/NL0028.nq.gz`; the dumps of everything
            contain this description, so that their size is not known yet and they are added without.
    """
    document = f"{base_iri}.well-known/void"
    lines = _Lines()
    dataset = f"{document}#dataset"
    lines.iris(dataset, f"{RDF}type", f"{VOID}Dataset", f"{DCAT}Dataset")
    lines.iris(document, f"{RDF}type", f"{VOID}DatasetDescription")
    lines.iris(document, f"{FOAF}primaryTopic", dataset)
    lines.text(dataset, f"{DCTERMS}title", TITLE)
    lines.text(dataset, f"{DCTERMS}description", ABSTRACT)
    lines.iris(dataset, f"{DCTERMS}license", LICENCE)
    lines.value(dataset, f"{DCTERMS}issued", issued.strftime("%Y-%m-%dT%H:%M:%SZ"), "dateTime")
    lines.value(dataset, f"{DCTERMS}modified", modified.strftime("%Y-%m-%dT%H:%M:%SZ"), "dateTime")
    lines.add(dataset, f"{DCAT}version", write_literal(release_id))
    lines.iris(dataset, f"{FOAF}homepage", base_iri)
    lines.iris(dataset, f"{DCAT}landingPage", base_iri)
    lines.iris(dataset, f"{VOID}sparqlEndpoint", f"{base_iri}sparql")
    lines.iris(dataset, f"{VOID}vocabulary", ELM, QL, DCTERMS)
    lines.iris(dataset, f"{VOID}feature", *(f"http://www.w3.org/ns/formats/{name}" for name in _FEATURES))
    lines.add(dataset, f"{VOID}uriSpace", write_literal(f"{base_iri}courses/"))
    _add_service(lines, f"{document}#sparql", dataset, base_iri)
    _add_counts(lines, dataset, document, graphs)
    for suffix in _FORMATS:
        _add_distribution(lines, dataset, base_iri, f"all{suffix}", None)
    for graph in graphs:
        _add_subset(lines, dataset, base_iri, graph, names)
    for name, size_bytes in dump_sizes.items():
        _add_distribution(lines, _graph_of(name, base_iri), base_iri, name, size_bytes)
    return sort_lines("".join(lines))


class _Lines(list[str]):
    """N-Triples lines being written."""

    def add(self, subject: str, predicate: str, term: str) -> None:
        """Add one triple, whose object is a term already written."""
        self.append(f"<{subject}> <{predicate}> {term} .\n")

    def iris(self, subject: str, predicate: str, *objects: str) -> None:
        """Add triples whose objects are IRIs."""
        for iri in objects:
            self.add(subject, predicate, write_iri(iri))

    def text(self, subject: str, predicate: str, text: str, language: str = "en") -> None:
        """Add a text in a language."""
        self.add(subject, predicate, write_literal(text, language))

    def value(self, subject: str, predicate: str, value: object, datatype: str = "integer") -> None:
        """Add a value of an XSD datatype."""
        self.add(subject, predicate, write_literal(str(value), datatype=f"{XSD}{datatype}"))


def _add_service(lines: _Lines, service: str, dataset: str, base_iri: str) -> None:
    lines.iris(service, f"{RDF}type", f"{DCAT}DataService")
    lines.text(service, f"{DCTERMS}title", "SPARQL endpoint")
    lines.iris(service, f"{DCAT}endpointURL", f"{base_iri}sparql")
    lines.iris(service, f"{DCAT}servesDataset", dataset)
    lines.iris(service, f"{DCTERMS}conformsTo", "http://www.w3.org/TR/sparql11-protocol/")


def _add_counts(lines: _Lines, dataset: str, prefix: str, graphs: Sequence[GraphFile]) -> None:
    """Say how many triples and how many learning opportunities and instances a dataset has."""
    lines.value(dataset, f"{VOID}triples", sum(graph.triples for graph in graphs))
    counts = {
        SPECIFICATION: sum(graph.specifications for graph in graphs),
        INSTANCE: sum(graph.instances for graph in graphs),
    }
    lines.value(dataset, f"{VOID}entities", sum(counts.values()))
    for class_iri, count in counts.items():
        partition = f"{prefix}#{class_iri.removeprefix(QL)}"
        lines.iris(dataset, f"{VOID}classPartition", partition)
        lines.iris(partition, f"{VOID}class", class_iri)
        lines.value(partition, f"{VOID}entities", count)


def _add_subset(lines: _Lines, dataset: str, base_iri: str, graph: GraphFile, names: Mapping[str, str]) -> None:
    """Describe a named graph: institutions' graphs with their entities, others with their size."""
    iri = graph.graph
    lines.iris(dataset, f"{VOID}subset", iri)
    lines.iris(iri, f"{RDF}type", f"{VOID}Dataset")
    institutions = f"{base_iri}graphs/institutions/"
    if not iri.startswith(institutions):
        lines.value(iri, f"{VOID}triples", graph.triples)
        return
    lines.iris(iri, f"{RDF}type", f"{DCAT}Dataset")
    segment = iri.removeprefix(institutions)
    lines.iris(iri, f"{DCTERMS}subject", f"{base_iri}institutions/{segment}")
    lines.iris(iri, f"{DCTERMS}license", LICENCE)
    identifier = unquote(segment)
    lines.add(iri, f"{DCTERMS}title", write_literal(names.get(identifier, identifier)))
    _add_counts(lines, iri, iri, [graph])


def _add_distribution(lines: _Lines, dataset: str, base_iri: str, name: str, size_bytes: int | None) -> None:
    url = f"{base_iri}downloads/latest/{name}"
    lines.iris(dataset, f"{DCAT}distribution", f"{url}#distribution")
    lines.iris(dataset, f"{VOID}dataDump", url)
    distribution = f"{url}#distribution"
    lines.iris(distribution, f"{RDF}type", f"{DCAT}Distribution")
    lines.add(distribution, f"{DCTERMS}title", write_literal(name))
    lines.iris(distribution, f"{DCAT}downloadURL", url)
    lines.iris(distribution, f"{DCAT}accessURL", f"{base_iri}downloads/")
    lines.iris(distribution, f"{DCTERMS}license", LICENCE)
    lines.iris(distribution, f"{DCAT}compressFormat", _GZIP)
    media_type = next(media_type for suffix, media_type in _FORMATS.items() if name.endswith(suffix))
    lines.iris(distribution, f"{DCAT}mediaType", f"{_MEDIA_TYPES}{media_type}")
    if size_bytes is not None:
        lines.value(distribution, f"{DCAT}byteSize", size_bytes, "nonNegativeInteger")


def _graph_of(name: str, base_iri: str) -> str:
    suffix = next(suffix for suffix in _FORMATS if name.endswith(suffix))
    return f"{base_iri}graphs/{name.removesuffix(suffix)}"
