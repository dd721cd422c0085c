import json
from datetime import UTC, datetime, timedelta

import pytest

from qlink_ld.demo.catalogue import GeneratedCatalogue, LazyItems, StoredCatalogue
from qlink_ld.demo.courses import CourseGenerator
from qlink_ld.demo.http_server import Answer
from qlink_ld.demo.ooapi_server import OoapiServer
from qlink_ld.demo.sample_universities import load_catalogue
from qlink_ld.demo.universities import NORDHAIN

STORED = load_catalogue(NORDHAIN, "nordhain", generated=10)
GENERATED = GeneratedCatalogue(NORDHAIN, CourseGenerator(), 30)
CATALOGUES = pytest.mark.parametrize("catalogue", [STORED, GENERATED], ids=["stored", "generated"])
Any_Catalogue = StoredCatalogue | GeneratedCatalogue


def ask(catalogue: Any_Catalogue, path: str, **query: str) -> Answer:
    return OoapiServer(catalogue, "data@uni-nordhain.example").answer(f"/ooapi/v5/{path}", query)


@CATALOGUES
def test_pages_follow_each_other_without_gap(catalogue: Any_Catalogue) -> None:
    pages = [json.loads(ask(catalogue, "courses", pageSize="20", pageNumber=str(n)).body) for n in (1, 2, 9)]
    everything = json.loads(ask(catalogue, "courses", pageSize="250").body)["items"]
    assert pages[0]["items"] + pages[1]["items"] == everything[:40]
    assert [page["hasPreviousPage"] for page in pages] == [False, True, True]
    assert pages[0]["hasNextPage"] is True
    assert (pages[2]["items"], pages[2]["hasNextPage"]) == ([], False)


@CATALOGUES
def test_page_size_is_ten_by_default(catalogue: Any_Catalogue) -> None:
    assert len(json.loads(ask(catalogue, "courses").body)["items"]) == 10


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ({"pageSize": "7"}, "pageSize must be one of 10, 20, 50, 100, 250, not 7"),
        ({"pageNumber": "0"}, "pageNumber starts at 1, not 0"),
        ({"pageNumber": "x"}, "pageNumber must be a whole number, not 'x'"),
    ],
)
def test_wrong_paging_is_a_problem(query: dict[str, str], detail: str) -> None:
    answer = ask(STORED, "courses", **query)
    assert (answer.status, answer.media_type) == (400, "application/problem+json")
    assert json.loads(answer.body) == {"status": "400", "title": "Bad request", "detail": detail}


@CATALOGUES
@pytest.mark.parametrize("path", ["nothing", "courses/nothing", "courses/nothing/offerings", "courses/a/b/c", "../x"])
def test_unknown_things_are_404_problems(catalogue: Any_Catalogue, path: str) -> None:
    answer = ask(catalogue, path)
    assert (answer.status, answer.media_type) == (404, "application/problem+json")
    assert json.loads(answer.body)["status"] == "404"


def test_paths_outside_the_api_are_404_problems() -> None:
    assert OoapiServer(STORED, "data@x.example").answer("/ooapi/v6/courses", {}).status == 404


@CATALOGUES
def test_items_are_found_by_their_id(catalogue: Any_Catalogue) -> None:
    course = json.loads(ask(catalogue, "courses").body)["items"][1]
    assert json.loads(ask(catalogue, f"courses/{course['courseId']}").body) == course
    offerings = json.loads(ask(catalogue, f"courses/{course['courseId']}/offerings", since="2026-09-01").body)["items"]
    assert [offering["course"] for offering in offerings] == [course["courseId"]] * 2
    assert json.loads(ask(catalogue, f"offerings/{offerings[1]['offeringId']}").body) == offerings[1]
    assert ask(catalogue, f"organizations/{course['organization']}").status == 200


@CATALOGUES
def test_since_and_until_select_offerings_by_date(catalogue: Any_Catalogue) -> None:
    course = json.loads(ask(catalogue, "courses").body)["items"][1]
    path = f"courses/{course['courseId']}/offerings"

    def starts(**query: str) -> list[str]:
        return [offering["startDate"] for offering in json.loads(ask(catalogue, path, **query).body)["items"]]

    assert starts(since="2026-09-01") == ["2026-10-01", "2027-04-01"]
    assert starts(since="2026-10-02") == ["2027-04-01"]
    assert starts(since="2026-09-01", until="2027-03-01") == ["2026-10-01"]
    assert starts(since="2028-01-01") == []
    assert ask(catalogue, path, since="yesterday").status == 400


@CATALOGUES
def test_without_since_only_future_offerings_are_listed(catalogue: Any_Catalogue) -> None:
    today = datetime.now(UTC).date()
    course = json.loads(ask(catalogue, "courses").body)["items"][1]
    items = json.loads(ask(catalogue, f"courses/{course['courseId']}/offerings").body)["items"]
    assert all(item["startDate"] >= (today - timedelta(days=1)).isoformat() for item in items)
    assert len(items) == len([start for start in ("2026-10-01", "2027-04-01") if start >= today.isoformat()])


@CATALOGUES
def test_a_session_lists_its_offerings(catalogue: Any_Catalogue) -> None:
    sessions = json.loads(ask(catalogue, "academic-sessions").body)["items"]
    path = f"academic-sessions/{sessions[1]['academicSessionId']}/offerings"
    items = json.loads(ask(catalogue, path, since="2026-09-01", pageSize="250").body)["items"]
    assert items
    assert {item["startDate"] for item in items} == {"2027-04-01"}


@CATALOGUES
def test_exactly_one_organisation_is_the_root(catalogue: Any_Catalogue) -> None:
    organizations = json.loads(ask(catalogue, "organizations").body)["items"]
    roots = [o for o in organizations if o["organizationType"] == "root"]
    assert len(roots) == 1
    assert {"codeType": "schacHome", "code": "uni-nordhain.example"} in roots[0]["otherCodes"]
    assert all(o["parent"] == roots[0]["organizationId"] for o in organizations if o not in roots)


def test_only_the_last_of_several_pages_is_broken() -> None:
    server = OoapiServer(STORED, "data@x.example", broken_last_page_of="courses")
    first = server.answer("/ooapi/v5/courses", {"pageSize": "50"})
    last = server.answer("/ooapi/v5/courses", {"pageSize": "50", "pageNumber": "2"})
    alone = server.answer("/ooapi/v5/courses", {"pageSize": "250"})
    assert (json.loads(first.body)["totalPages"], json.loads(alone.body)["totalPages"]) == (2, 1)
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        json.loads(last.body)


def test_lazy_items_are_made_when_asked_for_only() -> None:
    made: list[int] = []

    def make(number: int) -> dict[str, int]:
        made.append(number)
        return {"n": number}

    items = LazyItems(1_000_000, make)
    assert len(items) == 1_000_000
    assert items[999_999] == {"n": 999_999}
    assert items[20:22] == [{"n": 20}, {"n": 21}]
    assert made == [999_999, 20, 21]
    with pytest.raises(IndexError):
        items[1_000_000]
