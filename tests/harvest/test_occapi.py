"""OCCAPI servers of both versions, good ones and others. Each test speaks with a real server on loopback."""

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
from werkzeug.datastructures import Headers

from qlink_ld.config import HarvestSettings
from qlink_ld.errors import HarvestError, SourceRefused, SourceUnavailable, UnusableResponse
from qlink_ld.harvest import harvest_source
from qlink_ld.harvest.occapi import OccapiHarvester
from qlink_ld.harvest.snapshot import SnapshotWriter
from qlink_ld.harvest.visit import Visit
from qlink_ld.http import ProviderClient
from qlink_ld.model import DataSource, Institution, Snapshot

NOW = datetime(2026, 11, 23, 16, 22, 35, tzinfo=UTC)
LOCAL = HarvestSettings(timeout_s=5, allow_private_addresses=True)
EXAMPLE = Institution("XX0001", "Example Institution", schac="domain.tld")
COURSE = "aabbccdd-eeff-1122-3344-556677889900"
PROGRAMME = "abcdef12-3456-7890-abcd-ef1234567890"
UNIT = "11223344-5566-7788-9900-aabbccddeeff"
Json = dict[str, Any]
Harvest = Callable[..., Snapshot]


class Provider:
    """Answers from `documents` by path below the server's root; anything else is "endpoint not available"."""

    def __init__(self, server: HTTPServer) -> None:
        self.root = server.url_for("").rstrip("/")
        self.url = f"{self.root}/hei/domain.tld"
        self.documents: dict[str, Any] = {}
        self.quirk: Callable[[str], Response | None] = lambda _: None
        self.asked: list[str] = []
        self.headers: Headers = Headers()
        server.expect_request(re.compile(".*")).respond_with_handler(self._answer)

    def _answer(self, request: Request) -> Response:
        path = str(request.environ["REQUEST_URI"])
        self.asked.append(path)
        self.headers = request.headers
        if (unusual := self.quirk(path)) is not None:
            return unusual
        if path not in self.documents:
            errors = {"errors": [{"status": "404", "title": "Endpoint not available."}]}
            return Response(json.dumps(errors), 404, content_type="application/vnd.api+json")
        document = self.documents[path]
        body = document if isinstance(document, str) else json.dumps(document)
        return Response(body, content_type="application/vnd.api+json")

    def serve(self, **documents: Any) -> None:
        """Add documents below the institution; `__` in a name stands for `/`, `_` for the institution itself."""
        for name, document in documents.items():
            self.documents["/hei/domain.tld" + ("" if name == "_" else f"/{name.replace('__', '/')}")] = document


@pytest.fixture
def provider(server: HTTPServer) -> Provider:
    return Provider(server)


@pytest.fixture
def harvest(provider: Provider, client: ProviderClient, tmp_path: Path) -> Harvest:
    def run(institution: Institution = EXAMPLE, **changes: Any) -> Snapshot:
        source = replace(DataSource("api", "occapi", provider.url, version="2"), **changes)
        return harvest_source(institution, source, LOCAL, tmp_path, NOW, client=client)

    return run


def resource(kind: str, key: Any, **links: str) -> Json:
    return {"type": kind, "id": key, "attributes": {}, "links": {name: {"href": href} for name, href in links.items()}}


def listed(kind: str, *keys: Any) -> Json:
    return {"data": [resource(kind, key) for key in keys]}


def pages(snapshot: Snapshot) -> list[tuple[str, str | None]]:
    return [(page.resource, page.parent) for page in snapshot.pages]


def codes(snapshot: Snapshot) -> list[str]:
    return [issue.code for issue in snapshot.issues if issue.severity != "info"]


def ids(snapshot: Snapshot, resource: str) -> list[Any]:
    found: list[Any] = []
    for page in snapshot.pages:
        if page.resource == resource:
            data = json.loads(page.read())["data"]
            found += [item["id"] for item in (data if isinstance(data, list) else [data])]
    return found


# --- the samples of the specification


