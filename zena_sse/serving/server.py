"""Our uvicorn: one process, a public and an operator's socket, and a drain that streams take part in."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn

from zena_sse.errors import ConfigurationError
from zena_sse.serving.takeover import TakeoverProtocol

# Requests that still run when the server stops get this long; streams have their own drain before it.
GRACE_SECONDS = 5
BACKLOG = 4096

# A peer that acknowledges nothing for this long is gone, whatever its network does not say.
USER_TIMEOUT_MS = 25_000

# What the kernel holds for a reader that stalls; it would grow to megabytes each by itself.
SEND_BUFFER_BYTES = 256 * 1024


class Server(uvicorn.Server):
    """Tells its streams before it stops, and exits with 0 when it was asked to stop."""

    def __init__(
        self,
        app: Callable[..., Awaitable[None]],
        *,
        drain: Callable[[], Awaitable[None]],
        ready: Callable[[], Awaitable[None]],
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=TakeoverProtocol,
                ws="none",
                lifespan="on",
                access_log=False,
                log_config=None,
                server_header=False,
                proxy_headers=False,  # we count trusted hops ourselves
                reset_contextvars=True,  # or one request's context leaks into the next of its connection
                timeout_graceful_shutdown=GRACE_SECONDS,
                backlog=BACKLOG,
            )
        )
        self._drain = drain
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then say so."""
        await super().startup(sockets)
        if self.started:
            await self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, end the streams, then the rest."""
        for server in self.servers:
            server.close()
        await self._drain()
        # Signals that came are answered by a clean exit: uvicorn would raise them again.
        self._captured_signals.clear()
        await super().shutdown(sockets)


@asynccontextmanager
async def listening(host: str, port: int, operator: Path) -> AsyncIterator[list[socket.socket]]:
    """The public socket and the operator's, which is gone afterwards. Raises `ConfigurationError`."""
    public = _listen_public(host, port)
    try:
        local = _listen_locally(operator)
    except OSError as error:
        public.close()
        raise ConfigurationError(f"{operator}: cannot listen: {error.strerror or error}") from None
    try:
        yield [public, local]
    finally:
        public.close()
        local.close()
        with contextlib.suppress(FileNotFoundError):
            await asyncio.to_thread(operator.unlink)


def _listen_public(host: str, port: int) -> socket.socket:
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        sock = socket.socket(family, kind, proto)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(
            socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES
        )  # inherited by what is accepted
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)
        sock.bind(address)
    except OSError as error:
        raise ConfigurationError(
            f"cannot listen on {host}:{port}: {error.strerror or error}; set another ZENA_HOST or ZENA_PORT"
        ) from None
    sock.setblocking(False)
    return sock


def _listen_locally(path: Path) -> socket.socket:
    """A socket file only its owner can open; one left behind by a server that was killed is replaced."""
    path.unlink(missing_ok=True)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    former = os.umask(0o177)
    try:
        sock.bind(str(path))
    finally:
        os.umask(former)
    sock.setblocking(False)
    return sock
