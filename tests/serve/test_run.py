"""A query without a server, as `qlink-ld query` runs it."""

import io
import time
from pathlib import Path

import pytest
from pyoxigraph import QueryResultsFormat, QuerySolutions, RdfFormat, parse, parse_query_results

from qlink_ld.config import SparqlSettings
from qlink_ld.errors import QueryRefused, QuerySyntaxError, QueryTimeout, StoreUnusable
from qlink_ld.serve.run import run_query


def test_table_and_triples_are_written_in_the_format_asked_for(sample_data: Path) -> None:
    output = io.BytesIO()
    assert run_query(sample_data, "SELECT ?s { ?s a ?type } LIMIT 3", output) == "json"
    results = parse_query_results(output.getvalue(), QueryResultsFormat.JSON)
    assert isinstance(results, QuerySolutions)
    assert len(list(results)) == 3
    output = io.BytesIO()
    text = "CONSTRUCT { ?s a ?type } WHERE { ?s a ?type }"
    assert run_query(sample_data, text, output, format_name="ntriples") == "ntriples"
    assert list(parse(output.getvalue(), RdfFormat.N_TRIPLES))


def test_default_graph_is_the_union_unless_the_query_has_its_own(sample_data: Path) -> None:
    def ask(text: str) -> bytes:
        output = io.BytesIO()
        run_query(sample_data, text, output, format_name="csv")
        return output.getvalue()

    assert ask("ASK { <http://course.are.cool/123> ?p ?o }") == b"true"
    assert ask(
        "ASK FROM <http://localhost:8080/graphs/institutions/NL0028> { <http://course.are.cool/123> ?p ?o }"
    ) == (b"false")


def test_errors_say_what_to_do(sample_data: Path, tmp_path: Path) -> None:
    with pytest.raises(QuerySyntaxError, match="line 1, column"):
        run_query(sample_data, "SELECT", io.BytesIO())
    with pytest.raises(QueryRefused, match="Update"):
        run_query(sample_data, "CLEAR ALL", io.BytesIO())
    with pytest.raises(QueryRefused, match="unknown format 'xlsx'"):
        run_query(sample_data, "ASK {}", io.BytesIO(), format_name="xlsx")
    with pytest.raises(QueryRefused, match="triples"):
        run_query(sample_data, "CONSTRUCT WHERE { ?s ?p ?o }", io.BytesIO(), format_name="csv")
    with pytest.raises(StoreUnusable, match="qlink-ld run"):
        run_query(tmp_path, "ASK {}", io.BytesIO())


def test_deadline_holds(large_data: Path) -> None:
    start = time.monotonic()
    with pytest.raises(QueryTimeout, match=r"0\.5 s"):
        run_query(
            large_data,
            "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }",
            io.BytesIO(),
            settings=SparqlSettings(timeout_s=0.5),
        )
    assert time.monotonic() - start < 2
