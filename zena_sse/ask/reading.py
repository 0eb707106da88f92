"""Reading asks: for lists, with what was said so far; for whoever answers, with what came before."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, NamedTuple, TypeAlias

import msgspec

from zena_sse.ask.answering import Exchange, Inquiry
from zena_sse.ask.rows import Ask
from zena_sse.contract.events import AskError, Source, SuggestedAction
from zena_sse.contract.moments import timestamp
from zena_sse.contract.places import decode_place, encode_place
from zena_sse.errors import NotFound
from zena_sse.storage.port import Reader

AskState: TypeAlias = Literal["queued", "running", "completed"]

# What a page shows first.
IN_SNAPSHOT = 20
# What an answerer is told of a conversation: enough to say what "he" and "that offer" mean.
EXCHANGES = 3
# Sorts after every moment.
_END_OF_TIME = "9999"


class AskItem(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A question and its answer: what was said so far, all of it once `completed`."""

    ask_id: str
    conversation_id: str
    question: str
    state: AskState
    answer: str
    found: bool | None
    sources: list[Source]
    suggested_actions: list[SuggestedAction]
    error: AskError | None
    asked_at: datetime
    completed_at: datetime | None


class AskPage(msgspec.Struct, frozen=True, rename="camel"):
    """Some asks; `next` goes into `after` for those that follow, null: there are no more."""

    asks: list[AskItem]
    next: str | None


class _Place(NamedTuple):
    """Where a page ended: keys of the last ask on it."""

    asked_at: str
    ask_id: str


_NEWEST = _Place(_END_OF_TIME, "")


def list_asks(
    reader: Reader, user_id: str, conversation_id: str | None, limit: int, after: str | None = None
) -> AskPage:
    """A page of a user's asks, the newest first. Raises `InvalidQuery` for an `after` that is not ours."""
    place = _NEWEST if after is None else decode_place(after, _Place)
    found = _newest(reader, user_id, conversation_id, limit + 1, place)
    shown = found[:limit]
    end = encode_place(shown[-1].place()) if len(found) > limit else None
    return AskPage(_items(reader, user_id, shown), end)


def snapshot_asks(reader: Reader, user_id: str) -> list[AskItem]:
    """The newest asks; what is said of them after the snapshot's cursor follows their answers exactly."""
    return _items(reader, user_id, _newest(reader, user_id, None, IN_SNAPSHOT, _NEWEST))


def get_ask(reader: Reader, user_id: str, ask_id: str) -> AskItem:
    """One ask of this user. Raises `NotFound`."""
    row = reader.one(
        _Row,
        "SELECT ask_id, conversation_id, question, state, answer, found, sources, suggested_actions,"
        " error_code, error_message, asked_at, completed_at FROM asks"
        " WHERE user_id = :user_id AND ask_id = :ask_id",
        user_id=user_id,
        ask_id=ask_id,
    )
    if row is None:
        raise NotFound("There is no such ask.")
    return _items(reader, user_id, [row])[0]


def read_inquiry(reader: Reader, ask: Ask) -> Inquiry:
    """The question as its answerer gets it, with the last that was said in its conversation."""
    before = reader.all(
        Exchange,
        "SELECT question, answer FROM asks WHERE user_id = :user_id AND conversation_id = :conversation_id"
        " AND state = 'completed' AND answer <> '' AND (asked_at, ask_id) < (:asked_at, :ask_id)"
        " ORDER BY asked_at DESC, ask_id DESC LIMIT :most",
        user_id=ask.user_id,
        conversation_id=ask.conversation_id,
        asked_at=timestamp(ask.asked_at),
        ask_id=ask.ask_id,
        most=EXCHANGES,
    )
    return Inquiry(user_id=ask.user_id, question=ask.question, before=tuple(reversed(before)))


class _Row(msgspec.Struct, kw_only=True):
    ask_id: str
    conversation_id: str
    question: str
    state: AskState
    answer: str
    found: bool | None
    sources: str | None
    suggested_actions: str | None
    error_code: Literal["cancelled", "interrupted", "failed"] | None
    error_message: str | None
    asked_at: datetime
    completed_at: datetime | None

    def item(self, said: str) -> AskItem:
        """As its user sees it, when so much was said of an answer that is not whole."""
        error = None if self.error_code is None else AskError(self.error_code, self.error_message or "")
        return AskItem(
            ask_id=self.ask_id,
            conversation_id=self.conversation_id,
            question=self.question,
            state=self.state,
            answer=self.answer if self.state == "completed" else said,
            found=self.found,
            sources=msgspec.json.decode(self.sources or "[]", type=list[Source]),
            suggested_actions=msgspec.json.decode(self.suggested_actions or "[]", type=list[SuggestedAction]),
            error=error,
            asked_at=self.asked_at,
            completed_at=self.completed_at,
        )

    def place(self) -> _Place:
        """Where a page ends that ends with it."""
        return _Place(timestamp(self.asked_at), self.ask_id)


class _Said(msgspec.Struct):
    ask_id: str
    chunk: str


def _items(reader: Reader, user_id: str, rows: list[_Row]) -> list[AskItem]:
    said = _said(reader, user_id) if any(row.state == "running" for row in rows) else {}
    return [row.item(said.get(row.ask_id, "")) for row in rows]


def _said(reader: Reader, user_id: str) -> dict[str, str]:
    """What was said of the answers that are being made, by ask."""
    chunks = reader.all(
        _Said,
        "SELECT ask_id, chunk FROM ask_chunks WHERE user_id = :user_id ORDER BY ask_id, position",
        user_id=user_id,
    )
    said: dict[str, list[str]] = {}
    for chunk in chunks:
        said.setdefault(chunk.ask_id, []).append(chunk.chunk)
    return {ask_id: "".join(parts) for ask_id, parts in said.items()}


def _newest(
    reader: Reader, user_id: str, conversation_id: str | None, most: int, place: _Place
) -> list[_Row]:
    return reader.all(
        _Row,
        "SELECT ask_id, conversation_id, question, state, answer, found, sources, suggested_actions,"
        " error_code, error_message, asked_at, completed_at FROM asks WHERE user_id = :user_id"
        " AND (:conversation_id IS NULL OR conversation_id = :conversation_id)"
        " AND (asked_at, ask_id) < (:asked_at, :ask_id)"
        " ORDER BY asked_at DESC, ask_id DESC LIMIT :most",
        user_id=user_id,
        conversation_id=conversation_id,
        asked_at=place.asked_at,
        ask_id=place.ask_id,
        most=most,
    )
