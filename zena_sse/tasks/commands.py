"""The handlers of the commands that are about tasks."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import date, datetime

from zena_sse.contract.commands import Result, TaskComplete, TaskCreate, TaskId
from zena_sse.contract.moments import timestamp
from zena_sse.dispatch import Caller, Handler
from zena_sse.errors import InvalidPayload, NotFound
from zena_sse.storage.port import Reader, Transaction
from zena_sse.tasks.rows import TaskRow, complete_tasks, insert_task, task_id_of

DAY_LENGTH = len("2026-11-24")


def task_handlers() -> Mapping[str, Handler]:
    """Handlers by command."""
    return {TaskCreate.type: create_task, TaskComplete.type: complete_task}


def create_task(tx: Transaction, caller: Caller, command: TaskCreate) -> TaskId:
    """Note something to do. Raises `InvalidPayload`, and `NotFound` for a link to what is not the user's."""
    _require_line(command.label)
    _require(tx, "deal", caller.user_id, command.deal_id)
    _require(tx, "property", caller.user_id, command.property_id)
    _require(tx, "contact", caller.user_id, command.contact_id)
    row = TaskRow(
        task_id=task_id_of(caller.user_id, "command", caller.command_id),
        label=command.label,
        due_date=None if command.due_date is None else read_due_date(command.due_date),
        source="command",
        deal_id=command.deal_id,
        property_id=command.property_id,
        contact_id=command.contact_id,
    )
    insert_task(tx, caller.user_id, row, caller.command_id)
    return TaskId(task_id=row.task_id)


def complete_task(tx: Transaction, caller: Caller, command: TaskComplete) -> Result:
    """Something is done; said again, nothing happens. Raises `NotFound`, for somebody else's too."""
    found = tx.one(
        str,
        "SELECT task_id FROM tasks WHERE user_id = :user_id AND task_id = :task_id",
        user_id=caller.user_id,
        task_id=command.task_id,
    )
    if found is None:
        raise NotFound("There is no such task.")
    complete_tasks(tx, caller.user_id, [command.task_id], caller.command_id)
    return Result()


def read_due_date(text: str) -> str:
    """A day as it is, a moment in UTC, so that they sort. Raises `InvalidPayload`."""
    try:
        if len(text) == DAY_LENGTH:
            return date.fromisoformat(text).isoformat()
        return timestamp(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        raise InvalidPayload(f"dueDate: {text} is not in the calendar.") from None


def _require_line(label: str) -> None:
    """Raises `InvalidPayload` for what cannot be read in a list."""
    if not label.strip():
        raise InvalidPayload("label: there must be something to do.")
    if any(unicodedata.category(letter) in _BREAKING for letter in label):
        raise InvalidPayload("label: it must be one line, without control characters.")


# Control characters, and what ends a line or a paragraph.
_BREAKING = frozenset({"Cc", "Zl", "Zp"})

_OWNED = {
    "deal": "SELECT deal_id FROM deals WHERE user_id = :user_id AND deal_id = :id",
    "property": "SELECT property_id FROM properties WHERE user_id = :user_id AND property_id = :id",
    "contact": "SELECT contact_id FROM contacts WHERE user_id = :user_id AND contact_id = :id",
}


def _require(reader: Reader, what: str, user_id: str, id_: str | None) -> None:
    if id_ is not None and reader.one(str, _OWNED[what], user_id=user_id, id=id_) is None:
        raise NotFound(f"There is no such {what}.")
