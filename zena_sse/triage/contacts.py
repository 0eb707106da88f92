"""Contacts: who is in which thread, how to reach them, and to whom the user has written."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime

import msgspec

from zena_sse.contract.moments import timestamp
from zena_sse.mail.content.message import Address
from zena_sse.mail.threads import newest_data
from zena_sse.storage.port import Reader, Transaction
from zena_sse.triage.analysis.findings import Contact, Role
from zena_sse.triage.identities import identity

# Kept of one thread: more people than this are a list, not a conversation.
PEOPLE = 30
# Messages of a thread in which those are looked for whom the user has written to, the newest.
SENT_MESSAGES = 200
# Correspondents known to an analysis: what tells friend from stranger must fit in a worker's mail bag.
CORRESPONDENTS = 5_000
# What somebody is to a sale says more than that they are in the trade.
PARTIES: frozenset[Role | None] = frozenset({"buyer", "vendor"})


class Recipients(msgspec.Struct, frozen=True):
    """Whom the user wrote to in a thread."""

    thread_id: str
    people: tuple[Address, ...]


class _Sent(msgspec.Struct):
    """As much of a message as tells who wrote to whom."""

    sender: Address
    to: tuple[Address, ...]
    cc: tuple[Address, ...]


class _Kept(msgspec.Struct):
    name: str
    phone: str | None
    role: Role | None
    written: bool


class _Correspondent(msgspec.Struct):
    email: str
    name: str


class Waiting(msgspec.Struct, frozen=True):
    """A thread that is still to be triaged, and since when there is mail in it."""

    thread_id: str
    first_message_at: datetime


# Before any thread.
BEFORE_ALL = Waiting("", datetime.min.replace(tzinfo=UTC))


def pending_after(reader: Reader, user_id: str, last: Waiting, most: int) -> list[Waiting]:
    """The threads that wait for triage, those that began first before the others."""
    return reader.all(
        Waiting,
        "SELECT thread_id, first_message_at FROM threads WHERE user_id = :user_id"
        " AND triaged_version < version AND (first_message_at, thread_id) > (:at, :thread_id)"
        " ORDER BY first_message_at, thread_id LIMIT :most",
        user_id=user_id,
        at=timestamp(last.first_message_at),
        thread_id=last.thread_id,
        most=most,
    )


def read_recipients(
    reader: Reader, user_id: str, thread_ids: Sequence[str], own: AbstractSet[str]
) -> list[Recipients]:
    """Whom the user has written to in these threads."""
    found = (Recipients(one, _recipients(reader, user_id, one, own)) for one in thread_ids)
    return [recipients for recipients in found if recipients.people]


def _recipients(reader: Reader, user_id: str, thread_id: str, own: AbstractSet[str]) -> tuple[Address, ...]:
    newest = newest_data(reader, user_id, thread_id, SENT_MESSAGES)
    people: dict[str, Address] = {}
    for message in (msgspec.json.decode(data, type=_Sent) for data in newest):
        if message.sender.email in own:
            for address in (*message.to, *message.cc):
                if address.email and address.email not in own:
                    people.setdefault(address.email, address)
    return tuple(people.values())[:PEOPLE]


def record_recipients(tx: Transaction, user_id: str, found: Sequence[Recipients]) -> None:
    """The user has written to these people, in threads that are still there."""
    for recipients in found:
        if not _is_there(tx, user_id, recipients.thread_id):
            continue
        for person in recipients.people:
            contact_id = identity("ct_", user_id, person.email)
            _save(tx, user_id, contact_id, person.email, _Kept(person.name, None, None, written=True))
            _link(tx, user_id, recipients.thread_id, contact_id)


def record_contacts(
    tx: Transaction, user_id: str, thread_id: str, found: Sequence[Contact]
) -> dict[str, str]:
    """The people of a thread are these; their ids by address. Whom the user wrote to stays linked to it."""
    ids: dict[str, str] = {}
    for contact in found[:PEOPLE]:
        if contact.email not in ids:
            ids[contact.email] = identity("ct_", user_id, contact.email)
        kept = _Kept(contact.name, contact.phone, contact.role, written=False)
        _save(tx, user_id, ids[contact.email], contact.email, kept)
    _rank(tx, user_id, thread_id, list(ids.values()))
    return ids


def read_correspondents(reader: Reader, user_id: str) -> dict[str, str]:
    """Those the user has written to: names by address."""
    rows = reader.all(
        _Correspondent,
        "SELECT email, name FROM contacts WHERE user_id = :user_id AND written = TRUE"
        " ORDER BY email LIMIT :most",
        user_id=user_id,
        most=CORRESPONDENTS,
    )
    return {row.email: row.name for row in rows}


def move_contacts(tx: Transaction, user_id: str, gone: str, into: str) -> None:
    """One thread turned out to be part of another: so did its people."""
    tx.execute(
        "INSERT INTO thread_contacts (user_id, thread_id, contact_id)"
        " SELECT user_id, :into, contact_id FROM thread_contacts"
        " WHERE user_id = :user_id AND thread_id = :gone ON CONFLICT DO NOTHING",
        user_id=user_id,
        gone=gone,
        into=into,
    )
    _unlink(tx, user_id, gone)


def drop_contacts(tx: Transaction, user_id: str, thread_id: str) -> None:
    """A thread is gone, and whoever was in no other."""
    tx.execute(
        "DELETE FROM contacts WHERE contact_id IN"
        " (SELECT contact_id FROM thread_contacts WHERE user_id = :user_id AND thread_id = :thread_id)"
        " AND NOT EXISTS (SELECT 1 FROM thread_contacts AS others WHERE others.user_id = :user_id"
        " AND others.contact_id = contacts.contact_id AND others.thread_id <> :thread_id)",
        user_id=user_id,
        thread_id=thread_id,
    )
    _unlink(tx, user_id, thread_id)


def erase_contacts(tx: Transaction, user_id: str, most: int) -> bool:
    """Remove some of what is left of a user's contacts; whether there may be more."""
    links = tx.execute(
        "DELETE FROM thread_contacts WHERE (user_id, thread_id, contact_id) IN"
        " (SELECT user_id, thread_id, contact_id FROM thread_contacts WHERE user_id = :user_id LIMIT :most)",
        user_id=user_id,
        most=most,
    )
    contacts = tx.execute(
        "DELETE FROM contacts WHERE contact_id IN"
        " (SELECT contact_id FROM contacts WHERE user_id = :user_id LIMIT :most)",
        user_id=user_id,
        most=most,
    )
    return most in (links, contacts)


