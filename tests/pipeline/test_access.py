"""Sources that are not open to everybody, from the manifest to the graph; and where secrets must not be."""

import base64
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from qlink_ld.access.keys import load_keys

HEADER, CLIENT, TOKEN = "header-7f3a-secret", "client-91bc-secret", "token-55d0-secret"


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    with HTTPServer(host="127.0.0.1", port=0, threaded=True) as server:
        yield server


def encrypt(pem: Path, secret: str) -> str:
    command = ["openssl", "pkeyutl", "-encrypt", "-pubin", "-inkey", str(pem), "-pkeyopt", "rsa_padding_mode:oaep"]
    done = subprocess.run(command, input=secret.encode(), capture_output=True, check=True)
    return base64.b64encode(done.stdout).decode()


def everything(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Every file in a folder, snapshots decompressed."""
    for file in folder.rglob("*"):
        if file.is_file() and "keys" not in file.parts:
            body = file.read_bytes()
            if file.suffix == ".zst":
                body = zstandard.ZstdDecompressor().decompressobj().decompress(body)
            yield file, body


def test_a_10_sources_with_access_control_are_published_and_no_output_has_a_secret(
    deployment: Any, courses: Callable[..., str], server: HTTPServer, tmp_path: Path
) -> None:
    assert deployment.command("keys", "init").returncode == 0
    pem = tmp_path / "encryption.pem"
    pem.write_text(load_keys(deployment.data / "keys").of("rsa-oaep")[0].public_pem)
    asked: list[str] = []

    def serve(key: str, header: str, value: str) -> Callable[[Request], Response]:
        def answer(request: Request) -> Response:
            asked.append(key)
            good = request.headers.get(header, "").startswith(value)
            return Response(courses([key]), 200, content_type="text/turtle") if good else Response("no", 401)

        return answer

    server.expect_request("/header.ttl").respond_with_handler(serve("H", "X-Api-Key", HEADER))
    server.expect_request("/token.ttl").respond_with_handler(serve("T", "Authorization", f"Bearer {TOKEN}"))
    server.expect_request("/signed.ttl").respond_with_handler(serve("S", "Signature-Input", "qlink="))
    server.expect_request("/token").respond_with_json({"access_token": TOKEN, "expires_in": 60})
    credentials = deployment.write(
        "credentials.toml",
        f'[[credential]]\ntoken_endpoint = "{server.url_for("/token")}"\nclient_id = "q"\nclient_secret = "{CLIENT}"\n',
    )
    credentials.chmod(0o600)
    deployment.head += '[access]\ncredentials = "credentials.toml"\n'
    sources = {
        "header": f'auth = {{ type = "httpheader", field = "X-Api-Key", value = "{encrypt(pem, HEADER)}" }}',
        "token": f'auth = {{ type = "oauth2.0", token_endpoint = "{server.url_for("/token")}" }}',
        "signed": 'auth = { type = "httpsig" }',
        "wrong": f'auth = {{ type = "httpheader", field = "X-Api-Key", value = "{encrypt(pem, CLIENT)}x" }}',
    }
    for number, (name, auth) in enumerate(sources.items()):
        path = "header" if name == "wrong" else name
        lines = f'type = "elm"\nversion = "3.3"\npath = "{server.url_for(f"/{path}.ttl")}"\n{auth}'
        deployment.add(f"NL000{number}", lines)
    done = deployment.command("run", "--json")
    assert deployment.released() == {"NL0000": 1, "NL0001": 1, "NL0002": 1}
    assert sorted(asked) == ["H", "S", "T"]
    assert '"auth-decrypt-failed"' in done.stdout
    outputs = [(Path("stdout"), done.stdout.encode()), (Path("stderr"), done.stderr.encode())]
    for file, body in [*outputs, *everything(deployment.data)]:
        for secret in (HEADER, CLIENT, TOKEN):
            assert secret.encode() not in body, file
