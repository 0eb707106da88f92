"""Ways to ask a model: not all servers know schemas, not all models let themselves be steadied."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from zena_sse.language.model import Refused

T = TypeVar("T")

# What is asked for beside the question.
Manner = Mapping[str, Any]


class Manners:
    """Asks in the best way that is taken, and remembers which that was."""

    def __init__(self) -> None:
        self._taken = 0

    async def ask(self, manners: Sequence[Manner], asking: Callable[[Manner], Awaitable[T]]) -> T:
        """What comes of it, asked in the first way that is taken. Raises `Refused` if none is."""
        for number in range(self._taken, len(manners)):
            try:
                answer = await asking(manners[number])
            except Refused:
                if number == len(manners) - 1:
                    raise
            else:
                self._taken = number
                return answer
        raise AssertionError("the last manner is answered or refused")
