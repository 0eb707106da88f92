"""Who is told to slow down: those who hammer, each by themselves; and how fast streams are taken in."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil

from zena_sse.errors import Overloaded, TooManyRequests
from zena_sse.security.limits import Rate
from zena_sse.settings import Settings

MINUTE = 60.0

# Each of a user's streams may be opened anew once a second; a client that heeds `retry:` stays far below.
OPENS_PER_STREAM = 60

# A person clicks some times a second at most; an offline queue is replayed in batches of a hundred.
REQUESTS_PER_MINUTE = 6_000

# A client with a bad credential should ask its user; whoever tries many is guessing.
FAILURES_PER_MINUTE = 300


class Limits:
    """The rates of one server."""

    def __init__(self, settings: Settings, clock: Callable[[], float]) -> None:
        """`clock` counts seconds and never goes back."""
        opens = settings.streams_per_user * OPENS_PER_STREAM
        # Two seconds' worth at once: a deploy's reconnects come in waves.
        self._admissions = Rate(2 * settings.streams_per_second, 2.0, clock)
        self._opens = Rate(opens, MINUTE, clock)
        self._tickets = Rate(opens, MINUTE, clock)
        self._requests = Rate(REQUESTS_PER_MINUTE, MINUTE, clock)
        self._failures = Rate(FAILURES_PER_MINUTE, MINUTE, clock)

    def admit_stream(self) -> None:
        """One more stream of anybody. Raises `Overloaded`."""
        if self._admissions.take(""):
            raise Overloaded

    def open_stream(self, user_id: str) -> None:
        """One more stream of this user. Raises `TooManyRequests`."""
        _wait("Streams are opened too often", self._opens.take(user_id))

    def issue_ticket(self, user_id: str) -> None:
        """One more ticket for a stream of this user. Raises `TooManyRequests`."""
        _wait("Tickets are asked for too often", self._tickets.take(user_id))

    def request(self, user_id: str) -> None:
        """One more request that changes something. Raises `TooManyRequests`."""
        _wait("Too many requests", self._requests.take(user_id))

    def bad_credential(self, address: str | None) -> None:
        """One more bad credential from there; good ones go on. Raises `TooManyRequests`."""
        if address is not None:
            _wait("Too many bad credentials", self._failures.take(address))


def _wait(what: str, seconds: float) -> None:
    if seconds:
        raise TooManyRequests(f"{what}; try again in {ceil(seconds)} s.", retry_after=seconds)
