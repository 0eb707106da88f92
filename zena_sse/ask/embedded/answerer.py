"""The answerer that needs no model: it finds the mail that a question is about, and says what it says."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from zena_sse.ask.answering import AnswerFailed, Conclusion, Inquiry
from zena_sse.ask.embedded.asked import LISTS, Asked, Intent
from zena_sse.ask.embedded.composing import Composed, statement_source
from zena_sse.ask.embedded.drafting import draft
from zena_sse.ask.embedded.facts import compose_fact
from zena_sse.ask.embedded.gathering import gather, understand
from zena_sse.ask.embedded.lists import compose_list
from zena_sse.ask.embedded.naming import Named
from zena_sse.ask.embedded.phrasing import who_said
from zena_sse.ask.embedded.ranking import ranked
from zena_sse.ask.embedded.search import Search
from zena_sse.ask.embedded.standing import compose_people, compose_status
from zena_sse.ask.embedded.tricks import is_trick
from zena_sse.ask.passages import Passage
from zena_sse.errors import StorageUnavailable
from zena_sse.storage.port import Reader

P = ParamSpec("P")
R = TypeVar("R")

# Statements that a passage for a model is made around.
TELLING = 24
# Sentences on either side of them that go with it.
AROUND = 3


class Reads(Protocol):
    """The part of `Storage` that answers need; in production a process beside ours."""

    async def read(self, query: Callable[Concatenate[Reader, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a query in one read transaction. Raises `StorageUnavailable`."""


class Embedded:
    """Answers from the index and the tables. `clock` is the domain's: it says what today is."""

    def __init__(self, reads: Reads, search: Search, clock: Callable[[], datetime]) -> None:
        self._reads = reads
        self._search = search
        self._clock = clock

    async def answer(self, inquiry: Inquiry) -> AsyncIterator[str | Conclusion]:
        """See `Answerer`."""
        composed = await self._read(compose, inquiry)
        for piece in composed.pieces:
            yield piece
        yield Conclusion(found=composed.found, sources=composed.sources, suggested_actions=composed.actions)

    async def passages(self, inquiry: Inquiry) -> list[Passage]:
        """See `Retrieval`."""
        return await self._read(find_passages, inquiry)

    async def _read(self, query: Callable[[Reader, Search, Inquiry, datetime], R], inquiry: Inquiry) -> R:
        try:
            return await self._reads.read(query, self._search, inquiry, self._clock())
        except StorageUnavailable:
            raise AnswerFailed("Your mail cannot be searched now. Try again in a moment.") from None


def compose(reader: Reader, search: Search, inquiry: Inquiry, as_of: datetime) -> Composed:
    """The whole answer."""
    before = [exchange.question for exchange in inquiry.before]
    asked, named, now = understand(reader, search, inquiry.user_id, inquiry.question, before, as_of)
    intent = intent_of(asked, named)
    if intent in LISTS:
        return compose_list(reader, inquiry.user_id, asked, named, now)
    material = gather(reader, search, inquiry.user_id, asked, named, now)
    if intent == "draft":
        return draft(reader, search, inquiry.user_id, material)
    if intent == "status":
        return compose_status(material)
    if intent == "interested":
        return compose_people(material, asked.classes or ("buyer", "market"))
    if intent == "heard":
        return compose_people(material, asked.classes)
    return compose_fact(material)


def intent_of(asked: Asked, named: Named) -> Intent:
    """What kind of answer, now that it is known whom and what the question names."""
    if asked.intent in LISTS and named.people and asked.intent != "due":
        return "fact"
    if asked.intent == "waiting" and named.houses:
        return "status"
    return asked.intent


def find_passages(reader: Reader, search: Search, inquiry: Inquiry, as_of: datetime) -> list[Passage]:
    """What a model may answer from: the telling sentences with what stands around them, the best first."""
    before = [exchange.question for exchange in inquiry.before]
    material = gather(
        reader,
        search,
        inquiry.user_id,
        *understand(reader, search, inquiry.user_id, inquiry.question, before, as_of),
    )
    found: dict[str, Passage] = {}
    statements = ranked(material)
    texts: dict[str, dict[int, str]] = {}
    for scored in statements:
        said = scored.statement
        texts.setdefault(said.message.key, {})[said.number] = said.text
    for one in [scored.statement for scored in statements[:TELLING]]:
        if one.message.key in found or is_trick(material.threads[one.thread]):
            continue
        near = range(one.number - AROUND, one.number + AROUND + 1)
        text = " ".join(texts[one.message.key][i] for i in near if i in texts[one.message.key])
        found[one.message.key] = Passage(
            source=statement_source(material, one), text=text, said_by=who_said(one), at=one.sent
        )
    return [*found.values()]
