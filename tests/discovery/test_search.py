"""The search for a manifest, against a real name server and real web servers on loopback."""

import json
import socket
import ssl
from pathlib import Path

import pytest
import trustme
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from qlink_ld.config import HarvestSettings
from qlink_ld.discovery.search import WELL_KNOWN, Discovery, explain_failure, search_manifest
from qlink_ld.discovery_settings import DiscoverySettings
from qlink_ld.http import ProviderClient
from qlink_ld.model import Institution

from .conftest import NameServer, Search

FIRST, SECOND, THIRD = WELL_KNOWN
SOURCE = {"type": "elm", "path": "https://a.example/x.ttl", "version": "3.3", "id": "elm"}
MANIFEST = json.dumps({"sources": [SOURCE]})
YAML = "sources:\n  - {type: elm, id: yaml, path: 'https://a.example/x.ttl', version: 3.3}\n"


def outcomes(discovery: Discovery) -> list[tuple[str, str]]:
    return [(probe.mechanism, probe.outcome) for probe in discovery.probes]


def asked(web: HTTPServer) -> list[tuple[str, str]]:
    """Hosts and paths of the requests, in order."""
    return [(request.host.partition(":")[0], request.path) for request, _ in web.log]


def ids(discovery: Discovery) -> list[str]:
    return [source.id for source in discovery.manifest.sources] if discovery.manifest else []


def announce(names: NameServer, domain: str, *urls: str) -> None:
    names.hosts[domain] = "127.0.0.1"
    names.txt[domain] = [["v=spf1 -all"], *([f"v=qldiscover1; m={url}"] for url in urls)]


def test_d_01_d_02_a_txt_record_leads_to_the_manifest(names: NameServer, web: HTTPServer, search: Search) -> None:
    announce(names, "uni-x.example", web.url_for("/here.json"))
    web.expect_request("/here.json").respond_with_data(MANIFEST)
    discovery = search("uni-x.example")
    assert ids(discovery) == ["elm"]
    assert outcomes(discovery) == [("dns-txt", "record"), ("dns-txt", "found")]
    assert discovery.probes[0].url == "dns:uni-x.example?type=TXT"
    assert discovery.manifest is not None
    assert discovery.manifest.url == web.url_for("/here.json")


def test_d_01_without_a_record_the_well_known_address_has_it(
    names: NameServer, web: HTTPServer, search: Search
) -> None:
    names.hosts["uni-x.example"] = "127.0.0.1"
    web.expect_request(THIRD).respond_with_data(YAML, content_type="application/yaml")
    discovery = search("uni-x.example")
    assert ids(discovery) == ["yaml"]
    assert outcomes(discovery) == [
        ("dns-txt", "no-record"),
        ("well-known", "server-error"),  # what this web server answers to what it does not know
        ("well-known", "server-error"),
        ("well-known", "found"),
    ]


def test_d_03_the_records_of_others_are_ignored(names: NameServer, web: HTTPServer, search: Search) -> None:
    names.hosts["uni-x.example"] = "127.0.0.1"
    names.txt["uni-x.example"] = [[f"v=DMARC1; m={web.url_for('/wrong')}"], ["v=spf1 m=x"]]
    web.expect_request(FIRST).respond_with_data(MANIFEST)
    discovery = search("uni-x.example")
    assert outcomes(discovery) == [("dns-txt", "no-record"), ("well-known", "found")]
    assert "none of 2 TXT records begins with v=qldiscover1" in discovery.probes[0].message


def test_d_04_an_address_over_two_strings_is_found(names: NameServer, web: HTTPServer, search: Search) -> None:
    url = web.url_for("/" + "x" * 300)
    names.txt["uni-x.example"] = [["v=qldiscover1; m=" + url[:200], url[200:]]]
    web.expect_request("/" + "x" * 300).respond_with_data(MANIFEST)
    assert ids(search("uni-x.example")) == ["elm"]


