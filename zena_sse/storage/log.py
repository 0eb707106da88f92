"""The event log: how pages are read from it, how it is trimmed, how a user's is erased."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec

from zena_sse.contract.moments import timestamp
from zena_sse.storage.port import Reader, Storage, Transaction
from zena_sse.stream.frame import encode_record
from zena_sse.stream.log import Page, Position, Record, Want

# A page is what one stream may hold in memory while its socket is slow.
PAGE_RECORDS = 256
PAGE_BYTES = 256 * 1024

# Rows that one unit of work removes: about a millisecond.
TRIM_RECORDS = 500


class _Row(msgspec.Struct):
    offset: int
    type: str
    data: bytes


def find_position(reader: Reader, user_id: str) -> Position | None:
    """Where the user's log stands; None for a user who has none, who is unknown therefore."""
    return reader.one(
        Position, "SELECT epoch, floor, head FROM streams WHERE user_id = :user_id", user_id=user_id
    )


def ensure_stream(tx: Transaction, user_id: str, epoch: str) -> Position:
    """The user's log; a new one gets this epoch."""
    tx.execute(
        "INSERT INTO streams (user_id, epoch, head, floor) VALUES (:user_id, :epoch, 0, 1) "
        "ON CONFLICT (user_id) DO NOTHING",
        user_id=user_id,
        epoch=epoch,
    )
    position = find_position(tx, user_id)
    if position is None:
        raise RuntimeError("the row was just written")
    return position


def read_page(
    reader: Reader, user_id: str, after: int, records: int = PAGE_RECORDS, size: int = PAGE_BYTES
) -> Page | None:
    """The records after an offset, with the log's position at that moment; None for an unknown user.

    A page ends after `records` records, or with the one that passes `size` bytes.
    """
    position = find_position(reader, user_id)
    if position is None:
        return None
    rows = reader.all(
        _Row,
        'SELECT "offset", type, data FROM ('
        ' SELECT "offset", type, data, SUM(LENGTH(data)) OVER (ORDER BY "offset") - LENGTH(data) AS before'
        ' FROM (SELECT "offset", type, data FROM events WHERE user_id = :user_id AND "offset" > :after'
        ' ORDER BY "offset" LIMIT :records) AS first) AS sized '
        'WHERE before < :size ORDER BY "offset"',
        user_id=user_id,
        after=after,
        records=records,
        size=size,
    )
    found = [
        Record(position.epoch, r.offset, r.type, encode_record(position.epoch, r.offset, r.type, r.data))
        for r in rows
    ]
    return Page(position, found, complete=not found or found[-1].offset == position.head)


def read_pages(reader: Reader, wants: Sequence[Want]) -> list[Page | None]:
    """A page for each want, see `EventLog.pages`; None for an unknown user."""
    return [
        _standing(find_position(reader, want.user_id))
        if want.after is None
        else read_page(reader, want.user_id, want.after)
        for want in wants
    ]


def _standing(position: Position | None) -> Page | None:
    return None if position is None else Page(position, [], complete=True)


class StoredLog:
    """`EventLog` over the database."""

    def __init__(self, storage: Storage, new_epoch: Callable[[], str]) -> None:
        self._storage = storage
        self._new_epoch = new_epoch

    async def pages(self, wants: Sequence[Want]) -> list[Page]:
        """See `EventLog`."""
        pages = await self._storage.read(read_pages, wants)
        missing = [want for want, page in zip(wants, pages, strict=True) if page is None]
        made = iter(await asyncio.gather(*map(self._missing, missing)))  # together: they share a commit
        return [page or next(made) for page in pages]

    async def page(self, user_id: str, after: int) -> Page:
        """The records after an offset; the empty page of no epoch when there is no log."""
        return (await self.pages([Want(user_id, after)]))[0]

    async def _missing(self, want: Want) -> Page:
        if not want.is_new:
            return Page(Position("", 1, 0), [], complete=True)
        position = await self._storage.write(ensure_stream, want.user_id, self._new_epoch())
        return Page(position, [], complete=not position.head)


def users_to_trim(reader: Reader, before: datetime, most: int) -> list[str]:
    """Users whose oldest events are over age, or too many."""
    return reader.all(
        str,
        "SELECT user_id FROM streams WHERE head - floor + 1 > :most OR ("
        " SELECT at FROM events WHERE events.user_id = streams.user_id"
        ' ORDER BY events."offset" LIMIT 1) < :before ORDER BY user_id',
        most=most,
        before=timestamp(before),
    )


def trim_log(tx: Transaction, user_id: str, before: datetime, most: int) -> bool:
    """Drop some of the oldest events that are over age or too many; whether there may be more.

    The floor moves with them, so that a cursor below it is answered with `reset`, never with a gap.
    """
    position = find_position(tx, user_id)
    if position is None:
        return False
    reach = min(position.floor + TRIM_RECORDS, position.head + 1)
    oldest_to_keep = tx.one(
        int,
        'SELECT "offset" FROM events WHERE user_id = :user_id AND "offset" < :reach AND at >= :before'
        ' ORDER BY "offset" LIMIT 1',
        user_id=user_id,
        reach=reach,
        before=timestamp(before),
    )
    floor = min(max(oldest_to_keep or reach, position.head - most + 1), reach)
    if floor <= position.floor:
        return False
    tx.execute(
        'DELETE FROM events WHERE user_id = :user_id AND "offset" < :floor', user_id=user_id, floor=floor
    )
    tx.execute("UPDATE streams SET floor = :floor WHERE user_id = :user_id", user_id=user_id, floor=floor)
    return floor == reach <= position.head


def erase_stream(tx: Transaction, user_id: str) -> None:
    """Drop a user's log and its identity; whoever comes next finds another epoch.

    The caller closes the user's streams in `after_commit`, before anything of the new epoch can be offered.
    """
    tx.execute("DELETE FROM events WHERE user_id = :user_id", user_id=user_id)
    tx.execute("DELETE FROM streams WHERE user_id = :user_id", user_id=user_id)
