"""Compiled contexts mean what JSON-LD says; what they do not cover is left to a processor."""

import json
from pathlib import Path
from typing import Any

import pytest

from qlink_ld.errors import BrokenMapping
from qlink_ld.mapping.context import compile_context, is_table, load_context
from qlink_ld.mapping.lift import OxigraphLifter, lift_node
from qlink_ld.namespaces import XSD

PREFIXES = {"@vocab": "https://v.example/", "ex": "https://ex.example/", "hash": "https://h.example/x#"}
S = "https://s.example/"


def both(context: Any, document: dict[str, Any]) -> list[str]:
    """The triples by the compiled context, which are those of the processor."""
    compiled = compile_context(context)
    assert not compiled.partial
    lines: list[str] = []
    lift_node({"@id": S, **document}, compiled, lines)
    expected = OxigraphLifter(context).lift({"@id": S, **document})
    assert sorted(set(lines)) == sorted(set(expected))
    return sorted(set(lines))


@pytest.mark.parametrize(
    ("definitions", "document", "triples"),
    [
        ({"a": "ex:a"}, {"a": "x"}, ['<https://ex.example/a> "x"']),
        ({}, {"a": "x"}, ['<https://v.example/a> "x"']),
        ({"a": None}, {"a": "x"}, []),
        ({"a": {"@id": None}}, {"a": "x"}, []),
        ({"a": {"@id": "ex:a", "@language": "NL"}}, {"a": "x"}, ['<https://ex.example/a> "x"@nl']),
        ({"a": {"@id": "ex:a", "@type": f"{XSD}date"}}, {"a": "x"}, [f'<https://ex.example/a> "x"^^<{XSD}date>']),
        ({"a": {"@id": "ex:a", "@type": f"{XSD}string"}}, {"a": "x"}, ['<https://ex.example/a> "x"']),
        ({"a": {"@id": "ex:a", "@type": f"{XSD}string"}}, {"a": 7}, ['<https://ex.example/a> "7"']),
        ({"a": {"@id": "ex:a", "@type": "@id"}}, {"a": "hash:x"}, ["<https://ex.example/a> <https://h.example/x#x>"]),
        ({"a": {"@id": "ex:a", "@type": "@id"}}, {"a": "urn:x:y"}, ["<https://ex.example/a> <urn:x:y>"]),
        ({"a": {"@id": "ex:a", "@type": "@vocab"}}, {"a": "x"}, ["<https://ex.example/a> <https://v.example/x>"]),
        (
            {"a": {"@id": "ex:a", "@type": "@vocab", "@context": {"x": "ex:concept"}}},
            {"a": "x"},
            ["<https://ex.example/a> <https://ex.example/concept>"],
        ),
        ({"ex:a": {"@type": "@id"}}, {"ex:a": "urn:x:y"}, ["<https://ex.example/a> <urn:x:y>"]),
        ({"a": "b", "b": "ex:b"}, {"a": "x"}, ['<https://ex.example/b> "x"']),
        ({"kind": "@type", "K": "ex:K"}, {"kind": "K"}, ["<type> <https://ex.example/K>"]),
        (
            {"a": {"@id": "ex:a", "@context": {"t": "@value", "l": "@language"}}},
            {"a": [{"t": "x", "l": "en"}, {"t": "y", "l": "nl"}]},
            ['<https://ex.example/a> "x"@en', '<https://ex.example/a> "y"@nl'],
        ),
        ({"group": "@nest", "a": "ex:a"}, {"group": {"a": "x"}}, ['<https://ex.example/a> "x"']),
        (
            {"a": {"@id": "ex:a", "@container": "@set"}},
            {"a": ["x", "y"]},
            ['<https://ex.example/a> "x"', '<https://ex.example/a> "y"'],
        ),
        ({}, {"a": True, "b": 7, "c": 7.5, "d": 1e21}, [
            f'<https://v.example/a> "true"^^<{XSD}boolean>',
            f'<https://v.example/b> "7"^^<{XSD}integer>',
            f'<https://v.example/c> "7.5E0"^^<{XSD}double>',
            f'<https://v.example/d> "1.0E21"^^<{XSD}double>',
        ]),
    ],
)  # fmt: skip
def test_terms(definitions: dict[str, Any], document: dict[str, Any], triples: list[str]) -> None:
    rdf_type = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"
    assert both({**PREFIXES, **definitions}, document) == [
        f"<{S}> {rest.replace('<type>', rdf_type)}" for rest in triples
    ]


