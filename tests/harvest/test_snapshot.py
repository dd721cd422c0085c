"""Snapshots on disk: whole or not there, the same again noticed, few kept."""

import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from qlink_ld.errors import HarvestError
from qlink_ld.harvest.snapshot import SnapshotWriter, load_latest_snapshot
from qlink_ld.http import Response
from qlink_ld.model import DataSource, Issue, Snapshot

NOW = datetime(2026, 11, 23, 16, 22, 35, 123456, UTC)
SOURCE = DataSource(
    "api",
    "ooapi",
    "https://me:hush@api.example/v5",
    version="5",
    headers={"X-Key": "hush"},
    query_parameters={"key": "hush"},
)
Bodies = dict[tuple[str, str | None, int], bytes]
BODIES: Bodies = {
    ("courses", None, 1): b'{"items": [1]}',
    ("courses", None, 2): b'{"items": [2]}',
    ("course-offerings", "a/b", 1): b'{"items": []}',
}


def response(body: bytes) -> Response:
    headers = {"content-type": "application/json", "etag": '"e"', "set-cookie": "hush"}
    return Response("https://api.example/v5/courses?pageNumber=1", 200, headers, "application/json", body)


def store(
    data_dir: Path,
    now: datetime = NOW,
    bodies: Bodies = BODIES,
    *,
    complete: bool = True,
    keep: int = 2,
    issues: tuple[Issue, ...] = (),
    backwards: bool = False,
) -> Snapshot:
    order = {"courses": 0, "course-offerings": 1}
    with SnapshotWriter(data_dir, "NL0028", SOURCE, now) as writer:
        for (resource, parent, page), body in reversed(bodies.items()) if backwards else bodies.items():
            writer.add(resource, response(body), parent=parent, order=(order[resource], 0, page))
        return writer.finish(complete=complete, issues=issues, keep=keep)


def folder(data_dir: Path) -> Path:
    return data_dir / "snapshots" / "NL0028" / "api"


def test_what_was_received_is_read_back(tmp_path: Path) -> None:
    issue = Issue("page-failed", "message", position="p", count=2)
    made = store(tmp_path, issues=(issue,), complete=False, backwards=True)
    assert made.directory == folder(tmp_path) / "20261123T162235.123456Z"
    loaded = load_latest_snapshot(tmp_path, "NL0028", SOURCE)
    assert loaded == made
    assert made.source == SOURCE
    assert made.fetched_at == NOW
    assert (made.complete, made.unchanged, made.issues) == (False, False, (issue,))
    assert [(page.resource, page.parent, page.read()) for page in made.pages] == [
        (resource, parent, body) for (resource, parent, _), body in BODIES.items()
    ]
    page = made.pages[0]
    assert (page.status, page.media_type, page.size_bytes) == (200, "application/json", 14)


def test_no_secret_is_written(tmp_path: Path) -> None:
    text = (store(tmp_path).directory / "snapshot.json").read_text()
    assert "hush" not in text
    assert orjson.loads(text)["pages"][0]["headers"] == {"content-type": "application/json", "etag": '"e"'}


def test_the_same_content_again_is_unchanged_and_not_kept_twice(tmp_path: Path) -> None:
    first = store(tmp_path)
    again = store(tmp_path, NOW + timedelta(hours=1), backwards=True, issues=(Issue("x", "y"),))
    assert again.unchanged
    assert replace(again, unchanged=False, issues=()) == first
    assert [entry.name for entry in folder(tmp_path).iterdir()] == [first.directory.name]


@pytest.mark.parametrize(
    "bodies",
    [
        {**BODIES, ("courses", None, 2): b'{"items": [3]}'},
        {**BODIES, ("courses", None, 3): b'{"items": [3]}'},
        {key: BODIES[key] for key in list(BODIES)[:2]},
        {**dict(list(BODIES.items())[:2]), ("course-offerings", "other", 1): b'{"items": []}'},
    ],
)
def test_other_content_is_a_new_snapshot(tmp_path: Path, bodies: Bodies) -> None:
    first = store(tmp_path)
    second = store(tmp_path, NOW + timedelta(hours=1), bodies)
    assert not second.unchanged
    assert second.digest != first.digest
    assert load_latest_snapshot(tmp_path, "NL0028", SOURCE) == second


def test_a_visit_that_completes_what_was_incomplete_is_a_change(tmp_path: Path) -> None:
    store(tmp_path, complete=False)
    assert not store(tmp_path, NOW + timedelta(hours=1)).unchanged


def test_only_the_newest_are_kept(tmp_path: Path) -> None:
    made = [store(tmp_path, NOW + timedelta(hours=n), {("courses", None, 1): b"%d" % n}) for n in range(4)]
    assert sorted(entry.name for entry in folder(tmp_path).iterdir()) == [s.directory.name for s in made[2:]]


def test_the_last_complete_one_outlives_failing_visits(tmp_path: Path) -> None:
    good = store(tmp_path)
    for n in range(1, 5):
        store(tmp_path, NOW + timedelta(hours=n), {("courses", None, 1): b"%d" % n}, complete=False)
    names = sorted(entry.name for entry in folder(tmp_path).iterdir())
    assert len(names) == 3
    assert names[0] == good.directory.name


