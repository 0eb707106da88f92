"""The one thread that writes: units of work run whole, in groups that share one commit.

It takes whatever is waiting, runs each unit in a savepoint of its own, commits once, and hands the group back
to the event loop, which offers the events and then answers the callers. What can go wrong, and what then
holds:

* a unit raises: its savepoint is undone, its caller gets the error, its neighbours don't notice;
* a unit's failure takes the whole transaction with it (a full disk does): its caller gets the error, its
  neighbours run again;
* the commit fails: no one knows what is durable, so every caller gets `StorageUnavailable`, nothing is
  offered, and the connection is opened anew;
* the thread dies: every caller fails at once, `alive` is false, and a new thread is tried a second later.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from datetime import datetime
from typing import ParamSpec, Protocol

import structlog

from zena_sse.errors import StorageBusy, StorageUnavailable
from zena_sse.storage.unit import Engine, Offer, Unit

# What may wait: at 10,000 units a second it is one second's worth; a caller is better told to come back.
QUEUE_LIMIT = 10_000

# Units that share a commit. One fsync costs as much as a hundred small units, so more gain little and make
# the first of them wait.
GROUP_LIMIT = 256

# Between the death of the thread and the next try.
RESTART_SECONDS = 1.0

P = ParamSpec("P")

log = structlog.get_logger("zena.storage")


class Connection(Engine, Protocol):
    """The connection that writes."""

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""

    def begin(self) -> None:
        """Open a transaction that writes."""

    def close(self) -> None:
        """Close; an open transaction is undone."""


class Job:
    """One unit on its way: what to run, who waits, what came of it."""

    __slots__ = ("call", "error", "future", "result", "unit")

    def __init__(self, call: Callable[[Unit], object], future: asyncio.Future[object]) -> None:
        self.call = call
        self.future = future
        self.unit: Unit | None = None
        self.result: object = None
        self.error: BaseException | None = None

    def answer(self) -> None:
        """Tell the caller, who may have left meanwhile."""
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
            self.future.exception()  # looked at: a caller who leaves now does not, and asyncio complains
        else:
            self.future.set_result(self.result)


class Writer:
    """Runs units of work on a thread of its own. Belongs to the loop that starts it."""

    def __init__(
        self,
        connect: Callable[[], Connection],
        offer: Callable[[Offer], None],
        clock: Callable[[], datetime],
        new_epoch: Callable[[], str],
        observe: Callable[[int], None],
    ) -> None:
        self._connect = connect
        self._offer = offer
        self._clock = clock
        self._new_epoch = new_epoch
        self._observe = observe
        self._pending: set[Job] = set()
        self._queue: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = False
        self.alive = False

    def __len__(self) -> int:
        return len(self._pending)

    # --- on the event loop ----------------------------------------------------------------------

    def start(self) -> None:
        """Start the thread; `alive` from here on."""
        self._loop = asyncio.get_running_loop()
        self._queue = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._main, name="zena-writer", daemon=True)
        self.alive = True
        self._thread.start()

    async def submit(self, call: Callable[[Unit], object]) -> object:
        """Run one unit; cancelling the caller does not stop it."""
        if not self.alive or self._stopping or self._loop is None:
            raise StorageUnavailable
        if len(self._pending) >= QUEUE_LIMIT:
            raise StorageBusy
        job = Job(call, self._loop.create_future())
        self._pending.add(job)
        self._queue.put(job)
        return await job.future

    async def stop(self) -> None:
        """Finish what waits, then end the thread."""
        self._stopping = True
        if self._thread is not None and self._thread.is_alive():
            self._queue.put(None)
            await asyncio.to_thread(self._thread.join)
        # The last group was handed over before the thread ended; let the loop run it.
        await asyncio.sleep(0)
        self.alive = False

    def _deliver(self, jobs: list[Job]) -> None:
        self._pending.difference_update(jobs)
        for job in jobs:
            if job.error is None and job.unit is not None:
                self._announce(job.unit)
        for job in jobs:
            job.answer()
        self._observe(len(jobs))

    def _announce(self, unit: Unit) -> None:
        """Offer a unit's events, then call back. They are durable: a stream that misses one reads it."""
        for offer in unit.offers:
            _attempt(self._offer, offer)
        for callback in unit.callbacks:
            _attempt(callback)

    def _died(self, error: BaseException) -> None:
        log.error("writer died", error=repr(error))
        self.alive = False
        jobs, self._pending = self._pending, set()
        for job in jobs:
            job.error = StorageUnavailable()
            job.answer()
        if self._loop is not None and not self._stopping:
            self._loop.call_later(RESTART_SECONDS, self._restart)

    def _restart(self) -> None:
        if not self._stopping:
            log.info("writer restarts")
            self.start()

    # --- on the writer's thread -----------------------------------------------------------------

    def _main(self) -> None:
        if self._loop is None:
            raise RuntimeError("started without a loop")
        try:
            self._work(self._loop)
        except BaseException as error:  # whatever ended the thread, its callers must hear of it
            self._loop.call_soon_threadsafe(self._died, error)

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        connection = self._connect()
        try:
            while jobs := self._gather():
                if not self._run_group(connection, jobs):
                    connection.close()
                    connection = self._connect()
                loop.call_soon_threadsafe(self._deliver, jobs)
        finally:
            connection.close()

    def _gather(self) -> list[Job]:
        """Wait for a job and take what waits behind it; nothing once the writer is to stop."""
        job = self._queue.get()
        jobs: list[Job] = []
        while job is not None:
            jobs.append(job)
            if len(jobs) == GROUP_LIMIT or self._queue.empty():
                return jobs
            job = self._queue.get_nowait()
        if jobs:
            self._queue.put(None)
        return jobs

    def _run_group(self, connection: Connection, jobs: list[Job]) -> bool:
        """Run the jobs in one transaction and commit; false when the connection is not to be trusted."""
        waiting = jobs
        try:
            while waiting:
                connection.begin()
                casualty = self._run_units(connection, waiting)
                if casualty is None:
                    connection.run("COMMIT", {})
                    return True
                waiting = [job for job in waiting if job is not casualty]
        except sqlite3.Error:
            log.exception("commit failed", units=len(waiting))
            for job in waiting:
                job.error = StorageUnavailable()
            return False
        return True

    def _run_units(self, connection: Connection, jobs: list[Job]) -> Job | None:
        """Run each job in its savepoint; the job whose failure undid the whole transaction, if one did."""
        now = self._clock()
        for job in jobs:
            connection.run("SAVEPOINT unit", {})
            job.unit, job.error = Unit(connection, now, self._new_epoch), None
            try:
                job.result = job.call(job.unit)
            except Exception as error:  # a unit may raise anything; it is its caller's
                job.error = _translate(error)
                if not connection.in_transaction:
                    return job
                connection.run("ROLLBACK TO unit", {})
            connection.run("RELEASE unit", {})
        return None


def _attempt(listener: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
    """A bug in one listener must not cost the others theirs, or a caller its answer."""
    try:
        listener(*args, **kwargs)
    except Exception:
        log.exception("announcing failed")


def _translate(error: Exception) -> Exception:
    """What the machine did to a unit is no bug of the unit: full, locked, failing disks are 503."""
    if isinstance(error, sqlite3.OperationalError) or type(error) is sqlite3.DatabaseError:
        log.error("unit failed", error=str(error))
        return StorageUnavailable()
    if isinstance(error, StopIteration):  # a future cannot carry it
        return RuntimeError("a unit raised StopIteration")
    return error
