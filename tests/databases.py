"""Real databases for tests: migrated, in a directory of their own, with a clock that stands still."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from zena_sse.contract.events import ThreadViewed
from zena_sse.storage.migrate import migrate
from zena_sse.storage.sqlite import SqliteStorage
from zena_sse.storage.unit import Offer

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

# Nothing here takes seconds: what has not come by then never comes.
PATIENCE_SECONDS = 10.0


class Clock:
    """A clock that the test moves."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **amount: float) -> None:
        self.now += timedelta(**amount)


def epochs(prefix: str = "epoch") -> Callable[[], str]:
    """Epochs that differ: `epoch1`, `epoch2`, ..."""
    numbers = itertools.count(1)
    return lambda: f"{prefix}{next(numbers)}"


@cache
def _empty_database() -> bytes:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "zena.db"
        migrate(path)
        return path.read_bytes()


def new_database(directory: Path) -> Path:
    """A migrated database in this directory; migrating once is enough for a whole run."""
    path = directory / "zena.db"
    path.write_bytes(_empty_database())
    return path


@asynccontextmanager
async def running_storage(
    path: Path, offer: Callable[[Offer], None], clock: Callable[[], datetime], new_epoch: Callable[[], str]
) -> AsyncIterator[SqliteStorage]:
    """A started `SqliteStorage`, stopped afterwards."""
    storage = SqliteStorage(path, offer=offer, clock=clock, new_epoch=new_epoch)
    storage.start()
    try:
        yield storage
    finally:
        await storage.stop()


def viewed(thread_id: str) -> ThreadViewed:
    """The smallest durable event."""
    return ThreadViewed(thread_id=thread_id, viewed_at=NOON, by="jo")


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something is so, looking again at every turn."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():  # any condition, not one that sets an event
            await asyncio.sleep(0.002)
