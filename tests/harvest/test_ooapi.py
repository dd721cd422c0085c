"""OOAPI v5 servers, good ones and all the others. Each test speaks with a real server on loopback."""

import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from qlink_ld.config import HarvestSettings
from qlink_ld.errors import HarvestError, SourceRefused, SourceUnavailable, UnusableResponse
from qlink_ld.harvest import harvest_source
from qlink_ld.harvest.ooapi import OoapiHarvester, start_of_last_academic_year
from qlink_ld.harvest.ooapi_paging import ListReader, ListRequest
from qlink_ld.harvest.snapshot import SnapshotWriter
from qlink_ld.harvest.visit import MAX_ISSUES_PER_CODE, Visit
from qlink_ld.http import ProviderClient
from qlink_ld.model import DataSource, Institution, Issue, Snapshot

NOW = datetime(2026, 11, 23, 16, 22, 35, tzinfo=UTC)
LOCAL = HarvestSettings(timeout_s=5, allow_private_addresses=True)
TWENTE = Institution("NL0028", "University of Twente")
Answer = Response | None
Order = tuple[int, int, int]


class Provider:
    """An OOAPI v5 server: lists by path, and what goes wrong in `quirk` (None: answer as usual)."""

    def __init__(self, server: HTTPServer) -> None:
        self.url = server.url_for("/ooapi/v5")
        self.lists: dict[str, list[Any]] = {"courses": [], "programs": []}
        self.quirk: Callable[[str, int], Answer] = lambda *_: None
        self.envelope: Callable[[dict[str, Any]], dict[str, Any]] = lambda page: page
        self.requests: list[Request] = []
        server.expect_request(re.compile("/ooapi/v5/.*")).respond_with_handler(self._answer)

    def _answer(self, request: Request) -> Response:
        self.requests.append(request)
        path = str(request.environ["REQUEST_URI"]).partition("?")[0].removeprefix("/ooapi/v5/")
        number, size = int(request.args["pageNumber"]), int(request.args["pageSize"])
        if (unusual := self.quirk(path, number)) is not None:
            return unusual
        if path not in self.lists:
            return Response('{"status": 404}', 404, content_type="application/problem+json")
        items = self.lists[path]
        total = max(1, -(-len(items) // size))
        page = {
            "pageSize": size,
            "pageNumber": number,
            "hasPreviousPage": number > 1,
            "hasNextPage": number < total,
            "totalPages": total,
            "items": items[(number - 1) * size : number * size],
        }
        return Response(json.dumps(self.envelope(page)), content_type="application/json; charset=utf-8")

    def asked(self, path: str) -> list[dict[str, str]]:
        """Return the query parameters of all requests for a list."""
        return [r.args.to_dict() for r in self.requests if r.environ["REQUEST_URI"].startswith(f"/ooapi/v5/{path}?")]


@pytest.fixture
def provider(server: HTTPServer) -> Provider:
    return Provider(server)


Harvest = Callable[..., Snapshot]


@pytest.fixture
def harvest(provider: Provider, client: ProviderClient, tmp_path: Path) -> Harvest:
    """Harvest the provider with a page size of 10."""

    def run(**changes: Any) -> Snapshot:
        source = replace(DataSource("api", "ooapi", provider.url, version="5", page_size=10), **changes)
        return harvest_source(TWENTE, source, LOCAL, tmp_path, NOW, client=client)

    return run


def courses(count: int) -> list[dict[str, str]]:
    return [{"courseId": f"c{number}"} for number in range(count)]


def kept(snapshot: Snapshot, resource: str) -> list[Any]:
    """Return all items of a resource in the snapshot."""
    return [item for page in snapshot.pages if page.resource == resource for item in json.loads(page.read())["items"]]


def codes(snapshot: Snapshot) -> list[str]:
    return [issue.code for issue in snapshot.issues if issue.severity != "info"]


# --- a good server


def test_all_lists_are_read_to_their_end(provider: Provider, harvest: Harvest) -> None:
    provider.lists = {
        "courses": courses(25),
        "programs": [{"programId": "p"}],
        "organizations": [{"organizationId": "o"}],
        "academic-sessions": [{"academicSessionId": "s"}],
        "education-specifications": [{"educationSpecificationId": "e"}],
        "courses/c3/offerings": [{"offeringId": f"o{number}"} for number in range(11)],
        "programs/p/offerings": [{"offeringId": "po"}],
        "programs/p/courses": [{"courseId": "c3"}],
    }
    snapshot = harvest()
    assert snapshot.complete
    assert not snapshot.issues
    assert [(page.resource, page.parent) for page in snapshot.pages] == [
        ("courses", None),
        ("courses", None),
        ("courses", None),
        ("programs", None),
        ("organizations", None),
        ("academic-sessions", None),
        ("education-specifications", None),
        ("course-offerings", "c3"),
        ("course-offerings", "c3"),
        ("program-offerings", "p"),
        ("program-courses", "p"),
    ]
    assert [item["courseId"] for item in kept(snapshot, "courses")] == [f"c{number}" for number in range(25)]
    assert len(kept(snapshot, "course-offerings")) == 11
    page = snapshot.pages[1]
    assert page.url == f"{provider.url}/courses?pageNumber=2&pageSize=10"
    assert (page.status, page.media_type) == (200, "application/json")


def test_the_published_examples_are_harvested(provider: Provider, harvest: Harvest, shared: Path) -> None:
    folder = shared / "samples/ooapi-v5"

    def items(name: str) -> list[Any]:
        found = json.loads((folder / f"{name}.json").read_bytes())["items"]
        assert isinstance(found, list)
        return found

    names = ("courses", "programs", "organizations", "academic-sessions", "education-specifications")
    provider.lists = {name: items(name) for name in names}
    provider.lists[f"courses/{items('courses')[0]['courseId']}/offerings"] = items("course-offerings")
    provider.lists[f"programs/{items('programs')[0]['programId']}/offerings"] = items("program-offerings")
    snapshot = harvest(page_size=None)
    assert snapshot.complete
    for name in (*names, "course-offerings", "program-offerings"):
        assert kept(snapshot, name) == items(name)
    assert {query["pageSize"] for query in provider.asked("courses")} == {"250"}


def test_since_is_sent_with_offerings_only(provider: Provider, harvest: Harvest) -> None:
    provider.lists |= {"courses": courses(1), "programs": [{"programId": "p"}], "courses/c0/offerings": []}
    harvest()
    assert provider.asked("courses/c0/offerings") == [{"since": "2025-09-01", "pageNumber": "1", "pageSize": "10"}]
    assert provider.asked("programs/p/offerings")[0]["since"] == "2025-09-01"
    for path in ("courses", "programs", "organizations", "programs/p/courses"):
        assert provider.asked(path) == [{"pageNumber": "1", "pageSize": "10"}]
    harvest(offerings_since=date(2024, 2, 29))
    assert provider.asked("courses/c0/offerings")[1]["since"] == "2024-02-29"


@pytest.mark.parametrize(
    ("today", "since"),
    [((2026, 11, 23), 2025), ((2026, 9, 1), 2025), ((2026, 8, 31), 2024), ((2026, 1, 1), 2024)],
)
def test_the_last_academic_year_began_a_year_or_two_ago(today: tuple[int, int, int], since: int) -> None:
    assert start_of_last_academic_year(datetime(*today, tzinfo=UTC)) == date(since, 9, 1)


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_path_is_a_folder_and_may_have_a_query(provider: Provider, harvest: Harvest, slash: str) -> None:
    provider.lists["courses"] = courses(1)
    harvest(path=f"{provider.url}{slash}?tenant=a")
    assert provider.asked("courses") == [{"tenant": "a", "pageNumber": "1", "pageSize": "10"}]


def test_ids_are_percent_encoded(provider: Provider, harvest: Harvest) -> None:
    provider.lists |= {"courses": [{"courseId": "A/B;1 ?é"}], "courses/A%2FB%3B1%20%3F%C3%A9/offerings": [{}]}
    snapshot = harvest()
    assert [page.parent for page in snapshot.pages if page.resource == "course-offerings"] == ["A/B;1 ?é"]


def test_headers_and_parameters_go_with_every_request_and_break_no_paging(provider: Provider, harvest: Harvest) -> None:
    provider.lists |= {"courses": courses(12), "programs": [{"programId": "p"}]}
    snapshot = harvest(
        headers={"X-Key": "k", "Host": "evil.example"},
        query_parameters={"pageNumber": "3", "pagesize": "1", "consumer": "x"},
    )
    assert len(kept(snapshot, "courses")) == 12
    assert len(provider.requests) > 15
    assert {request.headers["X-Key"] for request in provider.requests} == {"k"}
    assert {request.headers["Accept"] for request in provider.requests} == {"application/json"}
    for request in provider.requests:
        assert request.args["consumer"] == "x"
        assert request.args.getlist("pageNumber") in (["1"], ["2"])
        assert "pagesize" not in request.args
    assert codes(snapshot) == ["header-ignored", "parameter-ignored", "parameter-ignored"]
    assert "consumer=x" not in snapshot.pages[0].url


def test_offerings_are_asked_for_in_parallel(provider: Provider, harvest: Harvest) -> None:
    lock, now, most = threading.Lock(), 0, 0

    def slow(path: str, page: int) -> Answer:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.02)
        with lock:
            now -= 1
        return None

    provider.lists["courses"] = courses(80)
    provider.quirk = slow
    started = time.monotonic()
    harvest(page_size=250)
    took = time.monotonic() - started
    assert most == LOCAL.concurrency_per_host
    assert took < 0.6 * len(provider.requests) * 0.02  # of what one after the other takes at least


def test_the_same_again_is_unchanged_whatever_came_first(provider: Provider, harvest: Harvest) -> None:
    provider.lists |= {"courses": courses(15)} | {
        f"courses/c{n}/offerings": [{"offeringId": f"{n}"}] for n in range(15)
    }
    first = harvest()
    provider.quirk = lambda path, _: time.sleep(0.03 if path.endswith("1/offerings") else 0)
    second = harvest()
    assert (first.unchanged, second.unchanged) == (False, True)
    provider.lists["courses/c7/offerings"] = []
    assert not harvest().unchanged


def test_progress_is_told(provider: Provider, client: ProviderClient, tmp_path: Path) -> None:
    provider.lists |= {"courses": courses(3), "programs": [{"programId": "p"}]}
    steps: list[tuple[int, int | None]] = []
    source = DataSource("api", "ooapi", provider.url, version="5")
    harvest_source(TWENTE, source, LOCAL, tmp_path, NOW, client=client, on_progress=lambda *step: steps.append(step))
    assert steps == [(0, None), *((done, 10) for done in range(2, 11))]


# --- lists that are not there


@pytest.mark.parametrize("status", [404, 410, 501])
def test_absent_offerings_and_context_are_none(provider: Provider, harvest: Harvest, status: int) -> None:
    provider.lists["courses"] = courses(2)
    provider.quirk = lambda path, _: None if path in ("courses", "programs") else Response("{}", status)
    snapshot = harvest()
    assert snapshot.complete
    assert not snapshot.issues
    assert {page.resource for page in snapshot.pages} == {"courses", "programs"}


def test_a_server_without_programmes_is_complete(provider: Provider, harvest: Harvest) -> None:
    provider.lists = {"courses": courses(1)}
    snapshot = harvest()
    assert snapshot.complete
    assert [(issue.code, issue.severity) for issue in snapshot.issues] == [("resource-absent", "info")]


def test_context_that_is_refused_costs_no_record(provider: Provider, harvest: Harvest) -> None:
    provider.lists["courses"] = courses(1)
    provider.quirk = lambda path, _: Response("", 403) if path == "education-specifications" else None
    snapshot = harvest()
    assert snapshot.complete
    assert codes(snapshot) == ["page-failed"]


def test_empty_lists_are_an_answer(harvest: Harvest) -> None:
    snapshot = harvest()
    assert snapshot.complete
    assert kept(snapshot, "courses") == []


# --- lists that do not end, or too early


def test_a_server_that_knows_no_paging_is_read_once(provider: Provider, harvest: Harvest) -> None:
    provider.lists["courses"] = courses(10)
    provider.envelope = lambda _: {"items": courses(10), "hasNextPage": True}
    snapshot = harvest()
    assert len(provider.asked("courses")) == 2
    assert len(kept(snapshot, "courses")) == 10
    assert "page-repeated" in codes(snapshot)
    assert not snapshot.complete  # the first page was full: who knows what was behind it


def test_a_last_page_that_is_repeated_is_the_end(provider: Provider, harvest: Harvest) -> None:
    provider.lists["courses"] = courses(25)
    clamped = {3: 20, 4: 20}

    def repeat(path: str, page: int) -> Answer:
        if path != "courses":
            return None
        start = clamped.get(page, (page - 1) * 10)
        return Response(json.dumps({"items": courses(25)[start : start + 10], "hasNextPage": True}))

    provider.quirk = repeat
    snapshot = harvest()
    assert len(kept(snapshot, "courses")) == 25
    assert codes(snapshot) == ["page-repeated"]
    assert snapshot.complete


def test_an_empty_page_is_the_end(provider: Provider, harvest: Harvest) -> None:
    provider.lists["courses"] = courses(20)
    provider.envelope = lambda page: {"items": page["items"], "hasNextPage": True}
    snapshot = harvest()
    assert len(provider.asked("courses")) == 3
    assert len(kept(snapshot, "courses")) == 20
    assert snapshot.complete
    assert not codes(snapshot)


def test_a_list_that_says_it_ends_before_its_last_page_is_incomplete(provider: Provider, harvest: Harvest) -> None:
    provider.lists["courses"] = courses(20)
    provider.envelope = lambda page: {**page, "hasNextPage": False}
    snapshot = harvest()
    assert len(kept(snapshot, "courses")) == 10
    assert codes(snapshot) == ["paging-contradiction"]
    assert not snapshot.complete


def test_endless_paging_ends(provider: Provider, client: ProviderClient) -> None:
    def endless(path: str, page: int) -> Answer:
        return Response(json.dumps({"items": [{"courseId": f"{page}-{n}"} for n in range(10)], "hasNextPage": True}))

    provider.quirk = endless
    pages: list[int] = []

    def add_page(resource: str, response: object, *, parent: str | None = None, order: Order = (0, 0, 0)) -> None:
        pages.append(order[2])

    reader = ListReader(client, DataSource("api", "ooapi", provider.url), add_page, page_size=10, max_items=75)
    read = reader.read(ListRequest("courses", (0, 0), f"{provider.url}/courses", "courseId", {}))
    assert pages == [1, 2, 3, 4, 5, 6, 7, 8]
    assert not read.complete
    assert [issue.code for issue in read.issues] == ["paging-endless"]


# --- pages that cannot be read


def broken(path: str, page: int, answer: Callable[[], Response]) -> Callable[[str, int], Answer]:
    return lambda asked, number: answer() if (asked, number) == (path, page) else None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Please log in</html>",
        b'{"items": [{"courseId": "c10"}, {"cour',
        b"[]",
        b'{"items": {}}',
        b'{"status": 200}',
        b"null",
        '{"items": [{"name": "Économie"}]}'.encode("latin-1"),
        b'{"items": [' + b"[" * 100_000,
    ],
)
def test_an_unreadable_page_costs_itself_only(provider: Provider, harvest: Harvest, body: bytes) -> None:
    provider.lists |= {"courses": courses(25), "organizations": [{}], "courses/c24/offerings": [{"offeringId": "o"}]}
    provider.quirk = broken("courses", 2, lambda: Response(body, content_type="text/html"))
    snapshot = harvest()
    assert [item["courseId"] for item in kept(snapshot, "courses")] == [f"c{n}" for n in (*range(10), *range(20, 25))]
    assert len(kept(snapshot, "course-offerings")) == len(kept(snapshot, "organizations")) == 1
    assert not snapshot.complete
    (issue,) = snapshot.issues
    assert issue.code == "page-unreadable"
    assert issue.position == f"{provider.url}/courses page 2"
    assert f"{provider.url}/courses?pageNumber=2&pageSize=10" in issue.message
    assert "sk the provider" in issue.message


