"""Reports for people and machines."""

import json

import pytest
from pyoxigraph import RdfFormat, Store

from qlink_ld.model import Result
from qlink_ld.namespaces import DCTERMS, ELM, QL, RDF, SH
from qlink_ld.validate.engine import load_engine
from qlink_ld.validate.records import validate_data
from qlink_ld.validate.report import find_titles, render_json, render_text, render_turtle, summarise

COURSE = "https://university.example/course"
DATA = (
    f"<{COURSE}> <{RDF}type> <{QL}LearningOpportunitySpecification> .\n"
    f'<{COURSE}> <{DCTERMS}title> "Databanken \\"intro\\""@nl .\n'
    f'<{COURSE}> <{DCTERMS}title> "Databases"@en .\n'
    f'<{COURSE}> <{ELM}isPartOf> "a programme" .\n'
    f"<{COURSE}> <{ELM}learningOutcome> _:outcome .\n"
    f"_:outcome <{RDF}type> <{ELM}LearningOutcome> .\n"
)


@pytest.fixture(scope="module")
def results() -> tuple[Result, ...]:
    return validate_data(DATA, load_engine("shacl"))


def _result(focus: str, message: str = "Wrong.", **others: str) -> Result:
    return Result(
        f"<{focus}>", f"<{DCTERMS}title>", "MinCountConstraintComponent", "violation", None, message, **others
    )


def test_the_text_says_which_record_which_field_what_was_found_and_what_to_do(results: tuple[Result, ...]) -> None:
    text = render_text(results, load_engine("shacl").shapes, DATA)
    lines = text.splitlines()
    assert lines[0] == f"{COURSE}  “Databases”"
    assert (
        "  violation: EQF level: This learning opportunity has no EQF level. Give the level, such as "
        "http://data.europa.eu/snb/eqf/6 for a bachelor's course or http://data.europa.eu/snb/eqf/7 for a master's "
        "course (elm:EQFLevel)."
    ) in lines
    whole = next(number for number, line in enumerate(lines) if "larger learning opportunity" in line)
    assert lines[whole + 1] == '    found: "a programme"'
    outcome = next(number for number, line in enumerate(lines) if "This learning outcome has no title" in line)
    assert lines[outcome + 1] == "    at: _:outcome"
    assert lines[-1].startswith("Does not conform: 6 violations, 3 warnings, 2 hints in 1 record.")
    severities = [line.split(":")[0].strip() for line in lines if line.startswith("  ") and line[2] != " "]
    assert severities == sorted(severities, key=["violation", "warning", "hint"].index)


def test_the_text_can_be_limited_but_its_counts_are_whole() -> None:
    text = render_text([_result(f"urn:{number}") for number in range(5)], load_engine("shacl").shapes, limit=2)
    assert text.count("violation: dcterms:title: Wrong.") == 2
    assert "… and 3 more with results." in text
    assert text.endswith("Does not conform: 5 violations in 5 records.\n")


def test_the_text_of_no_results_is_good_news() -> None:
    assert render_text((), load_engine("shacl").shapes) == "Conforms: nothing to correct.\n"


def test_field_names_are_found_where_property_shapes_have_no_iri(tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("shapes") / "shapes.ttl"
    file.write_text(
        f"@prefix sh: <{SH}> . <urn:s> a sh:NodeShape ; sh:targetNode <urn:n> ; sh:property "
        f'[ sh:path <{DCTERMS}title> ; sh:minCount 1 ; sh:name "title"@en , "titel"@nl ; sh:description "d" ] .'
    )
    engine = load_engine("shacl", [file])
    (result,) = engine.validate("")
    assert result.shape == "<urn:s>"
    assert "violation: title: There are not enough" in render_text([result], engine.shapes)


def test_json_holds_counts_and_every_result(results: tuple[Result, ...]) -> None:
    document = json.loads(render_json(results, load_engine("shacl").shapes, DATA))
    assert document["conforms"] is False
    assert document["counts"] == {"violation": 6, "warning": 3, "info": 2}
    assert len(document["results"]) == len(results)
    part = next(entry for entry in document["results"] if entry["value"])
    assert part == {
        "record": COURSE,
        "title": "Databases",
        "focus_node": f"<{COURSE}>",
        "field": "larger learning opportunity",
        "path": f"<{ELM}isPartOf>",
        "value": '"a programme"',
        "severity": "violation",
        "component": "ClassConstraintComponent",
        "message": part["message"],
        "shape": "<urn:qlink-ld:shapes:LearningOpportunitySpecification-whole-kind>",
    }


def test_turtle_is_a_validation_report_of_the_w3c(results: tuple[Result, ...]) -> None:
    turtle = render_turtle(results)
    assert turtle == render_turtle(results)
    store = Store()
    store.load(turtle.encode(), format=RdfFormat.TURTLE)
    query = f"""PREFIX sh: <{SH}> SELECT (COUNT(?r) AS ?n) {{
        ?report a sh:ValidationReport ; sh:conforms false ; sh:result ?r .
        ?r a sh:ValidationResult ; sh:focusNode ?f ; sh:resultPath ?p ; sh:resultSeverity ?s ;
           sh:sourceShape ?shape ; sh:sourceConstraintComponent ?c ; sh:resultMessage ?m }}"""
    answer = list(store.query(query))  # type: ignore[arg-type]
    assert answer[0]["n"].value == str(len(results))
    assert "sh:conforms true" in render_turtle(())


def test_results_of_one_kind_are_counted_together_commonest_first() -> None:
    many = [_result(f"urn:{number}", record=f"urn:{number}") for number in (3, 1, 2)]
    summary = summarise([_result("urn:9", "Rare."), *many])
    assert [(kind["message"], kind["count"]) for kind in summary] == [("Wrong.", 3), ("Rare.", 1)]
    assert (summary[0]["focus_node"], summary[0]["record"]) == ("<urn:1>", "urn:1")
    assert json.loads(json.dumps(summary)) == list(summary)


def test_titles_are_english_first_and_unescaped() -> None:
    assert find_titles(DATA, [COURSE, "urn:none"]) == {COURSE: "Databases"}
    dutch = "".join(line for line in DATA.splitlines(keepends=True) if "@en" not in line)
    assert find_titles(dutch, [COURSE]) == {COURSE: 'Databanken "intro"'}
