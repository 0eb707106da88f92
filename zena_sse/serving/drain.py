"""How a server lets go of its streams when it stops."""

from __future__ import annotations

import asyncio
import contextlib

from zena_sse.stream.hub import Hub

# Streams that are told at once: each slice's clients come back somewhere within the jitter of their `retry`,
# and the next slice's a moment later.
SLICE = 200
SLICE_SECONDS = 0.05

# A client that does not read keeps its stream from ending: after this the connection is cut.
CLOSE_SECONDS = 2.0

# All streams together get this long to take their last bytes.
LAST_BYTES_SECONDS = CLOSE_SECONDS + 0.5


class Drain:
    """Tells every stream that the server stops, and waits for their last bytes."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self.begun = False
        # Streams that have said `stream.closing` and whose connections are not gone yet: no longer known to
        # uvicorn, so nobody else would wait for them.
        self.closing: set[object] = set()
        self._empty = asyncio.Event()

    async def __call__(self) -> None:
        """Close every stream in slices; streams that come meanwhile are turned away at the door."""
        self.begun = True
        while streams := list(self._hub)[:SLICE]:
            for stream in streams:
                stream.close("draining")
            await asyncio.sleep(SLICE_SECONDS)
        if self.closing:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._empty.wait(), LAST_BYTES_SECONDS)

    def add(self, stream: object) -> None:
        """This stream has said its last; its connection is on its way out."""
        self.closing.add(stream)
        self._empty.clear()

    def discard(self, stream: object) -> None:
        """This stream's connection is gone."""
        self.closing.discard(stream)
        if not self.closing:
            self._empty.set()
