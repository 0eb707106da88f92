"""What a thread is said to be may be taken back: then everything is what it was."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.dealroom import BEN, HIGH_STREET, LEX, VERA, DealRoom, Wish, open_deals
from tests.mailroom import ANNA
from zena_sse.contract.commands import TaskComplete, TaskCreate
from zena_sse.deals.reading import DealDetail, get_deal
from zena_sse.dispatch import Caller
from zena_sse.tasks.commands import complete_task, create_task
from zena_sse.tasks.reading import Status

CLASSES = ("buyer", "vendor", "lawyer_broker", "market", "noise")
PAIRS = list(itertools.permutations(CLASSES, 2))


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[DealRoom]:
    """The rooms, empty."""
    async with open_deals(tmp_path) as opened:
        yield opened


async def state(room: DealRoom, status: Status = "open") -> dict[str, Any]:
    """Everything that can be seen of deals and of tasks of this status."""
    await room.assess()
    ids = await room.room.query(str, "SELECT deal_id FROM deals ORDER BY deal_id")
    threads = await room.room.query(str, "SELECT thread_id || COALESCE(deal_id, '-') FROM threads ORDER BY 1")
    return {
        "deals": [await whole(room, deal_id) for deal_id in ids],
        "tasks": sorted(await room.tasks(status), key=lambda task: task.task_id),
        "threads": threads,
    }


async def whole(room: DealRoom, deal_id: str) -> DealDetail:
    """A deal, but for what its risk was meanwhile: that is history."""
    deal = await room.room.storage.read(get_deal, ANNA, deal_id)
    return msgspec.structs.replace(deal, timeline=[one for one in deal.timeline if one.kind != "risk"])


async def furnish(room: DealRoom, classification: str, alone: bool) -> None:
    """A thread of this class with a task, its own company or a house full of it; all looked at."""
    if not alone:
        await room.write("Our house", 20, VERA, classification="vendor", mentions=(HIGH_STREET,),
            stage="lead", summary="Wants to sell")  # fmt: skip
        await room.write("Title", 15, LEX, classification="lawyer_broker", mentions=(HIGH_STREET,),
            asks=(Wish("Send the title"),), owing="agent")  # fmt: skip
        await room.write("Enquiry", 12, mentions=(HIGH_STREET,), stage="viewing", summary="Came to see")
    sender = {"vendor": VERA, "lawyer_broker": LEX}.get(classification, BEN)
    await room.write("It", 6, sender, classification=classification, mentions=(HIGH_STREET,), stage="offer",
        owing="agent", concern="It is damp", summary="All of it", asks=(Wish("Ring back"),))  # fmt: skip
    deal_id = await room.deal_of("It")
    if deal_id is not None:
        command = TaskCreate(label="Order a sign", deal_id=deal_id)
        await room.room.storage.write(create_task, Caller(ANNA, "c1"), command)


@pytest.mark.parametrize("alone", [True, False], ids=["alone", "in company"])
@pytest.mark.parametrize(("was", "said"), PAIRS)
async def test_what_is_taken_back_is_as_before(room: DealRoom, was: str, said: str, alone: bool) -> None:
    await furnish(room, was, alone)
    before = await state(room)
    alarms = await room.room.events("deal.risk")
    await room.find("It", classification=said)
    await room.assess()
    await room.find("It", classification=was)
    assert await state(room) == before
    told = (await room.room.events("deal.risk"))[len(alarms) :]
    assert _alarms(told).isdisjoint(_alarms(alarms))


def _alarms(events: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(event["dealId"], event["riskLevel"]) for event in events}


@pytest.mark.parametrize(("one", "other"), PAIRS)
async def test_however_often_one_changes_ones_mind(room: DealRoom, one: str, other: str) -> None:
    await furnish(room, "buyer", alone=False)
    before = await state(room)
    for said in (one, other, one, "buyer"):
        await room.find("It", classification=said)
        await room.assess()
    assert await state(room) == before


@pytest.mark.parametrize("said", ["market", "lawyer_broker", "noise"])
async def test_a_deal_goes_with_its_only_own_business(room: DealRoom, said: str) -> None:
    await room.write("Deposit", 3, mentions=(HIGH_STREET,), stage="conditional", concern="Is it late?")
    deal_id = await room.deal_of("Deposit")
    await room.find("Deposit", classification=said)
    assert (await room.deals(), await room.deal_of("Deposit")) == ([], None)
    last = (await room.room.events("deal.updated"))[-1]
    assert (last["dealId"], last["removed"]) == (deal_id, True)


async def test_a_photographer_taken_for_a_buyer_leaves_no_deal_behind(room: DealRoom) -> None:
    await room.write("Our house", 9, VERA, classification="vendor", mentions=(HIGH_STREET,))
    await room.write(
        "Shoot", 2, "Luca <luca@photo.example>", classification="market", mentions=(HIGH_STREET,)
    )
    home = await room.deal_of("Our house")
    await room.find("Shoot", classification="buyer", stage="viewing")
    phantom = await room.deal_of("Shoot")
    assert phantom != home
    await room.find("Shoot", classification="market", stage=None)
    assert [deal.deal_id for deal in await room.deals()] == [home]
    assert await room.deal_of("Shoot") == home
    removed = [event["dealId"] for event in await room.room.events("deal.updated") if event.get("removed")]
    assert removed == [phantom]


async def test_what_a_thread_said_of_the_stage_goes_with_it(room: DealRoom) -> None:
    await room.write("Our house", 9, VERA, classification="vendor", mentions=(HIGH_STREET,), stage="lead")
    await room.write("Done", 2, LEX, classification="lawyer_broker", mentions=(HIGH_STREET,), stage="sold")
    assert (await room.deal()).closed_at is not None
    await room.find("Done", classification="noise")
    deal = await room.deal()
    assert (deal.stage, deal.closed_at, [entry.kind for entry in deal.timeline]) == ("lead", None, ["opened"])


async def test_a_deal_that_was_opened_anew_meanwhile_is_the_one(room: DealRoom) -> None:
    await room.write("Enquiry", 9, mentions=(HIGH_STREET,), stage="lead")
    await room.find("Enquiry", classification="noise")
    await room.write("Me again", 2, mentions=(HIGH_STREET,), stage="viewing")
    await room.find("Enquiry", classification="buyer")
    (deal,) = await room.deals()
    assert await room.deal_of("Enquiry") == await room.deal_of("Me again") == deal.deal_id


async def test_a_concern_that_is_dropped_is_not_the_deals_any_more(room: DealRoom) -> None:
    await room.write("Enquiry", 2, mentions=(HIGH_STREET,), stage="lead", concern="It is damp")
    await room.assess()
    assert (await room.deal()).risk_level == "medium"
    await room.find("Enquiry", concern=None)
    await room.assess()
    deal = await room.deal()
    assert (deal.concern, deal.risk_level, deal.risk_reason) == (None, "none", "")


async def test_what_waits_for_a_thread_goes_with_its_mail(room: DealRoom) -> None:
    await room.write("Enquiry", 2, mentions=(HIGH_STREET,), stage="lead", stage_reason="hello Anna")
    await room.find("Enquiry", classification="noise")
    assert await room.room.count("deals_aside") == 1
    await room.delete("Enquiry")
    assert await room.room.count("deals_aside") == await room.room.count("deal_entries") == 0


async def test_what_was_deleted_is_not_quoted_and_what_it_brought_stays(room: DealRoom) -> None:
    await room.write("Enquiry", 5, mentions=(HIGH_STREET,), stage="lead", stage_reason="hello Anna")
    await room.write("Offer", 2, mentions=(HIGH_STREET,), stage="offer", stage_reason="we offer 900")
    await room.delete("Offer")
    deal = await room.deal()
    assert deal.stage == "offer"
    assert [entry.reason for entry in deal.timeline] == ["hello Anna", "The mail that said so was deleted."]


async def test_a_task_that_its_user_completed_stays_completed(room: DealRoom) -> None:
    await furnish(room, "buyer", alone=True)
    (task,) = [task for task in await room.tasks() if task.source == "email"]
    await room.room.storage.write(complete_task, Caller(ANNA, "c2"), TaskComplete(task_id=task.task_id))
    before = await state(room, "all")
    await room.find("It", classification="noise")
    await room.find("It", classification="buyer")
    assert await state(room, "all") == before