@pytest.mark.parametrize("status", [500, 503, 400])
def test_a_page_that_fails_costs_itself_only(provider: Provider, harvest: Harvest, status: int) -> None:
    provider.lists["courses"] = courses(25)
    provider.quirk = broken("courses", 2, lambda: Response("", status))
    snapshot = harvest()
    assert len(kept(snapshot, "courses")) == 15
    assert codes(snapshot) == ["page-failed"]
    assert not snapshot.complete
    assert len([query for query in provider.asked("courses") if query["pageNumber"] == "2"]) == (
        1 if status == 400 else 2
    )


def test_without_a_count_of_pages_a_broken_page_ends_its_list(provider: Provider, harvest: Harvest) -> None:
    provider.lists |= {"courses": courses(25), "programs": [{"programId": "p"}]}
    provider.envelope = lambda page: {key: value for key, value in page.items() if key != "totalPages"}
    provider.quirk = broken("courses", 2, lambda: Response("nonsense"))
    snapshot = harvest()
    assert len(kept(snapshot, "courses")) == 10
    assert len(kept(snapshot, "programs")) == 1
    assert not snapshot.complete


@pytest.mark.parametrize("slip", [b"\xef\xbb\xbf{", b'{"x": NaN, ', b'{"x": "\\ud800", ', b'{"x": "\x01", '])
def test_slips_of_json_cost_no_page(provider: Provider, harvest: Harvest, slip: bytes) -> None:
    body = slip + b'"items": [{"courseId": "c0"}], "hasNextPage": false}'
    provider.quirk = broken("courses", 1, lambda: Response(body))
    provider.lists["courses/c0/offerings"] = [{"offeringId": "o"}]
    snapshot = harvest()
    assert snapshot.pages[0].read() == body  # as received
    assert len(kept(snapshot, "course-offerings")) == 1
    assert codes(snapshot) == ["page-not-strict-json"]


