"""Fixtures for every room."""

import os
from pathlib import Path

import pytest

_SHARED = Path(os.environ.get("QLINKTEST_SHARED", Path(__file__).resolve().parents[2] / "shared"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rewrite-golden", action="store_true", help="write the expected files of mapping cases anew")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference facts and sample payloads that developers have beside the checkout."""
    if not (_SHARED / "reference").is_dir():
        pytest.skip(f"the reference folder is not beside this checkout ({_SHARED}); set QLINKTEST_SHARED to it")
    return _SHARED
