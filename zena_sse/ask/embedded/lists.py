"""Answers that are lists: what is due, who is waited for, who worries; read from the tables triage keeps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime

import msgspec

from zena_sse.ask.embedded.asked import Asked, Intent, read_question
from zena_sse.ask.embedded.composing import NAMED, Composed, unique_sources
from zena_sse.ask.embedded.naming import Named
from zena_sse.ask.embedded.phrasing import due_of, silence
from zena_sse.ask.embedded.spoken import Spoken, is_with_them, promises_of, requests_of
from zena_sse.contract.events import Classification, RiskLevel, Source, SuggestedAction
from zena_sse.mail.accounts import own_addresses
from zena_sse.mail.content.message import Message, cut
from zena_sse.mail.threads import newest_messages
from zena_sse.storage.port import Reader

# Lines shown: what is beyond is counted, and a person asks again.
LINES = 14
# Characters of all lines together, and the fewest of one.
ROOM, LEAST = 860, 44
# Rows looked at.
ROWS = 200
# Threads whose last words are read for promises, the newest; and messages of each.
SPOKEN, LAST_MESSAGES = 250, 4


EVERYBODY = read_question("", date.min)


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line: who, about which property, what of it, what it rests on."""

    who: str
    about: str
    gist: str
    source: Source
    action: SuggestedAction | None = None


def compose_list(reader: Reader, user_id: str, asked: Asked, named: Named, now: datetime) -> Composed:
    """The answer to a question for a list."""
    entries = READERS[asked.intent](reader, user_id, asked, named, now)
    return listed(entries, _head(asked, len(entries)), NOTHING[asked.intent])


