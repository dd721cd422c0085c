"""Mapping folders: `mapping.toml`, JSON-LD contexts and CONSTRUCT rules, found and read. Source: DESIGN §4."""

import re
import tomllib
from functools import lru_cache
from pathlib import Path

from qlink_ld.errors import BrokenMapping, UnknownMapping
from qlink_ld.mapping.body import BESPOKE_TYPES
from qlink_ld.mapping.folder_reader import FolderReader
from qlink_ld.mapping.specs import ChildSpec, JoinSpec, MappingFolder, NodeSpec, ReferenceSpec, ResourceSpec
from qlink_ld.model import DataSource
from qlink_ld.resources import find_resource_dir

__all__ = [
    "ChildSpec",
    "JoinSpec",
    "MappingFolder",
    "NodeSpec",
    "ReferenceSpec",
    "ResourceSpec",
    "bundled_names",
    "find_mapping",
    "load_mapping",
]

_VERSION_IN_PATH = re.compile(r"/v(\d+)(?:p\d+)?(?:[./]|$)")  # where a source states no version, its address may


def find_mapping(source: DataSource) -> MappingFolder:
    """Return the mapping for a source: the one it names, else the bundled one for its type and version.

    Raises:
        UnknownMapping: there is none; the message lists what there is.
    """
    own = source.type in BESPOKE_TYPES
    if source.mapping:
        mapping = load_mapping(source.mapping)
        if mapping.source_type != source.type and (own or mapping.source_type in BESPOKE_TYPES):
            raise UnknownMapping(
                f"the mapping '{source.mapping}' is for sources of type '{mapping.source_type}', and the source "
                f"'{source.id}' is of type '{source.type}'; correct one of them"
            )
        return mapping
    if own:
        raise UnknownMapping(
            f"the source '{source.id}' is of type '{source.type}', which every university fills in its own way: set "
            "'mapping' to a folder that says how (see mappings/README.md)"
        )
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
        if "root" not in match:  # what is chosen by the root element of a document is no choice before it is read
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
    if not folder.is_dir() and Path(name).is_dir():  # in the current folder, without `./`
        folder = Path(name)
    file = folder / "mapping.toml"
    if not file.is_file():
        raise UnknownMapping(f"unknown mapping '{name}': no file {file}; bundled are: {', '.join(bundled_names())}")
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BrokenMapping(f"{file}: {error}") from error
    return FolderReader(file).read(table)
