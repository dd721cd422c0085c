"""Contexts that need a JSON-LD processor get one; a mapping of one's own needs no Python."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qlink_ld.errors import UnreadableData
from qlink_ld.mapping.lift import OxigraphLifter, write_number
from qlink_ld.namespaces import XSD

Convert = Callable[..., Any]
S = "https://s.example/"
PREFIXES = {
    "@vocab": "urn:qlink-ld:source:",
    "adms": "http://www.w3.org/ns/adms#",
    "dcterms": "http://purl.org/dc/terms/",
    "elm": "http://data.europa.eu/snb/model/ontology/",
    "ex": "https://ex.example/",
    "owl": "http://www.w3.org/2002/07/owl#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "xsd": XSD,
    "dcterms:publisher": {"@type": "@id"},
    "owl:sameAs": {"@type": "@id"},
}
TOML = """
name = "mine"
title = "My university"
match = { type = "json" }
context = "context.jsonld"

[[resource]]
name = "courses"
records = "data.list"
identifier = "Course Code"
class = ["elm:LearningAchievementSpecification"]

[nodes]
"Study Load" = { class = "elm:CreditPoint", value = "points" }
"""


def write_mapping(folder: Path, terms: dict[str, Any], rule: str = "") -> str:
    (folder / "mapping.toml").write_text(TOML)
    (folder / "context.jsonld").write_text(json.dumps({"@context": {**PREFIXES, **terms}}))
    if rule:
        (folder / "rules").mkdir()
        (folder / "rules/rule.rq").write_text(f"PREFIX ex: <https://ex.example/>\n{rule}")
    return str(folder)


def statements(converted: Any) -> set[str]:
    """What the only record says in the example namespace, without its subject."""
    (record,) = converted.records
    lines = record.ntriples.removesuffix(" .\n").split(" .\n")
    return {line.split(" ", 1)[1] for line in lines if "<https://ex.example/" in line}


@pytest.mark.parametrize(
    ("definition", "value", "expected"),
    [
        ({"@id": "ex:t", "@container": "@language"}, {"en": "a", "nl": "b"}, {'"a"@en', '"b"@nl'}),
        ({"@id": "ex:t", "@container": "@index"}, {"1": "a", "2": "b"}, {'"a"', '"b"'}),
        ({"@id": "ex:t", "@type": "@json"}, {"b": 1, "a": 2}, {'"{\\"a\\":2,\\"b\\":1}"^^<http://www.w3.org/1999/02/22-rdf-syntax-ns#JSON>'}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("is_scoped", [False, True])
def test_terms_that_are_not_compiled_are_lifted_by_the_processor(
    tmp_path: Path, convert: Convert, definition: Any, value: Any, expected: set[str], is_scoped: bool
) -> None:
    # In a scoped context just as at the top: the whole context is then processed by pyoxigraph.
    terms = {"t": definition} if not is_scoped else {"inner": {"@id": "ex:inner", "@context": {"t": definition}}}
    record = {"Course Code": "A", "t": value} if not is_scoped else {"Course Code": "A", "inner": {"t": value}}
    converted = convert({"courses": {"data": {"list": [record]}}}, mapping=write_mapping(tmp_path, terms))
    found = {line.removeprefix("<https://ex.example/t> ") for line in statements(converted) if "/t>" in line}
    assert found == expected
    assert converted.issues == ()


def test_keys_with_blanks_become_parts_of_iris(tmp_path: Path, convert: Convert) -> None:
    terms = {"Study Load": "ex:load", "points": {"@id": "ex:points", "@type": "xsd:decimal"}, "My Code": "ex:code"}
    record = {"Course Code": "A 1", "Study Load": "7.50", "My Code": {"x": 1, "My Code": "c"}}
    converted = convert({"courses": {"data": {"list": [record]}}}, mapping=write_mapping(tmp_path, terms))
    assert statements(converted) == {
        "<https://ex.example/load> <https://example.org/courses/NL0028/A%201#Study%20Load>",
        f'<https://ex.example/points> "7.5"^^<{XSD}decimal>',
        "<https://ex.example/code> <https://example.org/courses/NL0028/A%201#My%20Code>",
        '<https://ex.example/code> "c"',
    }


def test_a_rule_that_reads_everything_meets_no_key_that_is_no_iri(tmp_path: Path, convert: Convert) -> None:
    rule = "CONSTRUCT { ?s ex:said ?o } WHERE { ?s ?p ?o FILTER(isLiteral(?o)) }"
    record = {"Course Code": "A", "plain": "x", "with blank": "y", "<bad>": "z", "é": "w"}
    pages = {"courses": {"data": {"list": [record]}}}
    mapping = write_mapping(tmp_path, {}, rule)
    for by_processor in (False, True):
        converted = convert(pages, mapping=mapping, by_processor=by_processor)
        assert '<https://ex.example/said> "x"' in statements(converted)
        unmapped = {use.path for use in converted.fields if use.outcome == "unmapped"}
        assert unmapped == {"Course Code", "with blank", "<bad>", "é"}


def test_iris_in_data_are_never_expanded_by_the_context(tmp_path: Path, convert: Convert) -> None:
    mapping = write_mapping(tmp_path, {"see": {"@id": "ex:see", "@type": "@id"}})
    record = {"Course Code": "A", "see": ["https://x.example/a b", "elm:Note", "no iri", "urn:x:y", "", None]}
    for by_processor in (False, True):
        converted = convert({"courses": {"data": {"list": [record]}}}, mapping=mapping, by_processor=by_processor)
        assert statements(converted) == {
            "<https://ex.example/see> <https://x.example/a%20b>",
            "<https://ex.example/see> <urn:x:y>",
        }
        assert [(use.path, use.count) for use in converted.fields if use.outcome == "dropped"] == [("see", 2)]


def test_a_code_that_the_context_nulls_is_unknown(tmp_path: Path, convert: Convert) -> None:
    terms = {"kind": {"@id": "ex:kind", "@type": "@vocab", "@context": {"a": "ex:A", "none": None}}}
    record = {"Course Code": "A", "kind": ["a", "none"]}
    converted = convert({"courses": {"data": {"list": [record]}}}, mapping=write_mapping(tmp_path, terms))
    assert statements(converted) == {"<https://ex.example/kind> <https://ex.example/A>"}
    assert [(issue.code, issue.value) for issue in converted.issues] == [("unmapped-value", "none")]


def test_a_node_without_identity_and_a_named_graph_are_refused() -> None:
    lifter = OxigraphLifter({"ex": "https://ex.example/"})
    with pytest.raises(UnreadableData, match="declare its key under"):
        lifter.lift({"@id": S, "ex:a": {"ex:b": "c"}})
    with pytest.raises(UnreadableData, match="named graphs"):
        lifter.lift({"@id": S, "@graph": [{"@id": S, "ex:a": "b"}]})
    with pytest.raises(UnreadableData, match="not JSON-LD"):
        lifter.lift({"@id": S, "ex:a": {"@value": {}}})


@pytest.mark.parametrize(
    ("value", "datatype", "expected"),
    [
        (True, None, f'"true"^^<{XSD}boolean>'),
        (6, None, f'"6"^^<{XSD}integer>'),
        (6.0, None, f'"6"^^<{XSD}integer>'),
        (7.5, None, f'"7.5E0"^^<{XSD}double>'),
        (6, f"{XSD}double", f'"6.0E0"^^<{XSD}double>'),
        (7.5, f"{XSD}string", '"7.5E0"'),
        (6, f"{XSD}string", '"6"'),
        (1e21, None, f'"1.0E21"^^<{XSD}double>'),
        (-0.001, None, f'"-1.0E-3"^^<{XSD}double>'),
    ],
)
def test_numbers_are_written_as_json_ld_says(value: float, datatype: str | None, expected: str) -> None:
    assert write_number(value, datatype) == expected
    terms: dict[str, Any] = {"@id": f"{S}p", **({"@type": datatype} if datatype else {})}
    assert OxigraphLifter({"p": terms}).lift({"@id": S, "p": value}) == [f"<{S}> <{S}p> {expected}"]
