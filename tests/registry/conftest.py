"""Registers as they are: pages with their oddities, served by real servers on loopback."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from qlink_ld.config import HarvestSettings
from qlink_ld.registry.imports import ImportResult, import_register

COUNTRIES = {"NL": "NLD", "AT": "AUT", "GR": "GRC", "RS": "SRB"}


def make_provider(number: int, name: str, **more: Any) -> dict[str, Any]:
    """An item of DEQAR's list; `country` and `city` make a location, `codes` identifiers by resource."""
    country, city = more.pop("country", "NL"), more.pop("city", None)
    codes = more.pop("codes", {})
    alpha3 = COUNTRIES.get(country)
    return {
        "id": number,
        "deqar_id": f"DEQARINST{number:04d}",
        "eter_id": more.pop("eter_id", None),
        "identifiers": [{"identifier": code, "resource": resource, "agency": None} for resource, code in codes.items()],
        "is_other_provider": False,
        "organization_type": {"id": 1, "type": "higher education institution"},
        "name_primary": name,
        "names": [
            {
                "name_official": more.pop("official", name),
                "name_official_transliterated": more.pop("transliterated", ""),
                "name_english": more.pop("english", ""),
                "name_versions": [],
                "acronym": more.pop("acronym", ""),
                "name_valid_to": None,
            },
            *more.pop("historic", []),
        ],
        "website_link": more.pop("website", ""),
        "locations": [
            {
                "country": {"id": 1, "iso_3166_alpha2": country, "iso_3166_alpha3": alpha3, "name_english": "X"},
                "city": city,
                "lat": more.pop("lat", None),
                "long": more.pop("long", None),
                "country_verified": True,
                "country_valid_from": None,
                "country_valid_to": None,
            }
        ],
        "founding_date": "1961-11-20",
        "closure_date": None,
        "part_of": [],
        "includes": [],
        **more,
    }


def old_name(text: str, until: str = "1999-12-31") -> dict[str, Any]:
    return {"name_official": text, "name_english": "", "name_versions": [], "acronym": "", "name_valid_to": until}


def related(number: int, kind: str, until: str | None = None) -> dict[str, Any]:
    return {"institution": {"id": number, "name_primary": "X"}, "relationship_type": kind, "valid_to": until}


PROVIDERS = [
    make_provider(
        101,
        "Examplia Institute of Technology",
        official="Technische Hogeschool Examplia",
        english="Examplia Institute of Technology",
        acronym="THE",
        eter_id="NL9901",
        codes={
            "SCHAC": "examplia.nl",
            "Erasmus": " nl  EXAMP01",
            "ROR": "https://ror.org/01abcde23",
            "EU-PIC": "999900001",
        },
        website="www.examplia.nl/",
        city="Examplestad",
        lat=52.25,
        long=6.85,
        historic=[old_name("Hogere Technische School")],
        part_of=[related(104, "consortium"), related(105, "consortium", "2001-01-01")],
    ),
    make_provider(
        102,
        "University of Aigina",
        official="Πανεπιστήμιο Αίγινας",
        transliterated="Panepistimio Aiginas",
        english="University of Aigina",
        country="GR",
        codes={"SCHAC": "aigina.gr", "local": "77"},
        historical_relationships=[related(103, "absorbed")],
    ),
    make_provider(103, "Old School", eter_id="GR9903", country="GR", closure_date="2015-08-31"),
    make_provider(
        104,
        "Alliance of Examples",
        eter_id="INT9904",
        organization_type={"id": 9, "type": "European Universities alliance"},
        country="AT",
        includes=[related(102, "consortium")],
    ),
    make_provider(105, "Bootcamp", is_other_provider=True, country="RS", website="ftp://nowhere"),
    make_provider(106, "Nameless Academy", country="AT", city="Wien"),
]
BROKEN = ["a text", {"deqar_id": "DEQARINST0107", "names": []}, {"id": 108, "name_primary": None, "names": []}]

CATALOGUE = """<?xml version="1.0" encoding="UTF-8"?>
<catalogue xmlns="https://github.com/erasmus-without-paper/ewp-specs-api-registry/tree/stable-v1">
  <host><apis-implemented><x xmlns="urn:x"><hei id="not.this"/></x></apis-implemented>
    <institutions-covered><hei-id>examplia.nl</hei-id></institutions-covered></host>
  <institutions>
    <hei id="Examplia.nl">
      <other-id type="previous-schac">ths.nl</other-id>
      <other-id type="pic">999900001</other-id>
      <other-id type="pic">999900009</other-id>
      <other-id type="erasmus-charter">12345-EPP-1-2014-1-NL-EPPKA3-ECHE</other-id>
      <name xml:lang="nl">Technische Hogeschool Examplia</name>
      <name xml:lang="en">Examplia Tech</name>
      <name xml:lang="nl">THE Examplia</name>
    </hei>
    <hei id="aigina.gr"><other-id type="erasmus">G AIGINA01</other-id>
      <name xml:lang="el">Πανεπιστήμιο Αίγινας</name><name>Aigina</name></hei>
    <hei id="only-ewp.at"><other-id type="euc">54321</other-id><other-id type="pic">12</other-id>
      <name xml:lang="de-AT">Nur EWP</name></hei>
    <hei id="no domain"><name>Broken</name></hei>
    <hei id="silent.at"></hei>
    <hei id="examplia.nl"><name>Again</name></hei>
  </institutions>
  <binaries><rsa-public-key sha-256="0">AAAA</rsa-public-key></binaries>
</catalogue>
"""


