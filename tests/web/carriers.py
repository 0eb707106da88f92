"""The servers that may carry a stream; the stream's tests run on each. Another one is one more entry here."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import MappingProxyType

import uvicorn
from quart import Quart

from tests.databases import until
from tests.web.sites import Running
from zena_sse.app import Zena
from zena_sse.operator import socket_path
from zena_sse.serving.server import Server, listening
from zena_sse.settings import Settings

Carrier = Callable[[Quart, Settings], AbstractAsyncContextManager[Running]]

# The kernel would take megabytes off a stream's hands before anybody noticed that nobody reads it.
SEND_BUFFER = 64 * 1024


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
        server: _Stock,
        sock: socket.socket,
        task: Awaitable[None],
        drain: Callable[[], Awaitable[None]],
    ) -> None:
        self.port: int = sock.getsockname()[1]
        self._server = server
        server.asked = asyncio.Event()
        self._task = asyncio.ensure_future(task)
        self._drain = drain

    async def started(self) -> None:
        """Wait until it serves; or its failure."""
        await until(lambda: self._server.started or self._task.done())
        if self._task.done():
            await self._task

    async def stop(self) -> None:
        """See `Running`."""
        await self._drain()
        self._server.asked.set()
        await self._task


@asynccontextmanager
async def taken(app: Quart, settings: Settings) -> AsyncIterator[Running]:
    """Our own server: streams take their connections over."""
    zena: Zena = app.extensions["zena"]
    async with listening("127.0.0.1", 0, socket_path(settings)) as sockets:
        sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        server = _Ours(app, drain=zena.drain, ready=_nothing)
        serving = _Serving(server, sockets[0], server.serve(sockets), _nothing)
        try:
            await serving.started()
            yield serving
        finally:
            await serving.stop()


@asynccontextmanager
async def plain(app: Quart, settings: Settings) -> AsyncIterator[Running]:  # as all carriers
    """uvicorn as it comes: streams are ordinary responses. It knows nothing of our drain, so we call it."""
    zena: Zena = app.extensions["zena"]
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        sock.bind(("127.0.0.1", 0))
        sock.setblocking(False)
        config = uvicorn.Config(
            app, http="httptools", ws="none", lifespan="on", log_config=None, access_log=False
        )
        server = _Stock(config)
        serving = _Serving(server, sock, server.serve([sock]), zena.drain)
        try:
            await serving.started()
            yield serving
        finally:
            await serving.stop()


async def _nothing() -> None:
    """Our server drains by itself and need not say that it is ready."""


CARRIERS: Mapping[str, Carrier] = MappingProxyType({"taken": taken, "plain": plain})
