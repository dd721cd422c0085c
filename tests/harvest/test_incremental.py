"""Visits that ask only for what has changed, go on where one was cut off, and end in time."""

import email.utils
import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from qlink_ld.config import HarvestSettings
from qlink_ld.harvest.snapshot import load_latest_snapshot
from qlink_ld.harvest.source import harvest_source
from qlink_ld.harvest.visit_state import VisitState, load_visit_state
from qlink_ld.http import ProviderClient
from qlink_ld.model import DataSource, Institution, Snapshot

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
TWENTE = Institution("NL0028", "University of Twente")
TURTLE = b"<https://x.example/1> <https://x.example/p> 1 .\n"
Visit = Callable[..., Snapshot]


class Provider:
    """An OOAPI server with 6 courses on 3 pages; says what it was asked."""

    def __init__(self, server: HTTPServer, *, validators: str = "etag", honours: bool = True) -> None:
        self.server, self.validators, self.honours = server, validators, honours
        self.titles = [f"Course {number}" for number in range(6)]
        self.changed = NOW - timedelta(days=9)
        self.dies_at: str | None = None
        self.pause_s = 0.0
        self.absent: set[str] = set()
        self.asked: list[tuple[str, str, bool]] = []  # method, path with page, whether on condition
        server.expect_request("").respond_with_handler(self.answer)
        for path in ("/courses", "/programs", "/organizations", "/academic-sessions", "/education-specifications"):
            server.expect_request(path).respond_with_handler(self.answer)
        for number in range(6):
            server.expect_request(f"/courses/c{number}/offerings").respond_with_handler(self.answer)
        server.expect_request("/elm.ttl").respond_with_handler(self.answer)

    def answer(self, request: Request) -> Response:
        page = int(request.args.get("pageNumber", 1))
        conditional = bool({"If-None-Match", "If-Modified-Since"} & set(request.headers.keys()))
        time.sleep(self.pause_s)
        self.asked.append((request.method, f"{request.path}?{page}", conditional))
        if self.dies_at == self.asked[-1][1]:
            return Response("", 503)
        if request.path in self.absent:
            return Response("", 404)
        items: list[dict[str, object]] = []
        if request.path == "/courses":
            items = [{"courseId": f"c{n}", "name": self.titles[n]} for n in range(2 * page - 2, 2 * page)]
        more = request.path == "/courses" and page < 3
        body = json.dumps({"items": items, "hasNextPage": more, "totalPages": 3 if more else page}).encode()
        if request.path == "/elm.ttl":
            body = TURTLE + self.titles[0].encode().join([b"# ", b"\n"])
        headers = {"Content-Type": "text/turtle" if request.path == "/elm.ttl" else "application/json"}
        if self.validators == "etag":
            headers["ETag"] = f'"{hashlib.sha256(body).hexdigest()[:8]}"'
        elif self.validators == "last-modified":
            headers["Last-Modified"] = email.utils.format_datetime(self.changed, usegmt=True)
        same = headers.get("ETag", "-") == request.headers.get("If-None-Match") or headers.get(
            "Last-Modified", "-"
        ) == request.headers.get("If-Modified-Since")
        return Response(b"" if same and self.honours else body, 304 if same and self.honours else 200, headers)

    def take(self) -> list[tuple[str, str, bool]]:
        asked, self.asked = self.asked, []
        return asked


@pytest.fixture
def visit(server: HTTPServer, client: ProviderClient, tmp_path: Path) -> Visit:
    def run(days: float = 0, path: str = "/", **options: object) -> Snapshot:
        kind = "elm" if path.endswith(".ttl") else "ooapi"
        source = DataSource("api", kind, server.url_for(path), version="3.3" if kind == "elm" else "5")
        return harvest_source(
            TWENTE,
            source,
            client.settings,
            tmp_path,
            NOW + timedelta(days=days),
            client=client,
            **options,  # type: ignore[arg-type]
        )

    return run


