"""Where is an institution's manifest? At a well-known address of its own domain.

Source: QualityLink Data Source Discovery, §Well-known URL; requirements D-06 to D-08, D-10, D-11, D-14, D-15, D-17.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import idna

from qlink_ld.discovery.manifest import MAX_BYTES, Manifest, parse_manifest
from qlink_ld.errors import HarvestError, SourceRefused, SourceUnavailable, UnusableResponse
from qlink_ld.http import ProviderClient
from qlink_ld.model import DataSource, Institution

log = logging.getLogger(__name__)

WELL_KNOWN = ("/.well-known/quality-link-manifest", "/.well-known/quality-link-manifest.json")  # D-06, in this order
GENERIC_LABELS = frozenset({"www", "www2", "www3", "web", "home", "portal"})  # D-11
ACCEPT = "application/json, */*;q=0.5"


@dataclass(frozen=True, slots=True)
class Probe:
    """One address that was tried, and what came of it: "found" or why not."""

    url: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Discovery:
    """How the search for a manifest went. `manifest` is None if there is none."""

    manifest: Manifest | None
    probes: tuple[Probe, ...]
    transient: bool = False  # a probe failed for now: the manifest may be there


def find_manifest(institution: Institution, client: ProviderClient) -> tuple[DataSource, ...]:
    """Return the sources that an institution announces.

    Raises:
        SourceUnavailable: no manifest found, and some server did not answer. Try later.
        SourceRefused: no manifest found; the message names every address that was tried.
        UnusableResponse: the manifest has no usable source.
    """
    discovery = search_manifest(institution, client)
    manifest = discovery.manifest
    if manifest is None:
        tried = "; ".join(f"{probe.url}: {probe.outcome}" for probe in discovery.probes)
        kind = SourceUnavailable if discovery.transient else SourceRefused
        raise kind(
            f"{institution.id} has no manifest: {tried or 'it has neither a schac code nor a website'}. Ask it to "
            "publish one, or give its sources in the configuration as [[institution.source]]"
        )
    if not manifest.sources:
        problems = "; ".join(issue.message for issue in manifest.issues)
        raise UnusableResponse(f"{manifest.url}: no source of {institution.id} can be used: {problems}")
    return manifest.sources


def search_manifest(institution: Institution, client: ProviderClient) -> Discovery:
    """Try the well-known addresses of an institution's domains, one after the other, until one has a manifest.

    An answer that is no manifest (a login page, an error page with status 200) counts as not found.
    """
    probes: list[Probe] = []
    transient = False
    for origin in origins(institution, allow_private=client.settings.allow_private_addresses):
        for path in WELL_KNOWN:
            url = origin + path
            try:
                answer = client.get(url, accept=ACCEPT, attempts=1, max_bytes=MAX_BYTES)
                manifest = parse_manifest(answer.body, url)
            except HarvestError as error:
                transient = transient or error.transient
                probes.append(Probe(url, str(error).removeprefix(f"{url}: ")))
                continue
            probes.append(Probe(url, "found"))
            log.info(
                "institution=%s stage=discovery manifest=%s sources=%d", institution.id, url, len(manifest.sources)
            )
            for issue in manifest.issues:
                log.warning("%s: %s", url, issue.message)
            return Discovery(manifest, tuple(probes))
    return Discovery(None, tuple(probes), transient)


def origins(institution: Institution, *, allow_private: bool = False) -> Iterator[str]:
    """Yield where to look, each once: the SCHAC code as a domain, the website's host, that host without `www`.

    Always over https. Where private addresses are allowed, a website with an explicit port is also asked itself: there
    a test or an intranet has its servers.
    """
    hosts: list[str] = []
    if institution.schac:
        hosts.append(institution.schac)
    website = institution.website or ""
    try:
        parts = urlsplit(website if "://" in website else f"//{website}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        parts, host, port = urlsplit(""), "", None
    if host:
        hosts.append(host)
        label, _, rest = host.partition(".")
        if label in GENERIC_LABELS and "." in rest:
            hosts.append(rest)
    if allow_private and port is not None and parts.scheme in ("http", "https"):
        yield f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    for host in dict.fromkeys(filter(None, map(_to_ascii, hosts))):
        yield f"https://{f'[{host}]' if ':' in host else host}"


def _to_ascii(host: str) -> str:
    """Write a domain in A-labels, lower case; empty if it is none (D-17)."""
    host = host.strip().rstrip(".").lower()
    if host.isascii():
        return host if not set(host) & set("/?#@\\ ") else ""
    try:
        return idna.encode(host, uts46=True).decode()
    except idna.IDNAError:
        return ""
