"""What the access policy asks of what is published. The numbers are those of the requirements."""

import gzip
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from qlink_ld.convert import convert_document
from qlink_ld.model import Institution
from qlink_ld.namespaces import DCTERMS, Iris

from .conftest import write_courses

LICENCE = "https://creativecommons.org/licenses/by-nc/4.0/"
PERSON = {
    "personId": "P-4711",
    "givenName": "Ada",
    "surname": "Lovelace",
    "displayName": "Ada Lovelace",
    "mail": "ada@uni-x.example",
}


def test_t_06_exports_carry_the_licence_of_the_dataset(deployment: Any) -> None:
    deployment.add("A", str(deployment.write("a.ttl", write_courses([1]))))
    assert deployment.report("A").status == "published"
    dumps = deployment.data / "current" / "dumps"
    stated = f"<{DCTERMS}license> <{LICENCE}>"
    assert stated in gzip.decompress((dumps / "all.nq.gz").read_bytes()).decode()
    assert LICENCE in gzip.decompress((dumps / "all.jsonld.gz").read_bytes()).decode()


@pytest.mark.parametrize(
    ("mapping", "course"),
    [
        ("ooapi-5", {"courseId": "1", "coordinators": [PERSON], "name": [{"language": "en", "value": "Graphs"}]}),
        ("oeapi-6", {"courseId": "1", "coordinators": [PERSON], "instructors": [PERSON], "name": []}),
    ],
)
def test_t_08_nothing_of_a_person_is_published_or_reported(mapping: str, course: dict[str, Any]) -> None:
    body = json.dumps({"items": [course]}).encode()
    uni = Institution("XX0001", "X", schac="uni-x.example")
    now = datetime(2026, 5, 1, tzinfo=UTC)
    done = convert_document(
        body, "application/json", "https://a.example/", mapping, uni, Iris("https://c.example/"), now
    )
    assert done.records == 1
    said = done.ntriples + repr(done.issues) + repr([use for use in done.fields if use.outcome != "mapped"])
    assert not [value for value in PERSON.values() if value in said]


OTHERS = "<http://localhost:8080/institutions/{}>"


def of_others(provider: str, key: str = "1") -> str:
    """A course that says that another institution offers it."""
    claim = f"dcterms:publisher {OTHERS.format(provider)} ;\n  dcterms:language"
    return write_courses([key]).replace("dcterms:language", claim)


def test_t_01_an_authoritative_source_may_speak_of_anybodys_opportunities(deployment: Any) -> None:
    deployment.add("B", str(deployment.write("b.ttl", write_courses(["b"]))))
    file = str(deployment.write("a.ttl", of_others("B")))
    deployment.add("A", file, settings='role = "authoritative-source"')
    assert deployment.report("A").published == 1
    assert f"<{DCTERMS}publisher> {OTHERS.format('B')} " in deployment.graph("A")


def test_t_02_who_is_in_the_configuration_is_harvested_and_published_without_approval(deployment: Any) -> None:
    deployment.add("A", str(deployment.write("a.ttl", write_courses([1, 2]))))
    deployment.run()
    assert deployment.released() == {"A": 2}


def test_t_03_a_source_that_speaks_for_another_institution_is_refused(deployment: Any) -> None:
    deployment.add("B", str(deployment.write("b.ttl", write_courses(["b"]))))
    deployment.add("A", str(deployment.write("a.ttl", of_others("B"))))
    report = deployment.report("A")
    assert (report.published, report.refused) == (0, 1)
    assert any("names another institution" in str(count["message"]) for count in report.result_counts)


def test_t_03_unless_it_is_configured_to_speak_for_it(deployment: Any) -> None:
    deployment.add("B", str(deployment.write("b.ttl", write_courses(["b"]))))
    deployment.add("C", str(deployment.write("c.ttl", write_courses(["c"]))))
    files = [str(deployment.write(f"a{other}.ttl", of_others(other, other))) for other in ("B", "C")]
    deployment.add("A", *files, settings='speaks_for = ["B"]')
    report = deployment.report("A")
    assert (report.published, report.refused) == (1, 1)
    assert OTHERS.format("B") in deployment.graph("A")
    assert OTHERS.format("C") not in deployment.graph("A")


def test_t_04_a_third_party_states_agreed_indicators_in_a_graph_of_its_own(deployment: Any) -> None:
    deployment.add("B", str(deployment.write("b.ttl", write_courses(["b"]))))
    quality = "https://indicators.example/"
    measured = f'<{quality}employment> [ <{quality}share> 0.9 ; <{quality}year> "2026" ] ;\n  <{quality}other> "x" ;\n'
    text = write_courses(["b"]).replace("  dcterms:language", f"  {measured}  dcterms:language")
    settings = f'role = "third-party"\nindicators = ["{quality}employment"]'
    deployment.add("T", str(deployment.write("t.ttl", text)), settings=settings)
    deployment.run()
    assert deployment.released() == {"B": 1, "T": 0}
    stated = deployment.graph("T")
    assert f"<https://courses.example/b> <{quality}employment> " in stated
    assert f"<{quality}share>" in stated
    assert "Course b" not in stated
    assert f"<{quality}other>" not in stated
    assert "HigherEducationInstitution" not in stated
    assert "Course b" in deployment.graph("T", "refused")
    (issue,) = [issue for issue in deployment.report("T").issues if issue.code == "statement-not-allowed"]
    assert issue.count > 5
    assert f"<{quality}employment>" not in deployment.graph("B")
