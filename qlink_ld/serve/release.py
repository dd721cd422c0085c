"""Which release is read? The one that `current` points to; if its files are damaged, the newest whole one before it.

Source: DESIGN §6. A release never changes, so whatever is computed from one may be kept as long as it is current.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pyoxigraph import NamedNode, Store

from qlink_ld.errors import StoreUnusable
from qlink_ld.store import CURRENT, Release, open_release, open_store


@dataclass(frozen=True, slots=True)
class OpenRelease:
    """One release on disk, opened for reading, with what was computed once from it."""

    release: Release
    store: Store
    kept: dict[str, Any] = field(default_factory=dict)
    lock: "threading.RLock" = field(default_factory=threading.RLock)

    @property
    def id(self) -> str:
        """Its name: the UTC time at which it was made."""
        return self.release.id

    @property
    def info(self) -> Mapping[str, Any]:
        """Its release.json."""
        return self.release.info

    @property
    def created(self) -> str | None:
        """UTC time at which it was made, ISO 8601, if release.json says so."""
        return text(self.info.get("created"))

    @property
    def institutions(self) -> list[Mapping[str, Any]]:
        """How each institution fared, as release.json has it."""
        return tables(self.info.get("institutions"))

    @property
    def alliances(self) -> list[Mapping[str, Any]]:
        """The alliances, as release.json has them."""
        return tables(self.info.get("alliances"))

    @property
    def graphs(self) -> dict[str, Mapping[str, Any]]:
        """The named graphs with their counts; read from the store where release.json does not list them."""
        listed = self.info.get("graphs")
        if isinstance(listed, dict) and listed:
            return {iri: entry if isinstance(entry, dict) else {} for iri, entry in sorted(listed.items())}
        return {name.value: {} for name in self.store.named_graphs() if isinstance(name, NamedNode)}

    @property
    def downloads(self) -> dict[str, Mapping[str, Any]]:
        """The files for download by their path below `/downloads/{release}/`: size in bytes, SHA-256."""
        listed = self.info.get("files")
        files = listed if isinstance(listed, dict) else {}
        found = {
            path.removeprefix("dumps/"): entry
            for path, entry in sorted(files.items())
            if path.startswith("dumps/") and isinstance(entry, dict)
        }
        return {**found, "release.json": {}}

    def find_download(self, path: str) -> Path | None:
        """Return the file of a download, or None if the release has none of that path."""
        if path == "release.json":
            return self.release.directory / path
        return self.release.dumps_path / path if path in self.downloads else None


def text(value: object) -> str | None:
    """Return the value if it is text."""
    return value if isinstance(value, str) else None


def tables(value: object) -> list[Mapping[str, Any]]:
    """Return the JSON objects of a JSON array; anything else counts as empty."""
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


class Releases:
    """Gives the current release to the threads of one process and notices when `current` is switched."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self._lock = threading.Lock()
        self._target: str | None = None  # what `current` said when `_release` was opened
        self._release: OpenRelease | None = None

    def current(self) -> OpenRelease:
        """Return the current release, or the newest whole one before it.

        Raises:
            StoreUnusable: there is none that can be read.
        """
        try:
            target = str((self.data_dir / CURRENT).readlink())
        except OSError:
            target = ""
        with self._lock:
            if self._release is None or target != self._target:
                try:
                    release = open_release(self.data_dir)
                    self._release = OpenRelease(release, open_store(release.store_path))
                except StoreUnusable:
                    self._target = None
                    if self._release is None:
                        raise
                    # What was read until now is open and whole; it stays until something better is there.
                else:
                    self._target = target
            return self._release
