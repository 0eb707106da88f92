"""How a stream begins: headers, `stream.ready`, and what becomes of a cursor that a client brings."""

from __future__ import annotations

import asyncio
import re

import pytest

from tests.databases import viewed
from tests.web.sites import MIA, NOAH, LiveSite
from tests.web.tabs import FRAMING, Message

STREAM_HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store, no-transform",
    "x-accel-buffering": "no",
}


def numbers(messages: list[Message]) -> list[int]:
    """Which threads these `thread.viewed` are about."""
    return [int(message.payload["threadId"]) for message in messages]


async def test_the_response_has_the_headers_of_the_contract_and_no_others(live: LiveSite) -> None:
    tab = await live.open()
    assert tab.status == 200
    assert {name: value for name, value in tab.headers.items() if name not in FRAMING} == STREAM_HEADERS
    assert "content-length" not in tab.headers


async def test_head_gets_the_headers_only(live: LiveSite) -> None:
    tab = await live.open(method="HEAD")
    assert tab.status == 200
    assert {name: value for name, value in tab.headers.items() if name not in FRAMING} == STREAM_HEADERS
    assert await tab.rest() == []
    assert live.streams() == []


async def test_a_new_stream_is_live_from_the_head_on(live: LiveSite) -> None:
    await live.publish_numbered(1, 3)
    tab = await live.open()
    ready = await tab.next()
    cursor = f"{await live.epoch()}-3"
    assert ready.event == "stream.ready"
    assert ready.payload.keys() == {"mode", "cursor", "heartbeatSeconds", "expiresAt"}
    assert (ready.payload["mode"], ready.payload["cursor"]) == ("live", cursor)
    assert ready.payload["heartbeatSeconds"] == live.settings.heartbeat_seconds
    assert ready.payload["expiresAt"].endswith("Z")
    assert ready.id == cursor
    await live.publish_numbered(4, 4)
    assert numbers(await tab.take(1)) == [4]


async def test_ready_asks_for_a_short_retry_or_an_earlier_long_one_would_stick(live: LiveSite) -> None:
    retries = [(await (await live.open()).next()).retry for _ in range(5)]
    assert all(retry is not None and 1000 <= retry <= 3000 for retry in retries)
    assert len(set(retries)) > 1


async def test_a_user_whom_nobody_knows_yet_gets_a_stream_from_its_beginning(live: LiveSite) -> None:
    tab = await live.open("newcomer")
    ready = await tab.next()
    assert re.fullmatch(r"[A-Za-z0-9]+-0", ready.payload["cursor"])
    await live.publish_numbered(1, 1, user="newcomer")
    assert (await tab.next()).id == ready.payload["cursor"].replace("-0", "-1")


async def test_a_resumed_stream_continues_after_the_cursor_and_ready_has_no_id(live: LiveSite) -> None:
    await live.publish_numbered(1, 5)
    cursor = f"{await live.epoch()}-2"
    tab = await live.open(headers={"Last-Event-ID": cursor})
    ready = await tab.next()
    assert (ready.payload["mode"], ready.payload["cursor"], ready.id) == ("resumed", cursor, None)
    assert "reason" not in ready.payload
    assert ready.retry is not None
    assert 1000 <= ready.retry <= 3000
    assert numbers(await tab.take(3)) == [3, 4, 5]


async def test_a_stream_resumed_at_the_head_gets_what_comes(live: LiveSite) -> None:
    await live.publish_numbered(1, 2)
    tab = await live.open_ready(last_event_id=f"{await live.epoch()}-2")
    await live.publish_numbered(3, 3)
    assert numbers(await tab.take(1)) == [3]


async def test_offset_zero_is_the_beginning(live: LiveSite) -> None:
    await live.publish_numbered(1, 4)
    tab = await live.open(last_event_id=f"{await live.epoch()}-0")
    assert (await tab.next()).payload["mode"] == "resumed"
    assert numbers(await tab.take(4)) == [1, 2, 3, 4]


