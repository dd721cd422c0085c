"""One query on the current release without a server: what `qlink-ld query` does. Same worker, same limits."""

import time
from pathlib import Path
from typing import BinaryIO

import orjson

from qlink_ld.config import SparqlSettings
from qlink_ld.errors import QueryRefused, QueryTimeout
from qlink_ld.serve.query_process import QueryProcess, to_error
from qlink_ld.serve.query_text import check_query
from qlink_ld.serve.worker import GRAPH_FORMATS, RESULTS_FORMATS, QueryRequest
from qlink_ld.store import open_release

FORMATS = (*RESULTS_FORMATS, *GRAPH_FORMATS)


def run_query(
    data_dir: Path,
    text: str,
    output: BinaryIO,
    *,
    format_name: str | None = None,
    settings: SparqlSettings | None = None,
) -> str:
    """Run a query on the current release of a data directory and write its result.

    Args:
        data_dir: holds `current`.
        text: a SPARQL 1.1 query; the union of all named graphs is its default graph.
        output: takes the result piece by piece. After an error what it got is worth nothing.
        format_name: json, xml, csv, tsv for tables; turtle, ntriples, jsonld, rdfxml for triples; None: json, turtle.
        settings: limits; None: the defaults. A `timeout_s` of 0 or less means one day.

    Returns:
        The name of the format that was written.

    Raises:
        QuerySyntaxError: not SPARQL 1.1; says line and column.
        QueryRefused: an update, SERVICE, too large, or a format that does not fit the query.
        QueryTimeout: not done in time.
        QueryFailed: the query ended its process.
        StoreUnusable: no release there, or a damaged one.
    """
    settings = settings or SparqlSettings()
    if format_name is not None and format_name not in FORMATS:
        raise QueryRefused(f"unknown format '{format_name}'; known: {', '.join(FORMATS)}")
    check_query(text, max(settings.max_query_bytes, 1), settings.max_query_depth)
    release = open_release(data_dir)
    timeout_s = settings.timeout_s if settings.timeout_s > 0 else 86400.0
    request = QueryRequest(
        text,
        results=("json" if format_name is None else format_name if format_name in RESULTS_FORMATS else None),
        graph=("turtle" if format_name is None else format_name if format_name in GRAPH_FORMATS else None),
        max_result_bytes=settings.max_result_bytes,
        service_allow=settings.service_allow,
        deadline_s=timeout_s,
    )
    process = QueryProcess(
        release.store_path, release.id, settings.max_memory_bytes, network=bool(settings.service_allow)
    )
    written = ""
    try:
        process.send(request)
        deadline = time.monotonic() + timeout_s
        while True:
            head, body = process.read_message(deadline)
            if head == b"D":
                output.write(body)
            elif head == b"H":
                written = str(orjson.loads(body)["format"])
            elif head == b"X":
                raise to_error(body)
            else:
                return written
    except QueryTimeout as error:
        raise QueryTimeout(f"the query was not done after {timeout_s:g} s and was ended: narrow it") from error
    finally:
        process.discard()
