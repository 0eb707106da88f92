"""Asks in the database: claimed in turn, said exactly, ended once, folded."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.askroom import FOUND, assembled, joined, payload_of
from tests.databases import epochs
from tests.mailroom import ANNA, Room, open_room
from zena_sse.ask.answering import Conclusion
from zena_sse.ask.reading import get_ask, list_asks, read_inquiry, snapshot_asks
from zena_sse.ask.rows import (
    HISTORY,
    MOST_WAITING,
    Ask,
    claim_asks,
    erase_asks,
    put_back,
    renew_leases,
    request_ask,
    users_with_old_asks,
)
from zena_sse.ask.saying import CHUNK_UNITS, INTERRUPTED, cancel, conclude, end_orphans, fail, let_go, say
from zena_sse.contract.events import ANSWER_LIMIT, EVENT_BYTES, AskError, Source, SuggestedAction
from zena_sse.errors import NotFound, TooManyAsks
from zena_sse.housekeeping import Housekeeping
from zena_sse.settings import Settings
from zena_sse.storage.log import StoredLog, erase_stream, find_position

ME = "server-1"
MOST = 100


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    """A room in which nobody answers by himself."""
    async with open_room(tmp_path, prefix="ask") as opened:
        yield opened


async def ask(room: Room, question: str = "Who waits?", user_id: str = ANNA, conversation: str = "") -> str:
    ask_id = room.new_id()
    room.clock.advance(milliseconds=1)
    await room.storage.write(request_ask, user_id, ask_id, question, conversation or ask_id, f"c-{ask_id}")
    return ask_id


async def claim(room: Room, owner: str = ME, per_user: int = MOST, most: int = MOST) -> list[Ask]:
    return await room.storage.write(claim_asks, owner, per_user, most)


async def running(room: Room, text: str = "", user_id: str = ANNA) -> str:
    """An ask that runs, with so much said."""
    ask_id = await ask(room, user_id=user_id)
    await claim(room)
    if text:
        await room.storage.write(say, ME, ask_id, text)
    return ask_id


def offered(room: Room) -> list[dict[str, Any]]:
    """All that was told of answers, folded or not."""
    return [told for offer in room.offers if (told := payload_of(offer.record)) is not None]


# --- whose turn it is ----------------------------------------------------------------------------


async def test_a_question_is_told_of_when_it_is_asked(room: Room) -> None:
    ask_id = await ask(room, conversation="talk")
    (event,) = await room.envelopes()
    assert event["payload"] == {"askId": ask_id, "question": "Who waits?", "conversationId": "talk"}
    assert (event["type"], event["commandId"]) == ("ask.started", f"c-{ask_id}")


async def test_so_many_of_a_user_run_at_a_time_and_the_oldest_come_first(room: Room) -> None:
    first, second, third = [await ask(room) for _ in range(3)]
    bens = await ask(room, user_id="ben")
    assert [each.ask_id for each in await claim(room, per_user=2)] == [first, second, bens]
    assert await claim(room, per_user=2) == []
    await room.storage.write(conclude, ME, second, "", FOUND)
    assert [each.ask_id for each in await claim(room, per_user=2)] == [third]


async def test_no_more_are_claimed_than_there_is_room_for(room: Room) -> None:
    for _ in range(3):
        await ask(room)
    assert [len(await claim(room, most=2)) for _ in range(3)] == [2, 1, 0]


async def test_a_conversation_is_answered_one_question_after_the_other(room: Room) -> None:
    first, second = [await ask(room, conversation="talk") for _ in range(2)]
    await ask(room, user_id="ben", conversation="talk")
    claimed = await claim(room)
    assert [(each.ask_id, each.user_id) for each in claimed] == [(first, ANNA), ("ask3", "ben")]
    await room.storage.write(conclude, ME, first, "Ana.", FOUND)
    (later,) = await claim(room)
    assert later.ask_id == second
    inquiry = await room.storage.read(read_inquiry, later)
    assert [(each.question, each.answer) for each in inquiry.before] == [("Who waits?", "Ana.")]


async def test_an_answerer_is_told_the_last_three_exchanges_the_oldest_first(room: Room) -> None:
    for number in range(5):
        ask_id = await ask(room, f"question {number}", conversation="talk")
        await claim(room)
        await room.storage.write(conclude, ME, ask_id, f"answer {number}", FOUND)
    await ask(room, "and now?", conversation="talk")
    (last,) = await claim(room)
    inquiry = await room.storage.read(read_inquiry, last)
    assert [each.question for each in inquiry.before] == ["question 2", "question 3", "question 4"]


async def test_a_user_has_so_many_questions_waiting_and_no_more(room: Room) -> None:
    for _ in range(MOST_WAITING):
        await ask(room)
    with pytest.raises(TooManyAsks):
        await ask(room)
    await ask(room, user_id="ben")
    await claim(room, most=1)
    await ask(room)


# --- what is said ---------------------------------------------------------------------------------


async def test_chunks_follow_each_other_and_the_end_has_it_all(room: Room) -> None:
    ask_id = await running(room)
    for text in ("Ana 😀", "Ana 😀 waits", "Ana 😀 waits"):
        await room.storage.write(say, ME, ask_id, text)
    await room.storage.write(conclude, ME, ask_id, "Ana 😀 waits.", FOUND)
    *chunks, end = offered(room)
    assert joined([*chunks, end]) == end["answer"] == "Ana 😀 waits."
    assert [told["offset"] for told in [*chunks, end]] == [0, 6, 12]
    assert (end["found"], end["sources"], end["suggestedActions"]) == (True, [], [])
    assert {envelope["commandId"] for envelope in await room.envelopes()} == {f"c-{ask_id}"}


async def test_a_long_text_is_said_in_chunks_that_fit(room: Room) -> None:
    text = "😀" * (CHUNK_UNITS + 1)
    ask_id = await running(room, text)
    await room.storage.write(conclude, ME, ask_id, text, FOUND)
    assert joined(offered(room)) == text
    assert [len(told["chunk"]) for told in offered(room)] == [CHUNK_UNITS // 2, CHUNK_UNITS // 2, 1]


async def test_the_longest_answer_fits_into_one_event_with_what_sources_there_is_room_for(room: Room) -> None:
    ask_id, text = await running(room), "ā€" * (ANSWER_LIMIT // 2)
    source = Source(type="thread", id="t" * 64, title="€" * 600, snippet="€" * 600, message_id="m" * 64)
    action = SuggestedAction("Done", "task.complete", {"taskId": "k"})
    conclusion = Conclusion(found=True, sources=(source,) * 20, suggested_actions=(action,))
    await room.storage.write(conclude, ME, ask_id, text, conclusion)
    end = offered(room)[-1]
    assert end["answer"] == text
    assert 0 < len(end["sources"]) < 20
    assert len(end["sources"][0]["snippet"]) == 500
    assert len(end["suggestedActions"]) == 1
    assert all(len(offer.record.frame) <= EVENT_BYTES for offer in room.offers)


@pytest.mark.parametrize("theirs", ["server-2", "nobody"])
async def test_who_does_not_own_an_answer_says_nothing_of_it(room: Room, theirs: str) -> None:
    ask_id = await running(room, "Ana")
    assert await room.storage.write(say, theirs, ask_id, "Ana waits") is None
    assert not await room.storage.write(conclude, theirs, ask_id, "Ana waits", FOUND)
    assert not await room.storage.write(fail, theirs, ask_id, "Ana waits", INTERRUPTED)
    assert joined(offered(room)) == "Ana"


# --- the end --------------------------------------------------------------------------------------


async def test_whoever_ends_an_answer_first_ends_it(room: Room) -> None:
    ask_id = await running(room, "Ana")
    assert await room.storage.write(cancel, ask_id)
    assert not await room.storage.write(cancel, ask_id)
    assert not await room.storage.write(conclude, ME, ask_id, "Ana waits", FOUND)
    assert not await room.storage.write(fail, ME, ask_id, "Ana waits", AskError("failed", "x"))
    assert await room.storage.write(say, ME, ask_id, "Ana waits") is None
    room.clock.advance(hours=1)
    assert await room.storage.write(end_orphans) == 0
    *_, end = offered(room)
    assert [told["isComplete"] for told in offered(room)] == [False, True]
    assert (end["answer"], end["error"]["code"]) == ("Ana", "cancelled")


async def test_a_question_can_be_cancelled_before_its_turn(room: Room) -> None:
    ask_id = await ask(room)
    assert await room.storage.write(cancel, ask_id)
    assert await claim(room) == []
    (end,) = offered(room)
    assert (end["chunk"], end["offset"], end["answer"], end["error"]["code"]) == ("", 0, "", "cancelled")


async def test_an_answer_whose_owner_lives_goes_on_and_one_whose_owner_does_not_is_ended(room: Room) -> None:
    ask_id = await running(room, "Ana")
    room.clock.advance(seconds=5)
    assert await room.storage.write(renew_leases, ME, [ask_id, "other"]) == {ask_id}
    assert await room.storage.write(renew_leases, "server-2", [ask_id]) == set()
    room.clock.advance(seconds=5)
    assert await room.storage.write(end_orphans) == 0
    room.clock.advance(seconds=2)
    assert await room.storage.write(end_orphans) == 1
    assert offered(room)[-1]["error"] == {"code": "interrupted", "message": INTERRUPTED.message}
    assert offered(room)[-1]["answer"] == "Ana"


async def test_an_owner_that_stops_puts_back_what_has_said_nothing_and_ends_the_rest(room: Room) -> None:
    silent, spoken = await running(room), await running(room, "Ana")
    assert await room.storage.write(let_go, ME, {silent: "", spoken: "Ana wai"}) == 1
    assert [each.ask_id for each in await claim(room, "server-2")] == [silent]
    end = offered(room)[-1]
    assert (end["askId"], end["answer"], end["error"]["code"]) == (spoken, "Ana wai", "interrupted")


async def test_what_has_ended_is_not_put_back(room: Room) -> None:
    ask_id = await running(room)
    await room.storage.write(cancel, ask_id)
    await room.storage.write(put_back, ask_id)
    assert await claim(room) == []


# --- the log --------------------------------------------------------------------------------------


async def test_chunks_leave_the_log_with_the_end_and_nothing_else_does(room: Room) -> None:
    other = await running(room, "I stay")
    ask_id = await running(room, "Ana")
    await room.storage.write(say, ME, ask_id, "Ana waits")
    await room.storage.write(conclude, ME, ask_id, "Ana waits.", FOUND)
    assert [(event["type"], event.get("answer")) for event in await room.events()] == [
        ("ask.started", None),
        ("ask.response", None),
        ("ask.started", None),
        ("ask.response", "Ana waits."),
    ]
    assert await room.query(str, "SELECT ask_id FROM ask_chunks") == [other]
    offsets = [offer.record.offset for offer in room.offers]
    assert offsets == list(range(1, len(offsets) + 1)), "the log is dense as it is written"
    position = await room.storage.read(find_position, ANNA)
    assert position is not None
    assert position.head == offsets[-1]


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(st.text(st.sampled_from("aā😀\n"), min_size=1, max_size=5), min_size=1, max_size=8),
    st.lists(st.integers(0, 100), max_size=6),
    st.sampled_from(["whole", "cancelled", "orphan"]),
)
async def test_whoever_resumes_anywhere_at_any_time_has_the_answer(
    room: Room, pieces: list[str], drops: list[int], how: str
) -> None:
    """A client hears, is cut off, replays from the log, before or after the end: always the same text."""
    ask_id, text = await running(room), ""
    began = len(room.offers)
    log = StoredLog(room.storage, epochs())
    said, cursor = "", room.offers[-1].record.offset

    async def catch_up(said: str, cursor: int) -> tuple[str, int]:
        page = await log.page(ANNA, cursor)
        for record in page.records:
            told = payload_of(record)
            said = assembled([told], said) if told is not None and told["askId"] == ask_id else said
        return said, page.records[-1].offset if page.records else page.position.head

    for number, piece in enumerate(pieces):
        text += piece
        await room.storage.write(say, ME, ask_id, text)
        if number in drops:
            said, cursor = await catch_up(said, cursor)
    await _end(room, how, ask_id, text)
    end = payload_of(room.offers[-1].record)
    assert end is not None
    assert end["answer"] == text == (await room.storage.read(get_ask, ANNA, ask_id)).answer
    assert joined([told for offer in room.offers[began:] if (told := payload_of(offer.record))]) == text
    said, cursor = await catch_up(said, cursor)
    assert said == text
    assert cursor == room.offers[-1].record.offset


async def _end(room: Room, how: str, ask_id: str, text: str) -> None:
    if how == "whole":
        await room.storage.write(conclude, ME, ask_id, text, FOUND)
    elif how == "cancelled":
        await room.storage.write(cancel, ask_id)
    else:
        room.clock.advance(seconds=7)
        assert await room.storage.write(end_orphans) == 1


async def test_folding_touches_no_log_but_the_one_in_which_the_chunks_were(room: Room) -> None:
    ask_id = await running(room, "Ana")
    await room.storage.write(erase_stream, ANNA)
    for _ in range(3):
        await ask(room)
    await room.storage.write(conclude, ME, ask_id, "Ana.", FOUND)
    assert [event["type"] for event in await room.events()] == ["ask.started"] * 3 + ["ask.response"]


# --- reading, dropping ------------------------------------------------------------------------------


async def test_an_ask_is_read_with_what_was_said_so_far(room: Room) -> None:
    ask_id = await running(room, "Ana")
    await room.storage.write(say, ME, ask_id, "Ana waits")
    item = await room.storage.read(get_ask, ANNA, ask_id)
    assert (item.state, item.answer, item.error, item.completed_at) == ("running", "Ana waits", None, None)
    assert await room.storage.read(snapshot_asks, ANNA) == [item]
    source = Source(type="thread", id="t", title="T", snippet="S", message_id="m")
    action = SuggestedAction("Done", "task.complete", {"taskId": "k"})
    conclusion = Conclusion(found=True, sources=(source,), suggested_actions=(action,))
    await room.storage.write(conclude, ME, ask_id, "Ana waits.", conclusion)
    item = await room.storage.read(get_ask, ANNA, ask_id)
    assert (item.state, item.answer, item.found) == ("completed", "Ana waits.", True)
    assert (item.sources, item.suggested_actions) == ([source], [action])
    assert item.completed_at == room.clock()


async def test_somebody_elses_ask_is_not_found(room: Room) -> None:
    ask_id = await running(room, "Ana")
    with pytest.raises(NotFound):
        await room.storage.read(get_ask, "ben", ask_id)
    assert await room.storage.read(snapshot_asks, "ben") == []
    assert (await room.storage.read(list_asks, "ben", ask_id, 10)).asks == []


async def test_the_newest_asks_of_a_user_are_kept(room: Room) -> None:
    await room.storage.write(
        lambda tx: tx.execute_many(
            "INSERT INTO asks (ask_id, user_id, conversation_id, question, state, asked_at, answer)"
            " VALUES (:id, 'anna', :id, 'q', 'completed', :id, '')",
            [{"id": f"2026-{number:04}"} for number in range(HISTORY + 30)],
        )
    )
    waiting = await ask(room)
    await ask(room, user_id="ben")
    assert await room.storage.read(users_with_old_asks) == [ANNA]
    await Housekeeping(room.storage, Settings(), room.clock).tidy()
    kept = await room.query(str, "SELECT ask_id FROM asks WHERE user_id = 'anna' ORDER BY asked_at")
    assert len(kept) == HISTORY
    assert (kept[0], waiting in kept) == ("2026-0031", True)
    assert await room.storage.read(users_with_old_asks) == []


async def test_erasing_leaves_nothing_of_a_users_asks_and_all_of_everybody_elses(room: Room) -> None:
    erased, kept = await running(room, "Ana"), await running(room, "Ben", user_id="ben")
    while await room.storage.write(erase_asks, ANNA):
        pass
    assert await room.query(str, "SELECT ask_id FROM asks UNION SELECT ask_id FROM ask_chunks") == [kept]
    assert await room.storage.write(say, ME, erased, "Ana waits") is None
