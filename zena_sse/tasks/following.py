"""Tasks follow threads: made of what is asked of the agent, done when it is answered, gone with the mail."""

from __future__ import annotations

from datetime import datetime

from zena_sse.contract.moments import timestamp
from zena_sse.storage.port import Reader, Transaction
from zena_sse.tasks.requests import Requests
from zena_sse.tasks.rows import (
    Reason,
    TaskRow,
    away_tasks,
    complete_tasks,
    deal_tasks,
    insert_task,
    reopen_task,
    save_task,
    task_id_of,
    thread_tasks,
)
from zena_sse.triage.triaged import Triaged

# Requests taken from one thread: nobody asks for more at once, and whoever can send mail could.
ASKS = 20


def follow_tasks(tx: Transaction, triaged: Triaged) -> None:
    """Make the tasks that a thread asks for, once each; those that it has answered are done.

    The thread is in its deal already.
    """
    deal_id = _deal_of(tx, triaged.user_id, triaged.thread_id)
    if deal_id is not None:
        _bring_back(tx, triaged, deal_id)
    _end_suggestions(tx, triaged, deal_id)
    user_id, command_id = triaged.user_id, triaged.command_id
    held = [row for row in thread_tasks(tx, user_id, triaged.thread_id) if row.source == "email"]
    if triaged.classification == "noise" or _is_answered(triaged):
        reason: Reason = "removed" if triaged.classification == "noise" else "answered"
        complete_tasks(tx, user_id, [row.task_id for row in held], command_id, reason)
        return
    for row in held:
        _relocate(tx, row, triaged, deal_id)
    requests = Requests(tx, triaged, deal_id)
    for ask in triaged.findings.asks[:ASKS]:
        requests.take(ask)
    again = _read_again(tx, triaged)
    unfounded = [row for row in held if row.message_key in again and not requests.is_claimed(row.task_id)]
    complete_tasks(tx, user_id, [row.task_id for row in unfounded], command_id, "removed")


def suggest_follow_up(
    tx: Transaction,
    user_id: str,
    deal_id: str,
    label: str,
    *,
    property_id: str | None,
    contact_id: str | None,
    since: datetime,
    command_id: str | None,
) -> None:
    """Suggest to write to somebody who has been silent since then; once for each silence.

    What was taken for an answer was none if it is suggested again.
    """
    row = TaskRow(
        task_id=task_id_of(user_id, "suggested", deal_id, timestamp(since)),
        label=label,
        source="suggested",
        deal_id=deal_id,
        property_id=property_id,
        contact_id=contact_id,
    )
    if not insert_task(tx, user_id, row, command_id):
        reopen_task(tx, user_id, row, command_id)


def deal_gone(tx: Transaction, user_id: str, deal_id: str, into: str | None, command_id: str | None) -> None:
    """A deal is gone, perhaps into another: what was suggested for it is off, what was asked for stays."""
    rows = deal_tasks(tx, user_id, deal_id)
    if into is None:
        off = [row.task_id for row in rows if row.source == "suggested"]
        complete_tasks(tx, user_id, off, command_id, "removed")
        rows = [row for row in rows if row.source != "suggested"]
    tx.execute(
        "UPDATE tasks SET deal_id = :into, former_deal_id = :former"
        " WHERE user_id = :user_id AND deal_id = :deal_id",
        into=into,
        former=deal_id if into is None else None,
        user_id=user_id,
        deal_id=deal_id,
    )
    for row in rows:
        row.deal_id = into
        tx.publish(user_id, row.told(), command_id=command_id)


def dropped(tx: Transaction, user_id: str, thread_id: str) -> None:
    """A thread is gone: nobody can expect any more what it asked for, and its words go with it."""
    open_ids = [row.task_id for row in thread_tasks(tx, user_id, thread_id) if row.source == "email"]
    complete_tasks(tx, user_id, open_ids, None, "removed")
    tx.execute(
        "DELETE FROM tasks WHERE user_id = :user_id AND thread_id = :thread_id AND source = 'email'",
        user_id=user_id,
        thread_id=thread_id,
    )


