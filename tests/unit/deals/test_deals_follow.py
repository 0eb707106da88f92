"""Deals follow threads."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.databases import NOON
from tests.dealroom import BEN, HIGH_STREET, LEX, LOW_ROAD, VERA, DealRoom, open_deals
from tests.mailroom import ANNA
from zena_sse.deals.reading import get_deal
from zena_sse.deals.rows import erase_deals
from zena_sse.errors import NotFound
from zena_sse.triage.analysis.findings import Contact


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[DealRoom]:
    """The rooms, empty."""
    async with open_deals(tmp_path) as opened:
        yield opened


async def told(room: DealRoom, *types: str) -> list[dict[str, Any]]:
    return await room.room.events(*(types or ("deal.updated",)))


# --- opening --------------------------------------------------------------------------------------


async def test_a_buyers_thread_about_a_property_opens_a_deal_and_says_so_once(room: DealRoom) -> None:
    await room.write("Enquiry", 3, mentions=(HIGH_STREET,), stage="lead", summary="Asks for a viewing")
    (deal,) = await room.deals()
    assert (deal.side, deal.party, deal.property) == ("buyer", "Ben Buyer", "12 High Street")
    assert (deal.stage, deal.next_action_owner, deal.summary) == ("lead", "other", "Asks for a viewing")
    (event,) = await told(room)
    assert (event["dealId"], event["stage"], event["propertyId"]) == (deal.deal_id, "lead", deal.property_id)
    (thread,) = [event for event in await told(room, "thread.updated") if event.get("dealId")]
    assert thread["dealId"] == deal.deal_id == await room.deal_of("Enquiry")


async def test_reading_a_thread_again_changes_nothing_and_says_nothing(room: DealRoom) -> None:
    await room.write("Enquiry", mentions=(HIGH_STREET,), stage="viewing", concern="It is damp")
    before = (await room.deal(), await room.room.envelopes())
    await room.find("Enquiry")
    assert (await room.deal(), await room.room.envelopes()) == before


@pytest.mark.parametrize(
    ("classification", "more"),
    [
        ("noise", {"mentions": (HIGH_STREET,), "stage": "offer"}),
        ("market", {"mentions": (HIGH_STREET,)}),
        ("lawyer_broker", {"mentions": (HIGH_STREET,), "stage": "conditional"}),
        ("buyer", {}),
        ("vendor", {"contacts": ()}),
    ],
)
async def test_what_is_nobodys_own_business_opens_no_deal(
    room: DealRoom, classification: str, more: dict[str, Any]
) -> None:
    await room.write("Hello", classification=classification, **more)
    assert await room.room.count("deals") == 0
    assert await told(room) == []


async def test_somebody_who_searches_has_one_deal_without_a_property(room: DealRoom) -> None:
    await room.write("Three bedrooms", 5, stage="lead")
    await room.write("And a garden", 2, stage="qualified")
    (deal,) = await room.deals()
    assert (deal.property_id, deal.property, deal.stage) == (None, None, "qualified")
    assert len((await room.deal()).threads) == 2


# --- one deal per property and party --------------------------------------------------------------


async def test_two_threads_of_one_person_on_one_property_are_one_deal(room: DealRoom) -> None:
    await room.write("Enquiry", 5, mentions=(HIGH_STREET,), stage="lead")
    await room.write("Viewing", 2, mentions=(HIGH_STREET,), stage="viewing")
    assert len(await room.deals()) == 1


async def test_two_properties_or_two_buyers_are_two_deals(room: DealRoom) -> None:
    await room.write("Enquiry", mentions=(HIGH_STREET,))
    await room.write("Other house", mentions=(LOW_ROAD,))
    await room.write("Rival", sender="Rita <rita@example.org>", mentions=(HIGH_STREET,))
    assert len(await room.deals()) == 3


async def test_a_couple_that_writes_in_turns_is_one_party(room: DealRoom) -> None:
    wife = "Bea Buyer <bea@example.org>"
    await room.write("Enquiry", 5, mentions=(HIGH_STREET,))
    await room.write("Enquiry", 4, wife)
    await room.write("Only me", 2, wife, mentions=(HIGH_STREET,), contacts=(
        Contact("Bea Buyer", "bea@example.org", role="buyer"),
        Contact("Ben Buyer", "ben@example.org", role="buyer"),
    ))  # fmt: skip
    (deal,) = await room.deals()
    assert deal.party == "Ben Buyer"


async def test_whoever_sells_a_property_or_works_on_the_sale_is_one_party(room: DealRoom) -> None:
    await room.write("Our house", 9, VERA, classification="vendor", mentions=(HIGH_STREET,), stage="lead")
    await room.write("Photos", 2, "Pia <pia@photo.example>", classification="vendor", mentions=(HIGH_STREET,))
    (deal,) = await room.deals()
    assert (deal.party, deal.last_message_at.day) == ("Vera Vendor", 18)


async def test_seller_and_buyer_of_a_property_have_a_deal_each(room: DealRoom) -> None:
    await room.write("Our house", 9, VERA, classification="vendor", mentions=(HIGH_STREET,))
    await room.write("Enquiry", 2, mentions=(HIGH_STREET,))
    assert {deal.side for deal in await room.deals()} == {"vendor", "buyer"}


async def test_a_property_that_becomes_known_later_is_the_searching_deals(room: DealRoom) -> None:
    await room.write("Three bedrooms", 5, stage="qualified")
    (before,) = await room.deals()
    await room.write("This one", 2, mentions=(HIGH_STREET,), stage="lead")
    (deal,) = await room.deals()
    assert (deal.deal_id, deal.property, deal.stage) == (before.deal_id, "12 High Street", "qualified")
    assert [entry.kind for entry in (await room.deal()).timeline] == ["opened", "property"]


async def test_two_deals_that_turn_out_to_be_one_are_merged_with_their_threads_and_tasks(
    room: DealRoom,
) -> None:
    wife = "Bea Buyer <bea@example.org>"
    await room.write("Three bedrooms", 9, wife, stage="qualified")
    await room.write("Enquiry", 5, mentions=(HIGH_STREET,), stage="lead")
    assert len(await room.deals()) == 2
    await room.write("Enquiry", 2, wife)
    (deal,) = await room.deals()
    assert (deal.property, deal.stage) == ("12 High Street", "qualified")
    assert await room.deal_of("Three bedrooms") == await room.deal_of("Enquiry") == deal.deal_id
    removed = [event["dealId"] for event in await told(room) if event.get("removed")]
    assert removed == [await _first_deal(room)] != [deal.deal_id]
    moved = [event for event in await told(room, "thread.updated") if event["subject"] == "Three bedrooms"]
    assert moved[-1]["dealId"] == deal.deal_id


async def _first_deal(room: DealRoom) -> str:
    event = (await told(room))[0]
    return str(event["dealId"])


async def test_a_thread_that_turns_out_to_be_about_another_property_takes_its_deal_along(
    room: DealRoom,
) -> None:
    await room.write("Enquiry", mentions=(HIGH_STREET,))
    before = await room.deal()
    await room.find("Enquiry", mentions=(LOW_ROAD,))
    deal = await room.deal()
    assert (deal.deal_id, deal.property) == (before.deal_id, "3 Low Road")


# --- those who help -------------------------------------------------------------------------------


@pytest.mark.parametrize("classification", ["lawyer_broker", "market"])
async def test_those_who_help_join_the_sellers_deal_whether_they_came_before_or_after_it(
    room: DealRoom, classification: str
) -> None:
    await room.write("Before", 9, LEX, classification=classification, mentions=(HIGH_STREET,))
    assert await room.deal_of("Before") is None
    await room.write("Our house", 7, VERA, classification="vendor", mentions=(HIGH_STREET,), stage="lead")
    await room.write("After", 5, LEX, classification=classification, mentions=(HIGH_STREET,))
    (deal,) = await room.deals()
    assert await room.deal_of("Before") == await room.deal_of("After") == deal.deal_id
    last = [event for event in await told(room, "thread.updated") if event["subject"] == "Before"][-1]
    assert last["dealId"] == deal.deal_id


async def test_a_lawyer_who_writes_with_the_buyer_helps_the_buyer(room: DealRoom) -> None:
    await room.write("Our house", 9, VERA, classification="vendor", mentions=(HIGH_STREET,))
    await room.write("Enquiry", 7, mentions=(HIGH_STREET,), stage="offer")
    people = (Contact("Lex", "lex@law.example"), Contact("Ben", "ben@example.org"))
    await room.write("Contract", 3, LEX, classification="lawyer_broker", mentions=(HIGH_STREET,),
        stage="conditional", contacts=people)  # fmt: skip
    assert await room.deal_of("Contract") == await room.deal_of("Enquiry")
    stages = {deal.side: deal.stage for deal in await room.deals()}
    assert stages == {"vendor": "lead", "buyer": "conditional"}


async def test_the_agents_debt_to_the_lawyer_is_the_deals(room: DealRoom) -> None:
    await room.write("Our house", 9, VERA, classification="vendor", mentions=(HIGH_STREET,))
    await room.write("Title", 2, LEX, classification="lawyer_broker", mentions=(HIGH_STREET,), owing="agent")
    assert (await room.deal()).next_action_owner == "agent"
    await room.find("Title", owing="nobody")
    assert (await room.deal()).next_action_owner == "other"
    assert [event["nextActionOwner"] for event in await told(room)] == ["other", "agent", "other"]


# --- its course -----------------------------------------------------------------------------------


async def test_a_stage_moves_on_with_its_reason_and_does_not_fall_back(room: DealRoom) -> None:
    await room.write("Enquiry", 9, mentions=(HIGH_STREET,), stage="lead", stage_reason="first words")
    await room.write("Enquiry", 6, stage="offer", stage_reason="we offer 900")
    await room.write("Enquiry", 3, stage="viewing", stage_reason="seen it again")
    deal = await room.deal()
    assert (deal.stage, (NOON - deal.stage_since).days) == ("offer", 6)
    assert [(entry.kind, entry.stage, entry.reason) for entry in deal.timeline] == [
        ("opened", "lead", "first words"),
        ("stage", "offer", "we offer 900"),
    ]
    assert deal.timeline[1].thread_id == await room.thread_id("Enquiry")


async def test_where_no_reason_was_found_the_thread_and_its_last_words_are_it(room: DealRoom) -> None:
    await room.write("Enquiry", 9, mentions=(HIGH_STREET,), stage="lead")
    await room.write("Enquiry", 6, stage="viewing", summary="See you on Sunday")
    assert [entry.reason for entry in (await room.deal()).timeline] == [
        "“Enquiry”",
        "“Enquiry”: “See you on Sunday”",
    ]


async def test_a_lead_is_one_since_the_first_word(room: DealRoom) -> None:
    await room.file("Enquiry", 30)
    await room.write("Enquiry", 2, mentions=(HIGH_STREET,), stage="lead")
    assert (NOON - (await room.deal()).stage_since).days == 30


async def test_what_is_sold_is_closed_and_keeps_its_thread(room: DealRoom) -> None:
    await room.write("Enquiry", 9, mentions=(HIGH_STREET,), stage="pre_settlement")
    await room.write("Enquiry", 1, stage="sold")
    assert await room.deals() == []
    deal = await room.deal()
    assert (deal.stage, deal.closed_at) == ("sold", NOON.replace(day=19))
    assert (await told(room))[-1]["closed"] is True
    await room.write("Enquiry", stage="lead")
    assert (await room.deal()).threads == [await room.thread_id("Enquiry")]


async def test_a_lost_deal_comes_to_life_when_they_want_to_see_it_again(room: DealRoom) -> None:
    await room.write("Enquiry", 9, mentions=(HIGH_STREET,), stage="lost")
    assert await room.deals() == []
    await room.write("Changed our minds", 1, mentions=(HIGH_STREET,), stage="viewing")
    (deal,) = await room.deals()
    assert (deal.stage, deal.closed_at) == ("viewing", None)


async def test_a_concern_is_noted_when_it_is_new(room: DealRoom) -> None:
    await room.write("Enquiry", 5, mentions=(HIGH_STREET,), concern="It is damp")
    await room.write("Enquiry", 3)
    await room.write("Enquiry", 1, concern="The road is loud")
    deal = await room.deal()
    assert deal.concern == "The road is loud"
    noted = [entry.reason for entry in deal.timeline if entry.kind == "concern"]
    assert noted == ["It is damp", "The road is loud"]


async def test_mail_from_the_future_is_no_older_than_now(room: DealRoom) -> None:
    await room.write("Enquiry", -400, mentions=(HIGH_STREET,), stage="viewing")
    assert (await room.deal()).stage_since == NOON


async def test_a_stage_lasts_since_the_message_that_brought_it(room: DealRoom) -> None:
    viewed, offered = NOON - timedelta(days=20), NOON - timedelta(days=8)
    await room.file("Enquiry", 30)
    await room.write("Enquiry", 5, mentions=(HIGH_STREET,), stage="viewing", stage_at=viewed)
    assert (await room.deal()).stage_since == viewed
    await room.find("Enquiry", stage="offer", stage_at=offered)
    deal = await room.deal()
    assert deal.stage_since == offered
    assert [(entry.kind, entry.stage, entry.at) for entry in deal.timeline] == [
        ("opened", "lead", NOON - timedelta(days=30)),
        ("stage", "viewing", viewed),
        ("stage", "offer", offered),
    ]


async def test_no_stage_begins_after_now(room: DealRoom) -> None:
    later = NOON + timedelta(days=9)
    await room.write("Enquiry", 3, mentions=(HIGH_STREET,), stage="viewing", stage_at=later)
    assert (await room.deal()).stage_since == NOON


# --- leaving --------------------------------------------------------------------------------------


async def test_a_thread_that_is_noise_after_all_leaves_and_an_empty_deal_goes(room: DealRoom) -> None:
    await room.write("Our house", 9, VERA, classification="vendor", mentions=(HIGH_STREET,))
    await room.write("Title", 2, LEX, classification="lawyer_broker", mentions=(HIGH_STREET,))
    deal_id = await room.deal_of("Our house")
    await room.find("Our house", classification="noise")
    assert await room.room.count("deals") == 0
    assert await room.deal_of("Our house") is await room.deal_of("Title") is None
    assert [(event["dealId"], event["removed"]) for event in (await told(room))[-1:]] == [(deal_id, True)]


async def test_a_deal_without_its_newest_thread_is_what_the_others_make_it(room: DealRoom) -> None:
    await room.write("Enquiry", 5, mentions=(HIGH_STREET,), stage="lead")
    await room.write(
        "Urgent", 1, mentions=(HIGH_STREET,), owing="agent", concern="Too dear", summary="Urgent!"
    )
    await room.find("Urgent", classification="noise")
    deal = await room.deal()
    assert (deal.next_action_owner, deal.concern, deal.summary) == ("other", None, "Enquiry")
    assert (NOON - deal.last_message_at).days == 5


async def test_a_thread_whose_class_changes_sides_takes_its_deal_along(room: DealRoom) -> None:
    await room.write("Our house", mentions=(HIGH_STREET,))
    await room.find("Our house", classification="vendor")
    deal = await room.deal()
    assert deal.side == "vendor"


async def test_a_thread_nothing_is_found_in_any_more_keeps_its_deal(room: DealRoom) -> None:
    await room.write("Enquiry", mentions=(HIGH_STREET,))
    await room.find("Enquiry", fails=True)
    await room.assess(1)
    assert await room.deal_of("Enquiry") == (await room.deal()).deal_id


async def test_deleted_mail_takes_its_deal_along(room: DealRoom) -> None:
    await room.write("Enquiry", mentions=(HIGH_STREET,))
    await room.delete("Enquiry")
    assert await room.room.count("deals") == await room.room.count("deal_entries") == 0
    assert (await told(room))[-1]["removed"] is True


async def test_threads_that_turn_out_to_be_one_keep_the_deal(room: DealRoom) -> None:
    await room.write("Enquiry", 5, mentions=(HIGH_STREET,), stage="viewing")
    before = await room.deal()
    # A message that came between the two, and names the later one's beginning and the first.
    await room.write("Enquiry again", 4, mentions=(HIGH_STREET,), stage="viewing")
    room._ids["Enquiry"].append("m2")
    await room.write("Enquiry", 1)
    deal = await room.deal()
    assert deal.deal_id == before.deal_id
    assert deal.threads == [await room.thread_id("Enquiry")]
    assert {entry.thread_id for entry in deal.timeline} == set(deal.threads)


async def test_erasing_removes_a_users_deals_bit_by_bit(room: DealRoom) -> None:
    for number in range(3):
        await room.write(f"Enquiry {number}", sender=f"B <b{number}@example.org>", mentions=(HIGH_STREET,))
    await room.find("Enquiry 2", classification="noise")
    while await room.room.storage.write(erase_deals, ANNA):
        pass
    assert await room.room.count("deals") == await room.room.count("deal_entries") == 0
    assert await room.room.count("deals_aside") == 0


async def test_somebody_elses_deal_is_not_there(room: DealRoom) -> None:
    await room.write("Enquiry", sender=BEN, mentions=(HIGH_STREET,))
    with pytest.raises(NotFound):
        await room.room.storage.read(get_deal, "somebody", (await room.deal()).deal_id)
