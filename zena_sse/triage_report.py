"""`zena-sse triage`: what is made of a mail folder, one thread after the other."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

import click
import msgspec
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from zena_sse.contract.events import (
    Category,
    Classification,
    NextActionOwner,
    RiskLevel,
    Stage,
)
from zena_sse.offline import USER, Folder, files_of, read_folder, reading_bar
from zena_sse.settings import Settings
from zena_sse.storage.port import Reader

# In a pipe nobody says how wide a line may be.
PIPE_COLUMNS = 160


class TaskLine(msgspec.Struct, frozen=True, rename="camel"):
    """Something the agent must do; `evidence` is verbatim."""

    label: str
    due_date: str | None
    evidence: str | None


class ContactLine(msgspec.Struct, frozen=True):
    """Somebody outside."""

    name: str
    email: str
    phone: str | None
    role: str | None


class ThreadLine(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What is made of one thread; `messages` are files, the oldest first."""

    messages: list[str]
    subject: str
    classification: Classification | None
    category: Category | None
    next_action_owner: NextActionOwner | None
    property: str | None
    stage: Stage | None
    concern: str | None
    risk_level: RiskLevel
    risk_flags: list[str]
    tasks: list[TaskLine]
    contacts: list[ContactLine]


class _Row(msgspec.Struct):
    thread_id: str
    subject: str
    classification: Classification | None
    category: Category | None
    next_action_owner: NextActionOwner | None
    property: str | None
    stage: Stage | None
    concern: str | None
    risk_level: RiskLevel
    risk_flags: str


async def report_triage(
    root: Path, addresses: tuple[str, ...], as_of: datetime, settings: Settings, *, as_json: bool
) -> None:
    """Print what is made of each thread, in the order in which they began. Raises `MailboxMissing`."""
    with reading_bar() as tell:
        async with read_folder(root, addresses, lambda: as_of, settings, tell) as folder:
            lines = await folder.zena.storage.read(read_lines, folder)
    if as_json:
        for line in lines:
            click.echo(msgspec.json.encode(line))
    else:
        Console(width=None if sys.stdout.isatty() else PIPE_COLUMNS).print(as_table(lines))


def read_lines(reader: Reader, folder: Folder) -> list[ThreadLine]:
    """What the database says of each thread."""
    rows = reader.all(
        _Row,
        "SELECT t.thread_id, t.subject, t.classification, t.category, t.next_action_owner,"
        " p.number || ' ' || p.street || COALESCE(', ' || p.suburb, '') AS property, t.stage, t.concern,"
        " COALESCE(t.risk_level, 'none') AS risk_level, COALESCE(t.risk_flags, '[]') AS risk_flags"
        " FROM threads AS t LEFT JOIN properties AS p ON p.property_id = t.property_id"
        " WHERE t.user_id = :user_id ORDER BY t.first_message_at, t.thread_id",
        user_id=USER,
    )
    return [_line(reader, folder, row) for row in rows]


def _line(reader: Reader, folder: Folder, row: _Row) -> ThreadLine:
    return ThreadLine(
        messages=files_of(reader, folder, row.thread_id),
        subject=row.subject,
        classification=row.classification,
        category=row.category,
        next_action_owner=row.next_action_owner,
        property=row.property,
        stage=row.stage,
        concern=row.concern,
        risk_level=row.risk_level,
        risk_flags=msgspec.json.decode(row.risk_flags, type=list[str]),
        tasks=_tasks(reader, row.thread_id),
        contacts=_contacts(reader, row.thread_id),
    )


def _tasks(reader: Reader, thread_id: str) -> list[TaskLine]:
    return reader.all(
        TaskLine,
        'SELECT label, due_date AS "dueDate", evidence FROM tasks'
        " WHERE user_id = :user_id AND thread_id = :thread_id AND source = 'email'"
        " AND completed_at IS NULL ORDER BY created_at, task_id",
        user_id=USER,
        thread_id=thread_id,
    )


def _contacts(reader: Reader, thread_id: str) -> list[ContactLine]:
    return reader.all(
        ContactLine,
        "SELECT c.name, c.email, c.phone, c.role FROM thread_contacts AS t"
        " CROSS JOIN contacts AS c WHERE t.user_id = :user_id AND t.thread_id = :thread_id"
        " AND t.rank IS NOT NULL AND c.contact_id = t.contact_id ORDER BY t.rank",
        user_id=USER,
        thread_id=thread_id,
    )


def as_table(lines: list[ThreadLine]) -> Table:
    """For people: one line where it fits, and what is to be done in full."""
    table = Table(header_style="bold", box=SIMPLE, pad_edge=False, expand=True)
    table.add_column("Subject", ratio=2, min_width=12, no_wrap=True, overflow="ellipsis")
    table.add_column("Class", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("Property", max_width=18, no_wrap=True, overflow="ellipsis")
    table.add_column("Risk", no_wrap=True)
    table.add_column("To do", ratio=3, min_width=18, overflow="fold")
    for line in lines:
        cells = (
            line.subject,
            line.classification or "?",
            line.category or "?",
            (line.property or "").partition(",")[0],
            "" if line.risk_level == "none" else line.risk_level,
            "\n".join(_due(task) for task in line.tasks),
        )
        table.add_row(*(Text(_printable(cell)) for cell in cells))
    return table


def _printable(text: str) -> str:
    """Mail must not draw on the terminal."""
    return "".join(letter if letter.isprintable() or letter == "\n" else " " for letter in text)


def _due(task: TaskLine) -> str:
    return f"{task.label} (by {task.due_date})" if task.due_date else task.label
