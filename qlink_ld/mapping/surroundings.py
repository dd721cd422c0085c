"""Accounts for what stands in a document beside its records: not even a list that nobody reads is lost in silence."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from qlink_ld.mapping.account import Account
from qlink_ld.mapping.paths import EACH, Path

MAX_NAMES = 50  # members of one object; one with more is keyed by something, and they count together
MAX_DEPTH = 32


def count_surroundings(
    document: Any,  # noqa: ANN401 (JSON)
    read: Iterable[Path],
    ignore: Mapping[str, str],
    account: Account,
    page: str,
) -> None:
    """Count the leaves of a document that are in no record, and that no record takes from its surroundings.

    Args:
        document: its value.
        read: the ways to all that is read.
        ignore: reasons by `path.to.member`, `page.path.to.member` or `member`, for a member with all that is in it.
        account: takes them as ignored or unmapped, by their path.
        page: what the page is called.
    """
    _count(document, (), [tuple(way) for way in read], ignore, account, page)


def _count(
    value: Any,  # noqa: ANN401 (JSON)
    path: Path,
    ways: Collection[Path],
    ignore: Mapping[str, str],
    account: Account,
    page: str,
    depth: int = 0,
) -> None:
    if () in ways or value is None:
        return
    name = ".".join(path)
    reason = ignore.get(f"{page}.{name}") or ignore.get(name) or ignore.get(path[-1]) if path else None
    if reason:
        account.count(page, name, "ignored", value, reason)
    elif depth >= MAX_DEPTH:
        account.count(page, name, "unmapped", value)
    elif isinstance(value, list):
        for item in value:
            _count(item, path, ways, ignore, account, page, depth + 1)
    elif isinstance(value, dict):
        many = len(value) > MAX_NAMES
        for key, member in value.items():
            known = any(way[0] == key for way in ways)
            below = [way[1:] for way in ways if way[0] in (EACH, key)]
            step = key if known or not many else EACH
            _count(member, (*path, step), below, ignore, account, page, depth + 1)
    else:
        account.count(page, name, "unmapped", value)
