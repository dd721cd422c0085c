"""Renders what a university teaches as OEAPI 6.0 objects.

Every object is valid against the official OpenAPI document of OEAPI 6.0. Learning outcomes are a resource of their own
that courses and programmes name by id; those that several share are there once.
"""

from typing import Final

from qlink_ld.demo.catalogue import StoredCatalogue
from qlink_ld.demo.courses import Item, make_id, parse_id
from qlink_ld.demo.ooapi_server import Edition
from qlink_ld.demo.teaching import Offering, Opportunity, Teaching, Texts
from qlink_ld.demo.texts import load_texts

_ID_FIELDS: Final = {  # collection → the field that is its key
    "courses": "courseId",
    "programmes": "programmeId",
    "course-offerings": "courseOfferingId",
    "programme-offerings": "programmeOfferingId",
    "organisations": "organisationId",
    "academic-sessions": "academicSessionId",
    "learning-outcomes": "learningOutcomeId",
}
OEAPI_6: Final = Edition(
    "/oeapi/v6",
    "https://openonderwijsapi.nl/v6.0/",
    _ID_FIELDS,
    {
        "supportedConsumers": [{"consumerKey": "x-aurelia", "version": "1.0"}],
        "supportedOperations": [
            {"verbs": ["GET"], "path": f"/{path}"}
            for name in _ID_FIELDS
            for path in (() if name.endswith("offerings") else (name,)) + (f"{name}/{{{_ID_FIELDS[name]}}}",)
        ]
        + [
            {"verbs": ["GET"], "path": path}
            for path in (
                "/courses/{courseId}/course-offerings",
                "/programmes/{programmeId}/programme-offerings",
                "/programmes/{programmeId}/courses",
            )
        ],
    },
)
_OUTCOME: Final = 7  # kind of ids
_MODES: Final = {
    "on campus": "presential",
    "hybrid": "blended",
    "online": "online",
    "distance-learning": "online",
    "situated": "work_based",
}
_DEGREES: Final = {"bachelor": "bachelor", "master": "master", "doctoral": "doctoral"}
_LOCAL_TIME: Final = "+02:00"  # of summer, as the servers of the demo write all their times


def render_oeapi(teaching: Teaching) -> StoredCatalogue:
    """Return everything as OEAPI 6.0 objects."""
    outcomes = _Outcomes(teaching)
    courses = [_opportunity(teaching, course, outcomes) for course in teaching.courses]
    programmes = [_opportunity(teaching, programme, outcomes) for programme in teaching.programmes]
    by_id = {course["courseId"]: course for course in courses}
    children: dict[tuple[str, str, str], list[Item]] = {}
    for course in teaching.courses:
        children["courses", course.id, "course-offerings"] = _offerings(teaching, course, "courseOfferingId")
    for programme in teaching.programmes:
        offerings = _offerings(teaching, programme, "programmeOfferingId")
        children["programmes", programme.id, "programme-offerings"] = offerings
        parts = [by_id[course.id] for course in teaching.parts_of(programme)]
        children["programmes", programme.id, "courses"] = parts
    collections = {
        "courses": courses,
        "programmes": programmes,
        "organisations": _organisations(teaching),
        "academic-sessions": _sessions(teaching),
        "learning-outcomes": outcomes.items,
    }
    return StoredCatalogue(collections, children, _ID_FIELDS)


class _Outcomes:
    """The learning outcomes that were named so far."""

    def __init__(self, teaching: Teaching) -> None:
        parsed = parse_id(teaching.id)
        self._owner = parsed[0] if parsed else ""
        self._ids: dict[str, str] = {}
        self.items: list[Item] = []

    def name(self, texts: Texts, isced: str) -> str:
        """Return the id of a learning outcome, which is new or known already."""
        first = next(iter(texts.values()))
        if first not in self._ids:
            number = len(self.items) + 1
            self._ids[first] = make_id(self._owner, _OUTCOME, number)
            self.items.append(
                {
                    "learningOutcomeId": self._ids[first],
                    "primaryCode": {"codeType": "x-learning-outcome", "code": f"LO-{number:03d}"},
                    "name": _versions(texts),
                    "fieldsOfStudy": isced,
                    "complexityLevel": f"bloom_{3 + number % 3}",
                }
            )
        return self._ids[first]


