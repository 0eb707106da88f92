"""Reading deals: those that are open, and one with its timeline."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import msgspec

from zena_sse.contract.events import NextActionOwner, RiskLevel, Stage
from zena_sse.contract.moments import timestamp
from zena_sse.contract.places import decode_place, encode_place
from zena_sse.deals.membership import threads_of
from zena_sse.deals.rows import Kind, Side
from zena_sse.errors import NotFound
from zena_sse.storage.port import Reader

# What is given of a deal with a long history: the newest, which is what anybody looks for.
TIMELINE_ENTRIES = 200
DEAL_THREADS = 200
# No page has so many; an agent with more open deals than this has other troubles.
EVERY_DEAL = 5000


class DealItem(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A deal in a list."""

    deal_id: str
    property_id: str | None
    property: str | None
    side: Side
    party: str
    contact_id: str | None
    stage: Stage
    stage_since: datetime
    next_action_owner: NextActionOwner
    summary: str
    risk_level: RiskLevel
    risk_flags: list[str]
    risk_reason: str
    concern: str | None
    last_message_at: datetime
    opened_at: datetime
    closed_at: datetime | None


class DealPage(msgspec.Struct, frozen=True, rename="camel"):
    """Some deals; `next` goes into `after` for those that follow, null: there are no more."""

    deals: list[DealItem]
    next: str | None


