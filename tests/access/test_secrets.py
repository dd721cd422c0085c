"""Secrets that providers encrypt for us, with the very command of the specification."""

import base64
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from qlink_ld.access.keys import KeyRing
from qlink_ld.access.secrets import decrypt_secret
from qlink_ld.errors import AccessRefused


def test_a_03_and_a_04_what_openssl_encrypts_is_decrypted(ring: KeyRing, encrypt: Callable[..., str]) -> None:
    assert decrypt_secret(ring, encrypt("Schlüssel 7".encode()), "value") == "Schlüssel 7"


def test_a_05_sha_256_is_understood_too(ring: KeyRing, encrypt: Callable[..., str]) -> None:
    value = encrypt(b"abc", "-pkeyopt", "rsa_oaep_md:sha256", "-pkeyopt", "rsa_mgf1_md:sha256")
    assert decrypt_secret(ring, value, "value") == "abc"


def test_a_06_base64_may_have_line_breaks(ring: KeyRing, encrypt: Callable[..., str]) -> None:
    value = encrypt(b"abc")
    assert value.count("\n") > 5
    assert decrypt_secret(ring, value.replace("\n", "\r\n  "), "value") == "abc"


def test_a_07_the_longest_secret_of_a_key_passes(ring: KeyRing, encrypt: Callable[..., str]) -> None:
    longest = b"x" * 470  # 512 bytes of RSA-4096, less 2 hashes of 20 bytes, less 2
    assert decrypt_secret(ring, encrypt(longest), "value") == longest.decode()
    with pytest.raises(subprocess.CalledProcessError):
        encrypt(longest + b"x")


@pytest.mark.parametrize("secret", [b"two\nlines", b"two\r\nlines", b"nul\0", b"echo adds one\n"])
def test_a_08_a_secret_with_control_characters_is_refused(
    ring: KeyRing, encrypt: Callable[..., str], secret: bytes
) -> None:
    with pytest.raises(AccessRefused, match="line break or control character") as caught:
        decrypt_secret(ring, encrypt(secret), "value")
    assert caught.value.code == "auth-secret-invalid"
    assert "echo adds" not in str(caught.value)


@pytest.mark.parametrize("value", ["clear text!", "QUJD", "", base64.b64encode(b"x" * 512).decode()])
def test_a_08_what_cannot_be_decrypted_is_an_error_and_not_repeated_in_it(ring: KeyRing, value: str) -> None:
    with pytest.raises(AccessRefused, match="`client_secret`") as caught:
        decrypt_secret(ring, value, "client_secret")
    assert caught.value.code == "auth-decrypt-failed"
    assert not value or value not in str(caught.value)


def test_a_secret_for_somebody_elses_key_is_an_error(ring: KeyRing) -> None:
    stranger = rsa.generate_private_key(65537, 2048).public_key()
    scheme = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)
    with pytest.raises(AccessRefused, match="was not encrypted with our public key"):
        decrypt_secret(ring, base64.b64encode(stranger.encrypt(b"abc", scheme)).decode(), "value")


def test_without_keys_the_message_says_how_to_make_them(tmp_path: Path) -> None:
    with pytest.raises(AccessRefused, match="qlink-ld keys init"):
        decrypt_secret(KeyRing(tmp_path, []), "QUJD", "value")
