"""Which threads go cold: silence where somebody else owes the next move, and worries that were voiced."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from zena_sse.contract.events import Classification, NextActionOwner, RiskLevel
from zena_sse.contract.moments import timestamp
from zena_sse.mail.content.message import cut
from zena_sse.mail.threadrows import find_row, publish_updated
from zena_sse.storage.port import Reader, Transaction
from zena_sse.thresholds import LEVELS, RiskThresholds

# Threads looked at in one unit of work: each is two reads, an update and an event.
THREADS_A_UNIT = 25


class Risk(msgspec.Struct, frozen=True):
    """How cold something is, of which kinds, and why in words."""

    level: RiskLevel
    flags: tuple[str, ...]
    reason: str


NO_RISK = Risk("none", (), "")


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What of a thread makes its risk."""

    classification: Classification | None
    next_action_owner: NextActionOwner | None
    settled: bool | None
    concern: str | None
    last_message_at: datetime


class _Held(Standing, frozen=True, kw_only=True):
    """The same with what was said of it before."""

    risk_level: RiskLevel


def thread_risk(thread: Standing, as_of: datetime, thresholds: RiskThresholds) -> Risk:
    """The risk of a thread at a moment: the higher of silence and a voiced concern."""
    if thread.classification in (None, "noise"):
        return NO_RISK
    level = _silence(thread, as_of, thresholds)
    flags, reasons = [], []
    if level != "none":
        flags.append("silence")
        days = thresholds.silence_days[LEVELS.index(level) - 1]
        since = thread.last_message_at.astimezone(as_of.tzinfo)
        # Told by the day it began: a count of days would be wrong by tomorrow.
        reasons.append(f"No answer since {since.day} {since:%B %Y}{_so_long(days)}")
    if thread.concern:
        flags.append("concern")
        reasons.append(f"A concern was voiced: “{thread.concern}”")
        level = max(level, "medium", key=LEVELS.index)
    return Risk(level, tuple(flags), cut(" ".join(reasons)))


def _so_long(days: float) -> str:
    """The end of the words on a silence: by it one can tell which it was."""
    return f", {days:g} days or more."


def _silence(thread: Standing, as_of: datetime, thresholds: RiskThresholds) -> RiskLevel:
    """Silence counts only while the other side owes something."""
    if thread.next_action_owner != "other" or thread.settled:
        return "none"
    return thresholds.silence(thread.last_message_at, as_of)


def threads_to_reassess(
    reader: Reader, user_id: str, as_of: datetime, thresholds: RiskThresholds, after: str = ""
) -> list[str]:
    """Threads whose risk is not what their silence makes it by now, in the order of their ids; some.

    A silence may add to the words alone: with a concern that was voiced, the level may be as high already.
    """
    low, medium, high = (timestamp(as_of - timedelta(days=days)) for days in thresholds.silence_days)
    said = [f"%{_so_long(days)}%" for days in thresholds.silence_days]
    return reader.all(
        str,
        "SELECT thread_id FROM threads WHERE user_id = :user_id AND category = 'waiting'"
        " AND next_action_owner = 'other' AND settled = FALSE"
        " AND COALESCE(classification, 'noise') <> 'noise' AND thread_id > :after"
        " AND (COALESCE(risk_level, 'none') <> CASE WHEN last_message_at <= :high THEN 'high'"
        " WHEN last_message_at <= :medium OR COALESCE(concern, '') <> '' THEN 'medium'"
        " WHEN last_message_at <= :low THEN 'low' ELSE 'none' END"
        " OR COALESCE(risk_reason, '') NOT LIKE CASE WHEN last_message_at <= :high THEN :said_high"
        " WHEN last_message_at <= :medium THEN :said_medium"
        " WHEN last_message_at <= :low THEN :said_low ELSE :anything END)"
        " ORDER BY thread_id LIMIT :most",
        user_id=user_id,
        after=after,
        low=low,
        medium=medium,
        high=high,
        said_low=said[0],
        said_medium=said[1],
        said_high=said[2],
        anything="%",
        most=THREADS_A_UNIT,
    )


def reassess_threads(
    tx: Transaction,
    user_id: str,
    thread_ids: Sequence[str],
    as_of: datetime,
    thresholds: RiskThresholds,
    command_id: str | None = None,
) -> None:
    """Give these threads the risk that they have by now, and say so of those whose level has changed."""
    for thread_id in thread_ids:
        held = tx.one(
            _Held,
            "SELECT classification, next_action_owner, settled, concern, last_message_at,"
            " COALESCE(risk_level, 'none') AS risk_level FROM threads"
            " WHERE user_id = :user_id AND thread_id = :thread_id",
            user_id=user_id,
            thread_id=thread_id,
        )
        if held is not None:
            risk = thread_risk(held, as_of, thresholds)
            _record(tx, user_id, thread_id, risk)
            if risk.level != held.risk_level:
                _tell(tx, user_id, thread_id, command_id)


def _record(tx: Transaction, user_id: str, thread_id: str, risk: Risk) -> None:
    tx.execute(
        "UPDATE threads SET risk_level = :level, risk_flags = :flags, risk_reason = :reason"
        " WHERE user_id = :user_id AND thread_id = :thread_id",
        user_id=user_id,
        thread_id=thread_id,
        level=risk.level,
        flags=msgspec.json.encode(risk.flags).decode(),
        reason=risk.reason,
    )


def _tell(tx: Transaction, user_id: str, thread_id: str, command_id: str | None) -> None:
    row = find_row(tx, user_id, thread_id)
    if row is not None:
        publish_updated(tx, user_id, row, command_id=command_id)
