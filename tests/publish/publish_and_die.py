"""Run by `test_release.py`: publishes again and again, each time killed by SIGKILL at another durable step.

Reads its task as JSON from stdin. Forks once per step, before any thread is started.
"""

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from qlink_ld.publish.graph_file import GraphFile
from qlink_ld.publish.release import build_release

DURABLE = ("fsync", "rename", "replace", "link", "symlink", "mkdir", "unlink", "chmod", "rmdir")


def publish(task: dict[str, Any], folder: Path, step: int, *, full: bool) -> int:
    """Publish, and die at the step-th durable call; return how many there were."""
    calls = 0

    def make_deadly(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments, **options)

        return call

    for name in DURABLE:
        setattr(os, name, make_deadly(getattr(os, name)))
    graphs = [GraphFile(folder / "graphs" / f"{name}.nq.gz", *rest) for name, *rest in task["graphs"]]
    build_release(folder, task["base"], graphs, task["extra"], [], [], full=full)
    return calls


def run(task: dict[str, Any], step: int, *, full: bool) -> tuple[Path, bool]:
    """Publish in a copy of the data directory by a child; return the copy and whether the child was killed."""
    folder = Path(task["target"]) / f"{'full' if full else 'difference'}-{step:03}"
    shutil.copytree(task["source"], folder, symlinks=True)
    child = os.fork()
    if child == 0:
        calls = publish(task, folder, step, full=full)
        (folder / "calls").write_text(str(calls))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return folder, os.WIFSIGNALED(status)


def main() -> None:
    """Spread `points` kills over all durable calls, for each way of making a store."""
    task = json.load(sys.stdin)
    for full in (False, True):
        folder, _ = run(task, 0, full=full)
        calls = int((folder / "calls").read_text())
        for point in range(task["points"]):
            step = 1 + point * (calls - 1) // (task["points"] - 1)
            _, killed = run(task, step, full=full)
            if not killed and step < 0.9 * calls:  # their number varies with RocksDB's files
                sys.exit(f"not killed at step {step} of {calls}")


if __name__ == "__main__":
    main()
