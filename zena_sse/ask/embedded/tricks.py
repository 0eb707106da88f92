"""Mail that is not what it says it is: an answer warns of it and does not repeat it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from zena_sse.ask.embedded.choosing import grouped
from zena_sse.ask.embedded.composing import (
    NAMED,
    Composed,
    attributed,
    statement_source,
    thread_source,
    unique_sources,
)
from zena_sse.ask.embedded.gathering import Material, Thread
from zena_sse.ask.embedded.phrasing import short_day
from zena_sse.ask.embedded.statements import Statement
from zena_sse.ask.embedded.weighing import Scored
from zena_sse.mail.content.message import cut

# Who asks whether mail can be trusted means one that is so likely beside the best of all.
DOUBTED = 0.1
# Sentences of honest mail that go with a warning.
WARNED = 4
# What gives a mail away that must not be believed (triage says it).
TRICKS = (
    "written to look like",
    "speaks to a machine",
    "marked as spam",
    "an address that looks like another",
    "the sender could not be verified",
)

# Digits of an account or a phone, however they are grouped.
_ACCOUNT = re.compile(r"\d(?:[\s./-]?\d){6,}")

# The same as a sentence goes on.
TO_MACHINES = "speaks to a machine, not to you"
REASONS = {
    TO_MACHINES: "gives orders to a machine instead of writing to you",
    "an address that looks like another": "comes from an address that looks like another",
    "the sender could not be verified": "is from a sender who could not be verified",
    "marked as spam": "was marked as spam",
}


def is_trick(thread: Thread) -> bool:
    """A mail that is not what it says it is."""
    return thread.classification == "noise" and any(reason.startswith(TRICKS) for reason in thread.evidence)


def warn(material: Material, everything: Sequence[Scored]) -> Thread | None:
    """The mail that is asked about, if it is a trick."""
    tricks = [one for one in everything if is_trick(material.threads[one.statement.thread])]
    if not tricks:
        return None
    best = tricks[0]
    asked_about_trust = "trust" in material.asked.wants
    if best is everything[0] or (asked_about_trust and best.chance > DOUBTED * everything[0].chance):
        return material.threads[best.statement.thread]
    return None


def compose_warning(material: Material, thread: Thread, chosen: list[Statement]) -> Composed:
    """What is wrong with it, and what honest mail says to the question."""
    sender = thread.messages[-1].sender
    when = short_day(thread.messages[-1].date.astimezone(material.now.tzinfo).date())
    reason = next(reason for reason in thread.evidence if reason.startswith(TRICKS))
    head = (
        f"That mail looks suspicious: {_called(thread, reason)} from {cut(sender.email, NAMED)} ({when})"
        f" {_reason(reason)}. It may be fraud: don't act on it, reply or click."
        " Check by phone with somebody you know."
    )
    groups = grouped(chosen[:WARNED])
    lines = [attributed(material, group) for group in groups]
    sources = unique_sources(
        [
            thread_source(thread, f"It {_reason(reason)}.", thread.messages[-1].key),
            *(statement_source(material, group[0]) for group in groups),
        ]
    )
    return Composed(pieces=(head, *(f"\n{line}" for line in lines)), found=True, sources=sources)


def _called(thread: Thread, reason: str) -> str:
    """The subject without what it may do harm by: an account to pay to, an order to whatever reads it."""
    if reason == TO_MACHINES:
        return "the one"
    return f"“{cut(_ACCOUNT.sub('…', thread.subject), NAMED)}”"


def _reason(reason: str) -> str:
    return REASONS.get(reason, f"is {reason}")
