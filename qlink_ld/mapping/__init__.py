"""The room mapping: What is that in ELM?"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from qlink_ld.errors import UnreadableData
from qlink_ld.mapping.account import Account
from qlink_ld.mapping.batch import Mapped
from qlink_ld.mapping.documents import Document
from qlink_ld.mapping.elm import ElmMapper
from qlink_ld.mapping.folder import MappingFolder, find_mapping, load_mapping
from qlink_ld.mapping.graph_document import find_rooted_name, write_json_ld
from qlink_ld.mapping.rdf_format import unpack
from qlink_ld.mapping.records import JsonMapper
from qlink_ld.model import DataSource, Institution, Page, Snapshot
from qlink_ld.namespaces import Iris

__all__ = [
    "Account",
    "Document",
    "JsonMapper",
    "MappingFolder",
    "find_mapping",
    "load_mapping",
    "map_graph",
    "map_snapshot",
]


def map_snapshot(
    snapshot: Snapshot, mapping: MappingFolder, institution: Institution, iris: Iris, account: Account
) -> Iterator[list[Mapped]]:
    """Map the pages of a snapshot, batch by batch.

    Args:
        snapshot: raw pages.
        mapping: see `find_mapping`.
        institution: whose data it is.
        iris: mints IRIs.
        account: takes counts and issues; read it when all batches are done.

    Raises:
        UnreadableData: a file that cannot be parsed at all.
    """
    return map_pages(snapshot.pages, mapping, institution, snapshot.source, iris, account, snapshot.fetched_at.date())


def map_pages(
    pages: tuple[Page, ...],
    mapping: MappingFolder,
    institution: Institution,
    source: DataSource,
    iris: Iris,
    account: Account,
    harvested_on: date,
) -> Iterator[list[Mapped]]:
    """Map pages: see `map_snapshot`."""
    if not mapping.is_graph:
        mapper = JsonMapper(mapping, institution, iris, account, harvested_on, source.default_language)
        yield from mapper.map_pages(pages)
        return
    for page in pages:
        if page.resource != "data":
            raise UnreadableData(f"{page.url}: the mapping '{mapping.name}' is for RDF files, not for an API")
        yield from map_graph(
            page.read(), mapping, institution, source, iris, account, harvested_on, page.media_type, page.url
        )


def map_graph(
    body: bytes,
    mapping: MappingFolder,
    institution: Institution,
    source: DataSource,
    iris: Iris,
    account: Account,
    harvested_on: date,
    media_type: str | None,
    url: str,
) -> Iterator[list[Mapped]]:
    """Map a document that is a graph: RDF, or XML that says the same, which its root element tells.

    Args:
        body: as received.
        mapping: for RDF, or one with `then`.
        institution: whose data it is.
        source: where it is from, and what is said about it.
        iris: mints IRIs.
        account: takes counts and issues; read it when all batches are done.
        harvested_on: the day that decides which records are active.
        media_type: as the server says, if there was one.
        url: where it came from, for messages.

    Raises:
        UnreadableData: it cannot be parsed; the message has the position.
    """
    body = unpack(body, url)
    if mapping.then is None and (name := find_rooted_name(body)):
        mapping = load_mapping(name)
    if mapping.then is not None:
        body = write_json_ld(body, mapping, account, url)
        mapping, media_type = load_mapping(mapping.then), "application/ld+json"
        source = replace(source, content_type=None)
    rdf = ElmMapper(mapping, institution, iris, account, harvested_on)
    yield from rdf.map_file(body, source, media_type, url)
