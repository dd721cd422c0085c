"""JSON and YAML: each value with its place; YAML by version 1.2; bombs end quickly."""

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qlink_ld.discovery.document import read_document
from qlink_ld.discovery.json_document import read_json_document
from qlink_ld.discovery.located import DocumentError, Items, Place, Scalar, Table, plain
from qlink_ld.discovery.yaml_document import MAX_ALIASES, read_core_scalar, read_yaml_document


def read(text: str) -> Any:
    return plain(read_document(text.encode()).root)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=30,
)


@given(JSON, st.sampled_from([None, 0, 1, "\t"]), st.booleans())
@settings(deadline=None)
def test_json_means_what_the_standard_library_reads(value: Any, indent: int | str | None, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    if "\\ud" not in text and not any("\ud800" <= char <= "\udfff" for char in text):
        assert plain(read_json_document(text).root) == value


@given(st.text(alphabet='{}[],:"\\ \n0123456789.eE+-truefalsn/', max_size=30))
@settings(deadline=None)
def test_json_is_strict(text: str) -> None:
    try:
        expected = json.loads(text, strict=False)
    except ValueError:
        with pytest.raises(DocumentError):
            read_json_document(text)
    else:
        assert plain(read_json_document(text).root) == expected


@given(st.text(max_size=60))
@settings(deadline=None)
def test_any_text_is_read_or_refused(text: str) -> None:
    for reader in (read_json_document, read_yaml_document):
        try:
            reader(text)
        except DocumentError:
            continue


def test_every_value_knows_its_line_and_column() -> None:
    for text, place in (('{\n  "a": [\n    1,\n    "x"]}', Place(4, 5)), ("a:\n  - 1\n  - x\n", Place(3, 5))):
        root = read_document(text.encode()).root
        assert isinstance(root, Table)
        items = root.members["a"].node
        assert isinstance(items, Items)
        assert isinstance(items.values[1], Scalar)
        assert items.values[1].place == place


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_all_line_ends_count(line_end: str) -> None:
    with pytest.raises(DocumentError) as caught:
        read_document(f'{{{line_end}{line_end}"a": x y{line_end}: "}}'.encode())
    assert caught.value.place == Place(3, 6)


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ('{"a": 1\n "b": 2}', (2, 2), "a comma is missing"),
        ('{"a": 1', (1, 8), "the document ends, and } is missing"),
        ('["a"', (1, 5), "the document ends, and ] is missing"),
        ('{"a" 1}', (1, 6), 'a colon is missing after the key "a"'),
        ('{"a": "x\n}', (1, 7), "unterminated string"),
        ('{"a": \'x}', (1, 7), "double quotes"),
        ('{"a": 1} }', (1, 10), "after the end"),
        ("a: b: c", (1, 5), "put the text in quotes"),
        ("a:\n\t- b", (2, 1), "indent with spaces"),
        ("a: *unknown", (1, 4), "names nothing before it"),
        ("a: &x [*x]", (1, 8), "stands inside what it names"),
        ("a: 1\n---\nb: 2", (2, 1), "second document"),
        ("? [a]\n: b", (1, 3), "a key is text"),
        ("# nothing", (1, 1), "empty"),
    ],
)
def test_syntax_errors_have_a_place_and_plain_words(text: str, place: tuple[int, int], says: str) -> None:
    with pytest.raises(DocumentError, match=says) as caught:
        read_document(text.encode())
    assert caught.value.place == Place(*place)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"<!DOCTYPE html>", "a web page"),
        (b"\xef\xbb\xbf<html>", "a web page"),
        (b"a: 1\nb: \xe9", "UTF-8"),
        (b"a: \x00", "characters are not allowed"),
    ],
)
def test_what_is_neither_is_said(body: bytes, says: str) -> None:
    with pytest.raises(DocumentError, match=says):
        read_document(body)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: no", "no"),
        ("a: yes", "yes"),
        ("a: off", "off"),
        ("a: On", "On"),
        ("a: y", "y"),
        ("a: true", True),
        ("a: FALSE", False),
        ("a: tRue", "tRue"),
        ("a: 12:30:45", "12:30:45"),
        ("a: 190:20:30.15", "190:20:30.15"),
        ("a: 2026-01-01", "2026-01-01"),
        ("a: 010", 10),
        ("a: 0o10", 8),
        ("a: 0x1F", 31),
        ("a: 1_000", "1_000"),
        ("a: 0b11", "0b11"),
        ("a: +1.5e3", 1500.0),
        ("a: .5", 0.5),
        ("a: .inf", float("inf")),
        ("a: ~", None),
        ("a:", None),
        ("a: null", None),
        ("a: 'null'", "null"),
        ("a: !!str 5", "5"),
        ("a: !!int '5'", 5),
        ("a: !mine 5", "5"),
        ("a: |\n  x\n  y\n", "x\ny\n"),
        ("a: =", "="),
        ("%YAML 1.1\n---\na: no", "no"),
    ],
)
def test_m_15_yaml_is_read_by_the_core_schema_of_1_2(text: str, value: object) -> None:
    assert read(text) == {"a": value}


