"""The sync engine: a keeper for each account, and the removal of accounts that were disconnected."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from functools import partial

import structlog

from zena_sse.contract.events import Provider
from zena_sse.errors import ZenaError
from zena_sse.mail.accounts import Account, accounts_to_keep, add_account
from zena_sse.mail.keeper import TROUBLE_SECONDS, Keeper
from zena_sse.mail.ports import Ports
from zena_sse.mail.removal import accounts_to_purge, purge_account, remove_account
from zena_sse.mail.runs import end_orphans
from zena_sse.storage.port import Transaction

# Mailboxes read at the same moment: each holds two batches of mail at most.
READINGS = 8

log = structlog.get_logger("zena.mail")


class Engine:
    """Keeps every connected mailbox read. Belongs to the loop that starts it."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._slots = asyncio.Semaphore(READINGS)
        self._keepers: dict[str, Keeper] = {}
        self._keeping: dict[str, asyncio.Task[None]] = {}
        self._purging: dict[str, asyncio.Task[None]] = {}

    async def start(self) -> None:
        """End the runs that a crash left open, go on with removals, look after every account."""
        storage = self._ports.storage
        while await storage.write(end_orphans):
            pass
        for account_id in await storage.read(accounts_to_purge):
            self.dismiss(account_id)
        for account_id in await storage.read(accounts_to_keep):
            self.adopt(account_id)

    async def stop(self) -> None:
        """End the runs as interrupted and close every mailbox; the database must still be there."""
        tasks = [*self._keeping.values(), *self._purging.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def adopt(self, account_id: str) -> None:
        """Look after an account from now on; one that was just added is read at once."""
        if account_id not in self._keepers:
            keeper = self._keepers[account_id] = Keeper(self._ports, account_id, self._slots)
            _remember(self._keeping, account_id, self._keep(account_id, keeper))

    def connect(
        self,
        tx: Transaction,
        account_id: str,
        user_id: str,
        provider: Provider,
        name: str,
        addresses: Iterable[str],
        sealed: bytes,
    ) -> Account:
        """The unit of work that connects a mailbox and, once that is durable, looks after it."""
        account = add_account(tx, account_id, user_id, provider, name, addresses, sealed)
        tx.after_commit(partial(self.adopt, account_id))
        return account

    def disconnect(self, tx: Transaction, user_id: str, account_id: str) -> None:
        """The unit of work that disconnects a mailbox; once that is durable its data goes."""
        remove_account(tx, user_id, account_id)
        tx.after_commit(partial(self.dismiss, account_id))

    def wake(self, account_id: str) -> None:
        """A run was asked for: do it now."""
        if account_id in self._keepers:
            self._keepers[account_id].wake()
        else:
            self.adopt(account_id)

    def dismiss(self, account_id: str) -> None:
        """An account was marked as removed: stop reading it, and remove its data."""
        self._keepers.pop(account_id, None)
        keeping = self._keeping.get(account_id)
        if keeping is not None:
            keeping.cancel()
        if account_id not in self._purging:
            _remember(self._purging, account_id, self._purge(account_id, keeping))

    async def _keep(self, account_id: str, keeper: Keeper) -> None:
        try:
            await keeper.keep()
        finally:
            if self._keepers.get(account_id) is keeper:
                del self._keepers[account_id]

    async def purged(self, account_ids: Iterable[str]) -> None:
        """Wait until the data of these dismissed accounts is gone."""
        purging = [self._purging[account_id] for account_id in account_ids if account_id in self._purging]
        if purging:
            await asyncio.wait(purging)

    async def _purge(self, account_id: str, keeping: asyncio.Task[None] | None) -> None:
        if keeping is not None:
            await asyncio.wait({keeping})
        while await self._purge_some(account_id):
            pass
        log.info("account removed", account_id=account_id)

    async def _purge_some(self, account_id: str) -> bool:
        """One unit's worth; whether there is more."""
        try:
            return await self._ports.storage.write(purge_account, account_id, self._ports.followers)
        except ZenaError as error:
            log.warning("removal waits", account_id=account_id, error=str(error))
            await self._ports.sleep(TROUBLE_SECONDS)
            return True


def _remember(
    tasks: dict[str, asyncio.Task[None]], account_id: str, work: Coroutine[None, None, None]
) -> None:
    """Run this as the account's task, and forget it when it is done."""
    task = tasks[account_id] = asyncio.create_task(work)

    def forget(done: asyncio.Task[None]) -> None:
        if tasks.get(account_id) is done:
            del tasks[account_id]
        if not done.cancelled() and (error := done.exception()) is not None:
            log.error("task failed", account_id=account_id, error=repr(error))

    task.add_done_callback(forget)
