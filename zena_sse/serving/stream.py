"""An admitted stream and its life: what both ways of carrying it to the socket have in common."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec
import structlog

from zena_sse.contract.events import ClosingReason, StreamPing
from zena_sse.metrics import Metrics
from zena_sse.serving.drain import Drain
from zena_sse.serving.room import Room
from zena_sse.serving.turns import Turns
from zena_sse.stream.cursor import Opening
from zena_sse.stream.hub import Hub
from zena_sse.stream.log import Record
from zena_sse.stream.pulse import Pulse
from zena_sse.stream.reader import Reader
from zena_sse.stream.signals import POLL_RETRY, Signals
from zena_sse.stream.subscription import Subscription

# A filtered stream hands its cursor over at least this often, even when it is never silent: otherwise a
# reconnect would have to go through everything that was filtered.
CURSOR_SECONDS = 60.0

# More than this waits for a stream's socket, and it is behind: the log holds the rest, not our memory.
HIGH_WATER = 256 * 1024

# A stream whose socket has taken nothing for this long is cut: it holds memory for one who does not read. It
# is looked at in between, so that one that is slow but moves is left alone.
BLOCKED_SECONDS = 20.0
LOOK_SECONDS = 5.0

log = structlog.get_logger("zena.stream")


class Admission(msgspec.Struct, frozen=True):
    """Who may have which stream: the outcome of everything that is checked before a stream opens."""

    user_id: str
    expires_at: datetime
    cursor: str | None = None  # as the client spelled it
    types: frozenset[str] | None = None
    tab: str | None = None
    session: str | None = None
    poll: float | None = None  # seconds; the response ends after the first delivery or then
    address: str | None = None


class Streams(msgspec.Struct, frozen=True):
    """What every stream of this process shares; `lifetime` draws one, in seconds."""

    hub: Hub
    reader: Reader
    pulse: Pulse
    signals: Signals
    metrics: Metrics
    clock: Callable[[], datetime]
    drain: Drain
    turns: Turns
    room: Room
    lifetime: Callable[[], float]


class Stream:
    """One tab's stream: passes the subscription's frames on, pings, and ends itself when it is time.

    A carrier subclasses it with `_send`, `_has_moved`, `_cut` and `_finish`, and adds no rule of order of
    its own.
    """

    __slots__ = (
        "_address",
        "_admission",
        "_blocked_since",
        "_cursor_sent",
        "_expires",
        "_head",
        "_poll",
        "_rotates",
        "_sent",
        "_shared",
        "closed",
        "session",
        "slot",
        "stalled",
        "subscription",
        "tab",
    )

    def __init__(self, shared: Streams, admission: Admission, head: bytes = b"") -> None:
        """`head` goes out before anything else."""
        self._shared = shared
        self._head = head
        self._admission: Admission | None = admission  # until `stream.ready` is said
        self._address = admission.address
        self.subscription = Subscription(admission.user_id, admission.cursor, admission.types)
        self.tab = admission.tab
        self.session = admission.session
        self.slot = -1  # in none of the pulse's slots: not open, or left
        self.closed: str | None = None
        self.stalled = False  # the socket takes no more for now
        self._blocked_since: float | None = None  # on the pulse's clock: its socket takes nothing
        now = shared.pulse.now
        self._sent = self._cursor_sent = now
        self._expires = now + (admission.expires_at - shared.clock()).total_seconds()
        self._rotates = now + shared.lifetime()
        self._poll = None if admission.poll is None else now + admission.poll

    def open(self) -> None:
        """Join the hub, and be served from where the client was.

        `stream.ready` comes first, unless the stream ends before it has a place: then only `closing` is said.
        """
        shared = self._shared
        shared.room.take(self._address)
        shared.pulse.add(self, self._due())
        shared.hub.join(self.subscription.user_id, self)
        self._read()

    @property
    def reads(self) -> bool:
        """See `Reading`."""
        return self.subscription.behind and not self.stalled and self.closed is None

    def offer(self, record: Record) -> None:
        """Take a record from the hub."""
        frame = self.subscription.offer(record)
        if frame is not None:
            self._send(frame, record.kind)
            if self._poll is not None:
                self._end_poll()
        elif self.subscription.behind:
            self._read()

    def receive(self, opening: Opening | None, frames: bytes) -> None:
        """Take what the reader found."""
        if self.stalled:  # the socket filled meanwhile
            self.subscription.fall_behind()
        if opening is not None and self._admission is not None:
            self._send(self._begin(self._admission, opening) + frames)
        elif frames:
            self._send(frames)
        if self._poll is not None and frames:
            self._end_poll()

    def beat(self, now: float) -> float | None:
        """End when it is time, ping when it was silent; when to look again."""
        if self._ends(now):
            return None
        if now >= self._ping_due():
            self._sent = self._cursor_sent = now
            if self._admission is None and not self.stalled:
                self._send(self._ping(), StreamPing.type)
        return self._due()

    def close(self, reason: ClosingReason) -> None:
        """Say why, and end."""
        self._end(reason, self._shared.signals.closing(reason))

    def left(self) -> None:
        """The client has gone, or the last byte is out: leave everything. Doing it twice is fine."""
        if self.closed is None:
            self.closed = "client"
        if self.slot < 0:
            return
        shared = self._shared
        shared.pulse.remove(self)
        self.slot = -1
        shared.hub.leave(self.subscription.user_id, self)
        shared.room.give_back(self._address)
        shared.metrics.streams_closed.count(self.closed)
        log.info(
            "stream closed",
            user=self.subscription.user_id,
            tab=self.tab,
            reason=self.closed,
            cursor=str(self.subscription.cursor) if self.subscription.started else None,
        )

    def _read(self) -> None:
        if self.reads:
            self._shared.reader.read(self)

    def _ends(self, now: float) -> bool:
        """End if it is time to; whether it has ended."""
        if self._poll is not None and now >= self._poll:
            self._end_poll(self._ping() if self._admission is None and not self.stalled else b"")
        elif now >= self._expires:
            self.close("expired")
        elif now >= self._rotates:
            self.close("rotated")
        elif self._is_blocked(now):
            self._end_blocked()
        return self.closed is not None

    def _begin(self, admission: Admission, opening: Opening) -> bytes:
        """What comes before the first record."""
        shared = self._shared
        shared.metrics.streams_opened.count(opening.mode)
        log.info(
            "stream opened",
            user=admission.user_id,
            tab=admission.tab,
            mode=opening.mode,
            reason=opening.reason,
            cursor=str(opening.cursor),
        )
        self._admission = None
        return self._take_head() + shared.signals.ready(opening, admission.expires_at)

    def _take_head(self) -> bytes:
        head, self._head = self._head, b""
        return head

    def _ping(self) -> bytes:
        return self._shared.signals.ping(self.subscription.cursor)

    def _is_blocked(self, now: float) -> bool:
        if self._blocked_since is None:
            return False
        if self._has_moved():
            self._blocked_since = now
        return now - self._blocked_since >= BLOCKED_SECONDS

    def _end(self, reason: ClosingReason, last: bytes) -> None:
        if self.closed is None:
            self.closed = reason
            self._finish(self._take_head() + last)
            self.left()

    def _end_poll(self, before: bytes = b"") -> None:
        self._end("rotated", before + self._shared.signals.closing("rotated", POLL_RETRY))

    def _end_blocked(self) -> None:
        """Nothing can be said to one who does not listen: the client finds its connection cut."""
        self.closed = "blocked"
        self._cut()
        self.left()

    def _due(self) -> float:
        due = min(self._expires, self._rotates, self._ping_due())
        if self._poll is not None:
            due = min(due, self._poll)
        if self._blocked_since is not None:
            due = min(due, self._shared.pulse.now + LOOK_SECONDS)
        return due

    def _ping_due(self) -> float:
        silence = self._sent + self._shared.signals.heartbeat_seconds
        if self.subscription.types is None:
            return silence
        return min(silence, self._cursor_sent + CURSOR_SECONDS)

    # --- what a carrier does ------------------------------------------------------------------------

    def _send(self, data: bytes, kind: str = "") -> None:
        """Put bytes on their way and note `_sent`; never blocks.

        Of those of a kind that have to wait only the newest goes out.
        """
        raise NotImplementedError

    def _has_moved(self) -> bool:
        """Whether a socket that is blocked has taken something since this was asked last."""
        raise NotImplementedError

    def _cut(self) -> None:
        """End the connection at once, whatever waits for its socket."""
        raise NotImplementedError

    def _finish(self, last: bytes) -> None:
        """Send the last bytes and end the response."""
        raise NotImplementedError
