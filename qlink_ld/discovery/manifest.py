"""What does a manifest say? Its sources, and in plain words what of it cannot be used.

A bad entry never costs the good ones. Source: QualityLink Data Source Discovery, requirements M-01 to M-17.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from qlink_ld.errors import UnusableResponse
from qlink_ld.model import DataSource, Issue
from qlink_ld.provider_json import read_json

SOURCE_TYPES = ("elm", "ooapi", "edu-api", "occapi")  # M-05; bespoke formats are configured, not discovered
AUTH_TYPES = ("none", "httpheader", "oauth2.0", "httpsig")  # M-07
DEFAULT_REFRESH_H = 24.0  # M-08
MAX_BYTES = 1024 * 1024  # M-15
_VERSIONED = ("elm", "ooapi", "edu-api")  # M-13
_META = ("schac", "eterid", "deqarid", "did")  # M-12
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")  # also the name of a folder


@dataclass(frozen=True, slots=True)
class Manifest:
    """A provider's manifest: where it was, its usable sources, and what a data steward should correct."""

    url: str
    sources: tuple[DataSource, ...]
    issues: tuple[Issue, ...] = ()
    meta: tuple[tuple[str, str], ...] = ()  # schac, eterid, deqarid, did as stated


def parse_manifest(body: bytes, url: str) -> Manifest:
    """Read a manifest.

    Args:
        body: the file's content.
        url: where it was found, for messages.

    Returns:
        The manifest with its usable sources, in its order; entries that cannot be used are issues.

    Raises:
        UnusableResponse: not JSON, not an object, or no list of sources with at least one entry.
    """
    try:
        document = read_json(body).value
    except ValueError as error:
        raise UnusableResponse(f"{url}: not a manifest, because not JSON: {error}; publish it as JSON") from error
    if not isinstance(document, dict):
        raise UnusableResponse(f'{url}: a manifest is one object, {{"sources": […]}}; put braces around it')
    entries = document.get("sources")
    if not isinstance(entries, list) or not entries:
        raise UnusableResponse(f"{url}: a manifest needs `sources`, a list with at least one entry; add it")
    reader = _Reader(url)
    sources = tuple(source for n, entry in enumerate(entries) if (source := reader.read_source(entry, n)) is not None)
    return Manifest(url, sources, tuple(reader.issues), reader.read_meta(document.get("meta")))


