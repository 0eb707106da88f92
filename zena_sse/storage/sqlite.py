"""The embedded database: one connection that writes, a few that read, one process that owns the file."""

from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar, cast

from zena_sse.errors import ConfigurationError, DataDirectoryInUse, StorageUnavailable
from zena_sse.storage.port import Reader, Transaction, Value
from zena_sse.storage.unit import Offer, Rows, View
from zena_sse.storage.writer import Writer

P = ParamSpec("P")
R = TypeVar("R")

# Reads are short and mostly served from the page cache; more threads than this only fight for the GIL.
READERS = 4

# FULL: the log is fsynced at each commit, so what was acknowledged survives a power cut. The writer's
# connection is the only one that checkpoints: with two, SQLite before 3.51.3 can corrupt the file.
_WRITER_SETUP = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA busy_timeout = 5000",
)
_READER_SETUP = ("PRAGMA busy_timeout = 5000",)


class SqliteConnection:
    """One connection to the file, used by one thread. `mode` is one of SQLite's: rwc (or make it), rw, ro."""

    def __init__(self, path: Path, setup: Iterable[str], mode: str = "rwc") -> None:
        self._connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={mode}",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=512,
        )
        try:
            for statement in setup:
                self._connection.execute(statement)
        except sqlite3.Error:
            self._connection.close()
            raise

    def run(self, sql: str, named: Mapping[str, Value]) -> Rows:
        """Run one statement and take all it gives."""
        cursor = self._connection.execute(sql, named)
        rows = cursor.fetchall()
        columns = [column[0] for column in cursor.description] if rows else ()
        return Rows(columns, rows, cursor.rowcount)

    def run_many(self, sql: str, rows: Iterable[Mapping[str, Value]]) -> None:
        """Run one statement for each row."""
        self._connection.executemany(sql, rows)

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self._connection.in_transaction

    def begin(self) -> None:
        """Open a transaction that writes: taking the lock later could fail half-way."""
        self._connection.execute("BEGIN IMMEDIATE")

    def close(self) -> None:
        """Close; an open transaction is undone."""
        self._connection.close()


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise StorageUnavailable(f"The database cannot be read: {error}") from error


class SqliteReader:
    """A connection that reads, each query in one transaction; used by one thread.

    It is opened to read only: so it cannot checkpoint, not even if it closes last, and a file that is gone
    stays gone.
    """

    def __init__(self, path: Path) -> None:
        with _readable():
            self._connection = SqliteConnection(path, _READER_SETUP, "ro")

    def run(
        self, query: Callable[Concatenate[Reader, P], R], now: datetime, *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """What the query gives. Raises `StorageUnavailable`."""
        with _readable():
            self._connection.run("BEGIN", {})
            try:
                return query(View(self._connection, now), *args, **kwargs)
            finally:
                self._connection.run("ROLLBACK", {})

    def close(self) -> None:
        """Close."""
        self._connection.close()


class SqliteStorage:
    """`Storage` over one SQLite file."""

    def __init__(
        self,
        path: Path,
        *,
        offer: Callable[[Offer], None],
        clock: Callable[[], datetime],
        new_epoch: Callable[[], str],
        observe: Callable[[int], None] = lambda _units: None,
    ) -> None:
        self._path = path
        self._clock = clock
        self.writer = Writer(partial(SqliteConnection, path, _WRITER_SETUP), offer, clock, new_epoch, observe)
        self._local = threading.local()
        self._readers: list[SqliteReader] = []
        self._pool: ThreadPoolExecutor | None = None

    def start(self) -> None:
        """Open the connections; the file is there and migrated."""
        self.writer.start()
        self._pool = ThreadPoolExecutor(READERS, "zena-reader")

    async def stop(self) -> None:
        """Finish what waits, then close: readers first, so that the writer's close checkpoints the log."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await asyncio.to_thread(pool.shutdown)
        for reader in self._readers:
            reader.close()
        self._readers.clear()
        self._local = threading.local()
        await self.writer.stop()

    async def write(
        self, unit: Callable[Concatenate[Transaction, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Run a unit of work, see `port.Storage`."""
        return cast("R", await self.writer.submit(lambda tx: unit(tx, *args, **kwargs)))

    async def read(self, query: Callable[Concatenate[Reader, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a query in one read transaction, see `port.Storage`."""
        if self._pool is None:
            raise StorageUnavailable
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, lambda: self._query(query, *args, **kwargs))

    def _query(self, query: Callable[Concatenate[Reader, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        return self._reader().run(query, self._clock(), *args, **kwargs)

    def _reader(self) -> SqliteReader:
        """This thread's."""
        reader: SqliteReader | None = getattr(self._local, "reader", None)
        if reader is None:
            reader = self._local.reader = SqliteReader(self._path)
            self._readers.append(reader)
        return reader


class Ownership:
    """The one process that owns an embedded database; the kernel gives the lock back when it dies."""

    def __init__(self, path: Path) -> None:
        lock = path.with_name(f"{path.name}.lock")
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._file = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            # Mail is nobody else's business; what SQLite puts beside the file gets the file's permissions.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        except OSError as error:
            raise ConfigurationError(
                f"ZENA_DATA_DIR: {lock.parent} cannot be used: {error.strerror}"
            ) from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            owner = os.read(self._file, 32).decode(errors="replace").strip() or "?"
            os.close(self._file)
            raise DataDirectoryInUse(
                f"{path} is in use by process {owner}; stop it, or choose another ZENA_DATA_DIR"
            ) from None
        os.ftruncate(self._file, 0)
        os.write(self._file, str(os.getpid()).encode())

    def release(self) -> None:
        """Let another process have it."""
        os.close(self._file)
