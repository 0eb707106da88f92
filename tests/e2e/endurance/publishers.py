"""Back-end services that publish over HTTP, each on a connection that it keeps."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from random import Random

import msgspec

from tests.e2e.programs import PATIENCE_SECONDS, Serving

# Of this an event can be as large as it may be: 64 KiB with all that is around it.
LARGE_BYTES = 60_000


# A server hangs up on a connection that says nothing for 5 seconds; one that rested this long is replaced.
REST_SECONDS = 2.0


def note(user: str, number: int, by: str) -> dict[str, object]:
    """The numbered event of a user that `Tab` keeps account of."""
    payload = {"threadId": f"{user}/{number}", "viewedAt": "2026-11-20T09:00:00Z", "by": by}
    return {"type": "thread.viewed", "payload": payload}


def large() -> dict[str, object]:
    """A large event, which is for filling buffers with."""
    payload = {"accountId": "large", "error": "x" * LARGE_BYTES, "fatal": False}
    return {"type": "sync.error", "payload": payload}


class Publisher:
    """One service: a request at a time, each with one event or a list of them."""

    def __init__(self, server: Serving, name: str) -> None:
        self.numbers: Counter[str] = Counter()  # how many notes each user has
        self._port = server.port
        self._token = server.token(name, "publisher")
        self._connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._used = 0.0
        self._turn = asyncio.Lock()

    async def note(self, user: str, by: str = "crm", count: int = 1) -> None:
        """Publish the next notes of a user, in one request; nobody else may number this user's."""
        first = self.numbers[user] + 1
        await self.publish(user, [note(user, number, by) for number in range(first, first + count)])
        self.numbers[user] += count

    async def publish(self, user: str, events: Sequence[dict[str, object]]) -> None:
        """Publish these; returns when they are in the log."""
        body = msgspec.json.encode(events)
        head = (
            f"POST /users/{user}/events HTTP/1.1\r\nHost: swarm\r\nAuthorization: Bearer {self._token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        async with self._turn, asyncio.timeout(PATIENCE_SECONDS):
            reader, writer = await self._connected()
            writer.write(head.encode() + body)
            answer = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(answer.partition(b"content-length: ")[2].partition(b"\r\n")[0])
            body = await reader.readexactly(length)
        assert answer.startswith(b"http/1.1 202"), (answer, body)

    async def close(self) -> None:
        """Hang up."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection[1].close()
            await connection[1].wait_closed()

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        now = asyncio.get_running_loop().time()
        rested, self._used = now - self._used, now
        if rested > REST_SECONDS:
            await self.close()
        if self._connection is None:
            self._connection = await asyncio.open_connection("127.0.0.1", self._port)
        return self._connection


@asynccontextmanager
async def publishing(server: Serving, count: int) -> AsyncIterator[list[Publisher]]:
    """So many services."""
    publishers = [Publisher(server, f"crm{number}") for number in range(count)]
    try:
        yield publishers
    finally:
        for publisher in publishers:
            await publisher.close()


def numbers(publishers: Iterable[Publisher]) -> Counter[str]:
    """How many notes each user has."""
    return sum((publisher.numbers for publisher in publishers), Counter())


async def steadily(publisher: Publisher, users: Sequence[str], rate: float, seconds: float) -> None:
    """Publish to these users in turn, so many notes a second; each says when it was due (`loop.time`).

    Due, not sent: what waits behind a slow answer has waited too.
    """
    loop = asyncio.get_running_loop()
    due = loop.time()
    until = due + seconds
    for user in itertools.cycle(users):
        if due >= until:
            return
        await asyncio.sleep(due - loop.time())
        await publisher.note(user, by=repr(due))
        due += 1 / rate


async def fill(publishers: Sequence[Publisher], users: Sequence[str], size: int) -> None:
    """Publish so many bytes of large events to each user: more than all buffers on the way can hold."""
    events = [large()] * (size // LARGE_BYTES + 1)

    async def by(publisher: Publisher, share: Sequence[str]) -> None:
        for user in share:
            await publisher.publish(user, events)

    count = len(publishers)
    await asyncio.gather(*(by(each, users[number::count]) for number, each in enumerate(publishers)))


@asynccontextmanager
async def unsteadily(
    publishers: Sequence[Publisher], users: Sequence[str], random: Random, pause: float
) -> AsyncIterator[None]:
    """Meanwhile one user or another gets a few notes at once, in no rhythm; `pause` is the longest one."""
    over = False

    async def keep_publishing(publisher: Publisher, share: Sequence[str]) -> None:
        while not over:
            await publisher.note(random.choice(share), count=random.randint(1, 5))
            await asyncio.sleep(random.uniform(0, pause))

    async with asyncio.TaskGroup() as group:
        for number, publisher in enumerate(publishers):
            group.create_task(keep_publishing(publisher, users[number :: len(publishers)]))
        try:
            yield
        finally:
            over = True
