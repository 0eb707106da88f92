"""Brings subscriptions that are behind up to date: from the hub's tail where it reaches, or the log."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Protocol

from zena_sse.contract.events import ClosingReason
from zena_sse.errors import StorageUnavailable, ZenaError
from zena_sse.stream.cursor import Opening, open_at
from zena_sse.stream.faults import end_failed, report
from zena_sse.stream.hub import Hub
from zena_sse.stream.log import EventLog, Page
from zena_sse.stream.subscription import Reset, Subscription

# Streams that share a trip to the log. The trip, a turn on another thread, takes longer than most pages:
# with 32 a server that all users came to for the first time took in half as many a second. The bound is for
# memory, of which each page may be a quarter megabyte.
PAGES = 128


class Reading(Protocol):
    """A stream whose subscription may be behind."""

    subscription: Subscription
    closed: str | None

    @property
    def reads(self) -> bool:
        """Whether it still wants to be served: it is open, behind, and its socket takes more."""

    def receive(self, opening: Opening | None, frames: bytes) -> None:
        """Write how the stream starts, if it did so now, and what it lacked. Never blocks."""

    def close(self, reason: ClosingReason) -> None:
        """Say `stream.closing` and end."""


class Reader:
    """The one way from the log to subscriptions that are behind."""

    def __init__(self, log: EventLog, hub: Hub, most: int = PAGES) -> None:
        self._log = log
        self._hub = hub
        self._most = most
        self._waiting: dict[Reading, None] = {}  # in the order of their coming; those in hand included
        self._trips: asyncio.Task[None] | None = None

    def read(self, stream: Reading) -> None:
        """Serve the stream: now, if the tail reaches back to it, else a page at a time, in turn with others.

        It asks again when it can take more; to ask while it waits changes nothing.
        """
        if stream in self._waiting or self._serve_from_tail(stream):
            return
        self._waiting[stream] = None
        if self._trips is None:
            self._trips = asyncio.get_running_loop().create_task(self._serve_from_log())

    def _serve_from_tail(self, stream: Reading) -> bool:
        subscription = stream.subscription
        tail = self._hub.tail(subscription.user_id)
        if tail is None:
            return False
        opening = None
        if not subscription.started:
            opening = open_at(subscription.asked, tail.position)
            if opening.mode == "reset":  # by what the tail knows; the log may know more
                return False
            subscription.start(opening)
        frames = subscription.catch_up(tail)
        if frames is not None or opening is not None:
            stream.receive(opening, b"".join(frames or ()))
        return frames is not None

    async def _serve_from_log(self) -> None:
        try:
            while self._waiting:
                batch = list(islice(self._waiting, self._most))
                await self._serve([stream for stream in batch if stream.reads])
                for stream in batch:
                    del self._waiting[stream]
                for stream in batch:
                    with _blaming(stream):
                        if stream.reads:
                            self.read(stream)
        finally:
            self._trips = None

    async def _serve(self, streams: list[Reading]) -> None:
        """Make one trip to the log and hand over what it brought."""
        if not streams:
            return
        try:
            pages = await self._log.pages([stream.subscription.want for stream in streams])
        except Exception as error:  # the clients may come back, whatever it was
            await self._fail(streams, error)
            return
        for stream, page in zip(streams, pages, strict=True):
            with _blaming(stream):
                if stream.closed is None:  # or it ended meanwhile, as all do whose log is erased
                    self._hand_over(stream, page)

    async def _fail(self, streams: list[Reading], error: Exception) -> None:
        """End a stream that cannot be served; of several, first see whose fault it is."""
        if len(streams) > 1 and not isinstance(error, StorageUnavailable):
            for stream in streams:
                await self._serve([stream])
            return
        if not isinstance(error, ZenaError):
            report("reading the log failed", error)
        for stream in streams:
            with _blaming(stream):
                stream.close("overloaded")

    def _hand_over(self, stream: Reading, page: Page) -> None:
        """Nothing is awaited between the subscription's step and the write, so nothing can slip in."""
        subscription = stream.subscription
        opening = None
        if not subscription.started:
            self._hub.learn(subscription.user_id, page.position)
            opening = open_at(subscription.asked, page.position)
            subscription.start(opening)
        try:
            frames = subscription.apply(page)
        except Reset:
            stream.close("reset")
            return
        if subscription.behind and (tail := self._hub.tail(subscription.user_id)) is not None:
            frames += subscription.catch_up(tail) or ()
        stream.receive(opening, b"".join(frames))


@contextmanager
def _blaming(stream: Reading) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        end_failed(stream, "a stream failed to take what it lacks", error)
