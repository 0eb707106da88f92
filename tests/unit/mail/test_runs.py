"""Runs, from the wish to their one end; and the commands that wish for them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from tests.databases import epochs
from tests.mailroom import ANNA, Room, open_room
from tests.memorymailbox import mail
from zena_sse.ask.commands import ask_handlers
from zena_sse.dispatch import Caller, Dispatch
from zena_sse.errors import NotFound
from zena_sse.mail.accounts import find_account, mark_failed
from zena_sse.mail.commands import mail_handlers
from zena_sse.mail.runs import (
    HISTORY,
    ORPHANS_A_UNIT,
    claim_run,
    complete_run,
    end_orphans,
    fail_run,
    interrupt_run,
    request_sync,
    snapshot_syncs,
    was_interrupted,
)
from zena_sse.tasks.commands import task_handlers


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    """A mail room."""
    async with open_room(tmp_path) as opened:
        yield opened


async def test_a_sync_that_is_queued_or_running_is_returned_not_started_twice(room: Room) -> None:
    account = await room.account()
    assert await room.storage.write(request_sync, account, "s1") == "s1"
    assert await room.storage.write(request_sync, account, "s2") == "s1"
    run = await room.storage.write(claim_run, account.account_id)
    assert run is not None
    assert await room.storage.write(request_sync, account, "s3") == "s1"
    await room.storage.write(complete_run, run)
    assert await room.storage.write(request_sync, account, "s4") == "s4"
    assert [event["syncId"] for event in await room.events("sync.started")] == ["s1", "s4"]


async def test_a_run_is_claimed_until_it_has_ended(room: Room) -> None:
    account = await room.account()
    assert await room.storage.write(claim_run, account.account_id) is None
    await room.storage.write(request_sync, account, "s1")
    run = await room.storage.write(claim_run, account.account_id)
    assert run is not None
    # The commit may have been reported as failed, and yet be durable: its one keeper asks again.
    assert await room.storage.write(claim_run, account.account_id) == run
    await room.storage.write(complete_run, run)
    assert await room.storage.write(claim_run, account.account_id) is None


async def test_a_run_says_exactly_once_that_it_has_ended(room: Room) -> None:
    run = await room.run(await room.account())
    assert await room.storage.write(complete_run, run)
    assert not await room.storage.write(complete_run, run)
    assert not await room.storage.write(interrupt_run, run)
    assert not await room.storage.write(fail_run, run, "too late", fatal=True)
    assert [event["type"] for event in await room.events()] == ["sync.started", "sync.completed"]


async def test_a_completed_run_counts_the_threads_it_touched(room: Room) -> None:
    run = await room.run(await room.account())
    await room.apply(run, mail("One"), mail("Two"))
    await room.storage.write(complete_run, run)
    (completed,) = await room.events("sync.completed")
    assert (completed["threadsProcessed"], completed["success"]) == (2, True)


@pytest.mark.parametrize(("fatal", "state"), [(True, "failed"), (False, "active")])
async def test_a_failed_run_tells_its_error_before_its_end(room: Room, fatal: bool, state: str) -> None:
    account = await room.account()
    run = await room.run(account)
    await room.storage.write(fail_run, run, "no answer", fatal=fatal)
    error, completed = await room.events("sync.error", "sync.completed")
    assert (error["type"], error["error"], error["fatal"]) == ("sync.error", "no answer", fatal)
    assert (completed["success"], completed["error"]) == (False, "no answer")
    now = await room.storage.read(find_account, ANNA, account.account_id)
    assert (now.state, now.error) == (state, "no answer")


async def test_events_of_a_run_carry_the_command_that_asked_for_it(room: Room) -> None:
    account = await room.account()
    await room.storage.write(request_sync, account, "s1", "c1")
    run = await room.storage.write(claim_run, account.account_id)
    assert run is not None
    await room.apply(run, mail("One"))
    await room.storage.write(complete_run, run)
    envelopes = await room.envelopes()
    assert [envelope["type"] for envelope in envelopes] == ["sync.started", "thread.new", "sync.completed"]
    assert {envelope["commandId"] for envelope in envelopes} == {"c1"}


async def test_orphans_end_as_interrupted_and_queued_runs_stay(room: Room) -> None:
    orphan, queued = await room.account("orphan"), await room.account("queued")
    run = await room.run(orphan)
    await room.apply(run, mail("One"))
    await room.storage.write(request_sync, queued, "waits")
    assert not await room.storage.write(end_orphans)
    (completed,) = await room.events("sync.completed")
    assert (completed["syncId"], completed["success"], completed["error"]) == (
        run.sync_id,
        False,
        "interrupted",
    )
    assert completed["threadsProcessed"] == 1
    assert await room.storage.read(was_interrupted, orphan.account_id)
    assert not await room.storage.read(was_interrupted, queued.account_id)
    assert await room.storage.write(claim_run, queued.account_id) is not None


async def test_a_run_that_came_to_its_end_makes_good_for_one_that_did_not(room: Room) -> None:
    account = await room.account()
    await room.storage.write(interrupt_run, await room.run(account))
    room.clock.advance(minutes=1)
    await room.storage.write(complete_run, await room.run(account))
    assert not await room.storage.read(was_interrupted, account.account_id)
    room.clock.advance(minutes=1)
    await room.storage.write(interrupt_run, await room.run(account))
    assert await room.storage.read(was_interrupted, account.account_id)


async def test_many_orphans_end_in_bounded_units(room: Room) -> None:
    users = [f"user{number}" for number in range(ORPHANS_A_UNIT + 1)]
    for user_id in users:
        await room.run(await room.account(user_id=user_id))
    assert await room.storage.write(end_orphans)
    assert not await room.storage.write(end_orphans)
    for user_id in users:
        assert len(await room.events("sync.completed", user_id=user_id)) == 1


async def test_only_the_newest_completed_runs_are_kept(room: Room) -> None:
    account = await room.account()
    for _ in range(HISTORY + 5):
        room.clock.advance(minutes=1)
        await room.storage.write(complete_run, await room.run(account))
    kept = await room.query(str, "SELECT sync_id FROM sync_runs ORDER BY completed_at")
    assert kept == [f"id{number}" for number in range(6, HISTORY + 6)]


async def test_the_snapshot_has_the_open_run_of_each_account_or_else_the_last(room: Room) -> None:
    idle, busy = await room.account("idle"), await room.account("busy")
    for account in (idle, busy):
        await room.storage.write(complete_run, await room.run(account))
        room.clock.advance(minutes=1)
    failed = await room.run(idle)
    await room.storage.write(fail_run, failed, "no answer", fatal=False)
    running = await room.run(busy)
    await room.run(await room.account("strange", user_id="ben"))
    syncs = {sync.sync_id: sync for sync in await room.storage.read(snapshot_syncs, ANNA)}
    assert syncs.keys() == {failed.sync_id, running.sync_id}
    assert (syncs[failed.sync_id].success, syncs[failed.sync_id].error) == (False, "no answer")
    assert (syncs[running.sync_id].state, syncs[running.sync_id].success) == ("running", None)
    assert b'"syncId"' in msgspec.json.encode(syncs[running.sync_id])


# --- the commands ---------------------------------------------------------------------------------


@pytest.fixture
def woken() -> list[str]:
    """The accounts of which the engine was told."""
    return []


@pytest.fixture
def dispatch(room: Room, woken: list[str]) -> Dispatch:
    """Commands as they are run for the web."""
    handlers = {
        **mail_handlers(woken.append, room.new_id),
        **task_handlers(),
        **ask_handlers(lambda: None, lambda _ask_id: None, room.new_id),
    }
    return Dispatch(room.storage, handlers, epochs())


async def ask(dispatch: Dispatch, command_type: str, body: bytes, tab: str | None = None) -> object:
    caller = Caller(ANNA, "c1", tab)
    outcome = await dispatch.run(caller, command_type, body, keyed=False)
    return msgspec.json.decode(outcome.answer.result)


async def test_a_sync_of_everything_asks_for_each_account_the_failed_ones_too(
    room: Room, dispatch: Dispatch, woken: list[str]
) -> None:
    one, two = await room.account("one"), await room.account("two")
    await room.account("strange", user_id="ben")
    await room.storage.write(mark_failed, two.account_id, "wrong password", fatal=True)
    assert await ask(dispatch, "sync.request", b"{}") == {"syncIds": ["id1", "id2"]}
    assert woken == [one.account_id, two.account_id]
    assert [event["accountId"] for event in await room.events("sync.started")] == woken


async def test_a_sync_of_one_account(room: Room, dispatch: Dispatch, woken: list[str]) -> None:
    await room.account("one")
    await room.account("two")
    assert await ask(dispatch, "sync.request", b'{"accountId": "anna-two"}') == {"syncIds": ["id1"]}
    assert woken == ["anna-two"]


async def test_somebody_elses_account_cannot_be_synced(
    room: Room, dispatch: Dispatch, woken: list[str]
) -> None:
    await room.account(user_id="ben")
    with pytest.raises(NotFound):
        await ask(dispatch, "sync.request", b'{"accountId": "ben-mine"}')
    assert woken == []


async def test_typing_is_shown_in_the_other_tabs_and_never_logged(room: Room, dispatch: Dispatch) -> None:
    await ask(dispatch, "typing.start", b'{"where": "ask"}', tab="tab1")
    (offer,) = room.offers
    assert (offer.record.type, offer.record.offset, offer.except_tab) == ("typing.started", 0, "tab1")
    assert b'{"by":"anna","where":"ask"}' in offer.record.frame
    assert await room.events() == []
