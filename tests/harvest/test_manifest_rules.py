"""What a manifest says of a source holds for every request, whatever the type."""

import contextlib
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from qlink_ld.config import HarvestSettings
from qlink_ld.discovery import parse_manifest
from qlink_ld.errors import HarvestError
from qlink_ld.harvest import harvest_source
from qlink_ld.http import ProviderClient
from qlink_ld.model import Institution

LOCAL = HarvestSettings(timeout_s=5, allow_private_addresses=True)
UNI = Institution("XX0001", "X", schac="uni-x.example")
OURS: dict[str, Any] = {"headers": {"X-Consumer": "qlink"}, "queryParameters": {"consumer": "all & everything"}}
COURSES = {"ooapi": "courses", "edu-api": "courseTemplates"}
PATHS = {"ooapi": "/api/v5", "edu-api": "/api/v5", "occapi": "/api/v5", "elm": "/api/courses.ttl"}
VERSIONS = {"ooapi": "5", "edu-api": "1.0", "occapi": "2", "elm": "3.3"}


class Provider:
    """Answers in every format: a list of 11 courses in pages of 10, a collection of units, a file."""

    def __init__(self, server: HTTPServer) -> None:
        self.server = server
        self.requests: list[Request] = []
        server.expect_request(re.compile("/api/.*")).respond_with_handler(self._answer)

    def _answer(self, request: Request) -> Response:
        self.requests.append(request)
        name = request.path.rpartition("/")[2]
        if name == "courses":
            first = request.args["pageNumber"] == "1"
            items = [{"courseId": f"c{number}"} for number in (range(10) if first else range(10, 11))]
            return _json({"pageSize": 10, "pageNumber": 1, "hasNextPage": first, "totalPages": 2, "items": items})
        if name == "courseTemplates":
            first = request.args["offset"] == "0"
            return _json({name: [{"sourcedId": f"c{n}"} for n in (range(10) if first else range(10, 11))]})
        if name == "courses.ttl":
            return Response("<u:a> <u:b> <u:c> .", content_type="text/turtle", headers={"ETag": '"1"'})
        if name == "v5" or request.path.endswith("/v5/"):
            link = {"href": self.server.url_for("/api/v5/course")}
            return _json({"data": {"type": "hei", "id": "x", "links": {"courses": link}}, "links": {"courses": link}})
        return Response("{}", 404, content_type="application/json")

    def harvest(self, kind: str, folder: Path, client: ProviderClient, slash: str = "", **keys: Any) -> list[Request]:
        """Harvest one source as a manifest states it; return the requests."""
        self.requests = []
        entry = {"type": kind, "path": self.server.url_for(PATHS[kind]) + slash, "version": VERSIONS[kind], **keys}
        (source,) = parse_manifest(json.dumps({"sources": [entry]}).encode(), "m.json").sources
        with contextlib.suppress(HarvestError):
            harvest_source(UNI, source, LOCAL, folder, datetime(2026, 5, 1, tzinfo=UTC), client=client)
        assert self.requests
        return self.requests


def _json(table: object) -> Response:
    return Response(json.dumps(table), content_type="application/json")


@pytest.fixture
def provider(server: HTTPServer) -> Provider:
    return Provider(server)


@pytest.mark.parametrize("kind", PATHS)
def test_m_09_headers_and_parameters_go_with_every_request(
    provider: Provider, client: ProviderClient, tmp_path: Path, kind: str
) -> None:
    sizes: dict[str, Any] = {"pageSize": 10} if kind in COURSES else {}
    requests = provider.harvest(kind, tmp_path, client, **OURS, **sizes)
    requests += provider.harvest(kind, tmp_path, client, **OURS)  # again: what is asked differs where servers know 304
    assert {request.headers.get("X-Consumer") for request in requests} == {"qlink"}
    assert {request.args.get("consumer") for request in requests} == {"all & everything"}


@pytest.mark.parametrize(("kind", "wrong"), [("ooapi", {"pageNumber": 3}), ("edu-api", {"offset": 30, "limit": 7})])
def test_m_11_parameters_of_a_source_break_no_paging(
    provider: Provider, client: ProviderClient, tmp_path: Path, kind: str, wrong: dict[str, int]
) -> None:
    requests = provider.harvest(kind, tmp_path, client, pageSize=10, queryParameters=wrong)
    number = "pageNumber" if kind == "ooapi" else "offset"
    pages = [request.args[number] for request in requests if request.path.endswith(f"/{COURSES[kind]}")]
    assert pages == (["1", "2"] if kind == "ooapi" else ["0", "10"])


@pytest.mark.parametrize("kind", ["ooapi", "edu-api", "occapi"])
def test_m_16_a_path_is_a_folder_with_or_without_a_slash(
    provider: Provider, client: ProviderClient, tmp_path: Path, kind: str
) -> None:
    def asked(slash: str) -> set[str]:
        folder = tmp_path / f"with{len(slash)}"
        requests = provider.harvest(kind, folder, client, slash)
        return {request.path.removesuffix("/") for request in requests}

    without = asked("")
    assert without == asked("/")
    assert all(path.startswith("/api/v5") for path in without)
