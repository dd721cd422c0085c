"""Makes the OOAPI catalogues of the sample universities from the hand-written tables in `data/`."""

from typing import Any

from qlink_ld.demo.catalogue import StoredCatalogue, make_address, make_organizations
from qlink_ld.demo.courses import (
    COURSE,
    OFFERING,
    ORGANIZATION,
    CourseGenerator,
    Item,
    generate_offerings,
    make_id,
)
from qlink_ld.demo.texts import FACULTIES, SUBJECTS, load_texts, read_data
from qlink_ld.demo.universities import University

PROGRAM = 6  # kind of ids
FIRST_GENERATED = 1000  # number of the first generated course beside hand-written ones
_FACULTY_OF = {subject.key: subject.faculty for subject in SUBJECTS} | {"languages": "humanities"}
_QUALIFICATION = {"bachelor": "6", "master": "7", "doctoral": "8"}


def make_generator(university: University, seed: int = 0) -> CourseGenerator:
    """Return the generator of a university's courses; it says whose ids they are, too."""
    prefix = f"{university.website}/"
    return CourseGenerator(seed=seed, languages=university.languages, prefix=prefix)


def load_catalogue(university: University, file: str, *, generated: int = 0, seed: int = 0) -> StoredCatalogue:
    """Return a university's catalogue.

    Args:
        university: whose.
        file: name in `data/`, without suffix; rows are code, subject, ISCED-F, level, credits, teaching language,
            mode, titles, sentences; programmes go on with type, qualification, codes of their courses.
        generated: how many generated courses follow the hand-written ones.
        seed: of all ids and of the generated courses.
    """
    generator = make_generator(university, seed)
    data = read_data(f"{file}.json")
    courses = [_make_course(university, generator, number, row) for number, row in enumerate(data["courses"])]
    by_code = {course["primaryCode"]["code"]: course for course in courses}
    children: dict[tuple[str, str, str], list[Item]] = {}
    programs = []
    for number, row in enumerate(data["programs"]):
        program = _make_program(university, generator, number, row)
        parts = [by_code[code] for code in row[11]]
        for part in parts:
            part.setdefault("programs", []).append(program["programId"])
        children["programs", program["programId"], "courses"] = parts
        children["programs", program["programId"], "offerings"] = [_make_program_offering(generator, number, program)]
        programs.append(program)
    courses += [generator.course(FIRST_GENERATED + number) for number in range(generated)]
    for number, course in enumerate(courses):
        offerings = generate_offerings(course, 1 if number % 3 == 0 else 2)
        if {"on campus", "hybrid"} & set(course["modeOfDelivery"]):
            for offering in offerings:
                offering["addresses"] = [make_address(university, "teaching")]
        children["courses", course["courseId"], "offerings"] = offerings
    collections = {
        "courses": courses,
        "programs": programs,
        "organizations": make_organizations(university, generator),
        "academic-sessions": generator.sessions(),
        "education-specifications": [],
    }
    return StoredCatalogue(collections, children)


def _texts(row: list[Any], number: int) -> dict[str, Any]:
    """Return the parts that courses and programmes share, in all languages of the row."""
    area = row[1]
    languages = list(row[7])
    texts = {language: load_texts(language) for language in languages}
    subject = {language: texts[language]["subjects"][area] for language in languages}

    def versions(values: dict[str, str]) -> list[Item]:
        return [{"language": language, "value": values[language]} for language in languages]

    return {
        "name": versions(row[7]),
        "description": versions(
            {
                language: f"{row[8][language]} {subject[language]['about'][number % 2]} "
                f"{texts[language]['methods'][number % 6]}"
                for language in languages
            }
        ),
        "learningOutcomes": [
            versions({language: subject[language]["outcomes"][position] for language in languages})
            for position in range(3 if number % 2 else 2)
        ],
        "admissionRequirements": versions(
            {language: texts[language]["requirements"][number % 3] for language in languages}
        ),
        "assessment": versions({language: texts[language]["assessment"][number % 3] for language in languages}),
    }


def _make_course(university: University, generator: CourseGenerator, number: int, row: list[Any]) -> Item:
    code, area, isced, level, points, language, mode = row[:7]
    return {
        "courseId": make_id(generator.owner, COURSE, number),
        "primaryCode": {"codeType": "identifier", "code": code},
        "abbreviation": code.replace("-", ""),
        "studyLoad": {"studyLoadUnit": "ects", "value": points},
        "modeOfDelivery": [mode],
        "duration": "P15W",
        "teachingLanguage": language,
        "fieldsOfStudy": isced,
        "level": level,
        "link": f"{university.website}/courses/{code}",
        "organization": _faculty_id(generator, area),
        "validFrom": "2026-09-01",
        **_texts(row, number),
    }


def _make_program(university: University, generator: CourseGenerator, number: int, row: list[Any]) -> Item:
    code, area, isced, level, points, language, mode = row[:7]
    texts = _texts(row, number)
    del texts["assessment"]
    return {
        "programId": make_id(generator.owner, PROGRAM, number),
        "primaryCode": {"codeType": "programCode", "code": code},
        "programType": row[9],
        "abbreviation": code,
        "teachingLanguage": language,
        "studyLoad": {"studyLoadUnit": "ects", "value": points},
        "qualificationAwarded": row[10],
        "modeOfStudy": "full-time" if points >= 60 else "part-time",
        "modeOfDelivery": [mode],
        "duration": f"P{points // 5}M",
        "levelOfQualification": _QUALIFICATION[level],
        "level": level,
        "sector": "university education",
        "fieldsOfStudy": isced,
        "link": f"{university.website}/programmes/{code}",
        "organization": _faculty_id(generator, area),
        **texts,
    }


def _make_program_offering(generator: CourseGenerator, number: int, program: Item) -> Item:
    years = max(1, program["studyLoad"]["value"] // 60)
    return {
        "offeringId": make_id(generator.owner, OFFERING, (1 << 40) + number),
        "primaryCode": {"codeType": "offeringCode", "code": f"{program['abbreviation']}-2026"},
        "offeringType": "program",
        "name": program["name"],
        "description": [
            {"language": entry["language"], "value": load_texts(entry["language"])["offering"]}
            for entry in program["name"]
        ],
        "teachingLanguage": program["teachingLanguage"],
        "modeOfDelivery": program["modeOfDelivery"],
        "maxNumberStudents": 40 + 20 * (number % 3),
        "minNumberStudents": 10,
        "resultExpected": True,
        "link": program["link"],
        "startDate": "2026-10-01",
        "endDate": f"{2026 + years}-09-30",
        "enrollStartDate": "2026-04-01",
        "enrollEndDate": "2026-07-15",
        "priceInformation": [{"costType": "total costs", "amount": f"{300 * years}.00", "currency": "EUR"}],
        "program": program["programId"],
        "organization": program["organization"],
    }


def _faculty_id(generator: CourseGenerator, area: str) -> str:
    return make_id(generator.owner, ORGANIZATION, 1 + FACULTIES.index(_FACULTY_OF[area]))
