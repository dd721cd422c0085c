"""Answers OOAPI 5.0 and OEAPI 6.0 requests from a catalogue: paging, `since`, single items, problem JSON.

Filters other than `since` and `until` are ignored, as many deployed servers do. Source: OOAPI 5.0.0; OEAPI 6.0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Final
from urllib.parse import unquote

import orjson

from qlink_ld.demo.catalogue import ID_FIELDS, Catalogue
from qlink_ld.demo.courses import Item
from qlink_ld.demo.http_server import Answer


@dataclass(frozen=True, slots=True)
class Edition:
    """What differs between the editions of the specification: where it is, and the key of each collection's items."""

    base_path: str
    specification: str
    id_fields: Mapping[str, str]
    service: Mapping[str, object] = field(default_factory=dict)  # further members of the service document


OOAPI_5: Final = Edition("/ooapi/v5", "https://openonderwijsapi.nl/v5/", ID_FIELDS)
PAGE_SIZES: Final = (10, 20, 50, 100, 250)
DEFAULT_PAGE_SIZE: Final = 10


class _Problem(Exception):
    def __init__(self, status: int, title: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.title = title
        self.detail = detail


class OoapiServer:
    """One university's OOAPI or OEAPI endpoint.

    Args:
        catalogue: what it has to show, in objects of the edition.
        contact: e-mail address in the service document.
        broken_last_page_of: collection whose last page, if it has several, is cut in the middle; a deliberate fault.
        edition: of the specification.
    """

    def __init__(
        self, catalogue: Catalogue, contact: str, broken_last_page_of: str | None = None, edition: Edition = OOAPI_5
    ) -> None:
        self.catalogue = catalogue
        self.broken_last_page_of = broken_last_page_of
        self.edition = edition
        self._service: Item = {
            "contactEmail": contact,
            "specification": edition.specification,
            "documentation": f"https://www.{contact.partition('@')[2]}/api",
            **edition.service,
        }

    def answer(self, path: str, query: Mapping[str, str]) -> Answer:
        """Answer one GET request; `path` starts with the edition's base path."""
        try:
            return self._answer(path, query)
        except _Problem as problem:
            body = orjson.dumps({"status": str(problem.status), "title": problem.title, "detail": problem.detail})
            return Answer(body, "application/problem+json", problem.status)

    def _answer(self, path: str, query: Mapping[str, str]) -> Answer:
        base = self.edition.base_path
        if path != base and not path.startswith(f"{base}/"):
            raise _Problem(404, "Resource not found", f"this server answers below {base}/ only")
        parts = [unquote(part) for part in path.removeprefix(base).split("/") if part]
        match parts:
            case []:
                return _json(self._service)
            case [collection]:
                items = self.catalogue.list_items(collection)
                broken = collection == self.broken_last_page_of
            case [collection, identifier] if collection in self.edition.id_fields:
                item = self.catalogue.find_item(collection, identifier)
                if item is None:
                    raise _Problem(404, "Resource not found", f"no {collection} with the id {identifier}")
                return _json(item)
            case [collection, identifier, child]:
                since = _read_date(query, "since") or datetime.now(UTC).date()  # the format's default: today
                until = _read_date(query, "until")
                items = self.catalogue.list_children(collection, identifier, child, since, until)
                broken = False
            case _:
                items = None
        if items is None:
            raise _Problem(404, "Resource not found", f"nothing at {path}")
        page, is_last = _make_page(items, query)
        body = orjson.dumps(page)
        if broken and is_last and page["pageNumber"] > 1:
            body = body[: len(body) // 2]
        return Answer(body, "application/json")


def _make_page(items: Sequence[Item], query: Mapping[str, str]) -> tuple[Item, bool]:
    size = _read_number(query, "pageSize", DEFAULT_PAGE_SIZE)
    number = _read_number(query, "pageNumber", 1)
    if size not in PAGE_SIZES:
        raise _Problem(400, "Bad request", f"pageSize must be one of {', '.join(map(str, PAGE_SIZES))}, not {size}")
    if number < 1:
        raise _Problem(400, "Bad request", f"pageNumber starts at 1, not {number}")
    total = -(-len(items) // size)
    page: Item = {
        "pageSize": size,
        "pageNumber": number,
        "hasPreviousPage": number > 1,
        "hasNextPage": number < total,
        "totalPages": total,
        "items": items[(number - 1) * size : number * size],
    }
    return page, number == total


def _read_number(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    try:
        return int(text)
    except ValueError:
        raise _Problem(400, "Bad request", f"{name} must be a whole number, not '{text}'") from None


def _read_date(query: Mapping[str, str], name: str) -> date | None:
    text = query.get(name)
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text).date()  # a date in OOAPI 5.0, a date-time in OEAPI 6.0
    except ValueError:
        raise _Problem(400, "Bad request", f"{name} must be a date like 2026-09-01, not '{text}'") from None


def _json(item: Item) -> Answer:
    return Answer(orjson.dumps(item), "application/json")
