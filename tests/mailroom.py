"""The mail room on a real database: mail to put in, a mailbox in memory, time that the test moves."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from cryptography.fernet import Fernet

from tests.databases import NOON, Clock, epochs, new_database, running_storage, until
from zena_sse.contract.events import Event, Provider
from zena_sse.errors import ZenaError
from zena_sse.mail.accounts import Account, FolderMailbox, Opening, add_account, seal_mailbox
from zena_sse.mail.connector import Changes, Connector, FolderState, Held, Remote, window_start
from zena_sse.mail.engine import Engine
from zena_sse.mail.message import Message
from zena_sse.mail.parsing import parse, parse_batch
from zena_sse.mail.ports import Ports
from zena_sse.mail.runs import Run, claim_run, request_sync
from zena_sse.mail.store import Applied, Copy, apply_batch
from zena_sse.metrics import Metrics
from zena_sse.security.vault import Vault
from zena_sse.settings import Settings
from zena_sse.storage.port import Reader, Storage
from zena_sse.storage.sqlite import SqliteStorage
from zena_sse.storage.unit import Offer
from zena_sse.stream.hub import Hub

T = TypeVar("T")

ANNA = "anna"
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


class Room:
    """A database with its hub, and the little that tests ask of it."""

    def __init__(self, storage: SqliteStorage, clock: Clock, offers: list[Offer], hub: Hub) -> None:
        self.storage = storage
        self.clock = clock
        self.offers = offers
        self.hub = hub
        self.vault = Vault([Fernet.generate_key().decode()])
        self._ids = itertools.count(1)
        self._uids = itertools.count(1)

    def new_id(self) -> str:
        return f"id{next(self._ids)}"

    async def account(
        self,
        name: str = "mine",
        *,
        user_id: str = ANNA,
        provider: Provider = "folder",
        addresses: Sequence[str] = (AGENT,),
    ) -> Account:
        """A connected mailbox, its id made of user and name."""
        sealed = seal_mailbox(self.vault, FolderMailbox(name))
        return await self.storage.write(
            add_account, f"{user_id}-{name}", user_id, provider, name, addresses, sealed
        )

    async def run(self, account: Account) -> Run:
        """A run that has begun."""
        await self.storage.write(request_sync, account, self.new_id())
        run = await self.storage.write(claim_run, account.account_id)
        assert run is not None
        return run

    async def apply(
        self, run: Run, *mails: bytes, folder: str = "INBOX", validity: str = "1", uids: Sequence[str] = ()
    ) -> Applied:
        """Take in these mails, under new uids if none are given."""
        names = uids or [f"u{next(self._uids)}" for _ in mails]
        copies = [
            Copy(Remote(folder, uid, NOON, len(raw)), validity, parsed(raw))
            for uid, raw in zip(names, mails, strict=True)
        ]
        return await self.storage.write(apply_batch, run, copies)

    async def count(self, table: str) -> int:
        """How many rows a table has."""
        return await self.storage.read(
            lambda reader: reader.one(int, f"SELECT COUNT(*) FROM {table}") or 0  # type: ignore[arg-type]  # noqa: S608
        )

    async def query(self, into: type[T], sql: str) -> list[T]:
        """What a query gives."""
        return await self.storage.read(lambda reader: reader.all(into, sql))  # type: ignore[arg-type]

    async def events(self, *types: str, user_id: str = ANNA) -> list[dict[str, Any]]:
        """The payloads of a user's logged events, of these types, each with its `type`."""
        return [
            event["payload"] | {"type": event["type"]}
            for event in await self.envelopes(user_id)
            if not types or event["type"] in types
        ]

    async def envelopes(self, user_id: str = ANNA) -> list[dict[str, Any]]:
        """A user's log, decoded."""

        def log(reader: Reader) -> list[bytes]:
            return reader.all(
                bytes, 'SELECT data FROM events WHERE user_id = :user_id ORDER BY "offset"', user_id=user_id
            )

        return [msgspec.json.decode(data) for data in await self.storage.read(log)]

    def offered(self, type_: str) -> int:
        """How many events of this type went to the hub."""
        return sum(offer.record.type == type_ for offer in self.offers)


