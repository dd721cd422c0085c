"""What a source says is no longer offered, and what it said before, without asking it again."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from qlink_ld.convert import Conversion, convert_document
from qlink_ld.model import Institution
from qlink_ld.namespaces import QL, Iris

from .conftest import write_courses

TWENTE = Institution("NL0028", "University of Twente", schac="utwente.nl")
TODAY = datetime(2026, 11, 23, tzinfo=UTC)
ACTIVE = f"<{QL}isActive>"


def convert(mapping: str, page: object) -> Conversion:
    iris = Iris("http://localhost:8080/")
    body = json.dumps(page).encode()
    return convert_document(body, "application/json", "https://x.example/courses", mapping, TWENTE, iris, TODAY)


@pytest.mark.parametrize("mapping", ["ooapi-5", "oeapi-6"])
@pytest.mark.parametrize(("valid_to", "active"), [("2026-11-23", "false"), ("2026-11-24", "true")])
def test_i_07_a_course_whose_validity_has_ended_is_not_active(mapping: str, valid_to: str, active: str) -> None:
    done = convert(mapping, {"items": [{"courseId": "1", "name": [], "validTo": valid_to}]})
    assert f'{ACTIVE} "{active}"' in done.ntriples


@pytest.mark.parametrize(("deprecated", "active"), [(True, "false"), (False, "true")])
def test_i_07_a_deprecated_course_of_occapi_is_not_active(deprecated: bool, active: str) -> None:
    course = {"type": "course", "id": "1", "attributes": {"title": [], "deprecated": deprecated}}
    assert f'{ACTIVE} "{active}"' in convert("occapi-2", {"data": [course]}).ntriples


def test_i_07_deleted_records_of_edu_api_are_not_published_and_inactive_ones_not_active() -> None:
    states = ("active", "inactive", "deleted")
    records = [{"sourcedId": state, "recordStatus": state, "recordLanguage": "en", "title": state} for state in states]
    done = convert("edu-api-1", {"courseTemplates": records})
    assert done.records == 2
    assert "/deleted" not in done.ntriples
    for state, active in (("active", "true"), ("inactive", "false")):
        assert f'<http://localhost:8080/courses/NL0028/{state}> {ACTIVE} "{active}"' in done.ntriples


def test_i_11_an_offline_run_gives_the_same_triples(deployment: Any) -> None:
    deployment.add("A", str(deployment.write("a.ttl", write_courses(range(5), faulty=[5]))))
    deployment.run()
    before = [deployment.graph("A"), deployment.graph("A", "refused")]
    (deployment.folder / "a.ttl").unlink()
    (report,) = deployment.run("A", offline=True, full=True).reports
    assert report.status == "published"
    assert [deployment.graph("A"), deployment.graph("A", "refused")] == before
