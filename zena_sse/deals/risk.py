"""How much a deal is at risk, judged by nothing but what is passed in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

import msgspec

from zena_sse.contract.events import RiskLevel, Stage
from zena_sse.deals.stages import CLOSED
from zena_sse.mail.content.message import cut
from zena_sse.thresholds import LEVELS, RiskThresholds

Flag = Literal["silence", "frequency", "stage", "concern"]

DAY = timedelta(days=1)
# How far back the rhythm of a conversation is looked at: the 30 days.
RHYTHM_DAYS = 30
# Messages before that window from which there was a rhythm at all that can have slowed down.
RHYTHM_MESSAGES = 3
# A stage that has lasted so many times its limit is no longer merely slow.
STUCK = 1.5
# Of a concern so much is quoted that the rest of the reason still fits an event.
QUOTE_LIMIT = 200


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What a deal is judged by.

    `waiting`: the other side owes the move. `recent` and `earlier` count the messages within the last
    `RHYTHM_DAYS` and before.
    """

    name: str
    stage: Stage
    stage_at: datetime
    waiting: bool
    last_message_at: datetime
    concern: str | None = None
    recent: int = 0
    earlier: int = 0


class Risk(msgspec.Struct, frozen=True):
    """A level, what raised it, and the evidence in words."""

    level: RiskLevel
    flags: tuple[Flag, ...] = ()
    reason: str = ""


class _Sign(NamedTuple):
    level: RiskLevel
    flag: Flag
    words: str


def assess(standing: Standing, as_of: datetime, thresholds: RiskThresholds) -> Risk:
    """The risk of a deal: the highest of its signs."""
    if standing.stage in CLOSED:
        return Risk("none")
    signs = [sign for sign in _signs(standing, as_of, thresholds) if sign.level != "none"]
    if not signs:
        return Risk("none")
    reason = "; ".join(sign.words for sign in signs)
    return Risk(
        max((sign.level for sign in signs), key=rank),
        tuple(sign.flag for sign in signs),
        reason[0].upper() + reason[1:],
    )


def rank(level: RiskLevel) -> int:
    """Levels in their order."""
    return LEVELS.index(level)


def silence_level(standing: Standing, as_of: datetime, thresholds: RiskThresholds) -> RiskLevel:
    """How bad the other side's silence is; none while it does not owe the move."""
    return thresholds.silence(standing.last_message_at, as_of) if standing.waiting else "none"


def _signs(standing: Standing, as_of: datetime, thresholds: RiskThresholds) -> Iterator[_Sign]:
    silent = _counted((as_of - standing.last_message_at) / DAY)
    level = silence_level(standing, as_of, thresholds)
    yield _Sign(level, "silence", f"nothing from {standing.name} for {silent}")
    weekly = standing.recent / (RHYTHM_DAYS / 7)
    words = f"{weekly:.1f} messages a week over the last {RHYTHM_DAYS} days"
    yield _Sign(_frequency_level(standing, weekly, thresholds), "frequency", words)
    yield _stage_sign(standing, as_of, thresholds)
    if standing.concern:
        yield _Sign("medium", "concern", f"concern: “{cut(standing.concern, QUOTE_LIMIT)}”")


def _frequency_level(standing: Standing, weekly: float, thresholds: RiskThresholds) -> RiskLevel:
    if not standing.waiting or standing.earlier < RHYTHM_MESSAGES:
        return "none"
    return LEVELS[sum(weekly < limit for limit in thresholds.messages_per_week)]


def _stage_sign(standing: Standing, as_of: datetime, thresholds: RiskThresholds) -> _Sign:
    limit = thresholds.stage_days.get(standing.stage)
    days = (as_of - standing.stage_at) / DAY
    if limit is None or days <= limit:
        return _Sign("none", "stage", "")
    words = f"in '{standing.stage}' for {_counted(days)} (limit {limit:g})"
    return _Sign("high" if days > STUCK * limit else "medium", "stage", words)


def _counted(days: float) -> str:
    """As people count them: those that are over."""
    whole = int(days)
    return "less than a day" if whole < 1 else "1 day" if whole == 1 else f"{whole} days"
