"""SERVICE is found in every spelling; what cannot be checked counts as a call."""

import pytest

from qlink_ld.errors import QueryRefused, QuerySyntaxError
from qlink_ld.serve.service_calls import refuse_service_calls

# Oxigraph runs all of these: its grammar has no tokens.
CALLS = [
    "SELECT * { SERVICE <http://127.0.0.1:1/> { ?s ?p ?o } }",
    "SELECT * { service silent <http://127.0.0.1:1/> { ?s ?p ?o } }",
    "SELECT * { SeRvIcE?x{ ?s ?p ?o } }",
    "SELECT * { # SERVICE below\n SERVICE # here\n <http://127.0.0.1:1/> { ?s ?p ?o } }",
    "PREFIX : <http://127.0.0.1:1/> SELECT * { SERVICE:x{ ?s ?p ?o } }",
    "SELECT * { ?s ?p trueSERVICE<http://127.0.0.1:1/>{ ?a ?b ?c } }",
    "SELECT * { ?s ?p ?x FILTER(?x<'a>')SERVICE<http://127.0.0.1:1/>{}BIND('' AS ?y) }",
    "SELECT * { ?s ?p ?o FILTER EXISTS { { SELECT * { SERVICE <http://127.0.0.1:1/> { ?s ?p ?o } } } } }",
    "SELECT * { ?s ?p ?o MINUS { OPTIONAL { GRAPH ?g { SERVICE <http://127.0.0.1:1/> { ?s ?p ?o } } } } }",
    "SELECT * { ?s ?p ?o # a\r SERVICE <http://127.0.0.1:1/> { ?s ?p ?o } }",
    r"SELECT * { \u0053ERVICE <http://127.0.0.1:1/> { ?s ?p ?o } }",
    r"SELECT * { \U00000053\u0065RVICE <http://127.0.0.1:1/> { ?s ?p ?o } }",
    "CONSTRUCT { << <a:a> <a:b> <a:c> >> <a:d> <a:e> } { SERVICE <http://127.0.0.1:1/> { ?s ?p ?o } }",
]


@pytest.mark.parametrize("text", CALLS)
def test_service_is_refused_in_every_spelling(text: str) -> None:
    with pytest.raises((QueryRefused, QuerySyntaxError)):
        refuse_service_calls(text)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * { ?s ?p 'SERVICE <http://e/> {}' }",
        "SELECT ?service { ?service <http://e/service> ?o } # SERVICE",
        "PREFIX s: <http://e/service/> SELECT * { ?s s:service ?o }",
        "SELECT * { ?s ?p ?o FILTER(REGEX(?o, 'customer service', 'i')) }",
        "SELECT * { not even SPARQL",
    ],
)
def test_the_word_alone_is_no_call(text: str) -> None:
    refuse_service_calls(text)


def test_allowed_service_is_no_reason_to_refuse() -> None:
    text = "SELECT * { SERVICE <http://e/sparql> { ?s ?p ?o } }"
    refuse_service_calls(text, ["http://e/sparql"])
    with pytest.raises(QueryRefused, match="http://e/sparql"):
        refuse_service_calls(text, ["http://e/other"])
    with pytest.raises(QueryRefused, match="full IRI"):
        refuse_service_calls("PREFIX e: <http://e/> SELECT * { SERVICE e:sparql { ?s ?p ?o } }", ["http://e/sparql"])
    with pytest.raises(QueryRefused, match=r"\?x"):
        refuse_service_calls("SELECT * { SERVICE ?x { ?s ?p ?o } }", ["http://e/sparql"])
