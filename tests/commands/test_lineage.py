"""`qlink-ld lineage`: a mapping is asked, without a release."""

import json

from click.testing import CliRunner

from qlink_ld.commands import GOOD, NO
from qlink_ld.commands.lineage import lineage_command
from qlink_ld.namespaces import ELM


def ask(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(lineage_command, [*arguments], standalone_mode=False)
    return (result.return_value, result.stdout)


def test_a_property_leads_to_field_and_file() -> None:
    code, text = ask("ooapi-5", "--property", "elm:creditPoint")
    assert code == GOOD
    assert "courses.studyLoad.value" in text
    assert "common/rules/credits.rq" in text


def test_a_field_leads_to_properties_as_json() -> None:
    code, text = ask("ooapi-5", "--field", "courses.studyLoad", "--json")
    assert code == GOOD
    found = json.loads(text)
    assert f"{ELM}creditPoint" in {entry["property"] for entry in found}
    assert {entry["file"].split("/")[0] for entry in found} == {"common"}


def test_a_class_narrows_a_property_down() -> None:
    _, text = ask("ooapi-5", "--property", "dcterms:title", "--class", "elm:LearningOutcome", "--json")
    assert {entry["field"] for entry in json.loads(text)} == {
        "courses.learningOutcomes", "programs.learningOutcomes", "organizations.learningOutcomes",
    }  # fmt: skip


def test_what_is_not_there_is_no() -> None:
    assert ask("ooapi-5", "--property", "elm:nothing")[0] == NO
    assert ask("ooapi-5", "--field", "nothing", "--json") == (NO, "[]\n")
