"""One connection of a client: events as soon as they are whole, and every way to hang up."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import Literal, NamedTuple

# Closing with it sends a reset instead of an orderly end.
RESET_AT_CLOSE = struct.pack("ii", 1, 0)

# How a connection came to its end: the server ended it in order, cut it, or we left.
End = Literal["ended", "cut", "left"]


class Event(NamedTuple):
    """One event as it came, its fields as bytes."""

    type: bytes
    data: bytes
    id: bytes
    retry: bytes


def read_event(frame: bytes) -> Event:
    """The event in a block of lines. In a chunked response the chunk's size is a field nobody knows."""
    fields = {}
    for line in frame.split(b"\n"):
        name, _, value = line.partition(b": ")
        fields[name] = value
    return Event(*(fields.get(name, b"") for name in (b"event", b"data", b"id", b"retry")))


class Connection(asyncio.Protocol):
    """One connection: sends its request, gives each event to `take` as soon as it is whole."""

    def __init__(self, request: bytes, take: Callable[[Event], None]) -> None:
        loop = asyncio.get_running_loop()
        self.opened: asyncio.Future[int] = loop.create_future()  # the response's status; 0 for none
        self.over: asyncio.Future[End] = loop.create_future()
        self.transport: asyncio.Transport | None = None
        self._request = request
        self._take = take
        self._buffer = b""
        self._end: End = "cut"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self.opened.done():
            head, blank, rest = self._buffer.partition(b"\r\n\r\n")
            if not blank:
                return
            self._buffer = rest
            self.opened.set_result(int(head[9:12]))
        if self._end != "left":
            *frames, self._buffer = self._buffer.split(b"\n\n")
            for frame in frames:
                self._take(read_event(frame))

    def eof_received(self) -> None:
        if self._end == "cut":
            self._end = "ended"

    def connection_lost(self, _error: Exception | None) -> None:
        if not self.opened.done():
            self.opened.set_result(0)
        self.over.set_result(self._end)

    def leave(self) -> None:
        """Hang up in order."""
        assert self.transport is not None
        self._end = "left"
        self.transport.close()

    def reset(self) -> None:
        """Hang up as a process that is killed."""
        assert self.transport is not None
        self._end = "left"
        reset_at_close(self.transport.get_extra_info("socket"))
        self.transport.abort()

    def half_close(self) -> None:
        """Say that nothing more will be sent, and go on reading."""
        assert self.transport is not None
        self.transport.write_eof()

    def stop_reading(self) -> None:
        """From here on the kernel's buffers fill, first ours and then the server's."""
        assert self.transport is not None
        self.transport.pause_reading()

    def read_again(self) -> None:
        """Take what has come meanwhile."""
        assert self.transport is not None
        self.transport.resume_reading()


def field(data: bytes, name: bytes) -> bytes:
    """A text in an event's JSON; decoding the whole would cost more than all the rest."""
    return data.partition(b'"%s":"' % name)[2].partition(b'"')[0]


def reset_at_close(sock: socket.socket) -> None:
    """Have it end with a reset."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE)
