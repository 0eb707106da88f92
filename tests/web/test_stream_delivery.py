"""What a stream delivers, to whom, and in which form."""

from __future__ import annotations

import re

import pytest

from tests.databases import NOON, viewed
from tests.web.sites import MIA, NOAH, LiveSite
from zena_sse.contract.events import SyncError, SyncProgress, ThreadNew, TypingStarted

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def new(thread_id: str, subject: str = "Open home") -> ThreadNew:
    return ThreadNew(thread_id=thread_id, account_id="a", subject=subject, sender="Ben", last_message_at=NOON)


async def test_an_event_is_an_envelope_whose_type_is_said_twice(live: LiveSite) -> None:
    tab = await live.open_ready()
    await live.publish(new("t1"))
    message = await tab.next()
    assert message.event == message.envelope["type"] == "thread.new"
    assert message.envelope.keys() == {"type", "payload", "at"}
    assert MOMENT.fullmatch(message.envelope["at"])
    assert message.payload == {
        "threadId": "t1",
        "accountId": "a",
        "subject": "Open home",
        "from": "Ben",
        "lastMessageAt": "2026-11-20T12:00:00Z",
    }
    assert message.id is not None
    assert re.fullmatch(r"[A-Za-z0-9]+-1", message.id)
    assert message.retry is None


async def test_line_ends_that_are_none_stay_inside_one_event(live: LiveSite) -> None:
    subject = "one\u2028two\u0085three\r\nfour\rfive\nid: evil-1\n\n"
    tab = await live.open_ready()
    await live.publish(new("t1", subject), viewed("2"))
    assert (await tab.next()).payload["subject"] == subject
    assert (await tab.next()).event == "thread.viewed"


async def test_the_largest_event_arrives_whole(live: LiveSite) -> None:
    error = "x" * 65_000
    await live.publish(SyncError(account_id="a", error=error, fatal=True))
    tab = await live.open_ready(last_event_id=f"{await live.epoch()}-0")
    assert (await tab.next()).payload["error"] == error


async def test_every_tab_of_a_user_gets_it_and_another_user_nothing(live: LiveSite) -> None:
    tabs = [await live.open_ready(MIA, tab=name) for name in ("one", "two", "three")]
    tabs.append(await live.open_ready(MIA))
    stranger = await live.open_ready(NOAH, tab="one")
    await live.publish_numbered(1, 2, user=MIA)
    await live.publish_numbered(9, 9, user=NOAH)
    for tab in tabs:
        assert [m.payload["threadId"] for m in await tab.take(2)] == ["1", "2"]
    message = await stranger.next()
    assert message.payload["threadId"] == "9"
    assert message.id == f"{await live.epoch(NOAH)}-1"


async def test_ephemeral_events_have_no_id_and_are_never_replayed(live: LiveSite) -> None:
    await live.publish_numbered(1, 1)
    cursor = f"{await live.epoch()}-1"
    tab = await live.open_ready()
    await live.caught_up()
    progress = SyncProgress(sync_id="s", account_id="a", total_threads=2, processed_threads=1)
    await live.publish(TypingStarted(by=MIA, where="t1"), progress, viewed("2"))
    typing, progress_, durable = await tab.take(3)
    assert (typing.event, typing.id) == ("typing.started", None)
    assert (progress_.event, progress_.id) == ("sync.progress", None)
    assert durable.id == cursor.replace("-1", "-2")
    later = await live.open_ready(last_event_id=cursor)
    await live.publish_numbered(3, 3)
    assert [m.event for m in await later.take(2)] == ["thread.viewed", "thread.viewed"]


async def test_typing_is_shown_to_the_other_tabs_not_to_the_one_that_types(live: LiveSite) -> None:
    mine = await live.open_ready(tab="mine")
    other = await live.open_ready(tab="other")
    nameless = await live.open_ready()
    await live.caught_up()
    response = await live.client.post(
        "/commands/typing.start?tab=mine", headers=live.bearer(), json={"where": "t1"}
    )
    assert response.status_code == 202
    await live.publish_numbered(1, 1)
    assert (await mine.next()).event == "thread.viewed"
    for tab in (other, nameless):
        typing = await tab.next()
        assert (typing.event, typing.payload) == ("typing.started", {"by": MIA, "where": "t1"})


async def test_what_a_command_caused_carries_its_id_at_or_below_its_cursor(live: LiveSite) -> None:
    tab = await live.open_ready()
    await live.caught_up()
    headers = live.bearer() | {"Idempotency-Key": "wish-1"}
    response = await live.client.post("/commands/typing.start", headers=headers, json={"where": "t1"})
    assert response.status_code == 202
    assert (await response.get_json())["commandId"] == "wish-1"
    typing = await tab.next()
    assert typing.envelope["commandId"] == "wish-1"


FILTERS = {
    "thread.*": ["thread.new", "thread.viewed"],
    "thread.viewed": ["thread.viewed"],
    "sync.error,thread.new": ["thread.new", "sync.error"],
    "sync.*,room.later": ["sync.error"],
    "thread.view": [],
    "stream.*": [],
}


@pytest.mark.parametrize("changes", [{"heartbeat_seconds": 0.2, "streams_per_user": 2 * len(FILTERS)}])
async def test_a_filter_lets_through_what_it_names_and_its_pings_carry_the_cursor_on(live: LiveSite) -> None:
    epoch = await live.epoch()
    tabs = [await live.open_ready(types=types) for types in FILTERS]
    await live.publish(new("t1"), viewed("1"), SyncError(account_id="a", error="no", fatal=False))
    late = [await live.open_ready(types=types, last_event_id=f"{epoch}-0") for types in FILTERS]
    for tab, expected in zip([*tabs, *late], [*FILTERS.values()] * 2, strict=True):
        messages = await tab.until_ping(f"{epoch}-3")
        assert [message.event for message in messages] == expected
        assert tab.last_event_id == f"{epoch}-3"


async def test_no_filter_hides_what_the_stream_says_of_itself(live: LiveSite) -> None:
    tab = await live.open_ready(types="deal.risk")
    await live.zena.drain()
    assert [message.event for message in await tab.rest()] == ["stream.closing"]
