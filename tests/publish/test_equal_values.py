"""One value, one triple, however it is spelt."""

from hypothesis import given
from hypothesis import strategies as st
from pyoxigraph import RdfFormat, Store

from qlink_ld.publish.equal_values import EqualValues

XSD = "http://www.w3.org/2001/XMLSchema#"
VALUES = [
    *((text, kind) for text in ("1", "01", "2", "x") for kind in ("integer", "positiveInteger", "decimal", "double")),
    ("PT48H", "duration"), ("P2D", "duration"), ("true", "boolean"), ("1", "boolean"),
    ("2026-09-01T00:00:00Z", "dateTime"), ("2026-09-01T00:00:00.0Z", "dateTime"), ("a", "anyURI"),
]  # fmt: skip
LINE = st.builds(
    lambda s, p, value: f'<http://a/{s}> <http://a/{p}> "{value[0]}"^^<{XSD}{value[1]}> .\n',
    st.sampled_from("ab"), st.sampled_from("pq"), st.sampled_from(VALUES),
)  # fmt: skip
OTHER = st.sampled_from([
    '<http://a/a> <http://a/p> "1" .\n',
    '<http://a/a> <http://a/p> "x"@en .\n',
    f'<http://a/b> <http://a/p> "\\"1\\"^^<{XSD}integer> ." .\n',
])  # fmt: skip


def load(text: str) -> Store:
    store = Store()
    store.load(text, RdfFormat.N_TRIPLES)
    return store


@given(lines=st.sets(st.one_of(LINE, OTHER)), cut=st.integers(1, 5))
def test_what_is_left_are_as_many_triples_as_the_store_has(lines: set[str], cut: int) -> None:
    ordered = sorted(lines)
    values = EqualValues()
    kept = "".join(values.drop("".join(ordered[start : start + cut])) for start in range(0, len(ordered), cut))
    left = kept.splitlines(keepends=True)
    assert [line for line in ordered if line in set(left)] == left
    assert len(left) + values.dropped == len(ordered)
    assert len(load(kept)) == len(left)
    assert set(load(kept)) == set(load("".join(ordered)))


def test_text_without_repeated_values_passes_as_it_is() -> None:
    text = f'<http://a/a> <http://a/p> "01"^^<{XSD}integer> .\n<http://a/a> <http://a/q> "1"^^<{XSD}integer> .\n'
    assert EqualValues().drop(text) is text
