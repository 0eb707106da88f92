"""What the user says of a thread: it stands against every later opinion, and analyses learn from it."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from zena_sse.contract.events import Category, Classification
from zena_sse.contract.moments import timestamp
from zena_sse.errors import InvalidPayload, NotFound
from zena_sse.storage.port import Reader, Transaction

# Corrections that an analysis learns from, the newest: what somebody said two hundred ago they may see
# differently by now, and each is compared with each thread.
TAUGHT = 200

# Threads judged again at once because of one person or company, and how many of those in one thread count.
JUDGED_AGAIN, PEOPLE = 20, 5

Taught = tuple[tuple[tuple[str, ...], Classification], ...]


class ThreadCorrection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a thread is, by its user; null gives the question back. What is left out stays as it is."""

    classification: Classification | UnsetType | None = UNSET
    category: Category | UnsetType | None = UNSET


class Correction(msgspec.Struct, frozen=True, kw_only=True):
    """What stands against every opinion; null: nothing."""

    classification: Classification | None = None
    category: Category | None = None


NOTHING = Correction()


def find_correction(reader: Reader, user_id: str, thread_id: str) -> Correction:
    """What the user has said of a thread."""
    found = reader.one(
        Correction,
        "SELECT classification, category FROM corrections"
        " WHERE user_id = :user_id AND thread_id = :thread_id",
        user_id=user_id,
        thread_id=thread_id,
    )
    return found or NOTHING


def correct_thread(tx: Transaction, user_id: str, thread_id: str, said: ThreadCorrection) -> None:
    """Note what the user says; the thread is pending again, and others with the same people.

    Raises `NotFound`, `InvalidPayload`.
    """
    if said.classification is UNSET and said.category is UNSET:
        raise InvalidPayload("classification or category is needed.")
    if said.classification == "noise" and said.category == "focus":
        raise InvalidPayload("Noise is in no list: nothing about it can be owed.")
    asked = tx.execute(
        "UPDATE threads SET triaged_version = 0 WHERE user_id = :user_id AND thread_id = :thread_id",
        user_id=user_id,
        thread_id=thread_id,
    )
    if not asked:
        raise NotFound("There is no such thread.")
    before = find_correction(tx, user_id, thread_id)
    correction = Correction(
        classification=before.classification if said.classification is UNSET else said.classification,
        category=before.category if said.category is UNSET else said.category,
    )
    if correction == NOTHING:
        drop_correction(tx, user_id, thread_id)
    else:
        _record(tx, user_id, thread_id, correction)
    if correction.classification != before.classification:
        _ask_those_of_the_same(tx, user_id, thread_id)


def _ask_those_of_the_same(tx: Transaction, user_id: str, thread_id: str) -> None:
    """The newest threads with the same people or company are pending again: they may be judged otherwise."""
    features = tx.one(
        str,
        "SELECT features FROM threads WHERE user_id = :user_id AND thread_id = :thread_id"
        " AND features IS NOT NULL",
        user_id=user_id,
        thread_id=thread_id,
    )
    for feature in msgspec.json.decode(features or "[]", type=list[str])[:PEOPLE]:
        tx.execute(
            "UPDATE threads SET triaged_version = 0 WHERE user_id = :user_id AND thread_id IN ("
            " SELECT thread_id FROM threads WHERE user_id = :user_id AND thread_id <> :thread_id"
            # A `_` of an address fits any letter here: then one thread more is judged again.
            " AND features LIKE :named ORDER BY last_message_at DESC LIMIT :most)",
            user_id=user_id,
            thread_id=thread_id,
            named=f'%"{feature}"%',
            most=JUDGED_AGAIN,
        )


def record_features(tx: Transaction, user_id: str, thread_id: str, features: str) -> None:
    """What a corrected thread was judged by this time: a later model may look at other things."""
    tx.execute(
        "UPDATE corrections SET features = :features WHERE user_id = :user_id AND thread_id = :thread_id"
        " AND features <> :features",
        user_id=user_id,
        thread_id=thread_id,
        features=features,
    )


class _Lesson(msgspec.Struct):
    features: str
    classification: Classification


def read_taught(reader: Reader, user_id: str) -> Taught:
    """What the user's corrections teach, the newest first."""
    lessons = reader.all(
        _Lesson,
        "SELECT features, classification FROM corrections"
        " WHERE user_id = :user_id AND classification IS NOT NULL ORDER BY at DESC, thread_id LIMIT :most",
        user_id=user_id,
        most=TAUGHT,
    )
    decoded = ((msgspec.json.decode(one.features, type=tuple[str, ...]), one) for one in lessons)
    return tuple((features, one.classification) for features, one in decoded if features)


def move_correction(tx: Transaction, user_id: str, gone: str, into: str) -> None:
    """One thread is part of another: what was said of it holds for that, if nothing was said of that."""
    tx.execute(
        "INSERT INTO corrections (user_id, thread_id, classification, category, features, at)"
        " SELECT user_id, :into, classification, category, features, at FROM corrections"
        " WHERE user_id = :user_id AND thread_id = :gone ON CONFLICT (user_id, thread_id) DO NOTHING",
        user_id=user_id,
        gone=gone,
        into=into,
    )
    drop_correction(tx, user_id, gone)


def drop_correction(tx: Transaction, user_id: str, thread_id: str) -> None:
    """Nothing was said of a thread."""
    tx.execute(
        "DELETE FROM corrections WHERE user_id = :user_id AND thread_id = :thread_id",
        user_id=user_id,
        thread_id=thread_id,
    )


def erase_corrections(tx: Transaction, user_id: str, most: int) -> bool:
    """Remove some of what is left of a user's corrections; whether there may be more."""
    removed = tx.execute(
        "DELETE FROM corrections WHERE (user_id, thread_id) IN"
        " (SELECT user_id, thread_id FROM corrections WHERE user_id = :user_id LIMIT :most)",
        user_id=user_id,
        most=most,
    )
    return removed == most


def _record(tx: Transaction, user_id: str, thread_id: str, correction: Correction) -> None:
    tx.execute(
        "INSERT INTO corrections (user_id, thread_id, classification, category, features, at)"
        " SELECT user_id, thread_id, :classification, :category, COALESCE(features, '[]'), :now FROM threads"
        " WHERE user_id = :user_id AND thread_id = :thread_id ON CONFLICT (user_id, thread_id)"
        " DO UPDATE SET classification = :classification, category = :category, at = :now",
        user_id=user_id,
        thread_id=thread_id,
        classification=correction.classification,
        category=correction.category,
        now=timestamp(tx.now),
    )
