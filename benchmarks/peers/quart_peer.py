"""Peer: what one writes first with Quart, a generator and a queue for each stream. And a bare route."""

from __future__ import annotations

from collections.abc import AsyncIterator

from hub import burst, joined, ping_all, prepare, serve, steady, subject_of, user_of
from quart import Quart, Response, request

app = Quart(__name__, static_folder=None)
trigger = {"/burst": burst, "/steady": steady}


@app.before_serving
async def begin() -> None:
    """Heartbeats."""
    app.add_background_task(ping_all)


@app.get("/events")
async def events() -> Response:
    """One stream."""
    user = user_of(request.headers.get("authorization", ""))
    if user is None:
        return Response(status=401)

    async def frames() -> AsyncIterator[bytes]:
        async with joined(user) as queue:
            while True:
                yield await queue.get()

    response = Response(frames(), content_type="text/event-stream", headers={"Cache-Control": "no-store"})
    response.timeout = None
    return response


@app.post("/prepare")
async def make_ready() -> Response:
    """Make what will be published."""
    await prepare(**await request.get_json())
    return Response(status=202)


@app.post("/burst")
@app.post("/steady")
async def publish() -> Response:
    """Publish inside the server."""
    app.add_background_task(trigger[request.path], **await request.get_json())
    return Response(status=202)


@app.post("/users/<_user_id>/events")
async def accept(_user_id: str) -> Response:
    """The least that a publishing route could do: see who asks, and say 202."""
    return Response(status=401 if subject_of(request.headers.get("authorization", "")) is None else 202)


if __name__ == "__main__":
    serve(app)
