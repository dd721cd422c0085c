"""Manifests: what is used, what is left out and said, in which line. The numbers are those of the requirements."""

import json
from pathlib import Path
from typing import Any

import pytest

from qlink_ld.discovery.manifest import MAX_BYTES, Manifest, check_meta, judge_manifest, parse_manifest
from qlink_ld.errors import UnusableResponse
from qlink_ld.model import Auth, Institution

URL = "https://a.example/.well-known/quality-link-manifest"


def parse(*sources: object, **more: object) -> Manifest:
    return parse_manifest(json.dumps({"sources": list(sources), **more}).encode(), URL)


def entry(**more: Any) -> dict[str, Any]:
    return {"type": "ooapi", "path": "https://a.example/v5", "version": "5", **more}


def codes(manifest: Manifest) -> list[str]:
    return [issue.code for issue in manifest.issues]


def test_m_06_everything_that_is_stated_is_used() -> None:
    manifest = parse(
        entry(
            id="main",
            name="Courses",
            refresh=12,
            pageSize=100,
            headers={"X-A": "b", "X-N": 5},
            queryParameters={"all": True, "n": 1.5},
            auth={"type": "none"},
        ),
        {"type": "elm", "path": "https://a.example/x", "version": "3.3", "contentType": "text/turtle"},
    )
    source, file = manifest.sources
    assert (source.id, source.name, source.refresh_h, source.page_size) == ("main", "Courses", 12.0, 100)
    assert source.headers == {"X-A": "b", "X-N": "5"}
    assert source.query_parameters == {"all": "true", "n": "1.5"}
    assert file.content_type == "text/turtle"
    assert not manifest.issues


@pytest.mark.parametrize(
    "body",
    [b"[]", b'"x"', b"null", b"{}", b'{"sources": []}', b'{"sources": {}}', b'{"sources": null}', b"<html>", b"", b"x"],
)
def test_m_01_m_02_what_is_no_manifest_is_refused(body: bytes) -> None:
    with pytest.raises(UnusableResponse, match=r"https://a\.example"):
        parse_manifest(body, URL)
    assert not judge_manifest(body, URL).valid


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        ({"type": "elm", "version": "3"}, "source-invalid"),
        ({"path": "https://a.example/"}, "source-invalid"),
        ({"type": 5, "path": "https://a.example/"}, "source-invalid"),
        ("text", "source-invalid"),
        (entry(path="ftp://a.example/x"), "source-invalid"),
        (entry(path="file:///etc/passwd"), "source-invalid"),
        (entry(path="https://[::1"), "source-invalid"),
        (entry(path="https://"), "source-invalid"),
        (entry(path="https://a.example:port/"), "source-invalid"),
        (entry(type="soap"), "source-type-unknown"),
        (entry(type="OOAPI"), "source-type-unknown"),
        (entry(auth={"field": "X-Key"}), "auth-invalid"),
        (entry(auth="none"), "auth-invalid"),
        (entry(auth={"type": "basic"}), "auth-invalid"),
        (entry(auth={"type": ["none"]}), "auth-invalid"),
        (entry(auth={"type": "httpheader", "field": "X-Key"}), "auth-invalid"),
        (entry(auth={"type": "httpheader", "field": " ", "value": "x"}), "auth-invalid"),
        (entry(auth={"type": "oauth2.0"}), "auth-invalid"),
        (entry(auth={"type": "oauth2.0", "token_endpoint": "/token"}), "auth-invalid"),
        (entry(auth={"type": "httpsig", "alg": "hmac-sha256"}), "auth-invalid"),
    ],
)
def test_m_03_m_04_m_05_m_07_a_bad_source_costs_only_itself(bad: object, code: str) -> None:
    manifest = parse(bad, entry(type="occapi", id="good"))
    assert [source.id for source in manifest.sources] == ["good"]
    assert code in codes(manifest)
    assert {issue.severity for issue in manifest.issues if issue.code == code} >= {"violation"}
    assert all(issue.position and issue.position.startswith(f"{URL}:1:") for issue in manifest.issues)
    assert not manifest.valid


def test_m_05_occapi_is_a_type_and_near_misses_are_named() -> None:
    manifest = parse({"type": "occapi", "path": "https://a.example/"}, entry(type="edu_api"))
    assert [source.type for source in manifest.sources] == ["occapi"]
    assert 'Did you mean "edu-api"?' in manifest.issues[0].message


