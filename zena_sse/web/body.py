"""Bodies are counted as they arrive: the framework reads a chunked one whole before it looks at its size."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from zena_sse.errors import BodyNotAllowed, BodyTooLarge, ZenaError
from zena_sse.serving.plain import Message, Receive, Send
from zena_sse.web.problems import problem_headers, problem_of

# A batch of a hundred full-grown events is the largest thing anybody has to send.
BODY_BYTES = 8 * 1024 * 1024

BODILESS = frozenset({"GET", "HEAD", "OPTIONS"})

Asgi = Callable[[Message, Receive, Send], Awaitable[None]]


class BodyGuard:
    """Reads a body, bounded, before the app sees the request; refuses one where none belongs."""

    def __init__(self, app: Asgi) -> None:
        self._app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            passed_on = receive if scope["method"] in BODILESS else await _read(scope, receive)
            if scope["method"] in BODILESS and _announced(scope):
                raise BodyNotAllowed
        except ZenaError as error:
            await send_problem(error, send)
        else:
            await self._app(scope, passed_on, send)


async def _read(scope: Message, receive: Receive) -> Receive:
    """Take the body; what gives it to the app, and then whatever comes after it."""
    if _announced(scope) > BODY_BYTES:
        raise BodyTooLarge
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            return receive
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > BODY_BYTES:
            raise BodyTooLarge(f"A body may have {BODY_BYTES} bytes.")
        more = message.get("more_body", False)
    waiting: list[Message] = [{"type": "http.request", "body": b"".join(parts), "more_body": False}]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay


def _announced(scope: Message) -> int:
    """The size of the body that the headers announce; 1 for one of unknown size."""
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if bytes(value).isdigit() else 1
        if name == b"transfer-encoding":
            return 1
    return 0


async def send_problem(error: ZenaError, send: Send, extra: list[tuple[bytes, bytes]] | None = None) -> None:
    """Answer with a problem, below the framework."""
    body = msgspec.json.encode(problem_of(error))
    headers = [(key.lower().encode(), value.encode()) for key, value in problem_headers(error).items()]
    headers += [*(extra or []), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
