"""One university's Edu-API 1.0 server: six lists by limit and offset, with `X-Total-Count` and `Link`.

Its ids are those of a student information system (`URM;UGRD;0007`), not UUIDs; credits are free text; records that are
no longer offered stay as inactive or deleted. Edu-API has no subject fields and no learning outcomes.
Source: Edu-API 1.0 (1EdTech), REST binding.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote, urlencode

import orjson

from qlink_ld.demo.courses import Item
from qlink_ld.demo.http_server import Answer
from qlink_ld.demo.teaching import MODIFIED, Offering, Opportunity, Teaching, Texts
from qlink_ld.demo.texts import load_texts

BASE_PATH: Final = "/ims/eduapi/base/v1p0"
MAXIMUM_LIMIT: Final = 50  # items that the server gives at once, whatever is asked for
_DEFAULT_LIMIT: Final = 100
_LEVELS: Final = {"bachelor": "undergraduate", "master": "graduate", "doctoral": "doctoral"}
_CAREERS: Final = {"bachelor": "UGRD", "master": "GRAD", "doctoral": "DOCT"}
_FORMATS: Final = {"on campus": "onGround", "hybrid": "blended", "situated": "onGround"}
Lists = dict[str, list[Item]]


class EduApiServer:
    """An Edu-API endpoint that shows these lists."""

    def __init__(self, lists: Lists) -> None:
        self.lists = lists

    def answer(self, path: str, query: Mapping[str, str]) -> Answer:
        """Answer one GET request; `path` starts with `BASE_PATH`."""
        parts = [unquote(part) for part in path.removeprefix(BASE_PATH).split("/") if part]
        if not path.startswith(f"{BASE_PATH}/") or not parts or parts[0] not in self.lists:
            return _status(404, "unknownobject", f"nothing at {path}")
        name, *rest = parts
        if not rest:
            return self._page(path, self.lists[name], query)
        found = next((item for item in self.lists[name] if item.get("sourcedId") == rest[0]), None)
        if found is None:
            return _status(404, "unknownobject", f"no {name} with the id {rest[0]}")
        if len(rest) == 1:
            return _json(found)
        if name == "academicSessions" and rest[1] in ("courseOfferings", "collectionOfferings") and len(rest) == 2:
            held = [item for item in self.lists[rest[1]] if item["academicSession"] == rest[0]]
            return self._page(path, held, query)
        return _status(404, "unknownobject", f"nothing at {path}")

    def _page(self, path: str, items: list[Item], query: Mapping[str, str]) -> Answer:
        limit, offset = query.get("limit", str(_DEFAULT_LIMIT)), query.get("offset", "0")
        if not limit.isdecimal() or not offset.isdecimal() or int(limit) < 1:
            return _status(422, "invaliddata", "limit is a whole number from 1, offset one from 0")
        size, start = min(int(limit), MAXIMUM_LIMIT), int(offset)
        total = len(items)
        last = max(0, total - 1) // size * size
        others = {"first": 0, "last": last}
        if start + size < total:
            others["next"] = start + size
        if start:
            others["prev"] = max(0, start - size)
        links = ", ".join(
            f'<{path}?{urlencode({"limit": size, "offset": place})}>; rel="{name}"' for name, place in others.items()
        )
        return _json(items[start : start + size], {"X-Total-Count": str(total), "Link": links})


def _json(content: object, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(orjson.dumps(content), "application/json", headers=headers or {})


def _status(status: int, minor: str, description: str) -> Answer:
    body = {
        "imsx_codeMajor": "failure",
        "imsx_severity": "error",
        "imsx_description": description,
        "imsx_codeMinor": {"imsx_codeMinorField": [{"imsx_codeMinorFieldName": "TargetEndSystem",
                                                    "imsx_codeMinorFieldValue": minor}]},
    }  # fmt: skip
    return Answer(orjson.dumps(body), "application/json", status)


# The objects ---------------------------------------------------------------------------------------------------------


def render_edu_api(teaching: Teaching) -> Lists:
    """Return everything as Edu-API 1.0 objects, by list."""
    ids = {it.id: _id(teaching, it) for it in (*teaching.courses, *teaching.programmes)}
    return {
        "courseTemplates": [_template(teaching, course, ids) for course in teaching.courses],
        "collectionTemplates": [_template(teaching, programme, ids) for programme in teaching.programmes],
        "courseOfferings": [
            _offering(teaching, course, offering, ids) for course in teaching.courses for offering in course.offerings
        ],
        "collectionOfferings": [
            _offering(teaching, programme, offering, ids)
            for programme in teaching.programmes
            for offering in programme.offerings
        ],
        "organizations": _organizations(teaching),
        "academicSessions": [_session(teaching, term.number) for term in teaching.terms],
    }


def _id(teaching: Teaching, it: Opportunity) -> str:
    plan = "PROG" if it.kind == "programme" else _CAREERS[it.level]
    return f"{teaching.university.short_name};{plan};{it.number + 1:04d}"


def _head(teaching: Teaching, sourced_id: str, language: str) -> Item:
    return {
        "sourcedId": sourced_id,
        "recordLanguage": language,
        "recordStatus": "active",
        "dateLastModified": MODIFIED,
        "organization": f"{teaching.university.short_name};ORG;0",
    }


def _template(teaching: Teaching, it: Opportunity, ids: Mapping[str, str]) -> Item:
    # Three spellings of the same, as free text has them.
    credit = (f"{it.points:g} ECTS", f"{it.points:.1f}", f"{it.points:g} credits (ECTS)")[it.number % 3]
    item = {
        **_head(teaching, ids[it.id], it.language),
        "title": _texts(it.titles),
        "description": _texts(it.descriptions),
        "primaryCode": {"identifier": it.code, "identifierType": "sisSourcedId"},
        "level": _LEVELS[it.level],
        "creditType": "credit",
        "creditsAwarded": credit,
        "gradingScheme": {"recordLanguage": "en", "value": "0 to 10, passed from 5"},
        "teachingLanguage": it.language,
        "organization": f"{teaching.university.short_name};ORG;{it.unit}",
        "parent": [ids[programme] for programme in it.programmes],
    }
    if it.kind == "course":
        return {**item, "courseType": "seminar" if it.level == "doctoral" else "standard"}
    return {**item, "collectionType": "program"}


def _offering(teaching: Teaching, it: Opportunity, offering: Offering, ids: Mapping[str, str]) -> Item:
    term = offering.term or 1
    return {
        **_head(teaching, f"{ids[it.id]};{offering.code}", it.language),
        "offeringType": "standard" if it.kind == "course" else "program",
        "course" if it.kind == "course" else "collection": ids[it.id],
        "title": _texts(it.titles),
        "description": _texts({language: load_texts(language)["offering"] for language in it.titles}),
        "primaryCode": {"identifier": offering.code, "identifierType": "sisSourcedId"},
        "organization": f"{teaching.university.short_name};ORG;{it.unit}",
        "academicSession": f"TERM;{term}",
        "academicSessionCode": f"{offering.start[:4]}-{term}",
        "offeringFormat": _FORMATS.get(it.mode, "online"),
        "synchronicity": "hybrid" if it.mode == "hybrid" else "synchronous",
        "registrationStatus": "open",
        "teachingLanguage": it.language,
        "startDate": f"{offering.start}T08:00:00Z",
        "endDate": f"{offering.end}T20:00:00Z",
        "maxNumberStudents": offering.capacity,
        "enrolledNumberStudents": offering.enrolled,
    }


def _organizations(teaching: Teaching) -> list[Item]:
    university = teaching.university
    short = university.short_name

    def record(number: int, kind: str, names: Texts, code: str, code_type: str) -> Item:
        return {
            "sourcedId": f"{short};ORG;{number}",
            "recordLanguage": university.languages[0],
            "recordStatus": "active",
            "dateLastModified": MODIFIED,
            "organizationType": kind,
            "name": _texts(names),
            "primaryCode": {"identifier": code, "identifierType": code_type},
        }

    root = {
        **record(0, "university", university.names, university.schac, "ext:schacHomeOrganization"),
        "children": [f"{short};ORG;{unit.number}" for unit in teaching.units],
        "primaryAddress": {
            "addressType": "visitingAddress",
            "streetAddress": f"{university.street} 1",
            "postalCode": university.postal_code,
            "addressLocality": university.city,
            "addressCountryCode": university.country_alpha2,
        },
    }
    faculties = (
        {**record(unit.number, "faculty", unit.titles, unit.code, "systemId"), "parent": f"{short};ORG;0"}
        for unit in teaching.units
    )
    return [root, *faculties]


def _session(teaching: Teaching, number: int) -> Item:
    term = teaching.terms[number - 1]
    return {
        "sourcedId": f"TERM;{number}",
        "recordLanguage": teaching.university.languages[0],
        "recordStatus": "active",
        "sessionType": "semester",
        "title": _texts(term.titles),
        "startDate": f"{term.start}T00:00:00Z",
        "endDate": f"{term.end}T23:59:59Z",
        "dateLastModified": MODIFIED,
    }


def _texts(texts: Texts) -> list[Item]:
    return [{"recordLanguage": language, "value": text} for language, text in texts.items()]
