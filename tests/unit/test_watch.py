"""The watch: what a crash left is done, what goes cold is seen, and one user's trouble stays theirs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.databases import until
from tests.dealroom import HIGH_STREET, VERA, open_deals
from tests.mailroom import ANNA, Room, open_room, running_engine
from tests.memorymailbox import mail
from tests.triageroom import TriageRoom, open_triage
from zena_sse.errors import StorageUnavailable
from zena_sse.storage.port import Reader
from zena_sse.watch import Watch, users_to_look_after


@pytest.fixture
async def triage(tmp_path: Path) -> AsyncIterator[TriageRoom]:
    """A triage room."""
    async with open_triage(tmp_path) as opened:
        yield opened


def watch_over(triage: TriageRoom, minutes: float = 1000) -> Watch:
    return Watch(triage.room.storage, triage.triage.run, triage.triage.reassess, minutes)


async def test_a_start_does_what_a_crash_left_undone(triage: TriageRoom) -> None:
    await triage.receive(mail("House", body="owing: other"))
    triage.room.clock.advance(days=4)
    watch = watch_over(triage)
    watch.start()
    await until(lambda: triage.room.offered("thread.updated") == 1)
    await watch.stop()
    item = await triage.item("House")
    assert (item.classification, item.risk_level) == ("buyer", "low")


async def test_it_looks_again_and_again(triage: TriageRoom) -> None:
    rounds = 0

    async def assess(_user_id: str, _command_id: str | None) -> None:
        nonlocal rounds
        rounds += 1

    await triage.account()
    watch = Watch(triage.room.storage, triage.triage.run, assess, minutes=0.0001)
    watch.start()
    await until(lambda: rounds >= 3)
    await watch.stop()


@pytest.mark.parametrize("trouble", [StorageUnavailable(), ValueError("a bug")])
async def test_one_users_trouble_stays_theirs(triage: TriageRoom, trouble: Exception) -> None:
    await triage.account()
    await triage.account(user_id="zoe")
    seen: list[str] = []

    async def assess(user_id: str, _command_id: str | None) -> None:
        seen.append(user_id)
        if user_id == ANNA:
            raise trouble

    watch = Watch(triage.room.storage, triage.triage.run, assess, 1000)
    await watch.look()
    assert seen == [ANNA, "zoe"] * 2


async def test_nobodys_risk_waits_for_somebody_elses_mail(triage: TriageRoom) -> None:
    await triage.account()
    await triage.account(user_id="zoe")
    seen: list[str] = []

    async def read(user_id: str, _command_id: str | None) -> None:
        seen.append(f"triage {user_id}")

    async def assess(user_id: str, _command_id: str | None) -> None:
        seen.append(f"assess {user_id}")

    await Watch(triage.room.storage, read, assess, 1000).look()
    assert seen[:3] == [f"assess {ANNA}", "assess zoe", f"triage {ANNA}"]


async def test_a_deal_that_outlived_the_mailboxes_is_looked_at_closed_or_not(tmp_path: Path) -> None:
    async with open_deals(tmp_path) as deals:
        await deals.write("House", 1, VERA, classification="vendor", mentions=(HIGH_STREET,), stage="sold")
        assert (await deals.deal()).closed_at is not None
        await deals.room.storage.write(lambda tx: tx.execute("UPDATE accounts SET state = 'removed'"))
        assert await deals.room.storage.read(users_to_look_after) == [ANNA]


async def test_a_bug_in_our_own_looking_does_not_end_the_watch(
    triage: TriageRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = 0

    def broken(_reader: Reader) -> list[str]:
        nonlocal rounds
        rounds += 1
        raise ValueError("a bug")

    monkeypatch.setattr("zena_sse.watch.users_to_look_after", broken)
    watch = watch_over(triage, minutes=0.0001)
    watch.start()
    await until(lambda: rounds >= 3)
    await watch.stop()


async def test_what_follows_a_sync_knows_the_command_that_asked_for_it(triage: TriageRoom) -> None:
    seen: list[str | None] = []

    async def note(_user_id: str, command_id: str | None) -> None:
        seen.append(command_id)

    await Watch(triage.room.storage, note, note, 1000).follow(ANNA, "c1")
    assert seen == ["c1", "c1"]


# --- in the sync's own pipeline ---------------------------------------------------------------------


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    """A mail room."""
    async with open_room(tmp_path) as opened:
        yield opened


async def test_threads_are_triaged_before_their_sync_is_completed(room: Room) -> None:
    triage = TriageRoom(room)
    await room.account()
    async with running_engine(room, after_reading=watch_over(triage).follow) as engine_room:
        engine_room.box().put(mail("House", body="class: vendor"))
        await engine_room.completed(1)
    types = [event["type"] for event in await room.events()]
    assert types == ["sync.started", "thread.new", "thread.updated", "sync.completed"]
    assert (await triage.item("House")).classification == "vendor"


async def test_trouble_in_triage_fails_no_sync_and_loses_nothing(room: Room) -> None:
    triage = TriageRoom(room)

    async def fail(_user_id: str, _command_id: str | None) -> None:
        raise ValueError("a bug")

    await room.account()
    async with running_engine(room, after_reading=fail) as engine_room:
        engine_room.box().put(mail("House", body="class: vendor"))
        (completed,) = await engine_room.completed(1)
        assert completed["success"]
    await asyncio.wait_for(watch_over(triage).look(), 10)
    assert (await triage.item("House")).classification == "vendor"
