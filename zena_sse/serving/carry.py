"""Puts an admitted stream on the wire: on a connection of its own where the server lets us, else by ASGI."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zena_sse.serving.plain import Message, PlainStream, Receive, Send
from zena_sse.serving.stream import Admission, Streams
from zena_sse.serving.taken import TakenStream
from zena_sse.serving.takeover import EXTENSION, Takeover

Header = tuple[bytes, bytes]

# `no-transform` and the X- header keep proxies from compressing or collecting what must arrive at once.
STREAM_HEADERS: tuple[Header, ...] = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),
)

_HEAD = b"HTTP/1.1 200 OK\r\nconnection: close\r\n" + b"".join(
    b"%s: %s\r\n" % header for header in STREAM_HEADERS
)


async def carry(
    shared: Streams,
    admission: Admission,
    headers: Sequence[Header],
    scope: Mapping[str, Any],
    receive: Receive,
    send: Send,
) -> None:
    """Open the stream and carry it to its end; on a taken connection it lives on after this returns.

    A client that has left meanwhile gets none: it would replace the one that its tab has opened since.
    """
    offer: Takeover | None = scope.get("extensions", {}).get(EXTENSION)
    if offer is not None and (offer.is_gone or _take_over(shared, admission, headers, offer)):
        return
    if (await receive())["type"] == "http.disconnect":
        return
    await send(response_start([*STREAM_HEADERS, *headers]))
    await PlainStream(shared, admission).run(receive, send)


def response_start(headers: Sequence[Header]) -> Message:
    """The head of a response that is a stream."""
    return {"type": "http.response.start", "status": 200, "headers": list(headers)}


def _take_over(shared: Streams, admission: Admission, headers: Sequence[Header], offer: Takeover) -> bool:
    # No length and no chunks: the body ends with the connection, as HTTP/1.0 had it.
    lines = [b"%s: %s\r\n" % header for header in (*offer.default_headers, *headers)]
    stream = TakenStream(shared, admission, b"%s%s\r\n" % (_HEAD, b"".join(lines)))
    return offer.take(stream, stream.begin)
