"""What a taken stream writes within one turn of the loop: the first frame at once, the rest together."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from tests.databases import NOON
from zena_sse.metrics import Metrics
from zena_sse.serving.drain import Drain
from zena_sse.serving.stream import Admission, Streams
from zena_sse.serving.taken import HIGH_WATER, TakenStream
from zena_sse.serving.turns import Turns
from zena_sse.stream.cursor import Cursor, Opening
from zena_sse.stream.hub import Hub
from zena_sse.stream.log import Page, Position, Record
from zena_sse.stream.pulse import Pulse
from zena_sse.stream.reader import Reader
from zena_sse.stream.signals import Signals

ADMISSION = Admission("anna", Opening("live", Cursor("e", 0)), NOON + timedelta(hours=1))


class EmptyLog:
    """A log in which nothing is yet."""

    async def position(self, user_id: str) -> Position:
        return Position("e", 1, 0)

    async def page(self, user_id: str, after: int) -> Page:
        return Page(Position("e", 1, 0), [], complete=True)


class Socket(asyncio.Transport):
    """Remembers each write."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        self.writes.append(bytes(data))

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def close(self) -> None:
        self.writes.append(b"closed")

    def abort(self) -> None:
        pass


def numbered(offset: int, size: int = 0) -> Record:
    return Record("e", offset, "thread.new", b"%d;" % offset + b"x" * size)


async def live_stream() -> tuple[Hub, TakenStream, Socket]:
    """A stream that has caught up, at the beginning of a turn."""
    hub = Hub()
    shared = Streams(
        hub=hub,
        reader=Reader(EmptyLog(), hub),
        pulse=Pulse(lambda: 0.0, 1.0),
        signals=Signals(lambda: NOON, lambda low, _high: low, 15.0),
        metrics=Metrics(),
        clock=lambda: NOON,
        drain=Drain(hub),
        turns=Turns(),
    )
    stream, socket = TakenStream(shared, ADMISSION), Socket()
    stream.begin(socket, b"", ADMISSION, paused=False)
    while stream.subscription.behind:
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    socket.writes.clear()
    return hub, stream, socket


async def test_first_frame_of_a_turn_leaves_at_once_and_the_rest_together_at_its_end() -> None:
    hub, _stream, socket = await live_stream()
    hub.offer("anna", numbered(1))
    assert socket.writes == [b"1;"]
    hub.offer("anna", numbered(2))
    hub.offer("anna", numbered(3))
    assert socket.writes == [b"1;"]
    await asyncio.sleep(0)
    assert socket.writes == [b"1;", b"2;3;"]


async def test_next_turn_begins_anew() -> None:
    hub, _stream, socket = await live_stream()
    hub.offer("anna", numbered(1))
    await asyncio.sleep(0)
    hub.offer("anna", numbered(2))
    assert socket.writes == [b"1;", b"2;"]


async def test_turn_that_grows_too_large_is_written_before_its_end_and_nothing_is_lost() -> None:
    hub, _stream, socket = await live_stream()
    for offset in range(1, 12):
        hub.offer("anna", numbered(offset, HIGH_WATER // 4))
    assert len(socket.writes) > 1
    await asyncio.sleep(0)
    assert b"".join(socket.writes) == b"".join(numbered(n, HIGH_WATER // 4).frame for n in range(1, 12))


async def test_closing_comes_behind_what_the_turn_has_gathered() -> None:
    hub, stream, socket = await live_stream()
    hub.offer("anna", numbered(1))
    hub.offer("anna", numbered(2))
    stream.close("draining")
    assert socket.writes[:2] == [b"1;", b"2;"]
    assert b"stream.closing" in socket.writes[2]
    assert socket.writes[3:] == [b"closed"]
    await asyncio.sleep(0)
    assert len(socket.writes) == 4
