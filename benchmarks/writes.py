"""Units of work a second: one publish and one changed row each, fsynced, through the real storage.

    python benchmarks/writes.py [DIRECTORY]

The directory decides which disk is measured; a temporary one by default.
"""

from __future__ import annotations

import asyncio
import platform
import sqlite3
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from itertools import count
from os import cpu_count
from pathlib import Path

from zena_sse.contract.events import ThreadViewed
from zena_sse.storage.migrate import migrate
from zena_sse.storage.port import Transaction
from zena_sse.storage.sqlite import SqliteStorage

CALLERS = (1, 16, 64, 512)
SECONDS = 2.0  # for each number of callers
ALONE_UNITS = 500
USERS = 100


def view_thread(tx: Transaction, number: int) -> None:
    """What a command does: it changes a row, and says so."""
    user_id = f"user{number % USERS}"
    tx.execute("UPDATE viewed SET at = :at WHERE user_id = :user_id", at=number, user_id=user_id)
    tx.publish(user_id, ThreadViewed(thread_id=f"thread{number}", viewed_at=tx.now, by=user_id))


def add_rows(tx: Transaction) -> None:
    """One row of each user, to change; a table of our own stays as it is."""
    tx.execute("CREATE TABLE viewed (user_id TEXT PRIMARY KEY, at INTEGER)")
    tx.execute_many(
        "INSERT INTO viewed VALUES (:user_id, 0)", [{"user_id": f"user{number}"} for number in range(USERS)]
    )


async def run_callers(storage: SqliteStorage, callers: int, numbers: count[int]) -> list[float]:
    """Each caller writes unit after unit until the time is up; how long each unit took."""
    end = time.perf_counter() + SECONDS
    took: list[float] = []

    async def call() -> None:
        while (start := time.perf_counter()) < end:
            await storage.write(view_thread, next(numbers))
            took.append(time.perf_counter() - start)

    await asyncio.gather(*(call() for _ in range(callers)))
    return took


async def time_alone(storage: SqliteStorage, numbers: count[int]) -> list[float]:
    """One unit at a time, nothing else going on."""
    took = []
    for _ in range(ALONE_UNITS):
        start = time.perf_counter()
        await storage.write(view_thread, next(numbers))
        took.append(time.perf_counter() - start)
    return took


def percentile(took: list[float], hundredths: int) -> float:
    """In milliseconds."""
    return statistics.quantiles(took, n=100)[hundredths - 1] * 1_000


def machine() -> str:
    """What this was measured on."""
    cpus = Path("/proc/cpuinfo")
    names = [line for line in cpus.read_text().splitlines() if "model name" in line] if cpus.exists() else []
    name = names[0].partition(":")[2].strip() if names else platform.processor() or platform.machine()
    return (
        f"{cpu_count()} x {name}, {platform.system()}, Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}, synchronous=FULL"
    )


async def measure(directory: Path) -> None:
    """Measure and print."""
    path = directory / "writes.db"
    migrate(path)
    offered = groups = 0

    def offer(_offer: object) -> None:
        nonlocal offered
        offered += 1

    def observe(_units: int) -> None:
        nonlocal groups
        groups += 1

    epochs = count()
    storage = SqliteStorage(
        path,
        offer=offer,
        clock=lambda: datetime.now(UTC),
        new_epoch=lambda: f"e{next(epochs)}",
        observe=observe,
    )
    storage.start()
    await storage.write(add_rows)
    numbers = count(1)
    print(machine())
    alone = await time_alone(storage, numbers)
    print(f"one unit alone: p50 {percentile(alone, 50):.2f} ms, p99 {percentile(alone, 99):.2f} ms")
    print(f"{'callers':>8} {'units/s':>9} {'units/commit':>13} {'p50 ms':>8} {'p99 ms':>8}")
    for callers in CALLERS:
        groups = 0
        start = time.perf_counter()
        took = await run_callers(storage, callers, numbers)
        rate = len(took) / (time.perf_counter() - start)
        print(
            f"{callers:>8} {rate:>9,.0f} {len(took) / groups:>13.1f}"
            f" {percentile(took, 50):>8.2f} {percentile(took, 99):>8.2f}"
        )
    await storage.stop()
    if offered != next(numbers) - 1:
        raise SystemExit(f"{offered} events were offered, not one for each unit")


def main() -> None:
    """Run in the directory that was named, or a temporary one."""
    parent = sys.argv[1] if len(sys.argv) > 1 else None
    with tempfile.TemporaryDirectory(dir=parent) as directory:
        asyncio.run(measure(Path(directory)))


if __name__ == "__main__":
    main()
