"""What mailboxes that are directories of files have in common; the layout is the adapter's."""

from __future__ import annotations

import os
import re
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from hashlib import blake2b
from pathlib import Path

from zena_sse.errors import MailboxMissing, MailboxUnreachable
from zena_sse.mail.connector import (
    CUT_AFTER,
    WHOLE_LIMIT,
    Changes,
    FolderState,
    Held,
    Remote,
    window_start,
)

# File names are never given out anew, so there is only one numbering.
VALIDITY = "1"
# How often `wait` looks, in seconds.
POLL = 1.0
# A directory may change again without a new time stamp while the clock of its file system stands still
# (2 s on FAT): until a stamp is older than this, only the names tell.
SETTLED_NS = 3_000_000_000
# Nearly every header ends before this; the dates stand near its beginning.
HEAD_BYTES = 16 * 1024

FOLDING = re.compile(rb"\r?\n[ \t]+")
HEADER_END = re.compile(rb"\r?\n\r?\n")
# The uppermost Received line was written on arrival by the mailbox's own server; what was sent has none.
DATES = (re.compile(rb"(?im)^received:.*;([^;\r\n]+)"), re.compile(rb"(?im)^date:([^\r\n]+)"))


class DirectoryConnector(ABC):
    """Reads a mailbox that is a tree of directories with one file for each message."""

    def __init__(
        self,
        root: Path,
        *,
        clock_ns: Callable[[], int] = time.time_ns,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.root = root
        self._monotonic = monotonic
        self._clock_ns = clock_ns
        self._interrupted = threading.Event()
        self._received: dict[str, dict[str, datetime]] = {}
        self._reported: dict[str, str] = {}
        self._stamps: dict[str, int] = {}

    def folders(self) -> list[str]:
        """The folders that are there. Raises `MailboxMissing` for none: the mailbox is gone, not mail."""
        with _translated(self.root):
            found = self._folders()
        if not found:
            raise MailboxMissing(f"There is no mailbox at {self.root}: {self.layout}")
        return found

    layout: str  # what makes a directory a mailbox, for people

    @abstractmethod
    def _folders(self) -> list[str]:
        """The folders that are there."""

    @abstractmethod
    def _directories(self, folder: str) -> list[Path]:
        """Where the files of a folder are, in the order in which they must be listed."""

    @abstractmethod
    def _uid(self, name: str) -> str | None:
        """The uid of the message in the file of this name; None: it is no message."""

    def open(self) -> None:
        """Look whether there is a mailbox. Raises `MailboxMissing`."""
        with _translated(self.root):
            self._reported = {folder: _fingerprint(self._listing(folder)) for folder in self.folders()}

    def close(self) -> None:
        """Forget what was seen."""
        self._received.clear()
        self._stamps.clear()

    def changes(
        self, folder: str, known: FolderState | None, held: Held, since: date | None
    ) -> Changes | None:
        """What came and went; the names of the files tell, so that no file is opened for nothing."""
        with _translated(self.root):
            listing = self._listing(folder)
            fingerprint = self._reported[folder] = _fingerprint(listing)
            state = FolderState(folder, VALIDITY, f"{fingerprint} {since or ''}")
            if state == known:
                return None
            have = held()
            gone = have - listing.keys()
            if gone:  # a file that is renamed while its directory is read may be missed, but not twice
                gone -= self._listing(folder).keys()
            new = self._describe(folder, {uid: path for uid, path in listing.items() if uid not in have})
        start = window_start(since)
        new = sorted((r for r in new if r.received >= start), key=lambda r: (r.received, r.uid))
        return Changes(state, new, sorted(gone))

    def fetch(self, folder: str, remotes: Sequence[Remote]) -> Iterator[tuple[Remote, bytes]]:
        """The files, one at a time."""
        with _translated(self.root):
            listing = self._listing(folder)
        for remote in remotes:
            with _translated(self.root):
                raw = _read_message(listing.get(remote.uid))
                if raw is None and remote.uid in listing:  # moved within its folder, or gone
                    listing = self._listing(folder)
                    raw = _read_message(listing.get(remote.uid))
            if raw is not None:
                yield remote, raw

    def files(self, folder: str) -> dict[str, Path]:
        """Where the messages of a folder are: uid -> file."""
        with _translated(self.root):
            return {uid: Path(path) for uid, path in self._listing(folder).items()}

    def wait(self, seconds: float) -> bool:
        """Look once a second whether a directory has changed."""
        deadline = self._monotonic() + seconds
        while not self._differs():
            remaining = deadline - self._monotonic()
            if remaining <= 0:
                return False
            if self._interrupted.wait(min(remaining, POLL)):
                self._interrupted.clear()
                return False
        return True

    def interrupt(self) -> None:
        """Make `wait` return at once."""
        self._interrupted.set()

    def _listing(self, folder: str) -> dict[str, str]:
        """The files of a folder: uid -> path."""
        found: dict[str, str] = {}
        for directory in self._directories(folder):
            with os.scandir(directory) as entries:
                for entry in entries:
                    uid = self._uid(entry.name)
                    if uid is not None and entry.is_file():
                        found[_as_text(uid)] = entry.path
        return found

    def _describe(self, folder: str, paths: dict[str, str]) -> list[Remote]:
        """Size and date of each file; the dates are kept until the messages are held, or gone."""
        before = self._received.get(folder, {})
        dates = self._received[folder] = {}
        remotes = []
        for uid, path in paths.items():
            try:
                status = Path(path).stat()
                dates[uid] = before.get(uid) or _received(path, status.st_mtime)
            except FileNotFoundError:
                continue
            remotes.append(Remote(folder, uid, dates[uid], status.st_size))
        return remotes

    def _differs(self) -> bool:
        with _translated(self.root):
            return any(self._folder_differs(folder) for folder in self.folders())

    def _folder_differs(self, folder: str) -> bool:
        """Whether a folder is not what `changes` reported; a directory's time stamp only saves listing it."""
        stamp = max((path.stat().st_mtime_ns for path in self._directories(folder)), default=0)
        if stamp == self._stamps.get(folder) and self._clock_ns() - stamp > SETTLED_NS:
            return False
        if _fingerprint(self._listing(folder)) != self._reported.get(folder):
            return True
        self._stamps[folder] = stamp
        return False


def date_received(head: bytes) -> datetime | None:
    """When a message was received, or else written, from the beginning of its header."""
    header = FOLDING.sub(b" ", HEADER_END.split(head, maxsplit=1)[0])
    for pattern in DATES:
        if (found := pattern.search(header)) and (moment := _parse_date(found[1])):
            return moment
    return None


def _parse_date(text: bytes) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text.decode("latin-1"))
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):  # what the library raises on odd dates
        return None


def _received(path: str, modified: float) -> datetime:
    with Path(path).open("rb") as file:
        return date_received(file.read(HEAD_BYTES)) or datetime.fromtimestamp(modified, UTC)


def _read_message(path: str | None) -> bytes | None:
    if path is None:
        return None
    try:
        with Path(path).open("rb") as file:
            whole = os.fstat(file.fileno()).st_size <= WHOLE_LIMIT
            return file.read(WHOLE_LIMIT if whole else CUT_AFTER)
    except FileNotFoundError:
        return None


def _fingerprint(uids: Iterable[str]) -> str:
    """The same for the same uids: what comes or goes changes it, a flag or a moved file does not."""
    return blake2b("\n".join(sorted(uids)).encode(), digest_size=16).hexdigest()


def _as_text(name: str) -> str:
    """A file name that is not UTF-8, as text that a database can hold."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


@contextmanager
def _translated(root: Path) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise MailboxMissing(f"There is no mailbox at {root}") from error
    except OSError as error:
        raise MailboxUnreachable(f"{error.filename or root}: {error.strerror}") from error
