"""Servers that answer with random data, as their published OpenAPI file allows: seeded, so that a failure comes again.

Like a mock server that makes up every answer, nothing fits together but by chance: ids change from request to request,
counts of pages are any number, links lead nowhere. Unlike one, what is legal and unpleasant comes often: texts in every
script, ids with slashes, dates of the year 1, numbers below zero, records with nothing but what is required.
"""

import json
import math
import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

Schema = dict[str, Any]

TEXTS = (
    "Introduction to Chemistry",
    "",
    " ",
    "a/b?c=d&e#f%2F..",
    "Ελληνικά, العربية, 漢字, Ő",
    "🧪👩‍🔬",
    "<p>Bold &amp; <script>alert(1)</script></p>",
    'quotes " and \\ backslashes \\u0041 ^^<x> @en',
    "lines\r\n\u2028\u2029\u0085\v\f end",
    "controls \u0001\u001f\u007f\u009f\ufeff\u200f\ufffe\uffff",
    "<http://example.org/not an iri>",
    "null",
    "12.5",
    "5,0",
    "x-local-code",
    "0613",
    "61",
    "http://data.europa.eu/snb/isced-f/0613",
    "nl",
    "utwente.nl",
    "long " * 2000,
    ".",
    "..",
)
DATES = ("0001-01-01", "1582-10-04", "1900-02-28", "2024-02-29", "2026-09-01", "2027-01-31", "9999-12-31")
TIMES = ("00:00:00Z", "23:59:59.999999999Z", "12:00:00+14:00", "12:00:00-12:00", "08:30:00.5+01:00")
URIS = (
    "https://example.org/course?a=b&c=%20d#e",
    "http://[::1]:8080/",
    "urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66",
    "mailto:info@example.org",
    "x:",
    "http://user:secret@example.org/%E2%82%AC",
    "tag:example.org,2026:a'b(c)",
)
PATTERNS = {  # texts that match, for each pattern in the published files
    r"^[a-z]{2,4}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$": ("nl", "en-GB", "zz", "qaaa", "sr-Latn-RS", "es-419"),
    r"^[a-z]{3}$": ("nld", "dut", "eng", "zzz", "und", "mul"),
    r"^\d+(?:\.\d+)?$": ("0", "340.84", "00007.10", "9" * 40),
    r"^(-?)P(?=\d|T\d)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)([DW]))?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$": (
        "P1Y",
        "-P3M",
        "P10W",
        "P1Y2M3W",
        "PT1.5S",
        "P0D",
        "P99999999999999999999Y",
    ),
    r"^-?P(?:\d+Y)?(?:\d+M)?(?:\d+(?:D|W))?(?:T(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d+)?S)?)?$": ("P", "P1Y", "PT", "-P3M2W"),
    (
        r"^([a-z]{2,3})(-([A-Z]{2}|[0-9]{3}))?(-([a-z]{4}))?(-([a-z]{2}|[0-9]{3}))*(-[a-z0-9]{2,8})*"
        r"(-x(-[a-z0-9]{1,8})+)?$"
    ): ("nl", "eng", "zz", "de-CH-1996", "en-x-a", "zh-hant-tw", "qaa-419"),
    r"[1-9]/[1-9]": ("1/2", "from 9/1 on"),
    r"^\d{1,2}\/\d$": ("3/1", "99/0"),
    r"^[0-9]{2,4}$": ("06", "061", "0613", "9999", "61"),
    r"\d\/[1-9]": ("1/3", "year 0/9"),
    r"^[1-9]\/[1/9]$": ("1/1", "9//"),
}


