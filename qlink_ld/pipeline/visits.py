"""Visits the sources of an institution, those whose turn it is; for the others, what they said last time counts."""

import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Literal

from qlink_ld.config import Config, HarvestSettings
from qlink_ld.errors import AccessRefused, HarvestError, QlinkError
from qlink_ld.harvest.snapshot import load_latest_snapshot, source_folder
from qlink_ld.harvest.source import harvest_source
from qlink_ld.harvest.visit_state import load_visit_state
from qlink_ld.http import ProviderClient
from qlink_ld.mapping import find_mapping
from qlink_ld.model import DataSource, Institution, Issue, Snapshot
from qlink_ld.pipeline.access import load_access

log = logging.getLogger(__name__)

# Whose turn it is: every source; all but those that say themselves that it is too early; or, on schedule, only those
# whose hours have passed, 24 unless they say otherwise (Data Source Discovery, requirement I-01).
Pace = Literal["now", "stated", "due"]
SLOTS = ".slots"  # in the data directory: the limits that hold for all processes together
OnStage = Callable[[str, int, int | None], None]  # stage, done, of how many


class NoSource(HarvestError):
    """No source of an institution gave anything; `issues` says why each did not."""

    def __init__(self, issues: Sequence[Issue]) -> None:
        super().__init__("; ".join(issue.message for issue in issues))
        self.issues = tuple(issues)


def visit_sources(
    config: Config, institution: Institution, progress: OnStage, *, offline: bool, full: bool, pace: Pace
) -> tuple[list[Snapshot], list[Issue]]:
    """Visit every source whose turn it is; one that fails is reported, and its last snapshot is used.

    Args:
        config: the deployment.
        institution: with its sources.
        progress: told how far the visits are.
        offline: visit nobody.
        full: ask for everything, whether or not it may have changed.
        pace: whose turn it is.

    Raises:
        NoSource: no source gave anything.
    """
    snapshots: list[Snapshot] = []
    issues: list[Issue] = []
    now = datetime.now(UTC)
    with contextlib.ExitStack() as stack:
        client: ProviderClient | None = None
        for source in institution.sources:
            try:
                find_mapping(source)
                old = load_latest_snapshot(config.data_dir, institution.id, source)
                if old is not None and (offline or not _is_due(config, institution, source, now, pace)):
                    snapshots.append(replace(old, unchanged=True))
                    continue
                if offline:
                    raise HarvestError(
                        f"{institution.id}: there is no snapshot of source '{source.id}'; run once without --offline"
                    )
                if client is None:  # one for all sources, so that the limit per host holds for all of them
                    access = load_access(config, institution)
                    client = stack.enter_context(
                        ProviderClient(config.harvest, authorize=access, slots=config.data_dir / SLOTS)
                    )
                snapshots.append(
                    harvest_source(
                        institution,
                        source,
                        config.harvest,
                        config.data_dir,
                        client=client,
                        on_progress=lambda done, total: progress("harvest", done, total),
                        full=full,
                    )
                )
            except QlinkError as error:
                log.info("institution=%s stage=harvest source=%s failed: %s", institution.id, source.id, error)
                code = error.code if isinstance(error, AccessRefused) else "source-failed"
                issues.append(Issue(code, str(error), "violation", source.id, position=source.path))
                old = load_latest_snapshot(config.data_dir, institution.id, source)
                if old is not None:
                    snapshots.append(old)
    if not snapshots or len(issues) == len(institution.sources):
        raise NoSource(issues)
    return snapshots, issues


def _is_due(config: Config, institution: Institution, source: DataSource, now: datetime, pace: Pace) -> bool:
    if pace == "now" or (pace == "stated" and not source.refresh_stated):
        return True
    state = load_visit_state(source_folder(config.data_dir, institution.id, source))
    settings: HarvestSettings = config.harvest
    least = source.refresh_h if source.refresh_stated else settings.refresh_without_validators_h
    return state is None or state.is_due(now, source.refresh_h, least)