def test_a_record_that_leads_to_nothing_is_to_be_corrected(names: NameServer, web: HTTPServer, search: Search) -> None:
    announce(names, "uni-x.example", web.url_for("/gone"))
    web.expect_request("/gone").respond_with_data("", status=404)
    web.expect_request(FIRST).respond_with_data(MANIFEST)
    discovery = search("uni-x.example")
    assert outcomes(discovery) == [("dns-txt", "record"), ("dns-txt", "not-found"), ("well-known", "found")]
    assert "correct the record" in discovery.probes[1].advice
    assert ids(discovery) == ["elm"]


def test_d_05_of_several_records_the_first_that_leads_to_one_counts(
    names: NameServer, web: HTTPServer, search: Search
) -> None:
    announce(names, "uni-x.example", *(web.url_for(path) for path in ("/c", "/a", "/b")))
    web.expect_request("/a").respond_with_data("<html>")
    for path in ("/b", "/c"):
        web.expect_request(path).respond_with_data(MANIFEST)
    discovery = search("uni-x.example")
    assert [path for _, path in asked(web)] == ["/a", "/b"]
    assert [issue.code for issue in discovery.issues] == ["dns-records-several"]
    assert discovery.issues[0].severity == "warning"


def test_d_06_d_14_nothing_is_asked_after_the_first_one_found(
    names: NameServer, web: HTTPServer, search: Search
) -> None:
    names.hosts |= {"uni-x.example": "127.0.0.1", "www.uni-x.example": "127.0.0.1"}
    for path in WELL_KNOWN:
        web.expect_request(path).respond_with_data(MANIFEST)
    discovery = search("uni-x.example", "https://www.uni-x.example")
    assert asked(web) == [("uni-x.example", FIRST)]
    assert [kind for domain, kind, _ in names.asked if kind == "TXT"] == ["TXT"]
    assert outcomes(discovery)[-1] == ("well-known", "found")


def test_d_06_the_well_known_addresses_are_asked_in_order(names: NameServer, web: HTTPServer, search: Search) -> None:
    names.hosts["uni-x.example"] = "127.0.0.1"
    for path in WELL_KNOWN:
        web.expect_request(path).respond_with_data("", status=404)
    discovery = search("uni-x.example")
    assert [path for _, path in asked(web)] == list(WELL_KNOWN)
    assert outcomes(discovery)[1:] == [("well-known", "not-found")] * 3
    assert discovery.manifest is None
    assert not discovery.transient


def test_d_07_a_web_page_is_no_manifest_and_the_search_goes_on(
    names: NameServer, web: HTTPServer, search: Search
) -> None:
    names.hosts["uni-x.example"] = "127.0.0.1"
    web.expect_request(FIRST).respond_with_data("<html>Welcome", content_type="text/html")
    web.expect_request(SECOND).respond_with_data(MANIFEST)
    discovery = search("uni-x.example")
    assert outcomes(discovery)[1:] == [("well-known", "not-a-manifest"), ("well-known", "found")]
    assert "a web page" in discovery.probes[1].message
    assert "404" in discovery.probes[1].advice


def test_d_07_domains_are_asked_over_https() -> None:
    authority = trustme.CA()
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("uni-x.example").configure_cert(serving)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    assert DiscoverySettings().origin == "https://{domain}"
    with HTTPServer(host="127.0.0.1", port=0, ssl_context=serving) as secure:
        secure.expect_request(SECOND).respond_with_data(MANIFEST)
        local = HarvestSettings(timeout_s=5, allow_private_addresses=True)
        settings = DiscoverySettings(("127.0.0.1:1",), dns_timeout_s=0.1, origin=f"https://{{domain}}:{secure.port}")
        found, untrusted = (
            _search_over_tls(local, settings, context) for context in (trusting, ssl.create_default_context())
        )
    assert ids(found) == ["elm"]
    assert [outcome for _, outcome in outcomes(untrusted)] == ["dns-timeout", "certificate-invalid"]
    assert "certificate" in untrusted.probes[1].advice


