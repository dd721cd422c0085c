"""Acceptance of the mapping of Edu-API 1.0: each property of its schemas has a place, and nothing is lost.

The official binding may not be redistributed; what it says of properties and codes is written here as facts.
"""

import json
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pyoxigraph import RdfFormat, parse

from qlink_ld.convert import Conversion, convert_document
from qlink_ld.errors import UnreadableData
from qlink_ld.mapping import load_mapping
from qlink_ld.mapping.folder import find_mapping
from qlink_ld.model import DataSource, Institution
from qlink_ld.namespaces import ELM, QL, Iris

Convert = Callable[..., Any]
NAMES = (
    "courseTemplates",
    "collectionTemplates",
    "courseOfferings",
    "collectionOfferings",
    "organizations",
    "academicSessions",
)
TEXT = [{"recordLanguage": "en", "value": "A text"}]
CODE = {"identifier": "X", "identifierType": "sisSourcedId"}
MOMENT = "2026-10-01T00:00:00Z"
ADDRESS = {
    "addressType": "postal",
    "streetAddress": "Street 1",
    "postalCode": "1234",
    "addressLocality": "Town",
    "addressRegion": "Region",
    "addressCountryCode": "NL",
    "addressCountry": "Netherlands",
    "geo": {"latitude": 52.2, "longitude": 6.8},
}
_RECORD: dict[str, Any] = {
    "sourcedId": "A",
    "recordLanguage": "en",
    "recordStatus": "active",
    "dateLastModified": MOMENT,
    "extensions": {"local": 1},
}
_TEMPLATE: dict[str, Any] = {
    **_RECORD,
    "title": TEXT,
    "description": TEXT,
    "primaryCode": CODE,
    "otherCodes": [CODE],
    "level": "graduate",
    "creditType": "credit",
    "creditsAwarded": "6 ECTS",
    "gradingScheme": TEXT[0],
    "teachingLanguage": "en",
    "organization": "F",
    "organizationCode": "FC",
    "parent": ["P"],
}
_OFFERING: dict[str, Any] = {
    **_RECORD,
    "offeringType": "standard",
    "title": [{"recordLanguage": "en", "value": "Another text"}],
    "description": [{"recordLanguage": "en", "value": "Another text"}],
    "primaryCode": CODE,
    "otherCodes": [CODE],
    "organization": "F",
    "academicSession": "S",
    "academicSessionCode": "SC",
    "offeringFormat": "online",
    "synchronicity": "hybrid",
    "registrationStatus": "open",
    "startDate": MOMENT,
    "endDate": MOMENT,
    "teachingLanguage": "en",
    "paceOfStudy": "100",
    "minNumberStudents": 1,
    "maxNumberStudents": 2,
    "enrolledNumberStudents": 1,
    "pendingNumberStudents": 1,
    "locations": [{"identifier": "L", "description": TEXT, "geoLocation": {"latitude": 52.2, "longitude": 6.8}}],
    "parent": ["O"],
    "roleEnablement": ["R"],
}
# Resource → a record with every property that Edu-API 1.0 has for it.
FULL: dict[str, dict[str, Any]] = {
    "courseTemplates": {**_TEMPLATE, "courseType": "standard"},
    "collectionTemplates": {**_TEMPLATE, "sourcedId": "P", "collectionType": "program"},
    "courseOfferings": {**_OFFERING, "course": "A"},
    "collectionOfferings": {**_OFFERING, "collection": "P"},
    "organizations": {
        **_RECORD,
        "sourcedId": "U",
        "name": TEXT,
        "organizationType": "university",
        "primaryCode": CODE,
        "otherCodes": [CODE],
        "children": ["F"],
        "primaryAddress": ADDRESS,
        "otherAddresses": [ADDRESS],
    },
    "academicSessions": {
        **_RECORD,
        "sourcedId": "S",
        "sessionType": "semester",
        "title": TEXT,
        "startDate": MOMENT,
        "endDate": MOMENT,
        "parent": "Y",
        "children": ["T"],
    },
}
FACULTY = {"sourcedId": "F", "recordLanguage": "en", "parent": "U", "name": TEXT}


@pytest.fixture(scope="session")
def samples(shared: Path) -> dict[str, Any]:
    """The sample payloads of a whole Edu-API server."""
    return {name: json.loads((shared / f"samples/edu-api-v1/{name}.json").read_bytes()) for name in NAMES}


