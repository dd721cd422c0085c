"""The configuration: one TOML file and the environment, read once, checked whole, passed in. Source: DESIGN §8."""

import ipaddress
import logging
import os
import re
import tomllib
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from datetime import date
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from qlink_ld.access_settings import AccessSettings
from qlink_ld.discovery_settings import DiscoverySettings
from qlink_ld.errors import ConfigurationError
from qlink_ld.model import Alliance, Auth, DataSource, Institution, OnViolation
from qlink_ld.namespaces import Iris
from qlink_ld.registry_settings import RegistrySettings
from qlink_ld.resources import find_resource_dir

log = logging.getLogger(__name__)

DEFAULT_FILE = "qlink.toml"
SOURCE_TYPES = ("elm", "ooapi", "edu-api", "occapi", "json", "csv", "xml")  # DESIGN §8
_OWN_FORMATS = ("json", "csv", "xml")  # every university fills them in its own way: they need a mapping
_TYPE_ALIASES = {"xlsx": "csv", "tsv": "csv"}  # read by the same reader, which tells them apart by their first bytes
_ENVIRONMENT_PREFIX = "QLINK_"
_NOT_IN_IRIS = re.compile(r"[\x00-\x20<>\"{}|^`\\]")  # RFC 3987 §2.2, as N-Triples has it
_TAG = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*")  # BCP 47, as far as RDF checks it, in lower case
_LEAST: Mapping[str, float] = {  # of numbers that would make no sense below
    "concurrency": 1,
    "concurrency_per_host": 1,
    "dns_timeout_s": 0.001,
    "keep_snapshots": 1,
    "max_memory_bytes": 1024 * 1024,
    "max_query_bytes": 1,
    "max_query_depth": 1,
    "max_response_bytes": 1,
    "max_result_bytes": 1,
    "max_source_bytes": 1,
    "max_wait_s": 0,
    "max_waiting": 0,
    "minimum_records": 0,
    "full_visit_h": 0,
    "page_size": 1,
    "refresh_without_validators_h": 0,
    "refresh_h": 0,
    "resume_h": 0,
    "source_timeout_s": 0.001,
    "timeout_s": 0.001,
    "workers": 1,
}
_AS_IN_MANIFESTS = {  # DESIGN §8: a source has the same keys here as in a manifest
    "contentType": "content_type",
    "pageSize": "page_size",
    "queryParameters": "query_parameters",
    "refresh": "refresh_h",
}
_LISTS = {"institutions": "[[institution]]", "alliances": "[[alliance]]", "sources": "[[institution.source]]"}
_TYPE_NAMES = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "Path": "a path as text",
    "date": "a date without time and quotes, such as 2026-09-01",
    "tuple": "a list",
}


@dataclass(frozen=True, slots=True)
class HarvestSettings:
    """How providers' servers are treated. Times in seconds, sizes in bytes after decompression."""

    timeout_s: float = 60.0
    concurrency_per_host: int = 10  # requests at once, of all institutions of a run together
    concurrency: int = 100  # requests at once to all hosts together
    max_response_bytes: int = 512 * 1024 * 1024
    max_source_bytes: int = 8 * 1024 * 1024 * 1024  # all answers of one visit
    source_timeout_s: float = 6 * 3600.0  # one visit
    resume_h: float = 12.0  # pages of a visit that was cut off are used again so long
    full_visit_h: float = 7 * 24.0  # so often everything is asked for again, whatever the validators say
    refresh_without_validators_h: float = 72.0  # on schedule, for servers that cannot say that nothing has changed
    allow_private_addresses: bool = False
    allow_addresses: tuple[str, ...] = ()  # addresses and ranges that are not public and may be asked all the same
    user_agent: str = "qlink-ld (+https://github.com/qlink-ld/qlink-ld)"
    keep_snapshots: int = 2

    def __post_init__(self) -> None:
        """See that the addresses are such.

        Raises:
            ValueError: one is neither an address nor a range.
        """
        for address in self.allow_addresses:
            try:
                ipaddress.ip_network(address)
            except ValueError:
                raise ValueError(
                    f"'allow_addresses' has IP addresses and ranges such as 10.1.0.0/16, not {address!r}"
                ) from None