UNSERVABLE = {
    "{epoch}-1": "expired",
    "{epoch}-0": "expired",
    "{epoch}-7": "ahead",
    "{epoch}-999999999999999999": "ahead",
    "other-6": "unknown_epoch",
    "x-1x": "malformed",
    "{epoch}--1": "malformed",
    "{epoch}-06": "malformed",
    "{epoch}-9999999999999999999": "malformed",
    "nonsense": "malformed",
    "{epoch}-6 ": "malformed",
    "\n": "malformed",
}


@pytest.mark.parametrize("changes", [{"streams_per_user": len(UNSERVABLE)}])
async def test_a_cursor_that_cannot_be_served_is_reset_and_the_stream_goes_on(live: LiveSite) -> None:
    await live.publish_numbered(1, 6)
    await live.trim(keep=3)
    epoch = await live.epoch()
    tabs = [await live.open(last_event_id=cursor.format(epoch=epoch)) for cursor in UNSERVABLE]
    for tab, reason in zip(tabs, UNSERVABLE.values(), strict=True):
        ready = await tab.next()
        assert (ready.payload["mode"], ready.payload["reason"]) == ("reset", reason)
        assert ready.id == ready.payload["cursor"] == f"{epoch}-6"
        assert ready.retry is not None
        assert 1000 <= ready.retry <= 3000
    await live.publish_numbered(7, 7)
    for tab in tabs:
        assert numbers(await tab.take(1)) == [7]


async def test_the_oldest_cursor_that_loses_nothing_is_resumed(live: LiveSite) -> None:
    await live.publish_numbered(1, 6)
    await live.trim(keep=3)
    tab = await live.open(last_event_id=f"{await live.epoch()}-3")
    assert (await tab.next()).payload["mode"] == "resumed"
    assert numbers(await tab.take(3)) == [4, 5, 6]


async def test_the_header_wins_over_the_query(live: LiveSite) -> None:
    await live.publish_numbered(1, 3)
    epoch = await live.epoch()
    tab = await live.open_ready(headers={"Last-Event-ID": f"{epoch}-2"}, last_event_id=f"{epoch}-0")
    assert numbers(await tab.take(1)) == [3]


async def test_an_empty_last_event_id_is_none(live: LiveSite) -> None:
    tab = await live.open(headers={"Last-Event-ID": ""}, last_event_id="")
    assert (await tab.next()).payload["mode"] == "live"


async def test_someone_elses_cursor_opens_nothing_of_theirs(live: LiveSite) -> None:
    await live.publish_numbered(1, 3, user=NOAH)
    tab = await live.open(MIA, last_event_id=f"{await live.epoch(NOAH)}-0")
    assert (await tab.next()).payload["reason"] == "unknown_epoch"
    await live.publish_numbered(9, 9, user=MIA)
    assert numbers(await tab.take(1)) == [9]


async def test_pages_of_replay_and_live_events_come_once_and_in_order_while_others_publish(
    live: LiveSite,
) -> None:
    for first in range(1, 700, 100):
        await live.publish_numbered(first, first + 99)
    epoch = await live.epoch()

    async def publish_on() -> None:
        for number in range(701, 1001):
            await live.publish(viewed(str(number)))

    publisher = asyncio.create_task(publish_on())
    tab = await live.open_ready(last_event_id=f"{epoch}-0")
    messages = await tab.take(1000)
    await publisher
    assert numbers(messages) == list(range(1, 1001))
    assert [message.id for message in messages] == [f"{epoch}-{offset}" for offset in range(1, 1001)]


async def test_what_was_read_before_a_break_and_after_it_is_everything(live: LiveSite) -> None:
    tab = await live.open_ready()
    seen: list[int] = []
    for round_ in range(4):
        await live.publish_numbered(round_ * 10 + 1, round_ * 10 + 10)
        seen += numbers(await tab.take(7 if round_ % 2 else 10))
        await tab.vanish()
        tab = await live.open_ready(last_event_id=tab.last_event_id)
    await live.publish_numbered(41, 41)
    seen += numbers(await tab.take(41 - len(seen)))
    assert seen == list(range(1, 42))
