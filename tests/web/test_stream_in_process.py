"""The stream through Quart's own test client: no server at all, piece by piece."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from quart import typing as quart

from tests.databases import PATIENCE_SECONDS, until
from tests.web.sites import Site
from tests.web.tabs import EventStream, Message


@asynccontextmanager
async def open_stream(site: Site, target: str = "/events") -> AsyncIterator[quart.TestHTTPConnectionProtocol]:
    """A stream whose client leaves in the end."""
    async with site.client.request(target, headers=site.bearer()) as connection:
        await connection.send_complete()
        try:
            yield connection
        finally:
            await connection.disconnect()


async def receive(connection: quart.TestHTTPConnectionProtocol) -> list[Message]:
    """The events of the next piece, which is made of whole ones."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        return EventStream().feed(await connection.receive())


async def test_ready_is_the_first_piece_and_each_event_one_of_its_own(site: Site) -> None:
    async with open_stream(site) as connection:
        (ready,) = await receive(connection)
        assert ready.event == "stream.ready"
        for number in (1, 2):
            await site.publish_numbered(number, number)
            (message,) = await receive(connection)
            assert message.payload["threadId"] == str(number)


async def test_what_is_replayed_comes_together_with_ready(site: Site) -> None:
    await site.publish_numbered(1, 20)
    async with open_stream(site, f"/events?last_event_id={await site.epoch()}-0") as connection:
        ready, *replayed = await receive(connection)
        assert ready.event == "stream.ready"
        assert [message.payload["threadId"] for message in replayed] == [str(n) for n in range(1, 21)]


async def test_a_client_that_leaves_ends_the_request(site: Site) -> None:
    async with open_stream(site) as connection:
        await receive(connection)
        assert len(site.streams()) == 1
    await until(lambda: not site.streams())


async def test_the_app_stops_while_a_stream_is_open(site: Site) -> None:
    async with open_stream(site) as connection:
        await receive(connection)
        await site.zena.drain()
        (closing,) = await receive(connection)
        assert closing.payload == {"reason": "draining"}
