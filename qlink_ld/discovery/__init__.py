"""The room discovery: Where do they publish?"""

from qlink_ld.discovery.manifest import Manifest, parse_manifest
from qlink_ld.discovery.well_known import Discovery, Probe, find_manifest, search_manifest

__all__ = ["Discovery", "Manifest", "Probe", "find_manifest", "parse_manifest", "search_manifest"]
