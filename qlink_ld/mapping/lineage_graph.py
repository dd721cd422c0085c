"""The lineages of a mapping as RDF, for the graph `{base}graphs/mappings`: which field and file a property comes from.

Each lineage is a `prov:Derivation`: of the property `rdf:predicate`, on nodes of the class `lineage:onClass`, from the
field `prov:entity`, as the file `dcterms:source` says. So SPARQL can ask where a property comes from in a format, and
what becomes of a field. Terms of our own are described by `describe_lineage_terms`.
"""

import hashlib
from typing import Final

from qlink_ld.mapping.lineage import Lineage, Lineages
from qlink_ld.namespaces import DCTERMS, PROV, RDF, RDFS, REPORT, SKOS, Iris, encode_segment
from qlink_ld.ntriples import sort_lines, write_iri, write_literal

_TERMS: Final[dict[str, tuple[str, str, str]]] = {
    "Lineage": (f"{RDFS}Class", "lineage", "One way in which a property gets its values from a format."),
    "onClass": (f"{RDF}Property", "on class", "A class of the nodes that have the property this way."),
    "how": (
        f"{RDF}Property",
        "how",
        "What says so: context (JSON-LD), rule (SPARQL), folder (mapping.toml), configuration, kept (RDF), or ignored.",
    ),
    "condition": (f"{RDF}Property", "condition", "A field that only decides whether there is a value, by its own."),
    "mapping": (f"{RDF}Property", "mapping", "The mapping that a lineage, a field or a file belongs to."),
}


def describe_lineages(lineages: Lineages, iris: Iris) -> str:
    """Return the lineages of a mapping as sorted N-Triples without blank nodes.

    The field of a kept statement of RDF is its predicate.
    """
    base = f"{iris.mappings_graph}#{encode_segment(lineages.mapping.name)}"
    lines: list[str] = []

    def state(subject: str, predicate: str, *terms: str) -> None:
        lines.extend(f"<{subject}> <{predicate}> {term} .\n" for term in terms)

    state(base, f"{RDF}type", write_iri(f"{PROV}Plan"))
    state(base, f"{DCTERMS}identifier", write_literal(lineages.mapping.name))
    state(base, f"{DCTERMS}title", write_literal(lineages.mapping.title, "en"))
    for entry in lineages.entries:
        node = f"{base}-{_digest(entry)}"
        file = f"{iris.mappings_graph}#file-{encode_segment(entry.file)}"
        state(node, f"{RDF}type", write_iri(f"{PROV}Derivation"), write_iri(f"{REPORT}Lineage"))
        state(node, f"{REPORT}mapping", write_iri(base))
        state(node, f"{REPORT}how", write_literal(entry.how))
        state(node, f"{DCTERMS}source", write_iri(file))
        state(node, f"{REPORT}onClass", *map(write_iri, entry.classes))
        state(file, f"{RDF}type", write_iri(f"{PROV}Entity"))
        state(file, f"{RDFS}label", write_literal(f"mappings/{entry.file}"))
        if entry.property:
            state(node, f"{RDF}predicate", write_iri(entry.property))
        if entry.reason:
            state(node, f"{DCTERMS}description", write_literal(entry.reason, "en"))
        if entry.field:
            field = f"{base}-field-{encode_segment(entry.field)}"
            state(node, f"{REPORT}condition" if entry.condition else f"{PROV}entity", write_iri(field))
            state(field, f"{RDF}type", write_iri(f"{PROV}Entity"))
            state(field, f"{RDFS}label", write_literal(entry.field))
            state(field, f"{REPORT}mapping", write_iri(base))
            if entry.property and not entry.condition:
                state(entry.property, f"{PROV}wasDerivedFrom", write_iri(field))
    return sort_lines("".join(lines))


def describe_lineage_terms() -> str:
    """Return, as sorted N-Triples, what the terms of our own in lineages mean."""
    lines = [
        f"<{REPORT}{name}> <{predicate}> {term} .\n"
        for name, (kind, label, definition) in _TERMS.items()
        for predicate, term in (
            (f"{RDF}type", write_iri(kind)),
            (f"{RDFS}label", write_literal(label, "en")),
            (f"{SKOS}definition", write_literal(definition, "en")),
        )
    ]
    return sort_lines("".join(lines))


def _digest(entry: Lineage) -> str:
    content = "\n".join((entry.property, entry.field, entry.how, entry.file, *entry.classes, str(entry.condition)))
    return hashlib.sha256(content.encode()).hexdigest()[:16]
