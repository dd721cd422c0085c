"""Makes the ELM files of the University of Thalassia: one in ELM 3.3 (Turtle), one in ELM 3.1 (JSON-LD, blank nodes).

Apart from the deliberate faults (`faults.FAULTS`) every record satisfies the QualityLink profile 0.4.0.
"""

import io
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from pyoxigraph import RdfFormat, parse, serialize

from qlink_ld.demo.courses import SESSIONS
from qlink_ld.demo.texts import read_data
from qlink_ld.demo.universities import NORDHAIN, THALASSIA
from qlink_ld.namespaces import ADMS, DCTERMS, ELM, ELM_OLD, FOAF, QL, ROV, SKOS, XSD

Node = dict[str, Any]
Mint = Callable[[str], Node]  # fragment → the beginning of a nested node: its @id, or nothing for a blank node

MODIFIED: Final = "2026-08-20T09:30:00Z"
_SNB: Final = "http://data.europa.eu/snb"
_AUTHORITY: Final = "http://publications.europa.eu/resource/authority"
_LANGUAGES: Final = {
    "bg": "BUL",
    "el": "ELL",
    "en": "ENG",
    "es": "SPA",
    "nl": "NLD",
    "pl": "POL",
    "sl": "SLV",
}
_MODES: Final = {"onsite": "9191af2ed9", "online": "920fbb3cbe", "hybrid": "c_3a90b26d"}
_COURSE, _PROGRAMME = "05053c1cbe", "79343569f3"  # learning-opportunity vocabulary
_TERMS: Final = {
    "autumn": {"el": "Χειμερινό εξάμηνο 2026-27", "en": "Autumn term 2026/27"},
    "spring": {"el": "Εαρινό εξάμηνο 2026-27", "en": "Spring term 2027"},
}
_EXAMINATION: Final = {"el": "Γραπτή εξέταση", "en": "Written examination"}
_PREFIXES: Final = {
    "adms": ADMS,
    "dcterms": DCTERMS,
    "foaf": FOAF,
    "ql": QL,
    "rov": ROV,
    "skos": SKOS,
    "xsd": XSD,
}
# Courses with a fault each, in the columns of `thalassia.json`; `make_turtle` puts the fault in.
_FAULTY: Final[tuple[list[Any], ...]] = (
    [
        "DEMO-NO-EQF", "0511", 6, 5, "el", "onsite",
        ["Παρατήρηση πουλιών", "Bird Watching"],
        ["Μετανάστευση και φωλιές στους υγροτόπους του νησιού.", "Migration and nests in the wetlands of the island."],
        ["Οι φοιτητές αναγνωρίζουν τα πουλιά του νησιού.", "Students recognise the birds of the island."],
    ],
    [
        "DEMO-DATE", "0541", 6, 5, "el", "hybrid",
        ["Μαθηματικά της ναυσιπλοΐας", "Mathematics of Navigation"],
        ["Σφαιρική τριγωνομετρία από τον αστρολάβο ως τον δορυφόρο.",
         "Spherical trigonometry, from astrolabe to satellite."],
        ["Οι φοιτητές υπολογίζουν θέση και πορεία.", "Students calculate position and course."],
    ],
    [
        "DEMO-FOREIGN", "0612", 7, 6, "en", "online",
        ["Συνδεδεμένα ανοικτά δεδομένα", "Linked Open Data"],
        ["Μάθημα που προσφέρει άλλο πανεπιστήμιο της συμμαχίας.",
         "A course that another university of the alliance offers."],
        ["Οι φοιτητές δημοσιεύουν ένα σύνολο δεδομένων.", "Students publish a data set."],
    ],
)  # fmt: skip


def make_turtle() -> bytes:
    """Return the courses and programmes in ELM 3.3, Turtle, with the description of the institution."""
    data = read_data("thalassia.json")
    graph = [_institution()]
    for number, row in enumerate([*data["courses"], *_FAULTY]):
        graph += _course(number, row, "courses", _COURSE)
    for number, row in enumerate(data["programs"]):
        specification, *instances = _course(number, row, "programmes", _PROGRAMME)
        specification["elm:hasPart"] = [_reference(specification["@id"], code) for code in row[9]]
        graph += [specification, *instances]
    for node in graph:
        _spoil(node)
    document = {"@context": {**_PREFIXES, "elm": ELM}, "@graph": graph}
    triples = [quad.triple for quad in parse(json.dumps(document), format=RdfFormat.JSON_LD)]
    triples.sort(key=lambda triple: str(triple.subject))  # what is said of a node stands together
    output = io.BytesIO()
    serialize(triples, output, format=RdfFormat.TURTLE, prefixes={**_PREFIXES, "elm": ELM})
    return output.getvalue()


