"""Edu-API is published under a licence of its own, so its members are listed here: required ones, and further ones."""

import json
from typing import Any

import pytest

from qlink_ld.demo.edu_api import EduApiServer, render_edu_api
from qlink_ld.demo.http_server import Answer
from qlink_ld.demo.sample_universities import load_catalogue
from qlink_ld.demo.teaching import read_teaching
from qlink_ld.demo.universities import RIOMAR

TEACHING = read_teaching(RIOMAR, load_catalogue(RIOMAR, "riomar", generated=60))
LISTS = render_edu_api(TEACHING)
SERVER = EduApiServer(LISTS)
BASE = "/ims/eduapi/base/v1p0"
Members = tuple[set[str], set[str]]
HEAD = {"sourcedId", "recordLanguage", "recordStatus"}
TEMPLATE: Members = (
    HEAD | {"title", "description", "primaryCode", "level", "creditType", "gradingScheme", "organization"},
    {
        "otherCodes",
        "creditsAwarded",
        "teachingLanguage",
        "organizationCode",
        "parent",
        "dateLastModified",
        "extensions",
    },
)
OFFERING: Members = (
    HEAD
    | {"offeringType", "title", "description", "primaryCode", "organization", "academicSession", "offeringFormat"}
    | {"registrationStatus", "startDate", "endDate"},
    {"academicSessionCode", "synchronicity", "teachingLanguage", "paceOfStudy", "minNumberStudents", "locations"}
    | {"maxNumberStudents", "enrolledNumberStudents", "pendingNumberStudents", "parent", "roleEnablement"}
    | {"dateLastModified", "extensions"},
)
MEMBERS: dict[str, Members] = {
    "courseTemplates": (TEMPLATE[0] | {"courseType"}, TEMPLATE[1]),
    "collectionTemplates": (TEMPLATE[0] | {"collectionType"}, TEMPLATE[1]),
    "courseOfferings": (OFFERING[0] | {"course"}, OFFERING[1]),
    "collectionOfferings": (OFFERING[0] | {"collection"}, OFFERING[1]),
    "organizations": (
        HEAD | {"name", "organizationType"},
        {"primaryCode", "parent", "children", "primaryAddress", "otherAddresses", "dateLastModified"},
    ),
    "academicSessions": (
        HEAD,
        {"sessionType", "title", "startDate", "endDate", "parent", "children", "dateLastModified"},
    ),
}
VALUES = {
    "level": {"undergraduate", "graduate", "doctoral"},
    "recordStatus": {"active", "inactive", "deleted"},
    "offeringFormat": {"online", "blended", "onGround"},
    "synchronicity": {"hybrid", "asynchronous", "synchronous"},
    "registrationStatus": {"open", "closed", "pending", "waitlist"},
    "creditType": {"credit", "nonCredit"},
    "courseType": {"standard", "seminar"},
}


def ask(path: str, **query: str) -> Answer:
    return SERVER.answer(f"{BASE}/{path}", query)


def read(path: str, **query: str) -> Any:
    return json.loads(ask(path, **query).body)


@pytest.mark.parametrize("name", MEMBERS)
def test_every_record_has_what_the_specification_requires_and_nothing_else(name: str) -> None:
    required, further = MEMBERS[name]
    assert LISTS[name]
    for record in LISTS[name]:
        assert required <= record.keys() <= required | further
        for member, values in VALUES.items():
            assert record.get(member, next(iter(values))) in values
        for text in (*record.get("title", ()), *record.get("description", ()), *record.get("name", ())):
            assert text.keys() == {"recordLanguage", "value"}
        if "primaryCode" in record:
            assert record["primaryCode"].keys() == {"identifier", "identifierType"}


def test_ids_are_those_of_a_student_information_system_and_lead_to_each_other() -> None:
    ids = {name: [record["sourcedId"] for record in records] for name, records in LISTS.items()}
    assert all(len(set(keys)) == len(keys) for keys in ids.values())
    assert ids["courseTemplates"][0] == "URM;UGRD;0001"
    for offering in LISTS["courseOfferings"]:
        assert offering["course"] in ids["courseTemplates"]
        assert offering["academicSession"] in ids["academicSessions"]
        assert offering["organization"] in ids["organizations"]
    for template in LISTS["courseTemplates"]:
        assert set(template["parent"]) <= set(ids["collectionTemplates"])


def test_credits_are_free_text() -> None:
    credit = [template["creditsAwarded"] for template in LISTS["courseTemplates"][:3]]
    assert credit == ["6 ECTS", "6.0", "6 credits (ECTS)"]


def test_pages_follow_each_other_by_offset_and_by_link() -> None:
    first, second = ask("courseTemplates", limit="500"), ask("courseTemplates", limit="500", offset="50")
    assert json.loads(first.body) + json.loads(second.body) == LISTS["courseTemplates"]
    assert first.headers["X-Total-Count"] == "66"
    assert f'<{BASE}/courseTemplates?limit=50&offset=50>; rel="next"' in first.headers["Link"]
    assert 'rel="next"' not in second.headers["Link"]
    assert 'rel="prev"' in second.headers["Link"]
    assert read("courseTemplates", offset="70") == []


def test_items_are_found_by_id_and_offerings_by_session() -> None:
    assert read("courseTemplates/URM%3BUGRD%3B0001") == LISTS["courseTemplates"][0]
    held = read("academicSessions/TERM%3B2/courseOfferings")
    assert held
    assert {offering["academicSession"] for offering in held} == {"TERM;2"}


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("nothing", {}, 404),
        ("courseTemplates/nothing", {}, 404),
        ("courseTemplates/URM%3BUGRD%3B0001/nothing", {}, 404),
        ("courseTemplates", {"limit": "0"}, 422),
        ("courseTemplates", {"offset": "-1"}, 422),
    ],
)
def test_errors_are_status_infos(path: str, query: dict[str, str], status: int) -> None:
    answer = ask(path, **query)
    assert answer.status == status
    assert json.loads(answer.body)["imsx_codeMajor"] == "failure"
