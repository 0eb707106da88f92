"""Streams of several users over a real log, whatever happens: everything once, in order, or told to reset.

The machine drives the real hub, reader, subscription and both carriers over a SQLite file. It decides when
a commit's offer arrives (now, late, twice, in another order, never), when the pages of a trip to the log
arrive or that it fails, when a socket is full, and what time it is. Its model is a list of texts for each
log that ever was.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Coroutine, MutableMapping, Sequence
from datetime import timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple, Protocol, TypeVar

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    precondition,
    rule,
)

from tests.databases import NOON, PATIENCE_SECONDS, epochs, new_database, until, viewed
from tests.eventstream import Received, read_events
from zena_sse.contract.events import Event, SyncError, TypingStarted
from zena_sse.errors import StorageUnavailable
from zena_sse.metrics import Metrics
from zena_sse.serving import plain
from zena_sse.serving.drain import Drain
from zena_sse.serving.room import Room
from zena_sse.serving.stream import BLOCKED_SECONDS, Admission, Stream, Streams
from zena_sse.serving.taken import TakenStream
from zena_sse.serving.turns import Turns
from zena_sse.storage.log import StoredLog, erase_stream, read_page, trim_log
from zena_sse.storage.port import Transaction
from zena_sse.storage.sqlite import SqliteStorage
from zena_sse.storage.unit import Offer
from zena_sse.stream.cursor import Cursor, parse_cursor
from zena_sse.stream.hub import Hub
from zena_sse.stream.log import Page, Position, Want
from zena_sse.stream.pulse import Pulse
from zena_sse.stream.reader import Reader
from zena_sse.stream.signals import Signals

USERS = ("jo", "max")
FILTER = frozenset({"sync.error"})
MALFORMED = ("", "-", "x", "published1", "published1-01", "published1--1", "a b-1")
HEARTBEAT_SECONDS = 15.0
# How long a stream lives, and its credential.
LONG_LIVES = (600.0, 3600.0)
LIVES = st.sampled_from([LONG_LIVES, LONG_LIVES, LONG_LIVES, (50.0, 3600.0), (600.0, 40.0), (30.0, 30.0)])
RESOLUTION = 0.25
STREAMS_PER_USER = 6
WAITING_BYTES = 300
ADDRESS = "192.0.2.1"

# A socket that stays full is looked at when a ping is due, every few seconds from there on, and when time
# passes at all, of which the machine's steps are no larger than a heartbeat and a second.
MOST_BLOCKED_SECONDS = BLOCKED_SECONDS + 2 * HEARTBEAT_SECONDS + 5 + 2

R = TypeVar("R")


# --- the model ----------------------------------------------------------------------------------


class Fact(msgspec.Struct, frozen=True):
    """An event as the model knows it: its type, and a text that no other event has."""

    type: str
    text: str

    def event(self) -> Event:
        if self.type == "sync.error":
            return SyncError(account_id="a", error=self.text, fatal=False)
        return viewed(self.text)


class ModelLog:
    """What one user's log must hold: one list for each epoch it has had."""

    def __init__(self) -> None:
        self.lists: dict[str, list[Fact]] = {}
        self.epoch = ""
        self.floor = 1

    @property
    def facts(self) -> list[Fact]:
        return self.lists[self.epoch]

    @property
    def position(self) -> Position:
        return Position(self.epoch, self.floor, len(self.facts))

    def begin(self, epoch: str) -> None:
        """A log comes into being, with nothing in it."""
        self.epoch, self.floor = epoch, 1
        self.lists[epoch] = []


class Verdict(NamedTuple):
    """How a stream may begin."""

    mode: str
    reason: str | None
    cursor: str


def judge(text: str | None, position: Position) -> Verdict:
    """How a stream that brings this cursor begins at a log that stands there, by CONTRACT's words alone."""
    head = position.cursor
    if text is None:
        return Verdict("live", None, head)
    if text in MALFORMED:
        return Verdict("reset", "malformed", head)
    epoch, _, number = text.rpartition("-")
    if epoch != position.epoch:
        return Verdict("reset", "unknown_epoch", head)
    if int(number) not in range(position.head + 1):
        return Verdict("reset", "ahead", head)
    if int(number) not in range(position.floor - 1, position.head + 1):
        return Verdict("reset", "expired", head)
    return Verdict("resumed", None, text)


# --- sockets ------------------------------------------------------------------------------------


