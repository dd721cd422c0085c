"""Tokens for a source: OAuth 2.0 client credentials.

Source: Data Exchange, §Access control, requirements A-11 to A-15; RFC 6749 §2.3.1, §4.4 and §5; RFC 6750 §2.1.
"""

import base64
import logging
import math
import threading
import time
from collections.abc import Callable, Collection, Generator, Mapping
from typing import Any, Protocol
from urllib.parse import quote_plus

import httpx
from authlib.oauth2.rfc6749.parameters import prepare_token_request

from qlink_ld.access.credentials import Credential
from qlink_ld.errors import AccessRefused
from qlink_ld.http import Response
from qlink_ld.provider_json import read_json

log = logging.getLogger(__name__)

RENEWED_EARLY_S = 60  # before a token ends
DEFAULT_LIFETIME_S = 300  # of a token that does not say


class TokenClient(Protocol):
    """Speaks with token endpoints: `ProviderClient`."""

    def post_form(self, url: str, form: str, *, headers: Mapping[str, str], answers: Collection[int]) -> Response:
        """Send a form; return the answer, with status 2xx or one of `answers`."""


class BearerAuth(httpx.Auth):
    """Adds a bearer token; fetches it when it is first needed, 60 s before it ends, and once after a 401.

    Safe to use from several threads: one fetches, the others wait.

    Args:
        client: for requests to the token endpoint.
        credential: who we are there.
        scope: what is asked for; None takes the credential's.
        clock: seconds; for tests.
    """

    def __init__(
        self,
        client: TokenClient,
        credential: Credential,
        scope: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._credential = credential
        self._scope = scope or credential.scope
        self._clock = clock
        self._lock = threading.Lock()
        self._in_body = credential.in_body
        self._token = ""
        self._good_until = -math.inf

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Set the header; after a 401 once more, with a new token."""
        token = self._usable_token()
        request.headers["Authorization"] = f"Bearer {token}"
        response = yield request
        if response.status_code == httpx.codes.UNAUTHORIZED:
            request.headers["Authorization"] = f"Bearer {self._usable_token(instead_of=token)}"
            yield request

    def _usable_token(self, instead_of: str | None = None) -> str:
        with self._lock:
            if self._clock() >= self._good_until or self._token == instead_of:
                self._fetch()
            return self._token

    def _fetch(self) -> None:
        answer = self._ask(in_body=self._in_body)
        said = _read_object(answer)
        if answer.status in (400, 401) and said.get("error") == "invalid_client" and not self._in_body:
            answer = self._ask(in_body=True)  # RFC 6749 discourages it, and some servers know nothing else
            said = _read_object(answer)
            self._in_body = answer.status < 300
        token, kind = said.get("access_token"), said.get("token_type", "Bearer")
        if answer.status >= 300:
            reason = said.get("error")
            named = f" ({reason})" if isinstance(reason, str) and reason.isidentifier() else ""
            raise AccessRefused(
                "auth-token-refused",
                f"{self._credential.token_endpoint}: the token endpoint answered {answer.status}{named}; check "
                "client_id, client_secret and scope with the provider",
            )
        if not isinstance(token, str) or not token.isascii() or not token.isprintable() or not token.strip():
            raise AccessRefused(
                "auth-token-unusable", f"{self._credential.token_endpoint}: answered without a token; ask the provider"
            )
        if not isinstance(kind, str) or kind.lower() != "bearer":
            raise AccessRefused(
                "auth-token-unusable",
                f"{self._credential.token_endpoint}: gives tokens that are no bearer tokens; ask the provider",
            )
        lifetime = _seconds(said.get("expires_in"))
        early = min(RENEWED_EARLY_S, lifetime / 2)  # a token of a minute is used for half of it
        self._token, self._good_until = token.strip(), self._clock() + lifetime - early
        log.info("%s: got a token for %.0f s", self._credential.token_endpoint, lifetime)

    def _ask(self, *, in_body: bool) -> Response:
        credential = self._credential
        headers = {"Accept": "application/json"}
        own: dict[str, str] = {"scope": self._scope} if self._scope else {}
        if in_body:
            own |= {"client_id": credential.client_id, "client_secret": credential.client_secret}
        else:
            # RFC 6749 §2.3.1: both are form-encoded before they are joined.
            pair = f"{quote_plus(credential.client_id)}:{quote_plus(credential.client_secret)}"
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        form = prepare_token_request("client_credentials", **own)
        return self._client.post_form(credential.token_endpoint, form, headers=headers, answers=range(400, 500))


def _read_object(answer: Response) -> dict[str, Any]:
    try:
        said = read_json(answer.body).value
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _seconds(value: object) -> float:
    """Read `expires_in`; some servers write a number as text."""
    try:
        seconds = float(value) if isinstance(value, str | int | float) else math.nan
    except ValueError:
        seconds = math.nan
    return seconds if 0 < seconds < math.inf else DEFAULT_LIFETIME_S
