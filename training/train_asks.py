"""Learns which sentences answer a question, and whether any does; `make train`.

The first model is a conditional logit: of all statements looked at, those that were quoted as the answer are
to be the likeliest. The second is a logistic regression over what the first one puts on top, learned on
mailboxes that the first had not seen.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from training.questions import Looked, digest, look
from zena_sse.ask.embedded.finding import AGAINST, EITHER, FOR, found_facts
from zena_sse.ask.embedded.ranking import HEARD, WEIGHTS, Linear, Models, is_heard, scored_by
from zena_sse.ask.embedded.weighing import Facts, Scored

# Penalty of large weights: the larger the less is learned from few examples. By leave-one-mailbox-out.
PENALTY, STRENGTH = 0.03, 0.02
# Of the questions that the mail answers so many may be refused.
REFUSED = 0.13
# Whether a thread is settled tells more of written mail, where loose ends are the point, than of real mail.
HALF_KNOWN, HALF = ("top_settled", "mean_settled"), 2.0
KINDS = ("fact", "status", "unanswerable")

Matrix = NDArray[np.float64]


def main() -> None:
    """Learn both models and write them where the package has them."""
    looked = [one for one in asyncio.run(look(KINDS)) if one.statements]
    answers = learn_answers(looked)
    found, least, _ = learn_found(looked)
    models = Models(digest(), answers, found, least)
    WEIGHTS.write_bytes(msgspec.json.format(msgspec.json.encode(models), indent=1) + b"\n")


def learn_answers(looked: Sequence[Looked]) -> Linear:
    """Weights by which the quoted statements are the likeliest of each question's."""
    names = sorted({name for one in looked for facts in one.facts for name in facts})
    cases = [(table(one.facts, names), np.array(one.right, float)) for one in looked if any(one.right)]
    scale = np.vstack([rows for rows, _ in cases]).std(axis=0) + 1e-3
    cases = [(rows / scale, right) for rows, right in cases]

    def loss(weights: Matrix) -> tuple[float, Matrix]:
        cost, slope = PENALTY * float(weights @ weights), 2 * PENALTY * weights
        for rows, right in cases:
            scores = rows @ weights
            shares = np.exp(scores - scores.max())
            shares /= shares.sum()
            mass = float((shares * right).sum()) + 1e-12
            cost -= math.log(mass) / len(cases)
            slope -= rows.T @ (shares * right / mass - shares) / len(cases)
        return cost, slope

    best = minimize(loss, np.zeros(len(names)), jac=True, method="L-BFGS-B", options={"maxiter": 400})
    return Linear(0.0, _named(names, best.x / scale))


def learn_found(looked: Sequence[Looked]) -> tuple[Linear, float, list[tuple[Looked, float]]]:
    """Weights that tell whether there is an answer, from which score on, and each question's score unseen."""
    facts: list[Facts] = []
    kept: list[Looked] = []
    for mailbox in sorted({one.mailbox for one in looked}):
        answers = learn_answers([one for one in looked if one.mailbox != mailbox])
        for one in looked:
            if one.mailbox == mailbox and (scored := heard(answers, one)):
                facts.append(found_facts(one.material, scored))
                kept.append(one)
    names = (*FOR, *AGAINST, *EITHER)
    rows = table(facts, names)
    mean, scale = rows.mean(axis=0), rows.std(axis=0) + 1e-6
    scale *= [HALF if name in HALF_KNOWN else 1.0 for name in names]
    rows = (rows - mean) / scale
    right = np.array([one.question.kind != "unanswerable" for one in kept])
    unseen = np.zeros(len(kept))
    for mailbox in sorted({one.mailbox for one in kept}):
        here = np.array([one.mailbox == mailbox for one in kept])
        weights = logistic(rows[~here], right[~here])
        unseen[here] = rows[here] @ weights[1:] + weights[0]
    learned = logistic(rows, right)
    weights = learned[1:] / scale
    bias = float(learned[0] - weights @ mean)
    least = float(np.quantile(unseen[right], REFUSED))
    return (
        Linear(bias, _named(names, weights)),
        round(least, 4),
        list(zip(kept, unseen.tolist(), strict=True)),
    )


def logistic(rows: Matrix, right: NDArray[np.bool_]) -> Matrix:
    """Bias and weights of a logistic regression whose weights have the signs that `FOR` and `AGAINST` say.

    Both outcomes count the same, however many there are of each.
    """
    share = right.mean()
    counts, sign = np.where(right, 0.5 / share, 0.5 / (1 - share)), np.where(right, 1.0, -1.0)

    def loss(weights: Matrix) -> tuple[float, Matrix]:
        margin = sign * (rows @ weights[1:] + weights[0])
        push = -counts * sign / (1 + np.exp(margin))
        cost = float((counts * np.logaddexp(0, -margin)).mean() + STRENGTH * (weights[1:] ** 2).sum())
        slope = rows.T @ push / len(rows) + 2 * STRENGTH * weights[1:]
        return cost, np.concatenate([[push.mean()], slope])

    bounds = [
        (None, None),
        *[(0, None)] * len(FOR),
        *[(None, 0)] * len(AGAINST),
        *[(None, None)] * len(EITHER),
    ]
    found: Matrix = minimize(loss, np.zeros(len(bounds)), jac=True, method="L-BFGS-B", bounds=bounds).x
    return found


def heard(answers: Linear, one: Looked) -> list[Scored]:
    """The statements as the program ranks them, by these weights."""
    return [it for it in scored_by(answers, one.statements, one.facts) if is_heard(it, HEARD)]


def table(facts: Sequence[Facts], names: Sequence[str]) -> Matrix:
    """A row for each, a column for each name."""
    return np.array([[one.get(name, 0.0) for name in names] for one in facts])


def _named(names: Sequence[str], weights: Matrix) -> dict[str, float]:
    return {name: round(float(weight), 4) for name, weight in zip(names, weights, strict=True)}


if __name__ == "__main__":
    main()
