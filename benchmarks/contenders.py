"""The servers that are measured side by side, and how each is started."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
PATIENCE_SECONDS = 30.0
NCHAN_MODULE = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")

OURS = "ours"
PLAIN = "ours (plain ASGI)"
WS = "ws"
WS_CACHE = "ws (token cache)"
WS_CORKED = "ws (corked)"
BETTER_SSE = "better-sse"
SSE_STARLETTE = "sse-starlette"
GENERATOR = "Quart generator"
BARE_ROUTE = "bare Quart route"
NCHAN = "nchan"

# What the loads need beyond the defaults. 1,000 tabs of one user and thousands of connects a second from one
# machine are an attack anywhere else, and are refused there.
RAISED = {
    "ZENA_STREAMS_PER_USER": "2000",
    "ZENA_STREAMS_PER_ADDRESS": "20000",
    "ZENA_STREAMS_PER_SECOND": "1000000",
}


class Failed(Exception):
    """A measurement that did not do what it was to do: its figures mean nothing."""


class Contender(NamedTuple):
    """A server that can be measured."""

    name: str
    command: Sequence[str]
    environment: dict[str, str]
    is_ours: bool = False
    is_websocket: bool = False
    path: str = "/events"


class Server(NamedTuple):
    """A contender that runs."""

    contender: Contender
    process: subprocess.Popen[bytes]
    port: int
    data: Path


def contenders(made: Path, secret: str, event: Path) -> dict[str, Contender]:
    """All of them by name. `made` is where make put the peers' packages; `event` holds what they send."""
    ours = (sys.executable, "-m", "benchmarks.ours")
    ours_environment = {"PYTHONPATH": str(HERE.parent), "ZENA_JWT_SECRET": secret} | RAISED
    python, peers = str(made / "venv/bin/python"), {"PEER_SECRET": secret, "PEER_EVENT": str(event)}
    nchan = peers | {"PEER_NGINX": shutil.which("nginx") or "", "PEER_NCHAN": str(NCHAN_MODULE)}
    ws = ("node", str(made / "peers/ws.mjs"))
    quart = (python, str(HERE / "peers/quart_peer.py"))
    found = (
        Contender(OURS, ours, ours_environment, is_ours=True),
        Contender(PLAIN, (*ours, "--plain"), ours_environment, is_ours=True),
        Contender(WS, ws, peers, is_websocket=True),
        Contender(WS_CACHE, ws, peers | {"PEER_TOKEN_CACHE": "20000"}, is_websocket=True),
        Contender(WS_CORKED, ws, peers | {"PEER_CORK": "1"}, is_websocket=True),
        Contender(BETTER_SSE, ("node", str(made / "peers/better-sse.mjs")), peers),
        Contender(SSE_STARLETTE, (python, str(HERE / "peers/starlette_peer.py")), peers),
        Contender(GENERATOR, quart, peers),
        Contender(BARE_ROUTE, quart, peers),
        Contender(NCHAN, ("node", str(made / "peers/nchan.mjs")), nchan, path="/events/u%d"),
    )
    return {contender.name: contender for contender in found}


@contextmanager
def running(contender: Contender, prefix: Sequence[str], data: Path, log: Path) -> Iterator[Server]:
    """Start a server on a free port, and stop it at the end. `prefix` pins it to its core."""
    port = _free_port()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ZENA_", "PEER_"))}
    own = (
        {"ZENA_DATA_DIR": str(data), "ZENA_PORT": str(port)}
        if contender.is_ours
        else {"PEER_PORT": str(port)}
    )
    command = [*prefix, *contender.command]
    with log.open("ab") as file:
        process = subprocess.Popen(command, env=kept | own | contender.environment, stdout=file, stderr=file)
    try:
        _wait_until_it_listens(process, port, log)
        yield Server(contender, process, port, data)
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a server; one that does not is killed."""
    process.terminate()
    try:
        process.wait(PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def has_nchan() -> bool:
    """Whether nginx is installed with Debian's nchan module."""
    return NCHAN_MODULE.exists() and shutil.which("nginx") is not None


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def _wait_until_it_listens(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise Failed(f"the server does not listen; its log ends with:\n{log.read_text()[-2000:]}")
