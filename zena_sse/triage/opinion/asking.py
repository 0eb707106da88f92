"""Asking a model so that neither it nor we suffer: again after a while, not at all while it is down."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog

from zena_sse.language.breaker import Breaker
from zena_sse.language.model import InvalidAnswer, Model, Prompt, Refused, Unavailable, Unusable
from zena_sse.triage.opinion.verdict import FORM, Verdict, read_verdict

# Times that one question is asked again; what has not passed by then is an outage, and the breaker's.
RETRIES = 3
# The longest first wait, which doubles, up to the most. The wait is anything below, or all who failed
# together would come back together.
FIRST_SECONDS, MOST_SECONDS = 1.0, 8.0
# A server that asks for more patience gets so much: until then another thread could have been asked.
MOST_PATIENCE_SECONDS = 60.0
# A wrong key or model does not mend itself; whoever mends it at the other end need not restart us.
UNUSABLE_SECONDS = 600.0

log = structlog.get_logger("zena.opinion")


class Asking:
    """Asks a model. `random` gives 0 to 1."""

    def __init__(
        self,
        model: Model,
        breaker: Breaker,
        sleep: Callable[[float], Awaitable[None]],
        random: Callable[[], float],
    ) -> None:
        self._model = model
        self._breaker = breaker
        self._sleep = sleep
        self._random = random
        self._complained = False

    async def ask(self, prompt: Prompt) -> Verdict:
        """Its verdict; an answer that is none is given a second chance.

        Raises `InvalidAnswer`, `Refused`, `Unavailable`, `Unusable`, `BreakerOpen`.
        """
        try:
            return read_verdict(await self._answer(prompt))
        except InvalidAnswer:
            return read_verdict(await self._answer(prompt))

    async def _answer(self, prompt: Prompt) -> str:
        for longest in (FIRST_SECONDS * 2**n for n in range(RETRIES)):
            try:
                return await self._attempt(prompt)
            except Unavailable as error:
                if not self._breaker.admits:
                    raise
                asked_for = min(error.retry_after or 0.0, MOST_PATIENCE_SECONDS)
                delay = max(self._random() * min(longest, MOST_SECONDS), asked_for)
            await self._sleep(delay)
        return await self._attempt(prompt)

    async def _attempt(self, prompt: Prompt) -> str:
        self._breaker.enter()
        try:
            answer = await self._model.answer(prompt, FORM)
        except (Unavailable, Refused) as error:
            self._breaker.fail()
            if self._breaker.state == "open":
                self._complain("model does not answer", reason=str(error))
            raise
        except Unusable as error:
            self._breaker.trip(UNUSABLE_SECONDS)
            self._complain("model cannot be used", reason=str(error), setting=error.setting)
            raise
        except InvalidAnswer:
            self._recover()
            raise
        else:
            self._recover()
            return answer
        finally:
            self._breaker.leave()

    def _recover(self) -> None:
        self._breaker.succeed()
        if self._complained:
            log.info("model answers again")
        self._complained = False

    def _complain(self, event: str, **facts: str) -> None:
        """Once for each outage: it is one piece of news."""
        if not self._complained:
            log.warning(event, **facts, seconds=round(self._breaker.seconds_left()))
        self._complained = True
