"""Where is an institution's manifest? The search, domain by domain: the DNS first, then the well-known addresses.

Source: QualityLink Data Source Discovery; requirements D-01, D-05, D-06, D-10, D-13 to D-15, D-18.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from qlink_ld.config import HarvestSettings
from qlink_ld.discovery.dns_txt import VERSION, read_announcements
from qlink_ld.discovery.domains import Candidate, NoDomain, bracket, find_candidates
from qlink_ld.discovery.fetch import ADVICE, TRANSIENT, Fetched, Started, fetch_manifest
from qlink_ld.discovery.manifest import Manifest, check_meta
from qlink_ld.discovery.name_servers import NameServers
from qlink_ld.discovery_settings import DiscoverySettings
from qlink_ld.http import ProviderClient
from qlink_ld.model import Institution, Issue, Mechanism, Probe

log = logging.getLogger(__name__)

WELL_KNOWN: Final = (  # D-06, in this order
    "/.well-known/quality-link-manifest",
    "/.well-known/quality-link-manifest.json",
    "/.well-known/quality-link-manifest.yaml",
)


@dataclass(frozen=True, slots=True)
class Discovery:
    """How the search for a manifest went. `manifest` is None if there is none."""

    manifest: Manifest | None
    probes: tuple[Probe, ...]
    issues: tuple[Issue, ...] = ()  # of the search and of the manifest

    @property
    def transient(self) -> bool:
        """True if some probe failed for now: the manifest may be there."""
        return self.manifest is None and any(probe.outcome in TRANSIENT for probe in self.probes)


def search_manifest(
    institution: Institution,
    harvest: HarvestSettings,
    settings: DiscoverySettings,
    *,
    client: ProviderClient | None = None,
) -> Discovery:
    """Look for an institution's manifest until one is found; nothing is asked after that.

    An answer that is no manifest (a login page, an error page with status 200) counts as not found.

    Args:
        institution: its SCHAC code and website say where to look; a manifest given by hand ends the search.
        harvest: limits and politeness; private addresses are asked only if it allows them.
        settings: name servers and time-outs.
        client: asks web servers; None makes one for this search.

    Returns:
        The manifest, if any, every probe in order, and what a data steward should correct.
    """
    names = NameServers(settings)
    if client is None:
        limits = replace(harvest, timeout_s=min(harvest.timeout_s, settings.timeout_s))
        with ProviderClient(limits, resolve=names.find_addresses) as own:
            return search_manifest(institution, harvest, settings, client=own)
    search = _Search(client, names, settings, harvest.allow_private_addresses)
    manifest = search.run(institution)
    issues = search.issues
    if manifest is not None:
        issues += [*manifest.issues, *check_meta(manifest, institution)]
        log.info(
            "institution=%s stage=discovery manifest=%s sources=%d",
            institution.id,
            manifest.url,
            len(manifest.sources),
        )
    return Discovery(manifest, tuple(search.probes), tuple(issues))


class _Search:
    """One search: the probes made so far, and issues."""

    def __init__(
        self, client: ProviderClient, names: NameServers, settings: DiscoverySettings, allow_private: bool
    ) -> None:
        self.probes: list[Probe] = []
        self.issues: list[Issue] = []
        self._client = client
        self._names = names
        self._settings = settings
        self._allow_private = allow_private

    def run(self, institution: Institution) -> Manifest | None:
        if institution.manifest is not None:
            return self._fetch(institution.manifest, "", "configured").manifest
        for candidate in find_candidates(institution, allow_private=self._allow_private):
            if isinstance(candidate, NoDomain):
                self._note_no_domain(candidate)
                continue
            manifest = self._ask_dns(candidate) or self._ask_well_known(candidate)
            if manifest is not None:
                return manifest
        return None

    def _note_no_domain(self, wrong: NoDomain) -> None:
        message = f"'{wrong.text}' is not a domain"
        advice = f"correct '{wrong.where}' of the institution"
        probe = Started().probe(wrong.text, "domain", "", "invalid-domain", message)
        self.probes.append(replace(probe, advice=advice))

    def _fetch(self, url: str, domain: str, mechanism: Mechanism) -> Fetched:
        fetched = fetch_manifest(self._client, url, domain, mechanism)
        self.probes.append(fetched.probe)
        return fetched

    def _ask_dns(self, candidate: Candidate) -> Manifest | None:
        if not candidate.has_dns:
            return None
        for url in self._announced(candidate.domain):
            manifest = self._fetch(url, candidate.domain, "dns-txt").manifest
            if manifest is not None:
                return manifest
        return None

    def _announced(self, domain: str) -> Iterator[str]:
        """Ask the DNS, and yield the addresses that its records name."""
        started = Started()
        question = f"dns:{domain}?type=TXT"  # RFC 4501

        def note(outcome: str, message: str) -> None:
            self.probes.append(started.probe(domain, "dns-txt", question, outcome, message))

        answer = self._names.find_txt(domain)
        announcements = read_announcements(answer.records)
        if answer.outcome != "records":
            note(answer.outcome, answer.message)
        elif not announcements:
            note("no-record", f"none of {answer.message} begins with {VERSION}")
        if len(announcements) > 1:
            found = ", ".join(f'"{announcement.record}"' for announcement in announcements)
            self.issues.append(
                Issue(
                    "dns-records-several",
                    f"{domain} has {len(announcements)} TXT records that begin with {VERSION}, tried in sorted order: "
                    f"{found}. Keep one of them",
                    position=question,
                )
            )
        for announcement in announcements:
            if announcement.url is None:
                note("record-invalid", f'the record "{announcement.record}" has no m=')
            else:
                note("record", f'the record "{announcement.record}"')
                yield announcement.url

    def _ask_well_known(self, candidate: Candidate) -> Manifest | None:
        origin = candidate.origin or self._settings.origin.replace("{domain}", bracket(candidate.domain))
        for path in WELL_KNOWN:
            fetched = self._fetch(origin + path, candidate.domain, "well-known")
            if fetched.manifest is not None:
                return fetched.manifest
            if fetched.hopeless:  # the other two addresses are on the same host
                return None
        return None


def explain_failure(discovery: Discovery, institution: Institution) -> str:
    """Say in one message why there is nothing to harvest, where it was looked for, and what to do."""
    manifest = discovery.manifest
    if manifest is not None:
        problems = "; ".join(issue.message for issue in manifest.issues if issue.severity != "info")
        return f"{manifest.url}: no source of {institution.id} can be used: {problems}"
    tried = "; ".join(f"{probe.url or probe.domain}: {probe.message}" for probe in discovery.probes)
    if institution.manifest is not None:
        return f"{institution.id}: the manifest that the configuration names cannot be had: {tried}. Correct `manifest`"
    return (
        f"{institution.id} has no manifest: {tried or 'it has neither a schac code nor a website'}. Ask it to "
        "publish one, or give its sources in the configuration as [[institution.source]]"
    )


__all__ = ["ADVICE", "WELL_KNOWN", "Discovery", "explain_failure", "search_manifest"]
