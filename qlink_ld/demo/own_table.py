"""Makes the tables of a university that has no system for them: the form of the worked example `mappings/example-csv/`.

One row for each group of a course, so that what is said of the course stands in several rows. As CSV with semicolons in
the encoding of an old office program, and as a spreadsheet.
"""

import csv
import io
import zipfile
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final

from lxml.builder import ElementMaker
from lxml.etree import tostring

from qlink_ld.demo.teaching import Opportunity, Teaching

Row = list[str | float]
COLUMNS: Final = (
    "Código", "Ano", "Designação", "Designation", "ECTS", "Grau", "ISCED", "Língua", "Resultados", "Curso", "Turma",
    "Início", "Fim", "Vagas", "Avaliada", "Docente",
)  # fmt: skip
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"  # media type
_DEGREES: Final = {"bachelor": "Licenciatura", "master": "Mestrado", "doctoral": "Doutoramento"}
_YEAR: Final = 2026
_ENCODING: Final = "windows-1252"
_SHEET: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"


def render_table(teaching: Teaching, courses: Sequence[Opportunity]) -> list[Row]:
    """Return a row for each group of the courses; those without a Portuguese text have no place in this table."""
    codes = {programme.id: programme.code for programme in teaching.programmes}
    return [
        [
            it.code,
            _YEAR,
            it.titles["pt"],
            it.titles.get("en", ""),
            it.points,
            _DEGREES[it.level],
            it.isced,
            it.language.upper(),
            "\n".join(texts["pt"] for texts in it.outcomes),
            ", ".join(codes[programme] for programme in it.programmes),
            f"T{number}",
            f"{date.fromisoformat(offering.start):%d/%m/%Y}",
            f"{date.fromisoformat(offering.end):%d/%m/%Y}",
            offering.capacity,
            "S",
            "A. Exemplo",
        ]
        for it in courses
        if "pt" in it.titles
        for number, offering in enumerate(it.offerings, 1)
    ]


def write_csv(rows: Iterable[Row]) -> bytes:
    """Return a table as CSV with semicolons, decimal commas and line ends of Windows."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=";", lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([f"{cell:g}".replace(".", ",") if isinstance(cell, float) else cell for cell in row])
    return stream.getvalue().encode(_ENCODING, "replace")


def write_xlsx(rows: Iterable[Row]) -> bytes:
    """Return a table as the smallest spreadsheet there is, the same every time. Source: ECMA-376, part 1."""
    make = ElementMaker(namespace=_SHEET, nsmap={None: _SHEET, "r": _OFFICE})
    cells = (
        make.row(
            *(
                make.c(make("is", make.t(cell)), t="inlineStr")
                if isinstance(cell, str)
                else make.c(make.v(f"{cell:g}"))
                for cell in row
            )
        )
        for row in (COLUMNS, *rows)
    )
    relation = ElementMaker(namespace=f"{_PACKAGE}/relationships", nsmap={None: f"{_PACKAGE}/relationships"})
    kind = ElementMaker(namespace=f"{_PACKAGE}/content-types", nsmap={None: f"{_PACKAGE}/content-types"})
    office = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = {
        "[Content_Types].xml": kind.Types(
            kind.Default(Extension="rels", ContentType="application/vnd.openxmlformats-package.relationships+xml"),
            kind.Override(PartName="/xl/workbook.xml", ContentType=f"{office}.sheet.main+xml"),
            kind.Override(PartName="/xl/worksheets/sheet1.xml", ContentType=f"{office}.worksheet+xml"),
        ),
        "_rels/.rels": relation.Relationships(
            relation.Relationship(Id="rId1", Type=f"{_OFFICE}/officeDocument", Target="xl/workbook.xml")
        ),
        "xl/_rels/workbook.xml.rels": relation.Relationships(
            relation.Relationship(Id="rId1", Type=f"{_OFFICE}/worksheet", Target="worksheets/sheet1.xml")
        ),
        "xl/workbook.xml": make.workbook(
            make.sheets(make.sheet(name="UC", sheetId="1", **{f"{{{_OFFICE}}}id": "rId1"}))
        ),
        "xl/worksheets/sheet1.xml": make.worksheet(make.sheetData(*cells)),
    }
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, root in parts.items():
            body = tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)
            archive.writestr(zipfile.ZipInfo(name, (2026, 8, 20, 9, 30, 0)), body, zipfile.ZIP_DEFLATED)
    return stream.getvalue()
