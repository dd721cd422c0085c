"""Puts the deliberate faults of `faults.FAULTS` into what the sample universities serve; each format has its own.

Every faulty course is a generated one under the code of its fault. Those of the ELM files are spoilt where the files
are made.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from qlink_ld.demo.catalogue import StoredCatalogue, make_organizations
from qlink_ld.demo.courses import Item, generate_offerings
from qlink_ld.demo.edu_api import Lists
from qlink_ld.demo.faults import BROKEN_PAGE_ITEMS, NUMERIC_ID, fault_codes
from qlink_ld.demo.loq_xml import LOQ
from qlink_ld.demo.occapi import OccapiServer
from qlink_ld.demo.own_json import Document
from qlink_ld.demo.own_table import COLUMNS, Row
from qlink_ld.demo.own_xml import VALMONT_XML
from qlink_ld.demo.sample_universities import FIRST_GENERATED, make_generator
from qlink_ld.demo.u_gov import U_GOV, Element
from qlink_ld.demo.universities import ALTAVALLE, NORDHAIN, University

_FIRST_FAULTY: Final = FIRST_GENERATED + 1000
_POINTS: Final = 6  # of all of them: what every format can state


def add_courses(
    university: University, catalogue: StoredCatalogue, codes: Iterable[str], seed: int = 0
) -> StoredCatalogue:
    """Return the catalogue with a generated course of one offering for each code; nothing is wrong with them yet."""
    generator = make_generator(university, seed)
    added: list[Item] = []
    children = dict(catalogue.children)
    for position, code in enumerate(codes):
        course = generator.course(_FIRST_FAULTY + 2 * position)
        course["primaryCode"] = {"codeType": "identifier", "code": code}
        course["abbreviation"] = code
        course["link"] = f"{university.website}/courses/{code}"
        course["studyLoad"] = {"studyLoadUnit": "ects", "value": _POINTS}
        children["courses", str(course["courseId"]), "offerings"] = generate_offerings(course, 1)
        added.append(course)
    courses = [*catalogue.collections["courses"], *added]
    return StoredCatalogue({**catalogue.collections, "courses": courses}, children)


# OOAPI 5.0 -----------------------------------------------------------------------------------------------------------


def add_altavalle_faults(catalogue: StoredCatalogue, seed: int = 0) -> StoredCatalogue:
    """Return the catalogue with the faulty courses, and with the courses of the page that will be broken."""
    generator = make_generator(ALTAVALLE, seed)
    partner = make_organizations(NORDHAIN, make_generator(NORDHAIN))[0]
    codes = fault_codes(ALTAVALLE)
    catalogue = add_courses(ALTAVALLE, catalogue, codes, seed)
    courses, children = catalogue.collections["courses"], dict(catalogue.children)
    for course in courses[-len(codes) :]:
        offerings = children["courses", course["courseId"], "offerings"]
        _spoil_ooapi(course["primaryCode"]["code"], course, offerings, partner)
        children["courses", str(course["courseId"]), "offerings"] = offerings
    lost = [generator.course(_FIRST_FAULTY + 1001 + 2 * number) for number in range(BROKEN_PAGE_ITEMS)]
    for course in lost:
        children["courses", course["courseId"], "offerings"] = generate_offerings(course, 1)
    return StoredCatalogue({**catalogue.collections, "courses": [*courses, *lost]}, children)


def _spoil_ooapi(code: str, course: Item, offerings: list[Item], partner: Item) -> None:
    """Put the fault of this code into the course or its offerings."""
    changes: dict[str, Item] = {
        "DEMO-ISCED-9876": {"fieldsOfStudy": "9876"},
        "DEMO-FOREIGN": {"organization": partner},
        "DEMO-UNIT": {"studyLoad": {"studyLoadUnit": "cfu", "value": 6}},
        "DEMO-LEVEL": {"level": "lifelong"},
        "DEMO-NUMERIC-ID": {"courseId": NUMERIC_ID},
        "DEMO-EXTRA": {"sustainabilityGoals": [4, 13], "remark": {"it": "Da rivedere", "fr": "À revoir"}},
    }
    course.update(changes.get(code, {}))
    if code == "DEMO-FOREIGN":
        offerings[0]["organization"] = partner
    elif code == "DEMO-NO-TITLE":
        del course["name"]
    elif code == "DEMO-COUNT":
        offerings[0]["enrolledNumberStudents"] = 60.5
    elif code == "DEMO-NO-LANGUAGE":
        course["name"] = [{"value": course["name"][0]["value"]}]
        course["description"][0]["language"] = None
    elif code == "DEMO-NUMERIC-ID":
        offerings[0]["course"] = NUMERIC_ID


# OEAPI 6.0 -----------------------------------------------------------------------------------------------------------


def spoil_oeapi(catalogue: StoredCatalogue) -> None:
    """Put the faults into the courses of OEAPI 6.0 that are to have them."""
    for code, course in _by_code(catalogue.collections["courses"]):
        if code == "DEMO-NO-OUTCOME":
            course["learningOutcomeIds"] = ["00000000-0000-4000-8000-000000000000"]
        elif code == "DEMO-MODE":
            course["modesOfDelivery"] = ["x-forest"]
            catalogue.children["courses", course["courseId"], "course-offerings"][0]["modesOfDelivery"] = ["x-forest"]
        elif code == "DEMO-CANCELLED":
            catalogue.children["courses", course["courseId"], "course-offerings"][0]["state"] = "cancelled"


# Edu-API 1.0 ---------------------------------------------------------------------------------------------------------


def spoil_edu_api(lists: Lists) -> None:
    """Put the faults into the records of Edu-API that are to have them."""
    templates = dict(_by_code(lists["courseTemplates"], "identifier"))
    templates["DEMO-CREDITS"]["creditsAwarded"] = "seis créditos"
    templates["DEMO-DELETED"]["recordStatus"] = "deleted"
    nameless = {templates["DEMO-NO-ID"].pop("sourcedId"), templates["DEMO-DELETED"]["sourcedId"]}
    lists["courseTemplates"].remove(templates["DEMO-ORPHAN"])
    lists["courseOfferings"] = [item for item in lists["courseOfferings"] if item["course"] not in nameless]


# OCCAPI --------------------------------------------------------------------------------------------------------------


def spoil_occapi(server: OccapiServer) -> None:
    """Put the faults into the courses of OCCAPI 1 or 2 that are to have them."""
    for course in server.courses.values():
        attributes = course["attributes"]
        match attributes["code"]:
            case "DEMO-NO-LEVEL":
                del course["meta"]
            case "DEMO-NO-ISCED":
                attributes |= {"iscedCode": "", "subjectArea": "99.9"}
            case "DEMO-GONE":
                server.listed_only.add(course["id"])
            case "DEMO-LANGUAGE":
                attributes["languageOfInstruction"] = ["xx"]
                for instance in server.instances[course["id"]]:
                    instance["attributes"]["languageOfInstruction"] = ["xx"]
            case "DEMO-NO-OUTCOME":
                del attributes["learningOutcomes"]
            case "DEMO-TWO-LEVELS":
                places = [
                    {"programmeId": programme["id"], "mandatoryCourse": False, "year": "0/3"}
                    for programme in server.programmes.values()
                    if programme["attributes"]["eqfLevelProvided"] in (6, 7)
                ]
                related = {"data": [{"type": "programme", "id": place["programmeId"]} for place in places]}
                course["meta"] = {"relatedProgramme": places}
                course["relationships"] = {"relatedProgramme": related, "prerequisiteCourse": None}


# XML, JSON and tables -------------------------------------------------------------------------------------------------


def spoil_loq_xml(root: Element) -> None:
    """Put the faults into the qualifications of the XML form of LOQ that are to have them."""
    for qualification in root.iter(f"{{{LOQ}}}qualification"):
        code = str(qualification.get("id")).rpartition("/")[2]
        if code == "DEMO-NO-EQF":
            qualification.tag = f"{{{LOQ}}}learningAchievementSpecification"
            for name in ("isPartialQualification", "EQFLevel"):
                for element in qualification.findall(f"{{{LOQ}}}{name}"):
                    qualification.remove(element)
        elif code == "DEMO-DANGLING":
            for element in qualification.findall(f"{{{LOQ}}}learningOutcome"):
                element.set("idref", f"{qualification.get('id')}#nowhere")


def spoil_u_gov(root: Element) -> None:
    """Put the faults into the activities of U-GOV that are to have them."""
    for activity in root.iter(f"{{{U_GOV}}}af"):
        code = activity.findtext(f"{{{U_GOV}}}afGenCod")
        for fault, name, value in (("DEMO-UNIT", "umPesoCod", "H"), ("DEMO-TERM", "tipoCicloCod", "X9")):
            element = activity.find(f"{{{U_GOV}}}{name}")
            if code == fault and element is not None:
                element.text = value


def spoil_own_xml(root: Element) -> None:
    """Put the faults into the courses of the university's own XML that are to have them."""
    for course in root.iter(f"{{{VALMONT_XML}}}ue"):
        start = course.find(f"{{{VALMONT_XML}}}session/{{{VALMONT_XML}}}debut")
        match course.get("code"):
            case "DEMO-LEVEL":
                course.set("niveau", "DU")
            case "DEMO-CLOSED":
                course.set("etat", "fermée")
            case "DEMO-DATE" if start is not None:
                start.text = "fin septembre"


def spoil_own_json(document: Document) -> None:
    """Put the faults into the courses of the university's own JSON that are to have them."""
    courses = document["courses"]
    courses["DEMO-LEVEL"]["level"] = "Seniorenstudium"
    courses["DEMO-CREDITS"]["credits"] = "nach Vereinbarung"
    courses["DEMO-DATE"]["options"][0]["start"] = "31.02.2027"


def spoil_table(rows: list[Row]) -> None:
    """Put the faults into the rows of the university's own table that are to have them."""
    for row in rows:
        for code, column, value in (
            ("DEMO-DEGREE", "Grau", "Pós-graduação"),
            ("DEMO-PLACES", "Vagas", "muitas"),
            ("DEMO-OLD", "Avaliada", "N"),
        ):
            if row[0] == code:
                row[COLUMNS.index(column)] = value


def _by_code(items: Iterable[Item], member: str = "code") -> Iterator[tuple[str, Item]]:
    return ((item["primaryCode"][member], item) for item in items if item["primaryCode"][member].startswith("DEMO-"))
