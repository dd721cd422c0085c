"""The whole way: `qlink-ld demo`, then the other commands on the data folder that it leaves."""

import gzip
import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pyoxigraph import Literal, NamedNode, Quad, RdfFormat, parse

from qlink_ld.demo.faults import BROKEN_PAGE_ITEMS, FAULTS, NUMERIC_ID, PUBLISHED, Fault
from qlink_ld.demo.universities import NORDHAIN, UNIVERSITIES
from qlink_ld.namespaces import DCTERMS, ELM, QL, REPORT, SH, SKOS
from qlink_ld.publish.gzip_text import GzipWriter

GRAPHS = "http://localhost:8080/graphs/institutions/"
NOTATION = f"<{SKOS}notation>"
LINE = re.compile(
    r"(?P<id>\S+) +(?P<status>\w+) +harvested=(?P<harvested>\d+) published=(?P<published>\d+) "
    r"refused=(?P<refused>\d+) warnings=(?P<warnings>\d+) seconds=(?P<seconds>\d+\.\d)  (?P<name>.+)"
)
COUNTS = f"""
SELECT ?graph (COUNT(DISTINCT ?course) AS ?courses) (COUNT(DISTINCT ?offering) AS ?offerings) {{
  GRAPH ?graph {{
    ?course a <{QL}LearningOpportunitySpecification> .
    OPTIONAL {{ ?offering a <{QL}LearningOpportunityInstance> ; <{ELM}learningAchievementSpecification> ?course }}
  }}
}} GROUP BY ?graph ORDER BY ?graph
"""


@dataclass(frozen=True)
class Demo:
    """What a demo printed and left."""

    folder: Path
    process: subprocess.CompletedProcess[str]

    @property
    def lines(self) -> list[dict[str, str]]:
        return [found.groupdict() for line in self.process.stdout.splitlines() if (found := LINE.fullmatch(line))]


def qlink(*arguments: str | Path, stdin: str = "", cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "qlink_ld", *map(str, arguments)]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=120, cwd=cwd)


def run_demo(folder: Path, *options: str) -> Demo:
    return Demo(folder, qlink("demo", "--once", "--data", folder, *options, cwd=folder.parent))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """One demo; nobody may change its folder."""
    return run_demo(tmp_path_factory.mktemp("demo") / "data")


def read_quads(file: Path) -> list[Quad]:
    return list(parse(gzip.decompress(file.read_bytes()), format=RdfFormat.N_QUADS))


def select(folder: Path, query: str) -> list[list[str]]:
    answer = qlink("query", "-", "--data", folder, "--format", "tsv", stdin=query)
    assert answer.returncode == 0, answer.stderr
    return [line.split("\t") for line in answer.stdout.splitlines()[1:]]


def test_it_prints_one_line_per_institution_and_a_summary(demo: Demo) -> None:
    assert demo.process.returncode == 1  # some records were refused
    assert "Traceback" not in demo.process.stderr
    assert not re.search(r"^X\w\d{4}: ", demo.process.stderr, re.MULTILINE)  # no institution failed or was held
    *lines, summary = demo.process.stdout.splitlines()
    assert all(LINE.fullmatch(line) for line in lines)
    assert {line["id"]: line["name"] for line in demo.lines} == {u.id: u.name for u in UNIVERSITIES}
    published, instances = (sum(numbers) for numbers in zip(*PUBLISHED.values(), strict=True))
    refused = sum(fault.outcome == "refused" for fault in FAULTS)
    said = f"{published} learning opportunities published with {instances} instances, {refused} refused, "
    assert summary.startswith(f"{len(UNIVERSITIES)} institutions: {said}")
    assert re.search(r"; release \d{8}T\d{6}Z; \d+\.\d s$", summary)


def test_printed_numbers_are_those_of_the_faults(demo: Demo) -> None:
    for line in demo.lines:
        refused = sum(fault.institution == line["id"] and fault.outcome == "refused" for fault in FAULTS)
        assert line["status"] == "published"
        assert int(line["published"]) == PUBLISHED[line["id"]][0]
        assert int(line["refused"]) == refused
        assert int(line["harvested"]) == int(line["published"]) + refused


def test_the_endpoint_counts_exactly_what_is_published(demo: Demo) -> None:
    rows = select(demo.folder, COUNTS)
    expected = [[f"<{GRAPHS}{name}>", str(c), str(o)] for name, (c, o) in sorted(PUBLISHED.items())]
    assert rows == expected


