"""Is there a manifest at an address? One request, and what came of it as a probe: outcome, reason, what to fix.

Source: QualityLink Data Source Discovery, requirements D-07, D-08, D-15, D-16.
"""

import socket
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

import dns.exception
import httpcore

from qlink_ld.discovery.manifest import MAX_BYTES, Manifest, judge_manifest
from qlink_ld.errors import HarvestError, SourceRefused, SourceUnavailable
from qlink_ld.guarded_transport import UnknownHost
from qlink_ld.http import ProviderClient, read_file_url
from qlink_ld.model import Mechanism, Probe
from qlink_ld.request_url import hide_secrets

ACCEPT: Final = "application/json, application/yaml;q=0.9, */*;q=0.5"
ATTEMPTS: Final = 2
_STATUSES = [status for status in range(400, 600) if status not in (429, 502, 503, 504)]
# Outcomes that may be another one in an hour.
TRANSIENT: Final = frozenset({"dns-timeout", "dns-failed", "unavailable", "timeout", "unreachable", "server-error"})
_HOPELESS = frozenset({"no-host", "dns-timeout", "dns-failed", "certificate-invalid", "unreachable", "timeout"})
# What the one who runs the domain can do about an outcome. What is as it should be needs no advice.
ADVICE: Final = {
    "no-domain": "check the domain in the registry",
    "dns-timeout": "try again later; if it stays so, the domain's name servers need repair",
    "dns-failed": "try again later; if it stays so, the domain's name servers need repair (DNSSEC above all)",
    "record-invalid": 'correct the record: "v=qldiscover1; m=https://…/manifest.json"',
    "no-host": "give the host an address in the DNS, or check the address",
    "certificate-invalid": "install a certificate that is valid for this host, with its intermediate certificates",
    "unreachable": "let the web server answer on this port, also from outside; or try again later",
    "timeout": "try again later; if it stays so, the web server needs repair",
    "unavailable": "try again later",
    "server-error": "try again later; if it stays so, the web server needs repair",
    "forbidden": "let everybody read the manifest: it is public, and nothing in it is secret",
    "status": "let the web server answer with the manifest and status 200",
    "unreadable": "check the file's path and permissions",
    "too-large": f"a manifest has at most {MAX_BYTES:,} bytes; serve the manifest itself at this address",
    "not-a-manifest": "serve the manifest at this address, or answer 404 if there is none",
}
_NAMED_ADVICE: Final = {  # where somebody names an address, a manifest must be there
    ("dns-txt", "not-found"): "publish the manifest at the address that the TXT record names, or correct the record",
    ("configured", "not-found"): "correct `manifest` in the configuration",
}


@dataclass(frozen=True, slots=True)
class Fetched:
    """What one request brought. `hopeless`: no other address of the same host will do better."""

    probe: Probe
    manifest: Manifest | None = None
    hopeless: bool = False


def fetch_manifest(client: ProviderClient, url: str, domain: str, mechanism: Mechanism) -> Fetched:
    """Ask one address for a manifest.

    Args:
        client: asks; its limits hold.
        url: http(s), or a file URL that the operator gave.
        domain: whose manifest it would be.
        mechanism: of `Probe`.

    Returns:
        The probe, and the manifest if there is one.
    """
    started = Started()
    shown = hide_secrets(url, ()) if not url.startswith("file:") else url
    try:
        if mechanism == "configured" and url.startswith("file:"):
            answer = read_file_url(url, MAX_BYTES)
        else:
            answer = client.get(url, accept=ACCEPT, attempts=ATTEMPTS, max_bytes=MAX_BYTES, answers=_STATUSES)
    except HarvestError as error:
        outcome = _outcome_of(error)
        message, _, advice = str(error).removeprefix(f"{shown}: ").partition("; ")
        probe = started.probe(domain, mechanism, shown, outcome, message)
        return Fetched(
            probe if probe.advice else replace(probe, advice=advice),
            hopeless=outcome in _HOPELESS,
        )
    moved = f" (redirected to {answer.url})" if answer.url != shown else ""
    if not 200 <= answer.status < 300:
        outcome, message = _judge_status(answer.status)
        return Fetched(started.probe(domain, mechanism, shown, outcome, message + moved))
    manifest = judge_manifest(answer.body, shown)
    if not manifest.readable:
        message = manifest.issues[-1].message.removeprefix("not a manifest: ")
        return Fetched(started.probe(domain, mechanism, shown, "not-a-manifest", message + moved))
    usable = len(manifest.sources)
    message = f"a manifest with {usable} usable source{'' if usable == 1 else 's'}{moved}"
    return Fetched(started.probe(domain, mechanism, shown, "found", message), manifest)


class Started:
    """A probe that has begun now."""

    def __init__(self) -> None:
        self._at = datetime.now(UTC)
        self._clock = time.monotonic()

    def probe(self, domain: str, mechanism: Mechanism, url: str, outcome: str, message: str) -> Probe:
        """Return the probe with its outcome, advice and time."""
        return Probe(
            domain=domain,
            mechanism=mechanism,
            url=url,
            outcome=outcome,
            message=message,
            advice=_NAMED_ADVICE.get((mechanism, outcome)) or ADVICE.get(outcome, ""),
            at=self._at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            seconds=round(time.monotonic() - self._clock, 3),
        )


def _judge_status(status: int) -> tuple[str, str]:
    if status in (404, 410):
        return "not-found", f"nothing is there (status {status})"
    if status in (401, 403):
        return "forbidden", f"the server wants credentials, or not us (status {status})"
    if status >= 500:
        return "server-error", f"the server failed (status {status})"
    return "status", f"the server answered with status {status}"


def _outcome_of(error: HarvestError) -> str:
    """Tell apart why there is no answer, by what the network said."""
    cause = error.__cause__
    if isinstance(error, SourceRefused):
        return "refused"
    if not isinstance(error, SourceUnavailable):
        return "too-large" if "larger than the limit" in str(error) else "not-a-manifest"
    if isinstance(cause, UnknownHost):
        return "no-host"
    behind = cause.__cause__ or cause.__context__ if cause else None  # httpcore's pool keeps the context only
    if isinstance(behind, dns.exception.DNSException | socket.gaierror):
        return "dns-timeout" if isinstance(cause, httpcore.TimeoutException) else "dns-failed"
    if isinstance(cause, httpcore.TimeoutException):
        return "timeout"
    if isinstance(cause, httpcore.ConnectError):
        return "certificate-invalid" if "CERTIFICATE_VERIFY_FAILED" in str(cause) else "unreachable"
    return "unreadable" if isinstance(cause, OSError) else "unavailable"
