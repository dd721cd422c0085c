"""Describes learning opportunities of one university in ELM, as JSON-LD nodes that any serialisation is made of.

Apart from the deliberate faults (`faults.FAULTS`) every record satisfies the QualityLink profile 0.4.0.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from qlink_ld.demo.courses import SESSIONS
from qlink_ld.demo.teaching import MODIFIED, Texts
from qlink_ld.demo.universities import University
from qlink_ld.namespaces import ADMS, DCTERMS, FOAF, QL, ROV, SKOS, XSD

Node = dict[str, Any]
Mint = Callable[[str], Node]  # fragment → the beginning of a nested node: its @id, or nothing for a blank node

PREFIXES: Final = {
    "adms": ADMS,
    "dcterms": DCTERMS,
    "foaf": FOAF,
    "ql": QL,
    "rov": ROV,
    "skos": SKOS,
    "xsd": XSD,
}
COURSE, PROGRAMME = "05053c1cbe", "79343569f3"  # learning-opportunity vocabulary
_SNB: Final = "http://data.europa.eu/snb"
_AUTHORITY: Final = "http://publications.europa.eu/resource/authority"
_LANGUAGES: Final = {
    "bg": "BUL",
    "el": "ELL",
    "en": "ENG",
    "es": "SPA",
    "nl": "NLD",
    "pl": "POL",
    "ro": "RON",
    "sl": "SLV",
}
_MODES: Final = {"onsite": "9191af2ed9", "online": "920fbb3cbe", "hybrid": "c_3a90b26d"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One course or programme, as the writer needs it; `terms` counts the terms of the year that it has."""

    iri: str
    code: str
    number: int  # varies what has no column
    isced: str
    eqf: int
    points: float
    language: str
    mode: str  # onsite, online, hybrid
    titles: Texts
    descriptions: Texts
    outcomes: Sequence[Texts]
    kind: str = COURSE
    terms: int = 2


