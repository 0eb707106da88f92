"""Files messages in their threads, inside one unit of work, and says at its end what has changed."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from datetime import datetime
from hashlib import blake2b

import msgspec

from zena_sse.contract.events import Category, Classification, NextActionOwner, ThreadNew, ThreadUpdated
from zena_sse.mail.links import StoredLinks
from zena_sse.mail.message import Message, cut
from zena_sse.mail.threading import Placement, participants, place
from zena_sse.storage.port import Reader, Transaction, timestamp

# Addresses remembered of a thread, to find it by subject; a mail to a whole town must not make its row huge.
PARTICIPANTS = 200


class ThreadRow(msgspec.Struct, kw_only=True):
    """A thread as it is stored; subject, sender and `headless` are those of its earliest message."""

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
            everybody = [*_decoded(self.participants), *_decoded(other.participants)]
            self.participants = _encoded(dict.fromkeys(everybody))


class Filing:
    """Messages of one user that are put into threads by one unit of work."""

    def __init__(
        self, tx: Transaction, user_id: str, account_id: str, own: AbstractSet[str], command_id: str | None
    ) -> None:
        self._tx = tx
        self._user_id = user_id
        self._account_id = account_id
        self._own = own
        self._command_id = command_id
        self._links = StoredLinks(tx, user_id)
        self._rows: dict[str, ThreadRow] = {}  # what was changed, in its order
        self._new: set[str] = set()
        self._merged: dict[str, str] = {}

    @property
    def touched(self) -> frozenset[str]:
        """The threads that changed."""
        return frozenset(self._rows)

    def file(self, message: Message) -> None:
        """Put a message that is not known yet into its thread, or into a new one."""
        placement = place(message, self._links, self._own)
        alone = self._thread_of_one(message, placement)
        if placement.thread_id is not None:
            alone.thread_id = placement.thread_id
        for merged in placement.merged:
            self._merge(merged, alone.thread_id)
        row = self._load(alone.thread_id)
        if row is None:
            self._insert(alone)
        else:
            row.absorb(alone)
            self._update(row)
        self._add_message(message, placement, alone.thread_id)

    def publish(self) -> None:
        """One event for each thread that is new, one for each that changed, one for each that is gone."""
        for gone, into in self._merged.items():
            publish_removed(self._tx, self._user_id, gone, into=into, command_id=self._command_id)
        for row in self._rows.values():
            if row.thread_id in self._new:
                self._publish_new(row)
            # A new thread has one message, unless an update says otherwise.
            if row.thread_id not in self._new or row.message_count > 1:
                publish_updated(self._tx, self._user_id, row, command_id=self._command_id)

    def _thread_of_one(self, message: Message, placement: Placement) -> ThreadRow:
        """The thread that this message would be if there were no other."""
        return ThreadRow(
            thread_id=thread_id_of(self._user_id, message.key),
            account_id=self._account_id,
            subject=message.subject,
            sender=other_side(message, self._own),
            participants=_encoded(sorted(participants(message))),
            headless=placement.headless,
            first_message_at=message.date,
            last_message_at=message.date,
            message_count=1,
            version=1,
        )

    def _load(self, thread_id: str) -> ThreadRow | None:
        if thread_id in self._rows:
            return self._rows[thread_id]
        return find_row(self._tx, self._user_id, thread_id)

    def _insert(self, row: ThreadRow) -> None:
        self._rows[row.thread_id] = row
        self._new.add(row.thread_id)
        self._tx.execute(
            "INSERT INTO threads (user_id, thread_id, account_id, subject, sender, participants, headless,"
            " first_message_at, last_message_at, message_count, version)"
            " VALUES (:user_id, :thread_id, :account_id, :subject, :sender, :participants, :headless,"
            " :first_message_at, :last_message_at, :message_count, :version)",
            user_id=self._user_id,
            thread_id=row.thread_id,
            account_id=row.account_id,
            subject=row.subject,
            sender=row.sender,
            participants=row.participants,
            headless=row.headless,
            first_message_at=timestamp(row.first_message_at),
            last_message_at=timestamp(row.last_message_at),
            message_count=row.message_count,
            version=row.version,
        )

    def _update(self, row: ThreadRow) -> None:
        self._rows[row.thread_id] = row
        row.version += 1
        save_row(self._tx, self._user_id, row)

    def _merge(self, gone: str, into: str) -> None:
        """One thread turned out to be part of another."""
        lost, kept = self._load(gone), self._load(into)
        if lost is None or kept is None:
            raise RuntimeError("threads are found by their rows")
        kept.absorb(lost)
        self._update(kept)
        for statement in (
            "UPDATE messages SET thread_id = :into WHERE user_id = :user_id AND thread_id = :gone",
            "UPDATE links SET thread_id = :into WHERE user_id = :user_id AND thread_id = :gone",
            "DELETE FROM threads WHERE user_id = :user_id AND thread_id = :gone",
        ):
            self._tx.execute(statement, user_id=self._user_id, gone=gone, into=into)
        self._forget(gone, into)

    def _forget(self, gone: str, into: str) -> None:
        self._rows.pop(gone, None)
        self._merged = {earlier: into if last == gone else last for earlier, last in self._merged.items()}
        if gone in self._new:  # nobody has heard of it
            self._new.discard(gone)
        else:
            self._merged[gone] = into

    def _add_message(self, message: Message, placement: Placement, thread_id: str) -> None:
        self._tx.execute(
            "INSERT INTO messages (user_id, key, thread_id, base_subject, at, data, defect, raw)"
            " VALUES (:user_id, :key, :thread_id, :base_subject, :at, :data, :defect, :raw)",
            user_id=self._user_id,
            key=message.key,
            thread_id=thread_id,
            base_subject=placement.base_subject,
            at=timestamp(message.date),
            data=msgspec.json.encode(msgspec.structs.replace(message, raw=None)),
            defect=message.defect,
            raw=message.raw,
        )
        self._tx.execute_many(
            "INSERT INTO links (user_id, message_id, thread_id) VALUES (:user_id, :message_id, :thread_id)"
            " ON CONFLICT (user_id, message_id) DO NOTHING",
            [
                {"user_id": self._user_id, "message_id": message_id, "thread_id": thread_id}
                for message_id in placement.links
            ],
        )

    def _publish_new(self, row: ThreadRow) -> None:
        event = ThreadNew(
            thread_id=row.thread_id,
            account_id=row.account_id,
            subject=cut(row.subject),
            sender=cut(row.sender),
            last_message_at=row.last_message_at,
        )
        self._tx.publish(self._user_id, event, command_id=self._command_id)


def thread_id_of(user_id: str, key: str) -> str:
    """The id of the thread that begins with this message; the same when it is built anew."""
    return "th_" + blake2b(f"{user_id}\0{key}".encode(), digest_size=12).hexdigest()


def other_side(message: Message, own: AbstractSet[str]) -> str:
    """Whom the agent deals with in this message: a name, or else an address; the agent if nobody else."""
    for address in (message.sender, *message.to, *message.cc):
        if address.email and address.email not in own:
            return address.name or address.email
    return message.sender.name or message.sender.email


def find_row(reader: Reader, user_id: str, thread_id: str) -> ThreadRow | None:
    """A thread as it is stored."""
    return reader.one(
        ThreadRow,
        "SELECT thread_id, account_id, subject, sender, participants, headless, first_message_at,"
        " last_message_at, message_count, version, classification, category, next_action_owner"
        " FROM threads WHERE user_id = :user_id AND thread_id = :thread_id",
        user_id=user_id,
        thread_id=thread_id,
    )


def save_row(tx: Transaction, user_id: str, row: ThreadRow) -> None:
    """Store what mail changes about a thread; what triage says of it is not touched."""
    tx.execute(
        "UPDATE threads SET account_id = :account_id, subject = :subject, sender = :sender,"
        " participants = :participants, headless = :headless, first_message_at = :first_message_at,"
        " last_message_at = :last_message_at, message_count = :message_count, version = :version"
        " WHERE user_id = :user_id AND thread_id = :thread_id",
        user_id=user_id,
        thread_id=row.thread_id,
        account_id=row.account_id,
        subject=row.subject,
        sender=row.sender,
        participants=row.participants,
        headless=row.headless,
        first_message_at=timestamp(row.first_message_at),
        last_message_at=timestamp(row.last_message_at),
        message_count=row.message_count,
        version=row.version,
    )


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


def _encoded(addresses: Iterable[str]) -> str:
    return msgspec.json.encode(list(addresses)[:PARTICIPANTS]).decode()


def _decoded(addresses: str) -> list[str]:
    return msgspec.json.decode(addresses, type=list[str])
