"""How likely each statement is part of the answer, by a small learned model."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import msgspec

from zena_sse.ask.embedded.gathering import Material
from zena_sse.ask.embedded.statements import Statement
from zena_sse.ask.embedded.weighing import Facts, Scored, facts_of

WEIGHTS = Path(__file__).parent / "model.json"
# So much of what is asked must be in a sentence of a program or an advertiser before it is an answer.
HEARD = 0.5


class Linear(msgspec.Struct, frozen=True):
    """A weight for each named number."""

    bias: float
    weights: dict[str, float]

    def score(self, facts: Mapping[str, float]) -> float:
        """Their sum; 0 is undecided."""
        return self.bias + sum(self.weights.get(name, 0.0) * value for name, value in facts.items() if value)


class Models(msgspec.Struct, frozen=True):
    """What was learned (`training/train_asks.py`); a score below `least` says that there is no answer."""

    learned_from: str
    answers: Linear
    found: Linear
    least: float


@cache
def models() -> Models:
    """The models that ship with the package."""
    return msgspec.json.decode(WEIGHTS.read_bytes(), type=Models)


def ranked(material: Material, heard: float = HEARD) -> list[Scored]:
    """The statements of the mail looked at, the likeliest first; advertisers' only from `heard` on."""
    scored = scored_by(models().answers, *facts_of(material))
    return [one for one in scored if is_heard(one, heard)]


def is_heard(one: Scored, heard: float) -> bool:
    """Whether it may be an answer: what advertisers and programs say only if it is what is asked about."""
    return not one.facts["noise_plain"] or one.facts["here"] >= heard


def scored_by(answers: Linear, statements: Sequence[Statement], facts: Sequence[Facts]) -> list[Scored]:
    """Statements with how likely each is the one that answers, if one does; the likeliest first."""
    scores = [answers.score(one) for one in facts]
    most = max(scores, default=0.0)
    powers = [math.exp(score - most) for score in scores]
    total = sum(powers)
    scored = [
        Scored(one, power / total, its) for one, power, its in zip(statements, powers, facts, strict=True)
    ]
    return sorted(scored, key=lambda one: -one.chance)
