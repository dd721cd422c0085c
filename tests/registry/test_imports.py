"""Registers are read from servers and files; what fails leaves the last good import."""

import gzip
import json
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyoxigraph import RdfFormat, parse
from requests_cache.backends.sqlite import SQLiteCache
from werkzeug import Request, Response

from qlink_ld.config import HarvestSettings
from qlink_ld.errors import ConfigurationError, RegistryError
from qlink_ld.namespaces import Iris
from qlink_ld.registry import download
from qlink_ld.registry.describe_entry import describe_known
from qlink_ld.registry.imports import import_register
from qlink_ld.registry.known import load_registry
from qlink_ld.registry.record import Name, RegistryRecord
from qlink_ld.registry.shelf import import_file, load_imports, load_records


def records(folder: Path, register: str) -> dict[str, RegistryRecord]:
    return {record.key: record for record in load_records(folder, register)}


def test_d_09_deqar_is_read_page_by_page(bring: Any, registers: Any, tmp_path: Path) -> None:
    result = bring("deqar")
    assert (result.made.records, result.made.left_out, result.changed) == (6, 3, True)
    assert [path for path, _ in registers.asked] == [f"/providers/?limit=500&offset={offset}" for offset in (0, 4, 8)]
    assert registers.agents == {"tests (+https://tests.example)"}
    found = records(tmp_path, "deqar")
    technical = found["101"]
    assert technical.names == (
        Name("Examplia Institute of Technology", "en", "preferred"),
        Name("Technische Hogeschool Examplia"),
        Name("Examplia Institute of Technology", "en"),
        Name("THE", kind="other"),
        Name("Hogere Technische School", kind="other"),
    )
    assert dict(technical.identifiers) == {
        "deqarinst": "DEQARINST0101",
        "erasmus": "NL EXAMP01",
        "orgreg": "NL9901",
        "pic": "999900001",
        "ror": "01abcde23",
        "schac": "examplia.nl",
    }
    assert technical.website == "http://www.examplia.nl/"
    assert [(place.country, place.city, place.latitude) for place in technical.places] == [
        ("NLD", "Examplestad", 52.25)
    ]
    assert [relation.other for relation in technical.relations] == ["104"]
    assert Name("Panepistimio Aiginas", kind="other") in found["102"].names
    assert found["102"].places[0].city is None
    assert (found["103"].closed, found["105"].other_provider, found["105"].website) == ("2015-08-31", True, None)


def test_broken_entries_are_reported_and_left_out(bring: Any) -> None:
    issues = bring("deqar").issues
    assert [issue.message.rpartition(", ")[2] for issue in issues if issue.code == "registry-entry-left-out"] == [
        "item 3 is no object",
        "deqar: the entry DEQARINST0107 has no number `id`",
        "deqar: the entry 108 has no name",
    ]
    assert any("its website 'ftp://nowhere' is no http(s) address" in issue.message for issue in issues)
    kinds = {issue.code for issue in bring("ewp").issues}
    assert kinds == {"registry-entry-left-out", "registry-value-left-out"}


def test_d_09_the_ewp_catalogue_is_read(bring: Any, tmp_path: Path) -> None:
    result = bring("ewp")
    assert (result.made.records, result.made.left_out) == (3, 3)
    found = records(tmp_path, "ewp")
    assert [*found] == ["aigina.gr", "examplia.nl", "only-ewp.at"]
    examplia = found["examplia.nl"]
    assert examplia.names == (
        Name("Technische Hogeschool Examplia", "nl"),
        Name("Examplia Tech", "en"),
        Name("THE Examplia", "nl"),
    )
    assert examplia.codes("pic") == ["999900001", "999900009"]
    assert examplia.codes("previous-schac") == ["ths.nl"]
    assert found["only-ewp.at"].names == (Name("Nur EWP", "de-at"),)
    assert found["only-ewp.at"].codes("pic") == []


