from collections import Counter
from typing import Literal

import pytest
from pyoxigraph import NamedNode, RdfFormat, parse

from qlink_ld.demo.catalogue import StoredCatalogue
from qlink_ld.demo.edu_api import render_edu_api
from qlink_ld.demo.elm_files import make_json_ld, make_turtle
from qlink_ld.demo.faults import BROKEN_PAGE_ITEMS, FAULTS, PUBLISHED, fault_codes
from qlink_ld.demo.faulty_courses import add_altavalle_faults, add_courses, spoil_edu_api, spoil_occapi, spoil_oeapi
from qlink_ld.demo.occapi import OccapiServer
from qlink_ld.demo.oeapi import render_oeapi
from qlink_ld.demo.sample_universities import load_catalogue
from qlink_ld.demo.teaching import Teaching, read_teaching
from qlink_ld.demo.universities import (
    ALTAVALLE,
    JEZIORNO,
    NORDHAIN,
    RIOMAR,
    SERRABELA,
    UNIVERSITIES,
    VALEMARE,
    ZEEDIJK,
    University,
)
from qlink_ld.namespaces import RDF


def count_published(catalogue: StoredCatalogue, refused: set[str], lost: int) -> tuple[int, int]:
    courses = catalogue.collections["courses"]
    kept = [c for c in courses[: len(courses) - lost] if c["primaryCode"]["code"] not in refused]
    ids = [("courses", str(course["courseId"])) for course in kept]
    ids += [("programs", program["programId"]) for program in catalogue.collections["programs"]]
    return len(ids), sum(len(catalogue.children[collection, key, "offerings"]) for collection, key in ids)


def test_every_fault_is_listed_once_and_for_a_university_of_the_demo() -> None:
    assert set(Counter((fault.institution, fault.key) for fault in FAULTS).values()) == {1}
    assert {fault.institution for fault in FAULTS} == {university.id for university in UNIVERSITIES} - {NORDHAIN.id}
    assert {fault.institution for fault in FAULTS} < {university.id for university in UNIVERSITIES}
    assert PUBLISHED.keys() == {university.id for university in UNIVERSITIES}


def test_announced_numbers_are_those_of_the_catalogues() -> None:
    refused = {fault.key for fault in FAULTS if (fault.institution, fault.outcome) == (ALTAVALLE.id, "refused")}
    nordhain = load_catalogue(NORDHAIN, "nordhain", generated=10)
    altavalle = add_altavalle_faults(load_catalogue(ALTAVALLE, "altavalle", generated=2))
    assert count_published(nordhain, set(), 0) == PUBLISHED[NORDHAIN.id]
    assert count_published(altavalle, refused, BROKEN_PAGE_ITEMS) == PUBLISHED[ALTAVALLE.id]


def test_announced_numbers_are_those_of_the_elm_files() -> None:
    nodes = {"Specification": set[str](), "Instance": set[str]()}
    for body, media in ((make_turtle(), RdfFormat.TURTLE), (make_json_ld(), RdfFormat.JSON_LD)):
        for quad in parse(body, format=media):
            subject = str(quad.subject)
            if quad.predicate.value != f"{RDF}type" or "/DEMO-" in subject or not isinstance(quad.object, NamedNode):
                continue
            if quad.object.value.endswith(("/LearningAchievementSpecification", "#LearningOpportunitySpecification")):
                nodes["Specification"].add(subject)
            elif quad.object.value.endswith(("/LearningOpportunity", "#LearningOpportunityInstance")):
                nodes["Instance"].add(subject)
    assert (len(nodes["Specification"]), len(nodes["Instance"])) == PUBLISHED["XC0001"]


def teach(university: University, file: str) -> Teaching:
    catalogue = load_catalogue(university, file, generated=16)
    return read_teaching(university, add_courses(university, catalogue, fault_codes(university)))


