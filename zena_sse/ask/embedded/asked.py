"""What a question asks for, told from how it is put."""

from __future__ import annotations

import re
import tomllib
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Literal, TypeAlias, cast

import msgspec

from zena_sse.ask.embedded.words import Word, empty_words, folded, senses, words_of
from zena_sse.contract.events import Classification

TABLE = Path(__file__).parent / "cues.toml"

Intent: TypeAlias = Literal[
    "draft",
    "promised",
    "due",
    "worried",
    "risk",
    "waiting",
    "owed",
    "interested",
    "heard",
    "status",
    "fact",
]
# Lists of the tables: each names many, and is asked about nobody in particular.
LISTS: frozenset[Intent] = frozenset({"promised", "due", "worried", "risk", "waiting", "owed"})

Patterns = dict[str, re.Pattern[str]]


class Term(msgspec.Struct, frozen=True):
    """A word of the question that says what it is about; `groups` are its senses."""

    plain: str
    stem: str
    groups: frozenset[str]


class Window(msgspec.Struct, frozen=True):
    """Days asked about, both included; `overdue` counts what is older and not done."""

    first: date
    last: date
    overdue: bool = False


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A question, understood as far as its words alone can tell."""

    text: str
    words: tuple[Word, ...]
    intent: Intent
    classes: frozenset[Classification]
    wants: frozenset[str]
    cues: frozenset[str]
    window: Window | None
    terms: tuple[Term, ...]

    @property
    def follows(self) -> bool:
        """It speaks of somebody or something named before."""
        return "follows" in self.cues


def read_question(text: str, today: date) -> Asked:
    """What a question asks for, as of this day."""
    plain = re.sub(r"\s+", " ", folded(text).replace("\u2019", "'")).strip().rstrip("?!. ")
    words = tuple(words_of(text))
    classes = frozenset(cast("Classification", name) for name in found("people", plain))
    cues = found("cues", plain)
    return Asked(
        text=text,
        words=words,
        intent=_intent(plain, classes, cues),
        classes=classes,
        wants=found("wants", plain),
        cues=cues,
        window=_window(cues, today),
        terms=terms_of(words),
    )


def terms_of(words: tuple[Word, ...]) -> tuple[Term, ...]:
    """The words that say what is asked about, each once."""
    known, empty = senses(), empty_words()
    telling = {word.stem: word for word in reversed(words) if word.plain not in empty}
    return tuple(
        Term(word.plain, stem, known.get(stem, frozenset())) for stem, word in reversed(telling.items())
    )


def found(kind: str, plain: str) -> frozenset[str]:
    """The cues of a kind that a folded text has."""
    return frozenset(name for name, pattern in _patterns(kind).items() if pattern.search(plain))


def _intent(plain: str, classes: frozenset[Classification], cues: frozenset[str]) -> Intent:
    for name, pattern in _patterns("intents").items():
        if pattern.search(plain) and _fits(cast("Intent", name), classes, cues):
            return cast("Intent", name)
    if "lawyer_broker" in classes and re.search(r"\b(?:anything|any word|heard|news|what .* said)\b", plain):
        return "heard"
    return "fact"


def _fits(intent: Intent, classes: frozenset[Classification], cues: frozenset[str]) -> bool:
    """Lists name many; other questions use the same words of one."""
    return intent not in ("worried", "risk", "waiting") or "many" in cues or bool(classes)


def _window(cues: frozenset[str], today: date) -> Window | None:
    if "overdue" in cues:
        return Window(date.min, today - timedelta(days=1), overdue=True)
    if "today" in cues:
        return Window(today, today)
    if "tomorrow" in cues:
        return Window(today + timedelta(days=1), today + timedelta(days=1))
    if "next_week" in cues:
        monday = today + timedelta(days=7 - today.weekday())
        return Window(monday, monday + timedelta(days=6))
    if "week" in cues:
        return Window(today, today + timedelta(days=6 - today.weekday()))
    return None


@cache
def _patterns(kind: str) -> Patterns:
    table: dict[str, list[str]] = tomllib.loads(TABLE.read_text())[kind]
    return {name: re.compile(rf"(?<!\w)(?:{'|'.join(cues)})(?!\w)") for name, cues in table.items()}