def test_items_that_are_nested_deeply_do_no_harm(provider: Provider, harvest: Harvest) -> None:
    nested = b'{"courseId": "c0", "ext": ' + b"[" * 900 + b"]" * 900 + b"}"
    provider.quirk = broken("courses", 1, lambda: Response(b'{"items": [' + nested + b'], "hasNextPage": true}'))
    assert [page.parent for page in harvest().pages][:1] == [None]


def test_a_busy_server_is_asked_again(provider: Provider, harvest: Harvest) -> None:
    provider.lists["courses"] = courses(3)
    answers = iter([Response("", 503, {"Retry-After": "1"})])
    provider.quirk = lambda path, _: next(answers, None) if path == "courses" else None
    snapshot = harvest()
    assert snapshot.complete
    assert len(kept(snapshot, "courses")) == 3


def test_broken_offerings_of_one_course_cost_nobody_else(provider: Provider, harvest: Harvest) -> None:
    provider.lists |= {"courses": courses(9)} | {f"courses/c{n}/offerings": [{"offeringId": f"{n}"}] for n in range(9)}
    provider.quirk = broken("courses/c4/offerings", 1, lambda: Response("<html>"))
    snapshot = harvest()
    assert [item["offeringId"] for item in kept(snapshot, "course-offerings")] == list("01235678")
    (issue,) = snapshot.issues
    assert (issue.code, issue.record) == ("page-unreadable", "c4")
    assert not snapshot.complete


