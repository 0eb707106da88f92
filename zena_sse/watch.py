"""Looks after every user's threads and deals as time passes: what goes cold does so with no mail at all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from zena_sse.deals.assessing import users_with_deals
from zena_sse.errors import ZenaError
from zena_sse.storage.port import Reader, Storage

log = structlog.get_logger("zena.watch")


class Watch:
    """A round through all users now and then; the first at once, for what a crash left undone.

    `triage` (user, command) makes something of what changed, `assess` of the time that passed.
    """

    def __init__(
        self,
        storage: Storage,
        triage: Callable[[str, str | None], Awaitable[None]],
        assess: Callable[[str, str | None], Awaitable[None]],
        minutes: float,
    ) -> None:
        self._storage = storage
        self._triage = triage
        self._assess = assess
        self._seconds = 60 * minutes
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, with a first round at once."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def follow(self, user_id: str, command_id: str | None = None) -> None:
        """A mailbox of this user was read."""
        await self._triage(user_id, command_id)
        await self._assess(user_id, command_id)

    async def look(self) -> None:
        """One round: what time has done to everybody's first, for somebody's mail may take long to triage."""
        users = await self._storage.read(users_to_look_after)
        for user_id in users:
            await self._try(self._assess, user_id)
        for user_id in users:
            await self._try(self.follow, user_id)

    async def _try(self, work: Callable[[str, str | None], Awaitable[None]], user_id: str) -> None:
        try:
            await work(user_id, None)
        except ZenaError as error:
            log.warning("look failed", user_id=user_id, code=error.code, detail=str(error))
        except Exception:  # a bug of ours in one user's mail is no other user's
            log.exception("look failed", user_id=user_id)

    async def _run(self) -> None:
        while True:
            try:
                await self.look()
            except ZenaError as error:
                log.warning("look failed", code=error.code, detail=str(error))
            except Exception:  # a bug of ours must not end the watch for good, in silence
                log.exception("look failed")
            await asyncio.sleep(self._seconds)


def users_to_look_after(reader: Reader) -> list[str]:
    """Whoever has a mailbox, or a deal that outlived the mailboxes."""
    return sorted({*users_with_mail(reader), *users_with_deals(reader)})


def users_with_mail(reader: Reader) -> list[str]:
    """Everybody who has a mailbox."""
    return reader.all(str, "SELECT DISTINCT user_id FROM accounts WHERE state <> 'removed' ORDER BY user_id")
