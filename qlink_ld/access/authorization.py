"""How is a source asked as it wishes? An `httpx.Auth` for each scheme of access control.

Each adds its headers to a request just before it is sent, so that page 2, a redirect inside the origin and a request
that is repeated have fresh ones; `http.py` leaves it out where a redirect leads to another origin.

Source: Data Exchange, §Access control, requirements A-01 to A-22; RFC 9421, RFC 6749 §4.4, RFC 6750.
"""

import re
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx
from http_message_signatures import HTTPMessageSigner
from http_message_signatures.resolvers import MappingKeyResolver

from qlink_ld.access.algorithms import KINDS, SIGNATURE_ALGORITHMS, TAG
from qlink_ld.access.bearer import BearerAuth, TokenClient
from qlink_ld.access.credentials import Credential, find_credential
from qlink_ld.access.keys import KeyRing, OwnKey
from qlink_ld.access.secrets import decrypt_secret
from qlink_ld.errors import AccessRefused
from qlink_ld.http import usable_headers
from qlink_ld.model import Auth, DataSource

SIGNATURE_LIFETIME_S = 300  # at most 3600; short, because a provider may see its copy in a proxy's log
LABEL = "qlink"  # of the signature in its headers


class HeaderAuth(httpx.Auth):
    """Adds one header that holds a secret."""

    def __init__(self, name: str, value: str) -> None:
        self._name = name
        self._value = value

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Set the header."""
        request.headers[self._name] = self._value
        yield request


class SignatureAuth(httpx.Auth):
    """Signs each request: `@authority`, `created`, `expires`, `keyid`, `alg` and `tag`."""

    def __init__(self, key: OwnKey, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        algorithm = KINDS[key.algorithm].signs_with
        assert algorithm is not None  # noqa: S101 (its caller chose among SIGNATURE_ALGORITHMS)
        self._keyid = key.keyid
        self._now = now
        self._signer = HTTPMessageSigner(
            signature_algorithm=algorithm,
            key_resolver=MappingKeyResolver(public_keys={}, private_keys={key.keyid: key.private}),
        )

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Set the headers Signature-Input and Signature."""
        created = self._now()
        self._signer.sign(
            request,
            key_id=self._keyid,
            created=created,
            expires=created + timedelta(seconds=SIGNATURE_LIFETIME_S),
            label=LABEL,
            tag=TAG,
            covered_component_ids=("@authority",),
        )
        yield request


@dataclass(frozen=True)
class Access:
    """Everything that access to sources needs: our keys and the operator's credentials."""

    keys: KeyRing
    credentials: Sequence[Credential] = ()

    def authorize(self, institution: str, source: DataSource, client: TokenClient) -> httpx.Auth | None:
        """Return what makes requests to a source acceptable; None if it is open.

        Args:
            institution: id of the institution whose source it is.
            source: says which scheme it wants.
            client: fetches tokens.

        Raises:
            AccessRefused: a secret that cannot be decrypted, an algorithm that is not known, no credentials. Nothing
                is asked then.
        """
        auth = source.auth
        try:
            if auth.type == "httpheader":
                return self._header(auth)
            if auth.type == "oauth2.0":
                return self._bearer(institution, auth, client)
            return self._signature(auth) if auth.type == "httpsig" else None
        except AccessRefused as error:
            raise AccessRefused(error.code, f"source '{source.id}' of {institution} is not asked: {error}") from None

    def _header(self, auth: Auth) -> HeaderAuth:
        if not auth.header or not auth.value:
            raise AccessRefused("auth-incomplete", "`auth` of type httpheader needs `field` and `value`; add them")
        secret = decrypt_secret(self.keys, auth.value, "value")
        if problems := usable_headers({auth.header: "secret"})[1]:
            raise AccessRefused("auth-incomplete", f"`field` of `auth`: {problems[0]}; choose another header")
        return HeaderAuth(auth.header, secret)

    def _bearer(self, institution: str, auth: Auth, client: TokenClient) -> BearerAuth:
        endpoint = auth.token_endpoint
        if not endpoint or not re.match("https?://", endpoint):
            raise AccessRefused("auth-incomplete", "`auth` of type oauth2.0 needs a `token_endpoint`; add its address")
        if auth.client_id and auth.client_secret:
            secret = decrypt_secret(self.keys, auth.client_secret, "client_secret")
            return BearerAuth(client, Credential(endpoint, auth.client_id, secret, scope=auth.scope))
        credential = find_credential(self.credentials, institution, endpoint)
        if credential is None:
            half = " (it states only one of `client_id` and `client_secret`)"
            raise AccessRefused(
                "auth-no-credentials",
                f"neither `auth`{half if auth.client_id or auth.client_secret else ''} nor our file of credentials has "
                f"those for {endpoint}; add a [[credential]] with this token_endpoint",
            )
        return BearerAuth(client, credential, auth.scope)

    def _signature(self, auth: Auth) -> SignatureAuth:
        if auth.alg is not None and auth.alg not in SIGNATURE_ALGORITHMS:
            raise AccessRefused(
                "auth-algorithm-unknown",
                f"`alg` {auth.alg!r} is not one of {', '.join(SIGNATURE_ALGORITHMS)} (asymmetric ones of the IANA "
                "registry); choose one of these",
            )
        for algorithm in (auth.alg,) if auth.alg else SIGNATURE_ALGORITHMS:
            if keys := self.keys.of(algorithm):
                return SignatureAuth(keys[0])
        raise AccessRefused("auth-no-key", "it wants signed requests, and we have no key; run `qlink-ld keys init`")
