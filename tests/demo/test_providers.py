import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest
from pyoxigraph import Literal, RdfFormat, parse

from qlink_ld.config import load_config
from qlink_ld.demo.configuration import read_ports, write_config
from qlink_ld.demo.elm_files import make_json_ld, make_turtle
from qlink_ld.demo.faults import BROKEN_PAGE_ITEMS, FAULTS
from qlink_ld.demo.own_table import XLSX
from qlink_ld.demo.providers import DemoProviders, start_providers
from qlink_ld.discovery.manifest import parse_manifest
from qlink_ld.errors import ConfigurationError
from qlink_ld.model import DataSource
from qlink_ld.namespaces import DCTERMS

WELL_KNOWN = "/.well-known/quality-link-manifest"
FindErrors = Callable[[str, object], list[str]]
Item = dict[str, Any]


def read_all(url: str, **parameters: str) -> list[Item]:
    """Read all pages of a list."""
    items: list[Item] = []
    number = 1
    while True:
        page = httpx.get(url, params={"pageSize": "250", "pageNumber": str(number), **parameters}).json()
        items += page["items"]
        if not page["hasNextPage"]:
            return items
        number += 1


def read_offerings(base: str, collection: str, items: list[Item], key: str) -> list[Item]:
    with httpx.Client() as client:
        answers = [
            client.get(
                urljoin(base, f"{collection}/{item[key]}/offerings"), params={"since": "2026-09-01", "pageSize": "250"}
            )
            for item in items
        ]
    return [offering for answer in answers for offering in answer.json()["items"]]


@pytest.fixture(scope="module")
def nordhain(providers: DemoProviders) -> str:
    return providers.institutions[0].sources[0].path


@pytest.fixture(scope="module")
def altavalle(providers: DemoProviders) -> str:
    return providers.institutions[1].sources[0].path


def _read_manifest(website: str | None) -> tuple[DataSource, ...]:
    url = f"{website}{WELL_KNOWN}"
    return parse_manifest(httpx.get(url).content, url).sources


def test_ids_have_the_form_of_orgreg_ids(providers: DemoProviders) -> None:
    ids = [*(i.id for i in providers.institutions), *(a.id for a in providers.alliances)]
    assert all(re.fullmatch(r"(INT|[A-Z]{2})[0-9]{4}", identifier) for identifier in ids)
    assert providers.alliances[0].members == ("XA0001", "XB0001", "XC0001", "XD0001", "XG0001")


def test_every_format_and_version_has_a_provider(providers: DemoProviders) -> None:
    sources = [
        (source, httpx.get(source.path).headers["Content-Type"].partition(";")[0])
        for institution in providers.institutions
        for source in institution.sources or _read_manifest(institution.website)
    ]
    spoken = {
        (source.type, source.version or source.mapping or re.findall(r"/v(\d)/", source.path)[0])
        for source, _ in sources
    }
    assert spoken == {
        ("ooapi", "5.0"),
        ("ooapi", "6.0"),
        ("edu-api", "1.0"),
        ("occapi", "1"),
        ("occapi", "2"),
        ("elm", "3.1"),
        ("elm", "3.3"),
        ("json", "example-json"),
        ("csv", "example-csv"),
        ("xml", "example-xml"),
        ("xml", "u-gov"),
    }
    files = {source.content_type or kind for source, kind in sources if source.type == "elm"}
    rdf = {"text/turtle", "application/rdf+xml", "application/ld+json", "application/n-triples"}
    assert files == {*rdf, "application/xml"}  # the XML form of LOQ, which is not RDF
    assert {kind for source, kind in sources if source.type == "csv"} == {"text/csv", XLSX}


def test_some_publish_a_manifest_on_their_website(providers: DemoProviders) -> None:
    manifests = {i.id: httpx.get(f"{i.website}{WELL_KNOWN}").json() for i in providers.institutions if not i.sources}
    assert {name: manifest["meta"]["eterid"] for name, manifest in manifests.items()} == {
        "XG0001": "XG0001",
        "XH0001": "XH0001",
    }
    assert [source["type"] for source in manifests["XG0001"]["sources"]] == ["occapi"]
    assert manifests["XH0001"]["sources"][1]["contentType"] == "application/n-triples"


