"""Seeks an opinion of every thread that is due one, beside everything else: nobody waits for a model."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

import structlog

from zena_sse.errors import ZenaError
from zena_sse.language.breaker import Breaker, BreakerOpen
from zena_sse.language.model import InvalidAnswer, Refused, Unavailable, Unusable
from zena_sse.metrics import Metrics
from zena_sse.storage.port import Storage
from zena_sse.triage.opinion.asking import Asking
from zena_sse.triage.opinion.merging import Opinion
from zena_sse.triage.opinion.prompt import write_prompt
from zena_sse.triage.opinion.rows import Due, Question, read_due, read_question, record_opinion
from zena_sse.triage.opinion.verdict import believe

# Questions that are out at the same moment: a model at home answers one at a time, one for hire limits many.
AT_A_TIME = 2
# A thread whose question failed lets others go first: it may be the one that takes too long.
PUT_OFF_SECONDS = 120.0
# Threads put off that are remembered; beyond that the first ones are asked about again, which does no harm.
MOST_PUT_OFF = 10_000
# The database does not answer, or we have a bug: let it be for a while.
TROUBLE_SECONDS = 30.0

log = structlog.get_logger("zena.opinion")


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What seeking needs of the world.

    `triage_again(user_id, thread_id)` makes an opinion count. `clock` is the domain's; `monotonic` and
    `sleep` time the waiting.
    """

    storage: Storage
    triage_again: Callable[[str, str], Awaitable[None]]
    metrics: Metrics
    clock: Callable[[], datetime]
    monotonic: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]


class Seeking:
    """Asks about threads that are due, the newest first, until it is stopped; what is due is in the table."""

    def __init__(self, world: Surroundings, asking: Asking, breaker: Breaker) -> None:
        self._world = world
        self._asking = asking
        self._breaker = breaker
        self._woken = asyncio.Event()
        self._in_hand: set[Due] = set()
        self._put_off: dict[Due, float] = {}  # until when
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin, with what was due when we last ended."""
        self._tasks = [asyncio.create_task(self._seek_on()) for _ in range(AT_A_TIME)]

    async def stop(self) -> None:
        """End; what is being asked stays due."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def wake(self) -> None:
        """There may be threads that are due."""
        self._woken.set()
        self._woken = asyncio.Event()

    async def _seek_on(self) -> None:
        while True:
            woken = self._woken  # before looking: a wake that comes later than this is not lost
            try:
                seconds = await self._seek_one()
            except ZenaError as error:
                log.warning("seeking troubled", code=error.code, detail=str(error))
                seconds = TROUBLE_SECONDS
            except Exception:  # a bug of ours must not end it for good, in silence
                log.exception("seeking failed")
                seconds = TROUBLE_SECONDS
            if seconds > 0:
                await self._rest(woken, seconds)

    async def _seek_one(self) -> float:
        """See to the next thread; the seconds after which there may be another without a wake."""
        if not self._breaker.admits:
            return self._breaker.seconds_left() or math.inf  # the end of the one question out wakes us
        due = await self._next()
        if due is None:
            return min(self._put_off.values(), default=math.inf) - self._world.monotonic()
        try:
            await self._see_to(due)
        except Exception as error:
            self._postpone(due, TROUBLE_SECONDS if isinstance(error, ZenaError) else math.inf)
            if isinstance(error, ZenaError):
                raise
            log.exception("seeking failed", user_id=due.user_id, thread_id=due.thread_id)
        finally:
            self._in_hand.discard(due)
            self.wake()
        return 0.0

    async def _next(self) -> Due | None:
        """Take in hand the newest thread that is due, not put off, and not in hand already."""
        now = self._world.monotonic()
        self._put_off = {due: until for due, until in self._put_off.items() if until > now}
        found = await self._world.storage.read(read_due, len(self._put_off) + AT_A_TIME)
        for due in found:
            if due not in self._put_off and due not in self._in_hand:
                self._in_hand.add(due)
                return due
        return None

    async def _see_to(self, due: Due) -> None:
        question = await self._world.storage.read(read_question, due)
        if question is None:
            return
        outcome, opinion = await self._opinion(due, question)
        if outcome in ("given", "invalid"):
            if await self._world.storage.write(record_opinion, due, opinion):
                await self._world.triage_again(due.user_id, due.thread_id)
            else:
                outcome = "overtaken"
        self._world.metrics.opinions.labels(outcome).inc()

    async def _opinion(self, due: Due, question: Question) -> tuple[str, Opinion | None]:
        """How asking went, and what came of it."""
        now = self._world.clock()
        try:
            verdict = await self._asking.ask(write_prompt(question.subject, question.messages, now))
        except InvalidAnswer:
            log.info("no verdict", user_id=due.user_id, thread_id=due.thread_id)
            return "invalid", None
        except Refused as error:
            log.info("refused", user_id=due.user_id, thread_id=due.thread_id, reason=str(error))
            self._postpone(due, math.inf)
            return "refused", None
        except (Unavailable, Unusable):
            self._postpone(due, PUT_OFF_SECONDS)
            return "unavailable", None
        except BreakerOpen:
            return "unavailable", None
        return "given", believe(verdict, question.messages, now.date())

    def _postpone(self, due: Due, seconds: float) -> None:
        """Ask about this thread later; never, if that is for ever: until a restart, that is."""
        while len(self._put_off) >= MOST_PUT_OFF:
            del self._put_off[next(iter(self._put_off))]
        self._put_off[due] = self._world.monotonic() + seconds

    async def _rest(self, woken: asyncio.Event, seconds: float) -> None:
        """Until the time is up or somebody wakes us."""
        waiting: list[asyncio.Future[bool]] = [asyncio.create_task(woken.wait())]
        if seconds < math.inf:
            waiting.append(asyncio.create_task(_slept(self._world.sleep, seconds)))
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waiting:
                one.cancel()


async def _slept(sleep: Callable[[float], Awaitable[None]], seconds: float) -> bool:
    await sleep(seconds)
    return True
