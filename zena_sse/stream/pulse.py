"""Heartbeats and lifetimes of all streams, from one timer: a wheel of slots, each stream in one of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import ceil
from typing import Protocol

from zena_sse.stream.faults import report


class Beating(Protocol):
    """Something that wants to be looked at again at a certain time."""

    slot: int

    def beat(self, now: float) -> float | None:
        """Do what is due at `now`, on the pulse's clock; when to be called next, None for never."""


class Pulse:
    """Calls each stream when it is due, at most two `resolution`s (in seconds) late."""

    def __init__(self, clock: Callable[[], float], resolution: float) -> None:
        self._clock = clock
        self._resolution = resolution
        self._slots: dict[int, set[Beating]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._turn = 0
        self.now = clock()

    def start(self) -> None:
        """Begin to beat, on the running loop."""
        self._turn = self._number(self._clock())
        self._tick()

    def stop(self) -> None:
        """Beat no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def add(self, beating: Beating, due: float) -> None:
        """Call `beating.beat` at `due` or shortly after."""
        beating.slot = max(self._turn + 1, self._number(due))
        self._slots.setdefault(beating.slot, set()).add(beating)

    def remove(self, beating: Beating) -> None:
        """Never call it again."""
        if (slot := self._slots.get(beating.slot)) is not None:
            slot.discard(beating)

    def _tick(self) -> None:
        self.now = self._clock()
        self._timer = asyncio.get_running_loop().call_later(self._resolution, self._tick)
        reached = int(self.now / self._resolution)
        while self._turn < reached:
            self._turn += 1
            for beating in self._slots.pop(self._turn, ()):
                self._beat(beating)

    def _beat(self, beating: Beating) -> None:
        try:
            due = beating.beat(self.now)
        except Exception as error:  # one that fails must not stop the hearts of the others in its slot
            report("a stream's beat failed", error)
        else:
            if due is not None:
                self.add(beating, due)

    def _number(self, moment: float) -> int:
        return ceil(moment / self._resolution)
