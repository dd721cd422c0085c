"""What are the items of one Edu-API list? Its pages by `limit` and `offset`, until there are no further ones.

An answer is a bare array and says nothing of itself, so the end is found from what the server does say (a `Link`
header, `X-Total-Count`) and else from what it does: a server may give fewer items than asked for, or all of them at
once, or the same ones again for every offset.

Source: Edu-API 1.0, §Pagination: `limit` (default 100), `offset` from 0, `X-Total-Count`, links next, last, first and
prev; RFC 8288 (Link header).
"""

import re
import threading
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urljoin, urlsplit

import orjson

from qlink_ld.errors import HarvestError, SourceRefused, UnusableResponse
from qlink_ld.harvest.list_read import (
    ABSENT,
    MAX_FAILED_PAGES,
    MAX_ITEMS,
    AddPage,
    ListRead,
    explain_forgiven,
    fingerprint,
    read_page,
)
from qlink_ld.harvest.remembered import PageClient, RememberingClient
from qlink_ld.http import Response
from qlink_ld.model import DataSource, Issue
from qlink_ld.request_url import hide_secrets

DEFAULT_LIMIT = 500  # Data Exchange, §Edu-API
MAX_PAGES = 10_000  # of one list, however few items a server gives at once
SAFE_LIMIT = 100  # Edu-API 1.0: the default of `limit`, which no server can refuse
ID_FIELD = "sourcedId"
_PAST_THE_END = frozenset({400, 404, 410, 416, 422})  # what servers answer for an offset behind the last record
_LINK = re.compile(r"<([^>]*)>([^<]*)")
_RELATION = re.compile(r';\s*rel\s*=\s*"?([^";,]*)"?', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class OffsetListRequest:
    """One list to read."""

    resource: str
    order: int  # among the lists of a snapshot
    url: str
    holds_records: bool = True  # False: its items only describe what records refer to
    sample: int | None = None  # so many items are enough
    unchanged: bool = False  # since the visit before, as far as is known


class OffsetListReader:
    """Reads lists of one source. Safe to use from several threads.

    Args:
        client: for the requests.
        source: whose headers and query parameters go with each request.
        add_page: keeps what was received.
        limit: items per page to ask for; one or more.
        max_items: a list that is longer counts as endless.
    """

    def __init__(
        self, client: PageClient, source: DataSource, add_page: AddPage, limit: int, max_items: int = MAX_ITEMS
    ) -> None:
        self._client = client
        self._source = source
        self._add_page = add_page
        self._limit = limit
        self._max_items = max_items

    def read(self, request: OffsetListRequest, stopped: threading.Event | None = None) -> ListRead:
        """Read all pages of a list. What cannot be read is an issue of the result, never an exception."""
        return _Reading(self._client, self._source, self._add_page, request, self._limit, self._max_items).run(stopped)


class _Reading:
    """The reading of one list: its state from page to page."""

    def __init__(
        self,
        client: PageClient,
        source: DataSource,
        add_page: AddPage,
        request: OffsetListRequest,
        limit: int,
        max_items: int,
    ) -> None:
        self.client = client
        self.source = source
        self.add_page = add_page
        self.request = request
        self.limit = limit
        self.max_items = max_items
        self.result = ListRead(request.resource, request.url)
        self.received = 0  # items, of pages that were kept
        self.offset = 0
        self.page_size = 0  # of the largest page, which shows what the server is willing to give
        self.last_size = 0
        self.overlaps = False  # a page repeated some items of earlier ones
        self.total: int | None = None  # X-Total-Count
        self.more: bool | None = None  # what the last answer said of a next page; None: nothing
        self.link: str | None = None  # the address of the next page, as the server says
        self.seen: set[str | bytes] = set()
        self.failed = 0

    def run(self, stopped: threading.Event | None) -> ListRead:
        while stopped is None or not stopped.is_set():
            if not self._read_page() or self.result.sampled or not self._goes_on() or self._is_enough():
                self._judge_overlap()
                return self.result
        self.result.complete = False
        return self.result

    # One page ---------------------------------------------------------------------------------------------------

    def _read_page(self) -> bool:
        """Read the page at the offset or the link; return whether there may be another one."""
        try:
            response = self._fetch()
            if response.status in _PAST_THE_END | ABSENT:
                return self._refused(response)
            items = self._read(response)
        except HarvestError as error:
            return self._note_failure(error)
        self.failed, self.result.unavailable = 0, False
        self._note_headers(response)
        if self._is_repeated(items, response.body):
            return False
        response = self._take_sample(items, response)
        if items or response.status == 200 or not self.result.pages:  # the empty one at the end is kept for next time
            self.add_page(self.request.resource, response, order=(self.request.order, 0, self.result.pages + 1))
            self.result.pages += 1
        self._report_without_id(items)
        self.page_size = max(self.page_size, len(items))
        self.last_size = len(items)
        self.received += len(items)
        self.result.items = self.received
        self.offset += len(items)
        if not items and self.total is not None and self.total > self.offset:
            self._report_missing()
        return bool(items)

    def _fetch(self) -> Response:
        accepted = frozenset(_PAST_THE_END | ABSENT)
        url, params = self.request.url, {"limit": str(self.limit), "offset": str(self.offset)}
        if self.link is not None:
            url, params = self.link, {}
        recall = self.client.recall if isinstance(self.client, RememberingClient) and self.request.unchanged else None
        if recall is not None and (known := recall(url, params)) is not None:
            return known
        return self.client.get(url, params=params, accept="application/json", source=self.source, answers=accepted)

    def _refused(self, response: Response) -> bool:
        """Judge a 4xx: no such list, a limit that is too high, or an offset behind the last record."""
        status = response.status
        if self.result.pages == 0 and self.failed == 0:
            if status in ABSENT:
                self.result.absent = True
                return False
            if self.limit > SAFE_LIMIT:
                self._report(
                    "page-size-refused",
                    f"the server answered {status} to limit={self.limit}; {SAFE_LIMIT} is used. "
                    "Set pageSize to what it allows",
                    severity="info",
                )
                self.limit = SAFE_LIMIT
                return True
        elif self.more is None and self.failed == 0:
            return False  # nobody said that there is another page
        return self._note_failure(
            SourceRefused(f"{response.url}: the server answered {status}; ask the provider, or check `path`")
        )

    def _read(self, response: Response) -> list[Any]:
        if response.status == 204 and not response.body.strip():
            return []
        read = read_page(response)
        if read.forgiven is not None:
            self._report("page-not-strict-json", explain_forgiven(read.forgiven))
        document = read.value
        items = document.get(self.request.resource) if isinstance(document, dict) else document
        if isinstance(items, list):
            return items
        said = document.get("imsx_description") if isinstance(document, dict) else None
        raise UnusableResponse(
            f"{response.url}: not a page of Edu-API v1: neither a list nor an object with a list "
            f"`{self.request.resource}`{f' (it says: {str(said)[:200]})' if said else ''}; ask the provider, or "
            "correct `path`"
        )

    def _note_headers(self, response: Response) -> None:
        """Read what the server says of further pages. A link is followed inside the same origin only."""
        total = response.headers.get("x-total-count", "").strip()
        if total.isdecimal():
            self.total = int(total)
        relations = {
            relation.lower(): target
            for target, parameters in _LINK.findall(response.headers.get("link", ""))
            for found in _RELATION.findall(parameters)
            for relation in found.split()
        }
        self.link, self.more = None, None
        if "next" in relations:
            self.more = True
            self.link = _same_list(self.request.url, relations["next"])
        elif relations.keys() & {"first", "prev", "last"}:
            self.more = False

    # Is there another page? -------------------------------------------------------------------------------------

    def _goes_on(self) -> bool:
        """Say whether to ask for another page, after one that was kept or that failed."""
        if self.received > self.max_items or self.result.pages >= MAX_PAGES:
            self._report(
                "paging-endless",
                f"the list does not end: {self.received} items were read. Ask the provider to correct the paging",
            )
            self.result.complete, self.result.endless = False, True
            return False
        if self.failed:
            return True
        if self.more is not True and self.total is not None:
            self.more = self.offset < self.total
        if self.more is not None:
            return self.more
        # Nothing is said. Fewer items than a page before had is the end; the first page may have been capped.
        return self.result.pages <= 1 or self.last_size >= self.page_size

    def _take_sample(self, items: list[Any], response: Response) -> Response:
        """Leave items out that a sample does not need, of a server that gave more than it was asked for."""
        wanted = len(items) if self.request.sample is None else self.request.sample - self.received
        if len(items) <= wanted:
            return response
        self.result.sampled = True
        self.result.total = self.total if self.total is not None else self.received + len(items)
        del items[wanted:]
        return replace(response, body=orjson.dumps(items))

    def _is_enough(self) -> bool:
        """Say whether a sample has enough items, though there are more."""
        self.result.sampled = self.request.sample is not None and self.received >= self.request.sample
        self.result.total = self.total
        return self.result.sampled

    def _is_repeated(self, items: list[Any], body: bytes) -> bool:
        """Say whether a page holds nothing that was not on an earlier one, and judge what that means.

        A server that ignores `offset` repeats its first page. If it also ignored `limit`, that page was the whole list;
        if it had just as many items as were asked for, the rest cannot be had.
        """
        keys = {_key(item, body) for item in items}
        repeated = bool(keys) and keys <= self.seen
        self.overlaps = self.overlaps or (not repeated and not keys.isdisjoint(self.seen))
        self.seen |= keys
        if not repeated:
            return False
        if self.total is not None:
            cut = len(self.seen) < self.total
        else:
            cut = self.result.pages == 1 and len(items) == self.limit
        if cut:
            self.result.complete = False
        if cut or self.more:
            self._report(
                "page-repeated",
                f"the page from offset {self.offset} repeats what was on an earlier one; "
                + ("further pages could not be had. " if cut else "taken for the end of the list. ")
                + "Ask the provider to correct the paging",
            )
        return True

    def _note_failure(self, error: HarvestError) -> bool:
        """Note a page that cannot be read; return whether the ones behind it can be asked for."""
        self.failed += 1
        code = self.result.note_failure(error, optional=not self.request.holds_records and self.result.pages == 0)
        self._report(code, f"{self.request.resource} from offset {self.offset}: {error}")
        # Only a server that said how many there are can be asked for the records behind a broken page.
        self.link = None
        self.offset += self.page_size or self.limit
        return self.total is not None and self.offset < self.total and self.failed < MAX_FAILED_PAGES

    def _report_without_id(self, items: list[Any]) -> None:
        for number, item in enumerate(items, 1) if self.request.holds_records else ():
            key = item.get(ID_FIELD) if isinstance(item, dict) else None
            if not isinstance(key, str) or not key.strip():
                self._report(
                    "record-without-id",
                    f"an item has no usable {ID_FIELD}. Give it an id: text that stays the same",
                    item=number,
                )

    def _judge_overlap(self) -> None:
        """Pages that overlap have moved between two requests, and what moved to an earlier page was not seen."""
        if not self.overlaps or (self.total is not None and len(self.seen) >= self.total):
            return
        self.result.complete = False
        self._report(
            "page-overlap",
            "some items came on two pages, so others may have been missed. Ask the provider to list records in an "
            "order that stays the same, each once",
        )

    def _report_missing(self) -> None:
        self.result.complete = False
        self._report(
            "paging-contradiction",
            f"the list ends after {self.received} items, X-Total-Count says {self.total}; records may be missing. "
            "Ask the provider to correct one of them",
        )

    def _report(self, code: str, message: str, item: int | None = None, severity: str = "warning") -> None:
        place = f"{hide_secrets(self.request.url, self.source.query_parameters)} offset {self.offset}"
        self.result.issues.append(
            Issue(
                code,
                message,
                severity="info" if severity == "info" else "warning",
                source=self.source.id,
                position=place if item is None else f"{place} item {item}",
            )
        )


def _same_list(url: str, target: str) -> str | None:
    """Return the address that a link leads to, None if that is not the same list: credentials go nowhere else."""
    try:
        here, there = urlsplit(url), urlsplit(urljoin(url, target))
    except ValueError:
        return None
    same = (here.scheme, here.netloc, here.path) == (there.scheme, there.netloc, there.path)
    return there.geturl() if same and there.query else None


def _key(item: object, body: bytes) -> str | bytes:
    """What makes an item the same as another: its id, else its content, else the page that it is on."""
    key = item.get(ID_FIELD) if isinstance(item, dict) else None
    if isinstance(key, str) and key.strip():
        return key
    return fingerprint(item, body)
