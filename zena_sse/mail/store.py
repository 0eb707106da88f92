"""What is held of a mailbox: its folders, the copies in them, and the messages these are copies of."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

import msgspec

from zena_sse.errors import NotFound
from zena_sse.mail.accounts import is_connected, own_addresses
from zena_sse.mail.connector import FolderState, Remote
from zena_sse.mail.content.message import Message
from zena_sse.mail.filing import Filing
from zena_sse.mail.followers import NOBODY, Followers
from zena_sse.mail.runs import Run, record_processed
from zena_sse.storage.port import Reader, Transaction


class Copy(msgspec.Struct, frozen=True):
    """A message where it was found; `validity` is that of the folder's uids."""

    remote: Remote
    validity: str
    message: Message


class Applied(msgspec.Struct, frozen=True):
    """What a batch has changed: the threads, and how many of its messages were new, known, hard to read."""

    threads: frozenset[str] = frozenset()
    new: int = 0
    known: int = 0
    defective: int = 0


def apply_batch(
    tx: Transaction,
    run: Run,
    copies: Sequence[Copy],
    seen: AbstractSet[str] = frozenset(),
    followers: Followers = NOBODY,
) -> Applied:
    """Take in some copies of messages, whole; those that are held already change nothing.

    `seen` are the threads that the run has touched before. Raises `NotFound` once the account is removed.
    """
    if not is_connected(tx, run.account_id):
        raise NotFound("The account was removed.")
    own = own_addresses(tx, run.user_id)
    filing = Filing(tx, run.user_id, run.account_id, own, run.command_id, followers)
    added = [copy for copy in copies if _add_copy(tx, run, copy)]
    new = []
    for copy in added:
        if not _is_known(tx, run.user_id, copy.message.key):
            filing.file(copy.message, copy.remote.thread)
            new.append(copy.message)
    filing.publish()
    record_processed(tx, run, len(seen | filing.touched))
    defective = sum(message.defect is not None for message in new)
    return Applied(filing.touched, len(new), len(added) - len(new), defective)


def find_folder(reader: Reader, account_id: str, name: str) -> FolderState | None:
    """How a folder was when it was last read to its end.

    Of one that never was, but partly, the numbering of the uids is known all the same: what is held of it is
    not fetched again. Its empty marker says that nothing else is known.
    """
    found = reader.one(
        FolderState,
        "SELECT name, validity, marker FROM folders WHERE account_id = :account_id AND name = :name",
        account_id=account_id,
        name=name,
    )
    return found or reader.one(
        FolderState,
        "SELECT folder AS name, validity, '' AS marker FROM copies"
        " WHERE account_id = :account_id AND folder = :name LIMIT 1",
        account_id=account_id,
        name=name,
    )


def record_folder(tx: Transaction, account_id: str, state: FolderState) -> None:
    """Everything up to this state of a folder is held."""
    if not is_connected(tx, account_id):
        raise NotFound("The account was removed.")
    tx.execute(
        "INSERT INTO folders (account_id, name, validity, marker)"
        " VALUES (:account_id, :name, :validity, :marker)"
        " ON CONFLICT (account_id, name) DO UPDATE SET validity = :validity, marker = :marker",
        account_id=account_id,
        name=state.name,
        validity=state.validity,
        marker=state.marker,
    )


def held_uids(reader: Reader, account_id: str, folder: str, validity: str) -> frozenset[str]:
    """The uids held of a folder under one numbering."""
    return frozenset(
        reader.all(
            str,
            "SELECT uid FROM copies"
            " WHERE account_id = :account_id AND folder = :folder AND validity = :validity",
            account_id=account_id,
            folder=folder,
            validity=validity,
        )
    )


def _add_copy(tx: Transaction, run: Run, copy: Copy) -> bool:
    """Whether the copy was not held before."""
    added = tx.execute(
        "INSERT INTO copies (account_id, folder, validity, uid, user_id, key)"
        " VALUES (:account_id, :folder, :validity, :uid, :user_id, :key)"
        " ON CONFLICT (account_id, folder, validity, uid) DO NOTHING",
        account_id=run.account_id,
        folder=copy.remote.folder,
        validity=copy.validity,
        uid=copy.remote.uid,
        user_id=run.user_id,
        key=copy.message.key,
    )
    return added > 0


def _is_known(reader: Reader, user_id: str, key: str) -> bool:
    found = reader.one(
        str, "SELECT key FROM messages WHERE user_id = :user_id AND key = :key", user_id=user_id, key=key
    )
    return found is not None
