"""How many streams there may be, how fast they may be opened, and what those are told who get none."""

from __future__ import annotations

import msgspec
import pytest

from tests.databases import until
from tests.web.sites import MIA, NOAH, LiveSite
from tests.web.tabs import FRAMING, Tab
from zena_sse.security.limits import Rate


async def is_shed(tab: Tab) -> bool:
    """Whether it was turned away in words that a browser understands, and comes back; or let in."""
    assert tab.status == 200
    assert tab.headers["content-type"].startswith("text/event-stream")
    message = await tab.next()
    if message.event == "stream.ready":
        return False
    assert (message.event, message.payload) == ("stream.closing", {"reason": "overloaded"})
    assert message.retry is not None
    assert 5_000 <= message.retry <= 15_000
    assert await tab.rest() == []
    return True


def refused(live: LiveSite, code: str) -> int:
    """How many streams were refused for this, as the metrics have it."""
    counts = live.zena.metrics.streams_refused.counts
    return counts[code]


@pytest.mark.parametrize("changes", [{"streams_per_server": 2}])
async def test_a_full_server_turns_streams_away_until_one_has_gone(live: LiveSite) -> None:
    first, second = await live.open_ready(), await live.open_ready(NOAH)
    turned_away = [await live.open(user) for user in (MIA, NOAH, "olga")]
    assert [await is_shed(tab) for tab in turned_away] == [True] * 3
    assert refused(live, "overloaded") == 3
    await live.publish_numbered(1, 1)
    assert (await first.next()).event == "thread.viewed"
    await second.leave()
    await until(lambda: len(live.zena.hub) == 1)
    assert not await is_shed(await live.open("olga"))


@pytest.mark.parametrize("changes", [{"streams_per_address": 1}])
async def test_this_machines_own_proxies_are_not_one_caller(live: LiveSite) -> None:
    for _ in range(3):
        await live.open_ready()
    assert len(live.streams()) == 3


@pytest.mark.parametrize("changes", [{"streams_per_address": 1}])
@pytest.mark.parametrize("carrier", ["taken", "hypercorn"])  # uvicorn believes proxies on this machine
async def test_an_address_that_nobody_vouches_for_is_none(live: LiveSite) -> None:
    for _ in range(3):
        await live.open_ready(headers=live.bearer() | {"X-Forwarded-For": "192.0.2.1"})
    assert len(live.streams()) == 3


@pytest.mark.parametrize("changes", [{"streams_per_address": 2, "trusted_hops": 1}])
async def test_one_address_has_its_share_and_leaves_the_others_theirs(live: LiveSite) -> None:
    async def open_from(forwarded: str, user: str = MIA) -> Tab:
        return await live.open(headers=live.bearer(user) | {"X-Forwarded-For": forwarded})

    first = await open_from("192.0.2.1")
    assert not await is_shed(first)
    assert not await is_shed(await open_from("198.51.100.9, 192.0.2.1", NOAH))
    assert await is_shed(await open_from("192.0.2.1", "olga"))
    assert await is_shed(await open_from("198.51.100.9, 192.0.2.1"))  # only what our proxy saw counts
    assert not await is_shed(await open_from("192.0.2.2"))
    await first.leave()
    await until(lambda: len(live.zena.hub) == 2)
    assert not await is_shed(await open_from("192.0.2.1"))


class Stopped:
    """A clock that moves when it is told to."""

    def __init__(self, rate: Rate) -> None:
        self.now = rate._clock()
        rate._clock = lambda: self.now


@pytest.mark.parametrize("changes", [{"streams_per_second": 2, "streams_per_user": 20}])
async def test_streams_are_taken_in_no_faster_than_the_server_can(live: LiveSite) -> None:
    clock = Stopped(live.zena.limits._admissions)
    assert [await is_shed(await live.open()) for _ in range(6)] == [False] * 4 + [True] * 2
    clock.now += 1
    assert [await is_shed(await live.open()) for _ in range(4)] == [False] * 2 + [True] * 2
    assert refused(live, "overloaded") == 4


@pytest.mark.parametrize("changes", [{"streams_per_user": 1}])
async def test_a_user_who_opens_streams_too_often_is_told_to_wait(live: LiveSite) -> None:
    clock = Stopped(live.zena.limits._opens)
    for _ in range(60):
        assert (await live.open(method="HEAD")).status == 200
    tab = await live.open()
    assert tab.status == 429
    assert tab.headers.keys() - FRAMING == {"content-type", "cache-control", "retry-after"}
    assert tab.headers["content-type"] == "application/problem+json"
    assert tab.headers["retry-after"] == "1"
    problem = msgspec.json.decode(await tab.content())
    assert (problem["status"], problem["code"], problem["retryable"]) == (429, "too_many_requests", True)
    assert refused(live, "too_many_requests") == 1
    assert live.streams() == []
    assert not await is_shed(await live.open(NOAH))
    clock.now += 1
    assert not await is_shed(await live.open())
