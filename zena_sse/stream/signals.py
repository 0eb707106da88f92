"""What a stream says about itself: ready, ping, closing; and when the client is to come back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from zena_sse.contract.events import (
    ClosingReason,
    Event,
    StreamClosing,
    StreamPing,
    StreamReady,
    encode_event,
)
from zena_sse.contract.moments import timestamp
from zena_sse.stream.cursor import Cursor, Opening
from zena_sse.stream.frame import encode_frame

# Milliseconds until the client may come back, drawn evenly: all at the same moment is a self-made attack.
READY_RETRY = (1_000, 3_000)
CLOSING_RETRY: dict[ClosingReason, tuple[int, int]] = {
    "draining": (1_000, 5_000),
    "rotated": (500, 2_000),
    "reset": (500, 2_000),
    "expired": (1_000, 3_000),
    "revoked": (1_000, 3_000),
    # Minutes, or two tabs of one name would evict each other for ever.
    "superseded": (300_000, 600_000),
    "overloaded": (5_000, 15_000),
}
# A long poll has got what it came for, and asks again at once.
POLL_RETRY = (10, 50)

Draw = Callable[[int, int], int]


class Signals:
    """Makes the frames of `stream.*` events."""

    def __init__(self, clock: Callable[[], datetime], draw: Draw, heartbeat_seconds: float) -> None:
        self._clock = clock
        self._draw = draw
        self.heartbeat_seconds = heartbeat_seconds

    def ready(self, opening: Opening, expires_at: datetime) -> bytes:
        """The first event. Resumed, nothing was sent yet, so it has no id: the client keeps its own."""
        event = StreamReady(
            mode=opening.mode,
            cursor=str(opening.cursor),
            heartbeat_seconds=self.heartbeat_seconds,
            expires_at=expires_at,
            reason=opening.reason,
        )
        cursor = None if opening.mode == "resumed" else opening.cursor
        return self._frame(event, cursor, READY_RETRY)

    def ping(self, cursor: Cursor) -> bytes:
        """A sign of life, with how far this stream has come."""
        return self._frame(StreamPing(cursor=str(cursor)), cursor)

    def closing(self, reason: ClosingReason, retry: tuple[int, int] | None = None) -> bytes:
        """The last event."""
        return self._frame(StreamClosing(reason=reason), None, retry or CLOSING_RETRY[reason])

    def _frame(self, event: Event, cursor: Cursor | None, retry: tuple[int, int] | None = None) -> bytes:
        data = encode_event(event, timestamp(self._clock()))
        event_id = None if cursor is None else str(cursor)
        return encode_frame(
            event.type, data, event_id=event_id, retry=None if retry is None else self._draw(*retry)
        )
