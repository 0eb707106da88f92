"""A stream on any ASGI server: one loop that sends what the subscription hands out."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from zena_sse.serving.stream import Admission, Stream, Streams

Message = MutableMapping[str, Any]  # as ASGI has it
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

# What may wait while the server's `send` blocks; beyond it the stream is behind.
BUFFER_BYTES = 256 * 1024


class PlainStream(Stream):
    """Holds back what is handed out until the loop has sent what came before."""

    __slots__ = ("_buffer", "_waiting", "_wake")

    def __init__(self, shared: Streams, admission: Admission) -> None:
        super().__init__(shared, admission)
        self._buffer: list[bytes] = []
        self._waiting = 0
        self._wake = asyncio.Event()

    async def run(self, admission: Admission, receive: Receive, send: Send) -> None:
        """Carry the stream until it ends or the client leaves; the response has been started."""
        self.open(admission)
        watch = asyncio.create_task(self._watch(receive))
        try:
            while self.closed is None:
                await self._carry(send)
            await send({"type": "http.response.body", "body": self._drain(), "more_body": False})
        finally:
            self.left()
            watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watch

    async def _carry(self, send: Send) -> None:
        """Send what is held back; when there is nothing, read the log, or wait."""
        if data := self._drain():
            await send({"type": "http.response.body", "body": data, "more_body": True})
        elif self.subscription.behind:
            if data := await self._lacking():
                self._deliver(data)
        else:
            self._wake.clear()
            await self._wake.wait()

    async def _watch(self, receive: Receive) -> None:
        """Wait until the client leaves."""
        while (await receive())["type"] != "http.disconnect":
            pass
        self.left()
        self._wake.set()

    def _drain(self) -> bytes:
        data = b"".join(self._buffer)
        self._buffer.clear()
        self._waiting = 0
        self.stalled = False
        return data

    def _send(self, data: bytes) -> None:
        self._buffer.append(data)
        self._waiting += len(data)
        if self._waiting > BUFFER_BYTES:
            self.stalled = True
            self.subscription.fall_behind()
        self._wake.set()

    def _wake_reader(self) -> None:
        self._wake.set()

    def _finish(self, last: bytes) -> None:
        self._send(last)
