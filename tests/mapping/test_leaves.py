"""Every leaf of every record counts exactly once, whatever becomes of it: random records as the standards allow them.

The test counts for itself what is in the pages; the account must come to the same. Records that are refused, skipped,
left out, joined, shared, inherited and repeated occur by chance, in each run the same.
"""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from pyoxigraph import RdfFormat, parse

from qlink_ld.mapping import Account, Document, JsonMapper, load_mapping
from qlink_ld.mapping.elm import ElmMapper
from qlink_ld.model import DataSource, Institution
from qlink_ld.namespaces import Iris

Json = dict[str, Any]
INSTITUTION = Institution(id="NL0028", name="University of Twente", schac="utwente.nl")
IRIS = Iris("https://example.org/")
HARVESTED_ON = date(2025, 10, 1)
IDS = [f"{kind}{number}" for kind in "CPOSLU" for number in range(4)]
TEXTS = ("Chemie", "ects", "a b\n", "Ő 漢", "613", "0613", "en", "nld", "2025-02-03", "bachelor", "7,5", "", " ", "x")

# Mapping → the OpenAPI file, where records are in a page, and which path describes the pages of each resource; where a
# page lists what belongs to a record, the resource of that record.
FORMATS: dict[str, tuple[str, str, dict[str, tuple[str, str | None]]]] = {
    "ooapi-5": (
        "ooapi-v5.json",
        "items",
        {
            "courses": ("/courses", None),
            "programs": ("/programs", None),
            "organizations": ("/organizations", None),
            "academic-sessions": ("/academic-sessions", None),
            "course-offerings": ("/courses/{courseId}/offerings", "courses"),
            "program-offerings": ("/programs/{programId}/offerings", "programs"),
            "program-courses": ("/programs/{programId}/courses", "programs"),
        },
    ),
    "oeapi-6": (
        "oeapi-v6.yaml",
        "items",
        {
            "courses": ("/courses", None),
            "programmes": ("/programmes", None),
            "organisations": ("/organisations", None),
            "academic-sessions": ("/academic-sessions", None),
            "learning-outcomes": ("/learning-outcomes", None),
            "course-offerings": ("/courses/{courseId}/course-offerings", "courses"),
            "programme-offerings": ("/programmes/{programmeId}/programme-offerings", "programmes"),
            "programme-courses": ("/programmes/{programmeId}/courses", "programmes"),
        },
    ),
    "occapi-1": (
        "occapi-v1.yaml",
        "data",
        {
            "course": ("/hei/{heiId}/course", None),
            "programme": ("/hei/{heiId}/programme", None),
            "hei": ("/hei", None),
            "ounit": ("/hei/{heiId}/ounit", None),
            "programme-course": ("/hei/{heiId}/programme/{id}/course", "programme"),
        },
    ),
    "occapi-2": (
        "occapi-v2.yaml",
        "data",
        {
            "course": ("/hei/{heiId}/course", None),
            "programme": ("/hei/{heiId}/programme", None),
            "hei": ("/hei", None),
            "ounit": ("/hei/{heiId}/ounit", None),
            "course-instances": ("/hei/{heiId}/course/{id}/instance", "course"),
            "programme-course": ("/hei/{heiId}/programme/{id}/course", "programme"),
        },
    ),
}
IDENTIFIERS = (
    "Id",
    "Ids",
    "id",
    "sourcedId",
    "parent",
    "organization",
    "course",
    "academicSession",
    "programs",
    "ounit",
)


class Maker:
    """Makes values as a schema of an OpenAPI file allows them."""

    def __init__(self, document: Json, dice: Random) -> None:
        self.document = document
        self.dice = dice

    def make(self, schema: Any, key: str = "", depth: int = 0) -> Any:
        schema = self.resolve(schema if isinstance(schema, dict) else {})
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return self.dice.choice(schema["enum"]) if self.dice.random() < 0.9 else "unknown code"
        kinds = schema.get("type") or ("object" if "properties" in schema else "string")
        kind = self.dice.choice(kinds) if isinstance(kinds, list) else kinds
        if schema.get("nullable") and self.dice.random() < 0.1:
            return None
        if kind == "object":
            return self.make_object(schema, depth)
        if kind == "array":
            number = 0 if depth > 9 else max(schema.get("minItems", 0), self.dice.choice((0, 1, 1, 2, 3)))
            return [self.make(schema.get("items"), key, depth + 1) for _ in range(number)]
        if kind in ("integer", "number"):
            return self.dice.choice((0, 1, 30, -4, 2.5) if kind == "number" else (0, 1, 30, -4))
        if kind == "boolean":
            return self.dice.random() < 0.5
        return None if kind == "null" else self.make_text(schema, key)

    def make_object(self, schema: Json, depth: int) -> Json:
        required = schema.get("required", ())
        made = {
            name: self.make(inner, name, depth + 1)
            for name, inner in schema.get("properties", {}).items()
            if name in required or (depth < 8 and self.dice.random() < 0.6)
        }
        if self.dice.random() < 0.1:
            made["x-own"] = {"more": ["x", 1, {"y": None}], "none": []}
        return made

    def make_text(self, schema: Json, key: str) -> str:
        if key.endswith(IDENTIFIERS) and self.dice.random() < 0.9:
            return self.dice.choice(IDS)
        if schema.get("format") in ("date", "date-time"):
            return self.dice.choice(("2025-09-01", "2025-09-01T08:00:00Z", "soon"))
        if key in ("language", "lang"):
            return self.dice.choice(("en", "nl-NL", "no language", ""))
        if schema.get("format") in ("uri", "url"):
            return self.dice.choice(("https://example.org/a", "www.example.org", "no address"))
        return self.dice.choice(TEXTS)

    def resolve(self, schema: Json) -> Json:
        """Follow references, put parts together and choose an alternative."""
        merged: Json = {}
        while "$ref" in schema:
            found: Any = self.document
            for part in schema["$ref"].removeprefix("#/").split("/"):
                found = found[part.replace("~1", "/")]
            schema = {**{k: v for k, v in schema.items() if k != "$ref"}, **found}
        parts = [schema]
        choices = [schema[word] for word in ("oneOf", "anyOf") if schema.get(word)]
        parts += [self.resolve(self.dice.choice(choice)) for choice in choices]
        parts += [self.resolve(part) for part in schema.get("allOf", ())]
        for part in parts:
            properties = {**merged.get("properties", {}), **part.get("properties", {})}
            required = [*merged.get("required", ()), *part.get("required", ())]
            merged = {**merged, **part, "properties": properties, "required": required}
        return merged if merged["properties"] else {k: v for k, v in merged.items() if k != "properties"}


