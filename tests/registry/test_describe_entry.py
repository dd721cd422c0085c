"""What registers know is described as the profile wants it."""

import time
from pathlib import Path
from typing import Any

import pytest
from pyoxigraph import RdfFormat, parse

from qlink_ld.model import Alliance, Institution
from qlink_ld.namespaces import ADMS, DCTERMS, ELM, FOAF, LOCN, OWL, QL, RDF, ROV, SKOS, XSD, Iris
from qlink_ld.registry.describe_entry import describe_known
from qlink_ld.registry.known import Registry, build_registry, enrich_institution, find_harvestable, load_registry
from qlink_ld.registry.merge import merge_records
from qlink_ld.registry.record import Name, Place, RegistryRecord
from qlink_ld.validate.engine import ENGINES, load_engine
from qlink_ld.validate.records import validate_data

IRIS = Iris("https://courses.example.eu/")
TECHNICAL, AIGINA = IRIS.institution("NL9901"), IRIS.institution("aigina.gr")


@pytest.fixture
def registry(bring: Any, tmp_path: Path) -> Registry:
    for register in ("deqar", "ewp", "hei-api"):
        bring(register)
    return load_registry(tmp_path)


def triples(text: str) -> set[tuple[str, str, str]]:
    found = parse(text.encode(), format=RdfFormat.N_TRIPLES)
    return {(str(quad.subject)[1:-1], quad.predicate.value, str(quad.object)) for quad in found}


def describe(registry: Registry, *institutions: Institution, alliances: tuple[Alliance, ...] = ()) -> str:
    configured = []
    for institution in institutions:
        entry, _ = registry.match(institution)
        configured.append((enrich_institution(institution, entry) if entry else institution, entry))
    return describe_known(registry, configured, alliances, IRIS)


@pytest.mark.parametrize("engine", ENGINES)
def test_d_09_every_imported_institution_conforms(registry: Registry, engine: str) -> None:
    alliance = Alliance("ALL1", "Configured", ("NL9901", "aigina.gr", "ths.nl", "unknown.example"))
    own = (Institution("only-ewp.at", "Ours"), Institution("XX0001", "Not in any register"))
    for text in (describe(registry), describe(registry, *own, alliances=(alliance,))):
        results = validate_data(text, load_engine(engine))
        assert [r for r in results if r.severity == "violation"] == []
        warned = {r.focus_node for r in results if r.severity == "warning"}
        assert warned <= {f"<{IRIS.institution('unknown.example')}>"}  # of which nobody knows the name


def test_an_institution_is_described_with_all_that_registers_know(registry: Registry) -> None:
    found = triples(describe(registry))
    says = {(p, o) for s, p, o in found if s == TECHNICAL}
    assert {o for p, o in says if p == f"{ADMS}identifier"} == {f"<{TECHNICAL}#orgReg>", f"<{TECHNICAL}#schac>"}
    assert {o for p, o in says if p == f"{DCTERMS}identifier"} >= {
        '"DEQARINST0101"',
        '"pic:999900001"',
        '"erasmus:NL EXAMP01"',
        '"previous-schac:ths.nl"',
    }
    assert {o for p, o in says if p == f"{ROV}legalName"} == {
        '"Examplia Institute of Technology"@en',
        '"Technische Hogeschool Examplia"@nl',
        '"Examplia (EUF)"@fy',
    }
    assert (f"{SKOS}prefLabel", '"Examplia Institute of Technology"@en') in says
    assert {o for p, o in says if p == f"{SKOS}altLabel"} >= {'"THE"@und', '"Hogere Technische School"@und'}
    assert {o for p, o in says if p == f"{OWL}sameAs"} == {
        "<https://data.deqar.eu/institution/101>",
        "<https://ror.org/01abcde23>",
        f"<{IRIS.institution('ths.nl')}>",
        f"<{IRIS.institution('examplia.nl')}>",
    }
    place = f"{TECHNICAL}#registered"
    assert (place, f"{ELM}geographicName", '"Examplestad"@und') in found
    assert (place, f"{LOCN}geometry", '"POINT(6.85 52.25)"^^<http://www.opengis.net/ont/geosparql#wktLiteral>') in found
    country = "<http://publications.europa.eu/resource/authority/country/NLD>"
    assert (f"{place}-address", f"{ELM}countryCode", country) in found
    url = f'"http://www.examplia.nl/"^^<{XSD}anyURI>'
    assert (f"{TECHNICAL}#homepage", f"{ELM}contentUrl", url) in found


def test_other_providers_and_those_without_official_code_are_organisations(registry: Registry) -> None:
    found = triples(describe(registry))
    for name in ("DEQARINST0105", "DEQARINST0106"):
        kinds = {o for s, p, o in found if s == IRIS.institution(name) and p == f"{RDF}type"}
        assert kinds == {f"<{ELM}Organisation>"}