@asynccontextmanager
async def open_room(directory: Path, clock: Clock | None = None) -> AsyncIterator[Room]:
    """A room; opened on the same directory again, it finds what was left there."""
    path = directory / "zena.db"
    if not path.exists():
        new_database(directory)
    offers: list[Offer] = []
    hub = Hub()
    clock = clock or Clock()

    def offer(one: Offer) -> None:
        offers.append(one)
        hub.offer(one.user_id, one.record, except_tab=one.except_tab)

    async with running_storage(path, offer, clock, epochs()) as storage:
        yield Room(storage, clock, offers, hub)


# --- a mailbox in memory --------------------------------------------------------------------------


class MemoryMailbox:
    """A mailbox that the test fills, empties, renumbers and breaks. Used from several threads."""

    def __init__(self) -> None:
        self.folders: dict[str, dict[str, tuple[datetime, bytes]]] = {"INBOX": {}, "Sent": {}}
        self.validity = "1"
        self.failures: list[Exception] = []  # raised by the next opens, one each
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

    def changes(self, folder: str, known: FolderState | None, held: Held, since: date | None) -> Changes | None:
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
            if remote.uid in self._box.folders[folder]:
                yield remote, self._box.folders[folder][remote.uid][1]

    def wait(self, seconds: float) -> bool:  # noqa: ARG002  # the engine's own timer ends the wait
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


class Time:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []  # every sleep ever asked for
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if seconds > 0:
            sleeper = (self.now + seconds, asyncio.get_running_loop().create_future())
            self._sleepers.append(sleeper)
            try:
                await sleeper[1]
            finally:
                self._sleepers.remove(sleeper)

    def left(self) -> list[float]:
        """How long each of those who sleep will go on, the shortest first."""
        return sorted(until - self.now for until, _ in self._sleepers)

    def pass_by(self, seconds: float) -> None:
        """So much time passes at once."""
        self.now += seconds
        for until_, sleeper in self._sleepers:
            if until_ <= self.now and not sleeper.done():
                sleeper.set_result(None)


class EngineRoom:
    """An engine in a room: mailboxes by account name, time, and what was announced."""

    def __init__(self, room: Room, settings: Settings, storage: Storage | None = None) -> None:
        self.room = room
        self.time = Time()
        self.boxes: dict[str, MemoryMailbox] = {}
        self.connect: Callable[[Account, Opening], Connector] = self._connect
        self.announced: list[Event] = []
        self.metrics = Metrics()
        self.engine = Engine(
            Ports(
                storage=storage or room.storage,
                vault=room.vault,
                open_connector=lambda account, opening: self.connect(account, opening),
                compute=self._compute,
                announce=lambda _user, event: self.announced.append(event),
                metrics=self.metrics,
                settings=settings,
                new_id=room.new_id,
                domain_clock=room.clock,
                monotonic=self.time.monotonic,
                sleep=self.time.sleep,
                random=lambda: 0.5,
            )
        )

    def box(self, name: str = "mine") -> MemoryMailbox:
        """The mailbox of this name."""
        return self.boxes.setdefault(name, MemoryMailbox())

    async def completed(self, number: int, user_id: str = ANNA) -> list[dict[str, Any]]:
        """Wait until so many runs have ended; their `sync.completed`."""
        await until(lambda: self.room.offered("sync.completed") >= number)
        return await self.room.events("sync.completed", user_id=user_id)

    async def _compute(self, mails: Sequence[tuple[bytes, datetime]]) -> list[Message]:
        return parse_batch(mails)

    def _connect(self, account: Account, opening: Opening) -> Connector:
        assert isinstance(opening, FolderMailbox)
        return MemoryConnector(self.box(opening.path))


@asynccontextmanager
async def running_engine(
    room: Room, boxes: dict[str, MemoryMailbox] | None = None, **settings: Any
) -> AsyncIterator[EngineRoom]:
    """A started engine, stopped afterwards."""
    engine_room = EngineRoom(room, Settings(**settings))
    engine_room.boxes = boxes if boxes is not None else {}
    await engine_room.engine.start()
    try:
        yield engine_room
    finally:
        await engine_room.engine.stop()
