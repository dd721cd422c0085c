"""The namespaces that every room speaks, and the IRIs that qlink-ld mints.

Sources: European Learning Model 3.0 to 3.3 (Publications Office of the EU), QualityLink ontology 0.4.0, DESIGN §3.
"""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote

ELM: Final = "http://data.europa.eu/snb/model/ontology/"  # ELM 3.3
ELM_OLD: Final = "http://data.europa.eu/snb/model/elm/"  # ELM 3.0 to 3.2
QL: Final = "http://data.quality-link.eu/ontology/v1#"
ADMS: Final = "http://www.w3.org/ns/adms#"
DCAT: Final = "http://www.w3.org/ns/dcat#"
DCTERMS: Final = "http://purl.org/dc/terms/"
DQV: Final = "http://www.w3.org/ns/dqv#"
FOAF: Final = "http://xmlns.com/foaf/0.1/"
LOCN: Final = "http://www.w3.org/ns/locn#"
OWL: Final = "http://www.w3.org/2002/07/owl#"
PROV: Final = "http://www.w3.org/ns/prov#"
RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
RDFS: Final = "http://www.w3.org/2000/01/rdf-schema#"
ROV: Final = "http://www.w3.org/ns/regorg#"
SH: Final = "http://www.w3.org/ns/shacl#"
SKOS: Final = "http://www.w3.org/2004/02/skos/core#"
VOID: Final = "http://rdfs.org/ns/void#"
XSD: Final = "http://www.w3.org/2001/XMLSchema#"

# The holding namespace: what a mapping's context lifts for its rules only. Terms in it are never published.
SOURCE: Final = "urn:qlink-ld:source:"
# What rules say to the data steward (`?record issue:unmapped-value "…"`). Never published as data, always reported.
ISSUE: Final = "urn:qlink-ld:issue:"
# Terms of report graphs for which no vocabulary has one; documented by `validate.report_graph.describe_report_terms`.
REPORT: Final = "urn:qlink-ld:report:"

PREFIXES: Final[dict[str, str]] = {
    "adms": ADMS,
    "dcat": DCAT,
    "dcterms": DCTERMS,
    "dqv": DQV,
    "elm": ELM,
    "foaf": FOAF,
    "locn": LOCN,
    "owl": OWL,
    "prov": PROV,
    "ql": QL,
    "rdf": RDF,
    "rdfs": RDFS,
    "rov": ROV,
    "sh": SH,
    "skos": SKOS,
    "void": VOID,
    "xsd": XSD,
}


def encode_segment(text: str) -> str:
    """Percent-encode any text so that it is one path segment of an IRI (RFC 3986 §2.3: only unreserved stays)."""
    return quote(text, safe="")


@dataclass(frozen=True, slots=True)
class Iris:
    """Mints the IRIs of one deployment; `base` ends with a slash. Source: DESIGN §3."""

    base: str

    def course(self, institution: str, source_id: str) -> str:
        """The IRI of a learning opportunity that an API names `source_id`."""
        return f"{self.base}courses/{encode_segment(institution)}/{encode_segment(source_id)}"

    def institution(self, institution: str) -> str:
        """The IRI of an institution."""
        return f"{self.base}institutions/{encode_segment(institution)}"

    def alliance(self, alliance: str) -> str:
        """The IRI of an alliance."""
        return f"{self.base}alliances/{encode_segment(alliance)}"

    def institution_graph(self, institution: str) -> str:
        """The named graph that holds what is published for an institution."""
        return f"{self.base}graphs/institutions/{encode_segment(institution)}"

    def report_graph(self, institution: str) -> str:
        """The named graph that says how an institution was harvested and validated."""
        return f"{self.base}graphs/reports/{encode_segment(institution)}"

    @property
    def registry_graph(self) -> str:
        """The named graph of institutions and alliances."""
        return f"{self.base}graphs/registry"

    @property
    def vocabularies_graph(self) -> str:
        """The named graph of the controlled vocabularies (SKOS)."""
        return f"{self.base}graphs/vocabularies"

    @property
    def mappings_graph(self) -> str:
        """The named graph that says which fields of each format a property comes from."""
        return f"{self.base}graphs/mappings"

    @property
    def description_graph(self) -> str:
        """The named graph that describes the dataset (VoID, DCAT)."""
        return f"{self.base}graphs/description"


def course_urn(schac: str, source_id: str) -> str:
    """Return the QualityLink course identifier `urn:schac:uniqueCourseId:{schac}:{id}`.

    Source: QualityLink Course Identifier, main form; the domain is lower-cased and the local id percent-encoded.
    """
    return f"urn:schac:uniqueCourseId:{schac.lower()}:{encode_segment(source_id)}"


def course_did(schac: str, source_id: str) -> str:
    """Return the alternative form of a QualityLink course identifier: `did:web:{schac}:courseId:{id}`.

    Source: QualityLink Course Identifier, requirements C-06 and C-08; the DID document it resolves to is not ours.
    """
    return f"did:web:{schac.lower()}:courseId:{encode_segment(source_id)}"


# RFC 8141 §3.1: "urn" and the NID compare without letter case, the rest with it (C-07, C-09).
_COURSE_URN = re.compile(r"(?i:urn:schac):uniqueCourseId:([^:]+):(.+)", re.DOTALL)
_COURSE_DID = re.compile(r"did:web:([^:%]+):courseId:(.+)", re.DOTALL)


def read_course_identifier(text: str) -> tuple[str, str] | None:
    """Return SCHAC code and local code of a QualityLink course identifier in either form; None if it is none.

    >>> read_course_identifier("did:web:Uni-X.example:courseId:A%2F1")
    ('uni-x.example', 'A/1')

    Source: QualityLink Course Identifier, requirements C-05 to C-09; only the exact middle parts count.
    """
    found = _COURSE_URN.fullmatch(text) or _COURSE_DID.fullmatch(text)
    try:
        return (found[1].lower(), unquote(found[2], errors="strict")) if found else None
    except UnicodeDecodeError:
        return None
