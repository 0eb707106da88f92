"""Reading threads: lists, one with its messages, the snapshot's share; and that somebody looked at one."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, LiteralString, NamedTuple

import msgspec

from zena_sse.contract.commands import ThreadView, ViewedAt
from zena_sse.contract.events import (
    Category,
    Classification,
    NextActionOwner,
    RiskLevel,
    Stage,
    ThreadViewed,
)
from zena_sse.contract.moments import timestamp
from zena_sse.contract.places import decode_place, encode_place
from zena_sse.dispatch import Caller
from zena_sse.errors import InvalidQuery, NotFound
from zena_sse.mail.content.message import Address, Attachment, Message
from zena_sse.storage.port import Reader, Transaction

Which = Literal["all", "focus", "waiting"]

SNAPSHOT_THREADS = 500
# What an agent can do next; a longer list is not looked at.
FOCUS_THREADS = 10
# Messages given of one thread, the newest: a body may have megabytes, and nobody reads that far back at once.
THREAD_MESSAGES = 200
# And at most so much of them: whoever can send the user mail can make it any size.
THREAD_BYTES = 4 * 1024 * 1024


class ThreadItem(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A thread in a list; what is null nobody has told yet.

    `evidence` says what told the classification, `concern` is verbatim, `property` is for people to read.
    `corrected`: the user has said what it is.
    """

    thread_id: str
    account_id: str
    subject: str
    sender: str = msgspec.field(name="from")
    last_message_at: datetime
    message_count: int
    viewed_at: datetime | None
    classification: Classification | None
    category: Category | None
    next_action_owner: NextActionOwner | None
    risk_level: RiskLevel | None
    risk_reason: str | None
    confidence: float | None
    evidence: list[str]
    stage: Stage | None
    concern: str | None
    property_id: str | None
    property: str | None
    deal_id: str | None
    corrected: bool


class _ItemRow(ThreadItem, frozen=True, kw_only=True, rename="camel"):
    """The same as it is stored: a list is JSON."""

    evidence: str  # type: ignore[assignment]  # only ever turned into an item

    def item(self) -> ThreadItem:
        fields = {name: getattr(self, name) for name in ThreadItem.__struct_fields__}
        return ThreadItem(**fields | {"evidence": msgspec.json.decode(self.evidence)})


class ThreadPage(msgspec.Struct, frozen=True, rename="camel"):
    """Some threads, newest first; `next` goes into `after` for those that follow, null: there are no more."""

    threads: list[ThreadItem]
    next: str | None


