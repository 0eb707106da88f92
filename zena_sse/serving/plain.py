"""A stream on any ASGI server: one loop that sends what the subscription hands out."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from zena_sse.serving.drain import CLOSE_SECONDS
from zena_sse.serving.held import Held
from zena_sse.serving.stream import HIGH_WATER, Admission, Stream, Streams

Message = MutableMapping[str, Any]  # as ASGI has it
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

# What one `send` is given, so that a slow client's stream is seen to move; how much the kernel must be rid of
# before the server's `send` comes back is the server's affair.
PIECE_BYTES = 64 * 1024


class PlainStream(Stream):
    """Holds back what is handed out until the loop has sent what came before."""

    __slots__ = ("_held", "_is_cut", "_patience", "_task", "_wake")

    def __init__(self, shared: Streams, admission: Admission) -> None:
        super().__init__(shared, admission)
        self._held = Held()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[object] | None = None
        self._is_cut = False
        self._patience: asyncio.TimerHandle | None = None

    async def run(self, receive: Receive, send: Send) -> None:
        """Carry the stream until it ends or the client leaves; the response has been started.

        One that has to be cut leaves its response unfinished, and the server closes the connection.
        """
        self._task = asyncio.current_task()
        watch = asyncio.create_task(self._watch(receive))
        try:
            # One turn to hear what the server knows already: a client that has left replaces nobody.
            # hypercorn says so behind the request's end, uvicorn instead of it.
            await asyncio.sleep(0)
            if self.closed is None:
                self.open()
            while self.closed is None:
                await self._carry(send)
            await send({"type": "http.response.body", "body": self._take(), "more_body": False})
        except asyncio.CancelledError:
            if not self._is_cut or self._task is None or self._task.uncancel():
                raise
        finally:
            self.left()
            if self._patience is not None:
                self._patience.cancel()
            watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watch

    async def _carry(self, send: Send) -> None:
        """Send what is held back; when there is nothing, read the log, or wait."""
        if self._held.size:
            data = self._take()
            for start in range(0, len(data), PIECE_BYTES):
                self._blocked_since = self._shared.pulse.now
                piece = data[start : start + PIECE_BYTES]
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            self._blocked_since = None
            return
        self._wake.clear()
        self._read()
        await self._wake.wait()

    async def _watch(self, receive: Receive) -> None:
        """Wait until the client leaves."""
        while (await receive())["type"] != "http.disconnect":
            pass
        self.left()
        self._wake.set()

    def _take(self) -> bytes:
        self.stalled = False
        return self._held.take()

    def _send(self, data: bytes, kind: str = "") -> None:
        self._sent = self._shared.pulse.now
        self._held.add(data, kind)
        if self._held.size > HIGH_WATER:
            self.stalled = True
            self.subscription.fall_behind()
        self._wake.set()

    def _has_moved(self) -> bool:
        return False  # a `send` that has moved comes back

    def _cut(self) -> None:
        if self._task is not None:
            self._is_cut = True
            self._task.cancel()

    def _finish(self, last: bytes) -> None:
        self._held.add(last, "")
        self._wake.set()
        self._patience = asyncio.get_running_loop().call_later(CLOSE_SECONDS, self._cut)
