"""An answer in any case: a model's if it can give one, else one that is composed without it."""

from __future__ import annotations

import traceback
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Literal, TypeAlias, cast

import structlog

from zena_sse.ask.answering import Answerer, AnswerFailed, Conclusion, Inquiry
from zena_sse.ask.modelled.answerer import ModelFailed, NothingToGoBy
from zena_sse.language.breaker import Breaker
from zena_sse.language.model import Unavailable, Unusable
from zena_sse.metrics import Metrics

# Somebody waits for each answer, up to the whole silence that a model is allowed: twice is often enough.
FAILURES = 2
# A wrong key or model does not mend itself; whoever mends it at the other end need not restart us.
UNUSABLE_SECONDS = 600.0

Outcome: TypeAlias = Literal["answered", "taken_over", "broken", "cancelled"]

log = structlog.get_logger("zena.ask")


class Attempt:
    """How it went with the model: what is not known better was cancelled."""

    def __init__(self) -> None:
        self.outcome: Outcome = "cancelled"
        self.began = False


class Answering:
    """Asks the model if the breaker admits it; until it has said something the other one can take over.

    The breaker is one of its own, not that of the second opinions. They sleep until a question of theirs ends
    and would not hear of ours; and whether a model writes a whole verdict in time says little about whether
    it speaks at once, nor the other way round.
    """

    def __init__(
        self,
        model: Answerer,
        embedded: Answerer,
        breaker: Breaker,
        metrics: Metrics,
        monotonic: Callable[[], float],
    ) -> None:
        self._model = model
        self._embedded = embedded
        self._breaker = breaker
        self._metrics = metrics
        self._monotonic = monotonic

    async def answer(self, inquiry: Inquiry) -> AsyncIterator[str | Conclusion]:
        """An answer, piece by piece. Raises `AnswerFailed` when it breaks off."""
        attempt = Attempt()
        try:
            async with aclosing(self._attempted(inquiry, attempt)) as pieces:
                async for piece in pieces:
                    yield piece
        finally:
            self._metrics.answers_by_model.labels(attempt.outcome).inc()
        if attempt.outcome == "taken_over":
            async with aclosing(_pieces(self._embedded, inquiry)) as pieces:
                async for piece in pieces:
                    yield piece

    async def _attempted(self, inquiry: Inquiry, attempt: Attempt) -> AsyncGenerator[str | Conclusion, None]:
        """The model's answer, as far as it comes. Raises `AnswerFailed` only if it has begun."""
        if not self._breaker.admits:
            attempt.outcome = "taken_over"
            return
        self._breaker.enter()
        try:
            async with aclosing(self._timed(inquiry, attempt)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, Conclusion):  # whoever has it need not come back for more
                        attempt.outcome = "answered"
                        self._breaker.succeed()
                    yield piece
        except Exception as error:
            attempt.outcome = "broken" if attempt.began else "taken_over"
            self._note(error, attempt.outcome, inquiry)
            if attempt.began:
                raise _failed(error) from None
        finally:
            self._breaker.leave()

    async def _timed(self, inquiry: Inquiry, attempt: Attempt) -> AsyncGenerator[str | Conclusion, None]:
        asked = self._monotonic()
        async with aclosing(_pieces(self._model, inquiry)) as pieces:
            async for piece in pieces:
                if not attempt.began:
                    self._metrics.model_first_chunk.observe(self._monotonic() - asked)
                    attempt.began = True
                yield piece

    def _note(self, error: Exception, outcome: Outcome, inquiry: Inquiry) -> None:
        """Say what happened, without mail or key, and let the breaker know what is the model's fault."""
        if isinstance(error, NothingToGoBy):
            return
        if not isinstance(error, AnswerFailed):
            facts = {"error": type(error).__name__, "at": _place(error)}
            log.error("answering failed", user_id=inquiry.user_id, outcome=outcome, **facts)
            return
        trouble = error.trouble if isinstance(error, ModelFailed) else None
        log.warning("model did not answer", user_id=inquiry.user_id, outcome=outcome, reason=str(trouble))
        if isinstance(trouble, Unusable):
            self._breaker.trip(UNUSABLE_SECONDS)
            log.warning("model cannot be used", reason=str(trouble), setting=trouble.setting)
        elif isinstance(trouble, Unavailable):
            self._breaker.fail()


def _place(error: Exception) -> str:
    """Where it happened; what an error of our own says may quote mail."""
    *_, frame = traceback.extract_tb(error.__traceback__)
    return f"{Path(frame.filename).name}:{frame.lineno}"


def _failed(error: Exception) -> AnswerFailed:
    return error if isinstance(error, AnswerFailed) else AnswerFailed("The answer could not be finished.")


def _pieces(answerer: Answerer, inquiry: Inquiry) -> AsyncGenerator[str | Conclusion, None]:
    """An answer that can be closed, as the port says it can."""
    return cast("AsyncGenerator[str | Conclusion, None]", answerer.answer(inquiry))