@dataclass(frozen=True, slots=True)
class ValidationSettings:
    """Which shapes judge, by which engine, and what happens to records that violate them."""

    engine: Literal["shacl", "pyshacl"] = "shacl"
    shapes: tuple[Path, ...] = ()  # empty: the bundled ones
    on_violation: OnViolation = "refuse"


@dataclass(frozen=True, slots=True)
class SparqlSettings:
    """Limits of the SPARQL endpoint."""

    timeout_s: float = 30.0
    max_result_bytes: int = 256 * 1024 * 1024
    workers: int = 2
    service_allow: tuple[str, ...] = ()
    max_memory_bytes: int = 4 * 1024 * 1024 * 1024  # address space of one query worker
    max_query_bytes: int = 256 * 1024
    max_query_depth: int = 200  # brackets inside brackets
    max_waiting: int = 16  # queries that may wait for a worker, of all clients together
    max_wait_s: float = 10.0


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """Where releases are published: the embedded store, or a SPARQL 1.1 server."""

    kind: Literal["oxigraph", "sparql"] = "oxigraph"
    query_url: str | None = None
    update_url: str | None = None
    graph_store_url: str | None = None


@dataclass(frozen=True, slots=True)
class Config:
    """One deployment. `base_iri` ends with a slash; `data_dir` is absolute."""

    base_iri: str = "http://localhost:8080/"
    data_dir: Path = field(default_factory=lambda: Path("data").absolute())
    institutions: tuple[Institution, ...] = ()
    alliances: tuple[Alliance, ...] = ()
    access: AccessSettings = field(default_factory=AccessSettings)
    discovery: DiscoverySettings = field(default_factory=DiscoverySettings)
    harvest: HarvestSettings = field(default_factory=HarvestSettings)
    registry: RegistrySettings = field(default_factory=RegistrySettings)
    validation: ValidationSettings = field(default_factory=ValidationSettings)
    sparql: SparqlSettings = field(default_factory=SparqlSettings)
    store: StoreSettings = field(default_factory=StoreSettings)
    file: Path | None = None

    @property
    def keys_dir(self) -> Path:
        """Where our private keys are."""
        return self.access.keys or self.data_dir / "keys"

    @property
    def iris(self) -> Iris:
        """The IRIs of this deployment."""
        return Iris(self.base_iri)

    def institution(self, institution_id: str) -> Institution:
        """Return the institution with this id.

        Raises:
            ConfigurationError: there is none.
        """
        for institution in self.institutions:
            if institution.id == institution_id:
                return institution
        known = ", ".join(i.id for i in self.institutions[:50]) or "none"
        known += f" and {len(self.institutions) - 50} more" if len(self.institutions) > 50 else ""
        raise ConfigurationError(f"institution '{institution_id}' is not in the configuration; it has: {known}")


def load_config(
    file: Path | None = None, data_dir: Path | None = None, environment: Mapping[str, str] | None = None
) -> Config:
    """Read the configuration.

    Args:
        file: TOML file; None takes `qlink.toml` of `data_dir`, else of the current folder, else the defaults.
        data_dir: overrides the configured one.
        environment: variables `QLINK_…` override the file (`QLINK_SPARQL_TIMEOUT_S`); None takes the process's.

    Raises:
        ConfigurationError: unreadable file, unknown key, wrong type or value; names file, line and key.
    """
    environment = os.environ if environment is None else environment
    if file is None:
        candidates = [Path(DEFAULT_FILE)] if data_dir is None else [data_dir / DEFAULT_FILE, Path(DEFAULT_FILE)]
        file = next((candidate for candidate in candidates if candidate.is_file()), None)
    if file is None:
        reader = _Reader("", None)
        table: dict[str, Any] = {}
    else:
        reader, table = _parse(file)
    _apply_environment(reader, table, environment)
    config = _build(reader, table)
    return replace(config, data_dir=data_dir.absolute()) if data_dir is not None else config


def _parse(file: Path) -> tuple["_Reader", dict[str, Any]]:
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"cannot read the configuration {file}: {error.strerror}; give an existing file with --config"
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{file} is not UTF-8 text; save it as UTF-8") from error
    try:
        return _Reader(text, file.absolute()), tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{file}: not valid TOML: {error}") from error


Where = tuple[tuple[str, int], ...]  # (("institution", 0), ("source", 1)): the nth table of that name


