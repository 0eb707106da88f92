"""Streams of several users over a real log, whatever happens: everything once, in order, or told to reset.

The machine drives the real hub, reader, subscription and both carriers over a SQLite file. It decides when
a commit's offer arrives (now, late, twice, in another order, never), when a page that was read arrives, and
when a socket is full. Its model is a list of texts for each log that ever was.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Coroutine, MutableMapping
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, TypeVar

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
from zena_sse.metrics import Metrics
from zena_sse.serving import plain
from zena_sse.serving.drain import Drain
from zena_sse.serving.stream import Admission, Stream, Streams
from zena_sse.serving.taken import TakenStream
from zena_sse.serving.turns import Turns
from zena_sse.storage.log import StoredLog, erase_stream, read_page, trim_log
from zena_sse.storage.port import Transaction
from zena_sse.storage.sqlite import SqliteStorage
from zena_sse.storage.unit import Offer
from zena_sse.stream.cursor import Opening, open_at
from zena_sse.stream.hub import Hub
from zena_sse.stream.log import Page, Position
from zena_sse.stream.pulse import Pulse
from zena_sse.stream.reader import Reader
from zena_sse.stream.signals import Signals

USERS = ("jo", "max")
FILTER = frozenset({"sync.error"})
HEARTBEAT_SECONDS = 15.0

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

    def opening(self, text: str | None) -> tuple[str, str | None]:
        """Mode and reason for a cursor, as CONTRACT has them, judged with lists alone."""
        if text is None:
            return "live", None
        epoch, dash, number = text.rpartition("-")
        if not dash or not number.isdecimal() or not epoch.isalnum():
            return "reset", "malformed"
        if epoch != self.epoch:
            return "reset", "unknown_epoch"
        places = range(len(self.facts) + 1)
        if int(number) not in places:
            return "reset", "ahead"
        return ("resumed", None) if int(number) >= self.floor - 1 else ("reset", "expired")


# --- sockets ------------------------------------------------------------------------------------


class Socket(Protocol):
    """The client's end of one stream."""

    @property
    def stream(self) -> Stream:
        """What carries to it."""

    def begin(self, admission: Admission) -> None:
        """Open the stream."""

    def fill(self, room: int) -> None:
        """Take so many bytes more, then no more."""

    def make_room(self) -> None:
        """Take everything again."""

    def leave(self) -> None:
        """Go away."""

    @property
    def handed_out(self) -> bytes:
        """What the stream has let go of, sent or about to be."""


class TakenSocket(asyncio.Transport):
    """The transport under a `TakenStream`; says `pause_writing` from inside `write`, as real ones do."""

    def __init__(self, shared: Streams, admission: Admission) -> None:
        super().__init__()
        self.sent = bytearray()
        self.limit: int | None = None
        self.paused = False
        self.sent_when_paused = 0
        self.closed = False
        self.stream = TakenStream(shared, admission)

    def begin(self, admission: Admission) -> None:
        self.stream.begin(self, b"", admission, paused=False)

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        assert not self.closed, "written after the end"
        self.sent += data
        self._look()

    def _look(self) -> None:
        if self.limit is not None and len(self.sent) > self.limit and not self.paused and not self.closed:
            self.paused = True
            self.sent_when_paused = len(self.sent)
            self.stream.pause_writing()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """The machine's own limits hold."""

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True
        asyncio.get_running_loop().call_soon(self.stream.connection_lost, None)

    def abort(self) -> None:
        """`close` has no bytes to wait for here."""

    def fill(self, room: int) -> None:
        self.limit = len(self.sent) + room - 1
        if self.sent:
            self._look()

    def make_room(self) -> None:
        self.limit = None
        if self.paused and not self.closed:
            self.paused = False
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
        self.task: asyncio.Task[None] | None = None
        self.stream = plain.PlainStream(shared, admission)

    def begin(self, admission: Admission) -> None:
        running = self.stream.run(admission, self._receive, self._send)
        self.task = asyncio.get_running_loop().create_task(running)

    async def _receive(self) -> plain.Message:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: MutableMapping[str, Any]) -> None:
        assert not self.ended, "sent after the end"
        self.sent += message["body"]
        self.ended = not message["more_body"]
        if self.limit is not None and len(self.sent) > self.limit:
            self.room.clear()
        await self.room.wait()

    def fill(self, room: int) -> None:
        self.limit = len(self.sent) + room

    def make_room(self) -> None:
        self.limit = None
        self.room.set()

    def leave(self) -> None:
        self.gone.set()
        self.make_room()

    @property
    def handed_out(self) -> bytes:
        waiting = b"".join(self.stream._buffer)
        most = plain.BUFFER_BYTES + (StreamMachine.page_records + StreamMachine.tail_records + 1) * 230
        assert len(waiting) <= most, "the buffer has a bound: it, and what was being read when it filled"
        return bytes(self.sent) + waiting


