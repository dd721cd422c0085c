"""Runs the sample universities in a process of their own, so that the demo's server can fork without their threads."""

import multiprocessing
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

from qlink_ld.demo.configuration import read_ports, write_config
from qlink_ld.demo.providers import start_providers
from qlink_ld.errors import ConfigurationError, QlinkError


@contextmanager
def running_providers(file: Path, base_iri: str, *, scale: int | None = None, seed: int = 0) -> Iterator[None]:
    """Start the sample universities and write the configuration that harvests them; end them afterwards.

    Args:
        file: where the configuration goes.
        base_iri: of the deployment, ending with a slash.
        scale: see `start_providers`.
        seed: see `start_providers`.

    Raises:
        ConfigurationError: they could not be started, or the file not written.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    child = context.Process(target=_serve, args=(there, file, base_iri, scale, seed), name="providers", daemon=True)
    child.start()
    there.close()
    try:
        try:
            problem = here.recv()
        except EOFError as error:
            raise ConfigurationError("the sample universities ended before they were up; try again") from error
        if problem is not None:
            raise ConfigurationError(problem)
        yield
    finally:
        here.close()  # tells the child to end
        child.join(5)
        if child.is_alive():
            child.kill()


def _serve(connection: Connection, file: Path, base_iri: str, scale: int | None, seed: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends this process
    try:
        with start_providers(scale=scale, seed=seed, ports=read_ports(file)) as providers:
            write_config(providers.institutions, providers.alliances, file, base_iri)
            connection.send(None)
            _wait_for_end(connection)
    except QlinkError as error:
        connection.send(str(error))


def _wait_for_end(connection: Connection) -> None:
    """Return when the parent closes its end or is gone."""
    ended = threading.Event()
    while not ended.is_set():
        try:
            connection.recv()
        except (EOFError, OSError):
            ended.set()
