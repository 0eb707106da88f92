"""What the core knows of the event log: records, pages, and the port through which they are read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import msgspec


class Record(msgspec.Struct, frozen=True, gc=False):
    """An event at its place in a user's stream, as the bytes that go out.

    Offset 0 marks an ephemeral event: it has no place, so it is for live streams only. Of those that share a
    `kind` only the newest matters: it replaces one that still waits for its socket.
    """

    epoch: str
    offset: int
    type: str
    frame: bytes
    kind: str = ""


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


class Want(NamedTuple):
    """What is to be read of a user's log: the records after an offset, or only where it stands.

    For a stream that `is_new` a user who has no log gets one.
    """

    user_id: str
    after: int | None
    is_new: bool = False


class EventLog(Protocol):
    """The durable history of every user's events."""

    async def pages(self, wants: Sequence[Want]) -> list[Page]:
        """A page for each want, in one trip: its records oldest first, as many as make a page.

        The page of a log that is not there has no epoch.
        """
