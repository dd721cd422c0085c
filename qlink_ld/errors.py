"""Every error that qlink-ld raises on purpose.

QlinkError
├── ConfigurationError      wrong use or configuration          exit code 2, permanent
├── RegistryError           a register could not be imported    the last good import stays
├── HarvestError            a source could not be fetched
│   ├── SourceUnavailable       time-out, 5xx, no connection    transient
│   ├── SourceRefused           4xx, redirect to nowhere        permanent
│   │   └── AccessRefused           credentials, keys, signatures   permanent
│   └── UnusableResponse        a body that cannot be read      permanent
├── MappingError            a mapping that does not exist or is broken, or data that it cannot lift
│   ├── UnknownMapping
│   ├── BrokenMapping
│   └── UnreadableData          e.g. Turtle with a syntax error
├── ValidationError         shapes that cannot be used, an engine that failed
├── PublishError            a release that could not be made
│   └── StoreUnusable           no release, or one whose files are damaged   exit code 3
└── QueryError              a query that is refused
    ├── QuerySyntaxError
    ├── QueryRefused            update, SERVICE, too large
    │   └── QueryFormatUnacceptable   a table was asked for and triples come, or the reverse
    ├── QueryFailed             it ended the process that ran it (nesting, memory)
    ├── QueryTimeout            transient
    └── QueryQueueFull          too many at once                transient

A message answers: what failed, for whom (institution, URL, file:line), what to do next. Data that does not conform is
never an error but a report.
"""

from typing import ClassVar


class QlinkError(Exception):
    """Base of all errors of qlink-ld. `transient` says whether trying again later can help."""

    transient: ClassVar[bool] = False
    exit_code: ClassVar[int] = 3  # DESIGN §7: nothing could be done


class ConfigurationError(QlinkError):
    """Wrong use or a wrong configuration file; the message names file and line."""

    exit_code = 2


class RegistryError(QlinkError):
    """A register could not be imported, or an import cannot be read. Try later, or check the address."""


class HarvestError(QlinkError):
    """A source could not be harvested."""


class SourceUnavailable(HarvestError):
    """Time-out, connection refused or 5xx after retries. Try later."""

    transient = True


class SourceRefused(HarvestError):
    """The server answered that it will not serve this (4xx), or the address is not allowed. Ask the provider."""


class AccessRefused(SourceRefused):
    """A source wants credentials or a signature, and ours are missing, unreadable or not accepted.

    `code` is that of the issue that reports it: "auth-decrypt-failed", "auth-token-refused", "auth-required", …
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code

    def __reduce__(self) -> tuple[type["AccessRefused"], tuple[str, str]]:
        return type(self), (self.code, str(self))


class UnusableResponse(HarvestError):
    """The server answered with something that cannot be read as what the source claims to be. Ask the provider."""


class MappingError(QlinkError):
    """A mapping or its input cannot be used."""


class UnknownMapping(MappingError):
    """No mapping of that name is bundled and no such folder exists."""

    exit_code = 2


class BrokenMapping(MappingError):
    """A mapping file does not say what it should; the message names the file."""

    exit_code = 2


class UnreadableData(MappingError):
    """Data that cannot be parsed; the message names file and line where the parser knows them."""


class ValidationError(QlinkError):
    """Shapes that cannot be used, or an engine that failed."""


class PublishError(QlinkError):
    """A release could not be made; the last one stays."""


class StoreUnusable(PublishError):
    """There is no release to read, or its files are damaged."""


class QueryError(QlinkError):
    """A query was not answered."""

    exit_code = 2


class QuerySyntaxError(QueryError):
    """The query is not SPARQL 1.1; the message has the parser's position."""


class QueryRefused(QueryError):
    """The query asks for something that this endpoint does not do (update, SERVICE, too large)."""


class QueryFormatUnacceptable(QueryRefused):
    """The query makes triples and only formats for tables were asked for, or the reverse."""


class QueryTimeout(QueryError):
    """The query ran into the time limit."""

    transient = True
    exit_code = 1


class QueryFailed(QueryError):
    """The query ended the process that ran it: nested too deeply, or out of memory. Simplify it."""


class QueryQueueFull(QueryError):
    """Too many queries at once, of this client or of all. Try again in `retry_after_s` seconds."""

    transient = True
    exit_code = 1

    def __init__(self, message: str, *, retry_after_s: int = 5, client_limit: bool = False) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.client_limit = client_limit  # True: the limit for one client, not that of the whole server
