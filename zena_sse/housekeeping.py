"""What has to be thrown away now and then: events past their retention, answers, sessions, old asks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from zena_sse.ask.rows import drop_old_asks, users_with_old_asks
from zena_sse.dispatch import drop_old_answers
from zena_sse.errors import ZenaError
from zena_sse.security.sessions import drop_expired_sessions
from zena_sse.settings import Settings
from zena_sse.storage.log import trim_log, users_to_trim
from zena_sse.storage.port import Storage

EVERY_SECONDS = 600.0

# How long the same idempotency key gives the same answer.
ANSWERS_KEPT = timedelta(hours=24)

log = structlog.get_logger("zena.housekeeping")


class Housekeeping:
    """Keeps the database as small as the settings promise."""

    def __init__(self, storage: Storage, settings: Settings, clock: Callable[[], datetime]) -> None:
        self._storage = storage
        self._settings = settings
        self._clock = clock
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, with a first round at once."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def tidy(self) -> None:
        """One round."""
        now = self._clock()
        while await self._storage.write(drop_old_answers, now - ANSWERS_KEPT):
            pass
        await self._storage.write(drop_expired_sessions)
        for user_id in await self._storage.read(users_with_old_asks):
            while await self._storage.write(drop_old_asks, user_id):
                pass
        before = now - timedelta(days=self._settings.retention_days)
        most = self._settings.retention_events
        for user_id in await self._storage.read(users_to_trim, before, most):
            while await self._storage.write(trim_log, user_id, before, most):
                pass

    async def _run(self) -> None:
        while True:
            try:
                await self.tidy()
            except ZenaError as error:
                log.warning("tidying failed", code=error.code, detail=str(error))
            except Exception:  # a bug of ours; retention must not end with it unheard
                log.exception("tidying failed")
            await asyncio.sleep(EVERY_SECONDS)
