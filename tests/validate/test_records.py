"""Records in batches: each result comes back to the record that it is about, and to no other."""

from pathlib import Path

import pytest

from qlink_ld.model import Record, Result, Verdict
from qlink_ld.namespaces import ADMS, DCTERMS, ELM, QL, RDF, RDFS, SH, SKOS
from qlink_ld.ntriples import sort_lines
from qlink_ld.validate.engine import ENGINES, ShaclEngine, load_engine
from qlink_ld.validate.records import RecordValidator, collect_types, refuse_orphans, validate_data

BASE = "http://localhost:8080/"
UNIVERSITY = f"<{BASE}institutions/NL0028>"
CONTEXT = (
    f"{UNIVERSITY} <{RDF}type> <{QL}HigherEducationInstitution> .\n"
    f'{UNIVERSITY} <http://www.w3.org/ns/regorg#legalName> "Universiteit Twente"@nl .\n'
    f"{UNIVERSITY} <{ADMS}identifier> <{BASE}institutions/NL0028#schac> .\n"
    f"<{BASE}institutions/NL0028#schac> <{RDF}type> <{QL}SchacIdentifier> .\n"
    f"<{BASE}institutions/NL0028#schac> <{ELM}schemeId> <{QL}Schac> .\n"
    f'<{BASE}institutions/NL0028#schac> <{SKOS}notation> "utwente.nl" .\n'
)
ENGLISH = "<http://publications.europa.eu/resource/authority/language/ENG>"


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> ShaclEngine:
    return load_engine(request.param)


def _course_iri(key: str) -> str:
    return f"{BASE}courses/NL0028/{key}"


def _course(key: str, *, without: str = "", extra: str = "") -> Record:
    """A conforming course, without the lines of one predicate."""
    iri = _course_iri(key)
    lines = [
        f"<{iri}> <{RDF}type> <{QL}LearningOpportunitySpecification> .",
        f'<{iri}> <{DCTERMS}title> "Course {key}"@en .',
        f'<{iri}> <{DCTERMS}description> "About {key}"@en .',
        f"<{iri}> <{DCTERMS}language> {ENGLISH} .",
        f"<{iri}> <{ELM}ISCEDFCode> <http://data.europa.eu/snb/isced-f/0613> .",
        f"<{iri}> <{ELM}EQFLevel> <http://data.europa.eu/snb/eqf/6> .",
        f"<{iri}> <{ADMS}identifier> <{iri}#code> .",
        f"<{iri}#code> <{RDF}type> <{ELM}Identifier> .",
        f'<{iri}#code> <{SKOS}notation> "{key}" .',
        f"<{iri}> <{ELM}learningOutcome> <{iri}#outcome> .",
        f"<{iri}#outcome> <{RDF}type> <{ELM}LearningOutcome> .",
        f'<{iri}#outcome> <{DCTERMS}title> "Can do {key}"@en .',
    ]
    kept = [line for line in lines if not without or f"<{without}>" not in line or f"<{iri}> <{without}>" not in line]
    return Record(iri, key, sort_lines("\n".join(kept) + "\n" + extra), f"page 1, item {key}")


def _instance(key: str, course: str, *, without: str = "") -> Record:
    iri = f"{BASE}offerings/{key}"
    lines = [
        f"<{iri}> <{RDF}type> <{QL}LearningOpportunityInstance> .",
        f"<{iri}> <{ELM}learningAchievementSpecification> <{course}> .",
        f"<{iri}> <{ELM}providedBy> {UNIVERSITY} .",
        f"<{iri}> <{ELM}defaultLanguage> {ENGLISH} .",
    ]
    kept = [line for line in lines if not without or f"<{without}>" not in line]
    return Record(iri, key, sort_lines("\n".join(kept) + "\n"), f"page 2, item {key}", opportunities=0, instances=1)


def _violations(verdict: Verdict) -> list[tuple[str, str | None, str]]:
    return [
        (result.focus_node, result.path, result.component.removesuffix("ConstraintComponent"))
        for result in verdict.results
        if result.severity == "violation"
    ]


def test_conforming_records_conform_in_their_order(engine: ShaclEngine) -> None:
    records = [_course("A"), _course("B"), _instance("A1", _course_iri("A"))]
    verdicts = RecordValidator(engine, CONTEXT).judge(records)
    assert [verdict.record for verdict in verdicts] == records
    assert [_violations(verdict) for verdict in verdicts] == [[], [], []]


