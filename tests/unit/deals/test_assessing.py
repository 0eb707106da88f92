"""Deals go cold with time, and it is told once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from tests.databases import NOON
from tests.dealroom import BEN, HIGH_STREET, LEX, VERA, DealRoom, open_deals
from tests.mailroom import ANNA
from zena_sse.deals.assessing import DEALS_A_UNIT, assess_deals, users_with_deals
from zena_sse.storage.port import Transaction
from zena_sse.tasks.following import suggest_follow_up


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[DealRoom]:
    """The rooms, empty."""
    async with open_deals(tmp_path) as opened:
        yield opened


async def risks(room: DealRoom) -> list[tuple[str, list[str]]]:
    return [(e["riskLevel"], e["riskFlags"]) for e in await room.room.events("deal.risk")]


async def test_a_deal_goes_cold_overnight_with_no_mail_at_all(room: DealRoom) -> None:
    await room.write("Enquiry", 4, mentions=(HIGH_STREET,), stage="qualified")
    await room.assess()
    assert ((await room.deal()).risk_level, await risks(room)) == ("low", [])
    await room.assess(days=1)
    assert await risks(room) == [("medium", ["silence"])]
    await room.assess(days=5)
    assert await risks(room) == [("medium", ["silence"]), ("high", ["silence"])]
    deal = await room.deal()
    assert (deal.risk_level, deal.risk_reason) == ("high", "Nothing from Ben Buyer for 10 days")
    assert [(e.level, e.reason) for e in deal.timeline if e.kind == "risk"] == [
        ("low", "Nothing from Ben Buyer for 4 days"),
        ("medium", "Nothing from Ben Buyer for 5 days"),
        ("high", "Nothing from Ben Buyer for 10 days"),
    ]


async def test_it_is_told_once_however_often_it_is_looked_at_and_after_a_restart(tmp_path: Path) -> None:
    async with open_deals(tmp_path) as room:
        await room.write("Enquiry", 6, mentions=(HIGH_STREET,), stage="qualified")
        for _ in range(3):
            await room.assess(days=0.1)
        events = await room.room.envelopes()
    async with open_deals(tmp_path) as again:
        await again.assess(days=1)
        assert await again.room.envelopes() == events
        assert (await again.deal()).risk_reason == "Nothing from Ben Buyer for 7 days"


async def test_a_deal_that_has_calmed_down_and_rises_again_is_news_again(room: DealRoom) -> None:
    await room.write("Enquiry", 6, mentions=(HIGH_STREET,), stage="qualified")
    await room.assess()
    await room.write("Enquiry", 0)
    await room.assess()
    assert (await room.deal()).risk_level == "none"
    calm = (await room.room.events("deal.updated"))[-1]
    assert calm["riskLevel"] == "none"
    await room.assess(days=5)
    assert await risks(room) == [("medium", ["silence"])] * 2


async def test_a_level_between_is_no_news_but_is_told_as_the_state_that_it_is(room: DealRoom) -> None:
    await room.write("Enquiry", 11, mentions=(HIGH_STREET,), stage="qualified", concern="It is damp")
    await room.assess()
    await room.write("Enquiry", 0)
    await room.assess()
    assert (await room.room.events("deal.updated"))[-1]["riskLevel"] == "medium"
    await room.assess(days=10)
    assert [level for level, _ in await risks(room)] == ["high"]
    assert (await room.room.events("deal.updated"))[-1]["riskLevel"] == "high"


@pytest.mark.parametrize("owing", ["agent", "nobody"])
async def test_nobody_is_silent_who_owes_nothing(room: DealRoom, owing: str) -> None:
    await room.write("Enquiry", 12, mentions=(HIGH_STREET,), stage="qualified", owing=owing)
    await room.assess()
    assert (await room.deal()).risk_level == "none"


async def test_a_rhythm_that_slows_down_is_counted_in_all_of_a_deals_threads(room: DealRoom) -> None:
    for day in (60, 50, 40, 20, 2):
        await room.file("Enquiry", day)
    await room.write("Our viewing", 1, mentions=(HIGH_STREET,), stage="qualified")
    await room.write("Enquiry", 1, mentions=(HIGH_STREET,), stage="qualified")
    await room.assess()
    deal = await room.deal()  # 4 messages in 30 days
    assert (deal.risk_level, deal.risk_flags) == ("medium", ["frequency"])
    assert deal.risk_reason == "0.9 messages a week over the last 30 days"


async def test_a_concern_is_told_and_time_in_a_stage_goes_on_whoever_owes_the_move(room: DealRoom) -> None:
    await room.file("Enquiry", 12)
    await room.write("Enquiry", 1, mentions=(HIGH_STREET,), stage="lead", owing="agent", concern="It is damp")
    await room.assess()
    assert await risks(room) == [("medium", ["concern"])]
    await room.assess(days=10)
    assert await risks(room) == [("medium", ["concern"]), ("high", ["stage", "concern"])]
    reason = "In 'lead' for 22 days (limit 14); concern: “It is damp”"
    assert (await room.deal()).risk_reason == reason


async def test_a_deal_that_is_closed_is_no_risk_any_more(room: DealRoom) -> None:
    await room.write("Enquiry", 12, mentions=(HIGH_STREET,), stage="offer")
    await room.assess()
    await room.write("Enquiry", 0, stage="lost")
    await room.assess()
    deal = await room.deal()
    assert (deal.risk_level, deal.risk_reason) == ("none", "")
    assert deal.timeline[-1].reason == "No longer at risk"


# --- suggestions ----------------------------------------------------------------------------------


async def test_a_silence_that_is_told_suggests_to_follow_up_until_somebody_writes(room: DealRoom) -> None:
    await room.write("Enquiry", 6, mentions=(HIGH_STREET,), stage="qualified")
    await room.assess()
    await room.assess(days=5)
    (task,) = await room.tasks()
    deal = await room.deal()
    assert (task.label, task.source) == ("Follow up with Ben Buyer about 12 High Street", "suggested")
    assert (task.deal_id, task.property_id) == (deal.deal_id, deal.property_id)
    assert task.contact_id == deal.contact_id is not None
    await room.find("Enquiry")  # nobody has written
    assert await room.tasks() == [task]
    await room.reply("Enquiry", -5)
    assert await room.tasks() == []
    (completed,) = await room.room.events("task.completed")
    assert (completed["taskId"], completed["reason"]) == (task.task_id, "answered")


async def test_another_silence_is_another_suggestion(room: DealRoom) -> None:
    await room.write("Enquiry", 6, mentions=(HIGH_STREET,), stage="qualified")
    await room.assess()
    await room.write("Enquiry", 0)
    await room.assess()
    await room.assess(days=6)
    assert len(await room.room.events("task.created")) == 2
    assert len(await room.tasks()) == 1


async def test_a_concern_or_a_long_stage_alone_suggests_nothing(room: DealRoom) -> None:
    await room.file("Enquiry", 40)
    await room.write("Enquiry", 1, mentions=(HIGH_STREET,), stage="lead", concern="It is damp")
    await room.assess()
    assert (await room.deal()).risk_level == "high"
    assert await room.tasks() == []


async def test_what_was_suggested_for_a_deal_that_is_gone_is_off(room: DealRoom) -> None:
    await room.write("Enquiry", 6, mentions=(HIGH_STREET,), stage="qualified")
    await room.assess()
    await room.find("Enquiry", classification="noise")
    (completed,) = await room.room.events("task.completed")
    assert completed["reason"] == "removed"


# --- bounded, and whole ---------------------------------------------------------------------------


async def test_a_unit_looks_at_so_many_deals_and_comes_to_an_end_although_time_goes_on(
    room: DealRoom,
) -> None:
    await room.write("Enquiry", 6, mentions=(HIGH_STREET,), stage="qualified")
    deal_id = (await room.deal()).deal_id
    copies = 2 * DEALS_A_UNIT

    def multiply(tx: Transaction) -> None:
        for number in range(copies):
            for statement in (
                "INSERT INTO deals SELECT :new, user_id, property_id, party, side, stage, stage_at,"
                " next_action_owner, settled, summary, concern, last_message_at, opened_at, closed_at,"
                " risk_level, risk_flags, risk_reason, announced_level, NULL FROM deals WHERE deal_id = :old",
                "INSERT INTO threads (user_id, thread_id, account_id, subject, sender, participants,"
                " headless, first_message_at, last_message_at, message_count, version, triaged_version,"
                " classification, next_action_owner, settled, deal_id) SELECT user_id, :new, account_id,"
                " subject, sender, participants, headless, first_message_at, last_message_at, 1, 1, 1,"
                " classification, next_action_owner, settled, :new FROM threads WHERE deal_id = :old",
            ):
                tx.execute(statement, new=f"dl_{number}", old=deal_id)

    await room.room.storage.write(multiply)
    look, units = partial(assess_deals, suggest=suggest_follow_up), 1
    while await room.room.storage.write(look, ANNA, room.room.clock(), room.thresholds):
        room.room.clock.advance(seconds=1)
        units += 1
    assert units == 3
    assert len(await risks(room)) == copies + 1


async def test_a_deal_nobody_is_in_any_more_goes_once_nothing_is_left_to_be_read(room: DealRoom) -> None:
    await room.write("Enquiry", mentions=(HIGH_STREET,))
    await room.room.storage.write(lambda tx: tx.execute("UPDATE threads SET deal_id = NULL, version = 9"))
    await room.assess(1)
    assert await room.room.count("deals") == 1
    await room.room.storage.write(lambda tx: tx.execute("UPDATE threads SET triaged_version = 9"))
    await room.assess(1)
    assert await room.room.count("deals") == 0


async def test_only_those_with_an_open_deal_are_looked_after(room: DealRoom) -> None:
    await room.write("Title", 1, LEX, classification="lawyer_broker", mentions=(HIGH_STREET,))
    assert await room.room.storage.read(users_with_deals) == []
    await room.write("Our house", 1, VERA, classification="vendor", mentions=(HIGH_STREET,))
    assert await room.room.storage.read(users_with_deals) == [ANNA]


async def test_the_clock_that_mail_is_judged_by_may_stand_still_or_go_back(room: DealRoom) -> None:
    await room.write("Enquiry", 6, BEN, mentions=(HIGH_STREET,), stage="qualified")
    await room.assess()
    await room.write("Enquiry", 0)
    await room.assess()  # at the same moment
    assert (await room.deal()).risk_level == "none"
    await room.assess(days=-3)
    assert room.room.clock() < NOON
    assert (await room.deal()).risk_level == "none"
