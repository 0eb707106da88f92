"""`zena-sse demo`: everything fresh, one command, ready-to-paste lines."""

from __future__ import annotations

import asyncio
import secrets
import shlex
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import click

from zena_sse.app import create_app
from zena_sse.demo.feed import Feed
from zena_sse.mail.accounts import FolderMailbox, add_account, seal_mailbox
from zena_sse.serve import serve_app
from zena_sse.settings import Settings
from zena_sse.storage.log import ensure_stream
from zena_sse.wiring import Zena, new_epoch, new_id

USER = "mia"
ADDRESSES = ("mia.tane@harbourrealty.example", "mia@harbourrealty.example")

# The moment by which the mailbox was labelled: what is overdue, cold or in the window is judged from here on.
AS_OF = datetime.fromisoformat("2026-11-20T09:00:00+13:00")
TOKEN_LIFETIME = timedelta(hours=12)


async def run_demo(port: int) -> None:
    """Serve the demo until it is stopped; its data goes with it."""
    with tempfile.TemporaryDirectory(prefix="zena-demo-") as directory:
        root = Path(directory)
        settings = Settings(data_dir=root / "data", port=port, jwt_secret=secrets.token_hex(32))
        feed = Feed(Path(__file__).parent / "mail", root / "mailbox")
        feed.lay_out()
        app = create_app(settings, domain_clock())
        tasks: list[asyncio.Task[None]] = []

        async def ready(zena: Zena, actual_port: int) -> None:
            click.echo(await introduce(zena, root, actual_port))
            tasks.append(asyncio.create_task(feed.deliver()))

        try:
            await serve_app(app, settings, ready)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def domain_clock() -> Callable[[], datetime]:
    """A clock that begins at `AS_OF` and runs on."""
    began = time.monotonic()
    return lambda: AS_OF + timedelta(seconds=time.monotonic() - began)


async def introduce(zena: Zena, root: Path, port: int) -> str:
    """Connect the mailbox, and say what to try."""
    position = await zena.storage.write(ensure_stream, USER, new_epoch())
    sealed = seal_mailbox(zena.vault, FolderMailbox(str(root / "mailbox")))
    account = await zena.storage.write(
        add_account, new_id(), USER, "folder", "Mia's mailbox", ADDRESSES, sealed
    )
    zena.engine.adopt(account.account_id)
    token = zena.tokens.sign(USER, "agent", TOKEN_LIFETIME)
    url = f"http://127.0.0.1:{port}"
    program = f"{shlex.quote(sys.executable)} -m zena_sse"
    return f"""
Zena's demo runs at {url}. Most of the mail is there; ten more messages arrive within two minutes.
Paste these into another terminal:

  TOKEN={token}

  # the stream, from its very beginning (sync.started, thread.new, sync.completed, then what comes)
  curl -N -H "Authorization: Bearer $TOKEN" "{url}/events?last_event_id={position.epoch}-0"

  # stop it, wait a little, and resume after the last id you saw
  curl -N -H "Authorization: Bearer $TOKEN" -H "Last-Event-ID: {position.epoch}-40" {url}/events

  # read the mailbox now; what happens shows in the stream
  curl -X POST -H "Authorization: Bearer $TOKEN" {url}/commands/sync.request

  # the same stream, for people
  ZENA_DATA_DIR={root / "data"} {program} tail --user {USER} --from {position.epoch}-0

Ctrl+C ends it and removes its data.
"""
