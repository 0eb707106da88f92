"""Which statement answers, whether any does, and what that was learned from: laws that training keeps."""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.readingroom import answer, letter, open_reading, texts
from training.questions import digest  # type: ignore[attr-defined]  # the folder of this name is taken for it
from zena_sse.ask.embedded.finding import AGAINST, EITHER, FOR, found_facts, is_found
from zena_sse.ask.embedded.gathering import Material
from zena_sse.ask.embedded.ranking import Linear, models, ranked, scored_by
from zena_sse.ask.embedded.weighing import Scored, facts_of

LENA = "Lena Fisk <lena@post.example>"
OTTO = "Otto Brandt <otto@survey.example>"
IDA = "Ida Noor <ida@post.example>"
# Mail that has nothing to do with anything that is asked.
LUNCH = letter("Lunch", "Hi Anna, lunch on Sunday? The new place by the station is lovely.", sender=IDA)


class Matter(NamedTuple):
    """Something that is asked of the agent, and then of the assistant."""

    question: str
    put: str
    answered: str
    put_off: str


MATTERS = {
    "fence": Matter(
        "How much does the new fence cost?",
        "What does the new fence cost?",
        "The new fence costs $2,150.",
        "I will ask about the fence.",
    ),
    "survey": Matter(
        "When is the survey of the roof?",
        "When is the survey of the roof?",
        "The survey of the roof is on Tuesday 24 November at 10am.",
        "I will find out about the survey.",
    ),
    "keys": Matter(
        "Where are the spare keys?",
        "Where are the spare keys?",
        "The spare keys are in the lockbox under the stairs.",
        "Let me check where the keys are.",
    ),
    "lawyer": Matter(
        "Who is the lawyer of the sellers?",
        "Who is the lawyer of the sellers?",
        "The lawyer of the sellers is Ingrid Holm.",
        "I don't know yet who their lawyer is.",
    ),
    "deposit": Matter(
        "How much is the deposit?",
        "How much is the deposit?",
        "The deposit is $45,000.",
        "I will let you know about the deposit.",
    ),
    "lease": Matter(
        "When does the lease end?",
        "When does the lease end?",
        "The lease ends on 31 March.",
        "I am waiting for word about the lease.",
    ),
    "rate": Matter(
        "What interest rate did the bank agree to?",
        "Which interest rate does the bank want?",
        "The bank agreed to an interest rate of 5.9%.",
        "The bank has not decided on the rate yet.",
    ),
    "cottage": Matter(
        "How many bedrooms has the cottage?",
        "How many bedrooms has the cottage?",
        "The cottage has three bedrooms.",
        "I will check how many bedrooms the cottage has.",
    ),
    "cellar": Matter(
        "Why did the cellar flood?",
        "Why did the cellar flood?",
        "The cellar flooded because the drain was blocked.",
        "I will ask the plumber about the cellar.",
    ),
    "dogs": Matter(
        "Are dogs allowed in the building?",
        "Are dogs allowed in the building?",
        "Dogs are allowed in the building if the committee agrees.",
        "I will ask the committee about dogs.",
    ),
}  # fmt: skip


def put(name: str, days: float = -3) -> bytes:
    """Lena asks the agent."""
    body = f"Hi Anna,\n\nI was at the house again on Sunday. {MATTERS[name].put} Thank you for your help."
    return letter(name, body, sender=LENA, days=days)


def told(name: str, text: str, days: float = -2) -> bytes:
    """The agent answers this."""
    return answer(name, f"Hi Lena,\n\nThank you for your mail. {text}\n\nAnna", to=LENA, days=days)


async def look(directory: Path, question: str, *mails: bytes) -> tuple[Material, list[Scored]]:
    """What is found in a mailbox of these mails and another, the likeliest statement first."""
    async with open_reading(directory) as room:
        await room.hold(*mails, LUNCH)
        material = await room.look(question)
        return material, ranked(material)


@pytest.mark.parametrize("name", MATTERS)
async def test_what_was_asked_and_answered_is_found_and_comes_first(tmp_path: Path, name: str) -> None:
    matter = MATTERS[name]
    material, everything = await look(tmp_path, matter.question, put(name), told(name, matter.answered))
    assert everything[0].statement.text == matter.answered
    assert is_found(material, everything)


