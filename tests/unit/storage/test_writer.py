"""The writer: whatever a unit, a caller, the disk or the thread does, no neighbour notices, nobody hangs."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.databases import PATIENCE_SECONDS, Clock, epochs, new_database, until, viewed
from zena_sse.errors import StorageBusy, StorageUnavailable
from zena_sse.storage import writer as writer_module
from zena_sse.storage.port import Value
from zena_sse.storage.sqlite import SqliteConnection
from zena_sse.storage.unit import Offer, Rows, Unit
from zena_sse.storage.writer import Writer

SETUP = ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL")
USER = "jo"
NOTHING: dict[str, None] = {}


class Desk:
    """A writer over a real file, what it offered, and what its callers then see there."""

    def __init__(self, directory: Path) -> None:
        self.path = new_database(directory)
        with sqlite3.connect(self.path) as connection:
            connection.execute("CREATE TABLE notes (key TEXT PRIMARY KEY, filling BLOB)")
        connection.close()
        self.offers: list[Offer] = []
        self.groups: list[int] = []
        self.log: list[str] = []
        self.connect: Callable[[], SqliteConnection] = lambda: SqliteConnection(self.path, SETUP)
        self.writer = Writer(self._connect, self._offer, Clock(), epochs(), self.groups.append)

    def _connect(self) -> SqliteConnection:
        return self.connect()

    def _offer(self, offer: Offer) -> None:
        self.offers.append(offer)
        self.log.append(f"offered {offer.record.offset}")

    def ask(self, unit: Callable[[Unit], object]) -> asyncio.Task[object]:
        """A caller, on its way."""
        return asyncio.get_running_loop().create_task(self.writer.submit(unit))

    async def note(self, key: str) -> object:
        """One good unit, whole."""
        return await asyncio.wait_for(self.writer.submit(noting(key)), PATIENCE_SECONDS)

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Keep the thread busy: what is asked for meanwhile makes one group afterwards."""
        entered, release = threading.Event(), threading.Event()

        def wait(_tx: Unit) -> None:
            entered.set()
            release.wait(PATIENCE_SECONDS)

        task = self.ask(wait)
        await asyncio.to_thread(entered.wait, PATIENCE_SECONDS)
        try:
            yield
            await asyncio.sleep(0)  # the callers' first step puts their units into the queue
        finally:
            release.set()
        await task

    @property
    def notes(self) -> list[str]:
        """The rows."""
        return [str(key) for (key,) in self._read("SELECT key FROM notes ORDER BY rowid")]

    @property
    def events(self) -> list[tuple[int, bytes]]:
        """The log's rows: offset and data."""
        return self._read("SELECT \"offset\", data FROM events WHERE user_id = 'jo' ORDER BY 1")

    def _read(self, sql: str) -> list[Any]:
        connection = sqlite3.connect(self.path)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    def check(self) -> None:
        """No event without its row, no row without its event, none offered that is not stored, none twice."""
        offsets = [offset for offset, _ in self.events]
        assert offsets == list(range(1, len(offsets) + 1))
        told = [(o.record.offset, o.record.frame.partition(b"data: ")[2].strip()) for o in self.offers]
        assert told == self.events
        for key, (_, data) in zip(self.notes, self.events, strict=True):
            assert f'"threadId":"{key}"'.encode() in data


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    made = Desk(tmp_path)
    made.writer.start()
    yield made
    await asyncio.wait_for(made.writer.stop(), PATIENCE_SECONDS)


def noting(key: str, filling: int = 0) -> Callable[[Unit], object]:
    """A unit: one row and its event."""

    def unit(tx: Unit) -> str:
        tx.execute("INSERT INTO notes VALUES (:key, zeroblob(:filling))", key=key, filling=filling)
        tx.publish(USER, viewed(key))
        return key

    return unit


def failing(key: str, error: BaseException) -> Callable[[Unit], object]:
    """A unit that has written and published when it raises."""

    def unit(tx: Unit) -> None:
        noting(key)(tx)
        tx.after_commit(lambda: pytest.fail("a unit that failed was announced"))
        raise error

    return unit


