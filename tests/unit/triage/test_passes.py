"""Passes of triage: everything that changed is judged once, in order, and nothing stops the rest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from tests.databases import until
from tests.mailroom import ANNA, Room, open_room
from tests.memorymailbox import mail
from tests.triageroom import TriageRoom, open_triage, sent
from zena_sse.errors import NotFound
from zena_sse.mail.threads import list_threads
from zena_sse.triage import passes
from zena_sse.triage.analysis.findings import Findings
from zena_sse.triage.corrections import ThreadCorrection
from zena_sse.triage.judging import Case, Unjudged
from zena_sse.triage.passes import BATCH
from zena_sse.triage.pending import CHARACTERS, MESSAGES


@pytest.fixture
async def triage(tmp_path: Path) -> AsyncIterator[TriageRoom]:
    """A triage room."""
    async with open_triage(tmp_path) as opened:
        yield opened


async def updates(triage: TriageRoom) -> list[dict[str, object]]:
    """The `thread.updated` that triage sent: those that know a class."""
    found = await triage.room.events("thread.updated")
    return [event for event in found if event["classification"] is not None]


# --- what a pass does -----------------------------------------------------------------------------


async def test_a_new_thread_is_judged_and_told_of_once(triage: TriageRoom) -> None:
    await triage.receive(mail("House", body="class: vendor\nowing: other\nconcern: too slow\nstage: viewing"))
    assert (await triage.item("House")).classification is None
    await triage.triage.run(ANNA)
    item = await triage.item("House")
    assert (item.classification, item.category, item.next_action_owner) == ("vendor", "waiting", "other")
    assert (item.stage, item.concern, item.confidence) == ("viewing", "too slow", 0.75)
    assert item.evidence == ["ben@example.org wrote"]
    assert (item.risk_level, item.corrected) == ("medium", False)
    (told,) = await updates(triage)
    assert (told["classification"], told["riskLevel"], told["confidence"]) == ("vendor", "medium", 0.75)
    assert told["subject"] == "House"


async def test_what_did_not_change_is_not_judged_again(triage: TriageRoom) -> None:
    await triage.take(mail("House"))
    await triage.triage.run(ANNA)
    assert len(triage.batches) == 1


async def test_a_new_mail_has_its_thread_judged_anew_and_told_of_only_if_that_shows(
    triage: TriageRoom,
) -> None:
    await triage.take(mail("House"))
    await triage.take(mail("Re: House", id="two", replies_to="house", minutes=1))
    assert len(triage.batches) == 2
    assert len(await updates(triage)) == 2  # the second is the mail's own
    await triage.take(mail("Re: House", id="three", replies_to="house", minutes=2, body="owing: other"))
    told = await updates(triage)
    assert [event["category"] for event in told] == ["focus", "focus", "focus", "waiting"]
    assert told[2]["messageCount"] == told[3]["messageCount"] == 3


async def test_threads_that_began_first_come_first_in_batches(triage: TriageRoom) -> None:
    numbers = range(2 * BATCH + 1)
    await triage.take(*(mail(f"Number {number}", minutes=-number) for number in numbers))
    assert [len(batch) for batch in triage.batches] == [BATCH, BATCH, 1]
    judged = [messages[0].subject for batch in triage.batches for messages, _ in batch]
    assert judged == [f"Number {number}" for number in reversed(numbers)]


async def test_deals_and_tasks_follow_with_what_the_row_says(triage: TriageRoom) -> None:
    triage.deal = "dl_1"
    await triage.take(mail("House", body="class: buyer\nat: 12 High Street, Northside\nowing: agent"))
    (triaged,) = triage.deals
    assert triage.tasks == [triaged]
    assert (triaged.classification, triaged.category, triaged.owner) == ("buyer", "focus", "agent")
    assert (triaged.property, triaged.last_side) == ("12 High Street, Northside", "other")
    assert list(triaged.contacts) == ["ben@example.org"]
    item = await triage.item("House")
    assert (item.deal_id, item.property_id) == ("dl_1", triaged.property_id)
    assert [event["dealId"] for event in await updates(triage)] == ["dl_1"]


async def test_events_carry_the_command_that_caused_them(triage: TriageRoom) -> None:
    await triage.receive(mail("House"))
    await triage.triage.run(ANNA, "command-1")
    (envelope,) = [e for e in await triage.room.envelopes() if e["type"] == "thread.updated"]
    assert envelope["commandId"] == "command-1"


async def test_who_wrote_last_is_told(triage: TriageRoom) -> None:
    await triage.take(
        mail("House"), sent("Re: House", "ben@example.org", id="r", replies_to="house", minutes=5)
    )
    assert triage.deals[-1].last_side == "agent"


async def test_another_user_is_not_touched(triage: TriageRoom) -> None:
    await triage.receive(mail("House"))
    await triage.triage.run("bert")
    assert (await triage.item("House")).classification is None


# --- what the analysis is given ---------------------------------------------------------------------


async def test_an_analysis_gets_the_newest_messages_of_a_long_thread_cut_to_what_it_looks_at(
    triage: TriageRoom,
) -> None:
    letters = "x" * (CHARACTERS + 10)
    replies = (
        mail("Re: Long", id=f"r{n}", replies_to="long", minutes=n, body=letters)
        for n in range(1, MESSAGES + 5)
    )
    await triage.take(mail("Long"), *replies)
    ((messages, _),) = triage.batches[-1]
    assert len(messages) == MESSAGES
    assert messages[-1].message_id == f"r{MESSAGES + 4}@example.org"
    assert {len(message.text) for message in messages} == {CHARACTERS}


async def test_it_knows_the_users_addresses_and_whom_they_have_written_to_in_any_thread(
    triage: TriageRoom,
) -> None:
    await triage.take(mail("First"), sent("Later", "Carl <carl@law.example>, dora@law.example", minutes=60))
    for batch in triage.batches:
        for _, known in batch:
            assert known.own == {"anna@agency.example"}
            assert known.correspondents == {"carl@law.example": "Carl", "dora@law.example": ""}
    assert await triage.room.count("thread_contacts") == 3


async def test_what_the_user_writes_later_is_known_in_later_passes(triage: TriageRoom) -> None:
    await triage.take(sent("One", "carl@law.example"))
    await triage.take(mail("Two"))
    ((_, known),) = triage.batches[-1]
    assert list(known.correspondents) == ["carl@law.example"]


# --- what goes wrong --------------------------------------------------------------------------------


async def test_a_thread_that_cannot_be_judged_counts_as_triaged_and_is_told_of_as_unknown(
    triage: TriageRoom,
) -> None:
    await triage.take(mail("Bad", body="fails: a bug"), mail("Good", minutes=1))
    assert (await triage.item("Bad")).classification is None
    assert (await triage.item("Good")).classification == "buyer"
    await triage.triage.run(ANNA)
    assert len(triage.batches) == 1, "it is not tried again"


async def test_a_thread_that_could_be_judged_before_is_unknown_when_it_no_longer_can(
    triage: TriageRoom,
) -> None:
    await triage.take(mail("House"))
    await triage.take(mail("Re: House", id="r", replies_to="house", minutes=1, body="fails: a bug"))
    item = await triage.item("House")
    assert (item.classification, item.category, item.risk_level) == (None, None, None)
    last = (await triage.room.events("thread.updated"))[-1]
    assert last["classification"] is None


async def test_a_bug_in_what_follows_costs_one_thread_not_its_neighbours(triage: TriageRoom) -> None:
    await triage.take(mail("Breaks the deal"), mail("House", minutes=1))
    assert (await triage.item("Breaks the deal")).classification is None
    assert (await triage.item("House")).classification == "buyer"
    await triage.triage.run(ANNA)
    assert len(triage.batches) == 1


async def test_a_thread_that_changes_while_it_is_judged_is_judged_as_it_is_then(triage: TriageRoom) -> None:
    await triage.receive(mail("House", body="class: buyer"))
    analyse = triage._analyse

    async def disturbed(batch: object) -> object:
        triage.triage._analyse = analyse  # once
        await triage.receive(mail("Re: House", id="r", replies_to="house", minutes=1, body="class: vendor"))
        return await analyse(batch)  # type: ignore[arg-type]  # as it came

    triage.triage._analyse = disturbed  # type: ignore[assignment]  # the same, untyped
    await triage.triage.run(ANNA)
    assert (await triage.item("House")).classification == "vendor"
    assert [triaged.classification for triaged in triage.deals] == ["vendor"]


async def test_two_passes_of_one_user_do_nothing_twice(triage: TriageRoom) -> None:
    await triage.receive(*(mail(f"Number {number}") for number in range(20)))
    await asyncio.gather(triage.triage.run(ANNA), triage.triage.run(ANNA))
    assert sum(len(batch) for batch in triage.batches) == 20


async def test_what_a_crash_left_pending_is_judged_by_the_next_pass(tmp_path: Path) -> None:
    async with open_triage(tmp_path) as triage:
        await triage.receive(mail("House"))
    async with open_room(tmp_path, prefix="second") as room:
        again = TriageRoom(room)
        await again.triage.run(ANNA)
        assert (await again.item("House")).classification == "buyer"


# --- who waits for one thread does not wait for them all --------------------------------------------


async def test_one_thread_is_judged_while_the_recipients_of_all_are_still_noted(
    triage: TriageRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passes, "LOOKED_THROUGH", 1)
    await triage.receive(*(sent(f"Number {n}", f"carl{n}@x.example", minutes=n) for n in range(5)))
    last = (await triage.item("Number 4")).thread_id
    await asyncio.gather(triage.triage.run(ANNA), triage.triage.run_one(ANNA, last))
    ((messages, known),) = triage.batches[0]
    assert messages[0].subject == "Number 4"
    assert "carl4@x.example" in known.correspondents
    assert len(known.correspondents) < 5
    assert len(triage.batches[1][0][1].correspondents) == 5


class Halting(TriageRoom):
    """Judges nothing else after the first of many threads, and after the correction, until it may."""

    def __init__(self, room: Room) -> None:
        super().__init__(room)
        self.begun, self.corrected = asyncio.Event(), asyncio.Event()

    async def _analyse(self, batch: Sequence[Case]) -> list[Findings | Unjudged]:
        found = await super()._analyse(batch)
        subjects = [messages[0].subject for messages, _ in (one for many in self.batches for one in many)]
        if subjects[-1] == "Number 0":
            await self.begun.wait()
        elif subjects[-1] != "House" and subjects.count("House") == 2:
            await self.corrected.wait()
        return found


async def test_a_correction_does_not_wait_for_a_whole_mailbox_and_teaches_the_rest_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passes, "BATCH", 1)
    async with open_room(tmp_path) as room:
        triage = Halting(room)
        await triage.take(mail("House", body="like: kind"))
        await triage.receive(*(mail(f"Number {n}", minutes=n + 1, body="like: kind") for n in range(9)))
        passing = asyncio.create_task(triage.triage.run(ANNA))
        await until(lambda: len(triage.batches) == 2)
        correcting = asyncio.create_task(triage.correct("House", classification="market"))
        while await room.count("corrections") == 0:
            pass
        triage.begun.set()
        assert (await asyncio.wait_for(correcting, 10)).classification == "market"
        assert not passing.done()
        triage.corrected.set()
        await passing
        assert (await triage.item("Number 8")).classification == "market"


# --- threads that go --------------------------------------------------------------------------------


async def test_a_thread_that_goes_takes_what_was_found_with_it_and_no_more(triage: TriageRoom) -> None:
    await triage.take(
        mail("House", body="at: 12 High Street\nat: 3 Low Road"),
        mail("Other", sender="carl@x.example", minutes=1, body="at: 14 High Street"),
        mail("Same", minutes=2, body="at: 14 High Street"),
        uids=["1", "2", "3"],
    )
    await triage.correct("House", classification="vendor")
    await triage.delete("1")
    assert await triage.room.count("corrections") == 0
    assert await triage.room.query(str, "SELECT number FROM properties") == ["14"]
    emails = await triage.room.query(str, "SELECT email FROM contacts ORDER BY email")
    assert emails == ["ben@example.org", "carl@x.example"]
    await triage.delete("2", "3")
    for table in ("properties", "mentions", "contacts", "thread_contacts", "threads"):
        assert await triage.room.count(table) == 0, table


async def test_removing_an_account_leaves_nothing_of_it_and_all_of_the_others(triage: TriageRoom) -> None:
    await triage.take(mail("House", body="at: 12 High Street"))
    await triage.take(mail("Flat", sender="carl@x.example", body="at: 1 Low Road"), name="other")
    await triage.correct("House", classification="vendor")
    await triage.disconnect()
    assert await triage.room.query(str, "SELECT number FROM properties") == ["1"]
    assert await triage.room.query(str, "SELECT email FROM contacts") == ["carl@x.example"]
    assert await triage.room.count("mentions") == 1
    assert await triage.room.count("corrections") == 0
    await triage.disconnect("other")
    for table in ("properties", "mentions", "contacts", "thread_contacts"):
        assert await triage.room.count(table) == 0, table


async def test_merged_threads_are_judged_as_one_and_keep_their_people(triage: TriageRoom) -> None:
    await triage.take(
        mail("House", id="a", body="at: 12 High Street"),
        mail("Viewing", id="b", minutes=5, sender="carl@x.example", body="at: 3 Low Road"),
    )
    both = mail("Both", id="c", references=["a"], replies_to="b", minutes=9, body="at: 12 High Street")
    await triage.take(both)
    page = await triage.room.storage.read(list_threads, ANNA, "all", 10)
    (thread,) = page.threads
    assert thread.property == "12 High Street"
    assert await triage.room.query(str, "SELECT number FROM properties") == ["12"]
    emails = await triage.room.query(str, "SELECT email FROM contacts ORDER BY email")
    assert emails == ["ben@example.org", "carl@x.example"]
    assert await triage.room.query(str, "SELECT DISTINCT thread_id FROM thread_contacts") == [
        thread.thread_id
    ]


async def test_a_correction_of_a_thread_that_is_gone_is_refused(triage: TriageRoom) -> None:
    await triage.take(mail("House"), uids=["1"])
    thread_id = (await triage.item("House")).thread_id
    await triage.delete("1")
    with pytest.raises(NotFound):
        await triage.triage.correct(ANNA, thread_id, ThreadCorrection(classification="buyer"))
