"""Which release is read? The one that `current` points to; if its files are damaged, the newest one before it.

Source: DESIGN §6. A release never changes, so whatever is computed from one may be kept as long as it is current.
"""

import hashlib
import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from pyoxigraph import Store

from qlink_ld.errors import StoreUnusable

log = logging.getLogger(__name__)

# RocksDB checks its table files block by block when reading, but does not notice a cut MANIFEST or write-ahead log
# (DESIGN §6), and those are small: sizes are compared for all files, hashes for the small ones.
_HASHED_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Release:
    """One release on disk, opened for reading. `info` is its release.json."""

    id: str
    directory: Path
    info: Mapping[str, Any]
    store: Store
    kept: dict[str, Any] = field(default_factory=dict)  # what was computed once from it
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def store_directory(self) -> Path:
        """The folder of the Oxigraph store."""
        return self.directory / "store"

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
        return {name.value: {} for name in self.store.named_graphs() if hasattr(name, "value")}


def text(value: object) -> str | None:
    """Return the value if it is text."""
    return value if isinstance(value, str) else None


def tables(value: object) -> list[Mapping[str, Any]]:
    """Return the JSON objects of a JSON array; anything else counts as empty."""
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def find_release_directory(data_dir: Path) -> Path:
    """Return the folder that `current` points to.

    Raises:
        StoreUnusable: nothing has been published there.
    """
    directory = (data_dir / "current").resolve()
    if not directory.is_dir():
        raise StoreUnusable(f"{data_dir} holds no release ('current' is missing): publish one with `qlink-ld run`")
    return directory


def read_release_info(directory: Path) -> Mapping[str, Any]:
    """Read release.json and compare the files that it lists with those on disk.

    Raises:
        StoreUnusable: it is missing or unreadable, or a file is missing, cut or changed.
    """
    file = directory / "release.json"
    try:
        info = orjson.loads(file.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise StoreUnusable(f"{file} cannot be read ({error}): the release is damaged, publish again") from error
    if not isinstance(info, dict):
        raise StoreUnusable(f"{file} is not a JSON object: the release is damaged, publish again")
    files = info.get("files")
    for path, entry in files.items() if isinstance(files, dict) else ():
        if path != "release.json" and isinstance(entry, dict):
            _check_file(directory / path, entry)
    return info


def _check_file(file: Path, entry: Mapping[str, Any]) -> None:
    try:
        size = file.stat().st_size
    except OSError as error:
        raise StoreUnusable(f"{file} of the release is missing: publish again") from error
    if isinstance(entry.get("bytes"), int) and size != entry["bytes"]:
        raise StoreUnusable(f"{file} has {size} bytes, its release lists {entry['bytes']}: damaged, publish again")
    digest = entry.get("sha256")
    if isinstance(digest, str) and size <= _HASHED_BYTES and hashlib.sha256(file.read_bytes()).hexdigest() != digest:
        raise StoreUnusable(f"{file} differs from what its release lists (SHA-256): damaged, publish again")


def open_release(directory: Path) -> Release:
    """Open one release for reading.

    Raises:
        StoreUnusable: damaged files, or a store that Oxigraph cannot open.
    """
    info = read_release_info(directory)
    try:
        store = Store.read_only(str(directory / "store"))
    except OSError as error:
        raise StoreUnusable(f"{directory / 'store'} cannot be opened ({error}): publish again") from error
    return Release(text(info.get("id")) or directory.name, directory, info, store)


class Releases:
    """Gives the current release to the threads of one process and notices when `current` is switched."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self._lock = threading.Lock()
        self._wanted: Path | None = None  # what `current` pointed to when `_release` was opened
        self._release: Release | None = None

    def current(self) -> Release:
        """Return the current release, or the newest intact one before it.

        Raises:
            StoreUnusable: there is none that can be read.
        """
        directory = find_release_directory(self.data_dir)
        with self._lock:
            if self._release is None or directory != self._wanted:
                self._release = self._open_newest(directory)
                self._wanted = directory
            return self._release

    def _open_newest(self, directory: Path) -> Release:
        try:
            return open_release(directory)
        except StoreUnusable as error:
            log.error("release %s is unusable, looking for an older one: %s", directory.name, error)  # noqa: TRY400
            older = sorted(
                (d for d in directory.parent.iterdir() if d.name < directory.name and (d / "release.json").is_file()),
                reverse=True,
            )
            for candidate in older:
                try:
                    return open_release(candidate)
                except StoreUnusable as problem:
                    log.error("release %s is unusable too: %s", candidate.name, problem)  # noqa: TRY400
            raise
