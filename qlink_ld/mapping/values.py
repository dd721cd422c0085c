"""Brings values to the lexical form of the datatype that a context declares, or says that it cannot.

Sources: XML Schema Part 2 (lexical forms); crosswalk G5 (a plain date is the start or the end of that day), G6 (counts
accept `60.0` and refuse `60.5`); profile 0.4.0 (`xsd:nonNegativeInteger`, `xsd:dateTime`, `xsd:duration`).
"""

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from langcodes import standardize_tag, tag_is_valid
from pyoxigraph import Literal, NamedNode

from qlink_ld.namespaces import XSD

_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_DATE_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(:\d\d(?:\.\d+)?)?(Z|[+-](?:0\d|1[0-3]):?[0-5]\d|[+-]14:?00)?", re.ASCII
)
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_DURATION = re.compile(
    r"-?P(?=.)(\d+Y)?(\d+M)?((?P<weeks>\d+)W)?(?P<days>\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?", re.ASCII
)
_LONGEST = 500  # characters of a number, a date, a duration or a language tag; what is longer is none
_LONGEST_IRI = 20_000  # twice what servers and browsers take
_HOST = re.compile(r"(?:[\w-]+\.)+[a-z]{2,}(?:[:/?#]|$)", re.IGNORECASE)


def read_language(tag: str) -> str | None:
    """Return a language tag in its canonical form, in lower case as Oxigraph writes it; None if it is none.

    `EN`, `en_GB` and `eng` are `en`, `en-gb` and `en`; deprecated codes become the present ones (`iw` is `he`). A tag
    whose language is not registered is none. Source: BCP 47 §2.2.9, §4.5; the IANA Language Subtag Registry.
    """
    return _read_language(tag) if len(tag) <= _LONGEST else None


@lru_cache(maxsize=4096)
def _read_language(tag: str) -> str | None:
    tag = tag.strip().replace("_", "-")
    primary = tag.partition("-")[0].lower()
    try:
        # Serbo-Croatian has no present code; CLDR makes it Serbian, which is not said here.
        if primary in ("sh", "hbs"):
            return Literal("", language="sh" + tag[len(primary) :]).language
        found = standardize_tag(tag)
        return Literal("", language=found).language if tag_is_valid(found) else None
    except ValueError:
        return None


def read_iri(text: str) -> str | None:
    """Return an absolute IRI, or None. Blanks inside are percent-encoded, a bare host gets `https://`."""
    if len(text) > _LONGEST_IRI:
        return None
    text = text.strip().replace(" ", "%20")
    if "://" not in text and _HOST.match(text):
        text = f"https://{text}"
    try:
        NamedNode(text)
    except ValueError:
        return None
    return text


def read_date_time(text: str, *, day_end: bool = False) -> str | None:
    """Return an `xsd:dateTime`; a plain date becomes the start of that day, or its last second with `day_end`."""
    text = text.strip()
    if _DATE.fullmatch(text):
        return f"{text}T{'23:59:59' if day_end else '00:00:00'}" if _is_date(text) else None
    match = _DATE_TIME.fullmatch(text)
    if match is None or not _is_date(match[1]):
        return None
    zone = match[4] or ""
    if len(zone) == len("+0100"):
        zone = f"{zone[:3]}:{zone[3:]}"
    value = f"{match[1]}T{match[2]}{match[3] or ':00'}{zone}"
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return None
    return value


@lru_cache(maxsize=8192)
def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def read_day(text: str) -> str | None:
    """Return an `xsd:date`: a date, or the day of a date-time."""
    text = read_date_time(text) or ""
    return text[:10] or None


def read_decimal(value: object) -> str | None:
    """Return a canonical `xsd:decimal` (`7.5`, `6`): equal numbers get equal text."""
    if isinstance(value, bool):
        return None
    text = str(value).strip() if isinstance(value, str | int | float | Decimal) else ""
    if len(text) > _LONGEST or not _NUMBER.fullmatch(text):
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:  # an exponent beyond all measure
        return None
    if not number.is_finite() or abs(number.adjusted()) > 100:
        return None
    text = f"{number:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def read_count(value: object) -> str | None:
    """Return a non-negative integer; `60.0` is 60, `60.5` is none."""
    text = read_decimal(value)
    return text if text is not None and text.isdecimal() else None


def read_integer(value: object) -> str | None:
    """Return an integer."""
    text = read_decimal(value)
    return text if text is not None and "." not in text else None


def read_positive(value: object) -> str | None:
    """Return an integer above zero."""
    text = read_count(value)
    return text if text != "0" else None


def read_boolean(value: object) -> str | None:
    """Return `true` or `false`."""
    text = str(value).strip().lower()
    return {"true": "true", "false": "false", "1": "true", "0": "false"}.get(text)


def read_duration(text: str) -> str | None:
    """Return an `xsd:duration`; ISO 8601 weeks, which XML Schema lacks, become days."""
    text = text.strip()
    match = _DURATION.fullmatch(text)
    if match is None:
        return None
    if match["weeks"]:
        if match["days"]:
            return None
        text = text.replace(f"{match['weeks']}W", f"{int(match['weeks']) * 7}D")
    return text


def read_string(value: object) -> str | None:
    """Return a text; numbers and booleans as JSON writes them."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) else None


_DATES = 4096  # the same few hundred days come again and again


def _text_only(read: Callable[[str], str | None], longest: int = _LONGEST) -> Callable[[object], str | None]:
    return lambda value: read(value) if isinstance(value, str) and len(value) <= longest else None


READERS: dict[str, Callable[[object], str | None]] = {
    f"{XSD}anyURI": _text_only(read_iri, _LONGEST_IRI),
    f"{XSD}boolean": read_boolean,
    f"{XSD}date": _text_only(lru_cache(_DATES)(read_day)),
    f"{XSD}dateTime": _text_only(lru_cache(_DATES)(read_date_time)),
    f"{XSD}decimal": read_decimal,
    f"{XSD}duration": _text_only(read_duration),
    f"{XSD}integer": read_integer,
    f"{XSD}nonNegativeInteger": read_count,
    f"{XSD}positiveInteger": read_positive,
    f"{XSD}string": read_string,
}
DAY_END_READERS: dict[str, Callable[[object], str | None]] = {
    f"{XSD}dateTime": _text_only(lru_cache(_DATES)(lambda text: read_date_time(text, day_end=True))),
}