def test_d_09_the_hei_api_is_read_with_its_countries(bring: Any, registers: Any, tmp_path: Path) -> None:
    result = bring("hei-api")
    assert (result.made.records, result.made.left_out) == (3, 1)
    assert {path for path, _ in registers.asked} >= {"/v1/hei?page=2", "/v1/country", "/v1/country/NL/hei"}
    found = records(tmp_path, "hei-api")
    assert {key: record.places[0].country for key, record in found.items()} == {
        "aigina.gr": "GRC",
        "examplia.nl": "NLD",
        "only-euf.rs": "SRB",
    }
    assert found["only-euf.rs"].website == "https://only-euf.rs"
    assert found["only-euf.rs"].codes("erasmus") == ["RS ONLY01"]
    assert Name("Examplia (EUF)", "fy") in found["examplia.nl"].names
    assert any("there is no list of this country" in issue.message for issue in result.issues)


def test_the_same_register_gives_the_same_bytes(bring: Any, registers: Any, tmp_path: Path) -> None:
    bring("deqar")
    before = import_file(tmp_path, "deqar").read_bytes()
    registers.providers.reverse()
    registers.page_size = 3
    download_file = tmp_path / "registry" / download.CACHE_FILE
    download_file.unlink()
    result = bring("deqar")
    assert not result.changed
    assert import_file(tmp_path, "deqar").read_bytes() == before


@pytest.mark.parametrize("register", ["deqar", "hei-api"])
def test_files_are_read_as_one_page_or_as_several(bring: Any, registers: Any, tmp_path: Path, register: str) -> None:
    member, items = (
        ("results", registers.providers)
        if register == "deqar"
        else ("data", [{"id": "a.nl", "attributes": {"label": "A"}}])
    )
    file = tmp_path / "pages.json"
    for document in ({member: items}, [{member: items[:2]}, {member: items[2:]}], items):
        file.write_text(json.dumps(document))
        result = bring(register, str(file))
        assert result.made.records == (6 if register == "deqar" else 1)
    assert bring(register, file.as_uri()).changed is False
    assert registers.asked == []


def test_the_catalogue_is_revalidated_but_not_within_a_minute(bring: Any, registers: Any, tmp_path: Path) -> None:
    assert bring("ewp").changed
    assert not bring("ewp").changed
    assert len(registers.asked) == 1
    expire(tmp_path)
    assert not bring("ewp").changed
    assert [tag is not None for _, tag in registers.asked] == [False, True]  # with the ETag
    assert not bring("ewp").stale
    assert len(registers.asked) == 2


def expire(folder: Path) -> None:
    """Let what the cache of a data folder holds be old."""
    cache = SQLiteCache(folder / "registry" / download.CACHE_FILE)
    cache.reset_expiration(-60)
    cache.close()  # type: ignore[no-untyped-call]


def test_a_failing_server_is_replaced_by_its_earlier_answer(bring: Any, registers: Any, tmp_path: Path) -> None:
    bring("deqar")
    before = import_file(tmp_path, "deqar").read_bytes()
    registers.failing = True
    expire(tmp_path)
    result = bring("deqar")
    assert len(result.stale) == 3
    assert {why for _, why in result.stale} == {"it answered with status 500"}
    assert import_file(tmp_path, "deqar").read_bytes() == before


def test_a_failed_import_leaves_the_last_good_one_and_says_so(bring: Any, registers: Any, tmp_path: Path) -> None:
    bring("deqar")
    before = import_file(tmp_path, "deqar").read_bytes()
    made = load_imports(tmp_path)
    (tmp_path / "registry" / download.CACHE_FILE).unlink()
    registers.failing = True
    with pytest.raises(RegistryError, match=r"deqar: .*status 500\. Try again later; the import of .*Z stays"):
        bring("deqar")
    for text, message in (("<html>", "not JSON"), ("{}", "no list `results`"), ('{"results": []}', "no institution")):
        (tmp_path / "bad.json").write_text(text)
        with pytest.raises(RegistryError, match=f"{message}.*; the import of .*Z stays"):
            bring("deqar", str(tmp_path / "bad.json"))
    assert import_file(tmp_path, "deqar").read_bytes() == before
    assert load_imports(tmp_path) == made


