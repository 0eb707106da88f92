"""The mail room on a real database, an engine with mailboxes in memory, time that the test moves."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import msgspec

from tests.databases import NOON, Clock, epochs, new_database, running_storage, until
from tests.memorymailbox import AGENT, MemoryConnector, MemoryMailbox, parsed
from zena_sse.contract.events import Event, Provider
from zena_sse.errors import StorageUnavailable
from zena_sse.mail.accounts import (
    Account,
    FolderMailbox,
    Mailbox,
    add_account,
    find_account,
    seal_mailbox,
)
from zena_sse.mail.connector import Connector, Remote
from zena_sse.mail.content.message import Message
from zena_sse.mail.content.parsing import parse_batch
from zena_sse.mail.engine import Engine
from zena_sse.mail.ports import Ports
from zena_sse.mail.runs import Run, claim_run, request_sync
from zena_sse.mail.store import Applied, Copy, apply_batch
from zena_sse.metrics import Metrics
from zena_sse.security.vault import Vault, load_or_create_keys
from zena_sse.settings import Settings
from zena_sse.storage.port import Reader, Storage, Transaction
from zena_sse.storage.sqlite import SqliteStorage
from zena_sse.storage.unit import Offer
from zena_sse.stream.hub import Hub

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

ANNA = "anna"


class Room:
    """A database with its hub, and the little that tests ask of it."""

    def __init__(
        self, storage: SqliteStorage, clock: Clock, offers: list[Offer], vault: Vault, prefix: str
    ) -> None:
        self.storage = storage
        self.vault = vault
        self._prefix = prefix
        self.clock = clock
        self.offers = offers
        self._ids = itertools.count(1)
        self._uids = itertools.count(1)

    def new_id(self) -> str:
        return f"{self._prefix}{next(self._ids)}"

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
        self,
        run: Run,
        *mails: bytes,
        folder: str = "INBOX",
        validity: str = "1",
        uids: Sequence[str] = (),
        thread: str | None = None,
    ) -> Applied:
        """Take in these mails, under new uids if none are given; `thread` is the provider's id of them."""
        copies = self.copies(*mails, folder=folder, validity=validity, uids=uids, thread=thread)
        return await self.storage.write(apply_batch, run, copies)

    def copies(
        self,
        *mails: bytes,
        folder: str = "INBOX",
        validity: str = "1",
        uids: Sequence[str] = (),
        thread: str | None = None,
    ) -> list[Copy]:
        """Copies of these mails, under new uids if none are given."""
        names = uids or [f"u{next(self._uids)}" for _ in mails]
        return [
            Copy(Remote(folder, uid, NOON, len(raw), thread), validity, parsed(raw))
            for uid, raw in zip(names, mails, strict=True)
        ]

    async def count(self, table: str) -> int:
        """How many rows a table has."""
        return await self.storage.read(lambda reader: reader.one(int, f"SELECT COUNT(*) FROM {table}") or 0)

    async def query(self, into: type[T], sql: str) -> list[T]:
        """What a query gives."""
        return await self.storage.read(lambda reader: reader.all(into, sql))

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
async def open_room(directory: Path, clock: Clock | None = None, prefix: str = "id") -> AsyncIterator[Room]:
    """A room whose ids begin with `prefix`; opened again, it finds what was left in the directory."""
    path = directory / "zena.db"
    if not path.exists():
        new_database(directory)
    offers: list[Offer] = []
    hub = Hub(10)
    clock = clock or Clock()

    def offer(one: Offer) -> None:
        offers.append(one)
        hub.offer(one.user_id, one.record, except_tab=one.except_tab)

    async with running_storage(path, offer, clock, epochs()) as storage:
        yield Room(storage, clock, offers, Vault(load_or_create_keys(directory)), prefix)


class Time:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.tick = 0.0  # what every look at the clock takes
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def monotonic(self) -> float:
        self.now += self.tick
        return self.now

    async def sleep(self, seconds: float) -> None:
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


class Flaky:
    """A database that can be told to stop answering, at once or after some units."""

    def __init__(self, storage: SqliteStorage) -> None:
        self._storage = storage
        self.down = False
        self.units: int | None = None

    async def read(self, query: Callable[Concatenate[Reader, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        if self.down:
            raise StorageUnavailable
        return await self._storage.read(query, *args, **kwargs)

    async def write(
        self, unit: Callable[Concatenate[Transaction, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        if self.units is not None:
            self.units -= 1
        if self.down or (self.units is not None and self.units < 0):
            raise StorageUnavailable
        return await self._storage.write(unit, *args, **kwargs)


async def _nothing(_user_id: str, _command_id: str | None) -> None:
    """Nobody waits for mail."""


class EngineRoom:
    """An engine in a room: mailboxes by account name, time, and what was announced."""

    def __init__(
        self,
        room: Room,
        settings: Settings,
        storage: Storage | None = None,
        after_reading: Callable[[str, str | None], Awaitable[None]] | None = None,
    ) -> None:
        self.room = room
        self.time = Time()
        self.boxes: dict[str, MemoryMailbox] = {}
        self.connect: Callable[[], Connector] | None = None  # instead of what is in `boxes`
        self.announced: list[Event] = []
        self.metrics = Metrics()
        self.spoil: Callable[[Message], Message] = lambda message: message
        self.engine = Engine(
            Ports(
                storage=storage or room.storage,
                vault=room.vault,
                open_connector=self._open,
                compute=self._compute,
                announce=lambda _user, event: self.announced.append(event),
                metrics=self.metrics,
                settings=settings,
                new_id=room.new_id,
                domain_clock=room.clock,
                monotonic=self.time.monotonic,
                sleep=self.time.sleep,
                random=lambda: 0.5,
                after_reading=after_reading or _nothing,
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
        return [self.spoil(message) for message in parse_batch(mails)]

    def _open(self, _account: Account, opening: Mailbox) -> Connector:
        assert isinstance(opening, FolderMailbox)
        return MemoryConnector(self.box(opening.path)) if self.connect is None else self.connect()


@asynccontextmanager
async def running_engine(
    room: Room,
    boxes: dict[str, MemoryMailbox] | None = None,
    after_reading: Callable[[str, str | None], Awaitable[None]] | None = None,
    **settings: Any,
) -> AsyncIterator[EngineRoom]:
    """A started engine, stopped afterwards."""
    engine_room = EngineRoom(room, Settings(**settings), after_reading=after_reading)
    engine_room.boxes = boxes if boxes is not None else {}
    await engine_room.engine.start()
    try:
        yield engine_room
    finally:
        await engine_room.engine.stop()


async def sync(room: Room, engine_room: EngineRoom, name: str = "mine") -> None:
    """What the command does."""
    account = await room.storage.read(find_account, ANNA, f"{ANNA}-{name}")
    await room.storage.write(request_sync, account, room.new_id())
    engine_room.engine.wake(account.account_id)
