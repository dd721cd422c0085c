"""One record that cannot be lifted never costs another: records with one value replaced by something nasty.

Records that say the same under different ids; in all but the first and the last, or in their children, a value anywhere
is replaced. Those two must come out byte for byte as without it, the others must be mapped or refused with their place,
and all leaves must be accounted for. Seeded, so that a failure comes again.
"""

import json
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import pytest

from qlink_ld.mapping import Account, Document, JsonMapper, load_mapping
from qlink_ld.model import Institution, Record, Refusal
from qlink_ld.namespaces import Iris
from qlink_ld.provider_json import read_json

CASES = Path(__file__).parents[1] / "mappings"
INSTITUTION = Institution(id="NL0028", name="University of Twente", schac="utwente.nl")
# Mapping → case whose first record serves, its resource, where records are in a page, identifier; of children: the
# resource, and the member that names their record, where they are a flat list.
FORMATS = {
    "ooapi-5": ("ooapi-5/inheritance", "courses", "items", "courseId", "course-offerings", None),
    "oeapi-6": ("oeapi-6/inheritance", "courses", "items", "courseId", "course-offerings", None),
    "edu-api-1": ("edu-api-1/sessions", "courseTemplates", "", "sourcedId", "courseOfferings", "course"),
    "occapi-1": ("occapi-1/course-and-its-list", "course", "data", "id", None, None),
    "occapi-2": ("occapi-2/activity-hours", "course", "data", "id", "course-instances", None),
}


# What JSON can say; `RAW` stands for what only bytes can.
NASTY: tuple[Any, ...] = (
    None, True, 0, -1, 4711, 1e308, 12345678901234567890, 0.1, "", " ", "\n\t\r", "\x00\x1b[31m\x7f\x85",
    "\ufffe\uffff", "a" * 300_000, "9" * 5000, "P" + "9" * 5000 + "W", "-" * 1000, "http://a b/<>{}|^`\\", "://",
    "http://[::1", "_:b0", "urn:qlink-ld:source:x", "<x>", '"@en . <u:s> <u:p> <u:o> .', "@id", "elm:Course",
    "2025-02-30", "NaN", "Infinity", [], {}, [[]], [{}], [None], {"": ""}, {"@id": "urn:x"},
    {"@value": "x", "@language": "en"}, {"value": {"value": {}}}, {"language": None, "value": "x"},
    {"language": ["en"], "value": "x"}, {"language": "x" * 5000, "value": "x"},
    {"a b": 1, "<>": 2, "\x00": 3, "é/#?": 4, "@graph": [], "..": 5, "x" * 5000: 6}, ["x", ["y", ["z", {"k": []}]]],
    {f"key{number}": number for number in range(1500)}, {"RAW": "[" * 500 + "1" + "]" * 500},
    {"RAW": '{"name":' * 200 + "1" + "}" * 200}, {"RAW": '"\\ud800 half a pair"'}, {"RAW": "NaN"}, {"RAW": "-Infinity"},
    {"RAW": "1e999"}, {"RAW": "9" * 400}, {"RAW": '{"name": 1, "name": {"x": 2}, "name": "three"}'},
    {"RAW": '"raw \x01\x0b control"'},
)  # fmt: skip


