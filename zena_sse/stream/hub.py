"""The registry keyed by user: who has a stream open here, and the tails of what was published lately."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, MutableMapping
from typing import Protocol

from zena_sse.contract.events import ClosingReason
from zena_sse.stream.faults import end_failed
from zena_sse.stream.log import Position, Record
from zena_sse.stream.tail import Tail

# What all tails may hold together; beyond it those of users who are away go, the least recent first, and the
# others shrink to their newest record.
TAILS_BYTES = 64 * 1024 * 1024

# Users without an open stream whose tails are kept for the tab that comes back; an empty one has half a KB.
IDLE_TAILS = 20_000

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


class _User:
    """What the hub keeps of one user: open streams, the oldest first, and the tail."""

    __slots__ = ("drivers", "tail")

    def __init__(self, tail: Tail | None) -> None:
        self.drivers: tuple[Driver, ...] = ()  # replaced, never changed: `offer` walks over it
        self.tail = tail


class Hub:
    """Joins what is published with the streams that are open here. Belongs to one event loop's thread.

    `offered` counts the records by their type, for whoever watches.
    """

    def __init__(self, streams_per_user: int, offered: MutableMapping[str, int] | None = None) -> None:
        self._streams_per_user = streams_per_user
        self._offered = {} if offered is None else offered
        self._active: dict[str, _User] = {}
        self._idle: OrderedDict[str, Tail] = OrderedDict()
        self._tails_size = 0
        self._ended: OrderedDict[str | None, None] = OrderedDict()

    def __len__(self) -> int:
        return sum(len(user.drivers) for user in self._active.values())

    def __iter__(self) -> Iterator[Driver]:
        return iter([driver for user in self._active.values() for driver in user.drivers])

    def learn(self, user_id: str, position: Position) -> None:
        """Where the log of a user with an open stream stood a moment ago, unless the tail knows more."""
        user = self._active.get(user_id)
        if user is not None and user.tail is None:
            user.tail = Tail(position.epoch, position.head)

    def join(self, user_id: str, driver: Driver) -> None:
        """From now on the driver is offered every record of the user; join before the log is read.

        A stream of the same user and tab is the same tab, come back: the older one is closed. So is the
        oldest of too many.
        """
        user = self._active.get(user_id)
        if user is None:
            user = self._active[user_id] = _User(self._idle.pop(user_id, None))
        others = user.drivers
        user.drivers = (*others, driver)
        if driver.tab is not None:
            for other in others:
                if other.tab == driver.tab:
                    other.close("superseded")
        if len(user.drivers) > self._streams_per_user:
            user.drivers[0].close("superseded")
        if driver.session in self._ended:
            driver.close("revoked")

    def leave(self, user_id: str, driver: Driver) -> None:
        """The driver is offered nothing more. Leaving twice, or without having joined, is fine."""
        user = self._active.get(user_id)
        if user is None:
            return
        user.drivers = tuple(other for other in user.drivers if other is not driver)
        if not user.drivers:
            del self._active[user_id]
            if user.tail is not None:
                self._idle[user_id] = user.tail
                if len(self._idle) > IDLE_TAILS:
                    self._tails_size -= self._idle.popitem(last=False)[1].size

    def offer(self, user_id: str, record: Record, *, except_tab: str | None = None) -> None:
        """Hand a committed (or ephemeral) record to every stream of the user, and remember durable ones."""
        self._offered[record.type] = self._offered.get(record.type, 0) + 1
        user = self._active.get(user_id)
        if user is None:
            if record.offset and (tail := self._idle.get(user_id)) is not None:
                self._remember(tail, record)
            return
        if record.offset:
            if user.tail is None:
                user.tail = Tail(record.epoch, record.offset - 1)
            self._remember(user.tail, record)
        for driver in user.drivers:
            if except_tab is None or driver.tab != except_tab:
                try:
                    driver.offer(record)
                except Exception as error:
                    end_failed(driver, "a stream failed to take a record", error)

    def tail(self, user_id: str) -> Tail | None:
        """The recent records of a user who has a stream open; None when nothing is known."""
        user = self._active.get(user_id)
        return user.tail if user is not None else None

    def close(self, user_id: str, reason: ClosingReason, *, session: str | None = None) -> None:
        """End the streams of a user: all, or those that came by one session, also one yet to join."""
        if session is not None:
            self._ended[session] = None
            if len(self._ended) > ENDED_SESSIONS:
                self._ended.popitem(last=False)
        user = self._active.get(user_id)
        for driver in user.drivers if user is not None else ():
            if session is None or driver.session == session:
                driver.close(reason)

    def forget(self, user_id: str) -> None:
        """Drop what is remembered of a user whose log is gone."""
        tail = self._idle.pop(user_id, None)
        if (user := self._active.get(user_id)) is not None:
            tail, user.tail = user.tail, None
        if tail is not None:
            self._tails_size -= tail.size

    def _remember(self, tail: Tail, record: Record) -> None:
        before = tail.size
        tail.add(record)
        self._tails_size += tail.size - before
        if self._tails_size > TAILS_BYTES:
            self._make_room(tail)

    def _make_room(self, tail: Tail) -> None:
        while self._idle and self._tails_size > TAILS_BYTES:
            gone = self._idle.popitem(last=False)[1]
            self._tails_size -= gone.size
            if gone is tail:
                return
        if self._tails_size > TAILS_BYTES:
            self._tails_size -= tail.size
            tail.shrink()
            self._tails_size += tail.size
