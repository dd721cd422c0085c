"""The search for a manifest, against real servers on loopback."""

import json
import ssl
from collections.abc import Iterator

import pytest
import trustme
from pytest_httpserver import HTTPServer

from qlink_ld.config import HarvestSettings
from qlink_ld.discovery.well_known import find_manifest, origins, search_manifest
from qlink_ld.errors import SourceRefused, SourceUnavailable, UnusableResponse
from qlink_ld.http import ProviderClient
from qlink_ld.model import Institution

LOCAL = HarvestSettings(timeout_s=5, allow_private_addresses=True)
FIRST, SECOND = "/.well-known/quality-link-manifest", "/.well-known/quality-link-manifest.json"
MANIFEST = json.dumps({"sources": [{"type": "elm", "path": "https://a.example/x.ttl", "version": "3.3", "id": "elm"}]})


@pytest.fixture(scope="module")
def running() -> Iterator[HTTPServer]:
    with HTTPServer(host="127.0.0.1", port=0, threaded=True) as server:
        yield server


@pytest.fixture
def server(running: HTTPServer) -> HTTPServer:
    running.clear()
    return running


@pytest.fixture
def client() -> Iterator[ProviderClient]:
    with ProviderClient(LOCAL, backoff_s=0.01) as client:
        yield client


def local(server: HTTPServer) -> Institution:
    return Institution("XX01", "Test", website=server.url_for("/home"))


@pytest.mark.parametrize("media_type", ["application/json", "text/plain", "application/octet-stream", "text/html"])
def test_d08_a_manifest_is_known_by_its_content(server: HTTPServer, client: ProviderClient, media_type: str) -> None:
    server.expect_request(FIRST).respond_with_data(MANIFEST, content_type=media_type)
    assert [source.id for source in find_manifest(local(server), client)] == ["elm"]


def test_d06_d14_nothing_is_asked_after_the_first_one_found(server: HTTPServer, client: ProviderClient) -> None:
    for path in (FIRST, SECOND):
        server.expect_request(path).respond_with_data(MANIFEST)
    find_manifest(local(server), client)
    assert [request.path for request, _ in server.log] == [FIRST]


def test_d07_a_web_page_is_no_manifest_and_the_search_goes_on(server: HTTPServer, client: ProviderClient) -> None:
    server.expect_request(FIRST).respond_with_data("<html>Welcome", content_type="text/html")
    server.expect_request(SECOND).respond_with_data(MANIFEST)
    discovery = search_manifest(local(server), client)
    assert discovery.manifest is not None
    assert discovery.manifest.url == server.url_for(SECOND)
    assert [probe.outcome.partition(";")[0][:20] for probe in discovery.probes] == ["not a manifest, beca", "found"]


def test_d15_a_search_in_vain_names_all_that_was_tried(server: HTTPServer, client: ProviderClient) -> None:
    server.expect_request(FIRST).respond_with_data("", status=404)
    server.expect_request(SECOND).respond_with_data("x" * 2_000_000)
    institution = local(server)
    with pytest.raises(SourceUnavailable, match=r"XX01 has no manifest: .*manifest: .*404.*manifest\.json: larger"):
        find_manifest(institution, client)  # unavailable: nobody serves https on this host
    with pytest.raises(SourceRefused, match="neither a schac code nor a website"):
        find_manifest(Institution("XX02", "Nowhere"), client)


def test_a_manifest_without_usable_sources_says_why(server: HTTPServer, client: ProviderClient) -> None:
    server.expect_request(FIRST).respond_with_data('{"sources": [{"type": "soap", "path": "https://a.example"}]}')
    with pytest.raises(UnusableResponse, match=r"no source of XX01 can be used: .*'soap' is not one of"):
        find_manifest(local(server), client)


def test_d16_loopback_is_not_searched_by_default(server: HTTPServer) -> None:
    server.expect_request(FIRST).respond_with_data(MANIFEST)
    with ProviderClient(HarvestSettings(timeout_s=5)) as strict, pytest.raises(SourceRefused):
        find_manifest(local(server), strict)
    assert not server.log


def test_d07_domains_are_asked_over_https() -> None:
    authority = trustme.CA()
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("uni-x.example").configure_cert(serving)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    with HTTPServer(host="127.0.0.1", port=0, ssl_context=serving) as secure:
        secure.expect_request(FIRST).respond_with_data("", status=500)
        secure.expect_request(SECOND).respond_with_data(MANIFEST)
        with ProviderClient(LOCAL, resolve=lambda *_: ["127.0.0.1"], ssl_context=trusting) as client:
            institution = Institution("XX01", "X", website=f"https://uni-x.example:{secure.port}/")
            assert len(find_manifest(institution, client)) == 1


@pytest.mark.parametrize(
    ("schac", "website", "hosts"),
    [
        ("uni-x.ac.at", "https://www.inf.uni-x.ac.at/en", ["uni-x.ac.at", "www.inf.uni-x.ac.at", "inf.uni-x.ac.at"]),
        ("uni-x.example", "https://www.uni-x.example", ["uni-x.example", "www.uni-x.example"]),
        (None, "www.uni-x.example/start", ["www.uni-x.example", "uni-x.example"]),
        (None, "https://newww.x.example", ["newww.x.example"]),
        (None, "https://me:pw@Web.x.example:8443/", ["web.x.example", "x.example"]),
        (None, "https://www.example", ["www.example"]),
        ("uni-köln.example", None, ["xn--uni-kln-e1a.example"]),
        ("UNI.example.", "https://[::1", ["uni.example"]),
        ("a b/c", None, []),
        (None, None, []),
    ],
)
def test_d10_d11_d17_domains_in_order(schac: str | None, website: str | None, hosts: list[str]) -> None:
    institution = Institution("XX01", "X", schac=schac, website=website)
    assert list(origins(institution)) == [f"https://{host}" for host in hosts]
