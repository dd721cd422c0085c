"""What did a source say last time, and need it be said again? A client that asks on condition.

Every page of the snapshot before is remembered with its validators: the request for the same address carries them, and
a server that answers 304 sends nothing; the page is taken from the snapshot. A server that has sent the same again in
spite of them is asked with HEAD first. Pages of a visit that was cut off are remembered as well: those with validators
are asked for on condition, the others are taken as they are, if they are fresh. What was not there last time is asked
for on the condition that it has come since.

Source: Data Exchange, requirements I-02, I-03, E-07 and I-11; RFC 9110 §13.
"""

import email.utils
import hashlib
import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import zstandard

from qlink_ld.config import HarvestSettings
from qlink_ld.errors import SourceUnavailable, UnusableResponse
from qlink_ld.http import ProviderClient, Response
from qlink_ld.model import DataSource
from qlink_ld.request_url import build_url, hide_secrets

log = logging.getLogger(__name__)

_CONDITIONS: Mapping[str, str] = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}


@dataclass(frozen=True, slots=True)
class RememberedPage:
    """A page that is on disk."""

    asked: str  # the address, without what may be secret in it
    url: str  # that answered
    status: int
    media_type: str | None
    headers: Mapping[str, str]  # names in lower case
    sha256: str
    file: Path
    fresh: bool = False  # of a visit that was cut off: as good as asked for now

    @property
    def conditions(self) -> dict[str, str]:
        """The headers of a conditional request."""
        return {name: self.headers[key] for key, name in _CONDITIONS.items() if self.headers.get(key)}

    def read(self, headers: Mapping[str, str] | None = None) -> Response | None:
        """Return the page as if it had been sent now; None if the file is damaged.

        Args:
            headers: those of the answer that says that nothing has changed; they are newer.
        """
        try:
            body = zstandard.ZstdDecompressor().decompressobj().decompress(self.file.read_bytes())
        except (OSError, zstandard.ZstdError) as error:
            log.warning("%s cannot be read again (%s); its page is asked for", self.file, error)
            return None
        if hashlib.sha256(body).hexdigest() != self.sha256:
            log.warning("%s is not what was written; its page is asked for", self.file)
            return None
        merged = {**self.headers, **{name: value for name, value in (headers or {}).items() if name in self.headers}}
        return Response(self.url, self.status, merged, self.media_type, body, asked=self.asked, stored=self.file)


@dataclass(slots=True)
class Thrift:
    """What a visit was spared, and what it cost."""

    requests: int = 0  # that were sent
    conditional: int = 0  # of them, with a condition
    unchanged: int = 0  # pages that need not be sent
    resumed: int = 0  # pages of a visit that was cut off, not asked for again
    bytes: int = 0  # received, decompressed


