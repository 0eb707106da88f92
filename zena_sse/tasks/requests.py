"""The requests of one thread, each of which is one task however often it is made or found."""

from __future__ import annotations

from datetime import date

from zena_sse.mail.content.message import cut
from zena_sse.storage.port import Reader, Transaction
from zena_sse.tasks.rows import EndedBy, TaskRow, insert_task, reopen_task, save_task, task_id_of
from zena_sse.tasks.wording import alike, words_of
from zena_sse.triage.analysis.findings import Ask
from zena_sse.triage.triaged import Triaged

# Tasks that a request is compared with; the newest are those that it can repeat.
COMPARED = 200


class KnownTask(TaskRow, kw_only=True):
    """A task that a request might repeat; `asked_at` is when it was last asked for, as the mail says."""

    is_open: bool
    asked_at: str
    ended_by: EndedBy | None = None


class Requests:
    """Takes what a thread asks for, and remembers which task each request was found to be."""

    def __init__(self, tx: Transaction, triaged: Triaged, deal_id: str | None) -> None:
        self._tx = tx
        self._triaged = triaged
        self._deal_id = deal_id
        self._of_thread = _of_thread(tx, triaged.user_id, triaged.thread_id)
        self._claimed: set[str] = set()
        names = [person.name for person in triaged.findings.contacts]
        self._familiar = frozenset(words_of(" ".join([triaged.property or "", *names])))

    def take(self, ask: Ask) -> None:
        """A task for this request, unless there is one; one that has no due date takes the request's."""
        asked_at = _message_at(self._tx, self._triaged.user_id, ask.message_key)
        contact_id = self._contact_of(ask)
        known = self._done_before(ask, asked_at) or self._still_open(ask, contact_id, asked_at)
        if known is None:
            self._make(ask, contact_id, asked_at)
            return
        self._claimed.add(known.task_id)
        if _is_back(known, ask):
            self._reopen(known, ask, contact_id)
        elif known.is_open:
            self._learn(known, ask, contact_id, asked_at)

    def is_claimed(self, task_id: str) -> bool:
        """Whether a request was found to be this task."""
        return task_id in self._claimed

    def _reopen(self, known: KnownTask, ask: Ask, contact_id: str | None) -> None:
        """What had ended it is taken back."""
        known.deal_id, known.property_id = self._deal_id, self._triaged.property_id
        known.due_date = known.due_date or _day(ask.due)
        known.contact_id = known.contact_id or contact_id
        known.is_open = reopen_task(self._tx, self._triaged.user_id, known, self._triaged.command_id)

    def _make(self, ask: Ask, contact_id: str | None, asked_at: str) -> None:
        words = [" ".join(words_of(text)) for text in (ask.label, ask.evidence)]
        row = KnownTask(
            task_id=task_id_of(self._triaged.user_id, "email", ask.message_key, *words),
            label=cut(ask.label),
            due_date=_day(ask.due),
            source="email",
            evidence=cut(ask.evidence),
            message_key=ask.message_key,
            thread_id=self._triaged.thread_id,
            deal_id=self._deal_id,
            property_id=self._triaged.property_id,
            contact_id=contact_id,
            is_open=True,
            asked_at=asked_at,
        )
        self._claimed.add(row.task_id)
        user_id, command_id = self._triaged.user_id, self._triaged.command_id
        # It may be there without its words, which went with the mail: that has come back.
        if insert_task(self._tx, user_id, row, command_id) or reopen_task(self._tx, user_id, row, command_id):
            self._of_thread.append(row)

    def _learn(self, known: KnownTask, ask: Ask, contact_id: str | None, asked_at: str) -> None:
        told, asked_by = known.told(), known.message_key
        known.due_date = known.due_date or _day(ask.due)
        known.contact_id = known.contact_id or contact_id
        if known.thread_id == self._triaged.thread_id and asked_at > known.asked_at:
            known.message_key, known.asked_at = ask.message_key, asked_at
        if known.told() != told or known.message_key != asked_by:
            save_task(self._tx, self._triaged.user_id, known)
        if known.told() != told:
            self._tx.publish(self._triaged.user_id, known.told(), command_id=self._triaged.command_id)

    def _done_before(self, ask: Ask, asked_at: str) -> KnownTask | None:
        """A task that was done after this was asked; asked anew, later, the same is another task."""
        return next(
            (
                known
                for known in self._of_thread
                if not known.is_open and asked_at <= known.asked_at and self._is_same(known, ask, asked_at)
            ),
            None,
        )

    def _still_open(self, ask: Ask, contact_id: str | None, asked_at: str) -> KnownTask | None:
        here = (known for known in self._of_thread if known.is_open and self._is_same(known, ask, asked_at))
        return next(here, None) or self._open_elsewhere(ask, contact_id)

    def _open_elsewhere(self, ask: Ask, contact_id: str | None) -> KnownTask | None:
        """Asked by the same person, or by somebody else who has to do with the same sale."""
        others = _open_of(self._tx, self._triaged, contact_id)
        return next((known for known in others if self._is_near(known, contact_id, ask)), None)

    def _is_near(self, known: KnownTask, contact_id: str | None, ask: Ask) -> bool:
        same_person = contact_id is not None and known.contact_id == contact_id
        # Two buyers who ask for the same want it twice.
        other_deal = None not in {known.deal_id, self._deal_id} and known.deal_id != self._deal_id
        return (same_person or not other_deal) and alike(known.label, ask.label, self._familiar)

    def _is_same(self, known: KnownTask, ask: Ask, asked_at: str) -> bool:
        """In one thread: nearly the same words; or the same passage, which was put in other words before."""
        if alike(known.label, ask.label, self._familiar):
            return True
        read_again = asked_at <= known.asked_at and known.task_id not in self._claimed
        return read_again and known.evidence is not None and alike(known.evidence, ask.evidence)

    def _contact_of(self, ask: Ask) -> str | None:
        contacts = self._triaged.contacts
        if ask.contact is not None:
            return contacts.get(ask.contact)
        return next(iter(contacts.values())) if len(contacts) == 1 else None


