"""Limits that hold for all processes of all runs in one data directory."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from qlink_ld.config import HarvestSettings
from qlink_ld.errors import SourceUnavailable
from qlink_ld.http import ProviderClient
from qlink_ld.request_slots import RequestSlots

LOCAL = HarvestSettings(timeout_s=5, allow_private_addresses=True, concurrency_per_host=3)


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    with HTTPServer(host="127.0.0.1", port=0, threaded=True) as server:
        yield server


class Counter:
    """How many requests were under way at once."""

    def __init__(self, server: HTTPServer) -> None:
        self.lock, self.running, self.most = threading.Lock(), 0, 0
        server.expect_request("/a").respond_with_handler(self.answer)

    def answer(self, _: Request) -> Response:
        with self.lock:
            self.running += 1
            self.most = max(self.most, self.running)
        time.sleep(0.03)
        with self.lock:
            self.running -= 1
        return Response("x")


@pytest.mark.parametrize(("settings", "most"), [(LOCAL, 3), (replace(LOCAL, concurrency=2), 2)])
def test_institutions_on_one_host_share_its_limit(
    server: HTTPServer, tmp_path: Path, settings: HarvestSettings, most: int
) -> None:
    counter = Counter(server)
    url = server.url_for("/a")
    clients = [ProviderClient(settings, slots=tmp_path) for _ in range(3)]  # as many as there are processes
    with ThreadPoolExecutor(9) as pool:
        list(pool.map(lambda number: clients[number % 3].get(url), range(18)))
    for client in clients:
        client.close()
    assert counter.most == most


HOLDER = """
import sys, threading, time
from pathlib import Path
from qlink_ld.request_slots import RequestSlots
with RequestSlots(Path(sys.argv[1]), 1, 9).hold("x.example", threading.Event()):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_slot_is_free_when_its_process_was_killed(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    slots, got = RequestSlots(tmp_path, 1, 9), threading.Event()

    def take() -> None:
        with slots.hold("X.example", threading.Event()):
            got.set()

    thread = threading.Thread(target=take)
    thread.start()
    assert not got.wait(0.2)
    with slots.hold("y.example", threading.Event()):  # another host does not wait
        pass
    os.kill(holder.pid, signal.SIGKILL)
    assert got.wait(5)
    thread.join()
    holder.wait()
    holder.stdout.close()


def test_i_10_a_pause_that_a_host_asks_for_holds_for_every_process(server: HTTPServer, tmp_path: Path) -> None:
    server.expect_ordered_request("/a").respond_with_data("later", 429, {"Retry-After": "1"})
    server.expect_ordered_request("/a").respond_with_data("x")
    server.expect_ordered_request("/a").respond_with_data("x")
    with ProviderClient(LOCAL, slots=tmp_path) as one, ProviderClient(LOCAL, slots=tmp_path) as two:
        started = time.monotonic()
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(one.get, server.url_for("/a"))
            while not list(tmp_path.glob("*/pause")):
                time.sleep(0.01)
            two.get(server.url_for("/a"))
            assert time.monotonic() - started > 0.9
            waiting.result()


def test_waiting_for_a_slot_ends_with_the_client(server: HTTPServer, tmp_path: Path) -> None:
    stopped = threading.Event()
    slots = RequestSlots(tmp_path, 1, 9)
    with slots.hold("x.example", stopped):
        threading.Timer(0.1, stopped.set).start()
        with slots.hold("x.example", stopped):
            assert stopped.is_set()


def test_a_folder_that_cannot_be_used_is_named(server: HTTPServer, tmp_path: Path) -> None:
    (tmp_path / "slots").write_text("a file")
    with (
        ProviderClient(LOCAL, slots=tmp_path / "slots") as client,
        pytest.raises(SourceUnavailable, match="slots cannot be used: "),
    ):
        client.get(server.url_for("/a"))