def test_m_07_access_is_read_and_none_if_not_stated() -> None:
    secret = "c2VjcmV0"
    manifest = parse(
        entry(id="a"),
        entry(id="b", auth={"type": "httpheader", "field": "X-Key", "value": secret}),
        entry(
            id="c",
            auth={
                "type": "oauth2.0",
                "token_endpoint": "https://a.example/token",
                "scope": "all",
                "client_id": "me",
                "client_secret": secret,
            },
        ),
        entry(id="d", auth={"type": "httpsig", "alg": "ed25519"}),
        entry(id="e", auth={"type": "httpsig"}),
    )
    auths = {source.id: source.auth for source in manifest.sources}
    assert auths == {
        "a": Auth(),
        "b": Auth("httpheader", header="X-Key", value=secret),
        "c": Auth(
            "oauth2.0",
            token_endpoint="https://a.example/token",
            scope="all",
            client_id="me",
            client_secret=secret,
        ),
        "d": Auth("httpsig", alg="ed25519"),
        "e": Auth("httpsig"),
    }
    assert secret not in repr(manifest)
    assert codes(manifest) == []


def test_secrets_of_a_faulty_access_are_not_in_any_message() -> None:
    auth = {"type": "oauth2.0", "token_endpoint": "ftp://x", "client_secret": "s3cr3t", "client_secrets": "s3cr3t"}
    headers = {"Host": "s3cr3t", "X": ["s3cr3t"], "Y": "s3cr3t\n"}
    assert "s3cr3t" not in repr(parse(entry(auth=auth), entry(headers=headers, id="x")).issues)


def test_a_client_id_alone_is_said_and_the_own_credentials_are_used() -> None:
    auth = {"type": "oauth2.0", "token_endpoint": "https://a.example/t", "client_id": "me"}
    manifest = parse(entry(auth=auth))
    (source,) = manifest.sources
    assert source.auth == Auth("oauth2.0", token_endpoint="https://a.example/t")
    assert codes(manifest) == ["auth-incomplete"]


@pytest.mark.parametrize(("refresh", "hours"), [(0, 0.0), (12, 12.0), (0.5, 0.5), (None, 24.0)])
def test_m_08_refresh_is_in_hours(refresh: float | None, hours: float) -> None:
    manifest = parse(entry(refresh=refresh))
    assert manifest.sources[0].refresh_h == hours
    assert parse(entry()).sources[0].refresh_h == 24.0
    assert not manifest.issues


@pytest.mark.parametrize(
    "wrong",
    [
        {"refresh": "daily"},
        {"refresh": -1},
        {"refresh": True},
        {"refresh": [1]},
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
    assert manifest.valid


@pytest.mark.parametrize("hours", [".inf", ".nan", "-.inf"])
def test_m_08_refresh_is_a_finite_number(hours: str) -> None:
    body = f"sources: [{{type: occapi, path: 'https://a.example/', refresh: {hours}}}]"
    assert parse_manifest(body.encode(), URL).sources[0].refresh_h == 24.0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Authorization", "x"),
        ("authorization", "x"),
        ("X-Key", "x"),
        ("Host", "b.example"),
        ("Content-Length", "5"),
        ("transfer-encoding", "chunked"),
        ("X-A", "a\r\nHost: b.example"),
        ("X-A\r\nHost", "b.example"),
        ("X A", "b"),
    ],
)
def test_m_10_headers_that_are_not_theirs_to_set_are_ignored(name: str, value: str) -> None:
    auth = {"type": "httpheader", "field": "X-Key", "value": "c2VjcmV0"}
    manifest = parse(entry(auth=auth, headers={name: value, "X-B": "c"}))
    (source,) = manifest.sources
    assert source.headers == {"X-B": "c"}
    assert codes(manifest) == ["header-ignored"]


def test_m_10_without_access_of_its_own_authorization_is_a_header_as_others() -> None:
    assert parse(entry(headers={"Authorization": "Bearer x"})).sources[0].headers == {"Authorization": "Bearer x"}
    signed = parse(entry(auth={"type": "httpsig"}, headers={"Signature": "x"}))
    assert codes(signed) == ["header-ignored"]


REGISTRY = Institution(
    "DE9901",
    "X",
    schac="uni-x.example",
    same_as=("https://data.deqar.eu/institution/42", "https://ror.org/000", "did:web:uni-x.example"),
)


