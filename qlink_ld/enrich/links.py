"""Links that one record states and another one should: parts and wholes, specifications and instances.

A course says which programme it belongs to, and the programme may say nothing, or be on another page, in another file,
at another source. When all records of an institution are settled, the other direction is added: by a reference, as the
profile wants it, with `rdfs:seeAlso` to the learning opportunity itself.

Source: profile 0.4.0 (`elm:isPartOf`, `elm:hasPart` and references; `elm:learningOpportunity` and
`elm:learningAchievementSpecification`).
"""

import re
from collections.abc import Iterator

from qlink_ld.model import Record
from qlink_ld.namespaces import ADMS, ELM, QL, RDF, RDFS, SKOS, encode_segment
from qlink_ld.ntriples import read_literal, sort_lines, write_literal

_PART = re.compile(rf"^<[^>]*> <{re.escape(ELM)}(isPartOf|hasPart)> <([^>]*)> \.$", re.MULTILINE)
_INSTANCE = re.compile(
    rf"^<([^>]*)> <{re.escape(ELM)}learningAchievementSpecification> <([^>]*)> \.$", re.MULTILINE
)  # fmt: skip
_NOTATION = re.compile(rf"^(<[^>]*>) <{re.escape(SKOS)}notation> (.*) \.$", re.MULTILINE)
_OTHER = {"isPartOf": "hasPart", "hasPart": "isPartOf"}


class LinkBook:
    """Gathers the links of an institution's records.

    Args:
        institution_iri: who provides what references stand for.
    """

    def __init__(self, institution_iri: str) -> None:
        self._institution = institution_iri
        self._codes: dict[str, str] = {}  # specification → its local code
        self._links: dict[tuple[str, str, str], None] = {}  # (record, isPartOf or hasPart, the other), in order
        self._instances: list[tuple[str, str]] = []  # instance that came alone, its specification

    def add(self, record: Record) -> None:
        """Take a record that is published."""
        text = record.ntriples
        if not record.opportunities:
            self._instances += _INSTANCE.findall(text) if record.instances else []
            return
        self._codes[record.iri] = record.key if record.key != record.iri else _find_code(record)
        if f"<{ELM}isPartOf>" in text or f"<{ELM}hasPart>" in text:
            for predicate, reference in _PART.findall(text):
                start = f"<{reference}> <{RDFS}seeAlso> <"
                place = text.find(start)
                if place >= 0:
                    other = text[place + len(start) : text.index(">", place + len(start))]
                    self._links[record.iri, predicate, other] = None

    def complete(self) -> Iterator[str]:
        """Yield the N-Triples of links whose other direction no record states: sorted lines, one link at a time."""
        for record, predicate, other in self._links:
            back = _OTHER[predicate]
            if other in self._codes and other != record and (other, back, record) not in self._links:
                yield self._refer(other, back, record)
        for instance, specification in self._instances:
            if specification in self._codes:
                yield f"<{specification}> <{ELM}learningOpportunity> <{instance}> .\n"

    def _refer(self, record: str, predicate: str, other: str) -> str:
        code = self._codes[other]
        reference = f"{record}{'/' if '#' in record else '#'}{predicate}-{encode_segment(code)}"
        return sort_lines(
            f"<{record}> <{ELM}{predicate}> <{reference}> .\n"
            f"<{reference}> <{RDF}type> <{QL}LearningOpportunitySpecificationReference> .\n"
            f"<{reference}> <{ELM}providedBy> <{self._institution}> .\n"
            f"<{reference}> <{RDFS}seeAlso> <{other}> .\n"
            f"<{reference}> <{ADMS}identifier> <{reference}-identifier> .\n"
            f"<{reference}-identifier> <{RDF}type> <{ELM}Identifier> .\n"
            f"<{reference}-identifier> <{SKOS}notation> {write_literal(code)} .\n"
        )


def _find_code(record: Record) -> str:
    """The first of a specification's codes that is no course identifier of QualityLink; its IRI if it has none."""
    identifiers = set(
        re.findall(rf"^<{re.escape(record.iri)}> <{ADMS}identifier> (<[^>]*>)", record.ntriples, re.MULTILINE)
    )
    codes = [read_literal(code) for node, code in _NOTATION.findall(record.ntriples) if node in identifiers]
    return min((code for code in codes if not code.startswith("urn:schac:")), default=record.iri)
