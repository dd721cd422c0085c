"""What did a provider encrypt for us? The values of `httpheader` and `client_secret` in manifests.

`openssl pkeyutl -encrypt -pkeyopt rsa_padding_mode:oaep` sets the padding only, so both hashes are SHA-1 and the label
is empty; SHA-256 is tried, too. That is no weakness: OAEP does not depend on collisions.

Source: Data Exchange, §Access control, requirements A-03 to A-09; RFC 8017 §7.1.
"""

import base64
import binascii

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from qlink_ld.access.algorithms import ENCRYPTION
from qlink_ld.access.keys import KeyRing
from qlink_ld.errors import AccessRefused

_PADDINGS = tuple(
    padding.OAEP(mgf=padding.MGF1(kind), algorithm=kind, label=None)
    for kind in (hashes.SHA1(), hashes.SHA256())  # noqa: S303 (what the specification's command does)
)


def decrypt_secret(ring: KeyRing, encrypted: str, what: str) -> str:
    """Return the clear text of a secret; tries every key, newest first.

    Args:
        ring: our keys.
        encrypted: Base64 of the cipher text, with or without line breaks.
        what: the field, for messages.

    Raises:
        AccessRefused: not Base64, not encrypted for one of our keys, or a text that no header may hold.
    """
    keys = ring.of(ENCRYPTION)
    if not keys:
        raise AccessRefused(
            "auth-decrypt-failed", f"`{what}` is encrypted for us, and we have no key; run `qlink-ld keys init`"
        )
    try:
        cipher = base64.b64decode("".join(encrypted.split()), validate=True)
    except binascii.Error:
        raise AccessRefused(
            "auth-decrypt-failed",
            f"`{what}` is not Base64; encrypt it with our public key as `qlink-ld keys show` says, never in clear text",
        ) from None
    for key in keys:
        for scheme in _PADDINGS:
            assert isinstance(key.private, RSAPrivateKey)  # noqa: S101 (narrows the type)
            try:
                clear = key.private.decrypt(cipher, scheme).decode()
            except ValueError:  # also UnicodeDecodeError; what was wrong is nobody's business
                continue
            if any(ord(char) < 32 or ord(char) == 127 for char in clear):
                raise AccessRefused(
                    "auth-secret-invalid",
                    f"`{what}` has a line break or control character, which no header may have; encrypt it without "
                    "(printf '%s' instead of echo)",
                )
            return clear
    raise AccessRefused(
        "auth-decrypt-failed",
        f"`{what}` was not encrypted with our public key, or with one that we no longer have; encrypt it again, with "
        "the key that we publish at /keys",
    )