def test_there_are_more_than_150_learning_opportunities_in_more_than_five_languages(
    nordhain: str, altavalle: str
) -> None:
    courses = [course for base in (nordhain, altavalle) for course in read_all(urljoin(base, "courses"))]
    programs = [program for base in (nordhain, altavalle) for program in read_all(urljoin(base, "programs"))]
    turtle, json_ld = (
        list(parse(make_turtle(), format=RdfFormat.TURTLE)),
        list(parse(make_json_ld(), format=RdfFormat.JSON_LD)),
    )
    specifications = {
        quad.subject for quad in (*turtle, *json_ld) if quad.predicate.value.endswith("/learningOpportunity")
    }
    assert (len(courses), len(programs), len(specifications)) == (110, 12, 57)
    faulty = [fault for fault in FAULTS if fault.outcome == "refused"]
    assert len(courses) + len(programs) + len(specifications) - len(faulty) - BROKEN_PAGE_ITEMS >= 150
    spoken = {entry.get("language") for course in courses for entry in course.get("name", ())}
    spoken |= {
        quad.object.language
        for quad in (*turtle, *json_ld)
        if isinstance(quad.object, Literal) and quad.predicate.value == f"{DCTERMS}title"
    }
    assert spoken - {None} == {"de", "en", "fr", "it", "el", "es", "nl", "sl", "pl", "bg"}


def test_everything_that_nordhain_serves_is_valid_against_the_official_schema(
    nordhain: str, find_ooapi_errors: FindErrors
) -> None:
    assert find_ooapi_errors("Service", httpx.get(nordhain).json()) == []
    lists = {"courses": "Course", "programs": "Program", "organizations": "Organization"}
    lists["academic-sessions"] = "AcademicSession"
    for collection, schema in lists.items():
        items = read_all(urljoin(nordhain, collection))
        assert items
        assert [error for item in items for error in find_ooapi_errors(schema, item)] == []
    courses, programs = read_all(urljoin(nordhain, "courses")), read_all(urljoin(nordhain, "programs"))
    for offering in read_offerings(nordhain, "courses", courses, "courseId"):
        assert find_ooapi_errors("CourseOffering", offering) == []
    for offering in read_offerings(nordhain, "programs", programs, "programId"):
        assert find_ooapi_errors("ProgramOffering", offering) == []


def test_every_learning_opportunity_of_nordhain_has_an_instance(nordhain: str) -> None:
    courses = read_all(urljoin(nordhain, "courses"))
    offered = {offering["course"] for offering in read_offerings(nordhain, "courses", courses, "courseId")}
    assert offered == {course["courseId"] for course in courses}


def test_parts_of_a_programme_name_it(nordhain: str) -> None:
    for program in read_all(urljoin(nordhain, "programs")):
        parts = read_all(urljoin(nordhain, f"programs/{program['programId']}/courses"))
        assert parts
        assert all(program["programId"] in part["programs"] for part in parts)


def test_faulty_records_of_altavalle_are_there_and_all_others_valid(
    altavalle: str, find_ooapi_errors: FindErrors
) -> None:
    courses = {course["primaryCode"]["code"]: course for course in read_all(urljoin(altavalle, "courses"))}
    keys = {fault.key for fault in FAULTS if fault.institution == "XB0001"} - {"/courses"}
    assert keys <= courses.keys()
    wrong = {code for code, course in courses.items() if find_ooapi_errors("Course", course)}
    assert wrong == {"DEMO-NO-TITLE", "DEMO-UNIT", "DEMO-LEVEL", "DEMO-NO-LANGUAGE", "DEMO-NUMERIC-ID"}
    assert "name" not in courses["DEMO-NO-TITLE"]
    assert courses["DEMO-ISCED-9876"]["fieldsOfStudy"] == "9876"
    assert courses["DEMO-UNIT"]["studyLoad"]["studyLoadUnit"] == "cfu"
    assert courses["DEMO-NUMERIC-ID"]["courseId"] == 4711
    assert courses["DEMO-EXTRA"]["sustainabilityGoals"] == [4, 13]
    assert courses["DEMO-NO-LANGUAGE"]["name"][0].keys() == {"value"}
    assert courses["DEMO-NO-LANGUAGE"]["description"][0]["language"] is None
    codes = courses["DEMO-FOREIGN"]["organization"]["otherCodes"]
    assert {"codeType": "schacHome", "code": "uni-nordhain.example"} in codes
    count = read_offerings(altavalle, "courses", [courses["DEMO-COUNT"]], "courseId")[0]
    assert count["enrolledNumberStudents"] == 60.5


