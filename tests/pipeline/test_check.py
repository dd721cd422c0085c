"""Dry runs of whole sources, as data stewards do them: real servers and files, nothing published."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyoxigraph import RdfFormat, parse
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from qlink_ld.config import Config, HarvestSettings
from qlink_ld.errors import UnknownMapping
from qlink_ld.model import DataSource, Institution
from qlink_ld.pipeline.check import Check, check_source
from qlink_ld.pipeline.check_report import advise, render_json, render_text, render_turtle
from qlink_ld.pipeline.recognise import recognise

TWENTE = Institution("NL0028", "University of Twente", schac="utwente.nl")
Json = dict[str, Any]


def course(key: Any, **changes: Any) -> Json:
    return {
        "courseId": key,
        "primaryCode": {"codeType": "identifier", "code": str(key)},
        "name": [{"language": "en", "value": f"Course {key}"}],
        "teachingLanguage": "eng",
        "level": "bachelor",
        "fieldsOfStudy": "0613",
        "learningOutcomes": [[{"language": "en", "value": "Can do it"}]],
        "link": "https://example.org/course",
        "studyLoad": {"studyLoadUnit": "ects", "value": 5},
    } | changes


class Provider:
    """Lists by path below /api; what is not listed is 404. A key is wanted if there is one."""

    def __init__(self, server: HTTPServer) -> None:
        self.url = server.url_for("/api")
        self.lists: dict[str, list[Any]] = {}
        self.key: str | None = None
        self.requests: list[str] = []
        server.expect_request(re.compile("/api.*")).respond_with_handler(self.answer)

    def answer(self, request: Request) -> Response:
        name = request.path.removeprefix("/api/")
        self.requests.append(name)
        if self.key is not None and request.headers.get("X-Key") != self.key:
            return Response("", 401)
        if name not in self.lists:
            return Response("", 404)
        items, number, size = self.lists[name], int(request.args["pageNumber"]), int(request.args["pageSize"])
        total = max(1, -(-len(items) // size))
        page = {
            "items": items[(number - 1) * size : number * size],
            "pageSize": size,
            "pageNumber": number,
            "hasNextPage": number < total,
            "totalPages": total,
        }
        return Response(json.dumps(page), content_type="application/json")


@pytest.fixture
def provider(httpserver: HTTPServer) -> Provider:
    return Provider(httpserver)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    harvest = HarvestSettings(timeout_s=5, allow_private_addresses=True)
    return Config(data_dir=tmp_path / "data", institutions=(TWENTE,), harvest=harvest)


@pytest.fixture
def check(config: Config, provider: Provider) -> Callable[..., Check]:
    def run(kind: str = "ooapi", version: str | None = "5", **options: Any) -> Check:
        return check_source(config, TWENTE, DataSource("s", kind, provider.url, version), **options)

    return run


# --- what it says


def test_a_good_source_would_be_published_and_nothing_is(
    provider: Provider, check: Callable[..., Check], config: Config
) -> None:
    provider.lists = {"courses": [course("a"), course("b")], "programs": [], "courses/a/offerings": []}
    found = check()
    assert found.report is not None
    assert (found.report.harvested, found.report.published, found.refusals) == (2, 2, ())
    assert [(entry.resource, entry.records) for entry in found.found][:2] == [("courses", 2), ("programs", 0)]
    text = render_text(found)
    assert "All 2 learning opportunities would be published, with 0 instances." in text
    assert "      [[institution.source]]\n" in text
    assert not config.data_dir.exists()


def test_refusals_are_grouped_commonest_first_with_an_example_and_its_place(
    provider: Provider, check: Callable[..., Check]
) -> None:
    provider.lists = {
        "courses": [
            course("a"),
            course("b", level=None),
            course("c", level=None, fieldsOfStudy=None),
            course(4711),
        ]
    }
    found = check()
    assert found.report is not None
    assert (found.report.published, found.report.refused) == (1, 3)
    assert [(finding.records, finding.field) for finding in found.refusals] == [
        (2, "EQF level"),
        (1, ""),
        (1, "field of education"),
    ]
    first = found.refusals[0]
    assert (first.key, first.title) == ("b", "Course b")
    assert first.position.endswith("/courses?pageNumber=1&pageSize=50 item 2")
    text = render_text(found)
    assert "1 of 4 learning opportunities would be published" in text
    assert "for example “Course b” (b), http" in text
    assert "for example 4711, http" in text
    assert "the first entry alone (EQF level) concerns 2 records" in text


def test_fields_are_accounted_for_with_reasons_and_examples(provider: Provider, check: Callable[..., Check]) -> None:
    provider.lists = {"courses": [course("a", colour="blue", teachingLanguage="xx9"), course("b", colour="red")]}
    found = check()
    assert found.report is not None
    uses = {(use.path, use.outcome): use for use in found.report.fields}
    assert uses["colour", "unmapped"].count == 2
    text = render_text(found)
    assert re.search(r"2×  courses\.colour \(for example 'blue'\)", text)
    assert "Fields that are not known to the mapping" in text


def test_a_sample_is_said_to_be_one_and_blames_nothing_on_what_is_outside(
    provider: Provider, check: Callable[..., Check]
) -> None:
    provider.lists = {
        "courses": [course(f"c{n}", organization=f"o{n}") for n in range(40)],
        "organizations": [{"organizationId": f"o{n}", "organizationType": "faculty"} for n in range(600)],
    }
    found = check(sample=10)
    assert found.report is not None
    assert found.sampled
    assert found.report.harvested == 10
    assert not [issue.code for issue in found.report.issues if issue.severity != "info"]
    assert len(provider.requests) < 40
    assert "10 records of about 40" in render_text(found)
    assert "This was a sample; --all looks at everything" in advise(found)
    assert not check(sample=None).sampled


def test_all_forms_say_the_same(provider: Provider, check: Callable[..., Check]) -> None:
    provider.lists = {"courses": [course("a"), course("b", level=None)]}
    found = check()
    document = json.loads(render_json(found))
    assert (document["harvested"], document["would_be_published"], document["would_be_refused"]) == (2, 1, 1)
    assert document["refusals"][0]["key"] == "b"
    assert {use["outcome"] for use in document["fields"]} <= {"mapped", "ignored", "unmapped", "dropped"}
    assert document["source"] == {
        "url": provider.url,
        "type": "ooapi",
        "version": "5",
        "mapping": "Open Education API 5.0",
    }
    triples = list(parse(render_turtle(found).encode(), format=RdfFormat.TURTLE))
    assert any(triple.predicate.value.endswith("#resultMessage") for triple in triples)


# --- what is not what it was said to be


def test_another_version_is_recognised(provider: Provider, check: Callable[..., Check]) -> None:
    provider.lists = {name: [] for name in ("courses", "programmes", "organisations", "academic-sessions")}
    provider.lists["courses"] = [course("a")]
    provider.lists["programmes"] = [{"programmeId": "p"}]
    provider.lists["courses/a/course-offerings"] = [{"courseOfferingId": "o"}]
    found = check()
    assert found.looks_like is not None
    assert (found.looks_like.type, found.looks_like.version) == ("ooapi", "6")
    text = render_text(found)
    assert "This looks like Open Education API (OEAPI) 6, not ooapi 5: it has course-offerings, courses" in text
    assert "Check again with --type ooapi --version 6" in text
    assert "Refused" not in text


def test_another_type_is_recognised(provider: Provider, check: Callable[..., Check], httpserver: HTTPServer) -> None:
    httpserver.clear()
    lists = {"/api/courseTemplates": [{"sourcedId": "1"}], "/api/organizations": [{"sourcedId": "2"}]}

    def answer(request: Request) -> Response:
        found = lists.get(request.path)
        return Response(json.dumps(found), 404 if found is None else 200, content_type="application/json")

    httpserver.expect_request(re.compile("/api.*")).respond_with_handler(answer)
    found = check()
    assert found.report is None
    assert found.looks_like is not None
    assert (found.looks_like.type, found.looks_like.version) == ("edu-api", "1")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ('{"INF-1": {"title": "Logic"}}', "This is JSON of no standard format"),
        ("<courses><course/></courses>", "This is XML of no standard format"),
        ("code;title\nINF-1;Logic\n", "This is text of no standard format"),
    ],
)
def test_a_format_of_ones_own_is_pointed_to_mappings(
    httpserver: HTTPServer, check: Callable[..., Check], body: str, says: str
) -> None:
    httpserver.clear()
    httpserver.expect_request(re.compile("/api.*")).respond_with_data(body)
    (advice,) = advise(check())
    assert says in advice
    assert "mappings/README.md" in advice


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (401, "", "--header 'Authorization=Bearer …'"),
        (404, "", "Correct the address, or ask the provider"),
        (503, "", "Correct the address, or ask the provider"),
        (200, "<!doctype html><title>Sign in</title>", "Correct the address, or ask the provider"),
    ],
)
def test_what_cannot_be_had_says_what_to_do(
    httpserver: HTTPServer, check: Callable[..., Check], status: int, body: str, says: str
) -> None:
    httpserver.clear()
    headers = {"Retry-After": "3600"} if status == 503 else {}
    httpserver.expect_request(re.compile("/api.*")).respond_with_data(body, status=status, headers=headers)
    found = check()
    assert found.report is None
    assert found.looks_like is None
    text = render_text(found)
    assert "Nothing could be had: http" in text
    assert says in text
    assert json.loads(render_json(found))["error"]


def test_a_file_is_recognised_by_its_content(config: Config, tmp_path: Path, courses: Callable[..., str]) -> None:
    file = tmp_path / "data"
    file.write_text(courses(["a"]))
    found = recognise(config, TWENTE, DataSource("s", "", file.as_uri()))
    assert found is not None
    assert found.type == "elm"
    file.write_text("id,title\n1,Logic\n")
    found = recognise(config, TWENTE, DataSource("s", "", file.as_uri()))
    assert found is not None
    assert (found.type, set(found.resources)) == ("", {"text"})


def test_a_version_that_nobody_maps_is_wrong_use(check: Callable[..., Check]) -> None:
    with pytest.raises(UnknownMapping, match="version 9"):
        check(version="9")


# --- whose data it is


FOREIGN = "<https://other.example/#us>"


def test_records_of_others_are_refused_only_if_it_is_known_who_asks(
    config: Config, tmp_path: Path, courses: Callable[..., str]
) -> None:
    file = tmp_path / "courses.ttl"
    text = courses(["a", "b"]).replace("dcterms:title", f"dcterms:publisher {FOREIGN} ; dcterms:title", 1)
    file.write_text(text)
    source = DataSource("s", "elm", file.as_uri())
    known = check_source(config, TWENTE, source)
    assert known.report is not None
    assert known.report.refused == 1
    assert f'same_as = ["{FOREIGN[1:-1]}"]' in "".join(advise(known))
    unknown = check_source(config, Institution("local", "somebody"), source, owned=False)
    assert unknown.report is not None
    assert (unknown.report.published, unknown.report.refused) == (2, 0)


# --- the command


def test_the_command_says_it_with_text_and_exit_code(deployment: Any, provider: Provider) -> None:
    provider.lists = {"courses": [course("a"), course("b", level=None)]}
    provider.key = "secret"
    done = deployment.command("check", provider.url, "--header", "X-Key=secret", "--schac", "utwente.nl")
    assert done.returncode == 1, done.stderr
    assert "looks like Open Education API (OOAPI) 5" in done.stderr
    assert "1 of 2 learning opportunities would be published" in done.stdout
    assert "secret" not in done.stdout + done.stderr
    assert not deployment.data.exists()
    provider.lists["courses"].pop()
    done = deployment.command("check", provider.url, "--type", "ooapi", "--version", "5", "--header", "X-Key=secret")
    assert done.returncode == 0, done.stdout
    done = deployment.command("check", provider.url, "--type", "ooapi", "--version", "5", "--report", "json")
    assert done.returncode == 3, done.stdout
    assert "credentials" in json.loads(done.stdout)["error"]


def test_the_command_checks_files_and_takes_what_the_configuration_says(
    deployment: Any, tmp_path: Path, courses: Callable[..., str]
) -> None:
    file = deployment.write("courses.ttl", courses(["a"], faulty=["b"]))
    deployment.add("E", str(file))
    done = deployment.command("check", file, "--institution", "E", "--report", "ttl")
    assert done.returncode == 1, done.stderr
    assert "looks like" not in done.stderr  # the configuration says what it is
    assert "sh:ValidationReport" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("nowhere.ttl",), "neither a file nor an address"),
        (("http://localhost:1/", "--header", "X-Key"), "NAME=VALUE"),
        (("http://localhost:1/", "--sample", "5", "--all"), "exclude each other"),
        (("http://localhost:1/", "--institution", "XX1"), "XX1"),
        (("http://localhost:1/", "--type", "ooapi", "--version", "9"), "version 9"),
    ],
)
def test_wrong_use_is_said(deployment: Any, arguments: tuple[str, ...], says: str) -> None:
    done = deployment.command("check", *arguments)
    assert done.returncode == 2, done.stdout
    assert says in done.stderr
