"""What every process of a run needs, read once: the fork server imports this, and its children share the memory."""

import qlink_ld.pipeline
from qlink_ld.vocabularies import known_concepts

__all__ = ["qlink_ld"]

known_concepts()
