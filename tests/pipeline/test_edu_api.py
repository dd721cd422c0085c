"""An Edu-API server, from its lists to published graphs."""

import json
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

TEXT = [{"recordLanguage": "en", "value": "Statistics"}]
LISTS: dict[str, list[dict[str, Any]]] = {
    "courseTemplates": [
        {"sourcedId": f"X;{n}", "recordStatus": status, "title": TEXT, "teachingLanguage": "en", "level": "graduate"}
        for n, status in enumerate(("active", "inactive", "deleted"))
    ],
    "courseOfferings": [{"sourcedId": "O/1", "course": "X;0", "recordStatus": "active", "offeringFormat": "online"}],
}


def answer(request: Request) -> Response:
    """Two items a page, whatever is asked for."""
    name, offset = request.path.rpartition("/")[2], int(request.args["offset"])
    found = LISTS.get(name)
    body = json.dumps(found[offset : offset + 2]) if found is not None else "{}"
    return Response(body, 404 if found is None else 200, content_type="application/json")


@pytest.mark.parametrize(("on_violation", "published"), [("refuse", 0), ("publish", 2)])
def test_courses_lack_what_the_profile_needs_and_are_published_on_request_only(
    deployment: Any, httpserver: HTTPServer, on_violation: str, published: int
) -> None:
    httpserver.expect_request("/eduapi/v1p0/courseTemplates").respond_with_handler(answer)
    httpserver.expect_request("/eduapi/v1p0/courseOfferings").respond_with_handler(answer)
    for name in ("collectionTemplates", "collectionOfferings", "organizations", "academicSessions"):
        httpserver.expect_request(f"/eduapi/v1p0/{name}").respond_with_handler(answer)
    source = f'type = "edu-api"\nversion = "1"\npath = "{httpserver.url_for("/eduapi/v1p0")}"'
    deployment.add("E", source, settings=f'on_violation = "{on_violation}"')
    report = deployment.report("E")
    assert (report.status, report.harvested, report.published) == ("published", 2, published)
    assert report.refused == 2 - published
    folder = "graphs" if published else "refused"
    graph = deployment.graph("E", folder)
    assert "/courses/E/X%3B0/instances/O%2F1>" in graph
    assert "X%3B2" not in graph
    missing = {str(row["path"]).rpartition("/")[2].rstrip(">") for row in report.result_counts}
    assert {"ISCEDFCode", "learningOutcome"} <= missing
