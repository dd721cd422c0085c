"""What the harvesters' tests share: a real server on loopback, and a client that may speak with it."""

from collections.abc import Iterator

import pytest
from pytest_httpserver import HTTPServer

from qlink_ld.config import HarvestSettings
from qlink_ld.http import ProviderClient


@pytest.fixture(scope="module")
def running() -> Iterator[HTTPServer]:
    """One server for the tests of a file."""
    with HTTPServer(host="127.0.0.1", port=0, threaded=True) as server:
        yield server


@pytest.fixture
def server(running: HTTPServer) -> HTTPServer:
    """The server, knowing nothing."""
    running.clear()
    return running


@pytest.fixture
def client() -> Iterator[ProviderClient]:
    """A client that asks twice, without waiting long."""
    settings = HarvestSettings(timeout_s=5, allow_private_addresses=True)
    with ProviderClient(settings, backoff_s=0.01, attempts=2) as client:
        yield client
