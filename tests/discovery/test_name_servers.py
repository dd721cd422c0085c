"""The DNS, asked of a real server on loopback."""

import socket

import httpcore
import pytest

from qlink_ld.discovery.name_servers import NameServers
from qlink_ld.discovery_settings import DiscoverySettings
from qlink_ld.guarded_transport import UnknownHost

from .conftest import NameServer


def ask(names: NameServer, **settings: float) -> NameServers:
    return NameServers(DiscoverySettings(resolvers=(names.address,), **{"dns_timeout_s": 0.5, **settings}))  # type: ignore[arg-type]


def test_d_04_the_strings_of_a_record_are_joined(names: NameServer) -> None:
    names.txt["uni-x.example"] = [["v=qldiscover1; m=https://a.exa", "mple/", "m.json"], ["other"]]
    answer = ask(names).find_txt("uni-x.example")
    assert answer.outcome == "records"
    assert set(answer.records) == {"v=qldiscover1; m=https://a.example/m.json", "other"}


def test_an_answer_that_was_cut_is_asked_for_over_tcp(names: NameServer) -> None:
    names.txt["uni-x.example"] = [[f"site-verification={number}-{'x' * 200}"] for number in range(20)]
    assert len(ask(names, dns_timeout_s=5).find_txt("uni-x.example").records) == 20
    assert [transport for *_, transport in names.asked] == ["udp", "tcp"]


def test_d_15_each_failure_has_a_name_of_its_own(names: NameServer) -> None:
    names.hosts["no-txt.example"] = "127.0.0.1"
    names.broken.add("broken.example")
    names.silent.add("silent.example")
    outcomes = {
        domain: ask(names).find_txt(domain).outcome
        for domain in ("no-txt.example", "nowhere.example", "broken.example", "silent.example")
    }
    assert outcomes == {
        "no-txt.example": "no-record",
        "nowhere.example": "no-domain",
        "broken.example": "dns-failed",
        "silent.example": "dns-timeout",
    }
    assert "SERVFAIL" in ask(names).find_txt("broken.example").message
    assert "0.5 s" in ask(names).find_txt("silent.example").message


def test_a_name_server_that_is_not_there_is_a_timeout_or_a_failure() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = DiscoverySettings(resolvers=(f"127.0.0.1:{port}",), dns_timeout_s=0.5)
    assert NameServers(settings).find_txt("x.example").outcome in ("dns-timeout", "dns-failed")


def test_the_next_name_server_is_asked_when_one_fails(names: NameServer) -> None:
    names.txt["uni-x.example"] = [["x"]]
    settings = DiscoverySettings(resolvers=("127.0.0.1:1", names.address), dns_timeout_s=1.5)
    assert NameServers(settings).find_txt("uni-x.example").records == ("x",)


def test_hosts_are_looked_up_at_the_configured_name_servers(names: NameServer) -> None:
    names.hosts["web.uni-x.example"] = "127.0.0.7"
    assert ask(names).find_addresses("web.uni-x.example", 443, 5) == ["127.0.0.7"]
    with pytest.raises(UnknownHost):
        ask(names).find_addresses("nowhere.example", 443, 5)
    names.txt["txt-only.example"] = [["x"]]
    with pytest.raises(UnknownHost):
        ask(names).find_addresses("txt-only.example", 443, 5)
    names.silent.add("silent.example")
    with pytest.raises(httpcore.ConnectTimeout):
        ask(names).find_addresses("silent.example", 443, 5)
    names.broken.add("broken.example")
    with pytest.raises(httpcore.ConnectError):
        ask(names).find_addresses("broken.example", 443, 5)


def test_addresses_and_this_machine_are_not_asked_for(names: NameServer) -> None:
    assert ask(names).find_addresses("127.0.0.1", 80, 5) == ["127.0.0.1"]
    assert "127.0.0.1" in ask(names).find_addresses("localhost", 80, 5)
    assert not names.asked


def test_without_configured_name_servers_the_system_is_asked() -> None:
    assert "127.0.0.1" in NameServers(DiscoverySettings()).find_addresses("localhost", 80, 5)