class _Reader:
    """Turns tables into values and says in which line a wrong one stands."""

    def __init__(self, text: str, file: Path | None) -> None:
        self.lines = text.split("\n")
        self.file = file
        self.variables: dict[tuple[Where, str], str] = {}  # settings that come from the environment

    def error(self, message: str, where: Where, key: str | None = None) -> ConfigurationError:
        if key is not None and (where, key) in self.variables:
            return ConfigurationError(f"environment variable {self.variables[where, key]}: {message}")
        line = self._find_line(where, key)
        place = f"{self.file or 'environment'}" + (f":{line}" if line else "")
        return ConfigurationError(f"{place}: {message}")

    def _find_line(self, where: Where, key: str | None) -> int | None:
        counts: dict[tuple[str, ...], int] = {}
        current: Where = ()
        for number, line in enumerate(self.lines, 1):
            if header := re.match(r"\s*(\[\[?)\s*([^\]]+?)\s*\]", line):
                names = tuple(part.strip().strip("\"'") for part in header[2].split("."))
                if header[1] == "[[":
                    counts[names] = counts.get(names, -1) + 1
                    for longer in [n for n in counts if len(n) > len(names) and n[: len(names)] == names]:
                        del counts[longer]
                current = tuple((name, counts.get(names[: i + 1], 0)) for i, name in enumerate(names))
                if current == where and key is None:
                    return number
                if current[:-1] == where and current[-1][0] == key:  # a table of that name
                    return number
            elif current == where and key is not None and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[=.]", line):
                return number
        return None

    def build(self, kind: type, table: object, where: Where, **given: object) -> Any:  # noqa: ANN401 (one of ours)
        """Make a dataclass of `kind` from a TOML table; every key is checked against its annotation."""
        if not isinstance(table, dict):
            raise self.error(f"'{where[-1][0]}' must be a table", where[:-1], where[-1][0])
        hints = typing.get_type_hints(kind)
        known = {f.name: f for f in fields(kind) if f.name not in given}
        values = dict(given)
        for key, value in table.items():
            if key not in known:
                tables = (_LISTS.get(name, f"[{name}]") for name in given if name != "file")
                names = ", ".join([*sorted(known), *tables])
                raise self.error(f"unknown key '{key}'; allowed here: {names}", where, key)
            values[key] = self.convert(value, hints[key], where, key)
        for name, f in known.items():
            if name not in values and f.default is MISSING and f.default_factory is MISSING:
                raise self.error(f"'{name}' is missing in [[{'.'.join(n for n, _ in where)}]]", where)
        try:
            return kind(**values)
        except ValueError as error:  # a value that the dataclass itself refuses
            key = next((name for name in table if f"'{name}'" in str(error)), None)
            raise self.error(str(error), where, key) from error

    def convert(self, value: object, hint: Any, where: Where, key: str) -> object:  # noqa: ANN401 (a type)
        """Return the value as its annotation wants it."""
        origin, options = typing.get_origin(hint), typing.get_args(hint)
        if origin is types.UnionType or origin is typing.Union:
            hint = next(option for option in options if option is not type(None))
            return self.convert(value, hint, where, key)
        if origin is Literal:
            if value not in options:
                raise self.error(f"'{key}' must be one of {', '.join(map(str, options))}, not {value!r}", where, key)
            return value
        if origin is tuple and isinstance(value, list):
            return tuple(self.convert(item, options[0], where, key) for item in value)
        if origin is not None and isinstance(value, dict) and issubclass(origin, Mapping):
            return {str(k): str(v) for k, v in value.items()}
        if hint is Path and isinstance(value, str):
            return self.resolve(value)
        if hint is Auth and isinstance(value, dict):
            named = {"header" if name == "field" else name: entry for name, entry in value.items()}  # as in a manifest
            return self.build(Auth, named, (*where, (key, 0)))
        if hint is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if hint is str and isinstance(value, int | float) and key == "version":
            return str(value)  # `version = 5` is meant as text
        # A truth value is no number, and a date with a time is no date, though Python takes them for one.
        exact = type(value) is hint if hint in (int, date) else origin is None and isinstance(value, hint)
        if not exact:
            wanted = _TYPE_NAMES.get(getattr(origin or hint, "__name__", ""), "a table")
            raise self.error(f"'{key}' must be {wanted}, not {value!r}", where, key)
        if key in _LEAST and isinstance(value, int | float) and not value >= _LEAST[key]:
            raise self.error(f"'{key}' must be at least {_LEAST[key]:g}, not {value!r}", where, key)
        return value

    def resolve(self, path: str) -> Path:
        """Make a path absolute: relative ones start at the configuration file."""
        folder = self.file.parent if self.file else Path.cwd()
        return (folder / Path(path).expanduser()).absolute()


