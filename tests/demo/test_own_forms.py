"""Files in a university's own form: JSON, tables, and the XML of an administration system."""

import io

import openpyxl
import pytest

from qlink_ld.demo.own_json import render_own_json
from qlink_ld.demo.own_table import COLUMNS, render_table, write_csv, write_xlsx
from qlink_ld.demo.own_xml import VALMONT_XML, render_own_xml
from qlink_ld.demo.sample_universities import load_catalogue
from qlink_ld.demo.teaching import Teaching, read_teaching
from qlink_ld.demo.u_gov import U_GOV, render_u_gov
from qlink_ld.demo.universities import PORTOFERMO, RIA, SEEUFER, VALMONT, University


def teach(university: University, file: str) -> Teaching:
    return read_teaching(university, load_catalogue(university, file, generated=16))


@pytest.fixture(scope="module")
def ria() -> Teaching:
    return teach(RIA, "ria")


def test_json_is_keyed_by_code_and_speaks_german() -> None:
    document = render_own_json(teach(SEEUFER, "seeufer"))
    assert [programme["code"] for programme in document["programmes"]] == ["BA-SEE", "MA-EIS"]
    course = document["courses"]["SEE-210"]
    assert (course["credits"], course["level"], course["languages"]) == ("7,5 ECTS", "Master", "Englisch")
    assert course["programmes"] == ["MA-EIS"]
    option = course["options"][0]
    assert (option["start"], option["end"], option["mode"]) == ("01.10.2026", "12. Februar 2027", "hybrid")
    fees = {option["fee"] for course in document["courses"].values() for option in course["options"]}
    assert fees == {"-", "120 €"}


def test_a_table_has_a_row_for_each_group_and_the_encoding_of_old_programs(ria: Teaching) -> None:
    rows = render_table(ria, ria.courses)
    text = write_csv(rows).decode("windows-1252")
    assert text.startswith("Código;Ano;Designação;")
    assert len(rows) > len({row[0] for row in rows}) > 10
    assert ";7,5;Mestrado;0713;EN;" in text
    with pytest.raises(UnicodeDecodeError):
        write_csv(rows).decode("utf-8")


def test_a_spreadsheet_can_be_opened_and_is_the_same_every_time(ria: Teaching) -> None:
    rows = render_table(ria, ria.courses)
    body = write_xlsx(rows)
    assert body == write_xlsx(render_table(ria, ria.courses))
    sheet = openpyxl.load_workbook(io.BytesIO(body)).active
    assert sheet is not None
    cells = [list(row) for row in sheet.iter_rows(values_only=True)]
    assert cells[0] == list(COLUMNS)
    assert [[cell or "" for cell in row] for row in cells[1:]] == rows


def test_xml_has_attributes_two_namespaces_and_french_dates() -> None:
    teaching = teach(VALMONT, "valmont")
    document = render_own_xml(teaching)
    courses = {course.get("code"): course for course in document.iter(f"{{{VALMONT_XML}}}ue")}
    assert courses.keys() == {course.code for course in teaching.courses}
    course = courses["ENE-210"]
    assert (course.get("niveau"), course.findtext(f"{{{VALMONT_XML}}}credits")) == ("M1", "7,5")
    titles = [element.text for element in course if str(element.tag).endswith("}title")]
    assert titles == ["ENE-210 Petite hydroélectricité", "Petite hydroélectricité", "Small Hydropower"]
    assert course.findtext(f"{{{VALMONT_XML}}}session/{{{VALMONT_XML}}}debut") == "1 octobre 2026"
    assert course.findtext(f"{{{VALMONT_XML}}}session/{{{VALMONT_XML}}}fin") == "12/02/2027"


def test_u_gov_has_each_activity_below_a_programme_of_its_level() -> None:
    teaching = teach(PORTOFERMO, "portofermo")
    document = render_u_gov(teaching)
    kinds = {"bachelor": "L", "master": "LM", "doctoral": "D1"}
    levels = {course.code: kinds[course.level] for course in teaching.courses}
    found = {}
    for programme in document.iter(f"{{{U_GOV}}}cds"):
        for activity in programme.iter(f"{{{U_GOV}}}af"):
            found[activity.findtext(f"{{{U_GOV}}}afGenCod")] = programme.findtext(f"{{{U_GOV}}}tipoCorsoCod")
    assert found == levels
