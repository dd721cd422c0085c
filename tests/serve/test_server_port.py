"""A port is looked at before the work begins."""

import socket

import pytest

from qlink_ld.errors import ConfigurationError
from qlink_ld.serve.server import find_port


def test_zero_finds_a_free_port() -> None:
    port = find_port("127.0.0.1", 0)
    assert port > 0
    assert find_port("127.0.0.1", port) == port


def test_a_port_in_use_is_refused() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(ConfigurationError, match="stop what uses it, or choose another --port"):
            find_port("127.0.0.1", other.getsockname()[1])
