"""What the user says of a thread stands against everything that comes later, and teaches."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from tests.mailroom import ANNA
from tests.memorymailbox import mail
from tests.triageroom import TriageRoom, open_triage
from zena_sse.errors import InvalidPayload, NotFound
from zena_sse.triage import corrections
from zena_sse.triage.corrections import ThreadCorrection, read_taught


@pytest.fixture
async def triage(tmp_path: Path) -> AsyncIterator[TriageRoom]:
    """A triage room."""
    async with open_triage(tmp_path) as opened:
        yield opened


async def test_what_the_user_says_is_what_the_thread_is_and_deal_and_tasks_follow(triage: TriageRoom) -> None:
    await triage.take(mail("House", body="class: buyer\nowing: agent"))
    item = await triage.correct("House", classification="vendor", category="waiting")
    assert (item.classification, item.category, item.next_action_owner) == ("vendor", "waiting", "other")
    assert (item.confidence, item.corrected) == (1.0, True)
    assert (triage.deals[-1].classification, triage.tasks[-1].category) == ("vendor", "waiting")
    told = (await triage.room.events("thread.updated"))[-1]
    assert (told["classification"], told["category"]) == ("vendor", "waiting")


async def test_new_mail_and_a_new_look_do_not_overrule_the_user(triage: TriageRoom) -> None:
    await triage.take(mail("House", body="class: buyer"))
    await triage.correct("House", classification="vendor")
    await triage.take(mail("Re: House", id="r", replies_to="house", minutes=1, body="class: noise"))
    item = await triage.item("House")
    assert (item.classification, item.category) == ("vendor", "focus")


async def test_a_thread_that_cannot_be_judged_is_still_what_the_user_says(triage: TriageRoom) -> None:
    await triage.take(mail("House", body="fails: a bug"))
    item = await triage.correct("House", classification="vendor", category="focus")
    assert (item.classification, item.category, item.next_action_owner) == ("vendor", "focus", "agent")


async def test_null_gives_the_question_back(triage: TriageRoom) -> None:
    await triage.take(mail("House", body="class: buyer\nowing: agent"))
    await triage.correct("House", classification="vendor", category="waiting")
    item = await triage.correct("House", classification=None)
    assert (item.classification, item.category, item.corrected) == ("buyer", "waiting", True)
    item = await triage.correct("House", category=None)
    assert (item.classification, item.category, item.corrected) == ("buyer", "focus", False)
    assert await triage.room.count("corrections") == 0


async def test_noise_always_waits(triage: TriageRoom) -> None:
    await triage.take(mail("House", body="class: buyer\nat: 12 High Street\nconcern: spooky"))
    await triage.correct("House", category="focus")
    with pytest.raises(InvalidPayload, match="in no list"):
        await triage.correct("House", classification="noise", category="focus")
    item = await triage.correct("House", classification="noise")
    assert (item.category, item.next_action_owner, item.risk_level) == ("waiting", "other", "none")
    assert (item.property, item.concern) == (None, None)
    assert await triage.room.count("properties") == 0
    item = await triage.correct("House", classification=None)
    assert (item.category, item.property) == ("focus", "12 High Street")


async def test_the_same_said_twice_changes_nothing_and_is_not_told_of(triage: TriageRoom) -> None:
    await triage.take(mail("House"))
    await triage.correct("House", classification="vendor")
    before = len(await triage.room.events())
    await triage.correct("House", classification="vendor")
    assert len(await triage.room.events()) == before


async def test_that_the_user_said_it_is_told_even_where_it_changes_nothing_else(
    triage: TriageRoom,
) -> None:
    await triage.take(mail("House", body="owing: agent"))
    before = triage.room.offered("thread.updated")
    assert (await triage.correct("House", category="focus")).corrected
    assert triage.room.offered("thread.updated") == before + 1
    assert not (await triage.correct("House", category=None)).corrected
    assert triage.room.offered("thread.updated") == before + 2


async def test_corrections_teach_the_newest_first_by_what_was_judged(
    triage: TriageRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corrections, "TAUGHT", 2)
    for number in range(3):
        await triage.take(mail(f"Number {number}", body=f"like: kind-{number}"))
        triage.room.clock.advance(minutes=1)
        await triage.correct(f"Number {number}", classification="market")
    await triage.correct("Number 0", category="waiting")
    taught = await triage.room.storage.read(read_taught, ANNA)
    assert taught == ((("kind-0",), "market"), (("kind-2",), "market"))
    await triage.take(mail("Another", minutes=5, body="like: kind-2\nclass: vendor"))
    assert (await triage.item("Another")).classification == "market"
    assert await triage.room.storage.read(read_taught, "bert") == ()


async def test_a_correction_of_the_category_alone_teaches_no_class(triage: TriageRoom) -> None:
    await triage.take(mail("House", body="like: kind"))
    await triage.correct("House", category="waiting")
    assert await triage.room.storage.read(read_taught, ANNA) == ()


async def test_what_a_thread_was_judged_by_is_kept_up_to_date_for_learning(triage: TriageRoom) -> None:
    await triage.take(mail("House", body="like: one"))
    await triage.correct("House", classification="vendor")
    await triage.take(mail("Re: House", id="r", replies_to="house", minutes=1, body="like: two"))
    assert await triage.room.storage.read(read_taught, ANNA) == ((("two",), "vendor"),)


@pytest.mark.parametrize("other", [False, True])
async def test_a_correction_moves_with_a_merged_thread_unless_the_whole_has_one(
    triage: TriageRoom, other: bool
) -> None:
    await triage.take(mail("House", id="a"), mail("Viewing", id="b", minutes=5))
    await triage.correct("Viewing", classification="market")
    if other:
        await triage.correct("House", classification="vendor")
    await triage.take(mail("Both", id="c", references=["a"], replies_to="b", minutes=9))
    item = await triage.item("House")
    assert (item.classification, item.corrected) == ("vendor" if other else "market", True)
    assert await triage.room.count("corrections") == 1


async def test_somebody_elses_thread_is_not_there_and_nothing_said_is_an_error(triage: TriageRoom) -> None:
    await triage.take(mail("House"))
    thread_id = (await triage.item("House")).thread_id
    said = ThreadCorrection(classification="noise")
    with pytest.raises(NotFound):
        await triage.triage.correct("bert", thread_id, said)
    with pytest.raises(InvalidPayload):
        await triage.triage.correct(ANNA, thread_id, ThreadCorrection())
    assert (await triage.item("House")).corrected is False


def test_absent_and_null_are_not_the_same() -> None:
    assert msgspec.json.decode(b'{"category":null}', type=ThreadCorrection).category is None
    assert msgspec.json.decode(b'{"category":null}', type=ThreadCorrection).classification is msgspec.UNSET
