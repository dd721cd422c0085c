"""Nobody speaks for somebody else."""

import pytest

from qlink_ld.enrich.ownership import check_ownership
from qlink_ld.model import Record
from qlink_ld.namespaces import DCTERMS, ELM, QL, RDF

OWN = "http://localhost:8080/institutions/NL0028"
OTHER = "http://localhost:8080/institutions/SI0001"
COURSE = "<http://localhost:8080/courses/NL0028/1>"


def make(*lines: str) -> Record:
    return Record(COURSE[1:-1], "1", "".join(sorted(f"{line} .\n" for line in lines)), "page 1")


@pytest.mark.parametrize("predicate", [f"{DCTERMS}publisher", f"{ELM}providedBy"])
def test_a_claim_for_somebody_else_is_a_violation(predicate: str) -> None:
    (result,) = check_ownership(make(f"{COURSE} <{predicate}> <{OTHER}>"), OWN)
    assert (result.focus_node, result.path, result.value) == (COURSE, f"<{predicate}>", f"<{OTHER}>")
    assert (result.severity, result.record) == ("violation", COURSE[1:-1])
    assert "A university may publish its own learning opportunities only" in result.message


def test_a_second_provider_is_a_violation_as_well() -> None:
    record = make(f"{COURSE} <{DCTERMS}publisher> <{OTHER}>", f"{COURSE} <{DCTERMS}publisher> <{OWN}>")
    assert [result.value for result in check_ownership(record, OWN)] == [f"<{OTHER}>"]


@pytest.mark.parametrize("kind", ["Specification", "Instance"])
def test_references_to_opportunities_elsewhere_are_fine(kind: str) -> None:
    partner = "<http://localhost:8080/courses/SI0001/7>"
    record = make(
        f"{COURSE} <{DCTERMS}publisher> <{OWN}>",
        f"{COURSE} <{ELM}isPartOf> {partner}",
        f"{partner} <{RDF}type> <{QL}LearningOpportunity{kind}Reference>",
        f"{partner} <{DCTERMS}publisher> <{OTHER}>",
        f"{partner} <{ELM}providedBy> <{OTHER}>",
    )
    assert check_ownership(record, OWN) == ()


def test_own_claims_and_texts_are_fine() -> None:
    record = make(
        f"{COURSE} <{DCTERMS}publisher> <{OWN}>",
        f'{COURSE} <{DCTERMS}description> "<u:s> <{DCTERMS}publisher> <{OTHER}> ."@en',
        f"{COURSE} <{DCTERMS}contributor> <{OTHER}>",
    )
    assert check_ownership(record, OWN) == ()
