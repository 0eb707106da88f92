"""Mail that gives itself away: by its headers, by whom it pretends to be from, by talking to machines."""

from __future__ import annotations

from collections.abc import Iterable

from zena_sse.triage.analysis.circle import Circle
from zena_sse.triage.analysis.conversation import Conversation
from zena_sse.triage.analysis.cues import topics
from zena_sse.triage.analysis.features import fold, joined
from zena_sse.triage.analysis.senders import domain_of, header_facts, is_machine

# Headers that only programs and lists put there.
_PROGRAM = frozenset(
    (
        "header:generated",
        "header:list-unsubscribe",
        "header:list-id",
        "header:precedence",
        "header:feedback-id",
    )
)


def giveaway(conversation: Conversation, circle: Circle) -> str | None:
    """Why this is noise beyond doubt; None when it may be anything. Somebody the agent wrote to is heard."""
    theirs = [turn for turn in conversation.others if not turn.automatic]
    if not theirs or any(turn.side == "agent" for turn in conversation.turns):
        return None
    first = theirs[0].message
    facts = set(header_facts(first))
    said = set(topics(fold(joined(theirs))))
    is_stranger = first.sender.email not in circle.known.correspondents
    is_outside = is_stranger and domain_of(first.sender.email) not in circle.own_domains
    pretended = circle.impersonated(domain_of(first.sender.email))
    reasons = {
        "marked as spam": "header:spam" in facts,
        f"written to look like {pretended}": pretended and ("header:unverified" in facts or "scam" in said),
        "speaks to a machine, not to you": is_stranger and "order-to-machine" in said,
        "sent by a program or to a list": is_outside and bool(facts & _PROGRAM),
        "sent by a program": is_outside and is_machine(first.sender.email) and "machine" in said,
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


# What makes a mail that names an address another than somebody's business.
_DOUBTFUL = frozenset(
    (
        *(
            "c:pitch",
            "c:scam",
            "c:machine",
            "c:order-to-machine",
            "c:intimate",
            "to:nobody",
            "links:1",
            "links:2",
        ),
        *("from:machine", "from:impostor", "from:namesake", "trade:crowd", "named:crowd"),
    )
)


def is_about_a_house(facts: Iterable[str]) -> bool:
    """Does a person write to the agent about an address, and sells nothing? That is never in vain.

    In the mail that was learned from, 99 such threads are somebody's business and 2 are noise.
    """
    found = set(facts)
    doubtful = found & _DOUBTFUL or any(fact.startswith("header:") for fact in found)
    return "has:address" in found and not doubtful


def from_office(conversation: Conversation, circle: Circle) -> bool:
    """Does a colleague write, and nobody who only says so?"""
    theirs = [turn.message for turn in conversation.others if not turn.automatic]
    return any(
        domain_of(message.sender.email) in circle.own_domains
        and not is_machine(message.sender.email)
        and not {"header:unverified", "header:generated", *_PROGRAM} & set(header_facts(message))
        for message in theirs
    )
