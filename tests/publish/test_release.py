"""Releases: what is in them, when there is a new one, what readers see."""

import gzip
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyoxigraph import NamedNode, RdfFormat, Store, parse

from qlink_ld.errors import PublishError, StoreUnusable
from qlink_ld.namespaces import ELM, QL, RDF, Iris
from qlink_ld.ntriples import sort_lines
from qlink_ld.publish.graph_file import GraphFile, write_graph
from qlink_ld.publish.release import (
    Release,
    build_release,
    current_release,
    list_releases,
    open_release,
    prune,
    released_graphs,
    rollback,
    verify_release,
)
from qlink_ld.publish.shelf import lock_releases
from qlink_ld.store import open_store

BASE = "http://localhost:8080/"


def course_lines(institution: str, number: int, title: str) -> str:
    course = Iris(BASE).course(institution, f"C{number}")
    return (
        f"<{course}> <{RDF}type> <{QL}LearningOpportunitySpecification> .\n"
        f'<{course}> <http://purl.org/dc/terms/title> "{title}"@en .\n'
        f"<{course}#credit> <{RDF}type> <{ELM}CreditPoint> .\n"
        f"<{course}/instances/1> <{RDF}type> <{QL}LearningOpportunityInstance> .\n"
        f'<{course}/instances/1> <{ELM}startDate> "2026-09-01"^^<http://www.w3.org/2001/XMLSchema#date> .\n'
    )


