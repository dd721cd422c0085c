"""Fictional universities that answer like real ones, for trying qlink-ld out."""
