"""`registry import|list|show` as people call them: exit codes, words, JSON."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

NAMESPACE = "https://github.com/erasmus-without-paper/ewp-specs-api-registry/tree/stable-v1"
CATALOGUE = f"""<catalogue xmlns="{NAMESPACE}"><institutions>
<hei id="a.nl"><other-id type="previous-schac">old.nl</other-id><other-id type="pic">999900001</other-id>
<name xml:lang="nl">Universiteit A</name><name xml:lang="en">University A</name></hei>
<hei id="b.nl"><name xml:lang="nl">Universiteit B</name></hei>{{more}}
</institutions></catalogue>"""
BROKEN = '<hei id="?"><name>Broken</name></hei>'


def qlink(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "qlink_ld", "registry", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=folder)


def write(folder: Path, more: str = "") -> str:
    (folder / "catalogue.xml").write_text(CATALOGUE.replace("{more}", more))
    return "catalogue.xml"


def test_an_import_is_listed_and_shown(tmp_path: Path) -> None:
    done = qlink(tmp_path, "import", "ewp", write(tmp_path))
    assert (done.returncode, done.stdout) == (0, "ewp: 2 institutions and other providers, 0 entries left out\n")
    again = qlink(tmp_path, "import", "ewp", "catalogue.xml")
    assert "the same as last time" in again.stdout
    listed = qlink(tmp_path, "list")
    assert (listed.returncode, len(listed.stdout.splitlines())) == (0, 2)
    assert "University A" in listed.stdout
    assert "ewp: 2 of " in listed.stderr
    table: dict[str, Any] = json.loads(qlink(tmp_path, "list", "--json").stdout)
    assert [entry["id"] for entry in table["entries"]] == ["a.nl", "b.nl"]
    shown = qlink(tmp_path, "show", "OLD.nl")
    assert "previous-schac old.nl" in shown.stdout
    assert json.loads(qlink(tmp_path, "show", "999900001", "--json").stdout)["id"] == "a.nl"
    assert qlink(tmp_path, "show", "nobody").returncode == 1
    (tmp_path / "qlink.toml").write_text('[[institution]]\nid = "NL0001"\nname = "A"\nschac = "a.nl"\n')
    assert "Universiteit A" in qlink(tmp_path, "show", "NL0001").stdout


def test_entries_that_are_left_out_make_exit_code_1(tmp_path: Path) -> None:
    done = qlink(tmp_path, "import", "ewp", write(tmp_path, BROKEN))
    assert done.returncode == 1
    assert "warning: ewp: the entry ? has no SCHAC code as its id [catalogue.xml, line 4]" in done.stderr
    table = json.loads(qlink(tmp_path, "import", "ewp", "catalogue.xml", "--json").stdout)
    assert (table["records"], table["left_out"], table["changed"]) == (2, 1, False)
    assert table["issues"][0]["code"] == "registry-entry-left-out"


def test_a_failed_import_has_exit_code_3_and_leaves_the_last_one(tmp_path: Path, httpserver: HTTPServer) -> None:
    qlink(tmp_path, "import", "ewp", write(tmp_path))
    httpserver.expect_request("/catalogue").respond_with_data("no", status=503)
    done = qlink(tmp_path, "import", "ewp", httpserver.url_for("/catalogue"))
    assert done.returncode == 3
    assert done.stderr.startswith("Error: ewp: http://")
    assert "answered with status 503. Try again later; the import of 2" in done.stderr
    assert qlink(tmp_path, "list").returncode == 0


def test_conflicts_are_listed_with_exit_code_1(tmp_path: Path) -> None:
    twice = '<hei id="c.nl"><other-id type="pic">999900001</other-id><name>C</name></hei>'
    qlink(tmp_path, "import", "ewp", write(tmp_path, twice))
    done = qlink(tmp_path, "list", "--conflicts")
    assert done.returncode == 1
    assert "the pic code 999900001 belongs to several institutions: ewp a.nl (Universiteit A); ewp c.nl" in done.stdout


@pytest.mark.parametrize(
    "arguments", [["import", "eduroam"], ["import", "ewp", "absent.xml"], ["list", "--country", "Q1"]]
)
def test_wrong_use_has_exit_code_2(tmp_path: Path, arguments: list[str]) -> None:
    assert qlink(tmp_path, *arguments).returncode == 2


def test_a_list_without_imports_says_no(tmp_path: Path) -> None:
    assert qlink(tmp_path, "list").returncode == 1


def test_other_commands_know_what_was_imported(tmp_path: Path) -> None:
    """A manifest that names another SCHAC code than EWP does is warned of, though the configuration has none."""
    qlink(tmp_path, "import", "ewp", write(tmp_path))
    (tmp_path / "qlink.toml").write_text('[[institution]]\nid = "mine"\nname = "Mine"\nprevious_schac = ["old.nl"]\n')
    source = {"type": "elm", "path": "https://a.nl/x.ttl", "version": "3.3"}
    (tmp_path / "m.json").write_text(json.dumps({"sources": [source], "meta": {"schac": "z.nl"}}))
    command = [sys.executable, "-m", "qlink_ld", "manifest", "check", "m.json", "--institution", "mine"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert "`meta.schac` is z.nl, but the registry has a.nl for mine" in done.stdout
