"""What is known of a language model: a text goes in, a text comes out, or one of a few troubles."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Annotated, Any, Literal, Protocol, TypeAlias

import msgspec


class Prompt(msgspec.Struct, frozen=True):
    """What a model is given: our own words, and the mail as one JSON document."""

    system: str
    user: str


class Form(msgspec.Struct, frozen=True):
    """What an answer must look like: a JSON schema and its name."""

    name: str
    schema: dict[str, Any]


class Model(Protocol):
    """A language model that is asked one thing at a time."""

    async def answer(self, prompt: Prompt, form: Form) -> str:
        """What it says. Raises `Unavailable`, `Refused`, `Unusable`, `InvalidAnswer`."""


class Turn(msgspec.Struct, frozen=True):
    """Something said in a conversation with a model."""

    role: Literal["system", "user", "assistant"]
    content: str


class Usage(msgspec.Struct, frozen=True):
    """The tokens that an answer took: read, and written."""

    prompt_tokens: Annotated[int, msgspec.Meta(ge=0)] = 0
    completion_tokens: Annotated[int, msgspec.Meta(ge=0)] = 0


Speech: TypeAlias = AsyncGenerator[str | Usage, None]


class Speaker(Protocol):
    """A language model that speaks as it thinks."""

    def stream(self, turns: Sequence[Turn]) -> Speech:
        """What it says next, in pieces that are never empty; at last `Usage`, if it is told.

        Closing the iterator closes the model's connection at once. Raises `Unavailable`, `Refused`,
        `Unusable`, `InvalidAnswer`.
        """


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
    """It answered something that cannot be used: not what was asked for, or not to its end."""