def _is_back(known: KnownTask, ask: Ask) -> bool:
    """Whether a task was not done but taken for done, or for nothing, and its request stands again."""
    if known.ended_by == "answered":
        return known.message_key == ask.message_key
    return known.ended_by == "removed"


def _day(due: date | None) -> str | None:
    return None if due is None else due.isoformat()


def _message_at(reader: Reader, user_id: str, key: str) -> str:
    at = reader.one(
        str, "SELECT at FROM messages WHERE user_id = :user_id AND key = :key", user_id=user_id, key=key
    )
    return at or ""


def _of_thread(reader: Reader, user_id: str, thread_id: str) -> list[KnownTask]:
    """The tasks of a thread, done or not."""
    return reader.all(
        KnownTask,
        "SELECT tasks.task_id, tasks.label, tasks.due_date, tasks.source, tasks.evidence, tasks.message_key,"
        " tasks.thread_id, tasks.deal_id, tasks.property_id, tasks.contact_id,"
        " tasks.completed_at IS NULL AS is_open, COALESCE(messages.at, '') AS asked_at, tasks.ended_by"
        " FROM tasks"
        " LEFT JOIN messages ON messages.user_id = tasks.user_id AND messages.key = tasks.message_key"
        " WHERE tasks.user_id = :user_id AND tasks.thread_id = :thread_id"
        " ORDER BY tasks.created_at DESC, tasks.task_id LIMIT :most",
        user_id=user_id,
        thread_id=thread_id,
        most=COMPARED,
    )


def _open_of(reader: Reader, triaged: Triaged, contact_id: str | None) -> list[KnownTask]:
    """Open tasks of other threads, or of none, with the same contact or property."""
    return reader.all(
        KnownTask,
        "SELECT task_id, label, due_date, source, evidence, message_key, thread_id, deal_id, property_id,"
        " contact_id, 1 AS is_open, '' AS asked_at FROM tasks"
        " WHERE user_id = :user_id AND completed_at IS NULL AND COALESCE(thread_id, '') <> :thread_id"
        " AND (property_id = :property_id OR contact_id = :contact_id)"
        " ORDER BY created_at DESC, task_id LIMIT :most",
        user_id=triaged.user_id,
        thread_id=triaged.thread_id,
        property_id=triaged.property_id,
        contact_id=contact_id,
        most=COMPARED,
    )
