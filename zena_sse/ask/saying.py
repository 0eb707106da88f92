"""What is said of an answer: chunks that follow each other exactly, and one end, whoever comes first.

Chunks are logged as they are said. The end has the whole answer, so in its unit they are folded: their
events leave the log, and a client that resumes among them finds the end. Whoever writes brings the whole
text so far, and what was not said of it yet is found from what is stored: a write that is tried again says
nothing twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec

from zena_sse.ask.answering import Conclusion
from zena_sse.ask.fitting import fit
from zena_sse.ask.rows import Ask, owned_asks, put_back
from zena_sse.ask.text import first_units, from_unit, units
from zena_sse.contract.events import AskError, AskResponse
from zena_sse.contract.moments import timestamp
from zena_sse.storage.port import Reader, Transaction

Outcome: TypeAlias = Literal["answered", "not_found", "cancelled", "interrupted", "failed"]

# UTF-16 units in one chunk: beside a whole answer and its sources it still fits into one event.
CHUNK_UNITS = 2_000
# Orphans ended in one unit of work: each may have hundreds of chunks to fold.
ORPHANS_A_UNIT = 10

CANCELLED = AskError("cancelled", "The answer was stopped.")
INTERRUPTED = AskError("interrupted", "The server stopped before the answer was whole.")

_OPEN = "SELECT ask_id, user_id, conversation_id, question, command_id, asked_at FROM asks WHERE "


def say(tx: Transaction, owner: str, ask_id: str, text: str) -> int | None:
    """Say what follows of this text, as much as one chunk has; how much is said then.

    None: the ask is not this owner's any more.
    """
    ask = find_owned(tx, owner, ask_id)
    if ask is None:
        return None
    position = _said_units(tx, ask_id)
    return position + _say_chunk(tx, ask, position, from_unit(text, position))


def conclude(tx: Transaction, owner: str, ask_id: str, text: str, conclusion: Conclusion) -> bool:
    """The answer is whole. False: the ask is not this owner's any more."""
    ask = find_owned(tx, owner, ask_id)
    return ask is not None and _end(tx, ask, text, conclusion, None)


def fail(tx: Transaction, owner: str, ask_id: str, text: str, error: AskError) -> bool:
    """The answer ends here, with what there is of it. False: the ask is not this owner's any more."""
    ask = find_owned(tx, owner, ask_id)
    return ask is not None and _end(tx, ask, text, None, error)


def cancel(tx: Transaction, ask_id: str) -> bool:
    """The answer ends with what was said of it, whoever makes it. False: it had ended before."""
    ask = tx.one(Ask, _OPEN + "ask_id = :ask_id AND state <> 'completed'", ask_id=ask_id)
    return ask is not None and _end(tx, ask, said_so_far(tx, ask_id), None, CANCELLED)


def end_orphans(tx: Transaction) -> int:
    """End some of the asks whose owner has not said for the lease that it lives; how many."""
    orphans = tx.all(
        Ask,
        _OPEN + "state <> 'completed' AND state = 'running' AND lease_until < :now"
        " ORDER BY asked_at, ask_id LIMIT :most",
        now=timestamp(tx.now),
        most=ORPHANS_A_UNIT,
    )
    for ask in orphans:
        _end(tx, ask, said_so_far(tx, ask.ask_id), None, INTERRUPTED)
    return len(orphans)


def let_go(tx: Transaction, owner: str, texts: Mapping[str, str]) -> int:
    """This owner stops: what has said nothing waits again, the rest ends with these texts; how many ended."""
    ended = 0
    for ask_id in owned_asks(tx, owner):
        said = said_so_far(tx, ask_id)
        if said:
            ended += fail(tx, owner, ask_id, texts.get(ask_id, said), INTERRUPTED)
        else:
            put_back(tx, ask_id)
    return ended


