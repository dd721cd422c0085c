"""JSON as providers write it."""

import pytest

from qlink_ld.provider_json import read_json


def test_good_json_has_nothing_to_forgive() -> None:
    read = read_json('{"naam": "Économie 🎓", "n": 1.5}'.encode())
    assert read.value == {"naam": "Économie 🎓", "n": 1.5}
    assert read.forgiven is None


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"\xef\xbb\xbf[1]", [1]),
        (b'["a\tb\x01"]', ["a\tb\x01"]),
        (b'[NaN, Infinity, -Infinity, "NaN"]', [None, None, None, "NaN"]),
        (rb'["a\ud800b", "\ud83c\udf93"]', ["a\ufffdb", "🎓"]),
        (rb'["\udf93\ud83c"]', ["\ufffd\ufffd"]),
    ],
)
def test_slips_are_forgiven_and_named(body: bytes, value: object) -> None:
    read = read_json(body)
    assert read.value == value
    assert read.forgiven


@pytest.mark.parametrize(
    "body", [b"", b"[1", b'["a', b"<html>", b"[1] x", '["é"]'.encode("latin-1"), b"[" * 100_000, b"\xff\xfe[\x00]\x00"]
)
def test_what_is_not_json_is_an_error_with_a_position(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"line 1 column|empty"):
        read_json(body)
