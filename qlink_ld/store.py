"""Releases on disk, as everybody reads them: which is current, whether its files are whole, its Oxigraph store.

Layout (DESIGN §6): `{data_dir}/releases/{UTC time}/` holds `store/`, `dumps/`, `changes/` and `release.json`;
`{data_dir}/current` is a symbolic link to the release that is read. Releases never change once they have their name:
the room publish makes them, everybody else opens them read-only.
"""

import hashlib
import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pyoxigraph import Store

from qlink_ld.errors import StoreUnusable

log = logging.getLogger(__name__)

RELEASES: Final = "releases"  # folder of the releases in the data directory
CURRENT: Final = "current"  # symbolic link in the data directory
RELEASE_FILE: Final = "release.json"
_RELEASE_ID = re.compile(r"\d{8}T\d{6}Z")


@dataclass(frozen=True, slots=True)
class Release:
    """One published state of everything. `info` is the content of its `release.json`, `id` its UTC time."""

    id: str
    directory: Path
    info: Mapping[str, Any]

    @property
    def store_path(self) -> Path:
        """The folder of the Oxigraph store."""
        return self.directory / "store"

    @property
    def dumps_path(self) -> Path:
        """The folder of the downloads."""
        return self.directory / "dumps"


def open_store(path: Path) -> Store:
    """Open a release's store read-only. Any number of processes may; nothing in the folder changes.

    Raises:
        StoreUnusable: there is no store, or RocksDB finds it damaged.
    """
    try:
        return Store.read_only(str(path))
    except (OSError, ValueError) as exc:
        raise StoreUnusable(
            f"the store {path} cannot be opened: {exc}; go back with `qlink-ld release rollback ID`, or make a new "
            "release with `qlink-ld run --full`"
        ) from exc


def current_release(data_dir: Path) -> Release:
    """Return the release that `current` points to. Its files are not checked: see `verify_release`, `open_release`.

    Raises:
        StoreUnusable: nothing is published there yet, or the release's `release.json` cannot be read.
    """
    link = data_dir / CURRENT
    try:
        directory = link.resolve(strict=True)
    except (OSError, RuntimeError) as exc:  # RuntimeError: a link to itself
        if link.is_symlink():
            problem = f"{link} points to {link.readlink()}, which does not exist; see `qlink-ld release list`"
        else:
            problem = f"nothing is published in {data_dir} yet; run `qlink-ld run` or `qlink-ld demo` first"
        raise StoreUnusable(problem) from exc
    return read_release(directory)


def read_release(directory: Path) -> Release:
    """Read a release's description.

    Raises:
        StoreUnusable: `release.json` is missing or damaged.
    """
    file = directory / RELEASE_FILE
    try:
        info = json.loads(file.read_bytes())
    except (OSError, ValueError) as exc:
        raise StoreUnusable(f"the release {directory.name} is damaged: {file} cannot be read ({exc})") from exc
    if not isinstance(info, dict) or info.get("id") != directory.name or not isinstance(info.get("files"), dict):
        raise StoreUnusable(f"the release {directory.name} is damaged: {file} does not describe it")
    return Release(directory.name, directory, info)


def list_releases(data_dir: Path) -> list[Release]:
    """Return all releases whose description can be read, newest first; the others are logged."""
    releases = []
    for directory in sorted((data_dir / RELEASES).glob("*"), reverse=True):
        if directory.is_dir() and _RELEASE_ID.fullmatch(directory.name):
            try:
                releases.append(read_release(directory))
            except StoreUnusable as exc:
                log.warning("%s", exc)
    return releases


def verify_release(release: Release, *, deep: bool = False) -> None:
    """Check a release's files against its `release.json`.

    Always: every file exists and has its size, and the store's small files (manifest, write-ahead log, pointers) have
    their SHA-256, because RocksDB does not notice when those are cut. The store's tables and the dumps are gigabytes:
    their hashes are checked when `deep`; without, RocksDB's own block checksums guard what is read of the tables.

    Raises:
        StoreUnusable: names the first file that is not as published.
    """
    for name, expected in release.info["files"].items():
        file = release.directory / name
        try:
            size = file.stat().st_size
            if size != expected["bytes"]:
                raise StoreUnusable(f"{_damaged(release)}: {name} has {size} bytes instead of {expected['bytes']}")
            if (deep or _is_small_store_file(name)) and hash_file(file) != expected["sha256"]:
                raise StoreUnusable(f"{_damaged(release)}: the SHA-256 of {name} is not the one in {RELEASE_FILE}")
        except OSError as exc:
            raise StoreUnusable(f"{_damaged(release)}: {name} cannot be read ({exc.strerror})") from exc


def open_release(data_dir: Path) -> Release:
    """Return the current release if its files are whole, else the newest whole one before it (with a warning).

    Raises:
        StoreUnusable: nothing is published, or no release is whole.
    """
    try:
        release = current_release(data_dir)
        verify_release(release)
    except StoreUnusable as exc:
        problem = exc
    else:
        return release
    broken = (data_dir / CURRENT).readlink().name if (data_dir / CURRENT).is_symlink() else ""
    releases = [release for release in list_releases(data_dir) if release.id != broken]
    for release in sorted(releases, key=lambda r: (not broken or r.id < broken, r.id), reverse=True):
        try:
            verify_release(release)
        except StoreUnusable as exc:
            log.warning("%s", exc)
        else:
            log.warning("%s; reading release %s instead", problem, release.id)
            return release
    raise problem


def hash_file(file: Path) -> str:
    """Return the SHA-256 of a file's bytes in hexadecimal."""
    with file.open("rb", buffering=0) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _is_small_store_file(name: str) -> bool:
    return name.startswith("store/") and not name.endswith(".sst")


def _damaged(release: Release) -> str:
    return f"the release {release.id} is damaged"
