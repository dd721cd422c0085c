"""How does an error look? RFC 9457 problem JSON, or a page for browsers; the cause and what to do, in plain words."""

import logging
from collections.abc import Mapping
from typing import Any

import orjson
from flask import Flask, Response, render_template, request
from werkzeug.exceptions import HTTPException, InternalServerError

from qlink_ld.errors import (
    QlinkError,
    QueryFailed,
    QueryFormatUnacceptable,
    QueryQueueFull,
    QueryRefused,
    QuerySyntaxError,
    QueryTimeout,
    StoreUnusable,
)
from qlink_ld.serve.formats import prefers_html

log = logging.getLogger(__name__)

# error → status, kebab-case code (the problem's type), title
_ERRORS: tuple[tuple[type[QlinkError], int, str, str], ...] = (
    (QuerySyntaxError, 400, "query-syntax", "The query is not SPARQL 1.1"),
    (QueryFormatUnacceptable, 406, "not-acceptable", "Not available in that format"),
    (QueryRefused, 400, "query-refused", "The query is refused"),
    (QueryFailed, 500, "query-failed", "The query ended its worker"),
    (QueryTimeout, 504, "query-timeout", "The query took too long"),
    (QueryQueueFull, 503, "queue-full", "Too many queries at once"),
    (StoreUnusable, 503, "no-release", "There is no data to read"),
)


def problem_response(
    status: int,
    code: str,
    title: str,
    detail: str,
    headers: Mapping[str, str] | None = None,
    **members: object,
) -> Response:
    """Make the answer for something that went wrong.

    Args:
        status: HTTP status.
        code: kebab-case, stable; becomes the problem's type `urn:qlink-ld:problem:{code}`.
        title: the kind of problem, the same each time.
        detail: this one, and what to do.
        headers: further headers, as Retry-After.
        members: further members of the problem document.
    """
    if prefers_html(request):
        body = render_template("error.html", status=status, title=title, detail=detail, members=members)
        response = Response(body, status, content_type="text/html; charset=utf-8")
    else:
        table: dict[str, Any] = {"type": f"urn:qlink-ld:problem:{code}", "title": title, "status": status}
        table |= {"detail": detail, "instance": request.full_path.rstrip("?"), **members}
        response = Response(orjson.dumps(table, option=orjson.OPT_INDENT_2), status)
        response.headers["Content-Type"] = "application/problem+json"
    response.headers.extend(dict(headers or {}))
    response.headers["Cache-Control"] = "no-store"
    response.vary.add("Accept")
    return response


def answer_error(error: QlinkError) -> Response:
    """Turn an error of ours into an answer."""
    for kind, usual_status, code, title in _ERRORS:
        if isinstance(error, kind):
            of_client = isinstance(error, QueryQueueFull) and error.client_limit
            status = 429 if of_client else usual_status
            headers: dict[str, str] = {}
            if isinstance(error, QueryQueueFull):
                headers["Retry-After"] = str(error.retry_after_s)
            elif isinstance(error, StoreUnusable):
                headers["Retry-After"] = "30"
            members = {"downloads": "/downloads/"} if status in (429, 503, 504) and kind is not StoreUnusable else {}
            return problem_response(status, code, title, str(error), headers, **members)
    log.error("unexpected error while answering %s", request.path, exc_info=error)
    return problem_response(500, "internal", "Something went wrong here", "Try again; if it stays, tell the operator.")


def _answer_http_exception(error: HTTPException) -> Response:
    if error.response is not None:  # a redirect, or an answer made by hand
        response = error.response
        return response if isinstance(response, Response) else Response("", 500)
    status = error.code or 500
    headers = {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After", "Content-Range")}
    code = error.name.lower().replace(" ", "-")
    return problem_response(status, code, error.name, error.description or error.name, headers)


def _answer_crash(error: Exception) -> Response:
    original = error.original_exception if isinstance(error, InternalServerError) else error
    log.error("error while answering %s", request.path, exc_info=original)
    return problem_response(500, "internal", "Something went wrong here", "Try again; if it stays, tell the operator.")


def register_errors(app: Flask) -> None:
    """Have every error of the application answered as a problem."""
    app.register_error_handler(QlinkError, answer_error)
    app.register_error_handler(HTTPException, _answer_http_exception)
    app.register_error_handler(InternalServerError, _answer_crash)
