"""What the imported registers add to a run: facts for the configured institutions, further ones, the registry graph.

Bringing thousands of records together takes seconds; the result is kept beside the imports, under a hash of all that it
depends on, so that a run without changes reads two small files.
"""

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import orjson

from qlink_ld import __version__
from qlink_ld.config import Config
from qlink_ld.errors import PublishError
from qlink_ld.model import Institution, canonical_json
from qlink_ld.publish.graph_file import GraphFile, write_graph
from qlink_ld.registry.describe import describe_registry
from qlink_ld.registry.describe_entry import describe_known
from qlink_ld.registry.known import (
    Registry,
    enrich_institution,
    find_harvestable,
    load_registry,
    make_institution,
)
from qlink_ld.registry.merge import Entry
from qlink_ld.registry.record import REGISTERS
from qlink_ld.registry.shelf import import_file, registry_folder, write_whole

log = logging.getLogger(__name__)

_LAYOUT: Final = 1  # of what is kept; count up when describing or merging changes
_KEPT: Final = "merged.json"
_GRAPH: Final = "graph.nq.gz"
_ADDED: Final = ("schac", "website", "country", "names", "same_as", "previous_schac")  # to an institution


@dataclass(frozen=True, slots=True)
class KnownInstitutions:
    """A configuration whose institutions have what the registers know.

    Attributes:
        config: with these institutions, and behind them the imported ones that are harvested.
        imported: ids of the latter.
        digest: of all that this depends on; None if nothing is imported.
        issues: conflicts of identifiers.
    """

    config: Config
    imported: frozenset[str] = frozenset()
    digest: str | None = None
    messages: tuple[str, ...] = ()


def has_imports(config: Config) -> bool:
    """Say whether any register was imported."""
    return any(import_file(config.data_dir, register).is_file() for register in REGISTERS)


def apply_registry(config: Config) -> KnownInstitutions:
    """Add to the institutions of the configuration what the imported registers know; write nothing.

    Raises:
        RegistryError: an import is damaged.
    """
    if not has_imports(config):
        return KnownInstitutions(config)
    digest = _digest(config)
    kept = _load_kept(config)
    if kept is None or kept.get("digest") != digest:
        kept = _merge(config)
    added: dict[str, dict[str, Any]] = kept["institutions"]
    institutions = [_restore(institution, added.get(institution.id, {})) for institution in config.institutions]
    known = {institution.id for institution in institutions}
    further = [
        _restore(Institution(id=name, name=table["name"]), table)
        for name, table in kept["imported"].items()
        if name not in known
    ]
    return KnownInstitutions(
        replace(config, institutions=(*institutions, *further)),
        frozenset(institution.id for institution in further),
        digest,
        tuple(kept["messages"]),
    )


def describe_all(config: Config, known: KnownInstitutions) -> str | GraphFile:
    """Return the registry graph: as text where nothing is imported, else as a file, made anew only after changes.

    Args:
        config: the deployment as it is configured.
        known: the same with what the registers know.

    Raises:
        RegistryError: an import is damaged.
        PublishError: the file cannot be written.
    """
    iris = config.iris
    if known.digest is None:
        return describe_registry(config.institutions, config.alliances, iris)
    file = registry_folder(config.data_dir) / _GRAPH
    kept = _load_kept(config)
    if kept is not None and kept.get("digest") == known.digest and file.is_file() and "graph" in kept:
        table = kept["graph"]
        return GraphFile(file, iris.registry_graph, int(table["triples"]), str(table["sha256"]))
    registry = load_registry(config.data_dir)
    configured = [(institution, entry) for institution, entry, _ in _match(config, registry)]
    text = describe_known(registry, configured, config.alliances, iris)
    graph = write_graph(file, iris.registry_graph, iter([text]))
    kept = {**_merge(config, registry), "digest": known.digest}
    kept["graph"] = {"triples": graph.triples, "sha256": graph.sha256}
    try:
        write_whole(registry_folder(config.data_dir) / _KEPT, orjson.dumps(kept))
    except OSError as error:
        raise PublishError(f"{file.with_name(_KEPT)} cannot be written: {error.strerror or error}") from error
    log.info("stage=registry entries=%d triples=%d", len(registry.entries), graph.triples)
    return graph


def find_imported(config: Config, name: str) -> Institution | None:
    """Return the imported institution that somebody means by an id, a SCHAC code, former ones too, or another code.

    Raises:
        RegistryError: an import is damaged.
    """
    if not has_imports(config):
        return None
    entry = load_registry(config.data_dir).find_name(name)
    return make_institution(entry) if entry is not None else None


def _match(config: Config, registry: Registry) -> list[tuple[Institution, Entry | None, tuple[str, ...]]]:
    """Return each configured institution with what its entry adds, its entry, and conflicts.

    Of two configured institutions with the same entry the first one has it.
    """
    out: list[tuple[Institution, Entry | None, tuple[str, ...]]] = []
    owners: dict[str, str] = {}
    for institution in config.institutions:
        entry, issues = registry.match(institution)
        messages = tuple(issue.message for issue in issues)
        if entry is not None and entry.id in owners:
            owner = owners[entry.id]
            messages = (
                f"{institution.id}: the registers have it and {owner} as one institution, {entry.id}",
                *messages,
            )
            entry = None
        if entry is not None:
            owners[entry.id] = institution.id
            institution = enrich_institution(institution, entry)  # noqa: PLW2901 (the same, with more)
        out.append((institution, entry, messages))
    return out


def _merge(config: Config, registry: Registry | None = None) -> dict[str, Any]:
    """Bring everything together; return what is kept of it."""
    registry = registry or load_registry(config.data_dir)
    matched = _match(config, registry)
    further: list[Entry] = []
    if config.registry.harvest == "recognised":
        taken = [entry for _, entry, _ in matched if entry is not None]
        further = find_harvestable(registry, taken, config.registry.countries)
    return {
        "institutions": {institution.id: _added(institution) for institution, entry, _ in matched if entry},
        "imported": {entry.id: {"name": entry.name.text, **_added(make_institution(entry))} for entry in further},
        "messages": [message for _, _, messages in matched for message in messages],
    }


def _added(institution: Institution) -> dict[str, Any]:
    table = asdict(institution)
    return {name: table[name] for name in _ADDED}


def _restore(institution: Institution, added: Mapping[str, Any]) -> Institution:
    values = {name: added[name] for name in _ADDED if name in added}
    lists = {name: tuple(value) for name, value in values.items() if isinstance(value, list | tuple)}
    return replace(institution, **{**values, **lists})


def _load_kept(config: Config) -> dict[str, Any] | None:
    file = registry_folder(config.data_dir) / _KEPT
    try:
        table = orjson.loads(file.read_bytes())
    except (OSError, ValueError):
        return None
    return table if isinstance(table, dict) else None


def _digest(config: Config) -> str:
    """Hash all that the result depends on."""
    parts = {
        "software": f"{__version__}/{_LAYOUT}",
        "base_iri": config.base_iri,
        "institutions": [_stated(institution) for institution in config.institutions],
        "alliances": [asdict(alliance) for alliance in config.alliances],
        "settings": asdict(config.registry),
        "imports": [_hash(import_file(config.data_dir, register)) for register in REGISTERS],
    }
    return hashlib.sha256(canonical_json(parts).encode()).hexdigest()


def _stated(institution: Institution) -> dict[str, Any]:
    return {"id": institution.id, "name": institution.name, **_added(institution)}


def _hash(file: Path) -> str:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except FileNotFoundError:
        return ""
