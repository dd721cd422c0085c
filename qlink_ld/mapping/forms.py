"""How a source writes its values: numbers with decimal commas, dates in national forms, words for yes and no.

`[numbers]`, `[dates]` and `[booleans]` of a mapping say it for all members, `[values]` for single ones. Such texts are
turned into the form that `values.py` reads.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.dates import get_day_names, get_month_names
from lxml import etree, html

from qlink_ld.mapping.values import DAY_END_READERS, READERS, read_count
from qlink_ld.mapping.xml_text import read_markup
from qlink_ld.namespaces import XSD

Reader = Callable[[object], str | None]

_SPACES = " \u00a0\u2009\u202f"  # a blank between groups of digits is often one of these
_WHITE = _SPACES + "\t\r\n"
_NUMBERS = frozenset(f"{XSD}{name}" for name in ("decimal", "integer", "nonNegativeInteger", "positiveInteger"))
_DATES = frozenset(f"{XSD}{name}" for name in ("date", "dateTime"))
_MARKUP = re.compile(r"<[a-zA-Z/!][^>]*>|&(?:#\d+|#x[0-9a-fA-F]+|\w+);")


@dataclass(frozen=True, slots=True)
class NumberForm:
    """How numbers are written.

    Attributes:
        decimal: the characters that can stand before decimals.
        group: those that can stand between groups of three digits.
        units: words that may stand before or after a number, and say nothing more than the mapping knows.
    """

    decimal: tuple[str, ...] = (".",)
    group: tuple[str, ...] = ()
    units: tuple[str, ...] = ()

    def read(self, text: str) -> str | None:
        """Return a number's text as XML Schema has it, None if it is written otherwise: `1.500` may be 1.5 or 1500."""
        text = text.strip(_WHITE)
        words = "|".join(re.escape(unit) for unit in sorted(self.units, key=len, reverse=True))
        if words:
            text = re.sub(rf"^(?:{words})[.:]?\s*(?=[\d+-])|(?<=\d)\s*(?:{words})\.?$", "", text, flags=re.IGNORECASE)
        point = "|".join(map(re.escape, self.decimal))
        between = "|".join(f"[{_SPACES}]" if mark == " " else re.escape(mark) for mark in self.group)
        whole = rf"\d{{1,3}}(?:(?:{between})\d{{3}})+|\d+" if between else r"\d+"
        found = re.fullmatch(rf"([+-]?)({whole})(?:(?:{point})(\d+))?", text)
        if found is None:
            return None
        digits = re.sub(r"\D", "", found[2])
        return f"{found[1]}{digits}.{found[3]}" if found[3] else f"{found[1]}{digits}"


@dataclass(frozen=True, slots=True)
class DateForm:
    """How dates are written.

    Attributes:
        formats: forms such as `%d.%m.%Y` (those of C and Python), tried in this order, and after them ISO 8601.
        language: of the names of months and days, as a language tag.
    """

    formats: tuple[str, ...] = ()
    language: str | None = None

    def __post_init__(self) -> None:
        """Check that each form can be read, and says which day it is.

        Raises:
            ValueError: it does not, or the language is unknown.
        """
        sample = datetime(2001, 2, 3, 4, 5, 6)  # noqa: DTZ001 (only its text counts)
        for form in self.formats:
            try:
                read = datetime.strptime(sample.strftime(form), form)  # noqa: DTZ007 (see above)
            except ValueError as error:
                raise ValueError(f"'{form}' is not a form of dates such as '%d.%m.%Y': {error}") from error
            if read.date() != sample.date():
                raise ValueError(f"'{form}' does not say which day it is: it needs day, month and year")
        if self.language is not None:
            _names(self.language)

    def read(self, text: str) -> str | None:
        """Return a date's text as ISO 8601 has it, as it is where it is in no other known form."""
        text = " ".join(text.split())
        if self.language is not None:
            text = _translate(text, self.language)
        for form in _shorten_names(self.formats) if self.language is not None else self.formats:
            try:
                read = datetime.strptime(text, form)  # noqa: DTZ007 (a source that names no zone means its own)
            except ValueError:
                continue
            timed = any(f"%{part}" in form for part in "HIMSXcRT")
            return read.isoformat() if timed else read.date().isoformat()
        return text


@dataclass(frozen=True, slots=True)
class BooleanForm:
    """Which words mean yes and no, besides `true`, `false`, `1` and `0`."""

    true: tuple[str, ...] = ()
    false: tuple[str, ...] = ()

    def read(self, text: str) -> str | None:
        """Return `true` or `false` for a word that means it; anything else as it is."""
        word = text.strip().casefold()
        if word in {each.casefold() for each in self.true}:
            return "true"
        return "false" if word in {each.casefold() for each in self.false} else text


@dataclass(frozen=True, slots=True)
class Forms:
    """How numbers, dates and truth values are written in one place."""

    numbers: NumberForm | None = None
    dates: DateForm | None = None
    booleans: BooleanForm | None = None

    def find_reader(self, datatype: str, *, day_end: bool) -> Reader:
        """Return what reads values of a datatype."""
        plain = (DAY_END_READERS.get(datatype) if day_end else None) or READERS.get(datatype) or READERS[f"{XSD}string"]
        form: NumberForm | DateForm | BooleanForm | None = None
        if datatype in _NUMBERS:
            form = self.numbers
        elif datatype in _DATES:
            form = self.dates
        elif datatype == f"{XSD}boolean":
            form = self.booleans
        if form is None:
            return plain
        read = form.read
        cached = lru_cache(4096)(lambda text: plain(read(text)))  # the same few come again and again
        return lambda value: cached(value) if isinstance(value, str) else plain(value)


