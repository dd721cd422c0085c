"""Tables become JSON: delimiters, encodings, headers, sheets."""

import io
import zipfile
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from openpyxl import Workbook

from qlink_ld.errors import UnreadableData
from qlink_ld.mapping.csv_rows import find_delimiter
from qlink_ld.mapping.reading import ReadDocument
from qlink_ld.mapping.table_document import TableOptions, read_table


def read(table: str | bytes, **options: Any) -> ReadDocument:
    body = table if isinstance(table, bytes) else table.encode()
    return read_table(body, TableOptions(**options), url="https://uni.example/courses.csv")


def rows(table: str | bytes, **options: Any) -> list[Any]:
    found = read(table, **options)
    assert not found.notes
    return list(found.value)


def noted(found: ReadDocument) -> list[tuple[str, int | None, int]]:
    return [(note.code, note.line, note.count) for note in found.notes]


# Delimiters --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(delimiter: str) -> None:
    table = "\n".join(delimiter.join(cells) for cells in (["code", "title"], ["A", "Law"], ["B", "Art"]))
    assert rows(table) == [{"code": "A", "title": "Law"}, {"code": "B", "title": "Art"}]


@pytest.mark.parametrize(
    ("table", "delimiter"),
    [
        ("code;credits\nA;7,5\nB;6,0\n", ";"),
        ("code;credits, in ECTS;fee\nA;7,5;1\nB;6,5;2\n", ";"),
        ('code,title\nA,"Law; ""public""; private"\nB,"Art; new; old"\n', ","),
        ('code;text\nA;"one, two,\nthree, four"\nB;"five,\nsix"\n', ";"),
        ("title\nLaw, public\nArt, new, and old\n", "\x1f"),
        ("title\n", "\x1f"),
        ("", "\x1f"),
        ("code\ttitle\nA\tLaw, public; new\n", "\t"),
    ],
)
def test_other_candidates_in_texts_and_numbers_do_not_mislead(table: str, delimiter: str) -> None:
    assert find_delimiter(table) == delimiter


def test_excel_says_which_delimiter_it_used() -> None:
    found = read("sep=;\r\ncode;title\r\nA;Law\r\n")
    assert found.value == [{"code": "A", "title": "Law"}]
    assert found.value[0].line == 3


def test_the_mapping_can_name_the_delimiter() -> None:
    assert rows("code:title\nA:Law\n", delimiter=":") == [{"code": "A", "title": "Law"}]


