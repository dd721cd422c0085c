"""One catalogue in every format: the demo's generated OOAPI 5 courses, said in the words of each.

Every course keeps the fields that a format has a place for: texts in two languages, codes, credits, level, language,
outcomes, requirements, and two offerings with their dates, numbers and languages where the format has offerings. With
the courses come the terms, faculties, outcomes or programmes that they name.
"""

import multiprocessing
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import orjson
from elm_nodes import EQF, MODES, MODIFIED, PREFIXES, make_nodes
from pyoxigraph import RdfFormat, parse, serialize

from qlink_ld.demo.courses import CourseGenerator
from qlink_ld.mapping import Document

Item = dict[str, Any]
PAGE_SIZE = 250
PROGRAMMES = 40  # that courses belong to, where a format's courses name theirs


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A source in memory: pages of JSON, or the body of a file.

    Attributes:
        mapping: the bundled mapping that is for it.
        documents: pages; for a file, one.
        media_type: of a file.
    """

    mapping: str
    documents: list[Document]
    media_type: str = "application/json"


def make_catalogues() -> Mapping[str, Callable[[int], Catalogue]]:
    """Return, by name of the format, what makes a catalogue with a number of courses."""
    return {
        "OOAPI 5": _ooapi,
        "OEAPI 6": _oeapi,
        "Edu-API 1": _edu_api,
        "OCCAPI 1": partial(_occapi, version=1),
        "OCCAPI 2": partial(_occapi, version=2),
        "ELM, Turtle": partial(_elm, form=RdfFormat.TURTLE),
        "ELM, JSON-LD": partial(_elm, form=RdfFormat.JSON_LD),
    }


class _Pages:
    """Collects pages as bytes, as a snapshot holds them."""

    def __init__(self) -> None:
        self.documents: list[Document] = []

    def add(self, resource: str, content: object, parent: str | None = None) -> None:
        body = orjson.dumps(content)
        self.documents.append(Document(resource, "benchmark", lambda: body, parent))

    def add_items(self, resource: str, items: list[Item], parent: str | None = None) -> None:
        self.add(resource, {"pageSize": PAGE_SIZE, "hasNextPage": False, "items": items}, parent)


def _courses(count: int) -> Iterator[tuple[Item, list[Item]]]:
    generator = CourseGenerator()
    for number in range(count):
        course = generator.course(number)
        yield course, generator.offerings(course)


def _paged(courses: Iterator[tuple[Item, list[Item]]]) -> Iterator[list[tuple[Item, list[Item]]]]:
    while page := list(islice(courses, PAGE_SIZE)):
        yield page


def _ooapi(count: int) -> Catalogue:
    pages, generator = _Pages(), CourseGenerator()
    for page in _paged(_courses(count)):
        pages.add_items("courses", [course for course, _ in page])
        for course, offerings in page:
            pages.add_items("course-offerings", offerings, course["courseId"])
    pages.add_items("academic-sessions", generator.sessions())
    pages.add_items("organizations", generator.faculties())
    return Catalogue("ooapi-5", pages.documents)


# OEAPI 6 -------------------------------------------------------------------------------------------------------------

_MODES_6 = {
    "on campus": "presential",
    "hybrid": "hybrid",
    "online": "online",
    "distance-learning": "online",
    "situated": "work_based",
}
_RESULTS_6 = {"1-10": "grade_0_10", "pass-or-fail": "pass_or_fail", "0-100": "grade_0_100"}


def _oeapi(count: int) -> Catalogue:
    pages, generator = _Pages(), CourseGenerator()
    outcomes: dict[str, Item] = {}
    for page in _paged(_courses(count)):
        pages.add_items("courses", [_oeapi_course(course, outcomes) for course, _ in page])
        for course, offerings in page:
            found = [_oeapi_offering(offering) for offering in offerings]
            pages.add_items("course-offerings", found, course["courseId"])
    pages.add_items("learning-outcomes", list(outcomes.values()))
    sessions = [_rename(s, {"startDate": "startDateTime", "endDate": "endDateTime"}) for s in generator.sessions()]
    pages.add_items("academic-sessions", sessions)
    names = {"organizationId": "organisationId", "organizationType": "organisationType", "parent": "parentId"}
    pages.add_items("organisations", [_rename(f, names) for f in generator.faculties()])
    return Catalogue("oeapi-6", pages.documents)


def _oeapi_course(course: Item, outcomes: dict[str, Item]) -> Item:
    ids = []
    for texts in course["learningOutcomes"]:
        key = texts[0]["value"]
        number = len(outcomes)
        outcome = outcomes.setdefault(
            f"{len(texts)} {key}",
            {
                "learningOutcomeId": f"outcome-{number}",
                "primaryCode": {"codeType": "identifier", "code": f"LO-{number}"},
                "name": texts,
            },
        )
        ids.append(outcome["learningOutcomeId"])
    names = {"organization": "organisationId", "enrollment": "enrolment", "coordinators": "coordinatorIds"}
    out = {
        **_rename(course, names),
        "studyLoad": [course["studyLoad"]],
        "modesOfDelivery": [_MODES_6[mode] for mode in course["modeOfDelivery"]],
        "teachingLanguages": [course["name"][0]["language"]],
        "learningOutcomeIds": ids,
        "level": course["level"].replace(" ", "_"),
    }
    gone = ("modeOfDelivery", "teachingLanguage", "learningOutcomes")
    return {key: value for key, value in out.items() if key not in gone}


def _oeapi_offering(offering: Item) -> Item:
    names = {
        "offeringId": "courseOfferingId",
        "academicSession": "academicSessionId",
        "startDate": "startDateTime",
        "endDate": "endDateTime",
        "course": "courseId",
        "organization": "organisationId",
    }
    out = {
        **_rename(offering, names),
        "state": "active",
        "teachingLanguages": [offering["name"][0]["language"]],
        "modesOfDelivery": [_MODES_6[mode] for mode in offering["modeOfDelivery"]],
        "resultValueType": _RESULTS_6[offering["resultValueType"]],
        "startDateTime": f"{offering['startDate']}T09:00:00+01:00",
        "endDateTime": f"{offering['endDate']}T17:00:00+01:00",
        "enrolmentPeriods": [
            {
                "startDateTime": f"{offering['enrollStartDate']}T09:00:00+01:00",
                "endDateTime": f"{offering['enrollEndDate']}T17:00:00+01:00",
                "enrolmentType": "url",
                "enrolmentUrl": offering["link"],
            }
        ],
    }
    if "priceInformation" in out:
        out["priceInformation"] = [{**price, "costType": "total_costs"} for price in out["priceInformation"]]
    gone = ("offeringType", "modeOfDelivery", "teachingLanguage", "enrollStartDate", "enrollEndDate")
    return {key: value for key, value in out.items() if key not in gone}


def _rename(item: Item, names: Mapping[str, str]) -> Item:
    return {names.get(key, key): value for key, value in item.items()}


# Edu-API 1 -----------------------------------------------------------------------------------------------------------

_LEVELS_EDU = {"bachelor": "undergraduate", "master": "graduate", "doctoral": "doctoral"}
_FORMATS_EDU = {"online": "online", "distance-learning": "online", "hybrid": "blended"}


def _edu_api(count: int) -> Catalogue:
    pages, generator = _Pages(), CourseGenerator()
    for page in _paged(_courses(count)):
        pages.add("courseTemplates", [_edu_template(number, course) for number, (course, _) in enumerate(page)])
        pages.add("courseOfferings", [_edu_offering(offering) for _, offerings in page for offering in offerings])
    programmes = [
        {
            "sourcedId": f"programme-{number}",
            "collectionType": "program",
            "recordStatus": "active",
            "recordLanguage": "en",
            "title": [{"recordLanguage": "en", "value": f"Programme {number}"}],
            "teachingLanguage": "en",
        }
        for number in range(PROGRAMMES)
    ]
    pages.add("collectionTemplates", programmes)
    root = {"sourcedId": generator.faculties()[0]["parent"], "name": _edu_texts([{"language": "en", "value": "Us"}])}
    faculties = [
        {
            "sourcedId": faculty["organizationId"],
            "organizationType": "faculty",
            "name": _edu_texts(faculty["name"]),
            "primaryCode": _edu_code(faculty["primaryCode"]),
            "parent": faculty["parent"],
        }
        for faculty in generator.faculties()
    ]
    pages.add("organizations", [{"recordStatus": "active", **unit} for unit in (root, *faculties)])
    sessions = [
        {
            "sourcedId": session["academicSessionId"],
            "recordStatus": "active",
            "sessionType": "semester",
            "title": _edu_texts(session["name"]),
            "startDate": f"{session['startDate']}T00:00:00Z",
            "endDate": f"{session['endDate']}T23:59:59Z",
        }
        for session in generator.sessions()
    ]
    pages.add("academicSessions", sessions)
    return Catalogue("edu-api-1", pages.documents)


def _edu_texts(texts: list[Item]) -> list[Item]:
    return [{"recordLanguage": text["language"], "value": text["value"]} for text in texts]


def _edu_code(code: Item) -> Item:
    return {"identifier": code["code"], "identifierType": code["codeType"]}


def _edu_template(number: int, course: Item) -> Item:
    return {
        "sourcedId": course["courseId"],
        "courseType": "standard",
        "level": _LEVELS_EDU.get(course["level"], "undergraduate"),
        "creditType": "credit",
        "creditsAwarded": f"{course['studyLoad']['value']} ECTS",
        "recordLanguage": course["name"][0]["language"],
        "title": _edu_texts(course["name"]),
        "description": _edu_texts(course["description"]),
        "primaryCode": _edu_code(course["primaryCode"]),
        "otherCodes": [_edu_code(code) for code in course.get("otherCodes", ())],
        "parent": [f"programme-{number % PROGRAMMES}"],
        "organization": course["organization"],
        "gradingScheme": {"recordLanguage": "en", "value": "1.0 (best) to 5.0 (fail)"},
        "recordStatus": "active",
        "dateLastModified": MODIFIED,
        "teachingLanguage": course["name"][0]["language"],
    }


def _edu_offering(offering: Item) -> Item:
    return {
        "sourcedId": offering["offeringId"],
        "offeringType": "standard",
        "course": offering["course"],
        "recordLanguage": offering["name"][0]["language"],
        "title": _edu_texts(offering["name"]),
        "description": _edu_texts(offering["description"]),
        "primaryCode": _edu_code(offering["primaryCode"]),
        "organization": offering["organization"],
        "academicSession": offering["academicSession"],
        "academicSessionCode": offering["abbreviation"][-4:],
        "offeringFormat": _FORMATS_EDU.get(offering["modeOfDelivery"][0], "onGround"),
        "synchronicity": "synchronous",
        "registrationStatus": "open",
        "teachingLanguage": offering["name"][0]["language"],
        "startDate": f"{offering['startDate']}T08:00:00Z",
        "endDate": f"{offering['endDate']}T16:00:00Z",
        "minNumberStudents": 5,
        "maxNumberStudents": offering["maxNumberStudents"],
        "enrolledNumberStudents": offering["enrolledNumberStudents"],
        "recordStatus": "active",
        "dateLastModified": MODIFIED,
    }


# OCCAPI --------------------------------------------------------------------------------------------------------------


def _occapi(count: int, *, version: int) -> Catalogue:
    pages = _Pages()
    for number, (course, offerings) in enumerate(_courses(count)):
        pages.add("course", _json_api(_occapi_course(number, course, version)))
        if version == 2:
            instances = [_occapi_instance(offering, course) for offering in offerings]
            pages.add("course-instances", _json_api(instances), course["courseId"])
    for number in range(PROGRAMMES):
        attributes: Item = {
            "title": [{"string": f"Programme {number}", "lang": "en"}],
            "code": f"PROG{number}",
            "ects": 120,
            "eqfLevelProvided": 6 + number % 2,
            "description": [{"multiline": "What it is about.", "lang": "en"}],
            "languageOfInstruction": ["en"] if version == 2 else "en",
            "learningOutcomes": [{"multiline": "What one learns.", "lang": "en"}],
            "length": "4/2",
        }
        pages.add("programme", _json_api({"type": "programme", "id": f"programme-{number}", "attributes": attributes}))
    return Catalogue(f"occapi-{version}", pages.documents)


def _json_api(data: object) -> Item:
    return {"jsonapi": {"version": "1.1"}, "data": data, "links": {"self": {"href": "http://bench.example/occapi"}}}


def _occapi_texts(texts: list[Item], member: str) -> list[Item]:
    return [{member: text["value"], "lang": text["language"]} for text in texts]


def _occapi_course(number: int, course: Item, version: int) -> Item:
    programme = {"programmeId": f"programme-{number % PROGRAMMES}", "mandatoryCourse": True, "year": "1/2"}
    outcomes = [
        {"language": texts["language"], "value": "\n".join(o[place]["value"] for o in course["learningOutcomes"])}
        for place, texts in enumerate(course["name"])
    ]
    attributes: Item = {
        "title": _occapi_texts(course["name"], "string"),
        "code": course["primaryCode"]["code"],
        "ects": course["studyLoad"]["value"],
        "description": _occapi_texts(course["description"], "multiline"),
        "learningOutcomes": _occapi_texts(outcomes, "multiline"),
        "prerequisites": _occapi_texts(course["admissionRequirements"], "multiline"),
        "assessmentMethod": _occapi_texts(course["assessment"], "multiline"),
        "url": [{"uri": course["link"], "lang": course["name"][0]["language"]}],
    }
    if "resources" in course:
        text = "\n".join(course["resources"])
        attributes["bibliography"] = [{"multiline": text, "lang": course["name"][0]["language"]}]
    if version == 1:
        attributes |= {
            "academicTerm": "1/2",
            "languageOfInstruction": course["name"][0]["language"],
            "iscedCode": course["fieldsOfStudy"],
            "subjectArea": "06.1",
            "unavailableForIncomingMobility": False,
        }
        meta = {"global": {"eqfLevel": EQF.get(course["level"], 6), "year": "1/3"}, "programme": [programme]}
        return {"type": "course", "id": course["courseId"], "attributes": attributes, "meta": meta, "links": _self()}
    attributes |= {
        "academicTerm": ["1/2"],
        "elmAssessmentType": ["6e6cb2cc78"],
        "elmLearningActivityType": ["ff436ea7c9"],
        "elmLearningOpportunityType": ["05053c1cbe"],
        "elmModeOfLearning": [MODES[mode] for mode in course["modeOfDelivery"]],
        "iscedCode": [course["fieldsOfStudy"]],
        "languageOfInstruction": [course["name"][0]["language"]],
        "lastModified": MODIFIED,
        "deprecated": False,
    }
    related = {"data": [{"type": "programme", "id": programme["programmeId"]}]}
    return {
        "type": "course",
        "id": course["courseId"],
        "attributes": attributes,
        "meta": {"relatedProgramme": [programme]},
        "relationships": {"prerequisiteCourse": None, "relatedProgramme": related},
        "links": _self(),
    }


def _occapi_instance(offering: Item, course: Item) -> Item:
    attributes = {
        "startDate": offering["startDate"],
        "endDate": offering["endDate"],
        "academicTermId": "2026/2027-1/2" if "10-01" in offering["startDate"] else "2026/2027-2/2",
        "ects": course["studyLoad"]["value"],
        "elmAssessmentType": ["6e6cb2cc78"],
        "elmLearningActivityType": ["ff436ea7c9"],
        "elmModeOfLearning": [MODES[mode] for mode in offering["modeOfDelivery"]],
        "engagementHours": 42,
        "languageOfInstruction": [offering["name"][0]["language"]],
        "lastModified": MODIFIED,
    }
    return {
        "type": "instance",
        "id": offering["offeringId"],
        "attributes": attributes,
        "relationships": {"course": {"data": {"type": "course", "id": course["courseId"]}}},
        "links": _self(),
    }


def _self() -> Item:
    return {"self": {"href": "http://bench.example/occapi/v2/hei/bench.example/course/1"}}


# ELM -----------------------------------------------------------------------------------------------------------------


def _elm(count: int, *, form: RdfFormat) -> Catalogue:
    """A file as universities export it, made in another process: what that takes of memory is not the mapping's."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        body = pool.submit(_elm_body, count, form.media_type).result()
    url = f"https://bench.example/catalogue.{form.file_extension}"
    return Catalogue("elm", [Document("data", url, lambda: body)], form.media_type)


def _elm_body(count: int, media_type: str) -> bytes:
    graph = [node for course, offerings in _courses(count) for node in make_nodes(course, offerings)]
    body = orjson.dumps({"@context": PREFIXES, "@graph": graph})
    form = RdfFormat.from_media_type(media_type)
    if form is None or form == RdfFormat.JSON_LD:
        return body
    triples = (quad.triple for quad in parse(body, format=RdfFormat.JSON_LD))
    return serialize(triples, format=form, prefixes=PREFIXES) or b""
