"""What does one visit to a source need and bring? Handed to the harvester of the source's type."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from qlink_ld.harvest.remembered import PageClient
from qlink_ld.harvest.snapshot import SnapshotWriter
from qlink_ld.model import DataSource, Institution, Issue
from qlink_ld.request_url import hide_secrets

OnProgress = Callable[[int, int | None], None]  # lists or files done, and of how many (None: not known yet)

CONTEXT_SAMPLE = 500  # of a sampled source: entries of lists that only describe what records refer to
MAX_ISSUES_PER_CODE = 20  # the rest of the same kind is counted in one


@dataclass(slots=True)
class Visit:
    """One visit: whom, where, with what, and what went wrong so far. Used by one thread; `writer` by many."""

    institution: Institution
    source: DataSource
    client: PageClient
    writer: SnapshotWriter
    now: datetime  # UTC
    on_progress: OnProgress | None = None
    sample: int | None = None  # so many records of each kind are wanted; None: all
    complete: bool = True
    _issues: list[Issue] = field(default_factory=list)

    def report(self, issue: Issue, *, complete: bool = True) -> None:
        """Note an issue; `complete=False` if it means that records may be missing."""
        self._issues.append(issue)
        self.complete = self.complete and complete

    def report_sampled(self, resource: str, kept: int, total: int | None) -> None:
        """Note that a list was not read to its end, because no more of it was wanted."""
        of = f" of about {total}" if total is not None and total > kept else ""
        message = f"a sample: {kept}{of} {resource} were read"
        value = None if total is None else str(total)
        self.report(Issue("list-sampled", message, "info", self.source.id, field=resource, value=value), complete=False)

    def shown(self, url: str) -> str:
        """Return an address without what may be secret in it."""
        return hide_secrets(url, self.source.query_parameters)

    def progress(self, done: int, total: int | None) -> None:
        """Tell whoever watches."""
        if self.on_progress is not None:
            self.on_progress(done, total)

    @property
    def issues(self) -> tuple[Issue, ...]:
        """All issues in the order noted, at most `MAX_ISSUES_PER_CODE` of a kind and one that counts the rest."""
        seen: Counter[str] = Counter()
        kept = []
        for issue in self._issues:
            seen[issue.code] += issue.count
            if seen[issue.code] <= MAX_ISSUES_PER_CODE or issue.count > 1:
                kept.append(issue)
        listed = Counter[str]()
        for issue in kept:
            listed[issue.code] += issue.count
        for code, count in seen.items():
            if rest := count - listed[code]:
                example = next(issue for issue in self._issues if issue.code == code)
                kept.append(
                    Issue(code, f"{rest} more of this kind", example.severity, source=self.source.id, count=rest)
                )
        return tuple(kept)
