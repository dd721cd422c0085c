"""What does an OOAPI server say? All its courses and programmes, their offerings, and what they refer to.

Version 5 is the Open Onderwijs API, version 6 the Open Education API (OEAPI): the same paging, other paths.

Lists are read page by page, one after the other; the many small lists of offerings in parallel. What cannot be read is
reported and passed over: one broken page does not cost the others.

Source: OOAPI 5.0 and OEAPI 6.0 specifications; Data Exchange, §OOAPI.
"""

import logging
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import quote, urlsplit, urlunsplit

from qlink_ld.errors import HarvestError
from qlink_ld.harvest.list_read import ListRead, absent_issue, explain_no_lists, merge_read, report_ignored_parameters
from qlink_ld.harvest.ooapi_paging import DEFAULT_PAGE_SIZE, PAGE_SIZES, ListReader, ListRequest
from qlink_ld.harvest.snapshot import major_version
from qlink_ld.harvest.visit import CONTEXT_SAMPLE, Visit
from qlink_ld.model import Issue

log = logging.getLogger(__name__)

MAX_FAILURES_IN_A_ROW = 12  # lists that fail one after the other before a server counts as gone
_OWN_PARAMETERS = frozenset({"pagenumber", "pagesize", "since"})


@dataclass(frozen=True, slots=True)
class _Resource:
    """A kind of list. `order` numbers the kinds, so that a snapshot's pages always come in the same order."""

    name: str
    order: int
    path: str  # below the source's path; {id} is the parent's
    id_field: str  # of its items
    takes_since: bool = False


@dataclass(frozen=True, slots=True)
class _Lists:
    """The lists of one version of the specification."""

    courses: _Resource
    programmes: _Resource
    context: tuple[_Resource, ...]  # what records refer to
    of_course: tuple[_Resource, ...]
    of_programme: tuple[_Resource, ...]
    since_is_time: bool = False  # `since` is a date-time, not a date


_COURSES = _Resource("courses", 0, "courses", "courseId")
_SESSIONS = _Resource("academic-sessions", 3, "academic-sessions", "academicSessionId")
_VERSIONS: Mapping[str, _Lists] = {
    "5": _Lists(
        _COURSES,
        _Resource("programs", 1, "programs", "programId"),
        (
            _Resource("organizations", 2, "organizations", "organizationId"),
            _SESSIONS,
            _Resource("education-specifications", 4, "education-specifications", "educationSpecificationId"),
        ),
        (_Resource("course-offerings", 5, "courses/{id}/offerings", "offeringId", takes_since=True),),
        (
            _Resource("program-offerings", 6, "programs/{id}/offerings", "offeringId", takes_since=True),
            _Resource("program-courses", 7, "programs/{id}/courses", "courseId"),
        ),
    ),
    "6": _Lists(
        _COURSES,
        _Resource("programmes", 1, "programmes", "programmeId"),
        (
            _Resource("organisations", 2, "organisations", "organisationId"),
            _SESSIONS,
            _Resource("learning-outcomes", 4, "learning-outcomes", "learningOutcomeId"),
        ),
        (_Resource("course-offerings", 5, "courses/{id}/course-offerings", "courseOfferingId", takes_since=True),),
        (
            _Resource(
                "programme-offerings", 6, "programmes/{id}/programme-offerings", "programmeOfferingId", takes_since=True
            ),
            _Resource("programme-courses", 7, "programmes/{id}/courses", "courseId"),
        ),
        since_is_time=True,
    ),
}


def start_of_last_academic_year(now: datetime) -> date:
    """Return 1 September of the academic year before the present one: from 12 up to 24 months ago.

    Without `since` a server lists future offerings only; with the present year's start, those that began late in the
    last one and still run would be lost. Source: OOAPI 5.0, parameter `since` of the offerings.
    """
    present = now.year if now.month >= 9 else now.year - 1
    return date(present - 1, 9, 1)