def make_json_ld() -> bytes:
    """Return the courses of the language centre in ELM 3.1, JSON-LD, nested nodes blank."""
    graph: list[Node] = []
    for number, (code, language, titles, descriptions, outcomes) in enumerate(
        read_data("thalassia-languages.json")["courses"]
    ):
        versions = [dict(zip((language, "en"), texts, strict=True)) for texts in (titles, descriptions, outcomes)]
        iri = f"{THALASSIA.website}/language-centre/{code}"
        graph += _learning_opportunity(
            number, iri, code, "0231", 6, 4, language, "onsite", versions, _COURSE, _blank, old=True
        )
    document = {"@context": {**_PREFIXES, "elm": ELM_OLD}, "@graph": graph}
    return json.dumps(document, ensure_ascii=False, indent=1).encode()


def _blank(_fragment: str) -> Node:
    return {}


def _named(iri: str) -> Mint:
    return lambda fragment: {"@id": f"{iri}#{fragment}"}


def _course(number: int, row: list[Any], folder: str, kind: str) -> list[Node]:
    code, isced, eqf, points, language, mode, titles, descriptions, outcomes = row[:9]
    versions = [dict(zip(("el", "en"), texts, strict=True)) for texts in (titles, descriptions, outcomes)]
    iri = f"{THALASSIA.website}/{folder}/{code}"
    return _learning_opportunity(number, iri, code, isced, eqf, points, language, mode, versions, kind, _named(iri))


def _learning_opportunity(  # one row of a table
    number: int,
    iri: str,
    code: str,
    isced: str,
    eqf: int,
    points: float,
    language: str,
    mode: str,
    versions: list[dict[str, str]],
    kind: str,
    mint: Mint,
    *,
    old: bool = False,
) -> list[Node]:
    """Return a specification and its instances; programmes and every third course have one, others two."""
    titles, descriptions, outcomes = versions
    terms = SESSIONS[:1] if kind == _PROGRAMME or number % 3 == 0 else SESSIONS
    instances = [f"{iri}/instances/2026-{term[0]}" for term in terms]
    specification: Node = {
        "@id": iri,
        "@type": "elm:LearningAchievementSpecification" if old else "ql:LearningOpportunitySpecification",
        "adms:identifier": _identifier(mint("identifier"), code),
        "dcterms:title": _texts(titles),
        "dcterms:description": _texts(descriptions),
        "dcterms:type": _concept("learning-opportunity", kind),
        "elm:learningOutcome": {
            **mint("outcome"),
            "@type": "elm:LearningOutcome",
            "dcterms:title": _texts(outcomes),
        },
        "dcterms:language": _language(language),
        "elm:ISCEDFCode": _concept("isced-f", isced),
        "elm:EQFLevel": _concept("eqf", str(eqf)),
        "dcterms:publisher": {"@id": THALASSIA.organisation_iri},
        "elm:creditPoint": {
            **mint("credit"),
            "@type": "elm:CreditPoint",
            "elm:framework": _concept("education-credit", "6fcec5c5af"),
            "elm:point": f"{points:g}",
        },
        "elm:volumeOfLearning": _typed("duration", f"PT{25 * points:g}H".replace(".5H", "H30M")),
        "elm:provenBy": {
            **mint("assessment"),
            "@type": "elm:LearningAssessmentSpecification",
            "dcterms:title": _texts(_EXAMINATION),
            "dcterms:type": _concept("assessment", "6e6cb2cc78"),
        },
        "foaf:homepage": _web_resource(mint("homepage"), iri),
        "ql:isActive": True,
        "dcterms:modified": _typed("dateTime", MODIFIED),
        "elm:learningOpportunity": [{"@id": instance} for instance in instances],
    }
    return [
        specification,
        *(
            _instance(
                number, instance, code, language, mode, term, iri, _blank if mint is _blank else _named(instance), old
            )
            for instance, term in zip(instances, terms, strict=True)
        ),
    ]


