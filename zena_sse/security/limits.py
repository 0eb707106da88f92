"""How often a caller may do something: so many times in a period, all of them at once if need be.

The `limits` library would do it too; its memory storage starts a thread for the clean-up after every hit,
which costs more than all the rest of opening a stream.
"""

from __future__ import annotations

from collections.abc import Callable

# Callers that are remembered before those whose share has grown back are forgotten.
REMEMBERED = 10_000

# Seconds that a sum of many periods may be off by.
ROUNDING = 1e-6


class Rate:
    """At most `times` in any `seconds` on average for each key, with a burst of as many (GCRA, ITU-T I.371).

    One number a key: when its share will have grown back whole.
    """

    def __init__(self, times: float, seconds: float, clock: Callable[[], float]) -> None:
        """`clock` counts seconds and never goes back."""
        self._each = seconds / times
        self._seconds = seconds
        self._clock = clock
        self._whole_at: dict[str, float] = {}
        self._sweep_at = REMEMBERED

    def take(self, key: str) -> float:
        """Use one up: 0.0, or, if there is none left, the seconds until there is."""
        now = self._clock()
        whole_at = max(now, self._whole_at.get(key, now)) + self._each
        if (wait := whole_at - now - self._seconds) > ROUNDING:
            return wait
        self._whole_at[key] = whole_at
        if len(self._whole_at) > self._sweep_at:
            self._sweep(now)
        return 0.0

    def _sweep(self, now: float) -> None:
        """Forget those who have their whole share; no oftener than after as many new ones again."""
        self._whole_at = {key: at for key, at in self._whole_at.items() if at > now}
        self._sweep_at = max(REMEMBERED, 2 * len(self._whole_at))
