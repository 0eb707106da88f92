"""Answers being made: gathered, durable, stopped, and none open for ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.askroom import FOUND, AskRoom, joined, open_asks
from tests.databases import until
from tests.mailroom import ANNA
from zena_sse.ask import run as running
from zena_sse.ask.answering import Answer, AnswerFailed, Conclusion, Inquiry
from zena_sse.ask.runs import BEAT_SECONDS
from zena_sse.contract.events import ANSWER_LIMIT


@pytest.fixture
async def asks(tmp_path: Path) -> AsyncIterator[AskRoom]:
    """Started runs."""
    async with open_asks(tmp_path) as opened:
        yield opened


# --- an answer --------------------------------------------------------------------------------------


async def test_the_first_words_leave_at_once_and_the_next_are_gathered(asks: AskRoom) -> None:
    ask_id = await asks.ask()
    script = await asks.answerer.asked()
    script.say("Ana")
    await asks.chunks(ask_id, 1)
    await until(lambda: asks.time.left() == [BEAT_SECONDS])  # nothing is gathered while nothing comes
    script.say(" waits", " for", " you")
    await asks.gathered()
    assert [told["chunk"] for told in await asks.chunks(ask_id, 2)] == ["Ana", " waits for you"]
    script.say(".", FOUND)
    end = await asks.ended(ask_id)
    assert (end["answer"], end["offset"], end["chunk"]) == ("Ana waits for you.", 17, ".")
    assert joined(asks.told(ask_id)) == end["answer"]
    await until(lambda: asks.outcomes("answered") == 1)


async def test_what_waits_for_its_gathering_goes_with_the_end_when_that_comes_first(asks: AskRoom) -> None:
    ask_id = await asks.ask()
    script = await asks.answerer.asked()
    script.say("Ana")
    await asks.chunks(ask_id, 1)
    script.say(" waits", FOUND)
    assert (await asks.ended(ask_id))["chunk"] == " waits"


async def test_an_answer_that_was_not_found_is_counted_as_such(asks: AskRoom) -> None:
    ask_id = await asks.ask()
    (await asks.answerer.asked()).say("Not there.", Conclusion(found=False))
    assert (await asks.ended(ask_id))["found"] is False
    await until(lambda: asks.outcomes("not_found") == 1)
    assert asks.metrics.registry.get_sample_value("zena_ask_first_chunk_seconds_count") == 1


async def test_a_character_that_comes_in_two_halves_is_said_whole(asks: AskRoom) -> None:
    ask_id = await asks.ask()
    script = await asks.answerer.asked()
    script.say("a\ud83d")
    await asks.chunks(ask_id, 1)
    script.say("\ude00", FOUND)
    assert [told["chunk"] for told in (await asks.ended(ask_id), *asks.told(ask_id))][:2] == ["😀", "a"]


async def test_an_answer_that_does_not_stop_is_cut_and_closed(asks: AskRoom) -> None:
    ask_id = await asks.ask()
    script = await asks.answerer.asked()
    script.say(*["x" * 1000] * 30)
    end = await asks.ended(ask_id)
    assert (len(end["answer"]), end["answer"][-2:]) == (ANSWER_LIMIT, "x…")
    assert "error" not in end
    await script.closed.wait()


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (AnswerFailed("The model does not answer."), "The model does not answer."),
        (ValueError("a secret"), "Something went wrong on our side."),
        (TimeoutError(), "The answer took too long."),
    ],
)
async def test_an_answer_that_fails_ends_with_what_was_said(
    asks: AskRoom, error: Exception, message: str
) -> None:
    ask_id = await asks.ask()
    (await asks.answerer.asked()).say("Ana", error)
    end = await asks.ended(ask_id)
    assert (end["answer"], end["error"]) == ("Ana", {"code": "failed", "message": message})
    await until(lambda: asks.outcomes("failed") == 1)
    assert asks.metrics.registry.get_sample_value("zena_asks_running") == 0


async def test_an_answerer_that_ends_without_a_conclusion_has_failed(asks: AskRoom) -> None:
    class Unconcluded:
        async def answer(self, _inquiry: Inquiry) -> Answer:
            yield "Ana"

    asks.answerer.instead = Unconcluded()
    ask_id = await asks.ask()
    assert (await asks.ended(ask_id))["error"]["message"] == "Something went wrong on our side."


class Connection:
    """An answer that is no generator: it is over when it is closed, and by nothing else."""

    def __init__(self, *pieces: str | Conclusion) -> None:
        self._pieces = iter(pieces)
        self.closed = asyncio.Event()

    def answer(self, _inquiry: Inquiry) -> Answer:
        return self

    def __aiter__(self) -> Answer:
        return self

    async def __anext__(self) -> str | Conclusion:
        for piece in self._pieces:
            return piece
        await asyncio.get_running_loop().create_future()  # silence
        raise StopAsyncIteration

    async def aclose(self) -> None:
        self.closed.set()


async def test_an_answer_is_closed_when_it_is_whole(asks: AskRoom) -> None:
    connection = Connection("Ana", FOUND)
    asks.answerer.instead = connection
    await asks.ended(await asks.ask())
    await connection.closed.wait()


async def test_an_answer_is_closed_when_it_is_cancelled(asks: AskRoom) -> None:
    connection = Connection("Ana")
    asks.answerer.instead = connection
    ask_id = await asks.ask()
    await asks.chunks(ask_id, 1)
    await asks.cancel(ask_id)
    await connection.closed.wait()


async def test_an_answer_that_takes_too_long_has_failed(
    asks: AskRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "RUN_SECONDS", 0.05)
    ask_id = await asks.ask()
    script = await asks.answerer.asked()
    assert (await asks.ended(ask_id))["error"]["message"] == "The answer took too long."
    await script.closed.wait()


# --- the database does not answer ---------------------------------------------------------------------


async def test_what_cannot_be_written_now_is_merged_with_what_follows(asks: AskRoom) -> None:
    ask_id = await asks.ask()
    script = await asks.answerer.asked()
    script.say("Ana")
    await asks.chunks(ask_id, 1)
    asks.flaky.down = True
    script.say(" waits")
    await asks.gathered()
    script.say(" for", " you")
    asks.flaky.down = False
    await asks.gathered()
    script.say(".", FOUND)
    assert (await asks.ended(ask_id))["answer"] == joined(asks.told(ask_id)) == "Ana waits for you."


async def test_an_answer_that_cannot_be_ended_now_is_ended_later(asks: AskRoom) -> None:
    ask_id = await asks.ask()
    script = await asks.answerer.asked()
    asks.flaky.down = True
    script.say("Ana waits.", FOUND)
    await until(lambda: any(left < 1 for left in asks.time.left()))
    assert asks.told(ask_id) == []
    asks.flaky.down = False
    asks.time.pass_by(0.05)
    assert (await asks.ended(ask_id))["answer"] == "Ana waits."


# --- stopping ------------------------------------------------------------------------------------------


async def test_cancelling_stops_the_answerer_at_once_and_nothing_follows_the_end(asks: AskRoom) -> None:
    ask_id = await asks.ask()
    script = await asks.answerer.asked()
    script.say("Ana")
    await asks.chunks(ask_id, 1)
    loop = asyncio.get_running_loop()
    began = loop.time()
    await asks.cancel(ask_id)
    await script.closed.wait()
    assert loop.time() - began < 0.2
    script.say(" waits", FOUND)
    await until(lambda: asks.metrics.registry.get_sample_value("zena_asks_running") == 0)
    end = await asks.ended(ask_id)
    assert (end["answer"], end["error"]["code"]) == ("Ana", "cancelled")
    await until(lambda: asks.outcomes("cancelled") == 1)


@pytest.mark.parametrize("turns", range(8))
async def test_cancelling_while_it_ends_gives_one_end(asks: AskRoom, turns: int) -> None:
    ask_id = await asks.ask()
    script = await asks.answerer.asked()
    script.say("Ana", FOUND)
    for _ in range(turns):
        await asyncio.sleep(0)
    await asks.cancel(ask_id)
    await asks.ended(ask_id)
    await until(lambda: asks.metrics.registry.get_sample_value("zena_asks_running") == 0)
    await asks.ended(ask_id)
    assert asks.outcomes("cancelled") + asks.outcomes("answered") == 1


async def test_one_that_was_ended_by_another_server_is_stopped_by_the_beat(asks: AskRoom) -> None:
    ask_id = await asks.ask()
    script = await asks.answerer.asked()
    other = AskRoom(asks.room, "server-2")
    await other.cancel(ask_id)
    assert not script.closed.is_set()
    await asks.runs.beat()
    await script.closed.wait()
    assert (await asks.ended(ask_id))["error"]["code"] == "cancelled"


async def test_one_that_was_ended_by_another_server_says_nothing_more(asks: AskRoom) -> None:
    ask_id = await asks.ask()
    script = await asks.answerer.asked()
    await AskRoom(asks.room, "server-2").cancel(ask_id)
    script.say("Ana")
    await script.closed.wait()
    await asks.ended(ask_id)


async def test_erasing_a_user_stops_their_answers(asks: AskRoom) -> None:
    ask_id = await asks.ask()
    theirs = await asks.ask("Ben's", user_id="ben")
    first, other = await asks.answerer.asked(), await asks.answerer.asked("Ben's")
    first.say("Ana")
    await asks.chunks(ask_id, 1)
    while await asks.room.storage.write(asks.runs.erase, ANNA):
        pass
    await first.closed.wait()
    assert await asks.room.query(str, "SELECT ask_id FROM asks") == [theirs]
    other.say("Ben", FOUND)
    assert (await asks.ended(theirs))["answer"] == "Ben"
    assert len(asks.told(ask_id)) == 1


# --- turns ---------------------------------------------------------------------------------------------


async def test_the_third_question_waits_for_one_of_the_first_two(asks: AskRoom) -> None:
    ask_ids = {name: await asks.ask(name) for name in ("first", "second", "third")}
    scripts = [await asks.answerer.asked(name) for name in ("first", "second")]
    assert (await asks.item(ask_ids["third"])).state == "queued"
    scripts[1].say(FOUND)
    await asks.ended(ask_ids["second"])
    await asks.answerer.asked("third")
    assert len(asks.answerer.scripts) == 3


async def test_a_question_cancelled_before_its_turn_is_never_answered(asks: AskRoom) -> None:
    for name in ("first", "second"):
        await asks.ask(name)
        await asks.answerer.asked(name)
    waiting = await asks.ask("never mind")
    await asks.cancel(waiting)
    assert (await asks.ended(waiting))["error"]["code"] == "cancelled"
    asks.answerer.scripts[0].say(FOUND)
    await asks.ask("but this")
    await asks.answerer.asked("but this")
    assert len(asks.answerer.scripts) == 3


# --- servers come and go ----------------------------------------------------------------------------


async def test_a_server_that_stops_ends_what_it_said_and_leaves_the_rest_to_the_next(tmp_path: Path) -> None:
    async with open_asks(tmp_path) as asks:
        spoken, silent = await asks.ask("spoken"), await asks.ask("silent")
        script = await asks.answerer.asked("silent")
        (await asks.answerer.asked("spoken")).say("Ana")
        await asks.chunks(spoken, 1)
        await asks.runs.stop()
        assert script.closed.is_set()
        end = await asks.ended(spoken)
        assert (end["answer"], end["error"]["code"]) == ("Ana", "interrupted")
        assert (await asks.item(silent)).state == "queued"
    async with open_asks(tmp_path, owner="server-2") as asks:
        await asks.answerer.asked("silent")
        assert len(asks.answerer.scripts) == 1


async def test_a_server_that_stops_while_the_database_is_gone_stops_all_the_same(tmp_path: Path) -> None:
    async with open_asks(tmp_path) as asks:
        await asks.ask()
        script = await asks.answerer.asked()
        asks.flaky.down = True
        await asks.runs.stop()
        assert script.closed.is_set()


async def test_what_a_dead_server_left_is_ended_once_its_lease_is_over(asks: AskRoom) -> None:
    dead = AskRoom(asks.room, "server-2")
    ask_id = await dead.ask()
    await dead.runs._claim()
    (await dead.answerer.asked()).say("Ana")
    await dead.chunks(ask_id, 1)
    (going,) = dead.runs._going.values()
    going.task.cancel()
    await asyncio.wait({going.task})
    await asks.runs.beat()
    assert (await asks.item(ask_id)).state == "running"
    asks.room.clock.advance(seconds=7)
    await asks.runs.beat()
    end = await asks.ended(ask_id)
    assert (end["answer"], end["error"]["code"]) == ("Ana", "interrupted")
    assert asks.outcomes("interrupted") == 1


async def test_a_server_that_beats_keeps_its_answers_however_long_they_take(asks: AskRoom) -> None:
    ask_id = await asks.ask()
    script = await asks.answerer.asked()
    for _ in range(5):
        asks.room.clock.advance(seconds=5)
        await asks.runs.beat()
    script.say("At last.", FOUND)
    assert (await asks.ended(ask_id))["answer"] == "At last."


async def test_it_beats_by_itself_and_one_beat_that_fails_is_followed_by_another(asks: AskRoom) -> None:
    dead = AskRoom(asks.room, "server-2")
    ask_id = await dead.ask()
    await dead.runs._claim()
    (going,) = dead.runs._going.values()
    going.task.cancel()
    await asyncio.wait({going.task})
    asks.room.clock.advance(seconds=7)
    asks.flaky.down = True
    await until(lambda: asks.time.left() == [BEAT_SECONDS])
    asks.time.pass_by(BEAT_SECONDS)
    await until(lambda: asks.time.left() == [BEAT_SECONDS])
    asks.flaky.down = False
    asks.time.pass_by(BEAT_SECONDS)
    assert (await asks.ended(ask_id))["error"]["code"] == "interrupted"
