"""Units of work and queries over a real file: what is published, announced, undone and read."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from pathlib import Path

import msgspec
import pytest

from tests.databases import NOON, PATIENCE_SECONDS, Clock, epochs, new_database, running_storage, viewed
from tests.eventstream import read_events
from zena_sse.contract.events import Event, StreamPing, SyncCompleted, ThreadNew, ThreadUpdated, TypingStarted
from zena_sse.contract.moments import timestamp
from zena_sse.errors import EventTooLarge, StorageUnavailable
from zena_sse.storage.log import find_position
from zena_sse.storage.port import Reader, Transaction, Value
from zena_sse.storage.sqlite import SqliteStorage
from zena_sse.storage.unit import Offer


def all_offsets(reader: Reader, user_id: str) -> list[int]:
    return reader.all(
        int, 'SELECT "offset" FROM events WHERE user_id = :user_id ORDER BY "offset"', user_id=user_id
    )


def publish(tx: Transaction, event: Event) -> int:
    return tx.publish("jo", event)


# --- publish and announce -----------------------------------------------------------------------


async def test_first_event_of_a_user_makes_the_log_and_has_offset_one(
    storage: SqliteStorage, offers: list[Offer]
) -> None:
    assert await storage.write(lambda tx: tx.publish("jo", viewed("a"))) == 1
    assert await storage.write(lambda tx: tx.publish("jo", viewed("b"))) == 2
    position = await storage.read(find_position, "jo")
    assert position is not None
    assert (position.floor, position.head) == (1, 2)
    assert [(o.user_id, o.record.epoch, o.record.offset) for o in offers] == [
        ("jo", position.epoch, 1),
        ("jo", position.epoch, 2),
    ]


async def test_events_published_together_have_offsets_in_their_order(
    storage: SqliteStorage, offers: list[Offer]
) -> None:
    assert await storage.write(lambda tx: tx.publish("jo", *map(viewed, "abc"), command_id="c-1")) == 3
    assert await storage.write(lambda tx: tx.publish("jo", *map(viewed, "de"))) == 5
    position = await storage.read(find_position, "jo")
    assert position is not None
    assert (position.floor, position.head) == (1, 5)
    assert await storage.read(all_offsets, "jo") == [1, 2, 3, 4, 5]
    told = [msgspec.json.decode(read_events(o.record.frame)[0].data) for o in offers]
    assert [event["payload"]["threadId"] for event in told] == list("abcde")
    assert [event.get("commandId") for event in told] == ["c-1", "c-1", "c-1", None, None]
    assert [o.record.offset for o in offers] == [1, 2, 3, 4, 5]


async def test_users_count_each_for_themselves(storage: SqliteStorage, offers: list[Offer]) -> None:
    def unit(tx: Transaction) -> None:
        for user_id in ("jo", "max", "jo", "max", "jo"):
            tx.publish(user_id, viewed("a"))

    await storage.write(unit)
    assert [(o.user_id, o.record.offset) for o in offers] == [
        ("jo", 1),
        ("max", 1),
        ("jo", 2),
        ("max", 2),
        ("jo", 3),
    ]
    assert len({o.record.epoch for o in offers}) == 2


async def test_frame_that_is_offered_reads_back_as_the_event(
    storage: SqliteStorage, offers: list[Offer]
) -> None:
    event = ThreadNew(
        thread_id="t",
        account_id="a",
        subject="line\r\nend \u2028 \x85 ü 🏡",
        sender="x",
        last_message_at=NOON,
    )
    await storage.write(lambda tx: tx.publish("jo", event, command_id="c-1"))
    [received] = read_events(offers[0].record.frame)
    assert received.event == "thread.new"
    assert received.last_event_id == f"{offers[0].record.epoch}-1"
    envelope = msgspec.json.decode(received.data)
    assert envelope["type"] == "thread.new"
    assert envelope["payload"]["subject"] == event.subject
    assert envelope["payload"]["from"] == "x"
    assert envelope["at"] == timestamp(NOON)
    assert envelope["commandId"] == "c-1"


async def test_ephemeral_event_is_offered_without_a_place_and_never_logged(
    storage: SqliteStorage, offers: list[Offer]
) -> None:
    await storage.write(lambda tx: tx.announce("jo", TypingStarted(by="jo", where="t"), except_tab="tab1"))
    [offer] = offers
    assert (offer.record.offset, offer.except_tab) == (0, "tab1")
    [received] = read_events(offer.record.frame)
    assert (received.event, received.last_event_id) == ("typing.started", "")
    assert await storage.read(all_offsets, "jo") == []


async def test_ephemeral_event_cannot_be_published(storage: SqliteStorage) -> None:
    for event in (TypingStarted(by="jo", where="t"), StreamPing(cursor="x-1")):
        with pytest.raises(ValueError, match="ephemeral"):
            await storage.write(publish, event)
        with pytest.raises(ValueError, match="ephemeral"):
            await storage.write(lambda tx, event=event: tx.publish("jo", viewed("a"), event))  # type: ignore[misc]
    assert await storage.read(find_position, "jo") is None


async def test_event_of_more_than_64_kib_is_refused_with_everything_its_unit_wrote(
    storage: SqliteStorage, offers: list[Offer]
) -> None:
    def unit(tx: Transaction) -> None:
        tx.publish("jo", viewed("a"))
        tx.publish("jo", SyncCompleted("s", "a", 0, success=False, error="x" * 65_536))

    with pytest.raises(EventTooLarge):
        await storage.write(unit)
    assert offers == []
    assert await storage.read(find_position, "jo") is None


async def test_unit_that_fails_leaves_no_hole_in_the_offsets(
    storage: SqliteStorage, offers: list[Offer]
) -> None:
    def failing(tx: Transaction) -> None:
        tx.publish("jo", viewed("lost"))
        tx.announce("jo", TypingStarted(by="jo", where="t"))
        raise LookupError

    await storage.write(lambda tx: tx.publish("jo", viewed("a")))
    with pytest.raises(LookupError):
        await storage.write(failing)
    assert await storage.write(lambda tx: tx.publish("jo", viewed("b"))) == 2
    assert [o.record.offset for o in offers] == [1, 2]


# --- reading ------------------------------------------------------------------------------------


class Place(msgspec.Struct):
    user_id: str
    head: int


async def test_rows_become_structs_by_their_columns_names_or_plain_values(storage: SqliteStorage) -> None:
    await storage.write(lambda tx: tx.publish("jo", viewed("a")))
    sql = "SELECT head, user_id FROM streams"
    assert await storage.read(lambda r: r.all(Place, sql)) == [Place("jo", 1)]
    assert await storage.read(lambda r: r.one(Place, sql)) == Place("jo", 1)
    assert await storage.read(lambda r: r.all(int, sql)) == [1]
    assert await storage.read(lambda r: r.one(str, "SELECT user_id FROM streams WHERE 1 = 0")) is None


async def test_query_sees_one_moment_however_much_is_written_meanwhile(storage: SqliteStorage) -> None:
    entered, release = threading.Event(), threading.Event()

    def slow(reader: Reader) -> tuple[list[int], list[int]]:
        before = all_offsets(reader, "jo")
        entered.set()
        release.wait(PATIENCE_SECONDS)
        return before, all_offsets(reader, "jo")

    await storage.write(lambda tx: tx.publish("jo", viewed("a")))
    reading = asyncio.create_task(storage.read(slow))
    await asyncio.to_thread(entered.wait, PATIENCE_SECONDS)
    await storage.write(lambda tx: tx.publish("jo", viewed("b")))
    release.set()
    assert await reading == ([1], [1])
    assert await storage.read(all_offsets, "jo") == [1, 2]


async def test_unit_reads_what_it_wrote_and_counts_what_it_changed(storage: SqliteStorage) -> None:
    def unit(tx: Transaction) -> tuple[int, list[int]]:
        for key in "abc":
            tx.publish("jo", viewed(key))
        changed = tx.execute('DELETE FROM events WHERE "offset" < :offset', offset=3)
        return changed, all_offsets(tx, "jo")

    assert await storage.write(unit) == (2, [3])


async def test_many_rows_go_in_one_call_and_out_with_their_unit(storage: SqliteStorage) -> None:
    rows: list[dict[str, Value]] = [{"user_id": f"u{n}", "head": n} for n in range(5)]
    insert = "INSERT INTO streams (user_id, epoch, floor, head) VALUES (:user_id, 'e', 1, :head)"
    await storage.write(lambda tx: tx.execute_many(insert, rows))
    with pytest.raises(sqlite3.IntegrityError):
        await storage.write(lambda tx: tx.execute_many(insert, [{"user_id": "new", "head": 1}, *rows]))
    assert await storage.read(lambda r: r.one(int, "SELECT COUNT(*) FROM streams")) == 5


async def test_reader_cannot_write(storage: SqliteStorage) -> None:
    with pytest.raises(StorageUnavailable):
        await storage.read(lambda r: r.all(int, "DELETE FROM streams RETURNING head"))


async def test_query_that_raises_leaves_its_connection_usable(storage: SqliteStorage) -> None:
    def failing(reader: Reader) -> None:
        all_offsets(reader, "jo")
        raise LookupError

    for _ in range(8):
        with pytest.raises(LookupError):
            await storage.read(failing)
    assert await storage.read(all_offsets, "jo") == []


async def test_transaction_begins_at_a_moment_in_utc(storage: SqliteStorage, clock: Clock) -> None:
    assert await storage.read(lambda r: r.now) == NOON
    clock.advance(seconds=1.5)
    assert timestamp(await storage.write(lambda tx: tx.now)) == "2026-11-20T12:00:01.500Z"


# --- beginning and end --------------------------------------------------------------------------


async def test_acknowledged_units_are_there_after_a_restart(database: Path, clock: Clock) -> None:
    offers: list[Offer] = []
    async with running_storage(database, offers.append, clock, epochs()) as first:
        await first.write(lambda tx: tx.publish("jo", viewed("a")))
    assert not database.with_name("zena.db-wal").exists()
    async with running_storage(database, offers.append, clock, epochs("other")) as second:
        assert await second.write(lambda tx: tx.publish("jo", viewed("b"))) == 2
    assert {offer.record.epoch for offer in offers} == {"epoch1"}


async def test_storage_that_is_stopping_or_stopped_says_503_to_readers_and_writers(tmp_path: Path) -> None:
    storage = SqliteStorage(new_database(tmp_path), offer=lambda _: None, clock=Clock(), new_epoch=epochs())
    storage.start()
    entered, release = threading.Event(), threading.Event()

    def slow(_reader: Reader) -> str:
        entered.set()
        release.wait(PATIENCE_SECONDS)
        return "done"

    reading = asyncio.create_task(storage.read(slow))
    await asyncio.to_thread(entered.wait, PATIENCE_SECONDS)
    stopping = asyncio.create_task(storage.stop())
    await asyncio.sleep(0)
    # Let the pool's shutdown begin: it runs on a thread, and waits for the slow query.
    await asyncio.to_thread(lambda: None)
    with pytest.raises(StorageUnavailable):
        await storage.read(all_offsets, "jo")
    release.set()
    assert await reading == "done"
    await asyncio.wait_for(stopping, PATIENCE_SECONDS)
    with pytest.raises(StorageUnavailable):
        await storage.read(all_offsets, "jo")
    with pytest.raises(StorageUnavailable):
        await storage.write(lambda tx: tx.publish("jo", viewed("a")))


def damage(path: Path) -> None:
    """All but the first page is lost."""
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xde\xad\xbe\xef" * ((len(content) - 4096) // 4)
    path.write_bytes(content)


async def test_damaged_file_is_503_for_readers_and_writers_alike(database: Path, clock: Clock) -> None:
    def fill(tx: Transaction) -> None:
        for key in "abcdefgh":
            tx.publish("jo", ThreadUpdated(key * 9_000, None, None, None))

    async with running_storage(database, lambda _: None, clock, epochs()) as storage:
        await storage.write(fill)
    await asyncio.to_thread(damage, database)
    async with running_storage(database, lambda _: None, clock, epochs()) as storage:
        with pytest.raises(StorageUnavailable):
            await storage.read(all_offsets, "jo")
        with pytest.raises(StorageUnavailable):
            await storage.write(lambda tx: tx.publish("jo", viewed("a")))
