"""What does the DNS know of a domain? Its TXT records; and its addresses, where name servers are configured.

dnspython asks over UDP, and again over TCP where an answer was cut.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import dns.exception
import dns.name
import dns.nameserver
import dns.rcode
import dns.rdtypes.ANY.TXT
import dns.resolver
import httpcore

from qlink_ld.discovery.domains import is_address
from qlink_ld.discovery_settings import DiscoverySettings, parse_resolver
from qlink_ld.guarded_transport import UnknownHost, resolve_host

_TRY_SHARE: Final = 0.4  # of the time, before a question is repeated or another server is asked
_PAYLOAD_BYTES: Final = 1232  # over UDP: DNS Flag Day 2020


@dataclass(frozen=True, slots=True)
class TxtAnswer:
    """What the DNS said. `outcome` is "records", "no-record", "no-domain", "dns-timeout" or "dns-failed"."""

    outcome: str
    message: str
    records: tuple[str, ...] = ()  # the character strings of each joined (D-04)


class NameServers:
    """Asks the configured name servers, else those of the system.

    Args:
        settings: name servers and time-out.
    """

    def __init__(self, settings: DiscoverySettings) -> None:
        self._settings = settings

    @functools.cached_property
    def _resolver(self) -> dns.resolver.Resolver:
        configured = [parse_resolver(text) for text in self._settings.resolvers]
        resolver = dns.resolver.Resolver(configure=not configured)
        if configured:
            resolver.nameservers = [dns.nameserver.Do53Nameserver(address, port) for address, port in configured]
        resolver.timeout = _TRY_SHARE * self._settings.dns_timeout_s
        resolver.lifetime = self._settings.dns_timeout_s
        resolver.use_edns(0, 0, _PAYLOAD_BYTES)
        return resolver

    def find_txt(self, domain: str) -> TxtAnswer:
        """Return the TXT records of a domain; what goes wrong is an answer, too."""
        try:
            answer = self._resolver.resolve(dns.name.from_text(domain), "TXT", search=False)
        except dns.resolver.NXDOMAIN:
            return TxtAnswer("no-domain", "the domain does not exist (NXDOMAIN)")
        except dns.resolver.NoAnswer:
            return TxtAnswer("no-record", "the domain has no TXT record")
        except dns.exception.Timeout:
            seconds = self._settings.dns_timeout_s
            return TxtAnswer("dns-timeout", f"the name servers gave no answer within {seconds:g} s")
        except dns.resolver.NoNameservers as error:
            return TxtAnswer("dns-failed", f"the name servers failed ({_reasons(error)})")
        except dns.resolver.NoResolverConfiguration:
            return TxtAnswer("dns-failed", "this system names no name server")
        except dns.exception.DNSException as error:
            return TxtAnswer("dns-failed", f"the DNS could not be asked ({type(error).__name__})")
        texts = [
            b"".join(record.strings).decode("utf-8", "replace")
            for record in answer
            if isinstance(record, dns.rdtypes.ANY.TXT.TXT)
        ]
        return TxtAnswer("records", f"{len(texts)} TXT records", tuple(texts))

    def find_addresses(self, host: str, port: int, timeout_s: float) -> Sequence[str]:
        """Return the addresses of a host: from the configured name servers, if any, else as the system has it.

        Raises:
            UnknownHost: the name does not exist or has no address.
            httpcore.ConnectError: the name servers failed for now.
            httpcore.ConnectTimeout: no answer in time.
        """
        if not self._settings.resolvers or is_address(host) or host.rpartition(".")[2] == "localhost":
            return resolve_host(host, port, timeout_s)
        lifetime = min(timeout_s, self._settings.dns_timeout_s)
        try:
            found = self._resolver.resolve_name(dns.name.from_text(host), lifetime=lifetime, search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer) as error:
            raise UnknownHost(f"there is no host {host}") from error
        except dns.exception.Timeout as error:
            raise httpcore.ConnectTimeout(f"the name servers gave no answer for {host} in time") from error
        except dns.exception.DNSException as error:
            raise httpcore.ConnectError(f"the name {host} could not be looked up for now") from error
        addresses = list(found.addresses())
        if not addresses:
            raise UnknownHost(f"there is no host {host}")
        return addresses


def _reasons(error: dns.resolver.NoNameservers) -> str:
    """Name what each server answered, such as SERVFAIL or REFUSED."""
    errors = error.kwargs.get("errors") or []
    reasons = dict.fromkeys(
        entry[3] if isinstance(entry[3], str) else type(entry[3]).__name__ for entry in errors if len(entry) > 3
    )
    return ", ".join(reasons) or "no reason given"
