"""Dispatch: one handler for each command, and the same answer to the same wish."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.databases import NOON, Clock, epochs, new_database, running_storage, viewed
from zena_sse.ask.commands import ask_handlers
from zena_sse.contract.commands import (
    COMMANDS,
    Result,
    SyncIds,
    SyncRequest,
    ThreadView,
    TypingStart,
    ViewedAt,
)
from zena_sse.dispatch import Caller, Dispatch, Handler, decode_command, drop_old_answers
from zena_sse.errors import (
    IdempotencyConflict,
    InvalidPayload,
    MalformedBody,
    NotFound,
    UnknownCommand,
    ZenaError,
)
from zena_sse.storage.log import find_position
from zena_sse.storage.port import Transaction
from zena_sse.storage.sqlite import SqliteStorage
from zena_sse.storage.unit import Offer
from zena_sse.tasks.commands import task_handlers

JO = Caller("jo", "key-1", "tab1")


class Rooms:
    """Handlers that write down what they were asked, and do a little of it."""

    def __init__(self) -> None:
        self.ran: list[tuple[str, str]] = []
        self.fail: Exception | None = None

    def view(self, tx: Transaction, caller: Caller, command: ThreadView) -> ViewedAt:
        self.ran.append((caller.user_id, command.thread_id))
        tx.publish(caller.user_id, viewed(command.thread_id), command_id=caller.command_id)
        if self.fail is not None:
            raise self.fail
        return ViewedAt(viewed_at=tx.now)

    def sync(self, _tx: Transaction, caller: Caller, _command: SyncRequest) -> SyncIds:
        self.ran.append((caller.user_id, "sync"))
        return SyncIds(sync_ids=["s1"])

    def typing(self, _tx: Transaction, caller: Caller, command: TypingStart) -> Result:
        self.ran.append((caller.user_id, command.where))
        return Result()

    @property
    def handlers(self) -> dict[str, Handler]:
        own: dict[str, Handler] = {
            "thread.view": self.view,
            "sync.request": self.sync,
            "typing.start": self.typing,
        }
        asks = ask_handlers(lambda: None, lambda _ask_id: None, lambda: "ask")
        return {**task_handlers(), **asks, **own}


@pytest.fixture
def rooms() -> Rooms:
    return Rooms()


@pytest.fixture
def offers() -> list[Offer]:
    return []


@pytest.fixture
async def storage(tmp_path: Path, offers: list[Offer]) -> AsyncIterator[SqliteStorage]:
    async with running_storage(new_database(tmp_path), offers.append, Clock(), epochs()) as running:
        yield running


@pytest.fixture
def dispatch(storage: SqliteStorage, rooms: Rooms) -> Dispatch:
    return Dispatch(storage, rooms.handlers, epochs())


def thread(thread_id: str) -> bytes:
    return b'{"threadId": "%s"}' % thread_id.encode()


# --- running ------------------------------------------------------------------------------------


async def test_command_runs_and_answers_with_its_result_and_the_cursor_to_wait_for(
    dispatch: Dispatch, offers: list[Offer]
) -> None:
    outcome = await dispatch.run(JO, "thread.view", thread("t1"), keyed=False)
    assert outcome.replayed is False
    assert outcome.answer.command_id == "key-1"
    assert msgspec.json.decode(outcome.answer.result) == {"viewedAt": "2026-11-20T12:00:00Z"}
    [offer] = offers
    assert outcome.answer.cursor == f"{offer.record.epoch}-{offer.record.offset}"
    assert b'"commandId":"key-1"' in offer.record.frame


async def test_command_that_publishes_nothing_still_answers_with_a_cursor(dispatch: Dispatch) -> None:
    outcome = await dispatch.run(JO, "sync.request", b"", keyed=False)
    epoch, _, offset = outcome.answer.cursor.partition("-")
    assert epoch
    assert offset == "0"


async def test_every_declared_command_needs_a_handler(storage: SqliteStorage, rooms: Rooms) -> None:
    handlers = rooms.handlers
    del handlers["typing.start"]
    with pytest.raises(ValueError, match=r"typing\.start"):
        Dispatch(storage, handlers, epochs())
    assert rooms.handlers.keys() == COMMANDS.keys()


async def test_command_that_fails_changes_nothing_and_publishes_nothing(
    dispatch: Dispatch, rooms: Rooms, storage: SqliteStorage, offers: list[Offer]
) -> None:
    rooms.fail = NotFound()
    with pytest.raises(NotFound):
        await dispatch.run(JO, "thread.view", thread("t1"), keyed=True)
    assert offers == []
    assert await storage.read(find_position, "jo") is None


# --- what a body spells -------------------------------------------------------------------------

CASES: list[tuple[str, bytes, type[ZenaError], str]] = [
    ("thread.dance", b"{}", UnknownCommand, "thread.dance"),
    ("", b"{}", UnknownCommand, "thread.view"),
    ("thread.view", b"{", MalformedBody, "JSON"),
    ("thread.view", b"nonsense", MalformedBody, "JSON"),
    ("thread.view", b'{"threadId": "a"} more', MalformedBody, "JSON"),
    ("thread.view", b"\xff\xfe", MalformedBody, "JSON"),
    ("thread.view", b'{"threadId": "\xff"}', MalformedBody, "JSON"),
    ("thread.view", b'{"\xff": 1, "threadId": "a"}', MalformedBody, ""),
    ("thread.view", b'{"threadId": "\\ud800"}', MalformedBody, "JSON"),
    ("thread.view", b"", InvalidPayload, "threadId"),
    ("thread.view", b"null", InvalidPayload, "object"),
    ("thread.view", b"[]", InvalidPayload, "object"),
    ("thread.view", b"[" * 100_000, InvalidPayload, "object"),
    ("thread.view", b"{}", InvalidPayload, "threadId"),
    ("thread.view", b'{"threadId": 7}', InvalidPayload, "threadId"),
    ("thread.view", b'{"threadId": ""}', InvalidPayload, "threadId"),
    ("thread.view", b'{"threadId": "%s"}' % (b"x" * 65), InvalidPayload, "threadId"),
    ("thread.view", b'{"thread_id": "a"}', InvalidPayload, "thread_id"),
    ("thread.view", b'{"threadId": "a", "more": 1}', InvalidPayload, "more"),
    ("thread.view", b'{"more": ' + b"[" * 100_000, InvalidPayload, "more"),
]


@pytest.mark.parametrize(("command", "body", "error", "says"), CASES)
def test_what_is_no_command_says_what_is_wrong_with_it(
    command: str, body: bytes, error: type[ZenaError], says: str
) -> None:
    with pytest.raises(ZenaError) as caught:
        decode_command(command, body)
    assert type(caught.value) is error or (not says and isinstance(caught.value, InvalidPayload))
    assert says in str(caught.value)
    assert len(str(caught.value)) < 300


def test_no_body_is_an_empty_payload() -> None:
    assert decode_command("sync.request", b"") == SyncRequest()


# --- the same wish again ------------------------------------------------------------------------


async def test_same_key_and_body_give_the_same_answer_and_run_once(
    dispatch: Dispatch, rooms: Rooms, offers: list[Offer]
) -> None:
    first = await dispatch.run(JO, "thread.view", thread("t1"), keyed=True)
    await dispatch.run(Caller("jo", "other"), "thread.view", thread("t2"), keyed=True)
    again = await dispatch.run(JO, "thread.view", thread("t1"), keyed=True)
    assert (first.replayed, again.replayed) == (False, True)
    assert again.answer == first.answer
    assert rooms.ran == [("jo", "t1"), ("jo", "t2")]
    assert len(offers) == 2


async def test_same_body_spelled_differently_is_the_same_wish(dispatch: Dispatch, rooms: Rooms) -> None:
    await dispatch.run(JO, "sync.request", b"", keyed=True)
    for spelling in (b"{}", b' { "accountId" : null } '):
        assert (await dispatch.run(JO, "sync.request", spelling, keyed=True)).replayed
    assert len(rooms.ran) == 1


async def test_same_key_with_another_body_is_a_conflict_and_does_not_run(
    dispatch: Dispatch, rooms: Rooms
) -> None:
    first = await dispatch.run(JO, "thread.view", thread("t1"), keyed=True)
    with pytest.raises(IdempotencyConflict):
        await dispatch.run(JO, "thread.view", thread("t2"), keyed=True)
    assert rooms.ran == [("jo", "t1")]
    assert (await dispatch.run(JO, "thread.view", thread("t1"), keyed=True)).answer == first.answer


async def test_key_counts_for_its_user_and_its_command_alone(dispatch: Dispatch, rooms: Rooms) -> None:
    wishes: list[tuple[Caller, str, bytes]] = [
        (JO, "thread.view", thread("t1")),
        (Caller("max", "key-1"), "thread.view", thread("t1")),
        (JO, "sync.request", b"{}"),
        (Caller("jo", "key-2"), "thread.view", thread("t1")),
    ]
    for caller, command, body in wishes:
        assert not (await dispatch.run(caller, command, body, keyed=True)).replayed
    assert len(rooms.ran) == 4


async def test_same_key_from_another_tab_is_the_same_wish(dispatch: Dispatch) -> None:
    await dispatch.run(JO, "thread.view", thread("t1"), keyed=True)
    other = Caller("jo", "key-1", "tab2")
    assert (await dispatch.run(other, "thread.view", thread("t1"), keyed=True)).replayed


async def test_without_a_key_every_wish_is_a_new_one(dispatch: Dispatch, rooms: Rooms) -> None:
    for _ in range(2):
        assert not (await dispatch.run(JO, "thread.view", thread("t1"), keyed=False)).replayed
    assert len(rooms.ran) == 2
    assert not (await dispatch.run(JO, "thread.view", thread("t1"), keyed=True)).replayed


@pytest.mark.parametrize("error", [NotFound(), KeyError("a bug")])
async def test_failure_is_not_recorded_so_that_trying_again_runs_again(
    dispatch: Dispatch, rooms: Rooms, error: Exception
) -> None:
    rooms.fail = error
    with pytest.raises(type(error)):
        await dispatch.run(JO, "thread.view", thread("t1"), keyed=True)
    rooms.fail = None
    assert not (await dispatch.run(JO, "thread.view", thread("t1"), keyed=True)).replayed
    assert len(rooms.ran) == 2


async def test_same_key_many_times_at_once_runs_once(dispatch: Dispatch, rooms: Rooms) -> None:
    outcomes = await asyncio.gather(
        *(dispatch.run(JO, "thread.view", thread("t1"), keyed=True) for _ in range(20))
    )
    assert rooms.ran == [("jo", "t1")]
    assert [outcome.replayed for outcome in outcomes].count(False) == 1
    assert len({outcome.answer.cursor for outcome in outcomes}) == 1


async def test_caller_that_left_finds_its_answer_when_it_asks_again(dispatch: Dispatch, rooms: Rooms) -> None:
    asking = asyncio.create_task(dispatch.run(JO, "thread.view", thread("t1"), keyed=True))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert (await dispatch.run(JO, "thread.view", thread("t1"), keyed=True)).replayed
    assert rooms.ran == [("jo", "t1")]


async def test_answers_are_forgotten_when_they_are_old_enough_and_not_before(
    dispatch: Dispatch, storage: SqliteStorage, rooms: Rooms
) -> None:
    await dispatch.run(JO, "thread.view", thread("t1"), keyed=True)
    assert not await storage.write(drop_old_answers, NOON)
    assert (await dispatch.run(JO, "thread.view", thread("t1"), keyed=True)).replayed
    assert not await storage.write(drop_old_answers, NOON + timedelta(seconds=1)), "there were few"
    outcome: Any = await dispatch.run(JO, "thread.view", thread("t1"), keyed=True)
    assert not outcome.replayed
