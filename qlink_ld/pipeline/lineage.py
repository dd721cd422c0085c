"""Keeps the lineages of the mappings that a deployment uses, for the graph `{base}graphs/mappings` of its releases."""

import hashlib
import logging
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from qlink_ld.config import Config
from qlink_ld.mapping import MappingFolder, find_mapping
from qlink_ld.mapping.lineage import trace_mapping
from qlink_ld.mapping.lineage_graph import describe_lineage_terms, describe_lineages
from qlink_ld.model import HarvestReport, Snapshot
from qlink_ld.ntriples import sort_lines
from qlink_ld.resources import find_resource_dir

log = logging.getLogger(__name__)

_FOLDER = "lineage"  # in the data directory: one file for each mapping and state of it


def keep_lineages(
    config: Config, snapshots: Iterable[Snapshot], sources: Iterable[Mapping[str, object]]
) -> tuple[Mapping[str, object], ...]:
    """Write the lineages of the mappings of some sources; return what a report says of each source, with its mapping.

    Their mappings are loaded, so that their rules need not be parsed again.
    """
    said: dict[object, dict[str, str]] = {}
    for snapshot in snapshots:
        mapping = find_mapping(snapshot.source)
        name = _keep(config, mapping)
        said[snapshot.source.id] = {"mapping": mapping.name, **({"lineage": name} if name else {})}
    return tuple({**source, **said.get(source.get("id"), {})} for source in sources)


def _keep(config: Config, mapping: MappingFolder) -> str | None:
    """Write the lineages of a mapping, unless they are there; return the file's name."""
    files = [*sorted(mapping.folder.rglob("*")), *(rule.file for rule in (*mapping.rules, *mapping.common_rules))]
    digest = hashlib.sha256(config.base_iri.encode())
    for file in files:
        if file.is_file():
            digest.update(file.read_bytes())
    path = config.data_dir / _FOLDER / f"{mapping.name}-{digest.hexdigest()[:12]}.nt"
    if not path.is_file():
        try:
            bundled = mapping.folder == find_resource_dir("mappings") / mapping.name
            text = describe_lineages(trace_mapping(mapping.name if bundled else str(mapping.folder)), config.iris)
        except Exception:  # isolation: what explains the data must never cost the data
            log.exception("mapping=%s its lineage cannot be told", mapping.name)
            return None
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(f".{os.getpid()}.tmp")  # another institution may write the same just now
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    return path.name


def read_lineages(config: Config, reports: Iterable[HarvestReport | None]) -> str:
    """Return the lineages of all mappings that published data went through, as sorted N-Triples."""
    names = {
        str(source["lineage"]) for report in reports if report for source in report.sources if source.get("lineage")
    }
    texts = [_read(config.data_dir / _FOLDER / name) for name in sorted(names)]
    return sort_lines("".join((*texts, describe_lineage_terms() if names else "")))


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.is_file() and file.suffix == ".nt" else ""
