"""Which deals go cold: judged again after each sync and as time passes, told once when it gets worse."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Literal, NamedTuple, Protocol

import msgspec

from zena_sse.contract.events import DealRisk, RiskLevel
from zena_sse.contract.moments import timestamp
from zena_sse.deals.course import Gone
from zena_sse.deals.following import refresh_deal, tell_nobody
from zena_sse.deals.membership import recount
from zena_sse.deals.risk import RHYTHM_DAYS, Risk, Standing, assess, rank, silence_level
from zena_sse.deals.rows import DealRow, find_deal, note, save_deal
from zena_sse.mail.content.message import cut
from zena_sse.storage.port import Reader, Transaction
from zena_sse.thresholds import RiskThresholds

# Deals judged in one unit of work; each is a few queries, seldom an update and an event.
DEALS_A_UNIT = 50
# A deal that nothing has happened to is not judged again so soon: its risk changes by the day. It also lets
# a caller whose clock goes on come to an end.
AGAIN_AFTER = timedelta(minutes=1)
# Names are what the other side says they are; a reason and a label must stay readable.
NAME_LIMIT = 80
# The levels that are announced.
ALARMS: Mapping[RiskLevel, Literal["medium", "high"]] = MappingProxyType({"medium": "medium", "high": "high"})


class Suggest(Protocol):
    """Takes a suggestion for the agent: one for each silence, however often it is made."""

    def __call__(
        self,
        tx: Transaction,
        user_id: str,
        deal_id: str,
        label: str,
        *,
        property_id: str | None,
        contact_id: str | None,
        since: datetime,
        command_id: str | None,
    ) -> None:
        """Note it; `since` is when the silence began."""


def users_with_deals(reader: Reader) -> list[str]:
    """Whoever has a deal that can go cold, or one to look at again."""
    return reader.all(
        str,
        "SELECT DISTINCT user_id FROM deals WHERE closed_at IS NULL OR assessed_at IS NULL ORDER BY user_id",
    )


def assess_deals(
    tx: Transaction,
    user_id: str,
    as_of: datetime,
    thresholds: RiskThresholds,
    *,
    suggest: Suggest,
    gone: Gone = tell_nobody,
    command_id: str | None = None,
) -> bool:
    """Judge some of a user's deals by their mail and this moment; whether there are more."""
    look = _Look(as_of, thresholds, suggest, gone, command_id)
    deal_ids = tx.all(
        str,
        "SELECT deal_id FROM deals WHERE user_id = :user_id AND (assessed_at IS NULL"
        " OR closed_at IS NULL AND (assessed_at <= :again OR assessed_at > :as_of))"
        " ORDER BY assessed_at IS NOT NULL, assessed_at, deal_id LIMIT :most",
        user_id=user_id,
        again=timestamp(as_of - AGAIN_AFTER),
        as_of=timestamp(as_of),
        most=DEALS_A_UNIT,
    )
    for deal_id in deal_ids:
        row = find_deal(tx, user_id, deal_id)
        if row is not None:
            _look_at(tx, row, look)
    return len(deal_ids) == DEALS_A_UNIT


class _Look(NamedTuple):
    """One look at some deals."""

    as_of: datetime
    thresholds: RiskThresholds
    suggest: Suggest
    gone: Gone
    command_id: str | None


def _look_at(tx: Transaction, row: DealRow, look: _Look) -> None:
    before = msgspec.structs.replace(row)
    if recount(tx, row):
        who = _find_who(tx, row)
        standing = _standing(tx, row, who.name, look.as_of)
        announced = _judge(tx, row, assess(standing, look.as_of, look.thresholds), look)
        silent = rank(silence_level(standing, look.as_of, look.thresholds)) >= rank("medium")
        # A silence that a thread had seemed to break, which has left, goes on.
        if silent and (announced or "silence" not in before.risk_flags):
            _suggest(tx, row, who, look)
        if row != before:
            save_deal(tx, row)
        if announced:
            before.risk_level = row.risk_level  # that has been told
        if row.told() != before.told():
            tx.publish(row.user_id, row.told(), command_id=look.command_id)
    elif not _is_being_read(tx, row.user_id):
        refresh_deal(tx, row.user_id, row.deal_id, look.command_id, gone=look.gone)
    tx.execute(
        "UPDATE deals SET assessed_at = :as_of WHERE user_id = :user_id AND deal_id = :deal_id",
        as_of=timestamp(look.as_of),
        user_id=row.user_id,
        deal_id=row.deal_id,
    )


