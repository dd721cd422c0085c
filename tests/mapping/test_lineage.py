"""Where properties come from, as the mapping folders say it: each property that is published has its explanation."""

from pathlib import Path

import pytest
from pyoxigraph import NamedNode, RdfFormat, parse

from qlink_ld.mapping.folder import bundled_names
from qlink_ld.mapping.lineage import Lineage, Lineages, find_sources, trace_mapping
from qlink_ld.namespaces import ADMS, DCTERMS, ELM, QL, RDF, SKOS

CASES = Path(__file__).parents[1] / "mappings"
SPECIFICATION = f"{QL}LearningOpportunitySpecification"
TYPE = f"{RDF}type"


def fields(found: tuple[Lineage, ...]) -> set[tuple[str, str]]:
    return {(lineage.field, lineage.file) for lineage in found}


def test_a_term_of_a_context_leads_to_its_field_and_file() -> None:
    assert fields(find_sources("ooapi-5", SPECIFICATION, f"{DCTERMS}title")) == {
        ("courses.name", "ooapi-5/context.jsonld"),
        ("programs.name", "ooapi-5/context.jsonld"),
    }


def test_a_rule_leads_from_what_it_makes_to_the_fields_that_it_reads() -> None:
    found = trace_mapping("ooapi-5").of_property(f"{ELM}creditPoint")
    assert ("courses.studyLoad.value", "common/rules/credits.rq") in fields(found)
    assert {lineage.how for lineage in found} == {"rule"}
    points = trace_mapping("ooapi-5").of_property(f"{ELM}point")
    assert {lineage.field for lineage in points} == {"courses.studyLoad.value", "programs.studyLoad.value"}


def test_a_common_rule_leads_through_what_the_context_says_to_the_field() -> None:
    found = trace_mapping("ooapi-5").of_property(f"{QL}ISCEDFBroadField")
    assert ("courses.fieldsOfStudy", "common/rules/isced-fields.rq") in fields(found)


def test_what_becomes_of_a_field_is_told_with_conditions_and_reasons() -> None:
    lineages = trace_mapping("ooapi-5")
    made = {lineage.property for lineage in lineages.of_field("studyLoad")}
    assert made >= {f"{ELM}creditPoint", f"{ELM}point", f"{ELM}volumeOfLearning", f"{ELM}contactHour"}
    unit = {lineage.property: lineage.condition for lineage in lineages.of_field("courses.studyLoad.studyLoadUnit")}
    assert unit[f"{ELM}volumeOfLearning"]
    (ignored,) = lineages.of_field("consumers")
    assert (ignored.how, ignored.reason) == ("ignored", "meant for one named consumer")


def test_a_path_as_the_account_has_it_finds_the_key_that_the_context_defines_above() -> None:
    found = trace_mapping("ooapi-5").of_field("courses.offerings.priceInformation.amount")
    assert f"{ELM}amount" in {lineage.property for lineage in found}
    assert trace_mapping("ooapi-5").of_field("nothing.like.this") == ()


def test_members_of_a_nested_node_are_found_by_its_class() -> None:
    found = find_sources("ooapi-5", f"{ELM}PriceDetail", f"{DCTERMS}description")
    assert "courses.offerings.priceInformation.displayAmount" in {lineage.field for lineage in found}


def test_a_node_that_gathers_members_comes_from_each_of_them() -> None:
    found = {e.field for e in trace_mapping("ooapi-5").of_property(f"{DCTERMS}temporal")}
    assert {"courses.offerings.startDate", "courses.offerings.endDate"} <= found


def test_identifiers_and_constants_come_from_mapping_toml() -> None:
    found = find_sources("oeapi-6", SPECIFICATION, f"{ADMS}identifier")
    assert ("courses.courseId", "oeapi-6/mapping.toml") in fields(found)
    assert ("courses.courseId", "oeapi-6/context.jsonld") in fields(found)
    assert find_sources("oeapi-6", f"{ELM}Identifier", f"{SKOS}notation")


def test_rdf_is_kept_as_it_is_but_for_what_is_dropped() -> None:
    (title,) = find_sources("elm", SPECIFICATION, f"{DCTERMS}title")
    assert (title.how, title.field) == ("kept", f"data.{DCTERMS}title")
    (dropped,) = [e for e in trace_mapping("elm").of_field(f"{QL}ingestedAt") if e.how == "ignored"]
    assert dropped.reason == "only an aggregator states it"


def mapping_of(case: Path) -> str:
    """The mapping whose golden case this is; cases of common rules are those of OOAPI, unless their name says more."""
    if case.parent.name != "common":
        return case.parent.name
    if (case / "input.ttl").is_file():
        return "elm"
    text = (case / "input.json").read_text(encoding="utf-8")
    return next((name for name in bundled_names() if f'"mapping": "{name}"' in text), "ooapi-5")


def read_statements(case: Path) -> set[tuple[str | None, str]]:
    """The classes and properties in what is expected of a case."""
    classes: dict[str, list[str]] = {}
    quads = list(parse(path=case / "expected.nq", format=RdfFormat.N_QUADS))
    for quad in quads:
        if quad.predicate.value == TYPE and isinstance(quad.object, NamedNode):
            classes.setdefault(str(quad.subject), []).append(quad.object.value)
    return {(class_iri, quad.predicate.value) for quad in quads for class_iri in classes.get(str(quad.subject), [None])}


@pytest.mark.parametrize("name", bundled_names())
def test_each_property_of_each_class_in_the_golden_cases_has_a_lineage(name: str) -> None:
    lineages: Lineages = trace_mapping(name)
    cases = [case.parent for case in CASES.glob("*/*/expected.nq") if mapping_of(case.parent) == name]
    assert cases
    said = {pair for case in cases for pair in read_statements(case)}
    assert not {pair for pair in said if not lineages.of_property(pair[1], pair[0])}
