"""The table: each row's load, who carries it, and what its figures must be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from benchmarks import measures
from benchmarks.contenders import (
    BARE_ROUTE,
    BETTER_SSE,
    GENERATOR,
    NCHAN,
    OURS,
    PLAIN,
    SSE_STARLETTE,
    WS,
    WS_CACHE,
    WS_CORKED,
    has_nchan,
)
from benchmarks.measures import Measure, burst, through_the_log

EVERYBODY = (OURS, WS, PLAIN, BETTER_SSE, SSE_STARLETTE, GENERATOR)
HUB = "Hub to socket: committed before the clock starts, offered inside the server."
LOG = "Through the durable log: HTTP publish, commit, stream. nchan keeps what it is given in memory only."


class Bar(NamedTuple):
    """What a figure must be: itself, or its ratio to another contender's of the same round."""

    figure: str
    must: float
    aim: float
    against: str | None = None
    is_cost: bool = False  # less is better

    def is_reached(self, value: float, bar: float) -> bool:
        """Whether a value is good enough."""
        return value <= bar if self.is_cost else value >= bar


class Row(NamedTuple):
    """One load."""

    key: str
    title: str
    measure: Measure
    contenders: Sequence[str] = (OURS,)
    bars: Sequence[Bar] = ()
    note: str = ""
    fresh: bool = False  # a new server for each round


def table() -> list[Row]:
    """All rows, in the order of the table."""
    return [*hub_rows(), *stream_rows(), *publish_rows(), *log_rows()]


def hub_rows() -> list[Row]:
    """What is published inside the server."""
    return [
        Row(
            "spread",
            "Deliveries: 1,000 users with one tab each",
            burst(users=1000, tabs=1, events=100),
            EVERYBODY,
            [Bar("deliveries/s", 1.15, 1.4, WS)],
            HUB,
        ),
        Row(
            "fan",
            "Deliveries: one user with 1,000 tabs",
            burst(users=1, tabs=1000, events=100),
            EVERYBODY,
            [Bar("deliveries/s", 1.4, 1.8, WS)],
            HUB,
        ),
        Row(
            "many",
            "Deliveries: 100 events at once for each of 1,000 users",
            burst(users=1000, tabs=1, events=100, order="user"),
            (*EVERYBODY, WS_CORKED),
            [Bar("deliveries/s", 3, 6, WS)],
            f"{HUB} `{WS_CORKED}` corks each socket for a turn of the loop, which ws does not by itself.",
        ),
        Row(
            "steady",
            "Publish to receipt, 2,000 events/s to 1,000 users",
            measures.steady,
            EVERYBODY,
            [Bar("p50 ms", 1.0, 0.8, WS, is_cost=True), Bar("p99 ms", 1.0, 0.8, WS, is_cost=True)],
            HUB,
        ),
    ]


def stream_rows() -> list[Row]:
    """What open streams cost, and opening them."""
    return [
        Row(
            "memory",
            "Resident memory of an idle stream",
            measures.memory,
            EVERYBODY,
            [Bar("KB a stream", 3.5, 2.5, is_cost=True)],
            "From 1,000 to 10,000 streams, each opened with a browser's headers; a new server each round.",
            fresh=True,
        ),
        Row(
            "connects",
            "Connects, a JWT verified each time",
            measures.connects,
            (OURS, WS, WS_CACHE, PLAIN, BETTER_SSE, SSE_STARLETTE, GENERATOR),
            [
                Bar("new tokens: connects/s", 0.6, 1.0, WS),
                Bar("tokens seen before: connects/s", 1.0, 1.3, WS),
            ],
            "4,000 streams, 256 of them under way, each with a token of its own.",
        ),
        Row(
            "idle",
            "10,000 idle streams with heartbeats each 15 s",
            measures.idle,
            (OURS, WS),
            [Bar("% of a core", 2.5, 1.0, is_cost=True)],
            "Over 30 s, two heartbeats of each; a new server each round.",
            fresh=True,
        ),
        Row(
            "restart",
            "2,000 users come back to a server just restarted, each 50 events behind",
            measures.come_back,
            bars=[Bar("all caught up s", 5, 2, is_cost=True)],
            note="All at once, from the first connect to the last event; a new server each round.",
            fresh=True,
        ),
    ]


def publish_rows() -> list[Row]:
    """What is published over HTTP."""
    return [
        Row(
            "publishes",
            "Acknowledged publishes over HTTP",
            measures.publishes,
            (OURS, BARE_ROUTE),
            [
                Bar("one event: publishes/s", 0.6, 0.85, BARE_ROUTE),
                Bar("lists of 100: events/s", 15_000, 30_000),
            ],
            "64 publishers with one request under way each, `synchronous=FULL`; the bare route verifies the "
            "same token with PyJWT and answers 202.",
        ),
        Row(
            "post",
            "POST to event on the stream, idle server",
            measures.post_to_event,
            bars=[Bar("p50 ms", 5, 2, is_cost=True), Bar("p99 ms", 20, 8, is_cost=True)],
            note="50 a second.",
        ),
    ]


def log_rows() -> list[Row]:
    """The loads of the first rows again; no bar."""
    both = (OURS, NCHAN) if has_nchan() else (OURS,)
    return [
        Row("log-spread", "1,000 users with one tab each", through_the_log(1000, 1, 10), both, note=LOG),
        Row("log-fan", "One user with 1,000 tabs", through_the_log(1, 1000, 100), both, note=LOG),
        Row(
            "log-many",
            "100 events at once for each of 1,000 users",
            through_the_log(1000, 1, 100, listed=100),
            note=LOG,
        ),
        Row(
            "log-steady",
            "1,000 events/s to 1,000 users",
            through_the_log(1000, 1, 4, rate=1000),
            both,
            note=LOG,
        ),
    ]
