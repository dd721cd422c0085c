"""The generated courses in ELM, as JSON-LD: courses and offerings have IRIs, what is nested in them has none."""

from typing import Any

from qlink_ld.namespaces import ADMS, DCTERMS, ELM, FOAF, QL, SKOS, XSD

Item = dict[str, Any]
PREFIXES = {"adms": ADMS, "dcterms": DCTERMS, "elm": ELM, "foaf": FOAF, "ql": QL, "skos": SKOS, "xsd": XSD}
MODIFIED = "2026-06-01T07:00:00Z"
EQF = {"associate degree": 5, "bachelor": 6, "master": 7, "doctoral": 8}
MODES = {
    "on campus": "9191af2ed9",
    "hybrid": "c_3a90b26d",
    "online": "920fbb3cbe",
    "distance-learning": "920fbb3cbe",
    "situated": "9191af2ed9",
}
_SNB = "http://data.europa.eu/snb"
_UNIVERSITY = "https://bench.example/#university"
_LANGUAGES = {"en": "ENG", "de": "DEU", "eng": "ENG", "deu": "DEU"}


def make_nodes(course: Item, offerings: list[Item]) -> list[Item]:
    """Return a course and its offerings."""
    iri = f"https://bench.example/courses/{course['courseId']}"
    codes = {"courseId": course["courseId"], "code": course["primaryCode"]["code"], "short": course["abbreviation"]}
    specification: Item = {
        "@id": iri,
        "@type": "ql:LearningOpportunitySpecification",
        "adms:identifier": [_identifier(scheme, code) for scheme, code in codes.items()],
        "dcterms:title": _texts(course["name"]),
        "dcterms:description": _texts(course["description"]),
        "dcterms:type": _concept("learning-opportunity", "05053c1cbe"),
        "dcterms:language": _language(course["teachingLanguage"]),
        "dcterms:publisher": {"@id": _UNIVERSITY},
        "dcterms:modified": {"@type": "xsd:dateTime", "@value": MODIFIED},
        "elm:EQFLevel": _concept("eqf", str(EQF.get(course["level"], 6))),
        "elm:ISCEDFCode": _concept("isced-f", course["fieldsOfStudy"]),
        "elm:creditPoint": {
            "@type": "elm:CreditPoint",
            "elm:framework": _concept("education-credit", "6fcec5c5af"),
            "elm:point": str(course["studyLoad"]["value"]),
        },
        "elm:learningOutcome": [
            {"@type": "elm:LearningOutcome", "dcterms:title": _texts(texts)} for texts in course["learningOutcomes"]
        ],
        "elm:entryRequirement": _note(course["admissionRequirements"]),
        "elm:provenBy": {
            "@type": "elm:LearningAssessmentSpecification",
            "dcterms:title": {"@language": "en", "@value": "Assessment"},
            "dcterms:description": _texts(course["assessment"]),
        },
        "foaf:homepage": {"@type": "elm:WebResource", "elm:contentUrl": _url(course["link"])},
        "ql:isActive": True,
        "elm:learningOpportunity": [{"@id": f"{iri}/{offering['offeringId']}"} for offering in offerings],
    }
    if "resources" in course:
        texts = [{"language": "und", "value": "\n".join(course["resources"])}]
        specification["elm:additionalNote"] = _note(texts)
    return [specification, *(_instance(iri, offering) for offering in offerings)]


def _instance(of: str, offering: Item) -> Item:
    return {
        "@id": f"{of}/{offering['offeringId']}",
        "@type": "ql:LearningOpportunityInstance",
        "elm:learningAchievementSpecification": {"@id": of},
        "elm:providedBy": {"@id": _UNIVERSITY},
        "elm:defaultLanguage": _language(offering["teachingLanguage"]),
        "adms:identifier": [
            _identifier("offeringId", offering["offeringId"]),
            _identifier("code", offering["primaryCode"]["code"]),
        ],
        "dcterms:title": _texts(offering["name"]),
        "dcterms:description": _texts(offering["description"]),
        "elm:mode": _concept("learning-assessment", MODES[offering["modeOfDelivery"][0]]),
        "elm:duration": {"@type": "xsd:duration", "@value": "P105D"},
        "elm:applicationDeadline": _date(offering["enrollEndDate"]),
        "dcterms:temporal": {
            "@type": "dcterms:PeriodOfTime",
            "elm:startDate": _date(offering["startDate"]),
            "elm:endDate": _date(offering["endDate"]),
        },
        "ql:enrolmentCapacity": {"@type": "xsd:nonNegativeInteger", "@value": str(offering["maxNumberStudents"])},
        "foaf:homepage": {"@type": "elm:WebResource", "elm:contentUrl": _url(offering["link"])},
    }


def _identifier(scheme: str, code: str) -> Item:
    return {"@type": "elm:Identifier", "skos:notation": code, "elm:schemeName": scheme}


def _texts(texts: list[Item]) -> list[Item]:
    return [{"@language": text["language"], "@value": text["value"]} for text in texts]


def _note(texts: list[Item]) -> Item:
    return {"@type": "elm:Note", "elm:noteLiteral": _texts(texts)}


def _language(code: str) -> Item:
    return {"@id": f"http://publications.europa.eu/resource/authority/language/{_LANGUAGES[code]}"}


def _concept(scheme: str, code: str) -> Item:
    return {"@id": f"{_SNB}/{scheme}/{code}"}


def _url(address: str) -> Item:
    return {"@type": "xsd:anyURI", "@value": address}


def _date(day: str) -> Item:
    return {"@type": "xsd:dateTime", "@value": f"{day}T00:00:00"}