def test_closed_institutions_their_successors_and_groups_are_told(registry: Registry) -> None:
    found = triples(describe(registry))
    old, group = IRIS.institution("GR9903"), IRIS.institution("INT9904")
    assert (old, "https://schema.org/dissolutionDate", f'"2015-08-31"^^<{XSD}date>') in found
    assert (AIGINA, f"{QL}absorbed", f"<{old}>") in found
    for member in (TECHNICAL, AIGINA):
        assert (member, f"{QL}isMemberOf", f"<{group}>") in found
        assert (group, f"{FOAF}member", f"<{member}>") in found
    assert (group, f"{RDF}type", f"<{QL}EuropeanUniversityAlliance>") in found
    assert not any(o == f"<{IRIS.institution('DEQARINST0105')}>" for _, p, o in found if p == f"{QL}isMemberOf")


def test_what_the_operator_wrote_is_not_overridden(registry: Registry) -> None:
    own = Institution("aigina.gr", "Aigina Uni", website="https://ours.gr", country="CYP", names={"en": "Uni of A."})
    found = triples(describe(registry, own))
    assert {o for s, p, o in found if s == AIGINA and p == f"{ROV}legalName"} == {
        '"Uni of A."@en',
        '"Aigina Uni"@und',
        '"Πανεπιστήμιο Αίγινας"@el',
    }
    assert {o for s, p, o in found if s == AIGINA and p == f"{SKOS}prefLabel"} == {'"Aigina Uni"@und'}
    assert {o for s, p, o in found if p == f"{ELM}contentUrl" and s.startswith(AIGINA)} == {
        f'"https://ours.gr"^^<{XSD}anyURI>'
    }
    countries = {o for s, p, o in found if p == f"{ELM}countryCode" and s.startswith(AIGINA)}
    assert countries == {"<http://publications.europa.eu/resource/authority/country/CYP>"}


def test_a_configured_alliance_has_its_members_from_both_sides(registry: Registry) -> None:
    alliance = Alliance("INT9904", "Examples", ("NL9901", "only-ewp.at"))
    found = triples(describe(registry, alliances=(alliance,)))
    node = IRIS.alliance("INT9904")
    members = {o for s, p, o in found if s == node and p == f"{FOAF}member"}
    assert members == {f"<{IRIS.institution(name)}>" for name in ("NL9901", "only-ewp.at", "aigina.gr")}
    assert {o for s, p, o in found if s == node and p == f"{SKOS}prefLabel"} == {'"Examples"@und'}
    assert not any(s == IRIS.institution("INT9904") for s, _, _ in found)


def test_c_12_a_configured_institution_is_found_by_a_former_code_and_learns_the_others(registry: Registry) -> None:
    entry, issues = registry.match(Institution("NL9901", "THE"))
    assert entry is not None
    assert issues == ()
    known = enrich_institution(Institution("NL9901", "THE"), entry)
    assert (known.schac, known.previous_schac, known.country) == ("examplia.nl", ("ths.nl",), "NLD")
    assert known.website == "http://www.examplia.nl/"
    assert known.same_as == ("https://data.deqar.eu/institution/101", "https://ror.org/01abcde23")
    assert known.name == "THE"
    assert registry.match(Institution("x", "X", schac="THS.nl"))[0] is entry
    assert registry.match(Institution("x", "X", same_as=("https://data.deqar.eu/institution/101",)))[0] is entry
    old = enrich_institution(Institution("x", "X", schac="ths.nl"), entry)
    assert (old.schac, old.previous_schac) == ("ths.nl", ("examplia.nl",))


def test_a_configuration_that_mixes_two_institutions_is_told(registry: Registry) -> None:
    entry, (issue,) = registry.match(Institution("NL9901", "X", schac="aigina.gr"))
    assert entry is not None
    assert entry.id == "NL9901"
    assert "the configuration gives it aigina.gr, which in the registers belongs to aigina.gr" in issue.message
    _, (closed,) = registry.match(Institution("GR9903", "Old"))
    assert closed.code == "registry-institution-closed"


def test_d_18_closed_other_and_unrecognised_ones_are_not_harvested(registry: Registry) -> None:
    found = [entry.id for entry in find_harvestable(registry, (), ())]
    assert found == ["NL9901", "aigina.gr", "only-ewp.at"]
    assert [entry.id for entry in find_harvestable(registry, (), ("GRC",))] == ["aigina.gr"]
    taken = [entry for entry in registry.entries if entry.id == "aigina.gr"]
    assert [entry.id for entry in find_harvestable(registry, taken, ())] == ["NL9901", "only-ewp.at"]


def test_ten_thousand_institutions_are_merged_and_described_in_seconds() -> None:
    made = []
    for number in range(5000):
        names = (Name(f"University {number}", "en"), Name(f"Universiteit {number}"))
        codes = (("deqarinst", f"DEQARINST{number}"), ("erasmus", f"NL {number}"), ("schac", f"u{number}.nl"))
        place = Place("NLD", "Stad", 52.0, 6.0)
        made.append(RegistryRecord("deqar", str(number), codes, names, website="https://x.nl", places=(place,)))
        codes = (("pic", f"{number:09}"), ("previous-schac", f"o{number}.nl"), ("schac", f"u{number}.nl"))
        made.append(RegistryRecord("ewp", f"u{number}.nl", codes, names))
        made.append(RegistryRecord("hei-api", f"h{number}.nl", (("schac", f"h{number}.nl"),), names))
    started = time.process_time()
    text = describe_known(build_registry(merge_records(made)), [], [], IRIS)
    assert text.count("HigherEducationInstitution> .\n") == 10_000
    assert time.process_time() - started < 20