def test_a_clock_that_was_set_back_does_not_hide_the_new_snapshot(tmp_path: Path) -> None:
    store(tmp_path)
    second = store(tmp_path, NOW - timedelta(days=1), {("courses", None, 1): b"new"})
    assert load_latest_snapshot(tmp_path, "NL0028", SOURCE) == second
    assert second.fetched_at == NOW - timedelta(days=1)


def test_a_visit_that_got_nothing_leaves_nothing(tmp_path: Path) -> None:
    with SnapshotWriter(tmp_path, "NL0028", SOURCE, NOW):
        pass
    assert not list(folder(tmp_path).iterdir())


def test_a_visit_that_is_cut_off_leaves_its_pages_to_the_next_one(tmp_path: Path) -> None:
    with SnapshotWriter(tmp_path, "NL0028", SOURCE, NOW) as writer:
        writer.add("courses", response(b"x"))
    assert load_latest_snapshot(tmp_path, "NL0028", SOURCE) is None
    with SnapshotWriter(tmp_path, "NL0028", SOURCE, NOW + timedelta(hours=1), resume_h=2) as writer:
        (page,) = writer.remembered
        assert page.fresh
        kept = page.read()
        assert kept is not None
        writer.add("courses", kept)
        snapshot = writer.finish(complete=True, issues=(), keep=2)
    assert [stored.read() for stored in snapshot.pages] == [b"x"]
    assert [entry.name for entry in folder(tmp_path).iterdir()] == [snapshot.directory.name]


def test_pages_of_a_visit_that_is_too_old_or_of_another_address_are_not_used(tmp_path: Path) -> None:
    moved = replace(SOURCE, path="https://elsewhere.example/")
    for source, hours in ((SOURCE, 3), (moved, 1)):
        with SnapshotWriter(tmp_path, "NL0028", SOURCE, NOW) as writer:
            writer.add("courses", response(b"x"))
        with SnapshotWriter(tmp_path, "NL0028", source, NOW + timedelta(hours=hours), resume_h=2) as writer:
            assert writer.remembered == []
        assert not list(folder(tmp_path).iterdir())
    assert load_latest_snapshot(tmp_path, "NL0028", SOURCE) is None


def test_a_killed_visit_changes_nothing_and_is_swept_up(tmp_path: Path) -> None:
    good = store(tmp_path)
    program = f"""
import time
from datetime import UTC, datetime
from pathlib import Path
from qlink_ld.harvest.snapshot import SnapshotWriter
from qlink_ld.http import Response
from qlink_ld.model import DataSource
source = DataSource("api", "ooapi", "https://api.example/")
with SnapshotWriter(Path({str(tmp_path)!r}), "NL0028", source, datetime.now(UTC)) as writer:
    writer.add("courses", Response("u", 200, {{}}, None, b"x"))
    print("ready", flush=True)
    time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        os.kill(process.pid, signal.SIGKILL)
    assert len(list(folder(tmp_path).iterdir())) == 2
    assert load_latest_snapshot(tmp_path, "NL0028", SOURCE) == good
    store(tmp_path, NOW + timedelta(hours=1))
    assert [entry.name for entry in folder(tmp_path).iterdir()] == [good.directory.name]


@pytest.mark.parametrize("damage", ["cut", "missing", "description", "later"])
def test_a_damaged_snapshot_is_passed_over(tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture) -> None:
    good = store(tmp_path)
    bad = store(tmp_path, NOW + timedelta(hours=1), {("courses", None, 1): b"new"})
    description = bad.directory / "snapshot.json"
    if damage == "cut":
        bad.pages[0].file.write_bytes(b"x")
    elif damage == "missing":
        bad.pages[0].file.unlink()
    elif damage == "description":
        description.write_bytes(description.read_bytes()[:100])
    else:
        description.write_bytes(description.read_bytes().replace(b'"format": 1', b'"format": 99'))
    assert load_latest_snapshot(tmp_path, "NL0028", SOURCE) == good
    assert bad.directory.name in caplog.text


def test_pages_of_another_type_or_version_are_not_those_of_the_source(tmp_path: Path) -> None:
    store(tmp_path)
    assert load_latest_snapshot(tmp_path, "NL0028", replace(SOURCE, version="6.0")) is None
    assert load_latest_snapshot(tmp_path, "NL0028", replace(SOURCE, type="elm")) is None
    assert load_latest_snapshot(tmp_path, "NL0028", replace(SOURCE, version="5.0")) is not None


@pytest.mark.parametrize("name", ["..", "a/b", "", ".hidden"])
def test_an_id_cannot_lead_out_of_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(HarvestError, match="name of a folder"):
        SnapshotWriter(tmp_path, name, SOURCE, NOW)
    with pytest.raises(HarvestError, match="name of a folder"):
        load_latest_snapshot(tmp_path, "NL0028", replace(SOURCE, id=name))


def test_a_disk_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "snapshots").write_text("a file where a folder should be")
    with pytest.raises(HarvestError, match=r"cannot write the snapshot .*NL0028.*free space"):
        SnapshotWriter(tmp_path, "NL0028", SOURCE, NOW)


def test_names_are_utc_times(tmp_path: Path) -> None:
    elsewhere = NOW.astimezone(tz=None)
    assert re.fullmatch(r"20261123T162235\.123456Z", store(tmp_path, elsewhere).directory.name)
