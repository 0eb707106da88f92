"""Streamed answers through the real package and real HTTP: what is said, and every way it can fail."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.databases import PATIENCE_SECONDS
from tests.scriptedmodel import (
    DONE,
    USAGE,
    Asked,
    Reply,
    Script,
    ScriptedModel,
    Telling,
    event,
    scripted_model,
    spoken,
)
from zena_sse.language.deltas import EVENT_BYTES
from zena_sse.language.model import (
    InvalidAnswer,
    ModelTrouble,
    Refused,
    Turn,
    Unavailable,
    Unusable,
    Usage,
)
from zena_sse.language.openai import STREAM_BYTES, OpenAiModel

KEY = "sk-scripted-key"
TURNS = [Turn("system", "You are Zena."), Turn("user", "When is the viewing?")]
# A silence may be so long where a test waits for its end, and where none does.
BRIEF, LONG = 0.2, 30.0


class Heard:
    """What was said, and how it ended."""

    def __init__(self, said: Sequence[str | Usage], trouble: ModelTrouble | None) -> None:
        self.pieces = [one for one in said if isinstance(one, str)]
        self.usage = [one for one in said if isinstance(one, Usage)]
        self.text = "".join(self.pieces)
        self.trouble = trouble


@asynccontextmanager
async def opened(script: Script, seconds: float = LONG) -> AsyncIterator[tuple[OpenAiModel, ScriptedModel]]:
    async with scripted_model(script) as server:
        model = OpenAiModel(server.base_url, KEY, "scripted", seconds)
        try:
            yield model, server
        finally:
            await model.close()


async def hear(model: OpenAiModel) -> Heard:
    said: list[str | Usage] = []
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            async for piece in model.stream(TURNS):
                said.append(piece)  # noqa: PERF401  # what was said before it fails counts
    except ModelTrouble as trouble:
        return Heard(said, trouble)
    return Heard(said, None)


async def heard(script: Script, seconds: float = LONG) -> Heard:
    async with opened(script, seconds) as (model, _server):
        return await hear(model)


# --- what is said ---------------------------------------------------------------------------------


async def test_each_delta_is_heard_before_the_next_is_said() -> None:
    telling = Telling()
    async with opened(telling) as (model, _server), asyncio.timeout(PATIENCE_SECONDS):
        stream = model.stream(TURNS)
        for word in ("On ", "Friday", "."):
            telling.say(word)
            assert await anext(stream) == word
        telling.raw(event(None, "stop")).raw(USAGE).raw(DONE).end()
        assert [piece async for piece in stream] == [Usage(70, 7)]


async def test_the_conversation_is_sent_as_it_is_to_be_streamed_and_counted() -> None:
    async with opened(spoken("Hi")) as (model, server):
        await hear(model)
        (asked,) = server.asked
        assert asked.body["messages"] == [{"role": turn.role, "content": turn.content} for turn in TURNS]
        assert (asked.body["stream"], asked.body["stream_options"]) == (True, {"include_usage": True})
        assert asked.headers["accept-encoding"] == "identity"
        assert asked.headers["authorization"] == f"Bearer {KEY}"


async def test_a_connection_whose_answer_is_whole_serves_the_next() -> None:
    async with opened(spoken("Hi")) as (model, server):
        await hear(model)
        await hear(model)
        assert (len(server.asked), server.connections) == (2, 1)


@pytest.mark.parametrize("option", ["stream_options", "temperature"])
async def test_a_server_that_refuses_an_option_is_asked_without_it_from_then_on(option: str) -> None:
    def script(asked: Asked) -> Reply:
        return Reply(status=400) if option in asked.body else spoken("Hi")

    async with opened(script) as (model, server):
        assert (await hear(model)).text == "Hi"
        refused = len(server.asked) - 1
        assert (await hear(model)).text == "Hi"
        assert refused > 0
        assert len(server.asked) == refused + 2


async def test_events_cut_anywhere_say_the_same() -> None:
    body = b": hello\n\n" + event("Tīrama") + event("\r\n") + event(None, "stop") + USAGE + DONE
    telling = Telling()
    for byte in body:
        telling.raw(bytes([byte]))
    said = await heard(telling.end())
    assert (said.text, said.usage, said.trouble) == ("Tīrama\r\n", [Usage(70, 7)], None)


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
async def test_lines_may_end_in_any_usual_way_and_data_span_several(newline: bytes) -> None:
    lines = [
        b"event: message",
        b'data: {"choices":',
        b'data:[{"delta":{"content":"Hi"}}]}',
        b"",
        b"data: [DONE]",
    ]
    said = await heard(Telling().raw(newline.join([*lines, b"", b""])).end())
    assert (said.text, said.trouble) == ("Hi", None)


async def test_comments_and_empty_deltas_say_nothing() -> None:
    telling = Telling().raw(b": keep-alive\n\n").say("", None, "Hi", "").raw(b": keep-alive\n\n")
    said = await heard(telling.raw(event(None, "stop")).end())
    assert (said.pieces, said.trouble) == (["Hi"], None)


async def test_surrogate_pairs_cut_in_two_are_joined_and_halves_alone_replaced() -> None:
    telling = Telling().say("a\ud83d", "\ude00b", "\ude00", "c\ud83d").raw(event(None, "stop")).end()
    assert (await heard(telling)).text == "a😀b\ufffdc\ufffd"


async def test_bytes_that_are_no_text_are_replaced() -> None:
    telling = Telling().raw(event("X").replace(b"X", b"a\xff")).raw(event(None, "stop")).end()
    assert (await heard(telling)).text == "a\ufffd"


# --- how it ends ----------------------------------------------------------------------------------


@pytest.mark.parametrize("rest", [DONE, event(None, "stop"), event(None, "stop") + b"data: {"])
async def test_an_answer_is_whole_when_either_mark_of_the_end_was_given(rest: bytes) -> None:
    said = await heard(Telling().say("Hi").raw(rest).end())
    assert (said.text, said.trouble) == ("Hi", None)


async def test_an_answer_whose_end_was_said_waits_no_longer_for_the_connections() -> None:
    said = await heard(Telling().say("Hi").raw(event(None, "stop")), LONG)
    assert (said.text, said.trouble) == ("Hi", None)


async def test_a_connection_that_breaks_after_the_end_was_said_does_no_harm() -> None:
    said = await heard(Telling().say("Hi").raw(event(None, "stop")).break_off())
    assert (said.text, said.trouble) == ("Hi", None)


@pytest.mark.parametrize(
    ("telling", "reason"),
    [
        (lambda: Telling().say("Hi").end(), "breaks off"),
        (lambda: Telling().say("Hi").break_off(), "Error"),
        (lambda: Telling().say("Hi").raw(b'data: {"error": {"message": "sk-scripted-key"}}\n\n'), "an error"),
        (lambda: Telling().say("Hi").raw(b"data: {\n\n"), "no chat completion"),
        (lambda: Telling().say("Hi").raw(b'data: {"choices": 5}\n\n'), "no chat completion"),
        (lambda: Telling().say("Hi").raw(b"data: " + b"[" * 60_000 + b"\n\n"), "no chat completion"),
        (lambda: Telling().say("Hi").raw(b"data: " + b"x" * EVENT_BYTES), "too long"),
        (lambda: Telling().say("Hi").raw(b"data: x\n" * (EVENT_BYTES // 7 + 1)), "too long"),
    ],
)
async def test_an_answer_that_breaks_leaves_what_was_said(telling: Any, reason: str) -> None:
    said = await heard(telling())
    assert said.text == "Hi"
    assert isinstance(said.trouble, Unavailable)
    assert reason in str(said.trouble)
    assert KEY not in str(said.trouble)


async def test_what_comes_in_one_piece_with_the_trouble_is_said_too() -> None:
    said = await heard(Telling().raw(event("Hi") + b"data: {\n\n"))
    assert (said.text, str(said.trouble)) == ("Hi", "an answer that is no chat completion")


@pytest.mark.parametrize(("finish", "trouble"), [("length", InvalidAnswer), ("content_filter", Refused)])
async def test_an_answer_that_was_stopped_is_not_whole(finish: str, trouble: type[ModelTrouble]) -> None:
    said = await heard(spoken("Hi", finish=finish))
    assert (said.text, said.usage) == ("Hi", [Usage(70, 7)])
    assert isinstance(said.trouble, trouble)


async def test_an_answer_without_an_end_is_cut_off() -> None:
    said = await heard(Reply(body=event("x") + b": \n" * (STREAM_BYTES // 3)))
    assert isinstance(said.trouble, InvalidAnswer)


@pytest.mark.parametrize(
    ("reply", "trouble"),
    [
        (Reply(status=500), Unavailable),
        (Reply(status=429, body=b"x" * 1_000_000), Unavailable),
        (Reply(status=400), Refused),
        (Reply(status=401), Unusable),
        (Reply(status=307, headers={"Location": "http://127.0.0.1:1/"}), Unusable),
        (Reply(headers={"Content-Encoding": "gzip"}), Unavailable),
        (Reply(body=b'{"choices": [{"message": {"content": "not streamed"}}]}'), Unavailable),
        (Reply(hangs="silent"), Unavailable),
        (Reply(hangs="headed"), Unavailable),
    ],
)
async def test_an_answer_that_does_not_begin_is_a_trouble(reply: Reply, trouble: type[ModelTrouble]) -> None:
    said = await heard(reply, BRIEF if reply.hangs else LONG)
    assert said.pieces == []
    assert isinstance(said.trouble, trouble)


async def test_silence_is_bounded_between_deltas_and_keep_alive_is_silence() -> None:
    telling = Telling().say("Hi")

    async def keep_alive() -> None:
        while not telling.gone.is_set():
            telling.raw(b": keep-alive\n\n")
            await asyncio.sleep(BRIEF / 10)

    async with opened(telling, BRIEF) as (model, _server):
        alive = asyncio.create_task(keep_alive())
        said = await hear(model)
        await alive
    assert (said.text, str(said.trouble)) == ("Hi", "no answer in time")


# --- who stops listening --------------------------------------------------------------------------


@pytest.mark.parametrize("spoken_already", [False, True])
async def test_a_cancelled_answer_closes_the_connection_at_once(spoken_already: bool) -> None:
    telling = Telling().say(*(["Hi"] if spoken_already else []))
    async with opened(telling) as (model, server), asyncio.timeout(PATIENCE_SECONDS):
        listening = asyncio.Event()

        async def listen() -> None:
            async with contextlib.aclosing(model.stream(TURNS)) as stream:
                if spoken_already:
                    await anext(stream)
                listening.set()
                await anext(stream)

        task = asyncio.create_task(listen())
        await listening.wait()
        while not server.asked:
            await asyncio.sleep(0.002)
        cancelled_at = asyncio.get_running_loop().time()
        task.cancel()
        await telling.gone.wait()
        assert telling.gone_at - cancelled_at < 0.2
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_closing_the_iterator_closes_the_connection_at_once() -> None:
    telling = Telling().say("Hi")
    async with opened(telling) as (model, _server), asyncio.timeout(PATIENCE_SECONDS):
        stream = model.stream(TURNS)
        await anext(stream)
        closed_at = asyncio.get_running_loop().time()
        await stream.aclose()
        await telling.gone.wait()
        assert telling.gone_at - closed_at < 0.2


def test_the_scripts_halves_are_lone_surrogates_on_the_wire() -> None:
    assert b"\\ud83d" in event("\ud83d")
    assert json.loads(event("\ud83d")[len(b"data: ") :])["choices"][0]["delta"]["content"] == "\ud83d"
