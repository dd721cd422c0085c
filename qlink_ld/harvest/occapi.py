"""What does an OCCAPI server say? One institution's programmes and courses, found by following its links.

Which collections there are, a server says by `links`: at the document in version 1, inside the resource in version 2;
both are read. Lists are shorter than single resources, so each course and programme is also asked for by itself. The
versions differ in nothing else that matters here.

Source: OCCAPI 1.0 and 2.0 specifications; JSON:API 1.1 §Fetching; Data Exchange, §OCCAPI.
"""

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

from qlink_ld.errors import HarvestError, SourceRefused, SourceUnavailable, UnusableResponse
from qlink_ld.harvest.list_read import ABSENT, absent_issue, explain_forgiven, explain_nothing, failure_code
from qlink_ld.harvest.occapi_document import Answer, Document, Item, below, keep_items, read_document, resolve_link
from qlink_ld.harvest.occapi_source import check_source
from qlink_ld.harvest.remembered import RememberingClient
from qlink_ld.harvest.visit import Visit
from qlink_ld.http import Response
from qlink_ld.model import Issue

MAX_PAGES = 10_000  # of one list; the format has no paging, so this is generous
MAX_FAILURES_IN_A_ROW = 12  # requests that fail one after the other before a server counts as gone
ACCEPT = "application/vnd.api+json, application/json;q=0.9"  # JSON:API 1.1 §Content negotiation
# Single resources, which say most, come first; then lists of them, then lists that only count if there are no others.
_ORDER = {"hei": 0, "course": 1, "programme": 4, "ounit": 7, "programme-course": 10, "course-instances": 13, "heis": 16}
_COLLECTIONS = ("ounit", "programme", "course")
_LIST_ORDER = 1_000_000  # numbers of the pages of lists begin here, those of single resources at 1
_Task = TypeVar("_Task")


