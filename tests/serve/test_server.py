"""A real server: streaming, broken results, deadlines, release switches, its end."""

import socket
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest

from qlink_ld.config import Config
from qlink_ld.errors import ConfigurationError
from qlink_ld.serve.server import serve

StartServer = Callable[..., tuple[str, subprocess.Popen[str]]]


def test_large_result_streams_and_too_large_one_breaks_the_connection(
    large_data: Path, start_server: StartServer
) -> None:
    url, _ = start_server(large_data, 10, 4 * 1024 * 1024)
    with httpx.Client(base_url=url, timeout=20) as client:
        whole = client.get("/sparql", params={"query": "SELECT ?s ?o { ?s ?p ?o }", "format": "csv"})
        assert whole.status_code == 200
        assert whole.headers["transfer-encoding"] == "chunked"
        assert len(whole.text.splitlines()) == 60_001
        with pytest.raises(httpx.RemoteProtocolError):
            client.get("/sparql", params={"query": "SELECT * { ?s ?p ?o }"})
        small = client.get("/sparql", params={"query": "ASK {}"})
        assert small.json()["boolean"] is True
        assert small.headers["content-length"] == str(len(small.content))


def test_timeout_after_the_first_megabyte_breaks_the_connection(large_data: Path, start_server: StartServer) -> None:
    url, _ = start_server(large_data, 1)
    start = time.monotonic()
    with httpx.Client(base_url=url, timeout=20) as client, pytest.raises(httpx.RemoteProtocolError):
        client.get("/sparql", params={"query": "SELECT * { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }", "format": "csv"})
    assert time.monotonic() - start < 4


def test_hostile_queries_all_end_in_time_while_others_read_on(large_data: Path, start_server: StartServer) -> None:
    url, process = start_server(large_data, 0.5)
    hostile = [
        "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }",
        "SELECT * {" + "{SELECT * {" * 90 + "}}" * 90 + "}",
        "SELECT * { ?s " + "/".join(["<http://e/p>"] * 3000) + " ?o }",
        "SELECT * { SERVICE <http://127.0.0.1:1/> { ?s ?p ?o } }",
        "INSERT DATA { <a:a> <a:b> <a:c> }",
        'SELECT (REPLACE(?o, "(a|aa)+$", "") AS ?x) { ?s ?p ?o . ?s2 ?p2 ?o2 } ORDER BY ?x',
    ]

    def send(query: str) -> tuple[int, float]:
        start = time.monotonic()
        headers = {"X-Forwarded-For": f"192.0.2.{hostile.index(query)}"}  # as a proxy says: different clients
        response = httpx.post(f"{url}sparql", data={"query": query}, headers=headers, timeout=30)
        return response.status_code, time.monotonic() - start

    with ThreadPoolExecutor(8) as threads:
        running = [threads.submit(send, query) for query in hostile]
        pages = [httpx.get(f"{url}health", timeout=5).elapsed.total_seconds() for _ in range(20)]
        results = [future.result(timeout=30) for future in running]
    assert max(pages) < 0.5
    assert all(status >= 400 or status == 200 for status, _ in results)
    assert results[0][0] in (503, 504, 429)
    assert results[3][0] == 400
    assert results[4][0] == 400
    time.sleep(1)
    workers = psutil.Process(process.pid).children(recursive=True)
    before = sum(child.cpu_times().user for child in workers if child.is_running())
    time.sleep(0.5)
    assert sum(child.cpu_times().user for child in workers if child.is_running()) - before < 0.2


def test_client_that_leaves_frees_the_worker(large_data: Path, start_server: StartServer) -> None:
    url, _ = start_server(large_data, 30)
    host, _, port = url.removeprefix("http://").rstrip("/").partition(":")
    for _ in range(3):
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(
                b"GET /sparql?format=csv&query=SELECT%20*%20%7B?a%20?b%20?c.%20?d%20?e%20?f%7D HTTP/1.1\r\n"
                b"Host: x\r\n\r\n"
            )
            assert connection.recv(100).startswith(b"HTTP/1.1 200")
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        metrics = httpx.get(f"{url}metrics").text
        if 'qlink_ld_query_workers{state="busy"} 0' in metrics:
            break
        time.sleep(0.1)
    assert 'qlink_ld_query_workers{state="busy"} 0' in metrics


def test_percent_encoded_slash_reaches_the_application(sample_data: Path, start_server: StartServer) -> None:
    url, _ = start_server(sample_data)
    response = httpx.get(f"{url}courses/NL0028/2024%2F25%20%C3%9Cbung", headers={"Accept": "text/turtle"})
    assert response.status_code == 200
    assert "Übung" in response.text


def test_release_switches_while_serving_and_no_request_fails(
    tmp_path: Path, publish: Callable[..., Path], start_server: StartServer
) -> None:
    line = "<http://e/s> <http://e/p> <http://e/{}> <http://e/g> .\n"
    publish(tmp_path, "20260101T000000Z", line.format(1))
    url, _ = start_server(tmp_path)
    seen: list[int] = []
    stop = time.monotonic() + 30
    published = False
    with httpx.Client(base_url=url, timeout=10) as client:
        while seen[-5:] != [2] * 5 and time.monotonic() < stop:
            response = client.get("/sparql", params={"query": "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }", "format": "csv"})
            assert response.status_code == 200
            seen.append(int(response.text.split()[1]))
            if len(seen) == 20 and not published:
                publish(tmp_path, "20260102T000000Z", line.format(1) + line.format(2))
                published = True
        assert client.get("/health").json()["release"] == "20260102T000000Z"
    assert seen == sorted(seen)
    assert set(seen) == {1, 2}


def test_server_ends_with_all_its_processes(sample_data: Path, start_server: StartServer) -> None:
    url, process = start_server(sample_data)
    assert httpx.get(f"{url}sparql?query=ASK%7B%7D").status_code == 200
    server = psutil.Process(process.pid)
    deadline = time.monotonic() + 30
    while len(children := server.children(recursive=True)) < 3:  # gunicorn's process and two query workers
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.terminate()
    assert process.wait(timeout=15) == 0
    _, alive = psutil.wait_procs(children, timeout=3)
    assert not alive


def test_query_workers_die_with_a_killed_server_process(sample_data: Path, start_server: StartServer) -> None:
    url, process = start_server(sample_data)
    assert httpx.get(f"{url}sparql?query=ASK%7B%7D").status_code == 200
    server = psutil.Process(process.pid).children()[0]
    workers = server.children()
    assert len(workers) == 2
    server.kill()
    _, alive = psutil.wait_procs(workers, timeout=3)
    assert not alive


def test_port_in_use_is_one_clear_error(sample_data: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"127.0.0.1:{port} .* choose another --port"):
            serve(Config(data_dir=sample_data), "127.0.0.1", port)