def losing_the_transaction(key: str) -> Callable[[Unit], object]:
    """What SQLite does to a transaction when the disk is full, at will."""

    def unit(tx: Unit) -> None:
        noting(key)(tx)
        tx.execute("ROLLBACK")
        raise sqlite3.OperationalError("database or disk is full")

    return unit


async def outcome(task: asyncio.Task[object]) -> object:
    """What the caller got, its error's type included; it hangs no longer than our patience."""
    try:
        return await asyncio.wait_for(task, PATIENCE_SECONDS)
    except (Exception, asyncio.CancelledError) as error:
        if isinstance(error, TimeoutError):
            raise
        return type(error)


# --- units that raise ---------------------------------------------------------------------------


async def test_unit_that_raises_gets_its_error_and_its_neighbours_do_not_notice(desk: Desk) -> None:
    async with desk.held():
        callers = [
            desk.ask(noting("a")),
            desk.ask(failing("b", KeyError("mine"))),
            desk.ask(noting("c")),
        ]
    assert [await outcome(caller) for caller in callers] == ["a", KeyError, "c"]
    assert desk.notes == ["a", "c"]
    assert desk.groups[-1] == 3
    desk.check()


async def test_constraint_that_fails_is_the_units_own_error(desk: Desk) -> None:
    await desk.note("a")
    assert await outcome(desk.ask(noting("a"))) is sqlite3.IntegrityError
    assert await desk.note("b") == "b"
    desk.check()


async def test_unit_that_raises_stop_iteration_is_answered_like_any_other(desk: Desk) -> None:
    async with desk.held():
        callers = [desk.ask(noting("a")), desk.ask(lambda _tx: next(iter(()))), desk.ask(noting("c"))]
    first, second, third = [await outcome(caller) for caller in callers]
    assert (first, third) == ("a", "c")
    assert isinstance(second, type)
    assert issubclass(second, Exception)


async def test_unit_whose_failure_takes_the_transaction_fails_alone_and_the_rest_runs_again(
    desk: Desk,
) -> None:
    runs: list[str] = []

    def counting(key: str) -> Callable[[Unit], object]:
        def unit(tx: Unit) -> object:
            runs.append(key)
            return noting(key)(tx)

        return unit

    async with desk.held():
        callers = [
            desk.ask(counting("a")),
            desk.ask(failing("x", ValueError("its own fault"))),
            desk.ask(losing_the_transaction("b")),
            desk.ask(losing_the_transaction("c")),
            desk.ask(counting("d")),
        ]
    assert [await outcome(c) for c in callers] == [
        "a",
        ValueError,
        StorageUnavailable,
        StorageUnavailable,
        "d",
    ]
    assert runs == ["a", "a", "a", "d"]
    assert desk.notes == ["a", "d"]
    desk.check()


async def test_group_in_which_every_unit_takes_the_transaction_leaves_the_next_writer_alone(
    desk: Desk,
) -> None:
    async with desk.held():
        callers = [desk.ask(losing_the_transaction(key)) for key in "abc"]
    assert [await outcome(c) for c in callers] == [StorageUnavailable] * 3
    assert await desk.note("d") == "d"
    desk.check()


# --- callers that leave -------------------------------------------------------------------------


async def test_caller_cancelled_before_its_unit_starts_does_not_stop_it(desk: Desk) -> None:
    async with desk.held():
        callers = [desk.ask(noting(key)) for key in "abc"]
        await asyncio.sleep(0)
        callers[1].cancel()
    assert [await outcome(c) for c in callers] == ["a", asyncio.CancelledError, "c"]
    assert desk.notes == ["a", "b", "c"]
    desk.check()


async def test_caller_cancelled_while_its_unit_runs_does_not_undo_it(desk: Desk) -> None:
    entered, release = threading.Event(), threading.Event()

    def slow(tx: Unit) -> object:
        done = noting("a")(tx)
        entered.set()
        release.wait(PATIENCE_SECONDS)
        return done

    caller = desk.ask(slow)
    await asyncio.to_thread(entered.wait, PATIENCE_SECONDS)
    caller.cancel()
    assert await outcome(caller) is asyncio.CancelledError
    release.set()
    await desk.note("b")
    assert desk.notes == ["a", "b"]
    desk.check()