def test_ids_that_are_no_text_are_reported_and_passed_over(provider: Provider, harvest: Harvest) -> None:
    items = [{"courseId": 7}, {"courseId": None}, {}, "text", {"courseId": ".."}, {"courseId": ""}, {"courseId": "ok"}]
    provider.lists |= {"courses": items, "courses/ok/offerings": [{"offeringId": 1}]}
    snapshot = harvest()
    assert kept(snapshot, "courses") == items
    assert [page.parent for page in snapshot.pages if page.parent] == ["ok"]
    assert codes(snapshot) == ["record-without-id"] * 7
    assert snapshot.issues[0].value == "7"
    assert snapshot.issues[0].position == f"{provider.url}/courses page 1 item 1"
    assert snapshot.complete  # they are in the snapshot; mapping refuses them one by one


def test_a_course_that_is_listed_twice_is_asked_for_once(provider: Provider, harvest: Harvest) -> None:
    provider.lists |= {"courses": courses(2) + courses(2), "courses/c0/offerings": [{}]}
    harvest()
    assert len(provider.asked("courses/c0/offerings")) == 1


# --- servers that are gone


def test_a_server_that_gives_nothing_is_an_error_and_leaves_no_snapshot(
    provider: Provider, harvest: Harvest, tmp_path: Path
) -> None:
    answers: tuple[tuple[Response, type[HarvestError], str], ...] = (
        (Response("", 404), SourceRefused, "neither courses nor programmes .*check `path`"),
        (Response("", 401), SourceRefused, "credentials"),
        (Response("<html>"), UnusableResponse, "not JSON"),
        (Response(""), UnusableResponse, "nothing in it"),
        (Response("", 500), SourceUnavailable, "answered 500"),
    )
    for answer, error, says in answers:
        provider.quirk = lambda *_, answer=answer: answer
        with pytest.raises(error, match=says):
            harvest()
    assert not list((tmp_path / "snapshots/NL0028/api").iterdir())