def load_samples(provider: Provider, shared: Path, version: str) -> None:
    root = "https://occapi.uni-foundation.eu" if version == "1" else "http://example.com"
    base = f"/occapi/v{version}"
    hei = f"{base}/hei/domain.tld"
    files = {
        base: "root",
        f"{base}/hei": "hei-collection",
        hei: "hei",
        f"{hei}/ounit": "ounit-collection",
        f"{hei}/ounit/{UNIT}": "ounit",
        f"{hei}/ounit/{UNIT}/programme": "programme-collection",
        f"{hei}/ounit/{UNIT}/course": "course-collection",
        f"{hei}/programme": "programme-collection",
        f"{hei}/programme/{PROGRAMME}": "programme",
        f"{hei}/programme/{PROGRAMME}/course": "programme-courses",
        f"{hei}/course": "course-collection",
        f"{hei}/course/{COURSE}": "course",
    }
    if version == "2":
        files[f"{hei}/course/{COURSE}/instance"] = "course-instances"
    for path, name in files.items():
        text = (shared / f"samples/occapi-v{version}/{name}.json").read_text(encoding="utf-8")
        provider.documents[path] = text.replace(root, provider.root)


@pytest.mark.parametrize("version", ["1", "2"])
def test_samples_are_harvested_by_their_links(provider: Provider, harvest: Harvest, shared: Path, version: str) -> None:
    load_samples(provider, shared, version)
    snapshot = harvest(path=f"{provider.root}/occapi/v{version}/hei/domain.tld", version=None)
    assert snapshot.complete
    assert not snapshot.issues
    instances = [("course-instances", COURSE)] if version == "2" else []
    assert pages(snapshot) == [
        ("hei", None),
        ("course", UNIT),
        ("course", None),
        ("course", UNIT),
        ("programme", UNIT),
        ("programme", None),
        ("programme", UNIT),
        ("ounit", None),
        ("ounit", None),
        ("programme-course", PROGRAMME),
        *instances,
    ]
    assert "bibliography" in json.loads(snapshot.pages[1].read())["data"]["attributes"]
    assert sorted(provider.asked) == sorted(set(provider.asked))


@pytest.mark.parametrize("version", ["1", "2"])
def test_from_the_servers_root_the_institution_is_found_by_its_code(
    provider: Provider, harvest: Harvest, shared: Path, version: str
) -> None:
    load_samples(provider, shared, version)
    snapshot = harvest(path=f"{provider.root}/occapi/v{version}/")
    assert ids(snapshot, "course") == [COURSE] * 3
    with pytest.raises(SourceRefused, match=r"other[.]tld; set `path` to …/hei/"):
        harvest(Institution("XX0002", "Other", schac="other.tld"), path=f"{provider.root}/occapi/v{version}")


# --- where courses are


def test_courses_that_only_units_list_are_found_and_know_their_unit(provider: Provider, harvest: Harvest) -> None:
    unit = resource("ounit", "u 1", course=f"{provider.url}/ounit/FAC%2F1/course")
    unit["attributes"]["ounitId"] = "FAC/1"
    provider.serve(
        _={"data": resource("hei", "domain.tld", ounit=f"{provider.url}/ounit")},
        ounit={"data": [unit]},
        course__c1={"data": resource("course", "c1")},
    )
    provider.documents["/hei/domain.tld/ounit/FAC%2F1"] = {"data": unit}
    provider.documents["/hei/domain.tld/ounit/FAC%2F1/course"] = listed("course", "c1")
    snapshot = harvest()
    assert [page for page in pages(snapshot) if page[0] == "course"] == [("course", "u 1"), ("course", "u 1")]
    assert not codes(snapshot)


def test_courses_that_only_programmes_list_are_records_even_if_they_do_not_answer(
    provider: Provider, harvest: Harvest
) -> None:
    provider.serve(
        _={"data": resource("hei", "domain.tld"), "links": {"programme": {"href": f"{provider.url}/programme"}}},
        programme=listed("programme", "p1", "p2"),
        programme__p1={"data": resource("programme", "p1")},
        programme__p2={"data": resource("programme", "p2")},
        programme__p1__course=listed("course", "c1", "c2"),
        programme__p2__course=listed("course", "c2", "c3"),
        course__c1={"data": resource("course", "c1")},
    )
    snapshot = harvest(version="1")
    assert ids(snapshot, "course") == ["c1", "c1", "c2", "c2", "c3"]
    assert ids(snapshot, "programme-course") == ["c1", "c2", "c2", "c3"]
    assert codes(snapshot) == ["single-absent", "single-absent"]
    assert snapshot.complete


