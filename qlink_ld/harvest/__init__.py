"""The room harvest: What do they publish, and did it change?"""

from qlink_ld.harvest.snapshot import load_latest_snapshot
from qlink_ld.harvest.source import HARVESTERS, Harvester, harvest_source

__all__ = ["HARVESTERS", "Harvester", "harvest_source", "load_latest_snapshot"]
