"""Accounts for every leaf value of every record: mapped, ignored with a reason, unmapped, or dropped.

Principle (DESIGN §2): nothing is lost in silence. Counters hang on the steps of a prepared mapping, so that counting
costs next to nothing; they are read once, at the end of a source.
"""

from dataclasses import dataclass, field, replace
from typing import Literal

from qlink_ld.model import FieldUse, Issue, Severity

Outcome = Literal["mapped", "ignored", "unmapped", "dropped"]
_EXAMPLE_LENGTH = 120


@dataclass(slots=True)
class Counter:
    """Counts what became of one field."""

    resource: str
    path: str
    outcome: Outcome
    reason: str = ""
    count: int = 0
    example: str = ""

    def add(self, value: object, count: int = 1) -> None:
        """Count leaves; the first value is the example."""
        if not self.count:
            self.example = shorten(value)
        self.count += count


def count_leaves(value: object) -> tuple[int, object]:
    """Count the leaf values of a JSON value; return one as an example.

    A leaf is a text, number or boolean. Null, the empty text, and lists and objects without leaves say nothing and
    count nothing. (Where a mapping knows a text with its language, the two are one leaf: `Preparer` counts those.)
    """
    count, example = 0, None
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)
        elif item is not None and item != "":
            count, example = count + 1, item if example is None else example
    return count, example


def shorten(value: object) -> str:
    """Return a value as a short text for a report."""
    try:
        text = str(value)
    except RecursionError:
        return "(nested very deeply)"
    return text if len(text) <= _EXAMPLE_LENGTH else f"{text[: _EXAMPLE_LENGTH - 1]}…"


@dataclass(slots=True)
class Account:
    """The books of one source."""

    source: str
    counters: list[Counter] = field(default_factory=list)
    _single: dict[tuple[str, str, Outcome, str], Counter] = field(default_factory=dict)
    _issues: dict[tuple[str, str | None, str], Issue] = field(default_factory=dict)

    def open(self, resource: str, path: str, outcome: Outcome, reason: str = "") -> Counter:
        """Return a new counter for a field."""
        counter = Counter(resource, path, outcome, reason)
        self.counters.append(counter)
        return counter

    def drop(self, resource: str, path: str, value: object, reason: str) -> None:
        """Count the leaves of a value that could not be kept."""
        self.count(resource, path, "dropped", value, reason)

    def count(self, resource: str, path: str, outcome: Outcome, value: object, reason: str = "") -> None:
        """Count the leaves of a value, where no counter of a step does."""
        leaves, _ = count_leaves(value)
        if not leaves:
            return
        key = (resource, path, outcome, reason)
        counter = self._single.get(key)
        if counter is None:
            counter = self._single[key] = Counter(resource, path, outcome, reason)
        counter.add(value, leaves)

    def report(
        self,
        code: str,
        message: str,
        *,
        field: str | None = None,
        value: object = None,
        record: str | None = None,
        position: str | None = None,
        severity: Severity = "warning",
    ) -> None:
        """Report something to the data steward; repetitions are counted, the first is the example."""
        key = (code, field, message)
        known = self._issues.get(key)
        if known is not None:
            self._issues[key] = replace(known, count=known.count + 1)
            return
        text = None if value is None else shorten(value)
        self._issues[key] = Issue(code, message, severity, self.source, record, field, text, position)

    @property
    def issues(self) -> tuple[Issue, ...]:
        """All issues, in a fixed order."""
        return tuple(sorted(self._issues.values(), key=lambda i: (i.code, i.field or "", i.message, i.record or "")))

    @property
    def fields(self) -> tuple[FieldUse, ...]:
        """What became of each field, in a fixed order; fields that never occurred are left out."""
        merged: dict[tuple[str, str, Outcome, str], FieldUse] = {}
        for counter in (*self.counters, *self._single.values()):
            if not counter.count:
                continue
            key = (counter.resource, counter.path, counter.outcome, counter.reason)
            known = merged.get(key)
            count = counter.count + (known.count if known else 0)
            example = known.example if known else counter.example
            merged[key] = FieldUse(*key[:3], count, counter.reason, example)
        return tuple(merged[key] for key in sorted(merged))
