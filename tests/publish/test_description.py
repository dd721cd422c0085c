"""The dataset describes itself in VoID and DCAT."""

from datetime import UTC, datetime
from pathlib import Path

from pyoxigraph import NamedNode, RdfFormat, Store

from qlink_ld.namespaces import Iris
from qlink_ld.publish.description import LICENCE, describe_dataset
from qlink_ld.publish.graph_file import GraphFile

BASE = "https://courses.example/"
IRIS = Iris(BASE)
GRAPHS = [
    GraphFile(Path("NL0028.nq.gz"), IRIS.institution_graph("NL0028"), 100, "", 10, 20),
    GraphFile(Path("uni.si.nq.gz"), IRIS.institution_graph("uni/é"), 50, "", 5, 5),
    GraphFile(Path("registry.nq.gz"), IRIS.registry_graph, 7, ""),
]
TEXT = describe_dataset(
    BASE,
    "20261123T162235Z",
    datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    datetime(2026, 11, 23, 16, 22, 35, tzinfo=UTC),
    GRAPHS,
    {"NL0028": 'Twente "U"', "uni/é": "Uni É"},
    {"institutions/NL0028.nq.gz": 1234},
)
QUERY = """
PREFIX void: <http://rdfs.org/ns/void#> PREFIX dcat: <http://www.w3.org/ns/dcat#>
PREFIX dcterms: <http://purl.org/dc/terms/> PREFIX ql: <http://data.quality-link.eu/ontology/v1#>
SELECT %s { %s }
"""


def select(variables: str, pattern: str) -> list[list[str]]:
    store = Store()
    store.load(TEXT, RdfFormat.N_TRIPLES)
    rows = store.query(QUERY % (variables, pattern))
    return sorted([term.value for term in row if term is not None] for row in rows)  # type: ignore[union-attr]


def test_counts_are_sums_of_the_graphs() -> None:
    dataset = f"<{BASE}.well-known/void#dataset>"
    assert select("?n ?e", f"{dataset} void:triples ?n; void:entities ?e") == [["157", "40"]]
    assert select(
        "?n", f"{dataset} void:classPartition [ void:class ql:LearningOpportunityInstance; void:entities ?n ]"
    ) == [["25"]]


def test_each_institution_is_a_subset_with_name_and_counts() -> None:
    rows = select("?t ?e", f"<{BASE}.well-known/void#dataset> void:subset ?s. ?s dcterms:title ?t; void:entities ?e")
    assert rows == [['Twente "U"', "30"], ["Uni É", "10"]]
    assert select("?d ?s ?n", "?d void:subset ?s. ?s void:triples ?n FILTER NOT EXISTS { ?s void:entities ?e }") == [
        [f"{BASE}.well-known/void#dataset", IRIS.registry_graph, "7"]
    ]


def test_licence_dates_endpoint_and_downloads_are_said() -> None:
    dates = "dcterms:license ?l; dcterms:issued ?i; dcterms:modified ?m; dcat:version ?v"
    assert select("?d ?l ?i ?m ?v", f"?d a dcat:Dataset; {dates}") == [
        [f"{BASE}.well-known/void#dataset", LICENCE, "2026-01-02T03:04:05Z", "2026-11-23T16:22:35Z", "20261123T162235Z"]
    ]
    assert select("?e", "?d void:sparqlEndpoint ?e") == [[f"{BASE}sparql"]]
    assert select("?x ?u ?n", "?x dcat:downloadURL ?u; dcat:byteSize ?n") == [
        [
            f"{BASE}downloads/latest/institutions/NL0028.nq.gz#distribution",
            f"{BASE}downloads/latest/institutions/NL0028.nq.gz",
            "1234",
        ]
    ]
    assert len(select("?x", "?x a dcat:Distribution")) == 3


def test_it_is_sorted_and_without_blank_nodes() -> None:
    lines = TEXT.splitlines()
    assert lines == sorted(set(lines))
    store = Store()
    store.load(TEXT, RdfFormat.N_TRIPLES)
    assert all(isinstance(quad.subject, NamedNode) for quad in store)
