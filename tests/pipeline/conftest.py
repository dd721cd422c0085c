"""A deployment for tests: a data folder, a configuration, and universities whose files and servers are real."""

import gzip
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import orjson
import pytest

from qlink_ld.config import Config, load_config
from qlink_ld.model import HarvestReport
from qlink_ld.namespaces import QL
from qlink_ld.pipeline import RunSummary, run

PREFIXES = """\
@prefix adms: <http://www.w3.org/ns/adms#> .
@prefix dcterms: <http://purl.org/dc/terms/> .
@prefix elm: <http://data.europa.eu/snb/model/ontology/> .
@prefix ql: <http://data.quality-link.eu/ontology/v1#> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .

"""
COURSE = """\
<https://courses.example/{key}> a ql:LearningOpportunitySpecification ;
  dcterms:title "{title}"@en ;
  dcterms:language <http://publications.europa.eu/resource/authority/language/ENG> ;
  elm:ISCEDFCode <http://data.europa.eu/snb/isced-f/0613> ;
  {level}
  adms:identifier [ a elm:Identifier ; skos:notation "{key}" ] ;
  elm:learningOutcome [ a elm:LearningOutcome ; dcterms:title "Can do {key}"@en ] .

"""
LEVEL = "elm:EQFLevel <http://data.europa.eu/snb/eqf/6> ;"


def write_courses(keys: Iterable[str | int], faulty: Iterable[str | int] = ()) -> str:
    """Turtle of courses that conform, and of faulty ones without a level."""
    return PREFIXES + "".join(
        [COURSE.format(key=key, title=f"Course {key}", level=LEVEL) for key in keys]
        + [COURSE.format(key=key, title=f"Course {key}", level="") for key in faulty]
    )


class Deployment:
    """A folder with `qlink.toml` and `data/`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.file = folder / "qlink.toml"
        self.head = "[harvest]\nallow_private_addresses = true\ntimeout_s = 5\n"
        self.institutions: dict[str, str] = {}

    def add(self, name: str, *sources: str, settings: str = "") -> None:
        """Configure an institution; a source is a file's path or TOML lines."""
        parts = [f'[[institution]]\nid = "{name}"\nname = "University {name}"\n{settings}\n']
        for number, source in enumerate(sources):
            lines = source if "=" in source else f'type = "elm"\npath = "{source}"'
            parts.append(f'[[institution.source]]\nid = "s{number}"\n{lines}\n')
        self.institutions[name] = "".join(parts)

    def write(self, name: str, text: str) -> Path:
        file = self.folder / name
        file.write_text(text, encoding="utf-8")
        return file

    def save(self) -> Path:
        self.file.write_text(self.head + "".join(self.institutions.values()), encoding="utf-8")
        return self.file

    def config(self) -> Config:
        return load_config(self.save(), environment={})

    def run(self, *names: str, offline: bool = False, full: bool = False) -> RunSummary:
        return run(self.config(), names, offline=offline, full=full)

    def report(self, name: str) -> HarvestReport:
        """Run one institution and return its report."""
        (report,) = self.run(name).reports
        return report

    def command(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "qlink_ld", *map(str, arguments), "-c", str(self.save())]
        return subprocess.run(command, capture_output=True, text=True, timeout=120)

    def graph(self, name: str, folder: str = "graphs") -> str:
        return gzip.decompress((self.data / folder / f"{name}.nq.gz").read_bytes()).decode()

    def count(self, name: str, folder: str = "graphs") -> int:
        return self.graph(name, folder).count(f" <{QL}LearningOpportunitySpecification> ")

    def released(self) -> dict[str, int]:
        """Learning opportunities per institution in the current release."""
        info = orjson.loads((self.data / "current" / "release.json").read_bytes())
        return {g["institution"]: g["specifications"] for g in info["graphs"].values() if g["institution"]}

    def releases(self) -> list[str]:
        return sorted(path.name for path in (self.data / "releases").glob("2*"))


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    return Deployment(tmp_path)


@pytest.fixture
def courses() -> Callable[..., str]:
    """Writes Turtle: `courses(keys, faulty=())`."""
    return write_courses
