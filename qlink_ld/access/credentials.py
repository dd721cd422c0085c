"""What did a provider give us by hand? The operator's file of secrets, apart from the configuration.

    [[credential]]
    institution = "NL0028"                       # or any, if it is left out
    token_endpoint = "https://login.example.nl/token"
    client_id = "qlink"
    client_secret = "…"                          # or client_secret_env = "NAME": an environment variable
    client_authentication = "basic"              # or "body"; basic if it is left out

Source: Data Exchange, §Access control, requirements A-11, A-12 and A-15.
"""

import os
import stat
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qlink_ld.errors import ConfigurationError

_KNOWN = {
    "institution",
    "token_endpoint",
    "client_id",
    "client_secret",
    "client_secret_env",
    "scope",
    "client_authentication",
}


@dataclass(frozen=True, slots=True)
class Credential:
    """Who we are at one token endpoint."""

    token_endpoint: str
    client_id: str
    client_secret: str = field(repr=False)
    institution: str | None = None  # None: any
    scope: str | None = None
    in_body: bool = False  # id and secret go into the body instead of the header


def load_credentials(file: Path | None) -> tuple[Credential, ...]:
    """Read the operator's credentials; none without a file.

    Raises:
        ConfigurationError: unreadable, readable for others than its owner, or an entry that is not complete. The
            message never has a secret in it.
    """
    if file is None:
        return ()
    try:
        if file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise ConfigurationError(f"{file}: others than its owner may read it; run chmod 600 on it")
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot read the credentials {file}: {type(error).__name__}; correct it") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{file}: not valid TOML: {error}") from None
    entries = table.get("credential", [])
    if not isinstance(entries, list) or table.keys() - {"credential"}:
        raise ConfigurationError(f"{file}: has [[credential]] entries and nothing else")
    return tuple(_read(entry, f"{file}: credential {number}") for number, entry in enumerate(entries, 1))


def find_credential(credentials: Sequence[Credential], institution: str, token_endpoint: str) -> Credential | None:
    """Return the credential for an institution's token endpoint, the institution's own before one for any."""
    usable = [c for c in credentials if c.token_endpoint == token_endpoint and c.institution in (institution, None)]
    return min(usable, key=lambda credential: credential.institution is None, default=None)


def _read(entry: dict[str, Any], where: str) -> Credential:
    if unknown := sorted(entry.keys() - _KNOWN):
        raise ConfigurationError(f"{where}: unknown key '{unknown[0]}'; allowed: {', '.join(sorted(_KNOWN))}")
    if wrong := sorted(name for name, value in entry.items() if not isinstance(value, str) or not value):
        raise ConfigurationError(f"{where}: '{wrong[0]}' must be text")
    variable = entry.get("client_secret_env")
    secret = entry.get("client_secret") if variable is None else os.environ.get(variable)
    if variable is not None and secret is None:
        raise ConfigurationError(f"{where}: the environment has no variable {variable}")
    for name in ("token_endpoint", "client_id"):
        if name not in entry:
            raise ConfigurationError(f"{where}: '{name}' is missing")
    if not secret:
        raise ConfigurationError(f"{where}: 'client_secret' or 'client_secret_env' is missing")
    how = entry.get("client_authentication", "basic")
    if how not in ("basic", "body"):
        raise ConfigurationError(f"{where}: 'client_authentication' is basic or body")
    return Credential(
        entry["token_endpoint"],
        entry["client_id"],
        secret,
        entry.get("institution"),
        entry.get("scope"),
        how == "body",
    )
