"""Which other origins' pages may call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from quart import Quart

from zena_sse.serving.plain import Message, Receive, Send
from zena_sse.web.identity import Identity, Scope, header

Asgi = Callable[[Message, Receive, Send], Awaitable[None]]

# What a page of another origin may send and read; the browser asks before it sends (CORS).
_PREFLIGHT_HEADERS = (
    (b"access-control-allow-methods", b"GET, HEAD, POST, PUT, DELETE"),
    (b"access-control-allow-headers", b"Authorization, Content-Type, Idempotency-Key, Last-Event-ID"),
    (b"access-control-max-age", b"3600"),
)
_EXPOSED_HEADERS = b"Idempotent-Replayed, Retry-After"

# A browser refuses an answer that has two of them.
ALLOW_ORIGIN = b"access-control-allow-origin"


def cors_headers(origin: str | None) -> list[tuple[bytes, bytes]]:
    """What lets a page of this origin read the answer; nothing without one."""
    if origin is None:
        return []
    return [
        (ALLOW_ORIGIN, origin.encode("latin-1")),
        (b"access-control-allow-credentials", b"true"),
        (b"access-control-expose-headers", _EXPOSED_HEADERS),
        (b"vary", b"Origin"),
    ]


def allow_origins(app: Quart, identity: Identity) -> None:
    """Answer preflights, and mark what other allowed origins may read; all else passes untouched."""
    inner: Asgi = app.asgi_app  # type: ignore[assignment]  # the same ASGI, typed loosely

    async def answer(scope: Message, receive: Receive, send: Send) -> None:
        origin = identity.allowed_origin(scope) if scope["type"] == "http" else None
        if origin is None:
            await inner(scope, receive, send)
        elif _is_preflight(scope):
            headers = [*_PREFLIGHT_HEADERS, *cors_headers(origin)]
            await send({"type": "http.response.start", "status": 204, "headers": headers})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        else:
            await inner(scope, receive, _marking(send, origin))

    app.asgi_app = answer  # type: ignore[assignment,method-assign]  # the documented way to wrap it


def _is_preflight(scope: Scope) -> bool:
    return scope["method"] == "OPTIONS" and header(scope, b"access-control-request-method") is not None


def _marking(send: Send, origin: str) -> Send:
    """`send`, with what lets a page of this origin read the answer, in place of what lets anybody read it."""

    async def mark(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [pair for pair in message["headers"] if bytes(pair[0]).lower() != ALLOW_ORIGIN]
            message["headers"] = [*kept, *cors_headers(origin)]
        await send(message)

    return mark
