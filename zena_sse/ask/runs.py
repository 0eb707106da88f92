"""Answers every question that waits: claims it, has it answered, sees that none stays open for ever.

An answer belongs to the app, not to whoever asked: tabs come and go. Its server says every two seconds that
it lives; answers of one that does not are ended by the others, or by itself when it starts again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass

import structlog

from zena_sse.ask.rows import any_open, claim_asks, erase_asks, renew_leases
from zena_sse.ask.run import Run, World
from zena_sse.ask.saying import ORPHANS_A_UNIT, Outcome, end_orphans, let_go
from zena_sse.errors import ZenaError
from zena_sse.storage.port import Transaction

# Three of these fit into a lease: one may come late, and one may fail.
BEAT_SECONDS = 2.0
# Answers that one server makes at a time: each is a task, and with a model a connection that is held.
MOST_RUNNING = 128
# How long answers may take to stop; a server that is told to end has few seconds in all.
STOP_SECONDS = 3.0

log = structlog.get_logger("zena.ask")


@dataclass(frozen=True)
class _Going:
    run: Run
    task: asyncio.Task[None]


class Runs:
    """All answers that this server makes, each a task; `owner` is its name in the database."""

    def __init__(self, world: World, owner: str, per_user: int) -> None:
        self._world = world
        self._owner = owner
        self._per_user = per_user
        self._going: dict[str, _Going] = {}
        self._woken = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        world.metrics.asks_running.set_function(lambda: len(self._going))

    async def start(self) -> None:
        """End what has no living owner, and answer whatever waits."""
        await self._end_orphans()
        self._tasks = [asyncio.create_task(work) for work in (self._claim_on(), self._beat_on())]

    async def stop(self) -> None:
        """Stop answering: what has said nothing waits for the next start, the rest ends as interrupted."""
        await _stopped(self._tasks, STOP_SECONDS)
        going = list(self._going.values())
        await _stopped([each.task for each in going], STOP_SECONDS)
        texts = {each.run.ask.ask_id: each.run.text.said for each in going}
        with contextlib.suppress(ZenaError, TimeoutError):  # then the leases end them
            async with asyncio.timeout(STOP_SECONDS):
                self._count("interrupted", await self._world.storage.write(let_go, self._owner, texts))

    def wake(self) -> None:
        """There may be a question that waits."""
        self._woken.set()

    def cancelled(self, ask_id: str) -> None:
        """An answer was cancelled, and has ended in the database: stop making it."""
        self._count("cancelled")
        self._drop([ask_id])
        self._woken.set()  # the next may have its turn

    def erase(self, tx: Transaction, user_id: str) -> bool:
        """Erase some of a user's asks, and stop answering them; whether there may be more."""

        def stop_answering() -> None:
            self._drop(ask_id for ask_id, going in [*self._going.items()] if going.run.ask.user_id == user_id)

        tx.after_commit(stop_answering)
        return erase_asks(tx, user_id)

    async def beat(self) -> None:
        """Say that we live; stop what is not ours any more; end what has no living owner."""
        if not self._going and not await self._world.storage.read(any_open):
            return
        ours = list(self._going)
        kept = await self._world.storage.write(renew_leases, self._owner, ours)
        self._drop(ask_id for ask_id in ours if ask_id not in kept)
        await self._end_orphans()
        self._woken.set()  # another server's answers may have ended

    async def _end_orphans(self) -> None:
        ended = ORPHANS_A_UNIT
        while ended == ORPHANS_A_UNIT:
            ended = await self._world.storage.write(end_orphans)
            self._count("interrupted", ended)

    async def _beat_on(self) -> None:
        while True:
            await self._world.sleep(BEAT_SECONDS)
            await _try("the beat failed", self.beat())

    async def _claim_on(self) -> None:
        while True:
            self._woken.clear()  # before looking: a wake that comes later than this is not lost
            await _try("claiming failed", self._claim())
            await self._woken.wait()

    async def _claim(self) -> None:
        room = MOST_RUNNING - len(self._going)
        if room > 0 and await self._world.storage.read(any_open):
            for ask in await self._world.storage.write(claim_asks, self._owner, self._per_user, room):
                run = Run(self._world, self._owner, ask)
                self._going[ask.ask_id] = _Going(run, asyncio.create_task(self._perform(run)))

    async def _perform(self, run: Run) -> None:
        try:
            outcome = await run.perform()
            if outcome is not None:
                self._count(outcome)
        except Exception:  # its lease ends it
            log.exception("an answer was left open", ask_id=run.ask.ask_id)
        finally:
            del self._going[run.ask.ask_id]
            self._woken.set()

    def _drop(self, ask_ids: Iterable[str]) -> None:
        for ask_id in ask_ids:
            if ask_id in self._going:
                self._going[ask_id].task.cancel()

    def _count(self, outcome: Outcome, times: int = 1) -> None:
        self._world.metrics.asks.labels(outcome).inc(times)


async def _try(trouble: str, work: Coroutine[None, None, None]) -> None:
    """Do it; what goes wrong is said, and tried again at the next occasion."""
    try:
        await work
    except ZenaError as error:
        log.warning(trouble, code=error.code, detail=str(error))
    except Exception:  # a bug of ours must not end it for good, in silence
        log.exception(trouble)


async def _stopped(tasks: list[asyncio.Task[None]], seconds: float) -> None:
    """Cancel these, and wait until they are over, but no longer than this."""
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=seconds)
