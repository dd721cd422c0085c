"""Records of a university's own documents: where they are, what they take along, what belongs to them."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from qlink_ld.errors import BrokenMapping, UnknownMapping, UnreadableData
from qlink_ld.mapping import Account, Document, JsonMapper, find_mapping, load_mapping
from qlink_ld.mapping import selection as selections
from qlink_ld.model import DataSource, Institution, Record, Refusal
from qlink_ld.namespaces import Iris

HEAD = """
name = "own"
title = "A university's own"
match = { type = "%s" }
context = "context.jsonld"
"""
COURSES = """
[[resource]]
name = "courses"
class = ["ql:LearningOpportunitySpecification"]
"""
CHILDREN = """
[resource.children]
key = "groups"
class = ["ql:LearningOpportunityInstance"]
"""
CONTEXT = """{"@context": ["../common/context.jsonld", {
  "title": {"@id": "dcterms:title", "@language": "en"},
  "unit": "elm:category", "year": "ql:version", "term": "skos:prefLabel", "termId": "@nest",
  "programme": "elm:isPartOf",
  "groups": {"@id": "elm:learningOpportunity", "@context": {"size": "ql:enrolmentCapacity"}}
}]}"""


@dataclass(frozen=True, slots=True)
class Mapped:
    reads: list[str]
    records: dict[str, Record]
    refusals: list[Refusal]
    account: Account

    def says(self, key: str, text: str) -> bool:
        return text in self.records[key].ntriples

    @property
    def codes(self) -> dict[str, int]:
        return {issue.code: issue.count for issue in self.account.issues}

    @property
    def fields(self) -> dict[tuple[str, str], int]:
        out: dict[tuple[str, str], int] = {}
        for use in self.account.fields:
            key = (use.path, use.outcome)
            out[key] = out.get(key, 0) + use.count
        return out


Run = Callable[..., Mapped]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return a function: members of mapping.toml and documents → what becomes of them."""

    def convert(toml: str, *documents: Any, kind: str = "json") -> Mapped:
        (tmp_path / "mapping.toml").write_text(HEAD % kind + toml, encoding="utf-8")
        (tmp_path / "context.jsonld").write_text(CONTEXT, encoding="utf-8")
        load_mapping.cache_clear()
        account = Account("own")
        mapper = JsonMapper(
            load_mapping(str(tmp_path)), Institution("XX1", "X"), Iris("https://e.example/"), account, date(2026, 1, 1)
        )
        bodies = [doc if isinstance(doc, bytes) else json.dumps(doc).encode() for doc in documents]
        reads: list[str] = []

        def read(name: str, body: bytes) -> bytes:
            reads.append(name)
            return body

        names = [f"file {number}" for number in range(1, len(bodies) + 1)]
        pages = [Document("data", n, partial(read, n, body)) for n, body in zip(names, bodies, strict=True)]
        entries = [entry for batch in mapper.map_documents(pages) for entry in batch]
        records = {entry.iri.partition("courses/XX1/")[2]: entry for entry in entries if isinstance(entry, Record)}
        return Mapped(reads, records, [entry for entry in entries if isinstance(entry, Refusal)], account)

    return convert


def test_a_document_may_be_an_object_keyed_by_code(run: Run) -> None:
    done = run(
        COURSES + 'keyed_by = "code"\nidentifier = "code"\n' + CHILDREN + 'within = "options"\nkeyed_by = "no"\n'
        'identifier = "no"\n',
        {"A": {"title": "One", "options": {"1": {"size": 3}, "2": {"size": 4}}}, "B": {"title": "Two"}, "C": 7},
    )
    assert {key: record.instances for key, record in done.records.items()} == {"A": 2, "B": 0}
    assert done.says("A", "<https://e.example/courses/XX1/A/instances/2>")
    assert [(refusal.position, refusal.issue.code) for refusal in done.refusals] == [
        ("file 1 at C", "record-unreadable")
    ]
    assert done.fields["groups.size", "mapped"] == 2


def test_a_record_takes_what_surrounds_it_and_keeps_its_own(run: Run) -> None:
    done = run(
        COURSES + 'records = "units.*.courses"\nidentifier = "id"\nouter = { unit = "units.*", year = "year" }\n',
        {"year": "2025", "units": {"math": {"courses": [{"id": "A"}, {"id": "B", "year": "1999"}]}}},
    )
    assert done.says("A", 'version> "2025"')
    assert done.says("A", 'category> "math"')
    assert done.says("B", 'version> "1999"')


