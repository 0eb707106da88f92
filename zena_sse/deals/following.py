"""Deals follow threads: opened by them, moved on by their signs, gone when their mail is gone."""

from __future__ import annotations

from datetime import datetime
from hashlib import blake2b

from zena_sse.contract.events import Stage
from zena_sse.deals.course import Gone, advance, gather, locate
from zena_sse.deals.matching import find_home, party_of, side_of
from zena_sse.deals.membership import deal_of, move_thread, put_thread, recount, threads_of
from zena_sse.deals.rows import DealRow, Side, find_deal, insert_deal, note, remove_deal, save_deal
from zena_sse.deals.stages import CLOSED
from zena_sse.mail.content.message import cut
from zena_sse.storage.port import Reader, Transaction
from zena_sse.triage.triaged import Triaged

# Of a mail so much is quoted as a reason that the timeline can still be read at a glance.
QUOTE_LIMIT = 200


def tell_nobody(
    _tx: Transaction, _user_id: str, _deal_id: str, _into: str | None, _command_id: str | None
) -> None:
    """Nobody else keeps deals."""


def follow_deal(
    tx: Transaction, triaged: Triaged, as_of: datetime, *, gone: Gone = tell_nobody
) -> str | None:
    """Open or update the deal of a thread whose row is up to date; puts the thread in it and returns its id.

    The caller tells of this thread; other threads that change their deal are told of here.
    """
    user_id, thread_id = triaged.user_id, triaged.thread_id
    current = deal_of(tx, user_id, thread_id)
    home = find_home(tx, triaged, current) or _alone_in(tx, triaged, current)
    row = None if home is None else find_deal(tx, user_id, home)
    told = None if row is None else row.told()
    if row is None:
        row = _open(tx, triaged, as_of)
    put_thread(tx, user_id, thread_id, None if row is None else row.deal_id)
    if row is not None:
        _update(tx, row, triaged, min(triaged.last_message_at, as_of), gone)
        if row.told() != told:
            tx.publish(user_id, row.told(), command_id=triaged.command_id)
    if current is not None and (row is None or current != row.deal_id):
        refresh_deal(tx, user_id, current, triaged.command_id, gone=gone)
    return None if row is None else row.deal_id


def dropped(tx: Transaction, user_id: str, thread_id: str, *, gone: Gone = tell_nobody) -> None:
    """A thread is about to go; its deal goes with it, or does without."""
    deal_id = deal_of(tx, user_id, thread_id)
    if deal_id is not None:
        put_thread(tx, user_id, thread_id, None)
        refresh_deal(tx, user_id, deal_id, None, gone=gone)


def merged(tx: Transaction, user_id: str, gone: str, into: str) -> None:
    """A thread turns out to be part of another.

    Its deal is left as it is, perhaps with no thread at all: once the whole has been read again it is found
    by its people and property, and if it is not, `assess_deals` removes it.
    """
    for statement in (
        "UPDATE deal_entries SET thread_id = :into WHERE user_id = :user_id AND thread_id = :gone",
        "UPDATE deals SET assessed_at = NULL WHERE user_id = :user_id AND deal_id = ("
        " SELECT deal_id FROM threads WHERE user_id = :user_id AND thread_id IN (:gone, :into)"
        " AND deal_id IS NOT NULL ORDER BY CASE thread_id WHEN :gone THEN 0 ELSE 1 END LIMIT 1)",
    ):
        tx.execute(statement, user_id=user_id, gone=gone, into=into)


def refresh_deal(
    tx: Transaction, user_id: str, deal_id: str, command_id: str | None, *, gone: Gone = tell_nobody
) -> None:
    """Make a deal that may have lost threads say what is left; without anybody's own business it goes."""
    row = find_deal(tx, user_id, deal_id)
    if row is None:
        return
    told = row.told()
    if recount(tx, row):
        save_deal(tx, row)
        if row.told() != told:
            tx.publish(user_id, row.told(), command_id=command_id)
        return
    while helping := threads_of(tx, user_id, deal_id):
        for thread_id in helping:
            move_thread(tx, user_id, thread_id, None, command_id)
    remove_deal(tx, row, command_id)
    gone(tx, user_id, deal_id, None, command_id)


