"""The threads of a deal: joining and leaving it, and what the deal is because of them."""

from __future__ import annotations

from datetime import datetime

import msgspec

from zena_sse.contract.events import Category, Classification, NextActionOwner, RiskLevel, ThreadUpdated
from zena_sse.deals.rows import DealRow
from zena_sse.mail.content.message import cut
from zena_sse.storage.port import Reader, Transaction

# Threads of a deal that are moved in one unit of work.
THREADS_A_UNIT = 50


def deal_of(reader: Reader, user_id: str, thread_id: str) -> str | None:
    """The deal that a thread is in."""
    return reader.one(
        str,
        "SELECT deal_id FROM threads"
        " WHERE user_id = :user_id AND thread_id = :thread_id AND deal_id IS NOT NULL",
        user_id=user_id,
        thread_id=thread_id,
    )


def record_summary(tx: Transaction, user_id: str, thread_id: str, summary: str) -> None:
    """What a deal is to show of a thread, while it is the newest."""
    tx.execute(
        "UPDATE threads SET summary = :summary WHERE user_id = :user_id AND thread_id = :thread_id",
        user_id=user_id,
        thread_id=thread_id,
        summary=cut(summary),
    )


def put_thread(tx: Transaction, user_id: str, thread_id: str, deal_id: str | None) -> None:
    """Put a thread in a deal, or in none; whoever calls tells of it."""
    tx.execute(
        "UPDATE threads SET deal_id = :deal_id WHERE user_id = :user_id AND thread_id = :thread_id",
        user_id=user_id,
        thread_id=thread_id,
        deal_id=deal_id,
    )


class _Thread(msgspec.Struct):
    classification: Classification | None
    category: Category | None
    next_action_owner: NextActionOwner | None
    subject: str
    last_message_at: datetime
    message_count: int
    risk_level: RiskLevel | None
    property_id: str | None
    confidence: float | None


def move_thread(
    tx: Transaction, user_id: str, thread_id: str, deal_id: str | None, command_id: str | None
) -> None:
    """Put a thread that nobody is talking of in another deal, or in none, and tell of it."""
    put_thread(tx, user_id, thread_id, deal_id)
    thread = tx.one(
        _Thread,
        "SELECT classification, category, next_action_owner, subject, last_message_at, message_count,"
        " risk_level, property_id, confidence FROM threads"
        " WHERE user_id = :user_id AND thread_id = :thread_id",
        user_id=user_id,
        thread_id=thread_id,
    )
    if thread is None:
        return
    thread.subject = cut(thread.subject)
    event = ThreadUpdated(thread_id=thread_id, deal_id=deal_id, **msgspec.structs.asdict(thread))
    tx.publish(user_id, event, command_id=command_id)


def threads_of(reader: Reader, user_id: str, deal_id: str, most: int = THREADS_A_UNIT) -> list[str]:
    """Ids of the threads in a deal, the newest first."""
    return reader.all(
        str,
        "SELECT thread_id FROM threads WHERE user_id = :user_id AND deal_id = :deal_id"
        " ORDER BY last_message_at DESC, thread_id LIMIT :most",
        user_id=user_id,
        deal_id=deal_id,
        most=most,
    )


class _Sums(msgspec.Struct):
    buyers: int
    vendors: int
    unread: int
    owing: int
    unsettled: int
    newest: datetime


def recount(reader: Reader, row: DealRow) -> bool:
    """Make a deal what its threads make it; whether anybody's own business is still in it.

    A thread that could not be read may be somebody's.
    """
    sums = reader.one(
        _Sums,
        "SELECT SUM(CASE WHEN classification = 'buyer' THEN 1 ELSE 0 END) AS buyers,"
        " SUM(CASE WHEN classification = 'vendor' THEN 1 ELSE 0 END) AS vendors,"
        " SUM(CASE WHEN classification IS NULL THEN 1 ELSE 0 END) AS unread,"
        " SUM(CASE WHEN next_action_owner = 'agent' THEN 1 ELSE 0 END) AS owing,"
        " SUM(CASE WHEN settled THEN 0 ELSE 1 END) AS unsettled, MAX(last_message_at) AS newest"
        " FROM threads WHERE user_id = :user_id AND deal_id = :deal_id HAVING COUNT(*) > 0",
        user_id=row.user_id,
        deal_id=row.deal_id,
    )
    if sums is None or sums.buyers + sums.vendors + sums.unread == 0:
        return False
    if row.side == "buyer" and not sums.buyers and sums.vendors:
        row.side = "vendor"
    elif row.side == "vendor" and not sums.vendors and sums.buyers:
        row.side = "buyer"
    row.next_action_owner = "agent" if sums.owing else "other"
    row.settled = not sums.owing and not sums.unsettled
    row.concern = _concern(reader, row)
    row.summary = _summary(reader, row)
    row.last_message_at = sums.newest
    return True


def _concern(reader: Reader, row: DealRow) -> str | None:
    """The newest that is voiced in any of a deal's threads."""
    return reader.one(
        str,
        "SELECT concern FROM threads WHERE user_id = :user_id AND deal_id = :deal_id"
        " AND concern IS NOT NULL ORDER BY last_message_at DESC, thread_id LIMIT 1",
        user_id=row.user_id,
        deal_id=row.deal_id,
    )


def _summary(reader: Reader, row: DealRow) -> str:
    """What the newest thread of a deal says; other trade has little to say of it."""
    summary = reader.one(
        str,
        "SELECT COALESCE(NULLIF(summary, ''), subject) FROM threads"
        " WHERE user_id = :user_id AND deal_id = :deal_id"
        " ORDER BY CASE classification WHEN 'market' THEN 1 ELSE 0 END, last_message_at DESC, thread_id"
        " LIMIT 1",
        user_id=row.user_id,
        deal_id=row.deal_id,
    )
    return row.summary if summary is None else cut(summary)
