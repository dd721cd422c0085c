"""Generated OOAPI 5.0 courses and offerings: as many as wanted, the same for the same seed, each computable alone.

They look like deployed catalogues do: about twenty fields, one or two languages, some fields only now and then. Every
object is valid against the official OpenAPI document of OOAPI 5.0 and needs no external data.

An id is a UUID of version 8 (RFC 9562 §5.8, "custom"): 48 bits say whose catalogue it is, the `kind` what the object
is, the last 48 bits are its number. So a server can find course 83,112 by its id without holding a list of ids.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from qlink_ld.demo.texts import FACULTIES, LEVELS, SUBJECTS, load_texts

DEFAULT_PREFIX: Final = "https://www.generated-university.example/"
MAXIMUM_OFFERINGS: Final = 16  # per course: offering number = course number * 16 + position
COURSE, OFFERING, ORGANIZATION, SESSION, PERSON = 1, 2, 3, 4, 5  # kinds of ids

# The academic year of all demo data. Fixed, so that output does not depend on the day it is made.
SESSIONS: Final = (
    ("autumn", "2026-10-01", "2027-02-12", "2026-07-01", "2026-09-15"),
    ("spring", "2027-04-01", "2027-07-16", "2027-01-15", "2027-03-15"),
)
_MODES: Final = (["on campus"], ["on campus"], ["hybrid"], ["online"], ["distance-learning"], ["situated"])
_CREDITS: Final = (3, 4.5, 5, 6, 6, 7.5, 10)
_RESULTS: Final = ("1-10", "pass-or-fail", "0-100")
_ID: Final = re.compile(r"([0-9a-f]{8}-[0-9a-f]{4})-8([0-9a-f]{3})-8000-([0-9a-f]{12})")
_MASK: Final = (1 << 64) - 1

Item = dict[str, Any]


def make_id(owner: str, kind: int, number: int) -> str:
    """Return the UUID of an object. `owner` is `catalogue_id()`'s value, `number` below 2^48."""
    return f"{owner}-8{kind:03x}-8000-{number:012x}"


def parse_id(identifier: str) -> tuple[str, int, int] | None:
    """Return owner, kind and number of an id made by `make_id`; None for any other text."""
    match = _ID.fullmatch(identifier)
    return (match[1], int(match[2], 16), int(match[3], 16)) if match else None


def catalogue_id(prefix: str, seed: int) -> str:
    """Return the part of all ids that says whose catalogue they are from."""
    digest = hashlib.sha256(f"{seed} {prefix}".encode()).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}"


