"""`zena-sse demo`: everything fresh, one command, ready-to-paste lines."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import shlex
import sys
import tempfile
import threading
import time
import webbrowser
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import click
from quart import Quart

from zena_sse.app import create_app, sign_in_by
from zena_sse.demo.feed import Feed
from zena_sse.demo.signin import DemoUser, demo_routes
from zena_sse.mail.accounts import FolderMailbox, add_account, seal_mailbox
from zena_sse.serve import serve_app
from zena_sse.settings import Settings
from zena_sse.storage.log import ensure_stream
from zena_sse.stream.log import Position
from zena_sse.wiring import Zena, new_epoch, new_id, now

USER = DemoUser("mia", "Mia Tane")
ADDRESSES = ("mia.tane@harbourrealty.example", "mia@harbourrealty.example")

# The moment by which the mailbox was labelled: what is overdue, cold or in the window is judged from here on.
AS_OF = datetime.fromisoformat("2026-11-20T09:00:00+13:00")
LIFETIME = timedelta(hours=12)


async def run_demo(chosen: Settings, port: int, *, browser: bool) -> None:
    """Serve the demo until it is stopped, and show its page in a browser; its data goes with it.

    Of what the operator has chosen only the language model counts.
    """
    with tempfile.TemporaryDirectory(prefix="zena-demo-") as directory:
        root = Path(directory)
        model = {
            field: getattr(chosen, field) for field in chosen.__struct_fields__ if field.startswith("llm_")
        }
        settings = Settings(data_dir=root / "data", port=port, jwt_secret=secrets.token_hex(32), **model)
        feed = Feed(Path(__file__).parent / "mail", root / "mailbox")
        feed.lay_out()
        app = demo_app(settings)
        tasks: list[asyncio.Task[None]] = []

        async def ready(zena: Zena, actual_port: int) -> None:
            url = f"http://127.0.0.1:{actual_port}"
            position = await connect(zena, root / "mailbox")
            click.echo(introduction(zena, root, url, position.epoch))
            if browser:
                # Nobody waits for it: some browsers return when they are closed.
                threading.Thread(target=show, args=(url,), daemon=True).start()
            tasks.append(asyncio.create_task(feed.deliver()))

        try:
            await serve_app(app, settings, ready)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def show(url: str) -> None:
    """Open a page, unless all there is is a browser of text, which would take this terminal for itself."""
    with contextlib.suppress(webbrowser.Error):  # there is none at all
        browser = webbrowser.get()
        if type(browser) is not webbrowser.GenericBrowser:
            browser.open(url)


def demo_app(settings: Settings) -> Quart:
    """The app as everywhere, at the demo's moment, and with its way in."""
    app = create_app(settings, domain_clock())
    app.register_blueprint(demo_routes(USER, LIFETIME, sign_in_by(app.extensions["zena"]), now))
    return app


def domain_clock() -> Callable[[], datetime]:
    """A clock that begins at `AS_OF` and runs on."""
    began = time.monotonic()
    return lambda: AS_OF + timedelta(seconds=time.monotonic() - began)


async def connect(zena: Zena, mailbox: Path) -> Position:
    """Give the user their mailbox, and have it read; where their stream begins."""
    position = await zena.storage.write(ensure_stream, USER.user_id, new_epoch())
    sealed = seal_mailbox(zena.vault, FolderMailbox(str(mailbox)))
    account = await zena.storage.write(
        add_account, new_id(), USER.user_id, "folder", "Mia's mailbox", ADDRESSES, sealed
    )
    zena.engine.adopt(account.account_id)
    return position


def introduction(zena: Zena, root: Path, url: str, epoch: str) -> str:
    """What to open, what to try."""
    user = USER.user_id
    token = zena.tokens.sign(user, "agent", LIFETIME)
    program = f"{shlex.quote(sys.executable)} -m zena_sse"
    return f"""
Zena's demo runs. Open this in a browser, and sign in with one click:

  {url}

You see the mailbox of {USER.name}, who sells houses: whom she owes an answer, whom she waits for, which deals
go cold, what is to be done; and you can ask about all of it. Most of the mail is there; ten more messages
arrive within two minutes, while you watch. {url}/debug shows the stream itself.

The same without a page: paste these into another terminal.

  TOKEN={token}

  # the stream, from its very beginning (sync.started, thread.new, sync.completed, then what comes)
  curl -N -H "Authorization: Bearer $TOKEN" "{url}/events?last_event_id={epoch}-0"

  # stop it, wait a little, and resume after the last id you saw
  curl -N -H "Authorization: Bearer $TOKEN" -H "Last-Event-ID: {epoch}-40" {url}/events

  # read the mailbox now; what happens shows in the stream
  curl -X POST -H "Authorization: Bearer $TOKEN" {url}/commands/sync.request

  # the same stream, for people
  ZENA_DATA_DIR={root / "data"} {program} tail --user {user} --from {epoch}-0

Ctrl+C ends it and removes its data.
"""
