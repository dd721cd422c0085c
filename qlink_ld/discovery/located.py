"""What stands where in a document? Values with the line and column of each, for messages that a person can follow.

The readers of JSON and YAML make them. The text of a scalar stays as it was written: `version: 6.0` is "6.0".
"""

from dataclasses import dataclass
from typing import Any

MAX_DEPTH = 50  # a manifest needs five
MAX_VALUES = 20_000  # with aliases written out; a thousand sources with all options have fewer


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A position in a document, both numbers from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Scalar:
    """Text, number, truth value or null."""

    place: Place
    value: str | int | float | bool | None
    text: str  # as written, without quotes


@dataclass(frozen=True, slots=True)
class Items:
    """An array or sequence."""

    place: Place
    values: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Table:
    """An object or mapping. Of a key that is repeated the last value counts."""

    place: Place
    members: dict[str, "Member"]


@dataclass(frozen=True, slots=True)
class Member:
    """A key's place and its value."""

    place: Place
    node: "Node"


Node = Scalar | Items | Table


@dataclass(frozen=True, slots=True)
class Slip:
    """Something odd in the syntax that did not keep the document from being read."""

    code: str
    message: str
    place: Place


@dataclass(frozen=True, slots=True)
class Document:
    """A document that was read."""

    root: Node
    syntax: str  # "JSON" or "YAML"
    slips: tuple[Slip, ...] = ()


class DocumentError(Exception):
    """The text is not of the syntax, or is too deep or too large. Becomes an `UnusableResponse` in `manifest`."""

    def __init__(self, message: str, place: Place | None = None) -> None:
        super().__init__(message)
        self.place = place


def make_table(place: Place, members: list[tuple[str, Member]], slips: list[Slip]) -> Table:
    """Make a table of its members in order, and note keys that are repeated."""
    table: dict[str, Member] = {}
    for key, member in members:
        if key in table:
            before = table[key].place.line
            message = f"`{key}` is repeated, after line {before}; only the last one counts. Remove one of them"
            slips.append(Slip("key-repeated", message, member.place))
        table[key] = member
    return Table(place, table)


def plain(node: Node) -> Any:  # noqa: ANN401 (JSON)
    """Return the value without places: text, numbers, lists, dicts."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Items):
        return [plain(value) for value in node.values]
    return {key: plain(member.node) for key, member in node.members.items()}