@pytest.mark.parametrize("name", MATTERS)
async def test_what_was_only_asked_is_not_found(tmp_path: Path, name: str) -> None:
    material, everything = await look(tmp_path, MATTERS[name].question, put(name))
    assert MATTERS[name].put in texts(everything)
    assert not is_found(material, everything)


@pytest.mark.parametrize("name", MATTERS)
async def test_what_was_asked_and_put_off_is_not_found(tmp_path: Path, name: str) -> None:
    matter = MATTERS[name]
    material, everything = await look(tmp_path, matter.question, put(name), told(name, matter.put_off))
    assert matter.put_off in texts(everything)
    assert not is_found(material, everything)


@pytest.mark.parametrize("name", MATTERS)
async def test_what_nobody_ever_spoke_of_is_not_found(tmp_path: Path, name: str) -> None:
    others = [mail for other in MATTERS if other != name for mail in (put(other), told(other, "Thanks."))]
    material, everything = await look(tmp_path, MATTERS[name].question, *others[:4])
    assert not is_found(material, everything)


@pytest.mark.parametrize("name", MATTERS)
async def test_answer_is_found_among_answers_to_other_questions(tmp_path: Path, name: str) -> None:
    mails = [mail for other, matter in MATTERS.items() for mail in (put(other), told(other, matter.answered))]
    material, everything = await look(tmp_path, MATTERS[name].question, *mails)
    assert everything[0].statement.text == MATTERS[name].answered
    assert is_found(material, everything)


async def test_nothing_is_ranked_or_found_in_nothing(tmp_path: Path) -> None:
    material, everything = await look(tmp_path, "Which aquarium has moonfish?")
    assert everything == []
    assert not is_found(material, everything)


async def first(directory: Path, question: str, *said: tuple[str, str, str]) -> str:
    """The likeliest statement of a mailbox where each of these was said: subject, sender, text."""
    body = "Hi Anna,\n\nI was at the house again on Sunday. {} Thank you for your help."
    mails = [letter(subject, body.format(text), sender=sender) for subject, sender, text in said]
    thanks = [answer(subject, "Thank you for your mail.", to=sender) for subject, sender, _ in said]
    _, everything = await look(directory, question, *mails, *thanks)
    return everything[0].statement.text


async def test_sentence_with_the_kind_goes_before_one_with_the_words_alone(tmp_path: Path) -> None:
    said = ("Fence", LENA, "The fence is lovely. The fence was $2,150. I like the fence.")
    assert await first(tmp_path, "How much was the fence?", said) == "The fence was $2,150."


async def test_sentence_with_the_words_goes_before_one_with_the_kind_alone(tmp_path: Path) -> None:
    said = ("Fence", LENA, "The gate was $300. The fence was $2,150. The paint was $80.")
    assert await first(tmp_path, "How much was the fence?", said) == "The fence was $2,150."


@pytest.mark.parametrize(
    "soft",
    [
        "Was the fence $2,000?",
        "I am not sure the fence was $1,900.",
        "I have not heard if the fence was $1,900.",
        pytest.param(
            "We hope the fence was $1,900.",
            marks=pytest.mark.xfail(reason="what is to come counts more than what is so"),
        ),
    ],
)
async def test_firm_sentence_goes_before_one_that_is_not(tmp_path: Path, soft: str) -> None:
    said = ("Fence", LENA, f"{soft} The fence was $2,150.")
    assert await first(tmp_path, "How much was the fence?", said) == "The fence was $2,150."


async def test_house_that_is_named_goes_before_others(tmp_path: Path) -> None:
    said = [
        ("31 Pukeko Drive", LENA, "I sell 31 Pukeko Drive. The fence was $2,150."),
        ("8 Marram Lane", OTTO, "I sell 8 Marram Lane. The fence was $900."),
    ]
    asked = "How much was the fence of {}?"
    assert await first(tmp_path / "a", asked.format("31 Pukeko Drive"), *said) == "The fence was $2,150."
    assert await first(tmp_path / "b", asked.format("8 Marram Lane"), *said) == "The fence was $900."