class Tab:
    """One tab as the machine knows it: what was asked for, and what may be answered."""

    def __init__(
        self, user_id: str, opening: Opening, expected: tuple[str, str | None], socket: Socket
    ) -> None:
        self.user_id = user_id
        self.opening = opening
        self.expected = expected
        self.socket = socket
        self.left = False
        self.may_reset = False
        self.checked = -1

    @property
    def stream(self) -> Stream:
        return self.socket.stream

    @property
    def open(self) -> bool:
        return self.stream.closed is None


class Knock(msgspec.Struct):
    """A tab that has been let in, but whose stream is not open yet."""

    user_id: str
    opening: Opening
    expected: tuple[str, str | None]


class SlowLog:
    """The stored log with small pages, that are read at once and arrive when the machine says."""

    def __init__(self, storage: SqliteStorage, records: int) -> None:
        self._storage = storage
        self._records = records
        self.reading = 0
        self.arriving: list[asyncio.Future[None]] = []
        self.hold = False
        self.position = StoredLog(storage, epochs("opened")).position

    async def page(self, user_id: str, after: int) -> Page:
        self.reading += 1
        try:
            page = await self._storage.read(read_page, user_id, after, records=self._records)
        finally:
            self.reading -= 1
        if self.hold:
            gate = asyncio.get_running_loop().create_future()
            self.arriving.append(gate)
            await gate
        return page or Page(Position("", 1, 0), [], complete=True)


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
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr("zena_sse.stream.hub.TAIL_RECORDS", self.tail_records)
        self.patch.setattr("zena_sse.serving.plain.BUFFER_BYTES", 300)
        self.do(self.start())

    async def start(self) -> None:
        self.storage = SqliteStorage(
            new_database(self.directory),
            offer=self.late.append,
            clock=lambda: NOON,
            new_epoch=epochs("published"),
        )
        self.storage.start()
        self.hub = Hub()
        self.log = SlowLog(self.storage, self.page_records)
        pulse = Pulse(lambda: self.moment, 0.25)
        self.shared = Streams(
            hub=self.hub,
            reader=Reader(self.log, self.hub, most=2),
            pulse=pulse,
            signals=Signals(lambda: NOON, lambda low, _high: low, HEARTBEAT_SECONDS),
            metrics=Metrics(),
            clock=lambda: NOON,
            drain=Drain(self.hub),
            turns=Turns(),
        )

    @property
    def reading(self) -> int:
        """How many pages are being read; none before there is a log."""
        log: SlowLog | None = getattr(self, "log", None)
        return 0 if log is None else log.reading

    def do(self, work: Coroutine[Any, Any, R]) -> R:
        """Run something on the loop, and everything that follows from it."""

        async def whole() -> R:
            async with asyncio.timeout(PATIENCE_SECONDS):
                result = await work
                for _ in range(6):
                    await asyncio.sleep(0)
                await until(lambda: not self.reading)
                for _ in range(6):
                    await asyncio.sleep(0)
            return result

        return self.loop.run_until_complete(whole())

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
            model.lists[offer.record.epoch] = []
            model.epoch, model.floor = offer.record.epoch, 1
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
        for each in range(number):
            self.publish(user_id, "later", "sync.error" if each % 3 == 1 else "thread.viewed")
        offers = self.late[-number:]
        del self.late[-number:]
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
        for tab in self.tabs:
            subscription = tab.stream.subscription
            if tab.user_id == user_id and subscription.offset + 1 < model.floor:
                tab.may_reset = True

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

        self.do(self.storage.write(unit))
        self.models[user_id].epoch = ""
        for tab in self.tabs:
            if tab.user_id == user_id:
                tab.may_reset = True
                assert not closes or not tab.open

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
        self.on_loop(lambda: tab.stream.close("superseded"))
        self.pages_arrive()

    def fall_behind(self, user_id: str) -> None:
        """Lose an offer and let the next arrive, so that streams begin to read; their pages wait."""
        self.log.hold = True
        self.publish(user_id, "later", "sync.error")
        self.late.pop()
        self.publish(user_id, "now", "thread.viewed")

    def pages_arrive(self) -> None:
        """All that were asked for, and those that are asked for from here on."""
        self.log.hold = False
        while self.log.arriving:
            self.page_arrives(0)

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
        nonsense=st.sampled_from(["", "-", "x", "published1", "published1-01", "published1--1", "a b-1"]),
    )
    def knock(self, user_id: str, brings: str, back: int, nonsense: str) -> Knock:
        """The log's position is read; the stream opens later, when more may have happened."""
        position = self.do(self.log.position(user_id))
        model = self.models[user_id]
        if not model.epoch:
            model.lists[position.epoch] = []
            model.epoch, model.floor = position.epoch, 1
        assert position == Position(model.epoch, model.floor, len(model.facts))
        others = [epoch for epoch in model.lists if epoch != model.epoch] or ["elsewhere"]
        place = max(0, len(model.facts) - back)
        text = {
            "nothing": None,
            "a place": f"{model.epoch}-{place}",
            "another epoch": f"{others[back % len(others)]}-{place}",
            "nonsense": nonsense,
        }[brings]
        expected = ("reset", "malformed") if brings == "nonsense" else model.opening(text)
        return Knock(user_id, open_at(text, position), expected)

    @rule(
        user_id=st.sampled_from(USERS),
        back=st.integers(0, 12),
        brings=st.sampled_from(["nothing", "a place", "a place"]),
        filtered=st.booleans(),
        tab=st.sampled_from([None, None, None, "a"]),
        room=st.none() | st.integers(0, 1_000),
    )
    def open_at_once(
        self,
        user_id: str,
        back: int,
        brings: str,
        filtered: bool,
        tab: str | None = None,
        room: int | None = None,
    ) -> None:
        """The same, as it mostly happens: nothing comes in between."""
        self.open(self.knock(user_id, brings, back, ""), filtered, tab, room)

    @rule(
        knock=consumes(knocks),
        filtered=st.booleans(),
        tab=st.sampled_from([None, None, "a"]),
        room=st.none() | st.integers(0, 1_000),
    )
    def open(self, knock: Knock, filtered: bool, tab: str | None, room: int | None = None) -> None:
        admission = Admission(
            user_id=knock.user_id,
            opening=knock.opening,
            expires_at=NOON + timedelta(hours=1),
            types=FILTER if filtered else None,
            tab=tab,
        )
        model = self.models[knock.user_id]

        async def begin() -> Tab:
            socket = self.carrier(self.shared, admission)
            if room is not None:
                socket.fill(room)
            socket.begin(admission)
            return Tab(knock.user_id, knock.opening, knock.expected, socket)

        opened = self.do(begin())
        cursor = knock.opening.cursor
        opened.may_reset = cursor.epoch != model.epoch or cursor.offset + 1 < model.floor
        same = [t for t in self.tabs if tab is not None and (t.user_id, t.stream.tab) == (knock.user_id, tab)]
        assert not any(other.open for other in same)
        self.tabs.append(opened)

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
    @rule(which=st.integers(0))
    def heart_beats(self, which: int) -> None:
        self.moment += HEARTBEAT_SECONDS + 1
        self.shared.pulse.now = self.moment
        self.on_loop(lambda: self.pick(which).stream.beat(self.moment))

    @precondition(lambda self: any(tab.open for tab in self.tabs))
    @rule(which=st.integers(0))
    def client_leaves(self, which: int) -> None:
        tab = self.pick(which)
        tab.left = True
        self.on_loop(tab.socket.leave)

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
        """From now on a page arrives when `page_arrives` says so."""
        self.log.hold = True

    @precondition(lambda self: self.log.arriving)
    @rule(which=st.integers(0))
    def page_arrives(self, which: int) -> None:
        gate = self.log.arriving.pop(which % len(self.log.arriving))
        if not gate.done():
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
        assert self.complaints == []

    @invariant()
    def every_tab_got_its_events_once_and_in_order(self) -> None:
        for tab in self.tabs:
            data = tab.socket.handed_out
            if len(data) != tab.checked:
                tab.checked = len(data)
                self.check(tab, read_events(data))

    def check(self, tab: Tab, received: list[Received]) -> None:
        cursor, subscription = tab.opening.cursor, tab.stream.subscription
        facts = self.models[tab.user_id].lists[cursor.epoch]
        wanted = [
            (offset, fact)
            for offset, fact in enumerate(facts, start=1)
            if offset > cursor.offset and (subscription.types is None or fact.type in subscription.types)
        ]
        first, *rest = received
        ready = msgspec.json.decode(first.data)["payload"]
        assert first.event == "stream.ready"
        assert (ready["mode"], ready.get("reason")) == tab.expected
        assert ready["cursor"] == str(cursor)
        assert first.last_event_id == ("" if ready["mode"] == "resumed" else str(cursor))
        if ready["mode"] != "resumed":
            assert cursor.epoch.startswith(("opened", "published"))
        for number, event in enumerate(rest):
            payload = msgspec.json.decode(event.data)["payload"]
            if event.event == "stream.closing":
                assert number == len(rest) - 1, "something came after the end"
                assert payload["reason"] in ("reset", "superseded")
                assert payload["reason"] != "reset" or tab.may_reset, "reset without need"
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
            assert not wanted or wanted[0][0] > subscription.offset, "passed over without being sent"

    def teardown(self) -> None:
        try:
            self.everything_calms_down()
            self.every_tab_got_its_events_once_and_in_order()
            for tab in self.tabs:
                self.on_loop(tab.socket.leave)
            self.do(self.storage.stop())
            assert len(self.hub) == 0
            assert self.shared.reader._places._value == 2
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
