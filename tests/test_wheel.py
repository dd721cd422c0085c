"""The built wheel works far from the checkout: mappings, shapes and queries travel inside."""

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from qlink_ld.demo.faults import PUBLISHED

CHECKOUT = Path(__file__).resolve().parents[1]
COURSE = '{"items": [{"courseId": "1", "name": [{"language": "en", "value": "Graphs"}], "fieldsOfStudy": "0613"}]}'


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(CHECKOUT)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (wheel,) = folder.glob("qlink_ld-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def run(installed: Path, cwd: Path, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run with the wheel and its dependencies only: `-S` leaves out the link to the checkout."""
    path = os.pathsep.join([str(installed), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")])
    environment = {"PYTHONPATH": path, "PATH": os.environ["PATH"], "HOME": str(cwd)}
    return subprocess.run(
        [sys.executable, "-S", *arguments], input=stdin, capture_output=True, text=True, cwd=cwd, env=environment
    )


def test_it_holds_every_declarative_file_and_the_licence(installed: Path) -> None:
    for name in ("mappings", "shapes", "queries"):
        here = {file.relative_to(CHECKOUT / name) for file in (CHECKOUT / name).rglob("*") if file.is_file()}
        bundled = installed / "qlink_ld" / "_bundled" / name
        there = {file.relative_to(bundled) for file in bundled.rglob("*") if file.is_file()}
        assert there >= {file for file in here if "__pycache__" not in file.parts}
    assert list(installed.glob("*.dist-info/licenses/LICENSE"))
    assert not list(installed.glob("tests"))
    script = "import qlink_ld, qlink_ld.resources as r; print(qlink_ld.__file__, r.find_resource_dir('shapes'))"
    done = run(installed, installed, "-c", script)
    assert done.stdout.split() == [
        str(installed / "qlink_ld" / "__init__.py"),
        str(installed / "qlink_ld" / "_bundled" / "shapes"),
    ]


def test_the_commands_work_with_it(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "course.json").write_text(COURSE)
    done = run(installed, tmp_path, "-m", "qlink_ld", "convert", "course.json", "--mapping", "ooapi-5", "-o", "a.ttl")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    done = run(installed, tmp_path, "-m", "qlink_ld", "validate", "a.ttl")
    assert done.returncode == 1
    assert "has no EQF level" in done.stdout
    done = run(installed, tmp_path, "-m", "qlink_ld", "demo", "--once", "--data", "data")
    assert done.returncode == 1, done.stderr
    courses = sum(published for published, _ in PUBLISHED.values())
    assert f"{len(PUBLISHED)} institutions: {courses} learning opportunities published" in done.stdout
    done = run(installed, tmp_path, "-m", "qlink_ld", "query", "-", "--data", "data", stdin="ASK { ?s ?p ?o }")
    assert '"boolean":true' in done.stdout
