"""IRIs that are minted: one for one, whatever a source calls its records."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyoxigraph import NamedNode

from qlink_ld.namespaces import PREFIXES, Iris, encode_segment

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
