"""A stream that has its connection to itself: its protocol writes straight to the transport."""

from __future__ import annotations

import asyncio
import fcntl
import sys
import termios

from zena_sse.serving.drain import CLOSE_SECONDS
from zena_sse.serving.held import Held
from zena_sse.serving.stream import HIGH_WATER, Admission, Stream, Streams


class TakenStream(Stream, asyncio.Protocol):
    """Between the events of its connection and its subscription there is nothing: no task, no queue.

    What a stream sends first in a turn of the loop leaves at once; what follows in the same turn leaves
    together at its end, in one write.
    """

    __slots__ = ("_held", "_transport", "_turn", "_waiting")

    def __init__(self, shared: Streams, admission: Admission, head: bytes) -> None:
        super().__init__(shared, admission, head)
        self._transport: asyncio.Transport | None = None
        self._turn = 0  # the last one in which something left
        self._held: Held | None = None  # what is to follow at the end of this one
        self._waiting = 0  # bytes that the client had not acknowledged when we last looked

    def begin(self, transport: asyncio.Transport, paused: bool) -> None:
        """Own the connection from here on; `paused` is what the transport last said to the former owner."""
        self._transport = transport
        transport.set_write_buffer_limits(high=HIGH_WATER)
        if paused:
            self.pause_writing()
        self.open()

    # --- the transport's side -------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """A client has nothing more to say on its stream; what it says all the same is dropped."""

    def pause_writing(self) -> None:
        """The socket is full: from here on the log is read, when there is room again."""
        self.stalled = True
        self.subscription.fall_behind()
        self._blocked_since = self._shared.pulse.now
        self._waiting = self._unacknowledged()

    def resume_writing(self) -> None:
        """There is room again."""
        self.stalled = False
        self._blocked_since = None
        self._read()

    def connection_lost(self, _exc: Exception | None) -> None:
        """The client has gone."""
        self.left()
        self._shared.drain.discard(self)
        self._transport = None

    # --- the stream's side ----------------------------------------------------------------------

    def end_turn(self) -> None:
        """Send what was held back."""
        held, self._held = self._held, None
        if held is not None and self._transport is not None:
            self._transport.write(held.take())

    def _send(self, data: bytes, kind: str = "") -> None:
        shared = self._shared
        self._sent = shared.pulse.now
        turns = shared.turns
        if self._turn == turns.number:
            self._hold(data, kind)
        elif self._transport is not None:
            self._turn = turns.number
            if not turns.is_open:
                turns.open()
            self._transport.write(data)

    def _hold(self, data: bytes, kind: str) -> None:
        if self._held is None:
            self._held = Held()
            self._shared.turns.hold(self)
        self._held.add(data, kind)
        if self._held.size > HIGH_WATER:
            self.end_turn()

    def _has_moved(self) -> bool:
        before, self._waiting = self._waiting, self._unacknowledged()
        return self._waiting < before

    def _unacknowledged(self) -> int:
        """What waits, in the kernel too: it asks for more only after some 200 KB, minutes on a bad line."""
        if self._transport is None:
            return 0
        waiting: int = self._transport.get_write_buffer_size()
        if (sock := self._transport.get_extra_info("socket")) is not None:
            queued = fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(4))
            waiting += int.from_bytes(queued, sys.byteorder)
        return waiting

    def _cut(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _finish(self, last: bytes) -> None:
        transport = self._transport
        if transport is None:
            return
        self.end_turn()
        transport.write(last)
        transport.close()
        asyncio.get_running_loop().call_later(CLOSE_SECONDS, transport.abort)
        self._shared.drain.add(self)
