"""What can be said of each statement with regard to a question."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.readingroom import ReadingRoom, answer, letter, open_reading
from zena_sse.ask.embedded.gathering import Material
from zena_sse.ask.embedded.weighing import Facts, facts_of

LENA = "Lena Fisk <lena@post.example>"
OTTO = "Otto Brandt <otto@survey.example>"
ASKED = letter(
    "Fence",
    "Hi Anna, I was at 8 Marram Lane. What does the new fence cost? It should be ready on Sunday.",
    sender=LENA,
    days=-9,
)
ANSWERED = answer(
    "Fence", "Hi Lena, the new fence costs $2,150. I have not heard who pays.", to=LENA, days=-8
)
PUT_OFF = letter("Paint", "Can the fence be painted?", sender=LENA, days=-7, first="Fence")
OTHER = letter("Gate", "Hi Anna, the gate costs $300. Uma Holm knows it.", sender=OTTO, days=-1)


async def weigh(directory: Path, question: str, *mails: bytes) -> tuple[Material, dict[str, Facts]]:
    """The facts of each sentence in a mailbox, by its text."""
    async with open_reading(directory) as room:
        await room.hold(*(mails or (ASKED, ANSWERED, PUT_OFF, OTHER)))
        return await _weigh(room, question)


async def _weigh(room: ReadingRoom, question: str) -> tuple[Material, dict[str, Facts]]:
    material = await room.look(question)
    statements, facts = facts_of(material)
    assert len(statements) == len(facts)
    return material, {one.text: its for one, its in zip(statements, facts, strict=True)}


COSTS = "Hi Lena, the new fence costs $2,150."
WHAT = "What does the new fence cost?"
READY = "It should be ready on Sunday."
UNHEARD = "I have not heard who pays."
PAINT = "Can the fence be painted?"
GATE = "Hi Anna, the gate costs $300."


async def test_how_it_is_said_is_told_of_each(tmp_path: Path) -> None:
    _, facts = await weigh(tmp_path, "How much is the fence?")
    assert {text for text, its in facts.items() if its["asks"]} == {WHAT, PAINT}
    assert {text for text, its in facts.items() if its["own"]} == {COSTS, UNHEARD}
    assert {text for text, its in facts.items() if its["coming"]} >= {READY}
    assert {text for text, its in facts.items() if its["open"]} >= {UNHEARD}
    firm = {text for text, its in facts.items() if its["firm"]}
    assert firm >= {COSTS, "Hi Anna, I was at 8 Marram Lane."}
    assert not firm & {WHAT, PAINT, READY, UNHEARD}
    for its in facts.values():
        assert its["firm"] == (not (its["asks"] or its["coming"] or its["open"]))


async def test_kind_that_is_asked_for_is_seen_in_a_sentence_and_beside_it(tmp_path: Path) -> None:
    _, facts = await weigh(tmp_path, "How much is the fence?")
    assert facts[COSTS]["typed"] == facts[COSTS]["typed_near"] == facts[COSTS]["want_money"] == 1.0
    assert facts[COSTS]["untyped"] == 0.0
    assert (facts[UNHEARD]["typed"], facts[UNHEARD]["untyped"], facts[UNHEARD]["typed_near"]) == (
        0.0,
        1.0,
        1.0,
    )
    assert facts[COSTS]["typed_here"] == facts[COSTS]["here"] > 0


async def test_part_of_several_kinds_is_a_part(tmp_path: Path) -> None:
    _, facts = await weigh(tmp_path, "When is the fence ready, and what time?")
    assert facts[READY]["typed"] == 0.5
    assert (facts[READY]["want_date"], facts[READY]["want_time"]) == (1.0, 0.0)


async def test_question_without_a_kind_has_none_missing(tmp_path: Path) -> None:
    _, facts = await weigh(tmp_path, "Tell me about the fence")
    for its in facts.values():
        assert its["typed"] == its["untyped"] == 0.0
        assert not any(name.startswith("want_") for name in its)


async def test_name_that_the_question_says_is_no_answer_to_who(tmp_path: Path) -> None:
    _, facts = await weigh(tmp_path, "Who knows the gate?")
    assert facts["Uma Holm knows it."]["want_person"] == 1.0
    _, facts = await weigh(tmp_path / "again", "Does Holm know who has the gate?")
    assert facts["Uma Holm knows it."]["want_person"] == 0.0


async def test_who_said_it_and_of_what_house_is_known(tmp_path: Path) -> None:
    _, facts = await weigh(tmp_path, "What did Lena say of the fence and the gate?")
    assert {text for text, its in facts.items() if its["said_by"]} >= {WHAT, READY, PAINT}
    assert not any(facts[text]["said_by"] for text in (COSTS, UNHEARD, GATE))
    assert facts[COSTS]["of_person"] == 1.0
    assert facts[COSTS]["person_missing"] == 0.0
    assert facts[GATE]["person_missing"] == 1.0
    assert facts[COSTS]["names"] == 1.0
    _, facts = await weigh(tmp_path / "house", "What do the fence and the gate of 8 Marram Lane cost?")
    assert facts[COSTS]["house_missing"] == 0.0
    assert facts[COSTS]["in_house"] == 1.0
    assert facts[GATE]["house_missing"] == 1.0
    assert facts["Hi Anna, I was at 8 Marram Lane."]["street"] == 1.0
    assert facts[COSTS]["street"] == 0.0


async def test_nobody_is_missing_where_nobody_is_named(tmp_path: Path) -> None:
    _, facts = await weigh(tmp_path, "How much are the fence and the gate?")
    for its in facts.values():
        assert its["person_missing"] == its["house_missing"] == its["said_by"] == its["street"] == 0.0


async def test_answer_is_what_follows_a_question_of_the_other_side(tmp_path: Path) -> None:
    _, facts = await weigh(tmp_path, "How much are the new fence and the gate?")
    assert facts[COSTS]["answers"] > 0
    assert facts[WHAT]["answers"] == facts[READY]["answers"] == 0.0  # nobody had asked yet
    assert facts[PAINT]["answers"] == 0.0  # the agent has asked nothing
    assert facts[GATE]["answers"] == 0.0  # another thread


async def test_what_is_asked_afterwards_was_not_answered_before(tmp_path: Path) -> None:
    first = letter("Fence", "Hi Anna, I was at the house on Sunday.", sender=LENA, days=-9)
    said = answer("Fence", "The new fence is dear.", to=LENA, days=-8)
    then = letter("Cost", "What does the new fence cost?", sender=LENA, days=-7, first="Fence")
    _, facts = await weigh(tmp_path, "How much is the new fence?", first, said, then)
    assert facts[WHAT]["asks"] == 1.0
    assert facts["The new fence is dear."]["answers"] == 0.0


async def test_what_the_last_message_asks_is_pending(tmp_path: Path) -> None:
    _, facts = await weigh(tmp_path, "Is the fence painted?")
    assert facts[COSTS]["pending"] > 0
    _, facts = await weigh(tmp_path / "answered", "Is the fence painted?", ASKED, ANSWERED)
    assert facts[COSTS]["pending"] == 0.0


async def test_newer_is_later_and_the_last_message_is_the_last_word(tmp_path: Path) -> None:
    _, facts = await weigh(tmp_path, "How much are the fence and the gate?")
    assert facts[WHAT]["late"] < facts[COSTS]["late"] < facts[PAINT]["late"] < facts[GATE]["late"] == 1.0
    assert facts[WHAT]["old"] > facts[COSTS]["old"] > facts[PAINT]["old"] > facts[GATE]["old"] > 0
    assert {text for text, its in facts.items() if its["last"]} == {PAINT, GATE, "Uma Holm knows it."}


async def test_best_thread_has_the_first_rank(tmp_path: Path) -> None:
    material, facts = await weigh(tmp_path, "How much is the new fence of 8 Marram Lane beside the gate?")
    assert material.threads[0].subject == "Fence"
    assert facts[COSTS]["rank"] == 1.0
    assert 0 < facts[GATE]["rank"] < 1.0


@pytest.mark.parametrize(
    "question",
    [
        "How much is the fence?",
        "Did Lena want the gate painted?",
        "Where are we with 8 Marram Lane?",
        "When, gate?",
    ],
)
async def test_every_fact_is_a_number_from_0_to_1(tmp_path: Path, question: str) -> None:
    _, facts = await weigh(tmp_path, question)
    assert facts
    names = {frozenset(its) - {f"want_{kind}" for kind in ("money", "date", "time", "person", "place")}
             for its in facts.values()}  # fmt: skip
    assert len(names) == 1
    for its in facts.values():
        for name, value in its.items():
            assert 0.0 <= value <= 1.0 + 1e-9, name


async def test_nothing_is_weighed_where_nothing_is_found(tmp_path: Path) -> None:
    _, facts = await weigh(tmp_path, "Which aquarium has moonfish?")
    assert facts == {}
