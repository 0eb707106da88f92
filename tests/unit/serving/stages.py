"""Streams over a log that is nearly empty, on wires whose other end the test holds, in time that it moves."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from tests.databases import NOON, until
from tests.eventstream import Received, read_events
from zena_sse.metrics import Metrics
from zena_sse.serving.drain import Drain
from zena_sse.serving.plain import Message, PlainStream
from zena_sse.serving.room import Room
from zena_sse.serving.stream import Admission, Stream, Streams
from zena_sse.serving.taken import TakenStream
from zena_sse.serving.turns import Turns
from zena_sse.stream.hub import Hub
from zena_sse.stream.log import Page, Position, Record, Want
from zena_sse.stream.pulse import Pulse
from zena_sse.stream.reader import Reader
from zena_sse.stream.signals import Signals

ANNA = "anna"
HEAD = b": head\n\n"
RESOLUTION = 0.25


def durable(offset: int, size: int = 0) -> Record:
    """A record whose frame says its offset."""
    return Record("e", offset, "thread.new", b"data: %d\n\n" % offset + b":" + b"x" * size + b"\n")


def ephemeral(text: str, kind: str = "") -> Record:
    """One that has no place; of a kind, if one is said."""
    return Record("", 0, "typing.started", b"data: %s\n\n" % text.encode(), kind)


class ShortLog:
    """A log that ends where it is said to; it is read when the gate is open."""

    def __init__(self) -> None:
        self.head = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def pages(self, wants: Sequence[Want]) -> list[Page]:
        await self.gate.wait()
        return [self._page(want.after) for want in wants]

    def _page(self, after: int | None) -> Page:
        first = self.head + 1 if after is None else after + 1
        records = [durable(offset) for offset in range(first, self.head + 1)]
        return Page(Position("e", 1, self.head), records, complete=True)


class Stage:
    """What streams share, in time that passes when the test says so."""

    def __init__(self, lifetimes: Sequence[float] = (), heartbeat: float = 15.0) -> None:
        self.now = 0.0
        self.log = ShortLog()
        self.hub = Hub(10)
        self.room = Room(1_000, 1_000)
        drawn = iter(lifetimes)
        self.shared = Streams(
            hub=self.hub,
            reader=Reader(self.log, self.hub),
            pulse=Pulse(lambda: self.now, RESOLUTION),
            signals=Signals(self.clock, lambda low, _high: low, heartbeat),
            metrics=Metrics(),
            clock=self.clock,
            drain=Drain(self.hub),
            turns=Turns(),
            room=self.room,
            lifetime=lambda: next(drawn, 3600.0),
        )

    def clock(self) -> datetime:
        return NOON + timedelta(seconds=self.now)

    def admission(self, expires: float = 7200.0, **others: Any) -> Admission:
        return Admission(ANNA, self.clock() + timedelta(seconds=expires), address="192.0.2.1", **others)

    def offer(self, *records: Record) -> None:
        """All in one turn of the loop."""
        for record in records:
            self.log.head = max(self.log.head, record.offset)
            self.hub.offer(ANNA, record)

    async def pass_time(self, seconds: float) -> None:
        """The pulse beats once in each second of it."""
        end = self.now + seconds
        while self.now < end:
            self.now = min(end, self.now + 1.0)
            self.shared.pulse._tick()
            self.shared.pulse.stop()
            await settled()


async def settled() -> None:
    """What was set going has had its turns."""
    for _ in range(6):
        await asyncio.sleep(0)


class Wire:
    """The client's end of a stream."""

    stream: Stream

    def __init__(self, stage: Stage, admission: Admission) -> None:
        self.stage = stage
        self.admission = admission
        self.sent = b""
        self.is_cut = False

    async def open(self) -> None:
        """Begin the stream; returns when it is live, unless its log is not read."""
        raise NotImplementedError

    async def ready(self) -> None:
        """Wait until it is live; what has been sent so far does not count."""
        await until(lambda: not self.stream.subscription.behind)
        await settled()
        self.sent = b""

    def fill(self) -> None:
        """From here on nothing is taken."""
        raise NotImplementedError

    def make_room(self) -> None:
        """All is taken again."""
        raise NotImplementedError

    def take(self, number: int) -> None:
        """So many bytes of what waits are taken."""

    @property
    def received(self) -> list[Received]:
        return read_events(self.sent)

    @property
    def texts(self) -> list[str]:
        return [event.data if event.event == "message" else event.event for event in self.received]


class TakenWire(Wire, asyncio.Transport):
    """A transport that keeps each write."""

    def __init__(self, stage: Stage, admission: Admission) -> None:
        asyncio.Transport.__init__(self)
        Wire.__init__(self, stage, admission)
        self.stream = self.taken = TakenStream(stage.shared, admission, HEAD)
        self.writes: list[bytes] = []
        self.waiting = 0
        self.full = False
        self.closed = False

    async def open(self) -> None:
        self.taken.begin(self, False)
        await settled()

    async def ready(self) -> None:
        await super().ready()
        self.writes.clear()

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        self.sent += data
        self.writes.append(bytes(data))
        if self.full:
            self.waiting += len(data)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """The test's own limits hold."""

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.is_cut = True
        self.taken.connection_lost(None)

    def fill(self) -> None:
        self.full, self.waiting = True, 1_000
        self.taken.pause_writing()

    def take(self, number: int) -> None:
        self.waiting -= number

    def make_room(self) -> None:
        self.full, self.waiting = False, 0
        self.taken.resume_writing()


class PlainWire(Wire):
    """An ASGI server whose `send` blocks while the wire is full."""

    def __init__(self, stage: Stage, admission: Admission) -> None:
        super().__init__(stage, admission)
        self.stream = self.plain = PlainStream(stage.shared, admission)
        self.room = asyncio.Event()
        self.room.set()
        self.gone = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        self.task = asyncio.create_task(self.plain.run(self._receive, self._send))
        self.task.add_done_callback(lambda task: task.result())
        await settled()

    async def _receive(self) -> Message:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        try:
            await self.room.wait()
        except asyncio.CancelledError:
            self.is_cut = True
            raise
        self.sent += message["body"]

    def fill(self) -> None:
        """A frame that cannot be sent waits in `send`: from there on the stream is blocked."""
        self.room.clear()
        self.plain._send(b"data: stuck\n\n")

    def make_room(self) -> None:
        self.room.set()


WIRES = {"taken": TakenWire, "plain": PlainWire}
