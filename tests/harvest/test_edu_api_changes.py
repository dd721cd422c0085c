"""Edu-API servers without ETags: their filter on modification dates spares the lists that have not changed."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from qlink_ld.harvest.source import harvest_source
from qlink_ld.harvest.visit_state import load_visit_state
from qlink_ld.http import ProviderClient
from qlink_ld.model import DataSource, Institution, Snapshot

NOW = datetime.now(UTC)  # that of the server, too
OLD = "2026-01-01T00:00:00Z"
LISTS = ("courseTemplates", "courseOfferings")
FILTER = re.compile(r"dateLastModified>'([^']+)'")
Visit = Callable[..., Snapshot]


class Provider:
    """Two lists of 3 records; pages of 2. `filters` says how it takes the filter."""

    def __init__(self, server: HTTPServer, filters: str = "honours") -> None:
        self.filters = filters
        self.lists = {name: [{"sourcedId": f"{name}-{n}", "dateLastModified": OLD} for n in range(3)] for name in LISTS}
        self.asked: list[tuple[str, bool]] = []  # list with offset, whether filtered
        server.expect_request(re.compile("/v1/.*")).respond_with_handler(self.answer)

    def answer(self, request: Request) -> Response:
        name, offset, limit = request.path.rpartition("/")[2], int(request.args["offset"]), int(request.args["limit"])
        wanted = request.args.get("filter")
        self.asked.append((f"{name}+{offset}", wanted is not None))
        if name not in self.lists:
            return Response("", 404)
        items: list[dict[str, Any]] = self.lists[name]
        if wanted and self.filters.isdecimal():
            return Response('{"imsx_codeMajor": "failure"}', int(self.filters))
        if wanted and self.filters == "honours":
            found = FILTER.fullmatch(wanted)
            assert found
            items = [item for item in items if item["dateLastModified"] > found[1]]
        page = items[offset : offset + limit]
        return Response(json.dumps(page), 200, {"X-Total-Count": str(len(items))}, content_type="application/json")

    def take(self) -> list[tuple[str, bool]]:
        asked, self.asked = self.asked, []
        return [entry for entry in asked if entry[0].partition("+")[0] in LISTS]


@pytest.fixture
def visit(server: HTTPServer, client: ProviderClient, tmp_path: Path) -> Visit:
    source = DataSource("api", "edu-api", server.url_for("/v1"), version="1", page_size=2)

    def run(days: float = 0, **options: Any) -> Snapshot:
        institution = Institution("DE9999", "University of Musterstadt")
        now = NOW + timedelta(days=days)
        return harvest_source(institution, source, client.settings, tmp_path, now, client=client, **options)

    return run


def stamp(**later: float) -> str:
    return (NOW + timedelta(**later)).isoformat(timespec="seconds")


FILTERED = [(f"{name}+0", True) for name in LISTS]
WHOLE = [(f"{name}+{offset}", False) for name in LISTS for offset in (0, 2)]


def test_i_04_nothing_modified_costs_one_request_per_list(server: HTTPServer, visit: Visit) -> None:
    provider = Provider(server)
    first = visit()
    assert provider.take() == WHOLE  # a first visit loads everything, without a filter
    second = visit(1)
    assert provider.take() == FILTERED
    assert second.unchanged
    assert second.complete
    assert second.digest == first.digest


def test_i_04_a_list_with_a_modified_record_is_read_whole(server: HTTPServer, visit: Visit) -> None:
    provider = Provider(server)
    visit()
    provider.take()
    provider.lists["courseOfferings"][1] |= {"dateLastModified": stamp(hours=9), "title": "new"}
    del provider.lists["courseTemplates"][2]  # the filter does not say so
    second = visit(1)
    assert provider.take() == [*FILTERED, ("courseOfferings+0", False), ("courseOfferings+2", False)]
    assert b'"new"' in b"".join(page.read() for page in second.pages)


def test_i_04_i_06_only_a_full_visit_notices_what_vanished(server: HTTPServer, visit: Visit) -> None:
    provider = Provider(server)
    visit()
    del provider.lists["courseTemplates"][0]
    ids = [b"courseTemplates-0" in b"".join(page.read() for page in visit(days).pages) for days in (1, 6.9, 7)]
    assert ids == [True, True, False]


@pytest.mark.parametrize("filters", ["400", "422", "500", "ignores"])
def test_i_04_a_server_that_refuses_or_ignores_the_filter_is_asked_once(
    server: HTTPServer, visit: Visit, filters: str, tmp_path: Path
) -> None:
    provider = Provider(server, filters)
    visit()
    provider.take()
    second = visit(1)
    assert provider.take() == [FILTERED[0], *WHOLE]
    assert second.unchanged
    assert second.complete
    state = load_visit_state(tmp_path / "snapshots/DE9999/api")
    assert state is not None
    assert state.filter_refused
    visit(2)
    assert provider.take() == WHOLE


def test_i_04_records_without_dates_are_read_whole(server: HTTPServer, visit: Visit) -> None:
    provider = Provider(server)
    del provider.lists["courseTemplates"][2]["dateLastModified"]
    visit()
    provider.take()
    visit(1)
    asked = provider.take()
    assert ("courseTemplates+0", True) not in asked
    assert ("courseTemplates+2", False) in asked
    assert ("courseOfferings+0", True) in asked


def test_i_04_a_record_that_became_visible_late_is_found(server: HTTPServer, visit: Visit) -> None:
    provider = Provider(server)
    visit()
    before = datetime.now(UTC) - timedelta(minutes=1)  # the server's clock counts, and the list was read just now
    provider.lists["courseTemplates"][0]["dateLastModified"] = before.isoformat(timespec="seconds")
    provider.take()
    visit(1)
    assert ("courseTemplates+2", False) in provider.take()
