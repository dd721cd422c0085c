"""A confined process opens no socket, keeps to its memory, and dies with its parent."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="confinement uses Linux system calls")


def _run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)


def test_sockets_cannot_be_opened_in_any_thread() -> None:
    result = _run(
        "import socket, threading\n"
        "from qlink_ld.serve.confine import drop_network\n"
        "assert drop_network()\n"
        "def reach():\n"
        "    try:\n"
        "        socket.create_connection(('127.0.0.1', 9), timeout=1)\n"
        "    except OSError as error:\n"
        "        print(type(error).__name__)\n"
        "reach()\n"
        "thread = threading.Thread(target=reach); thread.start(); thread.join()\n"
    )
    assert result.stdout.split() in (["PermissionError"] * 2, ["OSError"] * 2), result.stderr


def test_memory_is_limited() -> None:
    result = _run(
        "from qlink_ld.serve.confine import limit_memory\n"
        "limit_memory(512 * 1024 * 1024)\n"
        "try:\n    bytearray(1024 * 1024 * 1024)\nexcept MemoryError:\n    print('refused')\n"
    )
    assert result.stdout.strip() == "refused", result.stderr


def test_process_of_another_parent_ends_at_once() -> None:
    result = _run(
        f"from qlink_ld.serve.confine import die_with_parent\ndie_with_parent({os.getpid() + 1})\nprint('lives')"
    )
    assert result.stdout == ""
    assert result.returncode == 0


def test_workers_die_with_a_killed_parent(sample_data: Path) -> None:
    code = (
        "import sys, threading\nfrom pathlib import Path\n"
        "from qlink_ld.config import SparqlSettings\n"
        "from qlink_ld.serve.release import Releases\nfrom qlink_ld.serve.workers import QueryPool\n"
        "from qlink_ld.serve.worker import QueryRequest\n"
        "pool = QueryPool(SparqlSettings(), Releases(Path(sys.argv[1])))\n"
        "pool.run(QueryRequest('ASK {}'))\n"
        "query = 'SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l }'\n"
        "threading.Thread(target=lambda: pool.run(QueryRequest(query)), daemon=True).start()\n"
        "import time; time.sleep(0.5)\n"
        "print(*pool.worker_pids(), flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, str(sample_data)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pids = [int(pid) for pid in parent.stdout.readline().split()]
    assert pids
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline and any(_is_running(pid) for pid in pids):
        time.sleep(0.02)
    assert not any(_is_running(pid) for pid in pids)


def _is_running(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