def test_a_server_without_links_is_asked_at_the_usual_addresses(provider: Provider, harvest: Harvest) -> None:
    provider.serve(
        _={"data": resource("hei", "domain.tld")},
        course=listed("course", "c/1", "ü"),
    )
    provider.documents["/hei/domain.tld/course/c%2F1"] = {"data": resource("course", "c/1")}
    provider.documents["/hei/domain.tld/course/%C3%BC"] = {"data": resource("course", "ü")}
    snapshot = harvest()
    assert ids(snapshot, "course") == ["c/1", "ü", "c/1", "ü"]
    assert not codes(snapshot)
    assert sorted(issue.code for issue in snapshot.issues) == ["resource-absent", "resource-absent"]


def test_collections_that_are_not_linked_to_are_not_asked_for(provider: Provider, harvest: Harvest) -> None:
    provider.serve(
        _={"data": resource("hei", "domain.tld", course=f"{provider.url}/course")},
        course=listed("course", "c1"),
        course__c1={"data": resource("course", "c1")},
    )
    harvest()
    assert sorted(provider.asked) == [f"/hei/domain.tld{end}" for end in ("", "/course", "/course/c1")]


def test_next_links_are_followed(provider: Provider, harvest: Harvest) -> None:
    provider.serve(
        _={"data": resource("hei", "domain.tld", course=f"{provider.url}/course")},
        course={**listed("course", "c1"), "links": {"next": f"{provider.url}/course?page=2"}},
        course__c1={"data": resource("course", "c1")},
        course__c2={"data": resource("course", "c2")},
    )
    provider.documents["/hei/domain.tld/course?page=2"] = {**listed("course", "c2"), "links": {"next": None}}
    snapshot = harvest()
    assert ids(snapshot, "course") == ["c1", "c2", "c1", "c2"]
    assert snapshot.complete


def test_next_links_that_lead_back_end_the_list(provider: Provider, harvest: Harvest) -> None:
    provider.serve(
        _={"data": resource("hei", "domain.tld", course=f"{provider.url}/course")},
        course={**listed("course", "c1"), "links": {"next": {"href": f"{provider.url}/course"}}},
        course__c1={"data": resource("course", "c1")},
    )
    assert codes(harvest()) == ["paging-endless"]


def test_links_to_another_server_are_not_followed(provider: Provider, harvest: Harvest) -> None:
    elsewhere = "https://elsewhere.example/course"
    provider.serve(
        _={"data": resource("hei", "domain.tld", course=elsewhere)},
        course={**listed("course", "c1"), "links": {"next": f"{elsewhere}?page=2"}},
        course__c1={"data": resource("course", "c1")},
    )
    snapshot = harvest()
    assert ids(snapshot, "course") == ["c1", "c1"]
    assert codes(snapshot) == ["link-elsewhere", "link-elsewhere"]
    assert not snapshot.complete


def test_links_may_be_relative(provider: Provider, harvest: Harvest) -> None:
    provider.serve(
        _={"data": resource("hei", "domain.tld", course="/hei/domain.tld/course")},
        course={"data": [resource("course", "c1", self="/single/c1")]},
    )
    provider.documents["/single/c1"] = {"data": resource("course", "c1")}
    snapshot = harvest()
    assert not codes(snapshot)
    assert "/single/c1" in provider.asked


# --- what goes wrong


def many_courses(provider: Provider, count: int) -> None:
    keys = [f"c{number}" for number in range(count)]
    provider.serve(
        _={"data": resource("hei", "domain.tld", course=f"{provider.url}/course")},
        course=listed("course", *keys),
        **{f"course__{key}": {"data": resource("course", key)} for key in keys},
    )


