"""Cues: how people say what matters. The table is data, `cues.toml`; here it is looked up in a text."""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from pathlib import Path

TABLE = Path(__file__).parent / "cues.toml"

Patterns = tuple[tuple[str, re.Pattern[str]], ...]


@lru_cache(maxsize=1024)  # a sentence is looked at for what it asks, for its mood, and beside its neighbours
def acts(folded: str) -> tuple[str, ...]:
    """What a sentence does, of a text that is folded."""
    return tuple(name for name, pattern in _patterns("acts") if pattern.search(folded))


@lru_cache(maxsize=64)  # the same text is looked at for its class, its stage, its tricks
def topics(folded: str) -> tuple[str, ...]:
    """What a text is about, of a text that is folded."""
    return tuple(name for name, pattern in _patterns("topics") if pattern.search(folded))


def titles(folded: str) -> list[str]:
    """What somebody's signature says they do."""
    return [name for name, pattern in _patterns("titles") if pattern.search(folded)]


def tallied(folded: str) -> dict[str, int]:
    """How often each topic comes up."""
    counts = {name: len(pattern.findall(folded)) for name, pattern in _patterns("topics")}
    return {name: count for name, count in counts.items() if count}


@lru_cache(maxsize=3)
def _patterns(kind: str) -> Patterns:
    table: dict[str, list[str]] = tomllib.loads(TABLE.read_text())[kind]
    return tuple((name, re.compile(rf"\b(?:{'|'.join(cues)})(?!\w)")) for name, cues in table.items())
