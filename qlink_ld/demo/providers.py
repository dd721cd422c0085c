"""Starts the sample universities: real HTTP servers on loopback, and the configuration that harvests them."""

import json
import logging
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, date, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from qlink_ld.demo.catalogue import Catalogue, GeneratedCatalogue
from qlink_ld.demo.elm_files import MODIFIED, make_json_ld, make_turtle
from qlink_ld.demo.faults import BROKEN_PAGE_SIZE, add_altavalle_faults
from qlink_ld.demo.http_server import Answer, LoopbackServer, Respond, not_found
from qlink_ld.demo.ooapi_server import BASE_PATH, OoapiServer
from qlink_ld.demo.sample_universities import load_catalogue, make_generator
from qlink_ld.demo.universities import ALLIANCE_ID, ALLIANCE_NAME, ALTAVALLE, NORDHAIN, THALASSIA, University
from qlink_ld.errors import ConfigurationError
from qlink_ld.model import Alliance, DataSource, Institution

log = logging.getLogger(__name__)

OFFERINGS_SINCE: Final = date(2026, 9, 1)  # all demo offerings start later; fixed, so that the demo never grows old
_MINIMUM_SHARE: Final = 0.8  # of what a university is known to have: fewer is a failed harvest


class DemoProviders:
    """The running sample universities. A context manager; `stop()` ends the servers.

    Attributes:
        institutions: as the registry would know them, with the addresses of the running servers.
        alliances: the one alliance that they form.
    """

    def __init__(self, institutions: tuple[Institution, ...], servers: ExitStack) -> None:
        self.institutions = institutions
        members = tuple(institution.id for institution in institutions)
        self.alliances = (Alliance(id=ALLIANCE_ID, name=ALLIANCE_NAME, members=members),)
        self._servers = servers

    def stop(self) -> None:
        """Stop the servers; a second call does nothing."""
        self._servers.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


def start_providers(*, scale: int | None = None, seed: int = 0) -> DemoProviders:
    """Start the sample universities.

    Args:
        scale: None for the three universities with hand-written courses and the faults of `faults.FAULTS`. A number
            for exactly that many generated courses, two offerings each and without a fault, on the two OOAPI servers
            instead; pages are made when they are asked for.
        seed: another seed makes other generated courses.

    Raises:
        ConfigurationError: `scale` is not positive.
    """
    if scale is not None and scale < 1:
        raise ConfigurationError(f"cannot make {scale} learning opportunities; give a number from 1")
    with ExitStack() as servers:
        institutions = _start_samples(servers, seed) if scale is None else _start_generated(servers, seed, scale)
        return DemoProviders(institutions, servers.pop_all())


def _start_samples(servers: ExitStack, seed: int) -> tuple[Institution, ...]:
    nordhain = load_catalogue(NORDHAIN, "nordhain", generated=10, seed=seed)
    altavalle = load_catalogue(ALTAVALLE, "altavalle", generated=2, seed=seed)
    return (
        _start_ooapi(servers, NORDHAIN, nordhain, minimum=50),
        _start_ooapi(
            servers,
            ALTAVALLE,
            add_altavalle_faults(altavalle, seed),
            minimum=40,
            page_size=BROKEN_PAGE_SIZE,
            broken_last_page_of="courses",
        ),
        _start_files(servers),
    )


