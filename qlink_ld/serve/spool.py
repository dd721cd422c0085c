"""Where does a large result wait for a slow reader? In a file without a name, so that its worker is free for others."""

import tempfile
import threading
from collections.abc import Iterator
from typing import IO

from qlink_ld.errors import QlinkError


class Spool:
    """Bytes that one thread writes and another reads meanwhile. Either arrives whole or raises."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile(prefix="qlink-ld-result-")  # noqa: SIM115 (closed by its reader)
        self._condition = threading.Condition()
        self._written = 0
        self._complete = False
        self._error: QlinkError | None = None
        self.abandoned = False

    def write(self, data: bytes) -> None:
        """Add bytes at the end."""
        with self._condition:
            if self.abandoned:
                return
            self._file.seek(self._written)
            self._file.write(data)
            self._written += len(data)
            self._condition.notify_all()

    def finish(self, error: QlinkError | None = None) -> None:
        """Say that nothing more comes: all of it is here, or `error` says why not."""
        with self._condition:
            self._complete = error is None
            self._error = error
            self._condition.notify_all()
            if self.abandoned:
                self._file.close()

    def abandon(self) -> None:
        """Say that nobody reads it any more."""
        with self._condition:
            self.abandoned = True
            if self._complete or self._error is not None:
                self._file.close()

    def read(self, size: int = 256 * 1024) -> Iterator[bytes]:
        """Yield all bytes as they come.

        Raises:
            QlinkError: what `finish` was told.
        """
        try:
            yield from self._read(size)
        finally:
            self.abandon()

    def _read(self, size: int) -> Iterator[bytes]:
        position = 0
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._written > position or self._complete or self._error is not None)  # noqa: B023
                if self._error is not None:
                    raise self._error
                if self._written == position:
                    return
                self._file.seek(position)
                data = self._file.read(min(size, self._written - position))
            position += len(data)
            yield data
