"""Terms go back to the older namespace; datatypes and texts stay."""

from pyoxigraph import Literal, NamedNode, Triple

from qlink_ld.namespaces import ELM, ELM_OLD
from qlink_ld.serve.elm_versions import find_profile, to_old_iri, to_old_triples


def test_every_position_changes_but_datatypes_and_texts() -> None:
    triples = [
        Triple(NamedNode(f"{ELM}A"), NamedNode(f"{ELM}b"), NamedNode(f"{ELM}C")),
        Triple(NamedNode("http://e/s"), NamedNode(f"{ELM}b"), Literal(f"see {ELM}b", datatype=NamedNode(f"{ELM}d"))),
    ]
    first, second = to_old_triples(triples)
    assert first == Triple(NamedNode(f"{ELM_OLD}A"), NamedNode(f"{ELM_OLD}b"), NamedNode(f"{ELM_OLD}C"))
    assert second == Triple(NamedNode("http://e/s"), NamedNode(f"{ELM_OLD}b"), triples[1].object)


def test_application_profiles_change_and_concepts_stay() -> None:
    base = "http://data.europa.eu/snb/"
    assert to_old_iri(f"{base}model/application-profile/loq-constraints/X") == f"{base}model/ap/loq-constraints/X"
    assert to_old_iri(f"{base}eqf/7") == f"{base}eqf/7"


def test_profiles_have_names_and_iris() -> None:
    assert find_profile("elm-3.3") is find_profile(ELM)
    assert find_profile("elm-3.1") is find_profile(ELM_OLD)
    assert find_profile("elm-4") is None
