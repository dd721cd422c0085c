"""Numbers, dates and truth values as they are written here and there."""

from typing import Any

import pytest

from qlink_ld.mapping.forms import BooleanForm, DateForm, Forms, NumberForm, ValueForm, html_to_text
from qlink_ld.namespaces import XSD

GERMAN = NumberForm((",",), (".",), ("ECTS", "ECTS-Punkte", "€"))
SWISS = NumberForm((".",), ("'", "’", " "))


@pytest.mark.parametrize(
    ("form", "text", "number"),
    [
        (GERMAN, "7,5", "7.5"),
        (GERMAN, " 1.234.567,50 ", "1234567.50"),
        (GERMAN, "1.500", "1500"),
        (GERMAN, "1.5", None),  # 1.5 or a slip in 1.500?
        (GERMAN, "12.34,5", None),
        (GERMAN, "6 ECTS", "6"),
        (GERMAN, "6 ects-punkte", "6"),
        (GERMAN, "ECTS: 6", "6"),
        (GERMAN, "1.250,00€", "1250.00"),
        (GERMAN, "6 SWS", None),
        (GERMAN, "6-12", None),
        (GERMAN, "-3", "-3"),
        (GERMAN, "", None),
        (GERMAN, "ECTS", None),
        (SWISS, "1'250.50", "1250.50"),
        (SWISS, "1\u202f250", "1250"),
        (NumberForm((",",)), "1.500", None),  # no mark for thousands is declared
        (NumberForm((",", ".")), "1.5", "1.5"),
    ],
)
def test_numbers(form: NumberForm, text: str, number: str | None) -> None:
    assert form.read(text) == number


@pytest.mark.parametrize(
    ("form", "language", "text", "date"),
    [
        ("%d-%m-%Y", None, "30-09-2024", "2024-09-30"),
        ("%d.%m.%Y", None, "3.9.2024", "2024-09-03"),
        ("%Y/%m/%d", None, "2024/09/30", "2024-09-30"),
        ("%m/%d/%Y", None, "9/30/2024", "2024-09-30"),
        ("%d. %B %Y", "de", "1. März  2025", "2025-03-01"),
        ("%d. %b %Y", "de", "3. Sept. 2024", "2024-09-03"),
        ("%A, %d. %B %Y", "de-AT", "Montag, 30. September 2024", "2024-09-30"),
        ("%d %B %Y", "pl", "3 września 2024", "2024-09-03"),
        ("%d %B %Y", "el", "3 Σεπτεμβρίου 2024", "2024-09-03"),
        ("%d %B %Y", "fr", "1 FÉVRIER 2024", "2024-02-01"),
        ("%d.%m.%Y %H:%M", None, "3.2.2024 14:15", "2024-02-03T14:15:00"),
        ("%d.%m.%Y", None, "2024-09-30", "2024-09-30"),
        ("%d.%m.%Y", None, "31.02.2024", "31.02.2024"),
    ],
)
def test_dates(form: str, language: str | None, text: str, date: str) -> None:
    assert DateForm((form,), language).read(text) == date


@pytest.mark.parametrize(
    ("form", "language", "words"),
    [
        ("%Y", None, "does not say which day it is"),
        ("%d.%m", None, "does not say which day it is"),
        ("%Q", None, "is not a form of dates"),
        ("%d.%m.%Y", "xx-none", "names of months in 'xx-none' are not known"),
    ],
)
def test_a_form_of_dates_that_cannot_be_used_is_refused(form: str, language: str | None, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        DateForm((form,), language)


def test_readers_bring_texts_to_the_datatype_and_leave_other_values_alone() -> None:
    forms = Forms(GERMAN, DateForm(("%d.%m.%Y",)), BooleanForm(("ja", "J"), ("nein",)))
    decimal, moment = (forms.find_reader(f"{XSD}{name}", day_end=True) for name in ("decimal", "dateTime"))
    truth, text = (forms.find_reader(f"{XSD}{name}", day_end=False) for name in ("boolean", "string"))
    assert (decimal("7,50"), decimal(7.5), decimal("1.5"), decimal(True)) == ("7.5", "7.5", None, None)
    assert (moment("6.2.2026"), moment("31.2.2026"), moment(2026)) == ("2026-02-06T23:59:59", None, None)
    assert (truth("Ja"), truth(" j "), truth("NEIN"), truth(True), truth("1"), truth("wer weiß")) == (
        "true", "true", "false", "true", "true", None,
    )  # fmt: skip
    assert text("7,5") == "7,5"
    assert Forms().find_reader(f"{XSD}decimal", day_end=False)("7,5") is None


@pytest.mark.parametrize(
    ("form", "value", "changed"),
    [
        (ValueForm(split=(";", "\n"), strip="-•"), "a; b\n- c\n\n", ["a", "b", "c"]),
        (ValueForm(split=(";",)), "one", "one"),
        (ValueForm(split=(";",)), ["a;b", {"value": " x "}], ["a", "b", {"value": "x"}]),
        (ValueForm(split=(";",)), ";", []),
        (ValueForm(join=" / "), ["a", 5], "a / 5"),
        (ValueForm(split=(",",), join="+"), "a,b", "a+b"),
        (ValueForm(trim=True), [" a ", 5, None], ["a", 5, None]),
        (ValueForm(html=True), "<p>A &amp; B</p><p>C</p>", "A & B\nC"),
        (ValueForm(html=True), {"value": "<b>x</b>"}, {"value": "x"}),
        (ValueForm(replace={"vl": "Lecture"}), " VL ", "Lecture"),
        (ValueForm(digits=4), ["613", 613.0, "0613", "x"], ["0613", "0613", "0613", "x"]),
    ],
)
def test_texts_are_changed_before_they_are_mapped(form: ValueForm, value: Any, changed: object) -> None:
    assert form.changes_texts
    assert form.change(value, "value") == (changed, [])


def test_texts_that_stand_for_no_value_are_told() -> None:
    form = ValueForm(trim=True, nothing=frozenset({"-", "k. a."}))
    assert form.change(["-", "x", "K. A."], "value") == (["x"], ["-", "K. A."])
    assert form.change(" - ", "value") == ([], ["-"])


def test_html_becomes_lines_and_other_texts_stay() -> None:
    text = "<h2>Ziele</h2><ul><li>eins<!-- x --></li><li>zwei</li></ul><script>alert()</script>"
    assert html_to_text(text) == "Ziele\n- eins\n- zwei"
    assert html_to_text("a < b & c\n d") == "a < b & c\n d"
    assert html_to_text("B&auml;ume") == "Bäume"
    assert html_to_text("<!-- only a comment -->") == ""
    assert len(html_to_text("<div>" * 5000 + "deep")) < 10
