"""Keys of an aggregator, made once: an RSA key takes its time."""

import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from qlink_ld.access.authorization import Access
from qlink_ld.access.credentials import Credential
from qlink_ld.access.keys import KeyRing, add_keys
from qlink_ld.config import HarvestSettings
from qlink_ld.http import ProviderClient

LOCAL = HarvestSettings(timeout_s=5, allow_private_addresses=True)
MakeClient = Callable[..., ProviderClient]
Encrypt = Callable[..., str]


@pytest.fixture(scope="session")
def ring(tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    return add_keys(tmp_path_factory.mktemp("access") / "keys", datetime(2026, 11, 1, tzinfo=UTC))


@pytest.fixture(scope="session")
def public_pem(ring: KeyRing, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a provider gets from us to encrypt secrets with."""
    file = tmp_path_factory.mktemp("provider") / "qlink.pem"
    file.write_text(next(key["pem"] for key in ring.describe()["keys"] if key["use"] == "encryption"))
    return file


@pytest.fixture(scope="session")
def encrypt(public_pem: Path) -> Encrypt:
    """What Data Exchange tells providers to run: openssl pkeyutl, then base64."""

    def run(secret: bytes, *options: str, pem: Path = public_pem) -> str:
        command = ["openssl", "pkeyutl", "-encrypt", "-pubin", "-inkey", str(pem)]
        command += ["-pkeyopt", "rsa_padding_mode:oaep", *options]
        cipher = subprocess.run(command, input=secret, capture_output=True, check=True).stdout
        return subprocess.run(["base64"], input=cipher, capture_output=True, check=True).stdout.decode()

    return run


@pytest.fixture(scope="session")
def running() -> Iterator[HTTPServer]:
    with HTTPServer(host="127.0.0.1", port=0, threaded=True) as server:
        yield server


@pytest.fixture
def server(running: HTTPServer) -> HTTPServer:
    running.clear()
    return running


@pytest.fixture
def make_client(ring: KeyRing) -> Iterator[MakeClient]:
    """A client that knows our keys and the given credentials."""
    clients: list[ProviderClient] = []

    def make(*credentials: Credential, settings: HarvestSettings = LOCAL) -> ProviderClient:
        access = Access(ring, credentials)
        client = ProviderClient(
            settings, backoff_s=0.01, authorize=lambda source, own: access.authorize("NL0028", source, own)
        )
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()
