"""What does one entry of a manifest's `sources` say? A data source, or in plain words why it cannot be used.

Source: QualityLink Data Source Discovery, requirements M-03 to M-17.
"""

import hashlib
import math
import re
from collections.abc import Mapping
from typing import Final

from qlink_ld.discovery.auth_entry import is_http, produced_headers, read_auth
from qlink_ld.discovery.findings import Findings, describe, suggest
from qlink_ld.discovery.located import Member, Node, Scalar, Table
from qlink_ld.http import usable_headers
from qlink_ld.model import Auth, DataSource

SOURCE_TYPES: Final = ("elm", "ooapi", "edu-api", "occapi")  # M-05; bespoke formats are configured, not discovered
SOURCE_KEYS: Final = ("type", "path", "version", "id", "name", "auth", "refresh", "headers", "queryParameters")  # M-06
TYPE_KEYS: Final[Mapping[str, tuple[str, ...]]] = {  # M-13
    "elm": ("contentType",),
    "ooapi": ("pageSize",),
    "edu-api": ("pageSize",),
    "occapi": (),
}
DEFAULT_REFRESH_H: Final = 24.0  # M-08
OOAPI_PAGE_SIZES: Final = (10, 20, 50, 100, 250)  # M-13
OOAPI_PAGE_SIZE: Final = 250
_VERSIONED = ("elm", "ooapi", "edu-api")  # M-13
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")  # also the name of a folder


