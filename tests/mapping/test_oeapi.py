"""Acceptance of the mapping of OEAPI 6.0: each property of the official schemas has a place, and nothing is lost."""

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pyoxigraph import Literal, RdfFormat, parse

from qlink_ld.mapping import load_mapping
from qlink_ld.mapping.context import compile_context
from qlink_ld.namespaces import SOURCE

Convert = Callable[..., Any]
RESOURCES = ("courses", "programmes", "organisations", "academic-sessions", "learning-outcomes")
SAMPLE_ID = "123e4567-e89b-12d3-a456-426614174000"


@pytest.fixture(scope="session")
def schemas(shared: Path) -> dict[str, Any]:
    """The official schemas by name."""
    yaml = pytest.importorskip("yaml", reason="the official OpenAPI file of OEAPI 6.0 is YAML; pip install pyyaml")
    text = (shared / "reference/openapi/oeapi-v6.yaml").read_bytes()
    document = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    found = document["components"]["schemas"]
    assert isinstance(found, dict)
    return found


@pytest.fixture(scope="session")
def samples(shared: Path) -> dict[str, Any]:
    """The sample payloads of a whole OEAPI v6 server."""
    folder = shared / "samples/oeapi-v6"
    pages: dict[str, Any] = {name: json.loads((folder / f"{name}.json").read_bytes()) for name in RESOURCES}
    for kind in ("course", "programme"):
        pages[f"{kind}-offerings"] = {SAMPLE_ID: json.loads((folder / f"{kind}-offerings.json").read_bytes())}
    return pages


# Each property of the official schemas -------------------------------------------------------------------------------


