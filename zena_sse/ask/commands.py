"""The handlers of the commands that are about asks."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from functools import partial

from zena_sse.ask.rows import request_ask, require_ask
from zena_sse.ask.saying import cancel
from zena_sse.contract.commands import AskCancel, AskId, AskRequest, Result
from zena_sse.dispatch import Caller, Handler
from zena_sse.errors import InvalidPayload
from zena_sse.storage.port import Transaction

# Control and format characters: nothing can be seen of a question that has no others.
_UNSEEN = frozenset({"Cc", "Cf"})


def ask_handlers(
    wake: Callable[[], None], stop: Callable[[str], None], new_id: Callable[[], str]
) -> Mapping[str, Handler]:
    """Handlers by command. `wake` tells whoever answers of a question, `stop` of one that was cancelled."""

    def request(tx: Transaction, caller: Caller, command: AskRequest) -> AskId:
        return request_answer(tx, caller, command, wake, new_id)

    def stop_answer(tx: Transaction, caller: Caller, command: AskCancel) -> Result:
        return cancel_answer(tx, caller, command, stop)

    return {AskRequest.type: request, AskCancel.type: stop_answer}


def request_answer(
    tx: Transaction,
    caller: Caller,
    command: AskRequest,
    wake: Callable[[], None],
    new_id: Callable[[], str],
) -> AskId:
    """Ask; the answer is made once the question is durable. Raises `InvalidPayload`, `TooManyAsks`."""
    if not is_visible(command.question):
        raise InvalidPayload("question: there must be something to answer.")
    ask_id = new_id()
    conversation_id = command.conversation_id or ask_id
    request_ask(tx, caller.user_id, ask_id, command.question, conversation_id, caller.command_id)
    tx.after_commit(wake)
    return AskId(ask_id=ask_id)


def cancel_answer(tx: Transaction, caller: Caller, command: AskCancel, stop: Callable[[str], None]) -> Result:
    """End an answer here and now, whichever server makes it: that one finds it ended. Raises `NotFound`."""
    require_ask(tx, caller.user_id, command.ask_id)
    if cancel(tx, command.ask_id):
        tx.after_commit(partial(stop, command.ask_id))
    return Result()


def is_visible(question: str) -> bool:
    """Whether there is anything in it to be seen."""
    return any(not letter.isspace() and unicodedata.category(letter) not in _UNSEEN for letter in question)
