"""Asks in a room: an answerer that says what the test has it say, and clients that put answers together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from tests.databases import Clock, until
from tests.mailroom import ANNA, Flaky, Room, Time, open_room
from zena_sse.ask.answering import Answer, Answerer, Conclusion, Inquiry
from zena_sse.ask.commands import cancel_answer, request_answer
from zena_sse.ask.reading import AskItem, get_ask
from zena_sse.ask.run import World
from zena_sse.ask.runs import Runs
from zena_sse.contract.commands import AskCancel, AskRequest
from zena_sse.dispatch import Caller
from zena_sse.metrics import Metrics
from zena_sse.stream.log import Record

QUESTION = "Who waits?"
FOUND = Conclusion(found=True)


class Script:
    """One answer: what the test says is said, and it is noted when nobody listens any more."""

    def __init__(self, inquiry: Inquiry) -> None:
        self.inquiry = inquiry
        self.closed = asyncio.Event()
        self._pieces: asyncio.Queue[str | Conclusion | Exception] = asyncio.Queue()

    def say(self, *pieces: str | Conclusion | Exception) -> None:
        """These come next."""
        for piece in pieces:
            self._pieces.put_nowait(piece)

    async def answer(self) -> Answer:
        """All that is said, to its end."""
        try:
            while True:
                piece = await self._pieces.get()
                if isinstance(piece, Exception):
                    raise piece
                yield piece
        finally:
            self.closed.set()


class ScriptedAnswerer:
    """Answers each inquiry by a script, which waits for the test."""

    def __init__(self) -> None:
        self.scripts: list[Script] = []
        self.instead: Answerer | None = None  # who answers, if not the scripts

    def answer(self, inquiry: Inquiry) -> Answer:
        """See `Answerer`."""
        if self.instead is not None:
            return self.instead.answer(inquiry)
        self.scripts.append(Script(inquiry))
        return self.scripts[-1].answer()

    async def asked(self, question: str = QUESTION) -> Script:
        """Wait until the answer to this question has begun."""
        await until(lambda: any(script.inquiry.question == question for script in self.scripts))
        return next(script for script in self.scripts if script.inquiry.question == question)


class AskRoom:
    """A server's runs in a room. Its time passes when the test says so; it beats when it is told to."""

    def __init__(self, room: Room, owner: str = "server-1", per_user: int = 2) -> None:
        self.room = room
        self.time = Time()
        self.flaky = Flaky(room.storage)
        self.metrics = Metrics()
        self.answerer = ScriptedAnswerer()
        world = World(
            storage=self.flaky,
            answerer=self.answerer,
            metrics=self.metrics,
            clock=room.clock,
            monotonic=self.time.monotonic,
            sleep=self.time.sleep,
        )
        self.runs = Runs(world, owner, per_user)

    async def ask(
        self,
        question: str = QUESTION,
        key: str = "c1",
        user_id: str = ANNA,
        conversation: str | None = None,
    ) -> str:
        """What the command does; the ask's id. Each is asked at a moment of its own."""
        self.room.clock.advance(milliseconds=1)
        command = AskRequest(question=question, conversation_id=conversation)
        return (
            await self.room.storage.write(
                request_answer, Caller(user_id, key), command, self.runs.wake, self.room.new_id
            )
        ).ask_id

    async def cancel(self, ask_id: str, user_id: str = ANNA) -> None:
        """What the command does."""
        await self.room.storage.write(
            cancel_answer, Caller(user_id, "stop"), AskCancel(ask_id=ask_id), self.runs.cancelled
        )

    async def item(self, ask_id: str, user_id: str = ANNA) -> AskItem:
        """The ask as its user reads it."""
        return await self.room.storage.read(get_ask, user_id, ask_id)

    def told(self, ask_id: str) -> list[dict[str, Any]]:
        """The payloads of all that streams were told of an answer, folded or not, in its order."""
        told = (payload_of(offer.record) for offer in self.room.offers)
        return [payload for payload in told if payload is not None and payload["askId"] == ask_id]

    async def chunks(self, ask_id: str, number: int) -> list[dict[str, Any]]:
        """Wait until so much was told of an answer."""
        await until(lambda: len(self.told(ask_id)) >= number)
        return self.told(ask_id)

    async def ended(self, ask_id: str) -> dict[str, Any]:
        """Wait for the end of an answer, which is one."""
        await until(lambda: any(told["isComplete"] for told in self.told(ask_id)))
        (end,) = [told for told in self.told(ask_id) if told["isComplete"]]
        assert self.told(ask_id)[-1] == end
        return end

    async def gathered(self) -> None:
        """Wait until a run gathers, and let it have done so."""
        await until(lambda: any(left < 1 for left in self.time.left()))
        self.time.pass_by(0.04)

    def outcomes(self, outcome: str) -> float:
        """How many answers ended so."""
        return self.metrics.registry.get_sample_value("zena_asks_total", {"outcome": outcome}) or 0


def payload_of(record: Record) -> dict[str, Any] | None:
    """What an `ask.response` says; None for any other event."""
    if record.type != "ask.response":
        return None
    data = record.frame.partition(b"\ndata: ")[2]
    payload: dict[str, Any] = msgspec.json.decode(data)["payload"]
    return payload


def heard(text: str, told: dict[str, Any]) -> str:
    """What a client makes of a piece, as docs/stream.md says; `text` in UTF-16, as in a browser."""
    if told["isComplete"]:
        return str(told["answer"])
    before, offset = text.encode("utf-16-le"), 2 * told["offset"]
    if offset > len(before):
        return text
    return before[:offset].decode("utf-16-le") + str(told["chunk"])


def assembled(pieces: Iterable[dict[str, Any]], text: str = "") -> str:
    """What a client has after these."""
    for told in pieces:
        text = heard(text, told)
    return text


def joined(pieces: Sequence[dict[str, Any]], begin: int = 0) -> str:
    """The chunks one after the other, each of which must begin where the last one ended."""
    text = ""
    for told in pieces:
        assert told["offset"] == begin + len(text.encode("utf-16-le")) // 2
        text += told["chunk"]
    return text


@asynccontextmanager
async def open_asks(
    directory: Path,
    clock: Clock | None = None,
    *,
    owner: str = "server-1",
    per_user: int = 2,
    prefix: str = "ask",
) -> AsyncIterator[AskRoom]:
    """A room whose runs have started, and are stopped afterwards."""
    async with open_room(directory, clock, prefix) as room:
        asks = AskRoom(room, owner, per_user)
        await asks.runs.start()
        try:
            yield asks
        finally:
            await asks.runs.stop()