def test_one_broken_resource_does_not_cost_the_others(provider: Provider, harvest: Harvest) -> None:
    many_courses(provider, 5)
    provider.documents["/hei/domain.tld/course/c2"] = '{"data": {"id": "c2"'
    provider.quirk = lambda path: Response("", 500) if path.endswith("/c3") else None
    snapshot = harvest()
    assert ids(snapshot, "course")[:3] == ["c0", "c1", "c4"]
    assert sorted(codes(snapshot)) == ["page-failed", "page-unreadable"]
    assert not snapshot.complete


def test_the_wrong_resource_is_not_taken_for_the_right_one(provider: Provider, harvest: Harvest) -> None:
    many_courses(provider, 2)
    provider.documents["/hei/domain.tld/course/c1"] = {"data": resource("course", "c0")}
    snapshot = harvest()
    assert ids(snapshot, "course") == ["c0", "c0", "c1"]
    assert codes(snapshot) == ["single-absent"]


def test_entries_without_a_usable_id_are_reported_and_kept(provider: Provider, harvest: Harvest) -> None:
    many_courses(provider, 1)
    provider.documents["/hei/domain.tld/course"] = {"data": [*listed("course", "c0", 7, "..", "")["data"], "nonsense"]}
    snapshot = harvest()
    assert [(issue.code, issue.count) for issue in snapshot.issues] == [("record-without-id", 4)]


def test_a_server_that_goes_away_is_not_asked_on(provider: Provider, tmp_path: Path) -> None:
    many_courses(provider, 60)
    provider.quirk = lambda path: Response("", 503) if "/course/" in path else None
    source = DataSource("api", "occapi", provider.url, version="2")
    with (
        ProviderClient(LOCAL, backoff_s=0.001, attempts=1) as client,
        SnapshotWriter(tmp_path, "XX0001", source, NOW) as writer,
    ):
        visit = Visit(EXAMPLE, source, client, writer, NOW)
        OccapiHarvester(max_failures_in_a_row=4).fetch(visit)
    assert "harvest-stopped" in {issue.code for issue in visit.issues}
    assert not visit.complete
    assert len(provider.asked) < 30


@pytest.mark.parametrize(
    ("document", "error"),
    [
        ("<html>Sign in</html>", UnusableResponse),
        ({"errors": []}, UnusableResponse),
        ({"data": []}, UnusableResponse),
        ({"data": {"id": 5}}, UnusableResponse),
        ("", UnusableResponse),
    ],
)
def test_an_address_that_is_no_institution_is_refused(
    provider: Provider, harvest: Harvest, document: Any, error: type[HarvestError]
) -> None:
    provider.serve(_=document)
    with pytest.raises(error, match=r"ask the provider|Ask the provider|check `path`"):
        harvest()


def test_an_institution_without_courses_and_programmes_is_refused(provider: Provider, harvest: Harvest) -> None:
    provider.serve(_={"data": resource("hei", "domain.tld")}, ounit=listed("ounit"))
    with pytest.raises(SourceRefused, match="neither courses nor programmes"):
        harvest()


def test_empty_lists_are_an_answer(provider: Provider, harvest: Harvest) -> None:
    provider.serve(_={"data": resource("hei", "domain.tld")}, course=listed("course"))
    assert harvest().complete


def test_entries_without_any_usable_id_are_kept_for_their_refusal(provider: Provider, harvest: Harvest) -> None:
    provider.serve(_={"data": resource("hei", "domain.tld")}, course=listed("course", "", " ", 5))
    snapshot = harvest()
    assert "record-without-id" in codes(snapshot)
    assert ids(snapshot, "course") == ["", " ", 5]


def test_lists_that_fail_for_now_are_to_be_asked_again(provider: Provider, harvest: Harvest) -> None:
    provider.serve(_={"data": resource("hei", "domain.tld")})
    provider.quirk = lambda path: Response("", 503) if path.endswith("/course") else None
    with pytest.raises(SourceUnavailable, match="neither courses nor programmes"):
        harvest()


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"version": "3"}, "version 3 is not supported"), ({"path": "file:///x", "version": "1"}, "is a server")],
)
def test_what_is_not_occapi_1_or_2_is_refused(harvest: Harvest, changes: Json, message: str) -> None:
    with pytest.raises(HarvestError, match=message):
        harvest(**changes)


