"""Properties: which one a thread is about, two spellings of one, and what other threads tell of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from zena_sse.storage.port import Reader, Transaction
from zena_sse.triage.analysis.findings import Mention
from zena_sse.triage.analysis.places import shown
from zena_sse.triage.identities import folded, identity
from zena_sse.triage.subjects import ask_those_who_name, find_named

# Addresses kept of a thread, the telling ones first: a list of sales has hundreds, and they tell nothing.
MENTIONS = 20
# Streets by whose names alone a property is known; an agent has tens.
STREETS = 500
# Looked at of one street: an agent has a few properties there, and a few threads tell its suburb.
STREET_ROWS = 100


class Property(msgspec.Struct, frozen=True, kw_only=True):
    """A property of a user."""

    property_id: str
    number: str
    street: str
    suburb: str | None

    @property
    def shown(self) -> str:
        """As people write it: `12 High Street, Suburb`."""
        return shown(self.number, self.street, self.suburb)


def find_property(reader: Reader, user_id: str, property_id: str | None) -> Property | None:
    """One property of this user."""
    return reader.one(
        Property,
        "SELECT property_id, number, street, suburb FROM properties"
        " WHERE user_id = :user_id AND property_id = :property_id",
        user_id=user_id,
        property_id=property_id,
    )


def read_streets(reader: Reader, user_id: str) -> tuple[str, ...]:
    """The streets of this user's properties."""
    found = reader.all(
        str,
        "SELECT DISTINCT street FROM properties WHERE user_id = :user_id ORDER BY street LIMIT :most",
        user_id=user_id,
        most=STREETS,
    )
    return tuple(found)


def record_mentions(tx: Transaction, user_id: str, thread_id: str, mentions: Sequence[Mention]) -> None:
    """The addresses of a thread are these, and no others."""
    drop_mentions(tx, user_id, thread_id)
    tx.execute_many(
        "INSERT INTO mentions (user_id, thread_id, rank, street_key, number, suburb)"
        " VALUES (:user_id, :thread_id, :rank, :street_key, :number, :suburb)",
        [
            {
                "user_id": user_id,
                "thread_id": thread_id,
                "rank": rank,
                "street_key": folded(mention.street),
                "number": _number_key(mention),
                "suburb": mention.suburb,
            }
            for rank, mention in enumerate(mentions[:MENTIONS])
        ],
    )


def drop_mentions(tx: Transaction, user_id: str, thread_id: str) -> None:
    """A thread has no addresses."""
    tx.execute(
        "DELETE FROM mentions WHERE user_id = :user_id AND thread_id = :thread_id",
        user_id=user_id,
        thread_id=thread_id,
    )


def settle_property(
    tx: Transaction, user_id: str, mentions: Sequence[Mention], subject: str, before: str | None
) -> Property | None:
    """The property that a thread with these mentions is about; `before` is what it was held to be about.

    The first mention says which street. Without a number it means the house there that the thread itself
    names, or else the one that it was held to mean, or the only one that the user has there. Where that
    does not tell, the subject may name one that is known.
    """
    found = _mentioned(tx, user_id, mentions, before) or find_named(tx, user_id, subject)
    for key in dict.fromkeys(folded(mention.street) for mention in mentions[:MENTIONS]):
        _fill_suburbs(tx, user_id, key)
    return find_property(tx, user_id, found)


def find_mentioned(reader: Reader, user_id: str, mentions: Sequence[Mention]) -> Property | None:
    """The property that is mentioned, if it is known: noise may be about one, but makes none."""
    if not mentions or not mentions[0].number:
        return None
    key = _key(mentions[0], folded(mentions[0].street))
    return find_property(reader, user_id, identity("pr_", user_id, key))


def drop_unused_property(tx: Transaction, user_id: str, property_id: str | None, thread_id: str) -> None:
    """A property goes with the last thread about it; this thread is no longer one. Noise keeps none."""
    gone = tx.execute(
        "DELETE FROM properties WHERE user_id = :user_id AND property_id = :property_id AND NOT EXISTS"
        " (SELECT 1 FROM threads WHERE user_id = :user_id AND property_id = :property_id"
        " AND thread_id <> :thread_id AND COALESCE(classification, '') <> 'noise')",
        user_id=user_id,
        property_id=property_id,
        thread_id=thread_id,
    )
    if gone:
        tx.execute(
            "UPDATE threads SET property_id = NULL WHERE user_id = :user_id AND property_id = :property_id",
            user_id=user_id,
            property_id=property_id,
        )