def test_several_kinds_of_records_are_read_from_one_document(run: Run) -> None:
    done = run(
        COURSES + 'records = "courses"\nidentifier = "id"\n'
        '[[resource]]\nname = "programmes"\nrecords = "programmes"\nidentifier = "id"\nclass = ["x:P"]\n'
        '[references]\nprogramme = { resource = "programmes", identifier = "id" }\n'
        '[[join]]\nkey = "termId"\nresource = "terms"\nrecords = "terms"\nidentifier = "id"\ntake = ["term"]\n',
        {
            "terms": [{"id": "t1", "term": "Autumn"}],
            "courses": [{"id": "A", "programme": "P", "termId": "t1"}, {"id": "B", "programme": "A", "termId": "t9"}],
            "programmes": [{"id": "P", "title": "All"}, {"id": "A", "title": "With the id of a course"}],
        },
    )
    assert set(done.records) == {"A", "B", "P", "programmes%3AA"}
    assert done.says("A", "seeAlso> <https://e.example/courses/XX1/P>")
    assert done.says("B", "seeAlso> <https://e.example/courses/XX1/programmes%3AA>")
    assert done.says("A", 'prefLabel> "Autumn"')
    assert done.fields["termId", "dropped"] == 1
    assert done.reads == ["file 1"]


def test_documents_that_are_too_many_are_read_again(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selections, "KEPT_BYTES", 1)
    courses = COURSES + 'records = ""\nidentifier = "id"\n'
    done = run(courses, [{"id": "A"}], [{"id": "B"}, {"id": "A"}])
    assert set(done.records) == {"A", "B"}
    assert done.codes == {"record-repeated": 1}
    assert done.reads == ["file 1", "file 2"]


def test_records_with_the_same_identifier_are_parts_of_one(run: Run) -> None:
    done = run(
        COURSES + 'records = "p.c"\nidentifier = "id"\nrepeats = "merge"\ncollect = ["programme"]\n'
        'outer = { programme = "p.code" }\n' + CHILDREN + 'within = "g"\n[references]\n'
        'programme = { resource = "p", identifier = "code" }\n',
        {"p": [{"code": "P1", "c": [{"id": "A", "title": "One", "g": [{"size": 1}]}]}]},
        {"p": [{"code": "P2", "c": [{"id": "A", "title": "Uno", "year": "2", "g": {"size": 2}}, {"title": "No id"}]}]},
    )
    (record,) = done.records.values()
    assert (record.position, record.instances) == ("file 1 at p[1].c[1]", 2)
    assert all(done.says("A", text) for text in ("#programme-P1>", "#programme-P2>", '"One"@en', 'version> "2"'))
    assert not done.says("A", "Uno")
    assert done.says("A", "/instances/2>")  # numbered across the parts
    assert done.codes == {"record-differs": 1, "record-without-identifier": 1}
    assert done.fields["title", "ignored"] == 1
    assert [refusal.position for refusal in done.refusals] == ["file 2 at p[1].c[2]"]


def test_the_first_of_several_can_count(run: Run) -> None:
    done = run(COURSES + 'identifier = "id"\nrepeats = true\n', [{"id": "A", "title": "1"}, {"id": "A", "title": "2"}])
    assert done.says("A", '"1"@en')
    assert not done.codes


def test_of_lists_around_a_record_it_takes_what_matches(run: Run) -> None:
    done = run(
        COURSES + 'records = "cds.af"\nidentifier = "id"\nouter = { cycles = "cds.cycle" }\n' + CHILDREN
        + 'within = "cycles"\nidentifier = "code"\nmatch = { code = "cycleCode" }\n',
        {"cds": [
            {"cycle": [{"code": "S1", "size": 1}, {"code": "S2", "size": 2}], "af": [{"id": "A", "cycleCode": "S2"}]},
            {"cycle": {"code": "S1", "size": 9}, "af": {"id": "B", "cycleCode": "S1"}},
        ]},
    )  # fmt: skip
    assert {key: record.instances for key, record in done.records.items()} == {"A": 1, "B": 1}
    assert done.says("A", "/instances/S2> ")
    assert done.says("B", '"9"')


