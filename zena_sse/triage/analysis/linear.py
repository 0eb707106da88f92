"""Linear models over named features: what they weigh, how sure they are, what told; the weights are data."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import msgspec

from zena_sse.triage.analysis.features import Features

WEIGHTS = Path(__file__).parent / "model.json"

Row = tuple[float, ...]
NOTHING: Mapping[str, float] = {}
Label = TypeVar("Label", bound=str)


class Linear(msgspec.Struct, frozen=True):
    """Multinomial logistic regression: a weight for each feature and label (`training/train.py`)."""

    labels: tuple[str, ...]
    bias: Row
    facts: dict[str, Row]
    words: dict[str, Row]

    def scores(self, found: Features) -> list[float]:
        """One score for each label; what was never learned counts nothing."""
        facts = _sum(self.facts, found.facts, len(self.labels))
        words = _sum(self.words, found.words, len(self.labels))
        share = 1 / math.sqrt(len(found.words) or 1)
        return [b + f + share * w for b, f, w in zip(self.bias, facts, words, strict=True)]

    def probabilities(self, found: Features, more: Mapping[str, float] = NOTHING) -> dict[str, float]:
        """How likely each label is; they add up to 1. `more` is added to the score of a label."""
        scores = [
            score + more.get(label, 0.0) for label, score in zip(self.labels, self.scores(found), strict=True)
        ]
        return dict(zip(self.labels, _softmax(scores), strict=True))

    def telling(self, found: Features, label: str, most: int) -> list[str]:
        """The features that speak most for a label, against the mean of all."""
        i, share = self.labels.index(label), 1 / math.sqrt(len(found.words) or 1)
        gains: dict[str, float] = {}
        for names, table, weight in ((found.facts, self.facts, 1.0), (found.words, self.words, share)):
            for name in names:
                if (row := table.get(name)) is not None:
                    gains[name] = weight * (row[i] - sum(row) / len(row))
        best = sorted(gains, key=lambda name: (-gains[name], name))[:most]
        return [name for name in best if gains[name] > 0]


class Models(msgspec.Struct, frozen=True):
    """All that was learned, and the digest of what it was learned from."""

    learned_from: str
    classification: Linear
    owing: Linear
    stage: Linear
    ask: Linear
    mood: Linear
    voiced: Linear


@lru_cache(maxsize=1)
def models() -> Models:
    """The models that ship with the package."""
    return msgspec.json.decode(WEIGHTS.read_bytes(), type=Models)


def likeliest(model: Linear, found: Features, labels: Sequence[Label]) -> Label:
    """The label, of those that can be, with the highest score."""
    chances = model.probabilities(found)
    return max(labels, key=lambda label: chances.get(label, 0.0))


def _softmax(scores: Sequence[float]) -> list[float]:
    """Scores as probabilities."""
    highest = max(scores)
    powers = [math.exp(score - highest) for score in scores]
    total = sum(powers)
    return [power / total for power in powers]


def _sum(table: dict[str, Row], names: Iterable[str], width: int) -> list[float]:
    totals = [0.0] * width
    for name in names:
        if (row := table.get(name)) is not None:
            for i, weight in enumerate(row):
                totals[i] += weight
    return totals
