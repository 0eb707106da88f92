"""Ordinary life, for as long as one likes: nothing grows but the log, and nobody misses anything."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from random import Random
from typing import NamedTuple

import pytest

from tests.e2e.conftest import NewServer
from tests.e2e.endurance.publishers import Publisher, fill, numbers, publishing, unsteadily
from tests.e2e.endurance.swarm import Swarm, Tab, all_of, leave_all, swarming
from tests.e2e.endurance.vitals import Holdings, comes_to, holdings, log, on_linux, resident_kib, slope
from tests.e2e.programs import Serving

pytestmark = on_linux

USERS = [f"user{number}" for number in range(40)]
TABS = 6  # of each user
PUBLISHERS = 4

# Lifetimes are short, so that a stream is rotated as often as in a day of real life.
STREAM_SECONDS = "20"

# In seconds. How long a tab stays before it is lost, how long it is away, how long it does not read; how long
# a publisher rests at most.
STAY = (1.0, 15.0)
AWAY = (0.0, 2.0)
BLINK = (0.5, 3.0)
REST = 0.05

# Some never read, until the server has had enough of it: after 20 seconds.
DEAF_TABS = 4
DEAF_SECONDS = 23.0
TINY = 4096
FILL_BYTES = 1_500_000

SAMPLE_SECONDS = 0.5


class Form(NamedTuple):
    """How long, and what can be said after so long."""

    seconds: float
    kib_per_second: float  # by which memory may seem to grow


SOAK_SECONDS = 60 * float(os.environ.get("ZENA_SOAK_MINUTES", "30"))

FORMS = [
    # Half a minute is a server's youth: pools and caches fill. What is kept of each event or each delivery
    # shows all the same: 600 and 3,000 a second.
    pytest.param(Form(30, 60), id="short", marks=pytest.mark.timeout(180)),
    # Each round of stalls lifts memory for a while, which can look like growth by so much.
    pytest.param(
        Form(SOAK_SECONDS, 8_000 / SOAK_SECONDS),
        id="full",
        marks=[pytest.mark.slow, pytest.mark.timeout(0)],
    ),
]


async def live(tab: Tab, until: float, random: Random) -> None:
    """Stay and go, read and pause, and come back when the server has ended it."""
    clock = asyncio.get_running_loop().time
    connection = await tab.open()
    while (left := until - clock()) > 0:
        await asyncio.wait([connection.over], timeout=min(left, random.uniform(*STAY)))
        if connection.over.done():
            connection = await tab.open()
        elif random.random() < 0.3:
            connection.stop_reading()
            await asyncio.sleep(random.uniform(*BLINK))
            connection.read_again()
        else:
            (connection.reset if random.random() < 0.5 else connection.leave)()
            await asyncio.sleep(random.uniform(*AWAY))
            connection = await tab.open()


async def be_deaf(tab: Tab, publisher: Publisher, until: float) -> None:
    """Stall with all buffers full, and look after a while whether the server has ended it."""
    while asyncio.get_running_loop().time() + DEAF_SECONDS < until:
        connection = await tab.open(TINY)
        connection.stop_reading()
        await fill([publisher], [tab.user], FILL_BYTES)
        await asyncio.sleep(DEAF_SECONDS)
        connection.read_again()
        await connection.over


async def watch(server: Serving, until: float) -> list[tuple[float, float]]:
    """Look again and again how many KiB the server has."""
    clock = asyncio.get_running_loop().time
    samples = []
    while (now := clock()) < until:
        samples.append((now, float(resident_kib(server))))
        await asyncio.sleep(SAMPLE_SECONDS)
    return samples


@pytest.mark.parametrize("form", FORMS)
async def test_nothing_grows_and_nothing_is_missed_in_a_soak(new_server: NewServer, form: Form) -> None:
    server = new_server(ZENA_STREAM_SECONDS=STREAM_SECONDS)
    await asyncio.to_thread(server.start)
    async with swarming(server.port, server.token) as swarm, publishing(server, PUBLISHERS + 1) as publishers:
        tabs = [swarm.tab(user, f"tab={tab}") for user in USERS for tab in range(TABS)]
        epochs = {user: await asyncio.to_thread(server.epoch, user) for user in USERS}
        for tab in tabs:
            tab.begin(epochs[tab.user])
        before = await after_all_left(server, tabs)
        samples = await soak(server, swarm, publishers, form.seconds)
        await leave_all(tabs)
        await all_of(tab.open() for tab in tabs)
        await swarm.all_have(numbers(publishers))
        assert any(event.data.find(b"rotated") > 0 for tab in tabs for event in tab.closings)
        await leave_all(swarm.tabs)
        await comes_to(lambda: holdings(server), before)
    growing = slope(samples[len(samples) // 3 :])  # when everything has been done for the first time
    log.info("memory grew by %.2f KiB/s: %s", growing, [kib for _, kib in samples[:: len(samples) // 60 + 1]])
    assert growing < form.kib_per_second


async def after_all_left(server: Serving, tabs: Sequence[Tab]) -> Holdings:
    """What a server has that has had all of them, and has none."""
    await all_of(tab.open() for tab in tabs)
    await leave_all(tabs)
    await comes_to(lambda: holdings(server).streams, 0)
    return await asyncio.to_thread(holdings, server)


async def soak(
    server: Serving, swarm: Swarm, publishers: Sequence[Publisher], seconds: float
) -> list[tuple[float, float]]:
    """Live for so long; how many KiB the server had, again and again."""
    *others, spare = publishers
    tabs, random = list(swarm.tabs), Random(0)  # noqa: S311  # any spread will do
    until = asyncio.get_running_loop().time() + seconds
    async with unsteadily(others, USERS, random, REST), asyncio.TaskGroup() as group:
        watching = group.create_task(watch(server, until))
        for tab in tabs:
            group.create_task(live(tab, until, random))
        for number in range(DEAF_TABS):
            group.create_task(be_deaf(swarm.tab(f"deaf{number}"), spare, until))
    return watching.result()