def _apply_environment(reader: _Reader, table: dict[str, Any], environment: Mapping[str, str]) -> None:
    sections = {
        "access": AccessSettings,
        "discovery": DiscoverySettings,
        "harvest": HarvestSettings,
        "registry": RegistrySettings,
        "validation": ValidationSettings,
        "sparql": SparqlSettings,
        "store": StoreSettings,
    }
    for name, text in environment.items():
        if not name.startswith(_ENVIRONMENT_PREFIX):
            continue
        key = name.removeprefix(_ENVIRONMENT_PREFIX).lower()
        if key in ("base_iri", "data_dir"):
            table[key] = _from_here(text) if key == "data_dir" else text
            reader.variables[(), key] = name
            continue
        section, _, option = key.partition("_")
        kind = sections.get(section)
        hint = typing.get_type_hints(kind).get(option) if kind else None
        if hint is None:
            log.warning("environment variable %s names no setting of qlink-ld and is ignored", name)
            continue
        settings = table.setdefault(section, {})
        if isinstance(settings, dict):  # if not, the file is wrong, which is found later
            settings[option] = _parse_variable(name, text, hint)
            reader.variables[((section, 0),), option] = name


def _parse_variable(name: str, text: str, hint: Any) -> object:  # noqa: ANN401 (a type)
    if typing.get_origin(hint) is tuple:
        parts = [part.strip() for part in text.split(",") if part.strip()]
        return [_from_here(part) for part in parts] if Path in typing.get_args(hint) else parts
    try:
        if hint is bool:
            return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}[text.lower()]
        if hint in (int, float):
            return hint(text)
    except (KeyError, ValueError) as error:
        raise ConfigurationError(f"environment variable {name}: cannot read {text!r} as {hint.__name__}") from error
    return text


def _from_here(path: str) -> str:
    """Paths in the environment start at the current folder, not at the configuration file."""
    return str(Path(path).expanduser().absolute())


def _build(reader: _Reader, table: dict[str, Any]) -> Config:
    institutions = tuple(
        _build_institution(reader, entry, index) for index, entry in enumerate(_tables(reader, table, "institution"))
    )
    seen: set[str] = set()
    for index, institution in enumerate(institutions):
        if institution.id in seen:
            raise reader.error(f"institution '{institution.id}' is given twice", (("institution", index),), "id")
        seen.add(institution.id)
    alliances = tuple(
        reader.build(Alliance, entry, (("alliance", index),))
        for index, entry in enumerate(_tables(reader, table, "alliance"))
    )
    sections = {
        name: reader.build(kind, table.pop(name, {}), ((name, 0),))
        for name, kind in (
            ("access", AccessSettings),
            ("discovery", DiscoverySettings),
            ("harvest", HarvestSettings),
            ("registry", RegistrySettings),
            ("validation", ValidationSettings),
            ("sparql", SparqlSettings),
            ("store", StoreSettings),
        )
    }
    if "data_dir" not in table:
        table["data_dir"] = "data"
    config: Config = reader.build(
        Config, table, (), institutions=institutions, alliances=alliances, file=reader.file, **sections
    )
    base = urlsplit(config.base_iri)
    if (
        base.scheme not in ("http", "https")
        or not base.netloc
        or base.query
        or base.fragment
        or _NOT_IN_IRIS.search(config.base_iri)
    ):
        raise reader.error(f"base_iri must be an http(s) address, not '{config.base_iri}'", (), "base_iri")
    return config if config.base_iri.endswith("/") else replace(config, base_iri=config.base_iri + "/")


def _tables(reader: _Reader, table: dict[str, Any], name: str) -> list[Any]:
    entries = table.pop(name, [])
    if not isinstance(entries, list):
        raise reader.error(f"write [[{name}]] with two brackets: there can be several", ((name, 0),))
    return entries