class TimelineEntry(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Something that happened to a deal, why, and the thread that told."""

    at: datetime
    kind: Kind
    stage: Stage | None
    level: RiskLevel | None
    reason: str
    thread_id: str | None


class DealDetail(DealItem, frozen=True, kw_only=True, rename="camel"):
    """A deal with its timeline, the oldest first, and the ids of its threads, the newest first."""

    timeline: list[TimelineEntry]
    threads: list[str]


class _Place(NamedTuple):
    """Where a page ended: keys of the last deal on it."""

    rank: int
    at: str
    deal_id: str


_BEGINNING = _Place(-1, "", "")


def list_deals(reader: Reader, user_id: str, limit: int, after: str | None = None) -> DealPage:
    """A page of a user's open deals: the highest risk, then the longest silence. Raises `InvalidQuery`."""
    place = _BEGINNING if after is None else decode_place(after, _Place)
    found = _open_deals(reader, user_id, limit + 1, place)
    shown = found[:limit]
    return DealPage([row.item() for row in shown], _next(shown[-1]) if len(found) > limit else None)


def snapshot_deals(reader: Reader, user_id: str) -> list[DealItem]:
    """All open deals."""
    return [row.item() for row in _open_deals(reader, user_id, EVERY_DEAL, _BEGINNING)]


def get_deal(reader: Reader, user_id: str, deal_id: str) -> DealDetail:
    """A deal, open or closed, with its timeline. Raises `NotFound`, for somebody else's too."""
    row = reader.one(
        _Row,
        "SELECT deals.deal_id, deals.property_id, properties.number || ' ' || properties.street ||"
        " CASE WHEN properties.suburb IS NULL THEN '' ELSE ', ' || properties.suburb END AS property,"
        " deals.side, COALESCE(NULLIF(contacts.name, ''), deals.party) AS party, contacts.contact_id,"
        " deals.stage, deals.stage_at, deals.next_action_owner, deals.summary, deals.risk_level,"
        " deals.risk_flags, deals.risk_reason, deals.concern, deals.last_message_at, deals.opened_at,"
        " deals.closed_at, 0 AS rank FROM deals"
        " LEFT JOIN contacts ON contacts.user_id = deals.user_id AND contacts.email = deals.party"
        " LEFT JOIN properties ON properties.property_id = deals.property_id"
        " WHERE deals.user_id = :user_id AND deals.deal_id = :deal_id",
        user_id=user_id,
        deal_id=deal_id,
    )
    if row is None:
        raise NotFound("There is no such deal.")
    return DealDetail(
        **msgspec.structs.asdict(row.item()),
        timeline=_timeline(reader, user_id, deal_id),
        threads=threads_of(reader, user_id, deal_id, DEAL_THREADS),
    )


class _Row(msgspec.Struct, kw_only=True):
    deal_id: str
    property_id: str | None
    property: str | None
    side: Side
    party: str
    contact_id: str | None
    stage: Stage
    stage_at: datetime
    next_action_owner: NextActionOwner
    summary: str
    risk_level: RiskLevel
    risk_flags: str
    risk_reason: str
    concern: str | None
    last_message_at: datetime
    opened_at: datetime
    closed_at: datetime | None
    rank: int

    def item(self) -> DealItem:
        """As its user sees it."""
        return DealItem(
            deal_id=self.deal_id,
            property_id=self.property_id,
            property=self.property,
            side=self.side,
            party=self.party,
            contact_id=self.contact_id,
            stage=self.stage,
            stage_since=self.stage_at,
            next_action_owner=self.next_action_owner,
            summary=self.summary,
            risk_level=self.risk_level,
            risk_flags=msgspec.json.decode(self.risk_flags, type=list[str]),
            risk_reason=self.risk_reason,
            concern=self.concern,
            last_message_at=self.last_message_at,
            opened_at=self.opened_at,
            closed_at=self.closed_at,
        )


def _open_deals(reader: Reader, user_id: str, most: int, place: _Place) -> list[_Row]:
    """Open deals after a place, the worst first, of those that are as bad the longest silent."""
    return reader.all(
        _Row,
        "SELECT * FROM (SELECT deals.deal_id, deals.property_id,"
        " properties.number || ' ' || properties.street ||"
        " CASE WHEN properties.suburb IS NULL THEN '' ELSE ', ' || properties.suburb END AS property,"
        " deals.side, COALESCE(NULLIF(contacts.name, ''), deals.party) AS party, contacts.contact_id,"
        " deals.stage, deals.stage_at, deals.next_action_owner, deals.summary, deals.risk_level,"
        " deals.risk_flags, deals.risk_reason, deals.concern, deals.last_message_at, deals.opened_at,"
        " deals.closed_at, CASE deals.risk_level WHEN 'high' THEN 0 WHEN 'medium' THEN 1 WHEN 'low' THEN 2"
        " ELSE 3 END AS rank FROM deals"
        " LEFT JOIN contacts ON contacts.user_id = deals.user_id AND contacts.email = deals.party"
        " LEFT JOIN properties ON properties.property_id = deals.property_id"
        " WHERE deals.user_id = :user_id AND deals.closed_at IS NULL) AS alive"
        " WHERE (rank, last_message_at, deal_id) > (:rank, :at, :deal_id)"
        " ORDER BY rank, last_message_at, deal_id LIMIT :most",
        user_id=user_id,
        rank=place.rank,
        at=place.at,
        deal_id=place.deal_id,
        most=most,
    )


def _timeline(reader: Reader, user_id: str, deal_id: str) -> list[TimelineEntry]:
    newest = reader.all(
        TimelineEntry,
        # What a thread said that has turned out to be about something else does not count.
        'SELECT at, kind, stage, level, reason, thread_id AS "threadId" FROM deal_entries AS entries'
        " WHERE user_id = :user_id AND deal_id = :deal_id AND (kind = 'opened' OR thread_id IS NULL"
        " OR EXISTS (SELECT 1 FROM threads WHERE threads.user_id = entries.user_id"
        " AND threads.thread_id = entries.thread_id AND threads.deal_id = entries.deal_id))"
        " ORDER BY at DESC, number DESC LIMIT :most",
        user_id=user_id,
        deal_id=deal_id,
        most=TIMELINE_ENTRIES,
    )
    return newest[::-1]


def _next(row: _Row) -> str:
    return encode_place(_Place(row.rank, timestamp(row.last_message_at), row.deal_id))
