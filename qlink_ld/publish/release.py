"""Make a release: one immutable state of all graphs as a store and as downloads. Source: DESIGN §6."""

import hashlib
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from qlink_ld.errors import PublishError, StoreUnusable
from qlink_ld.namespaces import Iris
from qlink_ld.ntriples import sort_lines, to_quads
from qlink_ld.publish import dumps
from qlink_ld.publish.equal_values import EqualValues
from qlink_ld.publish.graph_file import GraphFile
from qlink_ld.publish.gzip_text import sync_directory
from qlink_ld.publish.release_builder import TIME_FORMAT, PreviousDamaged, ReleaseBuilder, ReleaseInputs
from qlink_ld.publish.shelf import (
    KEEP,
    PARTIAL,
    lock_releases,
    make_current,
    prune,
    prune_locked,
    remove_directory,
    rollback,
)
from qlink_ld.store import (
    CURRENT,
    Release,
    current_release,
    list_releases,
    open_release,
    verify_release,
)

__all__ = [
    "Release",
    "build_release",
    "current_release",
    "list_releases",
    "open_release",
    "prune",
    "released_graphs",
    "rollback",
    "verify_release",
]

log = logging.getLogger(__name__)


def build_release(
    data_dir: Path,
    base_iri: str,
    graphs: Sequence[GraphFile],
    extra: Mapping[str, str],
    institutions: Sequence[Mapping[str, Any]],
    alliances: Sequence[Mapping[str, Any]],
    *,
    volatile: frozenset[str] = frozenset(),
    full: bool = False,
    now: datetime | None = None,
) -> Release | None:
    """Publish: make a release of these graphs and let it be current. Readers see the old one until then.

    Args:
        data_dir: the data directory.
        base_iri: of the deployment, ends with a slash.
        graphs: the institutions' graphs, those of unchanged institutions too (`released_graphs` has them).
        extra: N-Triples by graph IRI: registry, vocabularies, reports. The description is made here.
        institutions: JSON-able summaries, kept in `release.json`; of each the `institution` and `name` are used.
        alliances: the same of alliances.
        volatile: graphs that alone do not justify a release, such as reports; the description is always one.
        full: make a release in any case, and bulk-load its store.
        now: UTC time of the release; None takes the clock.

    Returns:
        The new release, or None if the current one is whole and holds the same graphs.

    Raises:
        PublishError: a graph is missing, damaged or not N-Quads, the disk is full, or another process is publishing.
            What was current stays current.
    """
    iris = Iris(base_iri)
    texts = {
        graph: EqualValues().drop(sort_lines(text)) for graph, text in extra.items() if graph != iris.description_graph
    }
    _check_graphs(base_iri, [graph.graph for graph in graphs], texts)
    with lock_releases(data_dir) as releases:
        previous = _find_previous(data_dir, base_iri)
        hashes = {graph.graph: graph.sha256 for graph in graphs}
        hashes.update(
            (graph, hashlib.sha256(to_quads(text, graph).encode()).hexdigest()) for graph, text in texts.items()
        )
        if previous is not None and not full and _same_graphs(previous, hashes, volatile | {iris.description_graph}):
            return None
        moment = _release_time(data_dir, now)
        partial = releases / f"{PARTIAL}{moment.strftime(TIME_FORMAT)}"
        inputs = ReleaseInputs(iris, graphs, texts, institutions, alliances, full, moment)
        try:
            try:
                info = ReleaseBuilder(partial, inputs, previous).run()
            except PreviousDamaged as exc:
                log.warning("%s; building the release from the graphs alone", exc)
                remove_directory(partial)
                info = ReleaseBuilder(partial, inputs, None).run()
            directory = releases / info["id"]
            partial.rename(directory)
            sync_directory(releases)
            make_current(data_dir, info["id"])
        except OSError as exc:
            raise PublishError(f"the release could not be made: {exc}; the last one stays") from exc
        finally:
            remove_directory(partial)
        prune_locked(data_dir, KEEP)
    return Release(directory.name, directory, info)


def released_graphs(release: Release) -> dict[str, GraphFile]:
    """Return the institutions' graphs of a release by institution id: the last good ones, to be published again."""
    return {
        graph["institution"]: GraphFile(
            release.dumps_path / f"{dumps.dump_name(iri, release.info['base_iri'])}{dumps.NQUADS_SUFFIX}",
            iri,
            graph["triples"],
            graph["sha256"],
            graph["specifications"],
            graph["instances"],
        )
        for iri, graph in release.info["graphs"].items()
        if graph["institution"] is not None
    }


def _check_graphs(base_iri: str, graphs: Sequence[str], texts: Mapping[str, str]) -> None:
    for graph in (*graphs, *texts):
        dumps.dump_name(graph, base_iri)
    graph, count = max(Counter([*graphs, *texts]).items(), key=lambda item: item[1], default=("", 0))
    if count > 1:
        raise PublishError(f"the graph <{graph}> was given twice")


def _find_previous(data_dir: Path, base_iri: str) -> Release | None:
    """Return the current release if the new one can be built on it."""
    if not (data_dir / CURRENT).is_symlink():
        return None
    try:
        release = current_release(data_dir)
        verify_release(release)
    except StoreUnusable as exc:
        log.warning("%s; building the next release from the graphs alone", exc)
        return None
    return release if release.info.get("base_iri") == base_iri else None


def _same_graphs(previous: Release, hashes: Mapping[str, str], volatile: frozenset[str]) -> bool:
    old = {iri: graph["sha256"] for iri, graph in previous.info["graphs"].items() if iri not in volatile}
    return old == {iri: sha256 for iri, sha256 in hashes.items() if iri not in volatile}


def _release_time(data_dir: Path, now: datetime | None) -> datetime:
    """Return the time to the second, later than all releases there are: their order is that of their ids."""
    moment = (now or datetime.now(UTC)).astimezone(UTC).replace(microsecond=0)
    if releases := list_releases(data_dir):
        last = datetime.strptime(releases[0].id, TIME_FORMAT).replace(tzinfo=UTC)
        moment = max(moment, last + timedelta(seconds=1))
    return moment
