"""A task as it is stored, and the events that tell of it."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Literal

import msgspec

from zena_sse.contract.events import TaskCompleted, TaskCreated, TaskSource
from zena_sse.contract.moments import timestamp
from zena_sse.mail.content.message import cut
from zena_sse.storage.port import Reader, Transaction

Reason = Literal["answered", "removed"]
EndedBy = Literal["command", "answered", "removed"]

# Tasks of a deal that come back with it; nobody has had more to do for one.
AWAY = 200

# Rows that erasure removes in one unit of work.
ERASED_A_UNIT = 100


class TaskRow(msgspec.Struct, kw_only=True):
    """A task; `due_date` is a day or a moment in UTC, `evidence` verbatim from the message with this key."""

    task_id: str
    label: str
    due_date: str | None = None
    source: TaskSource
    evidence: str | None = None
    message_key: str | None = None
    thread_id: str | None = None
    deal_id: str | None = None
    property_id: str | None = None
    contact_id: str | None = None

    def told(self) -> TaskCreated:
        """What clients are told of it."""
        return TaskCreated(
            task_id=self.task_id,
            label=cut(self.label),
            source=self.source,
            due_date=self.due_date,
            deal_id=self.deal_id,
            property_id=self.property_id,
            contact_id=self.contact_id,
            thread_id=self.thread_id,
        )


def task_id_of(user_id: str, *parts: str) -> str:
    """The id of what these make one task; the same when it is made again."""
    return "tk_" + blake2b("\0".join([user_id, *parts]).encode(), digest_size=12).hexdigest()


def thread_tasks(reader: Reader, user_id: str, thread_id: str) -> list[TaskRow]:
    """The open tasks of a thread."""
    return reader.all(
        TaskRow,
        "SELECT task_id, label, due_date, source, evidence, message_key, thread_id, deal_id, property_id,"
        " contact_id FROM tasks WHERE user_id = :user_id AND thread_id = :thread_id"
        " AND completed_at IS NULL ORDER BY created_at, task_id",
        user_id=user_id,
        thread_id=thread_id,
    )


def away_tasks(reader: Reader, user_id: str, deal_id: str) -> list[TaskRow]:
    """The tasks that a deal had when it went, done or not, and that have not gone elsewhere since."""
    return reader.all(
        TaskRow,
        "SELECT task_id, label, due_date, source, evidence, message_key, thread_id, deal_id, property_id,"
        " contact_id FROM tasks WHERE user_id = :user_id AND former_deal_id = :deal_id AND deal_id IS NULL"
        " AND (thread_id IS NULL OR EXISTS (SELECT 1 FROM threads WHERE threads.user_id = tasks.user_id"
        " AND threads.thread_id = tasks.thread_id AND threads.deal_id = tasks.former_deal_id))"
        " ORDER BY created_at, task_id LIMIT :most",
        user_id=user_id,
        deal_id=deal_id,
        most=AWAY,
    )


def deal_tasks(reader: Reader, user_id: str, deal_id: str) -> list[TaskRow]:
    """The open tasks of a deal."""
    return reader.all(
        TaskRow,
        "SELECT task_id, label, due_date, source, evidence, message_key, thread_id, deal_id, property_id,"
        " contact_id FROM tasks WHERE user_id = :user_id AND deal_id = :deal_id"
        " AND completed_at IS NULL ORDER BY created_at, task_id",
        user_id=user_id,
        deal_id=deal_id,
    )


def insert_task(tx: Transaction, user_id: str, row: TaskRow, command_id: str | None) -> bool:
    """Store a task and tell of it; False and nothing at all if it is there, done or not."""
    added = tx.execute(
        "INSERT INTO tasks (task_id, user_id, label, due_date, source, evidence, message_key, thread_id,"
        " deal_id, property_id, contact_id, created_at) VALUES (:task_id, :user_id, :label, :due_date,"
        " :source, :evidence, :message_key, :thread_id, :deal_id, :property_id, :contact_id, :now)"
        " ON CONFLICT (task_id) DO NOTHING",
        user_id=user_id,
        now=timestamp(tx.now),
        **{name: getattr(row, name) for name in TaskRow.__struct_fields__},
    )
    if added:
        tx.publish(user_id, row.told(), command_id=command_id)
    return added > 0


def reopen_task(tx: Transaction, user_id: str, row: TaskRow, command_id: str | None) -> bool:
    """A task is to be done after all, and told of; False and nothing at all if its user has done it."""
    reopened = tx.execute(
        "UPDATE tasks SET completed_at = NULL, ended_by = NULL, evidence = :evidence WHERE user_id = :user_id"
        " AND task_id = :task_id AND ended_by IN ('answered', 'removed')",
        user_id=user_id,
        task_id=row.task_id,
        evidence=row.evidence,
    )
    if reopened:
        save_task(tx, user_id, row)
        tx.publish(user_id, row.told(), command_id=command_id)
    return reopened > 0


def save_task(tx: Transaction, user_id: str, row: TaskRow) -> None:
    """Store what has become known of a task."""
    tx.execute(
        "UPDATE tasks SET due_date = :due_date, message_key = :message_key, thread_id = :thread_id,"
        " deal_id = :deal_id, property_id = :property_id, contact_id = :contact_id"
        " WHERE user_id = :user_id AND task_id = :task_id",
        user_id=user_id,
        task_id=row.task_id,
        due_date=row.due_date,
        message_key=row.message_key,
        thread_id=row.thread_id,
        deal_id=row.deal_id,
        property_id=row.property_id,
        contact_id=row.contact_id,
    )


def complete_tasks(
    tx: Transaction,
    user_id: str,
    task_ids: Sequence[str],
    command_id: str | None,
    reason: Reason | None = None,
) -> int:
    """Those of these tasks that are open are done, and told of; how many there were."""
    done = [task_id for task_id in task_ids if _complete(tx, user_id, task_id, reason or "command")]
    if done:
        events = [TaskCompleted(task_id=task_id, completed_at=tx.now, reason=reason) for task_id in done]
        tx.publish(user_id, *events, command_id=command_id)
    return len(done)


def erase_tasks(tx: Transaction, user_id: str) -> bool:
    """Erase some of a user's tasks, without a word; whether there may be more."""
    erased = tx.execute(
        "DELETE FROM tasks WHERE task_id IN (SELECT task_id FROM tasks WHERE user_id = :user_id LIMIT :most)",
        user_id=user_id,
        most=ERASED_A_UNIT,
    )
    return erased == ERASED_A_UNIT


def _complete(tx: Transaction, user_id: str, task_id: str, by: EndedBy) -> bool:
    changed = tx.execute(
        "UPDATE tasks SET completed_at = :now, ended_by = :by"
        " WHERE user_id = :user_id AND task_id = :task_id AND completed_at IS NULL",
        user_id=user_id,
        task_id=task_id,
        now=timestamp(tx.now),
        by=by,
    )
    return changed > 0