def _judge(tx: Transaction, row: DealRow, risk: Risk, look: _Look) -> bool:
    """Note what a deal's risk is now; announce it, and say so, when it is worse than was announced before."""
    if risk.level != row.risk_level:
        note(tx, row, "risk", look.as_of, risk.reason or "No longer at risk", level=risk.level)
    row.risk_level, row.risk_reason = risk.level, risk.reason
    row.risk_flags = json.dumps(risk.flags)
    alarm = ALARMS.get(risk.level)
    if alarm is None:  # it has calmed down: if it rises again, that is news
        row.announced_level = risk.level
        return False
    if rank(alarm) <= rank(row.announced_level):
        return False
    row.announced_level = alarm
    event = DealRisk(
        deal_id=row.deal_id, risk_level=alarm, risk_flags=list(risk.flags), risk_reason=cut(risk.reason)
    )
    tx.publish(row.user_id, event, command_id=look.command_id)
    return True


class _Who(msgspec.Struct):
    name: str
    contact_id: str | None
    property: str | None


def _find_who(reader: Reader, row: DealRow) -> _Who:
    """Whom a deal is with and about what, as people say it."""
    found = reader.one(
        _Who,
        "SELECT COALESCE(NULLIF(contacts.name, ''), deals.party) AS name, contacts.contact_id,"
        " properties.number || ' ' || properties.street AS property FROM deals"
        " LEFT JOIN contacts ON contacts.user_id = deals.user_id AND contacts.email = deals.party"
        " LEFT JOIN properties ON properties.property_id = deals.property_id"
        " WHERE deals.user_id = :user_id AND deals.deal_id = :deal_id",
        user_id=row.user_id,
        deal_id=row.deal_id,
    )
    return found or _Who(row.party, None, None)


class _Rhythm(msgspec.Struct):
    recent: int
    earlier: int


def _standing(reader: Reader, row: DealRow, name: str, as_of: datetime) -> Standing:
    rhythm = _rhythm(reader, row, as_of) if row.waiting and row.closed_at is None else None
    return Standing(
        name=cut(name, NAME_LIMIT),
        stage=row.stage,
        stage_at=row.stage_at,
        waiting=row.waiting,
        last_message_at=row.last_message_at,
        concern=row.concern,
        recent=0 if rhythm is None else rhythm.recent,
        earlier=0 if rhythm is None else rhythm.earlier,
    )


def _rhythm(reader: Reader, row: DealRow, as_of: datetime) -> _Rhythm | None:
    """How many messages a deal's threads had lately, and before that."""
    return reader.one(
        _Rhythm,
        # CROSS: SQLite would begin with all messages of the user.
        "SELECT COALESCE(SUM(CASE WHEN messages.at > :since THEN 1 ELSE 0 END), 0) AS recent,"
        " COALESCE(SUM(CASE WHEN messages.at > :since THEN 0 ELSE 1 END), 0) AS earlier"
        " FROM threads CROSS JOIN messages WHERE threads.user_id = :user_id AND threads.deal_id = :deal_id"
        " AND messages.user_id = threads.user_id AND messages.thread_id = threads.thread_id"
        " AND messages.at <= :as_of",
        user_id=row.user_id,
        deal_id=row.deal_id,
        since=timestamp(as_of - timedelta(days=RHYTHM_DAYS)),
        as_of=timestamp(as_of),
    )


def _suggest(tx: Transaction, row: DealRow, who: _Who, look: _Look) -> None:
    about = f" about {who.property}" if who.property else ""
    look.suggest(
        tx,
        row.user_id,
        row.deal_id,
        f"Follow up with {cut(who.name, NAME_LIMIT)}{about}",
        property_id=row.property_id,
        contact_id=who.contact_id,
        since=row.last_message_at,
        command_id=look.command_id,
    )


def _is_being_read(reader: Reader, user_id: str) -> bool:
    """Whether threads of the user wait to be read: a deal without any may be found again by one of them."""
    pending = reader.one(
        int,
        "SELECT 1 FROM threads WHERE user_id = :user_id AND triaged_version < version LIMIT 1",
        user_id=user_id,
    )
    return pending is not None
