"""Every event a server sends, declared once: its type, its payload, how it is kept.

`kept` says what becomes of an event: `log` events are durable and replayed; `newest` and `live` ones are
ephemeral: never logged, never replayed, dropped for a stream that is behind (of a `newest` one only the
last of its kind matters); `stream` ones are about the connection itself and belong to no log.
"""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Literal

import msgspec

from zena_sse.contract.moments import Moment
from zena_sse.errors import EventTooLarge, InvalidQuery

Kept = Literal["log", "newest", "live", "stream"]

Classification = Literal["buyer", "vendor", "market", "lawyer_broker", "noise"]
Category = Literal["focus", "waiting"]
NextActionOwner = Literal["agent", "other"]
RiskLevel = Literal["none", "low", "medium", "high"]
Stage = Literal[
    "lead", "nurture", "qualified", "viewing", "offer", "conditional", "pre_settlement", "sold", "lost"
]
TaskSource = Literal["email", "command", "suggested"]
SourceType = Literal["thread", "deal", "task", "contact"]
Provider = Literal["imap", "gmail", "outlook", "icloud", "yahoo", "folder", "maildir"]

# Text taken from mail is cut at 500 characters, so that no event comes near its 64 KiB.
TEXT_LIMIT = 500
MailText = Annotated[str, msgspec.Meta(max_length=TEXT_LIMIT)]

# What a person asks in one go; longer texts are mail, not questions.
QUESTION_LIMIT = 2_000
# A whole answer, in UTF-16 code units: with its sources it fits into one event whatever its letters are.
ANSWER_LIMIT = 12_000

Mode = Literal["live", "resumed", "reset"]
ResetReason = Literal["unknown_epoch", "expired", "ahead", "malformed"]
ClosingReason = Literal["draining", "rotated", "reset", "expired", "revoked", "superseded", "overloaded"]