def test_a_server_that_dies_is_not_asked_for_the_rest(
    provider: Provider, client: ProviderClient, tmp_path: Path
) -> None:
    provider.lists["courses"] = courses(200)
    provider.quirk = lambda path, _: Response("", 500) if path.endswith("offerings") else None
    source = DataSource("api", "ooapi", provider.url, version="5")
    with SnapshotWriter(tmp_path, "NL0028", source, NOW) as writer:
        visit = Visit(TWENTE, source, client, writer, NOW)
        OoapiHarvester(max_failures_in_a_row=8).fetch(visit)
    assert len(provider.requests) < 70  # 8 lists and those on their way, twice each
    assert not visit.complete
    (last,) = [issue for issue in visit.issues if issue.code == "harvest-stopped"]
    assert last.count > 160


def test_issues_of_one_kind_are_counted_not_listed_for_ever(tmp_path: Path, client: ProviderClient) -> None:
    source = DataSource("api", "ooapi", "https://api.example/")
    with SnapshotWriter(tmp_path, "NL0028", source, NOW) as writer:
        visit = Visit(TWENTE, source, client, writer, NOW)
        for number in range(MAX_ISSUES_PER_CODE + 5):
            visit.report(Issue("page-failed", f"page {number}"))
        visit.report(Issue("other", "x"))
    assert len(visit.issues) == MAX_ISSUES_PER_CODE + 2
    assert sum(issue.count for issue in visit.issues if issue.code == "page-failed") == MAX_ISSUES_PER_CODE + 5


