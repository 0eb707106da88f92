"""Whatever is asked is answered: in pieces and one conclusion, within limits, from the user's own mail."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.askmail import BANK_NUMBER, ELSEWHERE, MAILS, NOW, AskMail
from zena_sse.ask.answering import Conclusion, Exchange, Inquiry
from zena_sse.ask.embedded.answerer import Embedded, intent_of
from zena_sse.ask.fitting import fit
from zena_sse.ask.text import units
from zena_sse.contract.commands import COMMANDS
from zena_sse.contract.events import ANSWER_LIMIT, QUESTION_LIMIT, AskResponse
from zena_sse.offline import USER
from zena_sse.storage.port import Reader
from zena_sse.storage.search import Fts5Search

P = ParamSpec("P")
R = TypeVar("R")

# Who stands at a traffic light reads no more than this.
SHORT = 1_100
# What a search might take for more than words.
OPERATORS = (
    '"', "'", "*", "(", ")", "AND", "OR", "NOT", "NEAR(", "^", "-", "+", ":", "{", "}", "%", "_", "\\",
    ";", "--", "/*", "NULL", "\0", "\u200b", "\u202e", "\ud7ff", "\U0001f3e1", "\u0301", "\u0130", "\ufb01",
    "\uff11",
)  # fmt: skip
WORDS = sorted({word for mail in MAILS for word in f"{mail.thread} {mail.body} {mail.sender}".split()})
PUT = (
    "Who", "What", "When", "Has", "Is", "Draft a reply to", "waiting for", "overdue", "today", "tomorrow",
    "this week", "promised", "worried", "at risk", "the latest on", "interested in", "heard from the lawyers",
    "and", "it", "?", ",", "1/2", "4/27", "0", "9" * 40,
)  # fmt: skip

characters = st.text(
    st.characters() | st.sampled_from("   ?'\"*()"),
    min_size=1,
    max_size=QUESTION_LIMIT,
)
put_together = st.lists(st.sampled_from((*WORDS, *PUT, *PUT, *OPERATORS)), min_size=1, max_size=30).map(
    lambda words: " ".join(words)[:QUESTION_LIMIT]
)
repeated = st.builds(
    lambda words, times: (" ".join(words) * times)[:QUESTION_LIMIT],
    st.lists(st.sampled_from((*WORDS, *PUT, *OPERATORS)), min_size=1, max_size=3),
    st.just(QUESTION_LIMIT),
)
questions = characters | put_together | repeated


class Here:
    """Reads in this process."""

    def __init__(self, askmail: AskMail) -> None:
        self.askmail = askmail

    async def read(self, query: Callable[Concatenate[Reader, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        return self.askmail.reader.run(query, NOW, *args, **kwargs)


async def answered(askmail: AskMail, inquiry: Inquiry) -> list[str | Conclusion]:
    answering = Embedded(Here(askmail), Fts5Search(), lambda: NOW).answer(inquiry)
    return [piece async for piece in answering]


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(question=questions, before=st.lists(questions, max_size=2))
@example(question="   ", before=[])
@example(question="?", before=["!"])
@example(question="x" * QUESTION_LIMIT, before=[])
@example(question=" ".join(["Who is interested in 14 Rata Terrace"] * 50), before=[])
@example(question="Draft a reply to Omar: " + "and the keys, " * 100, before=[])
@example(question="Has the \ud7ff 40 Miro Way\0 been sold yet", before=["it"])
def test_every_question_ends_in_one_conclusion_within_its_limits(
    askmail: AskMail, question: str, before: list[str]
) -> None:
    inquiry = Inquiry(
        user_id=USER, question=question, before=tuple(Exchange(earlier, "Yes.") for earlier in before)
    )
    *pieces, end = asyncio.run(answered(askmail, inquiry))
    text = "".join(piece for piece in pieces if isinstance(piece, str))
    assert isinstance(end, Conclusion)
    assert all(isinstance(piece, str) and piece for piece in pieces)
    assert text.strip()
    material = askmail.material(question)
    is_draft = intent_of(material.asked, material.named) == "draft"
    assert units(text) <= (ANSWER_LIMIT if is_draft else SHORT)
    assert all(askmail.owned(source) for source in end.sources)
    for action in end.suggested_actions:
        msgspec.convert(action.payload, COMMANDS[action.command])
    assert ELSEWHERE in question or ELSEWHERE not in text
    assert BANK_NUMBER in question or BANK_NUMBER not in text
    whole = AskResponse(
        ask_id="a", chunk=text, offset=0, is_complete=True, answer=text, sources=list(end.sources)
    )
    assert len(fit(whole).sources or []) == len(end.sources)


@pytest.mark.parametrize("question", ["14 Rata Terrace", "Hana", "Re: LIM", "auction*", '"LIM report"'])
def test_what_is_hardly_a_question_is_taken_for_words_to_look_for(askmail: AskMail, question: str) -> None:
    pieces = asyncio.run(answered(askmail, Inquiry(user_id=USER, question=question)))
    assert isinstance(pieces[-1], Conclusion)
    assert pieces[-1].sources


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(question=questions)
def test_passages_for_any_question_are_the_users_own_and_of_no_trick(askmail: AskMail, question: str) -> None:
    for passage in askmail.passages(question):
        assert passage.text
        assert askmail.owned(passage.source)
        assert BANK_NUMBER not in passage.text
        assert ELSEWHERE not in passage.text
