"""Accounts for every leaf value of every record: mapped, ignored with a reason, unmapped, or dropped.

Principle (DESIGN §2): nothing is lost in silence. A leaf of JSON is a text, a number or a boolean; null, the empty
text, and lists and objects without leaves say nothing. Each leaf of each record on each page counts once, whatever
becomes of it: a value that children inherit or that several records look up is counted where it is first used, and what
a mapping adds of its own is not counted. A leaf of RDF is a triple of the file.

Counters hang on the steps of a prepared mapping, so that counting costs next to nothing; they are read once, at the end
of a source.
"""

from dataclasses import dataclass, field, replace
from typing import Literal

from qlink_ld.model import FieldUse, Issue, Severity

Outcome = Literal["mapped", "ignored", "unmapped", "dropped"]
_EXAMPLE_LENGTH = 120
_MAX_MESSAGES = 100  # of one code and field; a message that names a value could come in endless variety


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
        """Count leaves; the first value is the example. Of what is ignored none is kept: it may be personal (T-08)."""
        if not self.count and self.outcome != "ignored":
            self.example = shorten(value)
        self.count += count


def count_leaves(value: object) -> tuple[int, object]:
    """Count the leaf values of a JSON value; return the first one as an example.

    See the module's docstring for what a leaf is.
    """
    count, example = 0, None
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            pending.extend(reversed(item.values()))
        elif isinstance(item, list):
            pending.extend(reversed(item))
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


@dataclass(frozen=True, slots=True)
class Mark:
    """What was counted up to a moment."""

    counters: list[int]
    single: dict[tuple[str, str, Outcome, str], int]


@dataclass(slots=True)
class Account:
    """The books of one source."""

    source: str
    counters: list[Counter] = field(default_factory=list)
    _single: dict[tuple[str, str, Outcome, str], Counter] = field(default_factory=dict)
    _issues: dict[tuple[str, str | None, str], Issue] = field(default_factory=dict)
    _messages: dict[tuple[str, str | None], list[str]] = field(default_factory=dict)

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
        leaves, first = count_leaves(value)
        if not leaves:
            return
        key = (resource, shorten(path), outcome, reason)
        counter = self._single.get(key)
        if counter is None:
            counter = self._single[key] = Counter(*key)
        counter.add(first, leaves)  # of a whole record, what comes first tells which it is, and is nobody's address

    def mark(self) -> "Mark":
        """Return how much is counted now, for `go_back`."""
        return Mark([counter.count for counter in self.counters], {key: c.count for key, c in self._single.items()})

    def go_back(self, mark: "Mark") -> None:
        """Forget what was counted since: a record that was begun is refused, and its leaves are counted as dropped."""
        for number, counter in enumerate(self.counters):
            counter.count = mark.counters[number] if number < len(mark.counters) else 0
        for key, counter in self._single.items():
            counter.count = mark.single.get(key, 0)

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
        if known is None:
            messages = self._messages.setdefault((code, field), [])
            if len(messages) < _MAX_MESSAGES:
                messages.append(message)
            else:
                key = (code, field, messages[-1])
                known = self._issues[key]
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
            merged[key] = FieldUse(*key[:3], count, counter.reason, example, self.source)
        return tuple(merged[key] for key in sorted(merged))
