"""Universities with files of their own: a folder that says what is in them, named in the configuration, no Python."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from qlink_ld.resources import find_resource_dir

COURSE = {
    "title_en": "Databases",
    "level": "BA",
    "field": "0612",
    "languages": "en",
    "credits": "7,5 ECTS",
    "outcomes_en": "design a schema",
    "options": [{"option": "A", "language": "en", "start": "13.10.2025", "end": "6.2.2026"}],
}
ROWS = """Código;Ano;Designação;ECTS;Grau;ISCED;Língua;Resultados;Turma;Avaliada
MAT1;2025;Álgebra;7,5;Licenciatura;541;PT;Resolver sistemas;T1;S
MAT1;2025;Álgebra;7,5;Licenciatura;541;PT;Resolver sistemas;T2;S
"""


@pytest.fixture
def own(deployment: Any) -> Any:
    """A deployment with a copy of each example beside its configuration."""
    for name in ("example-json", "example-csv"):
        shutil.copytree(find_resource_dir("mappings") / name, deployment.folder / f"my-{name}")
    return deployment


def publish(server: HTTPServer, courses: object) -> str:
    server.clear()
    body = json.dumps({"courses": courses, "programmes": []}).encode()
    server.expect_request("/catalogue").respond_with_data(body, content_type="application/json")
    return f'type = "json"\nmapping = "./my-example-json"\npath = "{server.url_for("/catalogue")}"'


def test_a_json_object_keyed_by_code_is_published(own: Any, httpserver: HTTPServer) -> None:
    courses = {"INF-1": COURSE, "INF-2": {**COURSE, "level": "no such level"}, "INF-3": None}
    own.add("LAKE", publish(httpserver, courses), settings='schac = "lake.example"')
    report = own.report("LAKE")
    assert (report.status, report.harvested, report.published, report.refused) == ("published", 3, 1, 2)
    assert report.instances == 1
    graph = own.graph("LAKE")
    assert '/point> "7.5"^^' in graph
    assert "/INF-1/instances/A> " in graph
    assert {"unmapped-value", "record-unreadable"} <= {issue.code for issue in report.issues}
    assert own.report("LAKE").status == "unchanged"


def test_a_changed_mapping_changes_what_is_published(own: Any, httpserver: HTTPServer) -> None:
    own.add("LAKE", publish(httpserver, {"INF-2": {**COURSE, "level": "Grundstufe"}}))
    assert own.report("LAKE").refused == 1
    table = own.folder / "my-example-json" / "tables" / "levels.csv"
    table.write_text(table.read_text() + "Grundstufe,http://data.europa.eu/snb/eqf/6,\n")
    done = own.command("run", "LAKE")  # a process of its own: mappings are read once
    assert done.returncode == 0, done.stderr
    assert own.count("LAKE") == 1


def test_a_table_and_a_document_are_sources_of_one_institution(own: Any, httpserver: HTTPServer) -> None:
    (own.folder / "rows.csv").write_bytes(ROWS.encode("windows-1252"))
    table = 'type = "csv"\nmapping = "./my-example-csv"\npath = "rows.csv"'
    own.add("LAKE", publish(httpserver, {"INF-1": COURSE}), table)
    report = own.report("LAKE")
    assert (report.published, report.instances) == (2, 3)
    (own.folder / "rows.csv").write_text("<html>Maintenance</html>")
    report = own.report("LAKE")
    assert report.published == 2  # of the table, what came last time
    assert any("a web page" in issue.message for issue in report.issues if issue.code == "source-failed")


def test_a_folder_that_is_not_there_or_broken_is_told_before_anything_is_fetched(own: Any, tmp_path: Path) -> None:
    lines = 'type = "json"\npath = "http://127.0.0.1:9/never"\nmapping = "{}"'
    own.add("LOST", lines.format("./nowhere"))
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "mapping.toml").write_text('name = "broken"\n')
    own.add("BROKEN", lines.format("./broken"))
    lost, broken = own.run("LOST", "BROKEN").reports
    assert f"no file {tmp_path / 'nowhere' / 'mapping.toml'}" in f"{lost.error} {broken.error}"
    assert "mapping.toml: the file lacks 'match'" in f"{lost.error} {broken.error}"
