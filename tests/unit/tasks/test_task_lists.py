"""Reading tasks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from tests.databases import NOON
from tests.dealroom import DealRoom, open_deals
from tests.mailroom import ANNA
from zena_sse.contract.commands import TaskComplete, TaskCreate
from zena_sse.dispatch import Caller
from zena_sse.errors import InvalidQuery
from zena_sse.tasks.commands import complete_task, create_task
from zena_sse.tasks.reading import Status, is_past, list_tasks, snapshot_tasks

AUCKLAND = timezone(timedelta(hours=13))


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[DealRoom]:
    """The rooms, empty."""
    async with open_deals(tmp_path) as opened:
        yield opened


async def create(room: DealRoom, label: str, due_date: str | None = None, *, done: bool = False) -> None:
    caller = Caller(ANNA, f"create {label}")
    task = await room.room.storage.write(create_task, caller, TaskCreate(label=label, due_date=due_date))
    if done:
        room.room.clock.advance(seconds=1)
        await room.room.storage.write(complete_task, caller, TaskComplete(task_id=task.task_id))


async def labels(room: DealRoom, status: Status) -> list[str]:
    return [task.label for task in await room.tasks(status)]


async def test_open_tasks_come_the_first_due_first_and_those_due_some_time_last(room: DealRoom) -> None:
    await create(room, "Some time")
    await create(room, "Sunday", "2026-11-22")
    await create(room, "Yesterday", "2026-11-19")
    await create(room, "At ten", "2026-11-20T10:00Z")
    await create(room, "Today", "2026-11-20")
    await create(room, "Done", "2026-11-01", done=True)
    assert await labels(room, "open") == ["Yesterday", "Today", "At ten", "Sunday", "Some time"]
    assert [task.label for task in await room.tasks() if task.overdue] == ["Yesterday", "At ten"]
    assert await labels(room, "overdue") == ["Yesterday", "At ten"]
    assert await labels(room, "completed") == ["Done"]
    assert await labels(room, "all") == ["Done", "Yesterday", "Today", "At ten", "Sunday", "Some time"]
    assert not (await room.tasks("completed"))[0].overdue
    snapshot = await room.room.storage.read(snapshot_tasks, ANNA, room.room.clock())
    assert snapshot == await room.tasks()


async def test_of_the_completed_ones_the_last_done_comes_first(room: DealRoom) -> None:
    for label in ("One", "Two", "Three"):
        await create(room, label, done=True)
    assert await labels(room, "completed") == ["Three", "Two", "One"]


@pytest.mark.parametrize(
    ("due_date", "as_of", "past"),
    [
        ("2026-11-20", datetime(2026, 11, 20, 23, 59, tzinfo=AUCKLAND), False),
        ("2026-11-20", datetime(2026, 11, 21, 0, 0, tzinfo=AUCKLAND), True),
        ("2026-11-20T12:00:00.000Z", NOON, False),
        ("2026-11-20T12:00:00.000Z", NOON + timedelta(seconds=1), True),
    ],
)
def test_a_day_is_over_when_it_is_where_the_agent_is(due_date: str, as_of: datetime, past: bool) -> None:
    assert is_past(due_date, as_of) is past


@pytest.mark.parametrize("status", ["open", "completed", "overdue", "all"])
async def test_pages_follow_each_other_without_gap_or_repeat(room: DealRoom, status: Status) -> None:
    for number in range(7):
        due_date = None if number % 3 == 0 else "2026-11-18"
        await create(room, f"Task {number}", due_date, done=number % 2 == 0)
    whole, seen, after = await labels(room, status), list[str](), None
    while True:
        page = await room.room.storage.read(list_tasks, ANNA, status, room.room.clock(), 2, after)
        seen += [task.label for task in page.tasks]
        after = page.next
        if after is None:
            break
    assert seen == whole
    assert whole


@pytest.mark.parametrize("after", ["x", "é", "WyJhIl0", ""])
async def test_an_after_that_is_not_ours_is_refused(room: DealRoom, after: str) -> None:
    with pytest.raises(InvalidQuery):
        await room.room.storage.read(list_tasks, ANNA, "open", NOON, 2, after)


async def test_nobody_sees_somebody_elses_tasks(room: DealRoom) -> None:
    await create(room, "Mine")
    assert (await room.room.storage.read(list_tasks, "ben", "all", NOON, 9)).tasks == []
