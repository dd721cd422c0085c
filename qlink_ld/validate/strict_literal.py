"""Literals for the reference engine that are as strict about XML Schema as the default engine is.

rdflib takes ill-typed literals for well typed, and refuses to compare dates with and without a time zone.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import rdflib

from qlink_ld.namespaces import XSD
from qlink_ld.validate.datatypes import is_well_typed

_ZONE_SPAN = timedelta(hours=14)  # XML Schema 1.1 Part 2, §3.3.7: how far a time without zone may be off
_NUMBERS = frozenset(
    f"{XSD}{name}"
    for name in (
        *("integer", "nonNegativeInteger", "positiveInteger", "nonPositiveInteger", "negativeInteger"),
        *("long", "int", "short", "byte", "unsignedLong", "unsignedInt", "unsignedShort", "unsignedByte"),
        *("decimal", "double", "float"),
    )
)


class StrictLiteral(rdflib.Literal):
    """A literal with a datatype. What cannot be compared is neither less nor more, as SHACL §4.5.4 has it."""

    @property
    def ill_typed(self) -> bool | None:
        """True if the datatype has no such form; None if nobody knows the datatype."""
        well_typed = is_well_typed(str(self), str(self.datatype))
        return super().ill_typed if well_typed is None else not well_typed

    @property
    def value(self) -> Any:  # noqa: ANN401 - as rdflib has it
        """The value in Python; for a date that Python cannot hold, the nearest that it can."""
        if self.ill_typed:
            return None
        value = super().value
        if value is None and str(self.datatype) == f"{XSD}dateTime":
            early = str(self)[:1] == "-" or str(self)[:4] == "0000"
            return datetime.min.replace(tzinfo=UTC) if early else datetime.max.replace(tzinfo=UTC)
        return value

    def __lt__(self, other: Any) -> bool:  # noqa: ANN401
        return _compare(self, other) == -1

    def __le__(self, other: Any) -> bool:  # noqa: ANN401
        return _compare(self, other) in (-1, 0)

    def __gt__(self, other: Any) -> bool:  # noqa: ANN401
        return _compare(self, other) == 1

    def __ge__(self, other: Any) -> bool:  # noqa: ANN401
        return _compare(self, other) in (0, 1)


def _compare(left: object, right: object) -> int | None:
    """Return -1, 0 or 1, or None if the two cannot be compared."""
    if not isinstance(left, rdflib.Literal) or not isinstance(right, rdflib.Literal):
        return None
    if str(left.datatype) in _NUMBERS and str(right.datatype) in _NUMBERS:
        try:
            return _order(Decimal(str(left)), Decimal(str(right)))
        except InvalidOperation:
            return None
    if left.datatype != right.datatype or left.ill_typed or right.ill_typed:
        return None
    first, second = left.value, right.value
    if isinstance(first, datetime) and isinstance(second, datetime):
        return _compare_times(first, second)
    try:
        return _order(first, second)
    except TypeError:
        return None


def _compare_times(first: datetime, second: datetime) -> int | None:
    if (first.tzinfo is None) == (second.tzinfo is None):
        return _order(first, second)
    gap = _as_utc(first) - _as_utc(second)
    return None if abs(gap) <= _ZONE_SPAN else _order(gap, timedelta())


def _as_utc(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time


def _order(first: Any, second: Any) -> int:  # noqa: ANN401
    return int(first > second) - int(first < second)
