"""The servers that may carry a stream; the stream's tests run on each. Another one is one more entry here."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import MappingProxyType

import hypercorn.asyncio
import hypercorn.config
import uvicorn
from quart import Quart

from tests.databases import until
from tests.web.sites import Running
from zena_sse.operator import socket_path
from zena_sse.serving.server import Server, listening
from zena_sse.serving.takeover import HEADER_BYTES
from zena_sse.settings import Settings
from zena_sse.wiring import Zena

Carrier = Callable[[Quart, Settings], AbstractAsyncContextManager[Running]]

# The kernel would take megabytes off a stream's hands before anybody noticed that nobody reads it.
SEND_BUFFER = 64 * 1024

# hypercorn cuts a connection that is still busy when it has been stopped for so long.
GRACE_SECONDS = 0.5

# hypercorn hangs up on a caller who does not say what they want for so long; 5 s would be long for a test.
PATIENCE_SECONDS = 1.0


class _Stock(uvicorn.Server):
    """uvicorn; it looks ten times a second whether it is to stop, this one is told, or tests would wait."""

    asked: asyncio.Event

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self.asked.wait()


class _Ours(_Stock, Server):
    """The same of ours."""


class _Serving:
    """A server's task."""

    def __init__(
        self,
        port: int,
        task: Awaitable[None],
        ask: Callable[[], None],
        drain: Callable[[], Awaitable[None]],
    ) -> None:
        self.port = port
        self._task = asyncio.ensure_future(task)
        self._ask = ask
        self._drain = drain

    async def started(self, serves: Callable[[], bool]) -> None:
        """Wait until it serves; or its failure."""
        await until(lambda: serves() or self._task.done())
        if self._task.done():
            await self._task

    async def stop(self) -> None:
        """See `Running`."""
        await self._drain()
        self._ask()
        await self._task


@asynccontextmanager
async def taken(app: Quart, settings: Settings) -> AsyncIterator[Running]:
    """Our own server: streams take their connections over."""
    zena: Zena = app.extensions["zena"]
    async with listening("127.0.0.1", 0, socket_path(settings)) as sockets:
        sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        server = _Ours(app, drain=zena.drain, ready=_nothing)
        async with _served(server, sockets, _nothing) as serving:
            yield serving


@asynccontextmanager
async def plain(app: Quart, settings: Settings) -> AsyncIterator[Running]:  # as all carriers
    """uvicorn as it comes: streams are ordinary responses. It knows nothing of our drain, so we call it."""
    zena: Zena = app.extensions["zena"]
    with _bound() as sock:
        config = uvicorn.Config(
            app, http="httptools", ws="none", lifespan="on", log_config=None, access_log=False
        )
        async with _served(_Stock(config), [sock], zena.drain) as serving:
            yield serving


@asynccontextmanager
async def hypercorned(app: Quart, settings: Settings) -> AsyncIterator[Running]:  # as all carriers
    """hypercorn, on this loop. It knows nothing of our drain either."""
    zena: Zena = app.extensions["zena"]
    asked = asyncio.Event()
    with _bound() as sock:
        config = hypercorn.config.Config()
        config.bind = [f"fd://{os.dup(sock.fileno())}"]
        config.errorlog = None
        config.graceful_timeout = GRACE_SECONDS
        config.keep_alive_timeout = PATIENCE_SECONDS
        config.h11_max_incomplete_size = HEADER_BYTES  # as ours
        task = hypercorn.asyncio.serve(app, config, shutdown_trigger=asked.wait)
        serving = _Serving(sock.getsockname()[1], task, asked.set, zena.drain)
        try:
            await serving.started(lambda: bool(sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)))
            sock.close()  # or it would listen on when hypercorn no longer does
            yield serving
        finally:
            await serving.stop()


@asynccontextmanager
async def _served(
    server: _Stock, sockets: list[socket.socket], drain: Callable[[], Awaitable[None]]
) -> AsyncIterator[Running]:
    server.asked = asyncio.Event()
    serving = _Serving(sockets[0].getsockname()[1], server.serve(sockets), server.asked.set, drain)
    try:
        await serving.started(lambda: server.started)
        yield serving
    finally:
        await serving.stop()


def _bound() -> socket.socket:
    """A socket with a port, which does not listen yet."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    sock.bind(("127.0.0.1", 0))
    sock.setblocking(False)
    return sock


async def _nothing() -> None:
    """Our server drains by itself and need not say that it is ready."""


CARRIERS: Mapping[str, Carrier] = MappingProxyType({"taken": taken, "plain": plain, "hypercorn": hypercorned})
