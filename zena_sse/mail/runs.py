"""Runs: one reading of one mailbox, from the wish for it to its end, which each run has exactly once."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from zena_sse.contract.events import Provider, SyncCompleted, SyncError, SyncStarted
from zena_sse.contract.moments import timestamp
from zena_sse.mail.accounts import Account, mark_failed, mark_synced
from zena_sse.mail.content.message import cut
from zena_sse.storage.port import Reader, Transaction

RunState = Literal["queued", "running", "completed"]

INTERRUPTED = "interrupted"
# Completed runs that are kept of each account: enough to see a pattern.
HISTORY = 20
# Orphans ended in one unit of work: each is an update and an event or two.
ORPHANS_A_UNIT = 25


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A run that has begun; `command_id` is that of the command that asked for it."""

    sync_id: str
    account_id: str
    user_id: str
    provider: Provider
    command_id: str | None


class SyncItem(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A run as its user sees it."""

    sync_id: str
    account_id: str
    provider: Provider
    state: RunState
    requested_at: datetime
    completed_at: datetime | None
    threads_processed: int
    success: bool | None
    error: str | None


def request_sync(tx: Transaction, account: Account, sync_id: str, command_id: str | None = None) -> str:
    """A run of this account that is queued or running, or else a new one under this id; returns its id."""
    open_run = tx.one(
        str,
        "SELECT sync_id FROM sync_runs WHERE account_id = :account_id AND state <> 'completed'",
        account_id=account.account_id,
    )
    if open_run is not None:
        return open_run
    tx.execute(
        "INSERT INTO sync_runs"
        " (sync_id, account_id, user_id, provider, state, command_id, requested_at, threads_processed)"
        " VALUES (:sync_id, :account_id, :user_id, :provider, 'queued', :command_id, :now, 0)",
        sync_id=sync_id,
        account_id=account.account_id,
        user_id=account.user_id,
        provider=account.provider,
        command_id=command_id,
        now=timestamp(tx.now),
    )
    started = SyncStarted(sync_id=sync_id, account_id=account.account_id, provider=account.provider)
    tx.publish(account.user_id, started, command_id=command_id)
    return sync_id


def claim_run(tx: Transaction, account_id: str) -> Run | None:
    """Begin the open run of this account: a queued one, or one whose beginning nobody heard back from."""
    return tx.one(
        Run,
        "UPDATE sync_runs SET state = 'running' WHERE account_id = :account_id AND state <> 'completed'"
        " RETURNING sync_id, account_id, user_id, provider, command_id",
        account_id=account_id,
    )


def record_processed(tx: Transaction, run: Run, threads: int) -> None:
    """Note how many threads a run has touched so far."""
    tx.execute(
        "UPDATE sync_runs SET threads_processed = :threads WHERE sync_id = :sync_id",
        sync_id=run.sync_id,
        threads=threads,
    )


def complete_run(tx: Transaction, run: Run) -> bool:
    """The mailbox was read to its end. False: the run had ended before."""
    if not _end(tx, run, None):
        return False
    mark_synced(tx, run.account_id)
    return True


def fail_run(tx: Transaction, run: Run, error: str, *, fatal: bool) -> bool:
    """Retries are spent, or trying again cannot help (`fatal`). False: the run had ended before."""
    error = cut(error)
    if not _is_open(tx, run):
        return False
    told = SyncError(account_id=run.account_id, error=error, fatal=fatal)
    tx.publish(run.user_id, told, command_id=run.command_id)
    mark_failed(tx, run.account_id, error, fatal=fatal)
    return _end(tx, run, error)


def interrupt_run(tx: Transaction, run: Run, reason: str = INTERRUPTED) -> bool:
    """Something else than the mailbox stopped the run. False: the run had ended before."""
    return _end(tx, run, reason)


def end_orphans(tx: Transaction) -> bool:
    """End some of the runs that a server which died left running; whether there may be more."""
    orphans = tx.all(
        Run,
        "SELECT sync_id, account_id, user_id, provider, command_id FROM sync_runs"
        " WHERE state = 'running' ORDER BY requested_at, sync_id LIMIT :most",
        most=ORPHANS_A_UNIT,
    )
    for run in orphans:
        interrupt_run(tx, run)
    return len(orphans) == ORPHANS_A_UNIT


def end_open_runs(tx: Transaction, account_id: str, reason: str) -> None:
    """End whatever is queued or running for an account."""
    open_runs = tx.all(
        Run,
        "SELECT sync_id, account_id, user_id, provider, command_id FROM sync_runs"
        " WHERE account_id = :account_id AND state <> 'completed'",
        account_id=account_id,
    )
    for run in open_runs:
        interrupt_run(tx, run, reason)


def was_interrupted(reader: Reader, account_id: str) -> bool:
    """Whether the newest run of this account never came to an end of its own."""
    error = reader.one(
        str,
        "SELECT COALESCE(error, '') FROM sync_runs WHERE account_id = :account_id AND state = 'completed'"
        " ORDER BY completed_at DESC, requested_at DESC LIMIT 1",
        account_id=account_id,
    )
    return error == INTERRUPTED


def snapshot_syncs(reader: Reader, user_id: str) -> list[SyncItem]:
    """For each of a user's accounts the run that is open, or else the last one."""
    return reader.all(
        SyncItem,
        'SELECT sync_id AS "syncId", account_id AS "accountId", provider, state,'
        ' requested_at AS "requestedAt", completed_at AS "completedAt",'
        ' threads_processed AS "threadsProcessed", success, error FROM ('
        " SELECT *, ROW_NUMBER() OVER (PARTITION BY account_id ORDER BY"
        " CASE state WHEN 'completed' THEN 1 ELSE 0 END, completed_at DESC, requested_at DESC) AS place"
        " FROM sync_runs WHERE user_id = :user_id) AS placed WHERE place = 1 ORDER BY account_id",
        user_id=user_id,
    )


def _is_open(reader: Reader, run: Run) -> bool:
    state = reader.one(str, "SELECT state FROM sync_runs WHERE sync_id = :sync_id", sync_id=run.sync_id)
    return state is not None and state != "completed"


def _end(tx: Transaction, run: Run, error: str | None) -> bool:
    """Exactly one `sync.completed` for each run: whoever ends it first ends it."""
    threads = tx.one(
        int,
        "UPDATE sync_runs SET state = 'completed', completed_at = :now, success = :success, error = :error"
        " WHERE sync_id = :sync_id AND state <> 'completed' RETURNING threads_processed",
        sync_id=run.sync_id,
        now=timestamp(tx.now),
        success=error is None,
        error=error,
    )
    if threads is None:
        return False
    completed = SyncCompleted(
        sync_id=run.sync_id,
        account_id=run.account_id,
        threads_processed=threads,
        success=error is None,
        error=error,
    )
    tx.publish(run.user_id, completed, command_id=run.command_id)
    _drop_old_runs(tx, run.account_id)
    return True


def _drop_old_runs(tx: Transaction, account_id: str) -> None:
    tx.execute(
        "DELETE FROM sync_runs WHERE account_id = :account_id AND state = 'completed' AND sync_id NOT IN ("
        " SELECT sync_id FROM sync_runs WHERE account_id = :account_id AND state = 'completed'"
        " ORDER BY completed_at DESC, requested_at DESC LIMIT :most)",
        account_id=account_id,
        most=HISTORY,
    )
