"""Whether two requests are the same, told from their words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Set as AbstractSet

# Shared words, as part of all words, from which two requests are the same: two words of three may stay, but
# "send the contract" is not "send the report".
ALIKE = 0.6

# Words that say nothing about what is asked for; with them any two requests to send something look alike.
_EMPTY = frozenset(
    {
        *("a", "about", "all", "an", "and", "any", "are", "as", "at", "be", "by", "can", "could", "do"),
        *("for", "from", "get", "has", "have", "her", "him", "his", "i", "in", "is", "it", "its", "me"),
        *("my", "of", "on", "or", "our", "please", "she", "he", "so", "that", "the", "their", "them"),
        *("they", "this", "to", "us", "we", "will", "with", "would", "you", "your"),
    }
)


def words_of(text: str) -> list[str]:
    """The words of a text, letters and digits, without case and accents."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return re.findall(r"[^\W_]+", bare)


def alike(one: str, other: str, familiar: AbstractSet[str] = frozenset()) -> bool:
    """Whether two texts ask for the same. `familiar` words both would have: who, and which property."""
    first, second = _telling(one, familiar), _telling(other, familiar)
    union = first | second
    return bool(union) and len(first & second) / len(union) >= ALIKE


def _telling(text: str, familiar: AbstractSet[str]) -> frozenset[str]:
    words = frozenset(words_of(text))
    return (words - _EMPTY - familiar) or words
