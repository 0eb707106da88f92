"""Puts an admitted stream on the wire: on a connection of its own where the server lets us, else by ASGI."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

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


async def carry(
    shared: Streams,
    admission: Admission,
    headers: Sequence[Header],
    scope: Message,
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
    await PlainStream(shared, admission).run(admission, receive, send)


def response_start(headers: Sequence[Header]) -> Message:
    """The head of a response that is a stream."""
    return {"type": "http.response.start", "status": 200, "headers": list(headers)}


def _take_over(shared: Streams, admission: Admission, headers: Sequence[Header], offer: Takeover) -> bool:
    stream = TakenStream(shared, admission)
    return offer.take(stream, partial(_begin, stream, admission, [*offer.default_headers, *headers]))


def _begin(
    stream: TakenStream,
    admission: Admission,
    headers: Sequence[Header],
    transport: asyncio.Transport,
    paused: bool,
) -> None:
    # No length and no chunks: the body ends with the connection, as HTTP/1.0 had it.
    lines = [b"%s: %s\r\n" % header for header in (*STREAM_HEADERS, *headers)]
    head = b"HTTP/1.1 200 OK\r\n%sconnection: close\r\n\r\n" % b"".join(lines)
    stream.begin(transport, head, admission, paused=paused)