async def test_who_is_named_goes_before_others(tmp_path: Path) -> None:
    said = [
        ("Fence", LENA, "The fence was $2,150."),
        ("The fence", OTTO, "The fence was $900."),
    ]
    assert await first(tmp_path / "a", "How much was the fence, says Lena?", *said) == "The fence was $2,150."
    assert await first(tmp_path / "b", "How much was the fence, says Otto?", *said) == "The fence was $900."


ADVERT = letter(
    "Fence sale! 50% off all fences this week only",
    "Fences from $99! Shop the fence sale now. Unsubscribe from this newsletter at any time.",
    sender="Deals <noreply@deals.example>",
).replace(b"Subject:", b"List-Unsubscribe: <https://deals.example/u>\r\nPrecedence: bulk\r\nSubject:")


async def test_advertisers_are_heard_only_on_what_is_asked(tmp_path: Path) -> None:
    question = "How much is the fence of the neighbour on the corner?"
    async with open_reading(tmp_path) as room:
        await room.hold(ADVERT, put("fence"))
        material = await room.look(question)
    statements, facts = facts_of(material)
    noise = {one.text for one, its in zip(statements, facts, strict=True) if its["noise"]}
    assert "Fences from $99!" in noise
    assert noise.isdisjoint(texts(ranked(material)))
    assert noise <= set(texts(ranked(material, heard=0.0)))


@pytest.mark.xfail(reason="a week that is wished for is taken for a day that is told")
async def test_wish_for_the_week_is_no_answer(tmp_path: Path) -> None:
    matter = MATTERS["lease"]
    put_off = told("lease", f"{matter.put_off} Have a good week.")
    material, everything = await look(tmp_path, matter.question, put("lease"), put_off)
    assert not is_found(material, everything)


def test_score_is_the_weighed_sum_of_what_is_known() -> None:
    linear = Linear(0.5, {"here": 2.0, "asks": -1.0})
    assert linear.score({"here": 0.5, "asks": 1.0, "unheard": 9.0}) == 0.5
    assert linear.score({}) == 0.5


async def test_chances_are_shares_the_greatest_first(tmp_path: Path) -> None:
    material, _ = await look(tmp_path, "How much is the fence?", put("fence"), told("fence", "It is $2,150."))
    statements, facts = facts_of(material)
    everything = scored_by(models().answers, statements, facts)
    assert sum(one.chance for one in everything) == pytest.approx(1.0)
    assert [one.chance for one in everything] == sorted((one.chance for one in everything), reverse=True)
    assert {id(one.statement) for one in everything} == {id(one) for one in statements}
    scores = [models().answers.score(one.facts) for one in everything]
    assert scores == sorted(scores, reverse=True)


async def test_scores_of_any_size_have_their_chances(tmp_path: Path) -> None:
    material, _ = await look(tmp_path, "How much is the fence?", put("fence"))
    statements, _ = facts_of(material)
    huge = Linear(0.0, {"here": 10_000.0})
    one, other = scored_by(huge, statements[:2], [{"here": 0.0}, {"here": 1.0}])
    assert (one.statement, one.chance) == (statements[1], 1.0)
    assert (other.statement, other.chance) == (statements[0], 0.0)
    assert scored_by(huge, [], []) == []


async def test_model_is_asked_of_what_it_learned(tmp_path: Path) -> None:
    material, everything = await look(
        tmp_path, "How much is the fence?", put("fence"), told("fence", "It is $2,150.")
    )
    found = found_facts(material, everything)
    assert set(found) == {*FOR, *AGAINST, *EITHER}
    assert all(math.isfinite(value) for value in found.values())
    assert set(models().found.weights) <= set(found)
    known = {*everything[0].facts, *(name for name in models().answers.weights if name.startswith("want_"))}
    assert set(models().answers.weights) <= known


def test_what_speaks_for_an_answer_never_speaks_against_it() -> None:
    weights = models().found.weights
    assert {name for name in FOR if weights.get(name, 0.0) < 0} == set()
    assert {name for name in AGAINST if weights.get(name, 0.0) > 0} == set()
    assert len({*FOR, *AGAINST, *EITHER}) == len((*FOR, *AGAINST, *EITHER))


def test_model_was_learned_from_the_questions_and_code_that_are_here() -> None:
    assert models().learned_from == digest(), "run `make train` and `make eval`"
