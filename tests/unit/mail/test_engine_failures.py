"""The sync engine when something fails: a mailbox, the database, the server itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.databases import Clock, until
from tests.mailroom import ANNA, EngineRoom, Flaky, Room, open_room, running_engine, sync
from tests.memorymailbox import MemoryMailbox, mail
from zena_sse.errors import (
    HostNotAllowed,
    MailboxMissing,
    MailboxRefused,
    MailboxUnreachable,
    StorageUnavailable,
    ZenaError,
)
from zena_sse.mail.accounts import find_account
from zena_sse.mail.keeper import LOST_SECONDS, RETRIES
from zena_sse.mail.reading import BATCH_MESSAGES
from zena_sse.settings import Settings

NEVER = MailboxUnreachable("no answer")


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    """A mail room."""
    async with open_room(tmp_path) as opened:
        yield opened


async def test_an_unreachable_mailbox_is_tried_again_at_the_right_times_then_given_up(room: Room) -> None:
    await room.account()
    boxes = {"mine": MemoryMailbox()}
    boxes["mine"].failures = [NEVER] * 5
    async with running_engine(room, boxes) as engine_room:
        for delay in RETRIES:
            await until(lambda delay=delay: engine_room.time.left() == [delay])  # type: ignore[misc]
            assert room.offered("sync.completed") == 0
            engine_room.time.pass_by(delay)
        (completed,) = await engine_room.completed(1)
        (error,) = await room.events("sync.error")
        assert list(RETRIES) == [60, 300, 900, 3600]
        assert (error["error"], error["fatal"]) == ("no answer", False)
        assert (completed["success"], completed["error"]) == (False, "no answer")
        assert boxes["mine"].opened == 5
        account = await room.storage.read(find_account, ANNA, "anna-mine")
        assert (account.state, account.error) == ("active", "no answer")
        await until(lambda: engine_room.time.left() == [600])  # and goes on with the next period
        engine_room.time.pass_by(600)
        assert (await engine_room.completed(2))[1]["success"]


async def test_nobody_hears_of_a_failure_that_the_next_try_mends(room: Room) -> None:
    await room.account()
    boxes = {"mine": MemoryMailbox()}
    boxes["mine"].failures = [NEVER]
    boxes["mine"].put(mail("Enquiry"))
    async with running_engine(room, boxes) as engine_room:
        await until(lambda: engine_room.time.left() == [60])
        engine_room.time.pass_by(60)
        (completed,) = await engine_room.completed(1)
        assert (completed["success"], completed["threadsProcessed"]) == (True, 1)
        assert await room.events("sync.error") == []


async def test_somebody_who_asks_does_not_wait_for_the_next_try(room: Room) -> None:
    await room.account()
    boxes = {"mine": MemoryMailbox()}
    boxes["mine"].failures = [NEVER]
    async with running_engine(room, boxes) as engine_room:
        await until(lambda: engine_room.time.left() == [60])
        await sync(room, engine_room)
        assert len(await engine_room.completed(1)) == 1
        assert len(await room.events("sync.started")) == 1


@pytest.mark.parametrize("error", [MailboxRefused(), MailboxMissing(), HostNotAllowed()], ids=str)
async def test_what_trying_again_cannot_mend_is_fatal_until_somebody_asks(
    room: Room, error: ZenaError
) -> None:
    await room.account()
    boxes = {"mine": MemoryMailbox()}
    boxes["mine"].failures = [error]
    async with running_engine(room, boxes) as engine_room:
        (completed,) = await engine_room.completed(1)
        (told,) = await room.events("sync.error")
        assert (told["fatal"], completed["success"], completed["error"]) == (True, False, str(error))
        account = await room.storage.read(find_account, ANNA, "anna-mine")
        assert (account.state, account.error) == ("failed", str(error))
        assert engine_room.time.left() == []
        await sync(room, engine_room)
        assert (await engine_room.completed(2))[1]["success"]
        account = await room.storage.read(find_account, ANNA, "anna-mine")
        assert (account.state, account.error) == ("active", None)


async def test_a_failed_account_is_left_alone_after_a_restart_until_somebody_asks(room: Room) -> None:
    await room.account()
    boxes = {"mine": MemoryMailbox()}
    boxes["mine"].failures = [MailboxRefused()]
    async with running_engine(room, boxes) as engine_room:
        await engine_room.completed(1)
    async with running_engine(room, boxes) as engine_room:
        await sync(room, engine_room)
        await engine_room.completed(2)
    assert boxes["mine"].opened == 2


async def test_trouble_in_one_mailbox_never_touches_another(room: Room) -> None:
    await room.account("broken")
    await room.account("sound")
    boxes = {"broken": MemoryMailbox(), "sound": MemoryMailbox()}
    boxes["broken"].failures = [RuntimeError("a bug in a library")]
    boxes["sound"].put(mail("Enquiry"))
    async with running_engine(room, boxes) as engine_room:
        (completed,) = await engine_room.completed(1)
        assert (completed["accountId"], completed["success"]) == ("anna-sound", True)
        await until(lambda: 60.0 in engine_room.time.left())


async def test_a_connection_that_is_lost_in_silence_is_opened_again_soon(room: Room) -> None:
    await room.account()
    async with running_engine(room) as engine_room:
        await engine_room.completed(1)
        box = engine_room.box()
        await until(lambda: box.waiting == 1)
        box.lose(NEVER)
        await until(lambda: engine_room.time.left() == [LOST_SECONDS])
        box.broken_fetch = None
        engine_room.time.pass_by(LOST_SECONDS)
        await engine_room.completed(2)
        assert (box.opened, box.closed) == (2, 1)


async def test_a_database_that_does_not_answer_for_a_while_stops_nobody_for_good(room: Room) -> None:
    await room.account()
    flaky = Flaky(room.storage)
    engine_room = EngineRoom(room, Settings(), flaky)
    flaky.down = True
    with pytest.raises(StorageUnavailable):
        await engine_room.engine.start()
    flaky.down = False
    await engine_room.engine.start()
    await engine_room.completed(1)
    await until(lambda: engine_room.box().waiting == 1)
    flaky.down = True
    engine_room.box().put(mail("Enquiry"))
    await until(lambda: 30.0 in engine_room.time.left())
    flaky.down = False
    engine_room.time.pass_by(30)
    await until(lambda: len(engine_room.time.left()) > 0)
    engine_room.time.pass_by(60)
    await engine_room.completed(2)
    await engine_room.engine.stop()
    assert len(await room.events("thread.new")) == 1


# --- stops and crashes ----------------------------------------------------------------------------


async def test_a_stop_ends_the_run_under_way_as_interrupted(room: Room) -> None:
    await room.account()
    engine_room = EngineRoom(room, Settings())
    engine_room.box().failures = [NEVER]
    await engine_room.engine.start()
    await until(lambda: engine_room.time.left() == [60])
    await engine_room.engine.stop()
    (completed,) = await room.events("sync.completed")
    assert (completed["success"], completed["error"]) == (False, "interrupted")
    async with running_engine(room, engine_room.boxes):  # and it is read at once after the next start
        await until(lambda: room.offered("sync.completed") == 2)


async def test_a_stop_interrupts_whoever_waits_and_closes_the_mailbox(room: Room) -> None:
    await room.account()
    async with running_engine(room) as engine_room:
        await engine_room.completed(1)
        await until(lambda: engine_room.box().waiting == 1)
    assert (engine_room.box().waiting, engine_room.box().closed) == (0, 1)
    assert len(await room.events("sync.completed")) == 1


@pytest.mark.parametrize("units", range(2, 9))
async def test_a_crash_between_batches_leaves_each_message_exactly_once(tmp_path: Path, units: int) -> None:
    box = MemoryMailbox()
    total = 4 * BATCH_MESSAGES
    for number in range(total):
        box.put(mail(f"Enquiry {number}", minutes=number))
    async with open_room(tmp_path) as room:
        await room.account()
        flaky = Flaky(room.storage)
        crashing = EngineRoom(room, Settings(), flaky)
        crashing.boxes = {"mine": box}
        flaky.units = units  # the database hears nothing of what comes later, as after kill -9
        await crashing.engine.start()
        await until(lambda: flaky.units is not None and flaky.units < 0)
        await crashing.engine.stop()
        held = await room.count("copies")
        box.fetches.clear()
    async with open_room(tmp_path, prefix="again") as room:
        async with running_engine(room, {"mine": box}):
            await until(lambda: box.waiting == 1)
        events = await room.events("sync.started", "sync.completed")
        assert await room.count("messages") == await room.count("copies") == total
        assert len(await room.events("thread.new")) == total
        assert sum(map(len, box.fetches)) == total - held  # nothing is fetched twice
    started = [event["syncId"] for event in events if event["type"] == "sync.started"]
    ended = [event["syncId"] for event in events if event["type"] == "sync.completed"]
    assert sorted(started) == sorted(ended)


async def test_a_crash_while_uids_are_renumbered_repeats_nothing(tmp_path: Path) -> None:
    box, clock = MemoryMailbox(), Clock()
    total = 3 * BATCH_MESSAGES
    for number in range(total):
        box.put(mail(f"Enquiry {number}", minutes=number))
    async with open_room(tmp_path, clock) as room:
        await room.account()
        async with running_engine(room, {"mine": box}) as engine_room:
            await engine_room.completed(1)
        box.renumber("2")
        clock.advance(minutes=1)
        flaky = Flaky(room.storage)
        crashing = EngineRoom(room, Settings(), flaky)
        crashing.boxes = {"mine": box}
        await crashing.engine.start()
        await until(lambda: crashing.time.left() == [30])
        flaky.units = 4  # the request, the claim, two batches
        crashing.time.pass_by(30)
        await until(lambda: flaky.units is not None and flaky.units < 0)
        await crashing.engine.stop()
        assert await room.count("copies") == total + 2 * BATCH_MESSAGES
        box.fetches.clear()
    async with open_room(tmp_path, clock, prefix="again") as room:
        async with running_engine(room, {"mine": box}):
            await until(lambda: box.waiting == 1)
        assert sum(map(len, box.fetches)) == BATCH_MESSAGES
        assert await room.query(str, "SELECT DISTINCT validity FROM copies") == ["2"]
        assert await room.count("copies") == await room.count("messages") == total
        assert len(await room.events("thread.new", "thread.updated")) == total
