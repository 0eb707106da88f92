"""A real language model behind a real server: as a peer on the wire, not for what it says."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

from tests.databases import Clock
from tests.modelroom import Embedded, Found, passage, told
from zena_sse.ask.fallback import FAILURES, Answering
from zena_sse.ask.modelled.answerer import Modelled
from zena_sse.ask.passages import Passage
from zena_sse.language.breaker import Breaker
from zena_sse.language.model import Turn, Usage
from zena_sse.language.openai import OpenAiModel
from zena_sse.metrics import Metrics

pytestmark = [pytest.mark.slow, pytest.mark.needs("llama"), pytest.mark.timeout(180)]

# A small machine reads a prompt of 1,000 tokens in that time.
SECONDS = 60.0
TURNS = [Turn("user", "Write a long story about a house by the sea.")]
MAIL = [
    passage("The viewing of 12 High Street is on Friday at 3 pm. Ben will be there.", message="m1"),
    passage("The building report costs 650 dollars.", thread="t2", message="m2"),
]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    python = os.environ["ZENA_TEST_LLAMA_PYTHON"]
    script = Path(__file__).with_name("llamaserver.py")
    with subprocess.Popen(
        [python, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield f"{process.stdout.readline().strip()}/v1"
        finally:
            process.stdin.close()


@pytest.fixture
async def model(address: str) -> AsyncIterator[OpenAiModel]:
    model = OpenAiModel(address, "", "smollm2", SECONDS)
    yield model
    await model.close()


class Asking:
    """A room with this model, somebody to take over, and all that is counted."""

    def __init__(self, model: OpenAiModel, passages: list[Passage]) -> None:
        self.metrics = Metrics()
        self.embedded = Embedded()
        modelled = Modelled(model, Found(passages), self.metrics, Clock())
        breaker = Breaker(time.monotonic, FAILURES)
        self.answering = Answering(modelled, self.embedded, breaker, self.metrics, time.monotonic)

    def sample(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(f"zena_ask_model_{name}", labels) or 0.0


async def test_an_answer_is_streamed_end_to_end(
    model: OpenAiModel, record_property: Callable[[str, object], None]
) -> None:
    room = Asking(model, MAIL)
    started = time.monotonic()
    answer = await told(room.answering)
    facts = {
        "first chunk, seconds": round(room.sample("first_chunk_seconds_sum"), 3),
        "all, seconds": round(time.monotonic() - started, 3),
        "chunks": len(answer.pieces),
        "tokens read": int(room.sample("tokens_total", direction="read")),
        "tokens written": int(room.sample("tokens_total", direction="written")),
    }
    for name, value in facts.items():
        record_property(name, value)
    sys.stdout.write(f"{facts}\n{answer.text}\n")
    assert answer.concluded is not None
    assert room.embedded.asked == 0
    assert len(answer.pieces) > 5
    assert facts["tokens read"] > 300
    assert facts["tokens written"] >= len(answer.pieces)


async def test_deltas_come_while_the_model_thinks_and_its_tokens_are_told(model: OpenAiModel) -> None:
    turns = [Turn("user", "Count from one to ten in words.")]
    heard = [(time.monotonic(), piece) async for piece in model.stream(turns)]
    _, usage = heard.pop()
    assert isinstance(usage, Usage)
    assert usage.completion_tokens >= len(heard) > 10
    assert heard[-1][0] - heard[0][0] > 0.02, "not all at once"


async def test_a_question_nobody_waits_for_does_not_hold_up_the_next(model: OpenAiModel) -> None:
    async with aclosing(model.stream(TURNS)) as story:
        await anext(story)
    asked = time.monotonic()
    async with asyncio.timeout(10), aclosing(model.stream([Turn("user", "Hi")])) as hello:
        await anext(hello)
    assert time.monotonic() - asked < 5


async def test_a_question_that_is_too_long_for_the_model_is_taken_over(model: OpenAiModel) -> None:
    room = Asking(model, [passage("x y z " * 2_000)] * 12)
    answer = await told(room.answering)
    assert answer.text == "Embedded answer."
    assert room.sample("answers_total", outcome="taken_over") == 1


async def test_a_model_that_is_not_there_is_taken_over() -> None:
    gone = OpenAiModel("http://127.0.0.1:9/v1", "", "smollm2", SECONDS)
    assert (await told(Asking(gone, MAIL).answering)).text == "Embedded answer."
    await gone.close()
