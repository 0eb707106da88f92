"""How each figure is measured: what is asked of the generator, and what its answer means."""

from __future__ import annotations

import http.client
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager

import msgspec

from benchmarks.bench import Bench, Load, Option
from benchmarks.contenders import Failed, Server, stop

Figures = dict[str, float]
Measure = Callable[[Bench, Server, str], Figures]

STREAMS = 1000
MANY_STREAMS = 10_000
CONNECTS = 4000
PUBLISHERS = 64
PUBLISH_SECONDS = 4
STEADY_RATE = 2000
STEADY_SECONDS = 4
RETURNING = 2000
MISSED = 50

# What a current desktop browser sends with a request to its own site, signed in: about 1 KB.
BROWSER = (
    "Connection: keep-alive",
    "Pragma: no-cache",
    "Cache-Control: no-cache",
    'sec-ch-ua: "Chromium";v="130", "Google Chrome";v="130", "Not?A_Brand";v="99"',
    "sec-ch-ua-mobile: ?0",
    'sec-ch-ua-platform: "macOS"',
    "User-Agent: Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/130.0.0.0 Safari/537.36",
    "Sec-Fetch-Site: same-origin",
    "Sec-Fetch-Mode: cors",
    "Sec-Fetch-Dest: empty",
    "Referer: https://app.zena.example/threads/0b5f9a6e7d8c4f21/focus?sort=risk",
    "Accept-Encoding: gzip, deflate, br, zstd",
    "Accept-Language: en-NZ,en;q=0.9,de;q=0.8",
    "Cookie: _ga=GA1.1.1234567890.1700000000; _ga_ABCDEFGHIJ=GS1.1.1700000000.42.1.1700000300.0.0.0; "
    "device=0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0; theme=dark; tz=Pacific%2FAuckland; u=%d",
)


def burst(users: int, tabs: int, events: int, order: str = "event") -> Measure:
    """Events to users with so many tabs, as fast as it goes: one each in turn, or a user's all at once."""
    asked = {"users": users, "events": events, "order": order}

    def measure(bench: Bench, server: Server, what: str) -> Figures:
        published = _inside("/burst", asked, {"users": users, "events": events, "tabs": tabs})
        streams: list[Option] = ["--conns", users * tabs, "--users", users, "--tokens", bench.tokens(users)]
        load = bench.load(server, what, *streams, *published, "--expect", users * tabs * events)
        _require_each(load, events)
        return {"deliveries/s": load.deliveries_per_s}

    return measure


