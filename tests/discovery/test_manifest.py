"""Manifests: what is used, what is left out and said. The numbers are those of the requirements."""

import json
from pathlib import Path
from typing import Any

import pytest

from qlink_ld.discovery.manifest import Manifest, parse_manifest
from qlink_ld.errors import UnusableResponse

URL = "https://a.example/.well-known/quality-link-manifest"


def parse(*sources: object, **more: object) -> Manifest:
    return parse_manifest(json.dumps({"sources": list(sources), **more}).encode(), URL)


def entry(**more: Any) -> dict[str, Any]:
    return {"type": "ooapi", "path": "https://a.example/v5", "version": "5", **more}


def codes(manifest: Manifest) -> list[str]:
    return [issue.code for issue in manifest.issues]


def test_m06_everything_that_is_stated_is_used() -> None:
    manifest = parse(
        entry(
            id="main",
            name="Courses",
            refresh=12,
            pageSize=100,
            contentType="text/turtle",
            headers={"X-A": "b", "X-N": 5},
            queryParameters={"all": True, "n": 1.5},
            auth={"type": "none"},
        ),
        meta={"schac": "a.example", "eterid": 5},
    )
    (source,) = manifest.sources
    assert (source.id, source.name, source.refresh_h, source.page_size) == ("main", "Courses", 12.0, 100)
    assert source.content_type == "text/turtle"
    assert source.headers == {"X-A": "b", "X-N": "5"}
    assert source.query_parameters == {"all": "true", "n": "1.5"}
    assert manifest.meta == (("schac", "a.example"),)
    assert not manifest.issues


@pytest.mark.parametrize(
    "body", [b"[]", b'"x"', b"null", b"{}", b'{"sources": []}', b'{"sources": {}}', b"<html>", b""]
)
def test_m01_m02_what_is_no_manifest_is_refused(body: bytes) -> None:
    with pytest.raises(UnusableResponse, match=r"https://a\.example"):
        parse_manifest(body, URL)


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        ({"type": "elm"}, "source-invalid"),
        ({"path": "https://a.example/"}, "source-invalid"),
        ("text", "source-invalid"),
        (entry(path="ftp://a.example/x"), "source-invalid"),
        (entry(path="file:///etc/passwd"), "source-invalid"),
        (entry(path="https://[::1"), "source-invalid"),
        (entry(path="https://"), "source-invalid"),
        (entry(type="soap"), "source-type-unknown"),
        (entry(type="OOAPI"), "source-type-unknown"),
        (entry(auth={"field": "X-Key"}), "auth-invalid"),
        (entry(auth="none"), "auth-invalid"),
        (entry(auth={"type": "basic"}), "auth-invalid"),
        (entry(auth={"type": "httpsig"}), "auth-unsupported"),
    ],
)
def test_m03_m04_m05_m07_a_bad_source_costs_only_itself(bad: object, code: str) -> None:
    manifest = parse(bad, entry(type="occapi", id="good"))
    assert [source.id for source in manifest.sources] == ["good"]
    assert codes(manifest) == [code]
    assert manifest.issues[0].position == URL


@pytest.mark.parametrize(("refresh", "hours"), [(0, 0.0), (12, 12.0), (0.5, 0.5), (None, 24.0)])
def test_m08_refresh_is_in_hours(refresh: float | None, hours: float) -> None:
    manifest = parse(entry(refresh=refresh))
    assert manifest.sources[0].refresh_h == hours
    assert not manifest.issues


@pytest.mark.parametrize(
    "wrong",
    [
        {"refresh": "daily"},
        {"refresh": -1},
        {"refresh": True},
        {"pageSize": "many"},
        {"pageSize": 0},
        {"name": 5},
        {"headers": "X-A: b"},
        {"headers": {"X-A": ["b"]}},
        {"queryParameters": {"a": None}},
    ],
)
def test_wrong_options_are_ignored_and_said(wrong: dict[str, object]) -> None:
    manifest = parse(entry(id="s", **wrong))
    assert manifest.sources == parse(entry(id="s")).sources
    assert codes(manifest) == ["value-invalid"]


@pytest.mark.parametrize(("version", "text"), [(5, "5"), (6.0, "6.0"), (3.2, "3.2"), (" 5 ", "5")])
def test_m13_m15_versions_become_text(version: object, text: str) -> None:
    assert parse(entry(version=version)).sources[0].version == text


def test_m13_a_missing_version_is_said() -> None:
    manifest = parse(
        {"type": "elm", "path": "https://a.example/x.ttl"}, {"type": "occapi", "path": "https://a.example/"}
    )
    assert [source.version for source in manifest.sources] == [None, None]
    assert codes(manifest) == ["version-missing"]


def test_m14_unknown_keys_do_no_harm() -> None:
    assert not parse(entry(colour="blue"), later={"x": 1}).issues


def test_m17_the_order_of_sources_does_not_matter() -> None:
    one, two = entry(path="https://a.example/1"), entry(path="https://a.example/2")
    first, second = parse(one, two).sources
    assert parse(two, one).sources == (second, first)
    assert first.id != second.id
    assert first.id.startswith("ooapi-")


@pytest.mark.parametrize("bad", ["../../etc", "", "a b", ".x", "x" * 81, ["a"], "ü"])
def test_an_id_that_cannot_name_a_folder_is_replaced(bad: object) -> None:
    manifest = parse(entry(id=bad))
    assert manifest.sources[0].id == parse(entry()).sources[0].id
    assert codes(manifest) == ["id-invalid"]


def test_repeated_sources_are_used_once() -> None:
    assert codes(parse(entry(), entry())) == ["source-repeated"]
    assert codes(parse(entry(id="a"), entry(id="a", path="https://b.example/"))) == ["id-repeated"]


def test_the_samples_are_judged_as_they_are_named(shared: Path) -> None:
    folder = shared / "samples/manifests"

    def sample(name: str) -> Manifest:
        return parse_manifest((folder / name).read_bytes(), name)

    assert [source.type for source in sample("minimal.json").sources] == ["elm"]
    town = sample("uni-musterstadt.json")
    assert [source.id for source in town.sources] == ["static-elm"]
    assert codes(town) == ["auth-unsupported", "auth-unsupported"]
    assert dict(town.meta)["eterid"] == "DE9901"
    for name in ("missing-sources", "empty-sources", "top-level-array"):
        with pytest.raises(UnusableResponse):
            sample(f"invalid-{name}.json")
    for name, found in (("auth-without-type", 1), ("bad-source", 3)):
        manifest = sample(f"invalid-{name}.json")
        assert not manifest.sources
        assert len(manifest.issues) == found