def test_m_15_not_a_number_is_one() -> None:
    assert str(read_core_scalar(".nan")) == "nan"


def test_m_15_keys_are_text_and_merge_keys_are_not_merged() -> None:
    assert read("no: 1\n5: 2\nb: &b {x: 1}\nc:\n  <<: *b\n") == {
        "no": 1,
        "5": 2,
        "b": {"x": 1},
        "c": {"<<": {"x": 1}},
    }


def bomb(levels: int) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x]"]
    lines += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 8)}]" for level in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (bomb(8), "its aliases written out"),
        ("a: &a x\nb: [" + "*a, " * (MAX_ALIASES + 1) + "]", "aliases"),
        ("[" * 10_000, "too deep"),
        ("- " * 10_000, "too deep"),
        ('{"a":' * 10_000, "too deep"),
        ("a:\n" + "- x\n" * 25_000, "too large"),
        ("[" + "1," * 25_000 + "1]", "too large"),
    ],
)
def test_m_15_bombs_are_refused_at_once(text: str, says: str) -> None:
    started = time.process_time()
    with pytest.raises(DocumentError, match=says):
        read_document(text.encode())
    assert time.process_time() - started < 10


def test_m_15_a_few_aliases_are_fine() -> None:
    assert read("a: &a {x: 1}\nb: [*a, *a]") == {"a": {"x": 1}, "b": [{"x": 1}, {"x": 1}]}


@pytest.mark.parametrize("text", ['{"a": 1, "b": 2,\n "a": 3}', "a: 1\nb: 2\na: 3\n"])
def test_repeated_keys_are_reported_and_the_last_counts(text: str) -> None:
    document = read_document(text.encode())
    assert plain(document.root) == {"a": 3, "b": 2}
    (slip,) = document.slips
    assert (slip.code, slip.message[:27]) == ("key-repeated", "`a` is repeated, after line")


def test_d_08_json_with_a_slip_that_yaml_forgives_is_read_and_said() -> None:
    document = read_document(b'{"a": [1, 2,],}')
    assert (document.syntax, plain(document.root)) == ("YAML", {"a": [1, 2]})
    assert document.slips[0].code == "json-invalid"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_byte_order_marks_are_no_content(encoding: str) -> None:
    assert plain(read_document('{"a": "é"}'.encode(encoding)).root) == {"a": "é"}


def test_half_surrogates_become_the_replacement_character() -> None:
    assert read('{"a": "\\ud800"}') == {"a": "\ufffd"}
    assert read('{"a": "\\ud83d\\ude00"}') == {"a": "😀"}


def test_long_numbers_do_no_harm() -> None:
    assert read('{"a": ' + "9" * 5000 + "}") == {"a": float("inf")}
    assert read("a: " + "9" * 5000) == {"a": float("inf")}
