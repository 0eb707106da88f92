"""Every error as RFC 9457 has it: `application/problem+json`."""

from __future__ import annotations

from math import ceil

import msgspec
import structlog
import werkzeug.exceptions
from quart import Quart, Response
from werkzeug.exceptions import HTTPException

from zena_sse.contract.replies import Problem
from zena_sse.errors import (
    BodyTooLarge,
    MalformedBody,
    MethodNotAllowed,
    NotFound,
    Unauthenticated,
    ZenaError,
)

PROBLEM_TYPE = "application/problem+json"

# What Quart and werkzeug raise by themselves, in our words.
_BY_STATUS: dict[int, type[ZenaError]] = {
    error.status: error
    for error in (MalformedBody, Unauthenticated, NotFound, MethodNotAllowed, BodyTooLarge)
}

log = structlog.get_logger("zena.web")


def problem_of(error: ZenaError) -> Problem:
    """What a client is told of an error."""
    return Problem(
        title=error.title(),
        status=error.status,
        code=error.code,
        retryable=error.retryable,
        detail=None if str(error) == error.title() else str(error),
    )


def problem_headers(error: ZenaError) -> dict[str, str]:
    """The headers that go with an error."""
    headers = {"Content-Type": PROBLEM_TYPE, "Cache-Control": "no-store"}
    if error.status == Unauthenticated.status:
        headers["WWW-Authenticate"] = 'Bearer realm="zena"'
    if error.retryable:
        headers["Retry-After"] = str(ceil(error.retry_after))
    return headers


def problem_response(error: ZenaError) -> Response:
    """An error as a response."""
    return Response(
        msgspec.json.encode(problem_of(error)), status=error.status, headers=problem_headers(error)
    )


def handle_errors(app: Quart) -> None:
    """Answer every error of the app with a problem."""

    @app.errorhandler(ZenaError)
    async def ours(error: ZenaError) -> Response:
        if error.status >= 500:
            log.warning("request failed", code=error.code, detail=str(error))
        return problem_response(error)

    @app.errorhandler(HTTPException)
    async def theirs(error: HTTPException) -> Response:
        known = _BY_STATUS.get(error.code or 500)
        response = problem_response(known() if known is not None else _Other(error))
        if isinstance(error, werkzeug.exceptions.MethodNotAllowed) and error.valid_methods:
            response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
        return response

    @app.errorhandler(Exception)
    async def bug(error: Exception) -> Response:
        log.error("bug", exc_info=error)
        return problem_response(ZenaError())


class _Other(ZenaError):
    """The request could not be answered."""

    def __init__(self, error: HTTPException) -> None:
        super().__init__(error.description)
        self.code = f"http_{error.code}"  # type: ignore[misc]  # one class for all that HTTP knows
        self.status = error.code or 500  # type: ignore[misc]