def _search_over_tls(harvest: HarvestSettings, settings: DiscoverySettings, context: ssl.SSLContext) -> Discovery:
    with ProviderClient(harvest, resolve=lambda *_: ["127.0.0.1"], ssl_context=context) as client:
        return search_manifest(Institution("XX01", "X", schac="uni-x.example"), harvest, settings, client=client)


@pytest.mark.parametrize("media_type", ["application/json", "text/plain", "application/octet-stream", "text/html"])
def test_d_08_a_manifest_is_known_by_its_content(
    names: NameServer, web: HTTPServer, search: Search, media_type: str
) -> None:
    names.hosts["uni-x.example"] = "127.0.0.1"
    web.expect_request(FIRST).respond_with_data(YAML, content_type=media_type)
    assert ids(search("uni-x.example")) == ["yaml"]


def test_d_10_d_12_d_13_each_domain_is_asked_in_the_dns_then_at_its_web_server(
    names: NameServer, web: HTTPServer, search: Search
) -> None:
    domains = ["uni-x.ac.at", "www.inf.uni-x.ac.at", "inf.uni-x.ac.at"]
    for domain in domains:
        names.hosts[domain] = "127.0.0.1"
    web.expect_request(FIRST).respond_with_data("", status=404)
    web.expect_request(SECOND).respond_with_data("", status=404)
    web.expect_request(THIRD).respond_with_data("", status=404)
    discovery = search("uni-x.ac.at", "https://www.inf.uni-x.ac.at/en")
    assert [(probe.domain, probe.mechanism) for probe in discovery.probes] == [
        (domain, mechanism) for domain in domains for mechanism in ("dns-txt", "well-known", "well-known", "well-known")
    ]
    assert [host for host, _ in asked(web)] == [domain for domain in domains for _ in WELL_KNOWN]


def test_d_12_the_registrable_domain_is_asked_last(names: NameServer, web: HTTPServer, search: Search) -> None:
    names.hosts["ox.ac.uk"] = "127.0.0.1"
    web.expect_request(FIRST).respond_with_data(MANIFEST)
    discovery = search(None, "https://www.cs.ox.ac.uk")
    assert ids(discovery) == ["elm"]
    assert [probe.domain for probe in discovery.probes if probe.mechanism == "well-known"] == [
        "www.cs.ox.ac.uk",
        "cs.ox.ac.uk",
        "ox.ac.uk",
    ]
    assert [probe.outcome for probe in discovery.probes if probe.mechanism == "well-known"] == [
        "no-host",
        "no-host",
        "found",
    ]


def test_d_15_a_search_in_vain_lists_each_probe_with_what_to_do(
    names: NameServer, web: HTTPServer, search: Search
) -> None:
    names.hosts |= {"a.example": "127.0.0.1", "sub.a.example": "127.0.0.1"}
    names.broken.add("sub.a.example")
    names.txt["a.example"] = [["v=qldiscover1; n=x"]]
    web.expect_request(FIRST).respond_with_data("", status=403)
    web.expect_request(SECOND).respond_with_data("x" * 2_000_000)
    web.expect_request(THIRD).respond_with_data('{"sources": []}')
    discovery = search("not a domain", "https://sub.a.example")
    assert [(probe.domain, probe.outcome) for probe in discovery.probes] == [
        ("not a domain", "invalid-domain"),
        ("sub.a.example", "dns-failed"),
        ("sub.a.example", "dns-failed"),
        ("a.example", "record-invalid"),
        ("a.example", "forbidden"),
        ("a.example", "too-large"),
        ("a.example", "not-a-manifest"),
    ]
    assert all(probe.message and probe.advice and probe.at.endswith("Z") for probe in discovery.probes)
    assert all(probe.seconds < 5 for probe in discovery.probes)
    message = explain_failure(discovery, Institution("XX01", "Test"))
    assert all(probe.url in message for probe in discovery.probes)


def test_d_15_a_search_without_any_domain_says_so(search: Search) -> None:
    discovery = search()
    assert not discovery.probes
    assert "neither a schac code nor a website" in explain_failure(discovery, Institution("XX02", "Nowhere"))


