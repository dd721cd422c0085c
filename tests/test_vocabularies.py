"""The bundled vocabularies: whole, and found under the codes that sources use."""

from pathlib import Path

import pytest

from qlink_ld.namespaces import RDF, SKOS
from qlink_ld.vocabularies import concept_label, known_concepts, load_vocabulary, type_concepts, vocabulary_files

LANGUAGE = "http://publications.europa.eu/resource/authority/language/"
COUNTRY = "http://publications.europa.eu/resource/authority/country/"
SIZES = {
    "accreditation": 4, "assessment": 17, "country": 252, "credential": 5, "currency": 179, "education-credit": 2,
    "encoding": 1, "entitlement": 3, "entitlement-status": 2, "eqf": 8, "file-type": 195, "isced-f": 220,
    "language": 7956, "learning-activity": 12, "learning-assessment": 7, "learning-opportunity": 13,
    "learning-schedule": 3, "learning-setting": 2, "note-topic": 16, "nqf": 424, "skill-reuse-level": 4,
    "skill-type": 2, "target-group": 20,
}  # fmt: skip


def test_every_vocabulary_has_its_concepts() -> None:
    assert {file.stem: len(load_vocabulary(file.stem).labels) for file in vocabulary_files()} == SIZES


def test_concepts_are_those_of_the_reference(shared: Path) -> None:
    for file in vocabulary_files():
        lines = (shared / "reference" / "vocabularies" / f"{file.stem}.tsv").read_text(encoding="utf-8").splitlines()
        rows = [line.split("\t") for line in lines[1:]]
        vocabulary = load_vocabulary(file.stem)
        assert {row[0]: row[2] for row in rows} == {iri: labels["en"] for iri, labels in vocabulary.labels.items()}
        assert {row[0]: row[3] for row in rows if row[3]} == vocabulary.broader
        assert vocabulary.scheme


@pytest.mark.parametrize(
    ("code", "concept"),
    [("nl", "NLD"), ("nld", "NLD"), ("dut", "NLD"), ("de", "DEU"), ("deu", "DEU"), ("ger", "DEU"), ("ENG", "ENG"),
     ("en", "ENG"), ("fre", "FRA"), ("gre", "ELL"), ("el", "ELL"), ("ell", "ELL"), ("cs", "CES"), ("cze", "CES")],
)  # fmt: skip
def test_languages_are_found_under_every_code(code: str, concept: str) -> None:
    assert load_vocabulary("language").notations[code] == LANGUAGE + concept


@pytest.mark.parametrize(("code", "concept"), [("NL", "NLD"), ("NLD", "NLD"), ("XK", "1A0"), ("GR", "GRC")])
def test_countries_are_found_under_both_codes(code: str, concept: str) -> None:
    assert load_vocabulary("country").notations[code] == COUNTRY + concept


def test_no_code_stands_for_two_concepts() -> None:
    for file in vocabulary_files():
        concepts: dict[str, set[str]] = {}
        text = file.read_text(encoding="utf-8")
        for line in text.split("\n"):
            if " skos:notation " in line:
                codes = line.split(" skos:notation ")[1].split(" ; ")[0].removesuffix(" .").split(", ")
                for code in codes:
                    concepts.setdefault(code, set()).add(line.split(" ", 1)[0])
        if file.stem != "note-topic":  # two lists of topics in one file
            assert {code: iris for code, iris in concepts.items() if len(iris) > 1} == {}, file.stem


def test_isced_codes_lead_to_broader_fields() -> None:
    fields = load_vocabulary("isced-f")
    detailed = fields.notations["0613"]
    assert fields.broader[detailed] == fields.notations["061"]
    assert fields.broader[fields.notations["061"]] == fields.notations["06"]
    assert fields.notations["06"] not in fields.broader


def test_labels_are_found_by_iri() -> None:
    assert concept_label("http://data.europa.eu/snb/eqf/6") == "Level 6"
    assert concept_label("http://data.europa.eu/snb/eqf/6", "nl") == "Level 6"  # there is no other
    assert concept_label("http://data.europa.eu/snb/eqf/9") is None
    assert len(known_concepts()) == sum(SIZES.values())


def test_only_known_concepts_are_typed() -> None:
    data = (
        "<u:s> <u:p> <http://data.europa.eu/snb/eqf/6> .\n"
        "<u:s> <u:p> <http://data.europa.eu/snb/eqf/9> .\n"
        f"<u:s> <u:p> <{LANGUAGE}HBS> .\n"
    )
    assert type_concepts(data) == f"<http://data.europa.eu/snb/eqf/6> <{RDF}type> <{SKOS}Concept> .\n"


def test_an_unknown_vocabulary_is_not_found() -> None:
    with pytest.raises(FileNotFoundError):
        load_vocabulary("no-such")