@pytest.mark.parametrize("validators", ["etag", "last-modified"])
def test_i_02_an_unchanged_source_is_asked_on_condition_only(server: HTTPServer, visit: Visit, validators: str) -> None:
    provider = Provider(server, validators=validators)
    first = visit()
    assert not any(conditional for _, _, conditional in provider.take())
    second = visit(days=1)
    asked = provider.take()
    assert all(conditional for _, _, conditional in asked)
    assert second.unchanged
    assert second.digest == first.digest
    assert second.requests["unchanged"] == len(asked) == second.requests["conditional"]
    assert second.requests["bytes"] == 0


def test_one_page_that_changed_is_the_only_one_that_is_sent(server: HTTPServer, visit: Visit, tmp_path: Path) -> None:
    provider = Provider(server)
    first = visit()
    provider.titles[3] = "Another title"
    second = visit(days=1)
    assert not second.unchanged
    assert second.requests["unchanged"] == second.requests["requests"] - 1
    changed = [
        (old.url, new.url) for old, new in zip(first.pages, second.pages, strict=True) if old.sha256 != new.sha256
    ]
    assert len(changed) == 1
    assert b"Another title" in b"".join(page.read() for page in second.pages)
    shared = [page.file.stat().st_nlink for page in second.pages if page.resource != "courses"]
    assert set(shared) == {2}  # the same file as in the snapshot before, not a copy


def test_a_server_that_ignores_conditions_is_asked_with_head(server: HTTPServer, visit: Visit) -> None:
    provider = Provider(server, validators="last-modified", honours=False)
    visit(path="/elm.ttl")
    visit(days=1, path="/elm.ttl")
    assert provider.take() == [("GET", "/elm.ttl?1", False), ("GET", "/elm.ttl?1", True)]
    third = visit(days=2, path="/elm.ttl")
    assert provider.take() == [("HEAD", "/elm.ttl?1", False)]
    assert third.unchanged
    visit(days=3, path="/elm.ttl")
    assert provider.take() == [("HEAD", "/elm.ttl?1", False)]
    provider.titles[0], provider.changed = "New", NOW
    assert not visit(days=4, path="/elm.ttl").unchanged
    assert [method for method, _, _ in provider.take()] == ["HEAD", "GET"]


def test_unchanged_content_is_noticed_where_a_server_offers_nothing(server: HTTPServer, visit: Visit) -> None:
    provider = Provider(server, validators="none")
    visit()
    provider.take()
    second = visit(days=1)
    assert not any(conditional for _, _, conditional in provider.take())
    assert second.unchanged


def test_a_full_visit_asks_without_conditions(server: HTTPServer, visit: Visit) -> None:
    provider = Provider(server)
    visit()
    provider.take()
    visit(days=1, full=True)
    assert not any(conditional for _, _, conditional in provider.take())


def test_once_a_week_everything_is_asked_for_again(server: HTTPServer, visit: Visit) -> None:
    provider = Provider(server)
    visit()
    visit(days=6.9)
    assert any(conditional for _, _, conditional in provider.take())
    visit(days=7)
    assert not any(conditional for _, _, conditional in provider.take())
    visit(days=8)
    assert all(conditional for _, _, conditional in provider.take())


def test_a_damaged_page_is_asked_for_again(server: HTTPServer, visit: Visit) -> None:
    Provider(server)
    first = visit()
    for page in first.pages:
        page.file.write_bytes(page.file.read_bytes()[:-3] + b"abc")
    second = visit(days=1)
    assert len(second.pages) == len(first.pages)
    assert second.requests["unchanged"] == 0
    assert all(page.read() for page in second.pages)


def test_i_06_a_failing_page_is_not_taken_from_the_snapshot_before(server: HTTPServer, visit: Visit) -> None:
    provider = Provider(server)
    visit()
    provider.dies_at = "/courses?2"
    second = visit(days=1)
    assert not second.complete
    assert len([page for page in second.pages if page.resource == "courses"]) == 2


def test_a_visit_that_was_cut_off_goes_on_where_it_was(
    server: HTTPServer, client: ProviderClient, visit: Visit, tmp_path: Path
) -> None:
    provider = Provider(server, validators="none")

    def stop(done: int, _: int | None) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        visit(on_progress=stop)
    assert load_latest_snapshot(tmp_path, "NL0028", DataSource("api", "ooapi", "", version="5")) is None
    provider.take()
    with ProviderClient(client.settings, backoff_s=0.01, attempts=2) as fresh:
        source = DataSource("api", "ooapi", server.url_for("/"), version="5")
        whole = harvest_source(TWENTE, source, fresh.settings, tmp_path, NOW + timedelta(hours=1), client=fresh)
    assert whole.complete
    assert whole.requests["resumed"] >= 5
    assert len(provider.take()) == whole.requests["requests"] == len(whole.pages) - whole.requests["resumed"]


