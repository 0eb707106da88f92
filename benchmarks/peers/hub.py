"""What all Python peers share: the credential, the event, and what publishes inside the server."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import jwt
import uvicorn
from jwt.types import Options

TYPE = "thread.new"
TURN = 256  # deliveries after which a publisher lets the loop write and read: as ours does
PING_SECONDS = 15
REQUIRED: Options = {"require": ["exp", "iat", "sub"]}

ids = count(1)
queues: dict[int, set[asyncio.Queue[bytes]]] = {}
texts: list[bytes] = []

_secret = os.environ["PEER_SECRET"]
_event = Path(os.environ["PEER_EVENT"]).read_bytes()
_digits = _event.index(b'"t=') + 3
_head, _tail = _event[:_digits], _event[_digits + 19 :]


def subject_of(authorization: str) -> str | None:
    """Whom a token is for; None when it is not valid."""
    kind, _, token = authorization.partition(" ")
    if kind != "Bearer":
        return None
    try:
        claims = jwt.decode(token, _secret, ["HS256"], audience="zena-sse", issuer="zena", options=REQUIRED)
    except jwt.PyJWTError:
        return None
    subject: str = claims["sub"]
    return subject


def user_of(authorization: str) -> int | None:
    """The number of the user that a token is for; None when it is not valid."""
    subject = subject_of(authorization)
    return None if subject is None else int(subject[1:])


@asynccontextmanager
async def joined(user: int) -> AsyncIterator[asyncio.Queue[bytes]]:
    """A queue that gets every frame of the user."""
    queue: asyncio.Queue[bytes] = asyncio.Queue()
    queues.setdefault(user, set()).add(queue)
    try:
        yield queue
    finally:
        queues[user].discard(queue)
        if not queues[user]:
            del queues[user]


def stamped() -> bytes:
    """The event with the moment written over its digits."""
    return b"%b%019d%b" % (_head, time.monotonic_ns(), _tail)


def publish(user: int, data: bytes) -> int:
    """Pass an event, encoded once, to every stream of the user; how many there are."""
    streams = queues.get(user)
    if streams is None:
        return 0
    frame = b"id: %d\nevent: %b\ndata: %b\n\n" % (next(ids), TYPE.encode(), data)
    for queue in streams:
        queue.put_nowait(frame)
    return len(streams)


async def ping_all() -> None:
    """A comment to every stream, now and then."""
    while True:
        await asyncio.sleep(PING_SECONDS)
        for streams in queues.values():
            for queue in streams:
                queue.put_nowait(b": ping\n\n")


async def prepare(users: int, events: int, tabs: int = 1) -> None:  # noqa: ARG001  # one order for everybody
    """Make what a burst sends before the clock starts, as ours does: each event has bytes of its own."""
    texts[:] = [b"%b%019d%b" % (_head, number, _tail) for number in range(users * events)]


async def burst(users: int, events: int, order: str = "event") -> None:
    """That many events to each of so many users, as fast as it goes."""
    reached = 0
    for outer in range(users if order == "user" else events):
        for inner in range(events if order == "user" else users):
            reached += publish(outer if order == "user" else inner, texts.pop())
            if reached >= TURN:
                reached = 0
                await asyncio.sleep(0)


async def steady(users: int, rate: float, seconds: float) -> None:
    """So many events a second, to one user after the other."""
    began, sent, total = time.perf_counter(), 0, int(rate * seconds)
    while sent < total:
        due = min(total, int((time.perf_counter() - began) * rate))
        for number in range(sent, due):
            publish(number % users, stamped())
        sent = due
        await asyncio.sleep(0.005)


def serve(app: Callable[..., Any]) -> None:
    """On uvicorn at its best."""
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(os.environ["PEER_PORT"]),
        loop="uvloop",
        http="httptools",
        ws="none",
        access_log=False,
        log_level="warning",
        backlog=4096,
    )