def test_a_server_that_does_not_answer_is_asked_once_only(names: NameServer, search: Search) -> None:
    names.hosts["uni-x.example"] = "127.0.0.1"
    names.silent.add("slow.example")
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound, but it does not listen: refused
        institution = Institution("X", "X", schac="uni-x.example")
        settings = DiscoverySettings((names.address,), origin=f"http://{{domain}}:{nobody.getsockname()[1]}")
        discovery = search_manifest(institution, HarvestSettings(allow_private_addresses=True), settings)
    assert outcomes(discovery) == [("dns-txt", "no-record"), ("well-known", "unreachable")]
    assert discovery.transient
    assert outcomes(search("slow.example", dns_timeout_s=0.3)) == [
        ("dns-txt", "dns-timeout"),
        ("well-known", "dns-timeout"),
    ]


def test_a_web_server_that_is_too_slow_is_left(names: NameServer, search: Search) -> None:
    names.hosts["uni-x.example"] = "127.0.0.1"
    with socket.socket() as slow:
        slow.bind(("127.0.0.1", 0))
        slow.listen()  # connections are made, and never answered
        institution = Institution("X", "X", schac="uni-x.example")
        settings = DiscoverySettings(
            (names.address,), timeout_s=0.3, origin=f"http://{{domain}}:{slow.getsockname()[1]}"
        )
        discovery = search_manifest(institution, HarvestSettings(allow_private_addresses=True), settings)
    assert outcomes(discovery)[1:] == [("well-known", "timeout")]
    assert discovery.probes[1].seconds < 3


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost", "10.0.0.1", "169.254.169.254", "[::1]"])
def test_d_16_private_addresses_are_refused_unless_allowed(
    names: NameServer, web: HTTPServer, search: Search, address: str
) -> None:
    names.txt["uni-x.example"] = [[f"v=qldiscover1; m=http://{address}:{web.port}/m"]]
    names.hosts["uni-x.example"] = "127.0.0.1"
    web.expect_request("/m").respond_with_data(MANIFEST)
    discovery = search("uni-x.example", private=False)
    assert discovery.manifest is None
    assert outcomes(discovery)[:3] == [("dns-txt", "record"), ("dns-txt", "refused"), ("well-known", "refused")]
    assert "allow_private_addresses" in discovery.probes[1].advice
    assert not web.log


def redirect(times: int, web: HTTPServer, target: str) -> None:
    def answer(request: Request) -> Response:
        step = int(request.args["step"])
        to = target if step == times else f"/hop?step={step + 1}"
        return Response(status=302, headers={"Location": to})

    web.expect_request("/hop").respond_with_handler(answer)


@pytest.mark.parametrize(
    ("times", "target", "found"), [(5, "/m", True), (6, "/m", False), (1, "ftp://a.example/", False)]
)
def test_d_16_at_most_five_redirects_and_only_to_http(
    names: NameServer, web: HTTPServer, search: Search, times: int, target: str, found: bool
) -> None:
    redirect(times, web, target)
    web.expect_request("/m").respond_with_data(MANIFEST)
    names.txt["uni-x.example"] = [[f"v=qldiscover1; m={web.url_for('/hop')}?step=1"]]
    discovery = search("uni-x.example")
    assert discovery.probes[1].outcome == ("found" if found else "refused")
    if found:
        assert f"redirected to {web.url_for('/m')}" in discovery.probes[1].message


def test_d_17_international_domains_are_asked_in_a_labels(names: NameServer, web: HTTPServer, search: Search) -> None:
    ascii_name = "xn--uni-kln-e1a.example"
    names.hosts[ascii_name] = "127.0.0.1"
    web.expect_request(FIRST).respond_with_data(MANIFEST)
    discovery = search("uni-köln.example")
    assert ids(discovery) == ["elm"]
    assert {domain for domain, *_ in names.asked} == {ascii_name}
    assert asked(web) == [(ascii_name, FIRST)]


