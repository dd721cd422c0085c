"""How are registers asked? With a cache that revalidates, and that answers where the register does not.

Registers are named by the operator and few, so they are asked one request after another, through requests-cache; what
is bounded is the size of an answer after decompression, the time of a whole request, and the number of redirects.
"""

import logging
import sqlite3
import time
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests_cache import CachedSession
from urllib3 import HTTPResponse, Retry
from urllib3.exceptions import HTTPError

from qlink_ld.config import HarvestSettings
from qlink_ld.errors import RegistryError

log = logging.getLogger(__name__)

CACHE_FILE: Final = "http-cache.sqlite"
FRESH_S: Final = 1  # an answer of just now is not asked for again
EWP_FRESH_S: Final = 60  # EWP Registry: clients keep the catalogue at least a minute, at most 3 hours
_MAX_REDIRECTS = 5
_CHUNK_BYTES = 64 * 1024
_GONE: Final = frozenset({404, 410})


class RegistryClient:
    """Asks registers. Use it as a context manager.

    Args:
        folder: where the cache is; it is made.
        settings: time-out of a whole request, greatest answer, and who we are.
        fresh_s: seconds in which an answer is not asked for again.

    Attributes:
        stale: addresses that could not be fetched now, for which an earlier answer was used, with why.
    """

    def __init__(self, folder: Path, settings: HarvestSettings, fresh_s: int = FRESH_S) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.stale: dict[str, str] = {}
        self._file = folder / CACHE_FILE
        self._settings = settings
        self._adapter = _BoundedAdapter(settings)
        try:
            self._session = CachedSession(
                self._file.with_suffix(""), backend="sqlite", expire_after=fresh_s, stale_if_error=True
            )
        except sqlite3.Error as error:
            raise self._unusable(error) from error
        self._session.max_redirects = _MAX_REDIRECTS
        self._session.headers["User-Agent"] = settings.user_agent
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, self._adapter)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.close()  # type: ignore[no-untyped-call]

    def get(self, url: str, accept: str, parameters: Mapping[str, int] | None = None) -> bytes | None:
        """Return the body of an answer with status 200; None if there is nothing at this address (404, 410).

        Raises:
            RegistryError: it cannot be had, and there is no earlier answer.
        """
        try:
            response = self._session.get(
                url, headers={"Accept": accept}, params=parameters, timeout=self._settings.timeout_s
            )
            body = response.content
        except requests.RequestException as error:
            raise RegistryError(f"{url} cannot be fetched: {_reason(error)}. Try again later") from error
        except (sqlite3.Error, OSError) as error:
            raise self._unusable(error) from error
        failure = self._adapter.take_failure()
        if failure is not None and response.status_code == requests.codes.ok:
            self.stale[str(response.url)] = failure
            log.warning("%s: %s; the answer of last time is used", response.url, failure)
        if response.status_code in _GONE:
            return None
        if response.status_code != requests.codes.ok:
            when = "Try again later" if response.status_code >= 500 else "Check the address"
            raise RegistryError(f"{url} answered with status {response.status_code}. {when}")
        return body

    def _unusable(self, error: Exception) -> RegistryError:
        return RegistryError(f"{self._file} cannot be used: {error}; remove it, it is only a cache")


def same_origin(url: str, other: str) -> bool:
    """Say whether two addresses are of one server."""
    return urlsplit(url)[:2] == urlsplit(other)[:2]


class _LimitExceeded(requests.RequestException):
    """An answer is too large or too slow."""


class _BoundedAdapter(HTTPAdapter):
    """Reads whole answers within limits."""

    def __init__(self, settings: HarvestSettings) -> None:
        super().__init__(max_retries=Retry(connect=2, read=0, redirect=0, status=0, backoff_factor=0.2))
        self._failure: str | None = None
        self._settings = settings

    def take_failure(self) -> str | None:
        """Say why the last request brought no answer of use; None if it did, or none was sent since."""
        failure, self._failure = self._failure, None
        return failure

    def send(self, request: requests.PreparedRequest, *arguments: Any, **options: Any) -> requests.Response:  # noqa: ANN401 (requests')
        ends_at = time.monotonic() + self._settings.timeout_s
        try:
            response = super().send(request, *arguments, **{**options, "stream": True})
            raw = response.raw
            body = self._read(raw, ends_at)
        except (requests.RequestException, HTTPError) as error:
            self._failure = _reason(error)
            if isinstance(error, requests.RequestException):
                raise
            raise requests.ConnectionError(error, request=request) from error
        self._failure = f"it answered with status {raw.status}" if raw.status >= 400 else None
        headers = raw.headers.copy()
        for name in ("Content-Encoding", "Content-Length", "Transfer-Encoding"):
            headers.pop(name, None)
        whole = HTTPResponse(
            BytesIO(body),
            headers=headers,
            status=raw.status,
            version=raw.version,
            reason=raw.reason,
            preload_content=False,
            request_url=request.url,
        )
        answer: requests.Response = self.build_response(request, whole)
        return answer

    def _read(self, raw: HTTPResponse, ends_at: float) -> bytes:
        body = bytearray()
        try:
            while chunk := raw.read1(_CHUNK_BYTES, decode_content=True):
                body += chunk
                self._check(len(body), ends_at)
        except BaseException:
            raw.close()
            raise
        raw.release_conn()
        return bytes(body)

    def _check(self, size_bytes: int, ends_at: float) -> None:
        if size_bytes > self._settings.max_response_bytes:
            raise _LimitExceeded(f"its answer is larger than {self._settings.max_response_bytes} bytes")
        if time.monotonic() > ends_at:
            raise _LimitExceeded(f"its answer took longer than {self._settings.timeout_s:g} s")


def _reason(error: Exception) -> str:
    """Say in a few words what went wrong: the innermost cause, without the names of classes and objects."""
    match error:
        case requests.TooManyRedirects():
            return f"more than {_MAX_REDIRECTS} redirects"
        case requests.exceptions.InvalidSchema() | requests.exceptions.MissingSchema():
            return "it is, or redirects to, no http(s) address"
        case requests.ConnectTimeout() | requests.ReadTimeout():
            return "no answer in time"
        case requests.exceptions.SSLError():
            return "its certificate is not accepted"
        case requests.ConnectionError() if "NameResolution" in repr(error):
            return "there is no such host"
        case requests.ConnectionError() if "Refused" in repr(error) or "refused" in repr(error):
            return "the connection was refused"
        case requests.ConnectionError():
            return "the connection broke off"
        case HTTPError():
            return f"its answer cannot be read: {type(error).__name__}"
        case _:
            return str(error)
