"""Runs the server: sockets, app, drain."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog
from quart import Quart

from zena_sse import __version__
from zena_sse.app import Zena, create_app
from zena_sse.operator import socket_path
from zena_sse.serving.server import Server, listening
from zena_sse.settings import Settings

log = structlog.get_logger("zena.serve")


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises `ConfigurationError`, `DataDirectoryInUse`."""
    await serve_app(create_app(settings), settings)


async def serve_app(
    app: Quart, settings: Settings, ready: Callable[[Zena, int], Awaitable[None]] | None = None
) -> None:
    """Serve this app; `ready` is called with the port once the server listens."""
    zena: Zena = app.extensions["zena"]
    async with listening(settings.host, settings.port, socket_path(settings)) as sockets:
        port: int = sockets[0].getsockname()[1]

        async def say_ready() -> None:
            log.info(
                "listening",
                url=f"http://{settings.host}:{port}",
                version=__version__,
                data=str(settings.data_dir),
            )
            if ready is not None:
                await ready(zena, port)

        await Server(app, drain=zena.drain, ready=say_ready).serve(sockets)
        log.info("stopped")
