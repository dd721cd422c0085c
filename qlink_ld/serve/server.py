"""How does it run? Under gunicorn, set up here rather than in a file: threads for readers, processes for queries.

Each gunicorn process has a pool of query workers of its own (`[sparql] workers`), so one process with several query
workers is the usual choice, and more processes are for many readers of pages.
"""

import logging
import os
import socket
from collections.abc import Callable
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]

from qlink_ld.config import Config
from qlink_ld.errors import ConfigurationError
from qlink_ld.serve.app import create_app
from qlink_ld.serve.site import KEY, Site

log = logging.getLogger(__name__)

_THREADS_BESIDE_QUERIES = 16  # so that pages are answered while all queries wait


class _Server(BaseApplication):  # type: ignore[misc] # gunicorn has no types
    """gunicorn with our settings."""

    def __init__(self, config: Config, settings: dict[str, Any]) -> None:
        self._config = config
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._settings.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Make the application; called in each serving process after it was forked."""
        app = create_app(self._config)
        site: Site = app.extensions[KEY]
        site.pool.start()
        return app


def serve(
    config: Config,
    host: str = "127.0.0.1",
    port: int = 8080,
    workers: int = 1,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT; requests that are being answered may end.

    Call it from the main thread of a process without other threads: gunicorn forks and handles signals.

    Args:
        config: the deployment.
        host: address to listen at.
        port: 0 takes a free one.
        workers: serving processes; each has `config.sparql.workers` query workers.
        on_ready: called once with the address as soon as it is listened at.

    Raises:
        ConfigurationError: the address cannot be listened at.
    """
    listener = _listen(host, port)
    address = f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}/"
    descriptor = listener.detach()  # gunicorn's from here: it closes it

    def tell(_arbiter: object) -> None:
        log.info("serving %s, published as %s", address, config.base_iri)
        if on_ready is not None:
            on_ready(address)

    sparql = config.sparql
    settings = {
        "bind": [f"fd://{descriptor}"],
        "workers": max(1, workers),
        "worker_class": "gthread",
        "threads": sparql.workers + sparql.max_waiting + _THREADS_BESIDE_QUERIES,
        "timeout": 60,  # seconds without a sign of life of a process; threads may be longer busy
        "graceful_timeout": 10,
        "keepalive": 5,
        "loglevel": "warning",
        "proc_name": "qlink-ld",
        "when_ready": tell,
        "worker_exit": _end_workers,
        "control_socket_disable": True,
    }
    main_process = os.getpid()
    try:
        _Server(config, settings).run()
    except SystemExit as end:  # gunicorn ends so when it is told to stop
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        if os.getpid() != main_process:
            # A serving process that gunicorn forked. What the caller still has to do is not for a copy of it.
            logging.shutdown()
            os._exit(code)
        if code != 0:
            raise ConfigurationError(f"the server at {address} ended with code {code}; see its log") from end


def find_port(host: str, port: int) -> int:
    """Return the port if it can be listened at; a free one for 0.

    Raises:
        ConfigurationError: something else uses it, or the address is not this machine's.
    """
    with _listen(host, port) as listener:
        found: int = listener.getsockname()[1]
    return found


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"cannot listen at {host}:{port} ({error.strerror}): stop what uses it, or choose another --port"
        ) from error
    return listener


def _end_workers(_arbiter: object, worker: Any) -> None:  # noqa: ANN401 (gunicorn has no types)
    site = getattr(getattr(worker, "wsgi", None), "extensions", {}).get(KEY)
    if isinstance(site, Site):
        site.pool.close()
