"""The texts that the sample universities speak: one JSON file per language in `data/texts/`, written by hand.

Each file has the same subjects, topics and sentences in the same order, so that a text exists in every language and can
be combined without inflection: whole sentences, with topics in quotation marks or before a colon.
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from qlink_ld.errors import ConfigurationError

LEVELS = {  # variant of a topic → OOAPI 5 `level`, EQF level
    "introduction": ("bachelor", 6),
    "methods": ("bachelor", 6),
    "project": ("bachelor", 6),
    "advanced": ("master", 7),
    "seminar": ("master", 7),
    "research": ("doctoral", 8),
}


@dataclass(frozen=True, slots=True)
class Subject:
    """A field of study: its ISCED-F code, its short code in course codes, the faculty that teaches it."""

    key: str
    isced: str
    code: str
    faculty: str


SUBJECTS = (
    Subject("computing", "0613", "INF", "engineering"),
    Subject("environment", "0521", "ENV", "science"),
    Subject("economics", "0311", "ECO", "society"),
    Subject("law", "0421", "LAW", "society"),
    Subject("psychology", "0313", "PSY", "health"),
    Subject("history", "0222", "HIS", "humanities"),
    Subject("energy", "0713", "ENE", "engineering"),
    Subject("health", "0913", "HEA", "health"),
    Subject("architecture", "0731", "ARC", "engineering"),
    Subject("mathematics", "0541", "MAT", "science"),
)
FACULTIES = ("science", "engineering", "society", "humanities", "health")


def read_data(*path: str) -> Any:  # noqa: ANN401 (JSON)
    """Read a JSON file of this package's `data/` folder."""
    return json.loads(files("qlink_ld.demo").joinpath("data", *path).read_text(encoding="utf-8"))


def text_languages() -> tuple[str, ...]:
    """Return the languages that have texts, as two-letter codes, sorted."""
    folder = files("qlink_ld.demo").joinpath("data", "texts")
    return tuple(sorted(file.name.removesuffix(".json") for file in folder.iterdir() if file.name.endswith(".json")))


@lru_cache(maxsize=16)
def load_texts(language: str) -> dict[str, Any]:
    """Return the texts of one language.

    Args:
        language: BCP 47 tag; only its primary subtag counts (`en-GB` is `en`).

    Raises:
        ConfigurationError: there are no texts in that language.
    """
    primary = language.split("-", maxsplit=1)[0].lower()
    if primary not in text_languages():
        known = ", ".join(text_languages())
        raise ConfigurationError(f"the demo has no texts in '{language}'; it speaks: {known}")
    texts: dict[str, Any] = read_data("texts", f"{primary}.json")
    return texts
