"""Graph and state always say the same, whatever moment a run was killed at."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from qlink_ld.pipeline import process_institution, publish
from qlink_ld.pipeline.state import InstitutionFiles, load_state

Courses = Callable[..., str]


@pytest.fixture
def killed(deployment: Any, courses: Courses) -> Any:
    """Three courses are published; a run that brings four was killed, its files are at hand as `….four`."""
    deployment.write("a.ttl", courses(range(3)))
    deployment.add("A", "a.ttl")
    config = deployment.config()
    config.data_dir.mkdir()
    process_institution(config, config.institutions[0])
    files = InstitutionFiles.of(deployment.data, "A")
    files.graph.with_suffix(".three").write_bytes(files.graph.read_bytes())
    three = files.state.read_bytes()
    deployment.write("a.ttl", courses(range(4)))
    process_institution(config, config.institutions[0])
    files.graph.rename(files.next_graph)
    files.graph.with_suffix(".three").rename(files.graph)
    files.state.with_suffix(".four").write_bytes(files.state.read_bytes())
    files.state.write_bytes(three)
    return deployment


def test_a_graph_whose_state_was_not_written_is_removed(killed: Any) -> None:
    config, files = killed.config(), InstitutionFiles.of(killed.data, "A")
    state = load_state(config, "A")
    assert state is not None
    assert (state.published, killed.count("A"), files.next_graph.exists()) == (3, 3, False)


def test_a_graph_whose_state_was_written_takes_its_place(killed: Any) -> None:
    config, files = killed.config(), InstitutionFiles.of(killed.data, "A")
    files.state.with_suffix(".four").replace(files.state)
    state = load_state(config, "A")
    assert state is not None
    assert (state.published, killed.count("A"), files.next_graph.exists()) == (4, 4, False)


def test_a_damaged_waiting_graph_is_removed(killed: Any) -> None:
    config, files = killed.config(), InstitutionFiles.of(killed.data, "A")
    files.state.with_suffix(".four").replace(files.state)
    cut_short(files.next_graph)
    load_state(config, "A")
    assert not files.next_graph.exists()
    assert killed.report("A").published == 4  # the source is still there


def test_a_damaged_graph_is_made_again(killed: Any) -> None:
    files = InstitutionFiles.of(killed.data, "A")
    files.state.with_suffix(".four").replace(files.state)
    files.next_graph.replace(files.graph)
    assert killed.report("A").status == "unchanged"
    cut_short(files.graph)
    report = killed.report("A")
    assert (report.status, report.published, killed.count("A")) == ("published", 4, 4)
    assert killed.released() == {"A": 4}


def test_publishing_alone_finishes_what_was_left(killed: Any) -> None:
    files = InstitutionFiles.of(killed.data, "A")
    release = publish(killed.config())
    assert release is not None
    assert killed.released() == {"A": 3}
    assert not files.next_graph.exists()


@pytest.mark.parametrize("content", [b"{", b'{"later": 1}', b'{"institution": "A", "issues": [5]}'])
def test_a_state_that_is_not_understood_counts_as_none(killed: Any, content: bytes) -> None:
    files = InstitutionFiles.of(killed.data, "A")
    files.state.write_bytes(content)
    assert load_state(killed.config(), "A") is None
    assert killed.report("A").published == 4


def test_ids_that_resemble_each_other_keep_their_files_apart(deployment: Any) -> None:
    names = ("A", "A.next", "A.nq.gz", ".A")
    files = [path for name in names for path in _all(InstitutionFiles.of(deployment.data, name))]
    assert len(set(files)) == len(files)


def cut_short(file: Path) -> None:
    data = file.read_bytes()[:-20]
    file.unlink()  # a release has a link to it
    file.write_bytes(data)


def _all(files: InstitutionFiles) -> tuple[Any, ...]:
    return tuple(getattr(replace(files), name) for name in InstitutionFiles.__slots__)
