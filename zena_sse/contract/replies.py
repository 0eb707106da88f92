"""What the server answers besides events: a problem, an accepted command, the outcomes of a batch."""

from __future__ import annotations

from typing import Annotated

import msgspec


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Every error, as RFC 9457 has it, with a `code` to switch on and whether trying again can help."""

    title: str
    status: Annotated[int, msgspec.Meta(ge=400, le=599)]
    code: str
    retryable: bool
    type: str = "about:blank"
    detail: str | None = None
    instance: str | None = None


class Accepted(msgspec.Struct, frozen=True, rename="camel"):
    """A command was taken. `cursor` is the log's head after it: the event to wait for is at or below it."""

    command_id: str
    cursor: str
    result: msgspec.Raw


class BatchEntry(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True):
    """One command of a batch; its `commandId` is its idempotency key."""

    type: str
    payload: msgspec.Raw = msgspec.field(default_factory=lambda: msgspec.Raw(b"{}"))
    command_id: str | None = None


class BatchOutcome(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What became of one command of a batch: a `result`, or a `problem`; neither stops the rest."""

    command_id: str
    status: int
    cursor: str | None = None
    result: msgspec.Raw | None = None
    problem: Problem | None = None