# --- configuration


def test_a_page_size_that_ooapi_does_not_know_falls_back(provider: Provider, harvest: Harvest) -> None:
    snapshot = harvest(page_size=300)
    assert provider.asked("courses")[0]["pageSize"] == "250"
    assert codes(snapshot) == ["page-size-invalid"]


@pytest.mark.parametrize("version", ["5", "5.0", "v5", "5.1.0", None])
def test_version_5_is_harvested(harvest: Harvest, version: str | None) -> None:
    assert harvest(version=version).complete  # without one, the address tells: /ooapi/v5


@pytest.mark.parametrize(
    ("version", "path", "says"),
    [
        ("7.0", "https://a.example/v7", "OOAPI version 7.0 is not supported"),
        (None, "https://a.example/v4/", "OOAPI version 4 is not supported"),
        (None, "https://a.example/ooapi", 'State `version = "5"`'),
        ("latest", "https://a.example/ooapi", 'State `version = "5"`'),
        ("5", "file:///tmp/x", "is a server"),
    ],
)
def test_other_versions_are_named(harvest: Harvest, version: str | None, path: str, says: str) -> None:
    with pytest.raises(HarvestError, match=says):
        harvest(version=version, path=path)


def test_lists_of_offerings_that_never_end_are_given_up_together(provider: Provider, tmp_path: Path) -> None:
    provider.lists["courses"] = courses(9)
    counter = iter(range(10**6))
    endless = {"pageSize": 250, "hasNextPage": True}

    def always_more(path: str, _page: int) -> Answer:
        if not path.endswith("/offerings"):
            return None
        return Response(json.dumps({**endless, "items": [{"offeringId": str(next(counter))}]}))

    provider.quirk = always_more
    source = DataSource("ooapi", "ooapi", provider.url, "5")
    settings = replace(LOCAL, concurrency_per_host=1)
    with ProviderClient(settings) as one, SnapshotWriter(tmp_path, TWENTE.id, source, NOW) as writer:
        visit = Visit(TWENTE, source, one, writer, NOW)
        OoapiHarvester(max_failures_in_a_row=2).fetch(visit)
    assert [issue.code for issue in visit.issues if issue.severity != "info"] == [
        "paging-endless",
        "paging-endless",
        "harvest-stopped",
    ]
    assert not visit.complete
    assert len(provider.requests) < 100