def _instance(
    number: int, iri: str, code: str, language: str, mode: str, term: tuple[str, ...], of: str, mint: Mint, old: bool
) -> Node:
    key, start, end, _, deadline = term
    return {
        "@id": iri,
        "@type": "elm:LearningOpportunity" if old else "ql:LearningOpportunityInstance",
        "elm:learningAchievementSpecification": {"@id": of},
        "elm:providedBy": {"@id": THALASSIA.organisation_iri},
        "elm:defaultLanguage": _language(language),
        "adms:identifier": _identifier(mint("identifier"), f"{code}-{start[:4]}-{key}"),
        "elm:mode": _concept("learning-assessment", _MODES[mode]),
        "dcterms:temporal": {
            **mint("period"),
            "@type": "dcterms:PeriodOfTime",
            "elm:startDate": _typed("dateTime", f"{start}T00:00:00"),
            "elm:endDate": _typed("dateTime", f"{end}T23:59:59"),
            "skos:prefLabel": _texts(_TERMS[key]),
        },
        "elm:applicationDeadline": _typed("dateTime", f"{deadline}T23:59:59"),
        "elm:location": _location(mint),
        "ql:enrolmentCapacity": _typed("nonNegativeInteger", str(20 + 10 * (number % 6))),
        "ql:enrolledLearnerCount": _typed("nonNegativeInteger", str(2 * number % 20)),
    }


def _institution() -> Node:
    iri = THALASSIA.organisation_iri
    mint = _named(f"{THALASSIA.website}/")
    identifiers = [
        {
            **mint(scheme.lower()),
            "@type": f"ql:{scheme}Identifier",
            "elm:schemeId": {"@id": f"ql:{scheme}"},
            "skos:notation": code,
        }
        for scheme, code in (("Schac", THALASSIA.schac), ("OrgReg", THALASSIA.id))
    ]
    return {
        "@id": iri,
        "@type": "ql:HigherEducationInstitution",
        "adms:identifier": identifiers,
        "rov:legalName": _texts(dict(THALASSIA.names)),
        "skos:altLabel": {"@value": THALASSIA.short_name, "@language": "en"},
        "foaf:homepage": _web_resource(mint("homepage"), f"{THALASSIA.website}/"),
        "elm:location": _location(mint),
    }


def _reference(iri: str, code: str) -> Node:
    """Return a reference to a course of the same university: known by provider and code only."""
    reference = f"{iri}#part-{code}"
    return {
        "@id": reference,
        "@type": "ql:LearningOpportunitySpecificationReference",
        "elm:providedBy": {"@id": THALASSIA.organisation_iri},
        "adms:identifier": _identifier({"@id": f"{reference}-identifier"}, code),
    }


def _spoil(node: Node) -> None:
    """Put the fault into the specification that is to have it."""
    code = node["@id"].rpartition("/")[2]
    if code == "DEMO-NO-EQF":
        del node["elm:EQFLevel"]
    elif code == "DEMO-DATE":
        node["dcterms:modified"] = _typed("date", "2026-05-04")
    elif code == "DEMO-FOREIGN":
        node["dcterms:publisher"] = {"@id": NORDHAIN.organisation_iri}


def _identifier(begun: Node, code: str) -> Node:
    return {**begun, "@type": "elm:Identifier", "skos:notation": code, "elm:schemeName": "course code"}


def _web_resource(begun: Node, url: str) -> Node:
    return {**begun, "@type": "elm:WebResource", "elm:contentUrl": _typed("anyURI", url)}


def _location(mint: Mint) -> Node:
    country = {"@id": f"{_AUTHORITY}/country/{THALASSIA.country}"}
    return {
        **mint("place"),
        "@type": "dcterms:Location",
        "elm:geographicName": {"@value": THALASSIA.city, "@language": "el"},
        "elm:address": {**mint("address"), "@type": "elm:Address", "elm:countryCode": country},
    }


def _texts(versions: dict[str, str]) -> list[Node]:
    return [{"@value": text, "@language": language} for language, text in _present(versions.items())]


def _present(versions: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    return ((language, text) for language, text in versions if text)


def _concept(scheme: str, code: str) -> Node:
    return {"@id": f"{_SNB}/{scheme}/{code}"}


def _language(language: str) -> Node:
    return {"@id": f"{_AUTHORITY}/language/{_LANGUAGES[language]}"}


def _typed(datatype: str, text: str) -> Node:
    return {"@value": text, "@type": f"xsd:{datatype}"}