class SchemaData:
    """Makes values that a schema of an OpenAPI file allows.

    Args:
        document: the OpenAPI file.
        random: where chance comes from.
        ids: from which ids are drawn now and then, so that some meet.
    """

    MAX_DEPTH = 7
    MAX_VALUES = 2_500  # of one answer; beyond, only what is required

    def __init__(self, document: Schema, random: Random, ids: tuple[str, ...]) -> None:
        self.document = document
        self.random = random
        self.ids = ids
        self.values = 0

    def make(self, schema: Schema, depth: int = 0, name: str = "") -> Any:
        self.values += 1
        flat = self.flatten(schema, depth)
        if "const" in flat:
            return flat["const"]
        if flat.get("enum"):
            return self.random.choice(flat["enum"])
        kinds = flat.get("type", "object" if "properties" in flat else None)
        kind = self.random.choice(kinds) if isinstance(kinds, list) else kinds
        match kind:
            case "object":
                return self.make_object(flat, depth)
            case "array":
                return self.make_array(flat, depth)
            case "string":
                return self.make_text(flat, name)
            case "integer" | "number" | "float":  # the last one is no type of JSON Schema, but OCCAPI 2 has it
                return self.make_number(flat, kind)
            case "boolean":
                return self.random.random() < 0.5
            case "null":
                return None
        return self.random.choice((None, True, -1.5, "any", [], {}, [{"deeper": [[]]}]))

    def flatten(self, schema: Schema, depth: int) -> Schema:
        """Resolve references, take all of `allOf` and one of `oneOf` and `anyOf`."""
        flat: Schema = {}
        pending = [schema]
        while pending:
            part = dict(pending.pop(0))
            if "$ref" in part:
                pending.append(self.resolve(part.pop("$ref")))
            pending += part.pop("allOf", [])
            for choice in ("oneOf", "anyOf"):
                if options := part.pop(choice, None):
                    pending.append(self.choose(options, depth))
            if isinstance(part.get("type"), list):
                part["type"] = ["null" if kind is None else kind for kind in part["type"]]
            for key, value in part.items():
                if key == "properties":
                    known = flat.setdefault(key, {})
                    for member, its in value.items():
                        known[member] = {"allOf": [known[member], its]} if member in known else its
                elif key == "required":
                    flat[key] = [*flat.get(key, []), *value]
                elif key == "type" and key in flat:
                    flat[key] = [k for k in _as_list(flat[key]) if k in _as_list(value)] or flat[key]
                else:
                    flat.setdefault(key, value)
        return flat

    def choose(self, options: list[Schema], depth: int) -> Schema:
        if depth < self.MAX_DEPTH - 2 and self.values < self.MAX_VALUES:
            return self.random.choice(options)
        plain = [option for option in options if self.flatten(option, depth).get("type") not in ("object", None)]
        return (plain or options)[0]

    def resolve(self, reference: str) -> Schema:
        found: Any = self.document
        for part in reference.removeprefix("#/").split("/"):
            found = found[part.replace("~1", "/").replace("~0", "~")]
        return dict(found)

    def make_object(self, flat: Schema, depth: int) -> Schema:
        required = set(flat.get("required", ()))
        share = self.random.choice((0, 0.1, 0.4, 0.8, 1)) * 0.85**depth
        if depth >= self.MAX_DEPTH or self.values > self.MAX_VALUES:
            share = 0
        made = {
            member: self.make(its, depth + 1, member)
            for member, its in flat.get("properties", {}).items()
            if member in required or self.random.random() < share
        }
        if flat.get("additionalProperties", True) is not False and self.random.random() < 0.2:
            made["x-own " + self.random.choice(TEXTS)[:9]] = self.random.choice((TEXTS, [[1]], {"": None}, 0.1))
        for member in required - made.keys():
            made[member] = self.random.choice(TEXTS)
        return made

    def make_array(self, flat: Schema, depth: int) -> list[Any]:
        least = flat.get("minItems", 0)
        small = depth >= self.MAX_DEPTH or self.values > self.MAX_VALUES
        count = least if small else self.random.choice((least, least + 1, least + 2, least + 5))
        return [self.make(flat.get("items", {}), depth + 1) for _ in range(min(count, flat.get("maxItems", count)))]

    def make_id(self) -> str:
        """Return one that also others may have, or a new one."""
        if self.random.random() < 0.4:
            return self.random.choice(self.ids)
        return str(uuid.UUID(int=self.random.getrandbits(128)))

    def make_text(self, flat: Schema, name: str) -> str:
        choose = self.random.choice
        match flat.get("format"):
            case "uuid":
                return self.make_id()
            case "date":
                return choose(DATES)
            case "date-time":
                return f"{choose(DATES)}T{choose(TIMES)}"
            case "uri" | "uri-reference":
                return choose(URIS)
            case "email":
                return choose(("a@example.org", '"odd name"@example.org'))
            case "hostname":
                return choose(("utwente.nl", "xn--bcher-kva.example", "a"))
        if "pattern" in flat:
            return choose(PATTERNS[flat["pattern"]])
        if known := flat.get("x-ooapi-extensible-enum"):
            return str(choose([*_as_list(known), "x-something", "X-", "unheard of"]))
        text = choose(self.ids) if name == "id" and self.random.random() < 0.4 else choose(TEXTS)
        least = flat.get("minLength", 0)
        return (text if len(text) >= least else text + "x" * int(least))[: flat.get("maxLength")]

    def make_number(self, flat: Schema, kind: str) -> float:
        low, high = flat.get("minimum", -math.inf), flat.get("maximum", math.inf)
        numbers: list[float] = [0, 1, -1, 5, 60, 240, 2**31 - 1, -(2**31), 250]
        if kind != "integer":
            numbers += [7.5, -0.0, 1e300, 5e-324, 0.1]
        return self.random.choice([number for number in numbers if low <= number <= high] or [float(low)])


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


