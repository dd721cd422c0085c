"""IRIs that are minted: one for one, whatever a source calls its records."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyoxigraph import NamedNode

from qlink_ld.namespaces import PREFIXES, Iris, course_did, course_urn, encode_segment, read_course_identifier

IRIS = Iris("https://courses.example.eu/")
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@pytest.mark.parametrize(
    ("given_id", "segment"),
    [
        ("INF-101", "INF-101"),
        ("a/b", "a%2Fb"),
        ("a b#c?d", "a%20b%23c%3Fd"),
        ("100%", "100%25"),
        ("é", "%C3%A9"),
        ("~._-", "~._-"),
        (";:@&=+$,!*'()", "%3B%3A%40%26%3D%2B%24%2C%21%2A%27%28%29"),
    ],
)
def test_ids_are_percent_encoded(given_id: str, segment: str) -> None:
    assert encode_segment(given_id) == segment
    assert IRIS.course("NL0028", given_id) == f"https://courses.example.eu/courses/NL0028/{segment}"


@given(TEXT, TEXT)
def test_different_ids_give_different_valid_iris(one: str, other: str) -> None:
    first, second = IRIS.course("NL0028", one), IRIS.course("NL0028", other)
    assert (first == second) == (one == other)
    assert NamedNode(first).value == first


def test_graphs_and_things_are_those_of_the_contract() -> None:
    base = "https://courses.example.eu/"
    assert IRIS.institution("NL0028") == f"{base}institutions/NL0028"
    assert IRIS.alliance("INT6006") == f"{base}alliances/INT6006"
    assert IRIS.institution_graph("NL0028") == f"{base}graphs/institutions/NL0028"
    assert IRIS.report_graph("NL0028") == f"{base}graphs/reports/NL0028"
    assert IRIS.registry_graph == f"{base}graphs/registry"
    assert IRIS.vocabularies_graph == f"{base}graphs/vocabularies"
    assert IRIS.description_graph == f"{base}graphs/description"


def test_prefixes_are_distinct() -> None:
    assert len(set(PREFIXES.values())) == len(PREFIXES)
    assert all(namespace.endswith(("/", "#")) for namespace in PREFIXES.values())


def test_c_05_the_main_form_is_a_urn() -> None:
    assert course_urn("uni-x.example", "ABCD1234") == "urn:schac:uniqueCourseId:uni-x.example:ABCD1234"


def test_c_06_the_other_form_is_a_did() -> None:
    assert course_did("uni-x.example", "ABCD1234") == "did:web:uni-x.example:courseId:ABCD1234"


@given(TEXT)
def test_c_03_c_06_both_forms_convert_into_each_other_whatever_the_local_code(code: str) -> None:
    urn, did = course_urn("uni-x.example", code), course_did("uni-x.example", code)
    assert read_course_identifier(urn) == read_course_identifier(did) == ("uni-x.example", code)
    assert course_did(*(read_course_identifier(urn) or ("", ""))) == did
    assert course_urn(*(read_course_identifier(did) or ("", ""))) == urn
    assert NamedNode(urn).value == urn


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("URN:SCHAC:uniqueCourseId:Uni-X.example:AbC", ("uni-x.example", "AbC")),
        ("urn:schac:uniqueCourseId:uni-x.example:a%2fb", ("uni-x.example", "a/b")),
        ("urn:schac:uniquecourseid:uni-x.example:a", None),
        ("urn:schac:UniqueCourseId:uni-x.example:a", None),
    ],
)
def test_c_07_only_the_beginning_of_a_urn_has_no_letter_case(text: str, known: tuple[str, str] | None) -> None:
    assert read_course_identifier(text) == known
    assert course_urn("UNI-X.example", "AbC") == "urn:schac:uniqueCourseId:uni-x.example:AbC"


def test_c_08_colons_and_slashes_of_a_local_code_are_percent_encoded() -> None:
    assert course_urn("uni-x.example", "A/B:1") == "urn:schac:uniqueCourseId:uni-x.example:A%2FB%3A1"
    assert course_did("uni-x.example", "A/B:1") == "did:web:uni-x.example:courseId:A%2FB%3A1"
    assert read_course_identifier("did:web:uni-x.example%3A8443:courseId:1") is None  # a port: no SCHAC code


@pytest.mark.parametrize(
    "text",
    [
        "urn:schac:courseId:uni-x.example:1",
        "urn:schac:personalUniqueCode:uni-x.example:1",
        "did:web:uni-x.example:uniqueCourseId:1",
        "did:web:uni-x.example",
        "urn:schac:uniqueCourseId:uni-x.example:",
        "urn:schac:uniqueCourseId::1",
        "urn:schac:uniqueCourseId:uni-x.example:%FF",
        "https://uni-x.example/courseId/1",
    ],
)
def test_c_09_other_middle_parts_are_no_course_identifiers(text: str) -> None:
    assert read_course_identifier(text) is None
