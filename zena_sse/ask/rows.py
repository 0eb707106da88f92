"""An ask as it is stored: queued, claimed by a server for a lease, let go, dropped.

What its answer says, and its end, are in `saying`. Whoever looks for open asks says `state <> 'completed'`
beside the state: by these very words SQLite knows the index of what is open.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

import msgspec

from zena_sse.contract.events import AskStarted
from zena_sse.contract.moments import timestamp
from zena_sse.errors import NotFound, TooManyAsks
from zena_sse.storage.port import Reader, Transaction

# Questions of one user that wait their turn: more than anybody types before reading the first answer.
MOST_WAITING = 20
# How long a server that says nothing is believed to live; it says so every two seconds.
LEASE = timedelta(seconds=6)
# Completed asks that are kept of each user: years of asking now and then.
HISTORY = 500
# Asks that one unit of work removes, each with its chunks: some milliseconds.
DROPPED_A_UNIT = 25


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """A question whose answer is not whole yet; `command_id` is that of the command that asked it."""

    ask_id: str
    user_id: str
    conversation_id: str
    question: str
    command_id: str | None
    asked_at: datetime


def request_ask(
    tx: Transaction, user_id: str, ask_id: str, question: str, conversation_id: str, command_id: str
) -> None:
    """Queue a question and tell of it. Raises `TooManyAsks`."""
    if _count_waiting(tx, user_id) >= MOST_WAITING:
        raise TooManyAsks
    tx.execute(
        "INSERT INTO asks (ask_id, user_id, conversation_id, question, state, command_id, asked_at, answer)"
        " VALUES (:ask_id, :user_id, :conversation_id, :question, 'queued', :command_id, :now, '')",
        ask_id=ask_id,
        user_id=user_id,
        conversation_id=conversation_id,
        question=question,
        command_id=command_id,
        now=timestamp(tx.now),
    )
    started = AskStarted(ask_id=ask_id, question=question, conversation_id=conversation_id)
    tx.publish(user_id, started, command_id=command_id)


def require_ask(reader: Reader, user_id: str, ask_id: str) -> None:
    """Raises `NotFound` unless this user has asked it."""
    found = reader.one(
        str,
        "SELECT ask_id FROM asks WHERE user_id = :user_id AND ask_id = :ask_id",
        user_id=user_id,
        ask_id=ask_id,
    )
    if found is None:
        raise NotFound("There is no such ask.")


def any_open(reader: Reader) -> bool:
    """Whether anything is queued or running."""
    return reader.one(str, "SELECT ask_id FROM asks WHERE state <> 'completed' LIMIT 1") is not None


def claim_asks(tx: Transaction, owner: str, per_user: int, most: int) -> list[Ask]:
    """Begin queued asks, the oldest first, so many at most; the others of their users wait their turn."""
    claimed: list[Ask] = []
    while len(claimed) < most and (ask := _claim_one(tx, owner, per_user)) is not None:
        claimed.append(ask)
    return claimed


def renew_leases(tx: Transaction, owner: str, ask_ids: Collection[str]) -> set[str]:
    """Say that these asks' owner lives; those of them that are still its own."""
    until = timestamp(tx.now + LEASE)
    tx.execute_many(
        "UPDATE asks SET lease_until = :until"
        " WHERE ask_id = :ask_id AND owner = :owner AND state = 'running'",
        [{"ask_id": ask_id, "owner": owner, "until": until} for ask_id in ask_ids],
    )
    return set(owned_asks(tx, owner)).intersection(ask_ids)


def owned_asks(reader: Reader, owner: str) -> list[str]:
    """The ids of what this server runs, as the database sees it."""
    return reader.all(
        str,
        "SELECT ask_id FROM asks WHERE state <> 'completed' AND state = 'running' AND owner = :owner"
        " ORDER BY asked_at, ask_id",
        owner=owner,
    )


def put_back(tx: Transaction, ask_id: str) -> None:
    """An ask of which nothing was said waits again."""
    tx.execute(
        "UPDATE asks SET state = 'queued', started_at = NULL, owner = NULL, lease_until = NULL"
        " WHERE ask_id = :ask_id AND state = 'running'",
        ask_id=ask_id,
    )


def users_with_old_asks(reader: Reader) -> list[str]:
    """Users who have asked more than is kept."""
    return reader.all(
        str,
        "SELECT user_id FROM asks GROUP BY user_id HAVING COUNT(*) > :most ORDER BY user_id",
        most=HISTORY,
    )


def drop_old_asks(tx: Transaction, user_id: str) -> bool:
    """Drop some of the oldest completed asks beyond what is kept; whether there may be more."""
    dropped = tx.execute(
        "DELETE FROM asks WHERE ask_id IN (SELECT ask_id FROM asks WHERE user_id = :user_id"
        " AND state = 'completed' AND ask_id NOT IN (SELECT ask_id FROM asks WHERE user_id = :user_id"
        " ORDER BY asked_at DESC, ask_id DESC LIMIT :kept) ORDER BY asked_at, ask_id LIMIT :most)",
        user_id=user_id,
        kept=HISTORY,
        most=DROPPED_A_UNIT,
    )
    return dropped == DROPPED_A_UNIT


def erase_asks(tx: Transaction, user_id: str) -> bool:
    """Erase some of a user's asks, without a word; whether there may be more."""
    ask_ids = tx.all(
        str,
        "SELECT ask_id FROM asks WHERE user_id = :user_id ORDER BY ask_id LIMIT :most",
        user_id=user_id,
        most=DROPPED_A_UNIT,
    )
    rows = [{"ask_id": ask_id} for ask_id in ask_ids]
    tx.execute_many("DELETE FROM ask_chunks WHERE ask_id = :ask_id", rows)
    tx.execute_many("DELETE FROM asks WHERE ask_id = :ask_id", rows)
    return len(ask_ids) == DROPPED_A_UNIT


def _count_waiting(reader: Reader, user_id: str) -> int:
    count = reader.one(
        int,
        "SELECT COUNT(*) FROM asks WHERE state <> 'completed' AND state = 'queued' AND user_id = :user_id",
        user_id=user_id,
    )
    return count or 0


def _claim_one(tx: Transaction, owner: str, per_user: int) -> Ask | None:
    """Questions of one conversation are answered one after the other: the next may mean the last answer."""
    return tx.one(
        Ask,
        "UPDATE asks SET state = 'running', owner = :owner, lease_until = :until, started_at = :now"
        " WHERE ask_id = (SELECT ask_id FROM asks AS waiting"
        " WHERE waiting.state <> 'completed' AND waiting.state = 'queued'"
        " AND (SELECT COUNT(*) FROM asks AS other"
        " WHERE other.state <> 'completed' AND other.state = 'running'"
        " AND other.user_id = waiting.user_id) < :per_user"
        " AND NOT EXISTS (SELECT 1 FROM asks AS other"
        " WHERE other.state <> 'completed' AND other.state = 'running'"
        " AND other.user_id = waiting.user_id AND other.conversation_id = waiting.conversation_id)"
        " ORDER BY asked_at, ask_id LIMIT 1)"
        " RETURNING ask_id, user_id, conversation_id, question, command_id, asked_at",
        owner=owner,
        per_user=per_user,
        now=timestamp(tx.now),
        until=timestamp(tx.now + LEASE),
    )
