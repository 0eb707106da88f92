"""What corrections teach: a sender who was corrected once is known from then on, and so is their company."""

from __future__ import annotations

from collections.abc import Sequence

from zena_sse.contract.events import Classification
from zena_sse.triage.analysis.conversation import Conversation
from zena_sse.triage.analysis.senders import domain_of, is_freemail

# How many corrections of one sender turn the classification: one of the person, two of the company.
_PERSON, _COMPANY = 6.0, 3.0


def identity(conversation: Conversation) -> tuple[str, ...]:
    """Who a thread is with: what a correction of it is remembered by."""
    people = [turn.message.sender.email for turn in conversation.others if turn.message.sender.email]
    domains = [domain_of(address) for address in people if not is_freemail(domain_of(address))]
    return (
        *(f"person:{address}" for address in dict.fromkeys(people)),
        *(f"company:{domain}" for domain in dict.fromkeys(domains)),
    )


def taught(
    corrections: Sequence[tuple[tuple[str, ...], Classification]], found: Sequence[str]
) -> dict[str, float]:
    """What to add to the score of each class. Of corrections of the same sender the first, newest, counts."""
    gains: dict[str, float] = {}
    for name in found:
        right = next((right for names, right in corrections if name in names), None)
        if right is not None:
            gains[right] = gains.get(right, 0.0) + (_PERSON if name.startswith("person:") else _COMPANY)
    return gains
