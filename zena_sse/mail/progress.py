"""How far a run has come, told at a pace that a person can follow."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Set as AbstractSet

from zena_sse.contract.events import Event, SyncProgress
from zena_sse.mail.runs import Run

# Seconds between two events of one run.
PACE = 0.2


class Progress:
    """Counts threads.

    `processedThreads` are those that the run has touched; `totalThreads` adds one for each message still to
    come, since it belongs to one more thread at most. So the first only grows, the second only shrinks, and
    at the end they are equal.
    """

    def __init__(
        self, run: Run, announce: Callable[[str, Event], None], monotonic: Callable[[], float]
    ) -> None:
        self._run = run
        self._remaining = 0
        self._announce = announce
        self._monotonic = monotonic
        self._told_at: float | None = None
        self.threads: frozenset[str] = frozenset()

    def expect(self, messages: int) -> None:
        """So many messages are to be read."""
        self._remaining = messages

    def advance(self, messages: int, threads: AbstractSet[str]) -> None:
        """So many messages are done; they touched these threads. Told unless the last time was just now."""
        self._remaining -= messages
        self.threads |= threads
        now = self._monotonic()
        if not self._remaining or self._told_at is None or now - self._told_at >= PACE:
            self._told_at = now
            self._tell()

    def _tell(self) -> None:
        processed = len(self.threads)
        event = SyncProgress(
            sync_id=self._run.sync_id,
            account_id=self._run.account_id,
            total_threads=processed + self._remaining,
            processed_threads=processed,
        )
        self._announce(self._run.user_id, event)
