"""What the core knows of the event log: records, pages, and the port through which they are read."""

from __future__ import annotations

from typing import Protocol

import msgspec


class Record(msgspec.Struct, frozen=True, gc=False):
    """An event at its place in a user's stream, as the bytes that go out.

    Offset 0 marks an ephemeral event: it has no place, so it is for live streams only.
    """

    epoch: str
    offset: int
    type: str
    frame: bytes


class Position(msgspec.Struct, frozen=True):
    """Where a log stands. `floor` is the oldest offset kept; `head + 1` when nothing is."""

    epoch: str
    floor: int
    head: int

    @property
    def cursor(self) -> str:
        """Its head as a client knows it: everything so far."""
        return f"{self.epoch}-{self.head}"


class Page(msgspec.Struct, frozen=True):
    """Part of a log, with the position it had in the same read transaction.

    Offsets may have holes, for records can be folded away. A page that reaches the head is `complete`.
    """

    position: Position
    records: list[Record]
    complete: bool


class EventLog(Protocol):
    """The durable history of every user's events."""

    async def position(self, user_id: str) -> Position:
        """Where the user's log stands; a user who has none gets one."""

    async def page(self, user_id: str, after: int) -> Page:
        """The records after an offset, oldest first, as many as make a page."""