def _start_generated(servers: ExitStack, seed: int, scale: int) -> tuple[Institution, ...]:
    shares = ((NORDHAIN, scale - scale // 2), (ALTAVALLE, scale // 2))
    return tuple(
        _start_ooapi(
            servers,
            university,
            GeneratedCatalogue(university, make_generator(university, seed), count),
            minimum=int(count * _MINIMUM_SHARE),
            page_size=250,
        )
        for university, count in shares
    )


def _start_ooapi(
    servers: ExitStack,
    university: University,
    catalogue: Catalogue,
    *,
    minimum: int,
    page_size: int | None = None,
    broken_last_page_of: str | None = None,
) -> Institution:
    contact = f"data@{university.schac}"
    url = _start(servers, OoapiServer(catalogue, contact, broken_last_page_of).answer, university)
    source = DataSource(
        id="ooapi",
        type="ooapi",
        path=f"{url}{BASE_PATH}/",
        version="5.0",
        name=f"{university.short_name} course catalogue",
        page_size=page_size,
        offerings_since=OFFERINGS_SINCE,
    )
    return _make_institution(university, (source,), minimum)


def _start_files(servers: ExitStack) -> Institution:
    changed = datetime.fromisoformat(MODIFIED).astimezone(UTC)
    files = {
        "/opendata/courses.ttl": Answer(make_turtle(), "text/turtle; charset=utf-8", last_modified=changed),
        "/opendata/language-centre.jsonld": Answer(make_json_ld(), "application/ld+json", last_modified=changed),
    }

    def respond(path: str, _query: Mapping[str, str]) -> Answer:
        return files.get(path) or not_found(path)

    url = _start(servers, respond, THALASSIA)
    sources = (
        DataSource(
            id="courses",
            type="elm",
            path=f"{url}/opendata/courses.ttl",
            version="3.3",
            name="Courses and programmes",
        ),
        DataSource(
            id="language-centre",
            type="elm",
            path=f"{url}/opendata/language-centre.jsonld",
            version="3.1",
            name="Language centre",
        ),
    )
    return _make_institution(THALASSIA, sources, minimum=40)


def _start(servers: ExitStack, respond: Respond, university: University) -> str:
    server = LoopbackServer(respond, university.id)
    servers.callback(server.stop)
    log.info("institution=%s stage=demo url=%s", university.id, server.url)
    return server.url


def _make_institution(university: University, sources: tuple[DataSource, ...], minimum: int) -> Institution:
    return Institution(
        id=university.id,
        name=university.name,
        schac=university.schac,
        website=university.website,
        sources=sources,
        minimum_records=minimum,
        same_as=(university.organisation_iri,),
        country=university.country,
    )


def write_config(providers: DemoProviders, file: Path, base_iri: str) -> None:
    """Write the `qlink.toml` that harvests these servers, into the data directory that it is for.

    The servers' addresses are good as long as the demo runs; what was published stays usable without them.

    Args:
        providers: the running servers.
        file: where to; `data_dir` will be the folder it lies in.
        base_iri: of the deployment, ending with a slash.

    Raises:
        ConfigurationError: the file cannot be written.
    """
    lines = [
        "# Written by `qlink-ld demo`. The sources' addresses end with the demo that wrote them.",
        *_settings({"base_iri": base_iri, "data_dir": "."}),
        "",
        "[harvest]",
        *_settings({"allow_private_addresses": True}),
    ]
    for institution in providers.institutions:
        lines += ["", "[[institution]]"]
        lines += _settings(
            {
                "id": institution.id,
                "name": institution.name,
                "schac": institution.schac,
                "website": institution.website,
                "country": institution.country,
                "minimum_records": institution.minimum_records,
                "same_as": list(institution.same_as),
            }
        )
        for source in institution.sources:
            lines += ["", "  [[institution.source]]"]
            keys = ("id", "type", "path", "version", "name", "page_size", "offerings_since")
            lines += _settings({key: getattr(source, key) for key in keys}, "  ")
    for alliance in providers.alliances:
        lines += ["", "[[alliance]]"]
        lines += _settings({"id": alliance.id, "name": alliance.name, "members": list(alliance.members)})
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"cannot write {file}: {error.strerror}; choose another --data folder") from error


def _settings(table: Mapping[str, Any], indent: str = "") -> list[str]:
    """Return TOML lines; JSON's texts, numbers, booleans and lists of texts are TOML's, too."""
    return [
        f"{indent}{key} = {value.isoformat() if isinstance(value, date) else json.dumps(value, ensure_ascii=False)}"
        for key, value in table.items()
        if value is not None
    ]