def test_pages_that_have_validators_are_asked_for_on_condition_when_a_visit_goes_on(
    server: HTTPServer, visit: Visit, client: ProviderClient, tmp_path: Path
) -> None:
    provider = Provider(server)

    def stop(done: int, _: int | None) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        visit(on_progress=stop)
    provider.take()
    provider.titles[0] = "Changed meanwhile"
    with ProviderClient(client.settings, backoff_s=0.01, attempts=2) as fresh:
        source = DataSource("api", "ooapi", server.url_for("/"), version="5")
        whole = harvest_source(TWENTE, source, fresh.settings, tmp_path, NOW + timedelta(hours=1), client=fresh)
    assert whole.requests["resumed"] == 0
    assert whole.requests["unchanged"] > 0
    assert b"Changed meanwhile" in b"".join(page.read() for page in whole.pages)


def test_a_visit_ends_when_its_time_is_over(server: HTTPServer, tmp_path: Path) -> None:
    provider = Provider(server)
    provider.pause_s = 0.1
    settings = HarvestSettings(timeout_s=5, allow_private_addresses=True, source_timeout_s=0.15)
    source = DataSource("api", "ooapi", server.url_for("/"), version="5")
    snapshot = harvest_source(TWENTE, source, settings, tmp_path, NOW)
    assert not snapshot.complete
    assert len(provider.take()) < 6
    assert any("source_timeout_s = 0.15 s" in issue.message for issue in snapshot.issues)


def test_a_source_that_sends_too_much_is_cut_and_incomplete(server: HTTPServer, tmp_path: Path) -> None:
    Provider(server)
    settings = HarvestSettings(timeout_s=5, allow_private_addresses=True, max_source_bytes=400)
    snapshot = harvest_source(
        TWENTE, DataSource("api", "ooapi", server.url_for("/"), version="5"), settings, tmp_path, NOW
    )
    assert not snapshot.complete
    assert any("max_source_bytes = 400" in issue.message for issue in snapshot.issues)


def test_i_01_a_source_is_due_when_its_hours_have_passed() -> None:
    state = VisitState(NOW, complete=True, full_at=NOW, validators=True)
    assert not state.is_due(NOW + timedelta(hours=11.9), 12, 72)
    assert state.is_due(NOW + timedelta(hours=12), 12, 72)
    assert state.is_due(NOW - timedelta(hours=1), 12, 72)  # the clock was set back
    assert replace(state, complete=False).is_due(NOW + timedelta(minutes=1), 12, 72)


def test_e_07_a_source_without_validators_is_visited_less_often() -> None:
    state = VisitState(NOW, complete=True, full_at=NOW, validators=False)
    assert not state.is_due(NOW + timedelta(hours=48), 24, 72)
    assert state.is_due(NOW + timedelta(hours=72), 24, 72)


def test_what_a_visit_found_out_is_kept(server: HTTPServer, visit: Visit, tmp_path: Path) -> None:
    Provider(server)
    visit()
    state = load_visit_state(tmp_path / "snapshots" / "NL0028" / "api")
    assert state == VisitState(NOW, complete=True, full_at=NOW, validators=True)


def test_i_03_what_is_absent_is_asked_for_on_condition_that_it_has_come(server: HTTPServer, visit: Visit) -> None:
    provider = Provider(server)
    provider.absent = {"/education-specifications", "/courses/c0/offerings"}
    first = visit()
    assert first.complete
    provider.take()
    second = visit(days=1)
    assert all(conditional for _, _, conditional in provider.take())
    assert second.unchanged
    provider.absent = set()  # answers 304 to a condition that names a later date: an older file was put there
    provider.validators = "last-modified"
    third = visit(days=2)
    assert "education-specifications" in {page.resource for page in third.pages}
    assert len(third.pages) == len(first.pages) + 2
