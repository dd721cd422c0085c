"""What the demo's tests share: the official OOAPI 5.0 schema as a judge, and the running sample universities."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, FormatChecker

from qlink_ld.demo.providers import DemoProviders, start_providers

FindErrors = Callable[[str, object], list[str]]  # schema name, item → what is wrong with it


def _to_json_schema(node: Any) -> Any:
    """Rewrite what OpenAPI 3.0 says differently from JSON Schema: `nullable`, and `format` names of its own."""
    if isinstance(node, list):
        return [_to_json_schema(part) for part in node]
    if not isinstance(node, dict):
        return node
    schema = {key: _to_json_schema(value) for key, value in node.items() if key != "nullable"}
    if node.get("nullable") is True:
        kept = dict(schema)
        schema = {"anyOf": [kept, {"type": "null"}]}
    return schema


@pytest.fixture(scope="session")
def find_ooapi_errors(shared: Path) -> FindErrors:
    """Judge items by the official OpenAPI document of OOAPI 5.0."""
    document = json.loads((shared / "reference" / "openapi" / "ooapi-v5.json").read_text(encoding="utf-8"))
    components = _to_json_schema(document["components"])
    validators: dict[str, Draft7Validator] = {}

    def find_errors(name: str, item: object) -> list[str]:
        if name not in validators:
            schema = {"allOf": [{"$ref": f"#/components/schemas/{name}"}], "components": components}
            validators[name] = Draft7Validator(schema, format_checker=FormatChecker())
        return [f"{error.json_path}: {error.message}" for error in validators[name].iter_errors(item)]

    return find_errors


@pytest.fixture(scope="session")
def providers() -> Iterator[DemoProviders]:
    """The three sample universities, running."""
    with start_providers() as running:
        yield running
