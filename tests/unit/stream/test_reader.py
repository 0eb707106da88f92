"""The reader: from the tail where it reaches, else the log, many streams in a trip, and never stuck."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

import pytest

from tests.databases import until
from zena_sse.contract.events import ClosingReason
from zena_sse.errors import StorageUnavailable
from zena_sse.stream.cursor import Cursor, Opening
from zena_sse.stream.hub import Hub
from zena_sse.stream.log import Page, Position, Record, Want
from zena_sse.stream.reader import Reader
from zena_sse.stream.subscription import Subscription


def record(offset: int) -> Record:
    return Record("e", offset, "thread.new", b"%d " % offset)


class ListLog:
    """A log in a list; pages are what it holds when they are asked for, and arrive when the gate is open."""

    def __init__(self, size: int = 100) -> None:
        self.records: list[Record] = []
        self.size = size
        self.floor = 1
        self.epoch = "e"
        self.trips: list[list[Want]] = []
        self.inside = 0
        self.most_inside = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.failure: Exception | None = None  # of the next pages to arrive
        self.broken: Want | None = None  # cannot be read, ever

    def write(self, number: int) -> list[Record]:
        new = [record(len(self.records) + 1 + each) for each in range(number)]
        self.records += new
        return new

    @property
    def asked(self) -> list[int | None]:
        """After which offsets, in all trips."""
        return [want.after for wants in self.trips for want in wants]

    async def pages(self, wants: Sequence[Want]) -> list[Page]:
        self.trips.append(list(wants))
        pages = [self._page(want.after) for want in wants]
        self.inside += 1
        self.most_inside = max(self.most_inside, self.inside)
        try:
            await self.gate.wait()
        finally:
            self.inside -= 1
        failure, self.failure = self.failure, None
        if failure is not None:
            raise failure
        if self.broken is not None and any(want[:2] == self.broken[:2] for want in wants):
            raise RuntimeError("a bug")
        return pages

    def _page(self, after: int | None) -> Page:
        position = Position(self.epoch, self.floor, len(self.records))
        if after is None:
            return Page(position, [], complete=True)
        rest = [each for each in self.records if each.offset > max(after, self.floor - 1)]
        return Page(position, rest[: self.size], complete=len(rest) <= self.size)


class Joined:
    """A stream in the hub that passes offers on, keeps what came of them, and reads when it is behind."""

    tab: str | None = None
    session: str | None = None

    def __init__(self, hub: Hub, reader: Reader, asked: str | None = None) -> None:
        self.hub, self.reader = hub, reader
        self.subscription = Subscription("jo", asked)
        self.out = b""
        self.openings: list[Opening] = []
        self.closed: str | None = None
        self.stalled = False
        self.on_receive: Callable[[], None] = lambda: None
        hub.join("jo", self)
        reader.read(self)

    @property
    def reads(self) -> bool:
        return self.subscription.behind and not self.stalled and self.closed is None

    @property
    def is_live(self) -> bool:
        return not self.subscription.behind

    def offer(self, record: Record) -> None:
        self.out += self.subscription.offer(record) or b""
        if self.reads:
            self.reader.read(self)

    def receive(self, opening: Opening | None, frames: bytes) -> None:
        assert self.openings or opening is not None, "frames before the stream has begun"
        if opening is not None:
            self.openings.append(opening)
        self.out += frames
        self.on_receive()

    def close(self, reason: ClosingReason) -> None:
        self.closed = reason
        self.hub.leave("jo", self)


class Scene:
    """A log, a hub and a reader, and streams that join."""

    def __init__(self, written: int, *, size: int = 100, most: int = 32) -> None:
        self.log, self.hub = ListLog(size), Hub(streams_per_user=100)
        self.log.write(written)
        self.reader = Reader(self.log, self.hub, most)

    def join(self, asked: str | None = "e-0") -> Joined:
        return Joined(self.hub, self.reader, asked)

    def publish(self, number: int) -> None:
        for each in self.log.write(number):
            self.hub.offer("jo", each)

    async def at_rest(self) -> None:
        """No trip is under way, and none will be."""
        await until(lambda: self.reader._trips is None)
        assert self.reader._waiting == {}


def spelled(first: int, last: int) -> bytes:
    return b"".join(record(offset).frame for offset in range(first, last + 1))


@pytest.fixture
async def complaints() -> list[str]:
    """What the loop was told of; a test that uses this expects it."""
    found: list[str] = []

    def note(_loop: asyncio.AbstractEventLoop, context: Mapping[str, object]) -> None:
        found.append(str(context["message"]))

    asyncio.get_running_loop().set_exception_handler(note)
    return found


# --- how a stream begins ------------------------------------------------------------------------


async def test_new_stream_begins_at_the_head_without_reading_what_is_there() -> None:
    scene = Scene(5)
    stream = scene.join(None)
    await scene.at_rest()
    assert stream.openings == [Opening("live", Cursor("e", 5))]
    assert (stream.out, stream.is_live) == (b"", True)
    assert scene.log.trips == [[Want("jo", None, is_new=True)]]


async def test_cursor_is_judged_and_served_in_the_same_trip() -> None:
    scene = Scene(5)
    stream = scene.join("e-2")
    await scene.at_rest()
    assert stream.openings == [Opening("resumed", Cursor("e", 2))]
    assert (stream.out, stream.is_live) == (spelled(3, 5), True)
    assert scene.log.trips == [[Want("jo", 2, is_new=True)]]


@pytest.mark.parametrize(
    ("asked", "reason"),
    [("other-2", "unknown_epoch"), ("e-9", "ahead"), ("e-1", "expired"), ("nonsense", "malformed")],
)
async def test_cursor_that_cannot_be_served_begins_at_the_head_and_nothing_is_sent(
    asked: str, reason: str
) -> None:
    scene = Scene(5, size=2)
    scene.log.floor = 3
    stream = scene.join(asked)
    await scene.at_rest()
    assert [(each.mode, each.cursor, each.reason) for each in stream.openings] == [
        ("reset", Cursor("e", 5), reason)
    ]
    assert (stream.out, stream.is_live) == (b"", True)
    scene.publish(1)
    assert stream.out == spelled(6, 6)


async def test_what_is_offered_between_joining_and_the_first_trip_follows_its_opening() -> None:
    scene = Scene(5)
    scene.log.gate.clear()
    streams = [scene.join(asked) for asked in (None, "e-3", "other-1")]
    scene.publish(2)  # joined, but the trip has not begun yet
    await until(lambda: scene.log.inside == 1)
    scene.publish(2)  # read, but not arrived yet
    assert [stream.openings for stream in streams] == [[], [], []]
    scene.log.gate.set()
    await scene.at_rest()
    assert [stream.out for stream in streams] == [spelled(8, 9), spelled(4, 9), spelled(8, 9)]
    assert [stream.openings[0].cursor.offset for stream in streams] == [7, 3, 7]
    assert all(stream.is_live and len(stream.openings) == 1 for stream in streams)
    assert len(scene.log.trips) == 1


# --- from the tail ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "opening", "frames"),
    [
        (None, Opening("live", Cursor("e", 8)), b""),
        ("e-8", Opening("resumed", Cursor("e", 8)), b""),
        ("e-6", Opening("resumed", Cursor("e", 6)), spelled(7, 8)),
        ("e-3", Opening("resumed", Cursor("e", 3)), spelled(4, 8)),
    ],
)
async def test_tail_that_reaches_back_serves_a_reconnect_without_a_trip_to_the_log(
    asked: str | None, opening: Opening, frames: bytes
) -> None:
    scene = Scene(3)
    scene.join(None)
    await scene.at_rest()
    scene.publish(5)
    scene.log.trips.clear()
    stream = scene.join(asked)
    assert stream.openings == [opening]
    assert (stream.out, stream.is_live) == (frames, True)
    assert scene.log.trips == []
    scene.publish(1)
    assert stream.out == frames + spelled(9, 9)


@pytest.mark.parametrize("asked", ["e-2", "e-9", "other-6", "nonsense"])
async def test_what_the_tail_cannot_tell_is_for_the_log_to_say(asked: str) -> None:
    """It may know less than the log: older records, or newer ones whose offers are still to come."""
    scene = Scene(3)
    scene.join(None)
    await scene.at_rest()
    scene.publish(5)
    scene.log.trips.clear()
    stream = scene.join(asked)
    assert stream.openings == []
    await scene.at_rest()
    assert len(scene.log.trips) == 1
    assert stream.openings[0].mode == ("resumed" if asked == "e-2" else "reset")
    assert stream.is_live


async def test_stream_is_ahead_of_the_tail_when_it_had_what_is_not_offered_yet() -> None:
    scene = Scene(3)
    scene.join(None)
    await scene.at_rest()
    scene.publish(2)
    late = scene.log.write(2)
    stream = scene.join("e-7")
    await scene.at_rest()
    assert stream.openings == [Opening("resumed", Cursor("e", 7))]
    for each in late:
        scene.hub.offer("jo", each)
    scene.publish(1)
    await scene.at_rest()
    assert stream.out == spelled(8, 8)


# --- from the log -------------------------------------------------------------------------------


async def test_long_way_back_is_gone_page_by_page() -> None:
    scene = Scene(10, size=4)
    stream = scene.join()
    await scene.at_rest()
    assert scene.log.asked == [0, 4, 8]
    assert (stream.out, stream.is_live) == (spelled(1, 10), True)


async def test_records_offered_while_a_page_is_on_its_way_follow_from_the_tail_at_once() -> None:
    scene = Scene(5)
    scene.log.gate.clear()
    stream = scene.join()
    await until(lambda: scene.log.inside == 1)
    scene.publish(3)
    assert stream.out == b""
    scene.log.gate.set()
    await scene.at_rest()
    assert (stream.out, stream.is_live) == (spelled(1, 8), True)
    assert scene.log.asked == [0]


async def test_steady_writes_do_not_keep_a_stream_behind_for_ever() -> None:
    scene = Scene(200, size=50)
    stream = scene.join()
    for _ in range(20):
        scene.log.gate.clear()
        if stream.is_live:
            break
        await until(lambda: scene.log.inside == 1)
        trips = len(scene.log.trips)
        scene.publish(5)  # while every single page is on its way
        scene.log.gate.set()
        await until(lambda: stream.is_live or len(scene.log.trips) > trips)  # noqa: B023  # awaited here
    assert stream.is_live
    assert stream.out == spelled(1, len(scene.log.records))


async def test_stream_whose_log_was_trimmed_beyond_it_is_closed_and_the_others_of_its_trip_are_not() -> None:
    scene = Scene(9, size=4)
    scene.log.gate.clear()
    ahead, far_back = scene.join("e-7"), scene.join("e-0")
    await until(lambda: scene.log.inside == 1)
    scene.log.floor = 7
    scene.log.gate.set()
    await scene.at_rest()
    assert (ahead.closed, ahead.out) == (None, spelled(8, 9))
    assert (far_back.closed, far_back.out) == ("reset", spelled(1, 4))


async def test_log_of_another_epoch_closes_a_stream_that_was_in_the_old_one() -> None:
    scene = Scene(3)
    stream = scene.join()
    await scene.at_rest()
    scene.log.epoch = ""  # it is gone
    scene.hub.offer("jo", record(9))
    await scene.at_rest()
    assert stream.closed == "reset"
    assert scene.log.trips[-1] == [Want("jo", 3)]


# --- shared trips -------------------------------------------------------------------------------


async def test_streams_that_wait_share_a_trip_and_one_task() -> None:
    scene = Scene(3)
    before = len(asyncio.all_tasks())
    streams = [scene.join() for _ in range(10)]
    assert len(asyncio.all_tasks()) == before + 1
    await scene.at_rest()
    assert len(scene.log.trips) == 1
    assert [stream.out for stream in streams] == [spelled(1, 3)] * 10
    assert len(asyncio.all_tasks()) == before


async def test_trip_is_bounded_and_all_get_their_turn_in_the_order_of_their_coming() -> None:
    scene = Scene(6, size=3, most=3)
    streams = [scene.join(f"e-{number % 3}") for number in range(7)]
    await scene.at_rest()
    assert scene.log.most_inside == 1
    assert [len(wants) for wants in scene.log.trips[:3]] == [3, 3, 3]
    assert [want.after for wants in scene.log.trips[:2] for want in wants] == [0, 1, 2, 0, 1, 2]
    assert scene.log.trips[2][0].after == 0  # the seventh, before anybody's second page
    assert [stream.out for stream in streams] == [spelled(number % 3 + 1, 6) for number in range(7)]


async def test_what_is_wanted_is_said_when_it_is_its_turn_not_when_it_began_to_wait() -> None:
    scene = Scene(3, most=1)
    scene.log.gate.clear()
    scene.join()
    await until(lambda: scene.log.inside == 1)
    waits = scene.join()
    scene.publish(2)
    scene.log.gate.set()
    await scene.at_rest()
    assert (waits.out, waits.is_live) == (spelled(1, 5), True)


async def test_asking_again_while_it_waits_changes_nothing() -> None:
    scene = Scene(3)
    scene.log.gate.clear()
    stream = scene.join()
    for _ in range(3):
        scene.reader.read(stream)
    await until(lambda: scene.log.inside == 1)
    scene.reader.read(stream)
    scene.log.gate.set()
    await scene.at_rest()
    assert stream.out == spelled(1, 3)
    assert scene.log.asked == [0]


async def test_stream_whose_socket_fills_is_passed_over_until_it_asks_again() -> None:
    scene = Scene(10, size=4)
    stream = scene.join()

    def fill() -> None:
        stream.stalled = True

    stream.on_receive = fill
    await scene.at_rest()
    assert (stream.out, scene.log.asked) == (spelled(1, 4), [0])
    stream.stalled, stream.on_receive = False, lambda: None
    scene.reader.read(stream)
    await scene.at_rest()
    assert (stream.out, scene.log.asked) == (spelled(1, 10), [0, 4, 8])


async def test_stream_that_ended_while_it_waited_costs_no_trip() -> None:
    scene = Scene(3, most=1)
    scene.log.gate.clear()
    first, second = scene.join(), scene.join()
    await until(lambda: scene.log.inside == 1)
    second.close("revoked")
    scene.log.gate.set()
    await scene.at_rest()
    assert (first.out, second.out, second.openings) == (spelled(1, 3), b"", [])
    assert len(scene.log.trips) == 1


# --- what goes wrong ----------------------------------------------------------------------------


async def test_trip_to_a_log_that_is_away_turns_its_streams_away_and_the_next_one_goes_well(
    complaints: list[str],
) -> None:
    scene = Scene(3, most=2)
    scene.log.gate.clear()
    streams = [scene.join() for _ in range(3)]
    await until(lambda: scene.log.inside == 1)
    scene.log.failure = StorageUnavailable()
    scene.log.gate.set()
    await scene.at_rest()
    assert [stream.closed for stream in streams] == ["overloaded", "overloaded", None]
    assert streams[2].out == spelled(1, 3)
    assert complaints == []  # a database that is away says so itself


async def test_log_that_cannot_be_read_ends_its_own_streams_and_not_those_that_share_the_trip(
    complaints: list[str],
) -> None:
    scene = Scene(3)
    scene.log.gate.clear()
    streams = [scene.join() for _ in range(3)]
    scene.log.broken = Want("jo", 1)
    streams[1].subscription.asked = "e-1"
    scene.log.gate.set()
    await scene.at_rest()
    assert [stream.closed for stream in streams] == [None, "overloaded", None]
    assert [stream.out for stream in streams] == [spelled(1, 3), b"", spelled(1, 3)]
    assert complaints == ["reading the log failed"]


async def test_stream_that_fails_to_take_its_page_is_closed_and_the_others_of_its_trip_are_served(
    complaints: list[str],
) -> None:
    scene = Scene(9, size=4)
    streams = [scene.join() for _ in range(4)]

    def fail() -> None:
        raise RuntimeError("the transport is gone")

    streams[1].on_receive = fail
    await scene.at_rest()
    assert [stream.closed for stream in streams] == [None, "overloaded", None, None]
    assert [stream.out for stream in streams] == [spelled(1, 9), spelled(1, 4), spelled(1, 9), spelled(1, 9)]
    assert len(complaints) == 1


async def test_stream_that_fails_to_take_the_tail_behind_its_page_keeps_nobody_waiting(
    complaints: list[str],
) -> None:
    """Its page made it live, its socket filled and emptied again: the next look is at the tail."""
    scene = Scene(4)
    streams = [scene.join() for _ in range(3)]
    broken = streams[0]

    def fail() -> None:
        raise RuntimeError("the transport is gone")

    def publish_then_fail() -> None:
        scene.publish(2)
        broken.subscription.fall_behind()
        broken.on_receive = fail

    broken.on_receive = publish_then_fail
    await asyncio.wait_for(scene.at_rest(), 3)
    assert broken.closed == "overloaded"
    assert [stream.out for stream in streams[1:]] == [spelled(1, 6)] * 2
    assert len(complaints) == 1
