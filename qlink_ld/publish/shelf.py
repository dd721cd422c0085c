"""The folder of releases: who may write, which release is current, which ones are kept.

A release is built under a name that begins with `.partial-` and gets its own name only when all of it is durable;
being current is a symbolic link, replaced in one step. So a process killed at any instant leaves the current release as
it was, and at worst a partial folder, which the next writer removes.
"""

import fcntl
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from qlink_ld.errors import PublishError, StoreUnusable
from qlink_ld.publish.gzip_text import sync_directory
from qlink_ld.store import CURRENT, RELEASES, Release, current_release, list_releases, verify_release

log = logging.getLogger(__name__)

KEEP: Final = 3  # DESIGN §6
PARTIAL: Final = ".partial-"
_LOCK = ".lock"


@contextmanager
def lock_releases(data_dir: Path) -> Iterator[Path]:
    """Be the only one who writes releases here; yield their folder, free of what killed writers left.

    Raises:
        PublishError: another process is writing, or the folder cannot be written.
    """
    releases = data_dir / RELEASES
    try:
        releases.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(releases / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as exc:
        raise PublishError(f"{releases} cannot be written: {exc.strerror}; check the data directory") from exc
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            raise PublishError(f"another process is publishing in {data_dir}; run again when it has finished") from exc
        for partial in releases.glob(f"{PARTIAL}*"):
            log.info("removing %s, left by an interrupted run", partial)
            remove_directory(partial)
        yield releases
    finally:
        os.close(descriptor)  # also frees the lock


def make_current(data_dir: Path, release_id: str) -> None:
    """Let `current` point to a release, in one durable step."""
    link = data_dir / f".{CURRENT}.partial"
    link.unlink(missing_ok=True)
    link.symlink_to(Path(RELEASES) / release_id)
    link.replace(data_dir / CURRENT)
    sync_directory(data_dir)


def rollback(data_dir: Path, release_id: str) -> Release:
    """Make a kept release current again, after checking every byte of it.

    Raises:
        StoreUnusable: there is no such release, or it is damaged.
        PublishError: another process is publishing.
    """
    with lock_releases(data_dir):
        known = {release.id: release for release in list_releases(data_dir)}
        if release_id not in known:
            raise StoreUnusable(
                f"there is no release '{release_id}' in {data_dir}; there are: {', '.join(known) or 'none'}"
            )
        verify_release(known[release_id], deep=True)
        make_current(data_dir, release_id)
    log.info("release %s is current", release_id)
    return known[release_id]


def prune(data_dir: Path, keep: int = KEEP) -> list[str]:
    """Remove all releases but the newest `keep` and the current one; return the ids of the removed.

    Raises:
        PublishError: another process is publishing.
    """
    with lock_releases(data_dir):
        return prune_locked(data_dir, keep)


def prune_locked(data_dir: Path, keep: int) -> list[str]:
    """Do the work of `prune` for the holder of the lock."""
    try:
        current = current_release(data_dir).id
    except StoreUnusable as exc:
        log.warning("no release is removed: %s", exc)
        return []
    releases = list_releases(data_dir)
    kept = {current, *[release.id for release in releases if release.id != current][: max(keep - 1, 0)]}
    removed = [release for release in releases if release.id not in kept]
    for release in removed:
        partial = release.directory.with_name(f"{PARTIAL}removed-{release.id}")  # so it is never half a release
        release.directory.rename(partial)
        remove_directory(partial)
    return [release.id for release in removed]


def remove_directory(directory: Path) -> None:
    """Remove a folder whose subfolders may be read-only."""
    if not directory.exists():
        return
    for folder, _, _ in os.walk(directory):
        Path(folder).chmod(0o755)
    shutil.rmtree(directory)
