"""The watch: what a crash left is done, what goes cold is seen, and one user's trouble stays theirs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.databases import until
from tests.mailroom import ANNA, Room, open_room, running_engine
from tests.memorymailbox import mail
from tests.triageroom import TriageRoom, open_triage
from zena_sse.errors import StorageUnavailable
from zena_sse.watch import Watch


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
    assert seen == [ANNA, "zoe"]


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
