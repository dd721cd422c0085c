"""Opening what is published."""

from pathlib import Path

import pytest
from pyoxigraph import NamedNode, Quad, Store

from qlink_ld.errors import StoreUnusable
from qlink_ld.store import current_release, list_releases, open_release, open_store

NODE = NamedNode("https://a.example/n")


def test_a_store_opens_read_only_many_times_and_stays_untouched(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "store"))
    store.add(Quad(NODE, NODE, NODE, NODE))
    store.flush()
    del store
    before = {file.name: file.stat().st_mtime_ns for file in (tmp_path / "store").iterdir()}
    first, second = open_store(tmp_path / "store"), open_store(tmp_path / "store")
    assert list(first) == list(second) == [Quad(NODE, NODE, NODE, NODE)]
    with pytest.raises(RuntimeError, match="read-write"):
        first.add(Quad(NODE, NODE, NODE))
    assert {file.name: file.stat().st_mtime_ns for file in (tmp_path / "store").iterdir()} == before


def test_a_missing_or_foreign_store_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StoreUnusable, match="release rollback"):
        open_store(tmp_path / "absent")
    (tmp_path / "file").write_text("no store")
    with pytest.raises(StoreUnusable):
        open_store(tmp_path / "file")
    assert not (tmp_path / "absent").exists()


def test_an_empty_data_directory_says_what_to_run(tmp_path: Path) -> None:
    for read in (current_release, open_release):
        with pytest.raises(StoreUnusable, match="`qlink-ld run` or `qlink-ld demo` first"):
            read(tmp_path)
    assert list_releases(tmp_path) == []


def test_a_link_to_nowhere_or_to_a_folder_without_description_is_named(tmp_path: Path) -> None:
    (tmp_path / "current").symlink_to("releases/20260101T000000Z")
    with pytest.raises(StoreUnusable, match="20260101T000000Z, which does not exist"):
        open_release(tmp_path)
    directory = tmp_path / "releases" / "20260101T000000Z"
    directory.mkdir(parents=True)
    with pytest.raises(StoreUnusable, match="20260101T000000Z is damaged"):
        open_release(tmp_path)
    (directory / "release.json").write_text('{"id": "another"}')
    with pytest.raises(StoreUnusable, match="does not describe it"):
        current_release(tmp_path)
    (tmp_path / "current").unlink()
    (tmp_path / "current").symlink_to("current")
    with pytest.raises(StoreUnusable):
        current_release(tmp_path)
