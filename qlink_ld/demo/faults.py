"""The deliberate faults of the sample universities, so that reports have something to show.

`FAULTS` is the list that reports can be compared with: what is wrong, where, and what should come of it.
"""

from dataclasses import dataclass
from typing import Final, Literal

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
    THALASSIA,
    VALEMARE,
    VALMONT,
    ZEEDIJK,
    University,
)

Outcome = Literal["refused", "published", "lost", "left out"]

BROKEN_PAGE_SIZE: Final = 10  # the source of Altavalle is asked in pages of this size
BROKEN_PAGE_ITEMS: Final = 5  # courses on the page that cannot be read
NUMERIC_ID: Final = 4711


@dataclass(frozen=True, slots=True)
class Fault:
    """One deliberate fault: `key` is the record's code in the data, or the resource that is broken."""

    key: str
    institution: str
    what: str
    outcome: Outcome
    expected: str  # what the report should say

    @property
    def is_course(self) -> bool:
        """False for a resource that is broken."""
        return self.key.startswith("DEMO-")


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
    Fault(
        "DEMO-NO-OUTCOME",
        ZEEDIJK.id,
        "`learningOutcomeIds` names a learning outcome that `/learning-outcomes` does not have",
        "refused",
        "elm:learningOutcome is missing (MinCount)",
    ),
    Fault(
        "DEMO-MODE",
        ZEEDIJK.id,
        "`modesOfDelivery` is x-forest, a value of the university's own",
        "published",
        "no elm:mode; the value is kept as a note",
    ),
    Fault(
        "DEMO-CANCELLED",
        ZEEDIJK.id,
        "an offering whose `state` is cancelled",
        "published",
        "the course is published without it",
    ),
    Fault(
        "DEMO-CREDITS",
        RIOMAR.id,
        "`creditsAwarded` is seis créditos: free text without a number",
        "published",
        "no credit points; the text is reported",
    ),
    Fault(
        "DEMO-NO-ID",
        RIOMAR.id,
        "a course template without `sourcedId`",
        "refused",
        "it has no identifier; only this record is refused, before it is mapped",
    ),
    Fault(
        "DEMO-DELETED",
        RIOMAR.id,
        "`recordStatus` is deleted",
        "left out",
        "the course is neither published nor refused",
    ),
    Fault(
        "DEMO-ORPHAN",
        RIOMAR.id,
        "an offering of a course template that is not in the list",
        "left out",
        "the offering is reported with its id",
    ),
    *(
        Fault(
            key,
            SERRABELA.id,
            "a programme: OCCAPI 1 has no place for the learning outcomes of programmes",
            "refused",
            "elm:learningOutcome is missing (MinCount)",
        )
        for key in ("L-FLO", "L-ARQ", "M-TER")
    ),
    Fault(
        "DEMO-NO-LEVEL",
        SERRABELA.id,
        "a course without `meta`: neither a level nor programmes",
        "refused",
        "elm:EQFLevel is missing (MinCount)",
    ),
    Fault("DEMO-NO-ISCED", SERRABELA.id, "`iscedCode` is empty", "refused", "elm:ISCEDFCode is missing (MinCount)"),
    Fault(
        "DEMO-GONE",
        SERRABELA.id,
        "a course that is listed but answers 404 itself",
        "published",
        "it is published as the list has it; reported",
    ),
    Fault(
        "DEMO-LANGUAGE",
        JEZIORNO.id,
        "`languageOfInstruction` is xx, which no language has",
        "refused",
        "dcterms:language is missing or unknown; the value xx is reported",
    ),
    Fault(
        "DEMO-NO-OUTCOME", JEZIORNO.id, "no `learningOutcomes`", "refused", "elm:learningOutcome is missing (MinCount)"
    ),
    Fault(
        "DEMO-TWO-LEVELS",
        JEZIORNO.id,
        "a course of programmes of EQF levels 6 and 7",
        "published",
        "the lowest level is taken; reported",
    ),
    Fault(
        "DEMO-TWO-LEVELS", VALEMARE.id, "a course with two EQF levels", "refused", "only one elm:EQFLevel (MaxCount)"
    ),
    Fault(
        "DEMO-NO-OUTCOME",
        VALEMARE.id,
        "a course without elm:learningOutcome",
        "refused",
        "elm:learningOutcome is missing (MinCount)",
    ),
    Fault(
        "DEMO-NO-EQF",
        BELAGORA.id,
        "a learningAchievementSpecification: the XML form of LOQ has a place for the level of qualifications only",
        "refused",
        "elm:EQFLevel is missing (MinCount)",
    ),
    Fault(
        "DEMO-DANGLING",
        BELAGORA.id,
        "`idref` of a learning outcome that is not in the document",
        "refused",
        "elm:learningOutcome is not an elm:LearningOutcome (Class)",
    ),
    Fault(
        "DEMO-LEVEL",
        SEEUFER.id,
        "`level` is Seniorenstudium, which the mapping's table does not have",
        "refused",
        "elm:EQFLevel is missing (MinCount); the value Seniorenstudium is reported",
    ),
    Fault(
        "DEMO-CREDITS",
        SEEUFER.id,
        "`credits` is nach Vereinbarung: no number",
        "published",
        "no credit points; the text is reported",
    ),
    Fault(
        "DEMO-DATE",
        SEEUFER.id,
        "an option that starts on 31.02.2027",
        "published",
        "no start date; the text is reported",
    ),
    Fault(
        "DEMO-DEGREE",
        RIA.id,
        "`Grau` is Pós-graduação, which the mapping's table does not have",
        "refused",
        "elm:EQFLevel is missing (MinCount); the value Pós-graduação is reported",
    ),
    Fault("DEMO-PLACES", RIA.id, "`Vagas` is muitas", "published", "no ql:enrolmentCapacity; the text is reported"),
    Fault("DEMO-OLD", RIA.id, "`Avaliada` is N", "left out", "the row is neither published nor refused"),
    Fault("DEMO-UNIT", PORTOFERMO.id, "`umPesoCod` is H", "published", "no credit points; unit H is reported"),
    Fault(
        "DEMO-TERM",
        PORTOFERMO.id,
        "`tipoCicloCod` is X9, a term that the programme does not have",
        "published",
        "the activity is published without an instance",
    ),
    Fault(
        "DEMO-LEVEL",
        VALMONT.id,
        "`niveau` is DU, which the mapping's table does not have",
        "refused",
        "elm:EQFLevel is missing (MinCount); the value DU is reported",
    ),
    Fault("DEMO-CLOSED", VALMONT.id, "`etat` is fermée", "left out", "the course is neither published nor refused"),
    Fault(
        "DEMO-DATE",
        VALMONT.id,
        "a session that begins fin septembre",
        "published",
        "no start date; the text is reported",
    ),
)

# What a run publishes of each university, if all faults are found: learning opportunities, instances.
PUBLISHED: Final = {
    NORDHAIN.id: (62, 98),
    ALTAVALLE.id: (50, 77),
    THALASSIA.id: (54, 88),
    ZEEDIJK.id: (26, 39),
    RIOMAR.id: (25, 39),
    SERRABELA.id: (18, 0),
    JEZIORNO.id: (26, 37),
    VALEMARE.id: (24, 38),
    BELAGORA.id: (22, 35),
    SEEUFER.id: (24, 35),
    RIA.id: (17, 27),
    PORTOFERMO.id: (25, 21),
    VALMONT.id: (20, 32),
}


def fault_codes(university: University) -> tuple[str, ...]:
    """Return the codes of a university's faulty courses."""
    return tuple(fault.key for fault in FAULTS if fault.institution == university.id and fault.is_course)
