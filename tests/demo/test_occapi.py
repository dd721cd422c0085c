import json
from collections.abc import Callable
from typing import Any, Literal

import pytest

from qlink_ld.demo.http_server import Answer
from qlink_ld.demo.occapi import OccapiServer
from qlink_ld.demo.sample_universities import load_catalogue
from qlink_ld.demo.teaching import read_teaching
from qlink_ld.demo.universities import JEZIORNO, SERRABELA

FindErrors = Callable[[str, object], list[str]]
ROOT = "http://127.0.0.1:1"
VERSIONS = pytest.mark.parametrize("version", [1, 2])


def make_server(version: Literal[1, 2]) -> OccapiServer:
    university, file = (SERRABELA, "serrabela") if version == 1 else (JEZIORNO, "jeziorno")
    server = OccapiServer(read_teaching(university, load_catalogue(university, file, generated=16)), version)
    server.root = ROOT
    return server


SERVERS = {version: make_server(version) for version in (1, 2)}


def ask(version: int, path: str) -> Answer:
    return SERVERS[version].answer(f"/occapi/v{version}{path}", {})


def follow(version: int, url: str) -> dict[str, Any]:
    """Read every document that links lead to, by its address."""
    found: dict[str, Any] = {}
    waiting = [url]
    while waiting:
        here = waiting.pop()
        answer = SERVERS[version].answer(here.removeprefix(ROOT), {})
        assert answer.status == 200, here
        assert answer.media_type == "application/vnd.api+json"
        found[here] = document = json.loads(answer.body)
        data = document.get("data", [])
        holders = [document, *(data if isinstance(data, list) else [data])]
        links = {link["href"] for holder in holders for link in holder.get("links", {}).values()}
        waiting += sorted(links - found.keys() - set(waiting))
    return found


@VERSIONS
def test_every_document_that_links_lead_to_is_valid_against_the_official_schema(
    version: int, find_occapi_errors: Callable[[int], FindErrors]
) -> None:
    find_errors = find_occapi_errors(version)
    base = f"{ROOT}/occapi/v{version}"
    documents = follow(version, base)
    kinds = {url.removeprefix(base).split("/")[3] for url in documents if url.count("/") > 6}
    assert kinds == {"ounit", "programme", "course"} | ({"instance"} if version == 2 else set())
    assert len(documents) > 40
    wrong = {
        url[len(base) :]: found
        for url, content in documents.items()
        if (found := find_errors(url[len(base) :], content))
    }
    hei = SERVERS[version].hei_id
    # The text of version 2, and its example, want the SCHAC code as id of an institution; its schema wants a UUID.
    assert wrong == (
        {}
        if version == 1
        else {
            "/hei": [f"$.data[0].id: '{hei}' is not a 'uuid'"],
            f"/hei/{hei}": [f"$.data.id: '{hei}' is not a 'uuid'"],
        }
    )


@VERSIONS
def test_the_schema_that_judges_finds_a_missing_code(
    version: int, find_occapi_errors: Callable[[int], FindErrors]
) -> None:
    hei = SERVERS[version].hei_id
    document = json.loads(ask(version, f"/hei/{hei}/course").body)
    del document["data"][0]["attributes"]["code"]
    path = f"/hei/{hei}/course"
    assert find_occapi_errors(version)(path, document) == ["$.data[0].attributes: 'code' is a required property"]


@VERSIONS
def test_lists_say_less_than_single_resources(version: int) -> None:
    hei = SERVERS[version].hei_id
    listed = json.loads(ask(version, f"/hei/{hei}/course").body)["data"][0]
    single = json.loads(ask(version, f"/hei/{hei}/course/{listed['id']}").body)["data"]
    assert single["attributes"].keys() - listed["attributes"].keys() == {"prerequisites", "assessmentMethod"}


@VERSIONS
def test_links_are_at_the_document_in_version_1_and_inside_the_resource_in_version_2(version: int) -> None:
    document = json.loads(ask(version, f"/hei/{SERVERS[version].hei_id}").body)
    outer, inner = set(document["links"]), set(document["data"]["links"])
    assert (inner if version == 2 else outer) == {"self", "ounit", "programme", "course"}
    assert (outer if version == 2 else inner) == {"self"}


@VERSIONS
@pytest.mark.parametrize(
    "path", ["/nothing", "/hei/nobody.example", "/hei/{hei}/course/none", "/hei/{hei}/course/{id}/x"]
)
def test_what_is_not_there_is_a_404_of_json_api(
    version: int, path: str, find_occapi_errors: Callable[[int], FindErrors]
) -> None:
    course = next(iter(SERVERS[version].courses))
    answer = ask(version, path.format(hei=SERVERS[version].hei_id, id=course))
    assert answer.status == 404
    assert json.loads(answer.body)["errors"][0]["status"] == "404"
    assert find_occapi_errors(version)("Error", json.loads(answer.body)) == []


def test_version_1_has_whole_credits_only_and_no_instances() -> None:
    server = SERVERS[1]
    assert {type(course["attributes"]["ects"]) for course in server.courses.values()} == {int}
    assert len(server.courses) < len(server.teaching.courses)
    course = next(iter(server.courses))
    assert ask(1, f"/hei/{server.hei_id}/course/{course}/instance").status == 404


def test_every_course_of_version_2_belongs_to_programmes_of_one_level() -> None:
    server = SERVERS[2]
    levels = {key: item["attributes"]["eqfLevelProvided"] for key, item in server.programmes.items()}
    for course in server.courses.values():
        places = course["meta"]["relatedProgramme"]
        assert len({levels[place["programmeId"]] for place in places}) == 1
