"""Starts the sample universities: real HTTP servers on loopback, one each, that speak every format there is."""

import logging
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, date, datetime
from types import TracebackType
from typing import Final, Literal, Self

import orjson
from lxml import etree

from qlink_ld.demo.catalogue import Catalogue, GeneratedCatalogue
from qlink_ld.demo.edu_api import BASE_PATH as EDU_API_PATH
from qlink_ld.demo.edu_api import EduApiServer, render_edu_api
from qlink_ld.demo.elm_files import make_json_ld, make_n_triples, make_rdf_xml, make_turtle
from qlink_ld.demo.faults import BROKEN_PAGE_SIZE, fault_codes
from qlink_ld.demo.faulty_courses import (
    add_altavalle_faults,
    add_courses,
    spoil_edu_api,
    spoil_loq_xml,
    spoil_occapi,
    spoil_oeapi,
    spoil_own_json,
    spoil_own_xml,
    spoil_table,
    spoil_u_gov,
)
from qlink_ld.demo.http_server import Answer, LoopbackServer, Respond, not_found
from qlink_ld.demo.loq_xml import render_loq_xml
from qlink_ld.demo.occapi import OccapiServer
from qlink_ld.demo.oeapi import OEAPI_6, render_oeapi
from qlink_ld.demo.ooapi_server import OOAPI_5, OoapiServer
from qlink_ld.demo.own_json import render_own_json
from qlink_ld.demo.own_table import XLSX, render_table, write_csv, write_xlsx
from qlink_ld.demo.own_xml import render_own_xml
from qlink_ld.demo.sample_universities import load_catalogue, make_generator
from qlink_ld.demo.teaching import MODIFIED, Teaching, read_teaching
from qlink_ld.demo.u_gov import Element, render_u_gov
from qlink_ld.demo.universities import (
    ALLIANCE_ID,
    ALLIANCE_NAME,
    ALTAVALLE,
    BELAGORA,
    JEZIORNO,
    NORDHAIN,
    PORTOFERMO,
    RIA,
    RIOMAR,
    SEEUFER,
    SERRABELA,
    THALASSIA,
    VALEMARE,
    VALMONT,
    ZEEDIJK,
    University,
)
from qlink_ld.errors import ConfigurationError
from qlink_ld.model import Alliance, DataSource, Institution

log = logging.getLogger(__name__)

OFFERINGS_SINCE: Final = date(2026, 9, 1)  # all demo offerings start later; fixed, so that the demo never grows old
_MANIFEST_PATH: Final = "/.well-known/quality-link-manifest"  # QualityLink Data Source Discovery, D-06
_MINIMUM_SHARE: Final = 0.8  # of what a university is known to have: fewer is a failed harvest
_CHANGED: Final = datetime.fromisoformat(MODIFIED).astimezone(UTC)
_ALLIED: Final = frozenset({NORDHAIN.id, ALTAVALLE.id, THALASSIA.id, ZEEDIJK.id, JEZIORNO.id})


class DemoProviders:
    """The running sample universities. A context manager; `stop()` ends the servers.

    Attributes:
        institutions: as the registry would know them, with the addresses of the running servers.
        alliances: the one alliance that some of them form.
    """

    def __init__(self, institutions: tuple[Institution, ...], servers: ExitStack) -> None:
        self.institutions = institutions
        members = tuple(institution.id for institution in institutions if institution.id in _ALLIED)
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


def start_providers(
    *, scale: int | None = None, seed: int = 0, ports: Mapping[str, int] | None = None
) -> DemoProviders:
    """Start the sample universities.

    Args:
        scale: None for all universities with hand-written and generated courses and the faults of `faults.FAULTS`. A
            number for exactly that many generated courses, two offerings each and without a fault, on the two OOAPI
            servers instead; pages are made when they are asked for.
        seed: another seed makes other generated courses.
        ports: where institutions' servers should be, if it is free there.

    Raises:
        ConfigurationError: `scale` is not positive.
    """
    if scale is not None and scale < 1:
        raise ConfigurationError(f"cannot make {scale} learning opportunities; give a number from 1")
    with ExitStack() as servers:
        street = _Street(servers, ports or {}, seed)
        institutions = street.start_samples() if scale is None else street.start_generated(scale)
        return DemoProviders(institutions, servers.pop_all())


