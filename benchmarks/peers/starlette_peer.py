"""Peer: sse-starlette on uvicorn, a queue for each stream; frames are bytes, so it need not encode them."""

from __future__ import annotations

from collections.abc import AsyncIterator

from hub import PING_SECONDS, burst, joined, prepare, serve, steady, user_of
from sse_starlette import EventSourceResponse
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


async def events(request: Request) -> Response:
    """One stream."""
    user = user_of(request.headers.get("authorization", ""))
    if user is None:
        return Response(status_code=401)

    async def frames() -> AsyncIterator[bytes]:
        async with joined(user) as queue:
            while True:
                yield await queue.get()

    return EventSourceResponse(frames(), ping=PING_SECONDS)


async def trigger(request: Request) -> Response:
    """Publish inside the server."""
    asked = await request.json()
    if request.url.path == "/prepare":
        await prepare(**asked)
        return Response(status_code=202)
    work = burst if request.url.path == "/burst" else steady
    return Response(status_code=202, background=BackgroundTask(work, **asked))


if __name__ == "__main__":
    serve(
        Starlette(
            routes=[
                Route("/events", events),
                Route("/prepare", trigger, methods=["POST"]),
                Route("/burst", trigger, methods=["POST"]),
                Route("/steady", trigger, methods=["POST"]),
            ]
        )
    )