class ElmWriter:
    """Writes the entries of one university.

    Args:
        university: whose.
        terms: names of the autumn and the spring term.
        assessment: how an examination is called.
        old: in the classes of ELM 3.1, without names of their own for nested nodes; otherwise in QualityLink's.
    """

    def __init__(
        self, university: University, terms: Mapping[str, Texts], assessment: Texts, *, old: bool = False
    ) -> None:
        self.university = university
        self.terms = terms
        self.assessment = assessment
        self.old = old

    def write(self, entry: Entry) -> list[Node]:
        """Return a specification and its instances."""
        mint = self._mint(entry.iri)
        terms = SESSIONS[: entry.terms]
        instances = [f"{entry.iri}/instances/2026-{term[0]}" for term in terms]
        outcomes = [
            {
                **mint("outcome" if number == 0 else f"outcome-{number + 1}"),
                "@type": "elm:LearningOutcome",
                "dcterms:title": _texts(texts),
            }
            for number, texts in enumerate(entry.outcomes)
        ]
        specification: Node = {
            "@id": entry.iri,
            "@type": "elm:LearningAchievementSpecification" if self.old else "ql:LearningOpportunitySpecification",
            "adms:identifier": _identifier(mint("identifier"), entry.code),
            "dcterms:title": _texts(entry.titles),
            "dcterms:description": _texts(entry.descriptions),
            "dcterms:type": concept("learning-opportunity", entry.kind),
            "elm:learningOutcome": outcomes,
            "dcterms:language": _language(entry.language),
            "elm:ISCEDFCode": concept("isced-f", entry.isced),
            "elm:EQFLevel": concept("eqf", str(entry.eqf)),
            "dcterms:publisher": {"@id": self.university.organisation_iri},
            "elm:creditPoint": {
                **mint("credit"),
                "@type": "elm:CreditPoint",
                "elm:framework": concept("education-credit", "6fcec5c5af"),
                "elm:point": f"{entry.points:g}",
            },
            "elm:volumeOfLearning": typed("duration", f"PT{25 * entry.points:g}H".replace(".5H", "H30M")),
            "elm:provenBy": {
                **mint("assessment"),
                "@type": "elm:LearningAssessmentSpecification",
                "dcterms:title": _texts(self.assessment),
                "dcterms:type": concept("assessment", "6e6cb2cc78"),
            },
            "foaf:homepage": _web_resource(mint("homepage"), entry.iri),
            "ql:isActive": True,
            "dcterms:modified": typed("dateTime", MODIFIED),
            "elm:learningOpportunity": [{"@id": instance} for instance in instances],
        }
        return [
            specification,
            *(self._instance(entry, instance, term) for instance, term in zip(instances, terms, strict=True)),
        ]

    def institution(self) -> Node:
        """Return the description of the university."""
        university = self.university
        mint = _named(f"{university.website}/")
        identifiers = [
            {
                **mint(scheme.lower()),
                "@type": f"ql:{scheme}Identifier",
                "elm:schemeId": {"@id": f"ql:{scheme}"},
                "skos:notation": code,
            }
            for scheme, code in (("Schac", university.schac), ("OrgReg", university.id))
        ]
        return {
            "@id": university.organisation_iri,
            "@type": "ql:HigherEducationInstitution",
            "adms:identifier": identifiers,
            "rov:legalName": _texts(university.names),
            "skos:altLabel": {"@value": university.short_name, "@language": "en"},
            "foaf:homepage": _web_resource(mint("homepage"), f"{university.website}/"),
            "elm:location": self._location(mint),
        }

    def reference(self, iri: str, code: str) -> Node:
        """Return a reference to a course of the same university: known by provider and code only."""
        reference = f"{iri}#part-{code}"
        return {
            "@id": reference,
            "@type": "ql:LearningOpportunitySpecificationReference",
            "elm:providedBy": {"@id": self.university.organisation_iri},
            "adms:identifier": _identifier({"@id": f"{reference}-identifier"}, code),
        }

    def _instance(self, entry: Entry, iri: str, term: tuple[str, ...]) -> Node:
        key, start, end, _, deadline = term
        mint = self._mint(iri)
        return {
            "@id": iri,
            "@type": "elm:LearningOpportunity" if self.old else "ql:LearningOpportunityInstance",
            "elm:learningAchievementSpecification": {"@id": entry.iri},
            "elm:providedBy": {"@id": self.university.organisation_iri},
            "elm:defaultLanguage": _language(entry.language),
            "adms:identifier": _identifier(mint("identifier"), f"{entry.code}-{start[:4]}-{key}"),
            "elm:mode": concept("learning-assessment", _MODES[entry.mode]),
            "dcterms:temporal": {
                **mint("period"),
                "@type": "dcterms:PeriodOfTime",
                "elm:startDate": typed("dateTime", f"{start}T00:00:00"),
                "elm:endDate": typed("dateTime", f"{end}T23:59:59"),
                "skos:prefLabel": _texts(self.terms[key]),
            },
            "elm:applicationDeadline": typed("dateTime", f"{deadline}T23:59:59"),
            "elm:location": self._location(mint),
            "ql:enrolmentCapacity": typed("nonNegativeInteger", str(20 + 10 * (entry.number % 6))),
            "ql:enrolledLearnerCount": typed("nonNegativeInteger", str(2 * entry.number % 20)),
        }

    def _location(self, mint: Mint) -> Node:
        university = self.university
        country = {"@id": f"{_AUTHORITY}/country/{university.country}"}
        return {
            **mint("place"),
            "@type": "dcterms:Location",
            "elm:geographicName": {"@value": university.city, "@language": university.languages[0]},
            "elm:address": {**mint("address"), "@type": "elm:Address", "elm:countryCode": country},
        }

    def _mint(self, iri: str) -> Mint:
        return _blank if self.old else _named(iri)


def _blank(_fragment: str) -> Node:
    return {}


def _named(iri: str) -> Mint:
    return lambda fragment: {"@id": f"{iri}#{fragment}"}


def _identifier(begun: Node, code: str) -> Node:
    return {**begun, "@type": "elm:Identifier", "skos:notation": code, "elm:schemeName": "course code"}


def _web_resource(begun: Node, url: str) -> Node:
    return {**begun, "@type": "elm:WebResource", "elm:contentUrl": typed("anyURI", url)}


def _texts(versions: Texts) -> list[Node]:
    return [{"@value": text, "@language": language} for language, text in versions.items() if text]


def concept(scheme: str, code: str) -> Node:
    """Return a concept of a vocabulary that ELM uses."""
    return {"@id": f"{_SNB}/{scheme}/{code}"}


def _language(language: str) -> Node:
    return {"@id": f"{_AUTHORITY}/language/{_LANGUAGES[language]}"}


def typed(datatype: str, text: str) -> Node:
    """Return a literal of an XSD datatype."""
    return {"@value": text, "@type": f"xsd:{datatype}"}
