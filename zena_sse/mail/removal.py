"""What goes: copies a mailbox no longer has, messages and threads without a copy, removed accounts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from zena_sse.mail.accounts import find_account
from zena_sse.mail.connector import FolderState
from zena_sse.mail.followers import NOBODY, Followers
from zena_sse.mail.runs import end_open_runs
from zena_sse.mail.threadrows import ThreadRow, find_row, publish_removed, publish_updated, save_row
from zena_sse.storage.port import Reader, Transaction

# Copies removed in one unit of work; each may take a message and a thread with it.
COPIES_A_UNIT = 100

REMOVED = "the account was removed"


class _Copy(msgspec.Struct):
    account_id: str
    folder: str
    validity: str
    uid: str
    user_id: str
    key: str


def apply_gone(
    tx: Transaction,
    account_id: str,
    state: FolderState,
    uids: Sequence[str],
    followers: Followers = NOBODY,
) -> None:
    """The mailbox no longer has these copies; give at most `COPIES_A_UNIT` at a time."""
    found = (_find_copy(tx, account_id, state, uid) for uid in uids)
    _drop_copies(tx, [copy for copy in found if copy is not None], followers)


def drop_stale(tx: Transaction, account_id: str, state: FolderState, followers: Followers = NOBODY) -> bool:
    """Drop some copies of a folder that bear uids of another numbering; whether there may be more."""
    stale = tx.all(
        _Copy,
        "SELECT account_id, folder, validity, uid, user_id, key FROM copies"
        " WHERE account_id = :account_id AND folder = :folder AND validity <> :validity LIMIT :most",
        account_id=account_id,
        folder=state.name,
        validity=state.validity,
        most=COPIES_A_UNIT,
    )
    _drop_copies(tx, stale, followers)
    return len(stale) == COPIES_A_UNIT


def remove_account(tx: Transaction, user_id: str, account_id: str) -> None:
    """Disconnect a mailbox: from here on nobody sees it; `purge_account` does the rest. Raises `NotFound`.

    Its credential is gone at once, and its name is free for another.
    """
    find_account(tx, user_id, account_id)
    end_open_runs(tx, account_id, REMOVED)
    tx.execute(
        "UPDATE accounts SET state = 'removed', name = account_id, sealed = :nothing"
        " WHERE account_id = :account_id",
        account_id=account_id,
        nothing=b"",
    )


def accounts_to_purge(reader: Reader) -> list[str]:
    """The ids of the accounts whose data is still to be removed."""
    return reader.all(str, "SELECT account_id FROM accounts WHERE state = 'removed' ORDER BY account_id")


def purge_account(tx: Transaction, account_id: str, followers: Followers = NOBODY) -> bool:
    """Remove some of a removed account's data, at last the account; whether there is more."""
    copies = tx.all(
        _Copy,
        "SELECT account_id, folder, validity, uid, user_id, key FROM copies"
        " WHERE account_id = :account_id LIMIT :most",
        account_id=account_id,
        most=COPIES_A_UNIT,
    )
    if copies:
        _drop_copies(tx, copies, followers)
        return True
    tx.execute("DELETE FROM folders WHERE account_id = :account_id", account_id=account_id)
    tx.execute("DELETE FROM sync_runs WHERE account_id = :account_id", account_id=account_id)
    tx.execute(
        "DELETE FROM accounts WHERE account_id = :account_id AND state = 'removed'", account_id=account_id
    )
    return False


def _find_copy(reader: Reader, account_id: str, state: FolderState, uid: str) -> _Copy | None:
    return reader.one(
        _Copy,
        "SELECT account_id, folder, validity, uid, user_id, key FROM copies WHERE account_id = :account_id"
        " AND folder = :folder AND validity = :validity AND uid = :uid",
        account_id=account_id,
        folder=state.name,
        validity=state.validity,
        uid=uid,
    )


