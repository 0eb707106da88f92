"""The operator's way in: our own HTTP interface, by the owner's socket or, without a server, in-process."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx
import msgspec

from zena_sse.contract.replies import Problem
from zena_sse.errors import ConfigurationError, ZenaError
from zena_sse.security.principal import is_user_id
from zena_sse.serving.takeover import OPERATOR
from zena_sse.settings import Settings

SOCKET = "zena.sock"
TIMEOUT_SECONDS = 60.0


class Refused(ZenaError):
    """The server refused."""

    code = "refused"


def socket_path(settings: Settings) -> Path:
    """Where the server that owns the data directory listens for its operator."""
    return settings.data_dir / SOCKET


def socket_client(settings: Settings) -> httpx.AsyncClient:
    """A client that talks to the server that owns the data directory."""
    # A context of its own: the default one loads every certificate there is, for a socket that needs none.
    no_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    transport = httpx.AsyncHTTPTransport(uds=str(socket_path(settings)), verify=no_tls)
    return httpx.AsyncClient(transport=transport, base_url="http://zena", timeout=TIMEOUT_SECONDS)


async def is_served(settings: Settings) -> bool:
    """Whether a server owns the data directory; a socket file alone may be one that kill -9 left."""
    if not socket_path(settings).exists():
        return False
    async with socket_client(settings) as client:
        try:
            return (await client.get("/healthz")).is_success
        except httpx.HTTPError:
            return False


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """What is missing here may be missing only because no server was found."""
    try:
        yield
    except ConfigurationError as error:
        raise ConfigurationError(f"no server owns {settings.data_dir} (ZENA_DATA_DIR), and {error}") from None


@asynccontextmanager
async def operator_client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client whose requests come from the operator."""
    if await is_served(settings):
        async with socket_client(settings) as client:
            yield client
        return
    from zena_sse.app import create_app  # noqa: PLC0415  # most commands talk to a server and need no app

    with alone(settings):
        app = create_app(settings, background=False)

    async def as_operator(scope: dict[str, object], receive: object, send: object) -> None:
        await app(scope | {"extensions": {OPERATOR: True}}, receive, send)  # type: ignore[arg-type]  # ASGI

    await app.startup()
    try:
        transport = httpx.ASGITransport(app=as_operator)  # type: ignore[arg-type]  # ASGI
        async with httpx.AsyncClient(transport=transport, base_url="http://zena") as client:
            yield client
    finally:
        await app.shutdown()


async def call(settings: Settings, method: str, path: str, *, user: str, body: object = None) -> bytes:
    """Ask once, as this user; the answer's body. Raises `Refused` with the server's own words."""
    if not is_user_id(user):
        raise Refused(f"{user!r} is not a user's id: 1 to 64 of A-Z a-z 0-9 . _ @ : + | -")
    async with operator_client(settings) as client:
        response = await client.request(
            method,
            path,
            headers={"Zena-User": user, "Content-Type": "application/json"},
            content=None if body is None else msgspec.json.encode(body),
        )
    if response.is_error:
        raise Refused(refusal(response.content))
    return response.content


def refusal(body: bytes) -> str:
    """What a problem says, on one line."""
    try:
        problem = msgspec.json.decode(body, type=Problem)
    except msgspec.DecodeError:
        return body.decode(errors="replace")[:200] or "no answer"
    return problem.detail or problem.title
