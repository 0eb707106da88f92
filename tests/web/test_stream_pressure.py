"""Clients that do not read, clients that say too much, and a database that is not there."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from tests.databases import until, viewed
from tests.web.sites import MIA, LiveSite
from tests.web.tabs import FRAMING
from zena_sse.contract.events import SyncError, TypingStarted
from zena_sse.serving.stream import Stream
from zena_sse.stream.log import Page, Want


def large(number: int) -> SyncError:
    """An event of 32 KiB."""
    return SyncError(account_id=str(number), error="x" * 32_000, fatal=False)


async def slowest(live: LiveSite) -> Stream:
    """The user's oldest stream, once it is live."""
    await live.caught_up()
    return live.streams()[0]


async def test_a_slow_reader_falls_behind_and_then_gets_everything_in_order(live: LiveSite) -> None:
    tab = await live.open(buffer=4096)
    fast = await live.open_ready()
    stream = await slowest(live)
    number = 0
    while not stream.subscription.behind:
        assert number < 500, "it never falls behind"
        await live.publish(large(number := number + 1))
        assert (await fast.next()).payload["accountId"] == str(number)
    while number < 60:
        await live.publish(large(number := number + 1), TypingStarted(by=MIA, where="nowhere"))
        assert [m.event for m in await fast.take(2)] == ["sync.error", "typing.started"]
    assert (await tab.next()).event == "stream.ready"
    messages = await tab.take(number)
    assert [m.payload["accountId"] for m in messages] == [str(n) for n in range(1, number + 1)]
    await until(lambda: not stream.subscription.behind)
    await live.publish(viewed("1"))
    assert (await tab.next()).event == "thread.viewed"


async def test_a_slow_reader_whose_log_was_trimmed_meanwhile_is_reset(live: LiveSite) -> None:
    tab = await live.open(buffer=4096)
    stream = await slowest(live)
    number = 0
    while not stream.subscription.behind:
        assert number < 500, "it never falls behind"
        await live.publish(large(number := number + 1))
    await live.publish_numbered(1, 200)
    await live.trim(keep=1)
    messages = await tab.rest()
    assert messages.pop(0).event == "stream.ready"
    assert messages.pop().payload == {"reason": "reset"}
    assert [m.payload["accountId"] for m in messages] == [str(n) for n in range(1, len(messages) + 1)]


@pytest.mark.parametrize("changes", [{"heartbeat_seconds": 0.2}])
async def test_a_request_behind_the_request_does_not_disturb_the_stream(live: LiveSite) -> None:
    tab = await live.connect()
    tab.ask("GET", "/events", live.bearer(), behind=b"GET /healthz HTTP/1.1\r\nHost: zena.test\r\n\r\n")
    await tab.read_head()
    assert (await tab.next()).event == "stream.ready"
    await live.publish_numbered(1, 1)
    assert (await tab.next()).event == "thread.viewed"
    await tab.vanish()
    await until(lambda: not live.streams())


@pytest.mark.parametrize("changes", [{"heartbeat_seconds": 0.2}])
async def test_what_a_client_says_on_its_stream_is_not_heard(live: LiveSite) -> None:
    tab = await live.open_ready()
    tab._writer.write(b"GET /healthz HTTP/1.1\r\nHost: zena.test\r\n\r\n" * 2000)
    await live.publish_numbered(1, 1)
    assert (await tab.next()).event == "thread.viewed"
    await tab.vanish()
    await until(lambda: not live.streams())


@pytest.mark.parametrize(
    "body", ["Content-Length: 2\r\n\r\n{}", "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"]
)
async def test_a_body_on_get_is_refused(live: LiveSite, body: str) -> None:
    tab = await live.connect()
    token = live.token()
    tab.ask_bytes(
        f"GET /events HTTP/1.1\r\nHost: zena.test\r\nAuthorization: Bearer {token}\r\n{body}".encode()
    )
    await tab.read_head()
    assert tab.status == 400
    assert b'"body_not_allowed"' in await tab.content()
    assert live.streams() == []


async def test_a_client_of_http_1_0_gets_its_events(live: LiveSite) -> None:
    tab = await live.connect()
    tab.ask_bytes(f"GET /events HTTP/1.0\r\nAuthorization: Bearer {live.token()}\r\n\r\n".encode())
    await tab.read_head()
    assert (await tab.next()).event == "stream.ready"
    await live.publish_numbered(1, 1)
    assert (await tab.next()).event == "thread.viewed"


@pytest.mark.parametrize("credential", ["bearer", "cookie"])
async def test_without_a_database_a_stream_is_turned_away_so_that_it_comes_back(
    live: LiveSite, monkeypatch: pytest.MonkeyPatch, credential: str
) -> None:
    headers = live.bearer() if credential == "bearer" else await live.cookie()
    with monkeypatch.context() as patch:
        patch.setattr(live.zena.storage, "_pool", None)
        tab = await live.open(headers=headers)
        (message,) = await tab.rest()
    assert tab.status == 200
    assert tab.headers.keys() - FRAMING == {"content-type", "cache-control", "x-accel-buffering"}
    assert (message.event, message.payload) == ("stream.closing", {"reason": "overloaded"})
    assert message.retry is not None
    assert message.retry >= 5000


async def test_a_database_that_goes_away_ends_a_stream_that_needs_it(
    live: LiveSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    await live.publish_numbered(1, 300)
    pages = live.zena.log.pages
    trips = 0

    async def second_trip_fails(wants: Sequence[Want]) -> list[Page]:
        nonlocal trips
        trips += 1
        if trips > 1:
            monkeypatch.setattr(live.zena.storage, "_pool", None)
        return await pages(wants)

    pool = live.zena.storage._pool
    monkeypatch.setattr(live.zena.log, "pages", second_trip_fails)
    tab = await live.open_ready(last_event_id=f"{await live.epoch()}-0")
    messages = await tab.rest()
    monkeypatch.setattr(live.zena.storage, "_pool", pool)
    assert messages.pop().payload == {"reason": "overloaded"}
    assert [m.payload["threadId"] for m in messages] == [str(n) for n in range(1, len(messages) + 1)]


async def test_a_stream_is_opened_with_get_only(live: LiveSite) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        tab = await live.open(method=method)
        assert tab.status == 405
        assert tab.headers["content-type"] == "application/problem+json"
        assert {part.strip() for part in tab.headers.get("allow", "").split(",")} >= {"GET", "HEAD"}
        assert b'"method_not_allowed"' in await tab.content()


async def test_many_streams_of_one_user_are_all_served(live: LiveSite) -> None:
    tabs = await asyncio.gather(*(live.open_ready() for _ in range(10)))
    await live.publish_numbered(1, 50)
    for tab in tabs:
        assert [m.payload["threadId"] for m in await tab.take(50)] == [str(n) for n in range(1, 51)]
