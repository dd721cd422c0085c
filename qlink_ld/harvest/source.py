"""Which harvester for which source? One visit: fetch, keep a snapshot, say whether anything changed."""

import logging
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from qlink_ld.config import HarvestSettings
from qlink_ld.errors import HarvestError
from qlink_ld.harvest.edu_api import EduApiHarvester
from qlink_ld.harvest.elm import ElmHarvester
from qlink_ld.harvest.occapi import OccapiHarvester
from qlink_ld.harvest.ooapi import OoapiHarvester
from qlink_ld.harvest.remembered import RememberingClient
from qlink_ld.harvest.single_file import FileHarvester
from qlink_ld.harvest.snapshot import SnapshotWriter
from qlink_ld.harvest.visit import OnProgress, Visit
from qlink_ld.harvest.visit_state import VisitState, load_visit_state, store_visit_state
from qlink_ld.http import ProviderClient, usable_headers
from qlink_ld.model import DataSource, Institution, Issue, Snapshot

log = logging.getLogger(__name__)


class Harvester(Protocol):
    """Fetches a source of one type."""

    def fetch(self, visit: Visit) -> None:
        """Put what the source publishes into `visit.writer`, and what went wrong into `visit.report`.

        Raises:
            HarvestError: nothing could be had.
        """


HARVESTERS: Mapping[str, Harvester] = {
    "elm": ElmHarvester(),
    "ooapi": OoapiHarvester(),
    "edu-api": EduApiHarvester(),
    "occapi": OccapiHarvester(),
    "json": FileHarvester(),
    "xml": FileHarvester(),
    "csv": FileHarvester(),
}


def harvest_source(
    institution: Institution,
    source: DataSource,
    settings: HarvestSettings,
    data_dir: Path,
    now: datetime | None = None,
    *,
    client: ProviderClient | None = None,
    on_progress: OnProgress | None = None,
    sample: int | None = None,
    full: bool = False,
) -> Snapshot:
    """Visit one source.

    Args:
        institution: whose source it is.
        source: where and what.
        settings: limits and politeness.
        data_dir: where snapshots are kept.
        now: UTC time of the visit; None takes the clock's.
        client: shared by the sources of a run, so that the limit per host holds for all of them; None makes one.
        on_progress: told after each list or file how many are done, and of how many.
        sample: about so many records of each kind are enough, and the source is spared the rest; None for all.
            Files are read whole.
        full: ask for everything, whether or not it may have changed.

    Returns:
        The new snapshot, or the one before with `unchanged` set if the source says the same as then.

    Raises:
        HarvestError: nothing could be had; the snapshots before stay. Its subclasses say whose turn it is.
    """
    harvester = HARVESTERS.get(source.type)
    if harvester is None:
        known = ", ".join(HARVESTERS)
        raise HarvestError(
            f"source '{source.id}' of {institution.id}: the type '{source.type}' cannot be harvested; known: {known}"
        )
    if client is None:
        with ProviderClient(settings) as own:
            return harvest_source(
                institution,
                source,
                settings,
                data_dir,
                now,
                client=own,
                on_progress=on_progress,
                sample=sample,
                full=full,
            )
    started = time.monotonic()
    now = (now or datetime.now(UTC)).astimezone(UTC)
    with SnapshotWriter(data_dir, institution.id, source, now, settings.resume_h) as writer:
        state = load_visit_state(writer.folder)
        full = full or state is None or now - state.full_at >= timedelta(hours=settings.full_visit_h)
        pages = [page for page in writer.remembered if page.fresh or not full]
        before = state if state is not None and not full else None
        asking = RememberingClient(
            client, source, pages, before.ignoring if before else (), before.absent if before else None
        )
        asking.filter_refused = before.filter_refused if before else False
        visit = Visit(institution, source, asking, writer, now, on_progress, sample)
        if source.auth.type in ("httpheader", "oauth2.0") and urlsplit(source.path).scheme == "http":
            message = f"a secret ({source.auth.type}) goes over http, readable for everybody between; offer https"
            visit.report(Issue("auth-insecure", message, source=source.id, field="auth"))
        for problem in usable_headers(source.headers)[1]:
            visit.report(Issue("header-ignored", problem, source=source.id, field="headers"))
        harvester.fetch(visit)
        snapshot = writer.finish(
            complete=visit.complete, issues=visit.issues, keep=settings.keep_snapshots, renew=asking.damaged
        )
        full_at = now if full or state is None else state.full_at
        store_visit_state(
            writer.folder,
            VisitState(
                now,
                visit.complete,
                full_at,
                asking.validators,
                tuple(sorted(asking.ignoring)),
                asking.absent,
                asking.filter_refused,
            ),
        )
    snapshot = replace(snapshot, requests=asdict(asking.thrift))
    log.info(
        "institution=%s stage=harvest source=%s pages=%d bytes=%d complete=%s unchanged=%s requests=%d conditional=%d "
        "issues=%d seconds=%.1f",
        institution.id,
        source.id,
        len(snapshot.pages),
        sum(page.size_bytes for page in snapshot.pages),
        snapshot.complete,
        snapshot.unchanged,
        asking.thrift.requests,
        asking.thrift.conditional,
        sum(issue.count for issue in snapshot.issues),
        time.monotonic() - started,
    )
    return snapshot