class Socket(Protocol):
    """The client's end of one stream."""

    @property
    def stream(self) -> Stream:
        """What carries to it."""

    @property
    def full_since(self) -> float | None:
        """Since when it has taken nothing although there was something; None while it takes all."""

    async def begin(self) -> None:
        """Open the stream; returns when it has joined and nothing else has happened yet."""

    def fill(self, room: int) -> None:
        """Take so many bytes more, then no more."""

    def take(self, number: int) -> None:
        """Take so many bytes of what waits, and stay full if there is more."""

    def make_room(self) -> None:
        """Take everything again."""

    def leave(self) -> None:
        """Go away."""

    @property
    def handed_out(self) -> bytes:
        """What the stream has let go of, sent or about to be."""


class TakenSocket(asyncio.Transport):
    """The transport under a `TakenStream`; says `pause_writing` from inside `write`, as real ones do."""

    HEAD = b": head\n\n"

    def __init__(self, shared: Streams, admission: Admission) -> None:
        super().__init__()
        self.sent = bytearray()
        self.limit: int | None = None  # how much of it is taken
        self.full_since: float | None = None
        self.sent_when_paused = 0
        self.closed = False
        self._pulse = shared.pulse
        self.stream = TakenStream(shared, admission, self.HEAD)

    async def begin(self) -> None:
        self.stream.begin(self, False)

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        assert not self.closed, "written after the end"
        self.sent += data
        self._look()

    @property
    def paused(self) -> bool:
        return self.full_since is not None

    def _look(self) -> None:
        if self.limit is not None and len(self.sent) > self.limit and not self.paused and not self.closed:
            self.full_since = self._pulse.now
            self.sent_when_paused = len(self.sent)
            self.stream.pause_writing()

    def get_write_buffer_size(self) -> int:
        return 0 if self.limit is None else max(0, len(self.sent) - self.limit)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """The machine's own limits hold."""

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            asyncio.get_running_loop().call_soon(self.stream.connection_lost, None)

    def abort(self) -> None:
        self.close()

    def fill(self, room: int) -> None:
        if not self.paused:
            self.limit = len(self.sent) + room - 1
            if self.sent:
                self._look()

    def take(self, number: int) -> None:
        if self.paused and self.limit is not None and not self.closed:
            self.limit = min(self.limit + number, len(self.sent))
            self.full_since = self._pulse.now
            if not self.get_write_buffer_size():
                self._resume()

    def make_room(self) -> None:
        self.limit = None
        if self.paused and not self.closed:
            self._resume()

    def _resume(self) -> None:
        self.full_since = None
        self.stream.resume_writing()

    def leave(self) -> None:
        if not self.closed:
            self.closed = True
            self.stream.connection_lost(None)

    @property
    def handed_out(self) -> bytes:
        if self.paused and not self.stream.closed:
            after = self.sent[self.sent_when_paused :]
            events = [e for e in read_events(bytes(after)) if not e.event.startswith("stream.")]
            assert len(events) <= StreamMachine.page_records + StreamMachine.tail_records, (
                "a socket that is full got more than what was being read when it filled"
            )
        assert not self.sent or self.sent.startswith(self.HEAD)
        return bytes(self.sent)


class PlainSocket:
    """An ASGI server under a `PlainStream`; its `send` blocks while the client takes nothing."""

    def __init__(self, shared: Streams, admission: Admission) -> None:
        self.sent = bytearray()
        self.limit: int | None = None
        self.room = asyncio.Event()
        self.room.set()
        self.gone = asyncio.Event()
        self.ended = False
        self.full_since: float | None = None
        self.task: asyncio.Task[None] | None = None
        self._pulse = shared.pulse
        self.stream = plain.PlainStream(shared, admission)

    async def begin(self) -> None:
        self.task = asyncio.get_running_loop().create_task(self.stream.run(self._receive, self._send))
        while self.stream.slot < 0 and self.stream.closed is None:
            await asyncio.sleep(0)

    async def _receive(self) -> plain.Message:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: MutableMapping[str, Any]) -> None:
        assert not self.ended, "sent after the end"
        self.sent += message["body"]
        self.ended = not message["more_body"]
        if self.limit is not None and len(self.sent) > self.limit:
            self.room.clear()
            self.full_since = self._pulse.now
        await self.room.wait()
        self.full_since = None

    def fill(self, room: int) -> None:
        self.limit = len(self.sent) + room

    def take(self, number: int) -> None:
        """An ASGI server says nothing of it before it has taken all."""

    def make_room(self) -> None:
        self.limit = None
        self.room.set()

    def leave(self) -> None:
        self.gone.set()
        self.make_room()

    @property
    def handed_out(self) -> bytes:
        waiting = b"".join(self.stream._held._frames.values())
        assert len(waiting) == self.stream._held.size
        most = WAITING_BYTES + (StreamMachine.page_records + StreamMachine.tail_records + 1) * 230
        assert len(waiting) <= most, "the buffer has a bound: it, and what was being read when it filled"
        return bytes(self.sent) + waiting


