"""What a university teaches, free of any format: what the servers that do not speak OOAPI 5.0 render.

Read from the OOAPI 5.0 objects of its catalogue, which say most.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from qlink_ld.demo.catalogue import StoredCatalogue
from qlink_ld.demo.courses import SESSIONS, Item, parse_id
from qlink_ld.demo.texts import load_texts
from qlink_ld.demo.universities import University

Texts = Mapping[str, str]  # language → text
MODIFIED: Final = "2026-08-20T09:30:00Z"  # when all records of the demo were last changed
EQF: Final[Mapping[str, int]] = {"bachelor": 6, "master": 7, "doctoral": 8}


@dataclass(frozen=True, slots=True)
class Offering:
    """A course or programme in one term. `term` counts the terms of the academic year from 1, 0: the whole year."""

    id: str
    code: str
    term: int
    start: str  # dates, ISO 8601
    end: str
    enrol_start: str
    enrol_end: str
    capacity: int
    enrolled: int
    price: str | None  # EUR


@dataclass(frozen=True, slots=True)
class Opportunity:
    """A course or a programme."""

    kind: Literal["course", "programme"]
    id: str
    number: int  # among the courses, or programmes, of its university
    code: str
    titles: Texts
    descriptions: Texts
    outcomes: tuple[Texts, ...]
    requirements: Texts
    assessment: Texts
    level: str  # a key of `EQF`
    points: float  # ECTS
    isced: str
    language: str  # two letters
    mode: str  # as OOAPI 5.0 has it
    link: str
    unit: int  # number of the faculty, from 1
    programmes: tuple[str, ...]  # ids of those that it is a part of
    offerings: tuple[Offering, ...]
    degree: str = ""  # of a programme, as OOAPI 5.0 has it

    @property
    def eqf(self) -> int:
        """The EQF level."""
        return EQF[self.level]


@dataclass(frozen=True, slots=True)
class Unit:
    """A faculty."""

    id: str
    number: int
    code: str
    titles: Texts
    short: str


@dataclass(frozen=True, slots=True)
class Term:
    """A term of the academic year."""

    id: str
    number: int
    key: str
    start: str
    end: str
    titles: Texts


@dataclass(frozen=True, slots=True)
class Teaching:
    """All of it."""

    university: University
    id: str  # of the university in its own systems
    courses: tuple[Opportunity, ...]
    programmes: tuple[Opportunity, ...]
    units: tuple[Unit, ...]
    terms: tuple[Term, ...]

    def parts_of(self, programme: Opportunity) -> tuple[Opportunity, ...]:
        """Return the courses of a programme."""
        return tuple(course for course in self.courses if programme.id in course.programmes)


def read_teaching(university: University, catalogue: StoredCatalogue) -> Teaching:
    """Read a catalogue of OOAPI 5.0 objects, none of them faulty."""
    codes = {load_texts(language)["code"]: language for language in university.languages}
    root, *faculties = catalogue.collections["organizations"]
    units = tuple(
        Unit(item["organizationId"], number, item["primaryCode"]["code"], _texts(item["name"]), item["shortName"])
        for number, item in enumerate(faculties, 1)
    )
    unit_numbers = {unit.id: unit.number for unit in units}

    def read(kind: Literal["course", "programme"], collection: str, key: str) -> tuple[Opportunity, ...]:
        return tuple(
            Opportunity(
                kind=kind,
                id=item[key],
                number=number,
                code=item["primaryCode"]["code"],
                titles=_texts(item["name"]),
                descriptions=_texts(item["description"]),
                outcomes=tuple(_texts(versions) for versions in item["learningOutcomes"]),
                requirements=_texts(item["admissionRequirements"]),
                assessment=_texts(item.get("assessment", ())),
                level=item["level"],
                points=item["studyLoad"]["value"],
                isced=item["fieldsOfStudy"],
                language=codes[item["teachingLanguage"]],
                mode=item["modeOfDelivery"][0],
                link=item["link"],
                unit=unit_numbers[item["organization"]],
                programmes=tuple(item.get("programs", ())),
                offerings=tuple(map(_read_offering, catalogue.children[collection, item[key], "offerings"])),
                degree=item.get("qualificationAwarded", ""),
            )
            for number, item in enumerate(catalogue.collections[collection])
        )

    terms = tuple(
        Term(item["academicSessionId"], number, key, item["startDate"], item["endDate"], _texts(item["name"]))
        for number, (item, (key, *_)) in enumerate(
            zip(catalogue.collections["academic-sessions"], SESSIONS, strict=True), 1
        )
    )
    courses, programmes = read("course", "courses", "courseId"), read("programme", "programs", "programId")
    return Teaching(university, root["organizationId"], courses, programmes, units, terms)


def _texts(entries: Any) -> Texts:  # noqa: ANN401 (JSON)
    return {entry["language"]: entry["value"] for entry in entries}


def _read_offering(item: Item) -> Offering:
    session = parse_id(item.get("academicSession", ""))
    prices = item.get("priceInformation")
    return Offering(
        id=item["offeringId"],
        code=item["primaryCode"]["code"],
        term=session[2] + 1 if session else 0,
        start=item["startDate"],
        end=item["endDate"],
        enrol_start=item["enrollStartDate"],
        enrol_end=item["enrollEndDate"],
        capacity=item["maxNumberStudents"],
        enrolled=item.get("enrolledNumberStudents", 0),
        price=prices[0]["amount"] if prices else None,
    )
