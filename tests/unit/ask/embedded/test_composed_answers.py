"""Answers as they leave the answerer: of each kind, in pieces and one conclusion, from one user's mail."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Concatenate, ParamSpec, TypeVar

import msgspec
import pytest

from tests.askmail import BANK_NUMBER, ELSEWHERE, NOBODY, NOW, OTHER, AskMail, text_of
from zena_sse.ask.answering import AnswerFailed, Conclusion, Exchange, Inquiry
from zena_sse.ask.embedded.answerer import AROUND, Embedded, intent_of
from zena_sse.ask.embedded.asked import read_question
from zena_sse.ask.embedded.naming import House, Named, Person
from zena_sse.ask.embedded.ranking import ranked
from zena_sse.ask.embedded.statements import statements_of
from zena_sse.ask.modelled.briefing import ALL_CHARACTERS, PASSAGES, brief, choose
from zena_sse.contract.commands import COMMANDS
from zena_sse.errors import StorageUnavailable
from zena_sse.offline import USER
from zena_sse.storage.port import Reader
from zena_sse.storage.search import Fts5Search

P = ParamSpec("P")
R = TypeVar("R")

AUCTION = "When is the auction of 14 Rata Terrace?"
# A question of each kind, and what its answer cannot do without.
KINDS = {
    "fact": (AUCTION, "3 December"),
    "status": ("What's the latest on 27 Pelorus Street?", "11 December"),
    "interested": ("Who is interested in 14 Rata Terrace?", "Omar Haddad"),
    "heard": ("Anything from the lawyers about 27 Pelorus Street?", "Beatrice Okoro"),
    "draft": ("Draft a reply to Omar", "Hi Omar,"),
    "due": ("What has to be done today?", "Dev Malhotra"),
    "promised": ("Have I promised anyone something I haven't sent yet?", "Tess Morgan"),
    "waiting": ("Who am I waiting for?", "Gus Petrie"),
    "owed": ("Who is waiting for me?", "Omar Haddad"),
    "worried": ("Who sounds worried?", "Nora Bell"),
    "risk": ("Which deals are at risk?", "19 Tawa Lane"),
}
HOUSE = House("p1", "14", "Rata Terrace", "Ngaio")
OMAR = Person("c1", "Omar Haddad", "omar.haddad@postbox.example", None, "buyer")


class Here:
    """Reads in this process, or cannot."""

    def __init__(self, askmail: AskMail, broken: bool = False) -> None:
        self.askmail = askmail
        self.broken = broken

    async def read(self, query: Callable[Concatenate[Reader, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        if self.broken:
            raise StorageUnavailable("the disk at /dev/secret is gone")
        return self.askmail.reader.run(query, NOW, *args, **kwargs)


def embedded(askmail: AskMail, *, broken: bool = False, now: datetime = NOW) -> Embedded:
    return Embedded(Here(askmail, broken), Fts5Search(), lambda: now)


def asked(question: str, *before: str) -> Inquiry:
    earlier = tuple(Exchange(one, "Yes.") for one in before)
    return Inquiry(user_id=USER, question=question, before=earlier)


@pytest.mark.parametrize("kind", KINDS)
def test_a_question_of_each_kind_is_answered_from_the_users_own_mail(askmail: AskMail, kind: str) -> None:
    question, needed = KINDS[kind]
    answer = askmail.ask(question)
    assert askmail.material(question).asked.intent == kind
    assert answer.found
    assert needed in text_of(answer)
    assert answer.sources
    assert all(askmail.owned(source) for source in answer.sources)


@pytest.mark.parametrize("kind", KINDS)
def test_what_an_answer_suggests_is_a_command_that_can_be_posted(askmail: AskMail, kind: str) -> None:
    for action in askmail.ask(KINDS[kind][0]).actions:
        command = msgspec.convert(action.payload, COMMANDS[action.command])
        assert msgspec.to_builtins(command) == action.payload
        assert action.label


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_of_anothers_mail_is_in_an_answer(askmail: AskMail, kind: str) -> None:
    mine, theirs = askmail.ask(KINDS[kind][0]), askmail.ask(KINDS[kind][0], user_id=OTHER)
    for word in (ELSEWHERE, "24 December", "Max Orme"):
        assert word not in repr(mine)
    for word in ("Omar", "Pelorus", "Tess", "Gus", "Nora", "Tawa"):
        assert word not in repr(theirs)
    assert all(askmail.owned(source, OTHER) for source in theirs.sources)
    assert not any(askmail.owned(source, USER) for source in theirs.sources)


def test_the_other_user_is_answered_from_their_mail(askmail: AskMail) -> None:
    answer = askmail.ask(AUCTION, user_id=OTHER)
    assert "24 December" in text_of(answer)
    assert ELSEWHERE in text_of(answer)


@pytest.mark.parametrize(
    ("question", "named", "intent"),
    [
        ("Who am I waiting for?", Named(), "waiting"),
        ("Who am I waiting for?", Named(people=(OMAR,)), "fact"),
        ("Who am I waiting for?", Named(houses=(HOUSE,)), "status"),
        ("Who sounds worried?", Named(houses=(HOUSE,)), "worried"),
        ("Who sounds worried?", Named(people=(OMAR,)), "fact"),
        ("Have I promised anyone something?", Named(people=(OMAR,)), "fact"),
        ("What is due today?", Named(people=(OMAR,)), "due"),
        ("Draft a reply", Named(people=(OMAR,), houses=(HOUSE,)), "draft"),
    ],
)
def test_a_list_is_made_only_where_many_are_meant(question: str, named: Named, intent: str) -> None:
    assert intent_of(read_question(question, NOW.date()), named) == intent


@pytest.mark.parametrize("kind", KINDS)
async def test_pieces_come_first_and_then_one_conclusion(askmail: AskMail, kind: str) -> None:
    said: list[Any] = [piece async for piece in embedded(askmail).answer(asked(KINDS[kind][0]))]
    answer = askmail.ask(KINDS[kind][0])
    assert said[:-1] == list(answer.pieces)
    assert said[-1] == Conclusion(found=True, sources=answer.sources, suggested_actions=answer.actions)


async def test_what_the_mail_does_not_say_is_concluded_as_not_found(askmail: AskMail) -> None:
    said = [piece async for piece in embedded(askmail).answer(asked("Who sang at the opera in Milan?"))]
    assert isinstance(said[-1], Conclusion)
    assert said[-1].found is False
    assert said[-1].suggested_actions == ()


async def test_a_clock_says_what_today_is(askmail: AskMail) -> None:
    answering = embedded(askmail, now=NOW.replace(day=21)).answer(asked("What has to be done today?"))
    pieces = [piece async for piece in answering if isinstance(piece, str)]
    assert "bond form" in "".join(pieces)
    assert "moving date" not in "".join(pieces)


async def test_mail_that_cannot_be_read_fails_the_answer_without_a_word_of_why(
    askmail: AskMail,
) -> None:
    with pytest.raises(AnswerFailed, match="cannot be searched") as caught:
        _ = [piece async for piece in embedded(askmail, broken=True).answer(asked(AUCTION))]
    assert "/dev/secret" not in str(caught.value)
    with pytest.raises(AnswerFailed):
        await embedded(askmail, broken=True).passages(asked(AUCTION))


def test_a_question_that_follows_another_is_about_what_that_one_named(askmail: AskMail) -> None:
    first = text_of(askmail.ask("Who is interested in it?", "Who sounds worried?", AUCTION))
    other = text_of(askmail.ask("Who is interested in it?", AUCTION, "When is 40 Miro Way sold?"))
    assert "Omar Haddad" in first
    assert "Bartholomew" not in first
    assert "Bartholomew" in other
    assert "Omar Haddad" not in other


# --- passages for a model -------------------------------------------------------------------------


def test_passages_are_whole_sentences_that_stand_together_the_best_first(askmail: AskMail) -> None:
    passages = askmail.passages(AUCTION)
    first = passages[0]
    assert first.source.title == "Auction of 14 Rata Terrace"
    assert "is on Thursday 3 December at 6 pm in our rooms at 2 Harbour Street." in first.text
    assert first.text.endswith("Tane Walsh will be the auctioneer.")
    assert (first.said_by, first.at.isoformat()) == ("Priya Nand", "2026-11-10T09:00:00+13:00")


def test_passages_are_of_the_users_messages_each_once(askmail: AskMail) -> None:
    passages = askmail.passages("What is said of 14 Rata Terrace?")
    assert len(passages) > 4
    assert all(askmail.owned(one.source) for one in passages)
    assert len({one.source.message_id for one in passages}) == len(passages)
    assert {one.source.title for one in passages} >= {"LIM for 14 Rata Terrace", "Auction of 14 Rata Terrace"}
    assert not any(one.said_by == "Max Orme" or ELSEWHERE in one.text for one in passages)


def test_a_passage_is_made_of_sentences_of_its_message_in_their_order(askmail: AskMail) -> None:
    question = "What does Bartholomew want to know about 40 Miro Way?"
    (passage,) = [one for one in askmail.passages(question) if "Bartholomew" in one.said_by]
    material = askmail.material(question)
    key = passage.source.message_id
    sentences = [one.text for one in statements_of(material) if one.message.key == key]
    best = next(one.statement for one in ranked(material) if one.statement.message.key == key)
    runs = [
        " ".join(sentences[begin : begin + size])
        for size in range(1, 2 * AROUND + 2)
        for begin in range(len(sentences))
    ]
    assert len(sentences) > 2 * AROUND + 1
    assert passage.text in runs
    assert best.text in passage.text
    assert passage.source.snippet == best.text


@pytest.mark.parametrize(
    "question",
    ["What is the new account for the deposit of 27 Pelorus Street?", "Is the drainage report approved?"],
)
def test_no_passage_is_of_a_mail_that_plays_tricks(askmail: AskMail, question: str) -> None:
    passages = askmail.passages(question)
    assert passages
    assert BANK_NUMBER not in repr(passages)
    assert "previous instructions" not in repr(passages)


def test_a_user_without_mail_has_no_passages(askmail: AskMail) -> None:
    assert askmail.passages(AUCTION, user_id=NOBODY) == []


async def test_a_model_is_briefed_with_them(askmail: AskMail) -> None:
    passages = choose(await embedded(askmail).passages(asked(AUCTION)))
    assert 0 < len(passages) <= PASSAGES
    assert sum(len(one.text) for one in passages) <= ALL_CHARACTERS
    document = msgspec.json.decode(brief(asked(AUCTION), passages, NOW)[-1].content)
    assert document["passages"][0]["by"] == "Priya Nand"
    assert "Thursday 3 December" in document["passages"][0]["text"]