def test_m_12_a_meta_that_agrees_with_the_registry_is_silent() -> None:
    meta = {"schac": "UNI-X.example", "eterid": "DE9901", "deqarid": "DEQARINST0042", "did": "did:web:uni-x.example"}
    manifest = parse(entry(), meta=meta)
    assert manifest.meta == tuple(meta.items())
    assert check_meta(manifest, REGISTRY) == ()
    assert check_meta(manifest, Institution("other", "Y")) == ()  # the registry knows nothing to compare


@pytest.mark.parametrize(
    ("name", "value"),
    [("schac", "uni-y.example"), ("eterid", "DE0001"), ("deqarid", "DEQARINST0043"), ("did", "did:web:y.example")],
)
def test_m_12_a_meta_that_disagrees_is_a_warning_never_an_error(name: str, value: str) -> None:
    manifest = parse(entry(), meta={name: value})
    (issue,) = check_meta(manifest, REGISTRY)
    assert (issue.code, issue.severity, issue.value) == ("meta-differs", "warning", value)
    assert manifest.sources


@pytest.mark.parametrize(
    ("meta", "code"), [("x", "meta-invalid"), ({"schac": 5}, "meta-invalid"), ({"pic": "1"}, "key-unknown")]
)
def test_m_12_an_odd_meta_costs_nothing(meta: object, code: str) -> None:
    manifest = parse(entry(), meta=meta)
    assert codes(manifest) == [code]
    assert manifest.valid
    assert not manifest.meta


@pytest.mark.parametrize(("size", "used"), [(10, 10), (250, 250), (99, 250), (1000, 250), (None, None)])
def test_m_13_page_sizes_that_ooapi_does_not_have_become_250(size: int | None, used: int | None) -> None:
    manifest = parse(entry(pageSize=size))
    assert manifest.sources[0].page_size == used
    assert codes(manifest) == ([] if size == used else ["page-size-invalid"])


def test_m_13_keys_of_other_types_are_ignored_and_said() -> None:
    manifest = parse(
        entry(type="occapi", pageSize=10),
        entry(type="elm", pageSize=10),
        entry(type="edu-api", contentType="text/turtle", pageSize=99),
    )
    assert [(source.page_size, source.content_type) for source in manifest.sources] == [(None, None)] * 2 + [(99, None)]
    assert codes(manifest) == ["key-unused"] * 3
    assert {issue.severity for issue in manifest.issues} == {"info"}


def test_m_13_a_missing_version_is_said_where_it_is_needed() -> None:
    manifest = parse(
        {"type": "elm", "path": "https://a.example/x.ttl"},
        {"type": "occapi", "path": "https://a.example/"},
        entry(version=""),
        entry(id="b", version=True),
    )
    assert [source.version for source in manifest.sources] == [None] * 4
    assert codes(manifest) == ["version-missing", "version-missing", "version-invalid"]


def test_m_14_unknown_keys_are_kept_and_reported_and_do_no_harm() -> None:
    manifest = parse(entry(colour="blue", pagesize=5), later={"x": 1}, source=[])
    assert manifest.sources == parse(entry()).sources
    assert dict(manifest.unknown) == {
        "later": {"x": 1},
        "source": [],
        "sources[0].colour": "blue",
        "sources[0].pagesize": 5,
    }
    assert codes(manifest) == ["key-unknown"] * 4
    assert {issue.severity for issue in manifest.issues} == {"info"}
    messages = " ".join(issue.message for issue in manifest.issues)
    assert 'Did you mean "pageSize"?' in messages
    assert 'Did you mean "sources"?' in messages


@pytest.mark.parametrize("version", ["6.0", '"6.0"', "'6.0'", "6.0 # comment", "!!str 6.0"])
def test_m_15_a_yaml_version_is_text_as_written(version: str) -> None:
    body = f"sources:\n  - type: ooapi\n    path: https://a.example/\n    version: {version}\n"
    assert parse_manifest(body.encode(), URL).sources[0].version == "6.0"


@pytest.mark.parametrize(
    ("version", "text"), [("5", "5"), ("6.0", "6.0"), ("3.2", "3.2"), ("1.10", "1.10"), ('" 5 "', "5"), ("1e1", "1e1")]
)
def test_m_15_a_json_version_is_text_as_written(version: str, text: str) -> None:
    body = f'{{"sources": [{{"type": "ooapi", "path": "https://a.example/", "version": {version}}}]}}'
    assert parse_manifest(body.encode(), URL).sources[0].version == text


