import time
from collections.abc import Callable

import pytest

from qlink_ld.demo.courses import CourseGenerator, generate_courses, generate_offerings, parse_id
from qlink_ld.demo.texts import text_languages
from qlink_ld.errors import ConfigurationError

FindErrors = Callable[[str, object], list[str]]


def test_generated_courses_and_offerings_are_valid_against_the_official_schema(find_ooapi_errors: FindErrors) -> None:
    for course in generate_courses(150, seed=3, languages=text_languages()):
        assert find_ooapi_errors("Course", course) == []
        for offering in generate_offerings(course, 3):
            assert find_ooapi_errors("CourseOffering", offering) == []


def test_generated_faculties_and_sessions_are_valid_against_the_official_schema(find_ooapi_errors: FindErrors) -> None:
    generator = CourseGenerator(languages=("it", "fr"))
    assert [error for item in generator.faculties() for error in find_ooapi_errors("Organization", item)] == []
    assert [error for item in generator.sessions() for error in find_ooapi_errors("AcademicSession", item)] == []


def test_the_schema_that_judges_finds_a_missing_title(find_ooapi_errors: FindErrors) -> None:
    course = next(generate_courses(1))
    del course["name"]
    assert find_ooapi_errors("Course", course) == ["$: 'name' is a required property"]


def test_same_arguments_make_the_same_courses() -> None:
    assert list(generate_courses(50, seed=7)) == list(generate_courses(50, seed=7))


def test_any_course_is_computable_alone() -> None:
    generator = CourseGenerator(seed=1)
    assert generator.course(83_112) == generator.course(83_112)
    assert generator.course_number(generator.course(83_112)["courseId"]) == 83_112
    assert list(generate_courses(10, seed=1))[9] == generator.course(9)


def test_another_seed_or_prefix_makes_other_ids() -> None:
    ids = {
        next(generate_courses(1, seed=seed, prefix=prefix))["courseId"]
        for seed in (0, 1)
        for prefix in ("https://a.example/", "https://b.example/")
    }
    assert len(ids) == 4
    assert CourseGenerator(seed=0).course_number(CourseGenerator(seed=1).course(5)["courseId"]) is None


def test_ids_are_distinct_uuids_of_version_8() -> None:
    courses = list(generate_courses(500))
    offerings = [offering for course in courses for offering in generate_offerings(course)]
    ids = [course["courseId"] for course in courses] + [offering["offeringId"] for offering in offerings]
    assert len(set(ids)) == 1500
    assert all(parse_id(identifier) for identifier in ids)
    assert ids[0][14] == "8"


def test_texts_are_in_one_or_two_of_the_languages() -> None:
    shown = [
        tuple(entry["language"] for entry in course["description"])
        for course in generate_courses(200, languages=("fr", "it", "de"))
    ]
    assert {len(languages) for languages in shown} == {1, 2}
    assert {language for languages in shown for language in languages} == {"fr", "it", "de"}
    assert all(len(set(languages)) == len(languages) for languages in shown)


def test_a_text_is_in_the_language_that_it_claims() -> None:
    course = next(c for c in generate_courses(50, languages=("de", "en")) if len(c["name"]) == 2)
    by_language = {entry["language"]: entry["value"] for entry in course["description"]}
    assert by_language["de"].startswith("Im Mittelpunkt dieser Lehrveranstaltung")
    assert by_language["en"].startswith("The focus of this course")


def test_a_regional_tag_is_kept() -> None:
    assert next(generate_courses(1, languages=("en-GB",)))["name"][0]["language"] == "en-GB"


def test_courses_look_like_deployed_ones_in_size() -> None:
    sizes = {len(course) for course in generate_courses(200)}
    assert min(sizes) >= 15
    assert max(sizes) <= 25


def test_a_language_without_texts_is_refused_by_name() -> None:
    with pytest.raises(ConfigurationError, match="no texts in 'xx'; it speaks: de, en"):
        generate_courses(1, languages=("xx",))


def test_offerings_of_a_foreign_course_are_refused() -> None:
    with pytest.raises(ValueError, match="not the id of a generated course"):
        generate_offerings({"courseId": "123e4567-e89b-12d3-a456-426614174000"})


def test_twenty_thousand_courses_take_less_than_a_second() -> None:
    started = time.perf_counter()
    assert sum(1 for _ in generate_courses(20_000)) == 20_000
    assert time.perf_counter() - started < 1.0
