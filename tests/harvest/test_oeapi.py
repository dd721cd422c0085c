"""OEAPI v6 servers: the paths and identifiers that differ from OOAPI v5. Each test speaks with a server on loopback.

What servers do wrong is the same in both versions: see `test_ooapi.py`.
"""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from qlink_ld.config import HarvestSettings
from qlink_ld.errors import SourceRefused
from qlink_ld.harvest import harvest_source
from qlink_ld.http import ProviderClient
from qlink_ld.model import DataSource, Institution, Snapshot

NOW = datetime(2026, 11, 23, 16, 22, 35, tzinfo=UTC)
LOCAL = HarvestSettings(timeout_s=5, allow_private_addresses=True)
TWENTE = Institution("NL0028", "University of Twente")
Harvest = Callable[..., Snapshot]


class Provider:
    """An OEAPI v6 server: lists by path; anything else is 404, as in the specification."""

    def __init__(self, server: HTTPServer) -> None:
        self.url = server.url_for("/oeapi/v6")
        self.lists: dict[str, list[Any]] = {"courses": [], "programmes": []}
        self.requests: list[Request] = []
        server.expect_request(re.compile("/oeapi/v6/.*")).respond_with_handler(self._answer)

    def _answer(self, request: Request) -> Response:
        self.requests.append(request)
        path = request.path.removeprefix("/oeapi/v6/")
        if path not in self.lists:
            return Response('{"status": "404"}', 404, content_type="application/problem+json")
        number, size = int(request.args["pageNumber"]), int(request.args["pageSize"])
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
        return Response(json.dumps(page), content_type="application/json")

    def asked(self, path: str) -> list[dict[str, str]]:
        """Return the query parameters of all requests for a list."""
        return [request.args.to_dict() for request in self.requests if request.path == f"/oeapi/v6/{path}"]


@pytest.fixture
def provider(server: HTTPServer) -> Provider:
    return Provider(server)


@pytest.fixture
def harvest(provider: Provider, client: ProviderClient, tmp_path: Path) -> Harvest:
    """Harvest the provider with a page size of 10."""

    def run(**changes: Any) -> Snapshot:
        source = replace(DataSource("api", "ooapi", provider.url, version="6.0", page_size=10), **changes)
        return harvest_source(TWENTE, source, LOCAL, tmp_path, NOW, client=client)

    return run


def kept(snapshot: Snapshot, resource: str) -> list[Any]:
    """Return all items of a resource in the snapshot."""
    return [item for page in snapshot.pages if page.resource == resource for item in json.loads(page.read())["items"]]


def test_all_lists_are_read_to_their_end(provider: Provider, harvest: Harvest) -> None:
    provider.lists = {
        "courses": [{"courseId": f"c{number}"} for number in range(25)],
        "programmes": [{"programmeId": "p"}],
        "organisations": [{"organisationId": "o"}],
        "academic-sessions": [{"academicSessionId": "s"}],
        "learning-outcomes": [{"learningOutcomeId": f"l{number}"} for number in range(12)],
        "courses/c3/course-offerings": [{"courseOfferingId": f"o{number}"} for number in range(11)],
        "programmes/p/programme-offerings": [{"programmeOfferingId": "po"}],
        "programmes/p/courses": [{"courseId": "c3"}],
    }
    snapshot = harvest()
    assert snapshot.complete
    assert not snapshot.issues
    assert [(page.resource, page.parent) for page in snapshot.pages] == [
        ("courses", None),
        ("courses", None),
        ("courses", None),
        ("programmes", None),
        ("organisations", None),
        ("academic-sessions", None),
        ("learning-outcomes", None),
        ("learning-outcomes", None),
        ("course-offerings", "c3"),
        ("course-offerings", "c3"),
        ("programme-offerings", "p"),
        ("programme-courses", "p"),
    ]
    assert [item["courseId"] for item in kept(snapshot, "courses")] == [f"c{number}" for number in range(25)]
    assert len(kept(snapshot, "course-offerings")) == 11


def test_no_path_of_version_5_is_asked_for(provider: Provider, harvest: Harvest) -> None:
    provider.lists |= {"courses": [{"courseId": "c"}], "programmes": [{"programmeId": "p"}]}
    harvest()
    assert {request.path.removeprefix("/oeapi/v6/") for request in provider.requests} == {
        "courses",
        "programmes",
        "organisations",
        "academic-sessions",
        "learning-outcomes",
        "courses/c/course-offerings",
        "programmes/p/programme-offerings",
        "programmes/p/courses",
    }


@pytest.mark.parametrize("page_size", [None, 10])
def test_the_published_examples_are_harvested(
    provider: Provider, harvest: Harvest, shared: Path, page_size: int | None
) -> None:
    def items(name: str) -> list[Any]:
        found = json.loads((shared / f"samples/oeapi-v6/{name}.json").read_bytes())["items"]
        assert isinstance(found, list)
        return found

    names = ("courses", "programmes", "organisations", "academic-sessions", "learning-outcomes")
    course, programme = items("courses")[0], items("programmes")[0]
    provider.lists = {name: items(name) for name in names}
    # One course is an example; a dozen of them need pages.
    provider.lists["courses"] = [course, *({**course, "courseId": f"copy-{number}"} for number in range(11))]
    provider.lists[f"courses/{course['courseId']}/course-offerings"] = items("course-offerings")
    provider.lists[f"programmes/{programme['programmeId']}/programme-offerings"] = items("programme-offerings")
    snapshot = harvest(page_size=page_size)
    assert snapshot.complete
    assert not snapshot.issues
    assert kept(snapshot, "courses") == provider.lists["courses"]
    for name in (*names[1:], "course-offerings", "programme-offerings"):
        assert kept(snapshot, name) == items(name)
    assert len(provider.asked("courses")) == (2 if page_size else 1)


def test_since_is_a_date_time(provider: Provider, harvest: Harvest) -> None:
    provider.lists |= {"courses": [{"courseId": "c"}], "programmes": [{"programmeId": "p"}]}
    harvest()
    assert provider.asked("courses/c/course-offerings")[0]["since"] == "2025-09-01T00:00:00Z"
    assert provider.asked("programmes/p/programme-offerings")[0]["since"] == "2025-09-01T00:00:00Z"
    assert "since" not in provider.asked("programmes/p/courses")[0]
    harvest(offerings_since=date(2024, 2, 29))
    assert provider.asked("courses/c/course-offerings")[1]["since"] == "2024-02-29T00:00:00Z"


@pytest.mark.parametrize("version", ["6", "6.0", "v6", "6.1", None])
def test_version_6_is_harvested(provider: Provider, harvest: Harvest, version: str | None) -> None:
    harvest(version=version)  # without one, the address tells: /oeapi/v6
    assert provider.asked("programmes")
    assert not provider.asked("programs")


def test_a_server_without_learning_outcomes_is_complete(provider: Provider, harvest: Harvest) -> None:
    provider.lists["courses"] = [{"courseId": "c", "learningOutcomeIds": ["l"]}]
    snapshot = harvest()
    assert snapshot.complete
    assert not kept(snapshot, "learning-outcomes")


def test_a_server_of_version_5_behind_the_address_is_an_error(provider: Provider, harvest: Harvest) -> None:
    provider.lists = {"programs": [{"programId": "p"}]}
    with pytest.raises(SourceRefused, match=r"neither courses nor programmes .*check `path`"):
        harvest()
