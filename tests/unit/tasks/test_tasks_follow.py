"""Tasks follow threads."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import pytest

from tests.dealroom import HIGH_STREET, LEX, LOW_ROAD, VERA, DealRoom, Wish, open_deals
from tests.mailroom import ANNA
from zena_sse.contract.commands import TaskComplete, TaskCreate
from zena_sse.dispatch import Caller
from zena_sse.tasks.commands import complete_task, create_task
from zena_sse.triage.analysis.findings import Contact

CONTRACT = Wish("Send Ben the contract", "could you send me the contract")
FRIDAY = date(2026, 11, 27)


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[DealRoom]:
    """The rooms, empty."""
    async with open_deals(tmp_path) as opened:
        yield opened


async def asked(room: DealRoom, *wishes: Wish, subject: str = "Enquiry", days: float = 3) -> None:
    """Somebody asks for this."""
    await room.write(subject, days, mentions=(HIGH_STREET,), stage="lead", owing="agent", asks=wishes)


async def done(room: DealRoom, task_id: str) -> None:
    await room.room.storage.write(complete_task, Caller(ANNA, "done"), TaskComplete(task_id=task_id))


async def created(room: DealRoom) -> int:
    return len(await room.room.events("task.created"))


async def test_what_is_asked_of_the_agent_is_a_task_with_evidence_and_links(room: DealRoom) -> None:
    await asked(room, Wish(CONTRACT.label, CONTRACT.evidence, FRIDAY))
    (task,) = await room.tasks()
    deal = await room.deal()
    assert (task.label, task.due_date, task.source) == (CONTRACT.label, "2026-11-27", "email")
    assert (task.evidence, task.thread_id) == (CONTRACT.evidence, await room.thread_id("Enquiry"))
    assert (task.deal_id, task.property_id) == (deal.deal_id, deal.property_id)
    assert task.contact_id == deal.contact_id
    (event,) = await room.room.events("task.created")
    assert (event["taskId"], event["threadId"], event["dealId"]) == (
        task.task_id,
        task.thread_id,
        deal.deal_id,
    )


async def test_two_requests_are_two_tasks_also_in_one_breath(room: DealRoom) -> None:
    breath = "please send the contract and ring the valuer"
    await asked(room, Wish("Send the contract", breath), Wish("Ring the valuer", breath))
    assert {task.label for task in await room.tasks()} == {"Send the contract", "Ring the valuer"}
    await room.find("Enquiry")
    assert await created(room) == 2


async def test_the_same_request_found_twice_is_one_task(room: DealRoom) -> None:
    await asked(room, CONTRACT)
    await room.find("Enquiry")
    await asked(room, CONTRACT._replace(message=0), Wish("Send the contract to Ben"), days=1)
    await room.find("Enquiry", asks=(Wish("Mail the sale papers", CONTRACT.evidence, message=0),))
    await asked(room, Wish("send Ben the draft contract"), subject="Another thread", days=1)
    assert (len(await room.tasks()), await created(room)) == (1, 1)


async def test_another_buyer_who_asks_the_same_wants_it_too(room: DealRoom) -> None:
    await asked(room, Wish("Send the contract"))
    await room.write("Rival", 1, "Rita <rita@example.org>", mentions=(HIGH_STREET,), owing="agent",
        asks=(Wish("Send the contract"),))  # fmt: skip
    assert len(await room.tasks()) == 2


async def test_what_a_vendor_and_their_lawyer_ask_of_one_sale_is_one_task(room: DealRoom) -> None:
    await room.write("Our house", 5, VERA, classification="vendor", mentions=(HIGH_STREET,), owing="agent",
        asks=(Wish("Send the signed agency agreement"),))  # fmt: skip
    await room.write("Agreement", 1, LEX, classification="lawyer_broker", mentions=(HIGH_STREET,),
        owing="agent", asks=(Wish("Send the agency agreement, signed"),))  # fmt: skip
    assert len(await room.tasks()) == 1


async def test_a_due_date_that_becomes_known_fills_the_gap_and_is_told_under_the_same_id(
    room: DealRoom,
) -> None:
    await asked(room, CONTRACT)
    await asked(room, Wish(CONTRACT.label, "by Friday please", FRIDAY), days=1)
    await asked(room, Wish(CONTRACT.label, "or Sunday", date(2026, 11, 29)), days=0)
    (task,) = await room.tasks()
    first, second = await room.room.events("task.created")
    assert task.due_date == second["dueDate"] == "2026-11-27"
    assert first["taskId"] == second["taskId"]
    assert "dueDate" not in first


# --- done -----------------------------------------------------------------------------------------


async def test_what_the_agent_has_answered_is_done(room: DealRoom) -> None:
    await asked(room, CONTRACT)
    await room.reply("Enquiry", 1, owing="other")
    assert await room.tasks() == []
    (event,) = await room.room.events("task.completed")
    assert event["reason"] == "answered"
    await room.find("Enquiry")
    assert await created(room) == 1


async def test_a_promise_or_a_delay_of_the_others_leaves_the_task_open(room: DealRoom) -> None:
    await asked(room, CONTRACT)
    await room.reply("Enquiry", 2, owing="agent")
    await room.write("Enquiry", 1, owing="other")
    assert len(await room.tasks()) == 1
    await room.find("Enquiry", owing="nobody")
    assert await room.tasks() == []


async def test_what_was_done_is_not_made_again_of_the_same_mail(room: DealRoom) -> None:
    await asked(room, CONTRACT)
    await asked(room, CONTRACT._replace(message=0), Wish("Send Ben that contract"), days=2)
    (task,) = await room.tasks()
    await done(room, task.task_id)
    await room.find("Enquiry")
    await room.find("Enquiry", asks=(Wish("Mail the papers", "Send Ben that contract"),))
    await asked(room, CONTRACT._replace(message=0), days=1)
    assert await room.tasks() == []


async def test_what_was_done_and_is_asked_for_anew_is_another_task(room: DealRoom) -> None:
    await asked(room, CONTRACT)
    (task,) = await room.tasks()
    await done(room, task.task_id)
    await asked(room, CONTRACT._replace(message=0), CONTRACT, days=1)
    (again,) = await room.tasks()
    assert again.task_id != task.task_id


# --- taken back -----------------------------------------------------------------------------------


async def test_a_task_comes_back_under_its_id_when_noise_was_none(room: DealRoom) -> None:
    await asked(room, Wish(CONTRACT.label, CONTRACT.evidence, FRIDAY))
    before = await room.tasks()
    await room.find("Enquiry", classification="noise")
    await room.find("Enquiry", classification="buyer")
    assert await room.tasks() == before
    assert (await room.room.events("task.created"))[-1]["taskId"] == before[0].task_id
    assert await room.room.query(str, "SELECT task_id FROM tasks WHERE ended_by IS NOT NULL") == []


async def test_a_task_comes_back_when_it_was_not_answered_after_all(room: DealRoom) -> None:
    await asked(room, CONTRACT)
    before = await room.tasks()
    await room.find("Enquiry", owing="nobody")
    assert await room.tasks() == []
    await room.find("Enquiry", owing="agent")
    assert await room.tasks() == before


async def test_what_was_answered_and_is_only_told_again_stays_done(room: DealRoom) -> None:
    await asked(room, CONTRACT)
    await asked(room, CONTRACT, days=2)  # it counts from here
    await room.reply("Enquiry", 1, owing="other")
    await room.find("Enquiry", owing="agent", asks=(CONTRACT._replace(message=0),))
    assert await room.tasks() == []


async def test_a_request_that_another_reading_does_not_find_ends(room: DealRoom) -> None:
    await asked(room, CONTRACT)
    await room.find("Enquiry", asks=(Wish("Ring Ben about Saturday"),))
    assert [task.label for task in await room.tasks()] == ["Ring Ben about Saturday"]
    assert [event["reason"] for event in await room.room.events("task.completed")] == ["removed"]
    await room.find("Enquiry", asks=())
    assert await room.tasks() == []
    await room.find("Enquiry", asks=(CONTRACT,))
    assert [task.label for task in await room.tasks()] == [CONTRACT.label]


async def test_a_request_of_a_message_that_was_not_read_again_stays(room: DealRoom) -> None:
    await asked(room, CONTRACT)
    await asked(room, Wish("Ring the valuer"), days=2)
    await room.reply("Enquiry", 1, owing="agent", asks=(Wish("Send the plans"),))
    assert len(await room.tasks()) == 3
    await room.find("Enquiry", asks=())
    assert len(await room.tasks()) == 3


async def test_what_another_reading_does_not_find_is_neither_the_users_nor_what_is_done(
    room: DealRoom,
) -> None:
    await asked(room, CONTRACT)
    (task,) = await room.tasks()
    await done(room, task.task_id)
    command = TaskCreate(label="Order a sign", deal_id=(await room.deal()).deal_id)
    await room.room.storage.write(create_task, Caller(ANNA, "c1"), command)
    before = await room.tasks("all")
    await room.find("Enquiry", asks=())
    assert await room.tasks("all") == before


# --- never ----------------------------------------------------------------------------------------


async def test_noise_makes_no_task_and_takes_those_it_made_with_it(room: DealRoom) -> None:
    await room.write("Win a prize", classification="noise", owing="agent", asks=(Wish("Pay the invoice"),))
    assert await room.room.count("tasks") == 0
    await asked(room, CONTRACT)
    await room.find("Enquiry", classification="noise")
    assert await room.tasks() == []
    (event,) = await room.room.events("task.completed")
    assert event["reason"] == "removed"


async def test_a_thread_can_only_ask_for_so_much(room: DealRoom) -> None:
    await asked(room, *(Wish(f"errand{number} number{number}") for number in range(30)))
    assert len(await room.tasks()) == 20


async def test_tasks_go_with_the_mail_that_asked_for_them(room: DealRoom) -> None:
    await asked(room, CONTRACT)
    await room.delete("Enquiry")
    assert await room.tasks() == []
    assert [e["reason"] for e in await room.room.events("task.completed")] == ["removed"]
    assert await room.tasks("all") == []  # its words were the mail's


async def test_a_task_whose_mail_is_back_is_open_again_with_its_words(room: DealRoom) -> None:
    await asked(room, CONTRACT)
    before = [task.task_id for task in await room.tasks()]
    await room.delete("Enquiry")
    await room.file("Enquiry", 3, id_="m1")
    await room.triage()
    assert [(task.task_id, task.evidence) for task in await room.tasks()] == [(before[0], CONTRACT.evidence)]


# --- where they belong ----------------------------------------------------------------------------


async def test_a_task_goes_where_its_thread_goes(room: DealRoom) -> None:
    await asked(room, CONTRACT)
    await room.find("Enquiry", mentions=(LOW_ROAD,))
    (task,) = await room.tasks()
    deal = await room.deal()
    assert (task.deal_id, task.property_id) == (deal.deal_id, deal.property_id)
    assert (await room.room.events("task.created"))[-1]["propertyId"] == deal.property_id
    await room.find("Enquiry", classification="market", mentions=())
    (task,) = await room.tasks()
    assert (task.deal_id, task.property_id) == (None, None)


async def test_tasks_of_a_deal_that_went_into_another_went_too(room: DealRoom) -> None:
    wife = "Bea Buyer <bea@example.org>"
    await room.write("Search", 9, wife, stage="lead", owing="agent", asks=(Wish("Ring about schools"),))
    await room.write("Enquiry", 5, mentions=(HIGH_STREET,))
    await room.write("Enquiry", 2, wife)
    (task,) = await room.tasks()
    assert task.deal_id == (await room.deal()).deal_id
    assert (await room.room.events("task.created"))[-1]["dealId"] == task.deal_id


async def test_tasks_of_threads_that_turn_out_to_be_one_are_the_ones_of_that(room: DealRoom) -> None:
    await asked(room, Wish("Ring the valuer"), subject="Enquiry", days=5)
    await asked(room, CONTRACT, subject="Later", days=4)
    room._ids["Enquiry"].append("m2")
    await asked(room, Wish("Ring the valuer", message=0), CONTRACT._replace(message=1), days=1)
    tasks = await room.tasks()
    assert {task.thread_id for task in tasks} == {await room.thread_id("Enquiry")}
    assert len(tasks) == 2


async def test_a_request_is_whose_it_is(room: DealRoom) -> None:
    people = (Contact("Vera", "vera@example.org"), Contact("Ben", "ben@example.org", role="buyer"))
    await room.write("Enquiry", contacts=people, owing="agent", asks=(Wish("Ring back"),))
    (task,) = await room.tasks()
    assert task.contact_id is None  # two may have asked