class Tab:
    """One tab as the machine knows it: what was asked for, and what may be answered."""

    def __init__(self, asked: str | None, socket: Socket, ends: dict[str, float]) -> None:
        self.asked = asked
        self.socket = socket
        self.ends = ends  # when it does by itself, and how
        self.verdicts: set[Verdict] = set()  # true ones at some moment between its joining and its beginning
        self.may_reset = False
        self.may_be_shed = False
        self.checked = -1

    @property
    def stream(self) -> Stream:
        return self.socket.stream

    @property
    def user_id(self) -> str:
        return self.stream.subscription.user_id

    @property
    def open(self) -> bool:
        return self.stream.closed is None


class Knock(NamedTuple):
    """A tab that knows which cursor it will bring, and has not come yet."""

    user_id: str
    asked: str | None


class SlowLog:
    """The stored log; its pages are read at once and arrive, a whole trip of them, when the machine says."""

    def __init__(self, storage: SqliteStorage, on_read: Callable[[Sequence[Want], list[Page]], None]) -> None:
        self._log = StoredLog(storage, epochs("opened"))
        self._on_read = on_read
        self.arriving: asyncio.Future[None] | None = None
        self.hold = False

    async def pages(self, wants: Sequence[Want]) -> list[Page]:
        assert self.arriving is None, "one trip at a time"
        pages = await self._log.pages(wants)
        self._on_read(wants, pages)
        if self.hold:
            self.arriving = asyncio.get_running_loop().create_future()
            try:
                await self.arriving
            finally:
                self.arriving = None
        return pages


# --- the machine --------------------------------------------------------------------------------