def test_the_release_tells_the_same_counts(demo: Demo) -> None:
    info = json.loads((demo.folder / "current" / "release.json").read_bytes())
    graphs = {iri: (graph["specifications"], graph["instances"]) for iri, graph in info["graphs"].items()}
    assert {name: graphs[GRAPHS + name] for name in PUBLISHED} == PUBLISHED
    assert {
        entry["institution"]: (entry["published"], entry["instances"]) for entry in info["institutions"]
    } == PUBLISHED
    whole = gzip.decompress((demo.folder / "current" / "dumps" / "all.nq.gz").read_bytes())
    assert whole.count(b"\n") == info["quads"] == int(select(demo.folder, "SELECT (COUNT(*) AS ?n) {?s ?p ?o}")[0][0])


def test_courses_are_described_in_at_least_five_languages(demo: Demo) -> None:
    rows = select(demo.folder, f"SELECT DISTINCT (LANG(?t) AS ?l) {{ ?c a <{QL}LearningOpportunitySpecification> ; "
                  f"<{DCTERMS}title> ?t }}")  # fmt: skip
    assert {row[0].strip('"') for row in rows} >= {"de", "el", "en", "es", "fr", "it", "nl", "pl", "pt", "ro", "sl"}


@pytest.mark.parametrize("folder", ["graphs", "refused"])
def test_files_are_sorted_deterministic_and_without_blank_nodes(demo: Demo, folder: str, tmp_path: Path) -> None:
    files = sorted((demo.folder / folder).iterdir())
    assert [file.name for file in files] == [f"{name}.nq.gz" for name in sorted(PUBLISHED)]
    for file in files:
        data = gzip.decompress(file.read_bytes())
        lines = data.splitlines(keepends=True)
        assert lines == sorted(set(lines))
        assert not any(line.startswith(b"_:") or b" _:" in re.sub(rb'"(\\.|[^"\\])*"', b"", line) for line in lines)
        again = tmp_path / file.name
        with again.open("wb") as stream:
            writer = GzipWriter(stream)
            writer.write(data)
            writer.close()
        assert again.read_bytes() == file.read_bytes()  # no name and no time in the gzip header


def find_reasons(demo: Demo, institution: str) -> dict[str, set[str]]:
    """Messages of the report by record: of violations, and of issues."""
    quads = list(parse(path=demo.folder / "reports" / f"{institution}.ttl", format=RdfFormat.TURTLE))
    records = {q.subject: q.object.value for q in quads if q.predicate.value == f"{REPORT}record"}
    severe = {q.subject for q in quads if q.object == NamedNode(f"{SH}Violation")}
    reasons: dict[str, set[str]] = {}
    for quad in quads:
        if quad.predicate.value in (f"{SH}resultMessage", f"{DCTERMS}description") and quad.subject in records:
            assert isinstance(quad.object, Literal)
            if quad.subject in severe:
                reasons.setdefault(records[quad.subject], set()).add(quad.object.value)
    return reasons


def find_courses(file: Path, fault: Fault) -> list[str]:
    """The learning opportunities that carry the fault's code."""
    courses = set()
    for quad in read_quads(file):
        if quad.predicate.value == f"{SKOS}notation" and quad.object == Literal(fault.key):
            assert isinstance(quad.subject, NamedNode)
            courses.add(quad.subject.value.partition("#")[0])
    return sorted(courses)


REFUSED_BECAUSE = {
    "DEMO-NO-TITLE": "has no title. Give a title",
    "DEMO-ISCED-9876": "has no field of education. Give the ISCED-F code",
    "DEMO-FOREIGN": "names another institution as its provider. A university may publish its own",
    "DEMO-LEVEL": "has no EQF level. Give the level",
    "DEMO-NUMERIC-ID": f"has {NUMERIC_ID} as identifier, which is not a text",
    "DEMO-NO-EQF": "has no EQF level. Give the level",
    "DEMO-DATE": "dcterms:modified",
    "DEMO-NO-OUTCOME": "has no learning outcome. Describe at least one",
    "DEMO-DANGLING": "is not described in the data as a learning outcome",
    "DEMO-DEGREE": "has no EQF level. Give the level",
    "DEMO-NO-ID": "has no identifier ('sourcedId'); it is refused",
    "DEMO-NO-LEVEL": "has no EQF level. Give the level",
    "DEMO-NO-ISCED": "has no field of education. Give the ISCED-F code",
    "DEMO-LANGUAGE": "has no language. Give at least one language",
    "DEMO-TWO-LEVELS": "EQF level",
    "L-FLO": "has no learning outcome. Describe at least one",
    "L-ARQ": "has no learning outcome. Describe at least one",
    "M-TER": "has no learning outcome. Describe at least one",
}
UNMAPPED = {
    "DEMO-NUMERIC-ID": f'<{DCTERMS}identifier> "{NUMERIC_ID}"',
    "DEMO-NO-ID": "/courseTemplates?limit=500&offset=0 item ",
}


