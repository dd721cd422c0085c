"""What does a YAML text say, and in which line? YAML 1.2 with its core schema, without bombs.

The parser's events are read one by one, so nothing is made before it is known to be small: aliases are counted with all
that they stand for. Only `true` and `false` are truth values, and no date or sexagesimal number is read out of text.

Source: YAML 1.2.2, §10.3 Core Schema; Data Source Discovery requirement M-15.
"""

import re
from dataclasses import dataclass, field
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

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
    make_table,
)

MAX_ALIASES: Final = 200
_NULL = re.compile(r"(?:null|Null|NULL|~|)")
_TRUTH = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[-+]?[0-9]+")
_OTHER_BASE = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r"(?P<sign>[-+]?)\.(?P<name>inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_RESOLVED_TAGS = frozenset(f"tag:yaml.org,2002:{name}" for name in ("int", "float", "bool", "null"))


def read_yaml_document(text: str) -> Document:
    """Read a YAML text with one document.

    Raises:
        DocumentError: not YAML, several documents, or too deep or too large, aliases included; has the place.
    """
    builder = _Builder()
    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            builder.take(event)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise DocumentError(_explain(error), Place(mark.line + 1, mark.column + 1) if mark else None) from error
    except YAMLError as error:  # a character that YAML does not allow
        raise DocumentError(str(error).partition("\n")[0]) from error
    if builder.root is None:
        raise DocumentError("the document is empty", Place(1, 1))
    return Document(builder.root, "YAML", tuple(builder.slips))


def read_core_scalar(text: str) -> str | int | float | bool | None:
    """Return what a plain scalar means by the core schema. Source: YAML 1.2.2, §10.3.2."""
    if _NULL.fullmatch(text):
        return None
    if text in _TRUTH:
        return _TRUTH[text]
    if _OTHER_BASE.fullmatch(text):
        return int(text, 0)
    if _INTEGER.fullmatch(text) and len(text) < 1000:
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    if special := _SPECIAL.fullmatch(text):
        return float(f"{special['sign']}inf") if special["name"] else float("nan")
    return text


@dataclass(slots=True)
class _Open:
    """A collection whose end has not come yet."""

    place: Place
    is_table: bool
    anchor: str | None
    values: list[Node] = field(default_factory=list)
    members: list[tuple[str, Member]] = field(default_factory=list)
    key: tuple[str, Place] | None = None  # of a table: its value comes next
    size: int = 1  # values in it, itself included


class _Builder:
    """Makes a tree of the parser's events."""

    def __init__(self) -> None:
        self.root: Node | None = None
        self.slips: list[Slip] = []
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Node, int] | None] = {}  # with its size; None while it is open
        self._aliases = 0
        self._size = 0

    def take(self, event: Any) -> None:  # noqa: ANN401 (the library has no types)
        """Take the next event."""
        if isinstance(event, DocumentStartEvent):
            if self.root is not None:
                raise DocumentError("a second document starts here; a manifest is one", _place(event))
        elif isinstance(event, ScalarEvent):
            self._add(_make_scalar(event), 1, event.anchor, _place(event))
        elif isinstance(event, AliasEvent):
            self._take_alias(event)
        elif isinstance(event, SequenceStartEvent | MappingStartEvent):
            place = _place(event)
            if len(self._open) >= MAX_DEPTH:
                raise DocumentError("too deeply nested for a manifest", place)
            is_table = isinstance(event, MappingStartEvent)
            if event.anchor:
                self._anchors[event.anchor] = None
            self._open.append(_Open(place, is_table, event.anchor))
        elif isinstance(event, SequenceEndEvent | MappingEndEvent):
            done = self._open.pop()
            node: Node
            if done.is_table:
                node = make_table(done.place, done.members, self.slips)
            else:
                node = Items(done.place, tuple(done.values))
            self._add(node, done.size, done.anchor, done.place)

    def _take_alias(self, event: Any) -> None:  # noqa: ANN401 (the library has no types)
        place = _place(event)
        self._aliases += 1
        if self._aliases > MAX_ALIASES:
            raise DocumentError(f"more than {MAX_ALIASES} aliases (*name); write the values out", place)
        known = self._anchors.get(event.anchor)
        if known is None:
            reason = "stands inside what it names" if event.anchor in self._anchors else "names nothing before it"
            raise DocumentError(f"the alias *{event.anchor} {reason}", place)
        node, size = known
        self._add(node, size, None, place, new=size)

    def _add(self, node: Node, size: int, anchor: str | None, place: Place, *, new: int = 1) -> None:
        """Put a value where it belongs; `new` of its `size` values were not counted yet."""
        if anchor:
            self._anchors[anchor] = (node, size)
        self._size += new
        if self._size > MAX_VALUES:
            raise DocumentError("too large for a manifest, its aliases written out", place)
        if not self._open:
            self.root = node
            return
        parent = self._open[-1]
        parent.size += size
        if not parent.is_table:
            parent.values.append(node)
        elif parent.key is None:
            if not isinstance(node, Scalar):
                raise DocumentError("a key is text, not a list or another mapping", place)
            parent.key = (node.text, place)
        else:
            key, key_place = parent.key
            parent.members.append((key, Member(key_place, node)))
            parent.key = None


def _make_scalar(event: Any) -> Scalar:  # noqa: ANN401 (the library has no types)
    text = str(event.value)
    tag = None if event.tag is None else str(event.tag)
    plain_style = event.style is None and tag in (None, "?")
    value = read_core_scalar(text) if plain_style or tag in _RESOLVED_TAGS else text
    return Scalar(_place(event), value, text)


def _place(event: Any) -> Place:  # noqa: ANN401 (the library has no types)
    return Place(event.start_mark.line + 1, event.start_mark.column + 1)


def _explain(error: MarkedYAMLError) -> str:
    """Say in plain words what the parser found, with the usual cause where there is one."""
    problem = str(error.problem or error.context or "it cannot be read")
    if "\\t" in problem:
        return "a tab where YAML wants spaces; indent with spaces"
    if "mapping values are not allowed" in problem:
        return "a colon that YAML takes for a key; put the text in quotes, or correct the indentation"
    return problem