def _build_institution(reader: _Reader, entry: object, index: int) -> Institution:
    where: Where = (("institution", index),)
    if not isinstance(entry, dict):
        raise reader.error("[[institution]] must be a table", where)
    entry = dict(entry)
    sources = tuple(
        _build_source(reader, source, (*where, ("source", number)))
        for number, source in enumerate(_tables(reader, entry, "source"))
    )
    institution: Institution = reader.build(Institution, entry, where, sources=sources)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", institution.id):
        raise reader.error(f"'{institution.id}' cannot be an id: use letters, digits, . _ -", where, "id")
    if not 0 <= institution.maximum_fall <= 1:
        raise reader.error("'maximum_fall' is a share between 0 and 1", where, "maximum_fall")
    _check_codes(reader, institution, where)
    if institution.manifest is not None:
        if sources:
            raise reader.error(f"{institution.id}: give its 'manifest' or its sources, not both", where, "manifest")
        institution = replace(institution, manifest=_address(reader, institution.manifest, where, "manifest"))
    names = [source.id for source in sources]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise reader.error(f"institution {institution.id} has two sources with the id '{twice}'", where)
    return institution


def _check_codes(reader: _Reader, institution: Institution, where: Where) -> None:
    """See that country, codes, names and IRIs of an institution can be written in RDF."""
    if institution.country is not None and not re.fullmatch(r"[A-Z0-9]{3}", institution.country):
        raise reader.error("'country' is a code of three capital letters, such as NLD", where, "country")
    if institution.schac is not None and (not institution.schac or _NOT_IN_IRIS.search(institution.schac)):
        raise reader.error("'schac' is a domain name, such as utwente.nl", where, "schac")
    if wrong := next((code for code in institution.previous_schac if not code or _NOT_IN_IRIS.search(code)), None):
        raise reader.error(f"'previous_schac' is a list of domains, and '{wrong}' is none", where, "previous_schac")
    if wrong := next((tag for tag in institution.names if not _TAG.fullmatch(tag)), None):
        raise reader.error(f"'names' has names by language tag, such as en, and '{wrong}' is none", where, "names")
    for iri in institution.same_as:
        if not urlsplit(iri).scheme or _NOT_IN_IRIS.search(iri):
            raise reader.error(f"'same_as' is a list of whole addresses (IRIs), and '{iri}' is none", where, "same_as")


def _build_source(reader: _Reader, entry: object, where: Where) -> DataSource:
    if isinstance(entry, dict):
        entry = {_AS_IN_MANIFESTS.get(key, key): value for key, value in entry.items()}
        entry.setdefault("id", str(entry.get("type", "source")))
        entry["refresh_stated"] = "refresh_h" in entry
    source: DataSource = reader.build(DataSource, entry, where)
    source = replace(source, type=_TYPE_ALIASES.get(source.type, source.type))
    if source.type not in SOURCE_TYPES:
        raise reader.error(f"unknown source type '{source.type}'; known: {', '.join(SOURCE_TYPES)}", where, "type")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", source.id):
        raise reader.error(f"'{source.id}' cannot be an id: use letters, digits, . _ -", where, "id")
    if source.type in _OWN_FORMATS and not source.mapping:
        message = f"a source of type '{source.type}' needs a 'mapping': the folder that says what is in it, or its name"
        raise reader.error(message, where, "type")
    source = replace(source, path=_address(reader, source.path, where, "path"))
    if source.mapping:
        folder = reader.resolve(source.mapping)
        plain = "/" not in source.mapping and not source.mapping.startswith(".")
        bundled = plain and (find_resource_dir("mappings") / source.mapping).is_dir()
        if not plain or (not bundled and folder.is_dir()):  # a folder beside this file needs no `./`
            source = replace(source, mapping=str(folder))
    return source


def _address(reader: _Reader, text: str, where: Where, key: str) -> str:
    """Return an http(s) or file URL; a path becomes the URL of that file."""
    scheme = urlsplit(text).scheme
    if scheme in ("http", "https", "file"):
        return text
    if scheme == "" or len(scheme) == 1:  # a one-letter scheme is a Windows drive
        return reader.resolve(text).as_uri()
    raise reader.error(f"'{key}' must be http(s), file: or a file's path, not '{text}'", where, key)