def test_rows_are_groups_of_a_course(run: Run) -> None:
    done = run(
        COURSES + 'identifier = "code"\nrepeats = "merge"\n' + CHILDREN + 'members = ["group", "size"]\n'
        'identifier = "group"\ncopies = ["title"]\n',
        b"code;title;group;size\nA;One;g1;5\nA;One;g2;6\nB;Two;;7\n",
        kind="csv",
    )
    assert {key: record.instances for key, record in done.records.items()} == {"A": 2, "B": 0}
    assert done.records["B"].position == "file 1 line 4"
    assert done.says("A", '/instances/g1> <http://purl.org/dc/terms/title> "One"@en')
    assert done.fields["title", "mapped"] == 2  # of the rows; copies are not counted again
    assert done.fields["size", "unmapped"] == 1  # no group, so it stays with the course


def test_children_in_a_list_of_their_own_name_their_record(run: Run) -> None:
    done = run(
        COURSES + 'records = "courses"\nidentifier = "id"\n' + CHILDREN
        + 'resource = "groups"\nrecords = "groups"\nidentifier = "no"\nparent = "course"\n'
        "[document]\nnumber_ids = true\n",
        {"courses": [{"id": 1}, {"id": 2.0}], "groups": [{"no": 7, "course": 1}, {"no": 8, "course": 2},
                                                        {"no": 9, "course": 3}]},
    )  # fmt: skip
    assert {key: record.instances for key, record in done.records.items()} == {"1": 1, "2": 1}
    assert done.codes == {"instance-without-parent": 1}


def test_xml_is_mapped_by_its_names(run: Run) -> None:
    done = run(
        COURSES + 'records = "course"\nidentifier = "code.value"\n',
        b'<l>\n<course><code system="x">A</code><title>One</title></course>\n<course><title>No</title></course></l>',
        kind="xml",
    )
    assert set(done.records) == {"A"}
    assert done.records["A"].position == "file 1 line 2"
    assert [(refusal.position, refusal.key) for refusal in done.refusals] == [("file 1 line 3", "")]
    assert done.fields["code", "unmapped"] == 3 - 1  # the code and its system; no part twice


def test_an_identifier_is_made_of_parts(run: Run) -> None:
    done = run(COURSES + 'identifier = ["id", "year"]\n', [{"id": "A", "year": 2025}, {"id": "A"}])
    assert set(done.records) == {"A-2025"}
    assert done.fields["year", "mapped"] == 1
    assert ("id-year", "unmapped") not in done.fields
    assert len(done.refusals) == 1


def test_an_identifier_may_have_a_dot_in_its_name(run: Run) -> None:
    done = run(COURSES + 'identifier = "No."\n', b"No.;title\nA;One\n", kind="csv")
    assert set(done.records) == {"A"}
    assert done.fields["No.", "unmapped"] == 1


def test_numbers_are_identifiers_only_where_that_is_said(run: Run) -> None:
    plain = run(COURSES + 'identifier = "id"\n', [{"id": 5}])
    assert "number_ids = true" in plain.refusals[0].issue.message
    allowed = run(
        COURSES + 'identifier = "id"\n[document]\nnumber_ids = true\n', [{"id": 5}, {"id": 6.0}, {"id": True}]
    )
    assert set(allowed.records) == {"5", "6"}


def test_a_path_that_leads_nowhere_and_a_document_that_cannot_be_read_are_told(run: Run) -> None:
    lost = run(COURSES + 'records = "data.courses"\nidentifier = "id"\n', {"data": {}})
    (issue,) = lost.account.issues
    assert (issue.code, issue.severity) == ("page-without-records", "violation")
    assert "There is nothing at 'data.courses'" in issue.message
    assert not run(COURSES + 'records = "data"\nidentifier = "id"\n', {"data": []}).account.issues
    with pytest.raises(UnreadableData, match=r"file 1: not JSON: .*line 1"):
        run(COURSES + 'identifier = "id"\n', b"{")


