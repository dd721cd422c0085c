"""What is behind an address? Each harvester tries its luck with a sample of one; the one that finds most is right.

Formats resemble each other: an OEAPI 6 server answers the first question of an OOAPI 5 client, too. So it counts how
many kinds of pages a harvester finds, not whether it finds any.
"""

import logging
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from qlink_ld.config import Config
from qlink_ld.errors import QlinkError
from qlink_ld.harvest.source import harvest_source
from qlink_ld.http import ProviderClient
from qlink_ld.mapping import Account, find_mapping, map_snapshot
from qlink_ld.model import DataSource, Institution, Page, Snapshot
from qlink_ld.provider_json import read_json

log = logging.getLogger(__name__)

_TIMEOUT_S = 15.0  # of one request; who only looks does not wait long
_NAMES = {
    ("ooapi", "5"): "Open Education API (OOAPI) 5",
    ("ooapi", "6"): "Open Education API (OEAPI) 6",
    ("edu-api", "1"): "Edu-API 1",
    ("occapi", None): "OCCAPI",
    ("elm", None): "a file of ELM data",
}
_BODIES = {"<": "XML", "{": "JSON", "[": "JSON", "PK": "a spreadsheet", "\ufffd\ufffd\x11": "a spreadsheet"}
_OWN_TYPES = {"XML": "xml", "JSON": "json"}  # the others are tables


@dataclass(frozen=True, slots=True)
class Kind:
    """A type and version of a source, and which kinds of pages it was found to have."""

    type: str
    version: str | None
    resources: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """The format for people."""
        return _NAMES.get((self.type, self.version), self.type)


def recognise(config: Config, institution: Institution, source: DataSource, stated: Kind | None = None) -> Kind | None:
    """Find out what is behind the address of a source.

    Args:
        config: the deployment; its data directory is not touched.
        institution: whose source it may be.
        source: where, and how to get access.
        stated: what it was said to be, and what was found as that; only something better is returned.

    Returns:
        The format that fits best; None if none fits, or none better. Of type "" with the resource "JSON", "XML",
        "a spreadsheet" or "text" it is a file of no format that is known.
    """
    best = stated if stated is not None else Kind("", None)
    settings = replace(config.harvest, timeout_s=min(config.harvest.timeout_s, _TIMEOUT_S))
    unknown: str | None = None
    is_server = urlsplit(source.path).scheme in ("http", "https")
    with tempfile.TemporaryDirectory(prefix="qlink-look-") as folder, ProviderClient(settings, attempts=1) as client:
        for (kind, version), name in _NAMES.items():
            if kind != "elm" and not is_server:
                continue
            if stated is not None and (kind, version) == (stated.type, (stated.version or "")[:1] or None):
                continue
            candidate = replace(source, id=f"{kind}-{version or 0}", type=kind, version=version, content_type=None)
            try:
                snapshot = harvest_source(institution, candidate, settings, Path(folder), client=client, sample=1)
            except QlinkError as error:
                log.info("%s is not %s: %s", source.path, name, error)
                continue
            if kind == "elm" and not _has_records(config, institution, candidate, snapshot):
                unknown = _describe_body(snapshot)
                continue
            resources = frozenset(page.resource for page in snapshot.pages if count_entries(page) != 0)
            if len(resources) > len(best.resources):
                best = Kind(kind, version, resources)
    if best is not stated and best.resources:
        return best
    return Kind("", None, frozenset({unknown})) if unknown and not best.resources else None


def count_entries(page: Page) -> int | None:
    """Return how many entries a page of JSON lists: its list, or the longest one in its object; None if it is no JSON.

    An object without a list is one entry.
    """
    if page.resource == "data":
        return None
    try:
        found = read_json(page.read()).value
    except ValueError:
        return None
    if isinstance(found, dict):
        lists = [value for value in found.values() if isinstance(value, list)]
        return max((len(value) for value in lists), default=1)
    return len(found) if isinstance(found, list) else 1


def _has_records(config: Config, institution: Institution, source: DataSource, snapshot: Snapshot) -> bool:
    account = Account(source.id)
    try:
        return any(map_snapshot(snapshot, find_mapping(source), institution, config.iris, account))
    except QlinkError as error:
        log.info("%s cannot be read as ELM data: %s", source.path, error)
        return False


def _describe_body(snapshot: Snapshot) -> str:
    start = snapshot.pages[0].read()[:200].decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    return next((name for prefix, name in _BODIES.items() if start.startswith(prefix)), "text")


def own_type(kind: Kind) -> str:
    """Return the type that a source of no standard format has."""
    return next((_OWN_TYPES[name] for name in kind.resources if name in _OWN_TYPES), "csv")