def test_a_violation_refuses_its_record_only(engine: ShaclEngine) -> None:
    records = [_course("A"), _course("B", without=f"{DCTERMS}title"), _course("C")]
    verdicts = RecordValidator(engine, CONTEXT).judge(records)
    assert [verdict.conforms for verdict in verdicts] == [True, False, True]
    assert _violations(verdicts[1]) == [(f"<{_course_iri('B')}>", f"<{DCTERMS}title>", "MinCount")]
    assert {result.record for result in verdicts[1].results} == {_course_iri("B")}


def test_warnings_come_to_their_record_and_refuse_nothing(engine: ShaclEngine) -> None:
    (verdict,) = RecordValidator(engine, CONTEXT).judge([_course("A")])
    assert verdict.conforms
    assert f"<{ELM}creditPoint>" in {result.path for result in verdict.results if result.severity == "warning"}


def test_a_violation_of_a_nested_node_or_an_instance_refuses_the_whole_record(engine: ShaclEngine) -> None:
    iri = _course_iri("A")
    offering = f"<{iri}/instances/1>"
    bad_instance = _course(
        "A",
        extra=f"<{iri}> <{ELM}learningOpportunity> {offering} .\n"
        f"{offering} <{RDF}type> <{QL}LearningOpportunityInstance> .\n"
        f"{offering} <{ELM}learningAchievementSpecification> <{iri}> .\n"
        f"{offering} <{ELM}providedBy> {UNIVERSITY} .\n",
    )
    nested = _course("B", extra=f'<{_course_iri("B")}#outcome> <{DCTERMS}title> "Again"@en .\n')
    verdicts = RecordValidator(engine, CONTEXT).judge([bad_instance, nested])
    assert _violations(verdicts[0]) == [(offering, f"<{ELM}defaultLanguage>", "MinCount")]
    assert _violations(verdicts[1]) == [(f"<{_course_iri('B')}#outcome>", f"<{DCTERMS}title>", "UniqueLang")]


def test_a_node_that_two_records_describe_is_found_in_both(engine: ShaclEngine) -> None:
    shared = f"<{BASE}outcomes/1> <{RDF}type> <{ELM}LearningOutcome> .\n"
    records = [
        _course(key, extra=shared + f"<{_course_iri(key)}> <{ELM}learningOutcome> <{BASE}outcomes/1> .\n")
        for key in ("A", "B")
    ]
    verdicts = RecordValidator(engine, CONTEXT).judge([*records, _course("C")])
    assert [verdict.conforms for verdict in verdicts] == [False, False, True]
    assert [verdict.results[-1].record for verdict in verdicts[:2]] == [_course_iri("A"), _course_iri("B")]


def test_unknown_codes_are_found_and_known_ones_need_no_type(engine: ShaclEngine) -> None:
    iri = _course_iri("A")
    extra = f"<{iri}> <{ELM}ISCEDFCode> <http://data.europa.eu/snb/isced-f/9876> .\n"
    (verdict,) = RecordValidator(engine, CONTEXT).judge([_course("A", extra=extra)])
    (result,) = (result for result in verdict.results if result.severity == "violation")
    assert result.value == "<http://data.europa.eu/snb/isced-f/9876>"
    assert result.message.startswith("The field of education of this learning opportunity is not in the ISCED-F 2013")


def test_esco_skills_are_known_by_their_form(engine: ShaclEngine) -> None:
    outcome = f"<{_course_iri('A')}#outcome>"
    skill = "<http://data.europa.eu/esco/skill/7e5147d1-60b1-4a96-8bf7-cb9d4e0a3d07>"
    records = [
        _course("A", extra=f"{outcome} <{ELM}relatedESCOSkill> {skill} .\n"),
        _course("B", extra=f"<{_course_iri('B')}#outcome> <{ELM}relatedESCOSkill> <urn:skill> .\n"),
    ]
    assert [verdict.conforms for verdict in RecordValidator(engine, CONTEXT).judge(records)] == [True, False]


def test_faults_of_the_institution_refuse_no_record_even_if_it_repeats_them(engine: ShaclEngine) -> None:
    context = "".join(line for line in CONTEXT.splitlines(keepends=True) if "#schac" not in line)
    validator = RecordValidator(engine, context)
    verdicts = validator.judge([_course("A"), _course("B", extra=context)])
    assert [verdict.conforms for verdict in verdicts] == [True, True]
    assert [(result.focus_node, result.component) for result in validator.context_results] == [
        (UNIVERSITY, "MinCountConstraintComponent")
    ]
    assert RecordValidator(engine, CONTEXT).context_results == ()


def test_a_record_that_spoils_the_institution_is_refused(engine: ShaclEngine) -> None:
    validator = RecordValidator(engine, CONTEXT)
    spoiled = _course("A", extra=f'{UNIVERSITY} <{ADMS}identifier> "NL ENSCHED01" .\n')
    verdicts = validator.judge([spoiled, _course("B")])
    assert _violations(verdicts[0]) == [(UNIVERSITY, f"<{ADMS}identifier>", "Or")]
    assert verdicts[1].conforms
    assert validator.context_results == ()


