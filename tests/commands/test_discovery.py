"""`discover` and `manifest check` as people call them: exit codes, words, JSON."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

FIRST = "/.well-known/quality-link-manifest"
GOOD = {"sources": [{"id": "elm", "type": "elm", "path": "https://a.example/x.ttl", "version": "3.3", "name": "Ours"}]}
FAULTY = """\
sources:
  - type: ooapi
    path: ftp://a.example/
    version: 5
  - type: elm
    path: https://a.example/x.ttl
    version: 3.3
    pagesize: 10
"""


def qlink(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "qlink_ld", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=folder)


def write_config(folder: Path, institution: str = "") -> None:
    head = (
        "[harvest]\nallow_private_addresses = true\n"
        '[discovery]\nresolvers = ["127.0.0.1:1"]\ndns_timeout_s = 0.2\ntimeout_s = 5\n'
    )
    (folder / "qlink.toml").write_text(head + institution)


def institution(server: HTTPServer, **keys: str) -> str:
    lines = "".join(f'{key} = "{value}"\n' for key, value in keys.items())
    return f'[[institution]]\nid = "XX0001"\nname = "X"\nwebsite = "{server.url_for("/")}"\n{lines}'


def test_a_good_manifest_is_good(tmp_path: Path) -> None:
    (tmp_path / "m.json").write_text(json.dumps(GOOD))
    done = qlink(tmp_path, "manifest", "check", "m.json")
    assert done.returncode == 0, done.stderr
    assert "m.json: valid, JSON" in done.stdout
    assert "source elm: elm 3.3, https://a.example/x.ttl, access: open, every 24 h  Ours" in done.stdout


def test_a_faulty_one_says_line_key_and_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(FAULTY)
    done = qlink(tmp_path, "manifest", "check", "m.yaml")
    assert done.returncode == 1
    assert "m.yaml: not valid, YAML" in done.stdout
    assert "violation: line 3, `sources[0].path`: must be a whole address that starts with http://" in done.stdout
    assert "(found: ftp://a.example/)" in done.stdout
    assert "info: line 8, `sources[1].pagesize`: not a key of a source; it is ignored." in done.stdout


def test_the_same_as_json(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(FAULTY)
    done = qlink(tmp_path, "manifest", "check", "m.yaml", "--json")
    table = json.loads(done.stdout)
    assert (done.returncode, table["valid"], table["syntax"]) == (1, False, "YAML")
    assert [source["type"] for source in table["sources"]] == ["elm"]
    wrong = next(issue for issue in table["issues"] if issue["severity"] == "violation")
    assert (wrong["line"], wrong["column"], wrong["key"]) == (3, 5, "sources[0].path")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (
            '{"sources": [\n  {"type": "elm" "path": 1}\n]}',
            "line 2: not a manifest: not valid JSON: a comma is missing",
        ),
        ("<html>", "a web page"),
        ("[]", "a manifest is one object"),
        ("", "the file is empty"),
    ],
)
def test_what_is_no_manifest_is_not_valid(tmp_path: Path, content: str, says: str) -> None:
    (tmp_path / "m").write_text(content)
    done = qlink(tmp_path, "manifest", "check", "m")
    assert done.returncode == 1
    assert says in done.stdout


def test_wrong_use_and_unreachable_addresses_have_codes_of_their_own(tmp_path: Path) -> None:
    missing = qlink(tmp_path, "manifest", "check", "missing.json")
    assert missing.returncode == 2
    assert "cannot read missing.json: No such file" in missing.stderr
    assert qlink(tmp_path, "manifest", "check", "http://127.0.0.1:1/m").returncode == 3
    assert qlink(tmp_path, "manifest", "check").returncode == 2
    unknown = qlink(tmp_path, "manifest", "check", "m", "--institution", "NL0028")
    assert unknown.returncode == 2


def test_a_manifest_at_an_address_is_compared_with_the_registry(tmp_path: Path, httpserver: HTTPServer) -> None:
    write_config(tmp_path, institution(httpserver, schac="uni-x.example"))
    httpserver.expect_request("/m").respond_with_json({**GOOD, "meta": {"schac": "uni-y.example"}})
    done = qlink(tmp_path, "manifest", "check", httpserver.url_for("/m"), "--institution", "XX0001")
    assert done.returncode == 0, done.stderr
    assert "warning: `meta.schac` is uni-y.example, but the registry has uni-x.example for XX0001" in done.stdout


def test_secrets_of_a_manifest_are_not_shown(tmp_path: Path) -> None:
    source = {
        **GOOD["sources"][0],
        "headers": {"X-Key": "s3cr3t"},
        "queryParameters": {"key": "s3cr3t"},
        "auth": {"type": "httpheader", "field": "X-Auth", "value": "s3cr3t"},
    }
    (tmp_path / "m.json").write_text(json.dumps({"sources": [source]}))
    for more in ([], ["--json"]):
        done = qlink(tmp_path, "-vv", "manifest", "check", "m.json", *more)
        assert done.returncode == 0, done.stderr
        assert "s3cr3t" not in done.stdout + done.stderr
        assert "httpheader" in done.stdout


def test_each_probe_is_shown_and_the_manifest_with_its_sources(tmp_path: Path, httpserver: HTTPServer) -> None:
    write_config(tmp_path, institution(httpserver))
    httpserver.expect_request(FIRST).respond_with_data("", status=404)
    httpserver.expect_request(f"{FIRST}.json").respond_with_json(GOOD)
    done = qlink(tmp_path, "discover", "XX0001")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["well-known", "not-found", httpserver.url_for(FIRST)]
    assert "nothing is there (status 404)" in lines[1]
    assert f"manifest: {httpserver.url_for(FIRST)}.json (JSON)" in lines
    assert "  source elm: elm 3.3" in done.stdout


def test_discovery_as_json(tmp_path: Path, httpserver: HTTPServer) -> None:
    write_config(tmp_path)
    httpserver.expect_request(FIRST).respond_with_json(GOOD)
    done = qlink(tmp_path, "discover", httpserver.url_for("/"), "--json")
    table: dict[str, Any] = json.loads(done.stdout)
    assert (done.returncode, table["found"], table["institution"]) == (0, True, "localhost")
    assert [source["id"] for source in table["manifest"]["sources"]] == ["elm"]
    (probe,) = table["probes"]
    assert set(probe) == {"domain", "mechanism", "url", "outcome", "message", "advice", "at", "seconds"}


def test_no_manifest_is_a_no_and_nobody_there_is_nothing(tmp_path: Path, httpserver: HTTPServer) -> None:
    write_config(tmp_path)
    httpserver.expect_request(FIRST).respond_with_data("", status=404)
    nothing = qlink(tmp_path, "discover", httpserver.url_for("/"))
    assert nothing.returncode == 1
    assert "no manifest found. Publish one at https://DOMAIN/.well-known/" in nothing.stdout
    silent = qlink(tmp_path, "discover", "uni-x.example")
    assert silent.returncode == 3
    assert "dns-timeout" in silent.stdout
    table = json.loads(qlink(tmp_path, "discover", "uni-x.example", "--json").stdout)
    assert (table["found"], table["manifest"]) == (False, None)


def test_a_faulty_manifest_is_found_and_is_a_no(tmp_path: Path, httpserver: HTTPServer) -> None:
    write_config(tmp_path)
    httpserver.expect_request(FIRST).respond_with_data(FAULTY)
    done = qlink(tmp_path, "discover", httpserver.url_for("/"))
    assert done.returncode == 1
    assert "violation: line 3" in done.stdout


def test_loopback_is_refused_unless_allowed_and_says_how(tmp_path: Path) -> None:
    done = qlink(tmp_path, "discover", "127.0.0.1")
    assert done.returncode == 1
    assert "allow_private_addresses = true in [harvest]" in done.stdout


@pytest.mark.parametrize("name", ["NL0028", "not a domain", "https://", ""])
def test_what_is_neither_domain_nor_institution_is_wrong_use(tmp_path: Path, name: str) -> None:
    write_config(tmp_path, '[[institution]]\nid = "XX0001"\nname = "X"\n')
    done = qlink(tmp_path, "discover", name)
    assert done.returncode == 2
    assert "it has: XX0001" in done.stderr


def test_configured_sources_are_mentioned(tmp_path: Path, httpserver: HTTPServer) -> None:
    source = '[[institution.source]]\ntype = "elm"\npath = "x.ttl"\n'
    write_config(tmp_path, institution(httpserver) + source)
    httpserver.expect_request(FIRST).respond_with_json(GOOD)
    done = qlink(tmp_path, "discover", "XX0001")
    assert done.returncode == 0
    assert "`run` does not look for a manifest" in done.stderr


def test_the_samples_behave_as_they_are_named(tmp_path: Path, shared: Path) -> None:
    for file in sorted((shared / "samples/manifests").iterdir()):
        done = qlink(tmp_path, "manifest", "check", str(file))
        assert done.returncode == (1 if file.name.startswith("invalid-") else 0), file.name
        if done.returncode:
            assert "violation: line " in done.stdout
