"""Mapping folders: what is wrong in one is said with file and member."""

from collections.abc import Callable
from pathlib import Path

import pytest

from qlink_ld.errors import BrokenMapping, UnknownMapping
from qlink_ld.mapping.folder import bundled_names, find_mapping, load_mapping
from qlink_ld.model import DataSource

GOOD = """
name = "mine"
title = "My university"
match = { type = "json" }
context = "context.jsonld"

[[resource]]
name = "courses"
identifier = "id"
class = ["elm:LearningAchievementSpecification"]
"""
Write = Callable[[str], str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    (tmp_path / "context.jsonld").write_text('{"@context": {"elm": "http://data.europa.eu/snb/model/ontology/"}}')

    def run(text: str) -> str:
        (tmp_path / "mapping.toml").write_text(text, encoding="utf-8")
        load_mapping.cache_clear()
        return str(tmp_path)

    return run


def test_a_good_folder_is_read(write: Write) -> None:
    mapping = load_mapping(write(GOOD))
    assert (mapping.name, mapping.source_type, mapping.source_version) == ("mine", "json", None)
    assert [resource.name for resource in mapping.resources] == ["courses"]


def test_an_unknown_mapping_lists_the_bundled_ones() -> None:
    with pytest.raises(UnknownMapping, match="unknown mapping 'ooapi-7'") as raised:
        load_mapping("ooapi-7")
    assert all(name in str(raised.value) for name in bundled_names())
    with pytest.raises(UnknownMapping, match="/absent"):
        load_mapping("/absent/folder")


@pytest.mark.parametrize(
    ("type_", "version", "expected"),
    [("ooapi", "5", "ooapi-5"), ("ooapi", "5.0.1", "ooapi-5"), ("elm", "3.1", "elm"), ("elm", None, "elm")],
)
def test_type_and_major_version_select_the_mapping(type_: str, version: str | None, expected: str) -> None:
    assert find_mapping(DataSource("s", type_, "https://x.example/", version)).name == expected


def test_a_source_without_mapping_says_what_there_is() -> None:
    with pytest.raises(UnknownMapping, match="no mapping for sources of type 'ooapi', version 99") as raised:
        find_mapping(DataSource("s", "ooapi", "https://x.example/", "99"))
    assert "Set 'version', or 'mapping' to a folder" in str(raised.value)


def test_a_folder_in_the_current_one_needs_no_path(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(GOOD)
    monkeypatch.chdir(tmp_path.parent)
    assert load_mapping(tmp_path.name).name == "mine"


def test_a_source_can_name_its_mapping(write: Write) -> None:
    folder = write(GOOD)
    assert find_mapping(DataSource("s", "json", "https://x.example/", mapping=folder)).name == "mine"


RESOURCE = '[[resource]]\nname = "courses"\nidentifier = "id"\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name = ", "mapping.toml: "),
        ('name = "x"', "the file lacks 'match'"),
        (GOOD + 'colour = "red"', r"\[\[resource\]\] has an unknown member 'colour'; allowed: "),
        ('colour = "red"\n' + GOOD, "the file has an unknown member 'colour'; allowed: "),
        (GOOD.replace('match = { type = "json" }', 'match = "json"'), "match must be a table"),
        (GOOD.replace('{ type = "json" }', "{ version = 5 }"), "match lacks 'type'"),
        (GOOD.replace('name = "mine"', "name = 5"), "'name' must be text"),
        (GOOD.replace('class = ["elm:LearningAchievementSpecification"]', ""), r"\[\[resource\]\] lacks 'class'"),
        (GOOD.replace('context = "context.jsonld"', ""), r"\[\[resource\]\] courses has no 'context' file"),
        (GOOD.replace("context.jsonld", "absent.jsonld"), "absent.jsonld: cannot read"),
        (GOOD + '[resource.children]\nresource = "x"', r"\[resource.children\] lacks 'identifier'"),
        (GOOD + '[resource.nodes]\nid = { kind = "x" }', r"\[nodes\] id has an unknown member 'kind'"),
        (GOOD + "[nodes]\nid = 5", r"\[nodes\] id must be a table"),
        (GOOD + '[references]\nid = { resource = "courses" }', r"\[references\] id lacks 'identifier'"),
        (GOOD + '[[join]]\nkey = "x"', r"\[\[join\]\] lacks 'identifier'"),
        (GOOD + "[[join]]\nresource = 'x'\nidentifier = 'y'\ntake = []", r"\[\[join\]\] lacks 'key'"),
        (GOOD + "[join]\nkey = 'x'", r"'join' must be a list of tables: write \[\[join\]\]"),
        (GOOD + "[datatypes]\n'x' = 'xsd:colour'", r"\[datatypes\] x: unknown datatype xsd:colour"),
        (GOOD.replace("[[resource]]", 'common = ["absent"]\n[[resource]]'), "there is no common rule 'absent'"),
        (GOOD.replace("[[resource]]", "ignore = ['x']\n[[resource]]"), "'ignore' must be a table"),
        (GOOD + "[ignore]\nx = 5", r"\[ignore\] x must be text"),
        (GOOD.replace("[[resource]]", "[resource]"), r"'resource' must be a list of tables: write \[\[resource\]\]"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_member(write: Write, text: str, words: str) -> None:
    folder = write(text)
    with pytest.raises(BrokenMapping, match=words) as raised:
        load_mapping(folder)
    assert folder in str(raised.value)


def test_a_broken_rule_breaks_its_mapping(write: Write, tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules/bad.rq").write_text("CONSTRUCT {")
    with pytest.raises(BrokenMapping, match=r"rules/bad\.rq: not a SPARQL query"):
        load_mapping(write(GOOD))
