"""`zena-sse tail`: follows a stream as a client should, and prints it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager

import click
import httpx
import msgspec
from httpx_sse import ServerSentEvent, aconnect_sse

from zena_sse.contract.events import read_types
from zena_sse.operator import Refused, is_served, refusal, socket_client
from zena_sse.settings import Settings
from zena_sse.storage.log import StoredLog
from zena_sse.stream.cursor import Cursor, open_at

# Three heartbeats without a sign of life: the connection is dead, whatever the socket says.
SILENCE_SECONDS = 45.0

# Full jitter between these bounds, in seconds, when the server cannot be reached.
FIRST_DELAY, LONGEST_DELAY = 1.0, 30.0

# A deploy, a proxy whose server restarts: what a client that resumes by itself waits out.
MAY_PASS = frozenset({429, 502, 503, 504})

# Behind every offset: a page from here has no records, only where the log stands.
NEWEST = 10**18

Show = Callable[[str, str, bytes], None]


async def follow(
    client: httpx.AsyncClient, headers: dict[str, str], types: str | None, cursor: str | None
) -> AsyncGenerator[ServerSentEvent, None]:
    """Every event from the cursor on, over as many connections as it takes. Raises `Refused`."""
    failures = 0
    while True:
        delay = 0.0
        try:
            async with aclosing(_connect(client, headers, types, cursor)) as events:
                async for event in events:
                    failures = 0
                    cursor = event.id or cursor
                    delay = (event.retry or 0) / 1000 or delay
                    yield event
        except httpx.TransportError as error:
            failures += 1
            if failures == 1:
                click.echo(
                    f"zena-sse: no connection ({str(error) or type(error).__name__}); trying again", err=True
                )
            delay = random.uniform(0, min(LONGEST_DELAY, FIRST_DELAY * 2**failures))  # noqa: S311  # jitter
        await asyncio.sleep(delay)


async def _connect(
    client: httpx.AsyncClient, headers: dict[str, str], types: str | None, cursor: str | None
) -> AsyncGenerator[ServerSentEvent, None]:
    resume = {"Last-Event-ID": cursor} if cursor else {}
    query = {"types": types} if types else {}
    timeout = httpx.Timeout(10.0, read=SILENCE_SECONDS)
    async with aconnect_sse(
        client, "GET", "/events", headers=headers | resume, params=query, timeout=timeout
    ) as source:
        if source.response.status_code in MAY_PASS:
            raise httpx.ReadError(refusal(await source.response.aread()))
        if source.response.is_error:
            raise Refused(refusal(await source.response.aread()))
        async for event in source.aiter_sse():
            yield event


async def tail_stream(
    settings: Settings,
    user: str | None,
    token: str | None,
    url: str | None,
    types: str | None,
    cursor: str | None,
    *,
    as_json: bool,
) -> None:
    """Print a user's events until interrupted. Without a server, print what the log has, and end."""
    show = print_json if as_json else print_text
    if user is not None and not await is_served(settings):
        await _print_log(settings, user, types, cursor, show)
        return
    if user is not None:
        client, headers = socket_client(settings), {"Zena-User": user}
    else:
        client = httpx.AsyncClient(base_url=url or f"http://{settings.host}:{settings.port}")
        headers = {"Authorization": f"Bearer {token}"}
    async with client, aclosing(follow(client, headers, types, cursor)) as events:
        async for event in events:
            show(event.id, event.event, event.data.encode())


@asynccontextmanager
async def _open_log(settings: Settings) -> AsyncIterator[StoredLog]:
    """The log of a database that no server owns; no events come of this. Raises `DataDirectoryInUse`."""
    # Only here is the database opened: whoever follows a server need not wait for what opens it.
    from zena_sse.storage.migrate import migrate  # noqa: PLC0415
    from zena_sse.storage.sqlite import Ownership, SqliteStorage  # noqa: PLC0415
    from zena_sse.wiring import new_epoch, now  # noqa: PLC0415

    ownership = Ownership(settings.database_path)
    migrate(settings.database_path)
    storage = SqliteStorage(settings.database_path, offer=lambda _offer: None, clock=now, new_epoch=new_epoch)
    storage.start()
    try:
        yield StoredLog(storage, new_epoch)
    finally:
        await storage.stop()
        ownership.release()


async def _print_log(
    settings: Settings, user: str, types: str | None, cursor: str | None, show: Show
) -> None:
    """Read the log of a database that nobody serves."""
    wanted = read_types(types)
    if not settings.database_path.exists():
        raise Refused(f"no server owns {settings.data_dir} (ZENA_DATA_DIR), and there is no database in it")
    async with _open_log(settings) as log:
        position = (await log.page(user, NEWEST)).position
        if not position.epoch:
            raise Refused(f"There is no user {user!r} in this data directory.")
        beginning = f"{position.epoch}-{position.floor - 1}"
        opening = open_at(cursor or beginning, position)
        if opening.mode == "reset":
            raise Refused(f"{cursor!r} cannot be served ({opening.reason}); the log begins at {beginning}")
        click.echo("zena-sse: no server owns this data directory; this is what the log has", err=True)
        after, complete = opening.cursor.offset, False
        while not complete:
            page = await log.page(user, after)
            for record in page.records:
                after = record.offset
                data = record.frame.partition(b"\ndata: ")[2].rstrip()
                if wanted is None or record.type in wanted:
                    show(str(Cursor(record.epoch, record.offset)), record.type, data)
            complete = page.complete


def print_json(event_id: str, _kind: str, data: bytes) -> None:
    """One line for a program: the envelope and its id."""
    envelope = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
    click.echo(msgspec.json.encode({"id": event_id, **envelope}))


def print_text(event_id: str, kind: str, data: bytes) -> None:
    """One line for a person."""
    payload = msgspec.json.decode(data, type=dict[str, msgspec.Raw])["payload"]
    click.echo(f"{event_id or '-':>16}  {click.style(f'{kind:<16}', bold=True)}  {bytes(payload).decode()}")
