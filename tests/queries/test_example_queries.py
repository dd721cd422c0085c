"""Each example query has a case folder and gives what it promises."""

import json
from pathlib import Path

import pytest
from pyoxigraph import QueryResultsFormat, QuerySolutions, RdfFormat, Store
from rdflib.plugins.sparql.parser import parseQuery

from qlink_ld.resources import find_resource_dir
from qlink_ld.serve.example_queries import list_queries, read_query

CASES = Path(__file__).resolve().parent
QUERIES = sorted(find_resource_dir("queries").glob("*.rq"))
NAMES = [file.stem for file in QUERIES]


def test_there_are_at_least_ten_queries() -> None:
    assert len(QUERIES) >= 10
    assert [query.name for query in list_queries()] == NAMES


def test_every_query_has_a_case_and_every_case_a_query() -> None:
    cases = {folder.name for folder in CASES.iterdir() if folder.is_dir() and not folder.name.startswith("__")}
    assert cases == set(NAMES)
    for name in NAMES:
        assert (CASES / name / "data.trig").is_file()
        assert (CASES / name / "expected.srj").is_file()


@pytest.mark.parametrize("file", QUERIES, ids=NAMES)
def test_query_gives_what_is_expected(file: Path) -> None:
    case = CASES / file.stem
    store = Store()
    store.load((case / "data.trig").read_bytes(), format=RdfFormat.TRIG)
    results = store.query(file.read_text(encoding="utf-8"), use_default_graph_as_union=True)
    assert isinstance(results, QuerySolutions)
    found = json.loads(results.serialize(format=QueryResultsFormat.JSON) or b"")
    expected = json.loads((case / "expected.srj").read_text(encoding="utf-8"))
    assert found["results"]["bindings"] == expected["results"]["bindings"]
    assert set(found["head"]["vars"]) == set(expected["head"]["vars"])
    assert expected["results"]["bindings"], "a case that expects nothing shows nothing"


@pytest.mark.parametrize("file", QUERIES, ids=NAMES)
def test_head_says_what_the_query_is_for(file: Path) -> None:
    query = read_query(file)
    assert query.title
    assert query.purpose
    assert query.input
    assert query.output
    assert f"# Test: tests/queries/{file.stem}/\n" in query.text


@pytest.mark.parametrize("file", QUERIES, ids=NAMES)
def test_query_is_plain_sparql_1_1(file: Path) -> None:
    parseQuery(file.read_text(encoding="utf-8"))
