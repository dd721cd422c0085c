"""Course identifiers in both forms, and other learning opportunities by provider and code."""

import pytest

from qlink_ld.mapping.part_references import below
from qlink_ld.namespaces import read_course_identifier


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("urn:schac:uniqueCourseId:uni-x.example:ABCD1234", ("uni-x.example", "ABCD1234")),
        ("URN:SCHAC:uniqueCourseId:Uni-X.Example:A%2FB%3A1", ("uni-x.example", "A/B:1")),
        ("did:web:uni-x.example:courseId:A%2F1", ("uni-x.example", "A/1")),
        ("urn:schac:courseId:uni-x.example:1", None),
        ("did:web:uni-x.example:other:1", None),
        ("urn:schac:uniqueCourseId:uni-x.example:", None),
        ("https://uni-x.example/1", None),
    ],
)
def test_course_identifiers_are_read_in_both_forms(text: str, expected: tuple[str, str] | None) -> None:
    assert read_course_identifier(text) == expected


def test_nodes_inside_a_node_have_one_fragment() -> None:
    assert below("https://x.example/1", "a") == "https://x.example/1#a"
    assert below("https://x.example/1#a", "b") == "https://x.example/1#a/b"
