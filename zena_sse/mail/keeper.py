"""Keeps one mailbox read: decides when to look, reads, tries again, gives up when that is right."""

from __future__ import annotations

import asyncio
import contextlib

import structlog

from zena_sse.errors import ConfigurationError, MailboxRefused, MailboxUnreachable, NotFound, ZenaError
from zena_sse.mail.accounts import Kept, Mailbox, find_kept, unseal_mailbox
from zena_sse.mail.mailbox import OpenMailbox
from zena_sse.mail.ports import Ports
from zena_sse.mail.progress import Progress
from zena_sse.mail.reading import Reading
from zena_sse.mail.runs import (
    Run,
    claim_run,
    complete_run,
    fail_run,
    interrupt_run,
    request_sync,
    was_interrupted,
)
from zena_sse.storage.port import Transaction

# Seconds until the next try: a server that restarts is back after the first, an outage after the last.
RETRIES = (60.0, 300.0, 900.0, 3600.0)
# The period varies by this much, so that mailboxes connected together do not stay together.
JITTER = 0.2
# After a start each mailbox is looked into within this time, not all at once.
SPREAD_SECONDS = 60.0
# A mailbox whose connection is lost while nothing happens is looked into after this time.
LOST_SECONDS = 60.0
# The database does not answer: let it be for a while.
TROUBLE_SECONDS = 30.0

log = structlog.get_logger("zena.mail")


