"""What does one JSON:API document say? Its resources with their links, and where it leads on.

Source: JSON:API 1.1 §Document structure, §Links: a link is a text or an object with `href`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import orjson

from qlink_ld.errors import SourceRefused, UnusableResponse
from qlink_ld.harvest.list_read import read_page
from qlink_ld.http import Response
from qlink_ld.provider_json import read_json
from qlink_ld.request_url import next_hop


@dataclass(frozen=True, slots=True)
class Item:
    """One resource, as far as finding more needs it. `hei_id`, `unit_id`: part of addresses."""

    id: str
    links: Mapping[str, str]
    hei_id: str = ""
    unit_id: str = ""
    modified: str = ""  # attribute `lastModified` of version 2


@dataclass(frozen=True, slots=True)
class Document:
    """Resources with usable ids, links of the document, how many resources had no usable id, what was forgiven."""

    items: list[Item]
    links: Mapping[str, str]
    nameless: int
    forgiven: str | None


class Answer:
    """One answer and what it says."""

    def __init__(self, response: Response, document: Document, *, absent: bool = False) -> None:
        self.response = response
        self.items = document.items
        self.links = document.links
        self.nameless = document.nameless
        self.absent = absent


def read_document(response: Response) -> Document:
    """Read a JSON:API document, whose `data` is a resource or a list of them.

    Raises:
        UnusableResponse: it is none.
    """
    read = read_page(response, usual=())
    content = read.value
    data = content.get("data") if isinstance(content, dict) else None
    if not isinstance(data, list | dict):
        raise UnusableResponse(
            f"{response.url}: not a document of OCCAPI: it has no `data`; ask the provider, or correct `path`"
        )
    resources = data if isinstance(data, list) else [data]
    items = [item for item in map(_read_item, resources) if item is not None]
    return Document(items, _read_links(content), len(resources) - len(items), read.forgiven)


def keep_items(response: Response, ids: Collection[str]) -> Response:
    """Return a list with these resources only."""
    content = read_json(response.body).value
    data = [entry for entry in content["data"] if isinstance(entry, dict) and entry.get("id") in ids]
    return replace(response, body=orjson.dumps({**content, "data": data}), stored=None)


def _read_item(resource: object) -> Item | None:
    key = resource.get("id") if isinstance(resource, dict) else None
    if not isinstance(resource, dict) or not isinstance(key, str) or key.strip() in ("", ".", ".."):
        return None
    attributes = resource.get("attributes")
    attributes = attributes if isinstance(attributes, dict) else {}
    hei_id, unit_id, modified = (_read_text(attributes, name) for name in ("heiId", "ounitId", "lastModified"))
    return Item(key, _read_links(resource), hei_id, unit_id, modified)


def _read_text(attributes: Mapping[str, Any], name: str) -> str:
    value = attributes.get(name)
    return value if isinstance(value, str) else ""


def _read_links(holder: Mapping[str, Any]) -> dict[str, str]:
    links = holder.get("links")
    found = {}
    for name, link in links.items() if isinstance(links, dict) else ():
        href = link.get("href") if isinstance(link, dict) else link
        if isinstance(href, str) and href.strip():
            found[name] = href.strip()
    return found


def below(home: str, *segments: str) -> str:
    """Return an address below another one, each segment percent-encoded."""
    parts = urlsplit(home)
    path = "/".join([parts.path.rstrip("/"), *(quote(segment, safe="") for segment in segments)])
    return urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))


def resolve_link(base: str, href: str) -> tuple[str, bool]:
    """Return where a link leads, and whether that is an address of the same origin."""
    try:
        return next_hop(f"{base}/", href, {})
    except SourceRefused:
        return href, False