def find_places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The ways to all values inside a value, and to itself."""
    inner = (
        list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    )
    return [at, *(place for key, member in inner for place in find_places(member, (*at, key)))]


def put(value: Any, place: tuple[Any, ...], nasty: Any) -> Any:
    if not place:
        return nasty
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[place[0]] = put(copy[place[0]], place[1:], nasty)
    return copy


def write(page: Any) -> bytes:
    """Write JSON; {"RAW": text} becomes the text as it is."""
    if isinstance(page, dict) and set(page) == {"RAW"}:
        return str(page["RAW"]).encode("utf-8", "surrogatepass")
    if isinstance(page, dict):
        return b"{" + b",".join(json.dumps(k).encode() + b":" + write(v) for k, v in page.items()) + b"}"
    if isinstance(page, list):
        return b"[" + b",".join(map(write, page)) + b"]"
    return json.dumps(page).encode()


def count(value: Any) -> int:
    """Count leaves, whatever their depth."""
    found, pending = 0, [value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict | list):
            pending.extend(item.values() if isinstance(item, dict) else item)
        else:
            found += item is not None and item != ""
    return found


class Source:
    """Three records and what belongs to them, in the form of one format."""

    def __init__(self, mapping: str) -> None:
        case, self.main, self.at, self.identifier, self.children, self.parent = FORMATS[mapping]
        self.mapping = load_mapping(mapping)
        content = json.loads((CASES / case / "input.json").read_text(encoding="utf-8"))
        content.pop("settings", None)
        pages = {name: page if isinstance(page, list) else [page] for name, page in content.items()}
        pages = {name: [page] if name == self.children and self.parent else page for name, page in pages.items()}
        first = self.records(
            content[self.main][0] if isinstance(content[self.main], list) and self.at else content[self.main]
        )
        self.record = next(record for record in first if isinstance(record, dict) and self.identifier in record)
        listed = [r for page in pages.get(self.children or "", ()) for r in self.records(page)]
        self.child = next((r for r in listed if isinstance(r, dict)), None)
        used = {self.main, self.children}
        self.context = [(name, None, page) for name in pages if name not in used for page in pages[name]]

    def records(self, page: Any) -> list[Any]:
        if not self.at and isinstance(page, dict) and len(page) == 1:
            page = next(iter(page.values()))  # a list with its resource's name around
        found = page.get(self.at) if self.at and isinstance(page, dict) else page
        return found if isinstance(found, list) else [found]

    def build(self, middle: list[tuple[Any, Any]]) -> list[tuple[str, str | None, Any]]:
        """Pages with the records A and Z, and between them B0, B1, … with their children as given."""
        keys = ["A", *(f"B{number}" for number in range(len(middle))), "Z"]
        first, last = ({**self.record, self.identifier: key} for key in "AZ")
        page: Any = [first, *(record for record, _ in middle), last]
        pages: list[tuple[str, str | None, Any]] = [(self.main, None, {self.at: page} if self.at else page)]
        if self.children and self.child is not None:
            children = [self.child, *(child for _, child in middle), self.child]
            if self.parent:
                flat = [self.name_parent(child, key) for child, key in zip(children, keys, strict=True)]
                pages.append((self.children, None, flat))
            else:
                pages += [(self.children, key, {self.at: [c]}) for c, key in zip(children, keys, strict=True)]
        return [*pages, *self.context]

    def name_parent(self, child: Any, key: str) -> Any:
        return {**child, self.parent or "": key, "sourcedId": f"{key}1"} if isinstance(child, dict) else child

    def convert(self, pages: list[tuple[str, str | None, Any]]) -> tuple[list[Any], Account]:
        account = Account("hostile")
        documents = [
            Document(name, f"memory:{name}", lambda page=page: write(page), parent)  # type: ignore[misc]
            for name, parent, page in pages
        ]
        mapper = JsonMapper(self.mapping, INSTITUTION, Iris("https://example.org/"), account, date(2025, 10, 1))
        return [entry for batch in mapper.map_documents(documents) for entry in batch], account

    def count(self, pages: list[tuple[str, str | None, Any]]) -> int:
        """Leaves of all records, as the bytes are read."""
        total = 0
        for name, _, page in pages:
            read = read_json(write(page)).value
            at = self.at or None
            total += count(read.get(at) if at and isinstance(read, dict) and at in read else read) if name else 0
        return total


@pytest.mark.parametrize("mapping", FORMATS)
def test_nasty_values_anywhere_in_records_cost_no_other(mapping: str) -> None:
    source, dice = Source(mapping), Random(f"hostile {mapping}")
    plain, _ = source.convert(source.build([]))
    expected = {entry.key: entry.ntriples for entry in plain if isinstance(entry, Record)}
    assert set(expected) >= {"A", "Z"}
    values = dice.sample(NASTY, len(NASTY))
    for start in range(0, len(values), 16):
        middle, said = [], []
        for number, nasty in enumerate(values[start : start + 16]):
            record = {**source.record, source.identifier: f"B{number}"}
            of_child = source.child is not None and dice.random() < 0.4
            place = dice.choice(find_places(source.child if of_child else record))
            said.append(f"{'child' if of_child else 'record'} {place}: {str(nasty)[:60]!r}")
            middle.append(
                (record, put(source.child, place, nasty)) if of_child else (put(record, place, nasty), source.child)
            )
        pages = source.build(middle)
        found, account = source.convert(pages)
        kept = {entry.key: entry.ntriples for entry in found if isinstance(entry, Record)}
        assert (kept["A"], kept["Z"]) == (expected["A"], expected["Z"]), said
        for refusal in (entry for entry in found if isinstance(entry, Refusal)):
            assert refusal.position.startswith(f"memory:{source.main}"), said
            assert "is refused" in refusal.issue.message, said
        assert sum(use.count for use in account.fields) == source.count(pages), said


@pytest.mark.parametrize("mapping", ["edu-api-1", "ooapi-5"])
def test_a_child_that_is_nested_too_deeply_costs_neither_its_record_nor_the_others(mapping: str) -> None:
    source = Source(mapping)
    middle = {**source.record, source.identifier: "B0"}
    pages = source.build([(middle, {**(source.child or {}), "name": {"RAW": "[" * 500 + "1" + "]" * 500}})])
    found, account = source.convert(pages)
    assert [(entry.key, entry.instances) for entry in found] == [("A", 1), ("B0", 0), ("Z", 1)]
    (issue,) = [issue for issue in account.issues if issue.code == "instance-unreadable"]
    assert "nested deeper than" in issue.message
    assert issue.position


def test_ten_megabytes_in_one_value_cost_no_other() -> None:
    source = Source("ooapi-5")
    middle = {**source.record, source.identifier: "B0", "description": "x" * 10_000_000, "name": [[["x"]]]}
    found, _ = source.convert(source.build([(middle, source.child)]))
    assert {entry.key for entry in found if isinstance(entry, Record)} == {"A", "B0", "Z"}


def test_endless_keys_are_one_field() -> None:
    source = Source("ooapi-5")
    middle = {**source.record, source.identifier: "B0", **{f"key{number}": number for number in range(20_000)}}
    pages = source.build([(middle, source.child)])
    found, account = source.convert(pages)
    assert {entry.key for entry in found if isinstance(entry, Record)} == {"A", "B0", "Z"}
    assert len(account.fields) < 1100
    assert sum(use.count for use in account.fields) == source.count(pages)