class Event(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A fact about one user; subclasses are the payloads."""

    type: ClassVar[str]
    kept: ClassVar[Kept] = "log"

    @property
    def kind(self) -> str:
        """What an ephemeral event replaces when it waits for its socket: all of its kind; "" for nothing."""
        return ""


class StreamReady(Event, frozen=True):
    """First event of every connection: how the stream starts, and from where.

    `live`: no cursor was sent. `resumed`: everything after your cursor follows, nothing missing. `reset`:
    your cursor cannot be served, `reason` says why; fetch `/snapshot` and keep this connection.
    """

    type = "stream.ready"
    kept = "stream"

    mode: Mode
    cursor: str
    heartbeat_seconds: float
    expires_at: Moment
    reason: ResetReason | None = None


class StreamPing(Event, frozen=True):
    """Sent after silence; its cursor is how far this connection has come."""

    type = "stream.ping"
    kept = "stream"

    cursor: str


class StreamClosing(Event, frozen=True):
    """The last event before the server ends a stream: why, and by its `retry` when to come back."""

    type = "stream.closing"
    kept = "stream"

    reason: ClosingReason


class SyncStarted(Event, frozen=True):
    """A mailbox is being read."""

    type = "sync.started"

    sync_id: str
    account_id: str
    provider: Provider


class SyncProgress(Event, frozen=True):
    """How far a sync has come, at most every 200 ms."""

    type = "sync.progress"
    kept = "newest"

    sync_id: str
    account_id: str
    total_threads: int
    processed_threads: int

    @property
    def kind(self) -> str:
        """One sync's progress."""
        return f"{self.type} {self.sync_id}"


class SyncCompleted(Event, frozen=True):
    """A sync has ended; exactly one for each `sync.started`."""

    type = "sync.completed"

    sync_id: str
    account_id: str
    threads_processed: int
    success: bool
    error: str | None = None


class SyncError(Event, frozen=True):
    """A mailbox cannot be read: retries are spent, or trying again cannot help (`fatal`)."""

    type = "sync.error"

    account_id: str
    error: str
    fatal: bool


class ThreadNew(Event, frozen=True):
    """A conversation was seen for the first time."""

    type = "thread.new"

    thread_id: str
    account_id: str
    subject: MailText
    sender: MailText = msgspec.field(name="from")
    last_message_at: Moment


class ThreadUpdated(Event, frozen=True):
    """Something about a thread changed; fields that are null are not known yet.

    `removed` says that the thread is gone: its mail was deleted, or it turned out to be part of `mergedInto`.
    """

    type = "thread.updated"

    thread_id: str
    classification: Classification | None
    category: Category | None
    next_action_owner: NextActionOwner | None
    subject: MailText | None = None
    last_message_at: Moment | None = None
    message_count: int | None = None
    risk_level: RiskLevel | None = None
    property_id: str | None = None
    deal_id: str | None = None
    confidence: float | None = None
    removed: bool = False
    merged_into: str | None = None


class ThreadViewed(Event, frozen=True):
    """A thread was opened in one of the user's tabs."""

    type = "thread.viewed"

    thread_id: str
    viewed_at: Moment
    by: str


class DealUpdated(Event, frozen=True):
    """A deal was opened, moved on, waits on somebody else or is less at risk; `removed`: its mail is gone."""

    type = "deal.updated"

    deal_id: str
    stage: Stage
    next_action_owner: NextActionOwner
    summary: MailText
    property_id: str | None = None
    risk_level: RiskLevel | None = None
    closed: bool = False
    removed: bool = False


class DealRisk(Event, frozen=True):
    """A deal's risk has risen to this level; told once, not at each look."""

    type = "deal.risk"

    deal_id: str
    risk_level: Literal["medium", "high"]
    risk_flags: list[str]
    risk_reason: MailText


class TaskCreated(Event, frozen=True):
    """There is something to do: found in mail, asked for, or suggested.

    Told again under the same id when its due date or where it belongs becomes known: clients replace it.
    """

    type = "task.created"

    task_id: str
    label: MailText
    source: TaskSource
    due_date: str | None = None
    deal_id: str | None = None
    property_id: str | None = None
    contact_id: str | None = None
    thread_id: str | None = None


class TaskCompleted(Event, frozen=True):
    """A task is done; `reason` says so when it was not by command."""

    type = "task.completed"

    task_id: str
    completed_at: Moment
    reason: Literal["answered", "removed"] | None = None


class AskStarted(Event, frozen=True):
    """A question was asked, in one of the user's tabs; its answer follows."""

    type = "ask.started"

    ask_id: str
    question: Annotated[str, msgspec.Meta(max_length=QUESTION_LIMIT)]
    conversation_id: str


class Source(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What an answer rests on; of a thread `messageId` is the message that the snippet is from."""

    type: SourceType
    id: str
    title: MailText
    snippet: MailText
    message_id: str | None = None


class SuggestedAction(msgspec.Struct, frozen=True, rename="camel"):
    """A command ready to be posted: `POST /commands/<command>` with `payload`."""

    label: MailText
    command: str
    payload: dict[str, str]


class AskError(msgspec.Struct, frozen=True, rename="camel"):
    """Why an answer ended before it was whole."""

    code: Literal["cancelled", "interrupted", "failed"]
    message: str


class AskResponse(Event, frozen=True):
    """A piece of an answer. A client writes `text.slice(0, offset) + chunk`.

    `offset` counts UTF-16 code units. One beyond the text means that earlier chunks were folded: wait for the
    last, which has `isComplete`, the whole `answer` (all that was said, also beside an `error`), whether
    anything was `found`, its `sources` and `suggestedActions`.
    """

    type = "ask.response"

    ask_id: str
    chunk: str
    offset: int
    is_complete: bool
    answer: Annotated[str, msgspec.Meta(max_length=ANSWER_LIMIT)] | None = None
    found: bool | None = None
    sources: list[Source] | None = None
    suggested_actions: list[SuggestedAction] | None = None
    error: AskError | None = None


class TypingStarted(Event, frozen=True):
    """Somebody types, somewhere."""

    type = "typing.started"
    kept = "live"

    by: str
    where: MailText

    @property
    def kind(self) -> str:
        """The same one typing in the same place."""
        return f"{self.type} {self.by} {self.where}"


EVENTS: dict[str, type[Event]] = {
    event.type: event
    for event in (
        StreamReady,
        StreamPing,
        StreamClosing,
        SyncStarted,
        SyncProgress,
        SyncCompleted,
        SyncError,
        ThreadNew,
        ThreadUpdated,
        ThreadViewed,
        DealUpdated,
        DealRisk,
        TaskCreated,
        TaskCompleted,
        AskStarted,
        AskResponse,
        TypingStarted,
    )
}


# What one event may have on the wire: clients and proxies hold a whole event in memory.
EVENT_BYTES = 64 * 1024
FRAME_OVERHEAD = 256  # the id, event and data fields around the JSON


class Envelope(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What stands in the `data:` of every event, in the words a client of the WebSocket service knows."""

    type: str
    payload: msgspec.Raw
    at: Annotated[str, msgspec.Meta(extra_json_schema={"format": "date-time"})]
    command_id: str | None = None


def encode_event(event: Event, at: str, command_id: str | None = None) -> bytes:
    """The JSON that stands in `data:`. Raises `EventTooLarge`."""
    payload = msgspec.Raw(msgspec.json.encode(event))
    data = msgspec.json.encode(Envelope(event.type, payload, at, command_id))
    if len(data) > EVENT_BYTES - FRAME_OVERHEAD:
        raise EventTooLarge(f"{event.type} has {len(data)} bytes, an event may have {EVENT_BYTES}")
    return data


_PATTERN = re.compile(r"[a-z]+\.([a-z_]+|\*)")

_TAB = re.compile(r"[A-Za-z0-9_-]{1,64}")


def read_tab(text: str | None) -> str | None:
    """The name that a client has given its tab, if it has. Raises `InvalidQuery`."""
    if text is not None and not _TAB.fullmatch(text):
        raise InvalidQuery("tab: 1 to 64 of A-Z a-z 0-9 _ and -")
    return text


def read_types(text: str | None) -> frozenset[str] | None:
    """The declared types that `thread.*,sync.completed` asks for; None for all. Raises `InvalidQuery`.

    One that this server does not know, perhaps not yet, is simply never sent.
    """
    if not text:
        return None
    patterns = text.split(",")
    for pattern in patterns:
        if not _PATTERN.fullmatch(pattern):
            raise InvalidQuery(f"types: {pattern[:40]!r} is neither a type nor one like thread.*")
    rooms = tuple(pattern[:-1] for pattern in patterns if pattern.endswith("*"))
    return frozenset(name for name in EVENTS if name in patterns or name.startswith(rooms))
