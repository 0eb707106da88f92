"""The sentences that are looked at, and how much of a question stands in each."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.memorymailbox import AGENT
from tests.readingroom import ReadingRoom, answer, letter, open_reading
from zena_sse.ask.embedded.coverage import SENSE, Coverage
from zena_sse.ask.embedded.gathering import open_terms
from zena_sse.ask.embedded.statements import COURTESY, MOST, statements_of
from zena_sse.ask.embedded.words import folded

LENA = "Lena Fisk <lena@post.example>"
ASKED = letter(
    "Boundary fence",
    "Hi Anna,\n\nI was there on Sunday. Who pays  for the new fence?\nI would like to know of Lena.",
    sender=LENA,
    days=-3,
)
ANSWERED = answer("Boundary fence", "Hi Lena, the neighbour pays half of it.", to=LENA, days=-2)
AWAY = letter("Away", "I am away from my desk.", sender=LENA, days=-1, first="Boundary fence").replace(
    b"Subject:", b"Auto-Submitted: auto-replied\r\nSubject:"
)
GATE = letter("Gate", "Hi Anna, the gate needs paint. The hinges are new.", sender="Uma <uma@post.example>")


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[ReadingRoom]:
    async with open_reading(tmp_path) as reading:
        await reading.hold(ASKED, ANSWERED, AWAY, GATE)
        yield reading


async def test_sentences_stand_as_they_were_written_the_oldest_first(room: ReadingRoom) -> None:
    said = statements_of(await room.look("Who pays for the fence?"))
    assert [one.text for one in said] == [
        "Hi Anna,",
        "I was there on Sunday.",
        "Who pays for the new fence?",
        "I would like to know of Lena.",
        "Hi Lena, the neighbour pays half of it.",
        "I am away from my desk.",
    ]
    assert [one.number for one in said] == [0, 1, 2, 3, 0, 0]
    assert [one.text for one in said if one.asks] == ["Who pays for the new fence?"]
    assert [one.sent for one in said] == sorted(one.sent for one in said)


async def test_each_sentence_has_who_said_it_and_where(room: ReadingRoom) -> None:
    material = await room.look("Who pays for the fence and the gate?")
    said = statements_of(material)
    assert {one.thread for one in said} == {0, 1}
    for one in said:
        assert one.message in material.threads[one.thread].messages
        assert one.own == (one.message.sender.email == AGENT)
    assert [one.text for one in said if one.own] == ["Hi Lena, the neighbour pays half of it."]
    assert [one.text for one in said if one.automatic] == ["I am away from my desk."]


async def test_no_more_sentences_of_a_mail_are_looked_at_than_matter(room: ReadingRoom) -> None:
    await room.hold(letter("Drains", " ".join(f"Drain {number} leaks." for number in range(MOST + 9))))
    said = [one for one in statements_of(await room.look("Which drain leaks?")) if "Drain" in one.text]
    assert [one.number for one in said] == [*range(MOST)]


async def test_nothing_is_said_where_nothing_is_found(room: ReadingRoom) -> None:
    assert statements_of(await room.look("Which aquarium has moonfish?")) == []


@pytest.mark.parametrize("text", ["Hi Anna,", "Kia ora Anna", "Thanks!", "Kind regards", "Tēnā koe Anna,"])
def test_courtesy_is_no_answer(text: str) -> None:
    assert COURTESY.match(folded(text))


@pytest.mark.parametrize("text", ["The fence is shared.", "Thanks for it. The fence is shared.", "High"])
def test_what_tells_something_is_no_courtesy(text: str) -> None:
    assert not COURTESY.match(folded(text))


def of(cover: Coverage, text: str) -> int:
    """Where the sentence stands that has this."""
    (found,) = [i for i, one in enumerate(cover.statements) if text in one.text]
    return found


async def test_sentence_with_every_word_covers_all_and_with_none_nothing(room: ReadingRoom) -> None:
    cover = Coverage(await room.look("Which hinges are new?"))
    assert cover.here[of(cover, "hinges")] == pytest.approx(1.0)
    assert cover.here[of(cover, "paint")] == 0.0


async def test_rarer_word_covers_more(room: ReadingRoom) -> None:
    material = await room.look("Is the paint of the gate from the neighbour?")
    cover = Coverage(material)
    assert material.rarity["neighbour"] == material.rarity["paint"] == material.rarity["gat"]
    await room.hold(*(letter(f"Gate {number}", "A gate.", sender=LENA) for number in range(7)))
    later = Coverage(await room.look("Is the paint of the gate from the neighbour?"))
    neighbour = "neighbour pays"
    assert cover.here[of(cover, neighbour)] == pytest.approx(1 / 3)
    assert later.here[of(later, neighbour)] > 1 / 3


async def test_word_of_the_same_sense_counts_less_than_the_word(room: ReadingRoom) -> None:
    await room.hold(letter("Lawyer", "Hi Anna, our solicitor is slow.", sender="Ida <ida@post.example>"))
    cover = Coverage(await room.look("slow lawyer"))
    alone = Coverage(await room.look("lawyer"))
    assert alone.here[of(alone, "solicitor")] == pytest.approx(SENSE)
    assert SENSE < cover.here[of(cover, "solicitor")] < 1.0
    assert alone.exact[of(alone, "solicitor")] == 0.0
    assert cover.exact[of(cover, "solicitor")] > 0.0


async def test_ending_of_a_word_makes_no_other_word(room: ReadingRoom) -> None:
    cover = Coverage(await room.look("hinge painting"))
    assert cover.here[of(cover, "hinges")] == cover.here[of(cover, "paint")] > 0


async def test_neighbours_and_subject_cover_what_a_sentence_leaves_out(room: ReadingRoom) -> None:
    cover = Coverage(await room.look("Who pays for the boundary fence?"))
    pays, sunday, reply = (of(cover, text) for text in ("Who pays", "on Sunday", "half of it"))
    assert cover.here[sunday] == 0 < cover.around[sunday] == cover.here[pays] < cover.message[pays]
    assert cover.message[sunday] == pytest.approx(1.0)  # the subject has the boundary
    assert cover.thread[reply] == cover.thread[sunday] == pytest.approx(1.0)


async def test_message_before_is_no_neighbour(room: ReadingRoom) -> None:
    cover = Coverage(await room.look("Who pays for the boundary fence?"))
    reply = of(cover, "half of it")
    assert cover.near[reply] == [reply]
    first, sunday = of(cover, "Hi Anna,"), of(cover, "on Sunday")
    assert cover.near[first] == [first, sunday]
    assert cover.near[sunday] == [first, sunday, sunday + 1]


@pytest.mark.parametrize(
    "question",
    ["Who pays for the new fence?", "Which hinges?", "Did Lena pay?", "desk paint half"],
)
async def test_more_text_covers_no_less(room: ReadingRoom, question: str) -> None:
    cover = Coverage(await room.look(question))
    assert cover.statements
    for i in range(len(cover.statements)):
        assert 0.0 <= cover.here[i] <= cover.around[i] <= cover.message[i] <= cover.thread[i] <= 1.0 + 1e-9
        assert cover.key[i] <= cover.key_around[i]


async def test_names_that_were_understood_are_no_words_to_cover(room: ReadingRoom) -> None:
    material = await room.look("What does Lena say of the fence?")
    assert [term.plain for term in open_terms(material.asked, material.named)] == ["fence"]
    cover = Coverage(material)
    assert cover.here[of(cover, "new fence")] == pytest.approx(1.0)
    assert cover.here[of(cover, "know of Lena")] == 0.0


async def test_question_of_names_alone_covers_nothing(room: ReadingRoom) -> None:
    cover = Coverage(await room.look("Lena?"))
    assert cover.statements
    assert {*cover.here, *cover.thread, *cover.key, *cover.exact} == {0.0}