class _Reader:
    """Reads entries and collects what is wrong with them."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.issues: list[Issue] = []
        self.ids: set[str] = set()
        self.known: set[tuple[str, str]] = set()

    def report(self, code: str, message: str, where: str, value: object = None) -> None:
        self.issues.append(
            Issue(code, message, field=where, value=None if value is None else str(value)[:200], position=self.url)
        )

    def read_source(self, entry: object, number: int) -> DataSource | None:
        where = f"sources[{number}]"
        if not isinstance(entry, dict):
            self.report("source-invalid", f"{where} is not an object; it is left out. Write it in braces", where)
            return None
        kind, path = entry.get("type"), entry.get("path")
        if not self._is_usable(kind, path, entry, where):
            return None
        assert isinstance(kind, str)  # noqa: S101 (checked above)
        assert isinstance(path, str)  # noqa: S101 (checked above)
        version = self._version(entry, kind, where)
        identifier = self._identifier(entry, kind, path, where)
        if identifier is None:
            return None
        return DataSource(
            id=identifier,
            type=kind,
            path=path,
            version=version,
            name=self._text(entry, "name", where),
            content_type=self._text(entry, "contentType", where),
            page_size=self._page_size(entry, where),
            refresh_h=self._refresh(entry, where),
            headers=self._texts(entry, "headers", where),
            query_parameters=self._texts(entry, "queryParameters", where),
        )

    def read_meta(self, meta: object) -> tuple[tuple[str, str], ...]:
        if meta is None:
            return ()
        if not isinstance(meta, dict):
            self.report("meta-invalid", "`meta` is not an object; it is ignored", "meta")
            return ()
        return tuple((name, meta[name]) for name in _META if isinstance(meta.get(name), str))

    def _is_usable(self, kind: object, path: object, entry: Mapping[str, Any], where: str) -> bool:
        problems = len(self.issues)
        if not isinstance(kind, str) or not kind:
            self.report("source-invalid", f"{where} has no `type`; it is left out. State one of {_list()}", where)
        elif kind not in SOURCE_TYPES:
            self.report("source-type-unknown", f"{where}: {kind!r} is not one of {_list()}; left out", where, kind)
        if not isinstance(path, str) or not path:
            self.report("source-invalid", f"{where} has no `path`; it is left out. State the address", where)
        elif not _is_http(path):
            self.report(
                "source-invalid",
                f"{where}: `path` must start with http:// or https://; left out",
                f"{where}.path",
                path,
            )
        auth = entry.get("auth")
        if auth is not None:
            scheme = auth.get("type") if isinstance(auth, dict) else None
            if scheme not in AUTH_TYPES:
                names = ", ".join(AUTH_TYPES)
                self.report("auth-invalid", f"{where}: `auth` needs a `type`: {names}; left out", f"{where}.auth")
            elif scheme != "none":
                self.report(
                    "auth-unsupported",
                    f"{where}: access by {scheme} is not supported yet; the source is not asked without it",
                    f"{where}.auth.type",
                    scheme,
                )
        return len(self.issues) == problems

    def _version(self, entry: Mapping[str, Any], kind: str, where: str) -> str | None:
        version = entry.get("version")
        if isinstance(version, int | float) and not isinstance(version, bool):
            version = str(version)  # 5 and 6.0 are meant as text
        if isinstance(version, str) and version.strip():
            return version.strip()
        if version is not None:
            self.report("version-invalid", f'{where}: `version` must be text like "5"; ignored', f"{where}.version")
        if kind in _VERSIONED:
            self.report("version-missing", f"{where}: {kind} needs a `version`; add it", f"{where}.version")
        return None

    def _identifier(self, entry: Mapping[str, Any], kind: str, path: str, where: str) -> str | None:
        """Return an id that stays the same when sources are reordered: the stated one, else of type and path (M-17)."""
        if (kind, path) in self.known and not entry.get("id"):
            self.report("source-repeated", f"{where} repeats an earlier source; left out", where, path)
            return None
        self.known.add((kind, path))
        derived = f"{kind}-{hashlib.sha256(path.encode('utf-8', 'replace')).hexdigest()[:8]}"
        stated = entry.get("id")
        if isinstance(stated, int | float) and not isinstance(stated, bool):
            stated = str(stated)
        if stated is None:
            stated = derived
        elif not isinstance(stated, str) or not _ID.fullmatch(stated):
            self.report(
                "id-invalid",
                f"{where}: `id` may have letters, digits, . _ - and up to 80 of them; {derived} is used",
                f"{where}.id",
                stated,
            )
            stated = derived
        if stated in self.ids:
            self.report(
                "id-repeated", f"{where}: an earlier source has this `id`, too; left out", f"{where}.id", stated
            )
            return None
        self.ids.add(stated)
        return stated

    def _text(self, entry: Mapping[str, Any], key: str, where: str) -> str | None:
        value = entry.get(key)
        if value is not None and not isinstance(value, str):
            self.report("value-invalid", f"{where}: `{key}` must be text; ignored", f"{where}.{key}", value)
            return None
        return value

    def _texts(self, entry: Mapping[str, Any], key: str, where: str) -> Mapping[str, str]:
        value = entry.get(key)
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.report("value-invalid", f"{where}: `{key}` must be an object; ignored", f"{where}.{key}")
            return {}
        texts = {}
        for name, item in value.items():
            if isinstance(item, bool):
                texts[name] = "true" if item else "false"
            elif isinstance(item, str | int | float):
                texts[name] = str(item)
            else:
                self.report("value-invalid", f"{where}: `{key}.{name}` must be text; ignored", f"{where}.{key}.{name}")
        return texts

    def _page_size(self, entry: Mapping[str, Any], where: str) -> int | None:
        size = entry.get("pageSize")
        if size is None or (isinstance(size, int) and not isinstance(size, bool) and size > 0):
            return size
        self.report("value-invalid", f"{where}: `pageSize` must be a whole number; ignored", f"{where}.pageSize", size)
        return None

    def _refresh(self, entry: Mapping[str, Any], where: str) -> float:
        hours = entry.get("refresh")
        if hours is None:
            return DEFAULT_REFRESH_H
        if isinstance(hours, int | float) and not isinstance(hours, bool) and hours >= 0:
            return float(hours)
        self.report("value-invalid", f"{where}: `refresh` is a number of hours; 24 is used", f"{where}.refresh", hours)
        return DEFAULT_REFRESH_H


def _list() -> str:
    return ", ".join(SOURCE_TYPES)


def _is_http(path: str) -> bool:
    try:
        parts = urlsplit(path)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)
