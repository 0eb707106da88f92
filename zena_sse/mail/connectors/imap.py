"""A mailbox on an IMAP server (RFC 3501).

What is new and what is gone is told by three numbers that come with every EXAMINE: while UIDVALIDITY stands,
mail that arrives raises UIDNEXT and mail that goes lowers EXISTS. Both as before: nothing happened, and
nothing is listed. CONDSTORE would only add news about flags, which we do not keep. IDLE is a bell and no
more: when the server says anything at all, the numbers are read again.
"""

from __future__ import annotations

import contextlib
import imaplib
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

import msgspec
from msgspec import Struct

from zena_sse.errors import MailboxUnreachable
from zena_sse.mail.connector import (
    CUT_AFTER,
    INBOX,
    WHOLE_LIMIT,
    Changes,
    FolderState,
    Held,
    Remote,
    batches,
    window_start,
)
from zena_sse.mail.connectors.imaplogin import Login, sign_in
from zena_sse.mail.connectors.imapwire import (
    PARTING_TIMEOUT,
    Bell,
    Client,
    Heard,
    Security,
    connect,
    translated,
)
from zena_sse.security.addresses import Resolve, resolve, vetted_addresses

__all__ = ["ImapConnector", "Login", "Server"]

# Uids named in one command: 500 of ten digits keep its line under the 8192 bytes of RFC 7162, section 4.
UIDS_A_COMMAND = 500
# Messages and bytes fetched with one command: enough that the round trip does not matter, little memory.
BATCH_MESSAGES = 100
BATCH_BYTES = 8 * 1024 * 1024
# Seconds of one IDLE. A server may hang up after 30 minutes (RFC 2177), a firewall forgets after 10.
IDLE_SECONDS = 9 * 60.0
# Seconds of the first IDLE, each further one is twice as long: there are servers that do not tell what came
# between our look and their IDLE, and so it is found before as much time again has passed.
FIRST_IDLE_SECONDS = 1.0
# Seconds between two looks where the server has no IDLE.
POLL_SECONDS = 60.0
# Seconds of rest after a bell that meant nothing to us, so that a talkative server does not keep us busy.
REST_SECONDS = 1.0

# What servers without SPECIAL-USE (RFC 6154) call the folder of sent mail: the last part of its name.
SENT_NAMES = frozenset(
    {"sent", "sent mail", "sent items", "sent messages", "sent-mail", "gesendet", "gesendete elemente"}
    | {"envoyés", "éléments envoyés", "enviados", "elementos enviados", "inviati", "posta inviata"}
)


class Server(Struct, frozen=True):
    """Where the mailbox is. `plain` sends the password readably: for tests and servers on this machine."""

    host: str
    port: int = 993
    security: Security = "tls"


class Listed(NamedTuple):
    """A line of LIST."""

    flags: tuple[bytes, ...]
    delimiter: bytes | None
    name: str

    def last_part(self) -> str:
        """The name without the folders that it is in, small letters."""
        delimiter = (self.delimiter or b"").decode()
        return (self.name.rpartition(delimiter)[2] if delimiter else self.name).casefold()

    def has(self, *flags: bytes) -> bool:
        """Whether one of these flags, in small letters, is set."""
        return any(flag.lower() in flags for flag in self.flags)


class Selected(Struct, frozen=True):
    """What EXAMINE says of a folder; `uidnext` is 0 where a server does not tell."""

    folder: str
    validity: int
    uidnext: int
    exists: int

    def state(self, since: date | None) -> FolderState:
        """How to remember this: with the day the window begins, so that once a day all is compared anew."""
        marker = f"{self.uidnext}:{self.exists}:{since or ''}" if self.uidnext else ""
        return FolderState(self.folder, str(self.validity), marker)


