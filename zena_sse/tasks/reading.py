"""Reading tasks: what is to be done, what is overdue, what was done."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal, NamedTuple

import msgspec

from zena_sse.contract.events import TaskSource
from zena_sse.contract.moments import timestamp
from zena_sse.contract.places import decode_place, encode_place
from zena_sse.storage.port import Reader
from zena_sse.tasks.commands import DAY_LENGTH

Status = Literal["open", "completed", "overdue", "all"]

# No page has so many; whoever has more open tasks than this has other troubles.
EVERY_TASK = 5000
# Sorts after every date: what is due some time comes last.
SOME_TIME = "9999-99"


class TaskItem(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A task in a list; `evidence` is verbatim from the mail that asks for it."""

    task_id: str
    label: str
    due_date: str | None
    overdue: bool
    source: TaskSource
    evidence: str | None
    thread_id: str | None
    deal_id: str | None
    property_id: str | None
    contact_id: str | None
    created_at: datetime
    completed_at: datetime | None


class TaskPage(msgspec.Struct, frozen=True, rename="camel"):
    """Some tasks; `next` goes into `after` for those that follow, null: there are no more."""

    tasks: list[TaskItem]
    next: str | None


class _Place(NamedTuple):
    """Where a page ended: keys of the last task on it."""

    at: str
    created_at: str
    task_id: str


_BEGINNING = _Place("", "", "")
_END = _Place(SOME_TIME, "", "")


def list_tasks(
    reader: Reader, user_id: str, status: Status, as_of: datetime, limit: int, after: str | None = None
) -> TaskPage:
    """A page of a user's tasks: the first due first; the completed ones, the last done first.

    Raises `InvalidQuery` for an `after` that is not ours.
    """
    place = None if after is None else decode_place(after, _Place)
    if status == "completed":
        found = _completed(reader, user_id, limit + 1, place or _END)
    else:
        found = _by_due_date(reader, user_id, status, as_of, limit + 1, place or _BEGINNING)
    shown = found[:limit]
    end = encode_place(shown[-1].place(status)) if len(found) > limit else None
    return TaskPage([row.item(as_of) for row in shown], end)


def snapshot_tasks(reader: Reader, user_id: str, as_of: datetime) -> list[TaskItem]:
    """All open tasks, the first due first."""
    found = _by_due_date(reader, user_id, "open", as_of, EVERY_TASK, _BEGINNING)
    return [row.item(as_of) for row in found]


class _Row(msgspec.Struct, kw_only=True):
    task_id: str
    label: str
    due_date: str | None
    source: TaskSource
    evidence: str | None
    thread_id: str | None
    deal_id: str | None
    property_id: str | None
    contact_id: str | None
    created_at: datetime
    completed_at: datetime | None

    def item(self, as_of: datetime) -> TaskItem:
        """As its user sees it at this moment."""
        return TaskItem(
            overdue=self.completed_at is None and self.due_date is not None and is_past(self.due_date, as_of),
            **msgspec.structs.asdict(self),
        )

    def place(self, status: Status) -> _Place:
        """Where a page ends that ends with it."""
        at = self.due_date or SOME_TIME
        if status == "completed" and self.completed_at is not None:
            at = timestamp(self.completed_at)
        return _Place(at, timestamp(self.created_at), self.task_id)


def is_past(due_date: str, as_of: datetime) -> bool:
    """Whether a due date is over: a day when the day is, by the clock that mail is judged by."""
    if len(due_date) == DAY_LENGTH:
        return date.fromisoformat(due_date) < as_of.date()
    return datetime.fromisoformat(due_date) < as_of


def _by_due_date(
    reader: Reader, user_id: str, status: Status, as_of: datetime, most: int, place: _Place
) -> list[_Row]:
    return reader.all(
        _Row,
        "SELECT task_id, label, due_date, source, evidence, thread_id, deal_id, property_id, contact_id,"
        " created_at, completed_at FROM tasks WHERE user_id = :user_id"
        " AND (:status = 'all' OR completed_at IS NULL)"
        " AND (:status <> 'overdue'"
        " OR due_date < CASE WHEN LENGTH(due_date) = :day_length THEN :today ELSE :moment END)"
        " AND (COALESCE(due_date, :some_time), created_at, task_id) > (:at, :created_at, :task_id)"
        " ORDER BY COALESCE(due_date, :some_time), created_at, task_id LIMIT :most",
        user_id=user_id,
        status=status,
        day_length=DAY_LENGTH,
        today=as_of.date().isoformat(),
        moment=timestamp(as_of),
        some_time=SOME_TIME,
        at=place.at,
        created_at=place.created_at,
        task_id=place.task_id,
        most=most,
    )


def _completed(reader: Reader, user_id: str, most: int, place: _Place) -> list[_Row]:
    return reader.all(
        _Row,
        "SELECT task_id, label, due_date, source, evidence, thread_id, deal_id, property_id, contact_id,"
        " created_at, completed_at FROM tasks WHERE user_id = :user_id AND completed_at IS NOT NULL"
        " AND (completed_at, created_at, task_id) < (:at, :created_at, :task_id)"
        " ORDER BY completed_at DESC, created_at DESC, task_id DESC LIMIT :most",
        user_id=user_id,
        at=place.at,
        created_at=place.created_at,
        task_id=place.task_id,
        most=most,
    )
