"""How are manifests looked for? The part `[discovery]` of the configuration."""

import ipaddress
from dataclasses import dataclass

DNS_PORT = 53


@dataclass(frozen=True, slots=True)
class DiscoverySettings:
    """Whom discovery asks. Times in seconds."""

    resolvers: tuple[str, ...] = ()  # name servers as parse_resolver reads them; none: those of the system
    dns_timeout_s: float = 5.0  # one question to the DNS, all servers and repetitions together
    timeout_s: float = 20.0  # one request for a manifest, redirects included
    origin: str = "https://{domain}"  # where /.well-known/ is; another one for tests and intranets

    def __post_init__(self) -> None:
        """See that the values can be used.

        Raises:
            ValueError: a resolver that is no address, or an origin without a place for the domain.
        """
        for resolver in self.resolvers:
            parse_resolver(resolver)
        scheme, _, rest = self.origin.partition("://")
        if scheme not in ("http", "https") or rest.count("{domain}") != 1 or set(rest) & set("/?#@ "):
            raise ValueError(f"'origin' is an address such as https://{{domain}}:8443, not {self.origin!r}")


def parse_resolver(text: str) -> tuple[str, int]:
    """Read a name server: `192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1` or `[2001:db8::1]:5353`.

    Returns:
        The address and the port, 53 unless stated.

    Raises:
        ValueError: a name, or a port that is none.
    """
    host, port = text, str(DNS_PORT)
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":") or port
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    try:
        address = str(ipaddress.ip_address(host))
    except ValueError:
        raise ValueError(f"'resolvers' has IP addresses such as 127.0.0.1:5353, not {text!r}") from None
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError(f"'resolvers': {text!r} has no port between 1 and 65535")
    return address, int(port)
