"""Values come in many spellings; each reader gives one, or none."""

import pytest

from qlink_ld.mapping.values import (
    DAY_END_READERS,
    READERS,
    read_boolean,
    read_count,
    read_date_time,
    read_day,
    read_decimal,
    read_duration,
    read_integer,
    read_iri,
    read_language,
    read_positive,
    read_string,
)
from qlink_ld.namespaces import XSD


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("en", "en"),
        ("en-GB", "en-gb"),
        ("EN_gb", "en-gb"),
        (" nl ", "nl"),
        ("zh-Hans-CN", "zh-hans-cn"),
        ("nld", "nl"),
        ("x-local", "x-local"),
        ("", None),
        ("not a tag", None),
        ("en-", None),
        ("en--GB", None),
        ("12", None),
        ("anglais!", None),
        ("e" * 40, None),
    ],
)
def test_language_tags(tag: str, expected: str | None) -> None:
    assert read_language(tag) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://example.org/a", "https://example.org/a"),
        (" https://example.org/a b ", "https://example.org/a%20b"),
        ("https://example.org/é", "https://example.org/é"),
        ("www.example.org/x", "https://www.example.org/x"),
        ("example.org", "https://example.org"),
        ("mailto:a@example.org", "mailto:a@example.org"),
        ("see website", None),
        ("", None),
        ("/relative", None),
        ("https://example.org/<x>", None),
        ('https://example.org/"', None),
        ("https://example.org/\n", "https://example.org/"),
    ],
)
def test_iris(text: str, expected: str | None) -> None:
    assert read_iri(text) == expected


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2025-09-01", "2025-09-01T00:00:00", "2025-09-01T23:59:59"),
        ("2025-09-01T10:30:00", "2025-09-01T10:30:00", "2025-09-01T10:30:00"),
        ("2025-09-01 10:30", "2025-09-01T10:30:00", "2025-09-01T10:30:00"),
        ("2025-09-01T10:30:00Z", "2025-09-01T10:30:00Z", "2025-09-01T10:30:00Z"),
        ("2025-09-01T10:30:00+0200", "2025-09-01T10:30:00+02:00", "2025-09-01T10:30:00+02:00"),
        ("2025-09-01T10:30:00.25+14:00", "2025-09-01T10:30:00.25+14:00", "2025-09-01T10:30:00.25+14:00"),
        ("2025-09-01T10:30:00+14:30", None, None),
        ("2025-09-01T10:30:00+23:00", None, None),
        ("2025-02-30", None, None),
        ("2025-09-01T25:00", None, None),
        ("2025-09-01T10:30:00 CET", None, None),
        ("01-09-2025", None, None),
        ("２０２５-09-01", None, None),
        ("", None, None),
    ],
)
def test_a_plain_date_is_the_start_or_the_end_of_its_day(text: str, start: str | None, end: str | None) -> None:
    assert read_date_time(text) == start
    assert read_date_time(text, day_end=True) == end


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-09-01", "2025-09-01"),
        ("2025-09-01T10:30:00Z", "2025-09-01"),
        (" 2025-09-01 ", "2025-09-01"),
        ("2025-09-0199", None),
        ("2025-09-01 or later", None),
        ("2025-02-30", None),
    ],
)
def test_days(text: str, expected: str | None) -> None:
    assert read_day(text) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (7.5, "7.5"),
        (6, "6"),
        ("6.0", "6"),
        ("340.84", "340.84"),
        (" 3 ", "3"),
        ("+3.50", "3.5"),
        (".5", "0.5"),
        ("5.", "5"),
        (-0.0, "0"),
        (100, "100"),
        ("1e3", "1000"),
        (1e-7, "0.0000001"),
        ("7,5", None),
        ("1_000", None),
        ("３", None),
        ("NaN", None),
        ("Infinity", None),
        ("1e400", None),
        ("1e99999999999999999999", None),
        ("six", None),
        ("", None),
        (True, None),
        (None, None),
        ([6], None),
        ({"value": 6}, None),
    ],
)
def test_equal_numbers_get_equal_text(value: object, expected: str | None) -> None:
    assert read_decimal(value) == expected


@pytest.mark.parametrize(
    ("value", "count", "integer", "positive"),
    [
        (60, "60", "60", "60"),
        (60.0, "60", "60", "60"),
        ("60.0", "60", "60", "60"),
        (0, "0", "0", None),
        (-3, None, "-3", None),
        (60.5, None, None, None),
        ("many", None, None, None),
        (True, None, None, None),
    ],
)
def test_counts_accept_whole_numbers_only(
    value: object, count: str | None, integer: str | None, positive: str | None
) -> None:
    assert (read_count(value), read_integer(value), read_positive(value)) == (count, integer, positive)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(True, "true"), ("FALSE", "false"), (1, "true"), ("0", "false"), ("yes", None), (2, None), (None, None)],
)
def test_booleans(value: object, expected: str | None) -> None:
    assert read_boolean(value) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("P6M", "P6M"),
        ("P1DT30H4S", "P1DT30H4S"),
        ("PT7H30M", "PT7H30M"),
        ("PT0.5S", "PT0.5S"),
        ("P10W", "P70D"),
        ("P1Y2W", "P1Y14D"),
        ("P1W2D", None),
        ("P", None),
        ("P1DT", None),
        ("PT1.5H", None),
        ("6 months", None),
        ("P６M", None),
    ],
)
def test_durations(text: str, expected: str | None) -> None:
    assert read_duration(text) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [("x", "x"), (7, "7"), (7.5, "7.5"), (True, "true"), (None, None), ([1], None), ({}, None)]
)
def test_strings(value: object, expected: str | None) -> None:
    assert read_string(value) == expected


@pytest.mark.parametrize("datatype", sorted({*READERS, *DAY_END_READERS}))
@pytest.mark.parametrize("value", [None, [], {}, ["2025-01-01"], {"a": 1}])
def test_no_reader_accepts_a_structure(datatype: str, value: object) -> None:
    assert READERS[datatype](value) is None


def test_dates_as_numbers_are_none() -> None:
    assert READERS[f"{XSD}dateTime"](20250901) is None
    assert DAY_END_READERS[f"{XSD}dateTime"]("2025-09-01") == "2025-09-01T23:59:59"
