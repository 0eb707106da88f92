"""Reading threads."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from tests.mailroom import ANNA, Room, open_room
from tests.memorymailbox import AGENT, mail
from zena_sse.contract.commands import ThreadView
from zena_sse.dispatch import Caller
from zena_sse.errors import InvalidQuery, NotFound
from zena_sse.mail.threads import (
    SNAPSHOT_THREADS,
    THREAD_MESSAGES,
    Which,
    get_thread,
    list_threads,
    snapshot_threads,
    view_thread,
)


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    """A mail room."""
    async with open_room(tmp_path) as opened:
        yield opened


async def fill(room: Room, *subjects: str) -> None:
    """A thread for each subject, a minute apart."""
    run = await room.run(await room.account())
    await room.apply(run, *[mail(subject, minutes=n) for n, subject in enumerate(subjects)])


async def judge(room: Room, subject: str, classification: str, category: str | None) -> None:
    """What triage would say."""
    await room.storage.write(
        lambda tx: tx.execute(
            "UPDATE threads SET classification = :classification, category = :category"
            " WHERE subject = :subject",
            classification=classification,
            category=category,
            subject=subject,
        )
    )


async def subjects(room: Room, which: Which) -> list[str]:
    page = await room.storage.read(list_threads, ANNA, which, 50)
    return [thread.subject for thread in page.threads]


async def test_pages_follow_each_other_newest_first_without_gap_or_repeat(room: Room) -> None:
    names = [f"Enquiry {n}" for n in range(5)]
    await fill(room, *names)
    seen, after = [], None
    while True:
        page = await room.storage.read(list_threads, ANNA, "all", 2, after)
        seen += [thread.subject for thread in page.threads]
        after = page.next
        if after is None:
            break
    assert seen == names[::-1]


async def test_threads_of_the_same_moment_are_all_paged(room: Room) -> None:
    run = await room.run(await room.account())
    await room.apply(run, *[mail(f"Enquiry {n}") for n in range(4)])
    first = await room.storage.read(list_threads, ANNA, "all", 2)
    rest = await room.storage.read(list_threads, ANNA, "all", 2, first.next)
    assert len({thread.thread_id for thread in [*first.threads, *rest.threads]}) == 4
    assert rest.next is None


@pytest.mark.parametrize("after", ["x", "é", "bm9uc2Vuc2U", "WyJhIl0", ""])
async def test_an_after_that_is_not_ours_is_refused(room: Room, after: str) -> None:
    with pytest.raises(InvalidQuery):
        await room.storage.read(list_threads, ANNA, "all", 2, after)


async def test_focus_has_no_pages(room: Room) -> None:
    await fill(room, "One", "Two")
    page = await room.storage.read(list_threads, ANNA, "all", 1)
    with pytest.raises(InvalidQuery, match="focus"):
        await room.storage.read(list_threads, ANNA, "focus", 1, page.next)


async def test_lists_tell_categories_apart_and_noise_is_in_none_but_all(room: Room) -> None:
    await fill(room, "Mine", "Theirs", "Noise", "Unknown")
    await judge(room, "Mine", "buyer", "focus")
    await judge(room, "Theirs", "vendor", "waiting")
    await judge(room, "Noise", "noise", "focus")
    assert await subjects(room, "focus") == ["Mine"]
    assert await subjects(room, "waiting") == ["Theirs"]
    assert await subjects(room, "all") == ["Unknown", "Noise", "Theirs", "Mine"]
    snapshot = await room.storage.read(snapshot_threads, ANNA)
    assert [thread.subject for thread in snapshot] == ["Unknown", "Theirs", "Mine"]
    assert len(snapshot) <= SNAPSHOT_THREADS


async def test_nobody_sees_somebody_elses_threads(room: Room) -> None:
    await fill(room, "Mine")
    (thread,) = (await room.storage.read(list_threads, ANNA, "all", 2)).threads
    assert (await room.storage.read(list_threads, "ben", "all", 2)).threads == []
    with pytest.raises(NotFound):
        await room.storage.read(get_thread, "ben", thread.thread_id)
    with pytest.raises(NotFound):
        await room.storage.write(view_thread, Caller("ben", "c1"), ThreadView(thread_id=thread.thread_id))


async def test_a_thread_shows_its_messages_oldest_first_and_who_holds_them(room: Room) -> None:
    one, two = await room.account("one"), await room.account("two")
    question = mail("Viewing", body="Is it still for sale?\r\n\r\n-- \r\nBen")
    answer = mail(
        "Re: Viewing", minutes=5, sender=AGENT, to="ben@example.org", id="answer", replies_to="viewing"
    )
    await room.apply(await room.run(one), answer, question)
    await room.apply(await room.run(two), question)
    (item,) = (await room.storage.read(list_threads, ANNA, "all", 2)).threads
    thread = await room.storage.read(get_thread, ANNA, item.thread_id)
    assert [message.text for message in thread.messages] == ["Is it still for sale?", "Kia ora"]
    assert thread.messages[0].sender.email == "ben@example.org"
    assert [message.account_ids for message in thread.messages] == [["anna-one", "anna-two"], ["anna-one"]]
    assert thread.message_count == 2
    sent = msgspec.json.decode(msgspec.json.encode(thread))
    assert sent["messages"][1]["from"]["email"] == AGENT
    assert sent["from"] == "Ben Buyer"


async def test_of_a_very_long_thread_the_newest_messages_are_given(room: Room) -> None:
    run = await room.run(await room.account())
    mails = [mail("Long", minutes=n, id=f"m{n}", references=["m0"]) for n in range(THREAD_MESSAGES + 5)]
    for start in range(0, len(mails), 50):
        await room.apply(run, *mails[start : start + 50])
    (item,) = (await room.storage.read(list_threads, ANNA, "all", 2)).threads
    thread = await room.storage.read(get_thread, ANNA, item.thread_id)
    assert (item.message_count, len(thread.messages)) == (THREAD_MESSAGES + 5, THREAD_MESSAGES)
    assert thread.messages[-1].at == thread.last_message_at


async def test_viewing_a_thread_is_told_and_remembered(room: Room) -> None:
    await fill(room, "Viewing")
    (thread,) = (await room.storage.read(list_threads, ANNA, "all", 2)).threads
    result = await room.storage.write(view_thread, Caller(ANNA, "c1"), ThreadView(thread_id=thread.thread_id))
    assert result.viewed_at == room.clock()
    (viewed,) = await room.events("thread.viewed")
    assert (viewed["threadId"], viewed["by"]) == (thread.thread_id, ANNA)
    assert (await room.envelopes())[-1]["commandId"] == "c1"
    (again,) = (await room.storage.read(list_threads, ANNA, "all", 2)).threads
    assert again.viewed_at == room.clock()
