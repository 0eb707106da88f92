"""Deals that their last thread has left for being something else: kept with all that they were, unseen.

What a thread is may be taken back, by its user or by a model, and then its deal is what it was.
"""

from __future__ import annotations

import msgspec

from zena_sse.contract.moments import timestamp
from zena_sse.deals.membership import deal_of, move_thread, threads_of
from zena_sse.deals.rows import DealRow, insert_deal
from zena_sse.storage.port import Reader, Transaction

# Deals of one thread that are looked at, the newest: one for each thing that it was taken for.
ASIDE = 5


class Aside(msgspec.Struct, frozen=True):
    """A deal as it was, and which threads helped with it."""

    deal: DealRow
    helping: tuple[str, ...] = ()


def put_aside(tx: Transaction, row: DealRow, thread_id: str, command_id: str | None) -> None:
    """Keep a deal for the thread that has left it; those that helped with it go."""
    helped: list[str] = []
    while helping := threads_of(tx, row.user_id, row.deal_id):
        for helper in helping:
            move_thread(tx, row.user_id, helper, None, command_id)
        helped += helping
    tx.execute(
        "INSERT INTO deals_aside (deal_id, user_id, thread_id, at, kept)"
        " VALUES (:deal_id, :user_id, :thread_id, :at, :kept)",
        deal_id=row.deal_id,
        user_id=row.user_id,
        thread_id=thread_id,
        at=timestamp(tx.now),
        kept=msgspec.json.encode(Aside(row, tuple(helped))).decode(),
    )


def kept_for(reader: Reader, user_id: str, thread_id: str) -> list[DealRow]:
    """Deals that this thread has left, the last first."""
    kept = reader.all(
        str,
        "SELECT kept FROM deals_aside WHERE user_id = :user_id AND thread_id = :thread_id"
        " ORDER BY at DESC, deal_id LIMIT :most",
        user_id=user_id,
        thread_id=thread_id,
        most=ASIDE,
    )
    return [msgspec.json.decode(one, type=Aside).deal for one in kept]


def take_back(tx: Transaction, user_id: str, deal_id: str, command_id: str | None) -> DealRow | None:
    """Make a deal one again, with those that helped with it and have gone nowhere else."""
    kept = tx.one(
        str,
        "SELECT kept FROM deals_aside WHERE user_id = :user_id AND deal_id = :deal_id",
        user_id=user_id,
        deal_id=deal_id,
    )
    if kept is None:
        return None
    aside = msgspec.json.decode(kept, type=Aside)
    tx.execute("DELETE FROM deals_aside WHERE deal_id = :deal_id", deal_id=deal_id)
    insert_deal(tx, aside.deal)
    for thread_id in aside.helping:
        if deal_of(tx, user_id, thread_id) is None and _helps(tx, user_id, thread_id):
            move_thread(tx, user_id, thread_id, deal_id, command_id)
    return aside.deal


def forget_aside(tx: Transaction, user_id: str, thread_id: str) -> None:
    """The mail is gone, and with it what was made of it."""
    for statement in (
        "DELETE FROM deal_entries WHERE user_id = :user_id AND deal_id IN"
        " (SELECT deal_id FROM deals_aside WHERE user_id = :user_id AND thread_id = :thread_id)",
        "DELETE FROM deals_aside WHERE user_id = :user_id AND thread_id = :thread_id",
    ):
        tx.execute(statement, user_id=user_id, thread_id=thread_id)


def move_aside(tx: Transaction, user_id: str, gone: str, into: str) -> None:
    """A thread is part of another: what was kept for it is kept for that."""
    tx.execute(
        "UPDATE deals_aside SET thread_id = :into WHERE user_id = :user_id AND thread_id = :gone",
        user_id=user_id,
        gone=gone,
        into=into,
    )


def _helps(reader: Reader, user_id: str, thread_id: str) -> bool:
    """Whether a thread is still there and nobody's own business."""
    found = reader.one(
        int,
        "SELECT 1 FROM threads WHERE user_id = :user_id AND thread_id = :thread_id"
        " AND classification IN ('lawyer_broker', 'market')",
        user_id=user_id,
        thread_id=thread_id,
    )
    return found is not None