def expect(university: University, file: str, *, cancelled: int = 0) -> tuple[int, int]:
    """What is left of a university's learning opportunities and their offerings."""
    teaching = teach(university, file)
    gone = {f.key for f in FAULTS if f.institution == university.id and f.outcome in ("refused", "left out")}
    kept = [it for it in (*teaching.courses, *teaching.programmes) if it.code not in gone]
    return len(kept), sum(len(it.offerings) for it in kept) - cancelled


def test_announced_numbers_are_those_of_the_other_formats() -> None:
    assert expect(ZEEDIJK, "zeedijk", cancelled=1) == PUBLISHED[ZEEDIJK.id]
    assert expect(RIOMAR, "riomar") == PUBLISHED[RIOMAR.id]
    assert expect(VALEMARE, "valemare") == PUBLISHED[VALEMARE.id]
    courses, offerings = expect(JEZIORNO, "jeziorno")
    programmes = sum(len(it.offerings) for it in teach(JEZIORNO, "jeziorno").programmes)
    assert (courses, offerings - programmes) == PUBLISHED[JEZIORNO.id]  # OCCAPI 2 has instances of courses only
    served = OccapiServer(teach(SERRABELA, "serrabela"), 1).courses  # without half credits; no programme conforms
    refused = [code for code in fault_codes(SERRABELA) if code != "DEMO-GONE"]
    assert (len(served) - len(refused), 0) == PUBLISHED[SERRABELA.id]


def test_oeapi_has_its_faults() -> None:
    catalogue = render_oeapi(teach(ZEEDIJK, "zeedijk"))
    spoil_oeapi(catalogue)
    courses = {course["primaryCode"]["code"]: course for course in catalogue.collections["courses"]}
    known = {item["learningOutcomeId"] for item in catalogue.collections["learning-outcomes"]}
    assert known.isdisjoint(courses["DEMO-NO-OUTCOME"]["learningOutcomeIds"])
    assert courses["DEMO-MODE"]["modesOfDelivery"] == ["x-forest"]
    (offering,) = catalogue.children["courses", courses["DEMO-CANCELLED"]["courseId"], "course-offerings"]
    assert offering["state"] == "cancelled"


def test_edu_api_has_its_faults() -> None:
    lists = render_edu_api(teach(RIOMAR, "riomar"))
    spoil_edu_api(lists)
    courses = {course["primaryCode"]["identifier"]: course for course in lists["courseTemplates"]}
    assert courses["DEMO-CREDITS"]["creditsAwarded"] == "seis créditos"
    assert courses["DEMO-DELETED"]["recordStatus"] == "deleted"
    assert "sourcedId" not in courses["DEMO-NO-ID"]
    assert "DEMO-ORPHAN" not in courses
    known = {course.get("sourcedId") for course in courses.values()}
    orphans = [item["primaryCode"]["identifier"] for item in lists["courseOfferings"] if item["course"] not in known]
    assert orphans == ["DEMO-ORPHAN-26A1"]


@pytest.mark.parametrize(("university", "file", "version"), [(SERRABELA, "serrabela", 1), (JEZIORNO, "jeziorno", 2)])
def test_occapi_has_its_faults(university: University, file: str, version: Literal[1, 2]) -> None:
    server = OccapiServer(teach(university, file), version)
    spoil_occapi(server)
    courses = {course["attributes"]["code"]: course for course in server.courses.values()}
    if version == 1:
        assert "meta" not in courses["DEMO-NO-LEVEL"]
        assert courses["DEMO-NO-ISCED"]["attributes"]["iscedCode"] == ""
        path = f"/occapi/v1/hei/{university.schac}/course"
        gone = courses["DEMO-GONE"]["id"]
        assert server.answer(f"{path}/{gone}", {}).status == 404
        assert gone.encode() in server.answer(path, {}).body
    else:
        assert courses["DEMO-LANGUAGE"]["attributes"]["languageOfInstruction"] == ["xx"]
        assert "learningOutcomes" not in courses["DEMO-NO-OUTCOME"]["attributes"]
        places = courses["DEMO-TWO-LEVELS"]["meta"]["relatedProgramme"]
        levels = {server.programmes[place["programmeId"]]["attributes"]["eqfLevelProvided"] for place in places}
        assert levels == {6, 7}