class OoapiHarvester:
    """Harvests a source of type "ooapi", version 5 or 6.

    Args:
        max_failures_in_a_row: when a server counts as gone.
    """

    def __init__(self, max_failures_in_a_row: int = MAX_FAILURES_IN_A_ROW) -> None:
        self._max_failures = max_failures_in_a_row

    def fetch(self, visit: Visit) -> None:
        """Fetch all lists into the snapshot; what failed is reported to the visit.

        Raises:
            SourceUnavailable, SourceRefused, UnusableResponse: neither courses nor programmes could be had.
            HarvestError: a version that is not known, or an address that is no server's.
        """
        lists = _VERSIONS[_check_source(visit)]
        report_ignored_parameters(visit, _OWN_PARAMETERS)
        reader = ListReader(visit.client, visit.source, visit.writer.add, _page_size(visit))
        workers = 2 * visit.client.settings.concurrency_per_host - 1  # while some read and store, others ask
        stop = _Stop(self._max_failures)
        with ThreadPoolExecutor(workers, thread_name_prefix="ooapi") as pool:
            try:
                self._fetch_lists(visit, lists, reader, pool, stop)
            except BaseException as error:
                stop.set()  # so that the pool ends soon
                if not isinstance(error, Exception):  # Ctrl-C: nothing of this run is wanted any more
                    visit.client.close()
                raise

    def _fetch_lists(
        self, visit: Visit, lists: _Lists, reader: ListReader, pool: ThreadPoolExecutor, stop: "_Stop"
    ) -> None:
        main = [_request(visit, lists, resource) for resource in (lists.courses, lists.programmes)]
        visit.progress(0, None)
        courses, programmes = pool.map(reader.read, main)
        merge_read(visit, courses)
        merge_read(visit, programmes)
        if not courses.pages and not programmes.pages:
            raise explain_no_lists(visit, (courses, programmes), "courses nor programmes")
        for read in (courses, programmes):
            if read.absent:
                visit.report(absent_issue(visit, read.resource, read.url))
        rest = [_request(visit, lists, resource) for resource in lists.context]
        for resources, parents in ((lists.of_course, courses.ids), (lists.of_programme, programmes.ids)):
            rest += [_request(visit, lists, r, parent, n) for r in resources for n, parent in enumerate(parents)]
        total = len(main) + len(rest)
        visit.progress(len(main), total)

        def read_one(request: ListRequest) -> ListRead | None:
            if stop.is_set():
                return None
            result = reader.read(request)
            stop.note(failed=result.unavailable or result.endless)
            return result

        skipped = 0
        for done, answer in enumerate(pool.map(read_one, rest), len(main) + 1):
            if answer is None:
                skipped += 1
            else:
                merge_read(visit, answer)
            visit.progress(done, total)
        if skipped:
            visit.report(
                Issue(
                    "harvest-stopped",
                    f"{skipped} lists were not asked for: {self._max_failures} in a row had failed or had no end: the "
                    "server seems to be down or broken. It is visited again at the next run",
                    source=visit.source.id,
                    position=visit.shown(visit.source.path),
                    count=skipped,
                ),
                complete=False,
            )


class _Stop:
    """Notices when a server is gone: many failures in a row, over all threads."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._failures = 0
        self._lock = threading.Lock()
        self._event = threading.Event()

    def note(self, *, failed: bool) -> None:
        with self._lock:
            self._failures = self._failures + 1 if failed else 0
            if self._failures >= self._limit:
                self._event.set()

    def set(self) -> None:
        self._event.set()

    def is_set(self) -> bool:
        return self._event.is_set()


def _check_source(visit: Visit) -> str:
    """Return the major version that a source is harvested as."""
    source, shown = visit.source, visit.shown(visit.source.path)
    parts = urlsplit(source.path)
    if parts.scheme not in ("http", "https"):
        raise HarvestError(f"{shown}: an OOAPI source is a server; give its http(s) address as `path`")
    if source.version is not None:
        major = major_version(source.version)
    else:
        named = (part for part in parts.path.split("/") if part[:1] in "vV" and major_version(part))
        major = next((major_version(part) for part in named), None)
    if major is not None and major in _VERSIONS:
        return major
    if major is None:
        raise HarvestError(f'{shown}: which version of OOAPI? State `version = "5"` or `version = "6"` for this source')
    raise HarvestError(
        f"{shown}: OOAPI version {source.version or major} is not supported; this qlink-ld harvests the versions "
        f"{' and '.join(_VERSIONS)}"
    )


def _page_size(visit: Visit) -> int:
    """Return the page size to ask for. Source: Data Exchange, requirement M-13."""
    wanted = visit.source.page_size
    if wanted is None and visit.sample:
        return next((size for size in PAGE_SIZES[2:] if size >= visit.sample), DEFAULT_PAGE_SIZE)
    if wanted is None or wanted in PAGE_SIZES:
        return wanted or DEFAULT_PAGE_SIZE
    visit.report(
        Issue(
            "page-size-invalid",
            f"OOAPI knows the page sizes {', '.join(map(str, PAGE_SIZES))}, not {wanted}; {DEFAULT_PAGE_SIZE} is used. "
            "Correct pageSize",
            source=visit.source.id,
            field="pageSize",
            value=str(wanted),
        )
    )
    return DEFAULT_PAGE_SIZE


def _request(
    visit: Visit, lists: _Lists, resource: _Resource, parent: str | None = None, number: int = 0
) -> ListRequest:
    """Say where a list is. The source's path is a folder, with or without a slash at its end (requirement M-16)."""
    parts = urlsplit(visit.source.path)
    below = resource.path.replace("{id}", quote(parent, safe="") if parent is not None else "")
    url = urlunsplit((parts.scheme, parts.netloc, f"{parts.path.rstrip('/')}/{below}", parts.query, ""))
    since = (visit.source.offerings_since or start_of_last_academic_year(visit.now)).isoformat()
    if lists.since_is_time:
        since += "T00:00:00Z"
    return ListRequest(
        resource=resource.name,
        order=(resource.order, number),
        url=url,
        id_field=resource.id_field,
        params={"since": since} if resource.takes_since else {},
        parent=parent,
        holds_records=resource not in lists.context,
        sample=CONTEXT_SAMPLE if visit.sample and resource in lists.context else visit.sample,
    )
