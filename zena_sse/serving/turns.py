"""Ends the turn of the loop for every stream that sent something in it, with one callback for them all."""

from __future__ import annotations

import asyncio
from typing import Protocol


class Turning(Protocol):
    """A stream that gathers what it sends within a turn."""

    def end_turn(self) -> None:
        """Send it."""


class Turns:
    """The streams whose turn is open."""

    __slots__ = ("_open",)

    def __init__(self) -> None:
        self._open: list[Turning] = []

    def append(self, stream: Turning) -> None:
        """End this stream's turn when the loop has done all that is ready now."""
        if not self._open:
            asyncio.get_running_loop().call_soon(self._end)
        self._open.append(stream)

    def _end(self) -> None:
        streams, self._open = self._open, []
        for stream in streams:
            try:
                stream.end_turn()
            except Exception as error:  # the others' turns must end all the same
                context = {"message": "a turn failed to end", "exception": error}
                asyncio.get_running_loop().call_exception_handler(context)
