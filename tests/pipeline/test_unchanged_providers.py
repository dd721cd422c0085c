"""A second run over providers that have not changed: only conditional requests, nothing converted, no release."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest

from qlink_ld.demo.edu_api import BASE_PATH as EDU_API_PATH
from qlink_ld.demo.edu_api import EduApiServer, render_edu_api
from qlink_ld.demo.elm_files import make_n_triples, make_rdf_xml
from qlink_ld.demo.http_server import Answer, LoopbackServer, Respond, Seen, not_found
from qlink_ld.demo.occapi import OccapiServer
from qlink_ld.demo.oeapi import OEAPI_6, render_oeapi
from qlink_ld.demo.ooapi_server import OOAPI_5, OoapiServer
from qlink_ld.demo.own_json import render_own_json
from qlink_ld.demo.own_table import render_table, write_csv
from qlink_ld.demo.sample_universities import load_catalogue
from qlink_ld.demo.teaching import Teaching, read_teaching
from qlink_ld.demo.universities import JEZIORNO, RIA, SEEUFER, University

Courses = Callable[..., str]


@dataclass
class Street:
    """20 universities; each has a server of its own that notes what it was asked."""

    teaching: Teaching
    servers: ExitStack
    seen: list[Seen] = field(default_factory=list)
    sources: dict[str, str] = field(default_factory=dict)  # institution → TOML of its source, or of its website

    def start(self, name: str, respond: Respond) -> str:
        server = LoopbackServer(respond, name, watch=self.seen.append)
        self.servers.callback(server.stop)
        return server.url

    def add(self, name: str, kind: str, path: str, respond: Respond, more: str = "") -> None:
        url = self.start(name, respond)
        self.sources[name] = f'type = "{kind}"\npath = "{url}{path}"\n{more}'

    def add_file(self, name: str, kind: str, body: bytes | str, media_type: str, more: str = "") -> None:
        answer = Answer(body.encode() if isinstance(body, str) else body, media_type)
        self.add(name, kind, "/data", lambda path, _: answer if path == "/data" else not_found(path), more)

    def add_occapi(self, name: str, version: Any) -> None:
        server = OccapiServer(self.teaching, version)
        server.root = self.start(name, server.answer)
        self.sources[name] = f'type = "occapi"\npath = "{server.root}/occapi/v{version}"'  # the root: one more list


def _teach(university: University, file: str) -> Teaching:
    return read_teaching(university, load_catalogue(university, file, generated=0))


@pytest.fixture
def street(courses: Courses) -> Iterator[Street]:
    with ExitStack() as servers:
        teaching = _teach(JEZIORNO, "jeziorno")
        street = Street(teaching, servers)
        catalogue = load_catalogue(JEZIORNO, "jeziorno", generated=0)
        for number in range(3):
            ooapi = OoapiServer(catalogue, "x@y.example")
            street.add(f"OOAPI{number}", "ooapi", OOAPI_5.base_path, ooapi.answer, 'version = "5"')
            oeapi = OoapiServer(render_oeapi(teaching), "x@y.example", edition=OEAPI_6)
            street.add(f"OEAPI{number}", "ooapi", OEAPI_6.base_path, oeapi.answer, 'version = "6"')
            edu_api = EduApiServer(render_edu_api(teaching))
            street.add(f"EDUAPI{number}", "edu-api", EDU_API_PATH, edu_api.answer, 'version = "1"')
            street.add_file(f"TURTLE{number}", "elm", courses(f"{number}-{n}" for n in range(5)), "text/turtle")
        for number in range(2):
            street.add_occapi(f"OCCAPI1-{number}", 1)
            street.add_occapi(f"OCCAPI2-{number}", 2)
        street.add_file("RDFXML", "elm", make_rdf_xml(teaching, teaching.courses[:3]), "application/rdf+xml")
        street.add_file("NT", "elm", make_n_triples(teaching, teaching.courses[3:6]), "application/n-triples")
        own = orjson.dumps(render_own_json(_teach(SEEUFER, "seeufer")))
        street.add_file("JSON", "json", own, "application/json", 'mapping = "example-json"')
        ria = _teach(RIA, "ria")
        table = write_csv(render_table(ria, ria.courses))
        street.add_file("CSV", "csv", table, "text/csv", 'mapping = "example-csv"')
        yield street


def test_a_second_run_asks_on_condition_converts_nothing_and_makes_no_release(deployment: Any, street: Street) -> None:
    assert len(street.sources) == 20
    for name, source in street.sources.items():
        settings = f'schac = "{street.teaching.university.schac}"\non_violation = "publish"'
        deployment.add(name, source, settings=settings)
    first = deployment.run()
    assert [(r.institution, r.error) for r in first.reports if r.status != "published"] == []
    assert first.release is not None
    asked = len(street.seen)
    assert asked > 200
    files = {path: path.stat().st_mtime_ns for path in deployment.data.rglob("*.gz")}
    street.seen.clear()
    second = deployment.run()
    assert {report.status for report in second.reports} == {"unchanged"}
    assert second.release is None
    assert deployment.releases() == [first.release.id]
    whole = [f"{seen.method} {seen.path} {seen.status}" for seen in street.seen if not seen.conditional]
    assert whole == []
    assert len(street.seen) <= asked
    assert sum(seen.sent_bytes for seen in street.seen) == 0
    assert {path: path.stat().st_mtime_ns for path in deployment.data.rglob("*.gz")} == files
