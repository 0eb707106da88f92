"""Which of a user's properties a subject names in short: `22 High - keys`, once 22 High Street is known."""

from __future__ import annotations

import msgspec

from zena_sse.storage.port import Reader, Transaction
from zena_sse.triage.identities import folded

# Properties compared with a subject; an agent has tens.
PROPERTIES = 1_000
# Subjects compared with a property that has become known, the newest threads' without a property.
SUBJECTS = 300


class _Keys(msgspec.Struct):
    property_id: str
    number: str
    street_key: str


class _Subject(msgspec.Struct):
    thread_id: str
    subject: str


def find_named(reader: Reader, user_id: str, subject: str) -> str | None:
    """The one property that a subject names; None if it names none, or several."""
    known = reader.all(
        _Keys,
        "SELECT property_id, number, street_key FROM properties WHERE user_id = :user_id"
        " ORDER BY property_id LIMIT :most",
        user_id=user_id,
        most=PROPERTIES,
    )
    text = folded(subject)
    named = [one.property_id for one in known if is_named(text, one.number, one.street_key)]
    return named[0] if len(named) == 1 else None


def ask_those_who_name(tx: Transaction, user_id: str, number: str, street_key: str) -> None:
    """Threads without a property whose subjects may name one that has become known are pending again."""
    recent = tx.all(
        _Subject,
        "SELECT thread_id, subject FROM threads WHERE user_id = :user_id AND property_id IS NULL"
        " AND COALESCE(classification, 'noise') <> 'noise' ORDER BY last_message_at DESC LIMIT :most",
        user_id=user_id,
        most=SUBJECTS,
    )
    tx.execute_many(
        "UPDATE threads SET triaged_version = 0 WHERE user_id = :user_id AND thread_id = :thread_id",
        [
            {"user_id": user_id, "thread_id": one.thread_id}
            for one in recent
            if is_named(folded(one.subject), number, street_key)
        ],
    )


def is_named(text: str, number: str, street_key: str) -> bool:
    """Whether a folded subject names a house by number and street, or a street whose name is no single word.

    The kind of street may be missing. A single word without a number is too often something else, and another
    number is another house.
    """
    text = f" {text} "
    words = street_key.split()
    name = " ".join(words[:-1] or words)
    before, found, _ = text.partition(f" {name} ")
    if not found or f" {folded(number)} {name} " in text:
        return bool(found)
    other_number = before[before.rfind(" ") + 1 :][:1].isdigit()
    return len(words) > 2 and not other_number