@pytest.mark.parametrize(
    "fault",
    [fault for fault in FAULTS if fault.outcome == "refused"],
    ids=lambda fault: f"{fault.institution} {fault.key}",
)
def test_what_is_refused_is_kept_with_its_reason(demo: Demo, fault: Fault) -> None:
    assert not find_courses(demo.folder / "graphs" / f"{fault.institution}.nq.gz", fault)
    if fault.key in UNMAPPED:  # it has no IRI: its place among the refused tells it all
        refused = gzip.decompress((demo.folder / "refused" / f"{fault.institution}.nq.gz").read_bytes()).decode()
        assert REFUSED_BECAUSE[fault.key] in refused
        assert UNMAPPED[fault.key] in refused
        report = json.loads((demo.folder / "reports" / f"{fault.institution}.json").read_bytes())
        messages = {issue["message"] for issue in report["issues"] if issue["severity"] == "violation"}
    else:
        (course,) = find_courses(demo.folder / "refused" / f"{fault.institution}.nq.gz", fault)
        messages = find_reasons(demo, fault.institution)[course]
    assert any(REFUSED_BECAUSE[fault.key] in message for message in messages), messages


def test_nothing_else_is_refused(demo: Demo) -> None:
    for name in PUBLISHED:
        types = [
            str(quad.subject)[1:-1]
            for quad in read_quads(demo.folder / "refused" / f"{name}.nq.gz")
            if quad.object == NamedNode(f"{QL}LearningOpportunitySpecification")
        ]
        refused = [f for f in FAULTS if f.institution == name and f.outcome == "refused" and f.key not in UNMAPPED]
        assert len(types) == len(refused)
        assert set(types) <= find_reasons(demo, name).keys()


@pytest.mark.parametrize(
    ("key", "code", "part"),
    [
        ("DEMO-UNIT", "unmapped-value", "6 cfu"),
        ("DEMO-COUNT", "invalid-value", "60.5"),
        ("DEMO-NO-LANGUAGE", "text-without-language", "Database"),
        ("DEMO-ISCED-9876", "unmapped-value", "9876"),
        ("DEMO-LEVEL", "unmapped-value", "lifelong"),
    ],
)
def test_what_is_wrong_with_a_value_is_reported(demo: Demo, key: str, code: str, part: str) -> None:
    fault = next(fault for fault in FAULTS if fault.key == key)
    folder = "graphs" if fault.outcome == "published" else "refused"
    (course,) = find_courses(demo.folder / folder / f"{fault.institution}.nq.gz", fault)
    issues = json.loads((demo.folder / "reports" / f"{fault.institution}.json").read_bytes())["issues"]
    assert any(
        issue["code"] == code and (issue["record"] or "").startswith(course) and part in issue["value"]
        for issue in issues
    )


def test_unknown_fields_and_the_broken_page_are_reported(demo: Demo) -> None:
    report = json.loads((demo.folder / "reports" / "XB0001.json").read_bytes())
    unmapped = {field["path"] for field in report["fields"] if field["outcome"] == "unmapped"}
    assert unmapped == {"remark", "sustainabilityGoals"}
    (page,) = [issue for issue in report["issues"] if issue["code"] == "page-unreadable"]
    assert "/ooapi/v5/courses?pageNumber=6" in page["message"]
    assert "not JSON" in page["message"]
    assert BROKEN_PAGE_ITEMS == 5


@pytest.mark.parametrize(
    ("institution", "code", "part"),
    [
        ("XE0001", "unmapped-value", "seis créditos"),
        ("XE0001", "instance-without-parent", "DEMO-ORPHAN"),
        ("XF0001", "single-absent", "lists a course but does not answer with it"),
        ("XG0001", "several-levels", "from 6 to 7; the lowest is taken"),
        ("XG0001", "unmapped-value", "xx"),
        ("XJ0001", "unmapped-value", "Seniorenstudium"),
        ("XJ0001", "invalid-value", "nach Vereinbarung"),
        ("XJ0001", "invalid-value", "31.02.2027"),
        ("XK0001", "unmapped-value", "Pós-graduação"),
        ("XK0001", "invalid-value", "muitas"),
        ("XL0001", "unmapped-value", "H"),
        ("XM0001", "unmapped-value", "DU"),
        ("XM0001", "invalid-value", "fin septembre"),
    ],
)
def test_what_is_wrong_in_the_other_formats_is_reported(demo: Demo, institution: str, code: str, part: str) -> None:
    issues = json.loads((demo.folder / "reports" / f"{institution}.json").read_bytes())["issues"]
    assert any(
        issue["code"] == code and part in f"{issue['message']} {issue['value']} {issue['record']}" for issue in issues
    )


