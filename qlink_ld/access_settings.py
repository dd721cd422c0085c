"""Where are our keys and what do we know of providers' secrets? The part `[access]` of the configuration."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class AccessSettings:
    """Files that only the operator may read."""

    keys: Path | None = None  # folder of our private keys; None: `keys` in the data directory
    credentials: Path | None = None  # TOML file of credentials that providers gave us by hand; None: there are none
