"""The process beside ours: one item that kills it costs that item, and nobody else anything."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from zena_sse.workers import Workers

POISON, ENDLESS = "poison", "endless"


def shout(words: Sequence[str]) -> list[str]:
    """Runs in the worker; one word kills it, as a mail that nobody foresaw would."""
    if POISON in words:
        os._exit(1)
    while ENDLESS in words:
        pass
    return [word.upper() for word in words]


def process_of(words: Sequence[str]) -> list[int]:
    return [os.getpid() for _ in words]


@pytest.fixture
async def workers() -> AsyncIterator[Workers]:
    found = Workers()
    yield found
    await found.stop()


async def test_batch_is_computed_in_another_process_that_stays(workers: Workers) -> None:
    first = await workers.map(process_of, ["a", "b"], len)
    again = await workers.map(process_of, ["c"], len)
    assert len({*first, *again}) == 1
    assert first[0] != os.getpid()


async def test_item_that_kills_the_worker_is_replaced_alone(workers: Workers) -> None:
    done = await workers.map(shout, ["a", POISON, "b"], lambda word: f"no {word}")
    assert done == ["A", "no poison", "B"]


async def test_batches_that_wait_are_not_hurt_by_one_that_kills_the_worker(workers: Workers) -> None:
    batches = [["a"], [POISON], ["b"], ["c", POISON], ["d"]]
    done = await asyncio.gather(*(workers.map(shout, batch, lambda word: f"no {word}") for batch in batches))
    assert done == [["A"], ["no poison"], ["B"], ["C", "no poison"], ["D"]]


async def test_item_that_never_ends_is_replaced_too(
    workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    await workers.map(shout, ["warm"], str.upper)
    monkeypatch.setattr("zena_sse.workers.BATCH_SECONDS", 3.0)
    done = await workers.map(shout, [ENDLESS, "b"], lambda word: f"no {word}")
    assert done == ["no endless", "B"]


async def test_one_that_restarts_leaves_the_process_of_another_alone(workers: Workers) -> None:
    other = Workers()
    (before,) = await other.map(process_of, ["a"], len)
    assert await workers.map(shout, [POISON], lambda word: f"no {word}") == ["no poison"]
    (after,) = await other.map(process_of, ["b"], len)
    await other.stop()
    assert after == before


def test_worker_ends_with_a_parent_that_is_killed() -> None:
    program = (
        "import asyncio\n"
        "from tests.unit.test_workers import process_of\n"
        "from zena_sse.workers import Workers\n"
        "async def main():\n"
        "    workers = Workers()\n"
        "    print(*await workers.map(process_of, ['a'], len), flush=True)\n"
        "    await asyncio.Event().wait()\n"
        "asyncio.run(main())"
    )
    root = Path(__file__).parents[2]
    with subprocess.Popen([sys.executable, "-c", program], cwd=root, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        assert worker != parent.pid
        parent.send_signal(signal.SIGKILL)
        # The worker has the parent's end of this pipe, too: it is at its end when both are gone.
        assert parent.communicate(timeout=20)[0] == b""
