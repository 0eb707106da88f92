"""Bodies are counted as they arrive: the framework reads a chunked one whole before it looks at its size."""

from __future__ import annotations

import asyncio

import msgspec
from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable
from quart.asgi import ASGIHTTPConnection

from zena_sse.errors import BodyNotAllowed, BodyTooLarge, BodyTooSlow, ZenaError
from zena_sse.serving.plain import Message, Receive, Send
from zena_sse.web.identity import Identity, Scope, may_publish
from zena_sse.web.origins import Asgi, cors_headers
from zena_sse.web.problems import problem_headers, problem_of

# The largest thing a client has to send is a batch of commands; another service may publish a hundred
# full-grown events at once.
BODY_BYTES = 1024 * 1024
PUBLISH_BYTES = 8 * 1024 * 1024

# Whoever sends slower than this holds memory for nothing.
BODY_SECONDS = 30.0

BODILESS = frozenset({"GET", "HEAD", "OPTIONS"})


class BodyGuard:
    """Reads a body, bounded, before the app sees the request; refuses one where none belongs."""

    def __init__(self, app: Asgi, identity: Identity) -> None:
        self._app = app
        self._identity = identity

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        size = _announced(scope)
        try:
            passed_on = receive
            if scope["method"] not in BODILESS:
                passed_on = await _read(receive, size, await self._limit(scope, size))
            elif size != 0:
                raise BodyNotAllowed
        except ZenaError as error:
            await send_problem(error, send, cors_headers(self._identity.allowed_origin(scope)))
        else:
            await self._app(scope, passed_on, send)

    async def _limit(self, scope: Scope, size: int | None) -> int:
        """What this caller may send; only a publisher's credential opens the larger door."""
        if (size is not None and size <= BODY_BYTES) or not scope["path"].startswith("/users/"):
            return BODY_BYTES
        principal = await self._identity.principal(scope)
        return PUBLISH_BYTES if may_publish(principal) else BODY_BYTES


class WholeRequest(ASGIHTTPConnection):
    """A request whose body has come whole, as the guard hands it on: it runs in the server's own task.

    Quart makes two more for each, one that reads the body and one that is cancelled when the client leaves;
    that was a fifth of a request's time, and what a client asked for is done though it leaves.
    """

    async def __call__(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """ASGI."""
        message = await receive()
        if message["type"] != "http.request":
            return
        request = self._create_request_from_scope(send)
        request.body.set_result(message.get("body", b""))
        await self.handle_request(request, send)


async def _read(receive: Receive, size: int | None, limit: int) -> Receive:
    """Take the body; what gives it to the app, and then whatever comes after it."""
    if size is not None and size > limit:
        raise BodyTooLarge(f"A body may have {limit} bytes here.")
    try:
        async with asyncio.timeout(BODY_SECONDS):
            body = await _collect(receive, limit)
    except TimeoutError:
        raise BodyTooSlow from None
    if body is None:
        return receive
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay


async def _collect(receive: Receive, limit: int) -> bytes | None:
    """The body, or None from a client that has left."""
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > limit:
            raise BodyTooLarge(f"A body may have {limit} bytes here.")
        more = message.get("more_body", False)
    return b"".join(parts)


def _announced(scope: Scope) -> int | None:
    """The size of the body that the headers announce; None for one of unknown size."""
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if bytes(value).isdigit() else None
        if name == b"transfer-encoding":
            return None
    return 0


async def send_problem(error: ZenaError, send: Send, extra: list[tuple[bytes, bytes]] | None = None) -> None:
    """Answer with a problem, below the framework."""
    body = msgspec.json.encode(problem_of(error))
    headers = [(key.lower().encode(), value.encode()) for key, value in problem_headers(error).items()]
    headers += [*(extra or []), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