class StreamMachine(RuleBasedStateMachine):
    """Subclasses say by what the streams are carried."""

    carrier: ClassVar[type[TakenSocket | PlainSocket]]
    page_records: ClassVar[int] = 3
    tail_records: ClassVar[int] = 4

    knocks: Bundle[Knock] = Bundle("knocks")

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp(prefix="zena-machine-"))
        self.loop = asyncio.new_event_loop()
        self.models = {user_id: ModelLog() for user_id in USERS}
        self.late: list[Offer] = []
        self.tabs: list[Tab] = []
        self.complaints: list[MutableMapping[str, Any]] = []
        self.loop.set_exception_handler(lambda _loop, context: self.complaints.append(dict(context)))
        self.number = 0
        self.moment = 0.0
        self.lifetime = 0.0
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr("zena_sse.stream.tail.TAIL_RECORDS", self.tail_records)
        small = partial(read_page, records=self.page_records)
        self.patch.setattr("zena_sse.storage.log.read_page", small)
        self.patch.setattr("zena_sse.serving.plain.HIGH_WATER", WAITING_BYTES)
        self.do(self.start())

    async def start(self) -> None:
        self.storage = SqliteStorage(
            new_database(self.directory),
            offer=self.late.append,
            clock=lambda: NOON,
            new_epoch=epochs("published"),
        )
        self.storage.start()
        self.hub = Hub(STREAMS_PER_USER)
        self.log = SlowLog(self.storage, self.log_was_read)
        self.shared = Streams(
            hub=self.hub,
            reader=Reader(self.log, self.hub, most=2),
            pulse=Pulse(lambda: self.moment, RESOLUTION),
            signals=Signals(lambda: NOON, lambda low, _high: low, HEARTBEAT_SECONDS),
            metrics=Metrics(),
            clock=lambda: NOON,
            drain=Drain(self.hub),
            turns=Turns(),
            room=Room(1_000, 1_000),
            lifetime=lambda: self.lifetime,
        )

    @property
    def is_quiet(self) -> bool:
        """Nobody reads the log, or what was read has to wait; none does before there is a log."""
        log: SlowLog | None = getattr(self, "log", None)
        if log is None or self.shared.reader._trips is None:
            return True
        return log.arriving is not None and not log.arriving.done()

    def do(self, work: Coroutine[Any, Any, R]) -> R:
        """Run something on the loop, and everything that follows from it."""

        async def whole() -> R:
            async with asyncio.timeout(PATIENCE_SECONDS):
                result = await work
                calm = 0
                while calm < 12:
                    calm = calm + 1 if self.is_quiet else 0
                    await asyncio.sleep(0 if calm else 0.001)
            return result

        self.note_what_may_come()
        return self.loop.run_until_complete(whole())

    def note_what_may_come(self) -> None:
        """As things stand now: how streams that have no place yet may begin, and which may be reset."""
        for tab in self.tabs:
            subscription, model = tab.stream.subscription, self.models[tab.user_id]
            if tab.open and subscription.started:
                tab.may_reset |= self.is_out_of_reach(tab, subscription.epoch, subscription.offset)
            elif tab.open:
                if model.epoch:
                    tab.verdicts.add(judge(tab.asked, model.position))
                tail = self.hub.tail(tab.user_id) or self.hub._idle.get(tab.user_id)
                verdict = None if tail is None else judge(tab.asked, tail.position)
                if verdict is not None and verdict.mode != "reset":
                    tab.verdicts.add(verdict)
                for earlier in tab.verdicts:
                    epoch, _, offset = earlier.cursor.rpartition("-")
                    tab.may_reset |= self.is_out_of_reach(tab, epoch, int(offset))

    def is_out_of_reach(self, tab: Tab, epoch: str, offset: int) -> bool:
        """Whether the log no longer holds all that comes after this place."""
        model = self.models[tab.user_id]
        return epoch != model.epoch or offset + 1 < model.floor

    def log_was_read(self, wants: Sequence[Want], pages: list[Page]) -> None:
        """What a trip found is what the model has; a log is made for new streams only."""
        for want, page in zip(wants, pages, strict=True):
            model = self.models[want.user_id]
            if not model.epoch and want.is_new:
                assert page.position.epoch.startswith("opened")
                assert page.position.epoch not in model.lists
                model.begin(page.position.epoch)
                self.note_what_may_come()
            if model.epoch:
                assert page.position == model.position
            else:
                assert page.position.epoch == "", "nobody who has a place makes a log"

    # --- what is written ------------------------------------------------------------------------

    @initialize(counts=st.tuples(st.integers(0, 12), st.integers(0, 3)))
    def there_is_something_already(self, counts: tuple[int, int]) -> None:
        for user_id, count in zip(USERS, counts, strict=True):
            for number in range(count):
                self.publish(user_id, "later", "sync.error" if number % 4 == 0 else "thread.viewed")
        self.late.clear()
        for back in (0, 2, 9):
            self.open_at_once("jo", back, "a place", filtered=back == 2)

    @rule(
        user_id=st.sampled_from(USERS),
        offered=st.sampled_from(["now", "now", "later"]),
        event_type=st.sampled_from(["thread.viewed", "thread.viewed", "sync.error"]),
    )
    def publish(self, user_id: str, offered: Literal["now", "later"], event_type: str) -> None:
        self.number += 1
        fact = Fact(event_type, f"{user_id}:{self.number}")
        offset = self.do(self.storage.write(lambda tx: tx.publish(user_id, fact.event())))
        offer = self.late[-1]
        model = self.models[user_id]
        if offer.record.epoch not in model.lists:
            model.begin(offer.record.epoch)
        model.facts.append(fact)
        assert (offer.user_id, offer.record.epoch) == (user_id, model.epoch)
        assert offer.record.offset == offset == len(model.facts)
        if offered == "now":
            self.deliver(self.late.pop())

    @rule(
        user_id=st.sampled_from(USERS),
        order=st.lists(st.integers(0, 7), min_size=1, max_size=12),
        number=st.integers(1, 8),
    )
    def publish_many(self, user_id: str, order: list[int], number: int) -> None:
        """Several commits, whose offers come in any order, some twice, some never."""
        offers = self.commit_unoffered(user_id, number)
        for place in order:
            self.deliver(offers[place % number])

    @rule(user_id=st.sampled_from(USERS))
    def announce(self, user_id: str) -> None:
        event = TypingStarted(by=user_id, where="thread")
        self.do(self.storage.write(lambda tx: tx.announce(user_id, event)))
        offer = self.late.pop()
        behind = [tab for tab in self.tabs if tab.stream.subscription.behind]
        before = [len(tab.socket.handed_out) for tab in behind]
        self.on_loop(lambda: self.hub.offer(offer.user_id, offer.record), follow=False)
        assert [len(tab.socket.handed_out) for tab in behind] == before, "ephemeral, for a stream behind"

    def deliver(self, offer: Offer) -> None:
        async def arrive() -> None:
            self.hub.offer(offer.user_id, offer.record, except_tab=offer.except_tab)

        self.do(arrive())

    @precondition(lambda self: self.late)
    @rule(which=st.integers(0), fate=st.sampled_from(["arrives", "arrives", "arrives twice", "is lost"]))
    def late_offer(self, which: int, fate: str) -> None:
        offer = self.late[which % len(self.late)]
        if fate != "is lost":
            self.deliver(offer)
        if fate != "arrives twice":
            self.late.remove(offer)

    # --- what becomes of logs -------------------------------------------------------------------

    @rule(user_id=st.sampled_from(USERS), most=st.integers(0, 6))
    def trim(self, user_id: str, most: int) -> None:
        self.do(self.storage.write(trim_log, user_id, NOON - timedelta(days=1), most))
        model = self.models[user_id]
        if model.epoch:
            model.floor = max(model.floor, len(model.facts) - most + 1)

    @rule(user_id=st.sampled_from(USERS), closes=st.booleans())
    def erase(self, user_id: str, closes: bool) -> None:
        """`closes` is what this server's own erasure does; another server's leaves it to find out."""

        def close() -> None:
            self.hub.forget(user_id)
            self.hub.close(user_id, "reset")

        def unit(tx: Transaction) -> None:
            erase_stream(tx, user_id)
            if closes:
                tx.after_commit(close)

        for tab in self.tabs:
            tab.may_reset |= closes and tab.user_id == user_id
        self.do(self.storage.write(unit))
        self.models[user_id].epoch = ""
        assert not closes or not any(tab.open for tab in self.tabs if tab.user_id == user_id)

    @precondition(lambda self: any(tab.open for tab in self.tabs))
    @rule(which=st.integers(0), reads=st.booleans(), number=st.integers(1, 14), most=st.integers(0, 14))
    def tab_pauses_for_long(self, which: int, reads: bool, number: int, most: int) -> None:
        """A slow phone: much is published meanwhile, and some of it trimmed before it looks again."""
        tab = self.pick(which)
        if reads:
            self.fall_behind(tab.user_id)
        self.on_loop(lambda: tab.socket.fill(0))
        self.pages_arrive()
        for each in range(number):
            self.publish(tab.user_id, "now", "sync.error" if each % 3 == 1 else "thread.viewed")
        self.every_tab_got_its_events_once_and_in_order()
        if most < number:
            self.trim(tab.user_id, most)
        if tab.open:
            self.on_loop(tab.socket.make_room)
            self.do(until(lambda: not (tab.open and tab.stream.subscription.behind)))

    @precondition(lambda self: any(tab.open for tab in self.tabs))
    @rule(which=st.integers(0))
    def stream_ends_while_the_log_is_read_for_it(self, which: int) -> None:
        tab = self.pick(which)
        self.fall_behind(tab.user_id)
        tab.may_be_shed = True
        self.on_loop(lambda: tab.stream.close("overloaded"))
        self.pages_arrive()

    def fall_behind(self, user_id: str) -> None:
        """Lose an offer and let the next arrive, so that streams begin to read; their pages wait."""
        self.log.hold = True
        self.publish(user_id, "later", "sync.error")
        self.late.pop()
        self.publish(user_id, "now", "thread.viewed")

    def pages_arrive(self) -> None:
        """Those that were asked for, and those that are asked for from here on."""
        self.log.hold = False
        if self.log.arriving is not None:
            self.trip_arrives(fails=False)

    @rule(user_id=st.sampled_from(USERS), closes=st.booleans(), number=st.integers(1, 5))
    def erased_user_comes_back(self, user_id: str, closes: bool, number: int) -> None:
        """Offers of the old log arrive when the new one has readers already."""
        for _ in range(number):
            self.publish(user_id, "later", "thread.viewed")
        self.erase(user_id, closes)
        self.open_at_once(user_id, 0, "nothing", filtered=False)
        for _ in range(number):
            self.deliver(self.late.pop())
            self.publish(user_id, "now", "thread.viewed")

    # --- tabs -----------------------------------------------------------------------------------

    @rule(
        target=knocks,
        user_id=st.sampled_from(USERS),
        brings=st.sampled_from(["nothing", "a place", "a place", "another epoch", "nonsense"]),
        back=st.integers(-2, 12),
        nonsense=st.sampled_from(MALFORMED),
    )
    def knock(self, user_id: str, brings: str, back: int, nonsense: str) -> Knock:
        """The stream opens later, when more may have happened."""
        model = self.models[user_id]
        others = [epoch for epoch in model.lists if epoch != model.epoch] or ["elsewhere"]
        place = max(0, len(model.facts) - back) if model.epoch else max(0, back)
        asked = {
            "nothing": None,
            "a place": f"{model.epoch or 'elsewhere'}-{place}",
            "another epoch": f"{others[back % len(others)]}-{place}",
            "nonsense": nonsense,
        }[brings]
        return Knock(user_id, asked)

    @rule(
        user_id=st.sampled_from(USERS),
        back=st.integers(0, 12),
        brings=st.sampled_from(["nothing", "a place", "a place"]),
        filtered=st.booleans(),
        tab=st.sampled_from([None, None, None, "a"]),
        room=st.none() | st.integers(0, 1_000),
        lives=LIVES,
        meanwhile=st.just([]) | st.lists(st.integers(0, 4), max_size=8),
    )
    def open_at_once(
        self,
        user_id: str,
        back: int,
        brings: str,
        filtered: bool,
        tab: str | None = None,
        room: int | None = None,
        lives: tuple[float, float] = LONG_LIVES,
        meanwhile: Sequence[int] = (),
    ) -> None:
        """The same, as it mostly happens: nothing comes in between."""
        self.open(self.knock(user_id, brings, back, ""), filtered, tab, room, lives, meanwhile)

    @rule(
        knock=consumes(knocks),
        filtered=st.booleans(),
        tab=st.sampled_from([None, None, "a"]),
        room=st.none() | st.integers(0, 1_000),
        lives=LIVES,
        meanwhile=st.just([]) | st.lists(st.integers(0, 4), max_size=8),
    )
    def open(
        self,
        knock: Knock,
        filtered: bool,
        tab: str | None,
        room: int | None = None,
        lives: tuple[float, float] = LONG_LIVES,
        meanwhile: Sequence[int] = (),
    ) -> None:
        """`meanwhile`: which of the newest commits are offered after it joined and before its first trip."""
        user_id, asked = knock
        self.lifetime, expires = lives
        admission = Admission(
            user_id=user_id,
            cursor=asked,
            expires_at=NOON + timedelta(seconds=expires),
            types=FILTER if filtered else None,
            tab=tab,
            address=ADDRESS,
        )
        offers = self.commit_unoffered(user_id, 1 + max(meanwhile)) if meanwhile else []
        before = [other for other in self.tabs if other.open and other.user_id == user_id]
        ends = {"rotated": self.moment + self.lifetime, "expired": self.moment + expires}
        opened = Tab(asked, self.carrier(self.shared, admission), ends)
        self.tabs.append(opened)

        async def begin() -> None:
            if room is not None:
                opened.socket.fill(room)
            await opened.socket.begin()
            for place in meanwhile:
                self.hub.offer(user_id, offers[place].record)

        self.do(begin())
        same = [other for other in before if tab is not None and other.stream.tab == tab]
        if same or len(before) == STREAMS_PER_USER:
            replaced = same or before[:1]
            assert [other.stream.closed for other in replaced] == ["superseded"]

    def commit_unoffered(self, user_id: str, number: int) -> list[Offer]:
        for each in range(number):
            self.publish(user_id, "later", "sync.error" if each % 3 == 1 else "thread.viewed")
        offers = self.late[-number:]
        del self.late[-number:]
        return offers

    def pick(self, which: int) -> Tab:
        here = [tab for tab in self.tabs if tab.open]
        return here[which % len(here)]

    @precondition(lambda self: any(tab.open for tab in self.tabs))
    @rule(which=st.integers(0), room=st.sampled_from([0, 0, 1, 200, 500]))
    def socket_fills(self, which: int, room: int) -> None:
        self.on_loop(lambda: self.pick(which).socket.fill(room))

    @precondition(lambda self: any(tab.open for tab in self.tabs))
    @rule(which=st.integers(0))
    def socket_has_room(self, which: int) -> None:
        self.on_loop(self.pick(which).socket.make_room)

    @precondition(lambda self: any(tab.open for tab in self.tabs))
    @rule(which=st.integers(0), number=st.integers(1, 500))
    def socket_takes_a_little(self, which: int, number: int) -> None:
        self.on_loop(lambda: self.pick(which).socket.take(number))

    @precondition(lambda self: any(tab.open for tab in self.tabs))
    @rule(seconds=st.sampled_from([1.0, 6.0, HEARTBEAT_SECONDS + 1]), times=st.integers(1, 2))
    def time_passes(self, seconds: float, times: int) -> None:
        """Streams ping, come to their end, and are cut when their sockets have been full for too long."""
        for _ in range(times):
            self.moment += seconds
            full = [(tab, tab.socket.full_since) for tab in self.tabs if tab.open]
            self.on_loop(self.pulse_beats)
            for tab, since in full:
                stuck = 0.0 if since is None else self.moment - since
                if tab.stream.closed == "blocked":
                    assert stuck >= BLOCKED_SECONDS, "cut although it had not been blocked for so long"
                elif tab.open:
                    assert stuck < MOST_BLOCKED_SECONDS, "blocked for longer than it should"
                    assert self.moment < min(tab.ends.values()) + 2 * RESOLUTION, "open beyond its end"

    def pulse_beats(self) -> None:
        self.shared.pulse._tick()
        self.shared.pulse.stop()

    @precondition(lambda self: any(tab.open for tab in self.tabs))
    @rule(which=st.integers(0))
    def client_leaves(self, which: int) -> None:
        self.on_loop(self.pick(which).socket.leave)

    def on_loop(self, call: Callable[[], object], *, follow: bool = True) -> None:
        """Call something on the loop; and let happen what follows from it."""

        async def run() -> None:
            call()

        if follow:
            self.do(run())
        else:
            self.loop.run_until_complete(run())

    @rule()
    def pages_take_their_time(self) -> None:
        """From now on a trip arrives when `trip_arrives` says so."""
        self.log.hold = True

    @precondition(lambda self: self.log.arriving is not None)
    @rule(fails=st.sampled_from([False, False, True]))
    def trip_arrives(self, fails: bool) -> None:
        gate = self.log.arriving
        assert gate is not None
        if fails:
            reader = self.shared.reader
            shed = {id(stream) for stream in islice(reader._waiting, reader._most)}
            for tab in self.tabs:
                tab.may_be_shed |= id(tab.stream) in shed
            self.on_loop(lambda: gate.set_exception(StorageUnavailable()))
        else:
            self.on_loop(lambda: gate.set_result(None))

    @rule()
    def everything_calms_down(self) -> None:
        """Sockets have room, pages arrive, and one more event reaches everybody: then all are complete."""
        for tab in self.tabs:
            if tab.open:
                self.on_loop(tab.socket.make_room)
        for user_id in USERS:
            self.publish(user_id, "now", "sync.error")
        self.pages_arrive()
        self.do(self.settled())
        for tab in self.tabs:
            if tab.open:
                subscription, model = tab.stream.subscription, self.models[tab.user_id]
                assert (subscription.epoch, subscription.offset) == (model.epoch, len(model.facts))
                assert not subscription.behind

    async def settled(self) -> None:
        await until(lambda: not any(tab.open and tab.stream.subscription.behind for tab in self.tabs))

    # --- what always holds ----------------------------------------------------------------------

    @invariant()
    def hub_holds_the_open_streams_and_no_others(self) -> None:
        assert {id(driver) for driver in self.hub} == {id(tab.stream) for tab in self.tabs if tab.open}

    @invariant()
    def nothing_complains(self) -> None:
        assert self.complaints == [], self.complaints

    @invariant()
    def every_tab_got_its_events_once_and_in_order(self) -> None:
        for tab in self.tabs:
            data = tab.socket.handed_out
            if len(data) != tab.checked:
                tab.checked = len(data)
                self.check(tab, read_events(data))

    def check(self, tab: Tab, received: list[Received]) -> None:
        if not received:
            assert not tab.stream.subscription.started or tab.stream.closed == "blocked"
        elif received[0].event == "stream.closing":
            assert len(received) == 1, "something came after the end"
            self.check_closing(tab, received[0])
        else:
            self.check_events(tab, self.check_ready(tab, received[0]), received[1:])

    def check_ready(self, tab: Tab, first: Received) -> Cursor:
        """How it began was true when it did; the cursor that it began from."""
        ready = msgspec.json.decode(first.data)["payload"]
        assert first.event == "stream.ready"
        verdict = Verdict(ready["mode"], ready.get("reason"), ready["cursor"])
        assert verdict in tab.verdicts, tab.verdicts
        assert first.last_event_id == ("" if verdict.mode == "resumed" else verdict.cursor)
        cursor = parse_cursor(verdict.cursor)
        assert cursor is not None
        assert cursor.epoch.startswith(("opened", "published"))
        return cursor

    def check_closing(self, tab: Tab, event: Received) -> None:
        reason = msgspec.json.decode(event.data)["payload"]["reason"]
        assert reason == tab.stream.closed
        if reason in tab.ends:
            assert self.moment >= tab.ends[reason], "ended before its time"
        elif reason == "reset":
            assert tab.may_reset, "reset without need"
        elif reason == "overloaded":
            assert tab.may_be_shed, "shed without need"
        else:
            assert reason == "superseded"

    def check_events(self, tab: Tab, cursor: Cursor, events: list[Received]) -> None:
        subscription = tab.stream.subscription
        facts = self.models[tab.user_id].lists[cursor.epoch]
        wanted = [
            (offset, fact)
            for offset, fact in enumerate(facts, start=1)
            if offset > cursor.offset and (subscription.types is None or fact.type in subscription.types)
        ]
        for number, event in enumerate(events):
            payload = msgspec.json.decode(event.data)["payload"]
            if event.event == "stream.closing":
                assert number == len(events) - 1, "something came after the end"
                self.check_closing(tab, event)
            elif event.event == "stream.ping":
                epoch, _, place = payload["cursor"].rpartition("-")
                assert epoch == cursor.epoch
                assert event.last_event_id == payload["cursor"]
                assert not wanted or wanted[0][0] > int(place), "a cursor beyond what was sent"
            elif event.event == "typing.started":
                assert payload["by"] == tab.user_id
            else:
                offset, fact = wanted.pop(0)
                assert (event.event, event.last_event_id) == (fact.type, f"{cursor.epoch}-{offset}")
                assert payload.get("threadId", payload.get("error")) == fact.text
        if tab.open:
            assert subscription.epoch == cursor.epoch
            assert not wanted or wanted[0][0] > subscription.offset, "passed over without being sent"

    def teardown(self) -> None:
        try:
            self.everything_calms_down()
            self.every_tab_got_its_events_once_and_in_order()
            for tab in self.tabs:
                self.on_loop(tab.socket.leave)
            self.do(self.storage.stop())
            assert len(self.hub) == 0
            assert (self.shared.reader._waiting, self.shared.reader._trips) == ({}, None)
            assert sum(map(len, self.shared.pulse._slots.values())) == 0
            assert (self.shared.room._open, self.shared.room._by_address) == (0, {})
            assert asyncio.all_tasks(self.loop) == set()
            self.nothing_complains()
        finally:
            self.patch.undo()
            self.loop.run_until_complete(self.storage.stop())
            self.loop.run_until_complete(self.loop.shutdown_default_executor())
            self.loop.close()
            shutil.rmtree(self.directory)


class TakenMachine(StreamMachine):
    """Each stream has its connection to itself."""

    carrier = TakenSocket


class PlainMachine(StreamMachine):
    """Each stream is an ASGI response."""

    carrier = PlainSocket


SHORT = settings(
    max_examples=20,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
LONG = settings(SHORT, max_examples=200, stateful_step_count=80)

TestTakenStreams = TakenMachine.TestCase
TestTakenStreams.settings = SHORT
TestPlainStreams = PlainMachine.TestCase
TestPlainStreams.settings = SHORT


class LongTakenMachine(TakenMachine):
    """The same for longer."""


class LongPlainMachine(PlainMachine):
    """The same for longer."""


TestTakenStreamsForLong = pytest.mark.slow(pytest.mark.timeout(900)(LongTakenMachine.TestCase))
TestTakenStreamsForLong.settings = LONG
TestPlainStreamsForLong = pytest.mark.slow(pytest.mark.timeout(900)(LongPlainMachine.TestCase))
TestPlainStreamsForLong.settings = LONG
