"""Paths through objects and lists, and what surrounds their ends."""

import pytest

from qlink_ld.mapping.paths import find_outer, leads_somewhere, read_members, remove, split_path, walk

DOCUMENT = {
    "year": 2025,
    "departments": {
        "math": {"name": "Mathematics", "courses": [{"id": 1}, {"id": 2}]},
        "phys": {"name": "Physics", "courses": {"id": 3}},
        "arts": {"name": "Arts"},
    },
}


def test_a_path_goes_through_lists_and_any_key() -> None:
    found = list(walk(DOCUMENT, split_path("departments.*.courses")))
    assert [(f.value["id"], f.place) for f in found] == [
        (1, "departments.math.courses[1]"),
        (2, "departments.math.courses[2]"),
        (3, "departments.phys.courses"),
    ]
    nested = {"cds": [{"af": [{"id": 1}]}, {"af": {"id": 2}}, {"other": 3}]}
    assert [f.value["id"] for f in walk(nested, ("cds", "af"))] == [1, 2]


@pytest.mark.parametrize(
    ("outer", "values"),
    [
        ("departments.*", ["math", "math", "phys"]),
        ("departments.*.name", ["Mathematics", "Mathematics", "Physics"]),
        ("year", [2025, 2025, 2025]),
        ("departments.math.name", ["Mathematics"] * 3),
        ("absent", [None, None, None]),
    ],
)
def test_what_surrounds_a_value_is_read_from_its_trail(outer: str, values: list[object]) -> None:
    records = split_path("departments.*.courses")
    way = find_outer(records, split_path(outer))
    assert [way.read(found.trail) for found in walk(DOCUMENT, records)] == values


def test_the_nearest_of_several_with_a_name_counts() -> None:
    document = {"unit": {"name": "outer", "unit": {"name": "inner", "course": {}}}}
    records = split_path("unit.unit.course")
    (found,) = walk(document, records)
    assert find_outer(records, ("unit", "name")).read(found.trail) == "inner"
    assert find_outer(records, ("unit", "unit", "name")).read(found.trail) == "inner"


def test_the_item_of_a_list_is_what_surrounds() -> None:
    document = [{"dept": "a", "courses": [{"id": 1}]}, {"dept": "b", "courses": [{"id": 2}]}]
    way = find_outer(("courses",), ("dept",))
    assert [way.read(found.trail) for found in walk(document, ("courses",))] == ["a", "b"]


def test_lists_in_lists_end_somewhere() -> None:
    value: object = {"id": 1}
    for _ in range(5000):
        value = [value]
    (found,) = walk(value, ())
    assert isinstance(found.value, list)


def test_members_are_read_through_lists() -> None:
    assert read_members({"a": [{"b": 1}, {"b": 2}, {}]}, ("a", "b")) == [1, 2]
    assert read_members({"a": [{}]}, ("a", "b")) is None
    assert read_members({"a": 5}, ("a", "b")) is None


def test_what_is_taken_away_leaves_its_neighbours() -> None:
    record = {"id": 1, "groups": [{"list": [1], "note": "x"}, {"list": [2]}]}
    assert remove(record, ("groups", "list")) == {"id": 1, "groups": [{"note": "x"}, {}]}
    assert remove(record, ("groups",)) == {"id": 1}
    assert remove({"a": {"x": {"id": 1}, "y": 2}, "b": 3}, ("a", "*")) == {"a": {}, "b": 3}
    assert record["groups"]


def test_an_empty_list_is_something_and_a_missing_one_is_not() -> None:
    assert leads_somewhere({"a": {"b": []}}, ("a", "b"))
    assert leads_somewhere({"a": {"k": {"b": 1}}}, ("a", "*", "b"))
    assert leads_somewhere([], ())
    assert not leads_somewhere({"a": {}}, ("a", "b"))
    assert not leads_somewhere({"a": 5}, ("a", "b"))


def test_names_with_dots_need_a_list() -> None:
    assert split_path(["no.", "code"]) == ("no.", "code")
    assert split_path("a.b") == ("a", "b")
    assert split_path("") == ()
