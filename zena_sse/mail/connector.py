"""The port through which a mailbox is read: what is in it, what is new, the messages themselves.

A connector only ever reads; nothing is marked, moved or deleted. Every call but `interrupt` comes from one
thread, the mailbox's own, and may block it. An adapter turns whatever its libraries raise into a
`MailboxUnreachable` (try again), `MailboxRefused`, `MailboxMissing` or `HostNotAllowed` (no use in trying).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, date, datetime, time
from types import MappingProxyType
from typing import Protocol

from msgspec import Struct

INBOX = "INBOX"

# What people write fits many times over; beyond this a message is attachments, and would fill our memory.
WHOLE_LIMIT = 32 * 1024 * 1024
# Of a larger message the beginning: its header and, since text comes before attachments, its text.
CUT_AFTER = 1024 * 1024

# Where the mailboxes of the well-known providers are; all speak TLS on port 993.
PROVIDER_HOSTS: Mapping[str, str] = MappingProxyType(
    {
        "gmail": "imap.gmail.com",
        "outlook": "outlook.office365.com",
        "icloud": "imap.mail.me.com",
        "yahoo": "imap.mail.yahoo.com",
    }
)


class FolderState(Struct, frozen=True):
    """What a connector wants to find again about a folder.

    `validity` names the numbering of the uids: when it changes, every uid held is worthless. `marker` is the
    connector's own; the same marker means that nothing has come or gone.
    """

    name: str
    validity: str
    marker: str


class Remote(Struct, frozen=True):
    """One copy of a message in the mailbox; `received` is UTC, `size` in bytes.

    `thread` is the provider's own id of its conversation, where there is such a thing.
    """

    folder: str
    uid: str
    received: datetime
    size: int
    thread: str | None = None


class Changes(Struct, frozen=True):
    """How a folder differs from what is held of it: `new` oldest first, `gone` the uids it no longer has.

    `stale`: the uids were renumbered; all copies held of this folder go, `new` is everything there is.
    """

    state: FolderState
    new: list[Remote]
    gone: list[str]
    stale: bool = False


Held = Callable[[], AbstractSet[str]]


class Connector(Protocol):
    """One mailbox, read-only."""

    def open(self) -> None:
        """Connect and sign in; may be called again after `close`."""

    def folders(self) -> list[str]:
        """The folders worth reading: the inbox first, then where sent mail is kept, if there is one."""

    def changes(
        self, folder: str, known: FolderState | None, held: Held, since: date | None
    ) -> Changes | None:
        """What came and went, or None when nothing did since `known`, which is found out cheaply.

        `held` is asked, at most once, for the uids held of this folder under `known.validity`. Only mail
        received on or after `since` (None: all) is new, but mail that grows older than that is not gone.
        Remember the state only when all of `new` is held: that is what the next round builds on.
        """

    def fetch(self, folder: str, remotes: Sequence[Remote]) -> Iterator[tuple[Remote, bytes]]:
        """The raw messages, in the order asked for, a few at a time; one that has vanished is left out.

        A message larger than `WHOLE_LIMIT` is cut after `CUT_AFTER` bytes.
        """

    def wait(self, seconds: float) -> bool:
        """Block until the mailbox seems to differ from the last `changes` (True), or return False.

        False means that the time is up or that `interrupt` was called.
        """

    def interrupt(self) -> None:
        """Make `wait` return at once, also one that is about to begin; from any thread."""

    def close(self) -> None:
        """Let go of everything; never fails."""


def window_start(since: date | None) -> datetime:
    """The first moment whose mail is wanted."""
    return datetime.combine(since or date(1970, 1, 1), time(), UTC)


def batches(remotes: Iterable[Remote], most: int, most_bytes: int) -> Iterator[list[Remote]]:
    """The same in batches of bounded count and size; a huge message stands alone."""
    batch: list[Remote] = []
    size = 0
    for remote in remotes:
        if batch and (len(batch) == most or size + remote.size > most_bytes):
            yield batch
            batch, size = [], 0
        batch.append(remote)
        size += remote.size
    if batch:
        yield batch
