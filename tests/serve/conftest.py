"""A published data directory, the application over it, and a real server."""

import gzip
import hashlib
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pyoxigraph import RdfFormat, Store

from qlink_ld.config import Config, SparqlSettings
from qlink_ld.serve.app import close_app, create_app

SAMPLE = Path(__file__).resolve().parent / "sample.trig"
BASE = "http://localhost:8080/"

Publish = Callable[..., Path]


def publish_release(data_dir: Path, release_id: str, data: bytes, form: RdfFormat, **info: Any) -> Path:
    """Lay out a release as DESIGN §6 has it, and let it be current."""
    directory = data_dir / "releases" / release_id
    directory.mkdir(parents=True)
    store = Store(str(directory / "store"))
    store.bulk_load(data, format=form)
    store.flush()
    graphs = {}
    for graph in sorted(store.named_graphs(), key=str):
        lines = [str(quad) for quad in store.quads_for_pattern(None, None, None, graph)]
        institution = graph.value.rpartition("/")[2] if "/institutions/" in graph.value else None
        kinds = [line for line in lines if "#type>" in line]
        graphs[graph.value] = {
            "triples": len(lines),
            "sha256": hashlib.sha256("\n".join(lines).encode()).hexdigest(),
            "institution": institution,
            "specifications": sum("LearningOpportunitySpecification>" in line for line in kinds),
            "instances": sum("LearningOpportunityInstance>" in line for line in kinds),
        }
    dumps = directory / "dumps"
    (dumps / "institutions").mkdir(parents=True)
    nquads = store.dump(format=RdfFormat.N_QUADS) or b""
    (dumps / "all.nq.gz").write_bytes(gzip.compress(nquads, mtime=0))
    (dumps / "institutions" / "NL0028.nq.gz").write_bytes(gzip.compress(b"<a:a> <a:b> <a:c> <a:g> .\n", mtime=0))
    (dumps / "SHA256SUMS").write_text("".join(f"{_sha256(file)}  {file.name}\n" for file in dumps.glob("*.gz")))
    quads = len(store)
    del store
    files = {
        str(file.relative_to(directory)): {"sha256": _sha256(file), "bytes": file.stat().st_size}
        for file in sorted(directory.rglob("*"))
        if file.is_file() and file.name not in ("LOCK", "LOG")
    }
    table = {
        "id": release_id,
        "created": "2026-03-01T10:00:00Z",
        "base_iri": BASE,
        "quads": quads,
        "graphs": graphs,
        "institutions": [],
        "alliances": [],
        "files": files,
        **info,
    }
    (directory / "release.json").write_text(json.dumps(table))
    link = data_dir / "current.new"
    link.symlink_to(Path("releases") / release_id)
    link.replace(data_dir / "current")
    return directory


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


INSTITUTIONS = [
    {
        "institution": "NL0028",
        "name": "University of Twente",
        "status": "published",
        "harvested": 5,
        "published": 4,
        "refused": 1,
        "instances": 1,
        "warnings": 2,
        "harvested_at": "2026-03-01T09:58:00Z",
        "issues": [{"code": "unmapped-value", "message": "level 'x' is unknown", "severity": "warning", "count": 2}],
        "result_counts": [{"message": "Give the course a title.", "severity": "violation", "count": 1}],
    },
    {"institution": "SI0001", "name": "University of Ljubljana", "status": "unchanged", "published": 2},
]
ALLIANCES = [{"id": "INT6006", "name": "ECIU University", "members": ["NL0028", "SI0001"]}]


@pytest.fixture
def publish() -> Publish:
    """Make a release: `publish(data_dir, id, nquads, **members of release.json)`."""

    def make(data_dir: Path, release_id: str, nquads: str, **info: Any) -> Path:
        return publish_release(data_dir, release_id, nquads.encode(), RdfFormat.N_QUADS, **info)

    return make


@pytest.fixture(scope="session")
def sample_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with the sample release. Not to be written to."""
    data_dir = tmp_path_factory.mktemp("sample")
    publish_release(
        data_dir,
        "20260301T100000Z",
        SAMPLE.read_bytes(),
        RdfFormat.TRIG,
        institutions=INSTITUTIONS,
        alliances=ALLIANCES,
    )
    return data_dir


@pytest.fixture(scope="session")
def large_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with 60,000 triples in three graphs. Not to be written to."""
    data_dir = tmp_path_factory.mktemp("large")
    lines = (
        f'<http://e/s{n}> <http://e/p> "value number {n} with some text to make it longer" <{BASE}graphs/g{n % 3}> .\n'
        for n in range(60_000)
    )
    publish_release(data_dir, "20260301T110000Z", "".join(lines).encode(), RdfFormat.N_QUADS)
    return data_dir


@pytest.fixture(scope="session")
def app(sample_data: Path) -> Iterator[Flask]:
    app = create_app(Config(base_iri=BASE, data_dir=sample_data, sparql=SparqlSettings(timeout_s=5)))
    yield app
    close_app(app)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def make_app() -> Iterator[Callable[..., Flask]]:
    """Make an application with other settings: `make_app(data_dir, timeout_s=1)`; its workers end with the test."""
    made: list[Flask] = []

    def make(data_dir: Path, **settings: Any) -> Flask:
        config = Config(base_iri=BASE, data_dir=data_dir, sparql=replace(SparqlSettings(), **settings))
        made.append(create_app(config))
        return made[-1]

    yield make
    for app in made:
        close_app(app)


_SERVE = """
import sys
from pathlib import Path
from qlink_ld.config import Config, SparqlSettings
from qlink_ld.serve.server import serve
settings = SparqlSettings(timeout_s=float(sys.argv[2]), max_result_bytes=int(sys.argv[3]))
serve(Config(data_dir=Path(sys.argv[1]), sparql=settings), port=0, on_ready=lambda url: print(url, flush=True))
"""


@pytest.fixture
def start_server() -> Iterator[Callable[..., tuple[str, subprocess.Popen[str]]]]:
    """Start gunicorn as `qlink-ld serve` does; gives its address and process."""
    started: list[subprocess.Popen[str]] = []

    def start(
        data_dir: Path, timeout_s: float = 5, max_result_bytes: int = 256 * 1024 * 1024
    ) -> tuple[str, subprocess.Popen[str]]:
        command = [sys.executable, "-c", _SERVE, str(data_dir), str(timeout_s), str(max_result_bytes)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        started.append(process)
        assert process.stdout is not None
        watchdog = threading.Timer(15, process.kill)
        watchdog.start()
        url = process.stdout.readline().strip()
        watchdog.cancel()
        assert url.startswith("http://"), "the server did not start"
        return url, process

    yield start
    for process in started:
        process.terminate()
        process.wait(timeout=15)
        if process.stdout is not None:
            process.stdout.close()