def test_the_last_page_of_altavalle_is_not_json_in_the_configured_size(
    altavalle: str, providers: DemoProviders
) -> None:
    size = str(providers.institutions[1].sources[0].page_size)
    pages = [
        httpx.get(urljoin(altavalle, "courses"), params={"pageSize": size, "pageNumber": str(number)})
        for number in range(1, 7)
    ]
    assert [len(page.json()["items"]) for page in pages[:5]] == [10, 10, 10, 10, 10]
    assert pages[0].json()["totalPages"] == 6
    assert pages[5].status_code == 200
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        pages[5].json()


def test_elm_files_are_served_with_their_types_and_answer_304(providers: DemoProviders) -> None:
    turtle, json_ld = (httpx.get(source.path) for source in providers.institutions[2].sources)
    assert turtle.headers["Content-Type"] == "text/turtle; charset=utf-8"
    assert json_ld.headers["Content-Type"] == "application/ld+json"
    assert turtle.content == make_turtle()
    assert json_ld.content == make_json_ld()
    again = httpx.get(str(turtle.url), headers={"If-Modified-Since": turtle.headers["Last-Modified"]})
    assert (again.status_code, again.content) == (304, b"")
    assert httpx.get(urljoin(str(turtle.url), "nothing.ttl")).status_code == 404


def test_scale_publishes_exactly_as_many_courses_as_asked() -> None:
    with start_providers(scale=1001, seed=5) as running:
        assert [institution.id for institution in running.institutions] == ["XA0001", "XB0001"]
        bases = [institution.sources[0].path for institution in running.institutions]
        courses = [read_all(urljoin(base, "courses")) for base in bases]
        assert [len(part) for part in courses] == [501, 500]
        assert len({course["courseId"] for part in courses for course in part}) == 1001
        assert [read_all(urljoin(base, "programs")) for base in bases] == [[], []]
        offerings = read_offerings(bases[0], "courses", courses[0][:20], "courseId")
        assert len(offerings) == 40


def test_scale_serves_all_offerings_of_the_university_in_one_list() -> None:
    with start_providers(scale=40) as running:
        base = running.institutions[0].sources[0].path
        root = next(o for o in read_all(urljoin(base, "organizations")) if o["organizationType"] == "root")
        url = urljoin(base, f"organizations/{root['organizationId']}/offerings")
        courses = read_all(urljoin(base, "courses"))
        listed = read_all(url, since="2026-09-01")
        single = read_offerings(base, "courses", courses, "courseId")
        assert listed == single
        assert {o["startDate"] for o in read_all(url, since="2026-11-01")} == {"2027-04-01"}


def test_scale_must_be_positive() -> None:
    with pytest.raises(ConfigurationError, match="cannot make 0"):
        start_providers(scale=0)


def test_stop_closes_the_ports() -> None:
    running = start_providers(scale=2)
    url = running.institutions[0].sources[0].path
    with httpx.Client() as client:
        assert client.get(url).status_code == 200  # and the connection stays open
        running.stop()
        running.stop()
        with pytest.raises(httpx.TransportError):
            client.get(url)


def write(providers: DemoProviders, file: Path) -> None:
    write_config(providers.institutions, providers.alliances, file, "http://localhost:9999/")


def test_written_configuration_is_read_back_as_it_was(providers: DemoProviders, tmp_path: Path) -> None:
    file = tmp_path / "data" / "qlink.toml"
    write(providers, file)
    config = load_config(file, environment={})
    assert config.institutions == providers.institutions
    assert config.alliances == providers.alliances
    assert config.base_iri == "http://localhost:9999/"
    assert config.data_dir.resolve() == file.parent
    assert config.harvest.allow_private_addresses
    assert config.institutions[0].sources[0].offerings_since == date(2026, 9, 1)
    assert [i.id for i in config.institutions if i.on_violation == "publish"] == ["XE0001", "XL0001"]


def test_servers_are_where_they_were_the_last_time_if_it_is_free_there(tmp_path: Path) -> None:
    file = tmp_path / "qlink.toml"
    assert read_ports(file) == {}
    with start_providers() as first:
        write(first, file)
        ports = read_ports(file)
        assert ports.keys() == {institution.id for institution in first.institutions}
        with start_providers(ports=ports) as elsewhere:  # the first ones are still there
            assert not {i.website for i in elsewhere.institutions if not i.sources} & {
                i.website for i in first.institutions
            }
    with start_providers(ports=ports) as again:
        assert again.institutions == first.institutions
    file.write_text("not TOML")
    assert read_ports(file) == {}


def test_configuration_that_cannot_be_written_is_reported(providers: DemoProviders, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where a folder should be")
    with pytest.raises(ConfigurationError, match="cannot write"):
        write(providers, tmp_path / "data" / "qlink.toml")
