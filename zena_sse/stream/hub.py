"""The registry keyed by user: who has a stream open here, and the tail of what was published lately."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Protocol

from zena_sse.contract.events import ClosingReason
from zena_sse.stream.log import Record

# What the tail of one user may hold: enough that a tab that comes back after a tunnel is served from memory,
# and that the last step from behind to live always succeeds; the log has the rest.
TAIL_RECORDS = 128
TAIL_BYTES = 128 * 1024

# Users without an open stream whose tails are kept all the same, for the tab that reconnects; the least
# recent go first.
IDLE_TAILS = 1_000

# Sessions that ended lately: a stream that was being admitted meanwhile joins after the others were ended.
ENDED_SESSIONS = 1_000


class Driver(Protocol):
    """What carries one subscription's frames to its socket."""

    tab: str | None
    session: str | None

    def offer(self, record: Record) -> None:
        """Pass a record to the subscription and its frame, if any, to the socket. Never blocks."""

    def close(self, reason: ClosingReason) -> None:
        """Say `stream.closing` and end. The driver leaves the hub by itself, at once."""


class Tail:
    """The newest records of one user, dense: a record that leaves a gap starts it anew."""

    __slots__ = ("_bytes", "_records")

    def __init__(self) -> None:
        self._records: deque[Record] = deque()
        self._bytes = 0

    def add(self, record: Record) -> None:
        """Append a durable record; one that is already there, or older, changes nothing."""
        records = self._records
        if records:
            newest = records[-1]
            if record.epoch == newest.epoch and record.offset <= newest.offset:
                return
            if record.epoch != newest.epoch or record.offset != newest.offset + 1:
                records.clear()
                self._bytes = 0
        records.append(record)
        self._bytes += len(record.frame)
        while len(records) > TAIL_RECORDS or (self._bytes > TAIL_BYTES and len(records) > 1):
            self._bytes -= len(records.popleft().frame)

    def after(self, offset: int) -> Sequence[Record]:
        """The records from `offset` + 1 on, with their predecessor when there is one."""
        if not self._records:
            return ()
        skip = max(0, offset - self._records[0].offset)
        return list(islice(self._records, skip, None))


class _User:
    """What the hub keeps of one user: open streams, and the tail."""

    __slots__ = ("drivers", "tail")

    def __init__(self) -> None:
        self.drivers: dict[Driver, None] = {}  # a set that keeps its order: the oldest stream first
        self.tail: Tail | None = None


class Hub:
    """Joins what is published with the streams that are open here. Belongs to one event loop's thread."""

    def __init__(self) -> None:
        self._active: dict[str, _User] = {}
        self._idle: OrderedDict[str, Tail] = OrderedDict()
        self._ended: OrderedDict[str | None, None] = OrderedDict()

    def __len__(self) -> int:
        return sum(len(user.drivers) for user in self._active.values())

    def __iter__(self) -> Iterator[Driver]:
        return iter([driver for user in self._active.values() for driver in user.drivers])

    def join(self, user_id: str, driver: Driver) -> None:
        """From now on the driver is offered every record of the user; join before the log is read.

        A stream of the same user and tab is the same tab, come back: the older one is closed.
        """
        user = self._active.get(user_id)
        if user is None:
            user = self._active[user_id] = _User()
            user.tail = self._idle.pop(user_id, None)
        same_tab = [d for d in user.drivers if d.tab == driver.tab] if driver.tab is not None else []
        user.drivers[driver] = None
        for other in same_tab:
            other.close("superseded")
        if driver.session in self._ended:
            driver.close("revoked")

    def leave(self, user_id: str, driver: Driver) -> None:
        """The driver is offered nothing more. Leaving twice, or without having joined, is fine."""
        user = self._active.get(user_id)
        if user is None or driver not in user.drivers:
            return
        del user.drivers[driver]
        if user.drivers:
            return
        del self._active[user_id]
        if user.tail is not None:
            self._idle[user_id] = user.tail
            if len(self._idle) > IDLE_TAILS:
                self._idle.popitem(last=False)

    def offer(self, user_id: str, record: Record, *, except_tab: str | None = None) -> None:
        """Hand a committed (or ephemeral) record to every stream of the user, and remember durable ones."""
        user = self._active.get(user_id)
        if user is None:
            if record.offset and (tail := self._idle.get(user_id)) is not None:
                tail.add(record)
            return
        if record.offset:
            if user.tail is None:
                user.tail = Tail()
            user.tail.add(record)
        for driver in tuple(user.drivers):
            if except_tab is None or driver.tab != except_tab:
                try:
                    driver.offer(record)
                except Exception as error:  # a bug in one stream is not to be the others' gap, nor its own
                    context = {"message": "a stream failed to take a record", "exception": error}
                    asyncio.get_running_loop().call_exception_handler(context)
                    driver.close("overloaded")

    def tail(self, user_id: str, after: int) -> Sequence[Record]:
        """The recent records of a user from `after` + 1 on, dense, as `Subscription.catch_up` wants them."""
        user = self._active.get(user_id)
        return user.tail.after(after) if user is not None and user.tail is not None else ()

    def close(self, user_id: str, reason: ClosingReason, *, session: str | None = None) -> None:
        """End the streams of a user: all, or those that came by one session, also one yet to join."""
        if session is not None:
            self._ended[session] = None
            if len(self._ended) > ENDED_SESSIONS:
                self._ended.popitem(last=False)
        user = self._active.get(user_id)
        for driver in tuple(user.drivers) if user is not None else ():
            if session is None or driver.session == session:
                driver.close(reason)

    def forget(self, user_id: str) -> None:
        """Drop what is remembered of a user whose log is gone."""
        self._idle.pop(user_id, None)
        if (user := self._active.get(user_id)) is not None:
            user.tail = None
