"""Words as they are compared: folded, stemmed, and with others that mean the same to an agent."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

TABLE = Path(__file__).parent / "words.toml"

# Shorter words have no ending to lose.
_STEMMED = 4
_WORD = re.compile(r"\d[\d,]*(?:\.\d+)?|[^\W\d_]+|\d+")
_POSSESSIVE = re.compile(r"['\u2019]s\b|s['\u2019](?=\s|$)")
_NEGATION = re.compile(r"n['\u2019]t\b")


class Word(NamedTuple):
    """A word of a text: folded, its stem, and where it stands."""

    plain: str
    stem: str
    start: int
    end: int


def folded(text: str) -> str:
    """In lower case without accents and macrons, each character where it was."""
    return "".join(map(_folded_letter, text)) if not text.isascii() else text.lower()


@lru_cache(maxsize=4096)  # an alphabet, or a few
def _folded_letter(letter: str) -> str:
    plain = unicodedata.normalize("NFKD", letter).lower()
    return plain[0] if plain and not unicodedata.combining(plain[0]) else " "


def words_of(text: str) -> list[Word]:
    """The words of a text, numbers too; `won't` is `wo` and `not`, a possessive loses its ending."""
    plain = _NEGATION.sub("   ", _POSSESSIVE.sub(_blank, folded(text)))
    return [Word(found[0], stem(found[0]), *found.span()) for found in _WORD.finditer(plain)]


def _blank(found: re.Match[str]) -> str:
    return " " * len(found[0])


@lru_cache(maxsize=65_536)  # a mailbox has fewer words than that, and says them again and again
def stem(word: str) -> str:
    """A word without the ending that grammar gives it: `charges`, `charged` and `charging` are one."""
    if len(word) < _STEMMED or not word.isalpha():
        return word.replace(",", "")
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)] + instead
            break
    if len(word) > _STEMMED and word[-1] == word[-2] and word[-1] not in "aeiouls":
        word = word[:-1]
    return word[:-1] if len(word) > _STEMMED - 1 and word[-1] == "e" else word


_ENDINGS = (
    ("ational", "ate"), ("ations", "ate"), ("ation", "ate"), ("ements", ""), ("ement", ""), ("ments", ""),
    ("ment", ""), ("ingly", ""), ("edly", ""), ("ings", ""), ("ing", ""), ("ies", "y"), ("ied", "y"),
    ("sses", "ss"), ("ches", "ch"), ("shes", "sh"), ("xes", "x"), ("ss", "ss"), ("us", "us"), ("ed", ""),
    ("ely", ""), ("ly", ""), ("s", ""),
)  # fmt: skip


@cache
def senses() -> dict[str, frozenset[str]]:
    """The groups that a stem belongs to: words of one group answer for each other."""
    table: dict[str, list[str]] = tomllib.loads(TABLE.read_text())["senses"]
    found: dict[str, set[str]] = {}
    for group, members in table.items():
        for member in members:
            found.setdefault(stem(member), set()).add(group)
    return {one: frozenset(groups) for one, groups in found.items()}


@cache
def empty_words() -> frozenset[str]:
    """Words that say nothing of what is asked."""
    return frozenset(
        word for line in tomllib.loads(TABLE.read_text())["empty"].values() for word in line.split()
    )
