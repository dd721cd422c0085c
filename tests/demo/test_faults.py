from collections import Counter

from pyoxigraph import NamedNode, RdfFormat, parse

from qlink_ld.demo.catalogue import StoredCatalogue
from qlink_ld.demo.elm_files import make_json_ld, make_turtle
from qlink_ld.demo.faults import BROKEN_PAGE_ITEMS, FAULTS, PUBLISHED, add_altavalle_faults
from qlink_ld.demo.sample_universities import load_catalogue
from qlink_ld.demo.universities import ALTAVALLE, NORDHAIN, UNIVERSITIES
from qlink_ld.namespaces import RDF


def count_published(catalogue: StoredCatalogue, refused: set[str], lost: int) -> tuple[int, int]:
    courses = catalogue.collections["courses"]
    kept = [c for c in courses[: len(courses) - lost] if c["primaryCode"]["code"] not in refused]
    ids = [("courses", str(course["courseId"])) for course in kept]
    ids += [("programs", program["programId"]) for program in catalogue.collections["programs"]]
    return len(ids), sum(len(catalogue.children[collection, key, "offerings"]) for collection, key in ids)


def test_every_fault_is_listed_once_and_for_a_university_of_the_demo() -> None:
    assert set(Counter((fault.institution, fault.key) for fault in FAULTS).values()) == {1}
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
