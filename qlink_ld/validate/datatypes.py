"""Is a literal well typed? The lexical forms of XML Schema datatypes, for an engine whose RDF library is lax.

rdflib takes "2025-01-01" for an `xsd:dateTime` and "P1W" for an `xsd:duration`, and refuses years that XML Schema
allows. The forms here are those of XML Schema 1.1 Part 2, as oxsdatatypes (which both Oxigraph and the default engine
use) reads them: it accepts a time of 24:MM:SS, and a "T" without a time after the days of a duration.
"""

import re
from collections.abc import Callable
from datetime import date

from qlink_ld.namespaces import XSD

_ZONE = r"(?:Z|[+-](?:0\d|1[0-3]):[0-5]\d|[+-]14:00)?"
_YEAR = r"-?(?:[1-9]\d{3,}|0\d{3})"
_TIME = r"(?:[01]\d|2[0-4]):[0-5]\d:[0-5]\d(?:\.\d+)?"
_DATE_TIME = re.compile(rf"({_YEAR})-(\d\d)-(\d\d)T{_TIME}{_ZONE}", re.ASCII)
_DATE = re.compile(rf"({_YEAR})-(\d\d)-(\d\d){_ZONE}", re.ASCII)
_TIME_ONLY = re.compile(_TIME + _ZONE, re.ASCII)
_DURATION = re.compile(r"-?P(?=\d|T\d)(?:\d+Y)?(?:\d+M)?(?:\d+D)?(?:T(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d+)?S)?)?", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)
_DECIMAL = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)", re.ASCII)
_DOUBLE = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|[+-]?INF|NaN", re.ASCII)

# Bounds of the types that XML Schema derives from integer (§3.4).
_INTEGERS: dict[str, tuple[int | None, int | None]] = {
    "integer": (None, None),
    "nonNegativeInteger": (0, None),
    "positiveInteger": (1, None),
    "nonPositiveInteger": (None, 0),
    "negativeInteger": (None, -1),
    "long": (-(2**63), 2**63 - 1),
    "int": (-(2**31), 2**31 - 1),
    "short": (-(2**15), 2**15 - 1),
    "byte": (-(2**7), 2**7 - 1),
    "unsignedLong": (0, 2**64 - 1),
    "unsignedInt": (0, 2**32 - 1),
    "unsignedShort": (0, 2**16 - 1),
    "unsignedByte": (0, 2**8 - 1),
}


def is_well_typed(lexical: str, datatype: str) -> bool | None:
    """Say whether a lexical form is one of a datatype's.

    Returns:
        None if there is no rule here for that datatype: anything goes, as for `xsd:anyURI`.
    """
    if not datatype.startswith(XSD):
        return None
    name = datatype[len(XSD) :]
    if name in _INTEGERS:
        return _is_integer(lexical, *_INTEGERS[name])
    check = _CHECKS.get(name)
    return check(lexical) if check else None


def _is_integer(lexical: str, least: int | None, most: int | None) -> bool:
    if not _INTEGER.fullmatch(lexical):
        return False
    if len(lexical) > 40:  # far outside the bounded types: only the sign matters; int() refuses 4300 digits
        negative = lexical.startswith("-")
        return (least is None) if negative else (most is None)
    number = int(lexical)
    return (least is None or number >= least) and (most is None or number <= most)


def _has_date(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    def check(lexical: str) -> bool:
        match = pattern.fullmatch(lexical)
        if not match:
            return False
        year, month, day = int(match[1]), int(match[2]), int(match[3])
        try:
            date(2000 + year % 400, month, day)  # the calendar repeats every 400 years
        except ValueError:
            return False
        return True

    return check


def _matches(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda lexical: pattern.fullmatch(lexical) is not None


_CHECKS: dict[str, Callable[[str], bool]] = {
    "boolean": lambda lexical: lexical in {"true", "false", "1", "0"},
    "dateTime": _has_date(_DATE_TIME),
    "date": _has_date(_DATE),
    "time": _matches(_TIME_ONLY),
    "duration": _matches(_DURATION),
    "decimal": _matches(_DECIMAL),
    "double": _matches(_DOUBLE),
    "float": _matches(_DOUBLE),
}