def test_d_18_a_manifest_given_by_hand_ends_all_searching(
    names: NameServer, web: HTTPServer, search: Search, tmp_path: Path
) -> None:
    web.expect_request("/by-hand").respond_with_data(MANIFEST)
    file = tmp_path / "manifest.yaml"
    file.write_text(YAML)
    for url, expected in ((web.url_for("/by-hand"), ["elm"]), (file.as_uri(), ["yaml"])):
        discovery = search(institution=Institution("X", "X", schac="uni-x.example", manifest=url))
        assert ids(discovery) == expected
        assert outcomes(discovery) == [("configured", "found")]
    assert not names.asked
    for url, outcome in ((web.url_for("/nothing"), "server-error"), ((tmp_path / "no").as_uri(), "unreadable")):
        institution = Institution("X", "X", manifest=url)
        discovery = search(institution=institution)
        assert outcomes(discovery) == [("configured", outcome)]
        assert "Correct `manifest`" in explain_failure(discovery, institution)


def test_d_18_only_the_operator_can_name_a_file(names: NameServer, search: Search, tmp_path: Path) -> None:
    file = tmp_path / "manifest.json"
    file.write_text(MANIFEST)
    names.txt["uni-x.example"] = [[f"v=qldiscover1; m={file.as_uri()}"]]
    discovery = search("uni-x.example")
    assert discovery.manifest is None
    assert discovery.probes[1].outcome == "refused"


def test_m_18_no_credentials_are_sent(names: NameServer, web: HTTPServer, search: Search) -> None:
    names.hosts["uni-x.example"] = "127.0.0.1"
    web.expect_request(FIRST).respond_with_data(MANIFEST, headers={"Set-Cookie": "a=b"})
    search("uni-x.example")
    search("uni-x.example")
    assert len(web.log) == 2
    for request, _ in web.log:
        assert not {"authorization", "cookie", "signature"} & {name.lower() for name, _ in request.headers}


def test_m_12_a_manifest_of_somebody_else_is_a_warning(names: NameServer, web: HTTPServer, search: Search) -> None:
    names.hosts["uni-x.example"] = "127.0.0.1"
    body = json.dumps({"sources": [SOURCE], "meta": {"schac": "uni-y.example"}})
    web.expect_request(FIRST).respond_with_data(body)
    discovery = search("uni-x.example")
    assert ids(discovery) == ["elm"]
    assert [issue.code for issue in discovery.issues] == ["meta-differs"]


def test_a_manifest_without_usable_sources_ends_the_search_and_says_why(
    names: NameServer, web: HTTPServer, search: Search
) -> None:
    names.hosts["uni-x.example"] = "127.0.0.1"
    web.expect_request(FIRST).respond_with_data('{"sources": [{"type": "soap", "path": "https://a.example"}]}')
    web.expect_request(SECOND).respond_with_data(MANIFEST)
    discovery = search("uni-x.example")
    assert [path for _, path in asked(web)] == [FIRST]
    message = explain_failure(discovery, Institution("XX01", "X"))
    assert "no source of XX01 can be used: line 1, `sources[0].type`: 'soap' is not one of" in message


def test_d_10_with_private_addresses_the_port_of_the_website_counts_for_all_domains(
    names: NameServer, web: HTTPServer
) -> None:
    names.hosts |= {"uni-x.example": "127.0.0.1", "www.inf.uni-x.example": "127.0.0.1"}
    website = f"http://www.inf.uni-x.example:{web.port}/en"
    web.expect_request(THIRD, headers={"Host": f"www.inf.uni-x.example:{web.port}"}).respond_with_data(YAML)
    institution = Institution("X", "X", schac="uni-x.example", website=website)
    settings = DiscoverySettings((names.address,), dns_timeout_s=1)
    discovery = search_manifest(institution, HarvestSettings(allow_private_addresses=True), settings)
    assert ids(discovery) == ["yaml"]
    assert [host for host, _ in asked(web)] == ["uni-x.example"] * 3 + ["www.inf.uni-x.example"] * 3
