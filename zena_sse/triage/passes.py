"""Passes of triage: what changed of a user's threads is read, judged off the loop, and applied."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TypeAlias
from weakref import WeakValueDictionary

import msgspec
import structlog

from zena_sse.errors import ZenaError
from zena_sse.mail.accounts import own_addresses
from zena_sse.storage.port import Storage
from zena_sse.triage.analysis.findings import Findings, Known
from zena_sse.triage.applying import Applying, Circumstances, Outcome
from zena_sse.triage.contacts import (
    BEFORE_ALL,
    pending_after,
    read_recipients,
    record_recipients,
)
from zena_sse.triage.corrections import ThreadCorrection, correct_thread, read_taught
from zena_sse.triage.judging import Case, Unjudged
from zena_sse.triage.pending import Work, read_known, read_one_pending, read_pending
from zena_sse.triage.places import read_streets
from zena_sse.triage.risk import reassess_threads, threads_to_reassess

# Threads judged together: a batch costs the worker some ten milliseconds, and holds a few MB of mail.
BATCH = 16
# Threads applied in one unit of work, which may take 20 ms: each moves a dozen rows.
THREADS_A_UNIT = 8
# Threads looked through for recipients in one read, and recorded in one unit.
LOOKED_THROUGH = 100
RECORDED_A_UNIT = 3

Analyse: TypeAlias = Callable[[Sequence[Case]], Awaitable[list[Findings | Unjudged]]]

log = structlog.get_logger("zena.triage")


class Triage:
    """Keeps what is said of threads up to date; of each user one batch at a time.

    `analyse` is `judge_batch` in a worker. `clock` is the domain's: by it silence and dates are judged.
    """

    def __init__(
        self, storage: Storage, analyse: Analyse, applying: Applying, clock: Callable[[], datetime]
    ) -> None:
        self._storage = storage
        self._analyse = analyse
        self._applying = applying
        self._clock = clock
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._under_way: Counter[str] = Counter()  # passes through all that is pending, by user

    async def run(self, user_id: str, command_id: str | None = None) -> None:
        """Triage whatever is pending, the threads that began first before the others."""
        self._under_way[user_id] += 1
        try:
            await self._run(user_id, command_id)
        finally:
            self._under_way[user_id] -= 1
            self._under_way += Counter()  # forgets who is at none

    async def _run(self, user_id: str, command_id: str | None) -> None:
        turn = self._turn(user_id)
        more = await self._note_all_recipients(user_id)
        known = await self._storage.read(read_known, user_id) if more else Known(frozenset())
        while more:
            async with turn:  # let go between batches: who waits for one thread need not wait for them all
                works = await self._storage.read(read_pending, user_id, BATCH)
                known = await self._renewed(user_id, known)
                await self._triage(user_id, works, known, command_id)
                more = bool(works)

    async def _renewed(self, user_id: str, known: Known) -> Known:
        """The batch before may have added streets, and the user may have corrected something meanwhile."""
        streets = await self._storage.read(read_streets, user_id)
        taught = await self._storage.read(read_taught, user_id)
        return msgspec.structs.replace(known, streets=streets, taught=taught)

    async def correct(self, user_id: str, thread_id: str, said: ThreadCorrection) -> None:
        """Note what the user says, and judge by it the thread and those it teaches of.

        Raises `NotFound`, `InvalidPayload`.
        """
        await self._storage.write(correct_thread, user_id, thread_id, said)
        await self.run_one(user_id, thread_id)
        if user_id not in self._under_way:  # else that pass comes to those it teaches of, in its time
            await self.run(user_id)

    async def run_one(self, user_id: str, thread_id: str) -> None:
        """Triage one thread, if it is pending: somebody waits for it, or a model had its say."""
        async with self._turn(user_id):
            works = await self._storage.read(read_one_pending, user_id, thread_id)
            await self._note_recipients(user_id, [work.thread_id for work in works])
            known = await self._storage.read(read_known, user_id)
            await self._triage(user_id, works, known, None)

    async def reassess(self, user_id: str, command_id: str | None = None) -> None:
        """Give every thread the risk that it has by now."""
        as_of, thresholds, after = self._clock(), self._applying.thresholds, ""
        while found := await self._storage.read(threads_to_reassess, user_id, as_of, thresholds, after):
            await self._storage.write(reassess_threads, user_id, found, as_of, thresholds, command_id)
            after = found[-1]

    def _turn(self, user_id: str) -> asyncio.Lock:
        turn = self._turns.get(user_id)
        if turn is None:
            turn = self._turns[user_id] = asyncio.Lock()
        return turn

    async def _note_all_recipients(self, user_id: str) -> bool:
        """Note whom the user writes to in the threads that are pending; whether there are any.

        Before any of them is judged: whom the user writes to in one is no stranger in another.
        """
        turn, last = self._turn(user_id), BEFORE_ALL
        while pending := await self._storage.read(pending_after, user_id, last, LOOKED_THROUGH):
            async with turn:  # let go between batches here, too
                await self._note_recipients(user_id, [one.thread_id for one in pending])
            last = pending[-1]
        return last is not BEFORE_ALL

    async def _note_recipients(self, user_id: str, thread_ids: Sequence[str]) -> None:
        own = await self._storage.read(own_addresses, user_id)
        found = await self._storage.read(read_recipients, user_id, thread_ids, own)
        for start in range(0, len(found), RECORDED_A_UNIT):
            await self._storage.write(record_recipients, user_id, found[start : start + RECORDED_A_UNIT])

    async def _triage(
        self, user_id: str, works: Sequence[Work], known: Known, command_id: str | None
    ) -> None:
        """Judge these threads and apply what was found."""
        if not works:
            return
        found = await self._analyse([(work.messages, known) for work in works])
        outcomes = [_outcome(user_id, *pair) for pair in zip(works, found, strict=True)]
        given = Circumstances(user_id=user_id, own=known.own, as_of=self._clock(), command_id=command_id)
        for start in range(0, len(outcomes), THREADS_A_UNIT):
            await self._apply(given, outcomes[start : start + THREADS_A_UNIT])

    async def _apply(self, given: Circumstances, outcomes: Sequence[Outcome]) -> None:
        """Apply in one unit; what our own code fails on is applied thread by thread."""
        try:
            await self._storage.write(self._applying.apply, given, outcomes)
        except ZenaError:
            raise
        except Exception:
            log.exception("unit failed", user_id=given.user_id, threads=len(outcomes))
            for outcome in outcomes:
                await self._apply_alone(given, outcome)

    async def _apply_alone(self, given: Circumstances, outcome: Outcome) -> None:
        """A thread that cannot be judged counts as triaged: it neither stops a pass nor is tried for ever."""
        try:
            await self._storage.write(self._applying.apply, given, [outcome])
        except ZenaError:
            raise
        except Exception:
            log.exception("thread failed", user_id=given.user_id, thread_id=outcome.work.thread_id)
            nothing = Outcome(outcome.work, None)
            await self._storage.write(self._applying.apply, given, [nothing])


def _outcome(user_id: str, work: Work, found: Findings | Unjudged) -> Outcome:
    if isinstance(found, Unjudged):
        log.error("thread not judged", user_id=user_id, thread_id=work.thread_id, reason=found.reason)
        return Outcome(work, None)
    return Outcome(work, found)
