"""What did reading a list bring, and what is said of it? The same for every API that lists its records in pages."""

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from itertools import chain
from typing import Protocol

import orjson

from qlink_ld.errors import HarvestError, SourceRefused, SourceUnavailable, UnusableResponse
from qlink_ld.harvest.visit import Visit
from qlink_ld.http import Response
from qlink_ld.model import Issue
from qlink_ld.provider_json import ReadJson, read_json

ABSENT = frozenset({404, 410, 501})  # "there is no such list"; servers that implement a part of an API say this
MAX_ITEMS = 250_000  # of one list; no university has as many courses
MAX_FAILED_PAGES = 3  # in a row, of one list


class AddPage(Protocol):
    """Where pages go: `SnapshotWriter.add`."""

    def __call__(
        self, resource: str, response: Response, *, parent: str | None = None, order: tuple[int, int, int] = ...
    ) -> None:
        """Keep one page."""


@dataclass(slots=True)
class ListRead:
    """What reading one list brought."""

    resource: str
    url: str
    parent: str | None = None
    pages: int = 0
    ids: list[str] = field(default_factory=list)  # distinct, usable in an address, in the order of the list
    complete: bool = True
    absent: bool = False  # the server says that it has no such list
    unavailable: bool = False  # the last request failed for now
    endless: bool = False  # given up, because the server always has another page
    items: int = 0  # on the pages
    total: int | None = None  # items that a list has which was not read to its end; about so many
    sampled: bool = False  # not read to its end, because a sample is enough
    issues: list[Issue] = field(default_factory=list)
    errors: list[HarvestError] = field(default_factory=list)

    def note_failure(self, error: HarvestError, *, optional: bool) -> str:
        """Note a page that could not be had; return the code of its issue.

        Args:
            error: what went wrong.
            optional: if the server refuses, nothing is missing: a list that only describes what records refer to.
        """
        self.errors.append(error)
        self.unavailable = isinstance(error, SourceUnavailable)
        self.complete = self.complete and optional and isinstance(error, SourceRefused)
        return failure_code(error)


def failure_code(error: HarvestError) -> str:
    """Return the code of the issue of a page that could not be had."""
    return "page-unreadable" if isinstance(error, UnusableResponse) else "page-failed"


def read_page(response: Response, usual: Collection[str] = ("application/json",)) -> ReadJson:
    """Read the JSON of a page.

    Args:
        response: the server's.
        usual: media types that need no mention.

    Raises:
        UnusableResponse: there is nothing in it, or it is not JSON.
    """
    if not response.body.strip():
        raise UnusableResponse(f"{response.url}: answered {response.status} with nothing in it; ask the provider")
    try:
        return read_json(response.body)
    except ValueError as error:
        kind = f" ({response.media_type})" if response.media_type and response.media_type not in usual else ""
        raise UnusableResponse(
            f"{response.url}: not JSON{kind}: {error}; a login page or a body that was cut? Ask the provider"
        ) from error


def explain_forgiven(what: str) -> str:
    """Return the message of the issue `page-not-strict-json`."""
    return f"the page is read although JSON does not allow {what}; ask the provider to correct it"


def fingerprint(item: object, body: bytes) -> bytes:
    """Hash an item; one that is nested deeper than can be written counts as its whole page."""
    try:
        return hashlib.sha256(orjson.dumps(item)).digest()
    except orjson.JSONEncodeError:
        return hashlib.sha256(body).digest()


# Telling the visit ---------------------------------------------------------------------------------------------------


def merge_read(visit: Visit, read: ListRead) -> None:
    """Report what went wrong with a list, and that it is a sample; the lists below records are too many for that."""
    for issue in read.issues:
        visit.report(issue)
    visit.complete = visit.complete and read.complete
    if read.sampled and read.parent is None:
        visit.report_sampled(read.resource, read.items, read.total)


def absent_issue(visit: Visit, resource: str, url: str) -> Issue:
    """Return the issue of a list that the server does not have."""
    return Issue(
        "resource-absent",
        f"the server has no {resource} (it answered 404, 410 or 501); correct if it offers none",
        severity="info",
        source=visit.source.id,
        position=visit.shown(url),
    )


def report_ignored_parameters(visit: Visit, own: Collection[str]) -> None:
    """Report query parameters of the source that do not replace the harvester's own, given in lower case.

    Source: Data Source Discovery, requirement M-11.
    """
    for name in visit.source.query_parameters:
        if name.lower() in own:
            visit.report(
                Issue(
                    "parameter-ignored",
                    f"the query parameter {name} is set by the harvester where it is needed; remove it from the source",
                    source=visit.source.id,
                    field="queryParameters",
                )
            )


def explain_nothing(errors: Iterable[HarvestError], otherwise: str) -> HarvestError:
    """Choose the error that says best why there is nothing; `otherwise` says so if no request failed."""
    known = list(errors)
    if not known:
        return SourceRefused(f"{otherwise}; check `path` of the source")
    chosen = next((error for error in known if isinstance(error, SourceUnavailable)), known[0])
    return type(chosen)(f"{chosen} (neither courses nor programmes could be had)")


def explain_no_lists(visit: Visit, reads: Iterable[ListRead], names: str) -> HarvestError:
    """Return why there are neither courses nor programmes; `names` is what the format calls them: "a nor b"."""
    return explain_nothing(
        chain.from_iterable(read.errors for read in reads),
        f"{visit.shown(visit.source.path)}: the server has neither {names} below this address (it answered 404, 410 "
        "or 501)",
    )
