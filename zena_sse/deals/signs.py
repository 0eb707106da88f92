"""What the threads of a deal say of how far it is: the signs of one that leaves it do not count any more."""

from __future__ import annotations

from datetime import datetime

import msgspec

from zena_sse.contract.events import Stage
from zena_sse.deals.rows import DealRow, Kind
from zena_sse.deals.stages import CLOSED, moves_on
from zena_sse.storage.port import Reader, Transaction

# Said of an entry whose mail is gone: its words must be gone too, that it happened is the deal's.
MAIL_GONE = "The mail that said so was deleted."


class _Sign(msgspec.Struct):
    kind: Kind
    stage: Stage
    at: datetime
    counts: bool


class _Standing(msgspec.Struct):
    stage: Stage
    last_message_at: datetime


def restage(reader: Reader, row: DealRow) -> None:
    """Put a deal in the stage that those threads brought it to that are in it now."""
    row.stage, row.stage_at = "lead", row.opened_at
    for number, sign in enumerate(_signs(reader, row)):
        if sign.counts and (number == 0 or moves_on(row.stage, sign.stage, newer=sign.at >= row.stage_at)):
            row.stage, row.stage_at = sign.stage, max(sign.at, row.stage_at)
    # What a thread says now may have said nothing new while the one that left was there.
    for thread in _threads(reader, row):
        if moves_on(row.stage, thread.stage, newer=thread.last_message_at >= row.stage_at):
            row.stage, row.stage_at = thread.stage, max(thread.last_message_at, row.stage_at)
    row.closed_at = row.stage_at if row.stage in CLOSED else None


def has_signed(reader: Reader, row: DealRow, thread_id: str) -> bool:
    """Whether this thread has moved the deal before."""
    found = reader.one(
        int,
        "SELECT 1 FROM deal_entries WHERE deal_id = :deal_id AND user_id = :user_id"
        " AND thread_id = :thread_id AND stage IS NOT NULL LIMIT 1",
        deal_id=row.deal_id,
        user_id=row.user_id,
        thread_id=thread_id,
    )
    return found is not None


def has_noted(reader: Reader, row: DealRow, thread_id: str) -> bool:
    """Whether the timeline has the deal's concern: its thread was away, and has come back."""
    found = reader.one(
        int,
        "SELECT 1 FROM deal_entries WHERE deal_id = :deal_id AND user_id = :user_id"
        " AND thread_id = :thread_id AND kind = 'concern' AND reason = :concern LIMIT 1",
        deal_id=row.deal_id,
        user_id=row.user_id,
        thread_id=thread_id,
        concern=row.concern,
    )
    return found is not None


def forget_words(tx: Transaction, user_id: str, thread_id: str) -> None:
    """The mail of a thread is gone: its deals have come as far as they have, but do not quote it."""
    for statement in (
        "DELETE FROM deal_entries WHERE user_id = :user_id AND thread_id = :thread_id AND kind = 'concern'",
        "UPDATE deal_entries SET thread_id = NULL, reason = :reason"
        " WHERE user_id = :user_id AND thread_id = :thread_id",
    ):
        tx.execute(statement, user_id=user_id, thread_id=thread_id, reason=MAIL_GONE)


def _signs(reader: Reader, row: DealRow) -> list[_Sign]:
    return reader.all(
        _Sign,
        "SELECT entries.kind, entries.stage, entries.at,"
        " entries.thread_id IS NULL OR threads.thread_id IS NOT NULL AS counts FROM deal_entries AS entries"
        " LEFT JOIN threads ON threads.user_id = entries.user_id AND threads.thread_id = entries.thread_id"
        " AND threads.deal_id = entries.deal_id"
        " WHERE entries.deal_id = :deal_id AND entries.user_id = :user_id AND entries.stage IS NOT NULL"
        " ORDER BY entries.number",
        deal_id=row.deal_id,
        user_id=row.user_id,
    )


def _threads(reader: Reader, row: DealRow) -> list[_Standing]:
    return reader.all(
        _Standing,
        "SELECT stage, last_message_at FROM threads WHERE user_id = :user_id AND deal_id = :deal_id"
        " AND stage IS NOT NULL ORDER BY last_message_at, thread_id",
        user_id=row.user_id,
        deal_id=row.deal_id,
    )
