"""The demo's app as a server that can be stopped and started again: its mailbox was read, and stays.

`demoserver.py read` reads the mailbox in `ZENA_DATA_DIR/../mailbox` and ends; without a word it serves.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import uvloop

from zena_sse.demo.run import USER, connect, demo_app
from zena_sse.logs import configure_logs
from zena_sse.mail.runs import snapshot_syncs
from zena_sse.serve import serve_app
from zena_sse.settings import Settings, read_settings
from zena_sse.wiring import Zena

LOOK_AGAIN_SECONDS = 0.05


async def serve(settings: Settings) -> None:
    """Serve until it is told to end."""
    await serve_app(demo_app(settings), settings)


async def read(settings: Settings) -> None:
    """Read the mailbox and make all of it that can be made of it."""
    app = demo_app(settings)
    zena: Zena = app.extensions["zena"]
    await app.startup()
    try:
        # Relative to where the server runs: a copy of the site reads its own.
        await connect(zena, Path("mailbox"))
        while not any(sync.success for sync in await zena.storage.read(snapshot_syncs, USER.user_id)):
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
        await zena.watch.follow(USER.user_id)
    finally:
        await app.shutdown()


if __name__ == "__main__":
    chosen = read_settings(os.environ)
    configure_logs(chosen.log_level, final=True)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(read(chosen) if sys.argv[1:] == ["read"] else serve(chosen))
