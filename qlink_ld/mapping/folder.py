"""Mapping folders: `mapping.toml`, JSON-LD contexts and CONSTRUCT rules, read and checked. Source: DESIGN §4."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from qlink_ld.errors import BrokenMapping, UnknownMapping
from qlink_ld.mapping.construct import Rule, load_rules
from qlink_ld.mapping.context import load_context
from qlink_ld.mapping.values import READERS
from qlink_ld.model import DataSource
from qlink_ld.resources import find_resource_dir

_VERSION_IN_PATH = re.compile(r"/v(\d+)(?:p\d+)?(?:[./]|$)")  # where a source states no version, its address may


@dataclass(frozen=True, slots=True)
class NodeSpec:
    """A key whose values are nodes of their own."""

    classes: tuple[str, ...] = ()
    value: str | None = None  # the member under which a bare value goes
    whole: bool = False  # a list is one value
    join: str | None = None  # the parts of a list become one text
    members: tuple[str, ...] = ()  # the node gathers these sibling keys
    prefer: tuple[str, ...] = ()  # of several objects: a member, then the values that win, best first
    fragment: str | None = None  # instead of the key, in the node's IRI
    named_by: str | None = None  # the member that, instead of its place in the list, names a node in its IRI
    constants: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReferenceSpec:
    """A key that holds ids of other learning opportunities."""

    resource: str
    identifier: str
    scheme: str | None = None  # the name of the id's scheme, if not the member's own


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """Pages of another resource whose records belong to one record: offerings of a course, courses of a programme."""

    resource: str
    records: str
    identifier: str
    key: str
    classes: tuple[str, ...] = ()
    inherit: tuple[str, ...] = ()
    default: tuple[str, ...] = ()
    omit_equal: tuple[str, ...] = ()
    parent: str | None = None  # path in a child to its record's id, where pages do not say whose children they list
    skip: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)  # children with these values are not loaded


@dataclass(frozen=True, slots=True)
class JoinSpec:
    """A key whose id, or list of ids, stands for records of another resource."""

    key: str
    resource: str
    identifier: str
    take: tuple[str, ...]
    shared: bool = False  # one node for all who name it, for rules only; else its members go into the record
    into: str | None = None  # the key under which what was found goes, if not the same
    always: bool = False  # every record of the resource is there for the rules, whoever names it
    records: str | None = None  # where they are in a page, if no [[resource]] says so


@dataclass(frozen=True, slots=True)
class ResourceSpec:
    """One kind of page: where its records are and what they become."""

    name: str
    records: str
    identifier: str
    context: Any
    classes: tuple[str, ...]
    constants: Mapping[str, Any] = field(default_factory=dict)
    only: Mapping[str, Any] = field(default_factory=dict)
    without: tuple[str, ...] = ()  # records that have one of these members are left out
    institution: bool = False  # its records describe the institution itself
    children: ChildSpec | None = None
    parts: ChildSpec | None = None
    nodes: Mapping[str, NodeSpec | None] = field(default_factory=dict)
    missing: Mapping[str, Any] = field(default_factory=dict)  # what a record means that lacks these members
    keyed_by: str | None = None  # the records are an object, and this member takes the key of each
    skip: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)  # records with these values are not loaded
    language: str | None = None  # the member that holds the language of texts that carry none
    single: bool = False  # an object in place of the list of records is one record
    repeats: bool = False  # the same record comes on several pages, and the first one says all
    page_parent: str | None = None  # the member that takes whose list the page is


@dataclass(frozen=True, slots=True)
class MappingFolder:
    """Everything that a mapping folder says."""

    name: str
    title: str
    folder: Path
    source_type: str
    source_version: str | None
    resources: tuple[ResourceSpec, ...]
    joins: Mapping[str, JoinSpec]
    references: Mapping[str, ReferenceSpec]
    nodes: Mapping[str, NodeSpec]
    day_end: frozenset[str]
    language_tags: frozenset[str]  # keys whose codes are language tags: the primary subtag counts
    ignore: Mapping[str, str]
    ignore_resources: Mapping[str, str]
    rules: tuple[Rule, ...]
    common_rules: tuple[Rule, ...]
    drop: Mapping[str, str] = field(default_factory=dict)  # predicates of an RDF source that are left out, with reasons
    datatypes: Mapping[str, str] = field(default_factory=dict)  # of an RDF source's properties, by IRI
    elm_terms: tuple[str, ...] = ()


def find_mapping(source: DataSource) -> MappingFolder:
    """Return the mapping for a source: the one it names, else the bundled one for its type and version.

    Raises:
        UnknownMapping: there is none; the message lists what there is.
    """
    if source.mapping:
        return load_mapping(source.mapping)
    in_path = _VERSION_IN_PATH.search(source.path)
    major = (source.version or (in_path[1] if in_path else "")).split(".", 1)[0]
    for name, (kind, version, unstated) in _bundled_matches().items():
        if kind == source.type and (version in (None, major) or (unstated and not major)):
            return load_mapping(name)
    raise UnknownMapping(
        f"no mapping for sources of type '{source.type}', version {source.version or 'unknown'}; "
        f"bundled are: {', '.join(bundled_names())}. Set 'version', or 'mapping' to a folder"
    )


def bundled_names() -> list[str]:
    """Return the names of the bundled mapping folders."""
    return sorted(file.parent.name for file in find_resource_dir("mappings").glob("*/mapping.toml"))


@lru_cache(maxsize=1)
def _bundled_matches() -> dict[str, tuple[str, str | None, bool]]:
    """The source type and version of each bundled mapping, and whether it serves unstated versions; not the rest."""
    matches = {}
    for name in bundled_names():
        match = tomllib.loads((find_resource_dir("mappings") / name / "mapping.toml").read_text(encoding="utf-8"))[
            "match"
        ]
        matches[name] = (match["type"], match.get("version"), bool(match.get("unstated", False)))
    return matches


@lru_cache(maxsize=64)
def load_mapping(name: str) -> MappingFolder:
    """Read a mapping folder by its bundled name or its path.

    Raises:
        UnknownMapping: no such name or folder.
        BrokenMapping: a file in it is wrong; the message names file and member.
    """
    folder = find_resource_dir("mappings") / name if "/" not in name and not name.startswith(".") else Path(name)
    file = folder / "mapping.toml"
    if not file.is_file():
        raise UnknownMapping(f"unknown mapping '{name}': no file {file}; bundled are: {', '.join(bundled_names())}")
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BrokenMapping(f"{file}: {error}") from error
    return _Reader(file).read(table)


class _Reader:
    """Checks the members of one mapping.toml."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def read(self, table: dict[str, Any]) -> MappingFolder:
        self.check(
            table,
            "the file",
            {"name", "title", "match"},
            {
                "context",
                "common",
                "rules",
                "resource",
                "join",
                "references",
                "nodes",
                "dates",
                "codes",
                "ignore",
                "ignore_resources",
                "drop",
                "datatypes",
                "elm",
            },
        )
        match = table["match"]
        self.check(match, "match", {"type"}, {"version", "unstated"})
        texts = {"name": table["name"], "title": table["title"], **match}
        texts.pop("unstated", None)
        for name, value in texts.items():
            self.text(value, f"'{name}'")
        common = find_resource_dir("mappings") / "common" / "rules"
        return MappingFolder(
            name=table["name"],
            title=table["title"],
            folder=self.file.parent,
            source_type=match["type"],
            source_version=match.get("version"),
            resources=tuple(self.resource(entry, table) for entry in self.tables(table, "resource")),
            joins={join.key: join for join in map(self.join, self.tables(table, "join"))},
            references={key: self.reference(key, entry) for key, entry in self.table(table, "references").items()},
            nodes={key: self.node(key, entry) for key, entry in self.table(table, "nodes").items()},
            day_end=frozenset(self.table(table, "dates").get("day_end", [])),
            language_tags=frozenset(self.table(table, "codes").get("language_tags", [])),
            ignore=self.texts(table, "ignore"),
            ignore_resources=self.texts(table, "ignore_resources"),
            rules=load_rules(
                [
                    *sorted((self.file.parent / "rules").glob("*.rq")),
                    *(self.common_rule(common, name) for name in table.get("rules", [])),
                ]
            ),
            drop=self.texts(table, "drop"),
            datatypes=self.datatypes(self.texts(table, "datatypes")),
            elm_terms=tuple(self.table(table, "elm").get("terms", ())),
            common_rules=load_rules([self.common_rule(common, name) for name in table.get("common", [])]),
        )

    def check(self, table: object, what: str, required: set[str], optional: set[str]) -> None:
        """Every required member there, no unknown one."""
        if not isinstance(table, dict):
            raise BrokenMapping(f"{self.file}: {what} must be a table")
        if missing := sorted(required - table.keys()):
            raise BrokenMapping(f"{self.file}: {what} lacks '{missing[0]}'")
        if unknown := sorted(table.keys() - required - optional):
            allowed = ", ".join(sorted(required | optional))
            raise BrokenMapping(f"{self.file}: {what} has an unknown member '{unknown[0]}'; allowed: {allowed}")

    def text(self, value: object, what: str) -> str:
        if not isinstance(value, str):
            raise BrokenMapping(f"{self.file}: {what} must be text, in quotes")
        return value

    def table(self, table: dict[str, Any], name: str) -> dict[str, Any]:
        """Return an optional member that is a table."""
        found = table.get(name, {})
        if not isinstance(found, dict):
            raise BrokenMapping(f"{self.file}: '{name}' must be a table: write [{name}]")
        return found

    def texts(self, table: dict[str, Any], name: str) -> dict[str, str]:
        """Return an optional member that is a table of texts."""
        return {key: self.text(value, f"[{name}] {key}") for key, value in self.table(table, name).items()}

    def tables(self, table: dict[str, Any], name: str) -> list[dict[str, Any]]:
        """Return an optional member that is a list of tables."""
        found = table.get(name, [])
        if not isinstance(found, list):
            raise BrokenMapping(f"{self.file}: '{name}' must be a list of tables: write [[{name}]]")
        return found

    def resource(self, entry: dict[str, Any], table: dict[str, Any]) -> ResourceSpec:
        self.check(
            entry,
            "[[resource]]",
            {"name", "identifier", "class"},
            {"records", "context", "constants", "only", "institution", "children", "parts", "nodes", "missing"}
            | {"without", "keyed_by", "skip", "language", "single", "repeats", "page_parent"},
        )
        context = entry.get("context", table.get("context"))
        if not isinstance(context, str):
            raise BrokenMapping(f"{self.file}: [[resource]] {entry['name']} has no 'context' file")
        nodes = entry.get("nodes", {})
        return ResourceSpec(
            name=entry["name"],
            records=entry.get("records", ""),
            identifier=entry["identifier"],
            context=load_context(self.file.parent / context),
            classes=tuple(entry["class"]),
            constants=dict(entry.get("constants", {})),
            only=dict(entry.get("only", {})),
            without=tuple(entry.get("without", ())),
            institution=bool(entry.get("institution", False)),
            children=self.children(entry.get("children")),
            parts=self.children(entry.get("parts")),
            nodes={key: self.node(key, value) if value else None for key, value in nodes.items()},
            missing=dict(entry.get("missing", {})),
            keyed_by=entry.get("keyed_by"),
            skip=_values(entry.get("skip", {})),
            language=entry.get("language"),
            single=bool(entry.get("single", False)),
            repeats=bool(entry.get("repeats", False)),
            page_parent=entry.get("page_parent"),
        )

    def children(self, entry: dict[str, Any] | None) -> ChildSpec | None:
        if entry is None:
            return None
        self.check(
            entry,
            "[resource.children]",
            {"resource", "identifier", "key"},
            {"records", "class", "inherit", "default", "omit_equal", "parent", "skip"},
        )
        return ChildSpec(
            entry["resource"],
            entry.get("records", ""),
            entry["identifier"],
            entry["key"],
            tuple(entry.get("class", ())),
            tuple(entry.get("inherit", ())),
            tuple(entry.get("default", ())),
            tuple(entry.get("omit_equal", ())),
            entry.get("parent"),
            _values(entry.get("skip", {})),
        )

    def join(self, entry: dict[str, Any]) -> JoinSpec:
        self.check(
            entry, "[[join]]", {"key", "resource", "identifier", "take"}, {"shared", "into", "always", "records"}
        )
        return JoinSpec(
            entry["key"],
            entry["resource"],
            entry["identifier"],
            tuple(entry["take"]),
            bool(entry.get("shared", False)),
            entry.get("into"),
            bool(entry.get("always", False)),
            entry.get("records"),
        )

    def reference(self, key: str, entry: dict[str, Any]) -> ReferenceSpec:
        self.check(entry, f"[references] {key}", {"resource", "identifier"}, {"scheme"})
        return ReferenceSpec(entry["resource"], entry["identifier"], entry.get("scheme"))

    def node(self, key: str, entry: dict[str, Any]) -> NodeSpec:
        optional = {"class", "value", "whole", "join", "members", "prefer", "fragment", "constants", "named_by"}
        self.check(entry, f"[nodes] {key}", set(), optional)
        classes = entry.get("class", ())
        return NodeSpec(
            (classes,) if isinstance(classes, str) else tuple(classes),
            entry.get("value"),
            bool(entry.get("whole", False)),
            entry.get("join"),
            tuple(entry.get("members", ())),
            tuple(entry.get("prefer", ())),
            entry.get("fragment"),
            entry.get("named_by"),
            dict(entry.get("constants", {})),
        )

    def datatypes(self, table: dict[str, str]) -> dict[str, str]:
        for predicate, datatype in table.items():
            if datatype not in READERS:
                raise BrokenMapping(f"{self.file}: [datatypes] {predicate}: unknown datatype {datatype}")
        return dict(table)

    def common_rule(self, folder: Path, name: str) -> Path:
        file = folder / f"{name}.rq"
        if not file.is_file():
            raise BrokenMapping(f"{self.file}: there is no common rule '{name}' ({file})")
        return file


def _values(table: Mapping[str, Any]) -> dict[str, tuple[Any, ...]]:
    """Read `{recordStatus = ["deleted"]}`; a single value may stand without brackets."""
    return {key: tuple(value) if isinstance(value, list) else (value,) for key, value in table.items()}