def test_json_in_another_encoding_is_read_and_told(run: Run) -> None:
    body = json.dumps([{"id": "A", "title": "Größe und Übung, Prüfung und Lösung"}], ensure_ascii=False)
    assert run(COURSES + 'identifier = "id"\n', body.encode("utf-16")).says("A", "Größe")
    done = run(COURSES + 'identifier = "id"\n[document]\nencoding = "latin-1"\n', body.encode("latin-1"))
    assert done.says("A", "Größe")
    assert not done.codes


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        (COURSES + 'identifier = "id"\ncollect = ["x"]\n', "'collect' needs repeats = \"merge\""),
        (COURSES + 'identifier = "id"\nrepeats = "all"\n', "'repeats' is true or \"merge\", not 'all'"),
        (COURSES + 'identifier = "id"\nrecords = 5\n', "'records' must be a path"),
        (COURSES + "identifier = 5\n", "'identifier' must be text"),
        ("[document]\ntype = 'pdf'\n", r"\[document\] type is 'pdf'; allowed: json, xml, csv"),
        ("[document]\ndelimiter = ';'\n", r"\[document\] has an unknown member 'delimiter'"),
        ("[document]\ntype = 'csv'\ndelimiter = ';;'\n", r"\[document\]: 'delimiter' is ';;'"),
        ("[numbers]\ncomma = ','\n", r"\[numbers\] has an unknown member 'comma'"),
        ("[numbers]\ndecimal = 5\n", "'decimal' must be a text, or a list of texts"),
        ("[dates]\nformats = ['%Y']\n", "'%Y' does not say which day it is"),
        ("[values]\ncredits = { spilt = ';' }\n", r"\[values\] credits has an unknown member 'spilt'"),
        ("[values]\ncredits = { digits = 'x' }\n", "'digits' must be a whole number"),
        ("[codes]\nignorecase = true\n", r"\[codes\] has an unknown member 'ignorecase'"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_member(run: Run, tmp_path: Path, toml: str, words: str) -> None:
    with pytest.raises(BrokenMapping, match=words) as raised:
        run(toml)
    assert str(tmp_path) in str(raised.value)


def test_a_source_of_an_own_format_needs_a_mapping_of_its_type(run: Run, tmp_path: Path) -> None:
    run(COURSES + 'identifier = "id"\n')
    with pytest.raises(UnknownMapping, match="set 'mapping' to a folder"):
        find_mapping(DataSource("own", "json", "https://x.example/"))
    with pytest.raises(UnknownMapping, match="is for sources of type 'json', and the source 'own' is of type 'csv'"):
        find_mapping(DataSource("own", "csv", "https://x.example/", mapping=str(tmp_path)))


def test_what_stands_beside_the_records_is_accounted_for(run: Run) -> None:
    lookup = {f"k{number}": {"text": "x"} for number in range(80)}
    done = run(
        COURSES + 'records = "units.*.courses"\nidentifier = "id"\nouter = { unit = "units.*.name" }\n'
        '[ignore]\ncontact = "personal data"\n"data.notes" = "internal"\n',
        {
            "version": 3,
            "contact": {"name": "A"},
            "notes": ["a", "b"],
            "units": {"m": {"name": "Maths", "phone": "1", "courses": [{"id": "A"}]}},
            "modules": [{"id": "M1", "title": "Nobody reads me"}, {"id": "M2"}],
            "lookup": lookup,
        },
    )
    left = {(use.path, use.outcome): use.count for use in done.account.fields if use.resource == "data"}
    assert left == {
        ("version", "unmapped"): 1,
        ("contact", "ignored"): 1,
        ("notes", "ignored"): 2,
        ("units.m.phone", "unmapped"): 1,
        ("modules.id", "unmapped"): 2,
        ("modules.title", "unmapped"): 1,
        ("lookup.*.text", "unmapped"): 80,
    }


def test_what_surrounds_nothing_is_counted_once_however_often_it_is_read(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selections, "KEPT_BYTES", 1)
    toml = COURSES + 'records = "c"\nidentifier = "id"\n'
    done = run(toml + '[[resource]]\nname = "p"\nrecords = "p"\nidentifier = "id"\nclass = ["x:P"]\n',
               {"c": [{"id": "A"}], "p": [], "x": 1}, {"c": [], "p": [{"id": "P"}], "x": [1, 2]})  # fmt: skip
    assert done.fields["x", "unmapped"] == 3
    assert len(done.reads) > 2


def test_an_unread_part_that_is_nested_deeply_is_counted_as_one(run: Run) -> None:
    value: object = "deep"
    for _ in range(200):
        value = {"a": value}
    done = run(COURSES + 'records = "c"\nidentifier = "id"\n', {"c": [], "x": value})
    (use,) = done.account.fields
    assert (use.outcome, use.count) == ("unmapped", 1)
