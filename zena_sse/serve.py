"""Runs the server: sockets, app, drain."""

from __future__ import annotations

import gc
import resource
from collections.abc import Awaitable, Callable

import structlog
from quart import Quart

from zena_sse import __version__
from zena_sse.app import create_app
from zena_sse.operator import socket_path
from zena_sse.serving.server import Server, listening
from zena_sse.settings import Settings
from zena_sse.wiring import Zena

# New objects before the youngest are looked through, which takes 0.7 ms for so many; Python's own 700 goes
# through what requests in flight hold again and again, 50,000 makes everybody wait for 10 ms.
GARBAGE_THRESHOLD = 5_000

# What is open beside streams: the database, requests, mailboxes.
OTHER_FILES = 500

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
            _allow_files(settings.streams_per_server + OTHER_FILES)
            if ready is not None:
                await ready(zena, port)
            _rest_the_collector()

        await Server(app, drain=zena.drain, ready=say_ready).serve(sockets)
        log.info("stopped")


def _allow_files(needed: int) -> None:
    """Every stream is an open file; most systems allow a process 1,024 unless it asks for more."""
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = needed if most == resource.RLIM_INFINITY else min(needed, most)
    if resource.RLIM_INFINITY != allowed < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
        except (ValueError, OSError):  # macOS allows less than it reports
            wanted = allowed
    if wanted < needed:
        log.info("few open files", allowed=wanted, needed=needed, hint="ulimit -n, LimitNOFILE=")


def _rest_the_collector() -> None:
    """What is there now stays: never look through it again, and less often through what a stream leaves.

    With the defaults an eighth of a connect goes into looking for cycles among the live streams.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD, 20, 20)