def test_an_import_that_is_suspiciously_small_is_refused_unless_forced(
    bring: Any, registers: Any, tmp_path: Path
) -> None:
    bring("deqar")
    (tmp_path / "registry" / download.CACHE_FILE).unlink()
    registers.providers = registers.providers[:2]
    registers.page_size = 1
    with pytest.raises(RegistryError, match="only 2 institutions after 6; if that is right, use --force"):
        bring("deqar")
    assert bring("deqar", force=True).made.records == 2


def test_a_list_that_ends_early_is_refused(bring: Any, registers: Any) -> None:
    def answer(request: Request) -> Response:
        return Response(json.dumps({"count": 9, "next": False, "results": registers.providers[:4]}))

    registers.answer = answer
    registers.server.clear()
    registers.server.expect_request("/providers/").respond_with_handler(answer)
    with pytest.raises(RegistryError, match=r"gave 4 of 9 providers; nothing was imported"):
        bring("deqar")


def test_a_server_that_pages_for_ever_is_noticed(bring: Any, registers: Any) -> None:
    def answer(request: Request) -> Response:
        return Response(json.dumps({"count": 9, "next": True, "results": registers.providers[:4]}))

    registers.server.clear()
    registers.server.expect_request("/providers/").respond_with_handler(answer)
    with pytest.raises(RegistryError, match="gives the same page again at offset 4"):
        bring("deqar")


@pytest.mark.parametrize("compressed", [False, True])
def test_an_answer_that_is_too_large_is_not_read(
    registers: Any, settings: HarvestSettings, tmp_path: Path, compressed: bool
) -> None:
    body = b" " * 100_000
    headers = {"Content-Encoding": "gzip"} if compressed else {}
    registers.server.clear()
    registers.server.expect_request("/x").respond_with_data(
        gzip.compress(body) if compressed else body, headers=headers
    )
    with pytest.raises(RegistryError, match="larger than 50000 bytes"):
        import_register("ewp", registers.server.url_for("/x"), tmp_path, replace(settings, max_response_bytes=50_000))


def test_addresses_that_lead_nowhere_are_said_so(bring: Any, registers: Any, tmp_path: Path) -> None:
    registers.server.clear()
    registers.server.expect_request("/gone").respond_with_data("", status=404)
    registers.server.expect_request("/loop").respond_with_data("", status=302, headers={"Location": "/loop"})
    registers.server.expect_request("/ftp").respond_with_data("", status=302, headers={"Location": "ftp://x.example/"})
    for path, message in (("/gone", "nothing at"), ("/loop", "more than 5 redirects"), ("/ftp", "no http")):
        with pytest.raises(RegistryError, match=message):
            bring("ewp", registers.server.url_for(path))
    with pytest.raises(RegistryError, match="connection was refused"):
        bring("ewp", "http://127.0.0.1:1/")
    with pytest.raises(ConfigurationError, match="cannot read"):
        bring("ewp", str(tmp_path / "absent.xml"))


def test_hostile_xml_is_refused_or_harmless(bring: Any, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("TOPSECRET")
    body = registers_catalogue(f'<!DOCTYPE catalogue [<!ENTITY x SYSTEM "{secret.as_uri()}">]>', "&x;")
    (tmp_path / "c.xml").write_text(body)
    bring("ewp", str(tmp_path / "c.xml"))
    assert b"TOPSECRET" not in import_file(tmp_path, "ewp").read_bytes()
    bomb = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "x" * 100}">' for n in range(12))
    (tmp_path / "b.xml").write_text(registers_catalogue(f"<!DOCTYPE catalogue [{bomb}]>", "&e11;"))
    with pytest.raises(RegistryError, match="is not XML"):
        bring("ewp", str(tmp_path / "b.xml"))
    for text in ("", "<catalogue/>", "<a><b></a>", registers_catalogue("", "x")[:-20]):
        (tmp_path / "d.xml").write_text(text)
        with pytest.raises(RegistryError, match=r"is not XML|is no EWP catalogue"):
            bring("ewp", str(tmp_path / "d.xml"))


def registers_catalogue(head: str, text: str) -> str:
    namespace = "https://github.com/erasmus-without-paper/ewp-specs-api-registry/tree/stable-v1"
    return (
        f'{head}<catalogue xmlns="{namespace}"><institutions><hei id="a.nl"><name>A</name><name>{text}</name></hei>'
        "</institutions></catalogue>"
    )


