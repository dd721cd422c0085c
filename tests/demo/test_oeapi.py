import json
from collections.abc import Callable
from typing import Any

import pytest

from qlink_ld.demo.http_server import Answer
from qlink_ld.demo.oeapi import OEAPI_6, render_oeapi
from qlink_ld.demo.ooapi_server import OoapiServer
from qlink_ld.demo.sample_universities import load_catalogue
from qlink_ld.demo.teaching import read_teaching
from qlink_ld.demo.universities import ZEEDIJK

FindErrors = Callable[[str, object], list[str]]
TEACHING = read_teaching(ZEEDIJK, load_catalogue(ZEEDIJK, "zeedijk", generated=16))
SERVER = OoapiServer(render_oeapi(TEACHING), "data@uni-zeedijk.example", edition=OEAPI_6)


def ask(path: str, **query: str) -> Answer:
    return SERVER.answer(f"/oeapi/v6{path}", {"pageSize": "250", **query})


def read(path: str, **query: str) -> Any:
    return json.loads(ask(path, **query).body)


@pytest.mark.parametrize(
    "path", ["/", "/courses", "/programmes", "/organisations", "/academic-sessions", "/learning-outcomes"]
)
def test_every_list_is_valid_against_the_official_schema(path: str, find_oeapi_errors: FindErrors) -> None:
    assert find_oeapi_errors(path, read(path)) == []


@pytest.mark.parametrize("page_size", ["10", "20"])
def test_every_single_item_and_list_of_offerings_is_valid(page_size: str, find_oeapi_errors: FindErrors) -> None:
    lists = {"courses": "course-offerings", "programmes": "programme-offerings"}
    for collection, child in lists.items():
        for item in read(f"/{collection}")["items"]:
            path = f"/{collection}/{item[OEAPI_6.id_fields[collection]]}"
            assert read(path) == item
            assert find_oeapi_errors(f"/{collection}/x", item) == []
            offerings = read(f"{path}/{child}", since="2026-09-01T00:00:00Z", pageSize=page_size)
            assert offerings["items"]
            assert find_oeapi_errors(f"/{collection}/x/{child}", offerings) == []
            offering = offerings["items"][0]
            assert read(f"/{child}/{offering[OEAPI_6.id_fields[child]]}") == offering


def test_the_schema_that_judges_finds_a_missing_title(find_oeapi_errors: FindErrors) -> None:
    page = read("/courses")
    del page["items"][0]["name"]
    assert find_oeapi_errors("/courses", page) == ["$.items[0]: 'name' is a required property"]


def test_learning_outcomes_are_named_by_id_and_shared(find_oeapi_errors: FindErrors) -> None:
    outcomes = {item["learningOutcomeId"]: item for item in read("/learning-outcomes")["items"]}
    named = [key for course in read("/courses")["items"] for key in course["learningOutcomeIds"]]
    named += [key for programme in read("/programmes")["items"] for key in programme["learningOutcomeIds"]]
    assert set(named) == outcomes.keys()
    assert len(named) > len(outcomes) > 10
    assert find_oeapi_errors("/learning-outcomes/x", next(iter(outcomes.values()))) == []


def test_since_selects_offerings_and_is_a_time() -> None:
    course = TEACHING.courses[1]
    path = f"/courses/{course.id}/course-offerings"
    starts = [item["startDateTime"] for item in read(path, since="2026-09-01T00:00:00Z")["items"]]
    assert starts == ["2026-10-01T00:00:00+02:00", "2027-04-01T00:00:00+02:00"]
    assert len(read(path, since="2026-11-01T00:00:00+01:00")["items"]) == 1
    assert ask(path, since="soon").status == 400


def test_some_records_carry_what_only_some_readers_know() -> None:
    courses = read("/courses")["items"]
    assert any("ext" in course and course["consumer"]["consumerKey"] == "x-aurelia" for course in courses)


def test_what_the_service_says_that_it_answers_it_answers() -> None:
    course, programme = TEACHING.courses[0], TEACHING.programmes[0]
    ids = {
        "courseId": course.id,
        "programmeId": programme.id,
        "courseOfferingId": course.offerings[0].id,
        "programmeOfferingId": programme.offerings[0].id,
        "organisationId": TEACHING.id,
        "academicSessionId": TEACHING.terms[0].id,
        "learningOutcomeId": read("/learning-outcomes")["items"][0]["learningOutcomeId"],
    }
    paths = [operation["path"] for operation in read("/")["supportedOperations"]]
    assert len(paths) == 15
    assert {path: ask(path.format_map(ids)).status for path in paths} == dict.fromkeys(paths, 200)
    assert ask("/education-specifications").status == 404  # of version 5 only


def test_parts_of_a_programme_name_it() -> None:
    for programme in TEACHING.programmes:
        parts = read(f"/programmes/{programme.id}/courses")["items"]
        assert parts
        assert all(programme.id in part["programmeIds"] for part in parts)
