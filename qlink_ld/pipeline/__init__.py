"""Walks institutions through the rooms: harvest → mapping → enrich → validate → publish.

Each institution is processed in a process of its own (`apart`): what a stranger sent can end that process and nothing
else. Its result (`institution`, `records`) is files, each replaced as a whole; the state (`state`) comes last and holds
the digest of everything that the result depends on, so that a killed run is simply done again and an unchanged source
is not. At the end (`run`) the graphs of all institutions become a release, if any of them changed.
"""

from qlink_ld.pipeline.institution import process_institution
from qlink_ld.pipeline.run import RunSummary, publish, run

__all__ = ["RunSummary", "process_institution", "publish", "run"]
