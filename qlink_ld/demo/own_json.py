"""Makes the JSON file of a university that has a form of its own: that of the worked example `mappings/example-json/`.

Programmes are in a list, courses in an object keyed by their code, with their options (runs in a term) inside; German
numbers and dates, words instead of codes, several outcomes in one text.
"""

from datetime import date
from typing import Any, Final

from qlink_ld.demo.teaching import Offering, Opportunity, Teaching

Document = dict[str, Any]
_LEVELS: Final = {"bachelor": "Bachelor", "master": "Master", "doctoral": "Promotion"}
_LANGUAGES: Final = {"de": "Deutsch", "en": "Englisch"}
_MODES: Final = {"on campus": "Präsenz", "situated": "vor Ort", "hybrid": "hybrid", "online": "online"}
_MONTHS: Final = (
    "Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November",
    "Dezember",
)  # fmt: skip


def render_own_json(teaching: Teaching) -> Document:
    """Return everything as this university exports it."""
    codes = {programme.id: programme.code for programme in teaching.programmes}
    return {
        "catalogue": "2026/27",
        "programmes": [{"code": it.code, **_entry(it)} for it in teaching.programmes],
        "courses": {
            it.code: {
                **_entry(it),
                "programmes": [codes[programme] for programme in it.programmes],
                "lecturers": ["A. Muster"],
                "options": [_option(teaching, it, offering) for offering in it.offerings],
            }
            for it in teaching.courses
        },
    }


def _entry(it: Opportunity) -> Document:
    entry: Document = {
        "level": _LEVELS[it.level],
        "field": it.isced,
        "credits": f"{_number(it.points)} ECTS",
        "languages": _LANGUAGES[it.language],
        "page": it.link,
    }
    for language in it.titles:
        entry |= {
            f"title_{language}": it.titles[language],
            f"description_{language}": f"<p>{it.descriptions[language]}</p>",
            f"outcomes_{language}": "\n".join(f"- {texts[language]}" for texts in it.outcomes),
            f"prerequisites_{language}": it.requirements[language],
        }
    return entry


def _option(teaching: Teaching, it: Opportunity, offering: Offering) -> Document:
    option: Document = {
        "option": offering.code,
        "language": _LANGUAGES[it.language],
        "mode": _MODES.get(it.mode, "Fernlehre"),
        "places": str(offering.capacity),
        "term": teaching.terms[(offering.term or 1) - 1].titles["de"],
        "start": _short_date(offering.start),
        "end": _long_date(offering.end),
        "deadline": _short_date(offering.enrol_end),
        "room": "siehe Aushang",
        "fee": "-",
    }
    if offering.price:
        option["fee"] = f"{_number(float(offering.price))} €"
    return option


def _number(value: float) -> str:
    return f"{value:g}".replace(".", ",")


def _short_date(text: str) -> str:
    return f"{date.fromisoformat(text):%d.%m.%Y}"


def _long_date(text: str) -> str:
    day = date.fromisoformat(text)
    return f"{day.day}. {_MONTHS[day.month - 1]} {day.year}"
