"""One-use tickets: how a page that can set neither a header nor a cookie opens a stream.

A ticket stands in an address, so it ends up in access logs; being good for one connect within seconds is
what makes that harmless.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from zena_sse.errors import TooManyRequests, Unauthenticated
from zena_sse.security.principal import Principal

LIFETIME = timedelta(seconds=30)  # enough to open a connection on a bad network

# 53 MB when full, measured; a client that connects at once leaves its ticket here for milliseconds.
MOST_TICKETS = 100_000

TICKET_BYTES = 32


class Tickets:
    """The tickets of one server, in memory; used from the event loop only.

    `random` makes an unguessable text of so many random bytes: `secrets.token_urlsafe`.
    """

    def __init__(
        self,
        clock: Callable[[], datetime],
        random: Callable[[int], str],
        lifetime: timedelta = LIFETIME,
        most: int = MOST_TICKETS,
    ) -> None:
        self._clock = clock
        self._random = random
        self._lifetime = lifetime
        self._most = most
        # In the order of issue, which is nearly that of expiry: the sweep looks at the oldest only.
        # (A plain dict walks over all that it deleted before it finds its first key.)
        self._issued: OrderedDict[str, tuple[Principal, datetime]] = OrderedDict()

    def issue(self, principal: Principal) -> tuple[str, datetime]:
        """A new ticket and when it expires. Raises `TooManyRequests` when too many are unused."""
        now = self._clock()
        self._sweep(now)
        if len(self._issued) >= self._most:
            raise TooManyRequests("Too many tickets are unused; try again in a moment.")
        ticket = self._random(TICKET_BYTES)
        # A ticket is no way to outlive the credential that it was bought with.
        expires_at = min(now + self._lifetime, principal.expires_at)
        self._issued[ticket] = (principal, expires_at)
        return ticket, expires_at

    def redeem(self, ticket: str) -> Principal:
        """Whom this ticket was issued to, once. Raises `Unauthenticated`."""
        principal, expires_at = self._issued.pop(ticket, (None, None))
        if principal is None or expires_at is None or expires_at <= self._clock():
            # One answer to all three: a stranger learns nothing about which tickets were real.
            raise Unauthenticated("This ticket is unknown, used or expired; get another one.")
        return msgspec.structs.replace(principal, how="ticket")

    def _sweep(self, now: datetime) -> None:
        while self._issued:
            oldest = next(iter(self._issued))
            if self._issued[oldest][1] > now:
                return
            del self._issued[oldest]