def test_m_15_a_file_that_is_too_large_is_refused() -> None:
    manifest = json.dumps({"sources": [entry()]}).encode()
    assert parse_manifest(manifest.ljust(MAX_BYTES), URL).sources
    with pytest.raises(UnusableResponse, match="at most 1,048,576"):
        parse_manifest(manifest.ljust(MAX_BYTES + 1), URL)


def test_m_17_the_order_of_sources_does_not_matter() -> None:
    one, two = entry(path="https://a.example/1"), entry(path="https://a.example/2")
    first, second = parse(one, two).sources
    assert parse(two, one).sources == (second, first)
    assert first.id != second.id
    assert first.id.startswith("ooapi-")
    assert parse(entry(id="a", path="https://a.example/1"), two).sources[0].id == "a"


@pytest.mark.parametrize("bad", ["../../etc", "", "a b", ".x", "x" * 81, ["a"], "ü"])
def test_an_id_that_cannot_name_a_folder_is_replaced(bad: object) -> None:
    manifest = parse(entry(id=bad))
    assert manifest.sources[0].id == parse(entry()).sources[0].id
    assert codes(manifest) == ["id-invalid"]


def test_a_number_can_be_an_id() -> None:
    assert parse(entry(id=5)).sources[0].id == "5"


def test_repeated_sources_are_used_once() -> None:
    assert codes(parse(entry(), entry())) == ["source-repeated"]
    assert codes(parse(entry(id="a"), entry(id="a", path="https://b.example/"))) == ["id-repeated"]
    assert len(parse(entry(id="a"), entry(id="b")).sources) == 2


JSON = """\
{
  "sources": [
    {
      "type": "ooapi",
      "path": "ftp://a.example",
      "version": "5"
    },
    {"type": "elm", "path": "https://a.example/", "version": "3.3",
     "refresh": "daily"}
  ]
}
"""
YAML = """\
# the same
sources:
  - type: ooapi
    path: ftp://a.example
    version: 5
  - type: elm
    path: https://a.example/
    version: 3.3
    refresh: daily
"""


@pytest.mark.parametrize(("body", "lines"), [(JSON, (5, 9)), (YAML, (4, 9))])
def test_messages_name_line_and_key(body: str, lines: tuple[int, int]) -> None:
    manifest = parse_manifest(body.encode(), URL)
    path, refresh = manifest.issues
    assert path.message.startswith(f"line {lines[0]}, `sources[0].path`: ")
    assert refresh.message.startswith(f"line {lines[1]}, `sources[1].refresh`: ")
    assert path.position is not None
    assert path.position.startswith(f"{URL}:{lines[0]}:")
    assert [source.type for source in manifest.sources] == ["elm"]


def test_findings_end(shared: Path) -> None:
    manifest = parse(*[entry(id=f"s{number}", colour="blue") for number in range(500)])
    assert len(manifest.sources) == 500
    assert len(manifest.issues) == 201
    assert manifest.issues[-1].message.startswith("300 more")


def test_the_samples_are_judged_as_they_are_named(shared: Path) -> None:
    folder = shared / "samples/manifests"

    def sample(name: str) -> Manifest:
        return judge_manifest((folder / name).read_bytes(), name)

    assert [source.type for source in sample("minimal.json").sources] == ["elm"]
    town = sample("uni-musterstadt.json")
    assert [source.id for source in town.sources] == ["static-elm", "ooapi-main", "sis"]
    assert {source.auth.type for source in town.sources} == {"none", "httpheader", "oauth2.0"}
    assert dict(town.meta)["eterid"] == "DE9901"
    tech = sample("polytech-exempla.yaml")
    assert {source.id: source.version for source in tech.sources} == {
        "oeapi6": "6.0",
        "occapi2": None,
        "legacy-elm": "3.1",
    }
    assert codes(town) == codes(tech) == codes(sample("minimal.json")) == []
    assert town.valid
    assert tech.valid
    for name, line in (("missing-sources", 1), ("empty-sources", 2), ("top-level-array", 1)):
        bad = sample(f"invalid-{name}.json")
        assert not bad.readable
        assert f"line {line}" in bad.issues[0].message
    for name, found in (("auth-without-type", 1), ("bad-source", 3)):
        manifest = sample(f"invalid-{name}.json")
        assert not manifest.sources
        assert sum(issue.severity == "violation" for issue in manifest.issues) == found
