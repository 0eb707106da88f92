"""A circuit breaker: who has failed again and again is left alone for a while, then asked once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

State = Literal["closed", "half-open", "open"]

# So many failures in a row are no accident.
FAILURES = 5
# A server that restarts or sheds load is back after this.
OPEN_SECONDS = 60.0


class BreakerOpen(Exception):
    """Nobody is to be asked now."""


class Breaker:
    """Closed: everybody may ask. Open: nobody, for a while. Half-open: one, whose luck decides.

    Each question is `enter`, then `succeed`, `fail` or `trip`, and always `leave`.
    """

    def __init__(self, monotonic: Callable[[], float], most: int = FAILURES) -> None:
        """Opens after `most` failures in a row."""
        self._monotonic = monotonic
        self._most = most
        self._failures = 0
        self._until: float | None = None  # None: closed
        self._probed = False

    @property
    def state(self) -> State:
        """As it is now."""
        if self._until is None:
            return "closed"
        return "open" if self._monotonic() < self._until else "half-open"

    @property
    def admits(self) -> bool:
        """Whether `enter` would let somebody in."""
        return self.state == "closed" or (self.state == "half-open" and not self._probed)

    def seconds_left(self) -> float:
        """For how long it stays open."""
        return 0.0 if self._until is None else max(0.0, self._until - self._monotonic())

    def enter(self) -> None:
        """Somebody asks. Raises `BreakerOpen`."""
        if not self.admits:
            raise BreakerOpen
        self._probed = self.state == "half-open"

    def succeed(self) -> None:
        """There was an answer."""
        self._failures, self._until = 0, None

    def fail(self) -> None:
        """There was none. Questions that were out when it opened do not keep it open for longer."""
        self._failures += 1
        if self.state == "half-open" or (self.state == "closed" and self._failures >= self._most):
            self.trip(OPEN_SECONDS)

    def trip(self, seconds: float) -> None:
        """Asking makes no sense for so long."""
        self._until = max(self._until or 0.0, self._monotonic() + seconds)

    def leave(self) -> None:
        """Whoever asked is done, with an answer or without."""
        self._probed = False
