"""What the rooms hand to each other. Frozen values only; who makes and who takes each is said in its docstring."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Literal

import zstandard

Severity = Literal["violation", "warning", "info"]
OnViolation = Literal["refuse", "publish"]
# Who may say what (Data Sources and Access Policy, T-01): anything of one's own learning opportunities; anything of
# anybody's; agreed indicators of anybody's.
Role = Literal["education-provider", "authoritative-source", "third-party"]


AuthType = Literal["none", "httpheader", "oauth2.0", "httpsig"]


@dataclass(frozen=True, slots=True)
class Auth:
    """How a source wants to be asked; as its manifest or the configuration states it. Secrets are never in its `repr`.

    Source: QualityLink Data Exchange, §Access control; requirements A-01 to A-19.
    """

    type: AuthType = "none"
    header: str | None = None  # httpheader: `field`, the name of the header
    value: str | None = field(default=None, repr=False)  # httpheader: encrypted with our public key, Base64
    token_endpoint: str | None = None  # oauth2.0
    scope: str | None = None
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)  # encrypted like `value`
    alg: str | None = None  # httpsig: a name of the IANA registry; None: we choose


@dataclass(frozen=True, slots=True)
class DataSource:
    """One entry of a manifest or of the configuration: where an institution publishes, and in which format.

    Source: QualityLink Discovery, §Data sources; DESIGN §8. `refresh_h` is in hours.
    """

    id: str
    type: str  # elm | ooapi | edu-api | occapi | json | csv | xml
    path: str  # http(s) or file URL
    version: str | None = None
    name: str | None = None
    mapping: str | None = None  # bundled name or absolute folder, for types without a standard mapping
    content_type: str | None = None
    page_size: int | None = None
    refresh_h: float = 24.0  # QualityLink Discovery: 24 hours if the manifest is silent
    refresh_stated: bool = False  # the source itself, or the operator, says `refresh`
    auth: Auth = Auth()
    headers: Mapping[str, str] = field(default_factory=dict)
    query_parameters: Mapping[str, str] = field(default_factory=dict)
    default_language: str | None = None  # BCP 47 tag of texts that carry none
    offerings_since: date | None = None  # OOAPI `since`; None: the start of the last academic year


@dataclass(frozen=True, slots=True)
class Institution:
    """A higher education institution as the registry knows it."""

    id: str  # OrgReg/ETER id, else SCHAC code
    name: str
    schac: str | None = None
    website: str | None = None
    sources: tuple[DataSource, ...] = ()
    minimum_records: int = 0
    maximum_fall: float = 0.3  # share of records that may vanish at once before a harvest is held
    on_violation: OnViolation = "refuse"
    same_as: tuple[str, ...] = ()
    country: str | None = None  # alpha-3 code of the EU authority list
    names: Mapping[str, str] = field(default_factory=dict)  # by BCP 47 tag, one per language
    previous_schac: tuple[str, ...] = ()  # former SCHAC codes, by which it is still known (C-12)
    role: Role = "education-provider"
    speaks_for: tuple[str, ...] = ()  # ids of institutions whose learning opportunities it may publish, too
    indicators: tuple[str, ...] = ()  # of a third party: IRIs of the properties that it may state
    manifest: str | None = None  # http(s) or file URL of its manifest; given by hand, it ends all searching (D-18)


@dataclass(frozen=True, slots=True)
class Alliance:
    """A European University alliance: a group of institutions."""

    id: str
    name: str
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Issue:
    """Something that a data steward should know about a source, a record or a value. Never a secret."""

    code: str  # kebab-case, stable: "unmapped-value", "page-unreadable", …
    message: str  # plain words: what was found, what to do
    severity: Severity = "warning"
    source: str | None = None  # DataSource.id
    record: str | None = None  # IRI or source key of the record
    field: str | None = None  # path in the source, as `studyLoad.studyLoadUnit`
    value: str | None = None  # example
    position: str | None = None  # where in the source: URL, page, item or line
    count: int = 1


@dataclass(frozen=True, slots=True)
class Page:
    """One response body as received, kept zstd-compressed in its snapshot's folder."""

    resource: str  # what it holds: "courses", "course-offerings", "organizations", "data" (a whole file), …
    file: Path
    url: str
    status: int
    media_type: str | None
    sha256: str  # of the body as received
    size_bytes: int
    parent: str | None = None  # source id of the record whose children it lists

    def read(self) -> bytes:
        """Return the body as it was received."""
        return zstandard.ZstdDecompressor().decompressobj().decompress(self.file.read_bytes())


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one harvest of one source brought: raw pages on disk. Made by harvest, read by mapping."""

    institution: str
    source: DataSource
    directory: Path
    fetched_at: datetime  # UTC
    pages: tuple[Page, ...]
    complete: bool  # False: some page failed, so a missing record proves nothing
    unchanged: bool = False  # the same bytes as the snapshot before
    issues: tuple[Issue, ...] = ()
    digest: str = ""  # SHA-256 over the pages' resources, parents and hashes in order
    requests: Mapping[str, int] = field(default_factory=dict, compare=False)  # of this visit: sent, conditional, …


@dataclass(frozen=True, slots=True)
class Record:
    r"""One learning opportunity with its instances and nested nodes, in ELM. Made by mapping, judged by validate.

    `ntriples` holds sorted, distinct N-Triples lines, each ending with " .\n"; no blank nodes.
    """

    iri: str
    key: str  # the source's own identifier
    ntriples: str
    position: str  # where it came from: URL and item, or file and line
    opportunities: int = 1  # learning opportunity specifications in it (0: an instance without its specification)
    instances: int = 0


@dataclass(frozen=True, slots=True)
class Refusal:
    """A record that could not even be mapped."""

    key: str
    position: str
    issue: Issue
    opportunities: int = 1  # learning opportunity specifications that it would have been


@dataclass(frozen=True, slots=True)
class FieldUse:
    """How often a field of the source was seen and what became of it; one per resource and path."""

    resource: str
    path: str  # `learningOutcomes.value`, without indexes
    outcome: Literal["mapped", "ignored", "unmapped", "dropped"]
    count: int
    reason: str = ""  # why ignored or dropped
    example: str = ""
    source: str = ""  # DataSource.id


@dataclass(frozen=True, slots=True)
class Result:
    """One SHACL validation result. Terms are in N-Triples syntax; `component` is the local name (MinCount…)."""

    focus_node: str
    path: str | None
    component: str
    severity: Severity
    value: str | None
    message: str
    shape: str | None = None  # nearest named shape, an IRI in N-Triples syntax
    record: str | None = None  # IRI of the record that it belongs to


@dataclass(frozen=True, slots=True)
class Verdict:
    """What validation says of one record: publish or refuse, and why."""

    record: Record
    results: tuple[Result, ...] = ()

    @property
    def conforms(self) -> bool:
        """True if nothing is a violation; warnings and infos do not count."""
        return all(result.severity != "violation" for result in self.results)


Mechanism = Literal["domain", "dns-txt", "well-known", "configured"]


@dataclass(frozen=True, slots=True)
class Probe:
    """One place where a manifest was looked for, and what came of it. Source: Data Source Discovery, D-15."""

    domain: str  # A-labels
    mechanism: Mechanism
    url: str  # what was asked; a DNS question as RFC 4501 writes it: dns:uni-x.example?type=TXT
    outcome: str  # kebab-case, stable: "found", "no-record", "not-found", … (`discovery.probes`)
    message: str  # plain words: what was found
    advice: str = ""  # what to do about it; empty if nothing
    at: str = ""  # UTC, ISO 8601
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class HarvestReport:
    """How one institution fared in one run; made by the pipeline, printed, stored as JSON and as RDF."""

    institution: str
    name: str
    status: Literal["published", "unchanged", "held", "failed"]
    harvested: int = 0  # learning opportunity specifications found at the sources
    published: int = 0
    refused: int = 0
    instances: int = 0  # published instances
    triples: int = 0  # in the published graph
    warnings: int = 0  # validation warnings and issues
    seconds: float = 0.0
    error: str | None = None
    harvested_at: str | None = None  # UTC, ISO 8601
    digest: str = ""  # SHA-256 of everything that the result depends on
    graph_sha256: str = ""  # of the published graph's N-Quads
    sources: tuple[Mapping[str, object], ...] = ()
    issues: tuple[Issue, ...] = ()
    fields: tuple[FieldUse, ...] = ()
    result_counts: tuple[Mapping[str, object], ...] = ()  # per shape, path and component, commonest first
    probes: tuple[Probe, ...] = ()  # how its manifest was looked for; none if its sources are configured


def canonical_json(value: object) -> str:
    """Serialise deterministically: sorted keys, no blanks. For digests."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
