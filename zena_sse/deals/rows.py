"""A deal as it is stored, its timeline, and the event that tells how it stands."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from zena_sse.contract.events import DealUpdated, NextActionOwner, RiskLevel, Stage
from zena_sse.contract.moments import timestamp
from zena_sse.mail.content.message import cut
from zena_sse.storage.port import Reader, Transaction, Value

Side = Literal["buyer", "vendor"]
Kind = Literal["opened", "property", "stage", "concern", "risk"]

# Rows that erasure removes in one unit of work.
ERASED_A_UNIT = 100


class DealRow(msgspec.Struct, kw_only=True):
    """A deal; `party` is the address of whom it is with, `risk_flags` a JSON list."""

    deal_id: str
    user_id: str
    property_id: str | None
    party: str
    side: Side
    stage: Stage
    stage_at: datetime
    next_action_owner: NextActionOwner
    settled: bool
    summary: str
    concern: str | None
    last_message_at: datetime
    opened_at: datetime
    closed_at: datetime | None
    risk_level: RiskLevel = "none"
    risk_flags: str = "[]"
    risk_reason: str = ""
    announced_level: RiskLevel = "none"

    @property
    def waiting(self) -> bool:
        """The other side owes the move."""
        return self.next_action_owner == "other" and not self.settled

    def told(self) -> DealUpdated:
        """What clients are told of it."""
        return DealUpdated(
            deal_id=self.deal_id,
            stage=self.stage,
            next_action_owner=self.next_action_owner,
            summary=cut(self.summary),
            property_id=self.property_id,
            risk_level=self.risk_level,
            closed=self.closed_at is not None,
        )


def find_deal(reader: Reader, user_id: str, deal_id: str) -> DealRow | None:
    """A deal of this user."""
    return reader.one(
        DealRow,
        "SELECT deal_id, user_id, property_id, party, side, stage, stage_at, next_action_owner, settled,"
        " summary, concern, last_message_at, opened_at, closed_at, risk_level, risk_flags,"
        " risk_reason, announced_level FROM deals WHERE user_id = :user_id AND deal_id = :deal_id",
        user_id=user_id,
        deal_id=deal_id,
    )


def insert_deal(tx: Transaction, row: DealRow) -> None:
    """Store a deal that is new."""
    tx.execute(
        "INSERT INTO deals (deal_id, user_id, property_id, party, side, stage, stage_at, next_action_owner,"
        " settled, summary, concern, last_message_at, opened_at, closed_at, risk_level,"
        " risk_flags, risk_reason, announced_level) VALUES (:deal_id, :user_id, :property_id, :party, :side,"
        " :stage, :stage_at, :next_action_owner, :settled, :summary, :concern,"
        " :last_message_at, :opened_at, :closed_at, :risk_level, :risk_flags, :risk_reason,"
        " :announced_level)",
        **_columns(row),
    )


def save_deal(tx: Transaction, row: DealRow) -> None:
    """Store what has changed of a deal; it is to be looked at again for its risk."""
    tx.execute(
        "UPDATE deals SET property_id = :property_id, party = :party, side = :side, stage = :stage,"
        " stage_at = :stage_at, next_action_owner = :next_action_owner, settled = :settled,"
        " summary = :summary, concern = :concern, last_message_at = :last_message_at,"
        " opened_at = :opened_at, closed_at = :closed_at, risk_level = :risk_level,"
        " risk_flags = :risk_flags, risk_reason = :risk_reason, announced_level = :announced_level,"
        " assessed_at = NULL WHERE user_id = :user_id AND deal_id = :deal_id",
        **_columns(row),
    )


def remove_deal(tx: Transaction, row: DealRow, command_id: str | None) -> None:
    """A deal without mail goes, and its timeline."""
    tx.execute(
        "DELETE FROM deal_entries WHERE user_id = :user_id AND deal_id = :deal_id",
        user_id=row.user_id,
        deal_id=row.deal_id,
    )
    hide_deal(tx, row, command_id)


def hide_deal(tx: Transaction, row: DealRow, command_id: str | None) -> None:
    """A deal goes; its timeline stays, which nobody sees without it."""
    tx.execute(
        "DELETE FROM deals WHERE user_id = :user_id AND deal_id = :deal_id",
        user_id=row.user_id,
        deal_id=row.deal_id,
    )
    event = msgspec.structs.replace(row.told(), removed=True)
    tx.publish(row.user_id, event, command_id=command_id)


def erase_deals(tx: Transaction, user_id: str) -> bool:
    """Erase some of what is kept of a user's deals, without a word; whether there may be more."""
    entries = tx.execute(
        "DELETE FROM deal_entries WHERE (deal_id, number) IN"
        " (SELECT deal_id, number FROM deal_entries WHERE user_id = :user_id LIMIT :most)",
        user_id=user_id,
        most=ERASED_A_UNIT,
    )
    if entries == ERASED_A_UNIT:
        return True
    deals = [
        tx.execute(statement, user_id=user_id, most=ERASED_A_UNIT)
        for statement in (
            "DELETE FROM deals WHERE deal_id IN"
            " (SELECT deal_id FROM deals WHERE user_id = :user_id LIMIT :most)",
            "DELETE FROM deals_aside WHERE deal_id IN"
            " (SELECT deal_id FROM deals_aside WHERE user_id = :user_id LIMIT :most)",
        )
    ]
    return max(deals) == ERASED_A_UNIT


def note(
    tx: Transaction,
    row: DealRow,
    kind: Kind,
    at: datetime,
    reason: str,
    *,
    stage: Stage | None = None,
    level: RiskLevel | None = None,
    thread_id: str | None = None,
) -> None:
    """Add to a deal's timeline."""
    tx.execute(
        "INSERT INTO deal_entries (deal_id, number, user_id, at, kind, stage, level, reason, thread_id)"
        " VALUES (:deal_id, (SELECT COALESCE(MAX(number), 0) + 1 FROM deal_entries"
        " WHERE deal_id = :deal_id), :user_id, :at, :kind, :stage, :level, :reason, :thread_id)",
        deal_id=row.deal_id,
        user_id=row.user_id,
        at=timestamp(at),
        kind=kind,
        stage=stage,
        level=level,
        reason=cut(reason),
        thread_id=thread_id,
    )


def _columns(row: DealRow) -> dict[str, Value]:
    return {
        name: timestamp(value) if isinstance(value, datetime) else value
        for name, value in msgspec.structs.asdict(row).items()
    }
