"""Documents that are a graph without being RDF: XML whose elements are nodes that refer to each other.

A mapping with `then` makes JSON-LD of such a document, and hands it to the mapping for RDF that `then` names: each
entry of its resources is a node, nested objects are nodes as well, and the context says what everything means. Which
mapping that is for a document, its root element says (`match.root`).
"""

import hashlib
import re
import tomllib
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import orjson

from qlink_ld.errors import BrokenMapping, UnreadableData
from qlink_ld.mapping.account import Account
from qlink_ld.mapping.body import read_body
from qlink_ld.mapping.context import Context, compile_context
from qlink_ld.mapping.paths import walk
from qlink_ld.mapping.reading import Located
from qlink_ld.mapping.specs import MappingFolder, ResourceSpec
from qlink_ld.mapping.xml_document import read_root_name
from qlink_ld.resources import find_resource_dir

_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")  # RFC 3986 §3.1: a scheme
_NOTHING: tuple[object, ...] = (None, "", [], {})


def find_rooted_name(body: bytes) -> str | None:
    """Return the name of the bundled mapping that is for documents with this root element, if there is one."""
    roots = _bundled_roots()
    return roots.get(read_root_name(body) or "") if roots else None


@lru_cache(maxsize=1)
def _bundled_roots() -> dict[str, str]:
    """Root element, as `{namespace}name` → the mapping that is for it."""
    roots = {}
    for file in sorted(find_resource_dir("mappings").glob("*/mapping.toml")):
        root = tomllib.loads(file.read_text(encoding="utf-8"))["match"].get("root")
        if root is not None:
            roots[root] = file.parent.name
    return roots


def write_json_ld(body: bytes, mapping: MappingFolder, account: Account, url: str) -> bytes:
    """Return a document as JSON-LD with its context inside.

    Args:
        body: as received.
        mapping: one with a `body`, resources and `then`.
        account: takes what the mapping ignores, and how the document had to be read.
        url: where it came from.

    Raises:
        UnreadableData: it is not what the mapping is for.
    """
    if mapping.body is None:
        raise BrokenMapping(f"{mapping.folder}: a mapping with 'then' needs [document]")
    read = read_body(body, mapping.body, url)
    for note in read.notes:
        position = f"{url} line {note.line}" if note.line else url
        for _ in range(note.count):
            account.report(note.code, note.message, value=note.value, position=position)
    if not isinstance(read.value, dict):
        raise UnreadableData(f"{url}: an empty document; check the address")
    known = {
        _name(str(found.value[resource.identifier]))
        for resource in mapping.resources
        for found in walk(read.value, resource.path)
        if isinstance(found.value, dict) and resource.identifier in found.value
    }
    nodes: list[Any] = []
    for resource in mapping.resources:
        nodes += _Writer(mapping, resource, account, known, url).write(read.value)
    _count_rest(read.value, mapping, account)
    contexts = [resource.context for resource in mapping.resources]
    return orjson.dumps({"@context": contexts[0] if contexts else {}, "@graph": nodes})


class _Writer:
    """Writes the entries of one resource as nodes; `known` are the names of all nodes in the document."""

    def __init__(
        self, mapping: MappingFolder, resource: ResourceSpec, account: Account, known: set[str], url: str
    ) -> None:
        self._mapping = mapping
        self._resource = resource
        self._account = account
        self._context = compile_context(resource.context)
        self._known = known
        self._url = url

    def write(self, document: dict[str, Any]) -> Iterator[dict[str, Any]]:
        for found in walk(document, self._resource.path):
            if not isinstance(found.value, dict):
                self._account.drop(self._resource.name, "*", found.value, "not an object")
                continue
            yield {
                **self._members(found.value, self._context, ""),
                "@type": list(self._resource.classes),
                **self._resource.constants,
            }

    def _members(self, value: dict[str, Any], context: Context, path: str) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for key, member in value.items():
            here = f"{path}{key}"
            if member in _NOTHING:
                continue
            if reason := self._reason(key, here):
                self._account.count(self._resource.name, here, "ignored", member, reason)
                continue
            if context.expand(key) == "@id":
                out[key] = _name(str(member))
                continue
            written = [
                self._value(item, key, context, here) for item in (member if isinstance(member, list) else [member])
            ]
            if kept := [item for item in written if item not in _NOTHING]:
                out[key] = kept
        return out

    def _value(self, item: Any, key: str, context: Context, path: str) -> Any:  # noqa: ANN401 (JSON)
        if not isinstance(item, dict):
            return item
        scope = context.scope(key)
        written = self._members(item, scope, f"{path}.")
        meanings = {scope.expand(name) for name in written}
        if meanings == {"@id"} and self._leads_nowhere(item, written, path):
            return None
        if "@language" in meanings and "@value" not in meanings:
            return None  # a language without a text
        if "@value" in meanings:  # a literal: one value, and its language
            return {name: part[0] if isinstance(part, list) else part for name, part in written.items()}
        spec = self._resource.nodes.get(key, self._mapping.nodes.get(key))
        if written and spec is not None and spec.classes:
            written = {**written, "@type": list(spec.classes), **spec.constants}
        return written

    def _leads_nowhere(self, item: dict[str, Any], written: dict[str, Any], path: str) -> bool:
        """Whether a reference names a node of this document which is not there; that is told."""
        (name,) = written.values()
        if not name.startswith("_:") or name in self._known:
            return False
        self._account.drop(self._resource.name, path, item, "the document has nothing of this name")
        line = f" line {item.line}" if isinstance(item, Located) and item.line else ""
        self._account.report(
            "reference-unknown",
            f"'{path}' refers to something that is not in the document; it is left out.",
            field=f"{self._resource.name}.{path}",
            value=next(iter(item.values())),
            position=f"{self._url}{line}",
        )
        return True

    def _reason(self, key: str, path: str) -> str:
        ignore = self._mapping.ignore
        last = ".".join(path.split(".")[-2:])
        return next((ignore[name] for name in (f"{self._resource.name}.{path}", path, last, key) if name in ignore), "")


def _name(identifier: str) -> str:
    """Return an absolute IRI as it is; any other identifier names a node of this document only: a blank node."""
    identifier = identifier.strip()
    if _ABSOLUTE.match(identifier):
        return identifier
    return f"_:b{hashlib.sha256(identifier.encode()).hexdigest()[:24]}"


def _count_rest(document: dict[str, Any], mapping: MappingFolder, account: Account) -> None:
    """Account for what is beside the entries of the resources."""
    known: dict[str, set[str]] = {}
    for resource in mapping.resources:
        known.setdefault(resource.path[0], set()).update(resource.path[1:2])
    for name, value in document.items():
        rest = value
        if name in known and isinstance(value, dict):
            rest = {inner: member for inner, member in value.items() if inner not in known[name]}
        elif name in known:
            continue
        reason = mapping.ignore.get(name, "")
        account.count("document", name, "ignored" if reason else "unmapped", rest, reason)
