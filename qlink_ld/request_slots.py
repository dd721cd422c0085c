"""May another request be sent now? One limit per host and one for all, across the processes of every run.

Institutions are harvested in processes of their own, and several of them may be tenants of one server, which must not
get more requests at once for that. A slot is a locked file: the system frees it with the process, however that ends.

    {folder}/{host}/3        locked while the fourth request at once is under way
    {folder}/{host}/pause    its modification time is when the host wants to be asked again

Source: Data Exchange, requirement I-10 (`Retry-After`); DESIGN §8, `concurrency_per_host`.
"""

import fcntl
import os
import random
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qlink_ld.errors import SourceUnavailable

_ALL = "all hosts"  # no host has a space in its name
_PAUSE = "pause"
_LOOK_S = 0.02  # how often a free slot is looked for


class RequestSlots:
    """Slots in a folder that all processes share. Safe to use from several threads.

    Args:
        folder: where; made if it is not there.
        per_host: requests at once to one host.
        overall: requests at once.
    """

    def __init__(self, folder: Path, per_host: int, overall: int) -> None:
        self._folder = folder
        self._numbers = {_ALL: overall}
        self._per_host = per_host
        self._open: dict[str, list[int]] = {}  # by host: descriptors
        self._guard = threading.Lock()
        self._closed = False

    def close(self) -> None:
        """Close all files, those of requests under way when they are done; then no slot is to be had."""
        with self._guard:
            self._closed = True
            for free in self._open.values():
                while free:
                    os.close(free.pop())

    @contextmanager
    def hold(self, host: str, stopped: threading.Event) -> Iterator[None]:
        """Wait for a slot and keep it; go on without one if `stopped` is set meanwhile.

        Args:
            host: with its port.
            stopped: ends the wait.

        Raises:
            SourceUnavailable: the folder cannot be written.
        """
        with self._lock(host, stopped), self._lock(_ALL, stopped):  # who waits for the second one blocks only its host
            yield

    def pause(self, host: str, seconds: float) -> None:
        """Note that a host wants to be left alone for some seconds."""
        file = self._place(host) / _PAUSE
        until = time.time() + seconds
        if until > self._until(host):
            with self._writing():
                file.touch()
                os.utime(file, (until, until))

    def pause_left_s(self, host: str) -> float:
        """Return for how many seconds a host wants to be left alone; 0 or less if it does not."""
        return self._until(host) - time.time()

    def _until(self, host: str) -> float:
        try:
            return (self._place(host) / _PAUSE).stat().st_mtime
        except FileNotFoundError:
            return 0.0

    def _place(self, host: str) -> Path:
        folder = self._folder / re.sub(r"[^a-z0-9.: -]", "_", host.lower())[:200]
        if not folder.is_dir():
            with self._writing():
                folder.mkdir(parents=True, exist_ok=True)
        return folder

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise SourceUnavailable(
                f"{self._folder} cannot be used: {error.strerror}; correct its permissions, or free space"
            ) from error

    @contextmanager
    def _lock(self, name: str, stopped: threading.Event) -> Iterator[None]:
        with self._guard:
            if name not in self._open:
                self._open[name] = self._open_files(name)
        free = self._open[name]  # files that this process does not hold; which of them others hold, the locks say
        held = None
        try:
            while held is None and not stopped.is_set():
                with self._guard:
                    held = next((descriptor for descriptor in reversed(free) if self._try_lock(descriptor)), None)
                    if held is not None:
                        free.remove(held)
                if held is None:
                    stopped.wait(_LOOK_S * random.uniform(0.5, 1.0))  # noqa: S311 (no secret)
            yield
        finally:
            if held is not None:
                with self._guard:
                    if self._closed:
                        os.close(held)  # also frees the lock
                    else:
                        fcntl.flock(held, fcntl.LOCK_UN)
                        free.append(held)

    def _open_files(self, name: str) -> list[int]:
        folder = self._place(name)
        with self._writing():
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
            numbers = range(self._numbers.get(name, self._per_host))
            return [os.open(folder / str(number), flags, 0o644) for number in numbers]

    def _try_lock(self, descriptor: int) -> bool:
        with self._writing():
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
        return True
