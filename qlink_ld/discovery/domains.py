"""On which domains may an institution's manifest be? Its SCHAC code, its website's host, and what is above that.

Source: QualityLink Data Source Discovery, requirements D-10, D-11, D-12, D-17.
"""

import functools
import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import idna
from publicsuffixlist import PublicSuffixList

from qlink_ld.model import Institution

GENERIC_LABELS: Final = frozenset({"www", "www2", "www3", "web", "home", "portal"})  # D-11
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A domain to ask; `origin` is set where its web server is not at the usual place."""

    domain: str  # A-labels, lower case, or an IP address
    origin: str | None = None

    @property
    def has_dns(self) -> bool:
        """True if the DNS can know TXT records of it: not an address, not this machine (RFC 6761 §6.3)."""
        return not is_address(self.domain) and self.domain.rpartition(".")[2] != "localhost"


@dataclass(frozen=True, slots=True)
class NoDomain:
    """What the registry has for a domain, but is none."""

    text: str
    where: str  # "schac" or "website"


def find_candidates(institution: Institution, *, allow_private: bool = False) -> Iterator[Candidate | NoDomain]:
    """Yield the domains to ask, each once.

    They are the SCHAC code, the host of the website, that host without a generic first label, and its registrable
    domain: the public suffix and one label more. User, port and path are dropped. A public suffix itself, such as
    `ac.uk`, is never asked.

    Where private addresses are allowed, the explicit port of a website and its scheme count for all of them: that is
    where a test or an intranet has its servers. A website on this machine or at an address is then asked first.
    """
    website = institution.website or ""
    domain, scheme, port = _split(website)
    own_port = allow_private and port is not None
    local = own_port and not Candidate(domain).has_dns
    if local:
        yield Candidate(domain, f"{scheme}://{bracket(domain)}:{port}")
    seen: set[str] = set()

    def name(found: str) -> Iterator[Candidate]:
        if found not in seen:
            seen.add(found)
            yield Candidate(found, f"{scheme}://{bracket(found)}:{port}" if own_port and not local else None)

    if institution.schac:
        schac = to_ascii(institution.schac)
        if schac:
            yield from name(schac)
        else:
            yield NoDomain(institution.schac, "schac")
    if website and not domain:
        yield NoDomain(website, "website")
    for found in _of_host(domain):
        yield from name(found)


def _split(website: str) -> tuple[str, str, int | None]:
    """Return host, scheme and explicit port of a website; the host is empty if there is none, the port if not http."""
    try:
        parts = urlsplit(website if "://" in website else f"//{website}")
        host, port = to_ascii(parts.hostname or ""), parts.port
    except ValueError:
        return "", "", None
    return host, parts.scheme, port if parts.scheme in ("http", "https") else None


def bracket(domain: str) -> str:
    """Write a domain as it stands in a URL: IPv6 addresses have brackets."""
    return f"[{domain}]" if ":" in domain else domain


def _of_host(domain: str) -> Iterator[str]:
    """Yield a host, the host without a generic label, and its registrable domain."""
    if not domain:
        return
    yield domain
    if is_address(domain):
        return
    label, _, rest = domain.partition(".")
    if label in GENERIC_LABELS and "." in rest and not _suffixes().is_public(rest):
        yield rest
    registrable = _suffixes().privatesuffix(domain)
    if registrable:
        yield registrable


def to_ascii(host: str) -> str:
    """Write a domain in A-labels, lower case, without a dot at its end; empty if it is none (D-17)."""
    host = host.strip().rstrip(".").lower()
    if is_address(host):
        return host
    if not host.isascii():
        try:
            host = idna.encode(host, uts46=True).decode()
        except idna.IDNAError:
            return ""
    fits = 0 < len(host) < 254 and all(_LABEL.fullmatch(label) for label in host.split("."))
    return host if fits else ""


def is_address(host: str) -> bool:
    """Say whether it is an IP address, without brackets."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


@functools.cache
def _suffixes() -> PublicSuffixList:
    """The Public Suffix List that comes with the library; unknown top-level domains count as suffixes."""
    return PublicSuffixList()