@pytest.mark.parametrize(
    ("options", "said"), [({"delimiter": ";;"}, "must be one character"), ({"header": 0}, "name them in 'columns'")]
)
def test_options_that_make_no_sense_are_told(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        TableOptions(**options)


# Quotes ------------------------------------------------------------------------------------------------------------


def test_quoted_cells_hold_delimiters_quotes_and_line_ends() -> None:
    found = rows('code,text\r\nA,"one,\r\n""two"""\r\nB,three\r\n')
    assert found == [{"code": "A", "text": 'one,\r\n"two"'}, {"code": "B", "text": "three"}]
    assert [row.line for row in found] == [2, 4]


def test_a_quote_that_is_not_closed_costs_no_other_row() -> None:
    found = read('code;text\nA;"open\nB;fine\nC;"a "quoted" word"\nD;"two\nlines"\n')
    assert found.value == [
        {"code": "A", "text": '"open'},
        {"code": "B", "text": "fine"},
        {"code": "C", "text": 'a quoted" word"'},
        {"code": "D", "text": "two\nlines"},
    ]
    assert noted(found) == [("quotes-broken", 2, 2)]


def test_quotes_that_are_broken_all_over_are_told() -> None:
    with pytest.raises(UnreadableData, match="more than 200 lines have broken quotes"):
        read("code;text\n" + 'A;"open\n' * 203)


# Encodings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_unicode_is_read_as_it_says(encoding: str) -> None:
    assert rows("code;title\nA;Économie\n".encode(encoding)) == [{"code": "A", "title": "Économie"}]


@pytest.mark.parametrize(
    ("title", "encoding"),
    [
        ("Économie générale – l’entreprise", "windows-1252"),
        ("Größe", "windows-1252"),
        ("Řízení podniků ve střední Evropě", "windows-1250"),
        ("Zarządzanie ćwiczenia, źródła", "iso-8859-2"),
        ("Εισαγωγή στην Οικονομία", "windows-1253"),
        ("Въведение в икономиката", "windows-1251"),
        ("Sissejuhatus õigusesse ja ühiskonda", "windows-1257"),
        ("İşletme Yönetimine Giriş", "windows-1254"),
    ],
)
def test_other_encodings_are_guessed_and_told(title: str, encoding: str) -> None:
    found = read(f"code;title\nA;Law\nB;{title}\n".encode(encoding))
    assert found.value[1] == {"code": "B", "title": title}
    assert noted(found) == [("encoding-guessed", 3, 1)]


def test_the_mapping_can_name_the_encoding() -> None:
    assert rows("a;b\n1;€\n".encode("iso-8859-15"), encoding="iso-8859-15") == [{"a": "1", "b": "€"}]
    with pytest.raises(UnreadableData, match="line 2 is not in the encoding 'utf-8'"):
        read("a;b\n1;é\n".encode("cp1252"), encoding="utf-8")
    with pytest.raises(UnreadableData, match="'latin-99' is not the name of an encoding"):
        read("a;b", encoding="latin-99")


@pytest.mark.parametrize("body", [b"", b"\n \n", b"\xef\xbb\xbf"])
def test_nothing_is_told(body: bytes) -> None:
    with pytest.raises(UnreadableData, match="it is empty"):
        read(body)


def test_what_is_no_table_is_told() -> None:
    with pytest.raises(UnreadableData, match="a web page"):
        read("<!DOCTYPE html>\n<html></html>")
    with pytest.raises(UnreadableData, match="binary data"):
        read(b"a;b\n\x00\x01;\x00\n")


# Headers and rows --------------------------------------------------------------------------------------------------


def test_the_row_with_the_names_can_be_further_down() -> None:
    table = "Course catalogue, 2025\n\ncode;title, English\nA;Law\n"
    found = rows(table, header=3)
    assert found == [{"code": "A", "title, English": "Law"}]
    assert found[0].line == 4
    with pytest.raises(UnreadableData, match="there is no row 9 with the names"):
        read(table, header=9)


def test_the_mapping_can_name_the_columns() -> None:
    assert rows("A;Law\n", header=0, columns=["code", "title"]) == [{"code": "A", "title": "Law"}]
    assert rows("Code;\nA;Law\n", columns=["code", "title"]) == [{"code": "A", "title": "Law"}]


def test_names_are_on_one_line() -> None:
    assert rows('" code ";"title\n (English)"\nA;Law\n') == [{"code": "A", "title (English)": "Law"}]


def test_blank_rows_and_cells_are_passed_over() -> None:
    assert rows("code;title\n\n ; \nA;\n;;\n") == [{"code": "A"}]


def test_a_column_without_a_name_is_kept_and_told() -> None:
    found = read("code;;\nA;x;\nB;y;\n")
    assert found.value == [{"code": "A", "column_2": "x"}, {"code": "B", "column_2": "y"}]
    assert noted(found) == [("column-without-name", 2, 2)]


def test_columns_of_one_name_are_a_list_and_told() -> None:
    found = read("code;outcome;outcome;outcome\nA;x;;z\nB;y;;\n")
    assert found.value == [{"code": "A", "outcome": ["x", "z"]}, {"code": "B", "outcome": "y"}]
    assert noted(found) == [("column-repeated", None, 1)]


def test_rows_of_another_length_are_kept_and_told() -> None:
    found = read("code;title\nA;Law\nB\nC;Art;7,5;8\nD;x;;\n", delimiter=";")
    assert found.value == [
        {"code": "A", "title": "Law"},
        {"code": "B"},
        {"code": "C", "title": "Art", "column_3": "7,5", "column_4": "8"},
        {"code": "D", "title": "x"},
    ]
    assert noted(found) == [("row-too-short", 3, 1), ("row-too-long", 4, 2)]


def test_names_with_dots_are_nested_where_that_is_wanted() -> None:
    table = "code;name.en;name.it;outcome.1;outcome.2;place.a;place\nA;Law;Diritto;x;y;1;2\nB;Art;;;y;;\n"
    assert rows(table)[0]["name.en"] == "Law"
    assert rows(table, nested=".") == [
        {"code": "A", "name": {"en": "Law", "it": "Diritto"}, "outcome": ["x", "y"], "place.a": "1", "place": "2"},
        {"code": "B", "name": {"en": "Art"}, "outcome": ["y"]},
    ]


# Spreadsheets ------------------------------------------------------------------------------------------------------


def make_book(*sheets: tuple[str, Sequence[Sequence[Any]]], merge: str | None = None, hide: str | None = None) -> bytes:
    book = Workbook()
    book.remove(book.active)  # type: ignore[arg-type]
    for title, content in sheets:
        sheet = book.create_sheet(title)
        for row in content:
            sheet.append(list(row))
        if merge:
            sheet.merge_cells(merge)
        if title == hide:
            sheet.sheet_state = "hidden"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_cells_of_a_sheet_are_json() -> None:
    names = ["code", "credits", "start", "at", "length", "open", "share", "id"]
    day = datetime(2025, 9, 1, 14, 30)  # noqa: DTZ001 (sheets know no time zones)
    body = make_book(
        (
            "Courses",
            [
                names,
                ["A", 6.0, date(2025, 9, 1), time(9, 30), timedelta(hours=30, minutes=5), True, 0.1 + 0.2, 12345678901],
                ["B", 7.5, day, None, None, False, None, "007"],
            ],
        )
    )
    first, second = rows(body)
    values = ["A", 6, "2025-09-01", "09:30:00", "PT30H5M", True, 0.3, 12345678901]
    assert first == dict(zip(names, values, strict=True))
    assert isinstance(first["credits"], int)
    assert second == {"code": "B", "credits": 7.5, "start": "2025-09-01T14:30:00", "open": False, "id": "007"}
    assert (first.line, second.line) == (2, 3)


def test_the_first_sheet_that_is_not_hidden_is_read_or_the_one_that_is_named() -> None:
    sheets = (("Notes", [["x"], ["1"]]), ("Courses", [["code"], ["A"]]), ("Old", [["code"], ["Z"]]))
    body = make_book(*sheets, hide="Notes")
    assert rows(body) == [{"code": "A"}]
    assert rows(body, sheet="old ") == [{"code": "Z"}]
    assert rows(body, sheet=1) == [{"x": "1"}]
    with pytest.raises(UnreadableData, match="no sheet 'Kurse'; there are: Notes, Courses, Old"):
        read(body, sheet="Kurse")
    with pytest.raises(UnreadableData, match="none with the number 4"):
        read(body, sheet=4)


def test_merged_cells_count_in_each_of_their_rows_and_blank_rows_do_not() -> None:
    content: list[list[Any]] = [
        [],
        ["Catalogue"],
        ["programme", "code"],
        ["Law", "A"],
        [None, "B"],
        [],
        [None, "C"],
        [None, "D"],
    ]
    body = make_book(("Courses", content), merge="A4:A7")
    found = rows(body, header=3)
    assert found == [
        *({"programme": "Law", "code": code} for code in "ABC"),
        {"code": "D"},
    ]
    assert [row.line for row in found] == [4, 5, 7, 8]


def test_a_table_that_starts_further_right_keeps_its_place() -> None:
    assert rows(make_book(("S", [[None, None], [None, "code"], [None, "A"]]))) == [{"code": "A"}]


def test_a_formula_without_a_value_is_told() -> None:
    found = read(make_book(("S", [["code", "credits"], ["A", "=1+2"]])))
    assert found.value == [{"code": "A"}]
    assert [(note.code, note.value) for note in found.notes] == [("formula-without-value", "B2")]


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        for number in range(60):
            package.writestr(f"xl/media/{number}", bytes(10_000_000))
    with pytest.raises(UnreadableData, match="unpacked, it is larger than 512 MB"):
        read(out.getvalue())


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"PK\x03\x04damaged", "the book is damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "the book cannot be opened"),
    ],
)
def test_a_damaged_book_is_told(body: bytes, said: str) -> None:
    with pytest.raises(UnreadableData, match=said):
        read(body)


def test_a_package_that_is_no_book_is_told() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        package.writestr("readme.txt", "hello")
    with pytest.raises(UnreadableData, match="the book cannot be opened"):
        read(out.getvalue())


def test_entities_in_a_book_are_not_expanded() -> None:
    body = make_book(("S", [["code"], ["A"]]))
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(body)) as old, zipfile.ZipFile(out, "w") as new:
        for part in old.infolist():
            text = old.read(part)
            if part.filename == "xl/sharedStrings.xml":
                text = b'<!DOCTYPE sst [<!ENTITY e "expanded">]>' + text.replace(b">A<", b">&e;<")
            new.writestr(part, text)
    try:
        found = read(out.getvalue()).value
    except UnreadableData:
        return
    assert "expanded" not in str(found)
