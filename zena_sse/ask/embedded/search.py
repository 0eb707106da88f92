"""What the room knows of the search index: a port, whose adapter depends on the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol, TypeAlias

import msgspec

from zena_sse.storage.port import Reader

Kind: TypeAlias = Literal["message", "thread", "deal", "task", "contact"]


class Hit(msgspec.Struct, frozen=True):
    """A document that was found; a higher score is a better one."""

    kind: Kind
    id: str
    score: float


class Search(Protocol):
    """Finds documents of one user by words; each word is found with its endings, without case and accents."""

    def all_of(self, reader: Reader, user_id: str, words: Sequence[str], kind: Kind, most: int) -> list[Hit]:
        """Documents that have all of these words, the best first."""

    def any_of(self, reader: Reader, user_id: str, words: Sequence[str], kind: Kind, most: int) -> list[Hit]:
        """Documents that have any of these words, the best first."""

    def count(self, reader: Reader, user_id: str, word: str, kind: Kind, most: int) -> int:
        """How many documents have this word; counting stops at `most`."""
