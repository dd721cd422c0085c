"""Reads what `mapping.toml` says of how values are written: `[numbers]`, `[dates]`, `[booleans]`, `[values]`."""

from collections.abc import Collection
from typing import Any, Protocol

from qlink_ld.errors import BrokenMapping
from qlink_ld.mapping.forms import BooleanForm, DateForm, Forms, NumberForm, ValueForm

_NUMBERS, _DATES, _BOOLEANS = {"decimal", "group", "units"}, {"formats", "language"}, {"true", "false"}
_TEXTS = {"split", "strip", "join", "html", "trim", "nothing", "replace", "digits"}
ALL = "*"  # in [values]: every member


class Checks(Protocol):
    """What the reader of the whole file offers."""

    file: Any

    def check(self, table: object, what: str, required: set[str], optional: set[str]) -> None:
        """Every required member there, no unknown one."""

    def table(self, table: dict[str, Any], name: str) -> dict[str, Any]:
        """Return an optional member that is a table."""


class FormReader:
    """Reads the tables about values."""

    def __init__(self, checks: Checks) -> None:
        self._checks = checks

    def forms(self, table: dict[str, Any]) -> Forms:
        """Return how numbers, dates and truth values are written everywhere."""
        parts: dict[str, Any] = {}
        for name, own in (("numbers", _NUMBERS), ("dates", _DATES), ("booleans", _BOOLEANS)):
            entry = self._checks.table(table, name)
            self._checks.check(entry, f"[{name}]", set(), own | ({"day_end"} if name == "dates" else set()))
            parts |= {key: value for key, value in entry.items() if key in own}
        return self._forms(parts, Forms(), "[numbers], [dates] or [booleans]")

    def values(self, table: dict[str, Any]) -> dict[str, ValueForm]:
        """Return what is done with the values of single members."""
        general = self.forms(table)
        entries = self._checks.table(table, "values")
        shared = entries.get(ALL, {})
        found = {}
        for key, own in entries.items():
            what = f"[values] {key}"
            self._checks.check(own, what, set(), _TEXTS | _NUMBERS | _DATES | _BOOLEANS)
            entry = {**shared, **own}
            found[key] = ValueForm(
                split=self._words(entry, "split", what),
                strip="".join(self._words(entry, "strip", what)),
                join=next(iter(self._words(entry, "join", what)), None),
                html=bool(entry.get("html", False)),
                trim=bool(entry.get("trim", False)),
                nothing=frozenset(word.strip().casefold() for word in self._words(entry, "nothing", what)),
                digits=self._count(entry, "digits", what),
                replace={str(k).strip().casefold(): str(v) for k, v in self._checks.table(entry, "replace").items()},
                forms=self._forms(entry, general, what),
            )
        return found

    def _forms(self, entry: dict[str, Any], general: Forms, what: str) -> Forms:
        """Return the general forms, changed as an entry says."""
        numbers, dates, booleans = general.numbers, general.dates, general.booleans
        try:
            if entry.keys() & _NUMBERS:
                known = numbers or NumberForm()
                numbers = NumberForm(
                    self._words(entry, "decimal", what, known.decimal),
                    self._words(entry, "group", what, known.group),
                    self._words(entry, "units", what, known.units),
                )
            if entry.keys() & _DATES:
                given = dates or DateForm()
                language = entry.get("language", given.language)
                dates = DateForm(self._words(entry, "formats", what, given.formats), language)
            if entry.keys() & _BOOLEANS:
                booleans = BooleanForm(self._words(entry, "true", what), self._words(entry, "false", what))
        except ValueError as error:
            raise BrokenMapping(f"{self._checks.file}: {what}: {error}") from error
        return Forms(numbers, dates, booleans)

    def _count(self, entry: dict[str, Any], name: str, what: str) -> int:
        value = entry.get(name, 0)
        if type(value) is not int or value < 0:
            raise BrokenMapping(f"{self._checks.file}: {what} '{name}' must be a whole number")
        return value

    def _words(self, entry: dict[str, Any], name: str, what: str, default: Collection[str] = ()) -> tuple[str, ...]:
        """Return a member that is one text or several."""
        value = entry.get(name)
        words = [value] if isinstance(value, str) else value
        if words is None:
            return tuple(default)
        if not isinstance(words, list) or not all(isinstance(word, str) and word for word in words):
            raise BrokenMapping(f"{self._checks.file}: {what} '{name}' must be a text, or a list of texts")
        return tuple(words)
