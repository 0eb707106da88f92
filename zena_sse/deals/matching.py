"""Which deal a thread belongs to, and whom a new one is with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime

import msgspec

from zena_sse.deals.rows import DealRow, Side
from zena_sse.storage.port import Reader
from zena_sse.triage.triaged import Triaged

# People of a thread whose deals are looked for; a mail to a whole town must not become a thousand queries.
PEOPLE = 20
# Deals looked at of one person or property; nobody has more that are open.
CANDIDATES = 50


class Candidate(msgspec.Struct, frozen=True):
    """A deal that a thread might belong to."""

    deal_id: str
    property_id: str | None
    party: str
    side: Side
    closed_at: datetime | None
    last_message_at: datetime


def side_of(triaged: Triaged) -> Side | None:
    """The side that a thread's business is on; None for those that only help, and for noise."""
    if triaged.classification == "buyer":
        return "buyer"
    return "vendor" if triaged.classification == "vendor" else None


def party_of(triaged: Triaged) -> str | None:
    """Whom a thread is with: the first of those whose role is that of its business, or else the first."""
    people = triaged.findings.contacts
    principals = [person for person in people if person.role == triaged.classification]
    return next((person.email for person in [*principals, *people] if person.email), None)


def find_home(
    reader: Reader, triaged: Triaged, current: str | None, former: Sequence[DealRow] = ()
) -> str | None:
    """The deal that there is for a thread; `current` is the one it is in now, `former` are kept for it."""
    if triaged.classification == "noise":
        return None
    people = _people(triaged)
    found = _candidates(reader, triaged, people, current)
    side = side_of(triaged)
    if side is None:
        alive = [c for c in found if c.deal_id != current or has_business(reader, triaged, c.deal_id)]
        return _helped(alive, triaged.property_id, people, current)
    found = [*_kept(former, side, current, found), *found]
    if triaged.property_id is None:
        mine = {current, *(row.deal_id for row in former)}
        return _without_property(found, side, people, party_of(triaged), mine)
    return _on_property(found, triaged.property_id, side, people, party_of(triaged))


def has_business(reader: Reader, triaged: Triaged, deal_id: str) -> bool:
    """Whether somebody else's own business is in a deal: only then there is anything to help with."""
    found = reader.one(
        int,
        "SELECT 1 FROM threads WHERE user_id = :user_id AND deal_id = :deal_id AND thread_id <> :thread_id"
        " AND COALESCE(classification, 'buyer') IN ('buyer', 'vendor') LIMIT 1",
        user_id=triaged.user_id,
        deal_id=deal_id,
        thread_id=triaged.thread_id,
    )
    return found is not None


def searching_deals(reader: Reader, triaged: Triaged) -> list[str]:
    """Open deals of a thread's people, on its side, that have no property yet."""
    side, people = side_of(triaged), _people(triaged)
    found = _candidates(reader, triaged, people, None)
    return [c.deal_id for c in found if _searches(c, side, people)]


def _on_property(
    found: Sequence[Candidate], property_id: str, side: Side, people: AbstractSet[str], own: str | None
) -> str | None:
    here = [c for c in found if c.property_id == property_id]
    alive = [c for c in here if c.closed_at is None]
    return (
        _first(alive, lambda c: c.party == own or (c.side == side and c.party in people))
        # A property has one selling party, whichever of them writes, and whoever works for them.
        or _first(alive, lambda c: c.side == side == "vendor")
        or _first(here, lambda c: c.side == side and c.party in people)
        or _first(found, lambda c: _searches(c, side, people))
    )


def _without_property(
    found: Sequence[Candidate],
    side: Side,
    people: AbstractSet[str],
    own: str | None,
    mine: AbstractSet[str | None],
) -> str | None:
    """Where it is or was; or with those who search; or in what these people are about anyway."""
    return (
        _first(found, lambda c: c.deal_id in mine and (c.side == side or c.party == own))
        or _first(found, lambda c: _searches(c, side, people))
        or _first(found, lambda c: c.closed_at is None and c.side == side and c.party in people)
    )


def _helped(
    found: Sequence[Candidate], property_id: str | None, people: AbstractSet[str], current: str | None
) -> str | None:
    """The deal on a property that lawyers, banks and trades help with; a closed one keeps them."""
    here = [c for c in found if c.property_id is not None and c.property_id == property_id]
    alive = [c for c in here if c.closed_at is None]
    return (
        _first(alive, lambda c: c.party in people)
        or _first(alive, lambda c: c.side == "vendor")
        or _first(here, lambda c: c.deal_id == current)
    )


def _kept(
    former: Sequence[DealRow], side: Side, current: str | None, found: Sequence[Candidate]
) -> list[Candidate]:
    """Those deals that a thread has left which it may come back to: nobody has opened them anew."""
    anew = {(c.property_id, c.party, c.side) for c in found}
    return [
        Candidate(row.deal_id, row.property_id, row.party, row.side, row.closed_at, row.last_message_at)
        for row in former
        if (current is None or row.side == side) and (row.property_id, row.party, row.side) not in anew
    ]


def _first(found: Sequence[Candidate], fits: Callable[[Candidate], bool]) -> str | None:
    return next((c.deal_id for c in found if fits(c)), None)


def _searches(c: Candidate, side: Side | None, people: AbstractSet[str]) -> bool:
    return c.property_id is None and c.closed_at is None and c.side == side and c.party in people


def _people(triaged: Triaged) -> AbstractSet[str]:
    return frozenset([*triaged.contacts][:PEOPLE])


def _candidates(
    reader: Reader, triaged: Triaged, people: AbstractSet[str], current: str | None
) -> list[Candidate]:
    """Deals of the property, of the people, and where the thread is: that first, then the freshest."""
    found = reader.all(
        Candidate,
        "SELECT deal_id, property_id, party, side, closed_at, last_message_at FROM deals"
        " WHERE user_id = :user_id AND (property_id = :property_id OR deal_id = :current)"
        " ORDER BY last_message_at DESC LIMIT :most",
        user_id=triaged.user_id,
        property_id=triaged.property_id,
        current=current,
        most=CANDIDATES,
    )
    for party in sorted(people):
        found += reader.all(
            Candidate,
            "SELECT deal_id, property_id, party, side, closed_at, last_message_at FROM deals"
            " WHERE user_id = :user_id AND party = :party ORDER BY last_message_at DESC LIMIT :most",
            user_id=triaged.user_id,
            party=party,
            most=CANDIDATES,
        )
    unique = {candidate.deal_id: candidate for candidate in found}.values()
    freshest = sorted(unique, key=lambda c: (c.last_message_at, c.deal_id), reverse=True)
    return sorted(freshest, key=lambda c: c.deal_id != current)
