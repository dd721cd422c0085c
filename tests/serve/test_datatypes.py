"""Numbers leave with the datatype that the profile wants."""

from pyoxigraph import Literal, NamedNode, RdfFormat, Store, Triple

from qlink_ld.namespaces import QL, XSD
from qlink_ld.serve.datatypes import restore_datatypes

COURSE = NamedNode("http://localhost:8080/courses/X/1")


def read_back(predicate: str, number: str, datatype: str) -> Literal:
    """Store a number as published, and let it leave as served."""
    store = Store()
    literal = Literal(number, datatype=NamedNode(f"{XSD}{datatype}"))
    store.load(f"{COURSE} <{predicate}> {literal} .".encode(), RdfFormat.N_TRIPLES)
    (triple,) = restore_datatypes(quad.triple for quad in store)
    assert isinstance(triple.object, Literal)
    return triple.object


def test_counts_get_their_datatype_back() -> None:
    capacity = read_back(f"{QL}enrolmentCapacity", "80", "nonNegativeInteger")
    assert capacity == Literal("80", datatype=NamedNode(f"{XSD}nonNegativeInteger"))
    order = read_back(f"{QL}gradeOrder", "3", "positiveInteger")
    assert order == Literal("3", datatype=NamedNode(f"{XSD}positiveInteger"))


def test_a_number_that_the_datatype_does_not_allow_stays_an_integer() -> None:
    triple = Triple(COURSE, NamedNode(f"{QL}gradeOrder"), Literal("0", datatype=NamedNode(f"{XSD}integer")))
    assert list(restore_datatypes([triple])) == [triple]


def test_other_properties_pass_as_they_are() -> None:
    number = read_back("http://other.example/p", "7", "integer")
    assert number == Literal("7", datatype=NamedNode(f"{XSD}integer"))
