"""Codes, names and addresses of every kind mean one concept."""

import pytest
from pyoxigraph import Literal, NamedNode

from qlink_ld.mapping.concepts import find_concept, read_concept

LANGUAGE = "http://publications.europa.eu/resource/authority/language/"
# ISO 639-2/B, its /T form (639-3), ISO 639-1, concept
BIBLIOGRAPHIC = """alb sqi sq SQI, arm hye hy HYE, baq eus eu EUS, bur mya my MYA, chi zho zh ZHO, cze ces cs CES,
dut nld nl NLD, fre fra fr FRA, geo kat ka KAT, ger deu de DEU, gre ell el ELL, ice isl is ISL, mac mkd mk MKD,
mao mri mi MRI, may msa ms MSA, per fas fa FAS, rum ron ro RON, slo slk sk SLK, tib bod bo BOD, wel cym cy CYM"""


@pytest.mark.parametrize("row", [row.split() for row in BIBLIOGRAPHIC.split(",")], ids=lambda row: str(row[0]))
def test_both_forms_of_iso_639_2_mean_one_language(row: list[str]) -> None:
    for code in row[:3]:
        for form in (code, code.upper(), f"{code}-Latn", f"{code}_XX", f" {code} "):
            assert find_concept("language", form) == LANGUAGE + row[3], form


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("en-GB", "ENG"), ("sr-Latn", "SRP"), ("zh_Hans_CN", "ZHO"), ("hr", "HRV"), ("sr", "SRP"), ("bs", "BOS"),
        ("iw", "HEB"), ("in", "IND"), ("ji", "YID"), ("jw", "JAV"), ("mo", "RON"), ("mol", "RON"), ("scr", "HRV"),
        ("scc", "SRP"), ("no", "NOR"), ("nb", "NOB"), ("nn", "NNO"), ("mul", "MUL"), ("slv", "SLV"), ("slo", "SLK"),
        ("English", "ENG"), ("german", "DEU"), ("Welsh", "CYM"),
        ("sh", None), ("hbs", None), ("und", None), ("zxx", None), ("xx", None), ("Elvish", None), ("", None),
    ],
)  # fmt: skip
def test_languages_in_other_forms(value: str, code: str | None) -> None:
    assert find_concept("language", value) == (code and LANGUAGE + code)


@pytest.mark.parametrize(
    ("address", "code"),
    [
        (f"{LANGUAGE}NLD", "NLD"),
        (f"{LANGUAGE}nld", "NLD"),
        (f"{LANGUAGE}dut", "NLD"),
        (f"{LANGUAGE.replace('http:', 'https:')}NLD", "NLD"),
        ("http://lexvo.org/id/iso639-3/nld", "NLD"),
        ("http://id.loc.gov/vocabulary/iso639-2/dut", "NLD"),
        ("http://id.loc.gov/vocabulary/iso639-1/nl/", "NLD"),
        (f"{LANGUAGE}HBS", None),
        ("https://x.example/nl", None),
        ("https://x.example/English", None),
    ],
)
def test_addresses_of_languages(address: str, code: str | None) -> None:
    assert read_concept("language", NamedNode(address)) == (NamedNode(LANGUAGE + code) if code else None)


@pytest.mark.parametrize(
    ("vocabulary", "value", "code"),
    [
        ("isced-f", "0613", "0613"), ("isced-f", "06.13", "0613"), ("isced-f", "061305", "0613"),
        ("isced-f", "613", "0613"), ("isced-f", "061", "061"), ("isced-f", "06", "06"), ("isced-f", "9999", "9999"),
        ("isced-f", "617", None), ("isced-f", "6", None), ("isced-f", "٠٦١٣", None),
        ("eqf", "6", "6"), ("eqf", "Level 6", "6"), ("eqf", "9", None),
    ],
)  # fmt: skip
def test_fields_and_levels(vocabulary: str, value: str, code: str | None) -> None:
    found = read_concept(vocabulary, Literal(value))
    assert found == (NamedNode(f"http://data.europa.eu/snb/{vocabulary}/{code}") if code else None)


def test_labels_that_several_concepts_have_mean_none_of_them() -> None:
    assert find_concept("learning-assessment", "Online") == "http://data.europa.eu/snb/learning-assessment/920fbb3cbe"
    assert find_concept("country", "NL") == "http://publications.europa.eu/resource/authority/country/NLD"
    assert find_concept("currency", "eur") == "http://publications.europa.eu/resource/authority/currency/EUR"
