"""Clients that lose their connection at random moments: what they get over all of them has no seam."""

from __future__ import annotations

import asyncio
from random import Random
from typing import NamedTuple

import pytest

from tests.e2e.conftest import NewServer
from tests.e2e.endurance.publishers import numbers, publishing, unsteadily
from tests.e2e.endurance.swarm import Tab, swarming

USERS = [f"user{number}" for number in range(20)]
TABS = 10  # of each user
PUBLISHERS = 4

# In seconds: how long a tab stays, how long it is away, how long a publisher rests at most.
STAY = (0.02, 0.4)
AWAY = (0.0, 0.2)
REST = 0.04

# The tabs of a user come back more often than is tolerated, which is tested elsewhere.
GENEROUS = "1000"


class Form(NamedTuple):
    """How often each tab loses its connection."""

    losses: int


FORMS = [
    pytest.param(Form(3), id="short"),  # 600 in all
    pytest.param(Form(50), id="full", marks=[pytest.mark.slow, pytest.mark.timeout(600)]),  # 10,000
]


async def lose_connections(tab: Tab, times: int, random: Random) -> None:
    """Come and go; at the end the tab is there."""
    connection = await tab.open()
    for _ in range(times):
        await asyncio.sleep(random.uniform(*STAY))
        if random.random() < 0.2:  # what has come and was not read is lost with the connection
            connection.stop_reading()
            await asyncio.sleep(random.uniform(*STAY))
        (connection.reset if random.random() < 0.5 else connection.leave)()
        await asyncio.sleep(random.uniform(*AWAY))
        connection = await tab.open()


@pytest.mark.parametrize("form", FORMS)
async def test_event_sequences_have_no_gap_no_duplicate_and_no_stranger_over_random_disconnects(
    new_server: NewServer, form: Form
) -> None:
    server = new_server(ZENA_STREAMS_PER_USER=GENEROUS)
    await asyncio.to_thread(server.start)
    random = Random(0)  # noqa: S311  # any spread will do
    async with swarming(server.port, server.token) as swarm, publishing(server, PUBLISHERS) as publishers:
        # Half of them say which tab they are: such a one takes the place of the stream that it had.
        tabs = [swarm.tab(user, f"tab={tab}" if tab % 2 else "") for user in USERS for tab in range(TABS)]
        epochs = {user: await asyncio.to_thread(server.epoch, user) for user in USERS}
        for tab in tabs:
            tab.begin(epochs[tab.user])
        async with unsteadily(publishers, USERS, random, REST):
            await asyncio.gather(*(lose_connections(tab, form.losses, random) for tab in tabs))
        published = numbers(publishers)
        await swarm.all_have(published)
        assert {mode for tab in tabs for mode in tab.modes} == {"resumed"}
        assert min(published.values()) > form.losses
