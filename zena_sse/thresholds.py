"""When a matter counts as going cold: the numbers an operator can choose, read from their settings' text."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import get_args

import msgspec

from zena_sse.contract.events import RiskLevel, Stage

# Nobody waits for ever, and a number of more than a century is a slip of the finger.
MOST = 36500.0


# From the least to the worst.
LEVELS: tuple[RiskLevel, ...] = ("none", "low", "medium", "high")


class RiskThresholds(msgspec.Struct, frozen=True, kw_only=True):
    """What makes a risk.

    `silence_days`: from how many days without a word from the other side it is low, medium, high.
    `messages_per_week`: under how many messages a week it is low, medium, high. `stage_days`: over how many
    days in a stage it is medium; a stage that is not named may last.
    """

    silence_days: tuple[float, float, float]
    messages_per_week: tuple[float, float, float]
    stage_days: dict[str, float]

    def silence(self, since: datetime, as_of: datetime) -> RiskLevel:
        """How bad it is that nobody has written since then."""
        days = (as_of - since) / timedelta(days=1)
        return LEVELS[sum(days >= limit for limit in self.silence_days)]


def read_silence_days(text: str) -> tuple[float, float, float]:
    """Days, growing: `3,5,10`. Raises `ValueError`."""
    low, medium, high = _three(text)
    if not low <= medium <= high:
        raise ValueError("expected days that grow: low,medium,high")
    return low, medium, high


def read_messages_per_week(text: str) -> tuple[float, float, float]:
    """Messages a week, falling: `2,1,0.5`. Raises `ValueError`."""
    low, medium, high = _three(text)
    if not low >= medium >= high:
        raise ValueError("expected messages a week that fall: low,medium,high")
    return low, medium, high


def read_stage_days(text: str) -> dict[str, float]:
    """Days of each stage that must not last: `lead=14,viewing=30`. Raises `ValueError`."""
    days: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        stage, equals, number = part.partition("=")
        stage = stage.strip()
        if not equals or stage not in get_args(Stage):
            raise ValueError(f"{part!r} is not STAGE=DAYS with a stage of: {', '.join(get_args(Stage))}")
        if stage in days:
            raise ValueError(f"{stage} is given twice")
        days[stage] = _number(number)
    return days


def _three(text: str) -> tuple[float, float, float]:
    parts = text.split(",")
    if len(parts) != 3:
        raise ValueError("expected three numbers: low,medium,high")
    return _number(parts[0]), _number(parts[1]), _number(parts[2])


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise ValueError(f"{text.strip()!r} is not a number") from None
    if not (math.isfinite(number) and 0 < number <= MOST):
        raise ValueError(f"{text.strip()!r} is not a number above 0")
    return number