def test_a_next_page_on_another_server_is_not_followed(bring: Any, registers: Any) -> None:
    registers.server.clear()
    registers.server.expect_request("/v1/hei").respond_with_json({"data": [], "links": {"next": "http://x.example/"}})
    with pytest.raises(RegistryError, match=r"on another server: http://x\.example/"):
        bring("hei-api")


def test_thousands_of_providers_are_imported_in_seconds(
    bring: Any, registers: Any, provider: Callable[..., dict[str, Any]]
) -> None:
    registers.page_size = 500
    registers.providers = [provider(n, f"University {n}", eter_id=f"NL{n:04d}") for n in range(1, 5001)]
    started = time.process_time()
    assert bring("deqar").made.records == 5000
    assert time.process_time() - started < 20


def test_a_slow_answer_is_given_up(registers: Any, settings: HarvestSettings, tmp_path: Path) -> None:
    def drip() -> Iterator[bytes]:
        for _ in range(40):
            time.sleep(0.05)
            yield b" "

    registers.server.clear()
    registers.server.expect_request("/x").respond_with_handler(lambda _: Response(drip()))
    with pytest.raises(RegistryError, match=r"took longer than 0\.5 s"):
        import_register("ewp", registers.server.url_for("/x"), tmp_path, replace(settings, timeout_s=0.5))


NONSENSE: tuple[Any, ...] = (
    None,
    True,
    -1,
    1e308,
    "",
    "\u0000\n",
    "x" * 3000,
    "http://[",
    "2020-13-45",
    [],
    [[]],
    [None, "a"],
    {},
    {"a": 1},
)


@pytest.mark.parametrize(("register", "member"), [("deqar", "results"), ("hei-api", "data")])
def test_whatever_an_entry_says_costs_no_other(bring: Any, tmp_path: Path, register: str, member: str) -> None:
    """Each value of each entry is replaced by nonsense in turn; an untouched entry beside it is always read."""
    dice = random.Random(3)
    whole = PROVIDER if register == "deqar" else RESOURCE
    file = tmp_path / "pages.json"
    for path in find_paths(whole):
        broken = []
        for nonsense in NONSENSE:
            entry = json.loads(json.dumps(whole))
            place = entry
            for step in path[:-1]:
                place = place[step]
            place[path[-1]] = nonsense
            broken.append(entry)
        dice.shuffle(broken)
        file.write_text(json.dumps({member: [*broken, json.loads(json.dumps(whole).replace("101", "999"))]}))
        bring(register, str(file), force=True)
        assert ("999" if register == "deqar" else "u999.nl") in records(tmp_path, register), path
        text = describe_known(load_registry(tmp_path), [], [], Iris("https://courses.example.eu/"))
        assert list(parse(text.encode(), format=RdfFormat.N_TRIPLES)), path


def find_paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*path, key)
        yield from find_paths(item, (*path, key))


PROVIDER: dict[str, Any] = {
    "id": 101,
    "deqar_id": "DEQARINST0101",
    "eter_id": "NL0101",
    "identifiers": [{"identifier": "u101.nl", "resource": "SCHAC", "agency": None}],
    "organization_type": {"id": 1, "type": "university"},
    "name_primary": "U 101",
    "names": [
        {"name_official": "U 101", "name_english": "U", "name_versions": [{"name": "V"}], "name_valid_to": "1999"}
    ],
    "website_link": "www.u101.nl",
    "locations": [
        {"country": {"iso_3166_alpha3": "NLD"}, "city": "C", "lat": 1.5, "long": 2, "country_valid_to": None}
    ],
    "founding_date": "1900",
    "closure_date": None,
    "part_of": [{"institution": {"id": 999}, "relationship_type": "consortium", "valid_to": None}],
}
RESOURCE: dict[str, Any] = {
    "id": "x",
    "attributes": {
        "hei_id": "u101.nl",
        "label": "U 101",
        "name": [{"string": "U 101", "lang": "en"}],
        "other_id": [{"type": "pic", "value": "999999101"}],
        "website_url": [{"uri": "https://u101.nl"}],
        "street_address": {"locality": "C", "country": "NL"},
    },
}
