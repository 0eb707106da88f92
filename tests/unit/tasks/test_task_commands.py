"""Tasks by command."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.dealroom import HIGH_STREET, DealRoom, open_deals
from tests.mailroom import ANNA
from zena_sse.contract.commands import TaskComplete, TaskCreate
from zena_sse.dispatch import Caller
from zena_sse.errors import InvalidPayload, NotFound
from zena_sse.tasks.commands import complete_task, create_task, read_due_date
from zena_sse.tasks.rows import erase_tasks


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[DealRoom]:
    """The rooms, empty."""
    async with open_deals(tmp_path) as opened:
        yield opened


async def create(room: DealRoom, key: str = "c1", user_id: str = ANNA, **payload: Any) -> str:
    command = TaskCreate(**{"label": "Order a sign"} | payload)
    return (await room.room.storage.write(create_task, Caller(user_id, key), command)).task_id


async def complete(room: DealRoom, task_id: str, user_id: str = ANNA) -> None:
    await room.room.storage.write(complete_task, Caller(user_id, "c2"), TaskComplete(task_id=task_id))


async def test_a_task_is_created_with_its_links_and_told(room: DealRoom) -> None:
    await room.write("Enquiry", mentions=(HIGH_STREET,))
    deal = await room.deal()
    links: dict[str, Any] = {
        "deal_id": deal.deal_id,
        "property_id": deal.property_id,
        "contact_id": deal.contact_id,
    }
    task_id = await create(room, due_date="2026-11-24", **links)
    (task,) = await room.tasks()
    assert (task.task_id, task.label, task.due_date, task.source) == (
        task_id, "Order a sign", "2026-11-24", "command",
    )  # fmt: skip
    assert {name: getattr(task, name) for name in links} == links
    (event,) = await room.room.events("task.created")
    assert (event["taskId"], event["dueDate"], event["dealId"]) == (task_id, "2026-11-24", deal.deal_id)
    assert (await room.room.envelopes())[-1]["commandId"] == "c1"


async def test_a_command_that_runs_again_makes_no_second_task_and_another_command_does(
    room: DealRoom,
) -> None:
    assert await create(room) == await create(room)
    assert await create(room, "c2") != await create(room, "c2", "ben")
    assert len(await room.tasks()) == len(await room.room.events("task.created")) == 2


@pytest.mark.parametrize("link", ["deal_id", "property_id", "contact_id"])
async def test_what_is_somebody_elses_cannot_be_linked(room: DealRoom, link: str) -> None:
    await room.write("Enquiry", mentions=(HIGH_STREET,))
    theirs = getattr(await room.deal(), link)
    for user_id, target in (("ben", theirs), (ANNA, "none")):
        with pytest.raises(NotFound):
            await create(room, user_id=user_id, **{link: target})
    assert await room.room.count("tasks") == 0


@pytest.mark.parametrize(
    "due_date", ["2026-02-30", "2026-13-01", "0000-01-01", "2026-11-24T25:00Z", "2026-11-24T::::::Z"]
)
async def test_a_date_that_is_not_in_the_calendar_is_refused(room: DealRoom, due_date: str) -> None:
    with pytest.raises(InvalidPayload, match="not in the calendar"):
        await create(room, due_date=due_date)


def test_moments_are_kept_in_utc_so_that_they_sort() -> None:
    assert read_due_date("2026-11-24T09:00:00+13:00") == "2026-11-23T20:00:00.000Z"
    assert read_due_date("2028-02-29") == "2028-02-29"


async def test_completing_is_told_once_however_often_it_is_said(room: DealRoom) -> None:
    task_id = await create(room)
    await complete(room, task_id)
    await complete(room, task_id)
    (event,) = await room.room.events("task.completed")
    assert (event["taskId"], "reason" in event) == (task_id, False)
    assert await room.tasks() == []
    (done,) = await room.tasks("completed")
    assert (done.task_id, done.completed_at) == (task_id, room.room.clock())


async def test_somebody_elses_task_cannot_be_completed(room: DealRoom) -> None:
    task_id = await create(room)
    for user_id, target in (("ben", task_id), (ANNA, "none")):
        with pytest.raises(NotFound):
            await complete(room, target, user_id)
    assert len(await room.tasks()) == 1


async def test_erasing_removes_all_of_a_users_tasks_and_nobody_elses(room: DealRoom) -> None:
    for number in range(3):
        await create(room, f"c{number}")
    await create(room, user_id="ben")
    while await room.room.storage.write(erase_tasks, ANNA):
        pass
    assert await room.room.query(str, "SELECT user_id FROM tasks") == ["ben"]
