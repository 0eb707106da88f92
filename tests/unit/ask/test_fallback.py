"""Who answers when the model does not: taken over before the first words, broken after them."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest
import structlog
from structlog.testing import capture_logs

from tests.databases import PATIENCE_SECONDS, until
from tests.modelroom import KEY, ModelRoom, Told, open_model_room, passage, told
from tests.scriptedmodel import Reply, Script, Telling, spoken
from zena_sse.ask.answering import Conclusion, Inquiry
from zena_sse.ask.fallback import FAILURES, UNUSABLE_SECONDS, _pieces
from zena_sse.ask.passages import Passage
from zena_sse.language.breaker import OPEN_SECONDS, State

GOOD = spoken("On Friday [1].")


def state(room: ModelRoom) -> State:
    """Asked anew each time: it changes behind a type checker's back."""
    return room.breaker.state


async def test_a_model_that_answers_is_heard_and_nobody_else_asked() -> None:
    async with open_model_room(GOOD) as room:
        answer = await told(room.answering)
        assert (answer.text, answer.concluded.found) == ("On Friday [1].", True)
        assert room.embedded.asked == 0
        assert room.outcomes() == {"answered": 1}
        assert room.sample("zena_ask_model_first_chunk_seconds_count") == 1


@pytest.mark.parametrize(
    "script",
    [
        Reply(status=500),
        Reply(status=400),
        Reply(status=401),
        Reply(body=b"<html>"),
        Reply(hangs="silent"),
        spoken(""),
        spoken("[none]"),
        spoken(" ", finish="length"),
        Telling().say(" ", "[").break_off(),
    ],
)
async def test_a_model_that_fails_before_its_first_words_is_replaced_unnoticed(script: Script) -> None:
    async with open_model_room(script, seconds=0.2) as room:
        answer = await told(room.answering)
        assert (answer.text, answer.failed, answer.concluded.found) == ("Embedded answer.", None, True)
        assert room.outcomes() == {"taken_over": 1}
        assert room.sample("zena_ask_model_first_chunk_seconds_count") == 0


@pytest.mark.parametrize(
    "script",
    [
        Telling().say("On Friday").break_off(),
        Telling().say("On Friday").end(),
        Telling().say("On Friday"),
        spoken("On Friday", finish="length"),
        spoken("On Friday", finish="content_filter"),
    ],
)
async def test_a_model_that_fails_later_ends_the_answer_and_what_it_said_stays(script: Script) -> None:
    async with open_model_room(script, seconds=0.2) as room:
        answer = await told(room.answering)
        assert (answer.text, answer.conclusion) == ("On Friday", None)
        assert answer.failed is not None
        assert room.embedded.asked == 0
        assert room.outcomes() == {"broken": 1}


async def test_an_answer_of_which_nobody_hears_more_than_the_conclusion_is_an_answer() -> None:
    async with open_model_room([Reply(status=500), GOOD, Reply(status=500), GOOD]) as room:
        for _ in range(4):
            async with aclosing(_pieces(room.answering, Inquiry(user_id="anna", question="When?"))) as pieces:
                while not isinstance(await anext(pieces), Conclusion):
                    pass
        assert room.outcomes() == {"answered": 2, "taken_over": 2}
        assert state(room) == "closed"


async def test_a_model_that_fails_again_and_again_is_left_alone_for_a_while() -> None:
    async with open_model_room(Reply(status=500)) as room:
        for _ in range(FAILURES + 1):
            assert (await told(room.answering)).text == "Embedded answer."
        assert len(room.server.asked) == FAILURES
        assert state(room) == "open"
        assert room.outcomes() == {"taken_over": FAILURES + 1}
        room.server.script = GOOD
        room.time.pass_by(OPEN_SECONDS)
        assert (await told(room.answering)).text == "On Friday [1]."
        assert state(room) == "closed"


async def test_breaking_off_again_and_again_opens_the_breaker_too() -> None:
    async with open_model_room(lambda _asked: Telling().say("On").end()) as room:
        for _ in range(FAILURES):
            await told(room.answering)
        assert state(room) == "open"


async def test_a_question_that_is_refused_is_not_held_against_the_model() -> None:
    async with open_model_room(Reply(status=400)) as room:
        for _ in range(FAILURES + 1):
            await told(room.answering)
        assert state(room) == "closed"


async def test_nothing_to_go_by_is_not_the_models_fault_and_not_worth_a_line() -> None:
    structlog.reset_defaults()  # a test of the command line may have chosen to hear errors only
    with capture_logs() as logs:
        async with open_model_room(GOOD, passage("")) as room:
            for _ in range(FAILURES):
                assert (await told(room.answering)).text == "Embedded answer."
            assert (state(room), room.server.asked) == ("closed", [])
    assert logs == []


async def test_a_wrong_setting_is_named_and_the_model_left_alone_for_long() -> None:
    structlog.reset_defaults()
    with capture_logs() as logs:
        async with open_model_room(Reply(status=401, body=KEY.encode())) as room:
            await told(room.answering)
            assert round(room.breaker.seconds_left()) == UNUSABLE_SECONDS
    assert [entry.get("setting") for entry in logs] == [None, "ZENA_LLM_API_KEY"]
    assert KEY not in str(logs)


async def test_a_bug_of_ours_is_logged_without_mail_and_taken_over() -> None:
    class Broken:
        async def passages(self, _inquiry: Inquiry) -> list[Passage]:
            raise ValueError("the viewing is on Friday")

    structlog.reset_defaults()
    with capture_logs() as logs:
        async with open_model_room(GOOD) as room:
            room.modelled._retrieval = Broken()
            assert (await told(room.answering)).text == "Embedded answer."
            assert state(room) == "closed"
    (entry,) = logs
    assert (entry["log_level"], entry["error"]) == ("error", "ValueError")
    assert entry["at"].startswith("test_fallback.py:")
    assert "viewing" not in str(logs)


@pytest.mark.parametrize("said", [(), ("On Friday",)])
async def test_cancelling_closes_the_models_connection_at_once_and_nobody_takes_over(
    said: tuple[str, ...],
) -> None:
    telling = Telling().say(*said)
    async with open_model_room(telling) as room, asyncio.timeout(PATIENCE_SECONDS):
        heard = Told()
        task = asyncio.create_task(told(room.answering, into=heard))
        await until(lambda: len(room.server.asked) == 1 and tuple(heard.pieces) == said)
        cancelled_at = asyncio.get_running_loop().time()
        task.cancel()
        await telling.gone.wait()
        assert telling.gone_at - cancelled_at < 0.2
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: room.outcomes() == {"cancelled": 1})
        assert room.embedded.asked == 0
        assert room.breaker.admits
