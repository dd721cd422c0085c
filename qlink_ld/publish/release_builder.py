"""How a release is built, step by step, in a folder that nobody reads yet."""

import json
import logging
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from qlink_ld import __version__
from qlink_ld.errors import PublishError
from qlink_ld.namespaces import Iris
from qlink_ld.publish import dumps
from qlink_ld.publish.description import describe_dataset
from qlink_ld.publish.difference import compare_lines
from qlink_ld.publish.graph_file import GraphFile, write_graph
from qlink_ld.publish.gzip_text import GzipWriter, read_verified_lines, sync_directory
from qlink_ld.publish.release_store import load_store, prefers_difference, remove_working_files, update_store
from qlink_ld.publish.shelf import remove_directory
from qlink_ld.store import RELEASE_FILE, Release, hash_file

log = logging.getLogger(__name__)

TIME_FORMAT: Final = "%Y%m%dT%H%M%SZ"  # of a release's id
_ISO_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
_REMOVED = "changes/removed.nq.gz"
_ADDED = "changes/added.nq.gz"


class PreviousDamaged(PublishError):
    """A file of the release before is not what its `release.json` says."""


@dataclass(frozen=True, slots=True)
class ReleaseInputs:
    """What `build_release` was asked for."""

    iris: Iris
    graphs: Sequence[GraphFile]
    texts: Mapping[str, str]
    institutions: Sequence[Mapping[str, Any]]
    alliances: Sequence[Mapping[str, Any]]
    full: bool
    moment: datetime


