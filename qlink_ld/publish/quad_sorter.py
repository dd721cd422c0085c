"""Bring the records of an institution into one order: an external merge sort of lines in flat memory.

Records arrive in the order of the source, each as sorted lines. Nearly always they are apart (all lines of one record
come before all lines of the next) or the records of a few neighbours interlock (`…/C1>` sorts after `…/C10>`). So
whole blocks are sorted first, blocks that are apart pass as they are, and only those that interlock are taken apart,
by one C-level sort that profits from the order they already have. The same step merges what was spilled to disk: of
all runs the lines up to the smallest last line in memory are final, however the runs interlock.

Lines are compared as UTF-8 bytes, which is the order of Python's strings and of `LC_ALL=C sort`.
"""

import logging
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from qlink_ld.errors import PublishError

log = logging.getLogger(__name__)

DEFAULT_MEMORY_BYTES = 8 * 1024 * 1024  # of text; a sort takes about three times as much for its lines
MAXIMUM_RUNS = 64  # open at once; more are merged into one first
READ_BYTES = 128 * 1024  # of each run in memory while merging


class QuadSorter:
    """Sorts any number of blocks of N-Triples or N-Quads lines; repetitions are dropped.

    What does not fit in memory goes to nameless files in `directory`, so a killed process leaves nothing behind. Use it
    as a context manager, or read `merge()` to its end, or call `close()`.

    Args:
        directory: where to spill; must exist when more than `memory_bytes` are added.
        memory_bytes: text that is held before it is spilled.
    """

    def __init__(self, directory: Path, memory_bytes: int = DEFAULT_MEMORY_BYTES) -> None:
        self._directory = directory
        self._memory_bytes = memory_bytes
        self._blocks: list[bytes] = []
        self._size_bytes = 0
        self._levels: list[list[IO[bytes]]] = []  # runs; one of level n+1 holds MAXIMUM_RUNS of level n

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def add(self, block: str) -> None:
        """Add one record: sorted, distinct lines, each ending with a line feed. Nothing for an empty block.

        Raises:
            PublishError: the block is not whole lines, or the disk is full.
        """
        if not block:
            return
        if block[-1] != "\n":
            raise PublishError(f"a block of triples does not end with a line feed: …{block[-80:]!r}")
        data = block.encode()
        self._blocks.append(data)
        self._size_bytes += len(data)
        if self._size_bytes >= self._memory_bytes:
            self._spill()

    def merge(self) -> Iterator[str]:
        """Yield text that, concatenated, is all lines of all blocks, sorted by bytes and distinct. Empties the sorter.

        Every piece of text is whole lines. Memory stays flat if the caller keeps none.
        """
        try:
            if self._levels:
                self._spill()
                runs = [run for level in reversed(self._levels) for run in level]
                merged = _merge_runs(runs)
            else:
                blocks, self._blocks = self._blocks, []
                merged = _sort_blocks(blocks)
            for text in merged:
                yield text.decode()
        finally:
            self.close()

    def close(self) -> None:
        """Forget everything and free the disk space."""
        for level in self._levels:
            for run in level:
                run.close()
        self._levels, self._blocks, self._size_bytes = [], [], 0

    def _spill(self) -> None:
        if not self._blocks:
            return
        blocks, self._blocks, self._size_bytes = self._blocks, [], 0
        self._keep_run(_sort_blocks(blocks), 0)

    def _keep_run(self, texts: Iterator[bytes], level: int) -> None:
        if level == len(self._levels):
            self._levels.append([])
        self._levels[level].append(self._write_run(texts))
        if len(self._levels[level]) >= MAXIMUM_RUNS:
            runs, self._levels[level] = self._levels[level], []
            log.debug("merging %d sorted runs of level %d", len(runs), level)
            try:
                self._keep_run(_merge_runs(runs), level + 1)
            finally:
                for run in runs:
                    run.close()

    def _write_run(self, texts: Iterator[bytes]) -> IO[bytes]:
        try:
            file = tempfile.TemporaryFile(dir=self._directory, prefix=".sort-")  # noqa: SIM115 (kept open as a run)
            try:
                file.writelines(texts)
                file.seek(0)
            except BaseException:
                file.close()
                raise
        except OSError as exc:
            raise PublishError(f"sorting triples in {self._directory} failed: {exc}; free disk space there") from exc
        return file


def _sort_blocks(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines of sorted blocks in order, taking apart only the blocks that interlock."""
    group: list[bytes] = []
    last = b""  # greatest line of the group
    for block in sorted(blocks):
        if group and (block <= last or block.startswith(last)):
            group.append(block)
            last = max(last, _last_line(block))
            continue
        if group:
            yield _merge_group(group)
        group, last = [block], _last_line(block)
    if group:
        yield _merge_group(group)


def _merge_group(group: list[bytes]) -> bytes:
    if len(group) == 1:
        return group[0]
    lines = list(dict.fromkeys(b"".join(group).split(b"\n")))
    lines.sort()  # finds the runs that the blocks are
    lines.append(lines.pop(0))  # the empty rest after the last line feed sorts first
    return b"\n".join(lines)


def _last_line(text: bytes) -> bytes:
    return text[text.rfind(b"\n", 0, -1) + 1 :]


class _Run:
    """A sorted file, of which some whole lines are in memory: `text[start:]`, up to the line `last`."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._rest = b""
        self._fill()

    def _fill(self) -> None:
        """Read on; `text` is empty at the end of the file."""
        self.start = 0
        self.text = b""
        while data := self._file.read(READ_BYTES):
            data = self._rest + data
            end = data.rfind(b"\n") + 1
            self.text, self._rest = data[:end], data[end:]
            if end:
                break
        self.last = _last_line(self.text)
        self._first = self.text[: self.text.find(b"\n") + 1]

    def take(self, bound: bytes) -> bytes:
        """Return and pass by the lines up to and including `bound`, of those in memory."""
        if self._first > bound:
            return b""
        text, start = self.text, self.start
        if self.last <= bound:
            self._fill()
            return text[start:] if start else text
        low, high = start, len(text)  # both at the start of a line; the line at `high` is above the bound
        while low < high:
            line = text.rfind(b"\n", low, (low + high) // 2) + 1 or low
            end = text.find(b"\n", line) + 1
            if text[line:end] <= bound:
                low = end
            else:
                high = line
        self.start = low
        self._first = text[low : text.find(b"\n", low) + 1]
        return text[start:low]


def _merge_runs(files: list[IO[bytes]]) -> Iterator[bytes]:
    """Merge sorted files: in each round the lines up to the smallest `last` are complete and can go."""
    runs = [run for run in map(_Run, files) if run.text]
    while len(runs) > 1:
        bound = min(run.last for run in runs)
        yield from _sort_blocks([piece for run in runs if (piece := run.take(bound))])
        runs = [run for run in runs if run.text]
    for run in runs:
        while run.text:
            yield run.take(run.last)
