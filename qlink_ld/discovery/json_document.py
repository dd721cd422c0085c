"""What does a JSON text say, and in which line? Strict JSON, read value by value so that each has its place."""

import bisect
import json
import re
from typing import Any, NoReturn

from qlink_ld.discovery.located import (
    MAX_DEPTH,
    MAX_VALUES,
    Document,
    DocumentError,
    Items,
    Member,
    Node,
    Place,
    Scalar,
    Slip,
    Table,
    make_table,
)

_BLANKS = re.compile(r"[ \t\r\n]*")


def read_json_document(text: str) -> Document:
    """Read a JSON text. Raw control characters in strings are forgiven.

    Raises:
        DocumentError: not JSON, or too deep or too large; has the place.
    """
    reader = _Reader(text)
    root, end = reader.read(reader.skip(0), 0)
    end = reader.skip(end)
    if end < len(text):
        reader.fail("there is something after the end of the document; remove it", end)
    return Document(root, "JSON", tuple(reader.slips))


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON value")


class _Reader:
    """Reads one text; strings, numbers and names are the standard library's to read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.slips: list[Slip] = []
        self._starts = [0, *(match.end() for match in re.finditer(r"\r\n|\r|\n", text))]
        self._scalars = json.JSONDecoder(strict=False, parse_constant=_refuse_constant, parse_int=_read_integer)
        self._count = 0

    def place(self, index: int) -> Place:
        line = bisect.bisect_right(self._starts, index)
        return Place(line, index - self._starts[line - 1] + 1)

    def fail(self, message: str, index: int) -> NoReturn:
        raise DocumentError(message, self.place(min(index, len(self.text))))

    def skip(self, index: int) -> int:
        match = _BLANKS.match(self.text, index)
        return match.end() if match else index

    def read(self, index: int, depth: int) -> tuple[Node, int]:
        """Read the value at `index`; return it and the index behind it."""
        self._count += 1
        if depth > MAX_DEPTH or self._count > MAX_VALUES:
            self.fail("too deeply nested or too large for a manifest", index)
        start = self.text[index : index + 1]
        if start == "{":
            return self._read_table(index, depth)
        if start == "[":
            return self._read_items(index, depth)
        value, end = self._read_scalar(index)
        if isinstance(value, str):
            return Scalar(self.place(index), value, value), end
        return Scalar(self.place(index), value, self.text[index:end]), end

    def _read_scalar(self, index: int) -> tuple[Any, int]:
        try:
            value, end = self._scalars.raw_decode(self.text, index)
        except json.JSONDecodeError as error:
            if error.msg == "Expecting value":
                self.fail(self._describe(index), index)
            self.fail(f"{error.msg[:1].lower()}{error.msg[1:]}", error.pos)
        except ValueError as error:
            self.fail(str(error), index)
        if isinstance(value, str):  # half surrogate pairs cannot be written as UTF-8
            value = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return value, end

    def _describe(self, index: int) -> str:
        found = self.text[index : index + 1]
        if not found:
            return "the document ends too early; is it whole?"
        if found in ("}", "]"):
            return "a value is missing here; is there a comma too many before it?"
        if found == "'":
            return 'JSON writes text in double quotes "…"'
        return f"a value is expected here, not {self.text[index : index + 20].split(chr(10))[0]!r}"

    def _read_items(self, index: int, depth: int) -> tuple[Node, int]:
        values: list[Node] = []
        position = self.skip(index + 1)
        if self.text[position : position + 1] == "]":
            return Items(self.place(index), ()), position + 1
        while True:
            value, position = self.read(position, depth + 1)
            values.append(value)
            position = self.skip(position)
            mark = self.text[position : position + 1]
            if mark == "]":
                return Items(self.place(index), tuple(values)), position + 1
            self._expect_comma(mark, position, "]")
            position = self.skip(position + 1)

    def _read_table(self, index: int, depth: int) -> tuple[Table, int]:
        members: list[tuple[str, Member]] = []
        position = self.skip(index + 1)
        if self.text[position : position + 1] == "}":
            return Table(self.place(index), {}), position + 1
        while True:
            if self.text[position : position + 1] != '"':
                found = self.text[position : position + 1]
                self.fail(
                    "there is a comma too many before this bracket"
                    if found == "}" and members
                    else 'a key in double quotes is expected here, as "type"',
                    position,
                )
            key, end = self._read_scalar(position)
            colon = self.skip(end)
            if self.text[colon : colon + 1] != ":":
                self.fail(f'a colon is missing after the key "{key}"', colon)
            value, after = self.read(self.skip(colon + 1), depth + 1)
            members.append((key, Member(self.place(position), value)))
            position = self.skip(after)
            mark = self.text[position : position + 1]
            if mark == "}":
                return make_table(self.place(index), members, self.slips), position + 1
            self._expect_comma(mark, position, "}")
            position = self.skip(position + 1)

    def _expect_comma(self, mark: str, position: int, bracket: str) -> None:
        if mark != ",":
            missing = f"the document ends, and {bracket} is missing" if not mark else "a comma is missing before this"
            self.fail(missing, position)


def _read_integer(text: str) -> int | float:
    return int(text) if len(text) < 1000 else float(text)  # the standard library refuses longer ones
