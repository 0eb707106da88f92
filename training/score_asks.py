"""Scores answers by what they must and must not say, and by what they rest on."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence

import msgspec

from training.questions import Question
from zena_sse.ask_report import AnswerLine

# An answer is short: what stands further down is not read. A draft is a letter.
READ, READ_OF_A_DRAFT = 900, 1_500
# Sources looked at.
FIRST = 3


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one question. `sourced` is None where nothing is relevant."""

    kind: str
    right: bool
    missing: tuple[str, ...]
    forbidden: tuple[str, ...]
    sourced: bool | None
    refused: bool


def score(question: Question, line: AnswerLine, threads: Sequence[Collection[str]]) -> Score:
    """How good an answer is; `threads` has, for each source, the threads that it belongs to."""
    whole = fold(line.answer)
    read = whole[: READ_OF_A_DRAFT if question.kind == "draft" else READ]
    missing = tuple(one for one in question.must_mention if not _says(read, one, question))
    forbidden = tuple(one for one in question.must_not_mention if fold(one) in whole)
    answerable = question.kind != "unanswerable"
    relevant = set(question.relevant_threads)
    return Score(
        kind=question.kind,
        right=bool(read) and not missing and not forbidden and line.found is answerable,
        missing=missing,
        forbidden=forbidden,
        sourced=any(relevant & set(one) for one in threads[:FIRST]) if relevant else None,
        refused=answerable and not line.found,
    )


def _says(text: str, wanted: str, question: Question) -> bool:
    """Whether it, or something as good, is said: `a|b` is either."""
    return any(fold(one) in text for one in [*wanted.split("|"), *question.accept.get(wanted, ())])


def fold(text: str) -> str:
    """Without case, accents and line breaks."""
    plain = "".join(
        letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter)
    )
    return re.sub(r"\s+", " ", plain.lower())


def share(scores: Sequence[Score], kind: str | None = None) -> float:
    """Which part of the answers, of one kind or all, is right."""
    chosen = [one.right for one in scores if kind in (None, one.kind)]
    return sum(chosen) / len(chosen) if chosen else 0.0


def sourced(scores: Sequence[Score]) -> float:
    """Which part has a relevant thread among its first sources."""
    chosen = [one.sourced for one in scores if one.sourced is not None]
    return sum(chosen) / len(chosen) if chosen else 0.0
