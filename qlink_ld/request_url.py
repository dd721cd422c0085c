"""What exactly is asked for? Addresses of requests: query parameters added, redirects resolved, secrets left out.

Source: Data Source Discovery requirements M-09, M-11, D-16.
"""

import re
from collections.abc import Collection, Mapping
from urllib.parse import unquote_plus, urlencode, urljoin, urlsplit, urlunsplit

from qlink_ld.errors import SourceRefused

_USUAL = {"http": 80, "https": 443}  # ports


def build_url(url: str, own: Mapping[str, str], extra: Mapping[str, str]) -> str:
    """Add query parameters: `own` win over `extra`, both over those in the URL; names compare without letter case."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable:
        shown = re.sub(r"//[^/@]*@", "//", url.partition("?")[0])
        raise SourceRefused(f"{shown}: only http:// and https:// addresses are fetched; correct the address")
    taken = {name.lower() for name in own}
    added = {name: value for name, value in extra.items() if name.lower() not in taken}
    taken |= {name.lower() for name in added}
    kept = [pair for pair in parts.query.split("&") if pair and _name(pair) not in taken]
    query = "&".join([*kept, *([urlencode(added)] if added else []), *([urlencode(own)] if own else [])])
    return urlunsplit((parts.scheme, parts.netloc, parts.path or "/", query, ""))


def _name(pair: str) -> str:
    return unquote_plus(pair.partition("=")[0]).lower()


def hide_secrets(url: str, names: Collection[str]) -> str:
    """Return the URL without user, password and the source's own query parameters."""
    parts = urlsplit(url)
    hidden = {name.lower() for name in names}
    query = "&".join(pair for pair in parts.query.split("&") if pair and _name(pair) not in hidden)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, query, ""))


def next_hop(current: str, location: str, extra: Mapping[str, str]) -> tuple[str, bool]:
    """Resolve a redirect.

    Args:
        current: the address that redirects.
        location: value of the header.
        extra: the source's query parameters; added again where the redirect stays at the origin and lost them.

    Returns:
        Where it leads, and whether that is the same origin: the source's headers go nowhere else. A change from http to
        https of the same host, on the usual ports, counts as the same.

    Raises:
        SourceRefused: not an http(s) address.
    """
    try:
        there = urljoin(current, location)
        old, new = urlsplit(current), urlsplit(there)
        same = old.hostname == new.hostname and (
            (old.scheme, old.port or _USUAL.get(old.scheme)) == (new.scheme, new.port or _USUAL.get(new.scheme))
            or (old.scheme == "http" and new.scheme == "https" and old.port in (None, 80) and new.port in (None, 443))
        )
    except ValueError:
        raise SourceRefused("an address that is none; ask the provider") from None
    present = {_name(pair) for pair in new.query.split("&")}
    lost = {name: value for name, value in extra.items() if same and name.lower() not in present}
    return build_url(there, {}, lost), same
