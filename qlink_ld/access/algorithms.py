"""Which keys does an aggregator need? One per algorithm of HTTP signatures, and one that secrets are encrypted for.

Source: Data Exchange, §Access control, requirements A-04 and A-17; the names of algorithms are those of the IANA
registry "HTTP Signature Algorithms" (RFC 9421 §6.2.2), those in JWKs of "JSON Web Signature and Encryption Algorithms".
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from http_message_signatures import algorithms
from http_message_signatures.algorithms import HTTPSignatureAlgorithm

PrivateKey = RSAPrivateKey | Ed25519PrivateKey | EllipticCurvePrivateKey

ENCRYPTION = "rsa-oaep"
TAG = "qualitylink-v1"
_ENCRYPTION_BITS = 4096  # secrets of up to 470 bytes
_SIGNATURE_BITS = 3072  # as strong as 128 bits (NIST SP 800-57)
_PUBLIC_EXPONENT = 65537


@dataclass(frozen=True, slots=True)
class KeyKind:
    """What a key is for and how it is made."""

    generate: Callable[[], PrivateKey]
    jwk_algorithm: str
    signs_with: type[HTTPSignatureAlgorithm] | None = None  # None: it decrypts


def _generate_rsa(bits: int = _SIGNATURE_BITS) -> RSAPrivateKey:
    return rsa.generate_private_key(_PUBLIC_EXPONENT, bits)


KINDS: Mapping[str, KeyKind] = {
    ENCRYPTION: KeyKind(lambda: _generate_rsa(_ENCRYPTION_BITS), "RSA-OAEP"),
    "ed25519": KeyKind(ed25519.Ed25519PrivateKey.generate, "EdDSA", algorithms.ED25519),
    "rsa-pss-sha512": KeyKind(_generate_rsa, "PS512", algorithms.RSA_PSS_SHA512),
    "rsa-v1_5-sha256": KeyKind(_generate_rsa, "RS256", algorithms.RSA_V1_5_SHA256),
    "ecdsa-p256-sha256": KeyKind(
        lambda: ec.generate_private_key(ec.SECP256R1()), "ES256", algorithms.ECDSA_P256_SHA256
    ),
    "ecdsa-p384-sha384": KeyKind(
        lambda: ec.generate_private_key(ec.SECP384R1()), "ES384", algorithms.ECDSA_P384_SHA384
    ),
}
SIGNATURE_ALGORITHMS = tuple(name for name, kind in KINDS.items() if kind.signs_with is not None)  # best first