def list_paths(value: object, path: str = "") -> Iterator[str]:
    """The paths of all leaves of JSON, without indexes."""
    if isinstance(value, dict):
        for key, member in value.items():
            yield from list_paths(member, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for member in value:
            yield from list_paths(member, path)
    else:
        yield path


# Each property of the schemas ----------------------------------------------------------------------------------------


def test_every_property_is_mapped_or_ignored_with_a_reason(convert: Convert) -> None:
    converted = convert(
        {k: [v, FACULTY] if k == "organizations" else [v] for k, v in FULL.items()}, mapping="edu-api-1"
    )
    assert [f"{use.resource}.{use.path}" for use in converted.fields if use.outcome in ("unmapped", "dropped")] == []
    assert all(use.reason for use in converted.fields if use.outcome == "ignored")
    assert not converted.refusals
    assert not converted.issues


@pytest.mark.parametrize("resource", [name for name in NAMES if name != "academicSessions"])
def test_every_property_is_accounted_for(convert: Convert, resource: str) -> None:
    converted = convert(
        {k: [v, FACULTY] if k == "organizations" else [v] for k, v in FULL.items()}, mapping="edu-api-1"
    )
    kind = {"courseOfferings": "courseTemplates", "collectionOfferings": "collectionTemplates"}.get(resource, resource)
    prefix = "" if kind == resource else "offerings."
    told = {
        use.path.replace(".period", "").replace(".address.", ".") for use in converted.fields if use.resource == kind
    }
    for key in FULL[resource]:
        assert any(path == prefix + key or path.startswith(f"{prefix}{key}.") for path in told), f"{resource}.{key}"


def test_academic_sessions_are_ignored_with_a_reason_but_for_their_title() -> None:
    assert load_mapping("edu-api-1").ignore_resources["academicSessions"]


def test_every_code_that_edu_api_names_has_a_place(convert: Convert) -> None:
    codes = {
        ("courseTemplates", "courseType"): "standard honors research independentStudy practicum internship studyAbroad "
        "capstone clinical correspondence fieldExperience seminar thesis ext:x",
        ("collectionTemplates", "collectionType"): "program generalEducation requiredCollection electiveCollection "
        "capstoneCollection majorCollection minorCollection programSpecialization nonDegreeCollection ext:x",
        ("courseTemplates", "level"): "undergraduate graduate doctoral",
        ("courseTemplates", "creditType"): "credit nonCredit",
        ("courseTemplates", "recordStatus"): "active inactive deleted",
    }
    for (resource, key), values in codes.items():
        records = [{"sourcedId": v, "teachingLanguage": "en", key: v} for v in values.split()]
        converted = convert({resource: records}, mapping="edu-api-1")
        assert not converted.issues, key
        assert len(converted.records) == len(records) - (key == "recordStatus")
        if key.endswith("Type") and key != "creditType":
            assert converted.ntriples.count("<http://purl.org/dc/terms/type>") == len(records)


# The samples ---------------------------------------------------------------------------------------------------------


def test_the_samples_become_what_the_crosswalk_says(assert_both_ways: Convert, samples: dict[str, Any]) -> None:
    converted = assert_both_ways(samples, mapping="edu-api-1", schac="uni-musterstadt.example")
    assert not converted.refusals
    assert [r.key for r in converted.records][:4] == [t["sourcedId"] for t in samples["courseTemplates"][:4]]
    assert "PSUNV%3BGRAD%3B0650%3B1003" in converted.records[1].iri
    assert sum(r.opportunities for r in converted.records) == 5  # one of six is deleted
    assert sum(r.instances for r in converted.records) == 2  # one of three is an orphan
    found = {(str(t.predicate), str(t.object)) for t in parse(converted.ntriples, format=RdfFormat.N_TRIPLES)}
    decimal = "<http://www.w3.org/2001/XMLSchema#decimal>"
    assert {value for predicate, value in found if predicate == f"<{ELM}point>"} == {
        f'"{number}"^^{decimal}' for number in ("6", "7.5", "120")
    }
    assert (f"<{ELM}noteLiteral>", '"Credits: 30.0"@en') in found
    assert (f"<{QL}isActive>", '"false"^^<http://www.w3.org/2001/XMLSchema#boolean>') in found
    assert not any("does-not-exist" in value or "Withdrawn" in value for _, value in found)
    assert {(issue.code, issue.value) for issue in converted.issues} == {
        ("language-missing", None),
        ("instance-without-parent", "does-not-exist"),
        ("unmapped-value", "ext:postgraduate"),
    }
    assert not [use for use in converted.fields if use.outcome == "unmapped"]


def test_bare_and_wrapped_lists_say_the_same(convert: Convert, samples: dict[str, Any]) -> None:
    bare = convert(samples, mapping="edu-api-1")
    wrapped = convert({name: {name: items} for name, items in samples.items()}, mapping="edu-api-1")
    assert wrapped == bare


def test_empty_lists_are_no_fault(convert: Convert) -> None:
    empties: tuple[dict[str, Any], ...] = ({name: [] for name in NAMES}, {name: {name: []} for name in NAMES})
    for empty in empties:
        converted = convert(empty, mapping="edu-api-1")
        assert not converted.mapped
        assert not converted.issues


def test_a_course_without_language_does_not_take_that_of_its_record(convert: Convert) -> None:
    converted = convert({"courseTemplates": [{"sourcedId": "C", "recordLanguage": "de"}]}, mapping="edu-api-1")
    assert "authority/language" not in converted.ntriples
    assert [issue.code for issue in converted.issues] == ["language-missing"]


# One file at a time --------------------------------------------------------------------------------------------------


def convert_file(name: str, content: object) -> Conversion:
    institution = Institution("DE9999", "University of Musterstadt")
    now = datetime(2026, 11, 1, tzinfo=UTC)
    body = json.dumps(content).encode()
    return convert_document(body, None, name, "edu-api-1", institution, Iris("https://example.org/"), now)


@pytest.mark.parametrize("url", ["file:///x/{name}.json", "https://api.example/v1p0/{name}?limit=5", "file:///x/page"])
def test_a_file_is_known_by_its_name_or_by_what_is_in_it(samples: dict[str, Any], url: str) -> None:
    for name, records, class_ in (
        ("courseTemplates", 4, "learning-opportunity/b2434ca358"),
        ("collectionTemplates", 1, "learning-opportunity/79343569f3"),
        ("organizations", 1, "HigherEducationInstitution"),
    ):
        for content in (samples[name], {name: samples[name]}):
            converted = convert_file(url.format(name=name), content)
            assert (converted.records, converted.refused) == (records, 0)
            assert class_ in converted.ntriples


@pytest.mark.parametrize("name", ["courseOfferings", "collectionOfferings"])
@pytest.mark.parametrize("file", ["{name}.json", "page.json"])
def test_offerings_alone_belong_to_nothing(samples: dict[str, Any], name: str, file: str) -> None:
    with pytest.raises(UnreadableData, match=f"'{name}' alone are no records"):
        convert_file(f"file:///x/{file.format(name=name)}", samples[name])


def test_sessions_alone_are_no_courses(samples: dict[str, Any]) -> None:
    with pytest.raises(UnreadableData, match="'academicSessions' alone are no records"):
        convert_file("file:///x/academicSessions.json", samples["academicSessions"])


@pytest.mark.parametrize(("version", "path"), [("1", "x"), ("1.0", "x"), (None, "https://a.example/eduapi/base/v1p0/")])
def test_the_mapping_is_found_by_type_and_version(version: str | None, path: str) -> None:
    assert find_mapping(DataSource("s", "edu-api", path, version)).name == "edu-api-1"


# Anything at all -----------------------------------------------------------------------------------------------------

ODD: tuple[Any, ...] = (None, "", " ", 0, -1.5, True, "x", "ext:y", "100", "6 ECTS", [], {}, [None], ["x"], [{}], TEXT)
ODDER: tuple[Any, ...] = (*ODD, {"recordLanguage": 5, "value": 7}, [{"value": "v"}], [[TEXT]], {"@id": "x"}, "a b/c;é")


def spoil(value: object, chance: random.Random) -> Any:
    """JSON in which some values are something else."""
    if chance.random() < 0.15:
        return chance.choice(ODDER)
    if isinstance(value, dict):
        return {key: spoil(member, chance) for key, member in value.items()}
    return [spoil(member, chance) for member in value] if isinstance(value, list) else value


@pytest.mark.parametrize("seed", range(12))
def test_no_value_breaks_the_conversion(assert_both_ways: Convert, seed: int) -> None:
    chance = random.Random(seed)
    pages = {name: [spoil(record, chance) for _ in range(5)] for name, record in FULL.items()}
    good = {"sourcedId": "good", "teachingLanguage": "en", "title": TEXT}
    pages["courseTemplates"].append(good)
    converted = assert_both_ways(pages, mapping="edu-api-1")
    assert any(record.key == "good" for record in converted.records)
    assert "urn:qlink-ld:" not in converted.ntriples