# --- samples


def test_a_sample_spares_the_server(provider: Provider, client: ProviderClient, tmp_path: Path) -> None:
    provider.lists["courses"] = courses(1000)
    provider.lists["organizations"] = [{"organizationId": str(n)} for n in range(80)]
    source = DataSource("ooapi", "ooapi", provider.url, "5")
    snapshot = harvest_source(TWENTE, source, LOCAL, tmp_path, NOW, client=client, sample=20)
    assert len(kept(snapshot, "courses")) == 20
    assert len(kept(snapshot, "organizations")) == 80
    assert len(provider.requests) < 20 + 10
    (issue,) = [issue for issue in snapshot.issues if issue.code == "list-sampled"]
    assert issue.message == "a sample: 20 of about 1000 courses were read"
    assert not snapshot.complete


def test_a_sample_of_a_server_that_knows_no_page_size_is_cut(
    provider: Provider, client: ProviderClient, tmp_path: Path
) -> None:
    provider.envelope = lambda page: {"items": courses(300)} if page["items"] else page
    provider.lists["courses"] = courses(300)
    source = DataSource("ooapi", "ooapi", provider.url, "5")
    snapshot = harvest_source(TWENTE, source, LOCAL, tmp_path, NOW, client=client, sample=5)
    assert [course["courseId"] for course in kept(snapshot, "courses")] == ["c0", "c1", "c2", "c3", "c4"]
    assert len([page for page in snapshot.pages if page.resource == "course-offerings"]) <= 5


def test_a_small_source_is_read_whole_as_a_sample(provider: Provider, client: ProviderClient, tmp_path: Path) -> None:
    provider.lists["courses"] = courses(20)
    source = DataSource("ooapi", "ooapi", provider.url, "5")
    snapshot = harvest_source(TWENTE, source, LOCAL, tmp_path, NOW, client=client, sample=20)
    assert len(kept(snapshot, "courses")) == 20
    assert "list-sampled" not in {issue.code for issue in snapshot.issues}
    assert snapshot.complete