def make_resource(key: str, **attributes: Any) -> dict[str, Any]:
    return {"type": "hei", "id": f"uuid-of-{key}", "attributes": {"hei_id": key, **attributes}}


INDEX = [
    make_resource("examplia.nl", label="Examplia"),
    make_resource("aigina.gr", label="Aigina"),
    make_resource("only-euf.rs", label="Само ЕУФ"),
    make_resource("bad", label="No domain"),
]
BY_COUNTRY = {
    "NL": [make_resource("examplia.nl", name=[{"string": "Examplia (EUF)", "lang": "fy"}])],
    "GR": [make_resource("aigina.gr")],
    "RS": [
        make_resource(
            "only-euf.rs",
            website_url=[{"uri": "https://only-euf.rs", "lang": "sr"}],
            other_id=[{"type": "erasmus", "value": "RS ONLY01"}],
        )
    ],
}


@dataclass
class Registers:
    """Three registers on one server. `asked` has path and query, and what was conditional."""

    server: HTTPServer
    providers: list[Any] = field(default_factory=lambda: [*PROVIDERS, *BROKEN])
    catalogue: str = CATALOGUE
    page_size: int = 4  # DEQAR's greatest limit
    failing: bool = False
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    agents: set[str] = field(default_factory=set)

    def url(self, register: str) -> str:
        paths = {"deqar": "/providers/", "ewp": "/catalogue-v1.xml", "hei-api": "/v1/hei"}
        return self.server.url_for(paths[register])

    def answer(self, request: Request) -> Response:
        query = request.query_string.decode()
        path = request.path + (f"?{query}" if query else "")
        self.asked.append((path, request.headers.get("If-None-Match")))
        self.agents.add(request.headers.get("User-Agent", ""))
        if self.failing:
            return Response("try later", status=500)
        if request.path == "/providers/":
            offset = int(request.args["offset"])
            page = self.providers[offset : offset + min(int(request.args["limit"]), self.page_size)]
            more = offset + len(page) < len(self.providers)
            return _json({"count": len(self.providers), "next": more, "results": page, "facets": {}})
        if request.path == "/catalogue-v1.xml":
            tag = f'"{hash(self.catalogue)}"'
            if request.headers.get("If-None-Match") == tag:
                return Response(status=304, headers={"ETag": tag})
            return Response(self.catalogue, content_type="text/xml", headers={"ETag": tag})
        if request.path == "/v1/hei":
            first = "page" not in request.args
            links = {"next": {"href": self.server.url_for("/v1/hei?page=2")}} if first else {}
            return _json({"data": INDEX[:2] if first else INDEX[2:], "links": links})
        if request.path == "/v1/country":
            return _json({"data": [{"type": "country", "id": code} for code in (*BY_COUNTRY, "XX")]})
        code = request.path.removeprefix("/v1/country/").removesuffix("/hei")
        return _json({"data": BY_COUNTRY[code]}) if code in BY_COUNTRY else Response("none", status=404)


def _json(value: object) -> Response:
    return Response(json.dumps(value), content_type="application/json")


@pytest.fixture(scope="session")
def running_registers() -> Iterator[HTTPServer]:
    with HTTPServer(host="127.0.0.1", port=0, threaded=True) as server:
        yield server


@pytest.fixture
def registers(running_registers: HTTPServer) -> Registers:
    running_registers.clear()
    found = Registers(running_registers)
    running_registers.expect_request(re.compile("^/")).respond_with_handler(found.answer)
    return found


@pytest.fixture
def settings() -> HarvestSettings:
    return HarvestSettings(timeout_s=5, user_agent="tests (+https://tests.example)")


Importer = Callable[..., ImportResult]


@pytest.fixture
def bring(registers: Registers, settings: HarvestSettings, tmp_path: Path) -> Importer:
    """Imports a register, from its server unless a source is given."""

    def run(register: str, source: str | None = None, **options: Any) -> ImportResult:
        return import_register(register, source or registers.url(register), tmp_path, settings, **options)

    return run


@pytest.fixture
def provider() -> Callable[..., dict[str, Any]]:
    """Makes an item of DEQAR's list."""
    return make_provider


@pytest.fixture
def relation() -> Callable[..., dict[str, Any]]:
    """Makes a relation of an item of DEQAR's list."""
    return related
