"""Deals follow threads: opened by them, moved on by their signs, gone when their mail is gone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import blake2b

from zena_sse.contract.events import Stage
from zena_sse.deals.aside import forget_aside, kept_for, move_aside, put_aside, take_back
from zena_sse.deals.course import Gone, advance, gather, locate
from zena_sse.deals.matching import find_home, party_of, side_of
from zena_sse.deals.membership import (
    deal_of,
    move_thread,
    put_thread,
    record_summary,
    recount,
    threads_of,
)
from zena_sse.deals.rows import (
    DealRow,
    Side,
    find_deal,
    hide_deal,
    insert_deal,
    note,
    remove_deal,
    save_deal,
)
from zena_sse.deals.signs import forget_words, has_noted, has_signed, restage
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
    record_summary(tx, user_id, thread_id, triaged.findings.summary)
    former = kept_for(tx, user_id, thread_id)
    home = find_home(tx, triaged, current, former) or _alone_in(tx, triaged, current, former)
    row = None if home is None else find_deal(tx, user_id, home)
    told = None if row is None else row.told()
    if row is None:
        row = _return(tx, triaged, home) or _open(tx, triaged, as_of)
    put_thread(tx, user_id, thread_id, None if row is None else row.deal_id)
    if row is not None:
        if current != row.deal_id and told is not None and has_signed(tx, row, thread_id):
            restage(tx, row)
        _update(tx, row, triaged, as_of, gone)
        if row.told() != told:
            tx.publish(user_id, row.told(), command_id=triaged.command_id)
    if current is not None and (row is None or current != row.deal_id):
        _leave(tx, triaged, current, gone)
    return None if row is None else row.deal_id


def dropped(tx: Transaction, user_id: str, thread_id: str, *, gone: Gone = tell_nobody) -> None:
    """A thread is about to go; its deal goes with it, or does without."""
    deal_id = deal_of(tx, user_id, thread_id)
    forget_aside(tx, user_id, thread_id)
    forget_words(tx, user_id, thread_id)
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
    move_aside(tx, user_id, gone, into)


def _leave(tx: Transaction, triaged: Triaged, deal_id: str, gone: Gone) -> None:
    """The deal that a thread has left is what the others make it; without them it waits, unseen, for it."""
    row = find_deal(tx, triaged.user_id, deal_id)
    if row is None:
        return
    told = row.told()
    if not recount(tx, row):
        put_aside(tx, row, triaged.thread_id, triaged.command_id)
        hide_deal(tx, row, triaged.command_id)
        gone(tx, triaged.user_id, deal_id, None, triaged.command_id)
        return
    if has_signed(tx, row, triaged.thread_id):
        restage(tx, row)
    save_deal(tx, row)
    if row.told() != told:
        tx.publish(triaged.user_id, row.told(), command_id=triaged.command_id)


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


def _return(tx: Transaction, triaged: Triaged, deal_id: str | None) -> DealRow | None:
    """A deal that waited for its thread."""
    return None if deal_id is None else take_back(tx, triaged.user_id, deal_id, triaged.command_id)


def _alone_in(reader: Reader, triaged: Triaged, current: str | None, former: Sequence[DealRow]) -> str | None:
    """The deal that only this thread is in or was: it changes with what the thread turns out to be about."""
    if side_of(triaged) is None:
        return None
    if current is None:
        own_party = party_of(triaged)
        waiting = (row for row in former if row.party == own_party and row.closed_at is None)
        return next((row.deal_id for row in waiting), None)
    row = find_deal(reader, triaged.user_id, current)
    alone = threads_of(reader, triaged.user_id, current, 2) == [triaged.thread_id]
    own = row is not None and row.party == party_of(triaged) and row.closed_at is None
    return current if alone and own else None


def _update(tx: Transaction, row: DealRow, triaged: Triaged, as_of: datetime, gone: Gone) -> None:
    """Bring a deal up to date with a thread that is in it."""
    concern, at = row.concern, min(triaged.last_message_at, as_of)
    if side_of(triaged) is not None and triaged.property_id is not None:
        locate(tx, row, triaged, at, gone)
    if triaged.stage is not None:
        advance(tx, row, triaged.stage, _stage_at(triaged, as_of), _reason(triaged), triaged.thread_id)
    recount(tx, row)
    if row.concern not in {None, concern} and not has_noted(tx, row, triaged.thread_id):
        note(tx, row, "concern", at, row.concern or "", thread_id=triaged.thread_id)
    save_deal(tx, row)


def _open(tx: Transaction, triaged: Triaged, as_of: datetime) -> DealRow | None:
    """Somebody's own business opens a deal if it is about a property, or has come as far as to be a lead."""
    side, party = side_of(triaged), party_of(triaged)
    if side is None or party is None or (triaged.property_id is None and triaged.stage is None):
        return None
    key = "\0".join([triaged.user_id, triaged.property_id or "", party, triaged.thread_id])
    deal_id = "dl_" + blake2b(key.encode(), digest_size=12).hexdigest()
    # The thread may have opened it before, and left it while others stayed.
    return (
        find_deal(tx, triaged.user_id, deal_id)
        or _return(tx, triaged, deal_id)
        or _insert(tx, deal_id, side, party, triaged, as_of)
    )


def _insert(
    tx: Transaction, deal_id: str, side: Side, party: str, triaged: Triaged, as_of: datetime
) -> DealRow:
    stage: Stage = triaged.stage or "lead"
    opened_at = min(_first_message_at(tx, triaged), as_of)
    stage_at = opened_at if stage == "lead" else max(opened_at, _stage_at(triaged, as_of))
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
    _note_beginning(tx, row, triaged)
    if row.property_id is not None:
        gather(tx, row, triaged.command_id)
    return row


def _note_beginning(tx: Transaction, row: DealRow, triaged: Triaged) -> None:
    """A longer conversation has come further than it was when it began."""
    reason, thread_id = _reason(triaged), triaged.thread_id
    if row.stage_at == row.opened_at:
        note(tx, row, "opened", row.opened_at, reason, stage=row.stage, thread_id=thread_id)
        return
    note(tx, row, "opened", row.opened_at, f"“{triaged.subject}”", stage="lead", thread_id=thread_id)
    note(tx, row, "stage", row.stage_at, reason, stage=row.stage, thread_id=thread_id)


def _stage_at(triaged: Triaged, as_of: datetime) -> datetime:
    """When a message brought the stage; if that is not known, at the latest with what was last heard."""
    return min(triaged.findings.stage_at or triaged.last_message_at, as_of)


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
