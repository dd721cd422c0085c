"""The controlled vocabularies (SKOS in `mappings/vocabularies/`): which concepts exist, and under which codes.

SHACL's `sh:class` looks at the data only, so a concept must be typed there to be recognised; typing only concepts that
really exist makes the same check find unknown codes (profile 0.4.0 on ELM 3.3).
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pyoxigraph import Literal, NamedNode, RdfFormat, parse

from qlink_ld.namespaces import RDF, SKOS
from qlink_ld.resources import find_resource_dir

_IRI = re.compile(r"<(http://(?:data\.europa\.eu/(?:snb|esco)/|publications\.europa\.eu/resource/)[^>]*)>")
_CONCEPT = f"<{SKOS}Concept>"


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """One concept scheme: its IRI, its concepts with labels by language, and the IRI of each notation."""

    scheme: str
    labels: dict[str, dict[str, str]]  # concept IRI → language → label
    notations: dict[str, str]  # code, exactly as the scheme writes it → concept IRI
    broader: dict[str, str]  # concept IRI → broader concept IRI


def vocabulary_files() -> list[Path]:
    """Return the SKOS files, sorted by name."""
    return sorted((find_resource_dir("mappings") / "vocabularies").glob("*.ttl"))


@lru_cache(maxsize=64)
def load_vocabulary(name: str) -> Vocabulary:
    """Read the vocabulary `name` ("isced-f", "language"…).

    Raises:
        FileNotFoundError: there is no such vocabulary.
    """
    file = find_resource_dir("mappings") / "vocabularies" / f"{name}.ttl"
    vocabulary = Vocabulary("", {}, {}, {})
    scheme = ""
    for quad in parse(path=file, format=RdfFormat.TURTLE):
        subject, predicate, value = quad.subject, quad.predicate.value, quad.object
        if not isinstance(subject, NamedNode):
            continue
        if predicate == f"{RDF}type" and isinstance(value, NamedNode) and value.value == f"{SKOS}Concept":
            vocabulary.labels.setdefault(subject.value, {})
        elif predicate == f"{RDF}type" and isinstance(value, NamedNode) and value.value == f"{SKOS}ConceptScheme":
            scheme = subject.value
        elif predicate == f"{SKOS}prefLabel" and isinstance(value, Literal):
            vocabulary.labels.setdefault(subject.value, {})[value.language or ""] = value.value
        elif predicate == f"{SKOS}notation" and isinstance(value, Literal):
            vocabulary.notations[value.value] = subject.value
        elif predicate == f"{SKOS}broader" and isinstance(value, NamedNode):
            vocabulary.broader[subject.value] = value.value
    return Vocabulary(scheme, vocabulary.labels, vocabulary.notations, vocabulary.broader)


@lru_cache(maxsize=1)
def known_concepts() -> frozenset[str]:
    """Return the IRIs of all concepts of all bundled vocabularies."""
    return frozenset(iri for file in vocabulary_files() for iri in load_vocabulary(file.stem).labels)


def concept_label(iri: str, language: str = "en") -> str | None:
    """Return the label of a known concept, or None."""
    for file in vocabulary_files():
        if labels := load_vocabulary(file.stem).labels.get(iri):
            return labels.get(language) or next(iter(labels.values()), None)
    return None


def type_concepts(*parts: str) -> str:
    """Return N-Triples that type as `skos:Concept` each known concept that the data, given in parts, mentions."""
    mentioned = {iri for part in parts for iri in _IRI.findall(part)} & known_concepts()
    return "".join(f"<{iri}> <{RDF}type> {_CONCEPT} .\n" for iri in sorted(mentioned))
