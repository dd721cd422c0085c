"""How are strangers' queries run? In a pool of processes that can be killed, one query in each at a time.

Source: DESIGN §6. pyoxigraph has no time-out, and a few kilobytes of nested groups end a process; so a query that is
not done at the deadline is ended with its worker, and a new worker takes its place. One pool per serving process: with
several gunicorn processes there are as many pools. A worker opens its release read-only and keeps it until the pool
notices that `current` was switched.
"""

import contextlib
import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

import orjson

from qlink_ld.config import SparqlSettings
from qlink_ld.errors import QlinkError, QueryFailed, QueryQueueFull, QueryTimeout, StoreUnusable
from qlink_ld.serve.query_process import QueryProcess, to_error
from qlink_ld.serve.release import OpenRelease, Releases
from qlink_ld.serve.spool import Spool
from qlink_ld.serve.worker import QueryRequest

log = logging.getLogger(__name__)

BUFFER_BYTES = 1024 * 1024  # DESIGN §6: so much is there before the status line
_CHECK_RELEASE_S = 2.0
_CLIENT_WAITING = 8  # queries of one client that may wait


@dataclass(slots=True)
class Answer:
    """A result whose first megabyte, at least, is there. `body` is all of it, or `None` if `spool` brings more."""

    kind: str  # bindings, boolean, graph
    format: str  # a key of RESULTS_FORMATS or GRAPH_FORMATS
    release_id: str
    body: bytes | None
    spool: Spool | None = None
    start: bytes = b""

    def read(self) -> Iterator[bytes]:
        """Yield the result. Raises QlinkError if it breaks: what was read until then is worth nothing."""
        if self.body is not None:
            yield self.body
        elif self.spool is not None:
            yield self.start
            yield from self.spool.read()

    def close(self) -> None:
        """Give up the rest."""
        if self.spool is not None:
            self.spool.abandon()