def read_properties(schemas: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """The properties of a schema: its own, and those of what it refers to; of a list, those of its items."""
    if "$ref" in schema:
        return read_properties(schemas, schemas[schema["$ref"].rpartition("/")[2]])
    found = dict(schema.get("properties", {}))
    for keyword in ("allOf", "oneOf", "anyOf"):
        for part in schema.get(keyword, []):
            found.update(read_properties(schemas, part))
    return found or (read_properties(schemas, schema["items"]) if "items" in schema else {})


def read_required(schemas: dict[str, Any], schema: dict[str, Any]) -> set[str]:
    """The members that a schema, or a part of it, requires."""
    if "$ref" in schema:
        return read_required(schemas, schemas[schema["$ref"].rpartition("/")[2]])
    return set(schema.get("required", ())).union(*(read_required(schemas, part) for part in schema.get("allOf", ())))


@pytest.mark.parametrize(
    ("schema", "resource", "path"),
    [
        ("Course", "courses", ""),
        ("Programme", "programmes", ""),
        ("CourseExpanded", "courses", ""),
        ("ProgrammeExpanded", "programmes", ""),
        ("CourseOffering", "courses", "offerings."),
        ("ProgrammeOffering", "programmes", "offerings."),
        ("Organisation", "organisations", ""),
        ("LearningOutcome", "courses", "learningOutcomes."),
        ("LearningOutcome", "programmes", "learningOutcomes."),
        ("Address", "courses", "addresses."),
        ("Country", "courses", "addresses."),
        ("Cost", "courses", "offerings.priceInformation."),
        ("StudyLoadDescriptor", "courses", "studyLoad."),
        ("EnrolmentPeriods", "courses", "offerings.enrolmentPeriods."),
        ("SupplementaryInformation", "courses", "supplementaryInformation."),
        ("SupplementaryInformation", "programmes", "offerings.supplementaryInformation."),
        ("IdentifierEntry", "courses", "primaryCode."),
    ],
)
def test_each_property_of_the_official_schema_has_a_place(
    schemas: dict[str, Any], schema: str, resource: str, path: str
) -> None:
    mapping = load_mapping("oeapi-6")
    spec = next(spec for spec in mapping.resources if spec.name == resource)
    context = compile_context(spec.context)
    for key in path.split(".")[:-1]:
        context = context.scope(key)
    read = frozenset().union(*(rule.reads or () for rule in mapping.rules))
    names = read_properties(schemas, schemas[schema])
    assert names
    missing = [
        name
        for name in names
        if name not in context.terms
        and not any(key in mapping.ignore for key in (name, f"{resource}.{path}{name}", f"{path}{name}"))
        and name not in mapping.joins
        and name not in mapping.references
        and f"{SOURCE}{name}" not in read
    ]
    assert not missing, f"{schema}: name these in the context, under [ignore] with a reason, or in a rule: {missing}"


def test_every_reason_for_leaving_something_out_says_something() -> None:
    mapping = load_mapping("oeapi-6")
    assert all(len(reason) > 10 for reason in mapping.ignore.values())


# Values of every shape that the schemas allow ------------------------------------------------------------------------


def make_value(schemas: dict[str, Any], schema: dict[str, Any], dice: random.Random, depth: int = 0) -> Any:
    """A random value that conforms to a schema."""
    if "$ref" in schema:
        return make_value(schemas, schemas[schema["$ref"].rpartition("/")[2]], dice, depth)
    if depth > 5:
        return None
    for keyword in ("oneOf", "anyOf"):
        if keyword in schema:
            return make_value(schemas, dice.choice(schema[keyword]), dice, depth + 1)
    if codes := schema.get("enum") or schema.get("x-ooapi-extensible-enum"):
        return dice.choice([*codes, "x-own_code"] if "enum" not in schema else codes)
    kinds = schema.get("type", "object")
    kind = dice.choice(kinds) if isinstance(kinds, list) else kinds
    if "allOf" in schema and kind == "object":
        schema = {"properties": read_properties(schemas, schema), "required": read_required(schemas, schema)}
    if kind == "array":
        return [make_value(schemas, schema["items"], dice, depth + 1) for _ in range(dice.randrange(1, 4))]
    if kind == "object":
        return {
            name: make_value(schemas, part, dice, depth + 1)
            for name, part in schema.get("properties", {}).items()
            if depth == 0 or name in schema.get("required", ()) or dice.random() < 0.7
        }
    if kind == "string":
        return make_text(schema, dice)
    return {"boolean": dice.random() < 0.5, "integer": 3, "number": dice.choice([7, 7.5, 0])}.get(kind)


def make_text(schema: dict[str, Any], dice: random.Random) -> str:
    if "pattern" in schema and "a-z" in str(schema["pattern"]):
        return dice.choice(["en", "nl-NL", "sr-RS-latn", "zxx"])
    formats = {"date-time": "2026-02-03T04:05:06+01:00", "date": "2026-02-03", "uri": "https://a.example/b"}
    own = dice.choice([str(schema.get("example", "Ünïcode")), f"text {dice.randrange(9)}"])
    if schema.get("format") == "uuid":
        return f"00000000-0000-4000-8000-{dice.randrange(10**6):012}"
    return formats.get(str(schema.get("format")), own)


def make_server(schemas: dict[str, Any], dice: random.Random) -> dict[str, Any]:
    """The pages of a server that answers with random data."""
    names = {
        "courses": "Course",
        "programmes": "Programme",
        "organisations": "Organisation",
        "academic-sessions": "AcademicSession",
        "learning-outcomes": "LearningOutcome",
    }
    pages: dict[str, Any] = {
        resource: {"items": [make_value(schemas, {"$ref": f"#/components/schemas/{name}"}, dice) for _ in range(3)]}
        for resource, name in names.items()
    }
    for resource, name in (("courses", "Course"), ("programmes", "Programme")):
        pages[f"{name.lower()}-offerings"] = {
            item[f"{name.lower()}Id"]: {
                "items": [make_value(schemas, {"$ref": f"#/components/schemas/{name}Offering"}, dice) for _ in range(2)]
            }
            for item in pages[resource]["items"]
        }
    return pages


@pytest.mark.parametrize("seed", range(8))
def test_random_conforming_data_is_converted_to_the_last_record(
    schemas: dict[str, Any], convert: Convert, seed: int
) -> None:
    pages = make_server(schemas, random.Random(seed))
    converted = convert(pages, mapping="oeapi-6")
    assert not converted.refusals
    assert len([record for record in converted.records if record.opportunities]) == 6
    assert not [f"{use.resource}.{use.path}" for use in converted.fields if use.outcome == "unmapped"]
    assert all(use.reason for use in converted.fields if use.outcome in ("ignored", "dropped"))
    assert convert(pages, mapping="oeapi-6", by_processor=True).mapped == converted.mapped
    quads = list(parse(converted.ntriples.encode(), format=RdfFormat.N_TRIPLES))
    assert not any("urn:qlink-ld:" in str(quad) for quad in quads)


# The published examples ----------------------------------------------------------------------------------------------


def find_texts(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        if isinstance(value.get("value"), str) and "language" in value:
            yield value["value"], value["language"].lower()
        for member in value.values():
            yield from find_texts(member)
    elif isinstance(value, list):
        for member in value:
            yield from find_texts(member)


def test_all_text_of_all_languages_in_the_samples_is_in_the_output(samples: dict[str, Any], convert: Convert) -> None:
    converted = convert(samples, mapping="oeapi-6")
    assert len(converted.records) == 3
    found = {
        (quad.object.value, quad.object.language)
        for quad in parse(converted.ntriples.encode(), format=RdfFormat.N_TRIPLES)
        if isinstance(quad.object, Literal)
    }
    expected = set(find_texts(samples))
    assert len(expected) > 10
    assert expected <= found
    assert not converted.issues
    assert not [use for use in converted.fields if use.outcome == "unmapped"]
    # The offerings name an organisation that the sample server does not list.
    dropped = [f"{use.resource}.{use.path}" for use in converted.fields if use.outcome == "dropped"]
    assert dropped == ["courses.offerings.organisationId", "programmes.offerings.organisationId"]


@pytest.mark.parametrize("name", ["course", "course-expanded-learning-outcomes"])
def test_a_single_course_is_converted_with_its_learning_outcomes(
    shared: Path, samples: dict[str, Any], convert: Convert, name: str
) -> None:
    course = json.loads((shared / f"samples/oeapi-v6/{name}.json").read_bytes())
    joined = convert({**samples, "courses": {"items": [course]}}, mapping="oeapi-6").records[0].ntriples
    assert "Describe the differing views" in joined
    alone = convert({"courses": {"items": [course]}}, mapping="oeapi-6").records[0].ntriples
    assert ("Describe the differing views" in alone) == (name != "course")  # embedded outcomes need no other page


def test_the_samples_are_the_same_both_ways(samples: dict[str, Any], assert_both_ways: Convert) -> None:
    assert_both_ways(samples, mapping="oeapi-6")
