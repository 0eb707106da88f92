"""How a stream ends: who decides it, what is said before, and that nothing of it stays behind."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from tests.databases import until
from tests.web.sites import MIA, NOAH, LiveSite
from tests.web.tabs import Message, Tab
from zena_sse.security.principal import Principal
from zena_sse.storage.log import find_position
from zena_sse.stream.log import Page, Record, Want
from zena_sse.web.identity import Scope

MINUTE = 60_000


async def closing(tab: Tab, reason: str) -> Message:
    """The stream's last event, after which it ends cleanly."""
    message = await tab.next()
    assert message.event == "stream.closing", message
    assert message.payload == {"reason": reason}
    assert message.id is None
    assert message.retry is not None
    assert await tab.rest() == []
    return message


@asynccontextmanager
async def slow_admission(live: LiveSite, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[asyncio.Event]:
    """The first stream whose credential was found good waits there until the block is left."""
    asked, gate, principal = asyncio.Event(), asyncio.Event(), live.zena.identity.principal

    async def wait(scope: Scope, query: dict[str, str] | None = None) -> Principal:
        found = await principal(scope, query)
        if not asked.is_set():
            asked.set()
            await gate.wait()
        return found

    with monkeypatch.context() as patch:
        patch.setattr(live.zena.identity, "principal", wait)
        try:
            yield asked
        finally:
            gate.set()


@asynccontextmanager
async def slow_log(live: LiveSite, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[asyncio.Event]:
    """The first trip to the log takes until the block is left."""
    asked, gate, pages = asyncio.Event(), asyncio.Event(), live.zena.log.pages

    async def wait(wants: Sequence[Want]) -> list[Page]:
        found = await pages(wants)
        asked.set()
        await gate.wait()
        return found

    with monkeypatch.context() as patch:
        patch.setattr(live.zena.log, "pages", wait)
        try:
            yield asked
        finally:
            gate.set()


async def nothing_is_left(live: LiveSite) -> None:
    """Every stream is gone, and so is all that belonged to it."""
    await until(lambda: not live.streams())
    assert live.zena.metrics.registry.get_sample_value("zena_streams") == 0
    assert sum(map(len, live.zena.streams.pulse._slots.values())) == 0
    assert live.zena.streams.room._open == 0
    assert live.zena.streams.reader._waiting == {}


# --- the server decides ---------------------------------------------------------------------------


async def test_a_tab_that_comes_back_replaces_itself_and_nobody_else(live: LiveSite) -> None:
    older = await live.open_ready(MIA, tab="t")
    bystanders = [
        await live.open_ready(MIA, tab="u"),
        await live.open_ready(MIA),
        await live.open_ready(NOAH, tab="t"),
    ]
    newer = await live.open_ready(MIA, tab="t")
    message = await closing(older, "superseded")
    assert message.retry is not None
    assert message.retry >= 2 * MINUTE
    await live.publish_numbered(1, 1, user=MIA)
    await live.publish_numbered(1, 1, user=NOAH)
    for tab in (newer, *bystanders):
        assert (await tab.next()).event == "thread.viewed"
    assert len(live.streams(MIA)) == 3


@pytest.mark.parametrize("changes", [{"streams_per_user": 3}])
async def test_the_oldest_of_too_many_streams_of_a_user_makes_room(live: LiveSite) -> None:
    tabs = [await live.open_ready() for _ in range(3)]
    stranger = await live.open_ready(NOAH)
    tabs.append(await live.open_ready(tab="t"))
    message = await closing(tabs.pop(0), "superseded")
    assert message.retry is not None
    assert message.retry >= 2 * MINUTE  # or they would evict each other for ever
    await live.publish_numbered(1, 1)
    await live.publish_numbered(1, 1, user=NOAH)
    for tab in (*tabs, stranger):
        assert (await tab.next()).event == "thread.viewed"
    assert len(live.streams()) == 3


@pytest.mark.parametrize("changes", [{"stream_seconds": 1.0}])
async def test_a_stream_ends_by_itself_when_it_has_lived_for_its_time(live: LiveSite) -> None:
    began = time.monotonic()
    tab = await live.open_ready()
    message = await closing(tab, "rotated")
    assert 0.7 <= time.monotonic() - began < 2
    assert message.retry is not None
    assert message.retry <= 2_000
    again = await live.open_ready(last_event_id=f"{await live.epoch()}-0")
    await live.publish_numbered(1, 1)
    assert (await again.next()).event == "thread.viewed"


@pytest.mark.parametrize("changes", [{"stream_seconds": 100.0}])
@pytest.mark.parametrize("carrier", ["taken"])  # the same for all
async def test_streams_that_began_together_do_not_end_together(live: LiveSite) -> None:
    drawn = [live.zena.streams.lifetime() for _ in range(1_000)]
    assert 80 <= min(drawn) < 82
    assert 98 < max(drawn) <= 100


async def test_a_poll_ends_after_the_first_delivery(live: LiveSite) -> None:
    tab = await live.open_ready(poll="25")
    await live.publish_numbered(1, 1)
    assert (await tab.next()).event == "thread.viewed"
    message = await closing(tab, "rotated")
    assert message.retry is not None
    assert message.retry < 1000


async def test_polls_one_after_the_other_lose_nothing(live: LiveSite) -> None:
    await live.publish_numbered(1, 300)
    cursor, seen = f"{await live.epoch()}-0", list[str]()
    while len(seen) < 300:
        tab = await live.open_ready(poll="25", last_event_id=cursor)
        messages = await tab.rest()
        assert messages.pop().event == "stream.closing"
        seen += [message.payload["threadId"] for message in messages]
        cursor = tab.last_event_id
    assert seen == [str(number) for number in range(1, 301)]


async def test_a_poll_ends_when_its_time_is_up_and_has_moved_its_cursor_past_what_was_filtered(
    live: LiveSite,
) -> None:
    began = time.monotonic()
    tab = await live.open_ready(poll="1", types="deal.risk")
    await live.publish_numbered(1, 2)
    await closing(tab, "rotated")
    assert 0.9 <= time.monotonic() - began < 3
    assert tab.last_event_id == f"{await live.epoch()}-2"


@pytest.mark.parametrize("changes", [{"heartbeat_seconds": 0.2}])
async def test_after_silence_comes_a_ping_with_the_cursor(live: LiveSite) -> None:
    epoch = await live.epoch()
    tab = await live.open_ready()
    first = await tab.ping()
    assert (first.payload, first.id) == ({"cursor": f"{epoch}-0"}, f"{epoch}-0")
    await live.publish_numbered(1, 1)
    assert (await tab.next()).event == "thread.viewed"
    began = time.monotonic()
    assert (await tab.ping()).id == f"{epoch}-1"
    assert time.monotonic() - began > 0.1


async def test_a_stream_ends_with_its_credential(live: LiveSite) -> None:
    tab = await live.open_ready(headers=await live.cookie(seconds=0.3))
    other = await live.open_ready()
    await closing(tab, "expired")
    assert len(live.streams()) == 1
    await live.publish_numbered(1, 1)
    assert (await other.next()).event == "thread.viewed"


async def test_signing_out_ends_the_streams_of_that_session_only(live: LiveSite) -> None:
    leaving, staying = await live.cookie(), await live.cookie()
    ticket = (await (await live.client.post("/tickets", headers=leaving)).get_json())["ticket"]
    ending = [await live.open_ready(headers=leaving), await live.open_ready(headers={}, ticket=ticket)]
    others = [await live.open_ready(headers=staying), await live.open_ready()]
    response = await live.client.delete("/session", headers=leaving)
    assert response.status_code == 204
    for tab in ending:
        await closing(tab, "revoked")
    await live.publish_numbered(1, 1)
    for tab in others:
        assert (await tab.next()).event == "thread.viewed"


async def test_a_stream_that_was_being_admitted_while_its_session_ended_does_not_outlive_it(
    live: LiveSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    cookie = await live.cookie()
    async with slow_admission(live, monkeypatch) as asked:
        opening = asyncio.create_task(live.open(headers=cookie))
        await asked.wait()
        await live.client.delete("/session", headers=cookie)
    tab = await opening
    assert tab.status == 200
    await closing(tab, "revoked")
    assert live.streams() == []


async def test_a_log_that_is_wiped_ends_its_streams_and_they_come_back_to_a_reset(live: LiveSite) -> None:
    await live.publish_numbered(1, 3)
    tab = await live.open_ready(last_event_id=f"{await live.epoch()}-0")
    await tab.take(3)
    await live.erase()
    await live.publish_numbered(1, 1)
    await closing(tab, "reset")
    again = await live.open(last_event_id=tab.last_event_id)
    assert (await again.next()).payload["reason"] == "unknown_epoch"


async def test_a_stream_that_finds_its_log_wiped_makes_no_new_one(live: LiveSite) -> None:
    await live.publish_numbered(1, 3)
    tab = await live.open_ready()
    await live.caught_up()
    await live.erase()
    live.zena.hub.offer(MIA, Record("another", 9, "thread.viewed", b""))  # whatever makes it look
    await closing(tab, "reset")
    assert await live.zena.storage.read(find_position, MIA) is None


async def test_a_server_that_stops_says_so_on_every_stream_and_is_gone_at_once(live: LiveSite) -> None:
    tabs = [await live.open_ready(user) for user in (MIA, NOAH) for _ in range(10)]
    began = time.monotonic()
    stopping = asyncio.create_task(live.server.stop())
    retries = {(await closing(tab, "draining")).retry for tab in tabs}
    await stopping
    assert time.monotonic() - began < 2
    assert len(retries) > 1  # or all would come back at the same moment
    assert len(live.zena.hub) == 0
    with pytest.raises(ConnectionRefusedError):
        await live.connect()


async def test_while_it_drains_a_stream_is_turned_away_in_words_that_a_browser_understands(
    live: LiveSite,
) -> None:
    await live.zena.drain()
    tab = await live.open()
    assert tab.status == 200
    assert tab.headers["content-type"].startswith("text/event-stream")
    await closing(tab, "draining")


@pytest.mark.parametrize("carrier", ["taken"])  # only our own server cuts a connection that stalls
async def test_a_server_stops_although_a_client_does_not_read(live: LiveSite) -> None:
    await live.open(buffer=4096)
    for first in range(1, 3000, 100):
        await live.publish_numbered(first, first + 99)
    began = time.monotonic()
    await live.server.stop()
    assert time.monotonic() - began < 5


# --- the client decides ---------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["leave", "vanish"])
async def test_a_client_that_goes_leaves_nothing_behind(live: LiveSite, how: str) -> None:
    tab, other = await live.open_ready(tab="t"), await live.open_ready()
    await (tab.leave() if how == "leave" else tab.vanish())
    await until(lambda: len(live.streams()) == 1)
    await live.publish_numbered(1, 1)
    assert (await other.next()).event == "thread.viewed"
    await other.vanish()
    await nothing_is_left(live)


@pytest.mark.parametrize("how", ["leave", "vanish"])
async def test_a_client_that_goes_while_it_is_admitted_leaves_nothing_behind(
    live: LiveSite, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    async with slow_admission(live, monkeypatch) as asked:
        tab = await live.connect()
        tab.ask("GET", "/events", live.bearer())
        await asked.wait()
        await (tab.leave() if how == "leave" else tab.vanish())
    other = await live.open_ready()  # whatever the first one set going has had its turns by then
    await live.publish_numbered(1, 1)
    assert (await other.next()).event == "thread.viewed"
    await until(lambda: len(live.streams()) == 1)


@pytest.mark.parametrize("how", ["leave", "vanish"])
async def test_a_client_that_goes_while_its_log_is_read_leaves_nothing_behind(
    live: LiveSite, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    async with slow_log(live, monkeypatch) as asked:
        tab = await live.connect()
        tab.ask("GET", "/events", live.bearer())
        await asked.wait()
        assert len(live.streams()) == 1  # it has joined already
        await (tab.leave() if how == "leave" else tab.vanish())
        await until(lambda: not live.streams())
    await until(lambda: not live.zena.streams.reader._waiting)
    await nothing_is_left(live)


async def test_what_is_published_while_a_stream_joins_and_its_log_is_read_comes_once(
    live: LiveSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    await live.publish_numbered(1, 2)
    cursor = f"{await live.epoch()}-1"
    async with slow_log(live, monkeypatch) as asked:
        opening = asyncio.create_task(live.open_ready(last_event_id=cursor))
        await asked.wait()
        await live.publish_numbered(3, 5)
    tab = await opening
    await live.publish_numbered(6, 6)
    assert [message.payload["threadId"] for message in await tab.take(5)] == ["2", "3", "4", "5", "6"]


async def test_a_client_that_went_while_it_was_admitted_replaces_nobody(
    live: LiveSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with slow_admission(live, monkeypatch) as asked:
        gone = await live.connect()
        gone.ask("GET", "/events?tab=t", live.bearer())
        await asked.wait()
        await gone.vanish()
        back = await live.open_ready(tab="t")
    await live.open_ready(tab="other")
    await live.publish_numbered(1, 1)
    assert (await back.next()).event == "thread.viewed"
