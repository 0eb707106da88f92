"""The reader: from the tail where it reaches, else the log, a few at a time, and never stuck."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from tests.databases import PATIENCE_SECONDS, until
from zena_sse.contract.events import ClosingReason
from zena_sse.errors import StorageUnavailable
from zena_sse.stream.cursor import Cursor
from zena_sse.stream.hub import Hub
from zena_sse.stream.log import Page, Position, Record
from zena_sse.stream.reader import Reader
from zena_sse.stream.subscription import Reset, Subscription


def record(offset: int) -> Record:
    return Record("e", offset, "thread.new", b"%d " % offset)


class ListLog:
    """A log in a list; a page is what it holds when it was asked for, and arrives when the gate is open."""

    def __init__(self, size: int = 100) -> None:
        self.records: list[Record] = []
        self.size = size
        self.floor = 1
        self.asked: list[int] = []
        self.inside = 0
        self.most_inside = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.fails = False

    def write(self, number: int) -> list[Record]:
        new = [record(len(self.records) + 1 + each) for each in range(number)]
        self.records += new
        return new

    async def position(self, user_id: str) -> Position:
        assert user_id == "jo"
        return Position("e", self.floor, len(self.records))

    async def page(self, user_id: str, after: int) -> Page:
        self.asked.append(after)
        rest = [each for each in self.records if each.offset > max(after, self.floor - 1)]
        position = await self.position(user_id)
        self.inside += 1
        self.most_inside = max(self.most_inside, self.inside)
        try:
            await self.gate.wait()
        finally:
            self.inside -= 1
        if self.fails:
            raise StorageUnavailable
        return Page(position, rest[: self.size], complete=len(rest) <= self.size)


class Joined:
    """A stream in the hub that passes offers on and keeps what came of them."""

    tab: str | None = None
    session: str | None = None

    def __init__(self, hub: Hub, offset: int = 0) -> None:
        self.subscription = Subscription("jo", Cursor("e", offset))
        self.out = b""
        hub.join("jo", self)

    def offer(self, record: Record) -> None:
        self.out += self.subscription.offer(record) or b""

    def close(self, reason: ClosingReason) -> None:
        """Nothing closes these."""

    async def read(self, reader: Reader) -> None:
        self.out += await reader.read(self.subscription)


def spelled(first: int, last: int) -> bytes:
    return b"".join(record(offset).frame for offset in range(first, last + 1))


async def test_page_brings_a_stream_to_live() -> None:
    log, hub = ListLog(), Hub()
    log.write(5)
    stream = Joined(hub, offset=2)
    await stream.read(Reader(log, hub))
    assert stream.out == spelled(3, 5)
    assert not stream.subscription.behind


async def test_tail_that_reaches_back_spares_the_log() -> None:
    log, hub = ListLog(), Hub()
    first = Joined(hub)
    await first.read(Reader(log, hub))
    for each in log.write(5):
        hub.offer("jo", each)
    log.asked.clear()
    second = Joined(hub, offset=2)
    await second.read(Reader(log, hub))
    assert (first.out, second.out) == (spelled(1, 5), spelled(3, 5))
    assert log.asked == []


async def test_long_way_back_is_gone_page_by_page() -> None:
    log, hub = ListLog(size=4), Hub()
    log.write(10)
    stream, reader = Joined(hub), Reader(log, hub)
    read = []
    while stream.subscription.behind:
        await stream.read(reader)
        read.append(stream.subscription.offset)
    assert read == [4, 8, 10]
    assert stream.out == spelled(1, 10)


async def test_records_offered_while_a_page_is_on_its_way_follow_from_the_tail_at_once() -> None:
    log, hub = ListLog(), Hub()
    log.write(5)
    stream, reader = Joined(hub), Reader(log, hub)
    log.gate.clear()
    reading = asyncio.create_task(stream.read(reader))
    await until(lambda: log.inside == 1)
    for each in log.write(3):
        hub.offer("jo", each)
    assert stream.out == b""
    log.gate.set()
    await reading
    assert stream.out == spelled(1, 8)
    assert not stream.subscription.behind
    assert log.asked == [0]


async def test_steady_writes_do_not_keep_a_stream_behind_for_ever() -> None:
    log, hub = ListLog(size=50), Hub()
    log.write(200)
    stream, reader = Joined(hub), Reader(log, hub)
    for _ in range(20):
        log.gate.clear()
        reading = asyncio.create_task(stream.read(reader))
        await until(lambda: log.inside == 1)
        for each in log.write(5):  # while every single page is on its way
            hub.offer("jo", each)
        log.gate.set()
        await reading
        if not stream.subscription.behind:
            break
    assert not stream.subscription.behind
    assert stream.out == spelled(1, len(log.records))


async def test_only_so_many_read_the_log_at_once_and_all_get_their_turn() -> None:
    log, hub = ListLog(), Hub()
    log.write(3)
    streams, reader = [Joined(hub) for _ in range(10)], Reader(log, hub, most=3)
    log.gate.clear()
    readings = [asyncio.create_task(stream.read(reader)) for stream in streams]
    await until(lambda: log.inside == 3)
    log.gate.set()
    await asyncio.wait_for(asyncio.gather(*readings), PATIENCE_SECONDS)
    assert log.most_inside == 3
    assert [stream.out for stream in streams] == [spelled(1, 3)] * 10


async def test_place_is_asked_for_when_it_is_its_turn_not_when_it_began_to_wait() -> None:
    log, hub = ListLog(), Hub()
    log.write(3)
    waits, reader = Joined(hub), Reader(log, hub, most=1)
    log.gate.clear()
    first = asyncio.create_task(Joined(hub).read(reader))
    await until(lambda: log.inside == 1)
    second = asyncio.create_task(waits.read(reader))
    await asyncio.sleep(0)
    new = log.write(2)
    for each in new:
        hub.offer("jo", each)
    log.gate.set()
    await asyncio.gather(first, second)
    assert waits.out == spelled(1, 5)
    assert not waits.subscription.behind


@pytest.mark.parametrize("ends", ["cancelled", "failing", "reset"])
async def test_reading_that_ends_badly_gives_its_place_back(ends: str) -> None:
    log, hub = ListLog(), Hub()
    log.write(9)
    reader = Reader(log, hub, most=1)
    log.gate.clear()
    reading = asyncio.create_task(Joined(hub).read(reader))
    await until(lambda: log.inside == 1)
    spoil: dict[str, Callable[[], object]] = {
        "cancelled": reading.cancel,
        "failing": lambda: setattr(log, "fails", True),
        "reset": lambda: None,
    }
    spoil[ends]()
    log.gate.set()
    if ends == "reset":
        await reading
        log.floor = 5
        with pytest.raises(Reset):
            await Joined(hub, offset=1).read(reader)
        log.floor = 1
    else:
        with pytest.raises((asyncio.CancelledError, StorageUnavailable)):
            await reading
    log.fails = False
    after = Joined(hub)
    await asyncio.wait_for(after.read(reader), PATIENCE_SECONDS)
    assert after.out == spelled(1, 9)


async def test_failure_leaves_the_subscription_where_it_was() -> None:
    log, hub = ListLog(), Hub()
    log.write(3)
    stream, reader = Joined(hub), Reader(log, hub)
    log.fails = True
    with pytest.raises(StorageUnavailable):
        await stream.read(reader)
    assert (stream.subscription.offset, stream.subscription.behind) == (0, True)
    log.fails = False
    await stream.read(reader)
    assert stream.out == spelled(1, 3)
