"""An open mailbox: a connector on the one thread from which it may be called."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from zena_sse.mail.connector import Connector

P = ParamSpec("P")
R = TypeVar("R")

# A connector in the middle of a slow answer is given this long to notice that nobody waits any more.
CLOSE_SECONDS = 5.0


class OpenMailbox:
    """Calls a connector without holding up the event loop, one call after the other."""

    def __init__(self, connector: Connector, name: str) -> None:
        self.connector = connector
        self._thread = ThreadPoolExecutor(1, f"zena-mailbox-{name}")

    def call(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[R]:
        """Have the thread run this; the future that is cancelled has no effect on a call that has begun."""
        loop = asyncio.get_running_loop()
        return loop.run_in_executor(self._thread, lambda: function(*args, **kwargs))

    def watch(self, seconds: float) -> asyncio.Future[bool]:
        """True as soon as the mailbox seems to have changed; `stop_watching` before the next call."""
        return self.call(self.connector.wait, seconds)

    async def stop_watching(self, notice: asyncio.Future[bool]) -> None:
        """Give the thread back."""
        if not notice.done():
            self.connector.interrupt()
            await asyncio.wait({notice}, timeout=CLOSE_SECONDS)
        self.abandon(notice)

    @staticmethod
    def abandon(future: asyncio.Future[R]) -> None:
        """Nobody wants the result of this call any more."""
        if not future.cancel() and not future.cancelled():
            future.exception()  # or asyncio complains that nobody looked at it

    async def close(self) -> None:
        """Let go of the mailbox."""
        closed = self.call(self.connector.close)
        await asyncio.wait({closed}, timeout=CLOSE_SECONDS)
        self._thread.shutdown(wait=False)
