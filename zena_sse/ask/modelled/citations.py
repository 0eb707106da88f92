"""Citations in an answer: which passages it rests on, and whether it says that none holds what was asked."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

# What a model is told to write when the mail does not have it; never shown.
NOT_FOUND = "none"

_NUMBER = r"\#?\d+"
# Small models write what they like: [3], [1, 9], [1-3], [^2], [passage 2], [n: 4].
_CITATION = re.compile(
    rf"\s*(?:(?:passages?|sources?|n)\s*[:=]?\s*|\^)?{_NUMBER}(?:\s*(?:,|;|&|and|-|\u2013)\s*{_NUMBER})*\s*",
    re.IGNORECASE,
)
_SPAN = re.compile(r"(\d+)(?:\s*[-\u2013]\s*\#?(\d+))?")


class Citations:
    """What was cited of passages that have these numbers, the first first."""

    def __init__(self, numbers: Collection[int]) -> None:
        self._numbers = sorted(numbers)
        self.cited: list[int] = []
        self.nothing_found = False

    def read(self, label: str) -> str | None:
        """What is shown of brackets that hold this, nothing if it is false; None if they are no citation."""
        if label.strip().lower() == NOT_FOUND:
            self.nothing_found = True
            return ""
        if _CITATION.fullmatch(label) is None:
            return None
        true = list(dict.fromkeys(self._true(label)))
        self.cited += [number for number in true if number not in self.cited]
        return f"[{', '.join(map(str, true))}]" if true else ""

    def _true(self, label: str) -> Iterator[int]:
        for span in _SPAN.finditer(label):
            first, last = int(span[1]), int(span[2] or span[1])
            yield from (number for number in self._numbers if first <= number <= last)
