"""Blank nodes are named by what they say: the order and the labels of a file do not matter."""

import random
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyoxigraph import BlankNode, Literal, NamedNode, Triple

from qlink_ld.errors import UnreadableData
from qlink_ld.mapping.rdf_terms import Node, Statement
from qlink_ld.mapping.skolem import Skolemiser

P, Q = NamedNode("https://ex.example/ns#p"), NamedNode("https://ex.example/ns/q")


def describe(triples: list[Triple]) -> dict[Node, list[Statement]]:
    out: dict[Node, list[Statement]] = {}
    for triple in triples:
        assert not isinstance(triple.subject, Triple)
        assert not isinstance(triple.object, Triple)
        out.setdefault(str(triple.subject), []).append((triple.predicate.value, str(triple.object)))
    return out


def name_all(triples: list[Triple]) -> set[str]:
    """The triples with every blank node named below one record."""
    skolemiser = Skolemiser(describe(triples))

    def name(node: object) -> str:
        return skolemiser.name(str(node), "https://r.example/1", P.value) if isinstance(node, BlankNode) else str(node)

    return {f"{name(t.subject)} {t.predicate} {name(t.object)}" for t in triples}


def rename(triples: list[Triple], dice: random.Random) -> list[Triple]:
    labels: dict[BlankNode, BlankNode] = {}

    def other(node: Any) -> Any:
        return labels.setdefault(node, BlankNode(f"x{dice.getrandbits(60)}")) if isinstance(node, BlankNode) else node

    out = [Triple(other(t.subject), t.predicate, other(t.object)) for t in triples]
    dice.shuffle(out)
    return out


def test_the_name_is_record_property_and_content() -> None:
    node = BlankNode("b")
    named = Skolemiser(describe([Triple(node, P, Literal("x"))])).name(str(node), "https://r.example/1", P.value)
    assert named.startswith("<https://r.example/1#p-")
    assert len(named.rpartition("-")[2]) == 13  # and the bracket
    below = Skolemiser({}).name(str(node), "https://r.example/1#part", Q.value)
    assert below.startswith("<https://r.example/1#part/q-")


def test_a_new_sibling_renames_nobody() -> None:
    one = [Triple(NamedNode("urn:x:s"), P, BlankNode("a")), Triple(BlankNode("a"), P, Literal("x"))]
    more = [*one, Triple(NamedNode("urn:x:s"), P, BlankNode("b")), Triple(BlankNode("b"), P, Literal("y"))]
    assert name_all(one) <= name_all(more)


def test_language_and_datatype_are_part_of_what_is_said() -> None:
    literals: list[Literal | NamedNode] = [Literal("1"), Literal("1", language="en"), Literal(1), NamedNode("urn:x:1")]
    names = {str(name_all([Triple(BlankNode("a"), P, literal)])) for literal in literals}
    assert len(names) == 4


nodes = st.sampled_from([BlankNode(label) for label in "abcde"])
triples = st.lists(
    st.builds(
        Triple,
        st.one_of(nodes, st.just(NamedNode("urn:x:s"))),
        st.sampled_from([P, Q]),
        st.one_of(nodes, st.sampled_from([Literal("x"), Literal("y", language="en"), NamedNode("urn:x:o")])),
    ),
    max_size=10,
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(content=triples, seed=st.integers(0, 10_000))
def test_renaming_and_reordering_change_nothing_even_in_circles(content: list[Triple], seed: int) -> None:
    assert name_all(rename(content, random.Random(seed))) == name_all(content)


def test_nodes_in_a_circle_are_told_apart() -> None:
    ring = [BlankNode(label) for label in "abc"]
    circle = [Triple(node, P, ring[(n + 1) % 3]) for n, node in enumerate(ring)]
    assert len(name_all([*circle, Triple(ring[0], Q, Literal("first"))])) == 4


def test_many_nodes_that_all_point_to_each_other_take_no_time() -> None:
    crowd = [BlankNode(f"b{n}") for n in range(60)]
    everything = [Triple(a, P, b) for a in crowd for b in crowd if a != b]
    assert len(name_all(everything)) == 1  # they all say the same


def test_circles_that_would_take_too_long_are_refused() -> None:
    ring = [BlankNode(f"b{n}") for n in range(3000)]
    circle = [Triple(node, P, ring[(n + 1) % len(ring)]) for n, node in enumerate(ring)]
    with pytest.raises(UnreadableData, match="3000 blank nodes refer to each other in circles; give them IRIs"):
        Skolemiser(describe([*circle, Triple(ring[0], Q, Literal("first"))]))


def test_a_new_circle_elsewhere_renames_nobody() -> None:
    a, b, c = (BlankNode(label) for label in "abc")
    one = [Triple(a, P, b), Triple(b, Q, a)]
    more = [*one, Triple(c, P, c), Triple(c, Q, Literal("x"))]
    assert name_all(one) <= name_all(more)


def test_deep_nesting_is_refused() -> None:
    chain = [BlankNode(f"b{n}") for n in range(500)]
    deep = [Triple(a, P, b) for a, b in pairwise(chain)]
    with pytest.raises(UnreadableData, match="nested deeper than 100 levels"):
        Skolemiser(describe(deep)).hash(str(chain[0]))
    assert Skolemiser(describe(deep)).hash(str(chain[-50]))


def test_shared_nodes_are_hashed_once() -> None:
    layers = [BlankNode(f"b{n}") for n in range(60)]
    wide = [Triple(a, p, b) for a, b in pairwise(layers) for p in (P, Q)]  # 2^59 paths
    assert Skolemiser(describe(wide)).hash(str(layers[0]))
