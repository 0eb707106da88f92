"""One answer being made: what its answerer says goes out in chunks, and it ends once, in the database.

Two things go on at the same time. Listening takes pieces as they come. Saying writes what is there: the first
words at once, later ones gathered for a moment, one unit of work for each chunk. While a write takes long,
or is tried again, more is gathered; nothing is lost and no offset skipped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Concatenate, ParamSpec, TypeVar

import structlog

from zena_sse.ask.answering import Answer, Answerer, AnswerFailed, Conclusion
from zena_sse.ask.reading import read_inquiry
from zena_sse.ask.rows import Ask
from zena_sse.ask.saying import Outcome, conclude, fail, say
from zena_sse.ask.text import Text
from zena_sse.contract.events import ANSWER_LIMIT, AskError
from zena_sse.errors import ZenaError
from zena_sse.metrics import Metrics
from zena_sse.storage.port import Storage, Transaction

P = ParamSpec("P")
R = TypeVar("R")

# Words come faster than anybody reads: so much later they are one event instead of ten.
GATHER_SECONDS = 0.04
# An answer that is not whole after this never will be; a patient model writes the longest in less.
RUN_SECONDS = 300.0
# The database does not answer: the first try again comes soon, the later ones in no hurry.
FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 0.05, 2.0

OUR_FAULT = AskError("failed", "Something went wrong on our side.")
TOO_LONG = AskError("failed", "The answer took too long.")

log = structlog.get_logger("zena.ask")


@dataclass(frozen=True, kw_only=True)
class World:
    """What answering needs. `clock` is that of the database, `monotonic` and `sleep` time the waiting."""

    storage: Storage
    answerer: Answerer
    metrics: Metrics
    clock: Callable[[], datetime]
    monotonic: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]


class Run:
    """The answer to one ask, made by one task; cancelling that ends all work and writes nothing more."""

    def __init__(self, world: World, owner: str, ask: Ask) -> None:
        self.ask = ask
        self.text = Text()
        self._world = world
        self._owner = owner
        self._said = 0
        self._heard = asyncio.Event()  # there is something to say
        self._since = 0.0  # when the first piece came that is not said yet

    async def perform(self) -> Outcome | None:
        """How it ended; None when somebody else ended it."""
        listening = asyncio.create_task(self._listen())
        try:
            if not await self._say_on(listening):
                return None
            return await self._end(listening)
        except Exception:  # a bug of ours must not leave the answer open
            log.exception("answering failed", ask_id=self.ask.ask_id)
            return await self._fail(OUR_FAULT)
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    # --- listening ------------------------------------------------------------------------------

    async def _listen(self) -> Conclusion:
        inquiry = await self._persistently(self._world.storage.read, read_inquiry, self.ask)
        answer = self._world.answerer.answer(inquiry)
        try:
            async with asyncio.timeout(RUN_SECONDS):
                return await self._hear_out(answer)
        finally:
            await _close(answer)

    async def _hear_out(self, answer: Answer) -> Conclusion:
        async for piece in answer:
            if isinstance(piece, Conclusion):
                return piece
            self._hear(piece)
            if self.text.left_out > ANSWER_LIMIT:  # it does not know when to stop
                return Conclusion(found=True)
            await asyncio.sleep(0)  # what is there goes out before the next, however fast they come
        raise RuntimeError("the answer ended without a conclusion")

    def _hear(self, piece: str) -> None:
        self.text.add(piece)
        if self._unsaid and not self._heard.is_set():
            self._since = self._world.monotonic()
            self._heard.set()

    # --- saying ---------------------------------------------------------------------------------

    @property
    def _unsaid(self) -> int:
        return self.text.size - self._said

    async def _say_on(self, listening: asyncio.Task[Conclusion]) -> bool:
        """Say what is heard; what is left at last goes with the end. False: the ask is not ours any more."""
        while not listening.done():
            await _first(listening, self._heard.wait())
            if self._said and not listening.done():
                gathered = self._since + GATHER_SECONDS - self._world.monotonic()
                await _first(listening, self._world.sleep(max(0.0, gathered)))
            if not listening.done() and not await self._say():
                return False
        return True

    async def _say(self) -> bool:
        self._heard.clear()  # before the text is taken: what comes later than this is not lost
        said = await self._write(say, self.text.said)
        if said is None:
            return False
        self._note_first_words()
        self._said = said
        if self._unsaid and not self._heard.is_set():
            self._since = self._world.monotonic()
            self._heard.set()
        return True

    def _note_first_words(self) -> None:
        if not self._said:
            seconds = (self._world.clock() - self.ask.asked_at).total_seconds()
            self._world.metrics.first_chunk.observe(seconds)

    # --- the end --------------------------------------------------------------------------------

    async def _end(self, listening: asyncio.Task[Conclusion]) -> Outcome | None:
        self.text.end()
        try:
            conclusion = listening.result()
        except AnswerFailed as error:
            return await self._fail(AskError("failed", str(error)))
        except TimeoutError:
            return await self._fail(TOO_LONG)
        except Exception:  # somebody else's code, as far as we are concerned
            log.exception("the answerer failed", ask_id=self.ask.ask_id)
            return await self._fail(OUR_FAULT)
        if not await self._write(conclude, self.text.said, conclusion):
            return None
        self._note_first_words()
        return "answered" if conclusion.found else "not_found"

    async def _fail(self, error: AskError) -> Outcome | None:
        return "failed" if await self._write(fail, self.text.said, error) else None

    # --- the database ---------------------------------------------------------------------------

    async def _write(
        self,
        unit: Callable[Concatenate[Transaction, str, str, P], R],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        """Run a unit that is about this ask of ours."""

        async def write() -> R:
            return await self._world.storage.write(unit, self._owner, self.ask.ask_id, *args, **kwargs)

        return await self._persistently(write)

    async def _persistently(self, work: Callable[P, Awaitable[R]], *args: P.args, **kwargs: P.kwargs) -> R:
        """Until the database has taken it; our lease is renewed when it comes back."""
        seconds = FIRST_RETRY_SECONDS
        while True:
            try:
                return await work(*args, **kwargs)
            except ZenaError as error:
                if not error.retryable:
                    raise
                log.warning("an answer waits", ask_id=self.ask.ask_id, code=error.code, detail=str(error))
            await self._world.sleep(seconds)
            seconds = min(LONGEST_RETRY_SECONDS, 2 * seconds)


async def _first(listening: asyncio.Task[Conclusion], other: Awaitable[object]) -> None:
    """Until either is done."""
    waiting = asyncio.ensure_future(other)
    try:
        await asyncio.wait({listening, waiting}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()


async def _close(answer: Answer) -> None:
    """End all work on an answer: whoever is asked for it hangs up."""
    aclose = getattr(answer, "aclose", None)
    if aclose is not None:
        await aclose()
