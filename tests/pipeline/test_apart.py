"""Processes of a run: what ends them, what they leave, and that none is left."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from qlink_ld.demo.http_server import Answer, LoopbackServer
from qlink_ld.namespaces import ELM, QL
from qlink_ld.pipeline.apart import Children

Courses = Callable[..., str]
ELM_TYPE = f"{ELM}LearningAchievementSpecification"


class SlowServer:
    """Answers when it is let go."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.released = threading.Event()
        self.server = LoopbackServer(self._respond, "slow")

    def _respond(self, _path: str, _query: Any) -> Answer:
        self.asked.set()
        self.released.wait(60)
        return Answer(b"too late", "text/plain", 503)

    def stop(self) -> None:
        self.released.set()
        self.server.stop()


@pytest.fixture
def slow() -> Iterator[SlowServer]:
    server = SlowServer()
    yield server
    server.stop()


def start_run(deployment: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "qlink_ld", "run", "-c", str(deployment.save())]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


def find_processes(session: int) -> list[psutil.Process]:
    """All processes of a session, whoever their parents are by now."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(ProcessLookupError, psutil.NoSuchProcess):
            if os.getsid(process.pid) == session and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.002)
    return True


def test_no_process_outlives_a_run_that_is_killed(deployment: Any, slow: SlowServer) -> None:
    deployment.head = deployment.head.replace("timeout_s = 5", "timeout_s = 60")
    deployment.add("A", f"{slow.server.url}/a.ttl")
    deployment.add("B", f"{slow.server.url}/b.ttl")
    run = start_run(deployment)
    assert slow.asked.wait(30)
    assert len(find_processes(run.pid)) >= 3  # the run, the one that forks, and at least one institution
    run.kill()
    run.communicate()
    assert wait_until(lambda: not find_processes(run.pid), 10), find_processes(run.pid)
    assert not list(deployment.data.glob("reports/*"))  # a run that is gone says nothing


def test_interrupting_a_run_ends_it_at_once(deployment: Any, slow: SlowServer) -> None:
    deployment.head = deployment.head.replace("timeout_s = 5", "timeout_s = 60")
    for name in "ABCD":
        deployment.add(name, f"{slow.server.url}/{name}.ttl")
    run = start_run(deployment)
    assert slow.asked.wait(30)
    started = time.monotonic()
    os.killpg(run.pid, signal.SIGINT)  # as a terminal does
    out, err = run.communicate(timeout=30)
    assert time.monotonic() - started < 5
    assert (run.returncode, out) == (3, "")
    assert err.strip() == "stopped"
    assert wait_until(lambda: not find_processes(run.pid), 10)
    assert not list(deployment.data.glob("reports/*"))


def test_a_process_that_says_nothing_for_too_long_is_given_up(deployment: Any, httpserver: HTTPServer) -> None:
    """A server that takes its time stands for whatever keeps a process busy."""
    released = threading.Event()

    def answer_late(_request: Request) -> Response:
        released.wait(30)
        return Response("", 503)

    httpserver.expect_request("/a.ttl").respond_with_handler(answer_late)
    deployment.head = deployment.head.replace("timeout_s = 5", "timeout_s = 60")
    deployment.add("A", f'type = "elm"\npath = "{httpserver.url_for("/a.ttl")}"')
    config = deployment.config()
    config.data_dir.mkdir()
    try:
        children = Children(stall_s=2)
        report = children.process(config, config.institutions[0], offline=False, full=False, on_progress=None)
    finally:
        released.set()
    assert report.status == "failed"
    assert report.error is not None
    assert "made no progress for 2 s and was ended; its last good graph stays" in report.error


def test_blank_nodes_that_all_look_the_same_take_no_time(deployment: Any) -> None:
    nodes = [f"_:n{number}" for number in range(16)]
    links = "".join(f"{a} <u:p> {b} .\n" for a in nodes for b in nodes if a != b)
    deployment.write("a.ttl", f"<u:course> a <{ELM_TYPE}> ; <u:p> {nodes[0]} .\n{links}")
    deployment.add("A", "a.ttl")
    assert deployment.report("A").harvested == 1


MOMENTS: dict[str, Callable[[Path], bool]] = {
    "while harvesting": lambda data: any(data.glob("snapshots/A/s0/.partial-*")),
    "while mapping": lambda data: len(list(data.glob("snapshots/A/s0/2*"))) > 1,
    "before the state": lambda data: (data / "graphs" / ".A.next.nq.gz").exists(),
    "after the state": lambda data: b'"status": "published"' in (data / "reports" / "A.json").read_bytes(),
    "while publishing": lambda data: any(data.glob("releases/.partial-*")),
}


def test_kill_9_at_any_moment_leaves_the_release_readable_and_the_next_run_good(
    deployment: Any, courses: Courses
) -> None:
    query = deployment.write(
        "count.rq", f"SELECT (COUNT(DISTINCT ?c) AS ?n) {{ ?c a <{QL}LearningOpportunitySpecification> }}"
    )

    def count() -> int:
        done = deployment.command("query", query, "--format", "csv")
        assert done.returncode == 0, done.stderr
        return int(done.stdout.split()[1])

    deployment.write("a.ttl", courses(range(600)))
    deployment.add("A", "a.ttl")
    deployment.run()
    published, hits = 600, []
    for step, (moment, is_now) in enumerate(MOMENTS.items(), 1):
        size = 600 + step
        deployment.write("a.ttl", courses(range(size)))
        state = deployment.data / "reports" / "A.json"
        state.write_bytes(state.read_bytes().replace(b'"status": "published"', b'"status": "unchanged"'))
        for snapshot in sorted(deployment.data.glob("snapshots/A/s0/2*"))[:-1]:
            for file in snapshot.iterdir():
                file.unlink()
            snapshot.rmdir()
        run = start_run(deployment)
        if wait_until(lambda: is_now(deployment.data) or run.poll() is not None, 30) and run.poll() is None:  # noqa: B023
            hits.append(moment)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(run.pid, signal.SIGKILL)
        run.communicate()
        now = count()
        assert now in (published, size), moment
        published = now
    assert len(hits) >= 3, hits  # a moment of less than two milliseconds can be missed
    summary = deployment.run()
    assert summary.release is not None
    assert summary.complete
    assert count() == deployment.count("A") == 605
    assert not list(deployment.data.glob("releases/.partial-*"))
    assert not list(deployment.data.glob("graphs/.*"))
    assert not list(deployment.data.glob("snapshots/A/s0/.partial-*"))
