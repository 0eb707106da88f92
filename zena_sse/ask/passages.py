"""What an answer may rest on: passages of the mail, and the port to whoever retrieves them."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

import msgspec

from zena_sse.ask.answering import Inquiry
from zena_sse.contract.events import Source


class Passage(msgspec.Struct, frozen=True, kw_only=True):
    """Something somebody wrote, and where it stands. `said_by` is a name, or an address."""

    source: Source
    text: str
    said_by: str
    at: datetime


class Retrieval(Protocol):
    """Finds what a question may be answered from."""

    async def passages(self, inquiry: Inquiry) -> list[Passage]:
        """The passages, the best first; none if nothing has to do with the question."""
