"""The event log over a real file: pages, trimming, erasure."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.databases import NOON, Clock, epochs, viewed
from zena_sse.contract.events import ThreadUpdated
from zena_sse.storage import log as log_module
from zena_sse.storage.log import (
    PAGE_RECORDS,
    StoredLog,
    ensure_stream,
    erase_stream,
    find_position,
    read_page,
    trim_log,
    users_to_trim,
)
from zena_sse.storage.port import Reader, Transaction
from zena_sse.storage.sqlite import SqliteStorage
from zena_sse.storage.unit import Offer
from zena_sse.stream.log import Page, Position, Want

BEYOND = 1_000_000  # more events than any of these tests writes


@pytest.fixture
def log(storage: SqliteStorage) -> StoredLog:
    return StoredLog(storage, epochs("made"))


async def publish(storage: SqliteStorage, number: int, user_id: str = "jo", size: int = 1) -> None:
    """Write this many events, in one unit."""

    def unit(tx: Transaction) -> None:
        for _ in range(number):
            tx.publish(user_id, viewed("x" * size))

    await storage.write(unit)


async def page(storage: SqliteStorage, after: int, **limits: int) -> Page:
    found = await storage.read(read_page, "jo", after, **limits)
    assert found is not None
    return found


async def stands(log: StoredLog) -> Position:
    """Where the log stands for a stream that opens now."""
    (found,) = await log.pages([Want("jo", None, is_new=True)])
    return found.position


def offsets(found: Page) -> list[int]:
    return [record.offset for record in found.records]


# --- pages --------------------------------------------------------------------------------------


async def test_page_holds_so_many_records_and_says_whether_it_reaches_the_head(
    storage: SqliteStorage,
) -> None:
    await publish(storage, 10)
    cases = {
        # after, records: offsets, complete
        (0, 4): ([1, 2, 3, 4], False),
        (4, 4): ([5, 6, 7, 8], False),
        (8, 4): ([9, 10], True),
        (6, 4): ([7, 8, 9, 10], True),
        (0, 10): ([*range(1, 11)], True),
        (0, 11): ([*range(1, 11)], True),
        (10, 4): ([], True),
        (99, 4): ([], True),
    }
    for (after, records), (expected, complete) in cases.items():
        found = await page(storage, after, records=records)
        assert (offsets(found), found.complete) == (expected, complete), (after, records)
        assert (found.position.floor, found.position.head) == (1, 10)


async def test_page_ends_with_the_record_that_passes_its_bytes(storage: SqliteStorage) -> None:
    await publish(storage, 6, size=1_000)
    one = len((await page(storage, 0, records=1)).records[0].frame)
    assert one > 1_000
    assert offsets(await page(storage, 0, size=500)) == [1]
    assert offsets(await page(storage, 0, size=2_000)) == [1, 2]
    assert offsets(await page(storage, 2, size=3_500)) == [3, 4, 5, 6]
    whole = await page(storage, 0, size=100_000)
    assert offsets(whole) == [1, 2, 3, 4, 5, 6]
    assert whole.complete


async def test_record_larger_than_a_page_has_one_to_itself(storage: SqliteStorage) -> None:
    for _ in range(3):
        await storage.write(lambda tx: tx.publish("jo", ThreadUpdated("x" * 60_000, None, None, None)))
    first = await page(storage, 0, size=10)
    assert (offsets(first), first.complete) == ([1], False)


async def test_default_page_is_bounded_by_bytes_too(storage: SqliteStorage) -> None:
    await publish(storage, PAGE_RECORDS + 1, size=400)
    assert len((await page(storage, 0)).records) == PAGE_RECORDS
    await publish(storage, 40, size=20_000)
    found = await page(storage, PAGE_RECORDS + 1)
    assert sum(len(r.frame) for r in found.records) < log_module.PAGE_BYTES + 2 * 20_500
    assert not found.complete


async def test_page_reads_the_very_frames_that_were_offered(
    storage: SqliteStorage, offers: list[Offer]
) -> None:
    await publish(storage, 3)
    await storage.write(lambda tx: tx.publish("jo", viewed("é\n\u2028"), command_id="c"))
    assert (await page(storage, 0)).records == [offer.record for offer in offers]


async def test_pages_may_have_holes_and_still_reach_the_head(storage: SqliteStorage) -> None:
    await publish(storage, 6)
    await storage.write(lambda tx: tx.execute('DELETE FROM events WHERE "offset" IN (2, 3, 6)'))
    found = await page(storage, 0, records=2)
    assert (offsets(found), found.complete) == ([1, 4], False)
    found = await page(storage, 4, records=2)
    assert offsets(found) == [5]
    # The head itself was folded away: the page after it is empty, and complete.
    if not found.complete:
        found = await page(storage, 5, records=2)
    assert found.complete
    assert found.position.head == 6


async def test_page_holds_no_other_users_events(storage: SqliteStorage) -> None:
    await publish(storage, 3)
    await publish(storage, 5, user_id="jo2")
    await publish(storage, 5, user_id="JO")
    found = await page(storage, 0)
    assert offsets(found) == [1, 2, 3]
    position = await storage.read(find_position, "jo")
    assert position is not None
    assert {record.epoch for record in found.records} == {position.epoch}


async def test_page_and_its_position_are_of_one_moment(storage: SqliteStorage) -> None:
    await publish(storage, 3)

    def while_something_is_written(reader: Reader) -> tuple[Position | None, Page | None]:
        return find_position(reader, "jo"), read_page(reader, "jo", 0)

    for _ in range(20):
        writing = storage.write(lambda tx: tx.publish("jo", viewed("more")))
        reading = storage.read(while_something_is_written)
        (position, found), _ = await reading, await writing
        assert found is not None
        assert found.position == position
        assert offsets(found)[-1] == found.position.head


# --- the port -----------------------------------------------------------------------------------


async def test_unknown_user_gets_a_log_when_a_stream_opens_and_keeps_it(
    log: StoredLog, storage: SqliteStorage
) -> None:
    assert await storage.read(find_position, "jo") is None
    position = await stands(log)
    assert position == Position("made1", 1, 0)
    assert await stands(log) == position
    await publish(storage, 1)
    assert await stands(log) == Position("made1", 1, 1)
    assert await log.page("jo", 0) == await page(storage, 0)


async def test_each_want_of_a_trip_gets_its_own_page_in_their_order(
    log: StoredLog, storage: SqliteStorage
) -> None:
    await publish(storage, 3)
    await publish(storage, 2, user_id="max")
    wants = [Want("max", 1), Want("jo", None), Want("jo", 1, is_new=True), Want("max", 0)]
    pages = await log.pages(wants)
    assert [offsets(found) for found in pages] == [[2], [], [2, 3], [1, 2]]
    assert [found.position.head for found in pages] == [2, 3, 3, 2]
    assert all(found.complete for found in pages)


async def test_trip_makes_logs_for_those_who_are_new_and_for_nobody_else(
    log: StoredLog, storage: SqliteStorage
) -> None:
    wants = [Want("a", None, is_new=True), Want("gone", 7), Want("b", 3, is_new=True), Want("gone", None)]
    pages = await log.pages(wants)
    assert {found.position.epoch for found in (pages[0], pages[2])} == {"made1", "made2"}
    for made in (pages[0], pages[2]):
        assert (made.position.floor, made.position.head, made.records, made.complete) == (1, 0, [], True)
    assert [pages[1].position.epoch, pages[3].position.epoch] == ["", ""]
    assert await storage.read(lambda r: r.all(str, "SELECT user_id FROM streams ORDER BY 1")) == ["a", "b"]


async def test_user_who_is_new_twice_in_a_trip_has_one_log(log: StoredLog) -> None:
    first, second = await log.pages([Want("jo", None, is_new=True), Want("jo", 0, is_new=True)])
    assert first.position == second.position == Position("made1", 1, 0)


async def test_log_that_is_gone_has_a_page_of_no_epoch(log: StoredLog) -> None:
    found = await log.page("nobody", 0)
    assert (found.position.epoch, found.records, found.complete) == ("", [], True)


async def test_two_that_make_a_log_at_once_make_one(log: StoredLog, storage: SqliteStorage) -> None:
    first = await storage.write(ensure_stream, "jo", "one")
    second = await storage.write(ensure_stream, "jo", "two")
    assert first == second == Position("one", 1, 0)


# --- trimming -----------------------------------------------------------------------------------


async def trim(storage: SqliteStorage, before: timedelta, most: int = BEYOND) -> bool:
    return await storage.write(trim_log, "jo", NOON + before, most)


async def position(storage: SqliteStorage) -> tuple[int, int, list[int]]:
    found = await page(storage, 0)
    return found.position.floor, found.position.head, offsets(found)


async def test_trimming_by_age_moves_the_floor_to_the_oldest_that_is_young_enough(
    storage: SqliteStorage, clock: Clock
) -> None:
    for _ in range(3):
        await publish(storage, 2)
        clock.advance(hours=1)
    assert await trim(storage, timedelta(hours=1)) is False
    assert await position(storage) == (3, 6, [3, 4, 5, 6])
    assert await trim(storage, timedelta(hours=1)) is False
    assert await position(storage) == (3, 6, [3, 4, 5, 6])


async def test_log_of_which_nothing_is_young_enough_keeps_its_head(storage: SqliteStorage) -> None:
    await publish(storage, 5)
    await trim(storage, timedelta(hours=1))
    assert await position(storage) == (6, 5, [])
    assert await storage.write(lambda tx: tx.publish("jo", viewed("next"))) == 6
    assert await position(storage) == (6, 6, [6])


async def test_trimming_by_count_keeps_the_newest(storage: SqliteStorage) -> None:
    await publish(storage, 10)
    await trim(storage, timedelta(hours=-1), most=4)
    assert await position(storage) == (7, 10, [7, 8, 9, 10])
    await trim(storage, timedelta(hours=-1), most=4)
    assert await position(storage) == (7, 10, [7, 8, 9, 10])


async def test_trimming_goes_in_slices_and_says_whether_there_is_more(
    storage: SqliteStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_module, "TRIM_RECORDS", 4)
    await publish(storage, 10)
    floors = []
    more = True
    while more:
        more = await trim(storage, timedelta(hours=1))
        floor, head, kept = await position(storage)
        assert kept == list(range(floor, head + 1))
        floors.append(floor)
    assert floors == [5, 9, 11]


async def test_trimming_touches_no_other_user_and_nobody_unknown(storage: SqliteStorage) -> None:
    await publish(storage, 3, user_id="max")
    assert await trim(storage, timedelta(hours=1)) is False
    await publish(storage, 3)
    await trim(storage, timedelta(hours=1))
    other = await storage.read(read_page, "max", 0)
    assert other is not None
    assert offsets(other) == [1, 2, 3]


async def test_users_to_trim_are_those_with_something_over_age_or_too_much(
    storage: SqliteStorage, clock: Clock
) -> None:
    await publish(storage, 2, user_id="old")
    clock.advance(hours=1)
    await publish(storage, 2, user_id="young")
    await publish(storage, 9, user_id="many")
    await storage.write(ensure_stream, "silent", "e")
    limit = NOON + timedelta(minutes=30)
    assert await storage.read(users_to_trim, limit, 8) == ["many", "old"]
    assert await storage.read(users_to_trim, limit, 9) == ["old"]
    await storage.write(trim_log, "old", limit, 8)
    await storage.write(trim_log, "many", limit, 8)
    assert await storage.read(users_to_trim, limit, 8) == []


async def test_user_whose_oldest_event_was_folded_away_is_trimmed_all_the_same(
    storage: SqliteStorage,
) -> None:
    await publish(storage, 3)
    await storage.write(lambda tx: tx.execute('DELETE FROM events WHERE "offset" = 1'))
    assert await storage.read(users_to_trim, NOON + timedelta(hours=1), BEYOND) == ["jo"]


# --- erasure ------------------------------------------------------------------------------------


async def test_erased_log_comes_back_with_another_epoch_and_nothing_in_it(
    log: StoredLog, storage: SqliteStorage
) -> None:
    await publish(storage, 3)
    before = await stands(log)
    await publish(storage, 2, user_id="max")
    await storage.write(erase_stream, "jo")
    assert (await log.page("jo", 0)).position.epoch == ""
    after = await stands(log)
    assert after.epoch != before.epoch
    assert (after.floor, after.head) == (1, 0)
    assert await storage.read(lambda r: r.all(str, "SELECT DISTINCT user_id FROM events")) == ["max"]


async def test_event_right_behind_an_erasure_in_one_commit_is_the_first_of_the_new_epoch(
    storage: SqliteStorage, offers: list[Offer]
) -> None:
    await publish(storage, 3)

    def unit(tx: Transaction) -> int:
        erase_stream(tx, "jo")
        return tx.publish("jo", viewed("new"))

    assert await storage.write(unit) == 1
    assert offers[-1].record.epoch != offers[0].record.epoch
