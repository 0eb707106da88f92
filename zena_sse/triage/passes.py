"""Passes of triage: what changed of a user's threads is read, judged off the loop, and applied."""

from __future__ import annotations

import asyncio
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
    Recipients,
    pending_after,
    read_recipients,
    record_recipients,
)
from zena_sse.triage.corrections import ThreadCorrection, correct_thread
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

    async def run(self, user_id: str, command_id: str | None = None) -> None:
        """Triage whatever is pending, the threads that began first before the others."""
        turn = self._turn(user_id)
        async with turn:
            more = await self._note_recipients(user_id)
            known = await self._storage.read(read_known, user_id) if more else Known(frozenset())
        while more:
            async with turn:  # let go between batches: a correction need not wait for a whole mailbox
                works = await self._storage.read(read_pending, user_id, BATCH)
                streets = await self._storage.read(
                    read_streets, user_id
                )  # the batch before may have added some
                await self._triage(
                    user_id, works, msgspec.structs.replace(known, streets=streets), command_id
                )
                more = bool(works)

    async def correct(self, user_id: str, thread_id: str, said: ThreadCorrection) -> None:
        """Note what the user says, and judge by it the thread and those it teaches of.

        Raises `NotFound`, `InvalidPayload`.
        """
        await self._storage.write(correct_thread, user_id, thread_id, said)
        await self.run(user_id)

    async def run_one(self, user_id: str, thread_id: str) -> None:
        """Triage one thread, if it is pending: somebody waits for it, or a model had its say."""
        async with self._turn(user_id):
            works = await self._storage.read(read_one_pending, user_id, thread_id)
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

    async def _note_recipients(self, user_id: str) -> bool:
        """Note whom the user writes to in the threads that are pending; whether there are any.

        Before any of them is judged: whom the user writes to in one is no stranger in another.
        """
        own, last = await self._storage.read(own_addresses, user_id), BEFORE_ALL
        while pending := await self._storage.read(pending_after, user_id, last, LOOKED_THROUGH):
            found = await self._storage.read(read_recipients, user_id, pending, own)
            await self._record_recipients(user_id, found)
            last = pending[-1]
        return last is not BEFORE_ALL

    async def _record_recipients(self, user_id: str, found: Sequence[Recipients]) -> None:
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
