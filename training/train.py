"""Learns the models of `zena_sse/triage/analysis` from the written mailboxes; `make train`.

Features are those of the package itself; scikit-learn finds the weights, which are all that is shipped.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec
import numpy
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from training.corpus import Labelled, digest, written
from zena_sse.triage.analysis.analyse import DEALING
from zena_sse.triage.analysis.circle import circle_of
from zena_sse.triage.analysis.conversation import Conversation, Turn, converse
from zena_sse.triage.analysis.features import (
    Features,
    clause_features,
    deal_features,
    ending_features,
    fold,
    mood_features,
    names_in,
    thread_features,
)
from zena_sse.triage.analysis.linear import WEIGHTS, Linear, Models
from zena_sse.triage.analysis.sentences import clauses

# A feature that only one mailbox has, or fewer threads than this, is somebody's habit.
FEWEST_THREADS, FEWEST_MAILBOXES = 3, 2
# A name that is a word as well ("Will") is written small at least this often, for each time it is not.
WRITTEN_SMALL = 0.25
# Words against facts: they are many and each says little. By leave-one-mailbox-out, as the penalties.
WORD_SCALES = {"classification": 8.0, "owing": 6.0, "stage": 6.0, "ask": 6.0, "mood": 6.0, "voiced": 6.0}
# A weight that never changes anything; and what is shipped shall be small.
LEAST = 0.03
# Inverse strength of the penalty on weights, by leave-one-mailbox-out.
PENALTIES = {"classification": 1.0, "owing": 0.3, "stage": 0.3, "ask": 0.3, "mood": 0.3, "voiced": 0.3}
# A clause is the one that a label's evidence means if they share this much of their words.
ALIKE = 0.2
HALF = 0.5


class Example(NamedTuple):
    """One thing to learn from."""

    found: Features
    label: str
    mailbox: str


class Read(NamedTuple):
    """A labelled thread, taken apart once."""

    thread: Labelled
    conversation: Conversation
    hidden: frozenset[str]


def read(threads: Iterable[Labelled]) -> list[Read]:
    """Take threads apart."""
    found = []
    for thread in threads:
        conversation = converse(thread.messages, thread.known.own)
        found.append(Read(thread, conversation, names_in(conversation, circle_of(thread.known))))
    return found


def learn(threads: Sequence[Read]) -> Models:
    """All models from these threads."""
    business = [one for one in threads if one.thread.classification != "noise"]
    dealing = [one for one in business if one.thread.classification in DEALING]
    owed = [one for one in business if one.thread.owing == "agent"]
    names = names_of(threads)
    return Models(
        learned_from=digest(),
        classification=fit("classification", [_classification(one) for one in threads], names),
        owing=fit("owing", [_owing(one) for one in business], names),
        stage=fit("stage", [_stage(one) for one in dealing if one.thread.stage], names),
        ask=fit("ask", [example for one in owed for example in _asks(one)], names),
        mood=fit("mood", [_mood(one) for one in dealing], names),
        voiced=fit("voiced", [example for one in dealing for example in _voiced(one)], names),
    )


def names_of(threads: Sequence[Read]) -> frozenset[str]:
    """Words of labelled names and streets that are hardly ever written small: names and nothing else."""
    labelled = [c["name"] for one in threads for c in one.thread.contacts if c.get("name")]
    labelled += [one.thread.property.split(",")[0] for one in threads if one.thread.property]
    parts = {fold(word) for name in labelled for word in re.findall(r"[^\W\d_]+", name)}
    capital: Counter[str] = Counter()
    small: Counter[str] = Counter()
    for one in threads:
        for message in one.thread.messages:
            for word in re.findall(r"[^\W\d_]+", f"{message.subject}\n{message.text}\n{message.signature}"):
                (capital if word[0].isupper() else small)[fold(word)] += 1
    return frozenset(word for word in parts if small[word] <= WRITTEN_SMALL * capital[word])


def fit(name: str, examples: Sequence[Example], names: frozenset[str]) -> Linear:
    """The weights of one model, which knows none of these names."""
    threads: Counter[str] = Counter()
    mailboxes: dict[str, set[str]] = defaultdict(set)
    for example in examples:
        for feature in (*example.found.facts, *example.found.words):
            threads[feature] += 1
            mailboxes[feature].add(example.mailbox)
    kept = sorted(
        feature
        for feature in threads
        if threads[feature] >= FEWEST_THREADS
        and len(mailboxes[feature]) >= FEWEST_MAILBOXES
        and names.isdisjoint(feature.partition(":")[2].split())
    )
    columns = {feature: i for i, feature in enumerate(kept)}
    scale = WORD_SCALES[name]
    matrix = csr_matrix(_cells(examples, columns, scale), shape=(len(examples), len(columns)))
    model = LogisticRegression(C=PENALTIES[name], max_iter=5000)
    model.fit(matrix, [example.label for example in examples])
    return _linear(model, examples, columns, scale)


def _cells(
    examples: Sequence[Example], columns: dict[str, int], scale: float
) -> tuple[list[float], tuple[list[int], list[int]]]:
    values: list[float] = []
    rows: list[int] = []
    cells: list[int] = []
    for row, (found, _, _) in enumerate(examples):
        share = scale / numpy.sqrt(len(found.words) or 1)
        for names, value in ((found.facts, 1.0), (found.words, share)):
            for name in names:
                if name in columns:
                    values.append(float(value))
                    rows.append(row)
                    cells.append(columns[name])
    return values, (rows, cells)


def _linear(
    model: LogisticRegression, examples: Sequence[Example], columns: dict[str, int], scale: float
) -> Linear:
    coefficients, bias = model.coef_, model.intercept_
    if len(model.classes_) == 2:  # it gives one row for two labels
        coefficients, bias = numpy.vstack([-coefficients, coefficients]) / 2, numpy.hstack([-bias, bias]) / 2
    words = {name for example in examples for name in example.found.words}

    def table(names: Iterable[str], times: float) -> dict[str, tuple[float, ...]]:
        rows = {name: times * coefficients[:, columns[name]] for name in names}
        return {
            name: tuple(round(float(weight), 2) for weight in row)
            for name, row in rows.items()
            if numpy.abs(row).max() >= LEAST
        }

    return Linear(
        labels=tuple(str(label) for label in model.classes_),
        bias=tuple(round(float(b), 3) for b in bias),
        facts=table((name for name in columns if name not in words), 1.0),
        words=table((name for name in columns if name in words), scale),
    )


# --- examples -------------------------------------------------------------------------------------


def _classification(one: Read) -> Example:
    found = thread_features(one.conversation, circle_of(one.thread.known), one.hidden)
    return Example(found, one.thread.classification, one.thread.mailbox)


def _owing(one: Read) -> Example:
    return Example(ending_features(one.conversation, one.hidden), one.thread.owing, one.thread.mailbox)


def _stage(one: Read) -> Example:
    found = deal_features(one.conversation, one.thread.classification, one.hidden)
    return Example(found, one.thread.stage or "lead", one.thread.mailbox)


def _mood(one: Read) -> Example:
    label = "concern" if one.thread.concern else "calm"
    return Example(mood_features(one.conversation, one.hidden), label, one.thread.mailbox)


def _asks(one: Read) -> list[Example]:
    """The clauses of the closing turns; those that the labelled evidence means ask for something."""
    parts = [(turn, span) for turn in one.conversation.closing for span in clauses(turn.text)]
    said = [_telling(span.of(turn.text)) for turn, span in parts]
    meant = {_nearest(_telling(task.evidence), said) for task in one.thread.tasks}
    found = [f for turn in one.conversation.closing for f in _clauses(turn, one.hidden)]
    return [Example(f, "ask" if i in meant else "other", one.thread.mailbox) for i, f in enumerate(found)]


def _voiced(one: Read) -> list[Example]:
    """The clauses of what was said last; those that the labelled evidence covers voice a concern."""
    evidence = _telling(one.thread.concern_evidence or "")
    examples = []
    for turn in one.conversation.latest:
        for span, found in zip(clauses(turn.text), _clauses(turn, one.hidden), strict=True):
            words = _telling(span.of(turn.text))
            within = len(words & evidence) / len(words) if words else 0.0
            voices = one.thread.concern and (_overlap(words, evidence) >= ALIKE or within > HALF)
            examples.append(Example(found, "concern" if voices else "calm", one.thread.mailbox))
    return examples


def _clauses(turn: Turn, hidden: frozenset[str]) -> list[Features]:
    return clause_features(clauses(turn.text), turn.text, "m" if turn.side == "agent" else "o", hidden)


def _nearest(evidence: set[str], said: Sequence[set[str]]) -> int | None:
    """The clause that says most of the evidence, and little else."""
    likeness = [
        _overlap(evidence, words) + 0.3 * len(evidence & words) / (len(evidence) or 1) for words in said
    ]
    best = max(range(len(said)), key=likeness.__getitem__, default=None)
    return best if best is not None and likeness[best] >= ALIKE else None


def _telling(text: str) -> set[str]:
    return set(fold(text).replace("?", " ").replace(",", " ").split())


def _overlap(one: set[str], other: set[str]) -> float:
    return len(one & other) / len(one | other) if one and other else 0.0


def spelled(models: Models) -> str:
    """One feature a line, so that a change can be read."""
    written = msgspec.json.encode(models).decode()
    return written.replace('],"', '],\n"').replace(':{"', ':{\n"') + "\n"


if __name__ == "__main__":
    WEIGHTS.write_text(spelled(learn(read(written()))))
