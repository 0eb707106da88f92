"""What the last words of threads promise and ask for, with the day that goes with it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

import msgspec

from zena_sse.ask.embedded.words import folded
from zena_sse.mail.content.message import Message
from zena_sse.triage.analysis.conversation import Turn, converse
from zena_sse.triage.analysis.dates import deadlines
from zena_sse.triage.analysis.naming import label_of
from zena_sse.triage.analysis.sentences import Span, clauses

# Taken from one mail.
MOST = 2
EVIDENCE_WORDS = 40

# "Will" alone is the agent's only where nobody stands before it: "Lena will ring you" promises nothing.
_PROMISE = re.compile(
    r"\b(?:i'?ll|i will|i'?m going to|i am going to|i can|let me|we'?ll|we will|i shall|you'?ll have"
    r"|you will have|^will|(?:and|or|but|then|,) will)\s+(?:\w+ ){0,2}?"
    r"(?:get|send|have|find|ask|check|chase|call|ring|phone|email|come back|revert|let you know|confirm|draft"
    r"|put|sort|speak|talk|dig|forward|organi[sz]e|arrange|book|report|drop|bring|write|prepare|update|resend"
    r"|follow|look into|raise|pass|take|do|make|post|scan|fix|order|give|pull|run|go through|tell|try)\b"
    r"|\b(?:you'?ll|you will|you shall) (?:have|get|hear|receive)\b"
    r"|\b(?:leave (?:it|that|this) with me|on (?:its|the) way (?:today|tomorrow))\b"
)
_CONDITIONAL = re.compile(r"\b(?:if|when|once|as soon as|unless|until|let me know)\b")
_REQUEST = re.compile(
    r"\b(?:(?:can|could|would|will) (?:you|u)|please|pls|plz|kindly|need (?:a|an|the|you|u|it))\b"
)


class Spoken(msgspec.Struct, frozen=True):
    """Words in which somebody said that something will or shall be done, and by when."""

    thread_id: str
    label: str
    evidence: str
    message_key: str
    due: date | None


def promises_of(
    thread_id: str, messages: Sequence[Message], own: frozenset[str], *, conditional: bool = False
) -> list[Spoken]:
    """What the agent's own last words in a thread promise; what was done since would be words of theirs.

    A promise that waits for the other side counts only if it names a day, or if `conditional` says so.
    """
    mine = [turn for turn in converse(messages, own).spoken if turn.side == "agent"]
    if not mine:
        return []
    found = _said(thread_id, mine[-1], _PROMISE, asks=False)
    dated = [one for one in found if one.due is not None]
    free = [one for one in found if conditional or not _CONDITIONAL.search(folded(one.evidence))]
    return (dated or free)[:MOST]


def requests_of(thread_id: str, messages: Sequence[Message], own: frozenset[str]) -> list[Spoken]:
    """What the other side asks for by a day, if they had the last word."""
    spoken = converse(messages, own).spoken
    if not spoken or spoken[-1].side == "agent" or spoken[-1].automatic:
        return []
    found = _said(thread_id, spoken[-1], _REQUEST, asks=True)
    return [one for one in found if one.due is not None][:MOST]


def is_with_them(messages: Sequence[Message], own: frozenset[str]) -> bool:
    """The agent had the last word, and promised nothing that does not wait for the other side."""
    spoken = converse(messages, own).spoken
    if not spoken or spoken[-1].side != "agent":
        return False
    said = [
        one
        for one in _said("", spoken[-1], _PROMISE, asks=False)
        if not _CONDITIONAL.search(folded(one.evidence))
    ]
    return not said


def _said(thread_id: str, turn: Turn, pattern: re.Pattern[str], *, asks: bool) -> list[Spoken]:
    spans = clauses(turn.text)
    return [
        _spoken(thread_id, turn, spans, span, asks=asks)
        for span in spans
        if (asks or not span.asks) and pattern.search(folded(span.of(turn.text)).replace("\u2019", "'"))
    ]


def _spoken(thread_id: str, turn: Turn, spans: Sequence[Span], span: Span, *, asks: bool) -> Spoken:
    words = " ".join(span.of(turn.text).split()[:EVIDENCE_WORDS])
    whole = [one for one in spans if one.sentence == span.sentence]
    named = deadlines(turn.text, turn.sent)
    here = [day.day for day in named if span.start <= day.start < span.end]
    near = [day.day for day in named if whole[0].start <= day.start < whole[-1].end]
    due = min(here or near, default=None)
    return Spoken(thread_id, label_of(words, turn, asks=asks), words, turn.message.key, due)