def _alone_in(reader: Reader, triaged: Triaged, current: str | None) -> str | None:
    """The deal that only this thread is in: it changes with what the thread turns out to be about."""
    if current is None or side_of(triaged) is None:
        return None
    row = find_deal(reader, triaged.user_id, current)
    alone = threads_of(reader, triaged.user_id, current, 2) == [triaged.thread_id]
    own = row is not None and row.party == party_of(triaged) and row.closed_at is None
    return current if alone and own else None


def _update(tx: Transaction, row: DealRow, triaged: Triaged, at: datetime, gone: Gone) -> None:
    """Bring a deal up to date with a thread that is in it."""
    concern = row.concern
    if side_of(triaged) is not None and triaged.property_id is not None:
        locate(tx, row, triaged, at, gone)
    if triaged.stage is not None:
        advance(tx, row, triaged.stage, at, _reason(triaged), triaged.thread_id)
    if triaged.last_message_at >= row.last_message_at:
        row.last_message_at = triaged.last_message_at
        if triaged.classification != "market":
            row.summary = _summary(triaged)
    recount(tx, row)
    if row.concern is not None and row.concern != concern:
        note(tx, row, "concern", at, row.concern, thread_id=triaged.thread_id)
    save_deal(tx, row)


def _open(tx: Transaction, triaged: Triaged, as_of: datetime) -> DealRow | None:
    """Somebody's own business opens a deal if it is about a property, or has come as far as to be a lead."""
    side, party = side_of(triaged), party_of(triaged)
    if side is None or party is None or (triaged.property_id is None and triaged.stage is None):
        return None
    key = "\0".join([triaged.user_id, triaged.property_id or "", party, triaged.thread_id])
    deal_id = "dl_" + blake2b(key.encode(), digest_size=12).hexdigest()
    # The thread may have opened it before, and left it while others stayed.
    return find_deal(tx, triaged.user_id, deal_id) or _insert(tx, deal_id, side, party, triaged, as_of)


def _insert(
    tx: Transaction, deal_id: str, side: Side, party: str, triaged: Triaged, as_of: datetime
) -> DealRow:
    stage: Stage = triaged.stage or "lead"
    opened_at = min(_first_message_at(tx, triaged), as_of)
    # How a longer conversation got this far is not known: at the latest with what was last heard of it.
    stage_at = opened_at if stage == "lead" else min(triaged.last_message_at, as_of)
    row = DealRow(
        deal_id=deal_id,
        user_id=triaged.user_id,
        property_id=triaged.property_id,
        party=party,
        side=side,
        stage=stage,
        stage_at=stage_at,
        next_action_owner=triaged.owner,
        settled=triaged.settled,
        summary=_summary(triaged),
        concern=None,
        last_message_at=triaged.last_message_at,
        opened_at=opened_at,
        closed_at=stage_at if stage in CLOSED else None,
    )
    insert_deal(tx, row)
    note(tx, row, "opened", opened_at, _reason(triaged), stage=stage, thread_id=triaged.thread_id)
    if row.property_id is not None:
        gather(tx, row, triaged.command_id)
    return row


def _first_message_at(reader: Reader, triaged: Triaged) -> datetime:
    first = reader.one(
        datetime,
        "SELECT first_message_at FROM threads WHERE user_id = :user_id AND thread_id = :thread_id",
        user_id=triaged.user_id,
        thread_id=triaged.thread_id,
    )
    return first or triaged.last_message_at


def _summary(triaged: Triaged) -> str:
    return cut(triaged.findings.summary or triaged.subject)


def _reason(triaged: Triaged) -> str:
    """What told the stage: where nothing else is known, the thread and the last that was said in it."""
    if triaged.findings.stage_reason:
        return triaged.findings.stage_reason
    said = triaged.findings.summary
    return f"“{triaged.subject}”" + (f": “{cut(said, QUOTE_LIMIT)}”" if said else "")
