"""The room discovery: Where do they publish?"""

from qlink_ld.discovery.manifest import Manifest, check_meta, judge_manifest, parse_manifest
from qlink_ld.discovery.search import Discovery, explain_failure, search_manifest

__all__ = [
    "Discovery",
    "Manifest",
    "check_meta",
    "explain_failure",
    "judge_manifest",
    "parse_manifest",
    "search_manifest",
]
