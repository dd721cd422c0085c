"""The deliberate faults of the sample universities, so that reports have something to show.

`FAULTS` is the list that reports can be compared with: what is wrong, where, and what should come of it.
"""

from dataclasses import dataclass
from typing import Final, Literal

from qlink_ld.demo.catalogue import StoredCatalogue, make_organizations
from qlink_ld.demo.courses import Item, generate_offerings
from qlink_ld.demo.sample_universities import FIRST_GENERATED, make_generator
from qlink_ld.demo.universities import ALTAVALLE, NORDHAIN, THALASSIA

Outcome = Literal["refused", "published", "lost"]

BROKEN_PAGE_SIZE: Final = 10  # the source of Altavalle is asked in pages of this size
BROKEN_PAGE_ITEMS: Final = 5  # courses on the page that cannot be read
NUMERIC_ID: Final = 4711
_FIRST_FAULTY: Final = FIRST_GENERATED + 1000


@dataclass(frozen=True, slots=True)
class Fault:
    """One deliberate fault: `key` is the record's code in the data, or the resource that is broken."""

    key: str
    institution: str
    what: str
    outcome: Outcome
    expected: str  # what the report should say


FAULTS: Final = (
    Fault("DEMO-NO-TITLE", ALTAVALLE.id, "a course without `name`", "refused", "dcterms:title is missing (MinCount)"),
    Fault(
        "DEMO-ISCED-9876",
        ALTAVALLE.id,
        "`fieldsOfStudy` is 9876, which ISCED-F does not know",
        "refused",
        "elm:ISCEDFCode is missing or unknown; the value 9876 is reported",
    ),
    Fault(
        "DEMO-FOREIGN",
        ALTAVALLE.id,
        "`organization` is the root organisation of another university (schacHome), embedded",
        "refused",
        f"the publisher is {NORDHAIN.id}; {ALTAVALLE.id} may speak of its own learning opportunities only",
    ),
    Fault("DEMO-UNIT", ALTAVALLE.id, "`studyLoadUnit` is cfu", "published", "no credit points; unit cfu is reported"),
    Fault(
        "DEMO-COUNT",
        ALTAVALLE.id,
        "an offering with `enrolledNumberStudents` 60.5",
        "published",
        "no ql:enrolledLearnerCount; the value 60.5 is reported",
    ),
    Fault(
        "DEMO-LEVEL",
        ALTAVALLE.id,
        "`level` is lifelong, which OOAPI does not know",
        "refused",
        "elm:EQFLevel is missing (MinCount); the value lifelong is reported",
    ),
    Fault(
        "DEMO-NO-LANGUAGE",
        ALTAVALLE.id,
        "texts without `language`, or with null",
        "published",
        "texts are tagged with the source's default language, else und; reported",
    ),
    Fault(
        "DEMO-NUMERIC-ID",
        ALTAVALLE.id,
        f"`courseId` is the number {NUMERIC_ID} instead of a UUID text",
        "refused",
        f"the identifier {NUMERIC_ID} is not a text; only this record is refused, before it is mapped",
    ),
    Fault(
        "DEMO-EXTRA",
        ALTAVALLE.id,
        "fields that OOAPI does not have: sustainabilityGoals, remark",
        "published",
        "the fields are counted as unmapped",
    ),
    Fault(
        "/courses",
        ALTAVALLE.id,
        f"in pages of {BROKEN_PAGE_SIZE}, the last page is cut in the middle: not JSON",
        "lost",
        f"the page is reported with its address; its {BROKEN_PAGE_ITEMS} courses are unknown, the others are published",
    ),
    Fault(
        "DEMO-NO-EQF", THALASSIA.id, "a course without elm:EQFLevel", "refused", "elm:EQFLevel is missing (MinCount)"
    ),
    Fault(
        "DEMO-DATE",
        THALASSIA.id,
        'dcterms:modified is "2026-05-04"^^xsd:date',
        "refused",
        "dcterms:modified must be xsd:dateTime (Datatype)",
    ),
    Fault(
        "DEMO-FOREIGN",
        THALASSIA.id,
        f"dcterms:publisher is {NORDHAIN.organisation_iri}",
        "refused",
        f"the publisher is {NORDHAIN.id}; {THALASSIA.id} may speak of its own learning opportunities only",
    ),
)

# What a run publishes of each university, if all faults are found: learning opportunities, instances.
PUBLISHED: Final = {NORDHAIN.id: (62, 98), ALTAVALLE.id: (50, 77), THALASSIA.id: (54, 88)}


def add_altavalle_faults(catalogue: StoredCatalogue, seed: int = 0) -> StoredCatalogue:
    """Return the catalogue with the faulty courses, and with the courses of the page that will be broken."""
    generator = make_generator(ALTAVALLE, seed)
    partner = make_organizations(NORDHAIN, make_generator(NORDHAIN))[0]
    faulty: list[Item] = []
    children = dict(catalogue.children)
    codes = [f.key for f in FAULTS if f.institution == ALTAVALLE.id and f.key != "/courses"]
    for position, code in enumerate(codes):
        course = generator.course(_FIRST_FAULTY + 2 * position)
        course["primaryCode"] = {"codeType": "identifier", "code": code}
        course["abbreviation"] = code
        course["link"] = f"{ALTAVALLE.website}/courses/{code}"
        offerings = generate_offerings(course, 1)
        _spoil(code, course, offerings, partner)
        faulty.append(course)
        children["courses", str(course["courseId"]), "offerings"] = offerings
    lost = [generator.course(_FIRST_FAULTY + 1001 + 2 * number) for number in range(BROKEN_PAGE_ITEMS)]
    for course in lost:
        children["courses", course["courseId"], "offerings"] = generate_offerings(course, 1)
    courses = [*catalogue.collections["courses"], *faulty, *lost]
    return StoredCatalogue({**catalogue.collections, "courses": courses}, children)


def _spoil(code: str, course: Item, offerings: list[Item], partner: Item) -> None:
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