def merged(tx: Transaction, user_id: str, gone: str, into: str) -> None:
    """A thread turns out to be part of another, and its tasks with it."""
    rows = thread_tasks(tx, user_id, gone)
    tx.execute(
        "UPDATE tasks SET thread_id = :into WHERE user_id = :user_id AND thread_id = :gone",
        user_id=user_id,
        gone=gone,
        into=into,
    )
    for row in rows:
        row.thread_id = into
        tx.publish(user_id, row.told())


def _is_answered(triaged: Triaged) -> bool:
    """The agent does not owe anything: it has said the last word, or nobody owes anything."""
    return triaged.owner != "agent" and (triaged.last_side == "agent" or triaged.settled)


def _read_again(reader: Reader, triaged: Triaged) -> set[str]:
    """The messages that were looked through for requests: those with any, and the last, if it is theirs.

    What is older was not looked at, nor anything if nothing is owed.
    """
    keys = {ask.message_key for ask in triaged.findings.asks}
    if triaged.owner == triaged.findings.owner == "agent" and triaged.last_side == "other":
        keys.add(_last_message(reader, triaged.user_id, triaged.thread_id))
    return keys


def _last_message(reader: Reader, user_id: str, thread_id: str) -> str:
    key = reader.one(
        str,
        "SELECT key FROM messages WHERE user_id = :user_id AND thread_id = :thread_id"
        " ORDER BY at DESC, key DESC LIMIT 1",
        user_id=user_id,
        thread_id=thread_id,
    )
    return key or ""


def _bring_back(tx: Transaction, triaged: Triaged, deal_id: str) -> None:
    """A deal that was gone is there again: so is what was to be done for it."""
    user_id, last = triaged.user_id, _last_message_at(tx, triaged.user_id, deal_id)
    current = None if last is None else task_id_of(user_id, "suggested", deal_id, last)
    for row in away_tasks(tx, user_id, deal_id):
        row.deal_id = deal_id
        if row.source != "suggested":
            save_task(tx, user_id, row)
            tx.publish(user_id, row.told(), command_id=triaged.command_id)
        elif row.task_id == current:
            reopen_task(tx, user_id, row, triaged.command_id)


def _relocate(tx: Transaction, row: TaskRow, triaged: Triaged, deal_id: str | None) -> None:
    """An open task belongs where its thread does."""
    told = row.told()
    row.deal_id = deal_id
    row.property_id = triaged.property_id
    if row.told() != told:
        save_task(tx, triaged.user_id, row)
        tx.publish(triaged.user_id, row.told(), command_id=triaged.command_id)


def _end_suggestions(tx: Transaction, triaged: Triaged, deal_id: str | None) -> None:
    """Somebody has written: whatever was suggested because of an earlier silence is done."""
    last = _last_message_at(tx, triaged.user_id, deal_id)
    if deal_id is None or last is None:
        return
    current = task_id_of(triaged.user_id, "suggested", deal_id, last)
    over = [
        row.task_id
        for row in deal_tasks(tx, triaged.user_id, deal_id)
        if row.source == "suggested" and row.task_id != current
    ]
    complete_tasks(tx, triaged.user_id, over, triaged.command_id, "answered")


def _deal_of(reader: Reader, user_id: str, thread_id: str) -> str | None:
    return reader.one(
        str,
        "SELECT deal_id FROM threads"
        " WHERE user_id = :user_id AND thread_id = :thread_id AND deal_id IS NOT NULL",
        user_id=user_id,
        thread_id=thread_id,
    )


def _last_message_at(reader: Reader, user_id: str, deal_id: str | None) -> str | None:
    return reader.one(
        str,
        "SELECT last_message_at FROM deals WHERE user_id = :user_id AND deal_id = :deal_id",
        user_id=user_id,
        deal_id=deal_id,
    )
