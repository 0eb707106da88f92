"""How much of what is asked stands in each sentence, around it, in its message and its thread."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from operator import mul

import msgspec

from zena_sse.ask.embedded.asked import Term
from zena_sse.ask.embedded.gathering import Material, open_terms
from zena_sse.ask.embedded.kinds import REMEMBERED
from zena_sse.ask.embedded.statements import statements_of
from zena_sse.ask.embedded.words import senses, words_of

# How much a word of the same sense counts, against the word itself.
SENSE = 0.55


class Seen(msgspec.Struct, frozen=True):
    """The stems of a stretch of text, and their senses."""

    stems: frozenset[str]
    groups: frozenset[str]


class Coverage:
    """The statements of some material; each list has a number from 0 to 1 for each of them."""

    def __init__(self, material: Material) -> None:
        self.material = material
        self.statements = statements_of(material)
        self.seen = [_seen(one.text) for one in self.statements]
        self._terms = open_terms(material.asked, material.named)
        self._total = sum(material.rarity[term.stem] for term in self._terms) or 1.0
        self.by_message: dict[str, list[int]] = {}
        self.by_thread: dict[int, list[int]] = {}
        for i, one in enumerate(self.statements):
            self.by_message.setdefault(one.message.key, []).append(i)
            self.by_thread.setdefault(one.thread, []).append(i)
        self.near = [self._neighbours(i) for i in range(len(self.statements))]
        self._weights = [material.rarity[term.stem] / self._total for term in self._terms]
        self._has = [[_has(one, term) for term in self._terms] for one in self.seen]
        self.here = [self._told([row]) for row in self._has]
        self.around = [self._told([self._has[j] for j in near]) for near in self.near]
        rarest = max(range(len(self._terms)), key=lambda t: self._weights[t], default=None)
        self.key = [0.0 if rarest is None else row[rarest] for row in self._has]
        self.key_around = [max(self.key[j] for j in near) for near in self.near]
        self.exact = [self._rarest(one) for one in self.seen]
        heads = [_seen(f"{thread.subject} {thread.sender}") for thread in material.threads]
        self._heads = [[_has(one, term) for term in self._terms] for one in heads]
        self.message = self._spread(self.by_message.values())
        self.thread = self._spread(self.by_thread.values())

    def _told(self, rows: Sequence[Sequence[float]]) -> float:
        """Which part of what the question's words tell is in these stretches."""
        best = rows[0] if len(rows) == 1 else map(max, *rows)
        return float(sum(map(mul, best, self._weights)))

    def _rarest(self, one: Seen) -> float:
        return (
            max((self.material.rarity[t.stem] for t in self._terms if t.stem in one.stems), default=0.0) / 6.0
        )

    def _neighbours(self, i: int) -> list[int]:
        """The sentence itself, the one before and the one after it in its message."""
        key = self.statements[i].message.key
        around = (i - 1, i, i + 1)
        return [j for j in around if 0 <= j < len(self.statements) and self.statements[j].message.key == key]

    def _spread(self, groups: Iterable[list[int]]) -> list[float]:
        """The coverage of each whole group, its subject too, at each of its statements."""
        found = [0.0] * len(self.statements)
        for group in groups:
            head = self._heads[self.statements[group[0]].thread]
            whole = self._told([head, *(self._has[i] for i in group)])
            for i in group:
                found[i] = whole
        return found


@lru_cache(maxsize=REMEMBERED)
def _seen(text: str) -> Seen:
    stems = frozenset(word.stem for word in words_of(text))
    known = senses()
    return Seen(stems, frozenset(group for stem in stems for group in known.get(stem, ())))


def _has(seen: Seen, term: Term) -> float:
    """1 with the word itself, less with one of its sense."""
    return 1.0 if term.stem in seen.stems else SENSE if term.groups & seen.groups else 0.0
