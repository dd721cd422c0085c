"""The lexical forms of datatypes: what we accept is what the default engine accepts."""

import pytest
import shacl

from qlink_ld.namespaces import SH, XSD
from qlink_ld.validate.datatypes import is_well_typed

FORMS = {
    "dateTime": (
        "2026-01-01T00:00:00",
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:00:00.123456789+14:00",
        "2026-01-01T24:00:00",
        "2024-02-29T00:00:00",
        "2026-02-29T00:00:00",
        "-0044-03-15T00:00:00",
        "0000-01-01T00:00:00",
        "12026-01-01T00:00:00Z",
        "02026-01-01T00:00:00Z",
        "2026-01-01",
        "2026-01-01T00:00",
        "2026-01-01 00:00:00",
        "20260101T000000",
        "2026-01-01T25:00:00",
        "2026-01-01T00:00:60",
        "2026-13-01T00:00:00",
        "2026-01-01T00:00:00+15:00",
        "2026-01-01T00:00:00+0200",
        "2026-01-01T00:00:00z",
        " 2026-01-01T00:00:00",
        "2026-01-01T00:00:0\u0661",
    ),
    "date": ("2026-01-01", "2026-01-01Z", "2026-02-30", "2026-1-1", "20260101", "2026-01-01T00:00:00"),
    "time": ("10:00:00", "25:00:00", "10:00"),
    "duration": (
        "P1Y2M",
        "PT36H",
        "-P1D",
        "PT1.5S",
        "P1DT",
        "P",
        "PT",
        "P1W",
        "P1.5D",
        "P1S",
        "PT1M1H",
        " P1D",
        "P-1D",
    ),
    "boolean": ("true", "false", "1", "0", "True", "yes", " true", ""),
    "nonNegativeInteger": ("0", "-0", "+3", "00", "12345678901234567890", "-1", "3.0", "", "1e3", " 3", "\u0663"),
    "positiveInteger": ("1", "+1", "0", "-1"),
    "integer": ("1", "-1", "+1", "1.0", "x"),
    "byte": ("127", "-128", "128"),
    "unsignedInt": ("4294967295", "4294967296", "-1"),
    "decimal": ("1", "1.5", ".5", "5.", "+1.0", "1e3", "", "x", "."),
    "double": ("1e3", "INF", "NaN", "1", "x", "inf"),
}


@pytest.mark.parametrize("name", FORMS)
def test_forms_are_those_of_the_default_engine(name: str) -> None:
    shapes = shacl.Shapes.from_text(
        f"@prefix sh: <{SH}> . <urn:s> a sh:NodeShape ; sh:targetNode <urn:n> ;"
        f" sh:property [ sh:path <urn:p> ; sh:datatype <{XSD}{name}> ] .",
        "turtle",
    )
    for form in FORMS[name]:
        report = shapes.validate_text(f'<urn:n> <urn:p> "{form}"^^<{XSD}{name}> .\n', "ntriples")
        assert is_well_typed(form, f"{XSD}{name}") is report.conforms, form


@pytest.mark.parametrize("datatype", [f"{XSD}anyURI", f"{XSD}string", "urn:of-my-own"])
def test_datatypes_without_a_rule_accept_anything(datatype: str) -> None:
    assert is_well_typed("%% anything", datatype) is None


def test_a_number_of_five_thousand_digits_is_no_error() -> None:
    assert is_well_typed("9" * 5000, f"{XSD}nonNegativeInteger") is True
    assert is_well_typed("-" + "9" * 5000, f"{XSD}nonNegativeInteger") is False
    assert is_well_typed("9" * 5000, f"{XSD}byte") is False
