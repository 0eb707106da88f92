"""Connected mailboxes: whose they are, how to open them, what state they are in."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal, TypeAlias

import msgspec

from zena_sse.contract.events import Provider
from zena_sse.contract.moments import timestamp
from zena_sse.errors import AccountExists, NotFound, TooManyAccounts
from zena_sse.security.vault import Vault
from zena_sse.storage.port import Reader, Transaction

# failed: opening it cannot succeed before somebody changes something; read again only when asked to.
# removed: its data is being removed; nobody sees it any more.
State = Literal["active", "failed", "removed"]

# Each is read every few minutes, by a thread and a connection of its own.
ACCOUNTS_PER_USER = 20


class FolderMailbox(msgspec.Struct, frozen=True, tag="folder"):
    """A directory with `INBOX/` and `Sent/`, one .eml file for each message."""

    path: str


class MaildirMailbox(msgspec.Struct, frozen=True, tag="maildir"):
    """A Maildir on the server's own disk."""

    path: str


class ImapMailbox(msgspec.Struct, frozen=True, tag="imap"):
    """A mailbox on an IMAP server; one of password and access token is there."""

    host: str
    port: int
    username: str
    password: str | None = None
    access_token: str | None = None
    security: Literal["tls", "starttls", "plain"] = "tls"


Mailbox: TypeAlias = FolderMailbox | MaildirMailbox | ImapMailbox


class _Sealed(msgspec.Struct):
    opening: FolderMailbox | MaildirMailbox | ImapMailbox


def seal_mailbox(vault: Vault, opening: Mailbox) -> bytes:
    """How to open a mailbox, encrypted as it is stored."""
    return vault.seal(_Sealed(opening))


def unseal_mailbox(vault: Vault, sealed: bytes) -> Mailbox:
    """What `seal_mailbox` sealed. Raises `ConfigurationError`."""
    return vault.open(sealed, _Sealed).opening


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """One mailbox of one user; `name` is what a person calls it, `addresses` are the agent's own."""

    account_id: str
    user_id: str
    provider: Provider
    name: str
    addresses: tuple[str, ...]
    state: State
    error: str | None
    created_at: datetime
    synced_at: datetime | None


class AccountItem(msgspec.Struct, frozen=True, rename="camel"):
    """A mailbox as its user sees it."""

    account_id: str
    provider: Provider
    name: str
    addresses: tuple[str, ...]
    state: State
    error: str | None
    created_at: datetime
    synced_at: datetime | None

    @classmethod
    def of(cls, account: Account) -> AccountItem:
        """The same without what is ours alone."""
        return msgspec.convert(account, cls, from_attributes=True)


class _Row(msgspec.Struct):
    account_id: str
    user_id: str
    provider: Provider
    name: str
    addresses: str
    state: State
    error: str | None
    created_at: datetime
    synced_at: datetime | None

    def account(self) -> Account:
        """The same with its list of addresses."""
        return Account(
            account_id=self.account_id,
            user_id=self.user_id,
            provider=self.provider,
            name=self.name,
            addresses=_addresses(self.addresses),
            state=self.state,
            error=self.error,
            created_at=self.created_at,
            synced_at=self.synced_at,
        )


def add_account(
    tx: Transaction,
    account_id: str,
    user_id: str,
    provider: Provider,
    name: str,
    addresses: Iterable[str],
    sealed: bytes,
) -> Account:
    """Connect a mailbox.

    Raises `AccountExists` when the user has one of this provider and name, `TooManyAccounts`.
    """
    own = tuple(dict.fromkeys(address.strip().lower() for address in addresses))
    added = tx.execute(
        "INSERT INTO accounts (account_id, user_id, provider, name, addresses, sealed, state, created_at)"
        " VALUES (:account_id, :user_id, :provider, :name, :addresses, :sealed, 'active', :now)"
        " ON CONFLICT (user_id, provider, name) DO NOTHING",
        account_id=account_id,
        user_id=user_id,
        provider=provider,
        name=name,
        addresses=msgspec.json.encode(own).decode(),
        sealed=sealed,
        now=timestamp(tx.now),
    )
    if not added:
        raise AccountExists
    if len(list_accounts(tx, user_id)) > ACCOUNTS_PER_USER:
        raise TooManyAccounts(f"A user can connect {ACCOUNTS_PER_USER} mailboxes; disconnect one first.")
    return find_account(tx, user_id, account_id)


