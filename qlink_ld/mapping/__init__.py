"""The room mapping: What is that in ELM?"""

from collections.abc import Iterator
from datetime import date

from qlink_ld.errors import UnreadableData
from qlink_ld.mapping.account import Account
from qlink_ld.mapping.batch import Mapped
from qlink_ld.mapping.documents import Document
from qlink_ld.mapping.elm import ElmMapper
from qlink_ld.mapping.folder import MappingFolder, find_mapping, load_mapping
from qlink_ld.mapping.records import JsonMapper
from qlink_ld.model import DataSource, Institution, Page, Snapshot
from qlink_ld.namespaces import Iris

__all__ = ["Account", "Document", "JsonMapper", "MappingFolder", "find_mapping", "load_mapping", "map_snapshot"]


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
    if mapping.resources:
        mapper = JsonMapper(mapping, institution, iris, account, harvested_on, source.default_language)
        yield from mapper.map_pages(pages)
        return
    for page in pages:
        if page.resource != "data":
            raise UnreadableData(f"{page.url}: the mapping '{mapping.name}' is for RDF files, not for an API")
        rdf = ElmMapper(mapping, institution, iris, account, harvested_on)
        yield from rdf.map_file(page.read(), source, page.media_type, page.url)
