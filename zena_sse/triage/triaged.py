"""A thread as triage leaves it: what deals and tasks follow."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from zena_sse.contract.events import Category, Classification, NextActionOwner, Stage
from zena_sse.triage.analysis.findings import Findings


class Triaged(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in the thread's row now; the agent's corrections have been applied to it.

    `settled`: nobody owes anything. `property` is the address as people write it. `contacts` maps addresses
    of people outside to their ids. `last_side` says who wrote last.
    """

    user_id: str
    thread_id: str
    subject: str
    findings: Findings
    classification: Classification
    category: Category
    owner: NextActionOwner
    settled: bool
    stage: Stage | None
    concern: str | None
    property_id: str | None
    property: str | None
    contacts: dict[str, str]
    last_message_at: datetime
    last_side: Literal["agent", "other"]
    command_id: str | None = None
