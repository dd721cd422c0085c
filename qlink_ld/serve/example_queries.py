"""Which queries can a reader start from? Those in `queries/`: each a file whose head says what it is for."""

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from qlink_ld.resources import find_resource_dir

_FIELD = re.compile(r"#\s*(Purpose|Input|Output|Test):\s*(.*)")


@dataclass(frozen=True, slots=True)
class ExampleQuery:
    """One example: its file's name without suffix, what its head says, and its whole text."""

    name: str
    title: str  # first comment line
    purpose: str
    input: str
    output: str
    text: str


def read_query(file: Path) -> ExampleQuery:
    """Read an example query and the fields of its head; a field goes on over following comment lines."""
    text = file.read_text(encoding="utf-8")
    fields: dict[str, str] = {}
    title, current = "", ""
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        if found := _FIELD.match(line):
            current = found[1]
            fields[current] = found[2].strip()
        elif current:
            fields[current] = f"{fields[current]} {line.lstrip('# ').strip()}".strip()
        else:
            title = f"{title} {line.lstrip('# ').strip()}".strip()
    return ExampleQuery(
        file.stem,
        title or file.stem.replace("-", " "),
        fields.get("Purpose", ""),
        fields.get("Input", ""),
        fields.get("Output", ""),
        text,
    )


@lru_cache(maxsize=1)
def list_queries() -> tuple[ExampleQuery, ...]:
    """Return all example queries, ordered by the name of their files."""
    return tuple(read_query(file) for file in sorted(find_resource_dir("queries").glob("*.rq")))


def find_query(name: str) -> ExampleQuery | None:
    """Return the example query with this name, or None."""
    return next((query for query in list_queries() if query.name == name), None)
