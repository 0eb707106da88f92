"""What happens to a deal on its way: its stage, its property, what else turns out to belong to it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec

from zena_sse.contract.events import Stage
from zena_sse.deals.matching import searching_deals
from zena_sse.deals.membership import move_thread, threads_of
from zena_sse.deals.rows import DealRow, find_deal, note, remove_deal
from zena_sse.deals.stages import CLOSED, moves_on
from zena_sse.storage.port import Transaction
from zena_sse.triage.triaged import Triaged

# Threads on a property that are looked at when a deal on it opens.
HELPING_THREADS = 50

# Told of a user's deal that is gone, into which it went, if into any, and of the command that caused it.
Gone = Callable[[Transaction, str, str, str | None, str | None], None]


def advance(tx: Transaction, row: DealRow, told: Stage, at: datetime, reason: str, thread_id: str) -> None:
    """A sign, given at this moment, may move the deal on; sold and lost close it."""
    if not moves_on(row.stage, told, newer=at >= row.stage_at):
        return
    row.stage, row.stage_at = told, max(at, row.stage_at)
    row.closed_at = row.stage_at if told in CLOSED else None
    note(tx, row, "stage", at, reason, stage=told, thread_id=thread_id)


def locate(tx: Transaction, row: DealRow, triaged: Triaged, at: datetime, gone: Gone) -> None:
    """The deal is about this property; what its people were searching for has been found."""
    if row.property_id != triaged.property_id:
        row.property_id = triaged.property_id
        reason = triaged.property or triaged.subject
        note(tx, row, "property", at, reason, thread_id=triaged.thread_id)
        gather(tx, row, triaged.command_id)
    for deal_id in searching_deals(tx, triaged):
        if deal_id != row.deal_id:
            _take_in(tx, row, deal_id, triaged.command_id, gone)


class _Helping(msgspec.Struct):
    thread_id: str
    subject: str
    participants: str
    stage: Stage | None
    last_message_at: datetime


def gather(tx: Transaction, row: DealRow, command_id: str | None) -> None:
    """Lawyers and trades that wrote about the property before there was a deal belong to it."""
    helping = tx.all(
        _Helping,
        "SELECT thread_id, subject, participants, stage, last_message_at FROM threads"
        " WHERE user_id = :user_id AND property_id = :property_id AND deal_id IS NULL"
        " AND classification IN ('lawyer_broker', 'market')"
        " ORDER BY last_message_at DESC, thread_id LIMIT :most",
        user_id=row.user_id,
        property_id=row.property_id,
        most=HELPING_THREADS,
    )
    for thread in reversed(helping):
        people = msgspec.json.decode(thread.participants, type=list[str])
        if row.side == "vendor" or row.party in people:
            move_thread(tx, row.user_id, thread.thread_id, row.deal_id, command_id)
            if thread.stage is not None:
                at, reason = thread.last_message_at, f"“{thread.subject}”"
                advance(tx, row, thread.stage, at, reason, thread.thread_id)


def _take_in(tx: Transaction, row: DealRow, deal_id: str, command_id: str | None, gone: Gone) -> None:
    """Another deal turns out to be this one."""
    other = find_deal(tx, row.user_id, deal_id)
    if other is None:
        return
    while threads := threads_of(tx, row.user_id, deal_id):
        for thread_id in threads:
            move_thread(tx, row.user_id, thread_id, row.deal_id, command_id)
    tx.execute(
        "UPDATE deal_entries SET deal_id = :into, number = number +"
        " (SELECT COALESCE(MAX(number), 0) FROM deal_entries WHERE deal_id = :into)"
        " WHERE user_id = :user_id AND deal_id = :deal_id",
        into=row.deal_id,
        user_id=row.user_id,
        deal_id=deal_id,
    )
    row.opened_at = min(row.opened_at, other.opened_at)
    if moves_on(row.stage, other.stage, newer=other.stage_at >= row.stage_at):
        row.stage, row.stage_at = other.stage, other.stage_at
    remove_deal(tx, other, command_id)
    gone(tx, row.user_id, deal_id, row.deal_id, command_id)