async def test_caller_that_left_a_unit_that_fails_leaves_no_complaint(desk: Desk) -> None:
    complaints: list[Mapping[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: complaints.append(context))
    async with desk.held():
        caller = desk.ask(failing("a", ValueError("nobody listens")))
        await asyncio.sleep(0)
        caller.cancel()
    await desk.note("b")
    assert complaints == []


# --- what happens after the commit --------------------------------------------------------------


async def test_events_are_offered_in_commit_order_and_before_any_caller_is_answered(desk: Desk) -> None:
    async def asking(key: str) -> None:
        await desk.writer.submit(noting(key))
        desk.log.append(f"answered {key}")

    async with desk.held():
        callers = [asyncio.create_task(asking(key)) for key in "abc"]
    await asyncio.gather(*callers)
    assert desk.log == ["offered 1", "offered 2", "offered 3", "answered a", "answered b", "answered c"]


async def test_callback_runs_on_the_loop_once_its_units_row_is_there_for_others(desk: Desk) -> None:
    seen: list[tuple[list[str], str]] = []

    def unit(tx: Unit) -> None:
        noting("a")(tx)
        tx.after_commit(lambda: seen.append((desk.notes, threading.current_thread().name)))

    await desk.writer.submit(unit)
    assert seen == [(["a"], threading.current_thread().name)]


async def test_callback_that_raises_costs_its_neighbours_nothing(desk: Desk) -> None:
    complaints: list[Mapping[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: complaints.append(context))

    def rude(tx: Unit) -> None:
        noting("a")(tx)
        tx.after_commit(lambda: NOTHING["missing"])

    async with desk.held():
        callers = [desk.ask(rude), desk.ask(noting("b"))]
    assert await outcome(callers[1]) == "b"
    assert await outcome(callers[0]) is None  # what it wrote is durable: an error would be a lie
    desk.check()
    assert len(desk.writer) == 0


async def test_offer_that_raises_costs_its_neighbours_nothing(desk: Desk) -> None:
    asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
    told: list[int] = []

    def offer(offer: Offer) -> None:
        if offer.record.offset == 1:
            raise RuntimeError("a driver is broken")
        told.append(offer.record.offset)

    desk.writer._offer = offer
    async with desk.held():
        callers = [desk.ask(noting(key)) for key in "abc"]
    assert [await outcome(caller) for caller in callers] == ["a", "b", "c"]
    assert told == [2, 3]
    assert len(desk.writer) == 0


async def test_offer_or_callback_that_raises_costs_the_same_units_others_nothing(desk: Desk) -> None:
    asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)

    def offer(offer: Offer) -> None:
        desk.log.append(f"offered {offer.record.offset}")
        if offer.record.offset == 1:
            raise RuntimeError("a driver is broken")

    def unit(tx: Unit) -> None:
        noting("a")(tx)
        noting("b")(tx)
        tx.after_commit(lambda: NOTHING["missing"])
        tx.after_commit(lambda: desk.log.append("streams of an erased user closed"))

    desk.writer._offer = offer
    await desk.writer.submit(unit)
    assert desk.log == ["offered 1", "offered 2", "streams of an erased user closed"]


# --- a bounded queue ----------------------------------------------------------------------------


async def test_full_queue_is_told_at_once_and_taken_again_when_there_is_room(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "QUEUE_LIMIT", 3)
    async with desk.held():
        waiting = [desk.ask(noting(key)) for key in "ab"]
        await asyncio.sleep(0)
        with pytest.raises(StorageBusy):
            await desk.writer.submit(noting("c"))
    assert [await outcome(c) for c in waiting] == ["a", "b"]
    assert await desk.note("d") == "d"
    assert desk.notes == ["a", "b", "d"]


async def test_callers_that_left_still_count_until_their_units_are_done(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "QUEUE_LIMIT", 2)
    async with desk.held():
        caller = desk.ask(noting("a"))
        await asyncio.sleep(0)
        caller.cancel()
        await asyncio.sleep(0)
        with pytest.raises(StorageBusy):
            await desk.writer.submit(noting("b"))
    await desk.note("c")
    assert desk.notes == ["a", "c"]


async def test_group_has_a_limit_and_what_is_beyond_it_comes_in_the_next(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "GROUP_LIMIT", 4)
    async with desk.held():
        callers = [desk.ask(noting(str(number))) for number in range(10)]
    assert [await outcome(c) for c in callers] == [str(number) for number in range(10)]
    assert desk.groups == [1, 4, 4, 2]
    desk.check()


# --- the disk -----------------------------------------------------------------------------------


async def test_full_disk_is_503_for_who_needs_room_and_the_service_returns(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    connection = sqlite3.connect(desk.path)
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.close()
    limit = (*SETUP, f"PRAGMA max_page_count = {pages + 40}")
    desk.connect = lambda: SqliteConnection(desk.path, limit)
    desk.writer.start()
    async with desk.held():
        callers = [
            desk.ask(noting("a")),
            desk.ask(noting("too much", filling=1_000_000)),
            desk.ask(noting("b")),
            desk.ask(noting("too much as well", filling=1_000_000)),
            desk.ask(noting("c")),
        ]
    results = [await outcome(c) for c in callers]
    assert results == ["a", StorageUnavailable, "b", StorageUnavailable, "c"]
    assert await desk.note("d") == "d"
    assert desk.notes == ["a", "b", "c", "d"]
    desk.check()
    assert desk.writer.alive
    await desk.writer.stop()


async def test_disk_that_fills_slowly_refuses_whole_units_until_there_is_room(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    connection = sqlite3.connect(desk.path)
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.close()
    desk.connect = lambda: SqliteConnection(desk.path, (*SETUP, f"PRAGMA max_page_count = {pages + 40}"))
    desk.writer.start()
    results = []
    for start in range(0, 100, 10):
        async with desk.held():
            callers = [desk.ask(noting(f"{start + n}", filling=5_000)) for n in range(10)]
        results += [await outcome(c) for c in callers]
    kept = [result for result in results if isinstance(result, str)]
    assert set(results) - set(kept) == {StorageUnavailable}
    assert desk.notes == kept
    desk.check()
    await desk.writer.submit(lambda tx: tx.execute("UPDATE notes SET filling = NULL"))
    assert await desk.note("room again") == "room again"
    await desk.writer.stop()


class Unreliable(SqliteConnection):
    """A connection whose COMMIT fails when it is told to, before or after it has reached the disk."""

    fails: Literal["never", "before", "after"] = "never"
    begins = True
    opened = 0

    def __init__(self, path: Path) -> None:
        super().__init__(path, SETUP)
        type(self).opened += 1

    def begin(self) -> None:
        if not self.begins:
            raise sqlite3.OperationalError("database is locked")
        super().begin()

    def run(self, sql: str, named: Mapping[str, Value]) -> Rows:
        if sql == "COMMIT" and self.fails == "before":
            raise sqlite3.OperationalError("disk I/O error")
        rows = super().run(sql, named)
        if sql == "COMMIT" and self.fails == "after":
            raise sqlite3.OperationalError("disk I/O error")
        return rows


@pytest.fixture
async def unreliable(tmp_path: Path) -> AsyncIterator[tuple[Desk, type[Unreliable]]]:
    class Faulty(Unreliable):
        """Its own class, so that one test's faults are no other's."""

    desk = Desk(tmp_path)
    desk.connect = lambda: Faulty(desk.path)
    desk.writer.start()
    yield desk, Faulty
    await asyncio.wait_for(desk.writer.stop(), PATIENCE_SECONDS)


async def test_commit_that_fails_is_503_for_the_whole_group_and_nothing_is_offered(
    unreliable: tuple[Desk, type[Unreliable]],
) -> None:
    desk, connection = unreliable
    await desk.note("before")
    async with desk.held():
        callers = [desk.ask(noting("a")), desk.ask(failing("b", ValueError("mine"))), desk.ask(noting("c"))]
        desk.ask(lambda _tx: setattr(connection, "fails", "before")).add_done_callback(asyncio.Task.exception)
    assert await outcome(callers[0]) is StorageUnavailable
    assert await outcome(callers[1]) in (ValueError, StorageUnavailable)
    assert await outcome(callers[2]) is StorageUnavailable
    connection.fails = "never"
    assert desk.notes == ["before"]
    assert await desk.note("after") == "after"
    assert connection.opened > 1
    desk.check()


async def test_commit_of_which_nobody_knows_answers_503_and_leaves_a_gap_that_streams_notice(
    unreliable: tuple[Desk, type[Unreliable]],
) -> None:
    desk, connection = unreliable
    connection.fails = "after"
    assert await outcome(desk.ask(noting("a"))) is StorageUnavailable
    connection.fails = "never"
    await desk.note("b")
    assert desk.notes == ["a", "b"]
    assert [offer.record.offset for offer in desk.offers] == [2]


async def test_transaction_that_cannot_begin_is_503_and_the_service_returns(
    unreliable: tuple[Desk, type[Unreliable]],
) -> None:
    desk, connection = unreliable
    connection.begins = False
    assert await outcome(desk.ask(noting("a"))) is StorageUnavailable
    connection.begins = True
    assert await desk.note("b") == "b"
    desk.check()


# --- the thread ---------------------------------------------------------------------------------


async def test_dead_thread_fails_everybody_at_once_and_is_replaced(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "RESTART_SECONDS", 0.05)
    monkeypatch.setattr(writer_module, "GROUP_LIMIT", 2)
    async with desk.held():
        callers = [
            desk.ask(noting("a")),
            desk.ask(failing("b", SystemExit(3))),
            desk.ask(noting("in the group behind")),
        ]
    assert [await outcome(c) for c in callers] == [StorageUnavailable] * 3
    assert not desk.writer.alive
    with pytest.raises(StorageUnavailable):
        await desk.writer.submit(noting("while it is dead"))
    assert len(desk.writer) == 0
    await until(lambda: desk.writer.alive)
    assert await desk.note("c") == "c"
    assert desk.notes == ["c"]
    desk.check()


async def test_database_that_cannot_be_opened_is_503_until_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "RESTART_SECONDS", 0.01)
    desk = Desk(tmp_path)
    failures = 3

    def connect() -> SqliteConnection:
        nonlocal failures
        if failures:
            failures -= 1
            raise sqlite3.OperationalError("unable to open database file")
        return SqliteConnection(desk.path, SETUP)

    desk.connect = connect
    desk.writer.start()
    assert await outcome(desk.ask(noting("a"))) is StorageUnavailable
    await until(lambda: failures == 0 and desk.writer.alive)
    assert await desk.note("b") == "b"
    assert desk.notes == ["b"]
    await desk.writer.stop()


async def test_connection_that_cannot_be_reopened_after_a_failed_commit_hangs_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "RESTART_SECONDS", 0.01)

    class Faulty(Unreliable):
        """Fails to commit once, and cannot be opened once after that."""

    desk = Desk(tmp_path)
    refuse = False

    def connect() -> SqliteConnection:
        nonlocal refuse
        if refuse:
            refuse = False
            Faulty.fails = "never"
            raise OSError("no more file descriptors")
        return Faulty(desk.path)

    desk.connect = connect
    desk.writer.start()
    await desk.note("a")
    async with desk.held():
        callers = [desk.ask(noting(key)) for key in "bc"]
    assert [await outcome(c) for c in callers] == ["b", "c"]
    refuse, Faulty.fails = True, "before"
    assert await outcome(desk.ask(noting("d"))) is StorageUnavailable
    await until(lambda: not refuse and desk.writer.alive)
    assert await desk.note("e") == "e"
    desk.check()
    await desk.writer.stop()


# --- stopping -----------------------------------------------------------------------------------


async def test_stop_finishes_what_waits_and_refuses_what_comes_later(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.writer.start()
    async with desk.held():
        callers = [desk.ask(noting(str(number))) for number in range(600)]
        await asyncio.sleep(0)
        stopping = asyncio.create_task(desk.writer.stop())
    await asyncio.wait_for(stopping, PATIENCE_SECONDS)
    assert [await outcome(c) for c in callers] == [str(number) for number in range(600)]
    with pytest.raises(StorageUnavailable):
        await desk.writer.submit(noting("late"))
    assert not desk.writer.alive
    desk.check()


async def test_stop_ends_a_writer_whose_thread_is_dead(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.writer.start()
    caller = desk.ask(failing("a", SystemExit()))
    assert await outcome(caller) is StorageUnavailable
    await asyncio.wait_for(desk.writer.stop(), PATIENCE_SECONDS)
    await asyncio.wait_for(desk.writer.stop(), PATIENCE_SECONDS)


async def test_thread_that_dies_while_stopping_still_answers_everybody(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.writer.start()
    async with desk.held():
        callers = [desk.ask(failing("a", SystemExit())), desk.ask(noting("b"))]
        await asyncio.sleep(0)
        stopping = asyncio.create_task(desk.writer.stop())
        await asyncio.sleep(0)
    await asyncio.wait_for(stopping, PATIENCE_SECONDS)
    assert [await outcome(c) for c in callers] == [StorageUnavailable] * 2


async def test_unit_asked_for_before_the_start_is_refused_not_kept(tmp_path: Path) -> None:
    with pytest.raises(StorageUnavailable):
        await Desk(tmp_path).writer.submit(noting("early"))


# --- any mix ------------------------------------------------------------------------------------


class Wish(NamedTuple):
    """One caller: what its unit does, and whether the caller leaves meanwhile."""

    does: Literal["writes", "raises early", "raises late", "breaks a constraint", "loses the transaction"]
    leaves: bool

    @property
    def answer(self) -> object:
        return {
            "writes": None,
            "raises early": LookupError,
            "raises late": ValueError,
            "breaks a constraint": sqlite3.IntegrityError,
            "loses the transaction": StorageUnavailable,
        }[self.does]


def granting(wish: Wish, key: str) -> Callable[[Unit], object]:
    def twice(tx: Unit) -> None:
        noting(key)(tx)
        noting(key)(tx)

    def early(_tx: Unit) -> None:
        raise LookupError

    return {
        "writes": noting(key),
        "raises early": early,
        "raises late": failing(key, ValueError()),
        "breaks a constraint": twice,
        "loses the transaction": losing_the_transaction(key),
    }[wish.does]


WISHES = st.builds(
    Wish,
    st.sampled_from(
        ["writes", "writes", "raises early", "raises late", "breaks a constraint", "loses the transaction"]
    ),
    st.booleans(),
)


async def grant_all(desk: Desk, groups: list[list[Wish]]) -> None:
    desk.writer.start()
    expected = []
    for number, group in enumerate(groups):
        async with desk.held():
            callers = [desk.ask(granting(wish, f"{number}.{n}")) for n, wish in enumerate(group)]
            await asyncio.sleep(0)
            for wish, caller in zip(group, callers, strict=True):
                if wish.leaves:
                    caller.cancel()
        for n, (wish, caller) in enumerate(zip(group, callers, strict=True)):
            key = f"{number}.{n}"
            wanted = asyncio.CancelledError if wish.leaves else (wish.answer or key)
            assert await outcome(caller) == wanted
            if wish.does == "writes":
                expected.append(key)
    await asyncio.wait_for(desk.writer.stop(), PATIENCE_SECONDS)
    assert desk.notes == expected
    assert len(desk.writer) == 0
    desk.check()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(WISHES, max_size=8), max_size=4))
def test_any_mix_of_units_and_callers_leaves_rows_and_events_in_step(groups: list[list[Wish]]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(grant_all(Desk(Path(directory)), groups))