class Deployment:
    """A data directory with what the rooms before would have left there."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.iris = Iris(BASE)
        self.graphs: dict[str, GraphFile] = {}
        self.texts: dict[str, str] = {}
        self.extra = {self.iris.registry_graph: f'<{BASE}institutions/AA> <{RDF}value> "A" .\n'}
        self.second = 0
        self.put("AA", {number: f"Course {number}" for number in range(1, 60)})
        self.put("BB", {number: f"Kurs {number} Ü" for number in range(1, 30)})

    def put(self, institution: str, titles: dict[int, str]) -> None:
        """Harvest an institution anew."""
        text = sort_lines("".join(course_lines(institution, number, title) for number, title in titles.items()))
        file = self.data_dir / "graphs" / f"{institution}.nq.gz"
        self.texts[institution] = text
        self.graphs[institution] = write_graph(file, self.iris.institution_graph(institution), iter([text]))

    def build(self, *, full: bool = False, volatile: frozenset[str] = frozenset()) -> Release | None:
        self.second += 1
        return build_release(
            self.data_dir,
            BASE,
            list(self.graphs.values()),
            self.extra,
            [{"institution": name, "name": f"University {name}"} for name in self.graphs],
            [{"id": "INT1", "members": ["AA", "BB"]}],
            volatile=volatile,
            full=full,
            now=datetime(2026, 11, 23, 16, 22, self.second, tzinfo=UTC),
        )

    def publish(self, *, full: bool = False) -> Release:
        release = self.build(full=full)
        assert release is not None
        return release


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    return Deployment(tmp_path / "data")


@pytest.fixture
def make_deployment(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Deployment]:
    return lambda: Deployment(tmp_path_factory.mktemp("deployment"))


def store_lines(release: Release) -> list[str]:
    return sorted(f"{quad} ." for quad in open_store(release.store_path))


def as_stored(nquads: str) -> list[str]:
    """The quads as Oxigraph keeps them: numbers and dates by value."""
    store = Store()
    store.load(nquads, RdfFormat.N_QUADS)
    return sorted(f"{quad} ." for quad in store)


def dump_lines(release: Release, name: str) -> list[str]:
    return sorted(gzip.decompress((release.dumps_path / name).read_bytes()).decode().splitlines())


def count(release: Release, graph: str) -> int:
    return sum(1 for _ in open_store(release.store_path).quads_for_pattern(None, None, None, NamedNode(graph)))


def assert_sound(release: Release) -> None:
    """Store, downloads and description of the release say the same."""
    verify_release(release, deep=True)
    lines = store_lines(release)
    dump = dump_lines(release, "all.nq.gz")
    assert len(dump) == len(lines)
    assert lines == as_stored("\n".join(dump))
    assert len(lines) == release.info["quads"] == sum(g["triples"] for g in release.info["graphs"].values())
    for graph, entry in release.info["graphs"].items():
        assert count(release, graph) == entry["triples"]
    names = {str(name.value) for name in open_store(release.store_path).named_graphs() if isinstance(name, NamedNode)}
    assert names == set(release.info["graphs"])
    jsonld = gzip.decompress((release.dumps_path / "all.jsonld.gz").read_bytes())
    assert sorted(f"{quad} ." for quad in parse(jsonld, RdfFormat.JSON_LD)) == dump
    subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=release.dumps_path, check=True)


def test_a_release_holds_all_graphs(deployment: Deployment) -> None:
    release = deployment.publish()
    assert release.id == "20261123T162201Z"
    assert (deployment.data_dir / "current").readlink() == Path("releases") / release.id
    assert current_release(deployment.data_dir) == release
    assert_sound(release)
    assert set(release.info["graphs"]) == {
        deployment.iris.institution_graph("AA"),
        deployment.iris.institution_graph("BB"),
        deployment.iris.registry_graph,
        deployment.iris.description_graph,
    }
    entry = release.info["graphs"][deployment.iris.institution_graph("AA")]
    assert (entry["institution"], entry["specifications"], entry["instances"]) == ("AA", 59, 59)
    for name, text in deployment.texts.items():
        content = gzip.decompress((release.dumps_path / "institutions" / f"{name}.nq.gz").read_bytes()).decode()
        assert content == text.replace(" .\n", f" <{deployment.iris.institution_graph(name)}> .\n")
    info = json.loads((release.directory / "release.json").read_text())
    assert info["institutions"][0] == {"institution": "AA", "name": "University AA"}
    assert info["alliances"][0]["id"] == "INT1"
    assert info["changes"]["added"] == info["quads"]
    assert info["base_iri"] == BASE


def test_unchanged_graphs_make_no_new_release(deployment: Deployment) -> None:
    report = deployment.iris.report_graph("AA")
    release = deployment.publish()
    assert deployment.build() is None
    deployment.extra[report] = f'<{BASE}x> <{BASE}p> "seen today" .\n'
    assert deployment.build(volatile=frozenset({report})) is None
    assert current_release(deployment.data_dir) == release
    assert len(list_releases(deployment.data_dir)) == 1
    newer = deployment.publish()
    assert count(newer, report) == 1


def test_one_changed_triple_is_applied_as_a_difference(deployment: Deployment) -> None:
    first = deployment.publish()
    before = set(store_lines(first))
    titles = {number: f"Course {number}" for number in range(1, 60)}
    deployment.put("AA", titles | {7: "Seven"})
    release = deployment.publish()
    assert_sound(release)
    graph = deployment.iris.institution_graph("AA")
    changes = release.info["changes"]
    assert changes["method"] == "difference"
    assert changes["previous"] == first.id
    assert changes["graphs"][graph] == {"added": 1, "removed": 1}
    after = set(store_lines(release))
    assert {line for line in after - before if graph in line and "title" in line and "Course" in line} == set()
    removed = gzip.decompress((release.directory / "changes/removed.nq.gz").read_bytes()).decode().splitlines()
    added = gzip.decompress((release.directory / "changes/added.nq.gz").read_bytes()).decode().splitlines()
    assert set(as_stored("\n".join(removed))) == before - after
    assert set(as_stored("\n".join(added))) == after - before
    assert (len(added), len(removed)) == (changes["added"], changes["removed"])
    assert release.info["issued"] == first.info["created"]


def test_difference_and_bulk_load_give_the_same(make_deployment: Callable[[], Deployment]) -> None:
    quick, full = make_deployment(), make_deployment()
    for deployment in (quick, full):
        deployment.publish()
        deployment.put("AA", {number: f"Course {number}" for number in range(4, 62)})
        deployment.extra[deployment.iris.report_graph("AA")] = ""
    releases = [quick.publish(), full.publish(full=True)]
    assert [release.info["changes"]["method"] for release in releases] == ["difference", "bulk load"]
    for release in releases:
        assert_sound(release)
    assert store_lines(releases[0]) == store_lines(releases[1])
    for name in ("all.nq.gz", "all.jsonld.gz", "institutions/AA.jsonld.gz", "SHA256SUMS"):
        assert (releases[0].dumps_path / name).read_bytes() == (releases[1].dumps_path / name).read_bytes()
    assert quick.build() is None
    assert full.build() is None


def test_differences_may_follow_each_other(deployment: Deployment) -> None:
    deployment.publish()
    for step in range(4):
        titles = {number: f"Course {number}" for number in range(1 + step, 62 + 3 * step)}
        deployment.put("AA", titles | {30: f"Step {step}"})
        release = deployment.publish()
        assert release.info["changes"]["method"] == "difference"
        assert_sound(release)


def test_two_spellings_of_a_value_do_not_take_each_other_along(deployment: Deployment) -> None:
    def harvest(*values: str) -> Release:
        integer = "http://www.w3.org/2001/XMLSchema#integer"
        text = "".join(f'<{BASE}c> <{BASE}p> "{value}"^^<{integer}> .\n' for value in sorted(values))
        file = deployment.data_dir / "graphs" / "CC.nq.gz"
        deployment.graphs["CC"] = write_graph(file, deployment.iris.institution_graph("CC"), iter([text]))
        release = deployment.publish()
        assert_sound(release)
        return release

    for values in (("01", "1", "2"), ("1", "2"), ("2", "02", "1"), ("02",), ("1", "3")):
        release = harvest(*values)
        graph = release.info["graphs"][deployment.iris.institution_graph("CC")]
        assert graph["triples"] == len({int(value) for value in values})
    assert release.info["changes"]["method"] == "difference"


def test_an_institution_may_come_and_go(deployment: Deployment) -> None:
    deployment.put("AA", {number: f"Course {number}" for number in range(1, 600)})
    deployment.publish()
    gone = deployment.graphs.pop("BB")
    without = deployment.publish()
    assert_sound(without)
    assert without.info["changes"]["graphs"][gone.graph] == {"added": 0, "removed": gone.triples}
    deployment.put("CC", {1: "new"})
    again = deployment.publish()
    assert_sound(again)
    assert again.info["changes"]["method"] == "difference"


def test_a_large_change_is_bulk_loaded(deployment: Deployment) -> None:
    deployment.publish()
    deployment.put("AA", {number: f"Altogether {number}" for number in range(100, 200)})
    release = deployment.publish()
    assert release.info["changes"]["method"] == "bulk load"
    assert_sound(release)


def test_readers_of_the_old_release_keep_reading(deployment: Deployment) -> None:
    first = deployment.publish()
    reader = open_store(first.store_path)
    quads = len(reader)
    for step in range(4):
        deployment.put("AA", {number: f"Step {step} of {number}" for number in range(1, 60)})
        deployment.publish()
        assert len(reader) == quads
    assert len(list_releases(deployment.data_dir)) == 3
    assert not first.directory.exists()
    assert sum(1 for _ in reader.quads_for_pattern(None, None, None)) == quads


def test_a_published_release_never_changes(deployment: Deployment) -> None:
    first = deployment.publish()
    files = {file: file.read_bytes() for file in first.directory.rglob("*") if file.is_file()}
    deployment.put("AA", {number: f"Course {number}" for number in range(1, 58)})
    assert deployment.publish().info["changes"]["method"] == "difference"
    assert {file: file.read_bytes() for file in first.directory.rglob("*") if file.is_file()} == files
    assert all(file.stat().st_mode & 0o222 == 0 for file in files)


def test_unchanged_files_are_hard_links(deployment: Deployment) -> None:
    first = deployment.publish()
    deployment.put("AA", {number: f"Course {number}" for number in range(1, 59)})
    second = deployment.publish()
    for name in ("dumps/institutions/BB.nq.gz", "dumps/institutions/BB.jsonld.gz", "dumps/registry.nq.gz"):
        assert (first.directory / name).samefile(second.directory / name)
    assert (second.dumps_path / "institutions/AA.nq.gz").samefile(deployment.graphs["AA"].path)
    tables = [file for file in second.store_path.glob("*.sst") if (first.store_path / file.name).exists()]
    assert tables
    assert all(file.samefile(first.store_path / file.name) for file in tables)


def test_last_good_graphs_are_published_again(deployment: Deployment) -> None:
    first = deployment.publish()
    shutil.rmtree(deployment.data_dir / "graphs")
    deployment.graphs["BB"] = released_graphs(first)["BB"]
    deployment.put("AA", {1: "only one"})
    second = deployment.publish()
    assert_sound(second)
    deployment.graphs = released_graphs(second)
    assert deployment.build() is None
    third = deployment.publish(full=True)
    assert_sound(third)


@pytest.mark.parametrize(
    "name", ["store/CURRENT", "store/MANIFEST*", "store/*.sst", "dumps/institutions/BB.nq.gz", "release.json"]
)
def test_a_cut_file_makes_readers_fall_back(
    deployment: Deployment, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    first = deployment.publish()
    deployment.put("AA", {number: f"Course {number}" for number in range(1, 59)})
    second = deployment.publish()
    file = max(second.directory.glob(name), key=lambda file: file.name)
    content = file.read_bytes()
    file.chmod(0o644)
    file.unlink()  # other names of it stay whole
    file.write_bytes(content[: len(content) // 2])
    assert open_release(deployment.data_dir) == first
    assert f"reading release {first.id} instead" in caplog.text
    deployment.put("AA", {number: f"Course {number}" for number in range(1, 58)})
    third = deployment.publish()
    assert third.info["changes"]["method"] == "bulk load"
    assert_sound(third)
    assert open_release(deployment.data_dir) == third


def test_a_flipped_byte_of_the_manifest_is_always_noticed_and_elsewhere_when_deep(deployment: Deployment) -> None:
    release = deployment.publish()
    for pattern in ("store/MANIFEST*", "store/*.sst", "dumps/all.nq.gz"):
        file = next(iter(sorted(release.directory.glob(pattern))))
        content = file.read_bytes()
        file.chmod(0o644)
        file.write_bytes(content[:30] + bytes([content[30] ^ 1]) + content[31:])
        with pytest.raises(StoreUnusable, match=file.name):
            verify_release(release, deep=True)
        if "MANIFEST" in pattern:
            with pytest.raises(StoreUnusable, match=file.name):
                verify_release(release)
        file.write_bytes(content)
    verify_release(release, deep=True)


def test_a_flipped_byte_in_an_old_dump_does_not_spread(
    deployment: Deployment, caplog: pytest.LogCaptureFixture
) -> None:
    first = deployment.publish()
    for name in ("AA.nq.gz", "BB.jsonld.gz"):  # one would be compared, the other linked
        file = first.dumps_path / "institutions" / name
        content = file.read_bytes()
        file.unlink()
        file.write_bytes(content[:40] + bytes([content[40] ^ 1]) + content[41:])
    deployment.put("AA", {number: f"Course {number}" for number in range(1, 59)})
    second = deployment.publish()
    assert "building the release from the graphs alone" in caplog.text
    assert_sound(second)


def test_rollback_makes_an_old_release_current(deployment: Deployment) -> None:
    first = deployment.publish()
    deployment.put("AA", {1: "one"})
    second = deployment.publish()
    assert rollback(deployment.data_dir, first.id) == first
    assert current_release(deployment.data_dir) == first
    third = deployment.publish()  # the graphs are still those of the second
    assert third.id > second.id
    assert third.info["changes"]["previous"] == first.id
    assert_sound(third)
    with pytest.raises(StoreUnusable, match=f"no release '2020'.*{first.id}"):
        rollback(deployment.data_dir, "2020")


def test_prune_keeps_the_newest_and_the_current(deployment: Deployment) -> None:
    releases = []
    for step in range(3):
        deployment.put("AA", {1: f"step {step}"})
        releases.append(deployment.publish())
    rollback(deployment.data_dir, releases[0].id)
    assert prune(deployment.data_dir, 2) == [releases[1].id]
    assert prune(deployment.data_dir, 0) == [releases[2].id]
    assert [release.id for release in list_releases(deployment.data_dir)] == [releases[0].id]
    assert_sound(releases[0])


def test_only_one_process_publishes(deployment: Deployment) -> None:
    with lock_releases(deployment.data_dir), pytest.raises(PublishError, match="another process is publishing"):
        deployment.build()
    deployment.publish()


def test_a_graph_that_is_damaged_stops_the_release_and_the_last_one_stays(deployment: Deployment) -> None:
    release = deployment.publish()
    deployment.put("AA", {1: "one"})
    file = deployment.graphs["AA"].path
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(PublishError, match=r"AA\.nq\.gz"):
        deployment.build()
    assert open_release(deployment.data_dir) == release
    assert [entry.name for entry in (deployment.data_dir / "releases").iterdir() if entry.is_dir()] == [release.id]
    file.unlink()
    with pytest.raises(PublishError, match=r"AA\.nq\.gz is missing"):
        deployment.build()


def test_graphs_of_others_and_repeated_ones_are_refused(deployment: Deployment) -> None:
    graphs = list(deployment.graphs.values())
    with pytest.raises(PublishError, match="given twice"):
        build_release(deployment.data_dir, BASE, [*graphs, graphs[0]], {}, [], [])
    with pytest.raises(PublishError, match="must begin with"):
        build_release(deployment.data_dir, BASE, graphs, {"https://elsewhere.example/graphs/x": ""}, [], [])
    with pytest.raises(PublishError, match="blank node"):
        build_release(
            deployment.data_dir, BASE, graphs, {deployment.iris.registry_graph: f"_:b <{BASE}p> <{BASE}o> .\n"}, [], []
        )


def test_a_new_base_iri_starts_anew(deployment: Deployment) -> None:
    deployment.publish()
    base = "https://courses.example/"
    release = build_release(deployment.data_dir, base, [], {f"{base}graphs/registry": ""}, [], [])
    assert release is not None
    assert release.info["changes"]["previous"] is None
    assert_sound(release)


def titles_of(data_dir: Path) -> set[str]:
    release = open_release(data_dir)
    verify_release(release, deep=True)
    store = open_store(release.store_path)
    graph = NamedNode(f"{BASE}graphs/institutions/AA")
    title = NamedNode("http://purl.org/dc/terms/title")
    return {getattr(quad.object, "value", "") for quad in store.quads_for_pattern(None, title, None, graph)}


@pytest.mark.parametrize("first", [False, True], ids=["with-a-release-before", "first-release"])
def test_i_08_killed_anywhere_the_published_release_is_whole_and_the_next_build_good(
    deployment: Deployment, tmp_path: Path, first: bool
) -> None:
    old = {number: f"Course {number}" for number in range(1, 60)}
    new = old | {5: "Five", 60: "Sixty"}
    if not first:
        for step in range(3):  # so that old releases are removed, too
            deployment.put("AA", old | {1: f"Course {step}"})
            deployment.publish()
        deployment.put("AA", old)
        deployment.publish()
    deployment.put("AA", new)
    task = {
        "source": str(deployment.data_dir),
        "target": str(tmp_path),
        "base": BASE,
        "extra": deployment.extra,
        "points": 9 if not first else 4,
        "graphs": [
            [name, g.graph, g.triples, g.sha256, g.specifications, g.instances] for name, g in deployment.graphs.items()
        ],
    }
    subprocess.run(
        [sys.executable, Path(__file__).with_name("publish_and_die.py")],
        input=json.dumps(task),
        text=True,
        check=True,
        timeout=60,
    )
    folders = sorted([*tmp_path.glob("full-*"), *tmp_path.glob("difference-*")])
    assert len(folders) >= 2 * 4
    for folder in folders:
        if (folder / "current").is_symlink():
            assert titles_of(folder) in (set(old.values()), set(new.values()))
        else:
            assert first
        for release in list_releases(folder):
            verify_release(release, deep=True)
        build_release(folder, BASE, list(deployment.graphs.values()), deployment.extra, [], [])
        assert titles_of(folder) == set(new.values())
        assert not list((folder / "releases").glob(".partial*"))
