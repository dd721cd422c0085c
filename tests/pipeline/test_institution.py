"""What may replace what is published, and what stays when a harvest goes wrong."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from pyoxigraph import RdfFormat, parse

from qlink_ld.demo.catalogue import StoredCatalogue
from qlink_ld.demo.http_server import Answer, LoopbackServer
from qlink_ld.demo.ooapi_server import OoapiServer
from qlink_ld.demo.sample_universities import make_generator
from qlink_ld.demo.universities import NORDHAIN
from qlink_ld.errors import HarvestError, UnreadableData
from qlink_ld.pipeline import process_institution

if TYPE_CHECKING:
    from qlink_ld.demo.courses import Item

Courses = Callable[..., str]


def process(deployment: Any, name: str = "A", offline: bool = False, full: bool = False) -> Any:
    """Harvest in this process: faster than a run, and without a release."""
    config = deployment.config()
    config.data_dir.mkdir(exist_ok=True)
    return process_institution(config, config.institution(name), offline=offline, full=full)


def test_an_unchanged_source_is_not_mapped_again(deployment: Any, courses: Courses) -> None:
    deployment.write("a.ttl", courses(range(3), faulty=["x"]))
    deployment.add("A", "a.ttl")
    first = process(deployment)
    assert (first.status, first.harvested, first.published, first.refused) == ("published", 4, 3, 1)
    file = deployment.data / "graphs" / "A.nq.gz"
    before = file.stat().st_mtime_ns
    again = process(deployment)
    assert again.status == "unchanged"
    assert (again.published, again.refused, again.issues) == (first.published, first.refused, first.issues)
    assert file.stat().st_mtime_ns == before
    assert process(deployment, full=True).status == "published"


def test_changed_settings_are_a_reason_to_map_again(deployment: Any, courses: Courses) -> None:
    deployment.write("a.ttl", courses(range(3), faulty=["x"]))
    deployment.add("A", "a.ttl")
    process(deployment)
    deployment.add("A", "a.ttl", settings="minimum_records = 1")
    assert process(deployment).status == "unchanged"  # a limit changes no record
    deployment.add("A", "a.ttl", settings='on_violation = "publish"')
    assert (process(deployment).published, deployment.count("A")) == (4, 4)
    deployment.add("A", "a.ttl", settings='website = "https://a.example"\nmaximum_fall = 1')
    assert process(deployment).published == 3
    assert "https://a.example" in deployment.graph("A")


def test_too_few_records_are_held(deployment: Any, courses: Courses) -> None:
    deployment.write("a.ttl", courses(range(3)))
    deployment.add("A", "a.ttl", settings="minimum_records = 4")
    report = process(deployment)
    assert report.status == "held"
    assert "3 records, fewer than minimum_records = 4" in report.error
    assert not (deployment.data / "graphs" / "A.nq.gz").exists()
    deployment.write("a.ttl", courses(range(4)))
    assert process(deployment).status == "published"


@pytest.mark.parametrize(("rest", "status"), [(7, "published"), (6, "held"), (0, "held")])
def test_i_09_a_fall_of_more_than_the_share_is_held(deployment: Any, courses: Courses, rest: int, status: str) -> None:
    deployment.write("a.ttl", courses(range(10)))
    deployment.add("A", "a.ttl")
    process(deployment)
    before = deployment.graph("A")
    deployment.write("a.ttl", courses(range(rest), faulty=range(rest, 10)))
    report = process(deployment)
    assert report.status == status
    if status == "held":
        assert f"{rest} publishable records after 10 before, a fall of more than 30%" in report.error
        assert deployment.graph("A") == before
        assert (report.published, report.harvested, report.refused) == (10, 10, 10 - rest)
        assert process(deployment).status == "held"  # it is tried again
        deployment.add("A", "a.ttl", settings="maximum_fall = 1")
        assert process(deployment).published == rest


def test_a_held_harvest_says_why_its_records_are_refused(deployment: Any, courses: Courses) -> None:
    deployment.write("a.ttl", courses(range(3)))
    deployment.add("A", "a.ttl")
    process(deployment)
    deployment.write("a.ttl", courses([], faulty=range(3)))
    assert process(deployment).status == "held"
    assert deployment.count("A", "refused") == 3
    report = (deployment.data / "reports" / "A.ttl").read_text()
    assert "has no EQF level" in report
    assert "a fall of more than 30%" in report


def test_a_failed_source_keeps_graph_and_reasons(deployment: Any, courses: Courses) -> None:
    deployment.write("a.ttl", courses(range(3), faulty=["x"]))
    deployment.add("A", "a.ttl")
    deployment.run()
    deployment.write("a.ttl", "<html>Please log in</html>")
    (report,) = deployment.run().reports
    assert (report.status, report.published, report.refused) == ("failed", 3, 1)
    assert "a web page, not a file of ELM data" in report.error
    assert (deployment.count("A"), deployment.count("A", "refused")) == (3, 1)
    assert deployment.released() == {"A": 3}
    text = (deployment.data / "reports" / "A.ttl").read_bytes()
    assert list(parse(text, format=RdfFormat.TURTLE))
    assert b"has no EQF level" in text
    assert b"a web page, not a file" in text
    deployment.write("a.ttl", courses(range(3), faulty=["x"]))
    assert deployment.report("A").status == "published"
    assert b"a web page" not in (deployment.data / "reports" / "A.ttl").read_bytes()


def test_one_failing_source_does_not_cost_the_other(deployment: Any, courses: Courses) -> None:
    deployment.write("a.ttl", courses(range(3)))
    deployment.write("b.ttl", courses(range(3, 5)))
    deployment.add("A", "a.ttl", "b.ttl")
    assert process(deployment).published == 5
    (deployment.folder / "b.ttl").unlink()
    report = process(deployment)  # its last snapshot still counts
    assert (report.status, report.published) == ("published", 5)
    assert [issue.code for issue in report.issues] == ["source-failed"]
    assert "b.ttl: No such file" in report.issues[0].message
    assert [issue.code for issue in process(deployment).issues] == ["source-failed"]  # unchanged, and not forgotten
    deployment.write("b.ttl", courses(range(3, 5)))
    report = process(deployment)
    assert (report.published, report.issues) == (5, ())


def test_one_unreadable_source_does_not_cost_the_other(deployment: Any, courses: Courses) -> None:
    deployment.write("a.ttl", courses(range(3)))
    deployment.write("b.ttl", courses(range(3, 5)) + "<https://x.example/> a ;\n")
    deployment.add("A", "a.ttl", "b.ttl")
    report = process(deployment)  # the first harvest: better three than none
    assert (report.status, report.published) == ("published", 3)
    (issue,) = report.issues
    assert (issue.code, issue.source, issue.severity) == ("source-unreadable", "s1", "violation")
    assert "b.ttl:23: not valid Turtle" in issue.message
    deployment.write("b.ttl", courses(range(3, 5)))
    assert process(deployment).published == 5
    deployment.add("A", "a.ttl", "b.ttl", settings="maximum_fall = 1")
    deployment.write("b.ttl", courses(range(3, 5)) + "<https://x.example/> a ;\n")
    report = process(deployment)
    assert (report.status, report.published) == ("held", 5)
    assert "incomplete" in report.error


def test_nothing_readable_is_a_failure(deployment: Any) -> None:
    deployment.write("a.ttl", "<https://x.example/> a ;\n")
    deployment.add("A", "a.ttl")
    with pytest.raises(UnreadableData, match=r"a\.ttl:1: not valid Turtle"):
        process(deployment)


def test_offline_needs_a_snapshot(deployment: Any) -> None:
    deployment.add("A", "a.ttl")
    with pytest.raises(HarvestError, match=r"there is no snapshot of source 's0'; run once without --offline"):
        process(deployment, offline=True)


def test_the_same_record_of_two_sources_is_published_once(deployment: Any, courses: Courses) -> None:
    deployment.write("a.ttl", courses(range(3)))
    deployment.write("b.ttl", courses(range(2, 4)))
    deployment.add("A", "a.ttl", "b.ttl")
    report = process(deployment)
    assert (report.harvested, report.published, deployment.count("A")) == (4, 4, 4)
    assert [(issue.code, issue.record) for issue in report.issues] == [
        ("record-repeated", "https://courses.example/2"),
    ]


class FailingServer:
    """An OOAPI university with 25 courses whose last pages can fail."""

    def __init__(self) -> None:
        generator = make_generator(NORDHAIN, 0)
        self.courses: list[Item] = [generator.course(number) for number in range(25)]
        children: dict[tuple[str, str, str], list[Item]] = {
            ("courses", course["courseId"], "offerings"): [] for course in self.courses
        }
        self.api = OoapiServer(StoredCatalogue({"courses": self.courses, "programs": []}, children), "a@a.example")
        self.failing_from = 99

    def respond(self, path: str, query: Any) -> Answer:
        answer = self.api.answer(path, query)
        if path.endswith("/courses") and int(query.get("pageNumber", 1)) >= self.failing_from:
            return replace(answer, body=answer.body[:100])
        return answer


def test_an_incomplete_harvest_never_takes_records_away(deployment: Any) -> None:
    university = FailingServer()
    server = LoopbackServer(university.respond, "failing")
    try:
        source = f'type = "ooapi"\nversion = 5\npage_size = 10\npath = "{server.url}/ooapi/v5"'
        deployment.add("A", source)
        university.failing_from = 3
        report = process(deployment)
        assert (report.status, report.published) == ("published", 20)  # the first harvest: better 20 than none
        assert [issue.code for issue in report.issues] == ["page-unreadable"]
        university.failing_from = 99
        assert process(deployment).published == 25
        before = deployment.graph("A")
        university.failing_from = 3
        report = process(deployment)
        assert (report.status, report.harvested, report.published) == ("held", 20, 25)
        assert "the harvest is incomplete and has 20 publishable records after 25 before" in report.error
        assert deployment.graph("A") == before
        university.failing_from = 99
        assert (process(deployment).status, deployment.graph("A")) == ("published", before)
    finally:
        server.stop()
