"""The serving side of one query worker: starts it, talks to it with a deadline, kills it."""

import logging
import os
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import orjson

from qlink_ld import errors
from qlink_ld.errors import QueryError, QueryFailed, QueryTimeout, StoreUnusable
from qlink_ld.serve.worker import HEAD, QueryRequest

log = logging.getLogger(__name__)

_START_S = 20.0  # a worker on a busy machine needs about 0.2 s
_READ_BYTES = 256 * 1024


class QueryProcess:
    """One worker. Used by one thread at a time; `kill` may come from any."""

    def __init__(self, store_directory: Path, release_id: str, memory_bytes: int, *, network: bool = False) -> None:
        """Start it. The calling thread must live as long as the worker: the kernel kills the worker with it.

        Raises:
            StoreUnusable: the worker cannot open the store.
        """
        self.release_id = release_id
        command = [sys.executable, "-m", "qlink_ld.serve.worker", "--store", str(store_directory)]
        command += ["--memory-bytes", str(memory_bytes), "--parent", str(os.getpid())]
        if network:
            command.append("--network")
        # The command is ours and holds no text of strangers: queries come over the pipe.
        self._process = subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            # glibc reserves 64 MiB of address space per thread, which is what the memory limit counts.
            env={**os.environ, "MALLOC_ARENA_MAX": "2"},
        )
        self._received = bytearray()
        try:
            head, body = self.read_message(time.monotonic() + _START_S)
        except QueryError as error:
            self.discard()
            raise StoreUnusable(
                f"a query worker could not start on {store_directory}: it ended or said nothing for {_START_S:g} s; "
                f"it may need more memory than [sparql] max_memory_bytes = {memory_bytes}"
            ) from error
        if head != b"R":
            self.discard()
            raise StoreUnusable(f"a query worker could not start: {_read_table(body).get('message')}")
        if _read_table(body).get("network") and not network:
            log.warning(
                "this system offers no way to take the network from query workers; SERVICE is refused by parsing"
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """False once it has ended, whoever ended it."""
        return self._process.poll() is None

    def send(self, request: QueryRequest) -> None:
        """Give it a query.

        Raises:
            QueryFailed: it is dead.
        """
        body = request.to_json()
        data = memoryview(HEAD.pack(b"Q", len(body)) + body)
        assert self._process.stdin is not None  # noqa: S101 (a pipe was asked for)
        try:
            while data:
                data = data[os.write(self._process.stdin.fileno(), data) :]
        except OSError as error:
            raise QueryFailed("the query worker is gone; ask again") from error

    def read_message(self, deadline: float) -> tuple[bytes, bytes]:
        """Return head and body of its next message.

        Args:
            deadline: `time.monotonic()` until which to wait.

        Raises:
            QueryTimeout: the deadline passed.
            QueryFailed: it ended.
        """
        while True:
            if len(self._received) >= HEAD.size:
                head, size = HEAD.unpack_from(self._received)
                end = HEAD.size + size
                if len(self._received) >= end:
                    body = bytes(memoryview(self._received)[HEAD.size : end])
                    del self._received[:end]
                    return head, body
            self._receive(deadline)

    def _receive(self, deadline: float) -> None:
        assert self._process.stdout is not None  # noqa: S101 (a pipe was asked for)
        descriptor = self._process.stdout.fileno()
        poller = select.poll()
        poller.register(descriptor, select.POLLIN | select.POLLHUP)
        if not poller.poll(max(0.0, deadline - time.monotonic()) * 1000):
            raise QueryTimeout("time is up")
        data = os.read(descriptor, _READ_BYTES)
        if not data:
            raise QueryFailed(
                "the query ended the process that ran it: it is nested too deeply, or needs more memory than it may "
                "have. Simplify it, or download the data"
            )
        self._received += data

    def kill(self) -> None:
        """End it at once; any thread may. Whoever reads from it sees its end."""
        self._process.kill()
        self._process.wait()

    def discard(self) -> None:
        """End it and close its pipes; only for the thread that uses it."""
        self.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


def _read_table(body: bytes) -> dict[str, Any]:
    table = orjson.loads(body)
    return table if isinstance(table, dict) else {}


def to_error(body: bytes) -> errors.QlinkError:
    """Return the error that a worker reported."""
    table = _read_table(body)
    kind = getattr(errors, str(table.get("error")), QueryFailed)
    return kind(str(table.get("message"))) if issubclass(kind, errors.QlinkError) else QueryFailed(str(table))