class ImapConnector:
    """Reads one mailbox over one connection."""

    def __init__(
        self,
        server: Server,
        login: Login,
        *,
        allow_private: bool = False,
        tls: ssl.SSLContext | None = None,
        resolve: Resolve = resolve,
        monotonic: Callable[[], float] = time.monotonic,
        idle_seconds: float = IDLE_SECONDS,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self._server = server
        self._login = login
        self._allow_private = allow_private
        self._tls = tls
        self._resolve = resolve
        self._monotonic = monotonic
        self._idle_seconds = idle_seconds
        self._poll_seconds = poll_seconds
        self._where = f"{server.host}:{server.port}"
        self._connected: Client | None = None
        self._bell: Bell | None = None
        self._selected: Selected | None = None
        self._reported: dict[str, Selected] = {}

    def open(self) -> None:
        """Connect to an address that was checked, and sign in."""
        host, port = self._server.host, self._server.port
        addresses = vetted_addresses(host, port, allow_private=self._allow_private, resolve=self._resolve)
        with translated(self._where):
            context = self._tls or ssl.create_default_context()
            self._connected = connect(host, port, addresses, self._server.security, context)
            self._bell = Bell()
            try:
                sign_in(self._connected, self._login, self._where)
            except BaseException:
                self.close()
                raise

    def close(self) -> None:
        """Sign out and hang up."""
        client, self._connected, self._selected = self._connected, None, None
        bell, self._bell = self._bell, None
        if client is not None:
            # A server that does not take its leave is left all the same.
            with contextlib.suppress(OSError, imaplib.IMAP4.error):
                client.wire.sock.settimeout(PARTING_TIMEOUT)
                client.logout()
            client.wire.shutdown()
        if bell is not None:
            bell.close()

    def folders(self) -> list[str]:
        """The inbox, and what is marked as, or else called, the folder of sent mail."""
        with translated(self._where):
            listed = msgspec.convert(self._client.list_folders(), list[Listed])
        there = [row for row in listed if not row.has(b"\\noselect", b"\\nonexistent")]
        marked = [row.name for row in there if row.has(b"\\sent")]
        called = [row.name for row in there if row.last_part() in SENT_NAMES]
        return [INBOX, *(marked or called)]

    def changes(
        self, folder: str, known: FolderState | None, held: Held, since: date | None
    ) -> Changes | None:
        """What came and went, by the three numbers; the uids are compared only when these cannot tell."""
        with translated(self._where):
            now = self._reported[folder] = self._examine(folder)
            state = now.state(since)
            if state.marker and state == known:
                return None
            stale = known is not None and known.validity != state.validity
            have = set() if stale else {int(uid) for uid in held()}
            gone = set[int]()
            arrived = self._only_arrived(now, known, since)
            if arrived is None:
                everything = self._search(now, "ALL")
                # A search that finds fewer than EXISTS says is incomplete: keep rather than lose.
                gone = have - everything if len(everything) >= now.exists else set()
                # SEARCH compares days and forgets time zones: a day more, then by the moment.
                edge = window_start(since) - timedelta(days=1)
                arrived = self._search(now, "SINCE", edge.date()) if since else everything
            new = self._describe(folder, arrived - have, since)
        return Changes(state, new, [str(uid) for uid in sorted(gone)], stale)

    def fetch(self, folder: str, remotes: Sequence[Remote]) -> Iterator[tuple[Remote, bytes]]:
        """The messages, in batches of `BATCH_BYTES`; fetching does not mark them as read."""
        for batch in batches(remotes, BATCH_MESSAGES, BATCH_BYTES):
            with translated(self._where):
                bodies = self._bodies(folder, batch)
            for remote in batch:
                raw = bodies.pop(int(remote.uid), None)
                if raw is not None:
                    yield remote, raw

    def wait(self, seconds: float) -> bool:
        """Look at the inbox, then listen until the server says something, and look again."""
        deadline = self._monotonic() + seconds
        heard: Heard = "nothing"
        patience = FIRST_IDLE_SECONDS
        with translated(self._where):
            while not self._inbox_differs():
                left = deadline - self._monotonic()
                if left <= 0:
                    return False
                heard = self._listen(min(left, patience), rest=REST_SECONDS if heard == "wire" else 0.0)
                if heard == "bell":
                    return False
                patience *= 2
        return True

    def interrupt(self) -> None:
        """Make `wait` return at once."""
        bell = self._bell
        if bell is not None:
            bell.ring()

    @property
    def _client(self) -> Client:
        if self._connected is None:
            raise MailboxUnreachable(f"{self._where}: not connected")
        return self._connected

    def _examine(self, folder: str) -> Selected:
        self._selected = None
        answer = self._client.select_folder(folder, readonly=True)
        self._selected = Selected(
            folder, answer.get(b"UIDVALIDITY", 0), answer.get(b"UIDNEXT", 0), answer[b"EXISTS"]
        )
        return self._selected

    def _only_arrived(self, now: Selected, known: FolderState | None, since: date | None) -> set[int] | None:
        """The uids that came since `known`, if that is all that happened; None if it may not be."""
        if known is None or known.validity != str(now.validity) or not known.marker or not now.uidnext:
            return None
        uidnext, exists, day = known.marker.split(":")
        if day != str(since or ""):
            return None
        # `n:*` always means the last message too, even if its uid is below n (RFC 3501, section 6.4.8).
        arrived = {uid for uid in self._search(now, "UID", f"{uidnext}:*") if uid >= int(uidnext)}
        return arrived if int(exists) + len(arrived) == now.exists else None

    def _search(self, now: Selected, *criteria: str | date) -> set[int]:
        """Uids, without those that came after the numbers were read: they are the next round's."""
        found = self._client.search(list(criteria))
        return {uid for uid in found if uid < now.uidnext or not now.uidnext}

    def _describe(self, folder: str, uids: set[int], since: date | None) -> list[Remote]:
        """Date and size of these messages, those of the window, oldest first."""
        start = window_start(since)
        items = ["INTERNALDATE", "RFC822.SIZE"]
        if self._client.has_capability("X-GM-EXT-1"):
            items.append("X-GM-THRID")
        found = []
        for some in _chunks(sorted(uids)):
            for uid, about in self._client.fetch(some, items).items():
                date_there, size = about.get(b"INTERNALDATE"), about.get(b"RFC822.SIZE")
                # A date that cannot be read counts as just inside the window: better that than lost.
                received = date_there.astimezone(UTC) if isinstance(date_there, datetime) else start
                thread = about.get(b"X-GM-THRID")
                remote = Remote(
                    folder,
                    str(uid),
                    received,
                    size if isinstance(size, int) else 0,
                    str(thread) if isinstance(thread, int) else None,
                )
                found.append(remote)
        return sorted((r for r in found if r.received >= start), key=lambda r: (r.received, int(r.uid)))

    def _bodies(self, folder: str, batch: list[Remote]) -> dict[int, bytes]:
        if self._selected is None or self._selected.folder != folder:
            self._examine_unchanged(folder)
        try:
            return _fetch_bodies(self._client, batch)
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error:  # another session removed one, until we look anew (RFC 2180, 4.1.3)
            self._examine_unchanged(folder)
            return _fetch_bodies(self._client, batch)

    def _examine_unchanged(self, folder: str) -> None:
        """Select a folder again whose uids must mean what they meant."""
        now = self._examine(folder)
        if now.validity != self._reported.get(folder, now).validity:
            raise MailboxUnreachable(f"{self._where}: the messages of {folder} were renumbered meanwhile")

    def _inbox_differs(self) -> bool:
        now = self._examine(INBOX)
        return now != self._reported.setdefault(INBOX, now)

    def _listen(self, seconds: float, rest: float) -> Heard:
        """Rest, then wait for the server to say something or for the bell."""
        bell, wire = self._bell, self._client.wire
        if bell is None or (rest and bell.wait(min(rest, seconds)) == "bell"):
            return "bell"
        if not self._client.has_capability("IDLE"):
            return bell.wait(min(seconds, self._poll_seconds))
        wire.begin_idle()
        heard = bell.wait(min(seconds, self._idle_seconds), wire)
        wire.end_idle()
        return heard


def _fetch_bodies(client: Client, batch: list[Remote]) -> dict[int, bytes]:
    is_cut = batch[0].size > WHOLE_LIMIT  # such a message is alone in its batch
    item, key = (f"BODY.PEEK[]<0.{CUT_AFTER}>", b"BODY[]<0>") if is_cut else ("BODY.PEEK[]", b"BODY[]")
    answer = client.fetch([int(remote.uid) for remote in batch], [item])
    return {uid: about[key] for uid, about in answer.items() if isinstance(about.get(key), bytes)}


def _chunks(uids: list[int]) -> Iterator[list[int]]:
    return (uids[start : start + UIDS_A_COMMAND] for start in range(0, len(uids), UIDS_A_COMMAND))