def listed(entries: Sequence[Entry], head: str, nothing: str) -> Composed:
    """Lines under a heading; one sentence when there are none."""
    if not entries:
        return Composed(pieces=(nothing,), found=True)
    shown = entries[:LINES]
    width = max(LEAST, ROOM // len(shown))
    pieces = [head, *(f"\n{i}. {_line(entry, width)}" for i, entry in enumerate(shown, 1))]
    if len(entries) > len(shown):
        pieces.append(f"\nand {len(entries) - len(shown)} more.")
    actions = [entry.action for entry in shown if entry.action is not None][:3]
    sources = unique_sources([entry.source for entry in shown])
    return Composed(pieces=tuple(pieces), found=True, sources=sources, actions=tuple(actions))


def _line(entry: Entry, width: int) -> str:
    about = f" ({entry.about})" if entry.about else ""
    return cut(f"{cut(entry.who, min(NAMED, width // 2))}{about}: {' '.join(entry.gist.split())}", width)


def _head(asked: Asked, count: int) -> str:
    return HEADS[asked.intent].format(count=count)


HEADS: dict[Intent, str] = {
    "due": "{count} to do:",
    "promised": "{count} promised and not sent yet:",
    "waiting": "You are waiting for {count}, the longest silence first:",
    "worried": "{count} sound worried:",
    "risk": "{count} at risk, the worst first:",
    "owed": "{count} wait for you:",
}
NOTHING: dict[Intent, str] = {
    "due": "Nothing that I know of.",
    "promised": "No: I see no promise of yours that is still open.",
    "waiting": "You are waiting for nobody.",
    "worried": "Nobody sounds worried.",
    "risk": "No deal is at risk.",
    "owed": "Nobody waits for you.",
}


class _Task(msgspec.Struct):
    task_id: str
    label: str
    due_date: str | None
    evidence: str | None
    thread_id: str | None
    property: str | None
    name: str | None
    sender: str | None
    subject: str | None
    classification: Classification | None


def _tasks(reader: Reader, user_id: str) -> list[_Task]:
    return reader.all(
        _Task,
        "SELECT k.task_id, k.label, k.due_date, k.evidence, k.thread_id,"
        " p.number || ' ' || p.street AS property, c.name, t.sender, t.subject, t.classification"
        " FROM tasks AS k"
        " LEFT JOIN properties AS p ON p.property_id = k.property_id"
        " LEFT JOIN contacts AS c ON c.contact_id = k.contact_id"
        " LEFT JOIN threads AS t ON t.user_id = k.user_id AND t.thread_id = k.thread_id"
        " WHERE k.user_id = :user_id AND k.completed_at IS NULL"
        " ORDER BY COALESCE(k.due_date, '9999'), k.created_at, k.task_id LIMIT :most",
        user_id=user_id,
        most=ROWS,
    )


def _task_entry(task: _Task, now: datetime) -> Entry:
    due = due_of(task.due_date, now.date())
    if task.thread_id is not None:
        source = Source("thread", task.thread_id, cut(task.subject or ""), cut(task.evidence or task.label))
    else:
        source = Source("task", task.task_id, cut(task.label), cut(task.evidence or task.label))
    return Entry(
        who=task.name or task.sender or "You",
        about=task.property or "",
        gist=task.label + (f" ({due})" if due else ""),
        source=source,
        action=SuggestedAction(cut(f"Done: {task.label}"), "task.complete", {"taskId": task.task_id}),
    )


def due_tasks(reader: Reader, user_id: str, asked: Asked, named: Named, now: datetime) -> list[Entry]:
    """What is to be done on the days asked about; without any, what is due by today, then the rest."""
    tasks = _about(_tasks(reader, user_id), named)
    window = asked.window
    today = now.date().isoformat()
    if window is None:
        chosen = [
            task for task in tasks if task.due_date is not None and task.due_date[:10] <= today
        ] or tasks
    else:
        first, last = window.first.isoformat(), window.last.isoformat()
        chosen = [task for task in tasks if task.due_date is not None and first <= task.due_date[:10] <= last]
    entries = [_task_entry(task, now) for task in chosen]
    if window is not None:
        known = {entry.source.id for entry in entries}
        spoken = [*open_promises(reader, user_id, named), *open_requests(reader, user_id, named)]
        entries += [
            _spoken_entry(row, one, now)
            for row, one in spoken
            if one.due is not None and window.first <= one.due <= window.last and row.thread_id not in known
        ]
    return entries


def promised_tasks(reader: Reader, user_id: str, asked: Asked, named: Named, now: datetime) -> list[Entry]:
    """What the agent's own last words in a thread promise, the first due first."""
    found = open_promises(reader, user_id, named)
    today = now.date()
    if "overdue" in asked.cues:
        found = [one for one in found if one[1].due is not None and one[1].due < today]
    return [_spoken_entry(row, one, now) for row, one in found]


def open_promises(reader: Reader, user_id: str, named: Named) -> list[tuple[_Thread, Spoken]]:
    """Promises that nothing of the agent's has followed, the first due first, those without a day last."""
    return _spoken(reader, user_id, named, promises_of)


def open_requests(reader: Reader, user_id: str, named: Named) -> list[tuple[_Thread, Spoken]]:
    """What others ask for by a day, and nobody has answered; triage makes tasks of most of it, not of all."""
    return _spoken(reader, user_id, named, requests_of)


def _spoken(
    reader: Reader,
    user_id: str,
    named: Named,
    find: Callable[[str, Sequence[Message], frozenset[str]], list[Spoken]],
) -> list[tuple[_Thread, Spoken]]:
    own = own_addresses(reader, user_id)
    rows = _threads(reader, user_id, EVERYBODY, named, "all")[-SPOKEN:]
    found = [
        (row, one)
        for row in rows
        for one in find(row.thread_id, newest_messages(reader, user_id, row.thread_id, LAST_MESSAGES), own)
    ]
    return sorted(found, key=lambda pair: (pair[1].due or date.max, -pair[0].last_message_at.timestamp()))


def _spoken_entry(row: _Thread, one: Spoken, now: datetime) -> Entry:
    due = due_of(one.due.isoformat() if one.due else None, now.date())
    source = Source(
        "thread", row.thread_id, cut(row.subject or "(no subject)"), cut(one.evidence), one.message_key
    )
    return Entry(
        who=row.sender,
        about=row.property or "",
        gist=one.label + (f" ({due})" if due else ""),
        source=source,
        action=SuggestedAction(cut(f"Open “{row.subject}”"), "thread.view", {"threadId": row.thread_id}),
    )


def _about(tasks: list[_Task], named: Named) -> list[_Task]:
    if not named.houses:
        return tasks
    shown = {house.shown for house in named.houses}
    return [task for task in tasks if task.property in shown]


class _Thread(msgspec.Struct):
    thread_id: str
    subject: str
    sender: str
    property: str | None
    concern: str | None
    summary: str | None
    risk_level: RiskLevel | None
    last_message_at: datetime


def _threads(reader: Reader, user_id: str, asked: Asked, named: Named, which: str) -> list[_Thread]:
    """Threads of the classes asked about, the longest silent first."""
    rows = reader.all(
        _ThreadRow,
        "SELECT t.thread_id, t.subject, COALESCE((SELECT NULLIF(c.name, '') FROM thread_contacts AS w"
        " JOIN contacts AS c ON c.contact_id = w.contact_id WHERE w.user_id = t.user_id"
        " AND w.thread_id = t.thread_id AND w.rank = 0), t.sender) AS sender,"
        " p.number || ' ' || p.street AS property, t.concern, t.summary,"
        " t.risk_level, t.last_message_at, t.classification, t.property_id, t.category,"
        " COALESCE(t.settled, FALSE) AS settled FROM threads AS t"
        " LEFT JOIN properties AS p ON p.property_id = t.property_id"
        " WHERE t.user_id = :user_id AND COALESCE(t.classification, 'noise') <> 'noise'"
        " AND (:which <> 'waiting' OR (t.category = 'waiting' AND COALESCE(t.settled, FALSE) = FALSE))"
        " AND (:which <> 'focus' OR t.category = 'focus')"
        " AND (:which <> 'concern' OR t.concern IS NOT NULL)"
        " ORDER BY t.last_message_at, t.thread_id LIMIT :most",
        user_id=user_id,
        which=which,
        most=5 * ROWS,
    )
    houses = {house.property_id for house in named.houses}
    return [
        row
        for row in rows
        if (not asked.classes or row.classification in asked.classes)
        and (not houses or row.property_id in houses)
    ]


class _ThreadRow(_Thread):
    classification: Classification | None
    property_id: str | None
    category: str | None
    settled: bool


def _thread_entry(row: _Thread, gist: str) -> Entry:
    return Entry(
        who=row.sender,
        about=row.property or "",
        gist=gist,
        source=Source("thread", row.thread_id, cut(row.subject or "(no subject)"), cut(row.summary or gist)),
        action=SuggestedAction(cut(f"Open “{row.subject}”"), "thread.view", {"threadId": row.thread_id}),
    )


def waiting_threads(reader: Reader, user_id: str, asked: Asked, named: Named, now: datetime) -> list[Entry]:
    """Whom the agent waits for by triage or by the last words, the longest silence first."""
    own = own_addresses(reader, user_id)
    owed = [
        row
        for row in _threads(reader, user_id, asked, named, "focus")
        if is_with_them(newest_messages(reader, user_id, row.thread_id, LAST_MESSAGES), own)
    ]
    rows = [*_threads(reader, user_id, asked, named, "waiting"), *owed]
    rows.sort(key=lambda row: row.last_message_at)
    return [_thread_entry(row, f"{silence(row.last_message_at, now)}, {row.subject}") for row in rows]


def owed_threads(reader: Reader, user_id: str, asked: Asked, named: Named, now: datetime) -> list[Entry]:
    """Who waits for the agent, the longest first."""
    rows = _threads(reader, user_id, asked, named, "focus")
    return [
        _thread_entry(row, f"{silence(row.last_message_at, now)}, {row.summary or row.subject}")
        for row in rows
    ]


def worried_threads(reader: Reader, user_id: str, asked: Asked, named: Named, _now: datetime) -> list[Entry]:
    """Who voices a concern, the newest first."""
    rows = _threads(reader, user_id, asked, named, "concern")[::-1]
    return [_thread_entry(row, f"“{row.concern}”") for row in rows]


class _Deal(msgspec.Struct):
    deal_id: str
    party: str
    property: str | None
    property_id: str | None
    risk_level: RiskLevel
    risk_reason: str
    summary: str


def deals_at_risk(reader: Reader, user_id: str, _asked: Asked, named: Named, _now: datetime) -> list[Entry]:
    """Open deals that have gone cold or worry somebody, the worst first."""
    rows = reader.all(
        _Deal,
        "SELECT d.deal_id, COALESCE(NULLIF(c.name, ''), d.party) AS party, d.property_id,"
        " p.number || ' ' || p.street AS property, d.risk_level, d.risk_reason, d.summary FROM deals AS d"
        " LEFT JOIN contacts AS c ON c.user_id = d.user_id AND c.email = d.party"
        " LEFT JOIN properties AS p ON p.property_id = d.property_id"
        " WHERE d.user_id = :user_id AND d.closed_at IS NULL AND d.risk_level IN ('medium', 'high')"
        " ORDER BY CASE d.risk_level WHEN 'high' THEN 0 ELSE 1 END, d.last_message_at, d.deal_id LIMIT :most",
        user_id=user_id,
        most=ROWS,
    )
    houses = {house.property_id for house in named.houses}
    return [
        Entry(
            who=row.party,
            about=row.property or "",
            gist=f"{row.risk_level}, {row.risk_reason}",
            source=Source("deal", row.deal_id, cut(row.property or row.party), cut(row.summary)),
        )
        for row in rows
        if not houses or row.property_id in houses
    ]


READERS: dict[Intent, Callable[[Reader, str, Asked, Named, datetime], list[Entry]]] = {
    "due": due_tasks,
    "promised": promised_tasks,
    "waiting": waiting_threads,
    "owed": owed_threads,
    "worried": worried_threads,
    "risk": deals_at_risk,
}