def _drop_copies(tx: Transaction, copies: Sequence[_Copy], followers: Followers) -> None:
    """Copies go, and messages without copies, and threads without messages."""
    tx.execute_many(
        "DELETE FROM copies WHERE account_id = :account_id AND folder = :folder"
        " AND validity = :validity AND uid = :uid",
        [
            {"account_id": c.account_id, "folder": c.folder, "validity": c.validity, "uid": c.uid}
            for c in copies
        ],
    )
    threads: dict[tuple[str, str], None] = {}
    for user_id, key in dict.fromkeys((copy.user_id, copy.key) for copy in copies):
        thread_id = _drop_message(tx, user_id, key)
        if thread_id is not None:
            threads[user_id, thread_id] = None
    for user_id, thread_id in threads:
        _recount(tx, user_id, thread_id, followers)


def _drop_message(tx: Transaction, user_id: str, key: str) -> str | None:
    """The thread of a message that lost a copy; the message goes if that was the last one."""
    thread_id = tx.one(
        str,
        "SELECT thread_id FROM messages WHERE user_id = :user_id AND key = :key",
        user_id=user_id,
        key=key,
    )
    tx.execute(
        "DELETE FROM messages WHERE user_id = :user_id AND key = :key"
        " AND NOT EXISTS (SELECT 1 FROM copies WHERE user_id = :user_id AND key = :key)",
        user_id=user_id,
        key=key,
    )
    return thread_id


class _Left(msgspec.Struct):
    messages: int
    first_at: datetime | None
    last_at: datetime | None


def _recount(tx: Transaction, user_id: str, thread_id: str, followers: Followers) -> None:
    """Make a thread say what is left of it."""
    left = tx.one(
        _Left,
        "SELECT COUNT(*) AS messages, MIN(at) AS first_at, MAX(at) AS last_at FROM messages"
        " WHERE user_id = :user_id AND thread_id = :thread_id",
        user_id=user_id,
        thread_id=thread_id,
    )
    if left is None or left.first_at is None or left.last_at is None:
        followers.dropped(tx, user_id, thread_id)
        _drop_thread(tx, user_id, thread_id)
        return
    row = find_row(tx, user_id, thread_id)
    if row is None:
        raise RuntimeError("a message has a thread")
    account_id = _holder(tx, user_id, row)
    lost = row.message_count != left.messages
    if not lost and account_id == row.account_id:
        return
    row.account_id, row.message_count = account_id, left.messages
    row.first_message_at, row.last_message_at = left.first_at, left.last_at
    save_row(tx, user_id, row)
    if lost:
        publish_updated(tx, user_id, row)


def _drop_thread(tx: Transaction, user_id: str, thread_id: str) -> None:
    tx.execute(
        "DELETE FROM links WHERE user_id = :user_id AND thread_id = :thread_id",
        user_id=user_id,
        thread_id=thread_id,
    )
    tx.execute(
        "DELETE FROM threads WHERE user_id = :user_id AND thread_id = :thread_id",
        user_id=user_id,
        thread_id=thread_id,
    )
    publish_removed(tx, user_id, thread_id)


def _holder(reader: Reader, user_id: str, row: ThreadRow) -> str:
    """An account that has a copy of the thread's mail; the one it belongs to, as long as that has any."""
    found = reader.one(
        str,
        # CROSS: SQLite would begin with all copies of the user, of which a large mailbox has 100,000.
        "SELECT copies.account_id FROM messages CROSS JOIN copies"
        " WHERE messages.user_id = :user_id AND messages.thread_id = :thread_id"
        " AND copies.user_id = messages.user_id AND copies.key = messages.key"
        " ORDER BY CASE copies.account_id WHEN :account_id THEN 0 ELSE 1 END, copies.account_id LIMIT 1",
        user_id=user_id,
        thread_id=row.thread_id,
        account_id=row.account_id,
    )
    return found or row.account_id
