"""Answers by a language model from passages of the mail: what it says is cleaned, what it cites checked."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from datetime import datetime

from zena_sse.ask.answering import AnswerFailed, Conclusion, Inquiry
from zena_sse.ask.modelled.briefing import brief, choose
from zena_sse.ask.modelled.citations import Citations
from zena_sse.ask.modelled.cleaning import Cleaning
from zena_sse.ask.passages import Passage, Retrieval
from zena_sse.contract.commands import ThreadView
from zena_sse.contract.events import ANSWER_LIMIT, Source, SuggestedAction
from zena_sse.language.model import InvalidAnswer, ModelTrouble, Speaker, Usage
from zena_sse.mail.content.message import cut
from zena_sse.metrics import Metrics

# How a refusal begins to sound where a model forgets the mark for it; counts only beside no citation at all.
_REFUSAL = re.compile(
    r"\b(?:can|could|do|does)(?:not| not|n?['\u2019]t) (?:find|see|have|know|contain|mention|say|state)\b"
    r"|\bno (?:information|mention|record)\b|\b(?:not|nothing) (?:mentioned|stated|found|in your mail)\b",
    re.IGNORECASE,
)


class ModelFailed(AnswerFailed):
    """The model could not answer, or not to the end; `trouble` is why."""

    def __init__(self, trouble: ModelTrouble) -> None:
        super().__init__("The answer could not be finished.")
        self.trouble = trouble


class NothingToGoBy(AnswerFailed):
    """Nothing was found for a model to answer from."""


class Modelled:
    """Has a model answer from what was retrieved. `clock` is the domain's: it says what today is."""

    def __init__(
        self, model: Speaker, retrieval: Retrieval, metrics: Metrics, clock: Callable[[], datetime]
    ) -> None:
        self._model = model
        self._retrieval = retrieval
        self._metrics = metrics
        self._clock = clock

    async def answer(self, inquiry: Inquiry) -> AsyncIterator[str | Conclusion]:
        """An answer, piece by piece. Raises `NothingToGoBy` at first, `ModelFailed` at any time."""
        passages = choose(await self._retrieval.passages(inquiry))
        if not passages:
            raise NothingToGoBy("Nothing was found to answer from.")
        cleaning, said = Cleaning(range(1, len(passages) + 1)), ""
        async with aclosing(self._cleaned(inquiry, passages, cleaning)) as pieces:
            async for piece in pieces:
                fitting = piece[: ANSWER_LIMIT - len(said)]
                said += fitting
                yield fitting
                if fitting != piece:
                    raise ModelFailed(InvalidAnswer("too long"))
        if not said:
            raise ModelFailed(InvalidAnswer("nothing said"))
        yield conclude(said, cleaning.citations, passages)

    async def _cleaned(
        self, inquiry: Inquiry, passages: Sequence[Passage], cleaning: Cleaning
    ) -> AsyncGenerator[str, None]:
        """What the model says that can be shown, never empty. Raises `ModelFailed`."""
        turns = brief(inquiry, passages, self._clock())
        try:
            async with aclosing(self._model.stream(turns)) as speech:
                async for delta in speech:
                    if isinstance(delta, Usage):
                        self._count(delta)
                    elif piece := cleaning.feed(delta):
                        yield piece
        except ModelTrouble as trouble:
            raise ModelFailed(trouble) from None
        if piece := cleaning.end():
            yield piece

    def _count(self, usage: Usage) -> None:
        self._metrics.answer_tokens.labels("read").inc(usage.prompt_tokens)
        self._metrics.answer_tokens.labels("written").inc(usage.completion_tokens)


def conclude(said: str, citations: Citations, passages: Sequence[Passage]) -> Conclusion:
    """What an answer rests on: what it cites, the first first."""
    sources = tuple(_unlike([passages[number - 1].source for number in citations.cited]))
    refused = citations.nothing_found or (not sources and _REFUSAL.search(said) is not None)
    return Conclusion(
        found=not refused, sources=sources, suggested_actions=tuple(_actions(sources)) if not refused else ()
    )


def _unlike(sources: Sequence[Source]) -> list[Source]:
    """Each message once, whatever was found in it."""
    seen: dict[tuple[str, str, str | None], Source] = {}
    for source in sources:
        seen.setdefault((source.type, source.id, source.message_id), source)
    return [*seen.values()]


def _actions(sources: Sequence[Source]) -> list[SuggestedAction]:
    if not sources or sources[0].type != "thread":
        return []
    first = sources[0]
    label = cut(f"Open {first.title}")
    return [SuggestedAction(label=label, command=ThreadView.type, payload={"threadId": first.id})]
