"""Descriptions of institutions and alliances conform to the profile, whatever the configuration leaves out."""

from itertools import product

import pytest
from pyoxigraph import NamedNode, RdfFormat, parse

from qlink_ld.model import Alliance, Institution
from qlink_ld.namespaces import ADMS, ELM, FOAF, OWL, QL, SKOS, Iris
from qlink_ld.registry.describe import describe_alliance, describe_institution, describe_registry
from qlink_ld.validate.engine import ENGINES, load_engine
from qlink_ld.validate.records import validate_data

IRIS = Iris("https://courses.example.eu/")
TWENTE = Institution(
    id="NL0028",
    name='University of "Twente"',
    schac="UTwente.nl",
    website="https://www.utwente.nl",
    country="NLD",
    same_as=("https://ror.org/006hf6230",),
)
SMALL = Institution(id="small.example", name="Malá škola")
ECIU = Alliance("INT6006", "ECIU University", ("NL0028", "small.example"))


def triples(text: str) -> set[tuple[str, str, str]]:
    return {
        (str(quad.subject), quad.predicate.value, str(quad.object))
        for quad in parse(text.encode(), format=RdfFormat.N_TRIPLES)
    }


@pytest.mark.parametrize("engine", ENGINES)
def test_every_description_conforms(engine: str) -> None:
    checker = load_engine(engine)
    for number, (schac, website, country, members) in enumerate(product((0, 1), repeat=4)):
        institution = Institution(
            id=f"NL{number:04}" if number % 3 else f"school{number}.example",
            name="A school",
            schac="school.example" if schac else None,
            website="https://school.example" if website else None,
            country="NLD" if country else None,
        )
        alliances = (
            [Alliance("INT6006", "ECIU University", (institution.id, "AT0001", "partner.example"))] if members else []
        )
        results = validate_data(describe_registry([institution], alliances, IRIS), checker)
        assert [r for r in results if r.severity == "violation"] == [], institution


@pytest.mark.parametrize("engine", ENGINES)
def test_a_whole_registry_conforms_without_a_warning(engine: str) -> None:
    results = validate_data(describe_registry([TWENTE, SMALL], [ECIU], IRIS), load_engine(engine))
    assert [r for r in results if r.severity != "info"] == []


def test_a_member_that_is_not_harvested_is_known_by_its_code() -> None:
    found = triples(describe_registry([TWENTE], [ECIU], IRIS))
    assert (f"<{IRIS.institution('small.example')}#schac>", f"{SKOS}notation", '"small.example"') in found


def test_only_codes_are_identifiers() -> None:
    """Source: profile 0.4.0, §3: only OrgReg and SCHAC codes are `adms:identifier`."""
    node = f"<{IRIS.institution('NL0028')}>"
    found = triples(describe_institution(TWENTE, [], IRIS))
    codes = {o for s, p, o in found if s == node and p == f"{ADMS}identifier"}
    assert codes == {f"{node[:-1]}#orgReg>", f"{node[:-1]}#schac>"}
    notations = {o for s, p, o in found if s in codes and p == f"{SKOS}notation"}
    assert notations == {'"NL0028"', '"utwente.nl"'}
    assert (node, f"{OWL}sameAs", "<https://ror.org/006hf6230>") in found
    assert (f"{node[:-1]}#homepage>", f"{ELM}contentUrl") in {(s, p) for s, p, _ in found}


def test_an_institution_without_a_code_is_known_by_its_domain() -> None:
    found = triples(describe_institution(SMALL, [], IRIS))
    notations = {(s, o) for s, p, o in found if p == f"{SKOS}notation"}
    assert notations == {(f"<{IRIS.institution('small.example')}#schac>", '"small.example"')}


def test_members_and_alliances_point_to_each_other() -> None:
    found = triples(describe_registry([TWENTE, SMALL], [ECIU], IRIS))
    group = f"<{IRIS.alliance('INT6006')}>"
    for name in ECIU.members:
        assert (f"<{IRIS.institution(name)}>", f"{QL}isMemberOf", group) in found
        assert (group, f"{FOAF}member", f"<{IRIS.institution(name)}>") in found


def test_descriptions_are_sorted_and_have_no_blank_nodes() -> None:
    for text in (describe_institution(TWENTE, [ECIU], IRIS), describe_alliance(ECIU, IRIS)):
        lines = text.split("\n")[:-1]
        assert lines == sorted(set(lines))
        assert all(isinstance(quad.subject, NamedNode) for quad in parse(text.encode(), format=RdfFormat.N_TRIPLES))