class QueryPool:
    """Runs queries on the current release, each in a worker process, with limits per client and for all."""

    def __init__(self, settings: SparqlSettings, releases: Releases) -> None:
        self.settings = settings
        self.releases = releases
        self.outcomes: Counter[str] = Counter()
        self._condition = threading.Condition()
        self._idle: list[QueryProcess] = []
        self._busy: set[QueryProcess] = set()
        self._running: Counter[str] = Counter()  # by client
        self._waiting: Counter[str] = Counter()
        self._keeper: threading.Thread | None = None
        self._release: OpenRelease | None = None  # what new workers open
        self._failure: StoreUnusable | None = None
        self._closed = False

    @property
    def client_limit(self) -> int:
        """How many queries of one client run at once: fewer than there are workers (DESIGN §6)."""
        return max(1, self.settings.workers - 1)

    def count_workers(self) -> dict[str, int]:
        """Return how many workers and queries are in which state."""
        with self._condition:
            return {"idle": len(self._idle), "busy": len(self._busy), "waiting": self._waiting.total()}

    def worker_pids(self) -> list[int]:
        """Return the process ids of all workers."""
        with self._condition:
            return [process.pid for process in (*self._idle, *self._busy)]

    def start(self) -> None:
        """Start the workers now rather than with the first query."""
        with self._condition:
            self._ensure_keeper()

    def run(self, request: QueryRequest, client: str = "") -> Answer:
        """Run a query and return its result once it is complete or a megabyte of it is there.

        Args:
            request: the query; its limits are set by the pool.
            client: who asks, for the limit per client.

        Raises:
            QuerySyntaxError, QueryRefused: the query's own fault.
            QueryFailed: it ended its worker.
            QueryTimeout: not done at the deadline; the worker is dead.
            QueryQueueFull: no worker became free, or this client has too many queries.
            StoreUnusable: there is no release.
        """
        settings = self.settings
        request = replace(
            request,
            max_result_bytes=request.max_result_bytes or settings.max_result_bytes,
            service_allow=settings.service_allow,
            deadline_s=settings.timeout_s,
        )
        process = self._take_and_send(request, client)
        passed_on = False
        outcome = "complete"
        try:
            deadline = time.monotonic() + settings.timeout_s
            answer, ended = self._read_start(process, deadline)
            if not ended:
                assert answer.spool is not None  # noqa: S101 (that is what "not ended" means)
                threading.Thread(
                    target=self._fill, args=(process, answer.spool, deadline, client), name="qlink-spool", daemon=True
                ).start()
                passed_on = True
                outcome = "streamed"
        except QueryTimeout as error:
            outcome = "timeout"
            process.kill()
            raise self._timeout() from error
        except QlinkError as error:
            outcome = type(error).__name__
            if isinstance(error, QueryFailed):
                process.kill()
            raise
        except BaseException:
            process.kill()
            raise
        else:
            return answer
        finally:
            self.outcomes[outcome] += 1
            if not passed_on:
                self._give_back(process, client)

    def _take_and_send(self, request: QueryRequest, client: str) -> QueryProcess:
        """Give the query to a worker; if that one has just died of something else, to the next."""
        while True:
            process = self._take(client)
            try:
                process.send(request)
            except QueryFailed:
                log.warning("query worker %d was ended by somebody else; taking another", process.pid)
                process.kill()
                self._give_back(process, client)
            else:
                return process

    def _timeout(self) -> QueryTimeout:
        return QueryTimeout(
            f"the query was not done after {self.settings.timeout_s:g} s and was ended: narrow it, or download the data"
        )

    def _read_start(self, process: QueryProcess, deadline: float) -> tuple[Answer, bool]:
        head, body = process.read_message(deadline)
        if head == b"X":
            raise to_error(body)
        about = orjson.loads(body)
        answer = Answer(about["kind"], about["format"], process.release_id, None)
        pieces: list[bytes] = []
        size = 0
        while size < BUFFER_BYTES:
            head, body = process.read_message(deadline)
            if head == b"X":
                raise to_error(body)
            if head == b"E":
                answer.body = b"".join(pieces)
                return answer, True
            pieces.append(body)
            size += len(body)
        answer.start = b"".join(pieces)
        answer.spool = Spool()
        return answer, False

    def _fill(self, process: QueryProcess, spool: Spool, deadline: float, client: str) -> None:
        """Bring the rest of a large result into its spool, as fast as the worker makes it."""
        error: QlinkError | None = None
        try:
            while True:
                head, body = process.read_message(deadline)
                if head == b"E":
                    break
                if head == b"X":
                    error = to_error(body)
                    break
                spool.write(body)
                if spool.abandoned:
                    error = QueryFailed("nobody reads this result any more")
                    process.kill()
                    break
        except QueryTimeout:
            error = self._timeout()
            process.kill()
        except QueryFailed as failure:
            error = failure
            process.kill()
        except OSError as failure:
            error = QueryFailed(f"the result could not be kept for its reader: {failure}")
            process.kill()
        finally:
            if error is not None:
                self.outcomes["broken"] += 1
                log.info("result broken off after its start: %s", error)
            spool.finish(error)
            self._give_back(process, client)

    def _take(self, client: str) -> QueryProcess:
        """Wait for a free worker on the current release."""
        settings = self.settings
        with self._condition:
            if self._waiting.total() >= settings.max_waiting:
                raise QueryQueueFull(f"{settings.max_waiting} queries are waiting already: try again in a few seconds")
            if self._waiting[client] >= _CLIENT_WAITING:
                raise QueryQueueFull(
                    f"you have {_CLIENT_WAITING} queries waiting already: ask one after the other", client_limit=True
                )
            self._waiting[client] += 1
            self._failure = None
            self._ensure_keeper()
            try:
                deadline = time.monotonic() + settings.max_wait_s
                while not (self._running[client] < self.client_limit and self._has_current()):
                    if self._failure is not None:
                        raise self._failure
                    left = deadline - time.monotonic()
                    if left <= 0:
                        raise self._full(client)
                    self._condition.wait(left)
                process = self._idle.pop()
                self._busy.add(process)
                self._running[client] += 1
                return process
            finally:
                self._waiting[client] -= 1
                if not self._waiting[client]:
                    del self._waiting[client]

    def _full(self, client: str) -> QueryQueueFull:
        own = self._running[client] >= self.client_limit
        waited = f"no query worker became free in {self.settings.max_wait_s:g} s: "
        if own:
            return QueryQueueFull(f"{waited}{self.client_limit} of your queries are running already", client_limit=True)
        return QueryQueueFull(f"{waited}try again in a few seconds")

    def _has_current(self) -> bool:
        """Drop idle workers of an old release; True if one of the current release is left."""
        self._follow_release()
        self._drop_dead()
        return bool(self._idle)

    def _drop_dead(self) -> None:
        """Forget idle workers that somebody else has ended."""
        for process in [p for p in self._idle if not p.alive]:
            self._idle.remove(process)
            process.discard()
            self._condition.notify_all()

    def _follow_release(self) -> None:
        try:
            release = self.releases.current()
        except StoreUnusable as error:
            self._failure = error
            return
        if self._release is not release:
            self._release = release
            stale, self._idle = self._idle, []
            for process in stale:
                process.discard()
            self._condition.notify_all()

    def _give_back(self, process: QueryProcess, client: str) -> None:
        with self._condition:
            self._busy.discard(process)
            self._running[client] -= 1
            if not self._running[client]:
                del self._running[client]
            stale = self._release is None or process.release_id != self._release.id
            if self._closed or stale or not process.alive:
                process.discard()
            else:
                self._idle.append(process)
            self._condition.notify_all()

    def _ensure_keeper(self) -> None:
        if self._closed:
            raise StoreUnusable("this server is stopping: ask again in a moment")
        if self._keeper is None:
            self._keeper = threading.Thread(target=self._keep, name="qlink-query-keeper", daemon=True)
            self._keeper.start()

    def _keep(self) -> None:
        """Keep as many workers as configured. All are started by this one thread, with which they die."""
        while True:
            with self._condition:
                self._condition.wait_for(self._is_short, timeout=_CHECK_RELEASE_S)
                if self._closed:
                    return
                self._follow_release()
                release = self._release
                if release is None:
                    self._condition.notify_all()  # whoever waits finds the failure
                    self._condition.wait(_CHECK_RELEASE_S)
                    continue
                if not self._is_short():
                    continue
            process = None
            with contextlib.suppress(StoreUnusable):
                process = self._start_process(release)
            with self._condition:
                if process is None:
                    self._failure = StoreUnusable(f"query workers cannot open release {release.id}; see the log")
                    self._condition.notify_all()
                    self._condition.wait(_CHECK_RELEASE_S)
                elif release is not self._release:
                    process.discard()
                else:
                    self._idle.append(process)
                    self._condition.notify_all()

    def _start_process(self, release: OpenRelease) -> QueryProcess:
        settings = self.settings
        try:
            return QueryProcess(
                release.release.store_path, release.id, settings.max_memory_bytes, network=bool(settings.service_allow)
            )
        except StoreUnusable as error:
            log.error("%s", error)  # noqa: TRY400
            raise

    def _is_short(self) -> bool:
        if self._closed:
            return True
        self._drop_dead()
        return self._release is None or len(self._idle) + len(self._busy) < self.settings.workers

    def close(self) -> None:
        """End all workers."""
        with self._condition:
            self._closed = True
            for process in self._busy:
                process.kill()
            for process in self._idle:
                process.discard()
            self._idle.clear()
            self._condition.notify_all()
        if self._keeper is not None:
            self._keeper.join(timeout=5)
        with self._condition:  # one that the keeper was just starting
            while self._idle:
                self._idle.pop().discard()
