"""What all commands of `qlink-ld` share. Groups of commands that are too long for `cli.py` are modules here.

Exit codes, by DESIGN §7: 0 good; 1 the answer is no; 2 wrong use or configuration; 3 nothing could be done.
"""

import functools
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

from qlink_ld.errors import UnreadableData

GOOD: Final = 0
NO: Final = 1
WRONG_USE: Final = 2
NOTHING: Final = 3


def with_config(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --config and --data; the command gets a checked `config`."""

    @click.option(
        "-c",
        "--config",
        "config_file",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Configuration file [default: qlink.toml, of the data folder or the current one, if present].",
    )
    @click.option(
        "--data",
        "data_dir",
        type=click.Path(file_okay=False, path_type=Path),
        help="Data folder, instead of the configured data_dir.",
    )
    @functools.wraps(command)
    def wrapper(config_file: Path | None, data_dir: Path | None, **options: Any) -> Any:  # noqa: ANN401 (click's)
        from qlink_ld.config import load_config

        return command(config=load_config(config_file, data_dir), **options)

    return wrapper


def in_own_process(command: Callable[..., int]) -> Callable[..., int]:
    """Let a command read a stranger's data in a child process: what crashes a parser there becomes a message here."""

    @functools.wraps(command)
    def wrapper(source: str, **options: Any) -> int:  # noqa: ANN401 (click's)
        sys.stdout.flush()
        child = os.fork()  # no thread was started yet
        if child == 0:
            return command(source=source, **options)
        try:
            _, status = os.waitpid(child, 0)
        except KeyboardInterrupt:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            raise
        code = os.waitstatus_to_exitcode(status)
        if code < 0:
            raise UnreadableData(
                f"{source}: the process that read it was ended by {signal.Signals(-code).name}; "
                "it is nested too deeply or too large, which no learning opportunity data is"
            )
        return code

    return wrapper