def steady(bench: Bench, server: Server, what: str) -> Figures:
    """2,000 events a second to 1,000 users in turn."""
    total = STEADY_RATE * STEADY_SECONDS
    asked = {"users": STREAMS, "rate": STEADY_RATE, "seconds": STEADY_SECONDS}
    published = _inside("/steady", asked, {"users": STREAMS, "events": total // STREAMS})
    streams: list[Option] = ["--conns", STREAMS, "--tokens", bench.tokens(STREAMS)]
    load = bench.load(server, what, *streams, *published, "--expect", total)
    _require_each(load, total // STREAMS)
    return _latency(load)


def connects(bench: Bench, server: Server, what: str) -> Figures:
    """Streams opened as fast as it goes, 256 under way; then again with the same tokens."""
    _know_users(server, CONNECTS)
    streams: list[Option] = ["--conns", CONNECTS, "--tokens", bench.tokens(CONNECTS), "--settle", 0.2]
    new = bench.load(server, what, *streams)
    seen = bench.load(server, what, *streams)
    return {
        "new tokens: connects/s": new.connects_per_s,
        "tokens seen before: connects/s": seen.connects_per_s,
    }


def memory(bench: Bench, server: Server, what: str) -> Figures:
    """What 9,000 idle streams more take, each opened with a browser's headers."""
    tokens = bench.tokens(MANY_STREAMS)
    streams: list[Option] = ["--conns", MANY_STREAMS, "--sample", STREAMS, "--tokens", tokens]
    headers = [word for header in BROWSER for word in ("--header", header)]
    with _restarted(bench, server, MANY_STREAMS) as restarted:
        load = bench.load(restarted, what, *streams, "--settle", 2, *headers)
    return {"KB a stream": (load.rss_idle_kb - load.rss_sample_kb) / (MANY_STREAMS - STREAMS)}


def idle(bench: Bench, server: Server, what: str) -> Figures:
    """Two heartbeats of 10,000 streams."""
    streams: list[Option] = ["--conns", MANY_STREAMS, "--tokens", bench.tokens(MANY_STREAMS)]
    with _restarted(bench, server, MANY_STREAMS) as restarted:
        load = bench.load(restarted, what, *streams, "--settle", 2, "--idle", 30)
    return {"% of a core": 100 * load.server_cpu_s / load.wall_s}


def publishes(bench: Bench, server: Server, what: str) -> Figures:
    """64 publishers with one request under way each, for some seconds; then the same with lists of 100."""
    _know_users(server, STREAMS)
    options: list[Option] = ["--conns", 0, "--settle", 0.2, *_over_http(bench, STREAMS)]
    options += ["--pub-seconds", PUBLISH_SECONDS]
    one = bench.load(server, what, *options, "--pub-body-file", bench.one_publication)
    figures = {"one event: publishes/s": one.acked / one.wall_s, "one event: p99 ms": one.ack_p99_ms}
    if server.contender.is_ours:
        load = bench.load(server, f"{what}, lists", *options, "--pub-body-file", bench.hundred_publications)
        figures["lists of 100: events/s"] = 100 * load.acked / load.wall_s
    return figures


def post_to_event(bench: Bench, server: Server, what: str) -> Figures:
    """50 POSTs a second to one user whose one tab is open; nothing else goes on."""
    options: list[Option] = ["--conns", 1, "--tokens", bench.tokens(1), *_over_http(bench, 1, publishers=1)]
    options += [
        "--pub-rate",
        50,
        "--pub-total",
        500,
        "--expect",
        500,
        "--pub-body-file",
        bench.one_publication,
    ]
    return _latency(bench.load(server, what, *options))


def come_back(bench: Bench, server: Server, what: str) -> Figures:
    """2,000 users reconnect at once to a server that was just restarted, each 50 events behind."""
    streams: list[Option] = ["--conns", RETURNING, "--window", RETURNING, "--tokens", bench.tokens(RETURNING)]
    with _restarted(bench, server, RETURNING, events=2 * MISSED) as restarted:
        streams += ["--cursors", bench.write("cursors.txt", _cursors(restarted))]
        load = bench.load(restarted, what, *streams, "--catch-up", RETURNING * MISSED)
    _require_each(load, MISSED)
    return {"all connected s": load.connect_s, "all caught up s": load.active_s}


def through_the_log(users: int, tabs: int, events: int, *, listed: int = 1, rate: int = 0) -> Measure:
    """Published over HTTP by 64 publishers, committed, delivered; as fast as it goes, or at a rate."""

    def measure(bench: Bench, server: Server, what: str) -> Figures:
        options: list[Option] = ["--conns", users * tabs, "--users", users, "--tokens", bench.tokens(users)]
        options += _over_http(bench, users)
        options += ["--pub-total", users * events // listed, "--expect", users * tabs * events]
        options += ["--pub-body-file", bench.one_publication if listed == 1 else bench.hundred_publications]
        if rate:
            options += ["--pub-rate", rate]
        load = bench.load(server, what, *options)
        _require_each(load, events)
        return _latency(load) if rate else {"deliveries/s": load.deliveries_per_s}

    return measure


def _inside(path: str, asked: Mapping[str, object], prepared: Mapping[str, int]) -> list[Option]:
    """Let the server publish by itself what it has prepared (ours: committed) once the streams are open."""
    options: list[Option] = [
        "--prepare",
        "/prepare",
        "--prepare-body",
        msgspec.json.encode(prepared).decode(),
    ]
    return [*options, "--trigger", path, "--trigger-body", msgspec.json.encode(asked).decode()]


def _over_http(bench: Bench, users: int, publishers: int = PUBLISHERS) -> list[Option]:
    return [
        *("--pub-path", "/users/u%d/events", "--pub-token", bench.publisher),
        *("--users", users, "--pub-conns", publishers, "--pub-depth", 1),
    ]


def _latency(load: Load) -> Figures:
    return {"p50 ms": load.latency_p50_ms, "p99 ms": load.latency_p99_ms}


def _require_each(load: Load, events: int) -> None:
    if not load.least_of_a_stream == load.most_of_a_stream == events:
        raise Failed(f"streams got {load.least_of_a_stream} to {load.most_of_a_stream} of {events} events")


@contextmanager
def _restarted(bench: Bench, server: Server, users: int, events: int = 1) -> Iterator[Server]:
    """Ours, restarted once the users have a log: nothing is in its memory that preparing has left there."""
    if not server.contender.is_ours:
        yield server
        return
    _prepare(server, users, events)
    stop(server.process)
    with bench.serving(server.contender.name, server.data) as restarted:
        yield restarted


def _know_users(server: Server, users: int) -> None:
    """Let the users have a log before they connect: a tab of a user who has none yet is a rare thing."""
    if server.contender.is_ours:
        _prepare(server, users, 1)


def _prepare(server: Server, users: int, events: int) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)) as connection:
        body = msgspec.json.encode({"users": users, "events": events})
        connection.request("POST", "/prepare", body, {"Content-Type": "application/json"})
        if (status := connection.getresponse().status) != 200:
            raise Failed(f"/prepare: {status}")


def _cursors(server: Server) -> bytes:
    """Where each user was 50 events ago, a line each, in the order of their numbers."""
    with closing(sqlite3.connect(server.data / "zena.db")) as database:
        rows = database.execute("SELECT user_id, epoch, head FROM streams").fetchall()
    places = {user: f"{epoch}-{head - MISSED}" for user, epoch, head in rows}
    return "\n".join(places[f"u{number}"] for number in range(RETURNING)).encode()