def test_references_to_other_batches_hold_with_known_types_only(engine: ShaclEngine) -> None:
    course, offering = _course("A"), _instance("A1", _course_iri("A"))
    validator = RecordValidator(engine, CONTEXT)
    (alone,) = validator.judge([offering])
    assert _violations(alone) == [(f"<{offering.iri}>", f"<{ELM}learningAchievementSpecification>", "Class")]
    known = collect_types([course, offering])
    assert known.keys() == {f"<{course.iri}>", f"<{offering.iri}>"}
    (together,) = validator.judge([offering], known)
    assert together.conforms
    assert {result.focus_node for result in together.results} == {f"<{offering.iri}>"}
    assert validator.context_results == ()


def test_known_types_do_not_add_to_what_a_batch_describes_itself(engine: ShaclEngine) -> None:
    records = [_course("A", without=f"{DCTERMS}title"), _instance("A1", _course_iri("A"))]
    verdicts = RecordValidator(engine, CONTEXT).judge(records, collect_types(records))
    assert _violations(verdicts[0]) == [(f"<{_course_iri('A')}>", f"<{DCTERMS}title>", "MinCount")]
    assert verdicts[1].conforms


def test_offerings_of_a_refused_course_are_refused_with_it(engine: ShaclEngine) -> None:
    records = [_instance("A1", _course_iri("A")), _instance("B1", _course_iri("B"))]
    verdicts = RecordValidator(engine, CONTEXT).judge(records, collect_types([_course("A"), _course("B")]))
    assert all(verdict.conforms for verdict in verdicts)
    orphan, kept = refuse_orphans(verdicts, {_course_iri("A")})
    assert _violations(orphan) == [(f"<{records[0].iri}>", f"<{ELM}learningAchievementSpecification>", "Class")]
    assert len(orphan.results) == len(verdicts[0].results) + 1
    assert kept == verdicts[1]


def test_values_made_focus_nodes_by_other_shapes_come_to_the_record_that_has_them(tmp_path: Path) -> None:
    file = tmp_path / "titles.ttl"
    file.write_text(
        f"@prefix sh: <{SH}> . <urn:s> a sh:NodeShape ; sh:targetObjectsOf <{DCTERMS}description> ; sh:maxLength 7 ."
    )
    for name in ENGINES:
        verdicts = RecordValidator(load_engine(name, [file]), "").judge([_course("A"), _course("LONG")])
        assert [len(verdict.results) for verdict in verdicts] == [0, 1]
        assert verdicts[1].results[0].focus_node == '"About LONG"@en'


def test_any_data_is_validated_with_concepts_and_subclasses_but_no_institution(engine: ShaclEngine) -> None:
    assert [r for r in validate_data(_course("A").ntriples, engine) if r.severity == "violation"] == []
    offering = validate_data(_course("A").ntriples + _instance("A1", _course_iri("A")).ntriples, engine)
    assert [r.path for r in offering if r.severity == "violation"] == [f"<{ELM}providedBy>"]


def test_results_about_blank_nodes_name_the_node_that_leads_to_them(engine: ShaclEngine) -> None:
    data = (
        f"<urn:course> <{ELM}learningOutcome> _:a .\n_:a <{ELM}additionalNote> _:b .\n"
        f"_:b <{RDF}type> <{ELM}LearningOutcome> .\n_:c <{RDFS}seeAlso> _:c .\n"
        f"_:c <{RDF}type> <{ELM}LearningOutcome> .\n"
    )
    found = {result.focus_node: result.record for result in validate_data(data, engine)}
    assert found == {"_:b": "urn:course", "_:c": None}


def test_an_empty_batch_is_no_error(engine: ShaclEngine) -> None:
    assert RecordValidator(engine, CONTEXT).judge([]) == []


class _CountingEngine:
    """A real engine that counts how often it is asked."""

    name = "shacl"

    def __init__(self) -> None:
        self._engine = load_engine("shacl")
        self.shapes = self._engine.shapes
        self.calls = 0

    def validate(self, data: str) -> tuple[Result, ...]:
        self.calls += 1
        return self._engine.validate(data)


def test_a_batch_takes_few_calls_of_the_engine() -> None:
    engine = _CountingEngine()
    validator = RecordValidator(engine, CONTEXT)
    engine.calls = 0
    verdicts = validator.judge([_course(str(number)) for number in range(300)])
    assert engine.calls == 3
    assert [verdict.record.key for verdict in verdicts] == [str(number) for number in range(300)]
