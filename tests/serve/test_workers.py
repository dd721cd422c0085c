"""The pool: deadlines, crashes, limits, release switches. Real processes over real stores."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import psutil
import pytest

from qlink_ld.config import SparqlSettings
from qlink_ld.errors import (
    QlinkError,
    QueryFailed,
    QueryFormatUnacceptable,
    QueryQueueFull,
    QueryRefused,
    QuerySyntaxError,
    QueryTimeout,
)
from qlink_ld.serve.release import Releases
from qlink_ld.serve.worker import QueryRequest
from qlink_ld.serve.workers import BUFFER_BYTES, QueryPool

ENDLESS = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l }"
COUNT = "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }"


@contextmanager
def open_pool(data_dir: Path, **settings: Any) -> Iterator[QueryPool]:
    pool = QueryPool(replace(SparqlSettings(), **settings), Releases(data_dir))
    try:
        yield pool
    finally:
        pool.close()


def count(pool: QueryPool, client: str = "") -> int:
    answer = pool.run(QueryRequest(COUNT), client)
    return int(orjson.loads(b"".join(answer.read()))["results"]["bindings"][0]["n"]["value"])


def test_small_queries_are_fast_and_reuse_their_worker(large_data: Path) -> None:
    with open_pool(large_data, workers=1) as pool:
        pool.run(QueryRequest("ASK {}"))
        pids = pool.worker_pids()
        start = time.perf_counter()
        for _ in range(100):
            assert pool.run(QueryRequest("ASK { ?s ?p ?o }")).body == b'{"head":{},"boolean":true}'
        assert (time.perf_counter() - start) / 100 < 0.02
        assert pool.worker_pids() == pids


@pytest.mark.parametrize(
    "text",
    [
        ENDLESS,
        "SELECT * { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i FILTER(?a = ?d && ?d = ?g && ?c != ?f) } ORDER BY ?a",
        "SELECT (COUNT(*) AS ?n) { ?s (<http://e/p>|!<http://e/p>)* ?o . ?x (<http://e/p>|^<http://e/p>)+ ?y }",
        "SELECT * { ?s ?p (" + "1 " * 3000 + ") }",
    ],
)
def test_hostile_query_ends_at_the_deadline_and_its_worker_is_replaced(large_data: Path, text: str) -> None:
    with open_pool(large_data, workers=1, timeout_s=0.4) as pool:
        assert count(pool) == 60_000
        before = pool.worker_pids()
        start = time.monotonic()
        with pytest.raises(QueryTimeout, match=r"0\.4 s"):
            pool.run(QueryRequest(text))
        assert time.monotonic() - start < 1
        assert not psutil.pid_exists(before[0])
        assert count(pool) == 60_000
        assert pool.worker_pids() != before


def test_crash_of_a_worker_is_the_querys_failure_alone(large_data: Path) -> None:
    nested = "SELECT * {" + "{SELECT * {" * 60_000 + "}}" * 60_000 + "}"
    with open_pool(large_data, workers=2, timeout_s=5) as pool:
        with pytest.raises((QueryFailed, QueryTimeout)):
            pool.run(QueryRequest(nested))
        assert count(pool) == 60_000


def test_killed_worker_is_noticed_and_replaced(large_data: Path) -> None:
    with open_pool(large_data, workers=1) as pool:
        count(pool)
        psutil.Process(pool.worker_pids()[0]).kill()
        time.sleep(0.05)
        assert count(pool) == 60_000
        with ThreadPoolExecutor() as threads:
            running = threads.submit(pool.run, QueryRequest(ENDLESS))
            time.sleep(0.3)
            psutil.Process(pool.worker_pids()[0]).kill()
            with pytest.raises(QueryFailed):
                running.result(timeout=5)
        assert count(pool) == 60_000


def test_memory_limit_ends_a_greedy_query(large_data: Path) -> None:
    doubling = " ".join(f"BIND(CONCAT(?x{n}, ?x{n}) AS ?x{n + 1})" for n in range(26))
    greedy = f'SELECT (STRLEN(?x26) AS ?n) {{ BIND("sixteen letters!" AS ?x0) {doubling} }}'
    with open_pool(large_data, workers=1, timeout_s=20, max_memory_bytes=800 * 1024 * 1024) as pool:
        with pytest.raises(QueryFailed, match="memory"):
            pool.run(QueryRequest(greedy))
        assert count(pool) == 60_000


def test_large_result_arrives_whole_and_frees_its_worker_for_slow_readers(large_data: Path) -> None:
    with open_pool(large_data, workers=1, timeout_s=5) as pool:
        answer = pool.run(QueryRequest("SELECT * { ?s ?p ?o }", "csv"), "slow reader")
        assert answer.body is None
        assert len(answer.start) >= BUFFER_BYTES
        assert count(pool, "somebody else") == 60_000  # though nobody has read the first result yet
        lines = b"".join(answer.read()).splitlines()
        assert len(lines) == 60_001
        answer.close()


def test_result_over_the_limit_breaks_and_never_looks_complete(large_data: Path) -> None:
    with open_pool(large_data, workers=1, max_result_bytes=3 * 1024 * 1024) as pool:
        answer = pool.run(QueryRequest("SELECT * { ?s ?p ?o }", "csv"))
        with pytest.raises(QueryRefused, match="limit of 3145728 bytes"):
            b"".join(answer.read())
        answer.close()
    with open_pool(large_data, workers=1, max_result_bytes=1000) as pool, pytest.raises(QueryRefused):
        pool.run(QueryRequest("SELECT * { ?s ?p ?o }"))


def test_abandoned_result_frees_its_worker(large_data: Path) -> None:
    with open_pool(large_data, workers=1, timeout_s=30) as pool:
        answer = pool.run(QueryRequest("SELECT * { ?a ?b ?c . ?d ?e ?f }"))
        answer.close()
        assert count(pool) == 60_000
        assert pool.count_workers()["busy"] == 0


def test_one_client_cannot_take_all_workers(large_data: Path) -> None:
    with open_pool(large_data, workers=2, timeout_s=1.2, max_wait_s=0.4) as pool, ThreadPoolExecutor() as threads:
        count(pool)
        greedy = [threads.submit(pool.run, QueryRequest(ENDLESS), "greedy") for _ in range(3)]
        time.sleep(0.2)
        assert count(pool, "modest") == 60_000
        outcomes = [type(future.exception(timeout=10)) for future in greedy]
        assert sorted(outcome.__name__ for outcome in outcomes) == ["QueryQueueFull", "QueryQueueFull", "QueryTimeout"]
        refused = next(error for f in greedy if isinstance(error := f.exception(), QueryQueueFull))
        assert refused.client_limit


def test_full_queue_refuses_at_once(large_data: Path) -> None:
    settings = {"workers": 1, "timeout_s": 1, "max_wait_s": 5, "max_waiting": 1}
    with open_pool(large_data, **settings) as pool, ThreadPoolExecutor() as threads:
        count(pool)
        busy = threads.submit(pool.run, QueryRequest(ENDLESS), "a")
        time.sleep(0.2)
        waiting = threads.submit(count, pool, "b")
        time.sleep(0.2)
        start = time.monotonic()
        with pytest.raises(QueryQueueFull) as caught:
            count(pool, "c")
        assert time.monotonic() - start < 0.2
        assert not caught.value.client_limit
        assert isinstance(busy.exception(timeout=5), QueryTimeout)
        assert waiting.result(timeout=5) == 60_000


def test_new_release_is_read_and_old_workers_end(tmp_path: Path, publish: Callable[..., Path]) -> None:
    triple = "<http://e/s> <http://e/p> <http://e/o{}> <http://e/g> .\n"
    publish(tmp_path, "20260101T000000Z", triple.format(1))
    with open_pool(tmp_path, workers=2) as pool:
        assert count(pool) == 1
        old = pool.worker_pids()
        publish(tmp_path, "20260102T000000Z", triple.format(1) + triple.format(2))
        assert count(pool) == 2
        assert pool.run(QueryRequest(COUNT)).release_id == "20260102T000000Z"
        deadline = time.monotonic() + 3
        while time.monotonic() < deadline and len(pool.worker_pids()) < 2:
            time.sleep(0.02)
        assert not set(old) & set(pool.worker_pids())


def test_query_that_runs_during_a_switch_ends_on_its_release(large_data: Path, tmp_path: Path) -> None:
    with open_pool(large_data, workers=2) as pool:
        answer = pool.run(QueryRequest("SELECT * { ?s ?p ?o }", "csv"))
        pool.releases = Releases(tmp_path)  # nothing there: as bad as a switch can be
        assert len(b"".join(answer.read()).splitlines()) == 60_001


@pytest.mark.parametrize(
    ("request_", "error", "words"),
    [
        (QueryRequest("SELECT * { ?s ?p }"), QuerySyntaxError, "line 1, column"),
        (QueryRequest("SELECT *\n{ ?s <a b> ?o }"), QuerySyntaxError, "line 2, column"),
        (QueryRequest("SELECT * { SERVICE <http://127.0.0.1:1/> {} }"), QueryRefused, "SERVICE"),
        (QueryRequest("CONSTRUCT WHERE { ?s ?p ?o }", "csv", None), QueryFormatUnacceptable, "triples"),
        (QueryRequest("ASK {}", None, "turtle"), QueryFormatUnacceptable, "table"),
        (QueryRequest("ASK {}", default_graphs=("not an IRI",)), QueryRefused, "not an absolute IRI"),
        (QueryRequest("INSERT DATA { <a:a> <a:b> <a:c> }"), QuerySyntaxError, "line 1"),
    ],
)
def test_faults_of_a_query_are_told_and_cost_no_worker(
    sample_data: Path, request_: QueryRequest, error: type[QlinkError], words: str
) -> None:
    with open_pool(sample_data, workers=1) as pool:
        pool.run(QueryRequest("ASK {}"))
        pids = pool.worker_pids()
        with pytest.raises(error, match=words):
            pool.run(request_)
        assert pool.worker_pids() == pids
        assert not pool.count_workers()["busy"]


def test_worker_survives_many_threads(large_data: Path) -> None:
    with open_pool(large_data, workers=2, max_waiting=64, max_wait_s=20) as pool:
        results: list[int] = []

        def ask(number: int) -> None:
            results.extend(count(pool, f"client {number}") for _ in range(5))

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=20)
        assert results == [60_000] * 40
