"""Which domains are asked, in which order."""

import pytest

from qlink_ld.discovery.domains import Candidate, NoDomain, find_candidates, to_ascii
from qlink_ld.model import Institution


def candidates(schac: str | None, website: str | None, *, private: bool = False) -> list[Candidate | NoDomain]:
    return list(find_candidates(Institution("XX01", "X", schac=schac, website=website), allow_private=private))


@pytest.mark.parametrize(
    ("schac", "website", "domains"),
    [
        ("uni-x.ac.at", "https://www.inf.uni-x.ac.at/en", ["uni-x.ac.at", "www.inf.uni-x.ac.at", "inf.uni-x.ac.at"]),
        ("uni-x.example", "https://www.uni-x.example", ["uni-x.example", "www.uni-x.example"]),
        (None, "www.uni-x.example/start", ["www.uni-x.example", "uni-x.example"]),
        ("x.example", "https://y.example", ["x.example", "y.example"]),
        ("UNI.example.", None, ["uni.example"]),
        (None, None, []),
    ],
)
def test_d_10_domains_in_order_each_once(schac: str | None, website: str | None, domains: list[str]) -> None:
    assert candidates(schac, website) == [Candidate(domain) for domain in domains]


@pytest.mark.parametrize(
    ("website", "domains"),
    [
        ("https://newww.x.example", ["newww.x.example", "x.example"]),
        ("https://www.www.x.example", ["www.www.x.example", "www.x.example", "x.example"]),
        ("https://www2.x.example", ["www2.x.example", "x.example"]),
        ("https://portal.a.x.example", ["portal.a.x.example", "a.x.example", "x.example"]),
        ("https://me:pw@Web.x.example:8443/", ["web.x.example", "x.example"]),
        ("https://www.example", ["www.example"]),
    ],
)
def test_d_11_a_generic_label_is_stripped_never_a_part_of_one(website: str, domains: list[str]) -> None:
    assert candidates(None, website) == [Candidate(domain) for domain in domains]


@pytest.mark.parametrize(
    ("website", "domains"),
    [
        ("https://www.cs.ox.ac.uk", ["www.cs.ox.ac.uk", "cs.ox.ac.uk", "ox.ac.uk"]),
        ("https://inf.agh.edu.pl", ["inf.agh.edu.pl", "agh.edu.pl"]),
        ("https://www.ac.uk", ["www.ac.uk"]),
        ("https://uni-x.github.io/site", ["uni-x.github.io"]),
        ("https://a.b.c.d.uni-x.eu", ["a.b.c.d.uni-x.eu", "uni-x.eu"]),
    ],
)
def test_d_12_the_registrable_domain_is_below_a_public_suffix(website: str, domains: list[str]) -> None:
    assert candidates(None, website) == [Candidate(domain) for domain in domains]


def test_d_17_domains_are_written_in_a_labels() -> None:
    assert candidates("Uni-Köln.example", "https://www.uni-köln.example") == [
        Candidate("xn--uni-kln-e1a.example"),
        Candidate("www.xn--uni-kln-e1a.example"),
    ]
    assert to_ascii("faß.example") == "xn--fa-hia.example"


@pytest.mark.parametrize("text", ["a b/c", "https://uni-x.example/", "a..b", "-x.example", "x" * 64, "a." * 130 + "b"])
def test_what_is_no_domain_is_said(text: str) -> None:
    assert candidates(text, None) == [NoDomain(text, "schac")]


def test_a_website_without_a_host_is_said() -> None:
    for website in ("https://[::1", "https://", "https://x:port/", "mailto:me"):
        assert candidates("x.example", website) == [Candidate("x.example"), NoDomain(website, "website")]


def test_an_explicit_port_is_asked_only_where_private_addresses_are_allowed() -> None:
    website = "http://www.uni-x.example:8000/start"
    assert candidates("x.example", website) == [
        Candidate("x.example"),
        Candidate("www.uni-x.example"),
        Candidate("uni-x.example"),
    ]
    assert candidates("x.example", website, private=True) == [
        Candidate("x.example", "http://x.example:8000"),
        Candidate("www.uni-x.example", "http://www.uni-x.example:8000"),
        Candidate("uni-x.example", "http://uni-x.example:8000"),
    ]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_a_website_on_this_machine_is_asked_first(host: str) -> None:
    domain = host.strip("[]")
    assert candidates("x.example", f"http://{host}:8000", private=True) == [
        Candidate(domain, f"http://{host}:8000"),
        Candidate("x.example"),
        Candidate(domain),
    ]


def test_addresses_and_this_machine_are_not_in_the_dns() -> None:
    assert not Candidate("127.0.0.1").has_dns
    assert not Candidate("::1").has_dns
    assert not Candidate("a.localhost").has_dns
    assert Candidate("x.example").has_dns
    assert candidates(None, "http://[::1]/") == [Candidate("::1")]
