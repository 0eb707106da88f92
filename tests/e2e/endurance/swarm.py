"""Thousands of browser tabs in one process: each holds a stream, reads it or not, and keeps account of it."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import TypeVar

from tests.e2e.endurance.connection import Connection, Event, field
from tests.e2e.programs import PATIENCE_SECONDS

T = TypeVar("T")

# Connections that are being opened at once: what a busy site has, and less than the server's backlog.
OPENING_AT_ONCE = 64


class Tab:
    """One tab of a user, over all its connections.

    Its account: of the numbered events of its user (see `publishers.note`) each must be the next one, also
    over connections that were lost, and none may be another user's. Whatever is not so is a fault.
    """

    def __init__(self, port: int, user: str, token: str, query: str = "") -> None:
        self.user = user
        self.cursor = b""
        self.number: int | None = None  # of the event that came last; None when any may come next
        self.taken = 0
        self.faults: list[str] = []
        self.modes: Counter[str] = Counter()
        self.closings: list[Event] = []
        self.connections: list[Connection] = []  # those that may not be over yet
        self.on_note: Callable[[bytes], None] | None = None
        self._address = ("127.0.0.1", port)
        self._request = f"GET /events?{query} HTTP/1.1\r\nHost: swarm\r\nAuthorization: Bearer {token}\r\n"

    def begin(self, epoch: str) -> None:
        """Want everything from the beginning of the user's log."""
        self.cursor = f"{epoch}-0".encode()
        self.number = 0

    @property
    def request(self) -> bytes:
        """What it asks for: its stream, from where it was."""
        last = b"Last-Event-ID: %s\r\n" % self.cursor if self.cursor else b""
        return self._request.encode() + last + b"\r\n"

    async def open(self, receive_buffer: int = 0) -> Connection:
        """Open its stream, and wait until the response has begun; the status must be 200."""
        connection = await self.connect(self.request, receive_buffer)
        async with asyncio.timeout(PATIENCE_SECONDS):
            if (status := await connection.opened) != 200:
                self.faults.append(f"{self.user}: the answer was {status}")
        return connection

    async def connect(self, request: bytes, receive_buffer: int = 0) -> Connection:
        """A connection on which so much is asked; the answer is not waited for."""
        loop = asyncio.get_running_loop()
        sock = socket.socket()
        sock.setblocking(False)
        if receive_buffer:  # before connecting: it decides which window is announced
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        try:
            await loop.sock_connect(sock, self._address)
        except BaseException:
            sock.close()
            raise
        _, connection = await loop.create_connection(lambda: Connection(request, self.take), sock=sock)
        self.connections = [former for former in self.connections if not former.over.done()] + [connection]
        return connection

    def take(self, event: Event) -> None:
        """Enter an event into the account."""
        self.taken += 1
        self.cursor = event.id or self.cursor
        if event.type == b"thread.viewed":
            self._take_note(event)
        elif event.type == b"stream.ready":
            self._take_ready(event)
        elif event.type == b"stream.closing":
            self.closings.append(event)

    def _take_ready(self, event: Event) -> None:
        mode = field(event.data, b"mode").decode()
        self.modes[mode] += 1
        if mode != "resumed":
            self.number = None

    def _take_note(self, event: Event) -> None:
        mark = field(event.data, b"threadId")
        user, _, number = mark.decode().partition("/")
        if user != self.user:
            self.faults.append(f"{self.user} was given {mark!r}")
        elif self.number is not None and int(number) != self.number + 1:
            self.faults.append(f"{self.user}: {mark!r} after {self.number}, at {event.id!r}")
        self.number = int(number)
        if self.on_note is not None:
            self.on_note(event.data)


async def all_of(jobs: Iterable[Awaitable[T]], at_once: int = OPENING_AT_ONCE) -> list[T]:
    """Do all of these, so many at once; their results."""
    places = asyncio.Semaphore(at_once)

    async def one(job: Awaitable[T]) -> T:
        async with places:
            return await job

    return await asyncio.gather(*(one(job) for job in jobs))


async def leave_all(tabs: Iterable[Tab]) -> None:
    """Every one that is still connected hangs up."""
    here = [each for tab in tabs for each in tab.connections if not each.over.done()]
    for connection in here:
        connection.leave()
    async with asyncio.timeout(PATIENCE_SECONDS):
        await asyncio.gather(*(connection.over for connection in here))


class Swarm:
    """All the tabs of a test."""

    def __init__(self, port: int, token: Callable[[str], str]) -> None:
        self.tabs: list[Tab] = []
        self._port, self._token = port, token
        self._tokens: dict[str, str] = {}

    def tab(self, user: str, query: str = "") -> Tab:
        """One more tab, which is not open yet."""
        if user not in self._tokens:
            self._tokens[user] = self._token(user)
        self.tabs.append(Tab(self._port, user, self._tokens[user], query))
        return self.tabs[-1]

    @property
    def faults(self) -> list[str]:
        """All that went wrong, anywhere."""
        return [fault for tab in self.tabs for fault in tab.faults]

    async def all_have(self, numbers: Mapping[str, int]) -> None:
        """Wait until each tab has the last note of its user, or something is wrong; nothing may be."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + PATIENCE_SECONDS
        while (late := self._late(numbers)) and not self.faults and clock() < deadline:
            await asyncio.sleep(0.05)
        assert not self.faults, self.faults
        assert not late, late

    def _late(self, numbers: Mapping[str, int]) -> list[str]:
        return [
            f"{tab.user} is at {tab.number} of {numbers[tab.user]}"
            for tab in self.tabs
            if tab.user in numbers and tab.number != numbers[tab.user]
        ]


@asynccontextmanager
async def swarming(port: int, token: Callable[[str], str]) -> AsyncIterator[Swarm]:
    """A swarm of which no connection is left afterwards; `token` makes one for a user."""
    swarm = Swarm(port, token)
    try:
        yield swarm
    finally:
        await leave_all(swarm.tabs)