def test_the_same_server_twice_gives_the_same_snapshot(provider: Provider, harvest: Harvest) -> None:
    many_courses(provider, 30)
    first = harvest()
    assert harvest().unchanged
    assert not codes(first)


def test_a_sample_spares_the_server(provider: Provider, tmp_path: Path) -> None:
    many_courses(provider, 200)
    provider.serve(programme=listed("programme", "p1"), programme__p1={"data": resource("programme", "p1")})
    provider.serve(programme__p1__course=listed("course", "c150"))
    provider.documents["/hei/domain.tld"] = {"data": resource("hei", "domain.tld")}
    source = DataSource("api", "occapi", provider.url, version="2")
    with ProviderClient(LOCAL) as client:
        snapshot = harvest_source(EXAMPLE, source, LOCAL, tmp_path, NOW, client=client, sample=3)
    assert len(provider.asked) < 20
    (issue,) = [issue for issue in snapshot.issues if issue.code == "list-sampled"]
    assert issue.message == "a sample: 3 of about 200 course were read"
    # What a programme names comes first: the level of these courses can be known.
    assert set(ids(snapshot, "course")) == {"c150", "c0", "c1"}


# --- what has not changed


def modified(kind: str, key: str, when: str) -> Json:
    return {**resource(kind, key), "attributes": {"lastModified": when}}


def test_i_05_details_are_asked_for_only_where_the_list_says_that_they_changed(
    provider: Provider, harvest: Harvest
) -> None:
    def publish(**when: str) -> None:
        provider.serve(_={"data": resource("hei", "domain.tld", course="/hei/domain.tld/course")})
        provider.serve(course={"data": [modified("course", key, moment) for key, moment in when.items()]})
        for key, moment in when.items():
            provider.documents[f"/hei/domain.tld/course/{key}"] = {"data": modified("course", key, moment)}

    publish(c1="2026-01-01", c2="2026-01-01", c3="2026-01-01")
    assert ids(harvest(), "course") == ["c1", "c2", "c3"] * 2
    provider.asked.clear()
    publish(c1="2026-01-01", c2="2026-11-11", c4="2026-11-11")
    second = harvest()
    details = [path for path in provider.asked if path.startswith("/hei/domain.tld/course/")]
    assert sorted(details) == ["/hei/domain.tld/course/c2", "/hei/domain.tld/course/c4"]
    assert ids(second, "course") == ["c1", "c2", "c4"] * 2
    assert second.requests["unchanged"] == 1
    provider.asked.clear()
    assert harvest().unchanged
    assert not [path for path in provider.asked if path.startswith("/hei/domain.tld/course/")]


def test_i_05_version_1_says_of_nothing_when_it_changed(provider: Provider, harvest: Harvest) -> None:
    provider.serve(_={"data": resource("hei", "domain.tld", course="/hei/domain.tld/course")})
    provider.serve(course=listed("course", "c1"), course__c1={"data": resource("course", "c1")})
    harvest(version="1")
    provider.asked.clear()
    assert harvest(version="1").unchanged
    assert "/hei/domain.tld/course/c1" in provider.asked


def test_the_institution_found_from_the_root_is_asked_for_on_condition(provider: Provider, harvest: Harvest) -> None:
    conditions: list[str | None] = []

    def root(path: str) -> Response | None:
        if path != "/hei":
            return None
        conditions.append(provider.headers.get("If-None-Match"))
        if conditions[-1] == '"1"':
            return Response("", 304, {"ETag": '"1"'})
        listing = {"data": [modified("hei", "domain.tld", ""), modified("hei", "other.tld", "")]}
        listing["data"][0]["attributes"]["heiId"] = "domain.tld"
        return Response(json.dumps(listing), headers={"ETag": '"1"'}, content_type="application/vnd.api+json")

    provider.quirk = root
    provider.serve(_={"data": resource("hei", "domain.tld", course="/hei/domain.tld/course")})
    provider.serve(course=listed("course", "c1"), course__c1={"data": resource("course", "c1")})
    snapshots = [harvest(path=provider.root) for _ in range(3)]
    assert conditions == [None, '"1"', '"1"']
    assert [snapshot.unchanged for snapshot in snapshots] == [False, True, True]
