"""Queries are looked at without a parser, in linear time."""

import time

import pytest

from qlink_ld.errors import QueryRefused
from qlink_ld.serve.query_text import check_query, outline_query, unescape_codepoints


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("SELECT * { ?s ?p ?o }", "SELECT"),
        ("# select\nASK {}", "ASK"),
        ("PREFIX select: <http://e/#> BASE <http://e/ask> construct { } where { }", "CONSTRUCT"),
        ("prefix : <http://e/> describe :x", "DESCRIBE"),
        ("PREFIX e: <http://e/> INSERT DATA { e:a e:b e:c }", "INSERT"),
        ("WITH <http://e/g> DELETE { ?s ?p ?o } WHERE { ?s ?p ?o }", "WITH"),
        ("DROP ALL", "DROP"),
        ("", None),
        ("nonsense", None),
    ],
)
def test_form_is_the_first_keyword_after_the_prologue(text: str, form: str | None) -> None:
    assert outline_query(text).form == form


@pytest.mark.parametrize(
    ("text", "has_dataset"),
    [
        ("SELECT * FROM <http://e/g> { ?s ?p ?o }", True),
        ("SELECT * from named <http://e/g> { ?s ?p ?o }", True),
        ("SELECT * { ?s ?p 'FROM' }", False),
        ("SELECT * { ?from <http://e/FROM> e:from } # FROM", False),
        ('SELECT * { ?s ?p """ FROM " FROM """ }', False),
    ],
)
def test_dataset_clause_is_told_from_text(text: str, has_dataset: bool) -> None:
    assert outline_query(text).has_dataset is has_dataset


def test_brackets_in_strings_iris_and_comments_do_not_nest() -> None:
    assert outline_query("SELECT * { ?s ?p '((((', ?o . # {{{{\n FILTER(?o IN (1)) }").depth == 3


def test_query_that_depends_on_time_is_volatile() -> None:
    assert outline_query("SELECT (NOW() AS ?n) {}").volatile
    assert not outline_query("SELECT ?now { ?now ?p 'NOW' }").volatile


def test_deep_and_long_queries_and_updates_are_refused() -> None:
    with pytest.raises(QueryRefused, match="nests 201 brackets"):
        check_query("SELECT *" + "{" * 201 + "}" * 201, 10_000, 200)
    with pytest.raises(QueryRefused, match="bytes"):
        check_query("SELECT * {} #" + "é" * 600, 1000, 200)
    with pytest.raises(QueryRefused, match=r"SPARQL Update \(DELETE\)"):
        check_query("DELETE WHERE { ?s ?p ?o }", 1000, 200)


@pytest.mark.parametrize("piece", ["'", '"""', "<a", "'''x''", "\\", "a:", "@a-", "#\n", "?", "_:a.", "((", "%4", "é"])
def test_hostile_text_takes_linear_time(piece: str) -> None:
    text = piece * (200_000 // len(piece))
    start = time.perf_counter()
    outline_query(text)
    assert time.perf_counter() - start < 2


def test_codepoint_escapes_are_resolved() -> None:
    assert unescape_codepoints(r"\u0053ERVICE \U00000041 \UFFFFFFFF \uD800") == r"SERVICE A \UFFFFFFFF \uD800"
