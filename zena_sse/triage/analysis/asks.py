"""Action items: which clauses of the last turns ask the agent for something, by when, and what to call it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import date, timedelta

import msgspec

from zena_sse.triage.analysis.conversation import Conversation, Turn
from zena_sse.triage.analysis.dates import Deadline, deadlines
from zena_sse.triage.analysis.features import clause_features
from zena_sse.triage.analysis.findings import Ask
from zena_sse.triage.analysis.linear import Linear
from zena_sse.triage.analysis.naming import label_of
from zena_sse.triage.analysis.sentences import Span, clauses

# A clause this likely to ask for something is taken for it; chosen by cross-validation (training/train.py).
LIKELY = 0.35
# Nobody asks for more in one mail that a list would help with.
MOST = 3
# As the command line promises.
EVIDENCE_WORDS = 40
# Shorter clauses say nothing alone.
FEW_WORDS = 3

# What sets a limit in so many words, against a day that something happens on.
_LIMIT = re.compile(r"(?:by|before|no later|not later|until|till|within|latest|due)\b", re.IGNORECASE)
# A day that is only mentioned is when somebody wants something if it is this near.
SOON = timedelta(days=10)
# A clause that gives a reason asks for nothing; what it gives the reason for does.
_REASON = re.compile(
    r"(?:because|cos|coz|since|so that|although|though|whereas|while|which)\b", re.IGNORECASE
)


class _Candidate(msgspec.Struct):
    turn: Turn
    spans: Sequence[Span]
    index: int
    likely: float


def find_asks(
    conversation: Conversation, model: Linear, hidden: AbstractSet[str], *, month_first: bool = False
) -> tuple[Ask, ...]:
    """What the agent is asked for, or has promised, in the turns it ends with; at least the likeliest."""
    found = [candidate for turn in conversation.closing for candidate in _candidates(turn, model, hidden)]
    ranked = sorted(found, key=lambda candidate: -candidate.likely)
    chosen = [candidate for candidate in ranked if candidate.likely >= LIKELY][:MOST] or ranked[:1]
    kept: list[Ask] = []
    for candidate in sorted(chosen, key=lambda c: (c.turn.sent, c.spans[c.index].start)):
        ask = _ask(candidate, month_first=month_first)
        if all(ask.evidence not in earlier.evidence for earlier in kept):
            kept.append(ask)
    return tuple(kept)


def _candidates(turn: Turn, model: Linear, hidden: AbstractSet[str]) -> list[_Candidate]:
    spans = clauses(turn.text)
    mark = "m" if turn.side == "agent" else "o"
    found = clause_features(spans, turn.text, mark, hidden)
    return [
        _Candidate(turn, spans, i, model.probabilities(one)["ask"])
        for i, one in enumerate(found)
        if not _REASON.match(turn.text, spans[i].start)
    ]


def _ask(candidate: _Candidate, *, month_first: bool) -> Ask:
    turn, spans, index = candidate.turn, candidate.spans, candidate.index
    span = _whole(turn.text, spans, index)
    evidence = " ".join(span.of(turn.text).split()[:EVIDENCE_WORDS])
    return Ask(
        label=label_of(evidence, turn, asks=spans[index].asks),
        evidence=evidence,
        message_key=turn.message.key,
        due=_due(turn, spans, index, month_first=month_first),
        contact=None if turn.side == "agent" else turn.message.sender.email,
    )


def _whole(text: str, spans: Sequence[Span], index: int) -> Span:
    """The clause, with the next of its sentence if alone it says too little."""
    span = spans[index]
    if len(span.of(text).split()) < FEW_WORDS and index + 1 < len(spans):
        near = spans[index + 1]
        if near.sentence == span.sentence:
            return span._replace(end=near.end)
    return span


def _due(turn: Turn, spans: Sequence[Span], index: int, *, month_first: bool) -> date | None:
    """The day it is wanted: said in the clause, else in its sentence, else as a deadline right beside it."""
    span = spans[index]
    found = deadlines(turn.text, turn.sent, month_first=month_first)
    near = [s for s in spans if abs(s.sentence - span.sentence) <= 1]
    same = [s for s in near if s.sentence == span.sentence]
    limits = [day for day in found if _LIMIT.match(turn.text, day.start)]
    soon = [day for day in found if day.day - turn.sent.date() <= SOON]
    strict = [day for day in found if day in limits or (day in soon and day.is_deadline)]
    groups = (
        _between(limits, span, span),
        _between(strict, span, span),
        _between(soon, span, span),
        _between(strict, same[0], same[-1]),
        _between(strict, near[0], near[-1]),
    )
    return next((group[0].day for group in groups if group), None)


def _between(days: Sequence[Deadline], first: Span, last: Span) -> list[Deadline]:
    return [day for day in days if first.start <= day.start < last.end]