def count(value: Any) -> int:
    """Count the leaves of a JSON value: texts that are not empty, numbers and booleans."""
    if isinstance(value, dict | list):
        return sum(count(inner) for inner in (value.values() if isinstance(value, dict) else value))
    return value is not None and value != ""


@pytest.fixture(scope="module")
def read_openapi(shared: Path) -> Callable[[str], Json]:
    known: dict[str, Json] = {}

    def read(name: str) -> Json:
        if name not in known:
            text = (shared / "reference/openapi" / name).read_text(encoding="utf-8")
            known[name] = json.loads(text) if name.endswith("json") else yaml.load(text, yaml.CSafeLoader)
        return known[name]

    return read


def make_pages(document: Json, mapping: str, seed: int) -> list[tuple[str, str | None, Json]]:
    """Random pages of all resources: name, whose children they list, page."""
    _, at, resources = FORMATS[mapping]
    maker = Maker(document, Random(f"{mapping} {seed}"))
    pages: list[tuple[str, str | None, Json]] = []
    for name, (path, parents) in resources.items():
        content = document["paths"][path]["get"]["responses"]["200"]["content"]
        schema = next(iter(content.values()))["schema"]
        owners = [None] if parents is None else maker.dice.sample([i for i in IDS if i[0] in "CP"], 5)
        for owner in owners:
            page = maker.make(schema)
            item = maker.resolve(maker.resolve(schema)["properties"][at])["items"]
            page[at] = [maker.make(item) for _ in range(maker.dice.randint(1, 3 if parents else 6))]
            if maker.dice.random() < 0.2:
                page[at] += [page[at][0], "no object", {"name": "no identifier"}]
            pages.append((name, owner, page))
    return pages


@pytest.mark.parametrize("mapping", FORMATS)
@pytest.mark.parametrize("seed", range(3))
def test_each_leaf_of_random_pages_counts_once(read_openapi: Callable[[str], Json], mapping: str, seed: int) -> None:
    file, at, _ = FORMATS[mapping]
    pages = make_pages(read_openapi(file), mapping, seed)
    account = Account("random")
    documents = [
        Document(name, f"memory:{name}", lambda page=page: json.dumps(page).encode(), owner)  # type: ignore[misc]
        for name, owner, page in pages
    ]
    mapper = JsonMapper(load_mapping(mapping), INSTITUTION, IRIS, account, HARVESTED_ON)
    list(mapper.map_documents(documents))
    assert sum(use.count for use in account.fields) == sum(count(page[at]) for _, _, page in pages)


def test_each_triple_of_a_file_counts_once() -> None:
    turtle = b"""
        @prefix ql: <http://data.quality-link.eu/ontology/v1#> .
        @prefix elm: <http://data.europa.eu/snb/model/ontology/> .
        @prefix dcterms: <http://purl.org/dc/terms/> . @prefix adms: <http://www.w3.org/ns/adms#> . @prefix : <u:> .
        @prefix skos: <http://www.w3.org/2004/02/skos/core#> .
        :a a ql:LearningOpportunitySpecification ; dcterms:title "A"@en, "B"@nl ; ql:ingestedAt "2025" ;
          adms:identifier [ a elm:Identifier ; skos:notation "a" ] ; elm:providedBy :us ; <u:own> 1 .
        :b a ql:LearningOpportunityInstance ; elm:learningAchievementSpecification :a ; elm:location :room .
        :c a ql:LearningOpportunityInstance ; elm:learningAchievementSpecification :a ; elm:location :room .
        :room a dcterms:Location ; elm:geographicName "Room"@en .
        :us a elm:Organisation ; adms:identifier [ elm:schemeId ql:Schac ; skos:notation "utwente.nl" ] .
        :stray a elm:Note ; elm:noteLiteral "nobody leads here"@en .
    """
    account = Account("file")
    source = DataSource("elm", "elm", "https://source.example/elm.ttl")
    mapper = ElmMapper(load_mapping("elm"), INSTITUTION, IRIS, account, HARVESTED_ON)
    assert list(mapper.map_file(turtle, source, None, source.path))
    assert sum(use.count for use in account.fields) == len(list(parse(turtle, format=RdfFormat.TURTLE)))
    assert {use.outcome for use in account.fields} == {"mapped", "ignored", "unmapped"}
