"""The handlers of the commands that are about mailboxes, threads and whoever writes in one."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from zena_sse.contract.commands import Result, SyncIds, SyncRequest, ThreadView, TypingStart
from zena_sse.contract.events import TypingStarted
from zena_sse.dispatch import Caller, Handler
from zena_sse.mail.accounts import find_account, list_accounts
from zena_sse.mail.runs import request_sync
from zena_sse.mail.threads import view_thread
from zena_sse.storage.port import Transaction


def mail_handlers(wake: Callable[[str], None], new_id: Callable[[], str]) -> Mapping[str, Handler]:
    """Handlers by command. `wake` tells the engine of an account that has something to do."""

    def sync(tx: Transaction, caller: Caller, command: SyncRequest) -> SyncIds:
        return request_syncs(tx, caller, command, wake, new_id)

    return {SyncRequest.type: sync, ThreadView.type: view_thread, TypingStart.type: start_typing}


def request_syncs(
    tx: Transaction,
    caller: Caller,
    command: SyncRequest,
    wake: Callable[[str], None],
    new_id: Callable[[], str],
) -> SyncIds:
    """Have one mailbox read, or all; the failed ones are tried again. Raises `NotFound`."""
    if command.account_id is None:
        accounts = list_accounts(tx, caller.user_id)
    else:
        accounts = [find_account(tx, caller.user_id, command.account_id)]
    sync_ids = [request_sync(tx, account, new_id(), caller.command_id) for account in accounts]

    def wake_all() -> None:
        for account in accounts:
            wake(account.account_id)

    tx.after_commit(wake_all)
    return SyncIds(sync_ids=sync_ids)


def start_typing(tx: Transaction, caller: Caller, command: TypingStart) -> Result:
    """Show in the user's other tabs that they type."""
    event = TypingStarted(by=caller.user_id, where=command.where)
    tx.announce(caller.user_id, event, command_id=caller.command_id, except_tab=caller.tab)
    return Result()
