"""What an answer is made by: the port between runs, which carry answers, and those who compose them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol, TypeAlias

import msgspec

from zena_sse.contract.events import Source, SuggestedAction


class Exchange(msgspec.Struct, frozen=True):
    """A question asked before in the same conversation, and what was answered."""

    question: str
    answer: str


class Inquiry(msgspec.Struct, frozen=True, kw_only=True):
    """A question as an answerer gets it; `before` is the conversation so far, the oldest first."""

    user_id: str
    question: str
    before: tuple[Exchange, ...] = ()


class Conclusion(msgspec.Struct, frozen=True, kw_only=True):
    """What is known once an answer is whole: did the mail have it, what it rests on, what could be done."""

    found: bool
    sources: tuple[Source, ...] = ()
    suggested_actions: tuple[SuggestedAction, ...] = ()


# Pieces of text as they are made, at last the conclusion.
Answer: TypeAlias = AsyncIterator[str | Conclusion]


class AnswerFailed(Exception):
    """An answer cannot be made or finished. The text is for its user: it quotes no mail and no key."""


class Answerer(Protocol):
    """Composes answers."""

    def answer(self, inquiry: Inquiry) -> Answer:
        """An answer, piece by piece; closing the iterator ends all work on it. Raises `AnswerFailed`."""