class _Street:
    """Where the servers stand. Each method starts one university and returns how the registry knows it."""

    def __init__(self, servers: ExitStack, ports: Mapping[str, int], seed: int) -> None:
        self.servers = servers
        self.ports = ports
        self.seed = seed

    def start_samples(self) -> tuple[Institution, ...]:
        nordhain = load_catalogue(NORDHAIN, "nordhain", generated=10, seed=self.seed)
        altavalle = load_catalogue(ALTAVALLE, "altavalle", generated=2, seed=self.seed)
        return (
            self.start_ooapi(NORDHAIN, nordhain, minimum=50),
            self.start_ooapi(
                ALTAVALLE,
                add_altavalle_faults(altavalle, self.seed),
                minimum=40,
                page_size=BROKEN_PAGE_SIZE,
                broken_last_page_of="courses",
            ),
            self.start_thalassia(),
            self.start_zeedijk(),
            self.start_riomar(),
            self.start_occapi(SERRABELA, "serrabela", 1),
            self.start_occapi(JEZIORNO, "jeziorno", 2, by_manifest=True),
            self.start_valemare(),
            self.start_belagora(),
            self.start_seeufer(),
            self.start_ria(),
            self.start_portofermo(),
            self.start_valmont(),
        )

    def start_generated(self, scale: int) -> tuple[Institution, ...]:
        shares = ((NORDHAIN, scale - scale // 2), (ALTAVALLE, scale // 2))
        return tuple(
            self.start_ooapi(
                university,
                GeneratedCatalogue(university, make_generator(university, self.seed), count),
                minimum=int(count * _MINIMUM_SHARE),
                page_size=250,
            )
            for university, count in shares
        )

    def start_ooapi(
        self,
        university: University,
        catalogue: Catalogue,
        *,
        minimum: int,
        page_size: int | None = None,
        broken_last_page_of: str | None = None,
    ) -> Institution:
        url = self.start(university, OoapiServer(catalogue, _contact(university), broken_last_page_of).answer)
        source = DataSource(
            id="ooapi",
            type="ooapi",
            path=f"{url}{OOAPI_5.base_path}/",
            version="5.0",
            name=f"{university.short_name} course catalogue",
            page_size=page_size,
            offerings_since=OFFERINGS_SINCE,
        )
        return _make_institution(university, (source,), minimum)

    def start_thalassia(self) -> Institution:
        """Two files: Turtle, and JSON-LD of an older version."""
        files = {
            "/opendata/courses.ttl": Answer(make_turtle(), "text/turtle; charset=utf-8", last_modified=_CHANGED),
            "/opendata/language-centre.jsonld": Answer(make_json_ld(), "application/ld+json", last_modified=_CHANGED),
        }
        url = self.start(THALASSIA, _file_server(files))
        sources = (
            DataSource("courses", "elm", f"{url}/opendata/courses.ttl", "3.3", "Courses and programmes"),
            DataSource("language-centre", "elm", f"{url}/opendata/language-centre.jsonld", "3.1", "Language centre"),
        )
        return _make_institution(THALASSIA, sources, minimum=40)

    def start_zeedijk(self) -> Institution:
        """OEAPI 6.0."""
        catalogue = render_oeapi(self.teach(ZEEDIJK, "zeedijk"))
        spoil_oeapi(catalogue)
        url = self.start(ZEEDIJK, OoapiServer(catalogue, _contact(ZEEDIJK), edition=OEAPI_6).answer)
        source = DataSource(
            id="oeapi",
            type="ooapi",
            path=f"{url}{OEAPI_6.base_path}",
            version="6.0",
            name="Onderwijscatalogus",
            page_size=20,
            offerings_since=OFFERINGS_SINCE,
        )
        return _make_institution(ZEEDIJK, (source,), minimum=15)

    def start_riomar(self) -> Institution:
        """Edu-API 1.0. It has no subject fields and no learning outcomes, so this one publishes what violates."""
        lists = render_edu_api(self.teach(RIOMAR, "riomar"))
        spoil_edu_api(lists)
        url = self.start(RIOMAR, EduApiServer(lists).answer)
        source = DataSource("edu-api", "edu-api", f"{url}{EDU_API_PATH}", "1.0", "Sistema de información académica")
        return replace(_make_institution(RIOMAR, (source,), minimum=15), on_violation="publish")

    def start_occapi(
        self, university: University, file: str, version: Literal[1, 2], *, by_manifest: bool = False
    ) -> Institution:
        """OCCAPI, found by the configuration or by the manifest."""
        server = OccapiServer(self.teach(university, file), version)
        spoil_occapi(server)
        documents: dict[str, Answer] = {}

        def respond(path: str, query: Mapping[str, str]) -> Answer:
            return documents.get(path) or server.answer(path, query)

        server.root = self.start(university, respond)
        source = DataSource("occapi", "occapi", server.url, name=f"{university.short_name} OCCAPI {version}")
        institution = _make_institution(university, (source,), minimum=15)
        return _announce(institution, server.root, documents) if by_manifest else institution

    def start_valemare(self) -> Institution:
        """Two files, RDF/XML and N-Triples, found by the manifest.

        The second is served as plain text; its true type is in the manifest.
        """
        teaching = self.teach(VALEMARE, "valemare")
        half = len(teaching.courses) // 2
        xml = make_rdf_xml(teaching, (*teaching.programmes, *teaching.courses[:half]))
        triples = make_n_triples(teaching, teaching.courses[half:])
        files = {
            "/date-deschise/studii.rdf": Answer(xml, "application/rdf+xml", last_modified=_CHANGED),
            "/date-deschise/cursuri": Answer(triples, "text/plain; charset=utf-8", last_modified=_CHANGED),
        }
        url = self.start(VALEMARE, _file_server(files))
        sources = (
            DataSource("studii", "elm", f"{url}/date-deschise/studii.rdf", "3.3", "Programe și cursuri"),
            DataSource(
                "cursuri",
                "elm",
                f"{url}/date-deschise/cursuri",
                "3.3",
                "Alte cursuri",
                content_type="application/n-triples",
            ),
        )
        return _announce(_make_institution(VALEMARE, sources, minimum=15), url, files)

    def start_belagora(self) -> Institution:
        """The Commission's XML form of LOQ."""
        document = render_loq_xml(self.teach(BELAGORA, "belagora"))
        spoil_loq_xml(document)
        url = self.start_file(BELAGORA, "/izvoz/ucne-priloznosti.xml", _write_xml(document), "application/xml")
        source = DataSource("loq", "elm", url, "3.1", "Izvoz za Europass")
        return _make_institution(BELAGORA, (source,), minimum=15)

    def start_seeufer(self) -> Institution:
        """JSON in a form of the university's own."""
        document = render_own_json(self.teach(SEEUFER, "seeufer"))
        spoil_own_json(document)
        url = self.start_file(SEEUFER, "/export/lehre.json", orjson.dumps(document), "application/json")
        source = DataSource("lehre", "json", url, name="Lehrangebot", mapping="example-json")
        return _make_institution(SEEUFER, (source,), minimum=15)

    def start_ria(self) -> Institution:
        """Tables of the university's own: one as CSV, one as a spreadsheet."""
        teaching = self.teach(RIA, "ria")
        half = len(teaching.courses) // 2
        csv, xlsx = (render_table(teaching, part) for part in (teaching.courses[half:], teaching.courses[:half]))
        spoil_table(csv)
        files = {
            "/oferta/uc.csv": Answer(write_csv(csv), "text/csv", last_modified=_CHANGED),
            "/oferta/uc.xlsx": Answer(write_xlsx(xlsx), XLSX, last_modified=_CHANGED),
        }
        url = self.start(RIA, _file_server(files))
        sources = (
            DataSource("csv", "csv", f"{url}/oferta/uc.csv", name="Oferta formativa", mapping="example-csv"),
            DataSource("xlsx", "csv", f"{url}/oferta/uc.xlsx", name="Outras unidades", mapping="example-csv"),
        )
        return _make_institution(RIA, sources, minimum=12)

    def start_portofermo(self) -> Institution:
        """XML of an administration system, without subject fields, so this one publishes what violates."""
        document = render_u_gov(self.teach(PORTOFERMO, "portofermo"))
        spoil_u_gov(document)
        url = self.start_file(PORTOFERMO, "/ws/programmazione-didattica", _write_xml(document), "text/xml")
        source = DataSource("u-gov", "xml", url, name="U-GOV Didattica", mapping="u-gov")
        return replace(_make_institution(PORTOFERMO, (source,), minimum=15), on_violation="publish")

    def start_valmont(self) -> Institution:
        """XML of a service of the university's own."""
        document = render_own_xml(self.teach(VALMONT, "valmont"))
        spoil_own_xml(document)
        url = self.start_file(VALMONT, "/services/catalogue", _write_xml(document), "text/xml")
        source = DataSource("catalogue", "xml", url, name="Catalogue des UE", mapping="example-xml")
        return _make_institution(VALMONT, (source,), minimum=15)

    def start_file(self, university: University, path: str, body: bytes, media_type: str) -> str:
        """Serve one file; return its address."""
        answer = Answer(body, f"{media_type}; charset=utf-8", last_modified=_CHANGED)
        return self.start(university, _file_server({path: answer})) + path

    def teach(self, university: University, file: str) -> Teaching:
        """Return what a university teaches, with the courses that are to be spoilt."""
        catalogue = load_catalogue(university, file, generated=16, seed=self.seed)
        return read_teaching(university, add_courses(university, catalogue, fault_codes(university), self.seed))

    def start(self, university: University, respond: Respond) -> str:
        """Start a server; return its address."""
        server = LoopbackServer(respond, university.id, self.ports.get(university.id, 0))
        self.servers.callback(server.stop)
        log.info("institution=%s stage=demo url=%s", university.id, server.url)
        return server.url


def _write_xml(root: Element) -> bytes:
    """Return a document as a file, indented."""
    etree.indent(root)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _file_server(files: Mapping[str, Answer]) -> Callable[[str, Mapping[str, str]], Answer]:
    return lambda path, _query: files.get(path) or not_found(path)


def _announce(institution: Institution, url: str, files: dict[str, Answer]) -> Institution:
    """Put the manifest at its well-known address, and let the website be the only thing that is known."""
    names = {"id": "id", "type": "type", "path": "path", "version": "version", "name": "name",
             "content_type": "contentType"}  # fmt: skip
    sources = [
        {name: value for key, name in names.items() if (value := getattr(source, key)) is not None}
        for source in institution.sources
    ]
    manifest = {"meta": {"schac": institution.schac, "eterid": institution.id}, "sources": sources}
    files[_MANIFEST_PATH] = Answer(orjson.dumps(manifest), "application/json", last_modified=_CHANGED)
    return replace(institution, sources=(), website=url)


def _contact(university: University) -> str:
    return f"data@{university.schac}"


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