def test_a_scoped_context_holds_inside_its_term_and_below() -> None:
    context = {**PREFIXES, "n": "ex:n", "inner": {"@id": "ex:inner", "@context": {"n": "ex:inside"}}}
    document = {
        "n": "outside",
        "inner": {"@id": "https://i.example/", "n": "x", "deep": {"@id": "https://d.example/", "n": "y"}},
    }
    found = both(context, document)
    assert f'<{S}> <https://ex.example/n> "outside"' in found
    assert '<https://i.example/> <https://ex.example/inside> "x"' in found
    assert '<https://d.example/> <https://ex.example/inside> "y"' in found


def test_reverse_terms_turn_the_link_round() -> None:
    context = {**PREFIXES, "of": {"@reverse": "ex:has"}}
    assert both(context, {"of": [{"@id": "https://i.example/"}]}) == [
        f"<https://i.example/> <https://ex.example/has> <{S}>"
    ]


def test_default_language_and_arrays_of_contexts() -> None:
    context = [PREFIXES, {"@language": "de"}, {"a": "ex:a", "b": {"@id": "ex:b", "@language": None}}]
    assert both(context, {"a": "x", "b": "y"}) == [
        f'<{S}> <https://ex.example/a> "x"@de',
        f'<{S}> <https://ex.example/b> "y"',
    ]


def test_a_later_context_replaces_terms_of_an_earlier_one() -> None:
    assert both([PREFIXES, {"a": "ex:old"}, {"a": "ex:new"}], {"a": "x"}) == [f'<{S}> <https://ex.example/new> "x"']


@pytest.mark.parametrize(
    "definition",
    [
        {"@id": "ex:a", "@container": "@language"},
        {"@id": "ex:a", "@container": "@list"},
        {"@id": "ex:a", "@container": "@index", "@index": "ex:index"},
        {"@id": "ex:a", "@type": "@json"},
        {"@id": "ex:a", "@protected": True},
    ],
)
def test_what_is_not_compiled_makes_a_context_partial_at_any_depth(definition: dict[str, Any]) -> None:
    context = compile_context({**PREFIXES, "a": definition})
    assert context.partial
    assert context.terms["a"] is not None
    assert context.terms["a"].opaque
    assert compile_context({**PREFIXES, "out": {"@id": "ex:out", "@context": {"a": definition}}}).partial
    assert not compile_context({**PREFIXES, "a": "ex:a"}).partial


def test_value_tables() -> None:
    assert is_table({"a": "https://x", "b": None})
    assert is_table([{"a": "https://x"}, {"b": None}])
    assert not is_table({"@vocab": "https://x"})
    assert not is_table({"a": {"@id": "x"}})


def write(folder: Path, name: str, content: object) -> Path:
    file = folder / name
    file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return file


def test_references_are_followed_and_flattened(tmp_path: Path) -> None:
    write(tmp_path, "base.jsonld", {"@context": [{"a": "https://a"}, "more.jsonld"]})
    write(tmp_path, "more.jsonld", {"@context": {"b": "https://b"}})
    file = write(
        tmp_path,
        "context.jsonld",
        {"@context": ["base.jsonld", {"c": {"@id": "https://c", "@context": "more.jsonld"}}]},
    )
    assert load_context(file) == [
        {"a": "https://a"},
        {"b": "https://b"},
        {"c": {"@id": "https://c", "@context": {"b": "https://b"}}},
    ]


def test_a_vocabulary_is_a_table_of_codes(tmp_path: Path) -> None:
    table = load_context(write(tmp_path, "c.jsonld", {"@context": "vocabularies/eqf"}))
    assert table["6"] == "http://data.europa.eu/snb/eqf/6"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "not JSON"),
        ([], "has no '@context' member"),
        ({"context": {}}, "has no '@context' member"),
        ({"@context": "https://schema.org/"}, "is remote; contexts are never fetched"),
        ({"@context": {"a": {"@id": "b", "@context": "http://x/"}}}, "is remote"),
        ({"@context": "vocabularies/colours"}, "there is no vocabulary 'colours'"),
        ({"@context": "absent.jsonld"}, "cannot read this JSON-LD context"),
    ],
)
def test_a_broken_context_is_named_with_its_file(tmp_path: Path, content: object, words: str) -> None:
    file = write(tmp_path, "context.jsonld", content)
    with pytest.raises(BrokenMapping, match=words) as raised:
        load_context(file)
    assert str(tmp_path) in str(raised.value)
