"""Which other origins' pages may call."""

from __future__ import annotations

from quart import Quart, Response, request

from zena_sse.web.identity import Identity

# What a page of another origin may send and read; the browser asks before it sends (CORS).
_ALLOWED_HEADERS = "Authorization, Content-Type, Idempotency-Key, Last-Event-ID"
_EXPOSED_HEADERS = "Idempotent-Replayed, Retry-After"
_ALLOWED_METHODS = "GET, HEAD, POST, PUT, DELETE"
_PREFLIGHT_SECONDS = "3600"


def cors_headers(origin: str | None) -> list[tuple[bytes, bytes]]:
    """What lets a page of this origin read the answer; nothing without one."""
    if origin is None:
        return []
    return [
        (b"access-control-allow-origin", origin.encode("latin-1")),
        (b"access-control-allow-credentials", b"true"),
        (b"access-control-expose-headers", _EXPOSED_HEADERS.encode()),
        (b"vary", b"Origin"),
    ]


def allow_origins(app: Quart, identity: Identity) -> None:
    """Answer preflights, and mark what other allowed origins may read."""

    @app.before_request
    async def preflight() -> Response | None:
        asks = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
        if not asks or identity.allowed_origin(dict(request.scope)) is None:
            return None
        return Response(
            b"",
            status=204,
            headers={
                "Access-Control-Allow-Methods": _ALLOWED_METHODS,
                "Access-Control-Allow-Headers": _ALLOWED_HEADERS,
                "Access-Control-Max-Age": _PREFLIGHT_SECONDS,
            },
        )

    @app.after_request
    async def mark(response: Response) -> Response:
        for name, value in cors_headers(identity.allowed_origin(dict(request.scope))):
            response.headers.add(name.decode(), value.decode("latin-1"))
        return response
