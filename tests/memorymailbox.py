"""Mail that a test writes, and a mailbox in memory to put it in."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from email.utils import format_datetime

from tests.databases import NOON
from zena_sse.errors import ZenaError
from zena_sse.mail.connector import Changes, FolderState, Held, Remote, window_start
from zena_sse.mail.content.message import Message
from zena_sse.mail.content.parsing import parse

AGENT = "anna@agency.example"


def mail(
    subject: str,
    *,
    minutes: float = 0,
    sender: str = "Ben Buyer <ben@example.org>",
    to: str = f"Anna <{AGENT}>",
    id: str | None = None,  # noqa: A002  # the header's name
    replies_to: str | None = None,
    references: Sequence[str] = (),
    body: str = "Kia ora",
) -> bytes:
    """A mail as it is stored, sent so many minutes after noon; its Message-ID is made of the subject."""
    name = id if id is not None else "".join(letter for letter in subject.lower() if letter.isalnum())
    chain = " ".join(f"<{one}@example.org>" for one in [*references, *([replies_to] if replies_to else [])])
    lines = [
        f"From: {sender}",
        f"To: {to}",
        f"Date: {format_datetime(NOON + timedelta(minutes=minutes))}",
        f"Subject: {subject}",
        f"Message-ID: <{name}@example.org>" if name else "X-No-Id: yes",
        *([f"References: {chain}"] if chain else []),
    ]
    return ("\r\n".join(lines) + f"\r\n\r\n{body}\r\n").encode()


def parsed(raw: bytes) -> Message:
    """What the parser makes of it."""
    return parse(raw, NOON)


class MemoryMailbox:
    """A mailbox that the test fills, empties, renumbers and breaks. Used from several threads."""

    def __init__(self) -> None:
        self.folders: dict[str, dict[str, tuple[datetime, bytes]]] = {"INBOX": {}, "Sent": {}}
        self.validity = "1"
        self.failures: list[Exception] = []  # raised by the next opens, one each
        self.vanishing: set[str] = set()  # listed, but no longer there when they are fetched
        self.broken_fetch: ZenaError | None = None
        self.opened = 0
        self.closed = 0
        self.fetches: list[list[str]] = []
        self.since: date | None = None
        self.waiting = 0
        self._uids = itertools.count(1)
        self._bell = threading.Condition()
        self._version = 0
        self._interrupts = 0

    def put(self, raw: bytes, *, folder: str = "INBOX", received: datetime | None = None) -> str:
        """A mail arrives; its uid."""
        uid = str(next(self._uids))
        message = parsed(raw)
        with self._bell:
            self.folders[folder][uid] = (received or message.date, raw)
            self._changed()
        return uid

    def remove(self, uid: str, folder: str = "INBOX") -> None:
        """A mail is deleted."""
        with self._bell:
            del self.folders[folder][uid]
            self._changed()

    def renumber(self, validity: str) -> None:
        """Every uid becomes another."""
        with self._bell:
            self.validity = validity
            for name, mails in self.folders.items():
                self.folders[name] = {f"{validity}-{uid}": mail for uid, mail in mails.items()}
            self._changed()

    def lose(self, error: ZenaError) -> None:
        """The connection of whoever waits breaks."""
        with self._bell:
            self.broken_fetch = error
            self._bell.notify_all()

    def _changed(self) -> None:
        self._version += 1
        self._bell.notify_all()


class MemoryConnector:
    """`Connector` over a `MemoryMailbox`; its `wait` knows no time, only news and interrupts."""

    def __init__(self, mailbox: MemoryMailbox) -> None:
        self._box = mailbox
        self._seen = -1
        self._interrupted = False

    def open(self) -> None:
        self._box.opened += 1
        if self._box.failures:
            raise self._box.failures.pop(0)

    def folders(self) -> list[str]:
        return list(self._box.folders)

    def changes(
        self, folder: str, known: FolderState | None, held: Held, since: date | None
    ) -> Changes | None:
        box = self._box
        box.since = since
        with box._bell:
            mails = dict(box.folders[folder])
            validity, self._seen = box.validity, box._version
        state = FolderState(folder, validity, ",".join(sorted(mails)))
        if state == known:
            return None
        stale = known is not None and known.validity != validity
        have = set() if stale else held()
        new = [
            Remote(folder, uid, received, len(raw))
            for uid, (received, raw) in mails.items()
            if uid not in have and received >= window_start(since)
        ]
        return Changes(state, sorted(new, key=lambda r: r.received), sorted(have - mails.keys()), stale)

    def fetch(self, folder: str, remotes: Sequence[Remote]) -> Iterator[tuple[Remote, bytes]]:
        if self._box.broken_fetch is not None:
            raise self._box.broken_fetch
        self._box.fetches.append([remote.uid for remote in remotes])
        for remote in remotes:
            if remote.uid in self._box.folders[folder] and remote.uid not in self._box.vanishing:
                yield remote, self._box.folders[folder][remote.uid][1]

    def wait(self, seconds: float) -> bool:  # the engine's own timer ends the wait
        box = self._box
        with box._bell:
            box.waiting += 1
            box._bell.wait_for(
                lambda: self._interrupted or box._version != self._seen or box.broken_fetch is not None
            )
            box.waiting -= 1
            interrupted, self._interrupted = self._interrupted, False
            if box.broken_fetch is not None:
                raise box.broken_fetch
            return not interrupted

    def interrupt(self) -> None:
        with self._box._bell:
            self._interrupted = True
            self._box._bell.notify_all()

    def close(self) -> None:
        self._box.closed += 1
