"""Which keys do we have? A folder of private keys, newest first, and what the public may know of them.

    {keys}/20261123T193000Z-rsa-oaep.pem        PKCS #8, only its owner may read it; encrypted if there is a passphrase
    {keys}/20261123T193000Z-ed25519.pem
    {keys}/public.json                          what `serve` publishes; needs no private key

Rotating adds keys and keeps the old ones: secrets encrypted for an old key can still be read, and providers find the
old public keys as long as requests signed with them may be on their way.

Source: Data Exchange, §Access control, requirements A-09 and A-17; RFC 7517 (JWK), RFC 7638 (thumbprints as key ids).
"""

import contextlib
import json
import logging
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from joserfc.jwk import ECKey, OKPKey, RSAKey

from qlink_ld.access.algorithms import ENCRYPTION, KINDS, SIGNATURE_ALGORITHMS, TAG, PrivateKey
from qlink_ld.errors import ConfigurationError

log = logging.getLogger(__name__)

PUBLIC = "public.json"
PASSPHRASE = "QLINK_KEYS_PASSPHRASE"  # environment variable  # noqa: S105
_TIME = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class OwnKey:
    """One of our keys. `keyid` is the thumbprint of its JWK."""

    keyid: str
    algorithm: str  # a name in `algorithms.KINDS`
    created: datetime  # UTC
    private: PrivateKey

    def __repr__(self) -> str:
        return f"OwnKey({self.algorithm}, {self.keyid})"

    @property
    def jwk(self) -> dict[str, Any]:
        """The public key as a JWK."""
        kind = KINDS[self.algorithm]
        use = "enc" if kind.signs_with is None else "sig"
        return {**_jwk(self.private).as_dict(private=False), "kid": self.keyid, "use": use, "alg": kind.jwk_algorithm}

    @property
    def public_pem(self) -> str:
        """The public key as OpenSSL reads it."""
        return _public_bytes(self.private).decode()


class KeyRing:
    """All our keys. Make one with `load_keys`."""

    def __init__(self, folder: Path, keys: Sequence[OwnKey]) -> None:
        self.folder = folder
        self.keys = tuple(sorted(keys, key=lambda key: (key.created, key.keyid), reverse=True))

    def of(self, algorithm: str) -> tuple[OwnKey, ...]:
        """Return the keys for an algorithm, newest first."""
        return tuple(key for key in self.keys if key.algorithm == algorithm)

    def describe(self) -> dict[str, Any]:
        """What providers must know: algorithms, keys, and which of them are in use. Nothing of it is secret."""
        newest = {key.algorithm: key.keyid for key in reversed(self.keys)}
        return {
            "tag": TAG,
            "algorithms": [name for name in SIGNATURE_ALGORITHMS if name in newest],
            "keys": [
                {
                    "keyid": key.keyid,
                    "alg": key.algorithm,
                    "use": "encryption" if key.algorithm == ENCRYPTION else "signature",
                    "status": "current" if newest[key.algorithm] == key.keyid else "retired",
                    "created": key.created.isoformat().replace("+00:00", "Z"),
                    "jwk": key.jwk,
                    "pem": key.public_pem,
                }
                for key in self.keys
            ],
        }


def load_keys(folder: Path, passphrase: str | None = None) -> KeyRing:
    """Read the keys in a folder; none if it does not exist.

    Args:
        folder: where the keys are.
        passphrase: what they are encrypted with; None takes the environment's QLINK_KEYS_PASSPHRASE.

    Raises:
        ConfigurationError: a file that cannot be read, or is readable for others than its owner.
    """
    secret = _passphrase(passphrase)
    keys = []
    for file in sorted(folder.glob("*.pem")):
        try:
            moment, _, algorithm = file.stem.partition("-")
            created = datetime.strptime(moment, _TIME).replace(tzinfo=UTC)
            private = serialization.load_pem_private_key(_read_private(file), secret)
        except (OSError, TypeError, ValueError) as error:
            raise ConfigurationError(
                f"the key {file} cannot be used: {error}. Restore it, or set {PASSPHRASE} if it has a passphrase"
            ) from error
        if algorithm not in KINDS or not isinstance(
            private, RSAPrivateKey | Ed25519PrivateKey | EllipticCurvePrivateKey
        ):
            raise ConfigurationError(f"the key {file} is of a kind that is not used here; remove it")
        keys.append(OwnKey(_jwk(private).thumbprint(), algorithm, created, private))
    return KeyRing(folder, keys)


def add_keys(folder: Path, now: datetime, passphrase: str | None = None, *, missing_only: bool = False) -> KeyRing:
    """Make a new key for every algorithm and write what the public may know of all of them.

    Args:
        folder: where the keys are; made if it is not there.
        now: UTC time.
        passphrase: encrypts the files; None takes the environment's, or none.
        missing_only: only for algorithms without any key.

    Returns:
        All keys, the new ones in front.

    Raises:
        ConfigurationError: the folder cannot be written, or has keys that cannot be read.
    """
    ring = load_keys(folder, passphrase)
    secret = _passphrase(passphrase)
    encryption = serialization.BestAvailableEncryption(secret) if secret else serialization.NoEncryption()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for algorithm, kind in KINDS.items():
            if missing_only and ring.of(algorithm):
                continue
            pem = kind.generate().private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
            )
            _write_private(folder / f"{now.astimezone(UTC).strftime(_TIME)}-{algorithm}.pem", pem)
        ring = load_keys(folder, passphrase)
        public = folder / f".{PUBLIC}"
        public.write_text(json.dumps(ring.describe(), indent=2) + "\n", encoding="utf-8")
        public.replace(folder / PUBLIC)
    except OSError as error:
        raise ConfigurationError(
            f"cannot write keys into {folder}: {error.strerror}; correct its permissions, or set `keys` in [access]"
        ) from error
    return ring


def _passphrase(stated: str | None) -> bytes | None:
    return (stated or os.environ.get(PASSPHRASE, "")).encode() or None


def _read_private(file: Path) -> bytes:
    if file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ValueError("others than its owner may read it; run chmod 600 on it")
    return file.read_bytes()


def _write_private(file: Path, pem: bytes) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with contextlib.closing(os.fdopen(descriptor, "wb")) as stream:
        stream.write(pem)
        stream.flush()
        os.fsync(stream.fileno())


def _public_bytes(private: PrivateKey) -> bytes:
    return private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _jwk(private: PrivateKey) -> RSAKey | ECKey | OKPKey:
    pem = _public_bytes(private)
    if isinstance(private, RSAPrivateKey):
        return RSAKey.import_key(pem)
    return ECKey.import_key(pem) if isinstance(private, EllipticCurvePrivateKey) else OKPKey.import_key(pem)
