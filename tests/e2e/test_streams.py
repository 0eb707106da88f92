"""The stream, seen by clients that know nothing of us, over a server that comes and goes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.e2e.clients import (
    Client,
    Event,
    is_note,
    up_to,
    up_to_note,
    with_curl,
    with_httpx_sse,
    with_sseclient,
)
from tests.e2e.programs import Serving, publish_note, read_mailbox

CLIENTS = [
    pytest.param(with_curl, id="curl", marks=pytest.mark.needs("curl")),
    pytest.param(with_httpx_sse, id="httpx-sse"),
    pytest.param(with_sseclient, id="sseclient-py"),
]


def until_cut(events: Iterator[Event]) -> list[Event]:
    """What comes before a connection breaks, which some clients report and some take for an end."""
    rest: list[Event] = []
    with contextlib.suppress(httpx.TransportError):
        rest.extend(events)
    return rest


@pytest.mark.parametrize("client", CLIENTS)
def test_client_misses_and_repeats_nothing_when_its_server_restarts_or_is_killed(
    server: Serving, demo_mail: Path, client: Client
) -> None:
    epoch = read_mailbox(server, "anna", demo_mail)
    stream, headers = f"{server.url}/events", server.headers("anna")
    got: list[Event] = []

    with client(f"{stream}?last_event_id={epoch}-0", headers) as events:
        assert (first := next(events)).type == "stream.ready"
        assert first.payload["mode"] == "resumed"
        got += (next(events) for _ in range(40))

    server.stop()
    server.start()
    publish_note(server, "anna", "after SIGTERM")
    with client(stream, headers | {"Last-Event-ID": got[-1].id}) as events:
        assert next(events).payload["mode"] == "resumed"
        got += up_to_note(events, "after SIGTERM")
        publish_note(server, "anna", "before kill -9")
        got += up_to_note(events, "before kill -9")
        server.kill()
        got += until_cut(events)

    server.start()
    publish_note(server, "anna", "after kill -9")
    with client(stream, headers | {"Last-Event-ID": got[-1].id}) as events:
        assert next(events).payload["mode"] == "resumed"
        got += up_to_note(events, "after kill -9")

    kept = [event for event in got if event.kept]
    assert [event.id for event in kept] == [f"{epoch}-{number}" for number in range(1, len(kept) + 1)]
    assert kept[0].type == "sync.started"
    assert len([event for event in kept if event.type == "thread.new"]) == 70
    assert len([event for event in kept if event.type == "thread.viewed"]) == 3


@pytest.mark.needs("curl")
def test_open_streams_are_told_that_the_server_stops_and_end_cleanly(server: Serving) -> None:
    with ExitStack() as stack:
        streams = [
            stack.enter_context(client(f"{server.url}/events", server.headers("anna")))
            for client in (with_curl, with_httpx_sse, with_sseclient)
        ]
        assert [next(events).payload["mode"] for events in streams] == ["live"] * 3
        publish_note(server, "anna", "the last one")
        assert all(is_note(next(events), "the last one") for events in streams)
        server.stop()
        for events in streams:
            assert [(e.type, e.payload) for e in events] == [("stream.closing", {"reason": "draining"})]


def test_snapshot_and_the_stream_from_its_cursor_have_no_gap(running: Serving, demo_mail: Path) -> None:
    running.run("account", "add", "--user", "gapless", "folder", str(demo_mail)).said()
    snapshot = running.get("/snapshot", "gapless").json()
    shown = [thread["threadId"] for thread in snapshot["threads"]]
    publish_note(running, "gapless", "begun")
    headers = running.headers("gapless") | {"Last-Event-ID": snapshot["cursor"]}
    is_read = any(sync["success"] for sync in snapshot["syncs"])
    with with_httpx_sse(f"{running.url}/events", headers) as events:
        later = up_to(events, lambda e: is_note(e, "begun") if is_read else e.type == "sync.completed")
    shown += [event.payload["threadId"] for event in later if event.type == "thread.new"]
    assert len(shown) == len(set(shown)) == 70


def test_filtered_stream_gets_what_it_asked_for_and_its_cursor_moves_on(
    running: Serving, demo_mail: Path
) -> None:
    epoch = read_mailbox(running, "filtered", demo_mail)
    address = f"{running.url}/events?types=sync.*&last_event_id={epoch}-0"
    with with_sseclient(address, running.headers("filtered")) as events:
        got = up_to(events, lambda event: event.type == "sync.completed")
    assert [event.type for event in got if event.kept] == ["sync.started", "sync.completed"]
    assert (got[-1].offset, got[-1].id) > (72, "")
