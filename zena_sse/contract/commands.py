"""Every command a client can post, declared once: its type, its payload, its result."""

from __future__ import annotations

from typing import Annotated, ClassVar, TypeAlias

import msgspec

from zena_sse.contract.events import QUESTION_LIMIT, TEXT_LIMIT
from zena_sse.contract.moments import Moment

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class Result(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What a command answers; nothing, unless a subclass says more."""


# A day, or a moment; whether it is in the calendar is for the handler to say.
DueDate = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d{2}-\d{2}(T[0-9:.]{5,15}(Z|[+-]\d{2}:\d{2}))?$")]

ResultType: TypeAlias = type[Result]


class Command(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True):
    """A wish of one user; subclasses are the payloads. An unknown field is refused, not ignored."""

    type: ClassVar[str]
    result: ClassVar[ResultType] = Result


class SyncIds(Result, frozen=True):
    """The syncs that run now, one for each account asked for."""

    sync_ids: list[str]


class SyncRequest(Command, frozen=True):
    """Read the mailboxes now: one account, or all. A sync that runs already is returned."""

    type = "sync.request"
    result = SyncIds

    account_id: Id | None = None


class ViewedAt(Result, frozen=True):
    """When the thread was marked as viewed."""

    viewed_at: Moment


class ThreadView(Command, frozen=True):
    """The user has opened a thread."""

    type = "thread.view"
    result = ViewedAt

    thread_id: Id


class TypingStart(Command, frozen=True):
    """The user types; shown in the user's other tabs, never kept."""

    type = "typing.start"

    where: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class TaskId(Result, frozen=True):
    """The task that was created."""

    task_id: str


class TaskCreate(Command, frozen=True):
    """Note something to do. `dueDate` is a day, `2026-11-24`, or a moment."""

    type = "task.create"
    result = TaskId

    label: Annotated[str, msgspec.Meta(min_length=1, max_length=TEXT_LIMIT)]
    due_date: DueDate | None = None
    deal_id: Id | None = None
    property_id: Id | None = None
    contact_id: Id | None = None


class TaskComplete(Command, frozen=True):
    """Something is done; saying so again changes nothing."""

    type = "task.complete"

    task_id: Id


class AskId(Result, frozen=True):
    """The question's id; `ask.started` and `ask.response` bear it."""

    ask_id: str


class AskRequest(Command, frozen=True):
    """Ask about the mail. With the `conversationId` of an earlier question this one follows it."""

    type = "ask.request"
    result = AskId

    question: Annotated[str, msgspec.Meta(min_length=1, max_length=QUESTION_LIMIT)]
    conversation_id: Id | None = None


class AskCancel(Command, frozen=True):
    """Stop an answer, from any tab; what was said stays. An answer that has ended is left as it is."""

    type = "ask.cancel"

    ask_id: Id


COMMANDS: dict[str, type[Command]] = {
    command.type: command
    for command in (
        SyncRequest,
        ThreadView,
        TypingStart,
        AskRequest,
        AskCancel,
        TaskCreate,
        TaskComplete,
    )
}