class RandomServer:
    """Answers every GET of an OpenAPI file; the same request gets the same answer.

    Args:
        faults: the share of requests that are answered badly.

    Attributes:
        requests: how many were answered.
    """

    def __init__(self, server: HTTPServer, document: Schema, prefix: str, seed: int, faults: float = 0) -> None:
        self.document = document
        self.faults = faults
        self.seed = seed
        self.requests = 0
        self.url = server.url_for(prefix)
        random = Random(seed)
        self.ids = tuple(str(uuid.UUID(int=random.getrandbits(128))) for _ in range(30))
        self.lists = [
            (re.compile(prefix + re.sub(r"\{[^}]*\}", "[^/]*", path)), operations["get"])
            for path, operations in sorted(document["paths"].items(), key=lambda item: item[0].count("{"))
            if "get" in operations
        ]
        server.expect_request(re.compile(f"{prefix}.*")).respond_with_handler(self.answer)

    def find_schema(self, path: str) -> tuple[str, Schema] | None:
        for pattern, operation in self.lists:
            if pattern.fullmatch(path) and (content := operation["responses"].get("200", {}).get("content")):
                media_type, body = next(iter(content.items()))
                return media_type, body["schema"]
        return None

    def make(self, path: str, query: str) -> Any:
        """Return the JSON for a request, None if the file knows no such path."""
        found = self.find_schema(path)
        if found is None:
            return None
        return SchemaData(self.document, Random(f"{self.seed} {path} {query}"), self.ids).make(found[1])

    def answer(self, request: Request) -> Response:
        self.requests += 1
        path, _, query = str(request.environ["REQUEST_URI"]).partition("?")
        found = self.find_schema(path)
        if found is None:
            return Response("{}", 404, content_type="application/problem+json")
        body, media_type = json.dumps(self.make(path, query)), found[0]
        chance = Random(f"fault {self.seed} {path} {query}")
        if chance.random() >= self.faults:
            return Response(body, content_type=media_type)
        return chance.choice(
            (
                Response("<!doctype html><title>Fault</title>", 500, content_type="text/html"),
                Response("<!doctype html><title>Sign in</title>", content_type="text/html"),
                Response(body[: len(body) // 2], content_type=media_type),
                Response("", content_type=media_type),
                Response('{"status": 404}', 404, content_type="application/problem+json"),
                Response(json.dumps([body]), content_type=media_type),
                Response(body, content_type="text/html"),  # good but for what it says it is
            )
        )


@pytest.fixture(scope="session")
def _http() -> Iterator[HTTPServer]:
    with HTTPServer(threaded=True) as server:
        yield server


@pytest.fixture(scope="session")
def documents(shared: Path) -> Mapping[str, Schema]:
    """The published OpenAPI files, by name."""
    folder = shared / "reference" / "openapi"
    files = sorted((*folder.glob("*.json"), *folder.glob("*.yaml")))
    return {file.stem: yaml.load(file.read_bytes(), Loader=yaml.CSafeLoader) for file in files}


@pytest.fixture
def random_server(_http: HTTPServer, documents: Mapping[str, Schema]) -> Iterator[Callable[..., RandomServer]]:
    """Starts a server: `random_server("ooapi-v5", "/ooapi/v5", seed)`, with a share of faults if there are any."""

    def start(name: str, prefix: str, seed: int, faults: float = 0) -> RandomServer:
        return RandomServer(_http, documents[name], prefix, seed, faults)

    yield start
    _http.clear()
