"""A thread as mail makes it: its row, and the events that say how it stands."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from zena_sse.contract.events import (
    Category,
    Classification,
    NextActionOwner,
    RiskLevel,
    ThreadNew,
    ThreadUpdated,
)
from zena_sse.contract.moments import timestamp
from zena_sse.mail.content.message import cut
from zena_sse.storage.port import Reader, Transaction, Value

# Addresses remembered of a thread, to find it by subject; a mail to a whole town must not make its row huge.
PARTICIPANTS = 200


class ThreadRow(msgspec.Struct, kw_only=True):
    """A thread as it is stored; subject, sender and `headless` are of the earliest message it has had."""

    thread_id: str
    account_id: str
    subject: str
    sender: str
    participants: str
    headless: bool
    first_message_at: datetime
    last_message_at: datetime
    message_count: int
    version: int
    classification: Classification | None = None
    category: Category | None = None
    next_action_owner: NextActionOwner | None = None
    confidence: float | None = None
    risk_level: RiskLevel | None = None
    property_id: str | None = None
    deal_id: str | None = None

    def take_beginning(self, other: ThreadRow) -> None:
        """The thread begins as `other` does, if that is earlier."""
        if other.first_message_at < self.first_message_at:
            self.subject, self.sender, self.headless = other.subject, other.sender, other.headless

    def absorb(self, other: ThreadRow) -> None:
        """`other` is part of this thread."""
        self.take_beginning(other)
        self.first_message_at = min(self.first_message_at, other.first_message_at)
        self.last_message_at = max(self.last_message_at, other.last_message_at)
        self.message_count += other.message_count
        if self.participants != other.participants:
            everybody = [*decode_people(self.participants), *decode_people(other.participants)]
            self.participants = encode_people(dict.fromkeys(everybody))


def find_row(reader: Reader, user_id: str, thread_id: str) -> ThreadRow | None:
    """A thread as it is stored."""
    return reader.one(
        ThreadRow,
        "SELECT thread_id, account_id, subject, sender, participants, headless, first_message_at,"
        " last_message_at, message_count, version, classification, category, next_action_owner,"
        " confidence, risk_level, property_id, deal_id"
        " FROM threads WHERE user_id = :user_id AND thread_id = :thread_id",
        user_id=user_id,
        thread_id=thread_id,
    )


def insert_row(tx: Transaction, user_id: str, row: ThreadRow) -> None:
    """Store a thread that is new."""
    tx.execute(
        "INSERT INTO threads (user_id, thread_id, account_id, subject, sender, participants, headless,"
        " first_message_at, last_message_at, message_count, version)"
        " VALUES (:user_id, :thread_id, :account_id, :subject, :sender, :participants, :headless,"
        " :first_message_at, :last_message_at, :message_count, :version)",
        **_columns(user_id, row),
    )


def save_row(tx: Transaction, user_id: str, row: ThreadRow) -> None:
    """Store what mail changes about a thread; what triage says of it is not touched."""
    row.version += 1
    tx.execute(
        "UPDATE threads SET account_id = :account_id, subject = :subject, sender = :sender,"
        " participants = :participants, headless = :headless, first_message_at = :first_message_at,"
        " last_message_at = :last_message_at, message_count = :message_count, version = :version"
        " WHERE user_id = :user_id AND thread_id = :thread_id",
        **_columns(user_id, row),
    )


def _columns(user_id: str, row: ThreadRow) -> dict[str, Value]:
    return {
        "user_id": user_id,
        "thread_id": row.thread_id,
        "account_id": row.account_id,
        "subject": row.subject,
        "sender": row.sender,
        "participants": row.participants,
        "headless": row.headless,
        "first_message_at": timestamp(row.first_message_at),
        "last_message_at": timestamp(row.last_message_at),
        "message_count": row.message_count,
        "version": row.version,
    }


def publish_new(tx: Transaction, user_id: str, row: ThreadRow, *, command_id: str | None) -> None:
    """Say that there is a thread that nobody has heard of."""
    event = ThreadNew(
        thread_id=row.thread_id,
        account_id=row.account_id,
        subject=cut(row.subject),
        sender=cut(row.sender),
        last_message_at=row.last_message_at,
    )
    tx.publish(user_id, event, command_id=command_id)


def publish_updated(tx: Transaction, user_id: str, row: ThreadRow, *, command_id: str | None = None) -> None:
    """Say how a thread stands now."""
    event = ThreadUpdated(
        thread_id=row.thread_id,
        classification=row.classification,
        category=row.category,
        next_action_owner=row.next_action_owner,
        subject=cut(row.subject),
        last_message_at=row.last_message_at,
        message_count=row.message_count,
        risk_level=row.risk_level,
        property_id=row.property_id,
        deal_id=row.deal_id,
        confidence=row.confidence,
    )
    tx.publish(user_id, event, command_id=command_id)


def publish_removed(
    tx: Transaction, user_id: str, thread_id: str, *, into: str | None = None, command_id: str | None = None
) -> None:
    """Say that a thread is gone, or part of another."""
    event = ThreadUpdated(
        thread_id=thread_id,
        classification=None,
        category=None,
        next_action_owner=None,
        removed=True,
        merged_into=into,
    )
    tx.publish(user_id, event, command_id=command_id)


def encode_people(addresses: Iterable[str]) -> str:
    """Addresses as they are stored."""
    return msgspec.json.encode(list(addresses)[:PARTICIPANTS]).decode()


def decode_people(addresses: str) -> list[str]:
    """What `encode_people` stored."""
    return msgspec.json.decode(addresses, type=list[str])