def test_what_a_source_takes_back_is_neither_published_nor_refused(demo: Demo) -> None:
    left_out = [fault for fault in FAULTS if fault.outcome == "left out"]
    assert {fault.key for fault in left_out} == {"DEMO-DELETED", "DEMO-ORPHAN", "DEMO-OLD", "DEMO-CLOSED"}
    for fault in left_out:
        for folder in ("graphs", "refused"):
            assert not find_courses(demo.folder / folder / f"{fault.institution}.nq.gz", fault)


def test_what_violates_is_published_where_the_institution_wants_it(demo: Demo) -> None:
    report = json.loads((demo.folder / "reports" / "XE0001.json").read_bytes())
    counts = {
        row["path"].rpartition("/")[2]: row["count"]
        for row in report["result_counts"]
        if row["severity"] == "violation"
    }
    assert counts == dict.fromkeys(("ISCEDFCode>", "learningOutcome>"), report["published"])


def test_unfaulty_universities_have_nothing_to_report(demo: Demo) -> None:
    report = json.loads((demo.folder / "reports" / f"{NORDHAIN.id}.json").read_bytes())
    assert (report["refused"], report["issues"], report["result_counts"]) == (0, [], [])


def test_a_second_demo_in_the_same_folder_makes_no_new_release(demo: Demo, tmp_path: Path) -> None:
    shutil.copytree(demo.folder, tmp_path / "data", symlinks=True)
    again = run_demo(tmp_path / "data")
    assert again.process.returncode == 1
    assert "nothing changed, no new release" in again.process.stdout
    releases = [[file.name for file in (folder / "releases").glob("2*")] for folder in (demo.folder, again.folder)]
    assert releases[0] == releases[1]


@pytest.fixture(scope="module")
def mapped_again(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The demo's folder without the graphs made of its snapshots, and what `run --offline --full --json` said."""
    folder = tmp_path_factory.mktemp("again") / "data"
    shutil.copytree(demo.folder, folder, symlinks=True)
    for name in ("graphs", "refused"):  # the reports know what the manifests said
        shutil.rmtree(folder / name)
    run = qlink("run", "--offline", "--full", "--json", "--data", folder)
    assert run.returncode == 1, run.stderr
    return folder, json.loads(run.stdout)


def test_mapping_the_snapshots_again_gives_the_same_bytes(
    demo: Demo, mapped_again: tuple[Path, dict[str, Any]]
) -> None:
    folder, summary = mapped_again
    files = [file.relative_to(demo.folder) for file in demo.folder.glob("*/*.nq.gz")]
    assert len(files) == 2 * len(UNIVERSITIES)
    for file in files:
        assert (folder / file).read_bytes() == (demo.folder / file).read_bytes()
    counts = {r["institution"]: (r["published"], r["instances"]) for r in summary["institutions"]}
    assert counts == PUBLISHED


def test_releases_are_listed_taken_back_and_removed(mapped_again: tuple[Path, dict[str, Any]]) -> None:
    folder, summary = mapped_again
    second = summary["release"]
    listed = qlink("release", "list", "--data", folder).stdout.splitlines()
    assert [line.split()[0] for line in listed] == [second, min(line.split()[0] for line in listed)]
    assert listed[0].endswith("current")
    first = listed[1].split()[0]
    assert qlink("release", "rollback", first, "--data", folder).stdout == f"current is now {first}\n"
    assert len(select(folder, COUNTS)) == len(UNIVERSITIES)
    assert qlink("release", "rollback", second, "--data", folder).stdout == f"current is now {second}\n"
    assert qlink("release", "prune", "--keep", "1", "--data", folder).stdout == f"removed {first}\n"
    unknown = qlink("release", "rollback", first, "--data", folder)
    assert unknown.returncode == 3
    assert f"there is no release '{first}'" in unknown.stderr
    assert len(select(folder, COUNTS)) == len(UNIVERSITIES)


def test_any_number_of_courses_can_be_generated(tmp_path: Path) -> None:
    demo = run_demo(tmp_path / "data", "--scale", "300")
    assert demo.process.returncode == 0, demo.process.stdout + demo.process.stderr
    assert sum(int(line["published"]) for line in demo.lines) == 300
    assert [row[1:] for row in select(demo.folder, COUNTS)] == [["150", "300"], ["150", "300"]]