class SourceReader:
    """Reads the entries of one manifest, and notes what is wrong with them.

    Args:
        findings: where problems are noted.
    """

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._ids: dict[str, int] = {}  # with the line
        self._known: dict[tuple[str, str], int] = {}

    def read(self, node: Node, number: int) -> DataSource | None:
        """Return the source that an entry describes; None if it cannot be used."""
        key = f"sources[{number}]"
        if not isinstance(node, Table):
            message = f"a source is an object, not {describe(node)}; it is left out. Write it in braces"
            self._refuse("source-invalid", message, node, key)
            return None
        kind, path = self._type(node, key), self._path(node, key)
        auth = read_auth(node.members.get("auth"), f"{key}.auth", self._findings)
        self._note_unknown(node, kind, key)
        version = self._version(node, kind, key) if kind else None
        if kind is None or path is None or auth is None:
            return None
        identifier = self._identifier(node, kind, path, key)
        if identifier is None:
            return None
        refresh_h = self._refresh(node, key)
        return DataSource(
            id=identifier,
            type=kind,
            path=path,
            version=version,
            name=self._text(node, "name", key),
            content_type=self._text(node, "contentType", key) if kind == "elm" else None,
            page_size=self._page_size(node, kind, key),
            refresh_h=DEFAULT_REFRESH_H if refresh_h is None else refresh_h,
            refresh_stated=refresh_h is not None,
            headers=self._headers(node, auth, key),
            query_parameters=self._texts(node, "queryParameters", key),
            auth=auth,
        )

    def _refuse(self, code: str, message: str, at: Node | Member, key: str, value: str | None = None) -> None:
        self._findings.add(code, message, at.place, key, severity="violation", value=value)

    def _type(self, table: Table, key: str) -> str | None:
        member, names = table.members.get("type"), ", ".join(SOURCE_TYPES)
        kind = member.node.value if member and isinstance(member.node, Scalar) else None
        if member is None or not isinstance(kind, str) or not kind:
            message = f"`type` is missing or not text; the source is left out. State one of {names}"
            self._refuse("source-invalid", message, member or table, f"{key}.type")
            return None
        if kind not in SOURCE_TYPES:
            message = f"{kind!r} is not one of {names}; the source is left out.{suggest(kind, SOURCE_TYPES)}"
            self._refuse("source-type-unknown", message, member, f"{key}.type", kind)
            return None
        return kind

    def _path(self, table: Table, key: str) -> str | None:
        member = table.members.get("path")
        path = member.node.value if member and isinstance(member.node, Scalar) else None
        if member is None or not isinstance(path, str) or not path.strip():
            message = "`path` is missing or not text; the source is left out. State the address"
            self._refuse("source-invalid", message, member or table, f"{key}.path")
            return None
        path = path.strip()
        if not is_http(path):
            message = "must be a whole address that starts with http:// or https://; the source is left out"
            self._refuse("source-invalid", message, member, f"{key}.path", path)
            return None
        return path

    def _note_unknown(self, table: Table, kind: str | None, key: str) -> None:
        own = TYPE_KEYS.get(kind, ("contentType", "pageSize")) if kind else ("contentType", "pageSize")
        known = (*SOURCE_KEYS, *own)
        others = {name for keys in TYPE_KEYS.values() for name in keys} - set(own)
        for name, member in table.members.items():
            if name in known:
                continue
            if name in others:
                code, message = "key-unused", f"has no meaning for a source of type {kind}; it is ignored"
            elif name == "<<":
                code, message = "key-unknown", "YAML 1.2 has no merge keys; write the values out"
            else:
                code, message = "key-unknown", f"not a key of a source; it is ignored.{suggest(name, known)}"
            self._findings.add(code, message, member.place, f"{key}.{name}", severity="info")

    def _version(self, table: Table, kind: str, key: str) -> str | None:
        """Return the version as it is written: 6.0 and "6.0" are the same (M-15)."""
        member = table.members.get("version")
        node = member.node if member else None
        if isinstance(node, Scalar) and not isinstance(node.value, bool | None) and node.text.strip():
            return node.text.strip()
        if member and not (isinstance(node, Scalar) and (node.value is None or not node.text.strip())):
            message = f'text like "5" is needed, not {describe(member.node)}; it is ignored'
            self._findings.add("version-invalid", message, member.place, f"{key}.version")
        elif kind in _VERSIONED:
            message = f"a source of type {kind} must state its `version`, or it may be misread. Add it"
            self._findings.add("version-missing", message, table.place, f"{key}.version")
        return None

    def _identifier(self, table: Table, kind: str, path: str, key: str) -> str | None:
        """Return an id that stays the same when sources are reordered: the stated one, else of type and path (M-17)."""
        member = table.members.get("id")
        stated = (
            member.node.text if member and isinstance(member.node, Scalar) and member.node.value is not None else None
        )
        if (kind, path) in self._known and not stated:
            message = (
                f"repeats the source of line {self._known[kind, path]}; it is left out. Remove it, or give it an `id`"
            )
            self._refuse("source-repeated", message, table, key, path)
            return None
        self._known.setdefault((kind, path), table.place.line)
        derived = f"{kind}-{hashlib.sha256(path.encode('utf-8', 'replace')).hexdigest()[:8]}"
        if stated is None or not _ID.fullmatch(stated):
            if member is not None and not (isinstance(member.node, Scalar) and member.node.value is None):
                message = f"an id has letters, digits, . _ - and up to 80 of them; {derived} is used. Correct it"
                self._findings.add("id-invalid", message, member.place, f"{key}.id", value=stated)
            stated = derived
        if stated in self._ids:
            message = (
                f"the source of line {self._ids[stated]} has this id, too; this one is left out. Choose another id"
            )
            self._refuse("id-repeated", message, member or table, f"{key}.id", stated)
            return None
        self._ids[stated] = table.place.line
        return stated

    def _ignore(self, message: str, member: Member, key: str, value: str | None = None) -> None:
        self._findings.add("value-invalid", message, member.place, key, value=value)

    def _text(self, table: Table, name: str, key: str) -> str | None:
        member = table.members.get(name)
        if member is None:
            return None
        value = member.node.value if isinstance(member.node, Scalar) else member.node
        if value is None or isinstance(value, str):
            return value
        self._ignore(f"text is needed, not {describe(member.node)}; it is ignored", member, f"{key}.{name}")
        return None

    def _texts(self, table: Table, name: str, key: str) -> dict[str, str]:
        """Read an object whose values are texts; numbers and truth values are taken as they are written."""
        member = table.members.get(name)
        if member is None or (isinstance(member.node, Scalar) and member.node.value is None):
            return {}
        if not isinstance(member.node, Table):
            self._ignore(f"an object is needed, not {describe(member.node)}; it is ignored", member, f"{key}.{name}")
            return {}
        texts = {}
        for item, value in member.node.members.items():
            if isinstance(value.node, Scalar) and value.node.value is not None:
                texts[item] = value.node.text
            else:
                message = f"text is needed, not {describe(value.node)}; it is ignored"
                self._ignore(message, value, f"{key}.{name}.{item}")
        return texts

    def _headers(self, table: Table, auth: Auth, key: str) -> dict[str, str]:
        """Return the headers that are sent; the others are reported, without values: they may be secret (M-10)."""
        stated = self._texts(table, "headers", key)
        produced = produced_headers(auth)
        usable = {}
        for name, value in stated.items():
            good, problems = usable_headers({name: value})
            if name.lower() in produced:
                problems = (f"the access by {auth.type} sets the header {name}; the one of `headers` is not sent",)
            if problems:
                member = table.members["headers"].node
                place = member.members[name].place if isinstance(member, Table) else table.place
                self._findings.add("header-ignored", problems[0], place, f"{key}.headers.{name!r}")
            else:
                usable.update(good)
        return usable

    def _page_size(self, table: Table, kind: str, key: str) -> int | None:
        member = table.members.get("pageSize")
        if member is None or "pageSize" not in TYPE_KEYS[kind]:
            return None
        size = member.node.value if isinstance(member.node, Scalar) else member.node
        if size is None:
            return None
        if isinstance(size, int) and not isinstance(size, bool) and size > 0:
            if kind != "ooapi" or size in OOAPI_PAGE_SIZES:
                return size
            sizes = ", ".join(map(str, OOAPI_PAGE_SIZES))
            message = f"OOAPI has the page sizes {sizes}; {OOAPI_PAGE_SIZE} is used"
            self._findings.add("page-size-invalid", message, member.place, f"{key}.pageSize", value=size)
            return OOAPI_PAGE_SIZE
        self._ignore("a whole number above 0 is needed; it is ignored", member, f"{key}.pageSize", _shown(member.node))
        return None

    def _refresh(self, table: Table, key: str) -> float | None:
        """Return the hours that the source states; None if it states none (M-08)."""
        member = table.members.get("refresh")
        hours = member.node.value if member and isinstance(member.node, Scalar) else None
        if member is None or (isinstance(member.node, Scalar) and hours is None):
            return None
        if isinstance(hours, int | float) and not isinstance(hours, bool) and hours >= 0 and math.isfinite(hours):
            return float(hours)
        message = "a number of hours is needed, 0 or more; 24 is used"
        self._ignore(message, member, f"{key}.refresh", _shown(member.node))
        return None


def _shown(node: Node) -> str | None:
    return node.text if isinstance(node, Scalar) else None
