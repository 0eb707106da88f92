"""What is looked at for an answer: the right threads, of the user alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.mailroom import ANNA
from tests.memorymailbox import AGENT, mail
from tests.readingroom import MINUTES_A_DAY, ReadingRoom, answer, letter, open_reading, subjects
from zena_sse.ask.embedded.gathering import MESSAGES, THREADS, Material, Thread, find_thread, open_terms
from zena_sse.ask.embedded.naming import Named

KIT = "kit"  # another user
OTTO = "Otto Brandt <otto@survey.example>"
LENA = "Lena Fisk <lena@post.example>"
SURVEY = letter(
    "Survey of 31 Pukeko Drive",
    "Hi Anna,\n\nThe survey of 31 Pukeko Drive, Selwood costs $2,150.\n\nOtto Brandt\n+64 21 555 0177",
    sender=OTTO,
)
FENCE = letter(
    "Fence", "Hi Anna,\n\nWho pays for the fence at 8 Marram Lane?\n\nLena Fisk", sender=LENA, days=-3
)
ANSWERED = answer("Fence", "Hi Lena, the neighbour pays half of it.\n\nAnna", to=LENA, days=-2)
LUNCH = letter("Lunch", "Hi Anna, lunch on Sunday?\n\nIda Noor", sender="Ida Noor <ida@post.example>")
# About the same house and words, in another mailbox.
THEIRS = letter(
    "Survey of 31 Pukeko Drive, and a secret",
    "Hi Kit,\n\nThe survey of 31 Pukeko Drive says that the zeppelin leaks.\n\nOtto Brandt",
    sender=OTTO,
)
HIDDEN = letter(
    "Hidden",
    "Hi Kit, Greta Holm rents 6 Sorrel Court.\n\nGreta Holm",
    sender="Greta Holm <greta@post.example>",
)


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[ReadingRoom]:
    async with open_reading(tmp_path) as reading:
        await reading.hold(SURVEY, FENCE, ANSWERED, LUNCH)
        yield reading


def threads(*found: Thread) -> set[str]:
    return {thread.subject for thread in found}


async def test_thread_is_found_by_its_house_without_a_word_of_the_question(room: ReadingRoom) -> None:
    material = await room.look("Any news of 31 Pukeko Drive?")
    assert subjects(material)[0] == "Survey of 31 Pukeko Drive"
    assert threads(*(one for one in material.threads if one.of_house)) == {"Survey of 31 Pukeko Drive"}
    assert [house.shown for house in material.named.houses] == ["31 Pukeko Drive"]


async def test_thread_that_only_mentions_a_house_is_found_by_it(room: ReadingRoom) -> None:
    await room.hold(
        letter(
            "Two houses",
            "Hi Anna, I own 5 Karaka Road and like it as much as 31 Pukeko Drive.\n\nUma",
            days=-9,
        )
    )
    material = await room.look("Any news of 31 Pukeko Drive?")
    assert "Two houses" in threads(*(one for one in material.threads if one.of_house))


async def test_thread_is_found_by_its_people(room: ReadingRoom) -> None:
    material = await room.look("What is new with Lena?")
    assert threads(*(one for one in material.threads if one.of_person)) == {"Fence"}
    assert [person.email for person in material.named.people] == ["lena@post.example"]


async def test_thread_that_tells_of_somebody_is_found_by_the_whole_name(room: ReadingRoom) -> None:
    await room.hold(
        letter("Tenants", "Hi Anna, Otto Brandt rents it now.\n\nUma", sender="Uma <uma@post.example>")
    )
    material = await room.look("Where is Otto Brandt now?")
    assert "Tenants" in threads(*(one for one in material.threads if one.of_person))


@pytest.mark.parametrize("question", ["Who pays for the fence?", "fences?", "WHO PAYS FOR THE FENCE"])
async def test_thread_is_found_by_its_words(room: ReadingRoom, question: str) -> None:
    material = await room.look(question)
    assert subjects(material)[0] == "Fence"
    assert not any(one.of_house or one.of_person for one in material.threads)


async def test_nothing_is_looked_at_where_no_word_is_known(room: ReadingRoom) -> None:
    assert (await room.look("Which aquarium has moonfish?")).threads == ()
    assert (await room.look("?!")).threads == ()


async def test_scores_fall_and_the_messages_stand_as_they_were_sent(room: ReadingRoom) -> None:
    material = await room.look("Who pays for the fence and the survey?")
    scores = [thread.score for thread in material.threads]
    assert len(scores) == 2
    assert scores == sorted(scores, reverse=True)
    (fence,) = [thread for thread in material.threads if thread.subject == "Fence"]
    assert [message.sender.email for message in fence.messages] == ["lena@post.example", AGENT]


async def test_no_more_threads_and_messages_are_looked_at_than_are_needed(room: ReadingRoom) -> None:
    many = [
        letter(
            f"Gutter {number}", "Hi Anna, the gutter of 8 Marram Lane drips.", sender=LENA, days=-40 - number
        )
        for number in range(THREADS + 5)
    ]
    long = [
        letter(
            f"drip {number}", f"The gutter drips, {number}.", sender=LENA, days=-30 + number, first="Gutter 0"
        )
        for number in range(MESSAGES + 3)
    ]
    await room.hold(*many, *long)
    material = await room.look("Does the gutter of 8 Marram Lane drip?")
    assert len(material.threads) == THREADS
    (longest,) = [
        thread for thread in material.threads if len(thread.messages) > 1 and "Gutter" in thread.subject
    ]
    assert len(longest.messages) == MESSAGES
    assert f"drips, {MESSAGES + 2}." in longest.messages[-1].text


@pytest.mark.parametrize(
    "question",
    ["What does the survey of 31 Pukeko Drive say of the zeppelin?", "What did Otto say of it?", "survey"],
)
async def test_what_others_have_is_never_looked_at(room: ReadingRoom, question: str) -> None:
    await room.hold(THEIRS, HIDDEN, user_id=KIT)
    mine, theirs = await room.look(question), await room.look(question, user_id=KIT)
    assert threads(*theirs.threads) == {"Survey of 31 Pukeko Drive, and a secret"}
    assert "Survey of 31 Pukeko Drive" in threads(*mine.threads) <= {"Survey of 31 Pukeko Drive", "Fence"}
    assert ids(mine)
    assert not ids(mine) & ids(theirs)


def ids(material: Material) -> set[str]:
    """All that can be told apart of what is looked at."""
    houses = {house.property_id for house in material.named.houses}
    people = {person.contact_id for person in (*material.people, *material.named.people)}
    return houses | people | {thread.thread_id for thread in material.threads}


async def test_houses_and_people_of_others_are_not_known(room: ReadingRoom) -> None:
    await room.hold(HIDDEN, user_id=KIT)
    question = "Who is Greta Holm of 6 Sorrel Court?"
    _, named, _ = await room.understand(question, user_id=KIT)
    assert [house.shown for house in named.houses] == ["6 Sorrel Court"]
    assert [person.name for person in named.people] == ["Greta Holm"]
    assert (await room.understand(question))[1] == Named()
    assert (await room.look(question)).threads == ()


async def test_words_of_others_make_no_word_common(room: ReadingRoom) -> None:
    before = (await room.look("Who pays for the fence?")).rarity
    await room.hold(
        *(letter(f"Gate {number}", "The fence, the fence.", sender=LENA) for number in range(9)), user_id=KIT
    )
    assert (await room.look("Who pays for the fence?")).rarity == before
    assert before


async def test_word_that_few_messages_have_tells_more(room: ReadingRoom) -> None:
    rarity = (await room.look("Does the neighbour want lunch?")).rarity
    await room.hold(*(letter(f"Lunch {number}", "Lunch?", sender=LENA) for number in range(5)))
    later = (await room.look("Does the neighbour want lunch?")).rarity
    assert later["neighbour"] == rarity["neighbour"] > later["lunch"]
    assert rarity["lunch"] > later["lunch"]


async def test_nobody_has_the_thread_of_another(room: ReadingRoom) -> None:
    thread_id = (await room.item("Fence")).thread_id
    mine = await room.room.storage.read(find_thread, ANNA, thread_id)
    assert mine is not None
    assert mine.subject == "Fence"
    assert mine.sender == "Lena Fisk"
    assert await room.room.storage.read(find_thread, KIT, thread_id) is None


async def test_question_that_follows_is_about_what_was_named_before(room: ReadingRoom) -> None:
    _, named, _ = await room.understand("And when is it?", "How much is 31 Pukeko Drive?")
    assert [house.shown for house in named.houses] == ["31 Pukeko Drive"]
    assert named.spent == frozenset()
    material = await room.look("And what does she want?", "What did Lena say?")
    assert [person.name for person in material.named.people] == ["Lena Fisk"]
    assert subjects(material)[0] == "Fence"


async def test_last_question_that_named_something_is_followed(room: ReadingRoom) -> None:
    before = ("How much is 31 Pukeko Drive?", "What did Lena say?", "And when was that?")
    _, named, _ = await room.understand("And what about it?", *before)
    assert [person.name for person in named.people] == ["Lena Fisk"]
    assert named.houses == ()


async def test_question_that_names_or_asks_something_else_follows_none(room: ReadingRoom) -> None:
    _, named, _ = await room.understand("And what did Ida say of it?", "How much is 31 Pukeko Drive?")
    assert [person.name for person in named.people] == ["Ida Noor"]
    assert named.houses == ()
    _, alone, _ = await room.understand("Who pays for lunch?", "How much is 31 Pukeko Drive?")
    assert alone == Named()


def sent_at(offset: str, *, sender: str, subject: str, days: float) -> bytes:
    raw = mail(subject, minutes=days * MINUTES_A_DAY, sender=sender, to=LENA, body="Hi Lena")
    assert raw.count(b"+0000") == 1
    return raw.replace(b"+0000", offset.encode())


async def test_now_is_where_the_agent_wrote_last(room: ReadingRoom) -> None:
    anna = f"Anna <{AGENT}>"
    await room.hold(
        sent_at("-0500", sender=anna, subject="Older", days=-1.9),
        sent_at("+1300", sender=anna, subject="Newer", days=-0.5),
        sent_at("+0900", sender=LENA, subject="Newest", days=-0.1),
    )
    _, _, now = await room.understand("What is due today?")  # noon in Greenwich, on 20 November
    assert now.utcoffset() == timedelta(hours=13)
    assert now == room.room.clock.now
    material = await room.look("What is due today?")
    assert material.asked.window is not None
    assert material.asked.window.first == date(2026, 11, 21)


async def test_now_is_the_clocks_where_the_agent_wrote_nothing(room: ReadingRoom) -> None:
    await room.hold(HIDDEN, user_id=KIT)
    _, _, now = await room.understand("What is due today?", user_id=KIT)
    assert now.utcoffset() == room.room.clock.now.utcoffset()


async def test_people_are_all_those_of_the_threads_with_how_to_reach_them(room: ReadingRoom) -> None:
    material = await room.look("Who pays for the fence and the survey?")
    assert {person.email: person.phone for person in material.people} == {
        "otto@survey.example": "+64 21 555 0177",
        "lena@post.example": None,
    }
    assert material.own == {AGENT}


async def test_same_question_is_answered_from_the_same(room: ReadingRoom) -> None:
    assert await room.look("Who pays for the fence?") == await room.look("Who pays for the fence?")


async def test_words_that_name_are_no_open_terms(room: ReadingRoom) -> None:
    material = await room.look("Does Lena pay for the fence at 8 Marram Lane?")
    plain = {term.plain for term in open_terms(material.asked, material.named)}
    assert "fence" in plain
    assert not plain & {"lena", "marram", "lane", "8"}
    assert "lena" in {term.plain for term in open_terms(material.asked, Named())}
