"""The stream through real proxies: as they come, cut, restarted, compressing, and hoarding."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from tests.e2e.clients import Event, Headers, up_to_note, with_httpx_sse
from tests.e2e.conftest import NewServer
from tests.e2e.programs import Serving, publish_note, request, standing, wait_until
from tests.e2e.proxies import Proxy, curl, hoarding_proxy, plain_nginx, tinyproxy
from tests.eventstream import read_events

NGINX = pytest.mark.needs("nginx", "curl")
TINYPROXY = pytest.mark.needs("tinyproxy", "curl")

RESUMED = 'zena_streams_opened_total{mode="resumed"}'


@pytest.fixture(scope="module")
def origin() -> Iterator[Serving]:
    """A server behind proxies, that nobody stops; each test has a user of its own there."""
    with standing(ZENA_TRUSTED_HOPS="1", ZENA_HEARTBEAT_SECONDS="1") as serving:
        yield serving


@pytest.fixture
def server(new_server: NewServer) -> Serving:
    """A server behind proxies, that the test stops."""
    serving = new_server(ZENA_TRUSTED_HOPS="1")
    serving.start()
    return serving


class Way(NamedTuple):
    """A way to a server: what its clients ask for, and what curl has to be told."""

    proxy: Proxy
    url: str
    options: tuple[str, ...] = ()

    def open(self, headers: Headers) -> AbstractContextManager[Iterator[Event]]:
        """A stream that comes this way."""
        return curl(f"{self.url}/events", headers, *self.options)


def by_nginx(home: Path, server: Serving) -> Way:
    proxy = plain_nginx(home, server.port)
    return Way(proxy, proxy.url)


def by_tinyproxy(home: Path, server: Serving) -> Way:
    proxy = tinyproxy(home)
    return Way(proxy, server.url, ("--proxy", proxy.url))


def by_tunnel(home: Path, server: Serving) -> Way:
    proxy = tinyproxy(home)
    return Way(proxy, server.url, ("--proxy", proxy.url, "--proxytunnel"))


WAYS = [
    pytest.param(by_nginx, id="nginx", marks=NGINX),
    pytest.param(by_tinyproxy, id="tinyproxy", marks=TINYPROXY),
    pytest.param(by_tunnel, id="tinyproxy tunnel", marks=TINYPROXY),
]
every_way = pytest.mark.parametrize("by", WAYS)
Build = Callable[[Path, Serving], Way]


def metric(server: Serving, name: str) -> int:
    """What the server says of itself."""
    said = request("GET", f"{server.url}/metrics", {}).text
    found = re.search(rf"^{re.escape(name)} (\d+)", said, re.MULTILINE)
    return int(found[1]) if found else 0


def streams(server: Serving) -> int:
    """How many streams are open."""
    return metric(server, "zena_streams")


@every_way
def test_each_event_comes_before_the_next_one_is_published(
    directory: Path, origin: Serving, by: Build
) -> None:
    way, user = by(directory, origin), f"one-by-one-{by.__name__}"
    with way.proxy, way.open(origin.headers(user)) as events:
        assert next(events).payload["mode"] == "live"
        for number in range(20):
            publish_note(origin, user, str(number))
            assert up_to_note(events, str(number))[-1].offset == number + 1


@every_way
def test_client_misses_and_repeats_nothing_when_its_proxy_is_killed(
    directory: Path, origin: Serving, by: Build
) -> None:
    way, user = by(directory, origin), f"cut-off-{by.__name__}"
    headers = origin.headers(user)
    with way.proxy, way.open(headers) as events:
        next(events)
        publish_note(origin, user, "before")
        before = up_to_note(events, "before")[-1]
        way.proxy.kill()
        assert [event for event in events if event.kept] == []
        publish_note(origin, user, "meanwhile")
        way.proxy.start()
        with way.open(headers | {"Last-Event-ID": before.id}) as resumed:
            assert next(resumed).payload["mode"] == "resumed"
            publish_note(origin, user, "after")
            kept = [event.payload["threadId"] for event in up_to_note(resumed, "after") if event.kept]
    assert kept == ["meanwhile", "after"]


@every_way
def test_server_notices_that_a_client_behind_a_proxy_has_left(
    directory: Path, origin: Serving, by: Build
) -> None:
    way = by(directory, origin)
    wait_until(lambda: streams(origin) == 0, "the streams of other tests to be gone")
    with way.proxy:
        with way.open(origin.headers("leaver")) as events:
            next(events)
            assert streams(origin) == 1
        wait_until(lambda: streams(origin) == 0, "the server to notice", seconds=5)


@every_way
def test_stream_is_told_through_a_proxy_that_its_server_stops_and_ends_cleanly(
    directory: Path, server: Serving, by: Build
) -> None:
    way = by(directory, server)
    with way.proxy, way.open(server.headers("anna")) as events:
        next(events)
        server.stop()
        closing, ended = events
        assert (closing.type, closing.payload) == ("stream.closing", {"reason": "draining"})
        assert ended.payload == {"exitCode": 0}


@NGINX
def test_heartbeats_keep_a_silent_stream_open_longer_than_the_proxy_waits(
    directory: Path, origin: Serving
) -> None:
    with (
        plain_nginx(directory, origin.port, "proxy_read_timeout 2s;") as proxy,
        with_httpx_sse(f"{proxy.url}/events", origin.headers("silent")) as events,
    ):
        assert [next(events).type for _ in range(4)] == ["stream.ready"] + ["stream.ping"] * 3


@NGINX
def test_nginx_that_compresses_the_stream_does_not_hold_it_back(directory: Path, origin: Serving) -> None:
    settings, said = "gzip on; gzip_types text/event-stream;", directory / "headers"
    with (
        plain_nginx(directory, origin.port, settings) as proxy,
        curl(
            f"{proxy.url}/events", origin.headers("gzip"), "--compressed", "--dump-header", str(said)
        ) as events,
    ):
        next(events)
        assert "content-encoding: gzip" in said.read_text().lower()
        for number in range(20):
            publish_note(origin, "gzip", str(number))
            up_to_note(events, str(number))


# --- proxies that buffer whatever we say ------------------------------------------------------------


@contextmanager
def hoarding_nginx(home: Path, server: Serving) -> Iterator[str]:
    with plain_nginx(home, server.port, "proxy_ignore_headers X-Accel-Buffering;") as proxy:
        yield proxy.url


@contextmanager
def hoarder(home: Path, server: Serving) -> Iterator[str]:
    with hoarding_proxy(server.port) as url:
        yield url


every_hoard = pytest.mark.parametrize(
    "hoard", [pytest.param(hoarder, id="hoarder"), pytest.param(hoarding_nginx, id="nginx", marks=NGINX)]
)
Hoard = Callable[[Path, Serving], AbstractContextManager[str]]


def poll(url: str, headers: Headers, cursor: str) -> tuple[list[str], str]:
    """The notes of one poll, and the cursor for the next one."""
    address = f"{url}/events?tab=t&poll=25&last_event_id={cursor}"
    received = read_events(request("GET", address, headers).raise_for_status().content)
    payloads = [json.loads(event.data)["payload"] for event in received]
    assert (payloads[0]["mode"], payloads[-1]) == ("resumed", {"reason": "rotated"})
    notes = [payload["threadId"] for payload in payloads if "threadId" in payload]
    return notes, received[-1].last_event_id or cursor


@every_hoard
def test_polls_through_a_proxy_that_hoards_miss_and_repeat_nothing(
    directory: Path, origin: Serving, hoard: Hoard
) -> None:
    user = f"polling-{hoard.__name__}"
    headers, cursor = origin.headers(user), f"{origin.epoch(user)}-0"
    published = [str(number) for number in range(40)]

    def publish() -> None:
        for note in published:
            publish_note(origin, user, note)

    seen: list[str] = []
    with hoard(directory, origin) as url, ThreadPoolExecutor(1) as publisher:
        done = publisher.submit(publish)
        while len(seen) < len(published):
            notes, cursor = poll(url, headers, cursor)
            seen += notes
        done.result()
    assert seen == published


@every_hoard
def test_where_a_stream_shows_nothing_a_poll_takes_its_place_and_ends_with_the_first_event(
    directory: Path, origin: Serving, hoard: Hoard
) -> None:
    user = f"hoarded-{hoard.__name__}"
    headers, cursor = origin.headers(user), f"{origin.epoch(user)}-0"
    wait_until(lambda: streams(origin) == 0, "the streams of other tests to be gone")
    with hoard(directory, origin) as url, ThreadPoolExecutor(1) as client:
        with pytest.raises(httpx.ReadTimeout):  # there was `stream.ready`, and a ping, but not for us
            httpx.get(f"{url}/events?tab=t", headers=headers, timeout=1.5)
        opened = metric(origin, RESUMED)
        polled = client.submit(poll, url, headers, cursor)
        wait_until(lambda: metric(origin, RESUMED) == opened + 1, "the poll to be open")
        # The proxy may not have noticed that the stream's client has left; the tab's name ends it.
        wait_until(lambda: streams(origin) == 1, "the stream to be gone")
        began = time.monotonic()
        publish_note(origin, user, "at last")
        assert polled.result()[0] == ["at last"]
        assert time.monotonic() - began < 5
