"""Every numbered requirement of the exchange rules has a test that carries its number, or is listed here as open.

A number in a test's name is written `m_15` or `m15`. Run `pytest -rP tests/test_exchange_requirements.py` for the list.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
_ROW = re.compile(r"^\| ([A-Z]-[0-9]{2}) \|", re.MULTILINE)
_NUMBER = re.compile(r"(?<![a-z0-9])([macdeit])_?([0-9]{2})(?=_|$)")

# Requirements that bind somebody else, or nobody yet: nothing that an aggregator does could break or meet them.
NOT_OURS: Mapping[str, str] = {
    "C-04": "when a course gets a new identifier is its provider's to judge",
    "C-10": "resolving did:web identifiers is out of scope for harvesting",
    "T-05": "a rule for admitting third parties, which people do",
}
# Requirements that are ours and have no test with their number yet. Take a number out when its test is there.
OPEN: Mapping[str, str] = {}


def find_tests() -> dict[str, list[str]]:
    """Return the tests that carry each number, as `file::test`."""
    found: dict[str, list[str]] = {}
    for file in sorted(TESTS.rglob("test_*.py")):
        for name in _names(file):
            for letter, digits in _NUMBER.findall(name):
                number = f"{letter.upper()}-{digits}"
                found.setdefault(number, []).append(f"{file.relative_to(TESTS)}::{name}")
    return found


def _names(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node.name


@pytest.fixture(scope="module")
def numbers(shared: Path) -> list[str]:
    return _ROW.findall((shared / "reference/exchange.md").read_text(encoding="utf-8"))


def test_every_requirement_has_a_test_or_is_listed(numbers: list[str]) -> None:
    tested = find_tests()
    assert len(numbers) == len(set(numbers)) > 80
    missing = [number for number in numbers if not (number in tested or number in OPEN or number in NOT_OURS)]
    assert not missing, f"no test carries these numbers, and they are not listed: {', '.join(missing)}"
    for number in numbers:
        print(number, *(tested.get(number) or [f"({OPEN.get(number) or NOT_OURS[number]})"]), sep="\n  ")


def test_what_is_listed_as_open_has_no_test_yet() -> None:
    done = sorted(OPEN.keys() & find_tests().keys())
    assert not done, f"these have tests now; take them out of OPEN: {', '.join(done)}"


def test_no_number_is_invented(numbers: list[str]) -> None:
    known = {*numbers}
    assert find_tests().keys() <= known
    assert OPEN.keys() | NOT_OURS.keys() <= known
    assert not OPEN.keys() & NOT_OURS.keys()


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("test_m_15_x", ["M-15"]),
        ("test_d06_d14_x", ["D-06", "D-14"]),
        ("test_a_04", ["A-04"]),
        ("test_version_5", []),
        ("test_mm_15_x", []),
        ("test_item_15_x", []),
    ],
)
def test_numbers_are_read_out_of_names(name: str, found: list[str]) -> None:
    assert [f"{letter.upper()}-{digits}" for letter, digits in _NUMBER.findall(name)] == found
