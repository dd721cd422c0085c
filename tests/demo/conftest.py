"""What the demo's tests share: the official OpenAPI documents as judges, and the running sample universities."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, FormatChecker

from qlink_ld.demo.providers import DemoProviders, start_providers

Json = dict[str, Any]
FindErrors = Callable[[str, object], list[str]]  # schema name, or path of the API; item, or answer → what is wrong
_PUBLISHED_ERRORS: Mapping[str, str] = {r"^[1-9]\/[1/9]$": r"^[1-9]\/[1-9]$"}  # OCCAPI 2: fails its own example


def _to_json_schema(node: Any) -> Any:
    """Rewrite what OpenAPI says differently from JSON Schema: `nullable`, unquoted null, `float`, patterns."""
    if isinstance(node, list):
        return [_to_json_schema(part) for part in node]
    if not isinstance(node, dict):
        return node
    schema = {key: _to_json_schema(value) for key, value in node.items() if key != "nullable"}
    kind = schema.get("type")
    if kind == "float":
        schema["type"] = "number"
    elif isinstance(kind, list):
        schema["type"] = ["null" if part is None else part for part in kind]
    if isinstance(pattern := schema.get("pattern"), str):
        schema["pattern"] = _PUBLISHED_ERRORS.get(pattern, pattern)
    if node.get("nullable") is True:
        schema = {"anyOf": [dict(schema), {"type": "null"}]}
    return schema


class Judge:
    """Judges by one OpenAPI document."""

    def __init__(self, document: Json) -> None:
        self.components = _to_json_schema(document["components"])
        self.paths: Json = document["paths"]
        self._validators: dict[str, Draft7Validator] = {}

    def find_errors(self, name: str, item: object) -> list[str]:
        """Judge an item by a schema's name, or an answer by the path that it was asked for."""
        if name not in self._validators:
            schema = {"$ref": f"#/components/schemas/{name}"} if name[:1].isalpha() else self._answer_of(name)
            whole = {"allOf": [schema], "components": self.components}
            self._validators[name] = Draft7Validator(whole, format_checker=FormatChecker())
        return [f"{error.json_path}: {error.message}" for error in self._validators[name].iter_errors(item)]

    def _answer_of(self, path: str) -> Any:
        """Return the schema of the good answer to a path, which may have values in place of its parameters."""
        path = path or "/"
        templates = sorted(self.paths, key=lambda template: template.count("{"))
        fits = (t for t in templates if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", t), path))
        content = self.paths[next(fits)]["get"]["responses"]["200"]["content"]
        return _to_json_schema(next(iter(content.values()))["schema"])


def _read_openapi(shared: Path, name: str) -> Json:
    text = (shared / "reference" / "openapi" / name).read_text(encoding="utf-8")
    if name.endswith(".json"):
        document: Json = json.loads(text)
        return document
    yaml = pytest.importorskip("yaml", reason="the official OpenAPI file is YAML; pip install pyyaml")
    read: Json = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return read


@pytest.fixture(scope="session")
def find_ooapi_errors(shared: Path) -> FindErrors:
    """Judge by the official OpenAPI document of OOAPI 5.0."""
    return Judge(_read_openapi(shared, "ooapi-v5.json")).find_errors


@pytest.fixture(scope="session")
def find_oeapi_errors(shared: Path) -> FindErrors:
    """Judge by the official OpenAPI document of OEAPI 6.0."""
    return Judge(_read_openapi(shared, "oeapi-v6.yaml")).find_errors


@pytest.fixture(scope="session")
def find_occapi_errors(shared: Path) -> Callable[[int], FindErrors]:
    """Judge by the official OpenAPI document of a version of OCCAPI."""
    return lambda version: Judge(_read_openapi(shared, f"occapi-v{version}.yaml")).find_errors


@pytest.fixture(scope="session")
def providers() -> Iterator[DemoProviders]:
    """All sample universities, running."""
    with start_providers() as running:
        yield running