@dataclass(slots=True)
class ReleaseBuilder:
    """One attempt to make a release in a folder of its own."""

    directory: Path
    inputs: ReleaseInputs
    previous: Release | None
    graphs: dict[str, GraphFile] = field(default_factory=dict)  # by IRI, sorted; paths are those of the dumps
    known: dict[str, str] = field(default_factory=dict)  # SHA-256 of files that are those of the release before
    changes: dict[str, dict[str, int]] = field(default_factory=dict)

    def run(self) -> dict[str, Any]:
        """Build everything but the name; return the content of `release.json`."""
        started = time.monotonic()
        inputs = self.inputs
        created = inputs.moment.strftime(_ISO_FORMAT)
        issued = self.previous.info.get("issued", created) if self.previous else created
        (self.directory / "dumps").mkdir(parents=True)
        names = {str(item.get("institution", "")): str(item.get("name", "")) for item in inputs.institutions}
        graphs = [*inputs.graphs, *(self._write_text(graph, text) for graph, text in inputs.texts.items())]
        for graph in sorted(graphs, key=lambda graph: graph.graph):
            self._add_dumps(graph)
        description = describe_dataset(
            inputs.iris.base,
            inputs.moment.strftime(TIME_FORMAT),
            datetime.strptime(issued, _ISO_FORMAT).replace(tzinfo=UTC),
            inputs.moment,
            list(self.graphs.values()),
            names,
            self._dump_sizes(),
        )
        self._add_dumps(self._write_text(inputs.iris.description_graph, description))
        self.graphs = dict(sorted(self.graphs.items()))
        self._compare()
        self._concatenate()
        method = self._make_store()
        files = self._seal()
        quads = sum(graph.triples for graph in self.graphs.values())
        info = {
            "id": inputs.moment.strftime(TIME_FORMAT),
            "created": created,
            "issued": issued,
            "base_iri": inputs.iris.base,
            "software": f"qlink-ld {__version__}",
            "quads": quads,
            "contents": "store/, all.nq.gz and all.jsonld.gz hold the same quads: all graphs listed here",
            "graphs": {iri: self._graph_info(graph) for iri, graph in self.graphs.items()},
            "institutions": [dict(item) for item in inputs.institutions],
            "alliances": [dict(item) for item in inputs.alliances],
            "changes": {
                "previous": self.previous.id if self.previous else None,
                "method": method,
                "added": sum(change["added"] for change in self.changes.values()),
                "removed": sum(change["removed"] for change in self.changes.values()),
                "graphs": self.changes,
            },
            "files": files,
        }
        self._write_info(info)
        log.info(
            "release=%s stage=publish quads=%d graphs=%d method=%s seconds=%.1f",
            info["id"], quads, len(self.graphs), method, time.monotonic() - started,
        )  # fmt: skip
        return info

    def _write_text(self, graph: str, text: str) -> GraphFile:
        file = self._dump(graph, dumps.NQUADS_SUFFIX)
        return write_graph(file, graph, iter([text]))

    def _dump(self, graph: str, suffix: str) -> Path:
        return self.directory / "dumps" / f"{dumps.dump_name(graph, self.inputs.iris.base)}{suffix}"

    def _relative(self, file: Path) -> str:
        return file.relative_to(self.directory).as_posix()

    def _old_graph(self, graph: str) -> Mapping[str, Any] | None:
        return self.previous.info["graphs"].get(graph) if self.previous else None

    def _add_dumps(self, graph: GraphFile) -> None:
        """Put a graph's two dumps in place: those of the release before if it is the same graph."""
        nquads, jsonld = (self._dump(graph.graph, suffix) for suffix in (dumps.NQUADS_SUFFIX, dumps.JSONLD_SUFFIX))
        self.graphs[graph.graph] = GraphFile(
            nquads, graph.graph, graph.triples, graph.sha256, graph.specifications, graph.instances
        )
        old = self._old_graph(graph.graph)
        if self.previous is not None and old is not None and old["sha256"] == graph.sha256:
            for file in (nquads, jsonld):
                name = self._relative(file)
                file.unlink(missing_ok=True)
                dumps.link_or_copy(self.previous.directory / name, file)
                self.known[name] = self.previous.info["files"][name]["sha256"]
            return
        if graph.path != nquads:
            dumps.link_or_copy(graph.path, nquads)
        dumps.write_jsonld(nquads, graph.sha256, jsonld)

    def _dump_sizes(self) -> dict[str, int]:
        folder = self.directory / "dumps"
        files = sorted(folder.glob("institutions/*.gz"))
        return {file.relative_to(folder).as_posix(): file.stat().st_size for file in files}

    def _compare(self) -> None:
        """Write what was removed and added since the release before, graph by graph in the order of their IRIs."""
        if self.previous is None:
            self.changes = {graph.graph: {"added": graph.triples, "removed": 0} for graph in self.graphs.values()}
            return
        (self.directory / "changes").mkdir()
        with (
            (self.directory / _REMOVED).open("xb") as gone,
            (self.directory / _ADDED).open("xb") as come,
            closing(GzipWriter(gone)) as removed_file,
            closing(GzipWriter(come)) as added_file,
        ):
            for graph in sorted({*self.graphs, *self.previous.info["graphs"]}):
                removed, added = self._compare_graph(graph, self.previous, removed_file, added_file)
                if removed or added:
                    self.changes[graph] = {"added": added, "removed": removed}

    def _compare_graph(
        self, graph: str, previous: Release, removed_file: GzipWriter, added_file: GzipWriter
    ) -> tuple[int, int]:
        old, new = self._old_graph(graph), self.graphs.get(graph)
        if old is not None and new is not None and old["sha256"] == new.sha256:
            return 0, 0
        removed_count = added_count = 0
        before = self._old_lines(graph, previous, old) if old is not None else ()
        after = read_verified_lines(new.path, new.sha256) if new is not None else ()
        for removed, added in compare_lines(before, after):
            removed_count += removed.count(b"\n")
            added_count += added.count(b"\n")
            removed_file.write(removed)
            added_file.write(added)
        return removed_count, added_count

    def _old_lines(self, graph: str, previous: Release, old: Mapping[str, Any]) -> Iterable[bytes]:
        name = self._relative(self._dump(graph, dumps.NQUADS_SUFFIX))
        try:
            yield from read_verified_lines(previous.directory / name, old["sha256"])
        except PublishError as exc:
            raise PreviousDamaged(str(exc)) from exc

    def _concatenate(self) -> None:
        for suffix, concatenate in (
            (dumps.NQUADS_SUFFIX, dumps.concatenate_nquads),
            (dumps.JSONLD_SUFFIX, dumps.concatenate_jsonld),
        ):
            parts = [self._dump(graph, suffix) for graph in self.graphs]
            target = self.directory / "dumps" / f"{dumps.ALL}{suffix}"
            for part, sha256 in zip(parts, concatenate(parts, target), strict=True):
                name = self._relative(part)
                if self.known.setdefault(name, sha256) != sha256:
                    raise PreviousDamaged(f"{name} of release {self.previous and self.previous.id} is damaged")

    def _make_store(self) -> str:
        store = self.directory / "store"
        graphs = list(self.graphs)
        total = sum(graph.triples for graph in self.graphs.values())
        method = "bulk load"
        if self.previous is not None and not self.inputs.full:
            removed = sum(change["removed"] for change in self.changes.values())
            added = sum(change["added"] for change in self.changes.values())
            if prefers_difference(removed, added, total):
                method = "difference"
        if method == "difference" and self.previous is not None:
            patches = self.directory / _REMOVED, self.directory / _ADDED
            try:
                update_store(store, self.previous.store_path, *patches, graphs, total)
            except PublishError as exc:
                log.warning("%s; loading everything instead", exc)
                remove_directory(store)
                method = "bulk load"
        if method == "bulk load":
            load_store(store, self.directory / "dumps" / f"{dumps.ALL}{dumps.NQUADS_SUFFIX}", graphs, total)
        remove_working_files(store)
        return method

    def _seal(self) -> dict[str, dict[str, Any]]:
        """Hash all files, make them durable and read-only; return their entries for `release.json`."""
        folder = self.directory / "dumps"
        files = {self._relative(file): file for file in sorted(self.directory.rglob("*")) if file.is_file()}
        hashes = {name: self._hash(name, file) for name, file in files.items()}
        prefix = "dumps/"
        sums = {name.removeprefix(prefix): sha256 for name, sha256 in hashes.items() if name.startswith(prefix)}
        checksums = dumps.write_checksums(folder, sums)
        files[self._relative(checksums)] = checksums
        hashes[self._relative(checksums)] = hash_file(checksums)
        for file in files.values():
            _sync_file(file)
            file.chmod(0o444)
        for parent in {file.parent for file in files.values()} | {folder}:
            sync_directory(parent)
        (self.directory / "store").chmod(0o555)  # no one can open the store for writing by mistake
        return {name: {"sha256": hashes[name], "bytes": file.stat().st_size} for name, file in sorted(files.items())}

    def _hash(self, name: str, file: Path) -> str:
        """Return a file's SHA-256; that of the release before if it is the same file under two names."""
        if name in self.known:
            return self.known[name]
        if self.previous is not None and name in self.previous.info["files"]:
            old = self.previous.directory / name
            if old.exists() and old.samefile(file):
                return str(self.previous.info["files"][name]["sha256"])
        return hash_file(file)

    def _graph_info(self, graph: GraphFile) -> dict[str, Any]:
        prefix = self.inputs.iris.institution_graph("")
        institution = unquote(graph.graph.removeprefix(prefix)) if graph.graph.startswith(prefix) else None
        return {
            "triples": graph.triples,
            "sha256": graph.sha256,
            "institution": institution,
            "specifications": graph.specifications,
            "instances": graph.instances,
        }

    def _write_info(self, info: Mapping[str, Any]) -> None:
        file = self.directory / RELEASE_FILE
        file.write_text(json.dumps(info, indent=1, ensure_ascii=False, default=str) + "\n", encoding="utf-8")
        _sync_file(file)
        file.chmod(0o444)
        sync_directory(self.directory)


def _sync_file(file: Path) -> None:
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