def _is_there(reader: Reader, user_id: str, thread_id: str) -> bool:
    found = reader.one(
        str,
        "SELECT thread_id FROM threads WHERE user_id = :user_id AND thread_id = :thread_id",
        user_id=user_id,
        thread_id=thread_id,
    )
    return found is not None


def _save(tx: Transaction, user_id: str, contact_id: str, email: str, told: _Kept) -> None:
    """Add what is told of somebody to what is known."""
    known = tx.one(
        _Kept,
        "SELECT name, phone, role, written FROM contacts WHERE contact_id = :contact_id",
        contact_id=contact_id,
    )
    kept = told if known is None else _together(known, told)
    if kept == known:
        return
    tx.execute(
        "INSERT INTO contacts (contact_id, user_id, email, name, phone, role, written)"
        " VALUES (:contact_id, :user_id, :email, :name, :phone, :role, :written)"
        " ON CONFLICT (contact_id) DO UPDATE SET name = :name, phone = :phone, role = :role,"
        " written = :written",
        contact_id=contact_id,
        user_id=user_id,
        email=email,
        name=kept.name,
        phone=kept.phone,
        role=kept.role,
        written=kept.written,
    )


def _together(known: _Kept, told: _Kept) -> _Kept:
    """A name stays (two may share an address, known by whoever came first); the rest is renewed."""
    keeps_role = told.role is None or (known.role in PARTIES and told.role not in PARTIES)
    return _Kept(
        name=known.name or told.name,
        phone=told.phone or known.phone,
        role=known.role if keeps_role else told.role,
        written=known.written or told.written,
    )


def _link(tx: Transaction, user_id: str, thread_id: str, contact_id: str) -> None:
    tx.execute(
        "INSERT INTO thread_contacts (user_id, thread_id, contact_id)"
        " VALUES (:user_id, :thread_id, :contact_id) ON CONFLICT DO NOTHING",
        user_id=user_id,
        thread_id=thread_id,
        contact_id=contact_id,
    )


def _rank(tx: Transaction, user_id: str, thread_id: str, contact_ids: Sequence[str]) -> None:
    """These were found in the thread, in this order, and no others."""
    tx.execute(
        "UPDATE thread_contacts SET rank = NULL WHERE user_id = :user_id AND thread_id = :thread_id",
        user_id=user_id,
        thread_id=thread_id,
    )
    tx.execute_many(
        "INSERT INTO thread_contacts (user_id, thread_id, contact_id, rank)"
        " VALUES (:user_id, :thread_id, :contact_id, :rank)"
        " ON CONFLICT (user_id, thread_id, contact_id) DO UPDATE SET rank = :rank",
        [
            {"user_id": user_id, "thread_id": thread_id, "contact_id": contact_id, "rank": rank}
            for rank, contact_id in enumerate(contact_ids)
        ],
    )


def _unlink(tx: Transaction, user_id: str, thread_id: str) -> None:
    tx.execute(
        "DELETE FROM thread_contacts WHERE user_id = :user_id AND thread_id = :thread_id",
        user_id=user_id,
        thread_id=thread_id,
    )