class OccapiHarvester:
    """Harvests a source of type "occapi", version 1 or 2.

    Args:
        max_failures_in_a_row: when a server counts as gone.
    """

    def __init__(self, max_failures_in_a_row: int = MAX_FAILURES_IN_A_ROW) -> None:
        self._max_failures = max_failures_in_a_row

    def fetch(self, visit: Visit) -> None:
        """Fetch the institution, its units, programmes, courses and their instances into the snapshot.

        Raises:
            SourceUnavailable, SourceRefused, UnusableResponse: the institution could not be had, or neither courses
                nor programmes.
            HarvestError: a version or an address that is not OCCAPI.
        """
        check_source(visit)
        workers = 2 * visit.client.settings.concurrency_per_host - 1  # while some read and store, others ask
        with ThreadPoolExecutor(workers, thread_name_prefix="occapi") as pool:
            reading = _Reading(visit, pool, self._max_failures)
            try:
                reading.run()
            except BaseException as error:
                reading.stop.set()  # so that the pool ends soon
                if not isinstance(error, Exception):  # Ctrl-C: nothing of this run is wanted any more
                    visit.client.close()
                raise


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a list hangs: what the place links to, its address, id (None: the institution) and number."""

    links: Mapping[str, str]
    home: str
    id: str | None
    number: int


class _Reading:
    """The reading of one source. Tasks run in the pool; what they find is put together by the calling thread."""

    def __init__(self, visit: Visit, pool: ThreadPoolExecutor, max_failures: int) -> None:
        self.visit = visit
        self.pool = pool
        self.max_failures = max_failures
        self.stop = threading.Event()
        self.lock = threading.Lock()
        self.failures = 0
        self.skipped = 0
        self.done = 0
        self.errors: list[HarvestError] = []
        self.samples: dict[str, set[str]] = {}  # kind → ids, of a sampled source, whose lists wait for them
        self.waiting: list[tuple[str, Response, dict[str, Any]]] = []
        self.answered = False  # whether some list of courses or programmes could be had
        self.base = ""  # address of the institution, without a slash at its end

    # The walk ----------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Institution → units, programmes, courses → what hangs below each → each course by itself."""
        hei = self.find_institution()
        links = {**hei.links, **hei.items[0].links}
        self.visit.writer.add("hei", hei.response)
        lists = self.work(lambda name: self.read_list(name, name, _Place(links, self.base, None, 0)), _COLLECTIONS)
        units, programmes, courses = (list(found) for found in lists)
        units = self.take_sample("ounit", units)
        unit_of: dict[str, str] = {}
        for unit, found in zip(units, self.work(self.read_unit, list(enumerate(units, 1))), strict=True):
            for kind, known in (("programme", programmes), ("course", courses)):
                ids = {item.id for item in known}
                for item in found[kind] if found else ():
                    unit_of.setdefault(f"{kind} {item.id}", unit.id)
                    if item.id not in ids:
                        ids.add(item.id)
                        known.append(item)
        if not self.answered:  # links that lead to nothing: what is at the usual addresses counts all the same
            usual = _Place({}, self.base, None, 0)
            programmes, courses = (self.read_list(name, name, usual, quiet=True) for name in ("programme", "course"))
        programmes = self.take_sample("programme", programmes)
        numbered = [(n, p, unit_of.get(f"programme {p.id}")) for n, p in enumerate(programmes, 1)]
        known_ids = {course.id for course in courses}
        only_in_programmes = not courses
        in_programmes: set[str] = set()  # the level of these can be known, so they are a better sample
        for found in self.work(lambda task: self.read_programme(*task, keep=only_in_programmes), numbered):
            for item in found or ():
                in_programmes.add(item.id)
                if item.id not in known_ids:
                    known_ids.add(item.id)
                    courses.append(item)
        courses = self.take_sample("course", courses, in_programmes)
        tasks = [(n, c, unit_of.get(f"course {c.id}")) for n, c in enumerate(courses, 1)]
        for _ in self.work(lambda task: self.read_course(*task), tasks):
            pass
        for kind, response, place in self.waiting:
            self.visit.writer.add(kind, keep_items(response, self.samples[kind]), **place)
        if not self.answered:
            raise self.nothing()
        self.report_skipped()

    def work(self, run: Callable[[_Task], Any], tasks: Iterable[_Task]) -> Iterator[Any]:
        """Run tasks in the pool; yield what they return, in order; None for those that were not run any more."""
        tasks = list(tasks)

        def guarded(task: _Task) -> Any:  # noqa: ANN401 (whatever `run` returns)
            if self.stop.is_set():
                with self.lock:
                    self.skipped += 1
                return None
            return run(task)

        for result in self.pool.map(guarded, tasks):
            self.done += 1
            self.visit.progress(self.done, None)
            yield result

    def find_institution(self) -> Answer:
        """Return the institution's own resource; from the server's root, the one with the institution's SCHAC code.

        Raises:
            HarvestError: there is none.
        """
        parts = urlsplit(self.visit.source.path)
        self.base = urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/"), parts.query, ""))
        if "/hei/" not in parts.path:
            root = self.base if parts.path.rstrip("/").endswith("/hei") else below(self.base, "hei")
            wanted = (self.visit.institution.schac or "").lower()
            answer = self.ask(root)
            listed = answer.items
            own = [item for item in listed if not wanted or item.hei_id.lower() == wanted]
            if len(own) != 1 or not own[0].hei_id:
                raise SourceRefused(
                    f"{self.visit.shown(root)}: {len(listed)} institutions, {len(own)} of them "
                    f"{wanted or 'possible'}; set `path` to …/hei/ and the institution's SCHAC code"
                )
            self.base = below(root, own[0].hei_id)
            # Kept so that the next visit can ask on condition; the other institutions are none of ours.
            self.visit.writer.add("heis", keep_items(answer.response, {own[0].id}), order=(_ORDER["heis"], 0, 1))
        answer = self.ask(self.base)
        if len(answer.items) != 1:
            raise UnusableResponse(
                f"{answer.response.url}: not one institution of OCCAPI (`data` must be an object with an id); "
                "check `path` of the source"
            )
        return answer

    def read_unit(self, task: tuple[int, Item]) -> dict[str, list[Item]]:
        """Read a unit and the programmes and courses that it lists."""
        number, unit = task
        home = below(self.base, "ounit", unit.unit_id or unit.id)
        links = self.read_single("ounit", unit, home, number, None)
        return {
            kind: self.read_list(kind, kind, _Place(links, home, unit.id, number), quiet=True)
            for kind in ("programme", "course")
        }

    def read_programme(self, number: int, programme: Item, unit: str | None, *, keep: bool) -> list[Item]:
        """Read a programme and list its courses; `keep`: no other list has them, so they count as records, too."""
        home = below(self.base, "programme", programme.id)
        links = self.read_single("programme", programme, home, number, unit)
        place = _Place(links, home, programme.id, number)
        return self.read_list("course", "programme-course", place, quiet=True, also="course" if keep else None)

    def read_course(self, number: int, course: Item, unit: str | None) -> None:
        """Read a course and, where it says that it has some, its instances."""
        home = below(self.base, "course", course.id)
        links = self.read_single("course", course, home, number, unit)
        if "instance" in links:
            self.read_list("instance", "course-instances", _Place(links, home, course.id, number))

    # Requests ----------------------------------------------------------------------------------------------------

    def read_single(self, kind: str, item: Item, home: str, number: int, unit: str | None) -> Mapping[str, str]:
        """Keep a single resource; return its links. Without it, the shorter entry of its list counts."""
        links = dict(item.links)
        url = self.target(links, "self", home)
        try:
            answer = self.recall(url, item) or self.ask(url, item.id)
        except HarvestError as error:
            self.note(error, f"{kind} {item.id}")
            return links
        if answer.absent or [found.id for found in answer.items] != [item.id]:
            self.report(
                "single-absent",
                f"the server lists a {kind} but does not answer with it; what its list says is used. Ask the provider",
                home,
                item.id,
            )
            return links
        self.visit.writer.add(kind, answer.response, parent=unit, order=(_ORDER[kind], number, number))
        return {**links, **answer.links, **answer.items[0].links}

    def read_list(
        self,
        name: str,
        resource: str,
        place: "_Place",
        *,
        quiet: bool = False,
        also: str | None = None,
    ) -> list[Item]:
        """Read the list `name` below a place.

        A place that links to no collection at all is asked at the usual address; one that links to some has no others.
        `resource` names the pages; `also`: kept under this name as well; `quiet`: an absent list is no news.
        """
        found: dict[str, Item] = {}
        if name not in place.links and any(other in place.links for other in _COLLECTIONS):
            return []
        url: str | None = self.target(place.links, name, below(place.home, name))
        seen: set[str] = set()
        while url is not None:
            if url in seen or len(seen) >= MAX_PAGES:
                self.report("paging-endless", f"the list {name} does not end: `links.next` leads back", url)
                break
            seen.add(url)
            try:
                answer = self.ask(url, place.id)
            except HarvestError as error:
                self.note(error, f"the list {name}")
                break
            if answer.absent:
                self.note_absent(name, url, quiet=quiet, first=len(seen) == 1)
                break
            self.answered = self.answered or name in ("programme", "course")
            number = _LIST_ORDER + len(seen)
            order = (_ORDER[resource] + 1, place.number, number)
            self.add_list(resource, answer.response, place.id, order)
            if also:  # without parent, so the last number alone must be its own
                order = (_ORDER[also] + 2, place.number, _LIST_ORDER * (place.number + 1) + len(seen))
                self.add_list(also, answer.response, None, order)
            for item in answer.items:
                found.setdefault(item.id, item)
            if answer.nameless:
                self.report_nameless(name, url, answer.nameless)
            url = self.target(answer.links, "next", None)
        return list(found.values())

    def add_list(self, kind: str, response: Response, parent: str | None, order: tuple[int, int, int]) -> None:
        """Keep a page; of a sampled source once it is known what of it is wanted."""
        if self.visit.sample and kind in ("programme", "course"):
            self.waiting.append((kind, response, {"parent": parent, "order": order}))
        else:
            self.visit.writer.add(kind, response, parent=parent, order=order)

    def take_sample(self, kind: str, items: list[Item], better: Collection[str] = ()) -> list[Item]:
        """Choose what a sample needs; all, if none was asked for."""
        if self.visit.sample is None:
            return items
        taken = sorted(items, key=lambda item: item.id not in better)[: self.visit.sample]
        self.samples[kind] = {item.id for item in taken}
        if len(taken) < len(items):
            self.visit.report_sampled(kind, len(taken), len(items))
        return taken

    def target(self, links: Mapping[str, str], name: str, usual: str | None) -> Any:  # noqa: ANN401 (None only if `usual` is)
        """Return the address that a link leads to; the usual one if there is no link, or if it leaves the origin."""
        if name not in links:
            return usual
        url, same = resolve_link(self.base, links[name])
        if same:
            return url
        self.report(
            "link-elsewhere",
            f"the link '{name}' leads to another server, which is not followed; "
            + ("the usual address is asked instead. " if usual else "further pages may be missing. ")
            + "Ask the provider to correct the server's own address",
            links[name],
            complete=usual is not None,
        )
        return usual

    def recall(self, url: str, item: Item) -> Answer | None:
        """Return what a resource said last time, if its list says that it has not changed since.

        Source: OCCAPI 2.0, `lastModified` of every resource; Data Exchange, requirement I-05.
        """
        client = self.visit.client
        if not item.modified or not isinstance(client, RememberingClient):
            return None

        def is_unchanged(page: Response) -> bool:
            try:
                return [found.modified for found in read_document(page).items] == [item.modified]
            except UnusableResponse:
                return False

        page = client.recall(url, only_if=is_unchanged)
        return Answer(page, read_document(page)) if page is not None else None

    def ask(self, url: str, record: str | None = None) -> Answer:
        """Fetch and read one document.

        Raises:
            HarvestError: no answer, or none that is JSON:API.
        """
        try:
            response = self.visit.client.get(url, accept=ACCEPT, source=self.visit.source, answers=ABSENT)
        except SourceUnavailable:
            with self.lock:
                self.failures += 1
                if self.failures >= self.max_failures:
                    self.stop.set()
            raise
        with self.lock:
            self.failures = 0
        if response.status in ABSENT:
            return Answer(response, Document([], {}, 0, None), absent=True)
        document = read_document(response)
        if document.forgiven is not None:
            self.report("page-not-strict-json", explain_forgiven(document.forgiven), url, record)
        return Answer(response, document)

    # Telling -----------------------------------------------------------------------------------------------------

    def report(
        self, code: str, message: str, url: str, record: str | None = None, *, complete: bool = True, count: int = 1
    ) -> None:
        """Note an issue, from any thread."""
        issue = Issue(
            code, message, source=self.visit.source.id, record=record, position=self.visit.shown(url), count=count
        )
        with self.lock:
            self.visit.report(issue, complete=complete)

    def note(self, error: HarvestError, what: str) -> None:
        """Note a request that failed."""
        with self.lock:
            self.errors.append(error)
        self.report(failure_code(error), f"{what}: {error}", self.base, complete=False)

    def note_absent(self, name: str, url: str, *, quiet: bool, first: bool) -> None:
        """Note a list that is not there: normal for a first page, a loss for a later one."""
        if not first:
            self.report("page-failed", f"the next page of {name} is not there; ask the provider", url, complete=False)
        elif not quiet:
            with self.lock:
                self.visit.report(absent_issue(self.visit, name, url))

    def report_nameless(self, name: str, url: str, count: int) -> None:
        """Note entries of a list that cannot be asked for."""
        message = (
            f"entries of {name} have no usable id; nothing that belongs to them is asked for. Give them an id: text"
        )
        self.report("record-without-id", message, url, count=count)

    def report_skipped(self) -> None:
        """Note what was not asked for any more."""
        if self.skipped:
            message = (
                f"{self.skipped} resources were not asked for: {self.max_failures} requests in a row had failed and "
                "the server seems to be down. It is visited again at the next run"
            )
            self.report("harvest-stopped", message, self.base, complete=False, count=self.skipped)

    def nothing(self) -> HarvestError:
        """Choose the error that says best why there is nothing."""
        return explain_nothing(
            self.errors,
            f"{self.visit.shown(self.base)}: the server has neither courses nor programmes of this institution",
        )
