"""What the readers of documents hand over: a JSON value whose objects know their line, and what had to be forgiven."""

import codecs
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import chardet

_BOMS = (  # the longer ones first: UTF-32 little-endian starts like UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What European universities' systems write where it is not UTF-8.
_EUROPEAN = (
    *(f"windows-{page}" for page in (1250, 1251, 1252, 1253, 1254, 1257)),
    *(f"iso-8859-{part}" for part in (2, 5, 7, 9, 13, 15)),
    "utf-16-le",
    "utf-16-be",
)
_SURE = 0.02  # below it, a few letters speak for several encodings, of which windows-1252 is by far the commonest
_FALLBACK = "windows-1252"
_SAMPLE_BYTES = 262_144


class Located(dict[str, Any]):
    """A JSON object that knows the line of the document, counted from 1, where it starts (0: not known)."""

    __slots__ = ("line",)

    def __init__(self, members: Mapping[str, Any] | None = None, line: int = 0) -> None:
        super().__init__(members or {})
        self.line = line


@dataclass(frozen=True, slots=True)
class Note:
    """Something in a document that was read otherwise than it stands there, or not at all.

    Attributes:
        code: an issue code, as `row-too-long`.
        message: what is wrong and what to do, the same for every occurrence.
        line: of the first occurrence, counted from 1; None where it is the whole document.
        value: an example.
        count: how often.
    """

    code: str
    message: str
    line: int | None = None
    value: str | None = None
    count: int = 1


@dataclass(frozen=True, slots=True)
class ReadDocument:
    """A document as a JSON value (objects are `Located`), and what a data steward should know of it."""

    value: Any
    notes: tuple[Note, ...] = ()


class Notes:
    """Gathers notes: the first of each code keeps its line and example, the others are counted."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], Note] = {}

    def add(self, code: str, message: str, line: int | None = None, value: str | None = None) -> None:
        """Note one occurrence."""
        known = self._found.get((code, message))
        self._found[code, message] = (
            Note(code, message, line, value)
            if known is None
            else Note(code, message, known.line, known.value, known.count + 1)
        )

    def all(self) -> tuple[Note, ...]:
        """Return what was noted, in the order of first occurrence."""
        return tuple(self._found.values())


def decode_text(body: bytes, encoding: str | None, notes: Notes) -> str:
    """Decode a text document.

    Args:
        body: as received.
        encoding: the one that the mapping declares; None: a byte order mark decides, then strict UTF-8, then what the
            bytes look like, which is noted.
        notes: takes what was guessed.

    Raises:
        ValueError: an unknown encoding, or bytes that are not in the declared one.
    """
    if encoding is not None:
        try:
            return body.decode(encoding).removeprefix("\ufeff")
        except LookupError:
            raise ValueError(f"'{encoding}' is not the name of an encoding; write 'utf-8' or 'windows-1252'") from None
        except UnicodeDecodeError as error:
            line = body.count(b"\n", 0, error.start) + 1
            raise ValueError(f"line {line} is not in the encoding '{encoding}' that the mapping declares") from None
    for bom, name in _BOMS:
        if body.startswith(bom):
            return body.decode(name, "replace")
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
    guessed = guess_encoding(body)
    notes.add(
        "encoding-guessed",
        f"The document is not in UTF-8; it is read as {guessed}. Declare its 'encoding' in the mapping, or send UTF-8.",
        line,
    )
    return body.decode(guessed, "replace")


def guess_encoding(body: bytes) -> str:
    """Guess the encoding of a text that is not in UTF-8: by its letters, windows-1252 if nothing else is likely."""
    found = chardet.detect(body[:_SAMPLE_BYTES], include_encodings=_EUROPEAN)
    return found["encoding"] or _FALLBACK if found["confidence"] >= _SURE else _FALLBACK