class MessageItem(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A message of a thread. `html` is as it came, not safe to show without cleaning."""

    id: str
    sender: Address = msgspec.field(name="from")
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    at: datetime
    text: str
    quoted: str
    signature: str
    html: str | None
    attachments: tuple[Attachment, ...]
    defect: str | None
    account_ids: list[str]


class ThreadDetail(ThreadItem, frozen=True, kw_only=True, rename="camel"):
    """A thread with its messages, the oldest first; of a very long one the newest."""

    messages: list[MessageItem]


class _Place(NamedTuple):
    """Where a page ended: keys of the last thread on it."""

    at: str
    thread_id: str


_ITEM: LiteralString = (
    'SELECT t.thread_id AS "threadId", t.account_id AS "accountId", t.subject, t.sender AS "from",'
    ' t.last_message_at AS "lastMessageAt", t.message_count AS "messageCount", t.viewed_at AS "viewedAt",'
    ' t.classification, t.category, t.next_action_owner AS "nextActionOwner", t.risk_level AS "riskLevel",'
    " t.risk_reason AS \"riskReason\", t.confidence, COALESCE(t.evidence, '[]') AS evidence, t.stage,"
    ' t.concern, t.property_id AS "propertyId", t.deal_id AS "dealId",'
    " p.number || ' ' || p.street || COALESCE(', ' || p.suburb, '') AS property,"
    " COALESCE(t.corrected, FALSE) AS corrected FROM threads AS t"
    " LEFT JOIN properties AS p ON p.property_id = t.property_id"
)

# Later than any time that is written.
_NEWEST = _Place("9999-99", "")


def list_threads(
    reader: Reader, user_id: str, which: Which, limit: int, after: str | None = None
) -> ThreadPage:
    """A page of a user's threads, newest first; of focus all there is to show, the most pressing first.

    Raises `InvalidQuery` for an `after` that is not ours, and for any with focus.
    """
    if which == "focus":
        if after is not None:
            raise InvalidQuery("The list `focus` has no next page, so it takes no `after`.")
        return ThreadPage(_pressing(reader, user_id, min(limit, FOCUS_THREADS)), None)
    place = _NEWEST if after is None else decode_place(after, _Place)
    found = _newest(reader, user_id, which, limit + 1, place)
    shown = found[:limit]
    return ThreadPage(shown, encode_place(_place(shown[-1])) if shown and len(found) > limit else None)


def snapshot_threads(reader: Reader, user_id: str) -> list[ThreadItem]:
    """The newest threads that are not noise."""
    return _newest(reader, user_id, "telling", SNAPSHOT_THREADS, _NEWEST)


def get_item(reader: Reader, user_id: str, thread_id: str) -> ThreadItem:
    """A thread as lists show it. Raises `NotFound`, for somebody else's too."""
    thread = reader.one(
        _ItemRow,
        _ITEM + " WHERE t.user_id = :user_id AND t.thread_id = :thread_id",
        user_id=user_id,
        thread_id=thread_id,
    )
    if thread is None:
        raise NotFound("There is no such thread.")
    return thread.item()


def get_thread(reader: Reader, user_id: str, thread_id: str) -> ThreadDetail:
    """A thread with its messages. Raises `NotFound`, for somebody else's too."""
    thread = get_item(reader, user_id, thread_id)
    messages = _messages(reader, user_id, thread_id)
    return ThreadDetail(**msgspec.structs.asdict(thread), messages=messages)


def view_thread(tx: Transaction, caller: Caller, command: ThreadView) -> ViewedAt:
    """The user has opened a thread. Raises `NotFound`, for somebody else's too."""
    viewed = tx.execute(
        "UPDATE threads SET viewed_at = :now WHERE user_id = :user_id AND thread_id = :thread_id",
        user_id=caller.user_id,
        thread_id=command.thread_id,
        now=timestamp(tx.now),
    )
    if not viewed:
        raise NotFound("There is no such thread.")
    event = ThreadViewed(thread_id=command.thread_id, viewed_at=tx.now, by=caller.user_id)
    tx.publish(caller.user_id, event, command_id=caller.command_id)
    return ViewedAt(viewed_at=tx.now)


def _newest(
    reader: Reader, user_id: str, which: Which | Literal["telling"], most: int, place: _Place
) -> list[ThreadItem]:
    """The newest threads after a place; the telling ones are those that are not known to be noise."""
    rows = reader.all(
        _ItemRow,
        _ITEM + " WHERE t.user_id = :user_id AND (t.last_message_at, t.thread_id) < (:at, :thread_id)"
        " AND (:which = 'all' OR COALESCE(t.classification, '') <> 'noise'"
        " AND (:which = 'telling' OR t.category = :which))"
        " ORDER BY t.last_message_at DESC, t.thread_id DESC LIMIT :most",
        user_id=user_id,
        at=place.at,
        thread_id=place.thread_id,
        which=which,
        most=most,
    )
    return [row.item() for row in rows]


def _pressing(reader: Reader, user_id: str, most: int) -> list[ThreadItem]:
    """What the agent owes, the highest risk first, then whoever has waited longest."""
    rows = reader.all(
        _ItemRow,
        _ITEM + " WHERE t.user_id = :user_id AND t.category = 'focus'"
        " AND COALESCE(t.classification, '') <> 'noise' ORDER BY CASE t.risk_level"
        " WHEN 'high' THEN 0 WHEN 'medium' THEN 1 WHEN 'low' THEN 2 ELSE 3 END,"
        " t.last_message_at, t.thread_id LIMIT :most",
        user_id=user_id,
        most=most,
    )
    return [row.item() for row in rows]


class _Held(msgspec.Struct):
    key: str
    account_id: str


def newest_messages(reader: Reader, user_id: str, thread_id: str, most: int) -> list[Message]:
    """The newest messages of a thread, at most so many and `THREAD_BYTES` of them, the oldest first."""
    newest_first = newest_data(reader, user_id, thread_id, most)
    return [msgspec.json.decode(data, type=Message) for data in reversed(newest_first)]


def newest_data(reader: Reader, user_id: str, thread_id: str, most: int) -> list[bytes]:
    """The same as they are stored, for those who need little of each; the newest first."""
    return reader.all(
        bytes,
        "SELECT data FROM ("
        " SELECT data, at, key, SUM(LENGTH(data)) OVER (ORDER BY at DESC, key DESC) - LENGTH(data) AS before"
        " FROM (SELECT data, at, key FROM messages WHERE user_id = :user_id AND thread_id = :thread_id"
        " ORDER BY at DESC, key DESC LIMIT :most) AS newest) AS sized"
        " WHERE before < :size ORDER BY at DESC, key DESC",
        user_id=user_id,
        thread_id=thread_id,
        most=most,
        size=THREAD_BYTES,
    )


def _messages(reader: Reader, user_id: str, thread_id: str) -> list[MessageItem]:
    messages = newest_messages(reader, user_id, thread_id, THREAD_MESSAGES)
    accounts = _accounts(reader, user_id, thread_id)
    return [_item(message, accounts.get(message.key, [])) for message in messages]


def _accounts(reader: Reader, user_id: str, thread_id: str) -> dict[str, list[str]]:
    """The accounts that have a copy of each message."""
    held = reader.all(
        _Held,
        # CROSS: SQLite would begin with all copies of the user.
        "SELECT DISTINCT copies.key, copies.account_id FROM messages CROSS JOIN copies"
        " WHERE messages.user_id = :user_id AND messages.thread_id = :thread_id"
        " AND copies.user_id = messages.user_id AND copies.key = messages.key ORDER BY copies.account_id",
        user_id=user_id,
        thread_id=thread_id,
    )
    accounts: dict[str, list[str]] = {}
    for row in held:
        accounts.setdefault(row.key, []).append(row.account_id)
    return accounts


def _item(message: Message, account_ids: list[str]) -> MessageItem:
    return MessageItem(
        id=message.key,
        sender=message.sender,
        to=message.to,
        cc=message.cc,
        at=message.date,
        text=message.text,
        quoted=message.quoted,
        signature=message.signature,
        html=message.html,
        attachments=message.attachments,
        defect=message.defect,
        account_ids=account_ids,
    )


def _place(thread: ThreadItem) -> _Place:
    return _Place(timestamp(thread.last_message_at), thread.thread_id)
