"""Progress is for terminals, on stderr; results go to stdout, whatever stderr is."""

import os
import pty
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import click
from qlink_ld.progress import ProgressBars
with ProgressBars() as bars:
    bars.update("A", "harvest", 1, 3)
    bars.update("B", "convert", 5, None)
    bars.finish("A")
    with bars.set_aside():
        click.echo("A is done")
    bars.update("B", "convert", 6, None)
    bars.finish("B")
    bars.finish("C")
click.echo("all is done")
"""


def test_without_a_terminal_nothing_is_drawn() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "A is done\nall is done\n", "")


def test_on_a_terminal_bars_are_drawn_on_stderr_only(tmp_path: Path) -> None:
    here, there = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    with (tmp_path / "out").open("w") as out:
        done = subprocess.run([sys.executable, "-c", SCRIPT], stdout=out, stderr=there, env=environment)
    os.close(there)
    drawn = b""
    try:
        while data := os.read(here, 65536):
            drawn += data
    except OSError:  # Linux says so at the end
        pass
    os.close(here)
    assert done.returncode == 0
    assert (tmp_path / "out").read_text() == "A is done\nall is done\n"
    assert b"mapping and validating" in drawn
    assert b"A is done" not in drawn
