"""Tables of codes that a mapping folder brings along: what they say, and what is wrong in them, by file and line."""

from pathlib import Path

import pytest

from qlink_ld.errors import BrokenMapping
from qlink_ld.mapping.context import load_context
from qlink_ld.mapping.value_table import load_table

EQF = "http://data.europa.eu/snb/eqf/"
HEAD = "@prefix skos: <http://www.w3.org/2004/02/skos/core#> .\n@prefix : <https://x.example/> .\n"


def write(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_csv_table_has_codes_and_iris_and_whatever_else(tmp_path: Path, delimiter: str) -> None:
    rows = [("Label", "IRI", "Code"), ("Bachelor", f"{EQF}6", "BA"), ("", "", ""), ("nothing", "", "?")]
    text = "\ufeff" + "".join(f"{delimiter.join(row)}\r\n" for row in rows)
    assert load_table(write(tmp_path, "levels.csv", text)) == {"BA": f"{EQF}6", "?": None}


def test_a_skos_table_gives_what_concepts_match_or_themselves(tmp_path: Path) -> None:
    text = f'{HEAD}:a a skos:Concept ; skos:notation "A", "a1" ; skos:exactMatch <{EQF}6> .\n:b skos:notation "B" .\n'
    assert load_table(write(tmp_path, "levels.ttl", text)) == {
        "A": f"{EQF}6", "a1": f"{EQF}6", "B": "https://x.example/b",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("t.csv", "code,label\nBA,x\n", "t.csv:1: there is no column 'iri'"),
        ("t.csv", f"code,iri\nBA,{EQF}6\n,{EQF}7\n", "t.csv:3: there is no code"),
        ("t.csv", f"code,iri\nBA,{EQF}6\nBA,{EQF}7\n", "t.csv:3: the code 'BA' is in line 2 already"),
        ("t.csv", "code,iri\nBA,eqf:6\n", "t.csv:2: 'eqf:6' is not an IRI"),
        ("t.csv", "code,iri\nBA,http://x.example/a b\n", "t.csv:2: 'http://x.example/a b' is not an IRI"),
        ("t.csv", f"code,iri\n@id,{EQF}6\n", "t.csv:2: the code '@id' begins with @"),
        ("t.csv", 'code,iri\n"BA,x\n', "t.csv:.: not CSV"),
        ("t.csv", "", "t.csv:1: there is no column 'code'"),
        ("t.csv", "code,iri\n", "there is no code in it"),
        ("t.ttl", f"{HEAD}:a skos:notation 'A'\n:b .", "t.ttl:4: not Turtle"),
        ("t.ttl", f"{HEAD}:a a skos:Concept .", "the concept <https://x.example/a> has no skos:notation"),
        ("t.ttl", f"{HEAD}:a skos:notation 'A' .\n:b skos:notation 'A' .", "the code 'A' stands for several concepts"),
        ("t.ttl", f"{HEAD}[] skos:notation 'A' .", "is a blank node"),
    ],
)
def test_what_is_wrong_in_a_table_is_said_with_file_and_line(tmp_path: Path, name: str, text: str, words: str) -> None:
    with pytest.raises(BrokenMapping, match=words):
        load_table(write(tmp_path, name, text))


def test_a_table_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(BrokenMapping, match=r"absent\.csv: cannot read this table of codes"):
        load_table(tmp_path / "absent.csv")
    (tmp_path / "t.csv").write_bytes("code,iri\nä".encode("latin-1"))
    with pytest.raises(BrokenMapping, match="not UTF-8"):
        load_table(tmp_path / "t.csv")


def test_a_context_names_tables_and_finds_what_is_bundled_from_anywhere(tmp_path: Path) -> None:
    (tmp_path / "tables").mkdir()
    write(tmp_path / "tables", "levels.csv", f"code,iri\nBA,{EQF}6\n")
    context = '{"@context": ["../common/context.jsonld", {"level": {"@id": "elm:EQFLevel", "@type": "@vocab", "@context": ["../vocabularies/eqf", "tables/levels.csv"]}}]}'  # noqa: E501
    parts = load_context(write(tmp_path, "context.jsonld", context))
    assert parts[0]["elm"].startswith("http://data.europa.eu/")
    level = parts[-1]["level"]["@context"]
    assert {"BA": f"{EQF}6"} in level
    assert len(level) == 2
