"""A place in a user's stream, as `<epoch>-<offset>`, and what may become of one that a client brings."""

from __future__ import annotations

import re
from typing import NamedTuple

from zena_sse.contract.events import Mode, ResetReason
from zena_sse.stream.log import Position

# At most 64 bytes in all; an offset without leading zeros, so that a place has one spelling, and of at most
# 18 digits, so that it fits the database's 64-bit integers.
_FORM = re.compile(r"(?P<epoch>[A-Za-z0-9]{1,45})-(?P<offset>0|[1-9][0-9]{0,17})")


class Cursor(NamedTuple):
    """Everything up to `offset` of the log called `epoch`."""

    epoch: str
    offset: int

    def __str__(self) -> str:
        return f"{self.epoch}-{self.offset}"


class Opening(NamedTuple):
    """How a stream starts: its mode, the cursor it starts from, and why it had to be reset."""

    mode: Mode
    cursor: Cursor
    reason: ResetReason | None = None


def parse_cursor(text: str) -> Cursor | None:
    """The cursor that a text spells, or None when it spells none."""
    found = _FORM.fullmatch(text)
    return Cursor(found["epoch"], int(found["offset"])) if found else None


def open_at(text: str | None, position: Position) -> Opening:
    """Judge what a client brings against its log, by arithmetic alone: the row itself may be folded away."""
    head = Cursor(position.epoch, position.head)
    if text is None:
        return Opening("live", head)
    cursor = parse_cursor(text)
    if cursor is None:
        return Opening("reset", head, "malformed")
    if cursor.epoch != position.epoch:
        return Opening("reset", head, "unknown_epoch")
    if cursor.offset > position.head:
        return Opening("reset", head, "ahead")
    if cursor.offset + 1 < position.floor:
        return Opening("reset", head, "expired")
    return Opening("resumed", cursor)
