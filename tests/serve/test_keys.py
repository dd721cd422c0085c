"""Our public keys, as providers find them."""

from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from flask.testing import FlaskClient
from joserfc.jwk import OKPKey

from qlink_ld.access.keys import add_keys
from qlink_ld.access_settings import AccessSettings
from qlink_ld.config import Config
from qlink_ld.serve.app import close_app, create_app


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    add_keys(folder / "keys", datetime(2026, 11, 1, tzinfo=UTC))
    add_keys(folder / "keys", datetime(2026, 12, 1, tzinfo=UTC))
    return folder


@pytest.fixture
def visitor(data_dir: Path) -> FlaskClient:
    app = create_app(Config(data_dir=data_dir))
    close_app(app)
    return app.test_client()


def test_a_17_algorithms_and_keys_are_published(visitor: FlaskClient) -> None:
    said = visitor.get("/keys").json or {}
    assert said["algorithms"][0] == "ed25519"
    assert said["tag"] == "qualitylink-v1"
    assert [key["status"] for key in said["keys"] if key["alg"] == "ed25519"] == ["current", "retired"]
    assert "PRIVATE" not in visitor.get("/keys").text


def test_software_finds_the_keys_that_sign_as_a_jwk_set(visitor: FlaskClient) -> None:
    answer = visitor.get("/.well-known/http-message-signatures-directory")
    assert answer.content_type == "application/http-message-signatures-directory+json"
    keys = orjson.loads(answer.data)["keys"]
    assert len(keys) == 10
    ed25519 = next(key for key in keys if key["kty"] == "OKP")
    assert OKPKey.import_key(ed25519).thumbprint() == ed25519["kid"]
    assert not any(key["use"] == "enc" for key in keys)
    assert orjson.loads(visitor.get("/.well-known/jwks.json").data)["keys"] == keys


def test_openssl_reads_the_key_that_secrets_are_encrypted_with(visitor: FlaskClient) -> None:
    answer = visitor.get("/keys/encryption.pem")
    assert load_pem_public_key(answer.data) is not None
    newest = next(key for key in (visitor.get("/keys").json or {})["keys"] if key["use"] == "encryption")
    assert answer.text == newest["pem"]
    assert visitor.get(f"/keys/{newest['keyid']}.pem").text == newest["pem"]
    assert visitor.get("/keys/none.pem").status_code == 404


def test_people_get_a_page_with_the_command(visitor: FlaskClient) -> None:
    page = visitor.get("/keys", headers={"Accept": "text/html"})
    assert page.mimetype == "text/html"
    assert "openssl pkeyutl -encrypt" in page.text
    assert "no longer, but still valid" in page.text


def test_a_02_the_addresses_that_requests_come_from_are_published(tmp_path: Path) -> None:
    app = create_app(Config(data_dir=tmp_path, access=AccessSettings(addresses=("192.0.2.0/24", "2001:db8::7"))))
    close_app(app)
    visitor = app.test_client()
    assert (visitor.get("/keys").json or {})["addresses"] == ["192.0.2.0/24", "2001:db8::7"]
    assert "192.0.2.0/24" in visitor.get("/keys", headers={"Accept": "text/html"}).text


def test_an_unchanged_answer_is_not_sent_again(visitor: FlaskClient) -> None:
    etag = visitor.get("/keys").headers["ETag"]
    assert visitor.get("/keys", headers={"If-None-Match": etag}).status_code == 304


def test_a_deployment_without_keys_says_so(tmp_path: Path) -> None:
    app = create_app(Config(data_dir=tmp_path))
    close_app(app)
    visitor = app.test_client()
    assert (visitor.get("/keys").json or {})["keys"] == []
    assert "has no keys" in visitor.get("/keys", headers={"Accept": "text/html"}).text
