"""How does a source of a manifest want to be accessed? Its `auth`, checked; secrets stay as they are, and unshown.

Source: QualityLink Data Source Discovery, requirement M-07; Data Exchange, requirements A-03, A-11, A-15, A-17 to A-19.
"""

from collections.abc import Mapping
from typing import Final, get_args
from urllib.parse import urlsplit

from qlink_ld.discovery.findings import Findings, describe, suggest
from qlink_ld.discovery.located import Member, Scalar, Table
from qlink_ld.model import Auth, AuthType

AUTH_TYPES: Final[tuple[AuthType, ...]] = get_args(AuthType)
AUTH_KEYS: Final[Mapping[AuthType, tuple[str, ...]]] = {
    "none": (),
    "httpheader": ("field", "value"),
    "oauth2.0": ("token_endpoint", "scope", "client_id", "client_secret"),
    "httpsig": ("alg",),
}
SECRET_KEYS: Final = frozenset({"value", "client_secret"})
ALGORITHMS: Final = ("rsa-pss-sha512", "rsa-v1_5-sha256", "ecdsa-p256-sha256", "ecdsa-p384-sha384", "ed25519")
_REQUIRED: Final[Mapping[AuthType, tuple[str, ...]]] = {
    "none": (),
    "httpheader": ("field", "value"),
    "oauth2.0": ("token_endpoint",),
    "httpsig": (),
}


def read_auth(member: Member | None, key: str, findings: Findings) -> Auth | None:
    """Read the `auth` of a source.

    Args:
        member: the key's value; None if there is none, which means "none".
        key: its path, for messages.
        findings: where problems are noted.

    Returns:
        How to access the source; None if that cannot be known, so that the source cannot be used.
    """
    if member is None:
        return Auth()
    table = member.node
    if not isinstance(table, Table):
        message = f'an object is needed, as {{"type": "none"}}, not {describe(table)}; the source is left out'
        findings.add("auth-invalid", message, member.place, key, severity="violation")
        return None
    kind = _read_type(table, member, key, findings)
    if kind is None:
        return None
    texts = _read_texts(table, kind, key, findings)
    missing = [name for name in _REQUIRED[kind] if name not in texts]
    for name in missing:
        message = f"access by {kind} needs `{name}`; the source is left out. Add it"
        findings.add("auth-invalid", message, member.place, f"{key}.{name}", severity="violation")
    if missing or not _is_consistent(kind, texts, table, key, findings):
        return None
    return Auth(
        type=kind,
        header=texts.get("field"),
        **{name: text for name, text in texts.items() if name != "field"},
    )


def produced_headers(auth: Auth) -> frozenset[str]:
    """Return the headers that this access sets itself, in lower case: `headers` must not override them (M-10)."""
    if auth.type == "httpheader":
        return frozenset({"authorization", (auth.header or "").strip().lower()})
    if auth.type == "oauth2.0":
        return frozenset({"authorization"})
    return frozenset({"signature", "signature-input"}) if auth.type == "httpsig" else frozenset()


def _read_type(table: Table, member: Member, key: str, findings: Findings) -> AuthType | None:
    names = ", ".join(AUTH_TYPES)
    stated = table.members.get("type")
    if stated is None:
        message = f"`type` is missing: {names}; the source is left out"
        findings.add("auth-invalid", message, member.place, key, severity="violation")
        return None
    value = stated.node.value if isinstance(stated.node, Scalar) else None
    kind = next((name for name in AUTH_TYPES if name == value), None)
    if kind is None:
        shown = value if isinstance(value, str) else None
        message = f"must be one of {names}; the source is left out.{suggest(shown or '', AUTH_TYPES)}"
        findings.add("auth-invalid", message, stated.place, f"{key}.type", severity="violation", value=shown)
    return kind


def _read_texts(table: Table, kind: AuthType, key: str, findings: Findings) -> dict[str, str]:
    texts = {}
    for name, member in table.members.items():
        if name == "type":
            continue
        where = f"{key}.{name}"
        if name not in AUTH_KEYS[kind]:
            hint = suggest(name, AUTH_KEYS[kind])
            findings.add(
                "key-unknown",
                f"not a key of access by {kind}; it is ignored.{hint}",
                member.place,
                where,
                severity="info",
            )
        elif isinstance(member.node, Scalar) and isinstance(member.node.value, str) and member.node.value.strip():
            texts[name] = member.node.value.strip()
        elif not (isinstance(member.node, Scalar) and member.node.value is None):
            found = (
                "empty text" if isinstance(member.node, Scalar) and member.node.value == "" else describe(member.node)
            )
            findings.add("auth-invalid", f"text is needed, not {found}; it is ignored", member.place, where)
    return texts


def _is_consistent(kind: AuthType, texts: dict[str, str], table: Table, key: str, findings: Findings) -> bool:
    def refuse(name: str, message: str, *, value: str | None = None) -> bool:
        place = table.members[name].place
        findings.add("auth-invalid", message, place, f"{key}.{name}", severity="violation", value=value)
        return False

    if kind == "oauth2.0":
        endpoint = texts["token_endpoint"]
        if not is_http(endpoint):
            return refuse(
                "token_endpoint", "must start with https:// or http://; the source is left out", value=endpoint
            )
        alone = {"client_id", "client_secret"} & texts.keys()
        if len(alone) == 1:
            name = alone.pop()
            message = "`client_id` and `client_secret` go together; those of the aggregator's configuration are used"
            findings.add("auth-incomplete", message, table.members[name].place, f"{key}.{name}")
            del texts[name]
    if kind == "httpsig" and texts.get("alg", ALGORITHMS[0]) not in ALGORITHMS:
        names = ", ".join(ALGORITHMS)
        message = f"must be one of {names}; the source is left out.{suggest(texts['alg'], ALGORITHMS)}"
        return refuse("alg", message, value=texts["alg"])
    return True


def is_http(address: str) -> bool:
    """Say whether it is a whole http(s) address."""
    try:
        parts = urlsplit(address)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False