class Keeper:
    """Looks after one account, for as long as `keep` runs; one run at a time."""

    def __init__(self, ports: Ports, account_id: str, slots: asyncio.Semaphore) -> None:
        self._ports = ports
        self._account_id = account_id
        self._slots = slots
        self._woken = asyncio.Event()
        self._mailbox: OpenMailbox | None = None
        self._run: Run | None = None  # begun, and not ended in the database
        self._due: float | None = None  # when to look without being asked; None: never

    def wake(self) -> None:
        """There may be a run in the queue, or somebody does not want to wait for the next try."""
        self._woken.set()

    async def keep(self) -> None:
        """Until the account is removed, or this task is cancelled."""
        try:
            while not await self._kept_to_the_end():
                await self._pause(TROUBLE_SECONDS)
        finally:
            # At shutdown the database is still there; if not, the next start ends the run.
            with contextlib.suppress(ZenaError):
                await self._end_unfinished()
            await self._close()

    async def _kept_to_the_end(self) -> bool:
        """False when something went wrong that has nothing to do with the mailbox."""
        try:
            await self._end_unfinished()
            kept = await self._ports.storage.read(find_kept, self._account_id)
            if kept is not None:
                self._due = await self._first_look(kept)
                while (run := await self._next_run()) is not None:
                    await self._perform(run)
        except ZenaError as error:
            log.warning("keeper troubled", account_id=self._account_id, error=str(error))
            return False
        except Exception:
            log.exception("keeper failed", account_id=self._account_id)
            return False
        return True

    # --- when -----------------------------------------------------------------------------------

    async def _first_look(self, kept: Kept) -> float | None:
        now, account = self._ports.monotonic(), kept.account
        if account.state == "failed":
            return None
        if account.synced_at is None or await self._ports.storage.read(was_interrupted, self._account_id):
            return now
        return now + self._ports.random() * min(SPREAD_SECONDS, self._period())

    async def _next_run(self) -> Run | None:
        """Wait until there is a run to do, and begin it; None once the account is removed."""
        storage = self._ports.storage
        while True:
            self._woken.clear()  # before looking: a wake that comes later than this is not lost
            run = await storage.write(claim_run, self._account_id)
            if run is not None:
                return run
            if await self._rest() and not await storage.write(
                _request_own, self._account_id, self._ports.new_id()
            ):
                return None

    async def _rest(self) -> bool:
        """True when it is time to look or the mailbox has changed, False when somebody asks or it is lost."""
        if self._due is None:
            await self._woken.wait()
            return False
        seconds = max(0.0, self._due - self._ports.monotonic())
        if self._mailbox is None:
            return await self._pause(seconds)
        mailbox, notice = self._mailbox, self._mailbox.watch(seconds)
        try:
            if await self._pause(seconds, notice):
                return not notice.done() or notice.result()
        except ZenaError as error:
            log.info("mailbox lost", account_id=self._account_id, error=str(error))
            await self._close()
            self._due = min(self._due, self._ports.monotonic() + LOST_SECONDS)
        finally:
            await mailbox.stop_watching(notice)
        return False

    async def _pause(self, seconds: float, notice: asyncio.Future[bool] | None = None) -> bool:
        """Until the time is up or there is a notice (True), or somebody wakes us (False)."""
        timer = asyncio.ensure_future(self._ports.sleep(seconds))
        woken = asyncio.ensure_future(self._woken.wait())
        try:
            waiting = {timer, woken} | ({notice} if notice is not None else set())
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            return not self._woken.is_set()
        finally:
            timer.cancel()
            woken.cancel()

    def _period(self) -> float:
        spread = 1 + JITTER * (2 * self._ports.random() - 1)
        return 60 * self._ports.settings.sync_minutes * spread

    # --- what -----------------------------------------------------------------------------------

    async def _perform(self, run: Run) -> None:
        """Read the mailbox, several times if it must be; the run ends in the database."""
        self._run = run
        began = self._ports.monotonic()
        known = log.bind(sync_id=run.sync_id, account_id=run.account_id, provider=run.provider)
        known.info("sync begins")
        error = await self._try_and_try_again(run)
        self._run = None
        fatal = error is not None and not error.retryable
        self._due = None if fatal else self._ports.monotonic() + self._period()
        outcome = "failed" if error is not None else "completed"
        self._ports.metrics.syncs.labels(run.provider, outcome).inc()
        seconds = round(self._ports.monotonic() - began, 3)
        known.info("sync ended", outcome=outcome, error=error and str(error), seconds=seconds)

    async def _try_and_try_again(self, run: Run) -> ZenaError | None:
        """None when the mailbox was read, or else why it could not be."""
        progress = Progress(run, self._ports.announce, self._ports.monotonic)
        retries = iter(RETRIES)
        while (error := await self._try(run, progress)) is not None:
            await self._close()
            delay = next(retries, None) if error.retryable else None
            if delay is None:
                await self._ports.storage.write(fail_run, run, str(error), fatal=not error.retryable)
                return error
            log.info("sync waits", sync_id=run.sync_id, error=str(error), seconds=delay)
            self._woken.clear()
            await self._pause(delay)
        await self._follow(run)
        await self._ports.storage.write(complete_run, run)
        return None

    async def _follow(self, run: Run) -> None:
        """Have something made of the mail; if that fails it is made later, and the run is none the worse."""
        try:
            await self._ports.after_reading(run.user_id, run.command_id)
        except Exception:
            log.exception("what follows a reading failed", sync_id=run.sync_id, user_id=run.user_id)

    async def _try(self, run: Run, progress: Progress) -> ZenaError | None:
        try:
            async with self._slots:
                reading = Reading(self._ports, run, await self._opened(), progress)
                await reading.read()
                threads, messages = len(progress.threads), reading.messages
                log.info("mailbox read", sync_id=run.sync_id, threads=threads, messages=messages)
        except ZenaError as error:
            return error
        except Exception:
            log.exception("reading failed", sync_id=run.sync_id, account_id=run.account_id)
            return MailboxUnreachable("The mailbox could not be read; the server's log says why.")
        return None

    async def _opened(self) -> OpenMailbox:
        if self._mailbox is not None:
            return self._mailbox
        kept = await self._ports.storage.read(find_kept, self._account_id)
        if kept is None:
            raise NotFound("The account was removed.")
        connector = self._ports.open_connector(kept.account, self._opening(kept))
        self._mailbox = OpenMailbox(connector, self._account_id)
        await self._mailbox.call(connector.open)
        return self._mailbox

    def _opening(self, kept: Kept) -> Mailbox:
        try:
            return unseal_mailbox(self._ports.vault, kept.sealed)
        except ConfigurationError as error:  # the operator's to read; its user can only connect it again
            log.warning("credential lost", account_id=self._account_id, error=str(error))
            raise MailboxRefused(
                "The stored credential cannot be read any more; connect the mailbox again."
            ) from None

    # --- the end --------------------------------------------------------------------------------

    async def _close(self) -> None:
        mailbox, self._mailbox = self._mailbox, None
        if mailbox is not None:
            await mailbox.close()

    async def _end_unfinished(self) -> None:
        if self._run is not None:
            await self._ports.storage.write(interrupt_run, self._run)
            self._ports.metrics.syncs.labels(self._run.provider, "interrupted").inc()
            self._run = None


def _request_own(tx: Transaction, account_id: str, sync_id: str) -> bool:
    """Ask for a run as a command would; False once the account is removed."""
    kept = find_kept(tx, account_id)
    if kept is None:
        return False
    request_sync(tx, kept.account, sync_id)
    return True
