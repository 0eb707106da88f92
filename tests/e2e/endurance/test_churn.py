"""Clients that come and go in all ways: the server afterwards has what it had before, and no more."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.databases import until
from tests.e2e.conftest import NewServer
from tests.e2e.endurance.leaving import come_and_go, vanish
from tests.e2e.endurance.swarm import Tab, all_of, swarming
from tests.e2e.endurance.vitals import Holdings, comes_to, holdings, log, on_linux, resident_kib, slope
from tests.e2e.programs import SECRET, Serving
from tests.web.carriers import taken
from zena_sse.app import create_app
from zena_sse.settings import Settings
from zena_sse.wiring import Zena

pytestmark = on_linux

# Each comes back seldom enough that nobody is told to come less often; and, their number having no divisor in
# common with the number of ways to leave, in all of them.
USERS = [f"user{number}" for number in range(301)]

# Until everybody is known, all that is kept for a while is kept, and the allocator has what it needs.
WARMING = 3_000

# Those that vanish are found out when their time is over, which is looked at twenty times in a heartbeat.
VANISHING = {"ZENA_STREAM_SECONDS": "1", "ZENA_HEARTBEAT_SECONDS": "1"}

# None of them is to be turned away at the door.
STREAMS_PER_SECOND = 100_000

# So many connects, and a look at the memory.
LAP = 200

# Where what belongs to a connection, a request or a stream is at home.
OURS = ("zena_sse.serving.", "zena_sse.stream.subscription.", "uvicorn.protocols.")


class Form(NamedTuple):
    """How many connects and disconnects; and what can be said after so many."""

    connects: int
    bytes_each: float  # that memory may seem to grow by


FORMS = [
    # So few hardly fill the pages that the allocator takes at once; a stream with its socket has 2,000 bytes.
    pytest.param(Form(3_000, 1_000), id="short"),
    # Less than the smallest object of ours that could be forgotten.
    pytest.param(Form(50_000, 50), id="full", marks=[pytest.mark.slow, pytest.mark.timeout(900)]),
]


@pytest.mark.parametrize("form", FORMS)
async def test_server_holds_what_it_held_before_all_came_and_went(new_server: NewServer, form: Form) -> None:
    server = new_server(ZENA_STREAMS_PER_SECOND=str(STREAMS_PER_SECOND))
    await asyncio.to_thread(server.start)
    async with swarming(server.port, server.token) as swarm:
        tabs = [swarm.tab(user) for user in USERS]
        before = await warm(server, tabs)
        memory: list[tuple[float, float]] = []
        for connects in range(LAP, form.connects + 1, LAP):
            await come_and_go(tabs, LAP)
            memory.append((connects, resident_kib(server)))
        await comes_to(lambda: holdings(server), before)
        assert swarm.faults == []
        assert {event.data for tab in tabs for event in tab.closings} == set()
    leaking = slope(memory[len(memory) // 4 :]) * 1024  # the first laps still warm up
    log.info("memory grew by %.0f bytes for each connect: %s", leaking, [kib for _, kib in memory[::15]])
    assert leaking < form.bytes_each


async def test_clients_that_vanished_are_gone_when_their_time_is_over(new_server: NewServer) -> None:
    server = new_server(**VANISHING)
    await asyncio.to_thread(server.start)
    async with swarming(server.port, server.token) as swarm:
        tabs = [swarm.tab(user) for user in USERS]
        before = await warm(server, tabs)
        await all_of(vanish(tab) for tab in tabs)
        await comes_to(lambda: holdings(server), before)
        assert swarm.faults == []


async def warm(server: Serving, tabs: Sequence[Tab]) -> Holdings:
    """What a server has that has had many and has none."""
    await come_and_go(tabs, WARMING)
    await comes_to(lambda: holdings(server).streams, 0)
    return await asyncio.to_thread(holdings, server)


class Inside(NamedTuple):
    """What a server has, seen from inside."""

    tasks: int
    streams: int
    users: int
    beating: int
    objects: Counter[str]


def inside(zena: Zena) -> Inside:
    """What it has now."""
    gc.collect()
    kinds = [f"{type(thing).__module__}.{type(thing).__qualname__}" for thing in gc.get_objects()]
    return Inside(
        len(asyncio.all_tasks()),
        len(zena.hub),
        len(zena.hub._active),
        sum(len(slot) for slot in zena.streams.pulse._slots.values()),
        Counter(kind for kind in kinds if kind.startswith(OURS)),
    )


@pytest.mark.parametrize("form", FORMS)
async def test_nothing_inside_is_left_of_those_who_came_and_went(directory: Path, form: Form) -> None:
    settings = Settings(data_dir=directory, jwt_secret=SECRET, streams_per_second=STREAMS_PER_SECOND)
    app = create_app(settings, background=False)
    zena: Zena = app.extensions["zena"]
    async with taken(app, settings) as running, swarming(running.port, partial(token, zena)) as swarm:
        before = inside(zena)
        await come_and_go([swarm.tab(user) for user in USERS], form.connects)
        with suppress(TimeoutError):
            await until(lambda: inside(zena) == before)
        assert inside(zena) == before
        assert swarm.faults == []


def token(zena: Zena, user: str) -> str:
    """A token that this server accepts."""
    return zena.tokens.sign(user, "agent", timedelta(hours=1))
