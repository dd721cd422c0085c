"""Readers follow `current`, and read on when it is damaged."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from qlink_ld.errors import StoreUnusable
from qlink_ld.serve.release import Releases

TRIPLE = "<http://e/s> <http://e/p> <http://e/o> <http://e/g> .\n"
Publish = Callable[..., Path]


def test_switch_is_noticed_and_the_old_release_stays_readable(tmp_path: Path, publish: Publish) -> None:
    publish(tmp_path, "20260101T000000Z", TRIPLE)
    releases = Releases(tmp_path)
    old = releases.current()
    assert releases.current() is old
    publish(tmp_path, "20260102T000000Z", TRIPLE + TRIPLE.replace("/o>", "/o2>"))
    new = releases.current()
    assert (old.id, new.id) == ("20260101T000000Z", "20260102T000000Z")
    assert (len(old.store), len(new.store)) == (1, 2)


def test_damaged_release_is_passed_over(tmp_path: Path, publish: Publish) -> None:
    publish(tmp_path, "20260101T000000Z", TRIPLE)
    bad = publish(tmp_path, "20260102T000000Z", TRIPLE)
    manifest = next((bad / "store").glob("MANIFEST-*"))
    manifest.write_bytes(manifest.read_bytes()[:-5])
    assert Releases(tmp_path).current().id == "20260101T000000Z"


def test_release_that_vanishes_leaves_its_readers_alone(tmp_path: Path, publish: Publish) -> None:
    publish(tmp_path, "20260101T000000Z", TRIPLE)
    releases = Releases(tmp_path)
    releases.current()
    (tmp_path / "current").unlink()
    assert releases.current().id == "20260101T000000Z"


def test_nothing_published_says_what_to_do(tmp_path: Path, publish: Publish) -> None:
    with pytest.raises(StoreUnusable, match="qlink-ld run"):
        Releases(tmp_path).current()
    publish(tmp_path, "20260101T000000Z", TRIPLE)
    shutil.rmtree(tmp_path / "releases" / "20260101T000000Z" / "store")
    with pytest.raises(StoreUnusable, match="store"):
        Releases(tmp_path).current()


def test_downloads_never_leave_the_release(tmp_path: Path, publish: Publish) -> None:
    publish(tmp_path, "20260101T000000Z", TRIPLE)
    data = Releases(tmp_path).current()
    assert data.find_download("all.nq.gz") is not None
    for path in ("../release.json", "/etc/passwd", "institutions", "", "nothing.gz"):
        assert data.find_download(path) is None
