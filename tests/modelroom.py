"""Answers by the real adapter from a scripted server, over passages that the test writes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from tests.databases import NOON, PATIENCE_SECONDS, Clock
from tests.mailroom import Time
from tests.scriptedmodel import Script, ScriptedModel, scripted_model
from zena_sse.ask.answering import Answerer, AnswerFailed, Conclusion, Inquiry
from zena_sse.ask.fallback import FAILURES, Answering
from zena_sse.ask.modelled.answerer import Modelled
from zena_sse.ask.passages import Passage
from zena_sse.contract.events import Source, SourceType
from zena_sse.language.breaker import Breaker
from zena_sse.language.openai import OpenAiModel
from zena_sse.metrics import Metrics

KEY = "sk-scripted-key"
QUESTION = "When is the viewing?"


def passage(
    text: str, *, thread: str = "t1", message: str | None = "m1", kind: SourceType = "thread"
) -> Passage:
    source = Source(type=kind, id=thread, title=f"Subject of {thread}", snippet=text[:50], message_id=message)
    return Passage(source=source, text=text, said_by="Ben Buyer", at=NOON)


class Found:
    """A retrieval that finds what it is given."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self.passages_found = list(passages)

    async def passages(self, _inquiry: Inquiry) -> list[Passage]:
        return self.passages_found


class Embedded:
    """An answerer that needs no model, and counts how often it was needed."""

    def __init__(self) -> None:
        self.asked = 0

    async def answer(self, _inquiry: Inquiry) -> AsyncIterator[str | Conclusion]:
        self.asked += 1
        yield "Embedded answer."
        yield Conclusion(found=True)


class Told:
    """What somebody was told: the pieces, the conclusion, and how it failed."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.conclusion: Conclusion | None = None
        self.failed: AnswerFailed | None = None

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def concluded(self) -> Conclusion:
        assert self.conclusion is not None
        return self.conclusion


class ModelRoom:
    """A model behind a scripted server; asked directly, or with somebody who can take over."""

    def __init__(self, server: ScriptedModel, passages: Sequence[Passage], seconds: float) -> None:
        self.server = server
        self.metrics = Metrics()
        self.time = Time()
        self.adapter = OpenAiModel(server.base_url, KEY, "scripted", seconds)
        self.modelled = Modelled(self.adapter, Found(passages), self.metrics, Clock())
        self.embedded = Embedded()
        self.breaker = Breaker(self.time.monotonic, FAILURES)
        self.answering = Answering(
            self.modelled, self.embedded, self.breaker, self.metrics, self.time.monotonic
        )

    def sample(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(name, labels) or 0.0

    def outcomes(self) -> dict[str, int]:
        kinds = ("answered", "taken_over", "broken", "cancelled")
        counts = {kind: int(self.sample("zena_ask_model_answers_total", outcome=kind)) for kind in kinds}
        return {kind: count for kind, count in counts.items() if count}


async def told(answerer: Answerer, inquiry: Inquiry | None = None, into: Told | None = None) -> Told:
    """All that comes of a question."""
    told = into or Told()
    async with asyncio.timeout(PATIENCE_SECONDS):
        try:
            async for piece in answerer.answer(inquiry or Inquiry(user_id="anna", question=QUESTION)):
                if isinstance(piece, Conclusion):
                    told.conclusion = piece
                else:
                    told.pieces.append(piece)
        except AnswerFailed as failed:
            told.failed = failed
    return told


@asynccontextmanager
async def open_model_room(
    script: Script, *passages: Passage, seconds: float = 30.0
) -> AsyncIterator[ModelRoom]:
    """A room whose model has these passages; one that answers the question if there are none."""
    async with scripted_model(script) as server:
        room = ModelRoom(server, passages or [passage("The viewing is on Friday.")], seconds)
        try:
            yield room
        finally:
            await room.adapter.close()
