"""The product's own app and server, with routes that offer records which were committed before.

    ZENA_DATA_DIR=... ZENA_PORT=... python -m benchmarks.ours [--plain]

`POST /prepare {users, events, tabs}` commits records and holds them back from the hub; `POST /burst
{users, events, order}` and `POST /steady {users, rate, seconds}` offer them, as the writer does after a
commit. All else is the product as it is: credentials, cursors, metrics, limits. With `--plain` it runs on
uvicorn as it comes, so that streams are not taken over but carried by ASGI.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import time
from collections.abc import Iterator
from itertools import count

import uvicorn
import uvloop
from quart import Quart, request

from benchmarks.event import DIGITS, sample_event
from zena_sse.app import Zena, create_app
from zena_sse.logs import configure_logs
from zena_sse.serve import serve_app
from zena_sse.settings import read_settings
from zena_sse.storage.port import Transaction
from zena_sse.storage.unit import Offer, Unit
from zena_sse.stream.log import Record

# Deliveries after which the publisher lets the loop write and read: as the peers do.
TURN = 256

# A unit of work is short, and so is what waits for the writer.
EVENTS_IN_A_UNIT = 100
UNITS_AT_ONCE = 500


class Prepared:
    """Committed records, waiting to be offered."""

    def __init__(self, zena: Zena) -> None:
        self.tabs = 1  # that each of them reaches
        self._zena = zena
        self._waiting: dict[int, list[Offer]] = {}

    async def commit(self, users: int, events: int, tabs: int = 1) -> None:
        """Commit records for the users 0 to `users`, who have so many tabs each, and keep them."""
        self.tabs = tabs
        self._waiting = {user: [] for user in range(users)}
        parts = [min(EVENTS_IN_A_UNIT, events - start) for start in range(0, events, EVENTS_IN_A_UNIT)]
        units = [(user, part) for part in parts for user in range(users)]
        for start in range(0, len(units), UNITS_AT_ONCE):
            await asyncio.gather(*(self._write(*unit) for unit in units[start : start + UNITS_AT_ONCE]))
        for waiting in self._waiting.values():
            waiting.reverse()
        gc.collect()
        gc.freeze()  # no server has 100,000 records waiting for the collector to go through

    def offer(self, user: int) -> None:
        """Offer the user's next record."""
        self._zena.offer(self._waiting[user].pop())

    def offer_stamped(self, user: int) -> None:
        """Offer the user's next record with the moment written into it."""
        offer = self._waiting[user].pop()
        record = offer.record
        frame = record.frame.replace(DIGITS.encode(), b"%019d" % time.monotonic_ns())
        stamped = Record(record.epoch, record.offset, record.type, frame)
        self._zena.offer(Offer(offer.user_id, stamped))

    async def _write(self, user: int, events: int) -> None:
        self._waiting[user] += await self._zena.storage.write(publish_held_back, f"u{user}", events)


def publish_held_back(tx: Transaction, user_id: str, events: int) -> list[Offer]:
    """Publish, but let the caller have what would be offered after the commit."""
    if not isinstance(tx, Unit):
        raise TypeError("only a unit of work knows what it will offer")
    event = sample_event()
    for _ in range(events):
        tx.publish(user_id, event)
    offers, tx.offers = tx.offers, []
    return offers


def in_order(users: int, events: int, order: str) -> Iterator[int]:
    """Whom each event is for: an event to each user in turn, or all events of a user at once."""
    if order == "user":
        return (user for user in range(users) for _ in range(events))
    return (user for _ in range(events) for user in range(users))


def bench_routes(app: Quart, prepared: Prepared) -> None:
    """The routes that only the benchmarks have."""

    @app.post("/prepare")
    async def prepare() -> str:
        asked = await request.get_json()
        await prepared.commit(**asked)
        return "ok"

    @app.post("/burst")
    async def burst() -> str:
        asked = await request.get_json()
        offers_in_a_turn = max(1, TURN // prepared.tabs)
        for number, user in zip(count(1), in_order(asked["users"], asked["events"], asked["order"])):
            prepared.offer(user)
            if number % offers_in_a_turn == 0:
                await asyncio.sleep(0)
        return "ok"

    @app.post("/steady")
    async def steady() -> str:
        asked = await request.get_json()
        began, sent, total = time.perf_counter(), 0, int(asked["rate"] * asked["seconds"])
        while sent < total:
            due = min(total, int((time.perf_counter() - began) * asked["rate"]))
            for number in range(sent, due):
                prepared.offer_stamped(number % asked["users"])
            sent = due
            await asyncio.sleep(0.005)
        return "ok"


async def main(*, plain: bool) -> None:
    """Serve until SIGTERM."""
    settings = read_settings(os.environ)
    configure_logs(settings.log_level)
    app = create_app(settings)
    bench_routes(app, Prepared(app.extensions["zena"]))
    if plain:
        config = uvicorn.Config(
            app, settings.host, settings.port, http="httptools", ws="none", access_log=False, backlog=4096
        )
        await uvicorn.Server(config).serve()
    else:
        await serve_app(app, settings)


if __name__ == "__main__":
    uvloop.run(main(plain="--plain" in sys.argv))