def erase_places(tx: Transaction, user_id: str, most: int) -> bool:
    """Remove some of what is left of a user's properties; whether there may be more."""
    mentions = tx.execute(
        "DELETE FROM mentions WHERE (user_id, thread_id, rank) IN"
        " (SELECT user_id, thread_id, rank FROM mentions WHERE user_id = :user_id LIMIT :most)",
        user_id=user_id,
        most=most,
    )
    properties = tx.execute(
        "DELETE FROM properties WHERE property_id IN"
        " (SELECT property_id FROM properties WHERE user_id = :user_id LIMIT :most)",
        user_id=user_id,
        most=most,
    )
    return most in (mentions, properties)


def _number_key(mention: Mention) -> str | None:
    """A unit's number and the house's stand apart: `2/15` is not `215`."""
    return folded(mention.number) or None if mention.number else None


def _key(mention: Mention, street: str) -> str:
    return f"{_number_key(mention)} {street}"


def _mentioned(tx: Transaction, user_id: str, mentions: Sequence[Mention], before: str | None) -> str | None:
    if not mentions:
        return None
    street = folded(mentions[0].street)
    numbered = next((m for m in mentions if m.number and folded(m.street) == street), None)
    if numbered is not None:
        return _record_property(tx, user_id, street, numbered)
    there = [one.property_id for one in _on_street(tx, user_id, street)]
    if before in there:
        return before
    return there[0] if len(there) == 1 else None


def _record_property(tx: Transaction, user_id: str, street: str, mention: Mention) -> str:
    """The id of the property at this number, which is there from now on."""
    key = _key(mention, street)
    property_id = identity("pr_", user_id, key)
    added = tx.execute(
        "INSERT INTO properties (property_id, user_id, key, street_key, number, street, suburb)"
        " VALUES (:property_id, :user_id, :key, :street_key, :number, :street, :suburb)"
        " ON CONFLICT (property_id) DO NOTHING",
        property_id=property_id,
        user_id=user_id,
        key=key,
        street_key=street,
        number=mention.number,
        street=mention.street,
        suburb=mention.suburb,
    )
    if added:
        _ask_those_who_mention(tx, user_id, street)
        ask_those_who_name(tx, user_id, mention.number or "", street)
    return property_id


def _ask_those_who_mention(tx: Transaction, user_id: str, street: str) -> None:
    """Threads that mention the street may mean the house known there now: they are pending again.

    Those are threads that name the street alone, and noise, which makes no property.
    """
    thread_ids = tx.all(
        str,
        "SELECT thread_id FROM mentions WHERE user_id = :user_id AND street_key = :street AND rank = 0"
        " ORDER BY thread_id LIMIT :most",
        user_id=user_id,
        street=street,
        most=STREET_ROWS,
    )
    tx.execute_many(
        "UPDATE threads SET triaged_version = 0 WHERE user_id = :user_id AND thread_id = :thread_id"
        " AND property_id IS NULL",
        [{"user_id": user_id, "thread_id": thread_id} for thread_id in thread_ids],
    )


def _on_street(reader: Reader, user_id: str, street: str) -> list[Property]:
    return reader.all(
        Property,
        "SELECT property_id, number, street, suburb FROM properties"
        " WHERE user_id = :user_id AND street_key = :street ORDER BY property_id LIMIT :most",
        user_id=user_id,
        street=street,
        most=STREET_ROWS,
    )


class _Told(msgspec.Struct):
    number: str | None
    suburb: str


def _fill_suburbs(tx: Transaction, user_id: str, street: str) -> None:
    """Give the properties of a street the suburb that most threads tell of them."""
    told = tx.all(
        _Told,
        "SELECT m.number, m.suburb FROM mentions AS m JOIN threads AS t ON t.user_id = m.user_id"
        " AND t.thread_id = m.thread_id WHERE m.user_id = :user_id AND m.street_key = :street"
        " AND m.suburb IS NOT NULL AND COALESCE(t.classification, '') <> 'noise'"
        " ORDER BY m.thread_id, m.rank LIMIT :most",
        user_id=user_id,
        street=street,
        most=STREET_ROWS,
    )
    for one in _on_street(tx, user_id, street):
        suburb = _suburb(folded(one.number), told)
        if suburb is not None and suburb != one.suburb:
            tx.execute(
                "UPDATE properties SET suburb = :suburb WHERE property_id = :property_id",
                suburb=suburb,
                property_id=one.property_id,
            )


def _suburb(number: str, told: Sequence[_Told]) -> str | None:
    """What is told of this very house; or of its street, if all who tell agree."""
    own = Counter(one.suburb for one in told if one.number == number)
    if own:
        return max(sorted(own), key=lambda suburb: own[suburb])
    spellings = {folded(one.suburb): one.suburb for one in told}
    return next(iter(spellings.values())) if len(spellings) == 1 else None
