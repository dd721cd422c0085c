"""OCCAPI 1 and 2: every sample converts, every property of the official schemas has a place."""

from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest

from qlink_ld.mapping import Account, Document, JsonMapper, find_mapping, load_mapping
from qlink_ld.mapping.batch import Mapped
from qlink_ld.model import DataSource, Institution, Record
from qlink_ld.namespaces import Iris

COURSE = "aabbccdd-eeff-1122-3344-556677889900"
PROGRAMME = "abcdef12-3456-7890-abcd-ef1234567890"
UNIT = "11223344-5566-7788-9900-aabbccddeeff"
# Sample payload → resource, and whose list it is.
SAMPLES = {
    "course.json": ("course", UNIT),
    "course-collection.json": ("course", None),
    "programme.json": ("programme", None),
    "programme-collection.json": ("programme", None),
    "programme-courses.json": ("programme-course", PROGRAMME),
    "ounit.json": ("ounit", None),
    "ounit-collection.json": ("ounit", None),
    "hei.json": ("hei", None),
    "hei-collection.json": ("hei", None),
}
SAMPLES_2 = {"course-instances.json": ("course-instances", COURSE), "instance.json": ("course-instances", COURSE)}
Page = tuple[str, str | None, Any]
Json = dict[str, Any]


def convert(version: str, *pages: Page, by_processor: bool = False) -> tuple[list[Mapped], Account]:
    account = Account("occapi")
    documents = [Document(name, name, partial(orjson.dumps, content), parent) for name, parent, content in pages]
    institution = Institution("XX0001", "Example Institution", schac="domain.tld")
    mapper = JsonMapper(
        load_mapping(f"occapi-{version}"),
        institution,
        Iris("https://example.org/"),
        account,
        date(2025, 10, 1),
        by_processor=by_processor,
    )
    return [entry for batch in mapper.map_documents(documents) for entry in batch], account


def read_samples(shared: Path, version: str) -> list[Page]:
    folder = shared / f"samples/occapi-v{version}"
    files = SAMPLES if version == "1" else {**SAMPLES, **SAMPLES_2}
    pages: list[Page] = []
    for name, (resource, parent) in files.items():
        content = orjson.loads((folder / name).read_bytes())
        if resource == "course-instances" and isinstance(content["data"], dict):
            content["data"] = [{**content["data"], "id": "another"}]  # the same instance as in the list
        pages.append((resource, parent, content))
    return pages


@pytest.mark.parametrize("version", ["1", "2"])
def test_every_sample_payload_converts(shared: Path, version: str) -> None:
    pages = read_samples(shared, version)
    mapped, account = convert(version, *pages)
    assert [type(entry) for entry in mapped] == [Record] * 3
    assert {issue.code for issue in account.issues} <= {"text-without-language", "credits-differ"}
    assert {use.outcome for use in account.fields} == {"mapped", "ignored"}
    assert convert(version, *pages, by_processor=True)[0] == mapped


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("file", ["course-collection.json", "programme-collection.json", "hei.json"])
def test_each_sample_payload_converts_alone(shared: Path, version: str, file: str) -> None:
    content = orjson.loads((shared / f"samples/occapi-v{version}" / file).read_bytes())
    mapped, _ = convert(version, (SAMPLES[file][0], None, content))
    assert [type(entry) for entry in mapped] == [Record]


def test_version_2_maps_all_of_version_1_for_sources_that_state_none(shared: Path) -> None:
    pages = read_samples(shared, "1")
    assert convert("2", *pages)[0] == convert("1", *pages)[0]
    names = {
        version: find_mapping(DataSource("api", "occapi", path, version=version)).name
        for version, path in {
            None: "https://uni.example/api/hei/x",
            "1.0": "https://uni.example/api/hei/x",
            "1": "https://uni.example/v2/hei/x",
        }.items()
    }
    assert names == {None: "occapi-2", "1.0": "occapi-1", "1": "occapi-1"}
    assert find_mapping(DataSource("api", "occapi", "https://uni.example/occapi/v1/hei/x")).name == "occapi-1"


# The official schemas ------------------------------------------------------------------------------------------------


def read_schemas(shared: Path, version: str) -> Json:
    text = (shared / f"reference/openapi/occapi-v{version}.yaml").read_text(encoding="utf-8")
    yaml = pytest.importorskip("yaml", reason="reading the official OpenAPI file needs PyYAML")
    schemas: Json = yaml.safe_load(text)["components"]["schemas"]
    return schemas


def make_example(schemas: Json, schema: Json) -> Any:
    """A value with every property that a schema names."""
    if "$ref" in schema:
        return make_example(schemas, schemas[schema["$ref"].rpartition("/")[2]])
    parts = [make_example(schemas, part) for key in ("allOf", "oneOf", "anyOf") for part in schema.get(key, [])]
    if parts and all(isinstance(part, dict) for part in parts):
        return {key: value for part in parts for key, value in part.items()}
    if parts:
        return parts[0]
    if "properties" in schema:
        return {name: make_example(schemas, part) for name, part in schema["properties"].items()}
    if "items" in schema:
        return [make_example(schemas, schema["items"])]
    if schema.get("enum"):
        return schema["enum"][0]
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) else kind
    values: Json = {"integer": 6, "float": 7.5, "number": 7.5, "boolean": True}
    formats = {"date": "2025-09-01", "date-time": "2025-09-01T12:00:00Z", "uri": "https://uni.example/x"}
    return values.get(str(kind), formats.get(str(schema.get("format")), "x"))


@pytest.mark.parametrize(
    ("version", "schema", "resource"),
    [
        ("1", "CourseResource", "course"),
        ("1", "ProgrammeResource", "programme"),
        ("1", "InstitutionResource", "hei"),
        ("1", "OunitResource", "ounit"),
        ("1", "CourseCollection", "course"),
        ("1", "ProgrammeCollection", "programme"),
        ("2", "CourseResource", "course"),
        ("2", "ProgrammeResource", "programme"),
        ("2", "InstitutionResource", "hei"),
        ("2", "OunitResource", "ounit"),
        ("2", "CourseCollection", "course"),
        ("2", "ProgrammeCollection", "programme"),
        ("2", "CourseInstanceCollection", "course-instances"),
    ],
)
def test_every_property_of_the_official_schema_is_mapped_or_ignored(
    shared: Path, version: str, schema: str, resource: str
) -> None:
    schemas = read_schemas(shared, version)
    page = make_example(schemas, schemas[schema])
    record = page["data"][0] if isinstance(page["data"], list) else page["data"]
    assert len(record["attributes"]) >= 4
    record["id"] = "R1"
    if resource == "course-instances":
        _, account = convert(version, ("course", None, {"data": {"id": "C1"}}), (resource, "C1", page))
    else:
        _, account = convert(version, ("course", "R1", {"data": {"id": "C1"}}), (resource, None, page))
    unmapped = [f"{use.resource}.{use.path}" for use in account.fields if use.outcome == "unmapped"]
    assert not unmapped, "name these in the context, under [ignore] with a reason, or in a rule"
    if resource == "ounit":  # joined, no record of its own: what a course takes of it, the mapping says
        known = set(load_mapping(f"occapi-{version}").ignore)
        taken = {"title"}
        left = set(record["attributes"]) - taken - {key.rpartition(".")[2] for key in known}
        assert not left, "attributes of units that are neither taken nor ignored"
    else:
        named = {part for use in account.fields for part in use.path.split(".")}
        assert named >= set(record["attributes"])
