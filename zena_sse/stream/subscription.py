"""One tab's place in one user's stream: live or behind, and the only code that decides what is sent next.

Two rules hold at every step:

1. Every offset above the starting cursor is handed out once and in order, or passed over because the filter
   or a folded log has nothing there. `cursor` is how far that has come.
2. A live subscription has everything up to the newest record it was offered. The moment that is in doubt it
   is behind, and only the log (`apply`) or the hub's tail (`catch_up`) can make it live again.

It begins behind and without a place: `start` gives it one, once it is known where the log stands. What comes
out is for the socket at once: whoever drives a subscription has no ordering rule of its own, and what it
holds back (a turn's worth of frames) it must write before it applies a page.
"""

from __future__ import annotations

from collections.abc import Iterable

from zena_sse.stream.cursor import Cursor, Opening, parse_cursor
from zena_sse.stream.log import Page, Record, Want
from zena_sse.stream.tail import Tail


class Reset(Exception):
    """The log no longer holds what this subscription needs next: the client must start over."""


class Subscription:
    """Hand out each record above the cursor once, in order; of the `types` asked for, None being all.

    `asked` is the cursor that the client brought, as it spelled it.
    """

    __slots__ = ("_doubt", "_seen", "asked", "behind", "epoch", "offset", "types", "user_id")

    def __init__(self, user_id: str, asked: str | None = None, types: frozenset[str] | None = None) -> None:
        self.user_id = user_id
        self.asked = asked
        self.types = types
        self.epoch = ""  # no log's name: it has no place yet
        self.offset = 0
        self.behind = True
        self._seen = 0  # the newest offset that is known to exist
        self._doubt = False  # something of another epoch was offered: the next page tells which one holds

    @property
    def started(self) -> bool:
        """Whether it has a place in the log."""
        return bool(self.epoch)

    @property
    def cursor(self) -> Cursor:
        """Everything up to here was handed out, or filtered."""
        return Cursor(self.epoch, self.offset)

    @property
    def want(self) -> Want:
        """What to read of the log for it."""
        if self.epoch:
            return Want(self.user_id, self.offset)
        cursor = None if self.asked is None else parse_cursor(self.asked)
        return Want(self.user_id, None if cursor is None else cursor.offset, is_new=True)

    def start(self, opening: Opening) -> None:
        """Begin at the opening's cursor."""
        self.epoch, self.offset = opening.cursor
        self._seen = self.offset

    def offer(self, record: Record) -> bytes | None:
        """Take a record from the hub: the frame to write now, or nothing."""
        if record.offset == self.offset + 1 and record.epoch == self.epoch and not self.behind:
            self.offset = record.offset
            return self._wanted(record)
        if not record.offset:
            return None if self.behind else self._wanted(record)
        if record.epoch != self.epoch:
            self.behind = self._doubt = True
        elif record.offset > self.offset:
            self._seen = max(self._seen, record.offset)
            self.behind = True
        return None

    def fall_behind(self) -> None:
        """The socket takes no more: what follows comes from the log."""
        self.behind = True

    def apply(self, page: Page) -> list[bytes]:
        """Take a page of the log read after the cursor: the frames to write. Raises `Reset`."""
        if page.position.epoch != self.epoch or self.offset + 1 < page.position.floor:
            raise Reset
        frames = self._take(record for record in page.records if record.offset > self.offset)
        if page.complete:
            self.offset = max(self.offset, page.position.head)
            self.behind = self.offset < self._seen or self._doubt
            self._doubt = False
        return frames

    def catch_up(self, tail: Tail) -> list[bytes] | None:
        """Step from behind to live from the hub's tail; None when it does not reach back to the cursor.

        The tail ends with the newest record that was offered. This is synchronous, so under steady writes
        being behind ends as soon as one page comes close.
        """
        if tail.epoch != self.epoch or self._doubt or not tail.floor - 1 <= self.offset <= tail.head:
            return None
        frames = self._take(tail.after(self.offset))
        self.behind = False
        return frames

    def _take(self, records: Iterable[Record]) -> list[bytes]:
        frames = []
        for record in records:
            self.offset = record.offset
            if (frame := self._wanted(record)) is not None:
                frames.append(frame)
        return frames

    def _wanted(self, record: Record) -> bytes | None:
        return record.frame if self.types is None or record.type in self.types else None
