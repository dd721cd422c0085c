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
