"""Where are our keys and what do we know of providers' secrets? The part `[access]` of the configuration."""

import ipaddress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class AccessSettings:
    """Files that only the operator may read, and where our requests come from."""

    keys: Path | None = None  # folder of our private keys; None: `keys` in the data directory
    credentials: Path | None = None  # TOML file of credentials that providers gave us by hand; None: there are none
    addresses: tuple[str, ...] = ()  # published, for providers that let in by address (requirement A-02)

    def __post_init__(self) -> None:
        """See that the addresses are such.

        Raises:
            ValueError: one is neither an address nor a range.
        """
        for address in self.addresses:
            try:
                ipaddress.ip_network(address)
            except ValueError:
                raise ValueError(
                    f"'addresses' has IP addresses and ranges such as 192.0.2.0/24, not {address!r}"
                ) from None