@dataclass(frozen=True, slots=True)
class ValueForm:
    """What is done with the texts of one member before anything else.

    Attributes:
        split: separators between the values in one text.
        strip: characters that are taken from the ends of each, besides blanks.
        join: what the values of a list are put together with, to one text.
        html: whether a text is HTML, of which the plain text is wanted.
        trim: blanks at the ends are taken away.
        nothing: texts that stand for no value.
        digits: how many a code has at least: a spreadsheet makes 613 of 0613.
        replace: texts for which others are meant.
        forms: how its numbers, dates and truth values are written.
    """

    split: tuple[str, ...] = ()
    strip: str = ""
    join: str | None = None
    html: bool = False
    trim: bool = False
    nothing: frozenset[str] = frozenset()
    digits: int = 0
    replace: Mapping[str, str] = field(default_factory=dict)
    forms: Forms = field(default_factory=Forms)

    @property
    def changes_texts(self) -> bool:
        """Whether anything is done besides reading datatypes."""
        return bool(self.split or self.strip or self.html or self.trim or self.nothing or self.replace) or (
            self.join is not None or self.digits > 0
        )

    def change(self, value: Any, text_key: str) -> tuple[Any, list[str]]:  # noqa: ANN401 (JSON)
        """Return the values that a member has, and the texts that stand for none.

        `text_key` is the member of an object that holds its text, where objects are texts with their language.
        """
        if isinstance(value, str) and not (self.split or self.html or self.digits):  # what most are
            text = self._clean(value)
            return ([], [text]) if text.casefold() in self.nothing else (text, [])
        nothing: list[str] = []
        items = [out for item in (value if isinstance(value, list) else [value]) for out in self._each(item, text_key)]
        kept = []
        for item in items:
            if isinstance(item, str) and item.casefold() in self.nothing:
                nothing.append(item)
            else:
                kept.append(self._pad(item) if self.digits else item)
        if self.join is not None and kept and all(isinstance(item, str | int | float) for item in kept):
            return self.join.join(map(str, kept)), nothing
        return (kept if isinstance(value, list) or len(kept) != 1 else kept[0]), nothing

    def _pad(self, item: Any) -> Any:  # noqa: ANN401 (JSON)
        text = read_count(item)
        return text.zfill(self.digits) if text is not None else item

    def _each(self, item: Any, text_key: str) -> Iterable[Any]:  # noqa: ANN401 (JSON)
        if text_key and isinstance(item, dict) and isinstance(item.get(text_key), str):
            yield {**item, text_key: self._clean(item[text_key])}
        elif isinstance(item, str):
            text = html_to_text(item) if self.html else item
            parts = re.split("|".join(map(re.escape, self.split)), text) if self.split else [text]
            for part in parts:
                if (clean := self._clean(part, plain=True)) or not self.split:
                    yield clean
        else:
            yield item

    def _clean(self, text: str, *, plain: bool = False) -> str:
        if self.html and not plain:
            text = html_to_text(text)
        if self.strip:
            text = text.strip(self.strip + _WHITE)
        elif self.trim or self.split:
            text = text.strip()
        return self.replace.get(text.strip().casefold(), text) if self.replace else text


def html_to_text(text: str) -> str:
    """Return the plain text of an HTML fragment, with a line for each block; a text without markup stays as it is."""
    if not _MARKUP.search(text):
        return text
    parser = html.HTMLParser(remove_comments=True, remove_pis=True, no_network=True, encoding="utf-8")
    try:
        root = html.fragment_fromstring(text.encode("utf-8", "replace"), create_parent="div", parser=parser)
    except (etree.ParserError, ValueError):
        return text
    return read_markup(root, keep=False)


@lru_cache(maxsize=32)
def _names(language: str) -> tuple[re.Pattern[str], dict[str, str]]:
    """The names of months and days in a language, and the short English ones that `strptime` reads.

    Raises:
        ValueError: unknown language.
    """
    try:
        locale = Locale.parse(language.replace("-", "_"))
    except (UnknownLocaleError, ValueError) as error:
        raise ValueError(f"the names of months in '{language}' are not known; write a tag such as 'it'") from error
    english = Locale("en")
    names: dict[str, str] = {}
    for width in ("wide", "abbreviated"):
        for context in ("format", "stand-alone"):
            for find in (get_month_names, get_day_names):
                to = find("abbreviated", "format", english)
                for number, name in find(width, context, locale).items():
                    names.setdefault(name.casefold().rstrip("."), to[number])
    words = sorted((re.escape(name) for name in names if not name.isdigit()), key=len, reverse=True)
    return re.compile(rf"(?<!\w)({'|'.join(words)})(?!\w)\.?", re.IGNORECASE), names


@lru_cache(maxsize=32)
def _shorten_names(formats: tuple[str, ...]) -> tuple[str, ...]:
    """Whole names and short ones are both read as the short English ones."""
    return tuple(form.replace("%B", "%b").replace("%A", "%a") for form in formats)


def _translate(text: str, language: str) -> str:
    pattern, names = _names(language)
    return pattern.sub(lambda found: names[found[1].casefold()], text)
