"""A stream that has its connection to itself: its protocol writes straight to the transport."""

from __future__ import annotations

import asyncio

from zena_sse.serving.stream import Admission, Stream, Streams

# More than this in the transport and the stream is behind: the log holds the rest, not our memory.
HIGH_WATER = 256 * 1024

# A stalled reader keeps `close` from ever finishing: after this the connection is cut.
CLOSE_SECONDS = 2.0


class TakenStream(Stream, asyncio.Protocol):
    """Between the events of its connection and its subscription there is nothing: no task, no queue.

    What a stream sends first in a turn of the loop leaves at once; what follows in the same turn leaves
    together at its end, in one write.
    """

    __slots__ = ("_in_turn", "_reading", "_transport", "_turn", "_turn_bytes")

    def __init__(self, shared: Streams, admission: Admission) -> None:
        super().__init__(shared, admission)
        self._transport: asyncio.Transport | None = None
        self._reading: asyncio.Task[None] | None = None
        self._in_turn = False  # something has left in this turn of the loop
        self._turn: list[bytes] | None = None  # what is to follow at its end
        self._turn_bytes = 0

    def begin(self, transport: asyncio.Transport, head: bytes, admission: Admission, *, paused: bool) -> None:
        """Own the connection from here on; `paused` is what the transport last said to the former owner."""
        self._transport = transport
        transport.set_write_buffer_limits(high=HIGH_WATER)
        self.stalled = paused
        self.open(admission, head)
        self._wake_reader()

    # --- the transport's side -------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """A client has nothing more to say on its stream; what it says all the same is dropped."""

    def pause_writing(self) -> None:
        """The socket is full: from here on the log is read, when there is room again."""
        self.stalled = True
        self.subscription.fall_behind()

    def resume_writing(self) -> None:
        """There is room again."""
        self.stalled = False
        self._wake_reader()

    def connection_lost(self, _exc: Exception | None) -> None:
        """The client has gone."""
        self.left()
        self._shared.drain.discard(self)
        if self._reading is not None:
            self._reading.cancel()
        self._transport = None

    # --- the stream's side ----------------------------------------------------------------------

    def _send(self, data: bytes) -> None:
        if not self._in_turn:
            self._in_turn = True
            self._shared.turns.append(self)
            self._write(data)
            return
        if self._turn is None:
            self._turn = []
        self._turn.append(data)
        self._turn_bytes += len(data)
        if self._turn_bytes > HIGH_WATER:
            self._flush()

    def end_turn(self) -> None:
        """Send what the turn has gathered."""
        self._in_turn = False
        self._flush()

    def _flush(self) -> None:
        if self._turn is not None:
            data, self._turn, self._turn_bytes = b"".join(self._turn), None, 0
            self._write(data)

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def _wake_reader(self) -> None:
        if self._reading is None and not self.stalled and self.closed is None and self.subscription.behind:
            self._reading = asyncio.get_running_loop().create_task(self._read())

    async def _read(self) -> None:
        """Read the log until the stream is live, or its socket full."""
        try:
            while self.subscription.behind and not self.stalled and self.closed is None:
                self._pass_on(await self._lacking())
        finally:
            self._reading = None

    def _pass_on(self, data: bytes) -> None:
        if self.stalled:  # the socket filled while the log was read
            self.subscription.fall_behind()
        if data:
            self._deliver(data)

    def _finish(self, last: bytes) -> None:
        transport = self._transport
        if transport is None:
            return
        self._flush()
        transport.write(last)
        transport.close()
        asyncio.get_running_loop().call_later(CLOSE_SECONDS, transport.abort)
        self._shared.drain.add(self)
