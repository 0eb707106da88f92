"""A server that is asked to stop while a thousand tabs are connected, some of which do not read."""

from __future__ import annotations

import asyncio
import time
from typing import NamedTuple

import pytest

from tests.e2e.conftest import NewServer
from tests.e2e.endurance.connection import Connection, field
from tests.e2e.endurance.publishers import fill, publishing
from tests.e2e.endurance.swarm import Tab, all_of, swarming
from tests.e2e.endurance.vitals import log
from tests.e2e.programs import Serving
from zena_sse.serving.drain import CLOSE_SECONDS, SLICE, SLICE_SECONDS

STREAMS = 1_000
TABS = 10  # of each user
USERS = [f"user{number}" for number in range(STREAMS // TABS)]
PUBLISHERS = 4

# More than a tab that never reads, the kernel and the transport hold together.
FILL_BYTES = 1_500_000
TINY = 4096

EXIT_SECONDS = 2.0


class Form(NamedTuple):
    """How many of the tabs never read, and how long the server may take."""

    stalled: int
    seconds: float


SLICES = STREAMS / SLICE * SLICE_SECONDS
FORMS = [
    pytest.param(Form(0, EXIT_SECONDS + SLICES), id="all read"),
    # One that takes nothing is waited for, but not for ever.
    pytest.param(Form(50, EXIT_SECONDS + SLICES + CLOSE_SECONDS), id="some stalled"),
]


async def stop(server: Serving) -> float:
    """As an operator does; how many seconds it took. The exit code must say that all is well."""
    began = time.monotonic()
    await asyncio.to_thread(server.stop)
    return time.monotonic() - began


async def stall(tabs: list[Tab], server: Serving) -> None:
    """Open these, never read, and fill all buffers on the way."""
    for connection in await all_of(tab.open(TINY) for tab in tabs):
        connection.stop_reading()
    if tabs:
        async with publishing(server, PUBLISHERS) as publishers:
            await fill(publishers, sorted({tab.user for tab in tabs}), FILL_BYTES)


@pytest.mark.parametrize("form", FORMS)
async def test_sigterm_tells_every_stream_ends_it_cleanly_and_exits_with_0_in_time(
    new_server: NewServer, form: Form
) -> None:
    server = new_server()
    await asyncio.to_thread(server.start)
    async with swarming(server.port, server.token) as swarm:
        tabs = [swarm.tab(user) for user in USERS for _ in range(TABS)]
        # The last users' tabs: all of a user read, or none, for what fills the buffers is not for readers.
        reading, stalled = tabs[: STREAMS - form.stalled], tabs[STREAMS - form.stalled :]
        connections = await all_of(tab.open() for tab in reading)
        await stall(stalled, server)
        took = await stop(server)
        log.info("it ended in %.2f s", took)
        await asyncio.gather(*(connection.over for connection in connections))
        assert [tab for tab in reading if not was_told(tab)] == []
        assert {end_of(connection) for connection in connections} == {"ended"}
        assert took < form.seconds
    assert swarm.faults == []


def was_told(tab: Tab) -> bool:
    """Whether it has heard once that the server stops, and when to come back."""
    reasons = [(field(event.data, b"reason"), event.retry.isdigit()) for event in tab.closings]
    return reasons == [(b"draining", True)]


def end_of(connection: Connection) -> str:
    """How it ended."""
    return connection.over.result()
