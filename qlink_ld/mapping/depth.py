"""Is a JSON value nested so deeply that it cannot be meant? Asked before a record is begun: nothing is half done."""

MAX_DEPTH = 64  # lists and objects in each other; no format nests a fifth as deep; deeper is an attack or a mistake


def why_too_deep(value: object) -> str:
    """Why a value cannot be prepared; empty if it can."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer if isinstance(outer, list) else ())
            if isinstance(inner, dict | list)
        ]
        if not level:
            return ""
    return f"nested deeper than {MAX_DEPTH} levels"
