"""Is a source an OCCAPI server of a version that can be harvested? Its address and version say so."""

import re
from urllib.parse import urlsplit

from qlink_ld.errors import HarvestError
from qlink_ld.harvest.snapshot import major_version
from qlink_ld.harvest.visit import Visit


def check_source(visit: Visit) -> None:
    """See that a source can be harvested.

    Raises:
        HarvestError: another version, or no server's address.
    """
    source = visit.source
    shown = visit.shown(source.path)
    if urlsplit(source.path).scheme not in ("http", "https"):
        raise HarvestError(f"{shown}: an OCCAPI source is a server; give its http(s) address as `path`")
    in_path = re.search(r"/v(\d+)(?:[./]|$)", urlsplit(source.path).path)
    major = major_version(source.version) if source.version else in_path[1] if in_path else None
    if major not in (None, "1", "2"):
        raise HarvestError(
            f"{shown}: OCCAPI version {source.version or major} is not supported; qlink-ld harvests versions 1 and 2"
        )
