"""Has a list of an Edu-API server changed since the last visit? Its own filter on modification dates says so.

Only where nothing better is there: pages with an ETag or Last-Modified are asked for on condition anyway. A list in
which everything has a date is asked once for what was modified since it was read; if there is nothing, its pages are
taken from the snapshot. If there is something, the whole list is read: a filtered answer never says what vanished.

Source: Edu-API 1.0, `filter` (its grammar is left to the provider), `dateLastModified`; Data Exchange, requirements
I-04 and I-06.
"""

import email.utils
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from qlink_ld.errors import HarvestError
from qlink_ld.harvest.edu_api_paging import OffsetListRequest
from qlink_ld.harvest.list_read import read_page
from qlink_ld.harvest.remembered import RememberedPage, RememberingClient
from qlink_ld.http import Response
from qlink_ld.model import DataSource

log = logging.getLogger(__name__)

_MODIFIED = "dateLastModified"
_REFUSALS = frozenset({400, 403, 404, 405, 410, 414, 422, 500, 501})  # of a server that does not take the filter
_OVERLAP = timedelta(minutes=2)  # records may become visible some time after the moment that they are stamped with


def is_unchanged(client: RememberingClient, source: DataSource, request: OffsetListRequest) -> bool:
    """Say whether a list is as it was at the last visit; False if that cannot be known.

    A server that refuses the filter or pays no attention to it is noted as `client.filter_refused`, and is not asked
    again.
    """
    pages = client.remembered(request.url)
    if client.filter_refused or not pages or any(page.conditions for page in pages):
        return False
    read_at = _read_at(pages)
    items = list(_read_items(pages, request.resource))
    if read_at is None or not items or any(_modified(item) is None for item in items):
        return False
    since = read_at - _OVERLAP
    changed = _ask(client, source, request, since)
    if changed is None or any((moment := _modified(item)) is None or moment <= since for item in changed):
        log.info("%s: the filter on %s is of no use here; whole lists are read", request.url, _MODIFIED)
        client.filter_refused = True
        return False
    client.validators = True  # as good as: the server can say that nothing has changed
    return not changed


def _ask(
    client: RememberingClient, source: DataSource, request: OffsetListRequest, since: datetime
) -> list[Any] | None:
    """Ask for an item that was modified since; return what came, or None if the server does not take the filter."""
    moment = since.strftime("%Y-%m-%dT%H:%M:%SZ")
    params = {"limit": "1", "offset": "0", "filter": f"{_MODIFIED}>'{moment}'"}
    try:
        answer = client.get(
            request.url, params=params, accept="application/json", source=source, answers=_REFUSALS, attempts=1
        )
        if answer.status == 204:
            return []
        return _items_of(answer, request.resource) if answer.status == 200 else None
    except HarvestError as error:
        log.info("%s: no answer to the filter on %s (%s)", request.url, _MODIFIED, error)
        return None


def _read_items(pages: list[RememberedPage], resource: str) -> Iterator[Any]:
    """Return the items of remembered pages; None for a page that cannot be read."""
    for page in pages:
        response = page.read()
        try:
            yield from (None,) if response is None else (_items_of(response, resource) or ())
        except HarvestError:
            yield None


def _items_of(response: Response, resource: str) -> list[Any] | None:
    document = read_page(response).value if response.body.strip() else []
    items = document.get(resource) if isinstance(document, dict) else document
    return items if isinstance(items, list) else None


def _read_at(pages: list[RememberedPage]) -> datetime | None:
    """When the first of the pages was read, by the server's own clock; None if it did not say."""
    moments = []
    for page in pages:
        try:
            moments.append(email.utils.parsedate_to_datetime(page.headers.get("date", "")))
        except ValueError:
            return None
    return min((moment if moment.tzinfo else moment.replace(tzinfo=UTC) for moment in moments), default=None)


def _modified(item: object) -> datetime | None:
    """When an item says that it was modified; a time without zone counts as UTC."""
    text = item.get(_MODIFIED) if isinstance(item, dict) else None
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment
