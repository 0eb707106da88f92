"""An admitted stream and its life: what both ways of carrying it to the socket have in common."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec
import structlog

from zena_sse.contract.events import ClosingReason
from zena_sse.errors import ZenaError
from zena_sse.metrics import Metrics
from zena_sse.serving.drain import Drain
from zena_sse.serving.turns import Turns
from zena_sse.stream.cursor import Opening
from zena_sse.stream.hub import Hub
from zena_sse.stream.log import Record
from zena_sse.stream.pulse import Pulse
from zena_sse.stream.reader import Reader
from zena_sse.stream.signals import POLL_RETRY, Signals
from zena_sse.stream.subscription import Reset, Subscription

# A filtered stream hands its cursor over at least this often, even when it is never silent: otherwise a
# reconnect would have to go through everything that was filtered.
CURSOR_SECONDS = 60.0

log = structlog.get_logger("zena.stream")


class Admission(msgspec.Struct, frozen=True):
    """Who may have which stream: the outcome of everything that is checked before a stream opens."""

    user_id: str
    opening: Opening
    expires_at: datetime
    types: frozenset[str] | None = None
    tab: str | None = None
    session: str | None = None
    poll: float | None = None  # seconds; the response ends after the first delivery or then


class Streams(msgspec.Struct, frozen=True):
    """What every stream of this process shares."""

    hub: Hub
    reader: Reader
    pulse: Pulse
    signals: Signals
    metrics: Metrics
    clock: Callable[[], datetime]
    drain: Drain
    turns: Turns


class Stream:
    """One tab's stream: passes the subscription's frames on, pings, and ends itself when it is time.

    A carrier subclasses it with `_send`, `_wake_reader` and `_finish`, and adds no rule of order of its own.
    """

    __slots__ = (
        "_cursor_sent",
        "_expires",
        "_poll",
        "_sent",
        "_shared",
        "closed",
        "session",
        "slot",
        "stalled",
        "subscription",
        "tab",
    )

    def __init__(self, shared: Streams, admission: Admission) -> None:
        self._shared = shared
        self.subscription = Subscription(admission.user_id, admission.opening.cursor, admission.types)
        self.tab = admission.tab
        self.session = admission.session
        self.slot = -1  # in none of the pulse's slots: not open, or left
        self.closed: str | None = None
        self.stalled = False  # the socket takes no more for now
        now = shared.pulse.now
        self._sent = self._cursor_sent = now
        self._expires = now + (admission.expires_at - shared.clock()).total_seconds()
        self._poll = None if admission.poll is None else now + admission.poll

    def open(self, admission: Admission, head: bytes = b"") -> None:
        """Say `stream.ready`, behind the response's head if that is ours to send, and join the hub.

        In this order: joining can close the stream at once, and `closing` is nothing to begin with.
        """
        shared = self._shared
        self._send(head + shared.signals.ready(admission.opening, admission.expires_at))
        shared.pulse.add(self, self._due())
        shared.metrics.streams.inc()
        shared.metrics.streams_opened.labels(admission.opening.mode).inc()
        log.info(
            "stream opened",
            user=admission.user_id,
            tab=admission.tab,
            mode=admission.opening.mode,
            reason=admission.opening.reason,
            cursor=str(admission.opening.cursor),
        )
        shared.hub.join(self.subscription.user_id, self)

    def offer(self, record: Record) -> None:
        """Take a record from the hub."""
        frame = self.subscription.offer(record)
        if frame is not None:
            self._deliver(frame)
        elif self.subscription.behind:
            self._wake_reader()

    def beat(self, now: float) -> float | None:
        """Ping when it was silent, end when it is time; when to look again."""
        if self.closed is not None:
            return None
        if now >= self._expires:
            self.close("expired")
            return None
        if self._poll is not None and now >= self._poll:
            self._end_poll(b"" if self.stalled else self._shared.signals.ping(self.subscription.cursor))
            return None
        if now >= self._ping_due():
            self._sent = self._cursor_sent = now
            if not self.stalled:
                self._send(self._shared.signals.ping(self.subscription.cursor))
        return self._due()

    def close(self, reason: ClosingReason) -> None:
        """Say why, and end."""
        self._end(reason, self._shared.signals.closing(reason))

    def left(self) -> None:
        """The client has gone, or the last byte is out: leave everything. Doing it twice is fine."""
        if self.closed is None:
            self.closed = "client"
        shared = self._shared
        if self.slot < 0:
            return
        shared.pulse.remove(self)
        self.slot = -1
        shared.hub.leave(self.subscription.user_id, self)
        shared.metrics.streams.dec()
        shared.metrics.streams_closed.labels(self.closed).inc()
        log.info(
            "stream closed",
            user=self.subscription.user_id,
            tab=self.tab,
            reason=self.closed,
            cursor=str(self.subscription.cursor),
        )

    def _deliver(self, data: bytes) -> None:
        if self.closed is not None:  # it ended while the log was read: nothing comes after `closing`
            return
        self._sent = self._shared.pulse.now
        self._send(data)
        if self._poll is not None:
            self._end_poll()

    async def _lacking(self) -> bytes:
        """What a subscription that is behind gets next; nothing when the stream had to end instead."""
        try:
            return await self._shared.reader.read(self.subscription)
        except Reset:
            self.close("reset")
        except ZenaError:
            self.close("overloaded")
        except Exception:  # a bug of ours: the client may come back, the log says what it was
            log.exception("reading the log failed", user=self.subscription.user_id)
            self.close("overloaded")
        return b""

    def _end(self, reason: ClosingReason, last: bytes) -> None:
        if self.closed is None:
            self.closed = reason
            self._finish(last)
            self.left()

    def _end_poll(self, before: bytes = b"") -> None:
        self._end("rotated", before + self._shared.signals.closing("rotated", POLL_RETRY))

    def _due(self) -> float:
        due = min(self._expires, self._ping_due())
        return due if self._poll is None else min(due, self._poll)

    def _ping_due(self) -> float:
        silence = self._sent + self._shared.signals.heartbeat_seconds
        if self.subscription.types is None:
            return silence
        return min(silence, self._cursor_sent + CURSOR_SECONDS)

    # --- what a carrier does ------------------------------------------------------------------------

    def _send(self, data: bytes) -> None:
        """Put bytes on their way; never blocks."""
        raise NotImplementedError

    def _wake_reader(self) -> None:
        """The subscription is behind: see that the log is read, once the socket takes more."""
        raise NotImplementedError

    def _finish(self, last: bytes) -> None:
        """Send the last bytes and end the response."""
        raise NotImplementedError
