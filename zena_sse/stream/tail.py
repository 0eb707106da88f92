"""What was published lately for one user, in memory."""

from __future__ import annotations

from collections.abc import Sequence

from zena_sse.stream.log import Position, Record

# Enough that a tab that comes back after a tunnel is served from memory, and that the last step from behind
# to live always succeeds; the log has the rest. At these limits the older half goes at once: dropping one
# record with each that comes would touch all the memory of the tail again and again.
TAIL_RECORDS = 64
TAIL_BYTES = 128 * 1024


class Tail:
    """The newest records of one user up to the log's head, dense: one that leaves a gap starts it anew.

    It begins empty, at a head that was read from the log.
    """

    __slots__ = ("_records", "epoch", "head", "size")

    def __init__(self, epoch: str, head: int) -> None:
        self._records: list[Record] = []
        self.epoch = epoch
        self.head = head  # the newest offset offered
        self.size = 0  # bytes of frames

    @property
    def position(self) -> Position:
        """Where the log stands, as far as the tail knows: the true floor may be lower."""
        return Position(self.epoch, self.floor, self.head)

    @property
    def floor(self) -> int:
        """The offset of its first record; `head + 1` when it has none."""
        return self.head + 1 - len(self._records)

    def add(self, record: Record) -> None:
        """Append a durable record; one that is already there, or older, changes nothing."""
        records = self._records
        if record.offset != self.head + 1 or record.epoch != self.epoch:
            if record.epoch == self.epoch and record.offset <= self.head:
                return
            records.clear()
            self.epoch, self.size = record.epoch, 0
        self.head = record.offset
        records.append(record)
        self.size += len(record.frame)
        if len(records) > TAIL_RECORDS or self.size > TAIL_BYTES:
            self._shorten()

    def shrink(self) -> None:
        """Keep only the newest record."""
        del self._records[:-1]
        self.size = len(self._records[0].frame) if self._records else 0

    def after(self, offset: int) -> Sequence[Record]:
        """The records from `offset` + 1 on."""
        return self._records[max(0, offset - self.floor + 1) :]

    def _shorten(self) -> None:
        records = self._records
        keep = len(records) // 2
        while keep > 1 and sum(len(record.frame) for record in records[-keep:]) > TAIL_BYTES:
            keep //= 2
        del records[:-keep]
        self.size = sum(len(record.frame) for record in records)
