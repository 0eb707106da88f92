"""Moments as they cross the wire and are stored: RFC 3339, UTC, in milliseconds."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated

import msgspec

# An aware datetime.
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


def timestamp(moment: datetime) -> str:
    """`2026-11-20T09:00:00.120Z`; sorts as text."""
    return _spelled(moment.astimezone(UTC))


@lru_cache(maxsize=16)  # all that is written together is written at one moment
def _spelled(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
