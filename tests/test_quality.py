"""Lint, format, types and the contracts between rooms are part of the tests: one command says whether all is well."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

COMMANDS = {
    "lint": ["ruff", "check"],
    "format": ["ruff", "format", "--check"],
    "types": ["mypy"],
    "rooms": ["lint-imports"],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_quality(name: str) -> None:
    program, *arguments = COMMANDS[name]
    path = Path(sys.executable).parent / program
    environment = {**os.environ, "COLUMNS": "120"}
    done = subprocess.run([path, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