def find_owned(reader: Reader, owner: str, ask_id: str) -> Ask | None:
    """The ask, if it runs and this is its owner."""
    return reader.one(
        Ask, _OPEN + "ask_id = :ask_id AND state = 'running' AND owner = :owner", ask_id=ask_id, owner=owner
    )


def said_so_far(reader: Reader, ask_id: str) -> str:
    """What was said of an answer that is not whole."""
    return "".join(
        reader.all(
            str, "SELECT chunk FROM ask_chunks WHERE ask_id = :ask_id ORDER BY position", ask_id=ask_id
        )
    )


class _Chunk(msgspec.Struct):
    position: int
    chunk: str


def _said_units(reader: Reader, ask_id: str) -> int:
    last = reader.one(
        _Chunk,
        "SELECT position, chunk FROM ask_chunks WHERE ask_id = :ask_id ORDER BY position DESC LIMIT 1",
        ask_id=ask_id,
    )
    return 0 if last is None else last.position + units(last.chunk)


def _say_chunk(tx: Transaction, ask: Ask, position: int, rest: str) -> int:
    """Say the beginning of what is left; how many units that were."""
    chunk = first_units(rest, CHUNK_UNITS)
    if chunk:
        told = AskResponse(ask_id=ask.ask_id, chunk=chunk, offset=position, is_complete=False)
        _keep_chunk(tx, ask, position, chunk, tx.publish(ask.user_id, told, command_id=ask.command_id))
    return units(chunk)


def _keep_chunk(tx: Transaction, ask: Ask, position: int, chunk: str, offset: int) -> None:
    tx.execute(
        'INSERT INTO ask_chunks (ask_id, position, user_id, epoch, "offset", chunk)'
        " SELECT :ask_id, :position, user_id, epoch, :offset, :chunk FROM streams WHERE user_id = :user_id",
        ask_id=ask.ask_id,
        position=position,
        user_id=ask.user_id,
        offset=offset,
        chunk=chunk,
    )


def _end(tx: Transaction, ask: Ask, text: str, conclusion: Conclusion | None, error: AskError | None) -> bool:
    position = _said_units(tx, ask.ask_id)
    while units(rest := from_unit(text, position)) > CHUNK_UNITS:
        position += _say_chunk(tx, ask, position, rest)
    end = AskResponse(
        ask_id=ask.ask_id, chunk=rest, offset=position, is_complete=True, answer=text, error=error
    )
    if conclusion is not None:
        end = msgspec.structs.replace(
            end,
            found=conclusion.found,
            sources=list(conclusion.sources),
            suggested_actions=list(conclusion.suggested_actions),
        )
    response = fit(end)
    tx.publish(ask.user_id, response, command_id=ask.command_id)
    _store_end(tx, response)
    _fold(tx, ask)
    return True


def _store_end(tx: Transaction, response: AskResponse) -> None:
    tx.execute(
        "UPDATE asks SET state = 'completed', completed_at = :now, owner = NULL, lease_until = NULL,"
        " answer = :answer, found = :found, sources = :sources, suggested_actions = :suggested_actions,"
        " error_code = :error_code, error_message = :error_message WHERE ask_id = :ask_id",
        ask_id=response.ask_id,
        now=timestamp(tx.now),
        answer=response.answer,
        found=response.found,
        sources=_json(response.sources),
        suggested_actions=_json(response.suggested_actions),
        error_code=None if response.error is None else response.error.code,
        error_message=None if response.error is None else response.error.message,
    )


def _fold(tx: Transaction, ask: Ask) -> None:
    """The end says it all: the chunks go, and their events from the log."""
    tx.execute(
        'DELETE FROM events WHERE user_id = :user_id AND "offset" IN (SELECT "offset" FROM ask_chunks'
        " WHERE ask_id = :ask_id AND epoch = (SELECT epoch FROM streams WHERE user_id = :user_id))",
        user_id=ask.user_id,
        ask_id=ask.ask_id,
    )
    tx.execute("DELETE FROM ask_chunks WHERE ask_id = :ask_id", ask_id=ask.ask_id)


def _json(value: object) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()
