"""Scores what was said of threads against their labels, field by field, with 95 % intervals.

A thread that was said is held against the labelled one with which it shares most messages. Every labelled
thread counts: one without a match is wrong in every field.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from math import sqrt
from random import Random
from typing import Any

from zena_sse.triage.analysis.features import fold

Thread = dict[str, Any]
Tally = Counter[str]

# Words without meaning of their own, when two tasks are compared.
STOP = frozenset(
    (
        *(
            "the",
            "a",
            "an",
            "to",
            "of",
            "and",
            "for",
            "in",
            "on",
            "with",
            "her",
            "his",
            "their",
            "him",
            "them",
        ),
        *("you", "can", "could", "please", "me", "i", "we", "us", "is", "it", "be"),
    )
)
STREETS = {
    "st": "street", "rd": "road", "ave": "avenue", "av": "avenue", "dr": "drive", "tce": "terrace",
    "pl": "place", "cres": "crescent", "ct": "court", "ln": "lane", "pde": "parade", "cl": "close",
    "gr": "grove", "sq": "square",
}  # fmt: skip
# Two tasks are the same if their evidence, or else their labels, share this much.
SAME_EVIDENCE, SAME_LABEL = 0.35, 0.5
RESAMPLES = 1000


def tally(label: Thread, guess: Thread) -> Tally:
    """What is right and wrong about one thread, as counts that can be added up."""
    found: Tally = Counter(threads=1)
    allowed = {label["classification"], *(label.get("classification_also_ok") or [])}
    is_noise, said_noise = label["classification"] == "noise", guess.get("classification") == "noise"
    found["class"] = guess.get("classification") in allowed
    found[f"class {label['difficulty']}"] = found["class"]
    found[f"threads {label['difficulty']}"] = 1
    found["noise right"] = is_noise and said_noise
    found["noise said"], found["noise is"] = said_noise, is_noise
    found["category"] = guess.get("category") == label["category"]
    found["risk"] = guess.get("riskLevel") == label["risk"]
    found["concern right"] = bool(label["concern"] and guess.get("concern"))
    found["concern said"], found["concern is"] = bool(guess.get("concern")), bool(label["concern"])
    found.update(_tasks(label["tasks"], guess.get("tasks") or []))
    if not is_noise:
        found["business"] = 1
        same = property_key(guess.get("property")) == property_key(label["property"])
        found["property"] = bool(guess) and same
        found["stage"] = bool(guess) and guess.get("stage") == label["stage"]
        found.update(_contacts(label["contacts"], guess.get("contacts") or []))
    return found


def matched(labels: Sequence[Thread], guesses: Sequence[Thread]) -> list[tuple[Thread, Thread]]:
    """Each labelled thread with the one that was said of most of its messages."""
    sets = [(frozenset(guess["messages"]), guess) for guess in guesses]
    pairs = []
    for label in labels:
        wanted = frozenset(label["messages"])
        group, guess = max(
            sets, key=lambda one: (len(wanted & one[0]), -len(one[0] ^ wanted)), default=(frozenset(), {})
        )
        pairs.append((label, guess if wanted & group else {}))
    return pairs


METRICS: dict[str, Callable[[Tally], float]] = {
    "classification": lambda t: t["class"] / t["threads"],
    "noise, precision": lambda t: _part(t, "noise right", "noise said"),
    "noise, recall": lambda t: _part(t, "noise right", "noise is"),
    "focus or waiting": lambda t: t["category"] / t["threads"],
    "property": lambda t: _part(t, "property", "business"),
    "concern, F1": lambda t: _f1(t, "concern"),
    "tasks, F1": lambda t: _f1(t, "task"),
    "due date": lambda t: _part(t, "due right", "due is"),
    "risk level": lambda t: t["risk"] / t["threads"],
    "contacts, F1": lambda t: _f1(t, "contact"),
    "phone": lambda t: _part(t, "phone right", "phone is"),
    "stage": lambda t: _part(t, "stage", "business"),
}


def total(tallies: Iterable[Tally]) -> Tally:
    """All counts together."""
    found: Tally = Counter()
    for one in tallies:
        found.update(one)
    return found


def interval(tallies: Sequence[Tally], metric: Callable[[Tally], float]) -> tuple[float, float]:
    """Where the true figure lies, 95 times of 100, by drawing as many threads again and again (bootstrap)."""
    chance = Random(7)  # noqa: S311  # the same report from the same figures
    drawn = sorted(metric(total(chance.choices(tallies, k=len(tallies)))) for _ in range(RESAMPLES))
    return drawn[RESAMPLES // 40], drawn[-RESAMPLES // 40 - 1]


def wilson(right: int, of: int) -> tuple[float, float]:
    """Where the true share lies, 95 times of 100 (Wilson's interval)."""
    if not of:
        return 0.0, 1.0
    z, share = 1.96, right / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    reach = z * sqrt(share * (1 - share) / of + z * z / (4 * of * of)) / (1 + z * z / of)
    return max(0.0, middle - reach), min(1.0, middle + reach)


def property_key(address: str | None) -> str | None:
    """Number and street: "7/41 High St, Suburb" is "7/41 high"."""
    if not address:
        return None
    words = re.sub(r"[^a-z0-9/]+", " ", fold(address.split(",")[0])).split()
    parts = ("unit", "flat", "apartment", "apt", "no")
    words = [STREETS.get(word, word) for word in words if word not in parts]
    while len(words) > 2 and words[-1] in STREETS.values():
        words.pop()
    return " ".join(words)


def pair_tasks(labelled: Sequence[Thread], said: Sequence[Thread]) -> list[tuple[Thread, Thread]]:
    """Which task that was said is which labelled one; the surest first, each once."""
    pairs = []
    for task in labelled:
        for guess in said:
            evidence = _overlap(task["evidence"], guess.get("evidence")) >= SAME_EVIDENCE
            named = _overlap(task["label"], guess.get("label")) >= SAME_LABEL
            pairs.append((evidence + named, task, guess))
    chosen: list[tuple[Thread, Thread]] = []
    for likeness, task, guess in sorted(pairs, key=lambda pair: -pair[0]):
        if likeness and all(task is not one and guess is not other for one, other in chosen):
            chosen.append((task, guess))
    return chosen


def _tasks(labelled: Sequence[Thread], said: Sequence[Thread]) -> Tally:
    pairs = pair_tasks(labelled, said)
    due = [(task["due"], guess) for task, guess in pairs if task["due"]]
    right = sum(str(guess.get("dueDate") or "")[:10] == day for day, guess in due)
    return Counter(
        {
            "task right": len(pairs),
            "task said": len(said),
            "task is": len(labelled),
            "due is": len(due),
            "due right": right,
        }
    )


def _contacts(labelled: Sequence[Thread], said: Sequence[Thread]) -> Tally:
    people = {one["email"].lower(): one for one in labelled if one.get("email")}
    found = {str(one.get("email", "")).lower(): one for one in said}
    phones = {address: _digits(one["phone"]) for address, one in people.items() if one.get("phone")}
    right = sum(_digits(found.get(address, {}).get("phone")) == digits for address, digits in phones.items())
    return Counter(
        {
            "contact right": len(people.keys() & found.keys()),
            "contact said": len(found),
            "contact is": len(people),
            "phone is": len(phones),
            "phone right": right,
        }
    )


def _digits(phone: str | None) -> str:
    return re.sub(r"\D", "", phone or "")[-8:]


def _words(text: str | None) -> set[str]:
    return set(re.sub(r"[^a-z0-9/]+", " ", fold(text or "")).split()) - STOP


def _overlap(one: str | None, other: str | None) -> float:
    a, b = _words(one), _words(other)
    return len(a & b) / len(a | b) if a and b else 0.0


def _part(counts: Tally, right: str, of: str) -> float:
    return counts[right] / counts[of] if counts[of] else 0.0


def _f1(counts: Tally, what: str) -> float:
    both = counts[f"{what} said"] + counts[f"{what} is"]
    return 2 * counts[f"{what} right"] / both if both else 0.0
