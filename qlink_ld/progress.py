"""Progress bars on a terminal's stderr, one line per institution; nothing elsewhere. Source: DESIGN §7."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

_STAGES = {"harvest": "harvesting", "convert": "mapping and validating"}


class ProgressBars:
    """Shows how far each institution is. A context manager; safe to call from several threads."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.fields[institution]:<10} {task.description:<24}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
            redirect_stdout=False,  # results go where they belong even if only stderr is a terminal
            disable=not Console(stderr=True).is_terminal,
        )
        self._tasks: dict[tuple[str, str], TaskID] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._progress.stop()

    def update(self, institution: str, stage: str, done: int, total: int | None) -> None:
        """Show that so many are done; `total` is None while it is unknown."""
        with self._lock:
            task = self._tasks.get((institution, stage))
            if task is None:
                task = self._progress.add_task(_STAGES.get(stage, stage), institution=institution, total=total)
                self._tasks[institution, stage] = task
            self._progress.update(task, completed=done, total=total)

    @contextmanager
    def set_aside(self) -> Iterator[None]:
        """Take all bars away while results or messages are written, one writer at a time."""
        with self._lock:
            self._progress.stop()
            try:
                yield
            finally:
                self._progress.start()

    def finish(self, institution: str) -> None:
        """Take away the bars of an institution that is done."""
        with self._lock:
            for key in [key for key in self._tasks if key[0] == institution]:
                self._progress.remove_task(self._tasks.pop(key))
