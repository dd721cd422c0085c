from collections import Counter
from typing import Literal

import pytest
from pyoxigraph import NamedNode, RdfFormat, parse

from qlink_ld.demo.catalogue import StoredCatalogue
from qlink_ld.demo.edu_api import render_edu_api
from qlink_ld.demo.elm_files import make_json_ld, make_turtle
from qlink_ld.demo.faults import BROKEN_PAGE_ITEMS, FAULTS, PUBLISHED, fault_codes
from qlink_ld.demo.faulty_courses import (
    add_altavalle_faults,
    add_courses,
    spoil_edu_api,
    spoil_loq_xml,
    spoil_occapi,
    spoil_oeapi,
    spoil_own_json,
    spoil_own_xml,
    spoil_table,
    spoil_u_gov,
)
from qlink_ld.demo.loq_xml import LOQ, render_loq_xml
from qlink_ld.demo.occapi import OccapiServer
from qlink_ld.demo.oeapi import render_oeapi
from qlink_ld.demo.own_json import render_own_json
from qlink_ld.demo.own_table import COLUMNS, render_table
from qlink_ld.demo.own_xml import VALMONT_XML, render_own_xml
from qlink_ld.demo.sample_universities import load_catalogue
from qlink_ld.demo.teaching import Teaching, read_teaching
from qlink_ld.demo.u_gov import U_GOV, render_u_gov
from qlink_ld.demo.universities import (
    ALTAVALLE,
    BELAGORA,
    JEZIORNO,
    NORDHAIN,
    PORTOFERMO,
    RIA,
    RIOMAR,
    SEEUFER,
    SERRABELA,
    UNIVERSITIES,
    VALEMARE,
    VALMONT,
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
    assert expect(BELAGORA, "belagora") == PUBLISHED[BELAGORA.id]
    assert expect(VALMONT, "valmont") == PUBLISHED[VALMONT.id]
    courses, offerings = expect(SEEUFER, "seeufer")
    programmes = sum(len(it.offerings) for it in teach(SEEUFER, "seeufer").programmes)
    assert (courses, offerings - programmes) == PUBLISHED[SEEUFER.id]  # only courses have options in this file
    gone = ("DEMO-DEGREE", "DEMO-OLD")
    rows = [row for row in render_table(teach(RIA, "ria"), teach(RIA, "ria").courses) if row[0] not in gone]
    assert (len({row[0] for row in rows}), len(rows)) == PUBLISHED[RIA.id]
    in_u_gov = teach(PORTOFERMO, "portofermo")  # each activity is in one term, programmes in none
    activities = len(in_u_gov.courses)
    assert (activities + len(in_u_gov.programmes), activities - 1) == PUBLISHED[PORTOFERMO.id]
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


def test_the_xml_form_of_loq_has_its_faults() -> None:
    document = render_loq_xml(teach(BELAGORA, "belagora"))
    spoil_loq_xml(document)
    (without_level,) = document.iterfind(f".//{{{LOQ}}}learningAchievementSpecification[@id]")
    assert str(without_level.get("id")).endswith("/DEMO-NO-EQF")
    assert without_level.find(f"{{{LOQ}}}EQFLevel") is None
    ids = {element.get("id") for element in document.iter(f"{{{LOQ}}}learningOutcome")}
    named = [element.get("idref") for element in document.iter(f"{{{LOQ}}}learningOutcome") if element.get("idref")]
    assert {key.rpartition("/")[2] for key in set(named) - ids if key} == {"DEMO-DANGLING#nowhere"}


def test_u_gov_has_its_faults() -> None:
    document = render_u_gov(teach(PORTOFERMO, "portofermo"))
    spoil_u_gov(document)

    def find(name: str, value: str) -> list[str | None]:
        activities = document.iter(f"{{{U_GOV}}}af")
        found = (a for a in activities if a.findtext(f"{{{U_GOV}}}{name}") == value)
        return [activity.findtext(f"{{{U_GOV}}}afGenCod") for activity in found]

    assert find("umPesoCod", "H") == ["DEMO-UNIT"]
    assert find("tipoCicloCod", "X9") == ["DEMO-TERM"]


def test_files_of_a_form_of_their_own_have_their_faults() -> None:
    document = render_own_json(teach(SEEUFER, "seeufer"))
    spoil_own_json(document)
    courses = document["courses"]
    assert courses["DEMO-LEVEL"]["level"] == "Seniorenstudium"
    assert courses["DEMO-CREDITS"]["credits"] == "nach Vereinbarung"
    assert courses["DEMO-DATE"]["options"][0]["start"] == "31.02.2027"
    xml = render_own_xml(teach(VALMONT, "valmont"))
    spoil_own_xml(xml)
    by_code = {course.get("code"): course for course in xml.iter(f"{{{VALMONT_XML}}}ue")}
    assert by_code["DEMO-LEVEL"].get("niveau") == "DU"
    assert by_code["DEMO-CLOSED"].get("etat") == "fermée"
    assert by_code["DEMO-DATE"].findtext(f"{{{VALMONT_XML}}}session/{{{VALMONT_XML}}}debut") == "fin septembre"
    rows = render_table(teach(RIA, "ria"), teach(RIA, "ria").courses)
    spoil_table(rows)
    cells = {row[0]: dict(zip(COLUMNS, row, strict=True)) for row in rows}
    assert cells["DEMO-DEGREE"]["Grau"] == "Pós-graduação"
    assert cells["DEMO-PLACES"]["Vagas"] == "muitas"
    assert cells["DEMO-OLD"]["Avaliada"] == "N"
