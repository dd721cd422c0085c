"""Which file says what a key means: contexts are put together from several."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qlink_ld.resources import find_resource_dir

TermPlace = tuple[str, ...]  # the keys whose scoped contexts lead to a term, then the term's own


def find_term_files(file: Path) -> dict[TermPlace, Path]:
    """Return the file of each term of a context that `load_context` accepts; the last definition counts."""
    found: dict[TermPlace, Path] = {}
    document = json.loads(file.read_text(encoding="utf-8"))
    _read(document["@context"], file, (), found)
    return found


def _read(context: Any, file: Path, above: TermPlace, found: dict[TermPlace, Path]) -> None:  # noqa: ANN401 (JSON)
    if isinstance(context, list):
        for part in context:
            _read(part, file, above, found)
    elif isinstance(context, str):
        target = _follow(context, file)
        if target is not None:
            document = json.loads(target.read_text(encoding="utf-8"))
            _read(document["@context"], target, above, found)
    elif isinstance(context, Mapping):
        for key, value in context.items():
            if key.startswith("@"):
                continue
            found[*above, key] = file
            if isinstance(value, Mapping) and "@context" in value:
                _read(value["@context"], file, (*above, key), found)


def _follow(reference: str, file: Path) -> Path | None:
    """The context file that a reference leads to; None for tables of codes."""
    target = (file.parent / reference).resolve()
    bundled = find_resource_dir("mappings") / "common" / target.name
    if not target.is_file() and target.parent.name == "common":
        target = bundled
    return target if target.suffix == ".jsonld" and target.is_file() else None
