"""Downloads are immutable per release; `latest` redirects."""

import gzip
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

RELEASE = "20260301T100000Z"


def read(client: FlaskClient, path: str, **options: Any) -> TestResponse:
    """Read to the end, as a server does: files are open until then."""
    return client.open(path, buffered=True, **options)


def test_latest_redirects_to_the_immutable_file(client: FlaskClient) -> None:
    first = read(client, "/downloads/latest/all.nq.gz")
    assert first.status_code == 302
    assert first.headers["Location"] == f"/downloads/{RELEASE}/all.nq.gz"
    assert first.headers["Cache-Control"] == "no-cache"
    file = read(client, first.headers["Location"])
    assert file.status_code == 200
    assert "immutable" in file.headers["Cache-Control"]
    assert file.mimetype == "application/gzip"
    assert "Content-Encoding" not in file.headers  # a client keeps the file as its checksum says
    assert b"INF-101" in gzip.decompress(file.data)


def test_checksums_are_those_of_the_files(client: FlaskClient) -> None:
    sums = read(client, f"/downloads/{RELEASE}/SHA256SUMS").text
    digest = next(line.split()[0] for line in sums.splitlines() if line.endswith("all.nq.gz"))
    file = read(client, f"/downloads/{RELEASE}/all.nq.gz")
    assert hashlib.sha256(file.data).hexdigest() == digest
    assert file.headers["ETag"] == f'"{digest}"'
    assert digest in read(client, "/downloads/").text


def test_range_and_etag(client: FlaskClient) -> None:
    path = f"/downloads/{RELEASE}/all.nq.gz"
    whole = read(client, path)
    part = read(client, path, headers={"Range": "bytes=100-199"})
    assert part.status_code == 206
    assert part.data == whole.data[100:200]
    assert read(client, path, headers={"Range": "bytes=99999999-"}).status_code == 416
    assert read(client, path, headers={"If-None-Match": whole.headers["ETag"]}).status_code == 304
    assert read(client, path, method="HEAD").headers["Content-Length"] == str(len(whole.data))


def test_institution_and_release_description(client: FlaskClient) -> None:
    assert read(client, "/downloads/latest/institutions/NL0028.nq.gz", follow_redirects=True).status_code == 200
    about = read(client, f"/downloads/{RELEASE}/release.json")
    assert (about.json or {})["id"] == RELEASE


def test_nothing_but_downloads_is_read(client: FlaskClient) -> None:
    for path in ("../release.json", "..%2F..%2Fcurrent", "store/CURRENT", "%2Fetc%2Fpasswd", "institutions", "none.gz"):
        assert read(client, f"/downloads/{RELEASE}/{path}").status_code == 404, path
        assert read(client, f"/downloads/latest/{path}").status_code == 404, path
    assert read(client, "/downloads/20200101T000000Z/all.nq.gz").status_code == 404


def test_older_release_stays_for_those_who_read_it(
    tmp_path: Path, publish: Callable[..., Path], make_app: Callable[..., Flask]
) -> None:
    for day in (1, 2):
        publish(tmp_path, f"2026010{day}T000000Z", f"<http://e/{day}> <http://e/p> <http://e/o> <http://e/g> .\n")
    client = make_app(tmp_path).test_client()
    old = read(client, "/downloads/20260101T000000Z/all.nq.gz")
    assert b"<http://e/1>" in gzip.decompress(old.data)
    assert read(client, "/downloads/latest/all.nq.gz").headers["Location"] == "/downloads/20260102T000000Z/all.nq.gz"
    assert "20260101T000000Z" in read(client, "/downloads/").text