class CourseGenerator:
    """The endless catalogue of one university: any course by its number.

    Args:
        seed: another seed is another catalogue.
        languages: BCP 47 tags; texts are in one or two of them, the first more often than the others.
        prefix: web address of the university, ending with a slash; starts the `link` of every object.
    """

    def __init__(self, *, seed: int = 0, languages: Sequence[str] = ("en", "de"), prefix: str = DEFAULT_PREFIX) -> None:
        if not languages:
            raise ValueError("a catalogue needs at least one language")
        self.languages = tuple(languages)
        self.prefix = prefix
        self.owner = catalogue_id(prefix, seed)
        self._texts = [load_texts(language) for language in languages]
        self._seed = int(self.owner[:8], 16) * 0x9E3779B97F4A7C15
        self._variants = tuple(LEVELS.items())

    def course_number(self, course_id: str) -> int | None:
        """Return the number of a course of this catalogue by its id; None if it is not one."""
        parsed = parse_id(course_id)
        return parsed[2] if parsed and parsed[:2] == (self.owner, COURSE) else None

    def course(self, number: int) -> Item:
        """Return course `number` (from 0), an OOAPI 5.0 `Course`."""
        dice = self._dice(number)
        dice, subject_number = divmod(dice, len(SUBJECTS))
        dice, topic = divmod(dice, 5)
        dice, variant_number = divmod(dice, len(self._variants))
        dice, about = divmod(dice, 2)
        dice, method = divmod(dice, 6)
        dice, credits_number = divmod(dice, len(_CREDITS))
        dice, mode = divmod(dice, len(_MODES))
        dice, outcomes = divmod(dice, 2)
        dice, pick = divmod(dice, 3)
        subject = SUBJECTS[subject_number]
        variant, (level, _) = self._variants[variant_number]
        taught_in, shown = self._choose_languages(number)
        names, descriptions, requirements, assessment, enrollment = [], [], [], [], []
        by_outcome: list[list[Item]] = [[] for _ in range(2 + outcomes)]
        for language_number in shown:
            language, texts = self.languages[language_number], self._texts[language_number]
            area = texts["subjects"][subject.key]
            title = area["topics"][topic]
            text = f"{texts['focus'].format(topic=title)} {area['about'][about]} {texts['methods'][method]}"
            names.append({"language": language, "value": f"{title}: {texts['variants'][variant]}"})
            descriptions.append({"language": language, "value": text})
            requirements.append({"language": language, "value": texts["requirements"][pick]})
            assessment.append({"language": language, "value": texts["assessment"][pick]})
            enrollment.append({"language": language, "value": texts["enrollment"][0]})
            for position, versions in enumerate(by_outcome):
                versions.append({"language": language, "value": area["outcomes"][position]})
        code = f"{subject.code}-{number:06d}"
        course: Item = {
            "courseId": make_id(self.owner, COURSE, number),
            "primaryCode": {"codeType": "identifier", "code": code},
            "name": names,
            "abbreviation": f"{subject.code}{number}",
            "studyLoad": {"studyLoadUnit": "ects", "value": _CREDITS[credits_number]},
            "modeOfDelivery": list(_MODES[mode]),
            "duration": "P15W",
            "description": descriptions,
            "teachingLanguage": self._texts[taught_in]["code"],
            "fieldsOfStudy": subject.isced,
            "learningOutcomes": by_outcome,
            "admissionRequirements": requirements,
            "level": level,
            "assessment": assessment,
            "link": f"{self.prefix}courses/{code}",
            "organization": make_id(self.owner, ORGANIZATION, 1 + FACULTIES.index(subject.faculty)),
            "validFrom": "2026-09-01",
        }
        if pick == 0:
            course["enrollment"] = enrollment
            course["resources"] = [f"Reader {code}, 2026", "Materials in the learning platform"]
        elif pick == 1:
            course["otherCodes"] = [{"codeType": "x-campus", "code": f"{number:08x}"}]
            course["coordinators"] = [make_id(self.owner, PERSON, number % 997)]
        return course

    def offerings(self, course: Item, count: int = 2) -> list[Item]:
        """Return the first `count` offerings of a course of this catalogue."""
        return generate_offerings(course, count)

    def sessions(self) -> list[Item]:
        """Return the academic sessions that the offerings name, OOAPI 5.0 `AcademicSession`."""
        return [
            {
                "academicSessionId": make_id(self.owner, SESSION, number),
                "academicSessionType": "semester",
                "primaryCode": {"codeType": "identifier", "code": f"{start[:4]}-{key}"},
                "name": [
                    {"language": language, "value": texts["sessions"][key]}
                    for language, texts in zip(self.languages, self._texts, strict=True)
                ],
                "startDate": start,
                "endDate": end,
            }
            for number, (key, start, end, _, _) in enumerate(SESSIONS)
        ]

    def faculties(self) -> list[Item]:
        """Return the faculties that the courses name, OOAPI 5.0 `Organization`; their parent is number 0."""
        return [
            {
                "organizationId": make_id(self.owner, ORGANIZATION, number),
                "primaryCode": {"codeType": "organizationId", "code": f"F{number}"},
                "organizationType": "faculty",
                "name": [
                    {"language": language, "value": texts["faculties"][key]}
                    for language, texts in zip(self.languages, self._texts, strict=True)
                ],
                "shortName": key.capitalize(),
                "link": f"{self.prefix}faculties/{key}",
                "parent": make_id(self.owner, ORGANIZATION, 0),
            }
            for number, key in enumerate(FACULTIES, 1)
        ]

    def _dice(self, number: int) -> int:
        """Return 64 well mixed bits for a number (SplitMix64, Steele et al. 2014)."""
        z = (number * 0x9E3779B97F4A7C15 + self._seed + 0x9E3779B97F4A7C15) & _MASK
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
        return z ^ (z >> 31)

    def _choose_languages(self, number: int) -> tuple[int, tuple[int, ...]]:
        """Return the position of the teaching language and those of the texts: three of four courses have two."""
        count = len(self.languages)
        taught_in = number % count
        if count == 1 or number % 4 == 3:
            return taught_in, (taught_in,)
        other = (taught_in + 1 + (number // count) % (count - 1)) % count
        return taught_in, (taught_in, other)


def generate_courses(
    count: int, *, seed: int = 0, languages: Sequence[str] = ("en", "de"), prefix: str = DEFAULT_PREFIX
) -> Iterator[Item]:
    """Yield `count` OOAPI 5.0 `Course` objects, the same for the same arguments.

    Args:
        count: how many.
        seed: another seed is another catalogue (other ids, other texts).
        languages: BCP 47 tags of languages that `texts` knows.
        prefix: web address of the university, ending with a slash.

    Raises:
        ConfigurationError: no texts in one of the languages.
    """
    generator = CourseGenerator(seed=seed, languages=languages, prefix=prefix)
    return (generator.course(number) for number in range(count))


def generate_offerings(course: Item, count: int = 2) -> list[Item]:
    """Return `count` OOAPI 5.0 `CourseOffering` objects of a generated course, at most 16.

    The first is in autumn, the second in spring, and so on in turn: groups of the same term.

    Raises:
        ValueError: not a course of `generate_courses`, or too many offerings.
    """
    parsed = parse_id(str(course["courseId"]))
    if parsed is None or parsed[1] != COURSE:
        raise ValueError(f"{course['courseId']!r} is not the id of a generated course")
    if count > MAXIMUM_OFFERINGS:
        raise ValueError(f"a generated course has at most {MAXIMUM_OFFERINGS} offerings, not {count}")
    owner, _, number = parsed
    return [_make_offering(course, owner, number, position) for position in range(count)]


def _make_offering(course: Item, owner: str, number: int, position: int) -> Item:
    session = position % len(SESSIONS)
    key, start, end, enroll_start, enroll_end = SESSIONS[session]
    capacity = 20 + 5 * ((number + 3 * position) % 17)
    code = f"{course['primaryCode']['code']}-{start[2:4]}{key[0].upper()}{position + 1}"
    offering: Item = {
        "offeringId": make_id(owner, OFFERING, number * MAXIMUM_OFFERINGS + position),
        "primaryCode": {"codeType": "offeringCode", "code": code},
        "offeringType": "course",
        "academicSession": make_id(owner, SESSION, session),
        "name": [dict(name) for name in course["name"]],
        "abbreviation": code.replace("-", ""),
        "description": [
            {"language": entry["language"], "value": load_texts(entry["language"])["offering"]}
            for entry in course["name"]
        ],
        "teachingLanguage": course["teachingLanguage"],
        "modeOfDelivery": list(course["modeOfDelivery"]),
        "maxNumberStudents": capacity,
        "enrolledNumberStudents": capacity * (number % 10) // 10,
        "resultExpected": True,
        "resultValueType": _RESULTS[number % len(_RESULTS)],
        "link": f"{course['link']}#{start[:4]}-{key}",
        "startDate": start,
        "endDate": end,
        "enrollStartDate": enroll_start,
        "enrollEndDate": enroll_end,
        "course": course["courseId"],
        "organization": course["organization"],
    }
    if (number + position) % 6 == 0:
        offering["priceInformation"] = [{"costType": "total costs", "amount": "120.00", "currency": "EUR"}]
    return offering
