"""Edu-API v1 servers, good ones and all the others. Each test speaks with a real server on loopback."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from qlink_ld.config import HarvestSettings
from qlink_ld.errors import HarvestError, SourceRefused, SourceUnavailable, UnusableResponse
from qlink_ld.harvest import harvest_source
from qlink_ld.harvest.edu_api_paging import OffsetListReader, OffsetListRequest
from qlink_ld.http import ProviderClient
from qlink_ld.model import DataSource, Institution, Snapshot

NOW = datetime(2026, 11, 23, 16, 22, 35, tzinfo=UTC)
LOCAL = HarvestSettings(timeout_s=5, allow_private_addresses=True)
MUSTERSTADT = Institution("DE9999", "University of Musterstadt")
BASE = "/ims/eduapi/base/v1p0"
NAMES = (
    "courseTemplates",
    "collectionTemplates",
    "courseOfferings",
    "collectionOfferings",
    "organizations",
    "academicSessions",
)
Answer = Response | None


class Provider:
    """An Edu-API v1 server. What it is like: `cap`, `pages`, `counts`, `links`, `wraps`; what goes wrong: `quirk`."""

    def __init__(self, server: HTTPServer) -> None:
        self.url = server.url_for(BASE)
        self.lists: dict[str, list[Any]] = {name: [] for name in NAMES}
        self.cap = 1000  # items that it gives at most
        self.pages = True  # knows `offset`
        self.counts = False  # sends X-Total-Count
        self.links: Callable[[str, int], str] | None = None  # target of the link to the next page
        self.wraps = False
        self.quirk: Callable[[str, int], Answer] = lambda *_: None
        self.requests: list[Request] = []
        server.expect_request(re.compile(f"{BASE}/.*")).respond_with_handler(self._answer)

    def _answer(self, request: Request) -> Response:
        self.requests.append(request)
        name = request.path.removeprefix(f"{BASE}/")
        limit, offset = int(request.args["limit"]), int(request.args["offset"])
        if (unusual := self.quirk(name, offset)) is not None:
            return unusual
        if name not in self.lists:
            return Response('{"imsx_codeMajor": "failure"}', 404, content_type="application/json")
        items = self.lists[name]
        size = min(limit, self.cap)
        page = items[offset : offset + size] if self.pages else items[:size]
        headers = {"X-Total-Count": str(len(items))} if self.counts else {}
        if self.links is not None:
            links = [f'<{self.url}/{name}?limit={limit}&offset=0>; rel="first"']
            if offset + size < len(items):
                links.append(f'<{self.links(name, offset + size)}>; title="a, b"; rel="next"')
            headers["Link"] = ", ".join(links)
        body = json.dumps({name: page} if self.wraps else page)
        return Response(body, 200, headers, content_type="application/json; charset=utf-8")

    def asked(self, name: str) -> list[tuple[int, int]]:
        """Return limit and offset of all requests for a list."""
        found = [request.args for request in self.requests if request.path == f"{BASE}/{name}"]
        return [(int(query["limit"]), int(query["offset"])) for query in found]


@pytest.fixture
def provider(server: HTTPServer) -> Provider:
    return Provider(server)


Harvest = Callable[..., Snapshot]


@pytest.fixture
def harvest(provider: Provider, client: ProviderClient, tmp_path: Path) -> Harvest:
    """Harvest the provider with a limit of 10."""

    def run(**changes: Any) -> Snapshot:
        source = replace(DataSource("api", "edu-api", provider.url, version="1", page_size=10), **changes)
        return harvest_source(MUSTERSTADT, source, LOCAL, tmp_path, NOW, client=client)

    return run


def records(count: int, prefix: str = "c") -> list[dict[str, str]]:
    return [{"sourcedId": f"{prefix};{number}"} for number in range(count)]


def kept(snapshot: Snapshot, resource: str) -> list[Any]:
    """Return all items of a resource in the snapshot, whether bare or wrapped."""
    found: list[Any] = []
    for page in snapshot.pages:
        if page.resource == resource:
            document = json.loads(page.read())
            found += document[resource] if isinstance(document, dict) else document
    return found


def codes(snapshot: Snapshot) -> list[str]:
    return [issue.code for issue in snapshot.issues if issue.severity != "info"]


# --- good servers


def test_all_lists_are_read_to_their_end(provider: Provider, harvest: Harvest) -> None:
    provider.lists |= {name: records(12, name) for name in NAMES}
    snapshot = harvest()
    assert snapshot.complete
    assert not snapshot.issues
    assert [page.resource for page in snapshot.pages] == [name for name in NAMES for _ in range(2)]
    for name in NAMES:
        assert kept(snapshot, name) == records(12, name)
        assert provider.asked(name) == [(10, 0), (10, 10)]  # 2 are fewer than 10 were


def test_the_published_examples_are_harvested(provider: Provider, harvest: Harvest, shared: Path) -> None:
    folder = shared / "samples/edu-api-v1"
    provider.lists = {name: json.loads((folder / f"{name}.json").read_bytes()) for name in NAMES}
    snapshot = harvest(page_size=None)
    assert snapshot.complete
    for name in NAMES:
        assert kept(snapshot, name) == provider.lists[name]
        assert provider.asked(name)[0] == (500, 0)


def test_a_count_saves_the_request_behind_the_last_page(provider: Provider, harvest: Harvest) -> None:
    provider.lists["courseTemplates"] = records(20)
    provider.counts = True
    assert len(kept(harvest(), "courseTemplates")) == 20
    assert provider.asked("courseTemplates") == [(10, 0), (10, 10)]
    assert provider.asked("collectionTemplates") == [(10, 0)]


@pytest.mark.parametrize("where", ["{url}/{name}", "{path}/{name}", ""])
def test_links_are_followed(provider: Provider, harvest: Harvest, where: str) -> None:
    provider.lists["courseTemplates"] = records(25)
    provider.links = lambda name, offset: (
        f"{where.format(url=provider.url, path=BASE, name=name)}?offset={offset}&limit=10&cursor=x"
    )
    snapshot = harvest()
    assert snapshot.complete
    assert kept(snapshot, "courseTemplates") == records(25)
    assert provider.asked("courseTemplates") == [(10, 0), (10, 10), (10, 20)]
    assert [request.args.get("cursor") for request in provider.requests if "offset=20" in request.url] == ["x"]


@pytest.mark.parametrize("target", ["http://other.example/x?offset={offset}", "/elsewhere?offset={offset}", "//["])
def test_links_that_lead_elsewhere_are_replaced_by_an_offset(provider: Provider, harvest: Harvest, target: str) -> None:
    provider.lists["courseTemplates"] = records(25)
    provider.links = lambda _, offset: target.format(offset=offset)
    assert kept(harvest(headers={"Authorization": "Bearer secret"}), "courseTemplates") == records(25)
    assert provider.asked("courseTemplates") == [(10, 0), (10, 10), (10, 20)]


def test_a_link_wins_over_a_count_that_counts_the_page(provider: Provider, harvest: Harvest) -> None:
    pages = {0: records(10), 10: records(12)[10:]}
    link = {"Link": f"<{provider.url}/courseTemplates?limit=10&offset=10>; rel=next", "X-Total-Count": "10"}
    provider.quirk = lambda name, offset: (
        Response(json.dumps(pages[offset]), headers=link if offset == 0 else {"Link": "<?offset=0>; rel=prev"})
        if name == "courseTemplates"
        else None
    )
    snapshot = harvest()
    assert snapshot.complete
    assert kept(snapshot, "courseTemplates") == records(12)


def test_wrapped_lists_are_read(provider: Provider, harvest: Harvest) -> None:
    provider.wraps = True
    provider.lists["courseTemplates"] = records(25)
    snapshot = harvest()
    assert snapshot.complete
    assert kept(snapshot, "courseTemplates") == records(25)


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_path_is_a_folder_and_may_have_a_query(provider: Provider, harvest: Harvest, slash: str) -> None:
    provider.lists["courseTemplates"] = records(1)
    harvest(path=f"{provider.url}{slash}?tenant=a", query_parameters={"offset": "7", "x": "y"})
    assert {request.args["tenant"] for request in provider.requests} == {"a"}
    assert {request.args["x"] for request in provider.requests} == {"y"}
    assert provider.asked("courseTemplates")[0] == (10, 0)


def test_the_same_again_is_unchanged(provider: Provider, harvest: Harvest) -> None:
    provider.lists["courseTemplates"] = records(15)
    assert [harvest().unchanged, harvest().unchanged] == [False, True]


def test_empty_lists_are_an_answer(harvest: Harvest) -> None:
    snapshot = harvest()
    assert snapshot.complete
    assert not snapshot.issues
    assert [page.read() for page in snapshot.pages] == [b"[]"] * len(NAMES)


# --- servers with paging of their own


def test_a_server_that_caps_the_limit_is_read_to_its_end(provider: Provider, harvest: Harvest) -> None:
    provider.lists["courseTemplates"] = records(25)
    provider.cap = 4
    snapshot = harvest()
    assert snapshot.complete
    assert kept(snapshot, "courseTemplates") == records(25)
    assert provider.asked("courseTemplates") == [(10, offset) for offset in range(0, 25, 4)]


@pytest.mark.parametrize("counts", [True, False])
def test_a_capped_last_page_that_is_full_is_no_loss(provider: Provider, harvest: Harvest, *, counts: bool) -> None:
    provider.lists["courseTemplates"] = records(8)
    provider.cap, provider.counts = 4, counts
    snapshot = harvest()
    assert snapshot.complete
    assert kept(snapshot, "courseTemplates") == records(8)


def test_a_server_that_ignores_limit_and_offset_gave_all(provider: Provider, harvest: Harvest) -> None:
    everything = records(33)
    provider.quirk = lambda name, _: Response(json.dumps(everything)) if name == "courseTemplates" else None
    snapshot = harvest()
    assert len(provider.asked("courseTemplates")) == 2
    assert kept(snapshot, "courseTemplates") == everything
    assert snapshot.complete
    assert not codes(snapshot)


def test_a_server_that_ignores_the_offset_only_is_incomplete(provider: Provider, harvest: Harvest) -> None:
    provider.lists["courseTemplates"] = records(33)
    provider.pages = False
    snapshot = harvest()
    assert len(provider.asked("courseTemplates")) == 2
    assert len(kept(snapshot, "courseTemplates")) == 10
    assert codes(snapshot) == ["page-repeated"]
    assert not snapshot.complete


def test_a_count_tells_that_ignored_paging_lost_nothing(provider: Provider, harvest: Harvest) -> None:
    provider.lists["courseTemplates"] = records(10)
    provider.pages, provider.counts = False, True
    snapshot = harvest()
    assert snapshot.complete
    assert provider.asked("courseTemplates") == [(10, 0)]


@pytest.mark.parametrize("status", [400, 404, 416, 422])
def test_an_error_behind_the_last_record_is_the_end(provider: Provider, harvest: Harvest, status: int) -> None:
    provider.lists["courseTemplates"] = records(20)
    provider.quirk = lambda _, offset: Response("", status) if offset == 20 else None
    snapshot = harvest()
    assert snapshot.complete
    assert not snapshot.issues
    assert len(kept(snapshot, "courseTemplates")) == 20


def test_an_error_before_the_last_record_is_none(provider: Provider, harvest: Harvest) -> None:
    provider.lists["courseTemplates"] = records(20)
    provider.counts = True
    provider.quirk = lambda _, offset: Response("", 404) if offset == 10 else None
    snapshot = harvest()
    assert codes(snapshot) == ["page-failed"]
    assert not snapshot.complete


def test_a_limit_that_is_refused_becomes_the_default_of_edu_api(provider: Provider, harvest: Harvest) -> None:
    provider.lists["courseTemplates"] = records(150)
    answer = Response('{"imsx_codeMajor": "failure"}', 422)

    def refuse(_: str, __: int) -> Answer:
        return answer if int(provider.requests[-1].args["limit"]) > 100 else None

    provider.quirk = refuse
    snapshot = harvest(page_size=None)
    assert snapshot.complete
    assert {issue.code for issue in snapshot.issues} == {"page-size-refused"}
    assert len(kept(snapshot, "courseTemplates")) == 150


def test_a_count_that_is_never_reached_is_incomplete(provider: Provider, harvest: Harvest) -> None:
    provider.quirk = lambda _, offset: Response(json.dumps(records(10)[offset:]), headers={"X-Total-Count": "99"})
    snapshot = harvest()
    assert set(codes(snapshot)) == {"paging-contradiction"}
    assert not snapshot.complete


def test_pages_that_overlap_may_have_lost_some(provider: Provider, harvest: Harvest) -> None:
    moved = records(20)[9:19] + records(3, "d")
    provider.quirk = lambda name, offset: (
        Response(json.dumps({0: records(10), 10: moved[:10], 20: moved[10:]}[offset]))
        if name == "courseTemplates"
        else None
    )
    snapshot = harvest()
    assert codes(snapshot) == ["page-overlap"]
    assert not snapshot.complete


def test_endless_paging_ends(provider: Provider, client: ProviderClient) -> None:
    provider.quirk = lambda _, offset: Response(json.dumps(records(10, f"{offset}")))
    pages: list[int] = []

    def add_page(
        resource: str, response: object, *, parent: str | None = None, order: tuple[int, int, int] = (0, 0, 0)
    ) -> None:
        pages.append(order[2])

    source = DataSource("api", "edu-api", provider.url)
    reader = OffsetListReader(client, source, add_page, limit=10, max_items=75)
    read = reader.read(OffsetListRequest("courseTemplates", 0, f"{provider.url}/courseTemplates"))
    assert pages == [1, 2, 3, 4, 5, 6, 7, 8]
    assert not read.complete
    assert [issue.code for issue in read.issues] == ["paging-endless"]


# --- what cannot be read


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Please log in</html>",
        b'[{"sourcedId": "c10"}, {"cour',
        b'{"items": []}',
        b'{"imsx_codeMajor": "failure", "imsx_description": "No tenant"}',
        b"null",
        '[{"title": "Économie"}]'.encode("latin-1"),
        b"[" * 100_000,
    ],
)
def test_an_unreadable_page_costs_itself_only(provider: Provider, harvest: Harvest, body: bytes) -> None:
    provider.lists |= {"courseTemplates": records(25), "courseOfferings": records(3)}
    provider.counts = True
    provider.quirk = lambda name, offset: Response(body) if (name, offset) == ("courseTemplates", 10) else None
    snapshot = harvest()
    assert kept(snapshot, "courseTemplates") == [*records(10), *records(25)[20:]]
    assert len(kept(snapshot, "courseOfferings")) == 3
    assert not snapshot.complete
    (issue,) = snapshot.issues
    assert issue.code == "page-unreadable"
    assert issue.position == f"{provider.url}/courseTemplates offset 10"
    assert "sk the provider" in issue.message


def test_without_a_count_a_failed_page_ends_its_list(provider: Provider, harvest: Harvest) -> None:
    provider.lists |= {"courseTemplates": records(25), "collectionTemplates": records(2)}
    provider.quirk = lambda name, offset: Response("", 503) if (name, offset) == ("courseTemplates", 10) else None
    snapshot = harvest()
    assert len(kept(snapshot, "courseTemplates")) == 10
    assert len(kept(snapshot, "collectionTemplates")) == 2
    assert codes(snapshot) == ["page-failed"]
    assert not snapshot.complete


def test_records_without_a_usable_id_are_reported_and_kept(provider: Provider, harvest: Harvest) -> None:
    items = [{"sourcedId": 7}, {}, "text", {"sourcedId": " "}, {"sourcedId": "ok"}]
    provider.lists["courseTemplates"] = items
    snapshot = harvest()
    assert kept(snapshot, "courseTemplates") == items
    assert codes(snapshot) == ["record-without-id"] * 4
    assert snapshot.issues[0].position == f"{provider.url}/courseTemplates offset 0 item 1"


@pytest.mark.parametrize("status", [404, 410, 501])
def test_absent_lists_are_none(provider: Provider, harvest: Harvest, status: int) -> None:
    provider.lists["courseTemplates"] = records(2)
    provider.quirk = lambda name, _: None if name == "courseTemplates" else Response("", status)
    snapshot = harvest()
    assert snapshot.complete
    assert [(issue.code, issue.severity) for issue in snapshot.issues] == [("resource-absent", "info")]


@pytest.mark.parametrize(("name", "complete"), [("organizations", True), ("courseOfferings", False)])
def test_context_that_is_refused_costs_no_record_but_offerings_do(
    provider: Provider, harvest: Harvest, name: str, *, complete: bool
) -> None:
    provider.lists["courseTemplates"] = records(1)
    provider.quirk = lambda asked, _: Response("", 403) if asked == name else None
    snapshot = harvest()
    assert snapshot.complete is complete
    assert codes(snapshot) == ["page-failed"]


def test_a_server_that_gives_nothing_is_an_error_and_leaves_no_snapshot(
    provider: Provider, harvest: Harvest, tmp_path: Path
) -> None:
    answers: tuple[tuple[Response, type[HarvestError], str], ...] = (
        (Response("", 404), SourceRefused, "neither courseTemplates nor collectionTemplates .*check `path`"),
        (Response('{"imsx_codeMajor": "failure"}', 401), SourceRefused, "credentials"),
        (Response("<html>"), UnusableResponse, "not JSON"),
        (Response(""), UnusableResponse, "nothing in it"),
        (Response("", 400), SourceRefused, "answered 400"),
        (Response("", 500), SourceUnavailable, "answered 500"),
    )
    for answer, error, says in answers:
        provider.quirk = lambda *_, answer=answer: answer
        with pytest.raises(error, match=says):
            harvest()
    assert not list((tmp_path / "snapshots/DE9999/api").iterdir())


# --- configuration


def test_a_page_size_below_one_falls_back(provider: Provider, harvest: Harvest) -> None:
    assert codes(harvest(page_size=-1)) == ["page-size-invalid"]
    assert provider.asked("courseTemplates")[0] == (500, 0)


def test_parameters_that_are_ours_are_reported(harvest: Harvest) -> None:
    assert codes(harvest(query_parameters={"Limit": "1"})) == ["parameter-ignored"]


@pytest.mark.parametrize("version", ["1", "1.0", "v1p0", None])
def test_version_1_is_harvested(harvest: Harvest, version: str | None) -> None:
    assert harvest(version=version).complete  # without one, the address tells: …/v1p0


@pytest.mark.parametrize(
    ("version", "path", "says"),
    [
        ("2.0", "https://a.example/v2p0", "Edu-API version 2.0 is not supported"),
        (None, "https://a.example/v2p0/", "Edu-API version 2 is not supported"),
        (None, "https://a.example/eduapi", 'State `version = "1"`'),
        ("1", "file:///tmp/x", "is a server"),
    ],
)
def test_other_versions_are_named(harvest: Harvest, version: str | None, path: str, says: str) -> None:
    with pytest.raises(HarvestError, match=says):
        harvest(version=version, path=path)


def test_a_sample_spares_the_server(provider: Provider, client: ProviderClient, tmp_path: Path) -> None:
    provider.lists |= {name: records(900, name) for name in NAMES}
    source = DataSource("api", "edu-api", provider.url, version="1")
    snapshot = harvest_source(MUSTERSTADT, source, LOCAL, tmp_path, NOW, client=client, sample=30)
    assert len(kept(snapshot, "courseTemplates")) == 30
    assert len(kept(snapshot, "organizations")) == 500
    sampled = {issue.field: issue.message for issue in snapshot.issues if issue.code == "list-sampled"}
    assert sampled.keys() == set(NAMES)
    assert sampled["courseTemplates"].startswith("a sample: 30 of about ")
    assert not snapshot.complete


def test_a_sample_of_a_server_that_knows_no_limit_is_cut(
    provider: Provider, client: ProviderClient, tmp_path: Path
) -> None:
    provider.lists["courseTemplates"] = records(100)
    provider.quirk = lambda name, _offset: (
        Response(json.dumps(records(100)), content_type="application/json") if name == "courseTemplates" else None
    )
    source = DataSource("api", "edu-api", provider.url, version="1")
    snapshot = harvest_source(MUSTERSTADT, source, LOCAL, tmp_path, NOW, client=client, sample=30)
    assert len(kept(snapshot, "courseTemplates")) == 30
    assert len(provider.asked("courseTemplates")) == 1
