"""Finds the sources of an institution for which the configuration gives none: its manifest's, or last time's."""

from dataclasses import dataclass

from qlink_ld.config import Config
from qlink_ld.discovery.search import explain_failure, search_manifest
from qlink_ld.model import DataSource, HarvestReport, Institution, Issue, Probe


@dataclass(frozen=True, slots=True)
class FoundSources:
    """The sources to visit, and how they were found. `failure` says why there are none."""

    sources: tuple[DataSource, ...]
    probes: tuple[Probe, ...] = ()
    issues: tuple[Issue, ...] = ()
    failure: str | None = None

    @property
    def complete(self) -> bool:
        """True if no source had to be left out."""
        return all(issue.severity != "violation" for issue in self.issues)


def find_sources(
    config: Config, institution: Institution, offline: bool, previous: HarvestReport | None
) -> FoundSources:
    """Return the configured sources, else look for the manifest; offline, take the sources of the last run."""
    if institution.sources:
        return FoundSources(institution.sources)
    if offline:
        return _recall(institution, previous)
    discovery = search_manifest(institution, config.harvest, config.discovery)
    sources = discovery.manifest.sources if discovery.manifest else ()
    failure = None if sources else explain_failure(discovery, institution)
    return FoundSources(sources, discovery.probes, discovery.issues, failure)


def _recall(institution: Institution, previous: HarvestReport | None) -> FoundSources:
    known = previous.sources if previous else ()
    if previous is None or not known:
        failure = f"{institution.id}: its sources are not known yet; run once without --offline"
        return FoundSources((), failure=failure)
    sources = tuple(
        DataSource(
            id=str(source["id"]),
            type=str(source["type"]),
            path=str(source["url"]),
            version=None if source.get("version") is None else str(source["version"]),
        )
        for source in known
    )
    return FoundSources(sources, previous.probes)
