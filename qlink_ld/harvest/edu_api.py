"""What does an Edu-API v1 server say? Its courses and programmes, their offerings, and what they refer to.

Six flat lists, read in parallel: offerings name their course themselves, so nothing is asked for per course. What
cannot be read is reported and passed over: one broken page does not cost the others.

Source: Edu-API 1.0 (1EdTech), REST binding; Data Exchange, §Edu-API.
"""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from urllib.parse import urlsplit, urlunsplit

from qlink_ld.errors import HarvestError
from qlink_ld.harvest.edu_api_changes import is_unchanged
from qlink_ld.harvest.edu_api_paging import DEFAULT_LIMIT, OffsetListReader, OffsetListRequest
from qlink_ld.harvest.list_read import ListRead, absent_issue, explain_no_lists, merge_read, report_ignored_parameters
from qlink_ld.harvest.remembered import RememberingClient
from qlink_ld.harvest.snapshot import major_version
from qlink_ld.harvest.visit import CONTEXT_SAMPLE, Visit
from qlink_ld.model import Issue

_OWN_PARAMETERS = frozenset({"limit", "offset"})
# In the order of a snapshot's pages. The first two are learning opportunities; without them there is nothing.
_MAIN = ("courseTemplates", "collectionTemplates")
_OFFERINGS = ("courseOfferings", "collectionOfferings")
_CONTEXT = ("organizations", "academicSessions")


@dataclass(frozen=True, slots=True)
class EduApiHarvester:
    """Harvests a source of type "edu-api", version 1."""

    def fetch(self, visit: Visit) -> None:
        """Fetch all lists into the snapshot; what failed is reported to the visit.

        Raises:
            SourceUnavailable, SourceRefused, UnusableResponse: neither courses nor programmes could be had.
            HarvestError: a version or an address that is not Edu-API v1.
        """
        _check_source(visit)
        report_ignored_parameters(visit, _OWN_PARAMETERS)
        reader = OffsetListReader(visit.client, visit.source, visit.writer.add, _limit(visit))
        requests = [_request(visit, name, order) for order, name in enumerate((*_MAIN, *_OFFERINGS, *_CONTEXT))]
        if isinstance(visit.client, RememberingClient) and not visit.sample:
            known = visit.client
            requests = [replace(request, unchanged=is_unchanged(known, visit.source, request)) for request in requests]
        workers = max(1, min(len(requests), visit.client.settings.concurrency_per_host))
        stopped = threading.Event()

        def read_one(request: OffsetListRequest) -> ListRead:
            return reader.read(request, stopped)

        with ThreadPoolExecutor(workers, thread_name_prefix="edu-api") as pool:
            try:
                _fetch_lists(visit, requests, lambda some: pool.map(read_one, some))
            except BaseException as error:
                stopped.set()  # so that the pool ends soon
                if not isinstance(error, Exception):  # Ctrl-C: nothing of this run is wanted any more
                    visit.client.close()
                raise


def _fetch_lists(
    visit: Visit, requests: list[OffsetListRequest], read_all: Callable[[list[OffsetListRequest]], Iterable[ListRead]]
) -> None:
    visit.progress(0, len(requests))
    reads = list(read_all(requests[: len(_MAIN)]))
    for read in reads:
        merge_read(visit, read)
    if not any(read.pages for read in reads):
        raise explain_no_lists(visit, reads, " nor ".join(_MAIN))
    for read in reads:
        if read.absent:
            visit.report(absent_issue(visit, read.resource, read.url))
    visit.progress(len(reads), len(requests))
    for done, read in enumerate(read_all(requests[len(_MAIN) :]), len(_MAIN) + 1):
        merge_read(visit, read)
        visit.progress(done, len(requests))


def _check_source(visit: Visit) -> None:
    source, shown = visit.source, visit.shown(visit.source.path)
    parts = urlsplit(source.path)
    if parts.scheme not in ("http", "https"):
        raise HarvestError(f"{shown}: an Edu-API source is a server; give its http(s) address as `path`")
    if source.version is not None:
        major = major_version(source.version)
    else:  # customary: /ims/eduapi/base/v1p0
        named = (part for part in parts.path.split("/") if part[:1] in "vV" and major_version(part))
        major = next((major_version(part) for part in named), None)
    if major == "1":
        return
    if major is None:
        raise HarvestError(f'{shown}: which version of Edu-API? State `version = "1"` for this source')
    raise HarvestError(
        f"{shown}: Edu-API version {source.version or major} is not supported; this qlink-ld harvests version 1"
    )


def _limit(visit: Visit) -> int:
    """Return the page size to ask for. Source: Data Exchange, requirement M-13."""
    wanted = visit.source.page_size
    if wanted is None and visit.sample:
        return min(DEFAULT_LIMIT, max(visit.sample, 50))
    if wanted is None or wanted > 0:
        return wanted or DEFAULT_LIMIT
    visit.report(
        Issue(
            "page-size-invalid",
            f"a page has one record or more, not {wanted}; {DEFAULT_LIMIT} is used. Correct pageSize",
            source=visit.source.id,
            field="pageSize",
            value=str(wanted),
        )
    )
    return DEFAULT_LIMIT


def _request(visit: Visit, name: str, order: int) -> OffsetListRequest:
    """Say where a list is. The source's path is a folder, with or without a slash at its end (requirement M-16)."""
    parts = urlsplit(visit.source.path)
    url = urlunsplit((parts.scheme, parts.netloc, f"{parts.path.rstrip('/')}/{name}", parts.query, ""))
    sample = CONTEXT_SAMPLE if visit.sample and name not in _MAIN else visit.sample
    return OffsetListRequest(name, order, url, holds_records=name not in _CONTEXT, sample=sample)