def list_accounts(reader: Reader, user_id: str) -> list[Account]:
    """A user's mailboxes, the oldest first."""
    rows = reader.all(
        _Row,
        "SELECT account_id, user_id, provider, name, addresses, state, error, created_at, synced_at"
        " FROM accounts WHERE user_id = :user_id AND state <> 'removed' ORDER BY created_at, account_id",
        user_id=user_id,
    )
    return [row.account() for row in rows]


def find_account(reader: Reader, user_id: str, account_id: str) -> Account:
    """One mailbox of this user. Raises `NotFound`, for somebody else's too."""
    row = reader.one(
        _Row,
        "SELECT account_id, user_id, provider, name, addresses, state, error, created_at, synced_at"
        " FROM accounts WHERE user_id = :user_id AND account_id = :account_id AND state <> 'removed'",
        user_id=user_id,
        account_id=account_id,
    )
    if row is None:
        raise NotFound("There is no such account.")
    return row.account()


class Kept(msgspec.Struct, frozen=True):
    """A mailbox that the engine looks after, and how it is opened."""

    account: Account
    sealed: bytes


class _KeptRow(_Row):
    sealed: bytes


def accounts_to_keep(reader: Reader) -> list[str]:
    """The ids of all mailboxes that are connected, the failed ones too: somebody may ask for another try."""
    return reader.all(str, "SELECT account_id FROM accounts WHERE state <> 'removed' ORDER BY account_id")


def find_kept(reader: Reader, account_id: str) -> Kept | None:
    """What the engine needs of a mailbox; None once it is removed."""
    row = reader.one(
        _KeptRow,
        "SELECT account_id, user_id, provider, name, addresses, state, error, created_at, synced_at, sealed"
        " FROM accounts WHERE account_id = :account_id AND state <> 'removed'",
        account_id=account_id,
    )
    return None if row is None else Kept(row.account(), row.sealed)


def is_connected(reader: Reader, account_id: str) -> bool:
    """Whether the mailbox is there, and not being removed."""
    found = reader.one(
        str,
        "SELECT account_id FROM accounts WHERE account_id = :account_id AND state <> 'removed'",
        account_id=account_id,
    )
    return found is not None


def own_addresses(reader: Reader, user_id: str) -> frozenset[str]:
    """The agent's own addresses in all of the user's mailboxes."""
    lists = reader.all(
        str, "SELECT addresses FROM accounts WHERE user_id = :user_id AND state <> 'removed'", user_id=user_id
    )
    return frozenset(address for addresses in lists for address in _addresses(addresses))


def mark_synced(tx: Transaction, account_id: str) -> None:
    """It was read to its end: whatever was wrong is right again."""
    tx.execute(
        "UPDATE accounts SET state = 'active', error = NULL, synced_at = :now"
        " WHERE account_id = :account_id AND state <> 'removed'",
        account_id=account_id,
        now=timestamp(tx.now),
    )


def mark_failed(tx: Transaction, account_id: str, error: str, *, fatal: bool) -> None:
    """It could not be read; `fatal`: it will not be tried again unless somebody asks."""
    tx.execute(
        "UPDATE accounts SET state = :state, error = :error"
        " WHERE account_id = :account_id AND state <> 'removed'",
        account_id=account_id,
        state="failed" if fatal else "active",
        error=error,
    )


def _addresses(text: str) -> tuple[str, ...]:
    return msgspec.json.decode(text, type=tuple[str, ...])
