"""All the ways in which a client can leave, each at its worst moment."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence

from tests.e2e.endurance.connection import Connection
from tests.e2e.endurance.swarm import Tab
from tests.e2e.programs import PATIENCE_SECONDS

# Clients that come and go at the same time.
AT_ONCE = 64

# Seconds into an admission, which takes one to a few milliseconds.
MOMENTS = itertools.cycle((0.0, 0.0002, 0.0005, 0.001, 0.002, 0.004))

Way = Callable[[Tab], Awaitable[None]]


async def hang_up(tab: Tab) -> None:
    """In order, while the stream is open."""
    connection = await tab.open()
    connection.leave()
    await connection.over


async def reset(tab: Tab) -> None:
    """As a process that is killed."""
    connection = await tab.open()
    connection.reset()
    await connection.over


async def close_half(tab: Tab) -> None:
    """Say that nothing more will be sent, and wait for the server to end it."""
    connection = await tab.open()
    connection.half_close()
    await over(connection)


async def vanish(tab: Tab) -> None:
    """Neither read nor answer ever again; the connection stays, as far as anybody can tell.

    A machine that is switched off would not even acknowledge; to have that takes a network of one's own. Here
    the kernel acknowledges until its buffer is full. Either way it is the server that must end it.
    """
    connection = await tab.open()
    connection.stop_reading()


async def hang_up_in_the_header(tab: Tab) -> None:
    """In the middle of the request."""
    connection = await tab.connect(tab.request[:-20])
    connection.leave()
    await connection.over


async def reset_in_the_header(tab: Tab) -> None:
    """In the middle of the request, and rudely."""
    connection = await tab.connect(tab.request[:-20])
    connection.reset()
    await connection.over


async def hang_up_in_admission(tab: Tab) -> None:
    """When the request is out and the server looks into it."""
    connection = await tab.connect(tab.request)
    await asyncio.sleep(next(MOMENTS))
    connection.leave()
    await connection.over


async def reset_in_admission(tab: Tab) -> None:
    """The same, rudely."""
    connection = await tab.connect(tab.request)
    await asyncio.sleep(next(MOMENTS))
    connection.reset()
    await connection.over


async def close_half_in_admission(tab: Tab) -> None:
    """Ask, say that this is all, and wait for the server to end it."""
    connection = await tab.connect(tab.request)
    await asyncio.sleep(next(MOMENTS))
    connection.half_close()
    await over(connection)


async def over(connection: Connection) -> None:
    """Wait until the server has ended it."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        await connection.over


# All but vanishing, which the server cannot know of: with these it has all back at once.
WAYS: tuple[Way, ...] = (
    hang_up,
    reset,
    close_half,
    hang_up_in_the_header,
    reset_in_the_header,
    hang_up_in_admission,
    reset_in_admission,
    close_half_in_admission,
)


async def come_and_go(tabs: Sequence[Tab], times: int) -> None:
    """So many connects and disconnects by these tabs, in all ways."""
    turns = iter(range(times))

    async def client() -> None:
        for turn in turns:
            await WAYS[turn % len(WAYS)](tabs[turn % len(tabs)])

    await asyncio.gather(*(client() for _ in range(AT_ONCE)))
