"""Real computing happens in a process beside ours: in ours it would starve the streams."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from typing import TypeVar

import structlog

T = TypeVar("T")
R = TypeVar("R")

# A batch takes milliseconds; one that has not ended by now never will.
BATCH_SECONDS = 120.0
# Where there are more to run than processors, streams come before what is computed.
NICE = 10

log = structlog.get_logger("zena.workers")


class Workers:
    """Runs plain functions over batches in one worker process, which is started when first needed."""

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None
        self._processes: set[BaseProcess] = set()  # the pool's: there may be other pools
        self._turn = asyncio.Lock()  # one batch in the worker at a time: whoever breaks it is to blame

    async def map(
        self, function: Callable[[Sequence[T]], list[R]], batch: Sequence[T], fallback: Callable[[T], R]
    ) -> list[R]:
        """`function(batch)`; an item that kills the worker, alone, gets `fallback` instead.

        `function` maps item by item and is importable by name; items and results can be pickled.
        """
        async with self._turn:
            return await self._map(function, batch, fallback)

    async def _map(
        self, function: Callable[[Sequence[T]], list[R]], batch: Sequence[T], fallback: Callable[[T], R]
    ) -> list[R]:
        try:
            return await self._run(function, batch)
        except BrokenProcessPool:
            self._restart()
        results: list[R] = []
        for item in batch:
            try:
                results.extend(await self._run(function, [item]))
            except BrokenProcessPool:
                log.exception("worker died on one item")
                self._restart()
                results.append(fallback(item))
        return results

    async def stop(self) -> None:
        """End the worker."""
        if self._pool is not None:
            await asyncio.to_thread(self._pool.shutdown, cancel_futures=True)
            self._pool = None

    async def _run(self, function: Callable[[Sequence[T]], list[R]], batch: Sequence[T]) -> list[R]:
        if self._pool is None:
            # Not forked: a fork would inherit the database's locks and the server's sockets.
            self._pool = ProcessPoolExecutor(
                1, mp_context=multiprocessing.get_context("spawn"), initializer=_begin
            )
        loop = asyncio.get_running_loop()
        others = set(multiprocessing.active_children()) - self._processes
        with _leaving_interrupts_to_the_parent():
            running = loop.run_in_executor(self._pool, function, batch)
        self._processes = set(multiprocessing.active_children()) - others
        try:
            async with asyncio.timeout(BATCH_SECONDS):
                return await running
        except TimeoutError:
            raise BrokenProcessPool("a batch that does not end") from None

    def _restart(self) -> None:
        log.warning("worker restarts")
        if self._pool is not None:
            for process in self._processes:  # one that hangs would never end by itself
                process.kill()
            self._pool.shutdown(wait=False, cancel_futures=True)
        self._pool = None


def _begin() -> None:
    """Yield to whoever serves, and end with the parent; runs in the worker.

    A parent that is killed tells nobody, and the worker would wait for work for ever.
    """
    os.nice(NICE)
    parent = multiprocessing.parent_process()
    if parent is None:
        raise RuntimeError("a worker has a parent")
    threading.Thread(target=_exit_after, args=(parent,), daemon=True).start()


def _exit_after(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)  # at once: nobody is left to hand anything to


@contextmanager
def _leaving_interrupts_to_the_parent() -> Iterator[None]:
    """Ctrl+C reaches the whole group; the parent decides when a worker, begun in here, is to end."""
    former = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)
