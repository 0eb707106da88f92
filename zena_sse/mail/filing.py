"""Files messages in their threads, inside one unit of work, and says at its end what has changed."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from hashlib import blake2b

import msgspec

from zena_sse.contract.moments import timestamp
from zena_sse.mail.content.message import Message
from zena_sse.mail.followers import Followers
from zena_sse.mail.links import StoredLinks
from zena_sse.mail.threading import Placement, participants, place
from zena_sse.mail.threadrows import (
    ThreadRow,
    encode_people,
    find_row,
    insert_row,
    publish_new,
    publish_removed,
    publish_updated,
    save_row,
)
from zena_sse.storage.port import Transaction


class Filing:
    """Messages of one user that are put into threads by one unit of work."""

    def __init__(
        self,
        tx: Transaction,
        user_id: str,
        account_id: str,
        own: AbstractSet[str],
        command_id: str | None,
        followers: Followers,
    ) -> None:
        self._tx = tx
        self._user_id = user_id
        self._account_id = account_id
        self._own = own
        self._command_id = command_id
        self._followers = followers
        self._links = StoredLinks(tx, user_id)
        self._rows: dict[str, ThreadRow] = {}  # what was changed, in its order
        self._new: set[str] = set()
        self._merged: dict[str, str] = {}

    @property
    def touched(self) -> frozenset[str]:
        """The threads that changed."""
        return frozenset(self._rows)

    def file(self, message: Message, provider_thread: str | None = None) -> None:
        """Put a message that is not known yet into its thread, or into a new one."""
        # Two mailboxes may give the same number to different conversations.
        hint = None if provider_thread is None else f"{self._account_id} {provider_thread}"
        placement = place(message, self._links, self._own, hint)
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
        for row in self._rows.values():
            if row.thread_id in self._new:
                publish_new(self._tx, self._user_id, row, command_id=self._command_id)
            # A new thread has one message, unless an update says otherwise.
            if row.thread_id not in self._new or row.message_count > 1:
                publish_updated(self._tx, self._user_id, row, command_id=self._command_id)
        for gone, into in self._merged.items():  # last: by now everybody knows what it went into
            publish_removed(self._tx, self._user_id, gone, into=into, command_id=self._command_id)

    def _thread_of_one(self, message: Message, placement: Placement) -> ThreadRow:
        """The thread that this message would be if there were no other."""
        return ThreadRow(
            thread_id=thread_id_of(self._user_id, message.key),
            account_id=self._account_id,
            subject=message.subject,
            sender=other_side(message, self._own),
            participants=encode_people(sorted(participants(message))),
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
        insert_row(self._tx, self._user_id, row)

    def _update(self, row: ThreadRow) -> None:
        self._rows[row.thread_id] = row
        save_row(self._tx, self._user_id, row)

    def _merge(self, gone: str, into: str) -> None:
        """One thread turned out to be part of another."""
        lost, kept = self._load(gone), self._load(into)
        if lost is None or kept is None:
            raise RuntimeError("threads are found by their rows")
        kept.absorb(lost)
        self._update(kept)
        self._followers.merged(self._tx, self._user_id, gone, into)
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


def thread_id_of(user_id: str, key: str) -> str:
    """The id of the thread that begins with this message; the same when it is built anew."""
    return "th_" + blake2b(f"{user_id}\0{key}".encode(), digest_size=12).hexdigest()


def other_side(message: Message, own: AbstractSet[str]) -> str:
    """Whom the agent deals with in this message: a name, or else an address; the agent if nobody else."""
    for address in (message.sender, *message.to, *message.cc):
        if address.email and address.email not in own:
            return address.name or address.email
    return message.sender.name or message.sender.email
