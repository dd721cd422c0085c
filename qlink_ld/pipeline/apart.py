"""Processes an institution in a process of its own: a crash there is that institution's failure only."""

import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from qlink_ld.config import Config
from qlink_ld.errors import QlinkError
from qlink_ld.model import HarvestReport, Institution
from qlink_ld.pipeline.institution import process_institution
from qlink_ld.pipeline.state import store_failure
from qlink_ld.pipeline.visits import NoSource, Pace

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

log = logging.getLogger(__name__)

# A process that says nothing for so long hangs: the longest steps without a word, reading or sorting a file of half a
# gigabyte, take minutes.
STALL_S = 1800.0

OnProgress = Callable[[str, str, int, int | None], None]  # institution, stage, done, of how many


class Children:
    """The processes of one run. Several threads may use it, each waiting for its institution.

    Args:
        stall_s: a process that makes no progress for so many seconds is ended.
    """

    def __init__(self, stall_s: float = STALL_S) -> None:
        self._stall_s = stall_s
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["qlink_ld.pipeline.preload"])
        self._running: set[BaseProcess] = set()
        self._lock = threading.Lock()
        self._stopped = False

    def stop(self) -> None:
        """End all processes now, and start no other."""
        with self._lock:
            self._stopped = True
            for child in self._running:
                child.kill()

    def process(
        self,
        config: Config,
        institution: Institution,
        offline: bool,
        full: bool,
        on_progress: OnProgress | None,
        pace: Pace = "now",
    ) -> HarvestReport:
        """Process an institution and wait for its report.

        Raises:
            CancelledError: the run was stopped.
        """
        started = time.monotonic()
        receiver, sender = self._context.Pipe(duplex=False)
        child = self._context.Process(
            target=_work,
            args=(config, institution, offline, full, pace, sender, logging.getLogger("qlink_ld").level),
            name=institution.id,
        )
        with self._lock:
            if self._stopped:
                raise CancelledError
            child.start()
            self._running.add(child)
        sender.close()
        report: HarvestReport | None = None
        stalled = False
        try:
            while True:
                if not receiver.poll(self._stall_s):
                    stalled = True
                    child.kill()
                    break
                message = receiver.recv()
                if isinstance(message, HarvestReport):
                    report = message
                elif on_progress is not None:
                    on_progress(institution.id, *message)
        except EOFError:
            pass
        finally:
            receiver.close()
            child.join()
            with self._lock:
                self._running.discard(child)
        if self._stopped:
            raise CancelledError
        if report is not None:
            return report
        code = child.exitcode or 0
        if stalled:
            how = f"made no progress for {self._stall_s:.0f} s and was ended"
        else:
            how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
        return store_failure(
            config,
            institution,
            f"{institution.id}: the process that read its data {how}; its last good graph stays. "
            "The data may be hostile or too large: look at the latest snapshot",
            time.monotonic() - started,
        )


def _work(
    config: Config,
    institution: Institution,
    offline: bool,
    full: bool,
    pace: Pace,
    sender: Connection,
    log_level: int,
) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    threading.Thread(target=_end_with_parent, name="end-with-parent", daemon=True).start()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("qlink_ld").setLevel(log_level)
    started = time.monotonic()
    try:
        report = process_institution(
            config,
            institution,
            offline=offline,
            full=full,
            pace=pace,
            on_progress=lambda stage, done, total: sender.send((stage, done, total)),
        )
    except QlinkError as error:
        issues = error.issues if isinstance(error, NoSource) else ()
        report = store_failure(config, institution, str(error), time.monotonic() - started, issues=issues)
    except BrokenPipeError:  # nobody waits any more: the next run does it again
        os._exit(1)
    except Exception as error:  # the boundary between institutions: whatever it is, it must not cost another
        log.exception("%s: unexpected error", institution.id)
        message = f"{institution.id}: unexpected {type(error).__name__}: {error}; please report this error"
        report = store_failure(config, institution, message, time.monotonic() - started)
    sender.send(report)
    sender.close()


def _end_with_parent() -> None:
    """End this process when the run that started it is gone, however it went."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
