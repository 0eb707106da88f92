"""Routes a command to its one handler, and gives the same answer to the same wish."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from zena_sse.contract.commands import COMMANDS, Command, Result
from zena_sse.contract.decoding import decode_json
from zena_sse.contract.moments import timestamp
from zena_sse.contract.replies import Accepted
from zena_sse.errors import IdempotencyConflict, UnknownCommand
from zena_sse.storage.log import ensure_stream
from zena_sse.storage.port import Reader, Storage, Transaction


class Caller(msgspec.Struct, frozen=True):
    """On whose behalf a command runs. Events that it causes carry the command's id."""

    user_id: str
    command_id: str
    tab: str | None = None


# Runs inside the unit of work that records the command, so it only moves rows; what must happen afterwards
# it leaves to `tx.after_commit`.
Handler = Callable[[Transaction, Caller, Any], Result]


# Answers forgotten in one unit of work.
DROPPED_ANSWERS = 500


class Outcome(msgspec.Struct, frozen=True):
    """An answer, and whether it is the one given before."""

    answer: Accepted
    replayed: bool = False


class Dispatch:
    """Every declared command and its handler."""

    def __init__(
        self, storage: Storage, handlers: Mapping[str, Handler], new_epoch: Callable[[], str]
    ) -> None:
        if missing := COMMANDS.keys() - handlers.keys():
            raise ValueError(f"commands without a handler: {sorted(missing)}")
        self._storage = storage
        self._handlers = handlers
        self._new_epoch = new_epoch

    async def run(self, caller: Caller, command_type: str, body: bytes, *, keyed: bool) -> Outcome:
        """Run one command. `keyed` says that the caller chose the id, so that asking again is no new wish.

        Raises `UnknownCommand`, `MalformedBody`, `InvalidPayload`, `IdempotencyConflict`, or what the handler
        raises.
        """
        command = decode_command(command_type, body)
        digest = hashlib.sha256(msgspec.json.encode(command)).hexdigest() if keyed else None
        return await self._storage.write(self._unit, caller, command, digest)

    def _unit(self, tx: Transaction, caller: Caller, command: Command, digest: str | None) -> Outcome:
        if digest is not None and (known := _find_answer(tx, caller, command.type, digest)) is not None:
            return Outcome(known, replayed=True)
        result = self._handlers[command.type](tx, caller, command)
        position = ensure_stream(tx, caller.user_id, self._new_epoch())
        answer = Accepted(caller.command_id, position.cursor, msgspec.Raw(msgspec.json.encode(result)))
        if digest is not None:
            _record_answer(tx, caller, command.type, digest, answer)
        return Outcome(answer)


def decode_command(command_type: str, body: bytes) -> Command:
    """The command that a body spells."""
    declared = COMMANDS.get(command_type)
    if declared is None:
        raise UnknownCommand(f"There is no command {command_type!r}; there are: {', '.join(COMMANDS)}")
    return decode_json(body or b"{}", declared)


def drop_old_answers(tx: Transaction, before: datetime) -> bool:
    """Forget some answers of keys used before then; whether there may be more."""
    dropped = tx.execute(
        "DELETE FROM idempotency WHERE (user_id, command, key) IN"
        " (SELECT user_id, command, key FROM idempotency WHERE at < :before LIMIT :most)",
        before=timestamp(before),
        most=DROPPED_ANSWERS,
    )
    return dropped == DROPPED_ANSWERS


def drop_answers_of(tx: Transaction, user_id: str) -> None:
    """Forget all answers to a user."""
    tx.execute("DELETE FROM idempotency WHERE user_id = :user_id", user_id=user_id)


class _Known(msgspec.Struct):
    digest: str
    answer: bytes


def _find_answer(reader: Reader, caller: Caller, command: str, digest: str) -> Accepted | None:
    known = reader.one(
        _Known,
        "SELECT digest, answer FROM idempotency"
        " WHERE user_id = :user_id AND command = :command AND key = :key",
        user_id=caller.user_id,
        command=command,
        key=caller.command_id,
    )
    if known is None:
        return None
    if known.digest != digest:
        raise IdempotencyConflict
    return msgspec.json.decode(known.answer, type=Accepted)


def _record_answer(tx: Transaction, caller: Caller, command: str, digest: str, answer: Accepted) -> None:
    tx.execute(
        "INSERT INTO idempotency (user_id, command, key, digest, answer, at)"
        " VALUES (:user_id, :command, :key, :digest, :answer, :at)",
        user_id=caller.user_id,
        command=command,
        key=caller.command_id,
        digest=digest,
        answer=msgspec.json.encode(answer),
        at=timestamp(tx.now),
    )
