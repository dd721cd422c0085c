"""Our keys: made, kept from others, rotated, published."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from qlink_ld.access.algorithms import SIGNATURE_ALGORITHMS
from qlink_ld.access.keys import KeyRing, add_keys, load_keys
from qlink_ld.access.secrets import decrypt_secret
from qlink_ld.errors import ConfigurationError

LATER = datetime(2026, 12, 1, tzinfo=UTC)


def test_a_17_there_is_one_key_for_each_algorithm_and_its_public_part_is_published(ring: KeyRing) -> None:
    published = ring.describe()
    assert published["algorithms"] == list(SIGNATURE_ALGORITHMS)
    assert {key["alg"] for key in published["keys"]} == {"rsa-oaep", *SIGNATURE_ALGORITHMS}
    assert len({key["keyid"] for key in published["keys"]}) == 6
    for key in published["keys"]:
        assert key["status"] == "current"
        assert key["jwk"]["kid"] == key["keyid"]
        assert not key["jwk"].keys() & {"d", "p", "q", "dp", "dq", "qi"}
        assert serialization.load_pem_public_key(key["pem"].encode()) is not None


def test_only_the_owner_can_read_private_keys(ring: KeyRing) -> None:
    assert ring.folder.stat().st_mode & 0o077 == 0
    files = list(ring.folder.glob("*.pem"))
    assert len(files) == 6
    assert all(file.stat().st_mode & 0o177 == 0 for file in files)


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    add_keys(tmp_path / "keys", LATER, missing_only=True)
    file = next((tmp_path / "keys").glob("*-ed25519.pem"))
    file.chmod(0o644)
    with pytest.raises(ConfigurationError, match=r"ed25519\.pem cannot be used: others .* chmod 600"):
        load_keys(tmp_path / "keys")


def test_a_09_a_value_encrypted_before_a_rotation_still_decrypts(tmp_path: Path, encrypt: Callable[..., str]) -> None:
    before = add_keys(tmp_path / "keys", datetime(2026, 11, 1, tzinfo=UTC))
    pem = tmp_path / "old.pem"
    pem.write_text(before.of("rsa-oaep")[0].public_pem)
    old = encrypt(b"s3cret", pem=pem)
    after = add_keys(tmp_path / "keys", LATER)
    assert len(after.keys) == 12
    assert after.of("ed25519")[0].created == LATER
    assert [k["status"] for k in after.describe()["keys"] if k["alg"] == "ed25519"] == ["current", "retired"]
    assert decrypt_secret(after, old, "value") == "s3cret"


def test_keys_that_exist_are_not_made_again(tmp_path: Path) -> None:
    first = add_keys(tmp_path / "keys", LATER)
    again = add_keys(tmp_path / "keys", datetime(2027, 1, 1, tzinfo=UTC), missing_only=True)
    assert [key.keyid for key in again.keys] == [key.keyid for key in first.keys]


def test_a_passphrase_encrypts_the_files_and_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QLINK_KEYS_PASSPHRASE", "correct horse")
    add_keys(tmp_path / "keys", LATER)
    assert len(load_keys(tmp_path / "keys").keys) == 6
    monkeypatch.delenv("QLINK_KEYS_PASSPHRASE")
    with pytest.raises(ConfigurationError, match="set QLINK_KEYS_PASSPHRASE"):
        load_keys(tmp_path / "keys")
