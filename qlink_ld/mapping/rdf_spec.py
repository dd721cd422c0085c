"""What a mapping says of RDF files, in its `rdf.toml`: how values that are said in several ways are brought to one."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from qlink_ld.errors import BrokenMapping
from qlink_ld.mapping.context import load_context
from qlink_ld.vocabularies import vocabulary_files

_MEMBERS = {"concepts", "contexts", "day_end", "local", "nodes", "parts", "personal", "personal_values", "texts"}
_NODE_MEMBERS = {"address", "class", "value", "whole"}


@dataclass(frozen=True, slots=True)
class WrapSpec:
    """A property whose value should be a node, and is often only what the node would say.

    Attributes:
        type: class of the node, an IRI.
        value: the node's property that takes the literal.
        whole: all literals of the property go into one node.
        address: IRIs that the file says nothing of are such values as well: addresses of web pages.
    """

    type: str
    value: str
    whole: bool = False
    address: bool = False


@dataclass(frozen=True, slots=True)
class RdfSpec:
    """See `mappings/README.md`, "For RDF sources".

    Attributes:
        contexts: JSON-LD contexts by the addresses under which they are published.
        concepts: vocabulary of each property whose values are its concepts.
        texts: properties whose values are texts in a language.
        nodes: properties whose values are nodes.
        parts: properties that lead to other learning opportunities: by references only, in the profile.
        personal: classes of nodes that say something of a person; nothing of that is read.
        personal_values: properties that lead to such nodes, whatever their class.
        local: how IRIs begin that are names inside one document only.
        day_end: properties for which a plain date is the end of that day.
    """

    contexts: Mapping[str, Any] = field(default_factory=dict)
    concepts: Mapping[str, str] = field(default_factory=dict)
    texts: frozenset[str] = frozenset()
    nodes: Mapping[str, WrapSpec] = field(default_factory=dict)
    parts: frozenset[str] = frozenset()
    personal: frozenset[str] = frozenset()
    personal_values: frozenset[str] = frozenset()
    local: tuple[str, ...] = ()
    day_end: frozenset[str] = frozenset()


@lru_cache(maxsize=16)
def read_rdf_spec(folder: Path) -> RdfSpec:
    """Read the `rdf.toml` of a mapping folder; without one, nothing is brought to one form.

    Raises:
        BrokenMapping: a member is unknown or of the wrong kind, a context cannot be read, there is no such vocabulary.
    """
    file = folder / "rdf.toml"
    if not file.is_file():
        return RdfSpec()
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BrokenMapping(f"{file}: {error}") from error
    _table(table, "the file", file, _MEMBERS)
    known = {vocabulary.stem for vocabulary in vocabulary_files()}
    concepts = _texts(table.get("concepts", {}), "[concepts]", file)
    if unknown := sorted(set(concepts.values()) - known):
        raise BrokenMapping(f"{file}: [concepts]: there is no vocabulary '{unknown[0]}'")
    loaded: dict[str, Any] = {}
    contexts = {}
    for address, name in _texts(table.get("contexts", {}), "[contexts]", file).items():
        if name not in loaded:
            loaded[name] = load_context(file.parent / name)
        contexts[address] = loaded[name]
    return RdfSpec(
        contexts=contexts,
        concepts=concepts,
        texts=_list(table, "texts", file),
        nodes={
            predicate: _wrap(entry, f"[nodes] {predicate}", file)
            for predicate, entry in _table(table.get("nodes", {}), "[nodes]", file).items()
        },
        parts=_list(table, "parts", file),
        personal=_list(table, "personal", file),
        personal_values=_list(table, "personal_values", file),
        local=tuple(sorted(_list(table, "local", file))),
        day_end=_list(table, "day_end", file),
    )


def _wrap(entry: object, what: str, file: Path) -> WrapSpec:
    entry = _table(entry, what, file, _NODE_MEMBERS)
    if missing := sorted({"class", "value"} - entry.keys()):
        raise BrokenMapping(f"{file}: {what} lacks '{missing[0]}'")
    return WrapSpec(
        str(entry["class"]), str(entry["value"]), bool(entry.get("whole", False)), bool(entry.get("address", False))
    )


def _table(value: object, what: str, file: Path, allowed: set[str] | None = None) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BrokenMapping(f"{file}: {what} must be a table")
    if allowed is not None and (unknown := sorted(value.keys() - allowed)):
        members = ", ".join(sorted(allowed))
        raise BrokenMapping(f"{file}: {what} has an unknown member '{unknown[0]}'; allowed: {members}")
    return value


def _texts(value: object, what: str, file: Path) -> dict[str, str]:
    table = _table(value, what, file)
    if wrong := sorted(key for key, text in table.items() if not isinstance(text, str)):
        raise BrokenMapping(f"{file}: {what} {wrong[0]} must be text, in quotes")
    return table


def _list(table: dict[str, Any], name: str, file: Path) -> frozenset[str]:
    found = table.get(name, [])
    if not isinstance(found, list) or not all(isinstance(entry, str) for entry in found):
        raise BrokenMapping(f"{file}: '{name}' must be a list of IRIs")
    return frozenset(found)
