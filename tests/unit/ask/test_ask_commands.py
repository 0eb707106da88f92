"""`ask.request` and `ask.cancel`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from tests.databases import epochs
from tests.mailroom import ANNA, Room, open_room
from zena_sse.ask.commands import ask_handlers, cancel_answer, is_visible, request_answer
from zena_sse.ask.rows import claim_asks
from zena_sse.ask.saying import say
from zena_sse.contract.commands import AskCancel, AskRequest
from zena_sse.dispatch import Caller, Dispatch
from zena_sse.errors import InvalidPayload, NotFound
from zena_sse.mail.commands import mail_handlers
from zena_sse.tasks.commands import task_handlers


class Told:
    """What whoever answers was told."""

    def __init__(self) -> None:
        self.wakes = 0
        self.stopped: list[str] = []

    def wake(self) -> None:
        self.wakes += 1


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    async with open_room(tmp_path, prefix="ask") as opened:
        yield opened


async def request(
    room: Room, told: Told, question: str = "Who waits?", conversation: str | None = None
) -> str:
    command = AskRequest(question=question, conversation_id=conversation)
    caller = Caller(ANNA, "c1")
    return (await room.storage.write(request_answer, caller, command, told.wake, room.new_id)).ask_id


async def cancel(room: Room, told: Told, ask_id: str, user_id: str = ANNA) -> None:
    command = AskCancel(ask_id=ask_id)
    await room.storage.write(cancel_answer, Caller(user_id, "c2"), command, told.stopped.append)


async def test_a_question_is_its_own_conversation_unless_it_follows_another(room: Room, told: Told) -> None:
    first = await request(room, told)
    await request(room, told, "And then?", first)
    events = await room.events("ask.started")
    assert [event["conversationId"] for event in events] == [first, first]
    assert told.wakes == 2


@pytest.mark.parametrize("question", ["", " ", "\n\t", "\0\x1b", "\u200b\u00a0\u2028", "\ufeff"])
async def test_a_question_that_cannot_be_seen_is_refused(room: Room, told: Told, question: str) -> None:
    with pytest.raises(InvalidPayload):
        await request(room, told, question)
    assert (await room.count("asks"), told.wakes) == (0, 0)


@pytest.mark.parametrize("question", ["?", "Tīrama", "🏡", "\0a"])
def test_a_question_that_has_anything_to_be_seen_is_asked(question: str) -> None:
    assert is_visible(question)


async def test_cancelling_ends_an_answer_at_once_with_what_was_said(room: Room, told: Told) -> None:
    ask_id = await request(room, told)
    await room.storage.write(claim_asks, "another server", 2, 1)
    await room.storage.write(say, "another server", ask_id, "Ana")
    for _ in range(2):
        await cancel(room, told, ask_id)
    (end,) = await room.events("ask.response")
    assert (end["answer"], end["error"]["code"], end["isComplete"]) == ("Ana", "cancelled", True)
    assert told.stopped == [ask_id]
    assert {envelope["commandId"] for envelope in await room.envelopes()} == {"c1"}


async def test_somebody_elses_answer_cannot_be_cancelled(room: Room, told: Told) -> None:
    ask_id = await request(room, told)
    for user_id, target in (("ben", ask_id), (ANNA, "none")):
        with pytest.raises(NotFound):
            await cancel(room, told, target, user_id)
    assert (await room.events("ask.response"), told.stopped) == ([], [])


async def test_the_same_key_asks_and_cancels_once(room: Room, told: Told) -> None:
    asks = ask_handlers(told.wake, told.stopped.append, room.new_id)
    rest = {**mail_handlers(lambda _account: None, room.new_id), **task_handlers()}
    dispatch = Dispatch(room.storage, {**asks, **rest}, epochs())
    body = b'{"question": "Who waits?"}'
    first, again = [await dispatch.run(Caller(ANNA, "k"), "ask.request", body, keyed=True) for _ in range(2)]
    assert (first.answer, again.replayed) == (again.answer, True)
    ask_id = msgspec.json.decode(first.answer.result)["askId"]
    stop = msgspec.json.encode({"askId": ask_id})
    for key in ("s", "s", "t"):
        await dispatch.run(Caller(ANNA, key), "ask.cancel", stop, keyed=True)
    assert [event["type"] for event in await room.events()] == ["ask.started", "ask.response"]
