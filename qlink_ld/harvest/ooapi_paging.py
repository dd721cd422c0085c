"""What are the items of one OOAPI list? Its pages, one after the other, until there is no next one.

Servers are not trusted to end: an empty page, a page without anything new and too many pages end a list, too.

Source: OOAPI 5.0 and OEAPI 6.0, §Pagination: `pageNumber` from 1, `pageSize`, answer with `items`, `hasNextPage`,
`totalPages`.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

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
from qlink_ld.harvest.remembered import PageClient
from qlink_ld.http import Response
from qlink_ld.model import DataSource, Issue
from qlink_ld.request_url import hide_secrets

PAGE_SIZES = (10, 20, 50, 100, 250)  # OOAPI 5.0, parameter pageSize
DEFAULT_PAGE_SIZE = 250  # Data Exchange, §OOAPI
MAX_CHILD_ITEMS = 10_000  # of one list below a record; no course has as many offerings


@dataclass(frozen=True, slots=True)
class ListRequest:
    """One list to read."""

    resource: str
    order: tuple[int, int]  # numbers of the resource and the parent
    url: str
    id_field: str  # member of an item that identifies it
    params: Mapping[str, str]
    parent: str | None = None
    holds_records: bool = True  # False: its items only describe what records refer to
    sample: int | None = None  # so many items are enough


@dataclass(frozen=True, slots=True)
class _Content:
    """What matters for paging in one answer."""

    items: list[Any]
    has_next: bool
    total_pages: int | None
    page_size: int


class ListReader:
    """Reads lists of one source. Safe to use from several threads.

    Args:
        client: for the requests.
        source: whose headers and query parameters go with each request.
        add_page: keeps what was received.
        page_size: one of `PAGE_SIZES`.
        max_items: a list that is longer counts as endless.
    """

    def __init__(
        self,
        client: PageClient,
        source: DataSource,
        add_page: AddPage,
        page_size: int,
        max_items: int = MAX_ITEMS,
    ) -> None:
        self._client = client
        self._source = source
        self._add_page = add_page
        self._page_size = page_size
        self._max_items = max_items

    def read(self, request: ListRequest) -> ListRead:
        """Read all pages of a list. What cannot be read is an issue of the result, never an exception."""
        most = self._max_items if request.parent is None else min(self._max_items, MAX_CHILD_ITEMS)
        pages = -(-most // self._page_size)
        return _Reading(request, self._source, pages, self._page_size).run(self._fetch, self._add_page)

    def _fetch(self, request: ListRequest, number: int) -> Response:
        return self._client.get(
            request.url,
            params={**request.params, "pageNumber": str(number), "pageSize": str(self._page_size)},
            accept="application/json",
            source=self._source,
            answers=ABSENT,
        )


class _Reading:
    """The reading of one list: its state from page to page."""

    def __init__(self, request: ListRequest, source: DataSource, max_pages: int, page_size: int) -> None:
        self.request = request
        self.source = source
        self.max_pages = max_pages
        self.page_size = page_size
        self.result = ListRead(request.resource, request.url, request.parent)
        self.total_pages: int | None = None
        self.seen_items: set[bytes] = set()
        self.seen_ids: set[str] = set()

    def run(self, fetch: Callable[[ListRequest, int], Response], add_page: AddPage) -> ListRead:
        number, failed = 1, 0
        while True:
            content = None
            try:
                response = fetch(self.request, number)
                if response.status in ABSENT and number == 1:
                    self.result.absent = True
                    return self.result
                content = self._read(response, number)
            except HarvestError as error:
                failed += 1
                self._note_failure(error, number)
                # Only a server that said how many pages there are can be asked for the ones behind a broken one.
                if self.total_pages is None or number >= self.total_pages or failed >= MAX_FAILED_PAGES:
                    return self.result
            if content is not None:
                failed, self.result.unavailable = 0, False
                if self._is_repeated(content, response.body, number):
                    return self.result
                order = (*self.request.order, number)
                response = self._take_sample(content, response)
                add_page(self.request.resource, response, parent=self.request.parent, order=order)
                self.result.pages += 1
                self.result.items += len(content.items)
                self._note_ids(content.items, number)
                self.total_pages = content.total_pages
                if self.result.sampled:
                    self.result.complete = False
                    return self.result
                if not content.has_next or not content.items:
                    self._check_end(content, number)
                    return self.result
            number += 1
            if number > self.max_pages:
                self._report(
                    "paging-endless",
                    f"the list does not end: {self.max_pages} pages were read and there is said to be another one. "
                    "Ask the provider to correct `hasNextPage`",
                    number - 1,
                )
                self.result.complete, self.result.endless = False, True
                return self.result

    def _take_sample(self, content: _Content, response: Response) -> Response:
        """Leave items out that a sample does not need; notice whether it has enough of them."""
        sample = self.request.sample
        if sample is None or self.result.items + len(content.items) < sample:
            return response
        wanted = sample - self.result.items
        more = len(content.items) > wanted
        self.result.sampled = more or (content.has_next and bool(content.items))
        if not self.result.sampled:
            return response
        on_pages = content.total_pages * len(content.items) if content.total_pages else None
        self.result.total = on_pages if content.has_next else self.result.items + len(content.items)
        del content.items[wanted:]
        return replace(response, body=orjson.dumps({"items": content.items})) if more else response

    def _read(self, response: Response, number: int) -> _Content:
        if response.status in ABSENT:
            raise SourceRefused(
                f"{response.url}: the server answered {response.status} though the page before said `hasNextPage`; "
                "ask the provider"
            )
        read = read_page(response)
        if read.forgiven is not None:
            self._report("page-not-strict-json", explain_forgiven(read.forgiven), number)
        document = read.value
        items = document.get("items") if isinstance(document, dict) else None
        if not isinstance(document, dict) or not isinstance(items, list):
            raise UnusableResponse(
                f"{response.url}: not a page of OOAPI: it has no list `items`; ask the provider, or correct `path`"
            )
        total = document.get("totalPages")
        size = document.get("pageSize")
        known = isinstance(total, int) and not isinstance(total, bool) and total > 0
        has_next = document.get("hasNextPage")
        return _Content(
            items=items,
            has_next=has_next is True or str(has_next).lower() == "true",
            total_pages=total if known else None,
            page_size=size if isinstance(size, int) and 0 < size < self.page_size else self.page_size,
        )

    def _is_repeated(self, content: _Content, body: bytes, number: int) -> bool:
        """Say whether a page holds nothing that was not on an earlier one, and judge what that means.

        A server that repeats its last page, or begins again, gave all. One that repeats the first full page when asked
        for the second knows no paging: what it did not put on the first page is missing.
        """
        digests = {fingerprint(item, body) for item in content.items}
        repeated = bool(digests) and digests <= self.seen_items
        self.seen_items |= digests
        if not repeated:
            return False
        expected = self.total_pages
        cut = self.result.pages < expected if expected else number == 2 and len(content.items) >= content.page_size
        self.result.complete = self.result.complete and not cut
        self._report(
            "page-repeated",
            f"page {number} repeats what was on an earlier page although that said `hasNextPage`; "
            + ("further pages could not be had. " if cut else "taken for the end of the list. ")
            + "Ask the provider to correct the paging",
            number,
        )
        return True

    def _check_end(self, content: _Content, number: int) -> None:
        """Notice a list that ends although its own count of pages says that there are more."""
        if not content.total_pages or number >= content.total_pages or 0 < len(content.items) < content.page_size:
            return
        self.result.complete = False
        self._report(
            "paging-contradiction",
            f"page {number} of {content.total_pages} is said or seen to be the last one; records may be missing. "
            "Ask the provider to correct `hasNextPage` or `totalPages`",
            number,
        )

    def _note_ids(self, items: list[Any], page: int) -> None:
        for number, item in enumerate(items, 1):
            key = item.get(self.request.id_field) if isinstance(item, dict) else None
            if not isinstance(key, str) or key.strip() in ("", ".", ".."):
                example = json.dumps(key)[:200] if isinstance(key, str | int | float | None) else type(key).__name__
                if self.request.holds_records:
                    self._report(
                        "record-without-id",
                        f"an item has no usable {self.request.id_field}; nothing that belongs to it is asked for. "
                        "Give it an id: text that stays the same",
                        page,
                        item=number,
                        value=example,
                    )
            elif key not in self.seen_ids:
                self.seen_ids.add(key)
                self.result.ids.append(key)

    def _note_failure(self, error: HarvestError, number: int) -> None:
        code = self.result.note_failure(error, optional=not self.request.holds_records and number == 1)
        self._report(code, f"page {number} of {self.request.resource}: {error}", number)

    def _report(self, code: str, message: str, page: int, item: int | None = None, value: str | None = None) -> None:
        place = f"{hide_secrets(self.request.url, self.source.query_parameters)} page {page}"
        self.result.issues.append(
            Issue(
                code,
                message,
                source=self.source.id,
                record=self.request.parent,
                field=self.request.id_field if value is not None else None,
                value=value,
                position=place if item is None else f"{place} item {item}",
            )
        )
