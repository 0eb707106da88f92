"""A triage room that seeks second opinions from a scripted server, through the real adapter."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from tests.databases import until
from tests.mailroom import Room, Time, open_room
from tests.scriptedmodel import Script, ScriptedModel, scripted_model
from tests.triageroom import TriageRoom
from zena_sse.language.breaker import Breaker
from zena_sse.language.openai import OpenAiModel
from zena_sse.metrics import Metrics
from zena_sse.storage.port import Transaction
from zena_sse.tasks.following import follow_tasks
from zena_sse.triage.analysis.findings import Ask, Findings
from zena_sse.triage.judging import Case, Unjudged
from zena_sse.triage.opinion.asking import Asking
from zena_sse.triage.opinion.seeking import Seeking, Surroundings
from zena_sse.triage.triaged import Triaged

KEY = "sk-scripted-key"
# A whole answer may take so long; tests of slowness wait for it.
SECONDS = 0.3


class OpinionRoom(TriageRoom):
    """Mail that says `certain: yes` gives itself away; `ask: ...` is asked of the agent. Tasks are real."""

    def __init__(self, room: Room, model: ScriptedModel, seconds: float = SECONDS) -> None:
        super().__init__(room)
        self.model = model
        self.time = Time()
        self.metrics = Metrics()
        self.breaker = Breaker(self.time.monotonic)
        self.adapter = OpenAiModel(model.base_url, KEY, "scripted", seconds)
        world = Surroundings(
            storage=room.storage,
            triage_again=self.triage.run_one,
            metrics=self.metrics,
            clock=room.clock,
            monotonic=self.time.monotonic,
            sleep=self.time.sleep,
        )
        asking = Asking(self.adapter, self.breaker, self.time.sleep, lambda: 0.5)
        self.seeking = Seeking(world, asking, self.breaker)

    async def take(self, *mails: bytes, **more: Any) -> None:
        """Mail is filed and triaged, and those who seek opinions are told."""
        await super().take(*mails, **more)
        self.seeking.wake()

    def outcomes(self, outcome: str) -> int:
        """How many opinions came out so."""
        value = self.metrics.registry.get_sample_value("zena_opinions_total", {"outcome": outcome})
        return int(value or 0)

    async def come_out(self, outcome: str, number: int = 1) -> None:
        """Wait until so many opinions have come out so."""
        await until(lambda: self.outcomes(outcome) >= number)

    async def sleepers(self, *seconds: float) -> None:
        """Wait until exactly those who wait so long are waiting."""
        await until(lambda: [round(left, 3) for left in self.time.left()] == list(seconds))

    async def due(self) -> list[str]:
        """The subjects of threads that are due an opinion, or pending."""
        return await self.room.query(
            str, "SELECT subject FROM threads WHERE opinion_version < version ORDER BY subject"
        )

    async def labels(self) -> list[str]:
        """The open tasks."""
        return await self.room.query(
            str, "SELECT label FROM tasks WHERE completed_at IS NULL ORDER BY created_at, label"
        )

    async def _analyse(self, batch: Sequence[Case]) -> list[Findings | Unjudged]:
        found = await super()._analyse(batch)
        return [_completed(case, one) for case, one in zip(batch, found, strict=True)]

    def _follow_tasks(self, tx: Transaction, triaged: Triaged) -> None:
        super()._follow_tasks(tx, triaged)
        follow_tasks(tx, triaged)


def _completed(case: Case, found: Findings | Unjudged) -> Findings | Unjudged:
    if isinstance(found, Unjudged):
        return found
    message = case[0][-1]
    lines = dict(line.split(": ", 1) for line in message.text.splitlines() if ": " in line)
    asks = (Ask(lines["ask"], lines["ask"], message.key),) if "ask" in lines else ()
    return msgspec.structs.replace(found, certain="certain" in lines, asks=asks)


@asynccontextmanager
async def open_opinions(
    directory: Path, script: Script, *, model: ScriptedModel | None = None, seconds: float = SECONDS
) -> AsyncIterator[OpinionRoom]:
    """A room whose opinions are sought already, with a server of its own unless there is one."""
    async with open_room(directory) as room, scripted_model(script) as own:
        opinions = OpinionRoom(room, model or own, seconds)
        opinions.seeking.start()
        try:
            yield opinions
        finally:
            await opinions.seeking.stop()
            await opinions.adapter.close()
