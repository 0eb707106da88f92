"""What this room knows of a language model: a text goes in, a text comes out, or one of a few troubles."""

from __future__ import annotations

from typing import Protocol

import msgspec


class Prompt(msgspec.Struct, frozen=True):
    """What a model is given: our own words, and the mail as one JSON document."""

    system: str
    user: str


class Model(Protocol):
    """A language model that is asked one thing at a time."""

    async def answer(self, prompt: Prompt) -> str:
        """What it says. Raises `Unavailable`, `Refused`, `Unusable`, `InvalidAnswer`."""

    async def close(self) -> None:
        """Give back what it holds."""


class ModelTrouble(Exception):
    """There is no answer. The text says why; it holds nothing of the mail, the answer or the key."""


class Unavailable(ModelTrouble):
    """It may answer later; `retry_after` is after how many seconds, if it says so."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class Refused(ModelTrouble):
    """It does not take this very question, now or later."""


class Unusable(ModelTrouble):
    """It takes no question at all until somebody changes `setting`."""

    def __init__(self, reason: str, setting: str) -> None:
        super().__init__(reason)
        self.setting = setting


class InvalidAnswer(ModelTrouble):
    """It answered something that is no verdict."""
