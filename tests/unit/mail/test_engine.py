"""The sync engine: when it looks, what it does when that fails, and what is left after a crash."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from tests.databases import NOON, Clock, until
from tests.mailboxes import Mailbox
from tests.mailroom import ANNA, EngineRoom, Room, open_room, running_engine, sync
from tests.memorymailbox import AGENT, MemoryMailbox, mail
from zena_sse.contract.events import SyncProgress
from zena_sse.mail.accounts import find_account
from zena_sse.mail.connector import Remote, batches
from zena_sse.mail.connectors.folder import FolderConnector
from zena_sse.mail.content.message import Message
from zena_sse.mail.reading import BATCH_BYTES, BATCH_MESSAGES
from zena_sse.mail.removal import purge_account, remove_account
from zena_sse.mail.runs import request_sync
from zena_sse.settings import Settings


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    """A mail room."""
    async with open_room(tmp_path) as opened:
        yield opened


async def test_a_new_mailbox_is_read_at_once_and_to_its_end(room: Room) -> None:
    await room.account()
    async with running_engine(room) as engine_room:
        for number in range(3):
            engine_room.box().put(mail(f"Enquiry {number}"))
        engine_room.box().put(
            mail("Re: Enquiry 0", id="r", replies_to="enquiry0", sender=AGENT), folder="Sent"
        )
        (completed,) = await engine_room.completed(1)
        assert (completed["success"], completed["threadsProcessed"]) == (True, 3)
        account = await room.storage.read(find_account, ANNA, "anna-mine")
        assert (account.state, account.synced_at) == ("active", room.clock())
    assert (await room.count("messages"), await room.count("folders")) == (4, 2)
    types = [event["type"] for event in await room.events()]
    assert (types[0], types[-1]) == ("sync.started", "sync.completed")


async def test_the_demo_mailbox_is_read_through_the_folder_connector(room: Room, demo_mail: Path) -> None:
    await room.account()
    engine_room = EngineRoom(room, Settings(mail_days=0))
    engine_room.connect = lambda: FolderConnector(demo_mail)
    await engine_room.engine.start()
    (completed,) = await engine_room.completed(1)
    await engine_room.engine.stop()
    assert await room.count("copies") == len(list(demo_mail.rglob("*.eml")))  # noqa: ASYNC240
    assert completed["threadsProcessed"] == await room.count("threads") > 0
    assert len(await room.events("thread.new")) == await room.count("threads")


async def test_every_kind_of_mailbox_is_kept_as_it_is(room: Room, mailbox: Mailbox) -> None:
    mailbox.deliver("INBOX", "First", NOON)
    mailbox.deliver(mailbox.sent, "Second", NOON)
    await room.account()
    engine_room = EngineRoom(room, Settings())
    engine_room.connect = mailbox.connector
    await engine_room.engine.start()
    await engine_room.completed(1)
    mailbox.deliver("INBOX", "Third", NOON)  # noticed without being asked for
    await until(lambda: room.offered("thread.new") == 3)
    await engine_room.completed(2)
    mailbox.remove("INBOX", "First")
    await until(lambda: room.offered("thread.updated") == 1)
    await engine_room.engine.stop()
    subjects = await room.query(str, "SELECT subject FROM threads ORDER BY subject")
    assert subjects == ["Second", "Third"]


async def test_mail_is_read_oldest_first_whatever_folder_it_is_in(room: Room) -> None:
    await room.account()
    boxes = {"mine": MemoryMailbox()}
    for number in range(BATCH_MESSAGES + 8):
        boxes["mine"].put(
            mail(f"Enquiry {number}", minutes=-number), folder="Sent" if number % 2 else "INBOX"
        )
    async with running_engine(room, boxes) as engine_room:
        await engine_room.completed(1)
    moments = [event["lastMessageAt"] for event in await room.events("thread.new")]
    assert moments == sorted(moments)
    assert len(moments) == BATCH_MESSAGES + 8


async def test_mail_that_arrives_is_read_without_being_asked_for(room: Room) -> None:
    await room.account()
    async with running_engine(room) as engine_room:
        await engine_room.completed(1)
        engine_room.box().put(mail("Fresh"))
        await engine_room.completed(2)
        assert [event["subject"] for event in await room.events("thread.new")] == ["Fresh"]
        assert engine_room.box().opened == 1


async def test_a_command_reads_at_once(room: Room) -> None:
    await room.account()
    async with running_engine(room) as engine_room:
        await engine_room.completed(1)
        await until(lambda: engine_room.box().waiting == 1)
        await sync(room, engine_room)
        assert len(await engine_room.completed(2)) == 2


async def test_a_mailbox_is_looked_into_periodically(room: Room) -> None:
    await room.account()
    async with running_engine(room, sync_minutes=10) as engine_room:
        await engine_room.completed(1)
        await until(lambda: engine_room.time.left() == [600])
        engine_room.time.pass_by(599)
        await sync(room, engine_room)  # a run in between, so that silence would show
        await engine_room.completed(2)
        await until(lambda: engine_room.time.left() == [600])
        engine_room.time.pass_by(600)
        await engine_room.completed(3)


async def test_a_mailbox_that_was_read_before_is_looked_into_soon_after_a_start(room: Room) -> None:
    await room.account()
    async with running_engine(room) as engine_room:
        await engine_room.completed(1)
    async with running_engine(room) as engine_room:
        await until(lambda: engine_room.time.left() == [30])
        assert room.offered("sync.started") == 1
        engine_room.time.pass_by(30)
        await engine_room.completed(2)


async def test_a_queued_run_is_done_after_a_start(room: Room) -> None:
    account = await room.account()
    await room.storage.write(request_sync, account, "waiting")
    async with running_engine(room) as engine_room:
        (completed,) = await engine_room.completed(1)
        assert (completed["syncId"], completed["success"]) == ("waiting", True)


async def test_an_account_that_was_just_added_is_adopted(room: Room) -> None:
    async with running_engine(room) as engine_room:
        account = await room.account()
        engine_room.engine.adopt(account.account_id)
        engine_room.engine.adopt(account.account_id)
        assert len(await engine_room.completed(1)) == 1


async def test_progress_is_throttled_only_grows_and_ends_complete(room: Room) -> None:
    await room.account()
    boxes = {"mine": MemoryMailbox()}
    for number in range(5 * BATCH_MESSAGES):
        boxes["mine"].put(mail(f"Enquiry {number}", minutes=number))
    async with running_engine(room, boxes) as engine_room:
        await engine_room.completed(1)  # no time passes: the first and the last are told
        assert [vars_of(event) for event in engine_room.announced] == [
            (5 * BATCH_MESSAGES, BATCH_MESSAGES),
            (5 * BATCH_MESSAGES, 5 * BATCH_MESSAGES),
        ]


def vars_of(event: object) -> tuple[int, int]:
    assert isinstance(event, SyncProgress)
    return event.total_threads, event.processed_threads


async def test_progress_is_told_again_after_200_milliseconds(room: Room) -> None:
    await room.account()
    boxes = {"mine": MemoryMailbox()}
    for number in range(4 * BATCH_MESSAGES):
        boxes["mine"].put(mail(f"Enquiry {number % 3}", id=f"m{number}", references=[f"root{number % 3}"]))
    engine_room = EngineRoom(room, Settings())
    engine_room.boxes = boxes
    engine_room.time.tick = 0.15  # so that two batches take longer than that, and one does not
    await engine_room.engine.start()
    await engine_room.completed(1)
    await engine_room.engine.stop()
    told = [vars_of(event) for event in engine_room.announced]
    assert len(told) == 3
    assert told[-1] == (3, 3)
    assert [total for total, _ in told] == sorted((total for total, _ in told), reverse=True)
    assert [done for _, done in told] == sorted(done for _, done in told)


# --- what changes in a mailbox --------------------------------------------------------------------


async def test_mail_that_is_deleted_goes(room: Room) -> None:
    await room.account()
    async with running_engine(room) as engine_room:
        uid = engine_room.box().put(mail("Deleted"))
        engine_room.box().put(mail("Kept"))
        await engine_room.completed(1)
        await until(lambda: engine_room.box().waiting == 1)
        engine_room.box().remove(uid)
        await engine_room.completed(2)
    assert await room.query(str, "SELECT subject FROM threads") == ["Kept"]


async def test_mail_that_moves_to_another_folder_is_neither_new_nor_gone(room: Room) -> None:
    await room.account()
    async with running_engine(room) as engine_room:
        box = engine_room.box()
        uid = box.put(mail("Moved"))
        await engine_room.completed(1)
        await until(lambda: box.waiting == 1)
        before = len(await room.events("thread.new", "thread.updated"))
        with box._bell:
            box.folders["Sent"]["m"] = box.folders["INBOX"].pop(uid)
            box._changed()
        await engine_room.completed(2)
    assert len(await room.events("thread.new", "thread.updated")) == before == 1
    assert await room.query(str, "SELECT folder FROM copies") == ["Sent"]


async def test_renumbered_uids_repeat_no_event_and_lose_no_message(room: Room) -> None:
    await room.account()
    boxes = {"mine": MemoryMailbox()}
    for number in range(BATCH_MESSAGES + 8):
        boxes["mine"].put(mail(f"Enquiry {number}", minutes=number))
    async with running_engine(room, boxes) as engine_room:
        await engine_room.completed(1)
        await until(lambda: engine_room.box().waiting == 1)
        before = await room.events("thread.new", "thread.updated")
        threads = await room.query(str, "SELECT thread_id FROM threads ORDER BY thread_id")
        engine_room.box().renumber("2")
        await engine_room.completed(2)
    assert await room.events("thread.new", "thread.updated") == before
    assert await room.query(str, "SELECT thread_id FROM threads ORDER BY thread_id") == threads
    assert await room.query(str, "SELECT DISTINCT validity FROM copies") == ["2"]
    assert await room.count("copies") == BATCH_MESSAGES + 8


async def test_only_mail_of_the_window_is_read(tmp_path: Path) -> None:
    async with open_room(tmp_path, Clock(datetime(2026, 11, 20, tzinfo=UTC))) as room:
        await room.account()
        boxes = {"mine": MemoryMailbox()}
        boxes["mine"].put(mail("Old"), received=datetime(2026, 10, 20, 23, 59, tzinfo=UTC))
        boxes["mine"].put(mail("Recent"), received=datetime(2026, 10, 21, tzinfo=UTC))
        async with running_engine(room, boxes, mail_days=30) as engine_room:
            await engine_room.completed(1)
        assert await room.query(str, "SELECT subject FROM threads") == ["Recent"]
        async with running_engine(room, boxes, mail_days=0) as engine_room:
            await sync(room, engine_room)
            await engine_room.completed(2)
        assert boxes["mine"].since is None


async def test_mail_that_vanishes_before_it_is_fetched_stops_nothing(room: Room) -> None:
    await room.account()
    boxes = {"mine": MemoryMailbox()}
    boxes["mine"].put(mail("Kept"))
    boxes["mine"].put(mail("Vanishing"))
    engine_room = EngineRoom(room, Settings())
    engine_room.boxes = boxes
    boxes["mine"].vanishing = {"2"}
    await engine_room.engine.start()
    (completed,) = await engine_room.completed(1)
    await engine_room.engine.stop()
    assert (completed["success"], completed["threadsProcessed"]) == (True, 1)
    assert vars_of(engine_room.announced[-1]) == (1, 1)


async def test_a_message_that_our_own_code_fails_on_is_kept_as_bytes(room: Room) -> None:
    await room.account()
    boxes = {"mine": MemoryMailbox()}
    poison = mail("Poison", minutes=1)
    boxes["mine"].put(mail("Before"))
    boxes["mine"].put(poison)
    boxes["mine"].put(mail("After", minutes=2))
    engine_room = EngineRoom(room, Settings())
    engine_room.boxes = boxes
    engine_room.spoil = spoiled
    await engine_room.engine.start()
    (completed,) = await engine_room.completed(1)
    await engine_room.engine.stop()
    assert completed["success"]
    assert await room.query(str, "SELECT subject FROM threads ORDER BY subject") == ["", "After", "Before"]
    assert await room.query(bytes, "SELECT raw FROM messages WHERE defect IS NOT NULL") == [poison]
    assert sample(engine_room, "zena_messages_total", outcome="defective") == 1
    assert sample(engine_room, "zena_messages_total", outcome="new") == 2
    assert sample(engine_room, "zena_syncs_total", provider="folder", outcome="completed") == 1


def spoiled(message: Message) -> Message:
    """What no database takes."""
    return msgspec.structs.replace(message, subject="\ud800") if message.subject == "Poison" else message


def sample(engine_room: EngineRoom, name: str, **labels: str) -> float | None:
    return engine_room.metrics.registry.get_sample_value(name, labels)


# --- removal --------------------------------------------------------------------------------------


async def test_a_dismissed_account_is_read_no_more_and_its_data_goes(room: Room) -> None:
    account = await room.account()
    async with running_engine(room) as engine_room:
        engine_room.box().put(mail("Enquiry"))
        await engine_room.completed(1)
        await room.storage.write(remove_account, ANNA, account.account_id)
        engine_room.engine.dismiss(account.account_id)
        await until(lambda: room.offered("thread.updated") == 1)
        await until(lambda: engine_room.box().closed == 1)
        await gone(room)
        engine_room.engine.wake(account.account_id)
    assert room.offered("sync.started") == 1


async def test_a_removal_that_a_crash_cut_short_goes_on_after_the_start(room: Room) -> None:
    account = await room.account()
    run = await room.run(account)
    for start in range(0, 120, 40):
        await room.apply(run, *[mail(f"Enquiry {n}") for n in range(start, start + 40)])
    await room.storage.write(remove_account, ANNA, account.account_id)
    assert await room.storage.write(purge_account, account.account_id)
    assert await room.count("copies") == 20
    async with running_engine(room):
        await gone(room)
    assert await room.count("copies") == await room.count("messages") == 0


async def gone(room: Room) -> None:
    """Wait until there is no account."""
    async with asyncio.timeout(10):
        while await room.count("accounts"):  # only the database knows
            await asyncio.sleep(0)


# --- batches --------------------------------------------------------------------------------------


def test_batches_are_bounded_in_number_and_size() -> None:
    moment = datetime(2026, 11, 20, tzinfo=UTC)
    small = [Remote("INBOX", str(n), moment, 1) for n in range(BATCH_MESSAGES + 1)]
    assert [len(batch) for batch in batches(small, BATCH_MESSAGES, BATCH_BYTES)] == [BATCH_MESSAGES, 1]
    large = [Remote("INBOX", str(n), moment, BATCH_BYTES) for n in range(3)]
    assert [len(batch) for batch in batches(large, BATCH_MESSAGES, BATCH_BYTES)] == [1, 1, 1]
    assert list(batches([], BATCH_MESSAGES, BATCH_BYTES)) == []
