"""How much faster is a harvest at the default politeness than one request after another? Both in this one process run.

    python tests/benchmarks/harvest.py [--courses 2000] [--latency-ms 20]

The server, in a process of its own, answers from memory after the latency: OOAPI 5.0 courses and the list of offerings
of each. One after another means the same client with `concurrency_per_host = 1`, on a share of the courses, because it
takes so long; its time grows with the number of requests.
"""

import argparse
import asyncio
import dataclasses
import multiprocessing
import tempfile
import time
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import orjson

from qlink_ld.config import HarvestSettings
from qlink_ld.demo.courses import generate_courses, generate_offerings
from qlink_ld.harvest.source import harvest_source
from qlink_ld.http import ProviderClient
from qlink_ld.model import DataSource, Institution

SHARE = 10  # one of so many courses is harvested one request after another


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--courses", type=int, default=2000)
    parser.add_argument("--latency-ms", type=float, default=20.0)
    arguments = parser.parse_args()
    here, there = multiprocessing.get_context("spawn").Pipe()
    server = multiprocessing.get_context("spawn").Process(
        target=serve, args=(there, arguments.courses, arguments.latency_ms / 1000), daemon=True
    )
    server.start()
    try:
        root = f"http://127.0.0.1:{here.recv()}"
        polite = HarvestSettings(allow_private_addresses=True)
        harvest(f"{root}/1", polite)  # so that both begin warm
        single, one_by_one = harvest(f"{root}/{SHARE}", dataclasses.replace(polite, concurrency_per_host=1))
        requests, seconds = harvest(f"{root}/all", polite)
    finally:
        server.terminate()
    expected = one_by_one / single * requests
    print(
        f"{arguments.courses} courses, {requests} requests, {arguments.latency_ms:g} ms latency\n"
        f"one request after another  {expected:7.1f} s  ({single} requests in {one_by_one:.1f} s)\n"
        f"concurrency_per_host = {polite.concurrency_per_host:<3} {seconds:7.1f} s  ({requests / seconds:.0f}/s)\n"
        f"ratio                      {expected / seconds:7.1f}"
    )


def harvest(path: str, settings: HarvestSettings) -> tuple[int, float]:
    """Harvest a source; return the number of requests and the seconds."""
    with tempfile.TemporaryDirectory() as folder:
        source = DataSource("ooapi", "ooapi", path, version="5.0")
        started = time.perf_counter()
        with ProviderClient(settings, slots=Path(folder) / ".slots") as client:
            snapshot = harvest_source(Institution("XA0001", "X"), source, settings, Path(folder), client=client)
        seconds = time.perf_counter() - started
        assert snapshot.complete
        return snapshot.requests["requests"], seconds


# The server ----------------------------------------------------------------------------------------------------------


def serve(connection: Connection, count: int, latency_s: float) -> None:
    """Serve courses at `/all`, one of `SHARE` of them at `/{SHARE}`, ten at `/1`; say on which port."""
    courses = list(generate_courses(count))
    offerings = {course["courseId"]: course for course in courses}

    @cache
    def answer(target: str) -> bytes:
        parts = urlsplit(target)
        _, share, *rest = parts.path.split("/")
        query = parse_qs(parts.query)
        number, size = int(query.get("pageNumber", ["1"])[0]), int(query.get("pageSize", ["250"])[0])
        shown = {"all": courses, str(SHARE): courses[::SHARE]}.get(share, courses[:10])
        match rest:
            case ["courses"]:
                items = shown
            case ["courses", key, "offerings"]:
                items = generate_offerings(offerings[key])
            case _:
                items = []
        pages = max(1, -(-len(items) // size))
        page = {
            "pageSize": size, "pageNumber": number, "totalPages": pages, "hasPreviousPage": number > 1,
            "hasNextPage": number < pages, "items": items[(number - 1) * size : number * size],
        }  # fmt: skip
        body = orjson.dumps(page)
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        return head.encode() + body

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while request := await reader.readuntil(b"\r\n\r\n"):
                body = answer(request.split(b" ", 2)[1].decode())
                await asyncio.sleep(latency_s)
                writer.write(body)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def run() -> None:
        server = await asyncio.start_server(speak, "127.0.0.1", 0)
        connection.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


if __name__ == "__main__":
    main()
