"""Every shapes file against its case folder: what conforms, what violates, and that both engines say the same."""

import re
from pathlib import Path

import pytest
from pyoxigraph import NamedNode, RdfFormat, Triple, parse

from qlink_ld.model import Result
from qlink_ld.namespaces import PREFIXES, SH
from qlink_ld.ntriples import write_triples
from qlink_ld.resources import find_resource_dir
from qlink_ld.validate.engine import ENGINES, ShaclEngine, load_engine
from qlink_ld.validate.records import validate_data
from qlink_ld.validate.shape_files import SUBCLASSES_FILE, bundled_shapes

CASES = Path(__file__).parent
SHAPES = sorted(find_resource_dir("shapes").glob("*.ttl"))
EXAMPLE = "https://university.example/"
_EXPECT = re.compile(r"^# expect: (\S+) (\S+) (\S+)$", re.MULTILINE)

Finding = tuple[str, str | None, str]


@pytest.fixture(scope="module")
def engines() -> list[ShaclEngine]:
    return [load_engine(name) for name in ENGINES]


def _find_cases(kind: str) -> list[Path]:
    return sorted(CASES.glob(f"*/{kind}-*.ttl"))


def _name(file: Path) -> str:
    return f"{file.parent.name}/{file.stem}"


def _read(file: Path) -> str:
    return write_triples(
        Triple(quad.subject, quad.predicate, quad.object) for quad in parse(path=file, format=RdfFormat.TURTLE)
    )


def _validate(file: Path, engines: list[ShaclEngine]) -> tuple[Result, ...]:
    data = _read(file)
    first, *others = [validate_data(data, engine) for engine in engines]
    assert all(other == first for other in others), "the engines disagree"
    return first


def _own_shapes(folder: str) -> set[str]:
    """The shapes of the file that a case folder belongs to; all shapes for the file that holds none."""
    files = [find_resource_dir("shapes") / f"{folder}.ttl"] if f"{folder}.ttl" != SUBCLASSES_FILE else SHAPES
    return {str(quad.subject) for file in files for quad in parse(path=file, format=RdfFormat.TURTLE)}


def _expand(name: str) -> str:
    prefix, _, local = name.partition(":")
    return f"<{({**PREFIXES, 'ex': EXAMPLE})[prefix]}{local}>"


def _expected(file: Path) -> set[Finding]:
    return {
        (_expand(focus), None if path == "-" else _expand(path), component)
        for focus, path, component in _EXPECT.findall(file.read_text())
    }


@pytest.mark.parametrize("shapes", SHAPES, ids=lambda file: file.stem)
def test_every_shapes_file_has_cases_of_both_kinds(shapes: Path) -> None:
    assert list((CASES / shapes.stem).glob("conforms-*.ttl")), "add a case that conforms"
    assert list((CASES / shapes.stem).glob("violates-*.ttl")), "add a case that violates"


def test_every_case_folder_has_a_shapes_file() -> None:
    assert {file.parent.name for file in CASES.glob("*/*.ttl")} == {file.stem for file in SHAPES}


@pytest.mark.parametrize("case", _find_cases("conforms"), ids=_name)
def test_conforms(case: Path, engines: list[ShaclEngine]) -> None:
    results = _validate(case, engines)
    assert [result for result in results if result.severity == "violation"] == []
    if case.parent.name + ".ttl" != SUBCLASSES_FILE:
        own = _own_shapes(case.parent.name)
        assert [result for result in results if result.shape in own] == []


@pytest.mark.parametrize("case", _find_cases("violates"), ids=_name)
def test_violates_as_its_header_says(case: Path, engines: list[ShaclEngine]) -> None:
    results = _validate(case, engines)
    own = _own_shapes(case.parent.name)
    recommended = case.parent.name.startswith("recommended-")
    found = {
        (result.focus_node, result.path, result.component)
        for result in results
        if result.shape in own and (recommended or result.severity == "violation")
    }
    expected = _expected(case)
    assert expected, "say in the header what is expected"
    blank = {finding for finding in found if finding[0].startswith("_:")}
    assert found - blank == expected
    if recommended:
        assert all(result.severity != "violation" for result in results if result.shape in own)


@pytest.mark.parametrize("shapes", bundled_shapes(), ids=lambda file: file.stem)
def test_every_shape_has_an_iri_of_ours_and_speaks_to_people(shapes: Path) -> None:
    quads = list(parse(path=shapes, format=RdfFormat.TURTLE))
    properties = {quad.object for quad in quads if quad.predicate.value == f"{SH}property"}
    declared = {quad.subject for quad in quads if quad.object == NamedNode(f"{SH}PropertyShape")}
    assert properties == declared
    severity = "Warning" if shapes.stem.startswith("recommended-") else "Violation"
    for shape in declared:
        assert isinstance(shape, NamedNode)
        assert shape.value.startswith("urn:qlink-ld:shapes:")
        said = {quad.predicate.value.removeprefix(SH): quad.object for quad in quads if quad.subject == shape}
        assert {"name", "description", "message", "severity", "path"} <= said.keys(), shape
        assert len(said) == 7, f"{shape}: one constraint per property shape, so that its message fits"
        assert said["severity"] in {NamedNode(f"{SH}{severity}"), NamedNode(f"{SH}Info")} - (
            {NamedNode(f"{SH}Info")} if severity == "Violation" else set()
        )
        message = str(said["message"])
        assert ". " in message, f"{shape}: say what is wrong, then what to do"


def test_shapes_and_context_do_not_repeat_an_iri() -> None:
    declared = [
        quad.subject
        for file in SHAPES
        for quad in parse(path=file, format=RdfFormat.TURTLE)
        if quad.object in {NamedNode(f"{SH}NodeShape"), NamedNode(f"{SH}PropertyShape")}
    ]
    assert len(declared) == len(set(declared))
