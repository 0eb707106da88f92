"""Ends the turn of the loop for every stream that holds something back, with one callback for them all."""

from __future__ import annotations

import asyncio
from typing import Protocol

from zena_sse.stream.faults import report


class Turning(Protocol):
    """A stream that holds back what it is sent after the first in a turn."""

    def end_turn(self) -> None:
        """Send what it holds."""


class Turns:
    """Counts the turns in which something was sent; `number` is the present one's."""

    __slots__ = ("_holding", "is_open", "number")

    def __init__(self) -> None:
        self.number = 1
        self.is_open = False
        self._holding: list[Turning] = []

    def open(self) -> None:
        """The turn's first frame is sent: it ends when the loop has done all that is ready now."""
        self.is_open = True
        asyncio.get_running_loop().call_soon(self._end)

    def hold(self, stream: Turning) -> None:
        """Call this stream when the turn ends."""
        self._holding.append(stream)

    def _end(self) -> None:
        self.is_open = False
        self.number += 1
        streams, self._holding = self._holding, []
        for stream in streams:
            try:
                stream.end_turn()
            except Exception as error:  # the others' turns must end all the same
                report("a turn failed to end", error)