def _opportunity(teaching: Teaching, it: Opportunity, outcomes: _Outcomes) -> Item:
    course = it.kind == "course"
    item: Item = {
        "courseId" if course else "programmeId": it.id,
        "primaryCode": {"codeType": "identifier" if course else "programme_code", "code": it.code},
        "name": _versions(it.titles),
        "abbreviation": it.code.replace("-", ""),
        "description": _versions(it.descriptions),
        "teachingLanguages": [it.language],
        "studyLoad": [{"studyLoadUnit": "ects", "value": it.points}],
        "modesOfDelivery": [_MODES[it.mode]],
        "duration": "P15W" if course else f"P{it.points // 5:g}M",
        "level": it.level,
        "fieldsOfStudy": it.isced,
        "learningOutcomeIds": [outcomes.name(texts, it.isced) for texts in it.outcomes],
        "admissionRequirements": _versions(it.requirements),
        "link": it.link,
        "addresses": [_address(teaching, "teaching")],
        "organisationId": teaching.units[it.unit - 1].id,
        "validFrom": _time("2026-09-01"),
    }
    if course:
        item["assessment"] = _versions(it.assessment)
        item["programmeIds"] = list(it.programmes)
        if it.number % 5 == 4:  # what only some readers know
            item["consumer"] = {"consumerKey": "x-aurelia", "shareWithAlliance": True}
            item["ext"] = {"campusAppTile": "blue"}
    else:
        item |= {
            "programmeType": "programme",
            "qualificationAwarded": _DEGREES[it.level],
            "modeOfStudy": "full_time",
            "levelOfQualification": f"eqf_{it.eqf}",
            "formalDocument": "diploma",
        }
    return item


def _offerings(teaching: Teaching, it: Opportunity, id_field: str) -> list[Item]:
    return [_offering(teaching, it, offering, id_field) for offering in it.offerings]


def _offering(teaching: Teaching, it: Opportunity, offering: Offering, id_field: str) -> Item:
    item: Item = {
        id_field: offering.id,
        "primaryCode": {"codeType": "offering_code", "code": offering.code},
        "name": _versions(it.titles),
        "state": "active",
        "rosteringState": "preliminary",
        "description": _versions({language: load_texts(language)["offering"] for language in it.titles}),
        "teachingLanguages": [it.language],
        "modesOfDelivery": [_MODES[it.mode]],
        "maxNumberStudents": offering.capacity,
        "enrolledNumberStudents": offering.enrolled,
        "resultExpected": True,
        "resultValueType": "grade_0_10",
        "link": it.link,
        "enrolmentPeriods": [
            {
                "startDateTime": _time(offering.enrol_start),
                "endDateTime": _time(offering.enrol_end, "23:59:59"),
                "enrolmentType": "url",
                "enrolmentUrl": f"{teaching.university.website}/enrol/{offering.code}",
            }
        ],
        "startDateTime": _time(offering.start),
        "endDateTime": _time(offering.end, "23:59:59"),
        "courseId" if it.kind == "course" else "programmeId": it.id,
        "organisationId": teaching.units[it.unit - 1].id,
    }
    if offering.term:
        item["academicSessionId"] = teaching.terms[offering.term - 1].id
    if offering.price:
        item["priceInformation"] = [{"costType": "total_costs", "amount": offering.price, "currency": "EUR"}]
    return item


def _organisations(teaching: Teaching) -> list[Item]:
    university = teaching.university
    root: Item = {
        "organisationId": teaching.id,
        "primaryCode": {"codeType": "organisation_id", "code": university.short_name},
        "organisationType": "root",
        "name": _versions(university.names),
        "shortName": university.short_name,
        "addresses": [_address(teaching, "visit")],
        "link": university.website,
        "otherCodes": [{"codeType": "schac_home", "code": university.schac}],
        "childIds": [unit.id for unit in teaching.units],
    }
    faculties = (
        {
            "organisationId": unit.id,
            "primaryCode": {"codeType": "organisation_id", "code": unit.code},
            "organisationType": "faculty",
            "name": _versions(unit.titles),
            "shortName": unit.short,
            "parentId": teaching.id,
            "rootId": teaching.id,
        }
        for unit in teaching.units
    )
    return [root, *faculties]


def _sessions(teaching: Teaching) -> list[Item]:
    return [
        {
            "academicSessionId": term.id,
            "academicSessionType": "semester",
            "primaryCode": {"codeType": "identifier", "code": f"{term.start[:4]}-{term.key}"},
            "name": _versions(term.titles),
            "startDateTime": _time(term.start),
            "endDateTime": _time(term.end, "23:59:59"),
        }
        for term in teaching.terms
    ]


def _address(teaching: Teaching, kind: str) -> Item:
    university = teaching.university
    return {
        "addressType": kind,
        "street": university.street,
        "streetNumber": "1",
        "postCode": university.postal_code,
        "city": university.city,
        "countryCode": {"iso3166-1-alpha2": university.country_alpha2, "iso3166-1-alpha3": university.country},
    }


def _versions(texts: Texts) -> list[Item]:
    return [{"language": language, "value": text} for language, text in texts.items()]


def _time(day: str, clock: str = "00:00:00") -> str:
    return f"{day}T{clock}{_LOCAL_TIME}"
