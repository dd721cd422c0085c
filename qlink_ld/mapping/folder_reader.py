"""Reads and checks one `mapping.toml`: every member known, every value of its kind. Source: DESIGN §4."""

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from qlink_ld.errors import BrokenMapping
from qlink_ld.mapping.body import BESPOKE_TYPES, BodySpec
from qlink_ld.mapping.context import load_context
from qlink_ld.mapping.form_reader import FormReader
from qlink_ld.mapping.paths import OuterPath, find_outer, split_path
from qlink_ld.mapping.paths import Path as MemberPath
from qlink_ld.mapping.rules import load_rules
from qlink_ld.mapping.specs import ChildSpec, JoinSpec, MappingFolder, NodeSpec, ReferenceSpec, ResourceSpec
from qlink_ld.mapping.table_document import TableOptions
from qlink_ld.mapping.values import READERS
from qlink_ld.mapping.xml_document import XmlOptions
from qlink_ld.resources import find_resource_dir

DATA = "data"  # what harvesters call the page that is a whole file
NUMBER = "@number"  # stands for the identifier of children that have none: no member of a source


class FolderReader:
    """Checks the members of one mapping.toml."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.page: str | None = None  # the page that resources are in which name none

    def read(self, table: dict[str, Any]) -> MappingFolder:
        """Return what the file says."""
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
                "document",
                "then",
                "numbers",
                "booleans",
                "values",
            },
        )
        match = table["match"]
        self.check(match, "match", {"type"}, {"version", "unstated", "root"})
        texts = {"name": table["name"], "title": table["title"], **match}
        texts.pop("unstated", None)
        for name, value in texts.items():
            self.text(value, f"'{name}'")
        codes = self.table(table, "codes")
        self.check(codes, "[codes]", set(), {"language_tags", "ignore_case"})
        forms = FormReader(self)
        common = find_resource_dir("mappings") / "common" / "rules"
        self.page = DATA if "document" in table or match["type"] in BESPOKE_TYPES else None
        return MappingFolder(
            name=table["name"],
            title=table["title"],
            folder=self.file.parent,
            source_type=match["type"],
            source_version=match.get("version"),
            then=self.text(table["then"], "'then'") if "then" in table else None,
            resources=tuple(self.resource(entry, table) for entry in self.tables(table, "resource")),
            joins={join.key: join for join in map(self.join, self.tables(table, "join"))},
            references={key: self.reference(key, entry) for key, entry in self.table(table, "references").items()},
            nodes={key: self.node(key, entry) for key, entry in self.table(table, "nodes").items()},
            day_end=frozenset(self.table(table, "dates").get("day_end", [])),
            language_tags=frozenset(codes.get("language_tags", [])),
            fold_case=None if codes.get("ignore_case") is True else frozenset(codes.get("ignore_case") or ()),
            forms=forms.forms(table),
            values=forms.values(table),
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
            body=self.body(self.table(table, "document"), match["type"]) if self.page else None,
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
        """Return a value that must be text."""
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
        """Read a `[[resource]]`."""
        self.check(
            entry,
            "[[resource]]",
            {"name", "identifier", "class"},
            {"records", "context", "constants", "only", "institution", "children", "parts", "nodes", "missing"}
            | {"without", "keyed_by", "skip", "language", "single", "repeats", "page_parent"}
            | ({"page", "outer", "collect"} if self.page else set()),
        )
        context = entry.get("context", table.get("context"))
        if not isinstance(context, str):
            raise BrokenMapping(f"{self.file}: [[resource]] {entry['name']} has no 'context' file")
        nodes = entry.get("nodes", {})
        identifier, parts = self.identifier(entry["identifier"])
        path = self.path(entry.get("records", ""), "'records'")
        repeats = entry.get("repeats", False)
        if repeats not in (True, False, "merge"):
            raise BrokenMapping(f"{self.file}: 'repeats' is true or \"merge\", not {repeats!r}")
        if "collect" in entry and repeats != "merge":
            raise BrokenMapping(f"{self.file}: 'collect' needs repeats = \"merge\"")
        return ResourceSpec(
            name=entry["name"],
            records=".".join(path),
            identifier=identifier,
            context=load_context(self.file.parent / context),
            context_file=self.file.parent / context,
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
            repeats=bool(repeats),
            page_parent=entry.get("page_parent"),
            page=entry.get("page", self.page),
            path=path,
            outer=self.outer(entry, path),
            merge=repeats == "merge",
            collect=tuple(entry.get("collect", ())),
            identifier_parts=parts,
        )

    def children(self, entry: dict[str, Any] | None) -> ChildSpec | None:
        """Read `[resource.children]` or `[resource.parts]`."""
        if entry is None:
            return None
        inside = "within" in entry or "members" in entry
        self.check(
            entry,
            "[resource.children]",
            {"key"} if inside else {"resource", "identifier", "key"},
            {"resource", "records", "identifier", "class", "inherit", "default", "omit_equal", "parent", "skip"}
            | ({"page", "within", "members", "copies", "keyed_by", "match", "outer"} if self.page else set()),
        )
        identifier, parts = self.identifier(entry["identifier"]) if "identifier" in entry else (NUMBER, ())
        way = self.path(entry["within"], "'within'") if "within" in entry else None
        records = self.path(entry.get("records", ""), "'records'")
        return ChildSpec(
            resource=entry.get("resource", entry["key"]),
            records=".".join(records),
            identifier=identifier,
            key=entry["key"],
            classes=tuple(entry.get("class", ())),
            inherit=tuple(entry.get("inherit", ())),
            default=tuple(entry.get("default", ())),
            omit_equal=tuple(entry.get("omit_equal", ())),
            parent=entry.get("parent"),
            skip=_values(entry.get("skip", {})),
            page=None if inside else entry.get("page", self.page),
            within=way,
            members=tuple(entry.get("members", ())),
            copies=tuple(entry.get("copies", ())),
            keyed_by=entry.get("keyed_by"),
            match=self.texts(entry, "match"),
            outer=self.outer(entry, records if way is None else way),
            identifier_parts=parts,
            numbered=identifier == NUMBER,
        )

    def join(self, entry: dict[str, Any]) -> JoinSpec:
        """Read a `[[join]]`."""
        optional = {"shared", "into", "always", "records"} | ({"page"} if self.page else set())
        self.check(entry, "[[join]]", {"key", "resource", "identifier", "take"}, optional)
        return JoinSpec(
            entry["key"],
            entry["resource"],
            entry["identifier"],
            tuple(entry["take"]),
            bool(entry.get("shared", False)),
            entry.get("into"),
            bool(entry.get("always", False)),
            entry.get("records"),
            entry.get("page", self.page),
        )

    def reference(self, key: str, entry: dict[str, Any]) -> ReferenceSpec:
        """Read an entry of `[references]`."""
        self.check(entry, f"[references] {key}", {"resource", "identifier"}, {"scheme"})
        return ReferenceSpec(entry["resource"], entry["identifier"], entry.get("scheme"))

    def node(self, key: str, entry: dict[str, Any]) -> NodeSpec:
        """Read an entry of `[nodes]`."""
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

    def body(self, entry: dict[str, Any], source_type: str) -> BodySpec:
        """Read `[document]`: what the bytes of a page are, and the options of their reader."""
        kind = entry.get("type", source_type)
        if kind not in BESPOKE_TYPES:
            raise BrokenMapping(f"{self.file}: [document] type is '{kind}'; allowed: {', '.join(BESPOKE_TYPES)}")
        kinds: dict[str, type[XmlOptions | TableOptions]] = {"xml": XmlOptions, "csv": TableOptions}
        names = {option.name for option in fields(kinds[kind])} if kind in kinds else {"encoding"}
        self.check(entry, "[document]", set(), {"type", "number_ids", *names})
        spec = BodySpec(kind, bool(entry.get("number_ids", False)))
        given = {name: entry[name] for name in names & entry.keys()}
        try:
            if kind == "xml":
                return replace(spec, xml=XmlOptions(**given))
            return replace(spec, table=TableOptions(**given)) if kind == "csv" else replace(spec, **given)
        except (TypeError, ValueError) as error:
            raise BrokenMapping(f"{self.file}: [document]: {error}") from error

    def path(self, value: object, what: str) -> MemberPath:
        """Read a path: names with dots between them, or a list of names."""
        if not isinstance(value, str) and not (isinstance(value, list) and all(isinstance(v, str) for v in value)):
            raise BrokenMapping(f'{self.file}: {what} must be a path, as "data.courses" or a list of names')
        return split_path(value)

    def outer(self, entry: dict[str, Any], records: MemberPath) -> dict[str, OuterPath]:
        """Read `outer`: members that a record takes from what surrounds it."""
        table = self.table(entry, "outer")
        return {name: find_outer(records, self.path(way, f"outer.{name}")) for name, way in table.items()}

    def identifier(self, value: object) -> tuple[str, tuple[MemberPath, ...]]:
        """Read `identifier`: a member; for documents also a path, or a list of these, which make one together."""
        if isinstance(value, list) and self.page and value:
            parts = tuple(self.path(part, "'identifier'") for part in value)
            return "-".join(".".join(part) for part in parts), parts
        name = self.text(value, "'identifier'")
        return (name, (split_path(name),)) if self.page and "." in name else (name, ())

    def datatypes(self, table: dict[str, str]) -> dict[str, str]:
        """Read `[datatypes]`: only those that can be read."""
        for predicate, datatype in table.items():
            if datatype not in READERS:
                raise BrokenMapping(f"{self.file}: [datatypes] {predicate}: unknown datatype {datatype}")
        return dict(table)

    def common_rule(self, folder: Path, name: str) -> Path:
        """Return the file of a common rule."""
        file = folder / f"{name}.rq"
        if not file.is_file():
            raise BrokenMapping(f"{self.file}: there is no common rule '{name}' ({file})")
        return file


def _values(table: Mapping[str, Any]) -> dict[str, tuple[Any, ...]]:
    """Read `{recordStatus = ["deleted"]}`; a single value may stand without brackets."""
    return {key: tuple(value) if isinstance(value, list) else (value,) for key, value in table.items()}
