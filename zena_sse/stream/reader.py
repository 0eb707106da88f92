"""Brings a subscription that is behind up to date: from the hub's tail where it reaches, or the log."""

from __future__ import annotations

import asyncio

from zena_sse.stream.hub import Hub
from zena_sse.stream.log import EventLog
from zena_sse.stream.subscription import Subscription

# How many streams read the log at once. Readers share the database's few threads anyway; a bound keeps a
# deploy's reconnects from holding a page of memory each.
READERS = 32


class Reader:
    """The bounded way from the log to subscriptions that are behind."""

    def __init__(self, log: EventLog, hub: Hub, most: int = READERS) -> None:
        self._log = log
        self._hub = hub
        self._places = asyncio.Semaphore(most)

    async def read(self, subscription: Subscription) -> bytes:
        """What the subscription lacks, as much as one page holds; afterwards it may be live.

        The caller writes what this returns before anything else is offered: nothing is awaited between the
        subscription's step and the return. Raises `Reset`, `StorageUnavailable`.
        """
        frames = self._catch_up(subscription)
        if frames is None:
            async with self._places:
                page = await self._log.page(subscription.user_id, subscription.offset)
            frames = subscription.apply(page)
            if subscription.behind and (rest := self._catch_up(subscription)) is not None:
                frames += rest
        return b"".join(frames)

    def _catch_up(self, subscription: Subscription) -> list[bytes] | None:
        return subscription.catch_up(self._hub.tail(subscription.user_id, subscription.offset))