class RememberingClient:
    """A client for one visit. Its `get` is that of `ProviderClient`; safe to use from several threads.

    Args:
        client: makes the requests.
        source: whose pages are asked for.
        pages: what is remembered.
        ignoring: addresses whose server sends again what has not changed.
        absent: addresses that were answered with an expected error, with the HTTP date of that answer.

    A visit ends with SourceUnavailable when its time is over, and with UnusableResponse when it has more bytes than
    `max_source_bytes`: every further request fails at once.
    """

    def __init__(
        self,
        client: ProviderClient,
        source: DataSource,
        pages: Iterable[RememberedPage] = (),
        ignoring: Collection[str] = (),
        absent: Mapping[str, str] | None = None,
    ) -> None:
        self._client = client
        self._source = source
        self._pages = {page.asked: page for page in pages}
        self._ends_at = time.monotonic() + client.settings.source_timeout_s
        self._lock = threading.Lock()
        self.thrift = Thrift()
        self.validators = False  # some answer had them
        self.damaged = False  # some page that is remembered cannot be read
        self._ignored = frozenset(ignoring)
        self.ignoring: set[str] = set()  # the same, found out anew
        self._absent = dict(absent or {})
        self.absent: dict[str, str] = {}  # the same, found out anew
        self.filter_refused = False  # the server does not take the filter that its format has

    @property
    def settings(self) -> HarvestSettings:
        """The client's settings."""
        return self._client.settings

    def close(self) -> None:
        """Close the client."""
        self._client.close()

    def recall(
        self, url: str, params: Mapping[str, str] | None = None, only_if: Callable[[Response], bool] | None = None
    ) -> Response | None:
        """Return a remembered page without asking, for a caller that knows that it has not changed.

        Args:
            url: of the page.
            params: our own query parameters, as for `get`.
            only_if: looks at the page and says whether it has not changed; None: it has not.
        """
        page = self._find(url, params)
        if page is None or (only_if is not None and ((known := page.read()) is None or not only_if(known))):
            return None
        return self._take(page)

    def get(
        self,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        accept: str = "*/*",
        source: DataSource | None = None,
        answers: Collection[int] = (),
        attempts: int | None = None,
        max_bytes: int | None = None,
    ) -> Response:
        """Fetch one resource, unless it is the same as remembered: see `ProviderClient.get`."""
        page = self._find(url, params)
        usable = page is not None and page.fresh and not page.conditions
        if usable and page is not None and (kept := self._take(page, spared="resumed")) is not None:
            return kept
        self._check_limits(url)
        asked = self._shown(url, params)
        conditions = page.conditions if page is not None else {}
        if page is None and answers and asked in self._absent:
            conditions = {"If-Modified-Since": self._absent[asked]}
        if page is not None and conditions and page.asked in self._ignored:
            self._count(requests=1)
            head = self._client.head(url, params=params, accept=accept, source=source)
            if _same_validators(page, head) and (known := self._take(page, head)) is not None:
                self.ignoring.add(page.asked)
                return known
        self._count(requests=1, conditional=1 if conditions else 0)
        response = self._client.get(
            url,
            params=params,
            accept=accept,
            source=source,
            answers=answers,
            attempts=attempts,
            max_bytes=max_bytes,
            conditions=conditions,
        )
        if response.status == 304 and page is not None and (known := self._take(page, response)) is not None:
            return known
        if response.status == 304:  # the page before is damaged, or what was absent came with an older date
            self._count(requests=1)
            response = self._client.get(
                url,
                params=params,
                accept=accept,
                source=source,
                answers=answers,
                attempts=attempts,
                max_bytes=max_bytes,
            )
        elif page is not None and conditions and _same_validators(page, response):
            self.ignoring.add(page.asked)
        self._count(bytes=len(response.body))
        self.validators = self.validators or any(response.headers.get(key) for key in _CONDITIONS)
        if not 200 <= response.status < 300:
            with self._lock:
                self.absent[asked] = response.headers.get("date") or email.utils.formatdate(usegmt=True)
        return response

    def remembered(self, url: str) -> list[RememberedPage]:
        """Return the pages that are remembered of a list, whatever their query."""
        place = self._shown(url, None).partition("?")[0]
        return [page for page in self._pages.values() if page.asked.partition("?")[0] == place]

    def _shown(self, url: str, params: Mapping[str, str] | None) -> str:
        extra = self._source.query_parameters
        return hide_secrets(build_url(url, params or {}, extra), extra)

    def _find(self, url: str, params: Mapping[str, str] | None) -> RememberedPage | None:
        return self._pages.get(self._shown(url, params))

    def _take(self, page: RememberedPage, answer: Response | None = None, spared: str = "unchanged") -> Response | None:
        response = page.read(answer.headers if answer is not None else None)
        if response is None:
            self.damaged = True
            return None
        self._count(**{spared: 1})
        self.validators = self.validators or answer is not None
        return response

    def _count(self, **what: int) -> None:
        with self._lock:
            for name, number in what.items():
                setattr(self.thrift, name, getattr(self.thrift, name) + number)

    def _check_limits(self, url: str) -> None:
        settings = self.settings
        shown = hide_secrets(url, self._source.query_parameters)
        if time.monotonic() > self._ends_at:
            raise SourceUnavailable(
                f"{shown}: not asked for, the visit has taken source_timeout_s = {settings.source_timeout_s:g} s; the "
                "next one goes on from here, or raise source_timeout_s in [harvest]"
            )
        if self.thrift.bytes > settings.max_source_bytes:
            raise UnusableResponse(
                f"{shown}: not asked for, the source has sent more than max_source_bytes = "
                f"{settings.max_source_bytes:,} bytes; raise it in [harvest] if that is right"
            )


def _same_validators(page: RememberedPage, answer: Response) -> bool:
    """Whether an answer has the validators of a page, and there are any."""
    known = [(page.headers[key], answer.headers.get(key)) for key in _CONDITIONS if page.headers.get(key)]
    return bool(known) and all(before == now for before, now in known)


PageClient = ProviderClient | RememberingClient
