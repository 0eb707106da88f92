"""What is found in one thread: plain values, cheap to send from one process to another."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

import msgspec

from zena_sse.contract.events import Category, Classification, NextActionOwner, Stage

Role = Literal["buyer", "vendor", "market", "other"]
# Who owes the next move; nobody does in a matter that is closed.
Owing = Literal["agent", "other", "nobody"]


class Mention(msgspec.Struct, frozen=True):
    """An address somebody wrote: `number` may be missing ("in High Street"), the suburb often is."""

    street: str
    number: str | None = None
    suburb: str | None = None


class Contact(msgspec.Struct, frozen=True):
    """Somebody outside, as the thread shows them; `phone` as it is written internationally."""

    name: str
    email: str
    phone: str | None = None
    role: Role | None = None


class Ask(msgspec.Struct, frozen=True):
    """Something the agent must do. `evidence` is verbatim from the message with this key."""

    label: str
    evidence: str
    message_key: str
    due: date | None = None
    contact: str | None = None  # the address of whom it is for


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """What is found in a thread.

    `confidence` (0 to 1) and `evidence` belong to the classification. `stage` is that of the deal, None where
    there can be none; `stage_at` is when a message brought it there, `stage_reason` its words. `concern` is
    verbatim. `mentions` are ordered, the telling ones first. `certain`: headers or a trick give the mail
    away, nobody else needs to be asked. `features` are whom it is with, for learning from a correction.
    """

    classification: Classification
    confidence: float
    evidence: tuple[str, ...]
    owing: Owing
    stage: Stage | None = None
    stage_at: datetime | None = None
    stage_reason: str = ""
    concern: str | None = None
    mentions: tuple[Mention, ...] = ()
    contacts: tuple[Contact, ...] = ()
    asks: tuple[Ask, ...] = ()
    summary: str = ""
    certain: bool = False
    features: tuple[str, ...] = ()

    @property
    def owner(self) -> NextActionOwner:
        """As the contract tells it: whatever the agent does not owe waits on others."""
        return "agent" if self.owing == "agent" else "other"

    @property
    def category(self) -> Category:
        """Focus: what the agent owes."""
        return "focus" if self.owing == "agent" else "waiting"


class Known(msgspec.Struct, frozen=True):
    """What is known of a user beside the thread: whom they have written to, what they corrected.

    `own` are the user's addresses; `correspondents` maps addresses the user has written to their names;
    `streets` are those of the user's properties, which people name in short;
    `taught` are corrections, as what a thread was judged by and what is right.
    """

    own: frozenset[str]
    correspondents: dict[str, str] = msgspec.field(default_factory=dict)
    streets: tuple[str, ...] = ()
    taught: tuple[tuple[tuple[str, ...], Classification], ...] = ()
