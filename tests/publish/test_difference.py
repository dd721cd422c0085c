"""The difference of two sorted texts is the difference of their sets of lines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qlink_ld.errors import PublishError
from qlink_ld.publish.difference import compare_lines

LINES = st.sets(st.binary(min_size=1, max_size=3).filter(lambda line: b"\n" not in line), max_size=30)


def cut(lines: set[bytes], size: int) -> list[bytes]:
    ordered = sorted(lines)
    return [b"".join(line + b"\n" for line in ordered[i : i + size]) for i in range(0, len(ordered), size)]


@given(old=LINES, common=LINES, new=LINES, old_size=st.integers(1, 40), new_size=st.integers(1, 40))
def test_removed_and_added_are_exactly_the_difference(
    old: set[bytes], common: set[bytes], new: set[bytes], old_size: int, new_size: int
) -> None:
    before, after = old | common, new | common
    pairs = list(compare_lines(cut(before, old_size), cut(after, new_size)))
    removed = b"".join(pair[0] for pair in pairs).split(b"\n")[:-1]
    added = b"".join(pair[1] for pair in pairs).split(b"\n")[:-1]
    assert removed == sorted(before - after)
    assert added == sorted(after - before)


def test_equal_texts_differ_in_nothing() -> None:
    text = [b"a\nb\n", b"c\n"]
    assert list(compare_lines(text, [b"a\n", b"b\nc\n"])) == []


def test_pieces_out_of_order_are_noticed() -> None:
    with pytest.raises(PublishError, match="not sorted"):
        list(compare_lines([b"c\n", b"a\n"], [b"b\n"]))
