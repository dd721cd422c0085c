"""The part [discovery] of the configuration."""

from pathlib import Path

import pytest

from qlink_ld.config import load_config
from qlink_ld.discovery_settings import DiscoverySettings, parse_resolver
from qlink_ld.errors import ConfigurationError


@pytest.mark.parametrize(
    ("text", "resolver"),
    [
        ("192.0.2.1", ("192.0.2.1", 53)),
        ("127.0.0.1:5353", ("127.0.0.1", 5353)),
        ("2001:db8::1", ("2001:db8::1", 53)),
        ("[2001:db8::1]:5353", ("2001:db8::1", 5353)),
        ("[2001:db8::1]", ("2001:db8::1", 53)),
    ],
)
def test_name_servers_are_addresses_with_or_without_a_port(text: str, resolver: tuple[str, int]) -> None:
    assert parse_resolver(text) == resolver


@pytest.mark.parametrize("text", ["dns.example", "127.0.0.1:x", "127.0.0.1:0", "127.0.0.1:65536", "", "[::1]x"])
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="resolvers"):
        parse_resolver(text)


def write(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "qlink.toml"
    file.write_text(text)
    return file


def test_settings_come_from_file_and_environment(tmp_path: Path) -> None:
    text = '[discovery]\nresolvers = ["127.0.0.1:5353"]\ndns_timeout_s = 1\norigin = "http://{domain}:8081"\n'
    expected = DiscoverySettings(("127.0.0.1:5353",), 1.0, 20.0, "http://{domain}:8081")
    assert load_config(write(tmp_path, text), environment={}).discovery == expected
    variables = {"QLINK_DISCOVERY_RESOLVERS": "::1, 127.0.0.1:54"}
    assert load_config(write(tmp_path, text), environment=variables).discovery.resolvers == ("::1", "127.0.0.1:54")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('resolvers = ["dns.example"]', r":3: 'resolvers' has IP addresses"),
        ('origin = "http://x.example"', r":3: 'origin' is an address such as"),
        ('origin = "http://{domain}/x"', r":3: 'origin' is an address such as"),
        ("dns_timeout_s = 0", r":3: 'dns_timeout_s' must be at least"),
    ],
)
def test_wrong_settings_are_named_with_their_line(tmp_path: Path, line: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        load_config(write(tmp_path, f"[discovery]\n\n{line}\n"), environment={})


INSTITUTION = '[[institution]]\nid = "A"\nname = "A"\n'


def test_a_manifest_by_hand_is_an_address_or_a_file(tmp_path: Path) -> None:
    for given, expected in (("https://a.example/m", "https://a.example/m"), ("m.yaml", (tmp_path / "m.yaml").as_uri())):
        config = load_config(write(tmp_path, f'{INSTITUTION}manifest = "{given}"\n'), environment={})
        assert config.institutions[0].manifest == expected


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ('manifest = "ftp://a.example/m"', ":4: 'manifest' must be http"),
        ('manifest = "m"\n[[institution.source]]\ntype = "elm"\npath = "x.ttl"', ":4: A: give its 'manifest' or"),
    ],
)
def test_a_wrong_manifest_is_named_with_its_line(tmp_path: Path, lines: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        load_config(write(tmp_path, INSTITUTION + lines), environment={})
